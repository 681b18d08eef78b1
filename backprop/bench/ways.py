r"""A network, and three ways to its gradient.

The networks are chains of tanh units, all hidden layers as wide as the input, with one output and
half its squared error as the loss. Three ways lead to the gradient by all $p$ parameters.

**Backpropagation** takes one forward and one backward pass, whatever $p$ is.

**Central differences** take two forward passes for each parameter,

$$ \frac{\partial L}{\partial \theta_k} \approx
   \frac{L(\theta + h e_k) - L(\theta - h e_k)}{2h}, \tag{1} $$

so $2p$. Where $p$ is large, some of the parameters are moved, chosen at random, and the time is
that of one of them times $p$.

**The sum over all paths**, each derivative by itself, with the slopes $z$ of the edges:

$$ \frac{\partial L}{\partial \theta_k} = \sum_{P:\, \theta_k \to L} \ \prod_{(i,j) \in P} z_{ij}.
   \tag{2} $$

A path is walked from its parameter to the loss, the product growing by a factor at every edge, and
what several paths have in common at their beginning is multiplied once. The factors are counted and
divided by the multiply-adds of a forward pass; where they are few enough they are also carried out,
in plain Python, and the time is divided by that of a forward pass in plain Python.

Source: Olah, *Calculus on Computational Graphs: Backpropagation* (2015), who says that
backpropagation can make training ten million times faster, which is a point on the line of (1);
Aggarwal, *Neural Networks and Deep Learning* (2018), section 3.2, for (2).
"""

from functools import cached_property
from itertools import pairwise

import numpy as np

from ..checks.estimates import central_difference
from ..layers import Dense, Tanh
from ..losses import HalfSquaredError
from ..network import Network

BATCH = 64
STEP = 1e-5
LOSS = HalfSquaredError()


class Case:
    """One network with a batch, and the ways to its gradient."""

    def __init__(self, width, depth):
        self.sizes = [width] * (depth + 1) + [1]
        hidden = [layer for _ in range(depth) for layer in (Dense(width), Tanh())]
        self.net = Network([*hidden, Dense(1)])
        self.net.build((width,), rng=0, dtype=np.float64)
        rng = np.random.default_rng(1)
        self.x, self.y = rng.standard_normal((BATCH, width)), rng.standard_normal((BATCH, 1))
        self.entries = rng.permutation(self.net.param_count)

    def forward(self):
        """Return the loss."""
        return LOSS.forward(self.net.predict(self.x), self.y)[0]

    def backpropagation(self, examples=BATCH):
        """Return the gradient, of the first few examples, by one pass forward and one back."""
        y, caches = self.net.forward(self.x[:examples])
        _, cache = LOSS.forward(y, self.y[:examples])
        return self.net.flatten(self.net.grads(LOSS.backward(cache), caches))

    def central(self, k):
        """Return the derivative by parameter `k` by two passes forward."""
        w = self.net.parameters
        before = w[k]

        def phi(h):
            w[k] = before + h
            return self.forward()

        try:
            return central_difference(phi, STEP)  # (1)
        finally:
            w[k] = before

    def paths(self):
        """Return the gradient of one example, the first, by the sum over all paths."""
        x, target = self.x[0].tolist(), float(self.y[0, 0])
        weights = self._weights
        values, (output,) = _run(weights, x)
        # edges[l][j][k]: the slope from what unit j of layer l sums up to what k of the next does.
        edges = [
            [[(1 - a * a) * w for w in row] for a, row in zip(after, W, strict=True)]
            for after, (W, _) in zip(values[1:], weights[1:], strict=True)
        ]
        error = output - target
        gradient = []
        for level, (a, (_, b)) in enumerate(zip(values, weights, strict=True)):
            units = range(len(b))
            gradient += [_walk(edges, level, j, z, error) for z in a for j in units]  # (2)
            gradient += [_walk(edges, level, j, 1.0, error) for j in units]
        return np.array(gradient)

    def plain_forward(self):
        """Return the loss of the first example, computed in plain Python."""
        _, (output,) = _run(self._weights, self.x[0].tolist())
        return (output - float(self.y[0, 0])) ** 2 / 2

    @cached_property
    def _weights(self):
        """Return W and b of every Dense as lists."""
        return [(p["W"].tolist(), p["b"].tolist()) for p in (each.params for each in self.net) if p]


def _run(weights, x):
    """Return what each layer reads, and what the last one gives, in plain Python."""
    values, z = [x], x
    for W, b in weights:
        z = [sum(a * w for a, w in zip(x, column, strict=True)) for column in zip(*W, strict=True)]
        z = [each + bias for each, bias in zip(z, b, strict=True)]
        x = np.tanh(z).tolist()
        values.append(x)
    return values[:-1], z


def _walk(edges, level, j, product, error):
    """Return the sum of the products of all paths that go on from unit `j` of a level."""
    if level == len(edges):
        return product * error
    ways = enumerate(edges[level][j])
    return sum(_walk(edges, level + 1, k, product * z, error) for k, z in ways)


def factors(sizes):
    """Return how many factors the walks over all paths multiply, and the forward multiply-adds.

    Args:
        sizes: the numbers of inputs, of the units of each layer, and of outputs, which is 1.
    """
    total, below = 0, 1  # below: the factors on all ways from one unit to the loss
    for n, m in reversed(list(pairwise(sizes))):
        total += (n + 1) * m * below
        below = m * (1 + below)
    return total, sum(n * m for n, m in pairwise(sizes))
