r"""Suspects for networks of dense layers, one layer or more.

A twin is looked for: layers $a_l = \varphi(a_{l-1} W_l + b_l)$ written here whose output, with the
very same parameters, is that of the network that is checked. Its backward pass, run with one
mistake, gives the numbers to compare with. Examples may be rows or columns, matrices may be
transposed, biases may be missing, and the whole may stand beside a shortcut, $y = x + \dots$.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from .slopes import ACTIVATIONS, wrong_slopes

MOST = 3000
"""How many networks are tried at most."""


def networks(case):
    """Yield the gradients of the twin with each mistake in turn."""
    twins = itertools.chain(_twins(case, False), _twins(case, True))
    for twin in itertools.islice(twins, 1):
        for kind, evidence, knobs in twin.mistakes():
            yield kind, evidence, twin.gradients(**knobs)


@dataclass
class Dense:
    """One layer of a twin: what its tensors are called, and its values."""

    W_name: str
    turned: bool
    b_name: str | None
    activation: str
    W: np.ndarray
    b: np.ndarray | float

    def run(self, a):
        """Remember the input and z, and return the output."""
        self.a, self.z = a, a @ self.W + self.b
        self.y = ACTIVATIONS[self.activation][0](self.z)
        return self.y

    @property
    def slope(self):
        return ACTIVATIONS[self.activation][1](self.z)


class Twin:
    """A network of dense layers; `gradients` can be led astray at one layer."""

    def __init__(self, case, layers, columns, shortcut):
        self.case, self.layers, self.columns, self.shortcut = case, layers, columns, shortcut
        self.delta = rows(case.delta, columns)

    def output(self, x):
        """Return y, with examples in rows."""
        a = x
        for layer in self.layers:
            a = layer.run(a)
        return x + a if self.shortcut else a

    def gradients(self, slopes=None, back=None, fed=None, bare_carry=None):
        """Return the gradients of all tensors.

        Args:
            slopes: other slopes of activations, by layer.
            back: a layer, and the matrix that its delta goes back through.
            fed: a layer, and what its weights' gradient takes for the input.
            bare_carry: a layer that hands back its delta from before the slope.
        """
        found, delta = {}, self.delta
        slopes, back, fed = slopes or {}, dict([back] if back else []), dict([fed] if fed else [])
        for k in reversed(range(len(self.layers))):
            layer = self.layers[k]
            dz = delta * slopes.get(k, layer.slope)
            self.put(found, layer.W_name, fed.get(k, layer.a).T @ dz, layer.turned)
            if layer.b_name is not None:
                self.put(found, layer.b_name, dz.sum(axis=0), False)
            delta = (delta if k == bare_carry else dz) @ back.get(k, layer.W.T)
        dx = self.delta + delta if self.shortcut else delta
        self.put(found, self.case.first, dx, self.columns)
        return found

    def put(self, found, name, gradient, turned):
        """Add a gradient in the shape that its tensor has."""
        gradient = gradient.T if turned else gradient
        found[name] = gradient.reshape(self.case.tensors[name].shape)

    def mistakes(self):
        """Yield `(kind, evidence, settings of gradients)`."""
        yield from self.wrong_slopes()
        for k, layer in enumerate(self.layers):
            which = self.which(k)
            evidence = "What goes back is the delta before it was multiplied by the slope."
            yield "missing activation derivative", evidence + which, {"bare_carry": k}
            if len(set(layer.W.shape)) == 1:
                name = layer.W_name
                evidence = f"The delta went back through {name} where it is {name} transposed."
                yield "transposed", evidence + which, {"back": (k, layer.W)}
            if k > 0:
                z = self.layers[k - 1].z
                evidence = "The weights' gradient takes z of the layer below where it is phi(z)."
                yield "z taken for the activation", evidence, {"fed": (k, z)}

    def wrong_slopes(self):
        """Yield the wrong slopes of one layer, and the same wrong slope of all."""
        found = {}
        for k, (layer, delta) in enumerate(zip(self.layers, self.deltas(), strict=True)):
            values = {"its output": layer.y, "its input": layer.a, "z": layer.z, "its delta": delta}
            for kind, evidence, slope in wrong_slopes(layer.slope, values):
                yield kind, evidence + self.which(k), {"slopes": {k: slope}}
                found.setdefault((kind, evidence), {})[k] = slope
        for (kind, evidence), slopes in found.items():
            if len(slopes) > 1:
                yield kind, f"{evidence} (In {len(slopes)} layers.)", {"slopes": slopes}

    def which(self, k):
        """Return a remark on which layer it is, if there are several."""
        return f" (Layer {k + 1} of {len(self.layers)}.)" if len(self.layers) > 1 else ""

    def deltas(self):
        """Return the delta that reaches each layer, before its slope."""
        found, delta = [], self.delta
        for layer in reversed(self.layers):
            found.insert(0, delta)
            delta = delta * layer.slope @ layer.W.T
        return found


def rows(x, columns=False):
    """Return examples, and steps if there are any, as rows."""
    return x.T if columns else x.reshape(-1, x.shape[-1])


def _twins(case, shortcut):
    """Yield networks with the same output as the case."""
    x, y = case.x, case.y
    if case.delta.shape != y.shape or y.ndim < 2 or x.ndim < 2:
        return
    layouts = [(rows(x), rows(y), False)] if x.shape[:-1] == y.shape[:-1] else []
    if y.ndim == 2 and len(x) == len(y) and x.ndim > 2:
        layouts.append((x.reshape(len(x), -1), y, False))
    if x.ndim == y.ndim == 2 and x.shape[1] == y.shape[1]:
        layouts.append((x.T, y.T, True))
    for each, out, columns in layouts:
        tried = itertools.islice(_stacks(case, each.shape[1], out.shape[1]), MOST)
        for layers in tried if not shortcut or each.shape == out.shape else ():
            twin = Twin(case, layers, columns, shortcut)
            if np.allclose(twin.output(each), out, rtol=1e-8, atol=1e-10):
                yield twin


def _stacks(case, D, M):
    """Yield layers from D numbers to M that use every tensor but the first once."""
    others = {name: v for name, v in case.tensors.items() if name != case.first}
    matrices = [n for n, v in others.items() if v.ndim == 2 and 1 not in v.shape]
    matrices = matrices or [n for n, v in others.items() if v.ndim == 2]
    biases = {n: v.ravel() for n, v in others.items() if n not in matrices}
    for order, turns, Ws in _chains({n: others[n] for n in matrices}, D, M):
        for bs in _biases(biases, [W.shape[1] for W in Ws]):
            for acts in itertools.product(ACTIVATIONS, repeat=len(order)):
                parts = zip(order, turns, bs, acts, Ws, strict=True)
                yield [Dense(n, t, b, act, W, biases.get(b, 0.0)) for n, t, b, act, W in parts]


def _chains(matrices, D, M):
    """Yield matrices in an order, and transposed or not, in which they lead from D to M numbers."""
    for order in itertools.permutations(matrices) if 0 < len(matrices) < 5 else ():
        for turns in itertools.product((False, True), repeat=len(order)):
            Ws = [matrices[n].T if t else matrices[n] for n, t in zip(order, turns, strict=True)]
            if [D, *(W.shape[1] for W in Ws)] == [*(W.shape[0] for W in Ws), M]:
                yield order, turns, Ws


def _biases(biases, widths):
    """Yield a bias, or None, for each width, so that all are used."""
    fits = [[None, *(n for n, b in biases.items() if b.size == width)] for width in widths]
    for names in itertools.product(*fits):
        used = [name for name in names if name is not None]
        if len(set(used)) == len(used) == len(biases):
            yield names
