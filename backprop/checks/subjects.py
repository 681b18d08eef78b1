r"""What can be checked: five ways in which people write a derivative, seen as one.

A *subject* is a function of named tensors, with its derivative coded by hand. Its tensors are live:
whoever changes one in place changes what the next pass computes, which is how a derivative is
estimated.

    y, cache = subject.forward()
    gradients = subject.backward(delta, cache)  # by tensor, as they came from the code

`gradcheck` finds out by itself which way a thing is written. To say it, or to name parameters that
are not found, hand it one of these instead of the thing:

| written as | example | adapter |
|---|---|---|
| `forward(x) -> y, cache`, `backward(delta, cache) -> dx, grads` | this package | `WithCache` |
| `forward(x) -> y`, `backward(delta) -> dx`, the rest on `self` | most books | `OnSelf` |
| two functions, `forward(x, w, b) -> y, cache` | CS231n | `Pair` |
| `f(x) -> number` and `gradient(x)`, or one function that returns both | SciPy | `Function` |
| `forward(y, target) -> loss, cache`, `backward(cache) -> delta` | losses here | `OfLoss` |
"""

import copy
import inspect

import numpy as np

from ..errors import expects
from ..layer import Layer

SPELLINGS = ("d{}", "d_{}", "grad_{}", "{}_grad", "grad{}", "g{}", "{}")
"""How people name the gradient of a parameter, beginning with the most usual."""
TABLES = ("grads", "gradients", "grad")
"""The attributes in which people keep a dict or a list of gradients."""


class Subject:
    """A function of tensors with its derivative; the adapters below are its kinds.

    `inputs` and `params` hold the tensors, by name; `constants` what is passed along and has no
    derivative: labels, settings, token ids.
    """

    taken_for = ""
    """What the thing was taken for, in the report."""
    takes_delta = True
    """Whether `backward` multiplies by a delta; that of a loss or a function begins with 1."""
    has_cache = False
    """Whether the passes hand over a cache, so that two of them can be in flight."""

    def __init__(self, thing):
        self.thing = thing
        self.inputs, self.params = {}, {}
        self.arguments = []  # in the order of the call: the name of a tensor, or a constant
        self.constants = {}
        self.seed = None

    @property
    def name(self):
        """What the thing is called."""
        thing = self.thing
        return getattr(thing, "__name__", None) or type(thing).__name__

    @property
    def tensors(self):
        """All tensors by name, the inputs first."""
        return {**self.inputs, **self.params}

    def bind(self, inputs):
        """Return a copy of the subject that reads `inputs`, arrays or constants."""
        twin = self.copy()
        names = twin.names_of(len(inputs))
        for position, (name, value) in enumerate(zip(names, inputs, strict=True)):
            if twin.is_constant(position, value):
                twin.constants[name] = value
            else:
                twin.inputs[name] = _checked(value)
        twin.arguments = list(names)
        if not twin.inputs and not twin.constants:
            raise expects("gradcheck", "one input or more", "none")
        twin.find_params()
        return twin

    def names_of(self, count):
        """Return the names of `count` inputs."""
        return ["x"] if count == 1 else [f"x{k}" for k in range(count)]

    def is_constant(self, position, value):
        """Whether an input has no derivative: only arrays of floats have one."""
        return not (isinstance(value, np.ndarray | list) and np.asarray(value).dtype.kind == "f")

    def find_params(self):
        """Find the parameters of the thing, as live arrays."""

    def astype(self, dtype):
        """Return a copy that computes in `dtype`."""
        return self.copy(dtype)

    def copy(self, dtype=None):
        """Return a copy that shares no array with this one."""
        twin = copy.copy(self)
        convert = lambda a: np.array(a, dtype=dtype or a.dtype)  # noqa: E731
        twin.inputs = {name: convert(x) for name, x in self.inputs.items()}
        twin.constants = copy.deepcopy(self.constants)
        twin.params = {name: convert(value) for name, value in self.params.items()}
        # Wherever the thing holds one of the arrays, its copy holds the new one; and where it keeps
        # others, say to write gradients into, they follow its parameters' type.
        new = {id(self.params[name]): value for name, value in twin.params.items()}
        if dtype is not None and np.dtype(dtype).kind == "f" and hasattr(self.thing, "__dict__"):
            for each in arrays(vars(self.thing)):
                if each.dtype.kind == "f":
                    new.setdefault(id(each), each.astype(dtype))
        twin.thing = copy.deepcopy(self.thing, new)
        return twin

    def call(self):
        """Return the arguments of a forward pass."""
        return [self.inputs[n] if n in self.inputs else self.constants[n] for n in self.arguments]

    def forward(self):
        """Return `y` and the cache."""
        if self.seed is not None:
            np.random.seed(self.seed)  # noqa: NPY002 -- foreign code draws from the global state
        return self._forward()

    def _forward(self):
        raise NotImplementedError

    def backward(self, delta, cache):
        """Return the gradients by the name of their tensor, as they came from the code."""
        raise NotImplementedError

    def state(self):
        """Return what a thing without a cache keeps on itself between its passes, by attribute."""
        return {}

    def given(self, gradients):
        """Return gradients in the order of the call by the name of the input they belong to."""
        names = [name for name in self.arguments if name in self.inputs]
        return dict(zip(names, gradients, strict=False))


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
        self.params = _found_params(self.thing, self.named)

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
            return {**self.given(of_inputs), **_by_name(rest[0], self.params)}
        names = [*self.inputs, *self.params]
        return dict(zip(names, (first, *rest), strict=False))


class OfLayer(WithCache):
    """A layer or Network of this package, or one that keeps its contract."""

    taken_for = "a layer"

    def __init__(self, layer, rng: np.random.Generator | int = 0):
        super().__init__(layer)
        self.rng = np.random.default_rng(rng)
        self.masks = int(self.rng.integers(2**32))

    @property
    def name(self):
        return type(self.thing).__name__

    def is_constant(self, position, value):
        return position in getattr(self.thing, "integer_inputs", ())

    def find_params(self):
        layer = self.thing
        try:
            built = layer.params is not None
        except ValueError:
            built = False
        if not built:
            shapes = [np.shape(value)[1:] for value in self.call()]
            layer.build(*shapes, rng=self.rng, dtype=np.float64)

    @property
    def params(self):
        """The parameters, wherever the layer has them now."""
        try:
            return self.thing.params
        except ValueError:
            return {}

    @params.setter
    def params(self, value):
        pass

    def copy(self, dtype=None):
        twin = copy.copy(self)
        twin.inputs = {n: np.array(x, dtype=dtype or x.dtype) for n, x in self.inputs.items()}
        twin.constants = copy.deepcopy(self.constants)
        twin.thing = copy.deepcopy(self.thing) if dtype is None else self.thing.astype(dtype)
        return twin

    def _forward(self):
        # The same masks in every pass: a layer that draws gets a new Generator of the same seed.
        draws = {"rng": np.random.default_rng(self.masks)} if self.thing.stochastic else {}
        y, cache = self.thing.forward(*self.call(), **draws)
        return y, (cache,)

    def sorted(self, returned):
        if not (isinstance(returned, tuple) and len(returned) == 2):
            return super().sorted(returned)
        dx, grads = returned
        every = dx if isinstance(dx, tuple) else (dx,)
        of_inputs = dict(zip(self.arguments, every, strict=False))
        of_inputs = {name: d for name, d in of_inputs.items() if name in self.inputs}
        return {**of_inputs, **(grads if isinstance(grads, dict) else {})}


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
        self.params = _found_params(self.thing, self.named)

    def _forward(self):
        return self.thing.forward(*self.call()), ()

    def backward(self, delta, cache):
        for name in ("zero_grad", "zero_gradients", "zero_grads"):
            if callable(getattr(self.thing, name, None)):
                getattr(self.thing, name)()
        returned = self.thing.backward(delta)
        if returned is None:
            returned = next(
                (v for n in ("dx", "dX") if (v := _attribute(self.thing, n)) is not None), None
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
            table = _attribute(self.thing, name)
            if isinstance(table, list | tuple) and len(table) == len(self.params):
                return dict(zip(self.params, table, strict=True))
            if isinstance(table, dict):
                found = _by_name(table, self.params)
        for name in self.params:
            if isinstance(self.named, dict):
                found[name] = _attribute(self.thing, self.named[name])
            elif name not in found:
                spelled = (form.format(name) for form in SPELLINGS[:-1])
                found[name] = _first(_attribute(self.thing, each) for each in spelled)
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
        return _names(self.thing, count)

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
            return {first_name: first, **_by_name(rest[0], self.inputs)}
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
        return _names(self.thing, count)

    def _forward(self):
        value = self.thing(*self.call())
        return (value if self.gradient else value[0]), ()

    def backward(self, delta, cache):
        call = self.call()
        returned = self.gradient(*call) if self.gradient else self.thing(*call)[1]
        if isinstance(returned, dict):
            return _by_name(returned, self.inputs)
        return self.given(returned if isinstance(returned, tuple | list) else (returned,))


class OfLoss(Subject):
    """A loss by itself: `forward(y, target) -> loss, cache`, `backward(cache) -> delta`."""

    taken_for = "a loss"
    takes_delta = False
    has_cache = True

    def __init__(self, loss, target):
        super().__init__(loss)
        self.target = target

    @property
    def name(self):
        return type(self.thing).__name__

    def is_constant(self, position, value):
        return False

    def _forward(self):
        L, cache = self.thing.forward(*self.call(), self.target)
        return L, (cache,)

    def backward(self, delta, cache):
        return self.given((self.thing.backward(*cache),))


class UnderLoss(Subject):
    """A subject with a loss on top of it."""

    takes_delta = False

    def __init__(self, below, loss, target):
        super().__init__(below.thing)
        self.below, self.loss, self.target = below, loss, target
        self.has_cache = below.has_cache
        self.taken_for = f"{below.taken_for} under {type(loss).__name__}"

    inputs = property(lambda self: self.below.inputs, lambda self, value: None)
    params = property(lambda self: self.below.params, lambda self, value: None)
    constants = property(lambda self: self.below.constants, lambda self, value: None)
    name = property(lambda self: self.below.name)

    def copy(self, dtype=None):
        return UnderLoss(self.below.copy(dtype), self.loss, self.target)

    def _forward(self):
        y, cache = self.below.forward()
        L, of_loss = self.loss.forward(y, self.target)
        return L, (cache, of_loss)

    def backward(self, delta, cache):
        below, of_loss = cache
        return self.below.backward(self.loss.backward(of_loss), below)


def arrays(value, depth=4):
    """Yield all arrays in nested tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif depth and isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from arrays(part, depth - 1)


def subject_of(
    thing, inputs, loss=None, target=None, rng: np.random.Generator | int = 0
) -> Subject:
    """Return the subject that `thing` is, reading `inputs`.

    Raises:
        TypeError: `thing` is none of the kinds above.
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
    elif callable(thing) and not isinstance(thing, type):
        subject = Function(thing).bind(inputs)
    else:
        what = "a layer, an object with forward and backward, or a function and its gradient"
        raise expects("gradcheck", what, repr(thing), TypeError)
    if loss is None:
        return subject
    if not subject.takes_delta:
        raise expects("gradcheck", "a layer below the loss", repr(thing), TypeError)
    return UnderLoss(subject, loss, target)


def _of_object(thing, inputs, loss, target):
    """Tell a loss, a layer with a cache and one with its state on self from each other."""
    if target is not None and loss is None:
        return OfLoss(thing, target)
    passes = [inspect.signature(each) for each in (thing.forward, thing.backward)]
    try:
        passes[0].bind(*inputs)
    except TypeError:
        what = "as many inputs as forward takes, and target= for a loss"
        raise expects("gradcheck", what, f"{len(inputs)} for {thing!r}") from None
    return OnSelf(thing) if len(passes[1].parameters) < 2 else WithCache(thing)


def _of_functions(first, second, inputs):
    """Tell forward and backward from a function and its gradient."""
    pair = Pair(first, second).bind(inputs)
    returns_cache = isinstance(first(*pair.copy().call()), tuple)
    return pair if returns_cache else Function(first, second).bind(inputs)


def _has_passes(thing):
    return all(callable(getattr(thing, name, None)) for name in ("forward", "backward"))


def _checked(value):
    """Return an input as a new array, or raise TypeError or ValueError."""
    x = np.array(value)
    if x.dtype.kind not in "biuf":
        raise expects("gradcheck", "inputs of real numbers", x.dtype, TypeError)
    if x.size == 0 or x.ndim == 0 or not np.isfinite(x).all():
        what = "inputs of finite numbers, at least one"
        raise expects("gradcheck", what, f"an array of shape {x.shape}")
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _names(function, count):
    """Return the names of the first `count` parameters of `function`."""
    try:
        names = list(inspect.signature(function).parameters)[:count]
    except ValueError:
        names = []
    return names if len(names) == count else [f"x{k}" for k in range(count)]


def _found_params(thing, named):
    """Return the arrays of a foreign layer that are parameters, by name."""
    table = _attribute(thing, "params")
    if table is None:
        table = _attribute(thing, "parameters")
    if named is not None:
        source = table if isinstance(table, dict) and set(named) <= set(table) else vars(thing)
        missing = [name for name in named if name not in source]
        if missing:
            raise expects("gradcheck", f"parameters among {', '.join(source)}", missing[0])
        return {name: source[name] for name in named}
    if isinstance(table, dict):
        return {name: value for name, value in table.items() if _is_tensor(value)}
    if isinstance(table, list | tuple):
        names = _attribute_names(thing, table)
        return {n: v for n, v in zip(names, table, strict=True) if _is_tensor(v)}
    arrays = {name: value for name, value in vars(thing).items() if _is_tensor(value)}
    gradients = {form.format(name) for name in arrays for form in SPELLINGS[:-1]}
    return {name: value for name, value in arrays.items() if name not in gradients}


def _attribute_names(thing, arrays):
    """Return what the attributes that are these very arrays are called, or a number for each."""
    names = {id(value): name for name, value in vars(thing).items()}
    return [names.get(id(array), f"params[{k}]") for k, array in enumerate(arrays)]


def _is_tensor(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def _attribute(thing, name):
    """Return an attribute that is no method, or None."""
    value = getattr(thing, name, None)
    return None if callable(value) else value


def _first(values):
    """Return the first value that is there, or None."""
    return next((value for value in values if value is not None), None)


def _by_name(table, names):
    """Return the gradients of a dict by the names of their tensors, however they are spelled."""
    found = {}
    for name in names:
        keys = [form.format(name) for form in (SPELLINGS[-1], *SPELLINGS[:-1])]
        key = next((key for key in keys if key in table), None)
        if key is not None:
            found[name] = table[key]
    return found
