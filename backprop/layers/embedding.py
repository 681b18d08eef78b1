"""Rows of a table, looked up by number."""

import numpy as np

from ..errors import whole
from ..initializers import Initializer, Normal
from ..layer import Layer, rows


class Embedding(Layer):
    r"""A table with a row of numbers for each id: a word, a character, a category.

    Shapes: ids $x\,(N, T)$, $W\,(V, D)$, $y\,(N, T, D)$. Ids of any other shape, such as $(N)$, get
    one more axis $D$ just so. $X\,(NT, V)$ has the ids as rows of zeros with a single one in each.

    **Forward**

    $$ y_n = W_{x_n} \tag{1} $$

    **Backward**

    $$ X_{nv} = [x_n = v] \tag{2} $$

    $$ dW = X^\top \delta \tag{3} $$

    **Derivation.** Row $x_n$ of $W$ is the product of $W$ with the row of $X$ whose only one stands
    at $x_n$,

    $$ W_{x_n d} = \sum_v [x_n = v]\, W_{vd} = (X W)_{nd}. $$

    So this is Dense without a bias on one-hot inputs, and (3) is its $dW = x^\top \delta$. In the
    sum

    $$ dW_{vd} = \sum_n [x_n = v]\, \delta_{nd} $$

    only the positions that hold $v$ are left: every delta is added to the row that was looked up
    for it, a row that was looked up twice gets the sum of both, and the row of an id that does not
    occur gets zero. Ids are whole numbers, with nothing between them, so there is no $dx$.

    Of $X$, nearly all zeros, only the ones are stored.

    Args:
        count: $V$, how many ids there are: 0 to $V - 1$.
        units: $D$, how many numbers stand for each.
        init: how $W$ starts.

    Raises:
        ValueError: `count` or `units` is not a positive whole number. In a Network, ids that are
            out of range; on its own the layer does not check them.

    Source: Bengio, Ducharme, Vincent and Jauvin, *A neural probabilistic language model* (2003).
    """

    param_names = ("W",)
    integer_inputs = (0,)

    def __init__(self, count, units, *, init: Initializer = Normal(deviation=1.0)):
        self.count = whole("Embedding", "count", count)
        self.units = whole("Embedding", "units", units)
        self.init = init

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.W = self.init((self.count, self.units), rng=rng, dtype=dtype)
        return (*in_shape, self.units)

    def integers_below(self, position, /):
        return self.count

    def forward(self, x, /):
        y = self.W[x]  # (1)
        return y, x

    def backward(self, delta, cache, /):
        return None, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        # A sparse product is an order of magnitude faster than np.add.at, for the same sum.
        from scipy.sparse import csr_array  # takes longer to import than all of this package

        ids, delta = cache.ravel(), rows(delta)
        N, V = len(ids), self.count
        X = csr_array((np.ones(N, delta.dtype), ids, np.arange(N + 1)), shape=(N, V))  # (2)
        dW = (X.T @ delta).astype(delta.dtype, copy=False)  # (3)
        return {"W": dW}
