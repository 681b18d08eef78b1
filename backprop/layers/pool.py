"""Pooling."""

import math

import numpy as np

from ..compiled import kernels
from ..errors import batch_of, expects
from ..layer import Layer
from .activations import maximum
from .windows import Window


class MaxPool(Layer):
    r"""The largest number under each window, channel by channel.

    Shapes: $x\,(N, H, W, C)$, $y\,(N, OH, OW, C)$; $x_k\,(N, OH, OW, C)$ is what place $k$ of the
    window sees, for $k = 0, \dots, K^2 - 1$ row by row.

    **Forward**

    $$ k^* = \min \arg\max_k x_k \tag{1} $$

    $$ y = x_{k^*} \tag{2} $$

    **Backward**, summed where windows overlap:

    $$ dx_k \mathrel{+}= \delta \odot [k = k^*] \tag{3} $$

    **Derivation.** Write $y = \sum_k w_k x_k$ with $w_k = [k = k^*]$. As long as no other number
    overtakes the winner, $w$ is constant and $y$ linear, so $\partial y/\partial x_k = w_k$: the
    whole delta goes to the winner. Where two numbers tie there is a kink; by convention the first
    one wins, so that each delta is handed down once.

    The padding is $-\infty$, not zero, and never wins. Windows that do not fit are left out.

    Args:
        size: $K$, or a pair (height, width).
        stride: how far apart the windows start, a number or a pair; `size` if not given.
        padding: a number, a pair, `"valid"` or `"same"`; less than the size, so that every window
            sees a pixel.

    Raises:
        ValueError: a setting out of range; in `build`, an image smaller than a window.

    Source: Ranzato, Huang, Boureau and LeCun (2007); as a routing matrix, Mao, *Backpropagation
    through max-pooling layer*.
    """

    def __init__(self, size, *, stride=None, padding: int | tuple[int, int] | str = 0):
        self.size, self.stride, self.padding = size, stride, padding
        self.window = _pooling_window("MaxPool", size, stride, padding)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return (*self.window.check(self.who, in_shape), in_shape[-1])

    def forward(self, x, /):
        # The same comparisons in the same order, in one walk over memory.
        if compiled := kernels("pool", x, of=self):
            y, winner = compiled.max_forward(x, self.window)
            return y, (winner, x.shape)
        _, H, W, _ = x.shape
        places = self.window.views(self.window.pad(x, -np.inf), H, W)
        y = next(places).copy()
        winner = np.zeros(y.shape, np.min_scalar_type(self.window.places))
        # Of the winner's type, mostly a byte: Python's numbers would make arrays of 8 bytes each.
        later = np.arange(1, self.window.places, dtype=winner.dtype)
        for k, x_k in zip(later, places, strict=True):
            beats = x_k.real > y.real  # strictly: in a tie the first one stays the winner
            winner = np.maximum(winner, k * beats)  # (1)
            y = maximum(x_k, y)  # (2)
        return y, (winner, x.shape)

    def predict(self, x, /):
        if compiled := kernels("pool", x, of=self):  # as in forward, but no one asks for the winner
            return compiled.max_predict(x, self.window)
        return super().predict(x)

    def backward(self, delta, cache, /):
        winner, (N, H, W, C) = cache
        if compiled := kernels("pool", delta, of=self):  # the same sums in the same order
            return compiled.max_backward(delta, winner, (N, H, W, C), self.window), {}
        padded = self.window.pad(np.zeros((N, H, W, C), delta.dtype))
        for k, dx_k in enumerate(self.window.views(padded, H, W)):
            dx_k += delta * (winner == k)  # (3)
        return self.window.crop(padded, H, W), {}


class AvgPool(Layer):
    r"""The mean of the numbers under each window, channel by channel.

    Shapes: $x\,(N, H, W, C)$, $y\,(N, OH, OW, C)$; $x_k\,(N, OH, OW, C)$ is what place $k$ of the
    window sees; $m\,(1, OH, OW, 1)$ is how many pixels each window counts.

    **Forward**

    $$ y = \frac1m \sum_k x_k \tag{1} $$

    **Backward**, with equal shares $r$, summed where windows overlap:

    $$ r = \delta / m \tag{2} $$

    $$ dx_k \mathrel{+}= r \tag{3} $$

    **Derivation.** $\partial y/\partial x_k = 1/m$, for every place alike. With windows side by
    side this repeats each delta $K \times K$ times and divides it by $K^2$.

    Args:
        size: $K$, or a pair (height, width).
        stride: how far apart the windows start, a number or a pair; `size` if not given.
        padding: zeros around the image: a number, a pair, `"valid"` or `"same"`; less than `size`.
        count_include_pad: whether $m = K^2$ everywhere, the padding counted as pixels that are 0;
            otherwise $m$ counts true pixels only.

    Raises:
        ValueError: a setting out of range; in `build`, an image smaller than a window.

    Source: LeCun and others (1989), subsampling; Zhang, *Derivation of backpropagation in
    convolutional neural network* (2016).
    """

    def __init__(
        self,
        size,
        *,
        stride=None,
        padding: int | tuple[int, int] | str = 0,
        count_include_pad=True,
    ):
        self.size, self.stride, self.padding = size, stride, padding
        self.count_include_pad = bool(count_include_pad)
        self.window = _pooling_window("AvgPool", size, stride, padding)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return (*self.window.check(self.who, in_shape), in_shape[-1])

    def forward(self, x, /):
        _, H, W, _ = x.shape
        m = self._counts(x)
        y = sum(self.window.views(self.window.pad(x), H, W)) / m  # (1)
        return y, (m, x.shape)

    def backward(self, delta, cache, /):
        m, (N, H, W, C) = cache
        padded = self.window.pad(np.zeros((N, H, W, C), delta.dtype))
        r = delta / m  # (2)
        for dx_k in self.window.views(padded, H, W):
            dx_k += r  # (3)
        return self.window.crop(padded, H, W), {}

    def multiply_adds(self, in_shape, /):
        H, W, C = in_shape
        return math.prod(self.window.positions(H, W)) * self.window.places * C

    def _counts(self, x):
        if self.count_include_pad:
            return self.window.places
        _, H, W, _ = x.shape
        pixels = self.window.pad(np.ones((1, H, W, 1), x.dtype))
        return sum(self.window.views(pixels, H, W), start=np.zeros((), x.dtype))


class GlobalMaxPool(Layer):
    r"""The largest number of every channel of an image.

    Shapes: $x\,(N, H, W, C)$, $y\,(N, C)$; $x_k\,(N, C)$ is pixel $k$, for
    $k = 0, \dots, HW - 1$ row by row.

    **Forward**

    $$ k^* = \min \arg\max_k x_k \tag{1} $$

    $$ y = x_{k^*} \tag{2} $$

    **Backward**

    $$ dx_k = \delta \odot [k = k^*] \tag{3} $$

    **Derivation.** MaxPool with one window, as large as the image: the whole delta goes to the
    winner, of several equal ones to the first.

    Raises:
        ValueError: in `build`, inputs that are no images.

    Source: Oquab, Bottou, Laptev and Sivic, *Is object localization for free?* (2015).
    """

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return _channels(self.who, in_shape)

    def forward(self, x, /):
        N, H, W, C = x.shape
        pixels = x.reshape(N, H * W, C)
        winner = pixels.real.argmax(axis=1)[:, np.newaxis]  # (1)
        y = np.take_along_axis(pixels, winner, axis=1)[:, 0]  # (2)
        return y, (winner, x.shape)

    def backward(self, delta, cache, /):
        winner, (N, H, W, C) = cache
        dx = np.zeros((N, H * W, C), delta.dtype)
        np.put_along_axis(dx, winner, delta[:, np.newaxis], axis=1)  # (3)
        return dx.reshape(N, H, W, C), {}


class GlobalAvgPool(Layer):
    r"""The mean of every channel of an image.

    Shapes: $x\,(N, H, W, C)$, $y\,(N, C)$.

    **Forward**

    $$ y = \frac1{HW} \sum_{uv} x_{uv} \tag{1} $$

    **Backward**, the same for all pixels $u, v$:

    $$ dx_{uv} = \frac1{HW}\, \delta \tag{2} $$

    **Derivation.** $\partial y/\partial x_{uv} = 1/(HW)$. In place of `Flatten` before the last
    `Dense` it leaves one weight for each channel and class, not one for each pixel, and the same
    network takes images of any size.

    Raises:
        ValueError: in `build`, inputs that are no images.

    Source: Lin, Chen and Yan, *Network in network* (2014).
    """

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return _channels(self.who, in_shape)

    def forward(self, x, /):
        _, H, W, _ = x.shape
        y = x.sum(axis=(1, 2)) / (H * W)  # (1)
        return y, x.shape

    def backward(self, delta, cache, /):
        N, H, W, C = cache
        dx = np.empty((N, H, W, C), delta.dtype)
        dx[...] = delta[:, np.newaxis, np.newaxis] / (H * W)  # (2)
        return dx, {}

    def multiply_adds(self, in_shape, /):
        return math.prod(in_shape)


def _channels(who, in_shape):
    if len(in_shape) != 3:
        raise expects(who, "images of shape (N, H, W, C)", batch_of(in_shape))
    return in_shape[-1:]


def _pooling_window(who, size, stride, padding):
    window = Window(who, size, size if stride is None else stride, 1, padding)
    if isinstance(window.padding, tuple) and any(
        p >= K for p, K in zip(window.padding, window.size, strict=True)
    ):
        raise expects(who, f"padding to be less than the size {size}", padding)
    return window
