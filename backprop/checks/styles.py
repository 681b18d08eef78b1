"""The four styles in which other people write a derivative."""

import numpy as np

from .parameters import SPELLINGS, TABLES, argument_names, attribute, by_name, first, found_params
from .subjects import Subject


class WithCache(Subject):
    """A thing whose passes hand over a cache: every layer of this package, and any like it.

    `forward(*inputs)` returns `(y, cache)`; `backward(delta, cache)` returns `(dx, grads)`, `dx`
    being a tuple if there are several inputs, and `grads` a dict; or `(dx, dW, db)`; or `dx`.

    Args:
        thing: the layer.
        params: the names of the attributes that are parameters; found by itself if not given.
    """

    taken_for = "forward and backward with a cache"
    has_cache = True

    def __init__(self, thing, params=None):
        super().__init__(thing)
        self.named = params

    def find_params(self):
        self.params = found_params(self.thing, self.named)

    def _forward(self):
        both = self.thing.forward(*self.call())
        return both[0], both[1:]

    def backward(self, delta, cache):
        return self.sorted(self.thing.backward(delta, *cache))

    def sorted(self, returned):
        """Return what `backward` returned by the name of its tensor."""
        first, *rest = returned if isinstance(returned, tuple) else (returned,)
        if len(rest) == 1 and isinstance(rest[0], dict):
            of_inputs = first if isinstance(first, tuple) else (first,)
            return {**self.given(of_inputs), **by_name(rest[0], self.params)}
        names = [*self.inputs, *self.params]
        return dict(zip(names, (first, *rest), strict=False))


class OnSelf(Subject):
    """A layer that keeps what `backward` needs, and the gradients, on itself: most books' shape.

    `forward(x)` returns `y`, `backward(delta)` returns `dx`. The gradient of the parameter `W` is
    then looked for as `dW`, `d_W`, `grad_W`, `W_grad` and in a dict or list `grads`; parameters in
    a dict or list `params`, and else among the attributes that are arrays. An object with
    `zero_grad()` is told to forget earlier gradients before each `backward`.

    Args:
        thing: the layer.
        params: the names of its parameters, or a dict from them to the names of their gradients.
    """

    taken_for = "forward and backward with their state on self"

    def __init__(self, thing, params=None):
        super().__init__(thing)
        self.named = params

    def find_params(self):
        self.params = found_params(self.thing, self.named)

    def _forward(self):
        return self.thing.forward(*self.call()), ()

    def backward(self, delta, cache):
        for name in ("zero_grad", "zero_gradients", "zero_grads"):
            if callable(getattr(self.thing, name, None)):
                getattr(self.thing, name)()
        returned = self.thing.backward(delta)
        if returned is None:
            returned = next(
                (v for n in ("dx", "dX") if (v := attribute(self.thing, n)) is not None), None
            )
        of_inputs = returned if isinstance(returned, tuple) else (returned,)
        return {**self.given(of_inputs), **self.gradients()}

    def state(self):
        spelled = {form.format(name) for name in self.params for form in SPELLINGS[:-1]}
        own = {*self.params, *spelled, *TABLES, "params", "parameters", "dx", "dX"}
        return {name: value for name, value in vars(self.thing).items() if name not in own}

    def gradients(self):
        """Return the gradients that the last `backward` left."""
        found = {}
        for name in TABLES:
            table = attribute(self.thing, name)
            if isinstance(table, list | tuple) and len(table) == len(self.params):
                return dict(zip(self.params, table, strict=True))
            if isinstance(table, dict):
                found = by_name(table, self.params)
        for name in self.params:
            if isinstance(self.named, dict):
                found[name] = attribute(self.thing, self.named[name])
            elif name not in found:
                spelled = (form.format(name) for form in SPELLINGS[:-1])
                found[name] = first(attribute(self.thing, each) for each in spelled)
        return {name: value for name, value in found.items() if value is not None}


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
        returned = self.pullback(*deltas, *cache)
        first, *rest = returned if isinstance(returned, tuple) else (returned,)
        if len(rest) == 1 and isinstance(rest[0], dict):
            first_name = next(iter(self.inputs))
            return {first_name: first, **by_name(rest[0], self.inputs)}
        return self.given((first, *rest))


class Function(Subject):
    """A function of arrays that returns a number, and its gradient: SciPy's shape.

    Args:
        f: `f(*inputs)` returns a number; without `gradient`, the number and its gradient.
        gradient: `gradient(*inputs)` returns the gradient, a tuple of them for several inputs.
    """

    taken_for = "a function and its gradient"
    takes_delta = False

    def __init__(self, f, gradient=None):
        super().__init__(f)
        self.gradient = gradient

    def names_of(self, count):
        return argument_names(self.thing, count)

    def _forward(self):
        value = self.thing(*self.call())
        return (value if self.gradient else value[0]), ()

    def backward(self, delta, cache):
        call = self.call()
        returned = self.gradient(*call) if self.gradient else self.thing(*call)[1]
        if isinstance(returned, dict):
            return by_name(returned, self.inputs)
        return self.given(returned if isinstance(returned, tuple | list) else (returned,))
