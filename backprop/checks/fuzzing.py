"""Random trials of layers and losses, as Hypothesis draws and shrinks them."""

import contextlib
import copy
import inspect
import random
from typing import Any

from hypothesis import HealthCheck, Phase, assume, find, given
from hypothesis import seed as seeded
from hypothesis import settings as runs
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException, Unsatisfiable

from .recipes import (
    LAYERS,
    LOSSES,
    alone,
    anything,
    few,
    layers_of,
    row,
    seeds,
    sequence,
)
from .trials import LAYOUTS, Numbers, Trial, ids, spread, tied

layouts = st.sampled_from(LAYOUTS)


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
