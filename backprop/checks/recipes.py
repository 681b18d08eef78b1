"""What the layers and losses of the package can be made with and given, for random trials of them.

All sizes are tiny: a mistake in a derivative shows at size 2 as well as at size 200, and there it
is found sooner and read more easily.
"""

import math
from typing import Any, NamedTuple

from hypothesis import reject
from hypothesis import strategies as st

from .. import initializers, layers, losses
from .trials import shares, spread, tied

# Shapes of inputs, with the batch axis: a tuple of one shape for each input

seeds = st.integers(0, 99)  # small numbers, as Hypothesis looks for larger ones in source files
few = st.integers(1, 3)
some = st.integers(1, 5)
row = st.tuples(few, few)
sequence = st.tuples(few, st.integers(1, 4), few)
image = st.tuples(st.integers(1, 2), some, some, st.integers(1, 2))
anything = st.one_of(row, sequence, image)


def alone(shapes):
    """Return the strategy of one input with a shape from `shapes`."""
    return st.tuples(shapes)


def of_sequences(layer):
    """Return for a recurrent layer the strategy of sequences, with initial states or not."""
    widths = _state_widths(layer)

    def shapes(drawn):
        (N, T, D), stated = drawn
        states = [(N, H) for H in widths] if stated else []
        return ((N, T, D), *states, *[(N, T)] * layer.masked)

    return st.tuples(sequence, st.booleans()).map(shapes)


def _state_widths(layer):
    if isinstance(layer, layers.Bidirectional):
        one, other = map(_state_widths, layer.layers[:2])
        return [*one, *other] if len(one) == len(other) else []
    return [layer.units] * (2 if isinstance(layer, layers.LSTM) else 1)


def as_many(layer):
    """Return for a Reshape the strategy of inputs that hold as many numbers as its outputs."""
    turned = st.sampled_from([layer.shape, layer.shape[::-1], (math.prod(layer.shape),)])
    return alone(st.tuples(few, turned).map(lambda pair: (pair[0], *pair[1])))


equals = st.tuples(anything, st.integers(2, 3)).map(lambda pair: (pair[0],) * pair[1])
beside = st.tuples(anything, st.lists(few, min_size=2, max_size=3)).map(
    lambda pair: tuple((*pair[0][:-1], D) for D in pair[1])
)

# Settings: the simplest value first, as Hypothesis shrinks towards it


def can_be_drawn_from(values):
    """Whether `values` is a strategy, or a list of at least one value."""
    listed = isinstance(values, list | tuple) and len(values) > 0
    return listed or isinstance(values, st.SearchStrategy)


def one_from(values):
    """Return the strategy of one of several values; a strategy is one already."""
    return values if isinstance(values, st.SearchStrategy) else st.sampled_from(values)


@st.composite
def layers_of(draw, kind, settings):
    """Draw a layer of the class `kind`, from lists or strategies of its settings."""
    drawn = {name: draw(one_from(values)) for name, values in settings.items()}
    try:
        return kind(**drawn)
    except ValueError:  # settings that do not go together
        reject()


EITHER = [False, True]
UNITS = [1, 2, 3]
PLACES = [1, 2, 3, (1, 2), (2, 1), (1, 3), (3, 2)]
APART = [1, 2, (1, 2), (3, 1)]
PADDING = [0, 1, 2, (0, 1), (2, 1), "valid", "same"]
INIT = [initializers.Glorot(), initializers.Normal(0.2, 0.5), initializers.Orthogonal(0.7)]
BIAS = [initializers.Zeros(), initializers.Normal(0.2, 0.5)]


def recurrent(reverse):
    """Return the strategy of recurrent layers that read in one direction."""
    kinds = st.sampled_from([layers.RNN, layers.LSTM, layers.GRU])
    settings = {"units": UNITS, "reverse": [reverse], "masked": EITHER}
    return kinds.flatmap(lambda kind: layers_of(kind, settings))


class Recipe(NamedTuple):
    """What trials of a layer are made of."""

    settings: dict[str, Any] = {}
    """For each argument of the constructor, a list of values or a strategy."""
    shapes: Any = alone(anything)
    """A strategy of shapes, or a function from a layer to one."""


LINEAR = {"bias": EITHER, "init": INIT, "bias_init": BIAS}
WINDOW = {"size": PLACES, "stride": APART, "padding": PADDING, "dilation": APART}
NORMAL = {"gamma_init": [initializers.Constant(1), *BIAS], "beta_init": BIAS}
RECURRENT = {
    "units": UNITS,
    "reverse": EITHER,
    "masked": EITHER,
    "init": INIT,
    "recurrent_init": INIT,
}
POOL = {"size": PLACES, "stride": [None, *APART], "padding": PADDING}
LAYERS = {
    layers.Dense: Recipe({"units": UNITS, **LINEAR}),
    layers.Conv2D: Recipe({"filters": UNITS, **WINDOW, "flip": EITHER, **LINEAR}, alone(image)),
    layers.ConvTranspose2D: Recipe(
        {"filters": UNITS, **WINDOW, "output_padding": [0, 1, (1, 0), (0, 2)], **LINEAR},
        alone(image),
    ),
    layers.DepthwiseConv2D: Recipe({**WINDOW, "multiplier": UNITS, **LINEAR}, alone(image)),
    layers.MaxPool: Recipe(POOL, alone(image)),
    layers.AvgPool: Recipe({**POOL, "count_include_pad": EITHER}, alone(image)),
    layers.GlobalMaxPool: Recipe({}, alone(image)),
    layers.GlobalAvgPool: Recipe({}, alone(image)),
    layers.RNN: Recipe(
        {**RECURRENT, "activation": ["tanh", "relu"], "bias_init": BIAS}, of_sequences
    ),
    layers.LSTM: Recipe({**RECURRENT, "forget_bias": [1.0, 0.0, -1.0]}, of_sequences),
    layers.GRU: Recipe(
        {**RECURRENT, "reset_after": [True, False], "bias_init": BIAS}, of_sequences
    ),
    layers.Bidirectional: Recipe(
        {
            "forward_layer": recurrent(False),
            "backward_layer": st.one_of(st.none(), recurrent(True)),
            "last": EITHER,
        },
        of_sequences,
    ),
    layers.Embedding: Recipe({"count": [1, 2, 5], "units": UNITS, "init": INIT}),
    layers.LayerNorm: Recipe(
        {"epsilon": [1e-5, 0.1], "scale": EITHER, "shift": EITHER, **NORMAL}, alone(anything)
    ),
    layers.BatchNorm: Recipe({"keep": [0.9, 0.0], "epsilon": [1e-5, 0.1], **NORMAL}),
    layers.Softmax: Recipe(),
    layers.Identity: Recipe(),
    layers.Sigmoid: Recipe(),
    layers.Tanh: Recipe(),
    layers.ReLU: Recipe(),
    layers.LeakyReLU: Recipe({"slope": [0.01, 0.3, -0.2, 0.0, 1.0]}),
    layers.PReLU: Recipe({"init": [initializers.Constant(0.25), *BIAS], "shared": EITHER}),
    layers.ELU: Recipe({"alpha": [1.0, 0.7, 2.0, 0.0]}),
    layers.SELU: Recipe(),
    layers.GELU: Recipe(),
    layers.Softplus: Recipe(),
    layers.Softsign: Recipe(),
    layers.SiLU: Recipe(),
    layers.Dropout: Recipe({"rate": [0.5, 0.0, 0.2, 0.9]}),
    layers.Flatten: Recipe({"order": ["C", "columns"]}),
    layers.Reshape: Recipe({"shape": [(1,), 2, (3, 2), (2, 1, 3)]}, as_many),
    layers.Last: Recipe({"reverse": EITHER}, alone(sequence)),
    layers.Add: Recipe({}, equals),
    layers.Concat: Recipe({}, beside),
}

# Losses: functions that make the outputs, and the targets in the shape of the outputs

LOSSES = {
    losses.SoftmaxCrossEntropy: ((spread, tied), (shares,)),
    losses.CrossEntropy: ((shares,), (shares,)),
    losses.LogisticCrossEntropy: ((spread, tied), (shares,)),
    losses.BinaryCrossEntropy: ((shares,), (shares,)),
    losses.MeanSquaredError: ((spread, tied), (spread, tied)),
    losses.HalfSquaredError: ((spread, tied), (spread, tied)),
}
