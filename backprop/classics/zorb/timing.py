r"""ZORB, the timing: how long Adam takes to get as far, and what is in the factor of 300.

**The authors' rule.** Adam runs until its training error is below the one that ZORB ended with, and
the two times are compared. But their loop evaluates the whole training set after every update, and
does so inside the timed region. With $I$ updates of $t_u$ seconds and an evaluation of $t_e$
seconds, their quotient is

$$ \frac{I\,(t_u + t_e)}{t_{\text{ZORB}}} = \frac{I\,t_u}{t_{\text{ZORB}}}
   \Bigl(1 + \frac{t_e}{t_u}\Bigr). $$

An update is a pass over 32 examples, an evaluation one over $N$. Forwards and backwards is three
times the work of forwards, so $t_e / t_u$ comes near $N / 96$ where examples are what costs, and
stays below it where an update has much to do whatever the batch is, as with millions of parameters.
An independent computation of the experiment on MNIST (11 layers, 60 000 images, 5 000 updates, two
cores) found 204 s for ZORB and 297 s for Adam's updates alone, after which Adam's training error
was 0.102 and ZORB's 0.080: it had not got there. One evaluation took 9.9 s, so that 5 000 of them
take 49 500 s, which is 120 to 260 times ZORB's time, with and without ZORB's own evaluations. The
published factor of 300 is of the size that the evaluations alone produce. This is our inference;
the authors do not say so.

**The protocol here.** Both begin with the same weights, in float64, on the same cores. ZORB: the
time of one `fit_zorb`, the passes forward that it makes included. Adam: sum of squares, random
batches of 32, until the training error is below ZORB's or `most` updates are done. After every
update the whole training set is evaluated, and two clocks run: one for the updates, one for the
evaluations. Adam's learning rate is not tuned for it. How many updates Adam needs depends on little
but the seed; the seconds depend on the machine, so nothing here is asserted about them.
"""

import time
from typing import NamedTuple

import numpy as np

from ...data import load_data
from ...errors import whole
from ...layers import Softmax, Tanh
from ...losses import HalfSquaredError
from ...optimizers import Adam
from ...training import TrainStep
from .experiments import chain, error, images, sinc_data, sinc_network
from .method import fit_zorb


class Race(NamedTuple):
    """What a race between the two came to. All times are seconds."""

    zorb: float
    """The time of ZORB."""
    zorb_error: float
    """Its training error at the end."""
    updates: int
    """How many updates Adam made."""
    reached: bool
    """Whether its training error fell below ZORB's."""
    adam_error: float
    """Its least training error."""
    updating: float
    """The time of its updates."""
    evaluating: float
    """The time of the evaluations of the training set after each of them."""

    @property
    def fair(self):
        """How many times ZORB's time Adam's updates take."""
        return self.updating / self.zorb

    @property
    def inflated(self):
        """The same with the evaluations inside the timed region, as the authors have it."""
        return (self.updating + self.evaluating) / self.zorb


def race(network, x, y, *, rate, most, seed=0):
    """Return the Race of ZORB and Adam on a built network, which is left as Adam trained it.

    Shapes: x (N, ...), y (N, ...).

    Args:
        network: what `fit_zorb` takes.
        x: the inputs.
        y: the targets.
        rate: Adam's.
        most: after how many updates Adam is stopped.
        seed: of the batches, and of what ZORB draws.

    Raises:
        ValueError: `most` is not a whole number of at least 1, or what `fit_zorb` raises.
    """
    whole("race", "most", most)
    rng = np.random.default_rng(seed)
    start = time.perf_counter()
    trained = fit_zorb(network, x, y, rng=rng)
    zorb = time.perf_counter() - start
    goal = error(trained.predict(x), y)
    step = TrainStep(network, HalfSquaredError(reduction="sum"), Adam(rate))
    updating = evaluating = 0.0
    errors = []
    while len(errors) < most and not (errors and errors[-1] < goal):
        batch = rng.integers(len(x), size=32)
        start = time.perf_counter()
        step(x[batch], y[batch])
        middle = time.perf_counter()
        errors.append(error(network.predict(x), y))
        updating += middle - start
        evaluating += time.perf_counter() - middle
    reached = errors[-1] < goal
    return Race(zorb, goal, len(errors), reached, min(errors), updating, evaluating)


def sinc_race(*, most=500, seed=0):
    """Return the Race on sinc: 200 and 200 sigmoids, 2 000 examples, rate 0.01."""
    network = sinc_network()
    network.build((1,), rng=seed, dtype=np.float64)
    return race(network, *sinc_data(10, last=False), rate=0.01, most=most, seed=seed)


def digits_race(*, most=2000, seed=0):
    """Return the Race on the package's digits: 48 and 32 tanh, a softmax, rate 0.001."""
    (x, y), _ = images(load_data("digits"))
    network = chain(64, [(48, Tanh), (32, Tanh), (10, None)], [Softmax()])
    network.build((64,), rng=seed, dtype=np.float64)
    return race(network, x.reshape(len(x), -1), y, rate=0.001, most=most, seed=seed)
