"""The certificate of a layer: what the contract promises, tried on many configurations of it."""

import inspect

import numpy as np

from ..errors import expects, whole
from ..layer import Layer
from .certificate import Certificate, Outcome
from .promises import PROMISES


def certify(kind, settings=None, *, examples=200, shapes=None, seed=0):
    """Try a class of layers on many configurations and return its Certificate.

    Configurations are drawn from the settings, from the shapes, and from inputs with ties and zeros
    or without, in any order in memory; those that the layer refuses, by a ValueError from its
    constructor or from `build`, are left out. Each promise of the contract (`checks/promises.py`:
    true gradients, pure passes and so on) is tried on each of them, and where one is broken, the
    smallest configuration that breaks it is looked for. The same seed gives the same certificate.

    Args:
        kind: a class of layers.
        settings: for arguments of its constructor, a list of values or a Hypothesis strategy, the
            simplest value first; or a list of layers; or a function that makes a layer from a
            numpy Generator. None: the layer is made without arguments.
        examples: how many configurations to try.
        shapes: a list of shapes of inputs, with the batch axis, or a Hypothesis strategy of them; a
            layer with several inputs has a tuple of shapes in place of each. None: rows (N, D),
            sequences (N, T, D) and images (N, H, W, C), as far as `build` accepts them.
        seed: a whole number.

    Raises:
        TypeError: an argument is of another kind.
        ValueError: the layer refuses every configuration, or an argument cannot be.
        ImportError: Hypothesis is not installed.
    """
    if not (isinstance(kind, type) and issubclass(kind, Layer)):
        raise expects("certify", "a class of layers", repr(kind), TypeError)
    examples = whole("certify", "examples", examples)
    seed = whole("certify", "seed", seed, least=0)
    fuzzing, recipes = _with_hypothesis()
    of_layers = _layers(recipes, kind, settings)
    strategy = fuzzing.trials(of_layers, _shapes(recipes, shapes))
    drawn = fuzzing.some_of(strategy, examples, seed)
    if not drawn:
        what = f"settings and shapes that {kind.__name__} accepts"
        raise expects("certify", what, "none that it does")
    look = lambda fails: fuzzing.smallest(strategy, fails, seed)  # noqa: E731
    return Certificate(kind.__name__, seed, [_tried(each, drawn, look) for each in PROMISES])


def _with_hypothesis():
    """Return the modules that need Hypothesis, or raise ImportError that says how to get it."""
    try:
        import hypothesis  # noqa: F401
    except ImportError:
        what = 'Hypothesis, as pip install "explicit-backprop[certify]" brings it'
        raise expects("certify", what, "none", ImportError) from None
    from . import fuzzing, recipes

    return fuzzing, recipes


def _tried(promise, drawn, look):
    """Return the Outcome of trying a promise on what was drawn; `look` finds the smallest fault."""
    faults = [trial for trial in drawn if promise.fault(trial)]
    serious = [trial for trial in faults if not promise.excuse(trial.layer)]
    worst = serious or faults
    if not worst:
        return Outcome(str(promise), len(drawn))
    of_interest = lambda trial: not serious or not promise.excuse(trial.layer)  # noqa: E731
    smallest = look(lambda trial: of_interest(trial) and promise.fault(trial) is not None)
    smallest = smallest or min(worst, key=lambda trial: sum(x.size for x in trial.inputs()))
    failed, noted = len(serious), len(faults) - len(serious)
    return Outcome(str(promise), len(drawn), failed, noted, smallest, promise.fault(smallest))


def _layers(recipes, kind, settings):
    """Return the strategy of layers, or raise TypeError."""
    if callable(settings):
        return recipes.seeds.map(lambda seed: settings(np.random.default_rng(seed)))
    if isinstance(settings, list | tuple) and all(isinstance(each, kind) for each in settings):
        return recipes.one_from(settings)
    if settings is not None and not isinstance(settings, dict):
        what = f"settings by name, a list of {kind.__name__} or a function that makes one"
        raise expects("certify", what, repr(settings), TypeError)
    settings = settings or {}
    try:
        inspect.signature(kind).bind(**settings)
    except TypeError:
        what = f"settings that make a {kind.__name__}"
        raise expects("certify", what, ", ".join(settings) or "none", TypeError) from None
    for name, values in settings.items():
        if not recipes.can_be_drawn_from(values):
            what = f"a list of values or a Hypothesis strategy for {name}"
            raise expects("certify", what, repr(values), TypeError)
    return recipes.layers_of(kind, settings)


def _shapes(recipes, shapes):
    """Return the strategy of shapes, a tuple of one for each input, or raise TypeError."""
    if shapes is None:
        return recipes.alone(recipes.anything)
    if not recipes.can_be_drawn_from(shapes):
        what = "shapes to be a list or a Hypothesis strategy"
        raise expects("certify", what, repr(shapes), TypeError)
    strategy = recipes.one_from(shapes)
    if isinstance(shapes, list | tuple):
        for shape in shapes:
            _of_inputs(shape)
    return strategy.map(_of_inputs)


def _of_inputs(shape):
    """Return `((2, 3),)` for `(2, 3)`, and a tuple of shapes as it is."""
    several = isinstance(shape, list | tuple) and all(isinstance(s, list | tuple) for s in shape)
    inputs = tuple(map(tuple, shape)) if several else (shape,)
    for one in inputs:
        if not isinstance(one, list | tuple) or not one:
            raise expects("certify", "shapes such as (2, 3)", repr(one), TypeError)
        for axis in one:
            whole("certify", "an axis of an input's shape", axis)
    return tuple(map(tuple, inputs))
