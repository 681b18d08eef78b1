"""Random networks: any acyclic wiring of any layers, as Hypothesis draws and shrinks it."""

import functools

from hypothesis import strategies as st

from .. import layers
from ..network import Network
from .fuzzing import inputs_of, layouts, output_shape, smallest, targets_for
from .recipes import LAYERS, LOSSES, alone, equals, image, layers_of, row, sequence
from .trials import Trial, spread, wired

SCORED = [kind for kind, (outputs, _) in LOSSES.items() if spread in outputs]
"""The losses that take outputs of any size."""


class _Draft:
    """A network while it is drawn: its layers, its wiring and the shapes of its values."""

    def __init__(self, in_shapes):
        self.layers, self.steps, self.inputs = [], [], len(in_shapes)
        self.shapes = list(in_shapes)
        self.at = {}  # what a layer was first given: it can stand again where it is given the same
        self.wanted = {}  # for each value that is read, whether as whole numbers

    def add(self, layer, *values):
        """Add a layer, or one that is there already, if it takes the values; return the new one."""
        given = [self.shapes[value] for value in values]
        wanted = {value: k in layer.integer_inputs for k, value in enumerate(values)}
        computed = [value for value, whole in wanted.items() if whole and value >= self.inputs]
        shape = output_shape(layer, given)
        # The layer is kept beside what it was given: a number that is free goes to another one.
        _, before = self.at.setdefault(id(layer), (layer, given))
        if shape is None or before != given or computed:
            return None
        if any(self.wanted.get(value, whole) != whole for value, whole in wanted.items()):
            return None
        self.wanted.update(wanted)
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
