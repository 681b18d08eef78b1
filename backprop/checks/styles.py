"""The styles in which other people write a derivative."""

import contextlib
from functools import cached_property

import numpy as np

from ..errors import expects
from .parameters import (
    argument_names,
    attributes,
    by_name,
    found_params,
    gradient_of,
    gradient_paths,
    is_in_table,
    resolve,
    slots,
)
from .subjects import Subject


class Foreign(Subject):
    """An object that keeps its parameters on itself, in ways of its own.

    Args:
        thing: the object.
        params: the names of its parameters, or a dict from them to the names of their gradients;
            found by itself if not given.
    """

    def __init__(self, thing, params=None):
        super().__init__(thing)
        self.named, self.slots, self.numbers, self.captured = params, {}, [], []

    def find_params(self):
        """Keep of all arrays those that have a gradient, or that the output depends on."""
        self.slots = found_params(self.thing, self.named)
        self.slots = {n: slot for n, slot in self.slots.items() if n not in self.inputs}
        self.params = {name: slot.array for name, slot in self.slots.items()}
        if self.named is not None:
            return
        trial, gradients = self.copy(), {}
        with np.errstate(all="ignore"):
            y, cache = trial.forward()
            # What forward makes anew is its state.
            kept = {n for n, s in self.slots.items() if trial.still_has(n, s)}
            with contextlib.suppress(Exception):  # the check itself will meet it, and tell
                gradients = trial.backward(np.ones_like(y, dtype=float), cache)
        gradients = {name: value for name, value in gradients.items() if value is not None}
        with_gradient = [self.params[name] for name in gradients if name in self.params]
        self.params = {
            name: value
            for name, value in self.params.items()
            if name in kept and (name in gradients or self._is_lacking(name, value, with_gradient))
        }
        self._leave_out_what_no_copy_reads(gradients)
        self.numbers = [n for n, v in attributes(self.thing).items() if _is_lone(trial.thing, n, v)]

    def still_has(self, name, slot):
        """Whether the parameter is still the array that this copy was given."""
        return any(resolve(self.thing, path) is self.params[name] for path in slot.paths)

    def _leave_out_what_no_copy_reads(self, gradients):
        """Forget parameters with a gradient that change nothing in a copy, which closures may do.

        A function that was made in the constructor holds the original's arrays, and so does that of
        a copy: there the parameter cannot be moved.
        """
        held = any(_is_closure(part) for part in attributes(self.thing).values())
        for name in list(self.params) if held else ():
            if np.any(gradients.get(name)) and not self.matters(name):
                del self.params[name]
                self.captured = [*self.captured, name]

    def _is_lacking(self, name, value, others):
        """Whether the output depends on an array that has no gradient, of its own or of others."""
        if value.dtype.kind != "f" or any(np.may_share_memory(value, each) for each in others):
            return False
        return self.matters(name)

    def gradients(self):
        """Return the gradients that the last `backward` left beside the parameters."""
        slots_ = {name: slot for name, slot in self.slots.items() if name in self.params}
        if isinstance(self.named, dict):
            there = {slot.name: slot.array for slot in slots(self.thing)}
            found = {name: there.get(self.named[name]) for name in slots_}
        else:
            found = {name: gradient_of(self.thing, slot.paths) for name, slot in slots_.items()}
        return {name: value for name, value in found.items() if value is not None}

    def hint(self, name, shape):
        """Return a sentence on what may be the gradient of a parameter that seems to have none."""
        one, before = self.copy(), {slot.name for slot in slots(self.thing)}
        y, cache = one.forward()
        one.backward(np.ones_like(y), cache)
        alike = [s.name for s in slots(one.thing) if s.array.shape == shape]
        alike = [other for other in alike if other not in before]
        what = f'params={{"{name}": "{alike[0]}"}}' if alike else "params=[...]"
        found = f"If it is {alike[0]}" if alike else f"If {name} is a constant"
        return f". {found}, say {type(self).__name__}(thing, {what})"


def _is_closure(value):
    return bool(getattr(value, "__closure__", None))


def _is_lone(thing, name, value):
    """Whether an attribute is a plain number that has a gradient."""
    number = isinstance(value, float | np.floating)
    return number and gradient_of(thing, [(name,)]) is not None


class WithCache(Foreign):
    """A thing whose passes hand over a cache: every layer of this package, and any like it.

    `forward(*inputs)` returns `(y, cache)`; `backward(delta, cache)` returns `(dx, grads)`, `dx`
    being a tuple if there are several inputs, and `grads` a dict; or `(dx, dW, db)`; or `dx`.
    Parameters are found as by `OnSelf`.
    """

    taken_for = "forward and backward with a cache"
    has_cache = True

    def _forward(self):
        both = self.thing.forward(*self.call())
        return both[0], both[1:]

    def backward(self, delta, cache):
        found = self.sorted(self.thing.backward(delta, *cache))
        return {**self.gradients(), **found}

    def sorted(self, returned):
        """Return what `backward` returned by the name of its tensor."""
        return _sorted(self, returned)


def _sorted(subject, returned):
    """Return gradients by the name of their tensor: a dict beside those of the inputs, or in turn.

    Those of parameters may come in an order of their own: shapes tell where they belong.
    """
    params = subject.params
    if isinstance(returned, dict):
        return by_name(returned, subject.tensors)
    every = _several(subject, returned)
    if every and isinstance(every[-1], dict):
        of_inputs = every[0] if isinstance(every[0], tuple) else every[:-1]
        return {**subject.given(of_inputs), **by_name(every[-1], params)}
    # Settings among the arguments have no gradient, and there may be no place kept for them.
    count = len(subject.arguments)
    if len(every) == len(subject.inputs) + len(params) > 1:
        count = len(subject.inputs)
    found, open_ = subject.given(every[:count]), dict(params)
    for gradient in every[count:]:
        alike = [name for name, value in open_.items() if value.shape == np.shape(gradient)]
        name = (alike or list(open_) or [None])[0]
        if name is not None:
            found[name] = gradient
            del open_[name]
    return found


def _several(subject, returned):
    """Return gradients as a tuple or list of them; a list of numbers or steps may be one array."""
    alone = isinstance(returned, list) and len(subject.inputs) == 1
    if alone and _shape(returned) == next(iter(subject.inputs.values())).shape:
        returned = np.asarray(returned)
    return returned if isinstance(returned, tuple | list) else (returned,)


def _shape(value):
    """Return the shape that a list would have as an array, or None if its parts differ."""
    try:
        return np.shape(value)
    except ValueError:
        return None


class OnSelf(Foreign):
    """A layer that keeps what `backward` needs, and the gradients, on itself: most books' shape.

    `forward(x)` returns `y`, `backward(delta)` returns `dx`. Parameters are the arrays among its
    attributes, in its dicts and lists, and in the objects it is made of. The gradient of `W` is
    then looked for beside it as `dW`, `d_W`, `grad_W`, `W_grad` and the like, and in a dict or list
    `grads`. An object with `zero_grad()` is told to forget earlier gradients before each
    `backward`.
    """

    taken_for = "forward and backward with their state on self"

    def _forward(self):
        y = self.thing.forward(*self.call())
        return (np.asarray(y) if isinstance(y, list) else y), ()

    def backward(self, delta, cache):
        for name in ("zero_grad", "zero_gradients", "zero_grads"):
            if callable(getattr(self.thing, name, None)):
                getattr(self.thing, name)()
        returned = self.thing.backward(delta)
        if returned is None:
            own = attributes(self.thing)
            returned = next((own[name] for name in ("dx", "dX") if name in own), None)
        return {**self.gradients(), **_sorted(self, returned)}

    @cached_property
    def _own_paths(self):
        """Where parameters and their gradients lie: what else there is, is state."""
        paths = [path for slot in self.slots.values() for path in slot.paths]
        return {*paths, *gradient_paths([*paths, ("x",), ("X",)])}

    def state(self):
        return {
            slot.name: slot.array
            for slot in slots(self.thing)
            if not any(path in self._own_paths or is_in_table(path) for path in slot.paths)
        }


class Pair(Subject):
    """Two functions, as in CS231n: `forward(x, w, b) -> y, cache`, `backward(delta, cache)`.

    All arrays of floats that forward is given are tensors; `backward` returns one gradient for
    each, in their order. Other arguments, such as a dict of settings, are passed along. A forward
    with several outputs returns them before the cache, and backward takes their deltas.
    """

    taken_for = "a pair of functions with a cache"
    has_cache = True

    def __init__(self, forward, backward):
        super().__init__(forward)
        self.pullback = backward
        self.shapes = None

    def names_of(self, count):
        return argument_names(self.thing, count)

    def _forward(self):
        *ys, cache = self.thing(*self.call())
        if len(ys) == 1:
            return ys[0], (cache,)
        self.shapes = [np.shape(y) for y in ys]
        return np.concatenate([np.ravel(y) for y in ys]), (cache,)

    def backward(self, delta, cache):
        deltas = (delta,)
        if self.shapes:
            ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
            parts = zip(np.split(delta, ends), self.shapes, strict=True)
            deltas = [part.reshape(shape) for part, shape in parts]
        return _sorted(self, self.pullback(*deltas, *cache))


class Function(Subject):
    """A function of arrays that returns a number, and its gradient: SciPy's shape.

    Args:
        f: `f(*inputs)` returns a number; without `gradient`, the number and its gradient.
        gradient: `gradient(*inputs)` returns the gradient, a tuple of them for several inputs.
    """

    taken_for = "a function and its gradient"
    takes_delta = False
    may_leave_out = True

    def __init__(self, f, gradient=None):
        super().__init__(f)
        self.gradient = gradient

    def names_of(self, count):
        return argument_names(self.thing, count)

    def _forward(self):
        value = self.thing(*self.call())
        if self.gradient is None and not isinstance(value, tuple | list):
            what = "a function that returns its value and its gradient, or a pair of functions"
            raise expects("gradcheck", what, f"{self.name}, which returns one number", TypeError)
        return (value if self.gradient else value[0]), ()

    def backward(self, delta, cache):
        call = self.call()
        returned = self.gradient(*call) if self.gradient else self.thing(*call)[1]
        if isinstance(returned, dict):
            return by_name(returned, self.inputs)
        return self.given(_several(self, returned))


class Method(Foreign):
    """A method that returns a number and its gradients, as `net.loss(X, y)` does in CS231n.

    The parameters are those of the object that it belongs to, found as by `OnSelf`; the gradients
    are a dict by their names, or lie beside them.

    Args:
        method: a bound method.
        params: the names of the parameters; found by itself if not given.
    """

    taken_for = "a method that returns a number and its gradients"
    takes_delta = False
    may_leave_out = True

    def __init__(self, method, params=None):
        super().__init__(method.__self__, params)
        self.method = method.__name__

    def names_of(self, count):
        return argument_names(getattr(self.thing, self.method), count)

    def _forward(self):
        return self._called()[0], ()

    def backward(self, delta, cache):
        *_, returned = self._called()
        table = returned if isinstance(returned, dict) else {}
        return {**self.gradients(), **by_name(table, self.tensors)}

    def _called(self):
        returned = getattr(self.thing, self.method)(*self.call())
        return returned if isinstance(returned, tuple) else (returned, None)
