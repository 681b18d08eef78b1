"""Depthwise convolution."""

import math

import numpy as np

from ..errors import whole
from ..initializers import Initializer, LeCun, Zeros
from ..layer import Layer, rows, sum_rows
from .windows import Window, parts


class DepthwiseConv2D(Layer):
    r"""A convolution that mixes no channels: every channel has kernels of its own.

    Shapes: $x\,(N, H, W, C)$, $W\,(K, K, 1, F)$, $b\,(F)$, $y\,(N, OH, OW, F)$, where $F = C M$ and
    $M$ is `multiplier`. Channel $c$ of the input makes the channels $cM, \dots, cM + M - 1$ of the
    output. $x_k\,(N, OH, OW, C)$ is what place $k$ of the window sees, for $k = 0, \dots, K^2 - 1$
    row by row. An index $m$ picks every $M$-th channel from the $m$-th on: $y_m$, $\delta_m$
    $(N, OH, OW, C)$, $b_m$ and $W_{km}$ $(C)$.

    **Forward**, for every $m$:

    $$ y_m = b_m + \sum_k x_k \odot W_{km} \tag{1} $$

    **Backward**

    $$ dW_{km} = \sum_{npq} \delta_{m,npq} \odot x_{k,npq} \tag{2} $$

    $$ db = \sum_{npq} \delta_{npq} \tag{3} $$

    and, summed over $m$ and where windows overlap,

    $$ dx_k \mathrel{+}= \delta_m \odot W_{km} \tag{4} $$

    **Derivation.** In index form, with stride $s$ and the image padded,

    $$ y_{n,p,q,\,cM+m} = b_{cM+m} + \sum_{ij} x_{n,\,ps+i,\,qs+j,\,c}\; W_{i,j,\,cM+m}. $$

    Conv2D's sum over the input channels has gone. What is left for one channel is a convolution
    with $C = 1$, and for one place of the window a product of numbers, not of matrices: $x_k$ is
    copied nowhere. (2) to (4) are the product rule on each of these products, and since $x_k$ is
    only a view of the image, its $dx_k$ goes back to the pixels that it was seen at. It is an
    AvgPool whose weights are learned; with all weights $1/K^2$ it is AvgPool.

    A depthwise convolution followed by `Conv2D(filters, 1)`, which mixes the channels pixel by
    pixel, stands in for a `Conv2D` with about $K^2$ times fewer multiply-adds.

    Args:
        size: $K$, or a pair (height, width).
        multiplier: $M$, how many kernels, and so output channels, each channel has.
        stride: how far apart the windows start: a number or a pair.
        padding: zeros around the image: a number, a pair, `"valid"` (none) or `"same"`.
        dilation: how far apart the places of a window lie: a number or a pair.
        bias: whether to add $b$.
        init: how $W$ starts. Its fan in, $K^2$, is that of one channel; its fan out counts all $F$.
        bias_init: how $b$ starts.

    Raises:
        ValueError: a setting out of range; in `build`, an image smaller than a window.

    Source: Sifre, *Rigid-motion scattering for image classification* (2014); Howard and others,
    *MobileNets* (2017).
    """

    param_names = ("W", "b")

    def __init__(
        self,
        size,
        *,
        multiplier=1,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        bias=True,
        init: Initializer = LeCun(),
        bias_init: Initializer = Zeros(),
    ):
        self.size, self.stride, self.padding, self.dilation = size, stride, padding, dilation
        self.multiplier = whole("DepthwiseConv2D", "multiplier", multiplier)
        self.window = Window("DepthwiseConv2D", size, stride, dilation, padding)
        self.bias = bool(bias)
        self.init = init
        self.bias_init = bias_init
        self.param_names = ("W", "b") if bias else ("W",)
        self.b = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        OH, OW = self.window.check(self.who, in_shape)
        rng = np.random.default_rng(rng)
        F = in_shape[-1] * self.multiplier
        self.W = self.init((*self.window.size, 1, F), rng=rng, dtype=dtype)
        if self.bias:
            self.b = self.bias_init((F,), rng=rng, dtype=dtype)
        return OH, OW, F

    def forward(self, x, /):
        N, H, W, C = x.shape
        OH, OW = self.window.positions(H, W)
        kernel = self._kernel(OW)
        y = np.empty((N, OH, OW, C * self.multiplier), np.result_type(x, self.W))
        y[...] = self.b
        for part in self._parts(x):
            for k, x_k in enumerate(self.window.views(self.window.pad(x[part]), H, W)):
                for m in self._multiples():
                    y[part][..., m] += x_k * kernel[k][..., m]  # (1)
        return y, x

    def backward(self, delta, cache, /):
        x = cache
        _, H, W, _ = x.shape
        kernel = self._kernel(delta.shape[2])
        dx = np.empty(x.shape, np.result_type(delta, self.W))
        for part in self._parts(x):
            padded = self.window.pad(np.zeros(x[part].shape, dx.dtype))
            for k, dx_k in enumerate(self.window.views(padded, H, W)):
                for m in self._multiples():
                    dx_k += delta[part][..., m] * kernel[k][..., m]  # (4)
            dx[part] = self.window.crop(padded, H, W)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        x = cache
        _, H, W, _ = x.shape
        dW = np.zeros((self.window.places, delta.shape[-1]), np.result_type(x, delta))
        for part in self._parts(x):
            for k, x_k in enumerate(self.window.views(self.window.pad(x[part]), H, W)):
                for m in self._multiples():
                    dW[k, m] += np.einsum("npqc,npqc->c", delta[part][..., m], x_k)  # (2)
        dW = dW.reshape(self.W.shape)
        db = sum_rows(delta)  # (3)
        return {"W": dW, "b": db} if self.bias else {"W": dW}

    def multiply_adds(self, in_shape, /):
        H, W, C = in_shape
        return math.prod(self.window.positions(H, W)) * self.window.places * C * self.multiplier

    def _kernel(self, OW):
        """Return the weights of every place, (K*K, OW, F): the same for all OW pixels of a row.

        So a row is multiplied in one go. Pixel by pixel, few channels take 2 to 3 times as long.
        """
        return np.repeat(rows(self.W)[:, np.newaxis], OW, axis=1)

    def _multiples(self):
        """Yield each `m` as a slice of the channels.

        One kernel of each channel at a time: then NumPy's innermost loop runs along the channels,
        and not along the M kernels, of which there are one or two.
        """
        return (slice(m, None, self.multiplier) for m in range(self.multiplier))

    def _parts(self, x):
        """Yield slices of a few images: they stay in the cache while all places are summed."""
        _, H, W, C = x.shape
        return parts(x, math.prod(self.window.positions(H, W)) * C * self.multiplier * 3)
