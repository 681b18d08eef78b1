"""Random trials of every layer and loss, and of random networks, to draw and to shrink.

LAYERS and LOSSES say what the constructors of the package can be called with, and what inputs can
be; `trials` makes a strategy of that. All sizes are tiny: a mistake in a derivative shows at size 2
as well as at size 200, and there it is found sooner and read more easily.
"""

import contextlib
import copy
import functools
import inspect
import math
import random
from typing import Any, NamedTuple

from .. import initializers, layers, losses
from ..errors import expects
from ..network import Network
from .trials import LAYOUTS, Numbers, Trial, ids, shares, spread, tied, wired

try:
    from hypothesis import HealthCheck, Phase, assume, find, given, reject
    from hypothesis import seed as seeded
    from hypothesis import settings as runs
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException, Unsatisfiable
except ImportError:
    what = 'Hypothesis, as pip install "explicit-backprop[certify]" brings it'
    raise expects("certify", what, "none", ImportError) from None

# Shapes of inputs, with the batch axis: a tuple of one shape for each input

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


@st.composite
def trials(draw, of_layers, shapes: Any = alone(anything)):
    """Draw a Trial of a layer, on shapes that it accepts; `shapes` may be a function of it."""
    layer = draw(of_layers)
    given = draw(shapes(layer) if callable(shapes) else shapes)
    assume(output_shape(layer, [shape[1:] for shape in given]) is not None)
    make = draw(st.sampled_from([spread, tied]))
    return Trial(layer, *inputs_of(draw, layer, make, given), layout=draw(layouts))


def trials_of(kind):
    """Return the strategy of Trials of a layer of the package."""
    recipe = LAYERS[kind]
    return trials(layers_of(kind, recipe.settings), recipe.shapes)


layouts = st.sampled_from(LAYOUTS)
seeds = st.integers(0, 99)


def inputs_of(draw, layer, make, shapes):
    """Draw Numbers of these shapes that `make` makes, whole numbers where the layer wants such."""
    seed = draw(seeds)
    inputs = []
    for k, shape in enumerate(shapes):
        makes, more = make, ()
        if k in layer.integer_inputs:
            makes, more = ids, (int(min(layer.integers_below(k), 9)),)
        inputs.append(Numbers(makes, shape, seed + k, *more, layout=draw(layouts)))
    return inputs


def output_shape(layer, in_shapes):
    """Return the shape of a layer's outputs, or None if it refuses inputs of `in_shapes`."""
    layer = copy.deepcopy(layer)
    try:
        inspect.signature(layer.build).bind(*in_shapes)
    except TypeError:
        return None
    try:
        return layer.build(*in_shapes, rng=0)
    except ValueError:
        return None


# Losses: functions that make the outputs, and the targets in the shape of the outputs

LOSSES = {
    losses.SoftmaxCrossEntropy: ((spread, tied), (shares,)),
    losses.CrossEntropy: ((shares,), (shares,)),
    losses.LogisticCrossEntropy: ((spread, tied), (shares,)),
    losses.BinaryCrossEntropy: ((shares,), (shares,)),
    losses.MeanSquaredError: ((spread, tied), (spread, tied)),
    losses.HalfSquaredError: ((spread, tied), (spread, tied)),
}
SCORED = [kind for kind, (outputs, _) in LOSSES.items() if spread in outputs]


@st.composite
def targets_for(draw, kind, shape):
    """Draw a loss of the class `kind`, and Numbers for its target: rows or classes."""
    loss = kind(reduction=draw(st.sampled_from(["mean", "sum"])))
    if shape[-1] > 1 and draw(st.booleans()):
        return loss, Numbers(ids, shape[:-1], draw(seeds), shape[-1], layout=draw(layouts))
    make = draw(st.sampled_from(LOSSES[kind][1]))
    return loss, Numbers(make, shape, draw(seeds), layout=draw(layouts))


@st.composite
def loss_trials(draw, kind):
    """Draw a Trial of a loss of the class `kind`."""
    shape = draw(st.one_of(st.tuples(few), row, sequence))
    y = Numbers(draw(st.sampled_from(LOSSES[kind][0])), shape, draw(seeds), layout=draw(layouts))
    loss, target = draw(targets_for(kind, shape))
    return Trial(loss, y, target=target)


# Networks


class _Draft:
    """A network while it is drawn: its layers, its wiring and the shapes of its values."""

    def __init__(self, in_shapes):
        self.layers, self.steps, self.inputs = [], [], len(in_shapes)
        self.shapes = list(in_shapes)
        self.at = {}  # what a layer was first given: it can stand again where it is given the same

    def add(self, layer, *values):
        """Add a layer, or one that is there already, if it takes the values; return the new one."""
        given = [self.shapes[value] for value in values]
        shape = output_shape(layer, given)
        if shape is None or self.at.setdefault(id(layer), given) != given:
            return None
        if layer not in self.layers:
            self.layers.append(layer)
        self.steps.append((self.layers.index(layer), *values))
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def close(self):
        """Read whatever nobody has read yet, side by side, so that there is one output."""
        read = {value for _, *values in self.steps for value in values}
        loose = [value for value in range(len(self.shapes)) if value not in read]
        if len(loose) > 1:
            flat = [self.add(layers.Flatten(), value) for value in loose]
            self.add(layers.Concat(), *flat)
        elif not self.steps:
            self.add(layers.Identity(), 0)

    def network(self):
        """Return the Network, not built."""
        return wired(self.layers, *self.steps, inputs=self.inputs)


@st.composite
def networks(draw):
    """Draw a Trial of a random acyclic network, with or without a loss on top.

    Values are read once or several times, layers stand once or several times, some are networks.
    """
    shapes = draw(st.one_of(*map(alone, (row, sequence, image, image)), equals))
    draft = _Draft([shape[1:] for shape in shapes])
    for _ in range(draw(st.integers(1, 6))):
        # Counted from the newest, and mostly the newest: what shrinks is a chain.
        back = draw(st.one_of(st.just(0), st.integers(0, len(draft.shapes) - 1)))
        value = len(draft.shapes) - 1 - back
        layer = draw(_parts(len(draft.shapes[value]), draft.layers))
        merges = isinstance(layer, layers.Add | layers.Concat)
        more = [draw(st.integers(0, len(draft.shapes) - 1))] * merges
        draft.add(layer, value, *more)
    draft.close()
    net = draft.network()
    inputs = inputs_of(draw, net, spread, shapes)
    if draw(st.booleans()):
        kind = draw(st.sampled_from(SCORED))
        loss, target = draw(targets_for(kind, (shapes[0][0], *draft.shapes[-1])))
        return Trial(net, *inputs, loss=loss, target=target)
    return Trial(net, *inputs, layout=draw(layouts))


def _parts(rank, present):
    """Return the strategy of a layer for examples with `rank` axes.

    It is a new one, rather one that takes no fewer axes; one that is there; or a network.
    """
    kinds = _kinds_for(rank)
    special = [kind for kind in kinds if kind not in _kinds_for(1)] or kinds
    one = lambda kinds: st.sampled_from(kinds).flatmap(_layers_by_recipe)  # noqa: E731
    nested = st.tuples(one(special), one(kinds)).map(Network)
    again = [st.sampled_from(present)] if present else []
    return st.one_of(one(special), one(kinds), nested, *again)


def _layers_by_recipe(kind):
    return layers_of(kind, LAYERS[kind].settings)


@functools.cache
def _kinds_for(rank):
    """Return the layers that take examples with `rank` axes, alone or twice."""
    shape = (3,) * rank
    return [
        kind
        for kind, recipe in LAYERS.items()
        for layer in [smallest(layers_of(kind, recipe.settings), lambda layer: True, seed=0)]
        if any(output_shape(layer, [shape] * count) for count in (1, 2))
    ]


# Running


def settings_of(examples, **more):
    """Return Hypothesis settings under which a run is the same run every time."""
    usual = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    return runs(max_examples=examples, **{**usual, **more})


def some_of(strategy, examples, seed):
    """Return what a strategy draws, up to `examples` times."""
    drawn = []

    @seeded(seed)
    @settings_of(examples, phases=[Phase.generate])
    @given(strategy)
    def collect(value):
        drawn.append(value)

    with contextlib.suppress(Unsatisfiable):
        collect()
    return drawn


def smallest(strategy, fails, seed):
    """Return the smallest that a strategy draws of what fails, or None if nothing did this time."""
    how = settings_of(300, phases=[Phase.generate, Phase.shrink])
    try:
        return find(strategy, fails, settings=how, random=random.Random(seed))
    except HypothesisException:
        return None
