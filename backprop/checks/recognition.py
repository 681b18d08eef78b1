"""Which kind of subject a thing is."""

import copy
import inspect

import numpy as np

from ..errors import expects
from ..layer import Layer
from .ours import OfLayer, OfLoss, UnderLoss
from .styles import Function, Method, OnSelf, Pair, WithCache
from .subjects import Subject


def subject_of(
    thing, inputs, loss=None, target=None, rng: np.random.Generator | int = 0
) -> Subject:
    """Return the subject that `thing` is, reading `inputs`.

    Raises:
        TypeError: `thing` is none of the kinds that `subjects.py` lists.
        ValueError: no inputs, or empty or non-finite ones.
    """
    if isinstance(thing, Subject):
        subject = thing.bind(inputs)
    elif isinstance(thing, Layer):
        subject = OfLayer(thing, rng).bind(inputs)
    elif isinstance(thing, tuple) and len(thing) == 2 and all(map(callable, thing)):
        subject = _of_functions(*thing, inputs)
    elif not isinstance(thing, type) and _has_passes(thing):
        subject = _of_object(thing, inputs, loss, target).bind(inputs)
    elif inspect.ismethod(thing) and not isinstance(thing.__self__, type):
        subject = Method(thing).bind(inputs)
    elif callable(thing) and not isinstance(thing, type):
        subject = Function(thing).bind(inputs)
    else:
        what = "a layer, an object with forward and backward, or a function and its gradient"
        raise expects("gradcheck", what, repr(thing), TypeError)
    if loss is None:
        return subject
    if not subject.takes_delta:
        raise expects("gradcheck", "a layer below the loss", repr(thing), TypeError)
    under = UnderLoss(subject, loss, target)
    under.find_params()
    return under


def _of_object(thing, inputs, loss, target):
    """Tell a loss, a layer with a cache and one with its state on self from each other."""
    if target is not None and loss is None:
        return OfLoss(thing, target)
    try:
        inspect.signature(thing.forward).bind(*inputs)
    except TypeError:
        what = "as many inputs as forward takes, and target= for a loss"
        raise expects("gradcheck", what, f"{len(inputs)} for {thing!r}") from None
    if _required(thing.backward) < 2:
        return OnSelf(thing)
    # Settings may stand where a cache would: forward tells whether there is one.
    returns_cache = isinstance(copy.deepcopy(thing).forward(*copy.deepcopy(inputs)), tuple)
    return WithCache(thing) if returns_cache else OnSelf(thing)


def _required(function):
    """Return how many arguments `function` needs, by their position."""
    every = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in kinds and each.default is each.empty for each in every)


def _of_functions(first, second, inputs):
    """Tell forward and backward from a function and its gradient."""
    pair = Pair(first, second).bind(inputs)
    returns_cache = isinstance(first(*pair.copy().call()), tuple)
    return pair if returns_cache else Function(first, second).bind(inputs)


def _has_passes(thing):
    return all(callable(getattr(thing, name, None)) for name in ("forward", "backward"))
