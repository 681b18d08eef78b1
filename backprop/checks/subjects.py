r"""What can be checked: the ways in which people write a derivative, seen as one.

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
| a method, `net.loss(X, y) -> number, grads`, with parameters on `net` | CS231n | `Method` |
| `forward(y, target) -> loss, cache`, `backward(cache) -> delta` | losses here | `OfLoss` |
"""

import copy

import numpy as np

from ..errors import expects
from .parameters import generators, slots


class Subject:
    """A function of tensors with its derivative; its kinds stand in `styles.py` and `ours.py`.

    `inputs` and `params` hold the tensors, by name; `constants` what is passed along and has no
    derivative: labels, settings, token ids.
    """

    taken_for = ""
    """What the thing was taken for, in the report."""
    takes_delta = True
    """Whether `backward` multiplies by a delta; that of a loss or a function begins with 1."""
    numbers = ()
    """Attributes that are plain numbers and have a gradient: they cannot be moved in place."""
    captured = ()
    """Parameters that forward reads through a function made in the constructor."""
    multiplies = property(lambda self: self.takes_delta)
    """Whether `backward` multiplies by what it is given as delta, a 1 on top of a loss included."""
    may_leave_out = False
    """Whether gradients of some inputs may be left out: a fit needs none of its data."""
    has_cache = False
    """Whether the passes hand over a cache, so that two of them can be in flight."""

    def __init__(self, thing):
        self.thing = thing
        self.inputs, self.params = {}, {}
        self.arguments = []  # in the order of the call: the name of a tensor, or a constant
        self.constants = {}
        self.tables = {}  # arguments that are dicts of tensors, and the tensors' names by key
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
            if _is_table(value):
                known = twin.inputs
                keys = {key: f"{name}.{key}" if key in known else key for key in value}
                twin.tables[name] = keys
                twin.inputs |= {keys[key]: _checked(part) for key, part in value.items()}
            elif twin.is_constant(position, value):
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
        twin.inputs = {n: np.array(x, dtype=dtype or x.dtype) for n, x in self.inputs.items()}
        twin.constants = copy.deepcopy(self.constants)
        # Wherever the thing holds one of the arrays, its copy holds the new one; and where it keeps
        # others, say to write gradients into, they follow its parameters' type.
        held = list(self.params.values())
        if dtype is None or np.dtype(dtype).kind == "f":
            held += [slot.array for slot in slots(self.thing) if slot.array.dtype.kind == "f"]
        new = copies(held, dtype)
        twin.params = {name: new[id(value)] for name, value in self.params.items()}
        twin.thing = copy.deepcopy(self.thing, new)
        return twin

    def call(self):
        """Return the arguments of a forward pass."""
        return [self._argument(name) for name in self.arguments]

    def _argument(self, name):
        if name in self.tables:
            return {key: self.inputs[tensor] for key, tensor in self.tables[name].items()}
        return self.inputs[name] if name in self.inputs else self.constants[name]

    def forward(self):
        """Return `y` and the cache."""
        if self.seed is not None:
            np.random.seed(self.seed)  # noqa: NPY002 -- foreign code draws from the global state
            for generator in generators(self.thing):
                if isinstance(generator, np.random.RandomState):
                    generator.seed(self.seed)
                else:
                    fresh = np.random.default_rng(self.seed)
                    generator.bit_generator.state = fresh.bit_generator.state
        return self._forward()

    def _forward(self):
        raise NotImplementedError

    def backward(self, delta, cache):
        """Return the gradients by the name of their tensor, as they came from the code."""
        raise NotImplementedError

    def state(self):
        """Return what a thing without a cache keeps on itself between its passes, by attribute."""
        return {}

    def hint(self, name, shape):
        """Return a sentence for a parameter that seems to have no gradient."""
        return ""

    def matters(self, name):
        """Whether the output depends on a tensor."""
        one = self.copy()
        before = np.array(one.forward()[0])
        tensor = one.tensors[name]
        tensor += np.asarray(0.01 * (1 + np.abs(tensor))).astype(tensor.dtype)
        return not np.array_equal(before, one.forward()[0], equal_nan=True)

    def given(self, gradients):
        """Return gradients in the order of the call by the name of the input they belong to.

        One may be returned for each argument, or for each that has a derivative.
        """
        names = [name for name in self.arguments if name in self.inputs]
        if len(gradients) >= len(self.arguments):
            by_argument = dict(zip(self.arguments, gradients, strict=False))
            return {name: by_argument[name] for name in names}
        return dict(zip(names, gradients, strict=False))


def copies(held, dtype=None):
    """Return copies of arrays by the id of the original; what was a view of another one still is.

    Args:
        held: the arrays.
        dtype: the type of the copies; each array's own if not given.
    """
    new, owners = {}, []
    for a in sorted({id(a): a for a in held}.values(), key=lambda a: -a.size):
        owner = next((o for o in owners if o.dtype == a.dtype and np.may_share_memory(o, a)), None)
        if owner is None:
            new[id(a)] = np.array(a, dtype=dtype or a.dtype, order="C")
            owners += [a] if a.flags.c_contiguous else []
            continue
        start = (a.ctypes.data - owner.ctypes.data) // a.itemsize
        whole = new[id(owner)].reshape(-1)
        steps = [step // a.itemsize * whole.itemsize for step in a.strides]
        new[id(a)] = np.lib.stride_tricks.as_strided(whole[start:], a.shape, steps)
    return new


def arrays(value, depth=12):
    """Yield all arrays in nested tuples, lists and dicts, such as nested networks keep."""
    if isinstance(value, np.ndarray):
        yield value
    elif depth and isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from arrays(part, depth - 1)


def _is_table(value):
    """Whether an argument is a dict of nothing but arrays of floats: parameters by name."""
    parts = value.values() if isinstance(value, dict) else ()
    return bool(parts) and all(
        isinstance(part, np.ndarray) and part.dtype.kind == "f" for part in parts
    )


def _checked(value):
    """Return an input as a new array, or raise TypeError or ValueError."""
    x = np.array(value)
    if x.dtype.kind not in "biuf":
        raise expects("gradcheck", "inputs of real numbers", x.dtype, TypeError)
    if x.size == 0 or x.ndim == 0 or not np.isfinite(x).all():
        what = "inputs of finite numbers, at least one"
        raise expects("gradcheck", what, f"an array of shape {x.shape}")
    return x if x.dtype.kind == "f" else x.astype(np.float64)
