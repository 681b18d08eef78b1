"""Stretches of a network that one compiled call takes: several layers, each read by the next only.

From layer to layer a pass is Python's work, and what the one has made is memory for the other to
fetch. Small Dense layers take less time than either. The values, caches and gradients are those of
the layers' own passes, but for rounding.
"""

import functools
import os
from collections import Counter

import numpy as np

from .compiled import SINGLE, kernels, plain
from .compiled import found as found_kernels
from .settings import ours

PASSES = ("forward", "backward", "grads", "predict")
HERE = os.path.dirname(__file__) + os.sep
LINKS = 4
"""The Dense layers of a stretch, at the most."""


class Stretch:
    """Layers that stand one after the other.

    Each method returns None where the layers' own passes are to run.

    Args:
        first: the number of the first one.
        reads: the value that it reads, in a tuple.
    """

    def __init__(self, first, reads):
        self.first, self.reads, self.layers = first, reads, []

    @property
    def last(self):
        """The number of the last layer."""
        return self.first + len(self.layers) - 1

    def begin(self, parts, parameters):
        """Remember how things stand when the parameters have their places in the network's vector.

        Args:
            parts: slices of the vector, by key.
            parameters: the vector.
        """

    def forward(self, x):
        """Return the values and the caches of the layers."""

    def predict(self, x):
        """Return the last value."""

    def backward(self, delta, caches, wanted, vector):
        """Return dx and the gradients by layer.

        Args:
            delta: dL/dy of the last layer.
            caches: those of all layers of the network.
            wanted: of each value, whether its delta is.
            vector: where the gradients are wanted, as `Network.gradient` has it; or None.
        """

    def _as_shipped(self, *passes):
        """Return whether these passes of all layers are what they were in this package."""
        return all(shipped(layer, *passes) for layer in self.layers)


class Chain(Stretch):
    """Dense layers, and functions between them and after the last one."""

    def __init__(self, first, reads):
        super().__init__(first, reads)
        self.dense = []
        """The Dense layers, each with its place in the stretch."""
        self.functions: tuple[int, ...] = ()
        """What follows each of them, in the numbers of `backprop.compiled.dense`: 0 is nothing."""

    def append(self, layer, function):
        """Append a Dense layer, whose `function` is None, or the function of the last one."""
        if function is None:
            self.dense.append((len(self.layers), layer))
            self.functions = (*self.functions, 0)
        else:
            self.functions = (*self.functions[:-1], function)
        self.layers.append(layer)

    def begin(self, parts, parameters):
        keys = [f"{self.first + self.dense[0][0]}.W", f"{self.first + self.dense[-1][0]}.b"]
        start, stop = (parts[key] for key in keys)
        self.part = slice(start.start, stop.stop)
        self.w = parameters[self.part]
        self.held = [(layer, layer.W, layer.b) for _, layer in self.dense]
        self.widths = (len(self.held[0][1]), *(layer.units for _, layer in self.dense))

    def forward(self, x):
        compiled = self._compiled(x)
        if not (compiled and self._as_shipped("forward")):
            return None
        y, a = compiled.forward(plain(x), self.w, self.widths, self.functions)
        values, caches = [], []
        for y_k, a_k, function in zip(y, a, self.functions, strict=True):
            values.append(y_k)
            caches.append(x)
            if function:
                values.append(a_k)
                caches.append(a_k)
            x = a_k
        return values, caches

    def predict(self, x):
        compiled = self._compiled(x)
        if not (compiled and self._as_shipped("forward", "predict")):
            return None
        return compiled.predict(plain(x), self.w, self.widths, self.functions)

    def backward(self, delta, caches, wanted, vector):
        caches = caches[self.first : self.last + 1]
        x, *a = [caches[k] for k, _ in self.dense]
        if np.shape(delta) != (len(x), self.widths[-1]):
            return None  # which may be an error, or be meant to be repeated
        delta = plain(np.asarray(delta))
        a.append(caches[-1] if self.functions[-1] else delta)
        compiled = self._compiled(x, delta, *a)
        if not (compiled and self._as_shipped("backward", "grads") and self._fit(delta, caches, a)):
            return None
        g = np.empty_like(self.w) if vector is None else vector[self.part]
        dx = compiled.backward(
            delta, plain(x), a, self.w, g, self.widths, self.functions, wanted[self.reads[0]]
        )
        return dx, self._cut(g)

    def objective(self, x, target, loss, share):
        """Return loss, output and gradient, the first and third times `share`, of a whole network.

        It is the loss and its gradient in the same call as the passes.
        """
        compiled = self._compiled(x)
        if not (compiled and self._as_shipped(*PASSES[:3])):
            return None
        if not (ours(type(loss)) and shipped(loss, "forward", "backward")):
            return None
        y = np.empty((len(x), self.widths[-1]), np.float32)
        _, t, r = loss._enter(y, target)
        g, plan = np.empty_like(self.w), (self.widths, self.functions)
        losses = compiled.objective(plain(x), self.w, g, *plan, plain(t), share * r, y)
        return share * float(np.float32(r * losses)), y, g

    def _compiled(self, x, *arrays):
        compiled = kernels("dense", x, *arrays, types=SINGLE)
        if not compiled or x.shape[1:] != self.widths[:1]:
            return None  # of another shape, as a layer of somebody's own may hand it on
        for layer, W, b in self.held:
            if layer.W is not W or layer.b is not b:
                return None  # they lie elsewhere now
        return compiled

    def _fit(self, delta, caches, a):
        """Return whether the caches are such as `forward` makes."""
        N = len(delta)
        for (k, layer), a_k, function in zip(self.dense, a, self.functions, strict=True):
            if a_k.shape != (N, layer.units) or not a_k.flags.carray:
                return False
            if function and a_k is not caches[k + 1]:
                return False
        return True

    def _cut(self, g):
        """Return the gradients by layer, as views of the vector of all."""
        of_layer, start = {}, 0
        for layer, W, b in self.held:
            middle, stop = start + W.size, start + W.size + b.size
            of_layer[id(layer)] = {"W": g[start:middle].reshape(W.shape), "b": g[middle:stop]}
            start = stop
        return of_layer


class Rectified(Stretch):
    """A Conv2D and its ReLU, where nobody asks for what comes between."""

    def predict(self, x):
        return self.layers[0].rectified(x) if self._as_shipped("forward", "predict") else None


def find(net, parts):
    """Return the stretches of a built network; `parts` are slices of its vector, by key."""
    if not found_kernels() or net.dtype != np.float32:
        return []
    from .layers import Conv2D, Dense, ReLU, Sigmoid, Tanh  # not there yet when this is imported

    functions = {ReLU: 1, Sigmoid: 2, Tanh: 3}
    readers = Counter(value for _, reads in net.steps for value in reads)
    times = Counter(id(layer) for layer, _ in net.steps)
    found, stretch = [], None
    for number, (layer, reads) in enumerate(net.steps):
        kind, newest = type(layer), net.inputs + number - 1
        if reads != (newest,) or readers[newest] > 1:
            stretch = None  # what it has made is read elsewhere, too
        if times[id(layer)] > 1 or not shipped(layer, *PASSES):
            stretch = None
        elif kind is Dense and layer.bias and len(net.shapes[reads[0]]) == 1:
            if not isinstance(stretch, Chain) or len(stretch.dense) == LINKS:
                stretch = Chain(number, reads)
                found.append(stretch)
            stretch.append(layer, None)
        elif kind is Conv2D:
            stretch = Rectified(number, reads)
            stretch.layers.append(layer)
        elif kind is ReLU and isinstance(stretch, Rectified):
            stretch.layers.append(layer)
            found.append(stretch)
            stretch = None
        elif kind in functions and isinstance(stretch, Chain) and not stretch.functions[-1]:
            stretch.append(layer, functions[kind])
        else:
            stretch = None
    for each in found:
        each.begin(parts, net.parameters)
    return found


def shipped(thing, *passes):
    """Return whether nobody has put something of his own in the place of these passes."""
    kind = type(thing)
    if [getattr(kind, name) for name in passes] != _own(kind, passes):
        return False
    return vars(thing).keys().isdisjoint(passes)


@functools.cache
def _own(kind, passes):
    """Return these passes of a class, if all were written in this package."""
    found = [getattr(kind, name) for name in passes]
    codes = [getattr(each, "__code__", None) for each in found]  # a wrapper copies all names
    return found if all(code and code.co_filename.startswith(HERE) for code in codes) else None
