"""Transposed convolution."""

import math

import numpy as np

from ..errors import batch_of, expects, pair, whole
from ..initializers import Glorot, Initializer, Zeros
from ..layer import Layer, rows, sum_rows
from .windows import Window, parts


class ConvTranspose2D(Layer):
    r"""The transpose of a convolution: every pixel stamps its kernels into a larger image.

    Shapes: $x\,(N, H, W, C)$, $W\,(K, K, F, C)$, $b\,(F)$, $y\,(N, OH, OW, F)$. As matrices, $x$ is
    read as $(N \cdot H \cdot W,\; C)$ and $W$ as $(K \cdot K \cdot F,\; C)$, and the stamps
    $Y\,(N \cdot H \cdot W,\; K \cdot K \cdot F)$ have one row for each pixel of $x$. $W$ is laid
    out as in the convolution of which this is the transpose: the one that makes $C$ channels out of
    $F$.

    **Forward**

    $$ Y = x\, W^\top \tag{1} $$

    $$ y = \text{fold}(Y) + b \tag{2} $$

    **Backward**

    $$ dY = \text{windows}(\delta) \tag{3} $$

    $$ dx = dY\, W \tag{4} $$

    $$ dW = dY^\top x \tag{5} $$

    $$ db = \sum_{nuv} \delta_{nuv} \tag{6} $$

    **Derivation.** A convolution with stride $s$, without its bias, takes an image $u$ to
    $z_{npqc} = \sum_{ijf} u_{n,\,ps+i,\,qs+j,\,f}\; W_{ijfc}$. So $W_{ijfc}$ is the entry of its
    matrix in the row of $z_{npqc}$ and the column of pixel $(ps + i,\; qs + j)$. The transposed
    matrix takes $x$, of the shape of $z$, to an image of the shape of $u$ through the same entries:

    $$ y_{n,\,ps+i,\,qs+j,\,f} \mathrel{+}= x_{npqc}\; W_{ijfc}, $$

    for all $p, q, i, j$ and $c$. Hence $\langle \text{conv}(u), x \rangle = \langle u, y \rangle$
    while $b = 0$, and (1) and (2) are the way in which Conv2D hands its delta down. Backwards the
    two change places once more. The number $x_{npqc}$ reaches the pixels of its own stamp, so

    $$ \frac{\partial L}{\partial x_{npqc}} = \sum_{ijf} \delta_{n,\,ps+i,\,qs+j,\,f}\; W_{ijfc}, $$

    which is the convolution, of $\delta$; and $W_{ijfc}$ is a factor of the same place in every
    stamp, so

    $$ \frac{\partial L}{\partial W_{ijfc}} =
       \sum_{npq} \delta_{n,\,ps+i,\,qs+j,\,f}\; x_{npqc}. $$

    A transpose is no inverse: it brings back the size of the image, not its numbers.

    **Size.** $OH = (H - 1)\,s - 2p + d\,(K - 1) + 1 + \text{output\_padding}$, with padding $p$ and
    dilation $d$. A convolution makes the same $H$ windows of $s$ different image sizes, since it
    leaves out what does not fit; `output_padding`, from 0 to $s - 1$, says which one to go back to.

    Args:
        filters: $F$, the number of output channels.
        size: $K$, or a pair (height, width).
        stride: how far apart the stamps start: a number or a pair.
        padding: what the convolution adds around its image, and so what is cut off here: a number,
            a pair, `"valid"` (nothing) or `"same"`, which makes the output $s$ times the input.
        dilation: how far apart the places of a stamp lie: a number or a pair.
        output_padding: rows and columns more at the end, a number or a pair; 0 with `"same"`.
        bias: whether to add $b$.
        init: how $W$ starts. It takes $W$ for the convolution's: its fan in counts the products
            that a $dx$ sums, its fan out those that $y$ would sum with stride 1.
        bias_init: how $b$ starts.

    Raises:
        ValueError: a setting out of range; in `build`, an image of which the padding leaves
            nothing.

    Source: Zeiler, Krishnan, Taylor and Fergus, *Deconvolutional networks* (2010); the sizes,
    Dumoulin and Visin, *A guide to convolution arithmetic for deep learning* (2016).
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
        output_padding: int | tuple[int, int] = 0,
        bias=True,
        init: Initializer = Glorot(),
        bias_init: Initializer = Zeros(),
    ):
        who = "ConvTranspose2D"
        self.filters = whole(who, "filters", filters)
        self.size, self.stride, self.padding, self.dilation = size, stride, padding, dilation
        self.output_padding = output_padding
        self.window = Window(who, size, stride, dilation, padding)
        self.extra = pair(who, "output_padding", output_padding, least=0)
        if padding == "same" and any(self.extra):
            raise expects(who, "output_padding to be 0 with padding 'same'", output_padding)
        if any(e >= s for e, s in zip(self.extra, self.window.stride, strict=True)):
            what = f"output_padding to be less than the stride {stride}"
            raise expects(who, what, output_padding)
        self.bias = bool(bias)
        self.init = init
        self.bias_init = bias_init
        self.param_names = ("W", "b") if bias else ("W",)
        self.b = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        if len(in_shape) != 3:
            raise expects(self.who, "images of shape (N, H, W, C)", batch_of(in_shape))
        H, W, C = in_shape
        OH, OW = self._out(H, W)
        if OH < 1 or OW < 1:
            what = f"images that padding {self.window.padding} leaves something of"
            raise expects(self.who, what, batch_of(in_shape))
        rng = np.random.default_rng(rng)
        F = self.filters
        self.W = self.init((*self.window.size, F, C), rng=rng, dtype=dtype)
        if self.bias:
            self.b = self.bias_init((F,), rng=rng, dtype=dtype)
        return OH, OW, F

    def forward(self, x, /):
        N, H, W, _ = x.shape
        OH, OW = self._out(H, W)
        kernel = rows(self.W)
        y = np.empty((N, OH, OW, self.filters), np.result_type(x, self.W))
        for part in self._parts(x):
            Y = rows(x[part]) @ kernel.T  # (1)
            Y = Y.reshape(*x[part].shape[:3], *self.window.size, self.filters)
            y[part] = self.window.fold(Y, OH, OW) + self.b  # (2)
        return y, x

    def backward(self, delta, cache, /):
        x = cache
        kernel = rows(self.W)
        dx = np.empty(x.shape, np.result_type(delta, self.W))
        dW = np.zeros(kernel.shape, np.result_type(x, delta))
        for part in self._parts(x):
            dY = self.window.windows(delta[part])  # (3)
            dY = dY.reshape(-1, len(kernel))
            rows(dx[part])[...] = dY @ kernel  # (4)
            dW += dY.T @ rows(x[part])  # (5)
        dW = dW.reshape(self.W.shape)
        db = sum_rows(delta)  # (6)
        return dx, {"W": dW, "b": db} if self.bias else {"W": dW}

    def multiply_adds(self, in_shape, /):
        return math.prod(in_shape) * self.window.places * self.filters

    def _out(self, H, W):
        """Return (OH, OW): the image of which the convolution makes one of H by W."""
        window = self.window
        if window.padding == "same":
            return H * window.stride[0], W * window.stride[1]
        return tuple(
            (L - 1) * s - sum(margin) + (K - 1) * d + 1 + extra
            for L, K, s, d, margin, extra in zip(
                (H, W),
                window.size,
                window.stride,
                window.dilation,
                window.margins(H, W),
                self.extra,
                strict=True,
            )
        )

    def _parts(self, x):
        """Yield slices of a few images: their stamps fit the cache, all images' would not."""
        return parts(x, math.prod(x.shape[1:3]) * self.window.places * self.filters)
