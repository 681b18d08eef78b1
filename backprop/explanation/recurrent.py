"""What recurrent layers put together between their tagged lines.

Their docstrings have it in words: the two shares of a masked step's delta are summed, after the
last round `dh` is the gradient of the state that the layer began with, and the GRU's `dWh` is made
of two parts that lie side by side.
"""

import itertools

from ..layers.gru import GRU
from ..layers.lstm import LSTM
from ..layers.rnn import RNN


def blended(run, record):
    """Return the lines whose sum `blend_backward` was given when `record` ran inside it.

    They are the one that made the state's delta, and the one that kept a share for this step.
    """
    states = _states(run.layer(record.steps))
    every = run.of(record.steps, "backward")
    before = list(itertools.takewhile(lambda one: one is not record, every))
    name = "dc" if states == 2 and record.round % 2 == 0 else "dh"
    made = [one for one in before if one.name == name]
    kept = [one for one in before if (one.name, one.round) == ("dold", record.round - states)]
    return made[-1:] + kept


def of_input(run, steps, position, index):
    """Return (record, index) of the lines whose sum is an entry of a further input's gradient."""
    layer = run.layer(steps)
    if not isinstance(layer, RNN | LSTM | GRU) or position == 0:
        return []
    every, states = run.of(steps, "backward"), _states(layer)
    if layer.masked and position == len(run.call(steps, "forward").given) - 1:
        n, t = index
        step = t if not layer.reverse else run.call(steps, "forward").given[0].shape[1] - 1 - t
        made = [one for one in every if one.name == "dm"]
        last = len(made) - states * step
        return [(one, (n, 0)) for one in made[last - states : last]]
    name = ("dh", "dc")[position - 1]
    made = [one for one in every if one.name == name]
    kept = [one for one in every if one.name == "dold"]
    kept = kept[len(kept) - states :][position - 1 : position]
    return [(one, index) for one in made[-1:] + kept]


def of_parameter(run, steps, shape, index):
    """Return (record, index) of the line that made an entry of GRU's `dWh`; None of other ones."""
    layer = run.layer(steps)
    if not isinstance(layer, GRU) or shape != layer.Wh.shape:
        return None
    gates = 2 * layer.units
    name, column = ("dW_rz", 0) if index[1] < gates else ("dW_n", gates)
    record = next(one for one in run.of(steps, "backward") if one.name == name)
    return record, (index[0], index[1] - column)


def _states(layer):
    """Return how many states a step hands on."""
    return 2 if isinstance(layer, LSTM) else 1
