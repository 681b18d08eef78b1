"""Convolution."""

import math

import numpy as np

from ..compiled import kernels
from ..errors import whole
from ..initializers import Glorot, Initializer, Zeros
from ..layer import Layer, rows, sum_rows
from .windows import Window, parts


class Conv2D(Layer):
    r"""A convolution: Dense on every window of an image.

    Shapes: $x\,(N, H, W, C)$, $W\,(K, K, C, F)$, $b\,(F)$, $y\,(N, OH, OW, F)$. As matrices, the
    windows $X\,(N \cdot OH \cdot OW,\; K \cdot K \cdot C)$ have one row for each window, $W$ is
    read as $(K \cdot K \cdot C,\; F)$, and $\delta$ and $y$ as $(N \cdot OH \cdot OW,\; F)$.

    **Forward**

    $$ X = \text{windows}(x) \tag{1} $$

    $$ y = X W + b \tag{2} $$

    **Backward**

    $$ dW = X^\top \delta \tag{3} $$

    $$ db = \sum_{npq} \delta_{npq} \tag{4} $$

    $$ dX = \delta\, W^\top \tag{5} $$

    $$ dx = \text{fold}(dX) \tag{6} $$

    **Derivation.** In index form, with stride $s$ and the image padded,

    $$ y_{npqf} = \sum_{ijc} x_{n,\,ps+i,\,qs+j,\,c}\; W_{ijcf} + b_f. $$

    The pixels under one window are a row of $X$, so this is Dense's equation with the windows as
    examples, and (3) to (5) are Dense's, word for word: the kernel is shared by all positions, so
    its gradient sums over all of them. `windows` is linear, so the delta passes through its
    transpose `fold`, which sums where windows overlap (see `windows.py`).

    With stride 1, (5) and (6) written out are the textbook's formula. Pixel $(u, v)$ is under place
    $(i, j)$ of the window at $(u - i, v - j)$, and no other, so

    $$ dx_{nuvc} = \sum_{ijf} \delta_{n,\,u-i,\,v-j,\,f}\; W_{ijcf}, $$

    in which the index of $\delta$ falls as that of $W$ rises: a full convolution of $\delta$ with
    the kernel or, the same thing, a cross-correlation with the kernel rotated by 180 degrees. The
    rotation is no trick, it comes from solving $u = p + i$ for $p$.

    What (2) computes is a cross-correlation. With `flip=True` the window is multiplied by the
    rotated kernel instead, which is a convolution in the strict sense. Every $W$ above is then $W$
    rotated, and $dW$ is rotated back.

    Args:
        filters: $F$, the number of kernels, and so of output channels.
        size: $K$, or a pair (height, width).
        stride: how far apart the windows start: a number or a pair.
        padding: zeros around the image: a number, a pair, `"valid"` (none) or `"same"`.
        dilation: how far apart the places of a window lie: a number or a pair.
        flip: convolve in the strict sense, with the kernel rotated by 180 degrees.
        bias: whether to add $b$.
        init: how $W$ starts.
        bias_init: how $b$ starts.

    Raises:
        ValueError: a setting out of range; in `build`, an image smaller than a window.

    Source: LeCun and others, *Backpropagation applied to handwritten zip code recognition* (1989);
    as matrices, Chellapilla, Puri and Simard (2006).
    """

    param_names = ("W", "b")

    def __init__(
        self,
        filters,
        size,
        *,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
        dilation: int | tuple[int, int] = 1,
        flip=False,
        bias=True,
        init: Initializer = Glorot(),
        bias_init: Initializer = Zeros(),
    ):
        self.filters = whole("Conv2D", "filters", filters)
        self.size, self.stride, self.padding, self.dilation = size, stride, padding, dilation
        self.window = Window("Conv2D", size, stride, dilation, padding)
        self.flip = bool(flip)
        self.bias = bool(bias)
        self.init = init
        self.bias_init = bias_init
        self.param_names = ("W", "b") if bias else ("W",)
        self.b = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        OH, OW = self.window.check(self.who, in_shape)
        rng = np.random.default_rng(rng)
        C, F = in_shape[-1], self.filters
        self.W = self.init((*self.window.size, C, F), rng=rng, dtype=dtype)
        if self.bias:
            self.b = self.bias_init((F,), rng=rng, dtype=dtype)
        return OH, OW, F

    def forward(self, x, /):
        N, H, W, _ = x.shape
        kernel = self._turned(self.W)
        # The same products, of fewer windows at a time, with b as one more row of W.
        if compiled := kernels("convolution", x, *self.params.values(), of=self):
            return compiled.forward(x, kernel, self.b, self.window), x
        kernel = rows(kernel)
        y = np.empty((N, *self.window.positions(H, W), self.filters), np.result_type(x, self.W))
        for part in self._parts(x):
            X = self._rows_of_windows(x[part])  # (1)
            rows(y[part])[...] = X @ kernel + self.b  # (2)
        return y, x

    def rectified(self, x, /):
        """Return max(y, 0), what a ReLU would make of y; None where there is no kernel for it."""
        if compiled := kernels("convolution", x, *self.params.values(), of=self):
            return compiled.forward(x, self._turned(self.W), self.b, self.window, least=0)
        return None

    def backward(self, delta, cache, /):
        x = cache
        _, H, W, C = x.shape
        kernel = self._turned(self.W)
        # The same, as in forward.
        if compiled := kernels("convolution", delta, x, self.W, of=self):
            dx, *gradients = compiled.backward(delta, x, kernel, self.window)
            return dx, self._turned_back(*gradients)
        kernel = rows(kernel)
        dx = np.empty(x.shape, np.result_type(delta, self.W))
        for part in self._parts(x):
            dX = rows(delta[part]) @ kernel.T  # (5)
            dX = dX.reshape(*delta[part].shape[:3], *self.window.size, C)
            dx[part] = self.window.fold(dX, H, W)  # (6)
        return dx, self.grads(delta, cache)

    def grads(self, delta, cache, /):
        x = cache
        # The same, with db as one more row of dW.
        if compiled := kernels("convolution", delta, x, of=self):
            return self._turned_back(*compiled.grads(delta, x, self.W.shape, self.window))
        dW = np.zeros((self.W.size // self.filters, self.filters), np.result_type(x, delta))
        for part in self._parts(x):
            X = self._rows_of_windows(x[part])
            dW += X.T @ rows(delta[part])  # (3)
        db = sum_rows(delta)  # (4)
        return self._turned_back(dW, db)

    def multiply_adds(self, in_shape, /):
        H, W, C = in_shape
        return math.prod(self.window.positions(H, W)) * self.window.places * C * self.filters

    def _turned(self, kernel):
        return kernel[::-1, ::-1] if self.flip else kernel

    def _turned_back(self, dW, db):
        dW = self._turned(dW.reshape(self.W.shape))
        return {"W": dW, "b": db} if self.bias else {"W": dW}

    def _rows_of_windows(self, x):
        """Return X, which is copied once: out of the image, in the order that `windows` chooses."""
        windows = self.window.windows(x)
        return windows.reshape(-1, self.window.places * x.shape[-1])

    def _parts(self, x):
        """Yield slices of a few images: their windows and y fit the cache, those of all would not.

        Windows are made again in `grads`, since to keep them would take K*K times the image's
        memory and fetching them from there takes longer than copying them anew.
        """
        _, H, W, C = x.shape
        made = math.prod(self.window.positions(H, W)) * (self.window.places * C + self.filters)
        return parts(x, 2 * made)  # half of what fits: OpenBLAS has a faster way for small matrices
