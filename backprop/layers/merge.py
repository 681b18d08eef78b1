"""Layers with more than one input."""

import numpy as np

from ..errors import batch_of, expects
from ..layer import Layer


class Add(Layer):
    r"""The sum of its inputs: the other end of a shortcut.

    Shapes: every $x_i$ and $y$ the same.

    **Forward**

    $$ y = \sum_i x_i \tag{1} $$

    **Backward**

    $$ dx_i = \delta \tag{2} $$

    **Derivation.** $\partial y/\partial x_i = 1$ for every $i$: a sum hands its delta to all of its
    inputs, as a value that is read twice sums the deltas of its readers. The one is the transpose
    of the other.
    """

    def build(self, *in_shapes, rng=None, dtype=np.float32):
        if len(in_shapes) < 2 or any(shape != in_shapes[0] for shape in in_shapes):
            raise expects(self.who, "two or more inputs of one shape", _listed(in_shapes))
        return in_shapes[0]

    def forward(self, *xs):
        y = sum(xs[1:], xs[0])  # (1)
        return y, len(xs)

    def backward(self, delta, cache, /):
        dx = (delta,) * cache  # (2)
        return dx, {}


class Concat(Layer):
    r"""Its inputs side by side along the last axis.

    Shapes: $x_i\,(N, \dots, D_i)$, $y\,(N, \dots, \sum_i D_i)$.

    **Forward**

    $$ y = [\,x_1, x_2, \dots\,] \tag{1} $$

    **Backward**, each input taking back its own columns:

    $$ [\,dx_1, dx_2, \dots\,] = \delta \tag{2} $$

    **Derivation.** Each number of $y$ is a copy of one number of one input.
    """

    def build(self, *in_shapes, rng=None, dtype=np.float32):
        leading = {shape[:-1] for shape in in_shapes}
        if len(in_shapes) < 2 or len(leading) > 1 or () in in_shapes:
            raise expects(
                self.who, "two or more inputs that differ in the last axis only", _listed(in_shapes)
            )
        return (*in_shapes[0][:-1], sum(shape[-1] for shape in in_shapes))

    def forward(self, *xs):
        y = np.concatenate(xs, axis=-1)  # (1)
        return y, [x.shape[-1] for x in xs]

    def backward(self, delta, cache, /):
        ends = np.cumsum(cache[:-1])
        dx = tuple(np.split(delta, ends, axis=-1))  # (2)
        return dx, {}


def _listed(shapes):
    return " and ".join(map(batch_of, shapes))
