r"""The sliding window: what convolution and pooling have in common.

A window of $K \times K'$ places slides over an image. Place $k = (i, j)$ of the window at position
$(p, q)$ of the output looks at one pixel of the padded image,

$$ X_{npqk} = x_{n,\; p s + i d,\; q s + j d}, \tag{1} $$

with stride $s$ and dilation $d$. This is a linear map, called `windows`. It only copies, so its
matrix holds zeros and ones, a single one in each row. Its transpose, called `fold`, sends every
number back to the pixel it was copied from, and pixels that were copied into several windows *sum*
what comes back:

$$ dx_{n,\; p s + i d,\; q s + j d} \mathrel{+}= dX_{npqk}. \tag{2} $$

That the two are transposes of each other is $\langle \text{windows}(x), R \rangle = \langle x,
\text{fold}(R) \rangle$ for all $x$ and $R$. Pixels that no window reaches get zero.

$X$ is a matrix with one row for each window. It is copied in runs of neighbouring numbers, and long
runs are fast. So where a row of windows is longer than a window's row, as with one channel, $X$
lies transposed in memory, place by place; to BLAS that is all the same.
"""

import functools
import math

import numpy as np

from ..compiled import kernels
from ..errors import batch_of, choice, expects, pair

PLACES_FIRST = (3, 4, 5, 0, 1, 2)
"""The axes of windows (N, OH, OW, K, K, C) with those of a window in front; its own inverse."""


def parts(images, numbers):
    """Yield slices of a few of `images` each, where a layer makes `numbers` numbers of one.

    What it makes of a few fits the cache, what it would make of all does not.
    """
    step = max(1, 2**18 // numbers)
    return (slice(n, n + step) for n in range(0, len(images), step))


@functools.lru_cache  # every part of a batch asks for it, several times, and the same each time
def _geometry(H, W, size, stride, dilation, padding):
    """Return the margins of an image of H by W and how many windows fit into it, see Window."""
    margins, positions = [], []
    for axis, (L, K, s, d) in enumerate(zip((H, W), size, stride, dilation, strict=True)):
        span = (K - 1) * d + 1
        if padding == "same":
            missing = max((-(-L // s) - 1) * s + span - L, 0)
        else:
            missing = 0 if padding == "valid" else 2 * padding[axis]
        margins.append((missing // 2, missing - missing // 2))
        positions.append((L + missing - span) // s + 1)
    return tuple(margins), tuple(positions)


class Window:
    """The geometry of a sliding window: its size, stride, dilation and padding.

    Args:
        who: whose window it is, for the errors.
        size: $K$, or a pair (height, width), as all the others.
        stride: how far apart neighbouring windows start.
        dilation: how far apart neighbouring places of one window lie.
        padding: how many pixels to add on every side; or `"valid"`, none; or `"same"`, as many as
            make the output as large as the input divided by the stride, rounded up. An odd one
            goes to the end.

    Raises:
        ValueError: a size, stride or dilation below 1, a padding below 0, another word.
    """

    def __init__(
        self,
        who,
        size,
        stride: int | tuple[int, int] = 1,
        dilation: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str = 0,
    ):
        self.size = pair(who, "size", size)
        self.stride = pair(who, "stride", stride)
        self.dilation = pair(who, "dilation", dilation)
        if isinstance(padding, str):
            self.padding = choice(who, "padding", padding, ("same", "valid"))
        else:
            self.padding = pair(who, "padding", padding, least=0)

    @property
    def places(self):
        """How many pixels a window looks at."""
        return math.prod(self.size)

    def margins(self, H, W):
        """Return `((top, bottom), (left, right))`, the pixels added to an image of H by W."""
        return self._geometry(H, W)[0]

    def positions(self, H, W):
        """Return (OH, OW), how many windows fit into an image of H by W; the rest is left out."""
        return self._geometry(H, W)[1]

    def _geometry(self, H, W):
        return _geometry(H, W, self.size, self.stride, self.dilation, self.padding)

    def check(self, who, in_shape):
        """Return (OH, OW) for images of `in_shape` (H, W, C); raise ValueError if none fits."""
        if len(in_shape) != 3:
            raise expects(who, "images of shape (N, H, W, C)", batch_of(in_shape))
        OH, OW = self.positions(*in_shape[:2])
        if OH < 1 or OW < 1:
            K, L = ((k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True))
            what = f"images that a {K}x{L} window fits into with padding {self.padding}"
            raise expects(who, what, batch_of(in_shape))
        return OH, OW

    def pad(self, x, value=0.0):
        """Return `x` with its margins, filled with `value`."""
        N, H, W, C = x.shape
        (top, bottom), (left, right) = self.margins(H, W)
        if not (top or bottom or left or right):
            return x
        padded = np.full((N, top + H + bottom, left + W + right, C), value, x.dtype)
        padded[:, top : top + H, left : left + W] = x
        return padded

    def views(self, padded, H, W):
        """Yield, for each place of the window in turn, the view (N, OH, OW, C) of what it sees.

        `padded` is an image of H by W with its margins. Each view is writable if `padded` is.
        """
        OH, OW = self.positions(H, W)
        (s, t), (d, e) = self.stride, self.dilation
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                yield padded[:, i * d : i * d + OH * s : s, j * e : j * e + OW * t : t][:, :OH, :OW]

    def windows(self, x):
        """Return the windows of images `x` (N, H, W, C), in one piece: (N, OH, OW, K, K, C).

        `reshape` to a matrix copies nothing, whichever way that lies in memory.
        """
        N, H, W, C = x.shape
        x = self.pad(x)
        OH, OW = self.positions(H, W)
        (s, t), (d, e), (n, h, w, c) = self.stride, self.dilation, x.strides
        X = np.lib.stride_tricks.as_strided(
            x, (N, OH, OW, *self.size, C), (n, h * s, w * t, h * d, w * e, c), writeable=False
        )
        # What is copied in one go: a row of one window, or what one place sees in a row of windows.
        axes = PLACES_FIRST if self.size[1] * C < OW else range(X.ndim)
        return np.ascontiguousarray(X.transpose(axes)).transpose(axes)  # (1)

    def fold(self, dX, H, W):
        """Return the transpose of `windows`: (N, OH, OW, K, K, C) summed into images of H by W."""
        N, C = len(dX), dX.shape[-1]
        (top, bottom), (left, right) = self.margins(H, W)
        dx = np.zeros((N, top + H + bottom, left + W + right, C), dX.dtype)
        # Window by window, each pixel in the order of (2).
        if compiled := kernels("windows", dX, of=self):
            return self.crop(compiled.fold(dX, dx, self.stride, self.dilation), H, W)
        for k, seen in enumerate(self.views(dx, H, W)):
            seen += dX[:, :, :, *divmod(k, self.size[1])]  # (2)
        return self.crop(dx, H, W)

    def crop(self, padded, H, W):
        """Return `padded` without its margins: the transpose of `pad`."""
        (top, _), (left, _) = self.margins(H, W)
        return padded[:, top : top + H, left : left + W]
