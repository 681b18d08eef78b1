r"""ZORB, the inverses: what would have to go into a layer for its target to come out.

**Weights.** $F = A W + \mathbf 1 b$, with a row for each example, has no solution in general. The
nearest in the sum of squares, and of these the shortest, is

$$ \binom{W}{b} = [A \;\; \mathbf 1]^{+} F, \tag{1} $$

with the pseudo-inverse $^+$. Solved for $A$ instead, by the same rule,

$$ A = (F - b)\, W^{+}. \tag{2} $$

A convolution is Dense on every window: the rows of $A$ in (1) are its windows, and (2) gives a
target for every window. A pixel is in several; its own target is the mean of what they want,

$$ F_{nuvc} = \frac{\text{fold}(A)_{nuvc}}{\text{fold}(1)_{nuvc}}, \tag{3} $$

since `fold` (see `layers/windows.py`) sums over the windows that a pixel is in, and
$\text{fold}(1)$ counts them.

**Activations.** A sigmoid cannot put out what (2) asks for: its outputs lie between $lo = 0$ and
$hi = 1$, those of tanh between $-1$ and $1$. So its scale is changed. With $m$ and $M$ the least
and the largest number of $F$, and $\varepsilon = 10^{-5}$ to keep clear of the ends, where
$\varphi^{-1}$ is infinite,

$$ s = \frac{M - m}{hi - lo - 2\varepsilon}, \tag{4} $$

$$ c = m - s\,(lo + \varepsilon) \tag{5} $$

map $[lo + \varepsilon, hi - \varepsilon]$ onto $[m, M]$. From now on the layer is
$A = s\,\varphi(Z) + c$, and its inverse, with $\sigma^{-1}(v) = \ln \frac{v}{1 - v}$ and
$\tanh^{-1}$,

$$ Z = \varphi^{-1}\Bigl(\frac{F - c}{s}\Bigr). \tag{6} $$

Every visit to an earlier layer sets $s$ and $c$ anew. ReLU puts out zero for whatever is below it,
so there a random number $u$ from $[0, 1)$ will do:

$$ Z = \begin{cases} F & F \ge 0 \\ -u & F < 0 \end{cases} \tag{7} $$

Softmax forgets the maximum $\mu$ of its row, and the sum $S$. Both are taken from the last pass
forward:

$$ S = \sum_k (e^{Z_k - \mu} - \varepsilon), \tag{8} $$

$$ Z = \ln(F S + \varepsilon) + \mu. \tag{9} $$
"""

import functools

import numpy as np

from ...errors import expects
from ...layer import rows
from ...layers import Conv2D, Dense, ReLU, Sigmoid, Softmax
from .scale import Scale

EPSILON = 1e-5


class Weights:
    """A Dense and how to invert it."""

    def __init__(self, layer, in_shape, cutoff):
        self.layer, self.in_shape, self.cutoff = layer, in_shape, cutoff

    def solve(self, A, F):
        """Give the layer the weights that come nearest to `F` for inputs `A`."""
        A = self.rows(A)
        A1 = np.hstack([A, np.ones((len(A), 1))])
        Wb = np.linalg.pinv(A1, self.cutoff) @ rows(F)  # (1)
        self.layer.W[...] = self.turned(Wb[:-1].reshape(self.layer.W.shape))
        self.layer.b[...] = Wb[-1]

    @functools.cached_property
    def inverted(self):
        """The pseudo-inverse of the weights that the layer began with: asked for before `solve`."""
        return np.linalg.pinv(rows(self.turned(self.layer.W)), self.cutoff)

    def forward(self, A):
        return self.layer.predict(A)

    def inverse(self, F):
        return (F - self.layer.b) @ self.inverted  # (2)

    def rows(self, A):
        """Return what the weights multiply, as a matrix."""
        return rows(A)

    def turned(self, W):
        """Return the weights in the order of the inputs, or back from it."""
        return W


class Windows(Weights):
    """A Conv2D and how to invert it: Dense on every window."""

    def inverse(self, F):
        H, W, C = self.in_shape
        window = self.layer.window
        A = super().inverse(F).reshape(*F.shape[:3], *window.size, C)
        return window.fold(A, H, W) / window.fold(np.ones_like(A[:1]), H, W)  # (3)

    def rows(self, A):
        windows = self.layer.window.windows(A)
        return windows.reshape(-1, self.layer.window.places * A.shape[-1])

    def turned(self, W):
        return W[::-1, ::-1] if self.layer.flip else W


class Rescaled:
    """A Sigmoid or Tanh with the Scale after it, and how to invert them."""

    def __init__(self, layer, scale):
        self.layer, self.scale = layer, scale
        self.is_sigmoid = isinstance(layer, Sigmoid)
        self.low, self.high = (0.0, 1.0) if self.is_sigmoid else (-1.0, 1.0)

    def forward(self, Z):
        return self.scale.predict(self.layer.predict(Z))

    def inverse(self, F):
        m, M, lo, hi = float(F.min()), float(F.max()), self.low, self.high
        if m == M:
            raise expects("fit_zorb", f"targets of {self.layer.who} that differ", f"only {m:g}")
        s = (M - m) / (hi - lo - 2 * EPSILON)  # (4)
        c = m - s * (lo + EPSILON)  # (5)
        self.scale.s[...], self.scale.c[...] = s, c
        return self.inverted((F - c) / s)  # (6)

    def inverted(self, v):
        """Return the number that the activation makes `v` of."""
        return np.log(v / (1 - v)) if self.is_sigmoid else np.arctanh(v)


class Rectifier:
    """A ReLU and how to invert it."""

    def __init__(self, layer, rng):
        self.layer, self.rng = layer, rng

    def forward(self, Z):
        return self.layer.predict(Z)

    def inverse(self, F):
        return np.where(F < 0, -self.rng.random(F.shape), F)  # (7)


class Probabilities:
    """A Softmax and how to invert it: it remembers maximum and sum of the last pass."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, Z):
        self.most = Z.max(axis=-1, keepdims=True)
        self.S = (np.exp(Z - self.most) - EPSILON).sum(axis=-1, keepdims=True)  # (8)
        return self.layer.predict(Z)

    def inverse(self, F):
        return np.log(F * self.S + EPSILON) + self.most  # (9)


class Rearranged:
    """A Flatten and how to invert it: a permutation, whose transpose is its inverse."""

    def __init__(self, layer):
        self.layer = layer

    def forward(self, Z):
        A, self.cache = self.layer.forward(Z)
        return A

    def inverse(self, F):
        return self.layer.backward(F, self.cache)[0]


def unrolled(network, cutoff, rng):
    """Return the layers of `network`, which has scales, each with its inverse: the stages."""
    stages = []
    for number, layer in enumerate(network):
        match layer:
            case Dense():
                stages.append(Weights(layer, network.shapes[number], cutoff))
            case Conv2D():
                stages.append(Windows(layer, network.shapes[number], cutoff))
            case Scale():
                stages[-1] = Rescaled(stages[-1].layer, layer)
            case ReLU():
                stages.append(Rectifier(layer, rng))
            case Softmax():
                stages.append(Probabilities(layer))
            case _:
                stages.append(Rearranged(layer))
    return stages
