"""What a layer is tried on, as a line of code: a failure is printed as the call that repeats it.

    bp.gradcheck(ready(bp.Dense(3), (4,)), every_other(spread((2, 4), 0)))

The names in such a line are those of this module and, as `bp`, of the package.
"""

import copy
import math
import re

import numpy as np

from .. import initializers, layers, losses
from ..layer import Layer
from ..network import Network
from .gradcheck import gradcheck

# Numbers to try a layer on, made again by shape and seed


def spread(shape, rng):
    """Return evenly spread numbers from -2 to 2 in random order, none of them zero.

    They lie further apart than the step of a numerical derivative: no kink comes between.
    """
    count = 2 * math.prod(shape)  # of an even count of points, none is zero
    numbers = np.random.default_rng(rng).permutation(np.linspace(-2, 2, count))
    return numbers[: count // 2].reshape(shape)


def tied(shape, rng):
    """Return whole numbers from -2 to 2: zeros and ties, where a layer may have its kinks."""
    return np.random.default_rng(rng).integers(-2, 3, shape).astype(float)


def shares(shape, rng):
    """Return numbers well inside (0, 1), all of them different."""
    return 0.5 + spread(shape, rng) / 5


def ids(shape, rng, below):
    """Return whole numbers from 0 to `below` - 1 as integers: classes, or rows of a table."""
    return np.random.default_rng(rng).integers(0, below, shape)


# Ways to lay the same numbers out in memory


def fortran(x):
    """Return `x` with its first axis running fastest."""
    return np.asfortranarray(x)


def every_other(x):
    """Return `x` as every second number of an array twice as long, with NaN (or -1) between.

    For numbers without a sign, -1 is the largest of them.
    """
    between = np.nan if x.dtype.kind in "fc" else np.array(-1).astype(x.dtype)
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), between, x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def backwards(x):
    """Return `x` as a view with negative strides."""
    return np.flip(np.flip(x).copy())


LAYOUTS = (None, fortran, every_other, backwards)


class Numbers:
    """An array by name: the function that makes it, what that is called with, and its layout."""

    def __init__(self, make, shape, seed, *more, layout=None):
        self.make, self.shape, self.seed, self.more, self.layout = make, shape, seed, more, layout

    def array(self, dtype=np.float64, seed=0):
        """Return the array; with another `seed`, others of the same kind. Integers stay such."""
        numbers = self.make(self.shape, self.seed + seed, *self.more)
        if numbers.dtype.kind == "f":
            numbers = numbers.astype(dtype)
        return self.layout(numbers) if self.layout and self.shape else numbers

    def __repr__(self):
        """Show the call that makes the array."""
        words = ", ".join(map(repr, (self.shape, self.seed, *self.more)))
        call = f"{self.make.__name__}({words})"
        return f"{self.layout.__name__}({call})" if self.layout else call


# Layers


def wired(layers, *steps, inputs=1):
    """Return a Network of steps `(number of the layer, *values it reads)`.

    A layer that stands in two steps is shared.
    """
    net = Network(inputs=inputs)
    for number, *values in steps:
        net.add(layers[number], *values)
    return net


def ready(layer, *in_shapes, dtype=np.float64):
    """Return a copy of `layer`, built for `in_shapes`, with its parameters moved a little.

    Biases that are all zero, or gains that are all one, hide mistakes.
    """
    layer = copy.deepcopy(layer)
    layer.build(*in_shapes, rng=0, dtype=dtype)
    rng = np.random.default_rng(1)
    for value in layer.params.values():
        value += (0.1 * rng.standard_normal(value.shape)).astype(dtype)
    return layer


PUBLIC = {**vars(initializers), **vars(layers), **vars(losses)}


def code(thing):
    """Return the expression that makes a layer or a loss, with a Network's wiring."""
    if type(thing) is Network:
        return _code_of_network(thing)
    own = type(thing).__name__
    known = {**PUBLIC, own: type(thing) is PUBLIC.get(own)}
    prefixed = lambda m: f"bp.{m[0]}" if known.get(m[0]) else m[0]  # noqa: E731
    return re.sub(r"\b[A-Z]\w*(?=\()", prefixed, repr(thing))


def _code_of_network(net):
    parts = list({id(layer): layer for layer in net}.values())
    listed = f"[{', '.join(map(code, parts))}]"
    if net.is_chain and net.inputs == 1 and len(parts) == len(net):
        return f"bp.Network({listed})"
    number = {id(layer): k for k, layer in enumerate(parts)}
    steps = [(number[id(layer)], *reads) for layer, reads in net.steps]
    inputs = "" if net.inputs == 1 else f", inputs={net.inputs}"
    return f"wired({listed}, {', '.join(map(str, steps))}{inputs})"


class Trial:
    """A layer that is not built, or a loss, and all that is needed to try a promise on it.

    Args:
        thing: the layer or the loss. A layer stays as it is: copies of it are built.
        *draws: Numbers for each input, with the batch axis.
        loss: a loss on top of the layer. Without one its outputs are weighted by a random delta.
        target: Numbers for the target of the loss.
        layout: how the delta lies in memory.
    """

    def __init__(self, thing, *draws, loss=None, target=None, layout=None):
        self.thing, self.draws, self.layout = thing, draws, layout
        self.loss, self.target = loss, target
        self.in_shapes = [draw.shape[1:] for draw in draws]

    @property
    def layer(self):
        """The layer, not built."""
        return self.thing

    def build(self, dtype=np.float64):
        """Return a built copy of the layer; see `ready`."""
        return ready(self.thing, *self.in_shapes, dtype=dtype)

    def inputs(self, dtype=np.float64, seed=0):
        """Return the inputs; with another `seed`, others of the same kind."""
        return [draw.array(dtype, seed) for draw in self.draws]

    def delta(self, y, seed=3):
        """Return a random delta for the output `y`, laid out as the trial says."""
        delta = np.random.default_rng(seed).standard_normal(y.shape).astype(y.dtype)
        return self.layout(delta) if self.layout else delta

    def gradcheck(self):
        """Return the Report of `gradcheck` on this trial."""
        thing = self.build() if isinstance(self.thing, Layer) else self.thing
        target = None if self.target is None else self.target.array()
        return gradcheck(thing, *self.inputs(), loss=self.loss, target=target)

    def __repr__(self):
        """Show the call that `gradcheck` makes. The delta is its own: a layout is told beside."""
        layer = isinstance(self.thing, Layer)
        words = [code(self.thing), *map(repr, self.draws)]
        if layer and (self.thing.param_names or isinstance(self.thing, Network)):
            words[0] = f"ready({', '.join([words[0], *map(str, self.in_shapes)])})"
        if self.loss is not None:
            words.append(f"loss={code(self.loss)}")
        if self.target is not None:
            words.append(f"target={self.target!r}")
        beside = f"  # delta: {self.layout.__name__}" if self.layout else ""
        return f"bp.gradcheck({', '.join(words)}){beside}"
