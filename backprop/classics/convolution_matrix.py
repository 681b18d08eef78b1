r"""V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep learning* (2016): a
convolution as one matrix.

A convolution is linear in its image, so it has a matrix, $y = x T^\top + b$, where image and output
are written as rows of numbers. Each row of $T$ belongs to one output: it holds the kernel, spread
over the pixels that this output sees, and zeros elsewhere. For one channel and stride 1 it is a
*doubly blocked Toeplitz matrix*: made of blocks, one for each pair of an output's row and an
image's row, that depend on the difference of the two alone, and in each of which the number depends
on the difference of the columns alone.

Nobody computes with it: nearly all of it is zeros. But it shows what a convolution is, a `Dense`
whose connections are cut and whose weights are shared, and with it both backward equations of
`Conv2D` follow from Dense's, with no further thought about what to turn or to pad.

Shapes: $x\,(N, HWC)$, $y$ and $\delta\,(N, OH \cdot OW \cdot F)$, all in the order of the arrays;
$S$ and $T\,(OH \cdot OW \cdot F,\; HWC)$, with $S$ whole numbers: $S_{rc} = e$ says that output $r$
sees input $c$ through entry $e$ of the kernel $w = \operatorname{vec}(W)$, and $-1$ that it does
not.

**Forward**

$$ T_{rc} = \begin{cases} w_{S_{rc}} & S_{rc} \ge 0 \\ 0 & S_{rc} = -1 \end{cases} \tag{1} $$

$$ y = x T^\top + b \tag{2} $$

**Backward**

$$ dx = \delta\, T \tag{3} $$

$$ dT = \delta^\top x \tag{4} $$

$$ dw_e = \sum_{rc} dT_{rc}\, [S_{rc} = e] \tag{5} $$

**Derivation.** (3) and (4) are Dense's equations, with $T^\top$ as its weights. By (1), $w_e$
stands in all places of $T$ where $S$ is $e$, so by the chain rule its gradient is the sum of
theirs: that is all that sharing a weight means. What $dT$ holds elsewhere belongs to connections
that were cut. The matrix for the way back is the transpose of the one for the way there, which is
why the layer that has $T^\top$ in its forward pass is called a transposed convolution.

Which pixels an output sees, `Window` tells: the windows of an image that holds its own pixels'
numbers. Stride, padding and dilation are in there. For a convolution in the strict sense the kernel
is turned first, and nothing else changes.

**Published.** The guide prints the matrix for a kernel of 3x3 on an image of 4x4, as which entry
stands where. It calls it $C$ and writes the image as a column. Its stride is 1; that any other, and
channels, go the same way is added here.
"""

import math

import numpy as np

from ..errors import expects
from ..initializers import Given
from ..layer import rows
from ..layers import Conv2D
from ..plots import BLUE, Picture
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic(
    "V. Dumoulin and F. Visin", 2016, "A guide to convolution arithmetic for deep learning"
)
MOST = 2**25
"""How many numbers a matrix may have: larger ones would fill the memory with zeros."""
PRINTED = """
0 1 2 . 3 4 5 . 6 7 8 . . . . .
. 0 1 2 . 3 4 5 . 6 7 8 . . . .
. . . . 0 1 2 . 3 4 5 . 6 7 8 .
. . . . . 0 1 2 . 3 4 5 . 6 7 8
"""
"""The guide's matrix: entry 3 i + j where it has w_ij, a dot where it has 0."""


def toeplitz(layer, in_shape, /):
    """Return the matrix $T$ of a convolution: one row for each output, one column for each input.

    Args:
        layer: a built Conv2D.
        in_shape: the shape (H, W, C) of an image.

    Raises:
        TypeError: the layer is no Conv2D.
        ValueError: it is not built, the image does not suit it, or the matrix would be too large.
    """
    S = shared(layer, in_shape)
    w = layer.W.ravel()
    return np.where(S >= 0, w[S], 0)  # (1)


def shared(layer, in_shape, /):
    """Return $S$: which entry of the kernel joins each output to each input; -1 where none does.

    Args:
        layer: a built Conv2D.
        in_shape: the shape (H, W, C) of an image.

    Raises:
        TypeError, ValueError: as in `toeplitz`.
    """
    columns, K = _entered(layer, in_shape), layer.W[..., 0].size
    entries = np.arange(layer.W.size).reshape(layer.W.shape)
    entries = rows(entries[::-1, ::-1] if layer.flip else entries)
    P, F = len(columns), layer.filters
    S = np.full((P, F, 1 + math.prod(in_shape)), -1)
    np.put_along_axis(S, columns.reshape(P, 1, K), entries.T[np.newaxis], axis=2)
    return S[:, :, 1:].reshape(P * F, -1)  # column 0 was the padding


def seen(window, in_shape):
    """Return which pixel each place of each window sees, counted from 1; 0 is the padding.

    Shapes: (P, places, C), with P windows.
    """
    numbers = 1 + np.arange(math.prod(in_shape)).reshape(1, *in_shape)
    windows = window.windows(numbers)
    return windows.reshape(-1, window.places, in_shape[-1])


def forward(layer, x, /):
    """Return what the layer makes of images, by its matrix.

    Args:
        layer: a built Conv2D.
        x: images (N, H, W, C).

    Raises:
        TypeError, ValueError: as in `toeplitz`.
    """
    in_shape = np.shape(x)[1:]
    T = toeplitz(layer, in_shape)
    positions = layer.window.positions(*in_shape[:2])
    b = np.tile(layer.b, math.prod(positions)) if layer.bias else 0
    y = np.reshape(x, (len(x), T.shape[1])) @ T.T + b  # (2)
    return y.reshape(len(x), *positions, layer.filters)


def backward(layer, delta, x, /):
    """Return `dx` and `dW` by the matrix.

    Args:
        layer: a built Conv2D.
        delta: dL/dy, of the shape of the outputs.
        x: the images (N, H, W, C).

    Raises:
        TypeError, ValueError: as in `toeplitz`; or delta is not of the outputs' shape.
    """
    in_shape = np.shape(x)[1:]
    S, T = shared(layer, in_shape), toeplitz(layer, in_shape)
    out_shape = (len(x), *layer.window.positions(*in_shape[:2]), layer.filters)
    if np.shape(delta) != out_shape:
        raise expects("backward", f"a delta of shape {out_shape}", np.shape(delta))
    M, D = T.shape
    flat, delta = np.reshape(x, (len(x), D)), np.reshape(delta, (len(x), M))
    dx = delta @ T  # (3)
    dT = delta.T @ flat  # (4)
    dw = np.array([dT[e == S].sum() for e in range(layer.W.size)])  # (5)
    return dx.reshape(np.shape(x)), dw.reshape(layer.W.shape)


def _entered(layer, in_shape):
    """Return what the windows see, or raise TypeError or ValueError."""
    if not isinstance(layer, Conv2D):
        raise expects("toeplitz", "a built Conv2D", repr(layer), TypeError)
    C = layer.params["W"].shape[2]  # complains if it is not built
    if not isinstance(in_shape, tuple | list) or any(isinstance(axis, str) for axis in in_shape):
        raise expects("toeplitz", "the shape (H, W, C) of an image", repr(in_shape))
    positions = layer.window.check(layer.who, in_shape)
    if in_shape[-1] != C:
        raise expects(layer.who, f"images of {C} channels", in_shape[-1])
    check_size("toeplitz", math.prod((*positions, layer.filters, *in_shape)))
    return seen(layer.window, in_shape)


def check_size(who, numbers):
    """Raise ValueError if there are more `numbers` than a matrix may have."""
    if numbers > MOST:
        raise expects(who, f"a matrix of at most {MOST:,} numbers", f"{numbers:,}")


def convolution(W, in_shape, /, **settings):
    """Return a Conv2D without bias whose kernel is `W` (K, K, C, F), built in float64.

    Raises:
        ValueError: the shape of `W` is another one, or does not go with the images'.
    """
    if np.ndim(W) != 4:
        raise expects("convolution", "a kernel of shape (K, K, C, F)", np.shape(W))
    K, L, _, F = np.shape(W)
    layer = Conv2D(F, (K, L), bias=False, init=Given(W), **settings)
    layer.build(in_shape, dtype=np.float64)
    return layer


def reproduce():
    """Return the guide's matrix beside ours, and how far matrix and layer are apart."""
    table = Reproduction(CLASSIC)
    S = shared(convolution(np.zeros((3, 3, 1, 1)), (4, 4, 1)), (4, 4, 1))
    ours = [" ".join("." if e < 0 else str(e) for e in row) for row in S]
    for number, (row, printed) in enumerate(zip(ours, PRINTED.split("\n")[1:-1], strict=True)):
        table.claim(f"row {number} of C", printed, row)
    rng = np.random.default_rng(0)
    for settings in ({}, {"flip": True}, {"stride": 2, "padding": 2, "dilation": 2}):
        layer = convolution(rng.standard_normal((3, 2, 2, 3)), (7, 6, 2), **settings)
        x = rng.standard_normal((2, 7, 6, 2))
        y, cache = layer.forward(x)
        delta = rng.standard_normal(y.shape)
        (dx, grads), (dx_of_T, dW_of_T) = layer.backward(delta, cache), backward(layer, delta, x)
        words = ", ".join(f"{name} {value}" for name, value in settings.items()) or "plain"
        pairs = {"y": (y, forward(layer, x)), "dx": (dx, dx_of_T), "dW": (grads["W"], dW_of_T)}
        for name, (of_layer, of_T) in pairs.items():
            apart = np.abs(of_layer - of_T).max()
            what = f"{name} by T and by Conv2D ({words}) apart by"
            table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)
    table.picture = draw
    return table


def draw():
    """Draw three matrices, coloured by the entry of the kernel that stands in each place."""
    cases = {
        "stride 1": {},
        "stride 2, padding 1": {"stride": 2, "padding": 1},
        "dilation 2, padding 2": {"dilation": 2, "padding": 2},
    }
    plain, strided, dilated = cases
    figure = Picture(8.4, 4.4)
    panels = figure.subplot_mosaic([[plain, dilated], [strided, dilated]])
    drawn = []
    for title, settings in cases.items():
        S = shared(convolution(np.zeros((3, 3, 1, 1)), (6, 6, 1), **settings), (6, 6, 1))
        axes = panels[title]
        drawn.append(axes.imshow(np.ma.masked_less(S, 0), cmap="tab10", vmin=-0.5, vmax=9.5))
        axes.set(title=title, xlabel="pixel of the 6x6 image, row by row", ylabel="output")
        for edge in range(6, 36, 6):
            axes.axvline(edge - 0.5, color=BLUE, linewidth=0.4, alpha=0.4)
    scale = {"ticks": range(9), "boundaries": np.arange(10) - 0.5}
    bar = figure.colorbar(drawn[0], ax=list(panels.values()), **scale)
    bar.set_label("entry of the 3x3 kernel, row by row")
    return figure
