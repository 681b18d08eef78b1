r"""L. Mao, *Backpropagation Through Max-Pooling Layer*: pooling as a matrix that the input chooses.

The largest of some numbers is a weighted sum of them, $\max_i x_i = \sum_i m_i x_i$, with weight 1
for the winner and 0 for all others. So max pooling is a layer like `Dense`, without bias, whose
weights nobody trains: the input itself sets them. Once they are written as a *routing matrix*
$M(X)$, the backward pass needs no argument of its own.

Shapes: $X\,(N, D)$ and $Y\,(N, P)$, the images and outputs as rows, in the order of the arrays;
$M\,(N, P, D)$, a matrix for each example, with a row for each output.

**Forward.** Output $r$ sees the inputs $V_r$, of which $r^*$ is the largest, and the first such one
in a tie. For the maximum, and for the average of $m_r$ numbers,

$$ M_{rc} = [c = r^*] \tag{1} $$

$$ M_{rc} = \frac{1}{m_r}\, [c \in V_r] \tag{2} $$

$$ Y = X M^\top \tag{3} $$

**Backward**

$$ dX = dY\, M \tag{4} $$

**Derivation.** For the average, $M$ is constant and (4) is Dense's equation. For the maximum it
depends on $X$, so there is a second term, $\sum_c x_c\, \partial M_{rc}/\partial x_j$. It is zero
wherever the derivative exists: the winner stays the winner under a small enough change, so $M$ is
constant around $X$. Where two numbers tie, it jumps and there is no derivative. By convention the
first one wins. Then each row of $M$ sums to 1, and what arrives at an output is handed down once:
to count all the winners would hand it down several times.

**Traps.** Windows that overlap put several ones into a column of $M$, never into a row: a pixel may
win several windows, and (4) adds up what comes from them. Padding is no pixel, and has no column: a
maximum never sees it, an average may count it in $m_r$.

**Published.** The post, read in a copy of 2020, derives $m_i$ and the way the gradient goes; the
year is given from memory. In a tie it gives every winner a 1; that one alone wins is added here.
The numbers of the example were computed independently.
"""

import math

import numpy as np

from ..errors import expects
from ..layers import AvgPool, MaxPool
from ..plots import Picture
from .convolution_matrix import check_size, seen
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("L. Mao", 2019, "Backpropagation Through Max-Pooling Layer")
X = np.array([[1.0, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]]).reshape(1, 4, 4, 1)
DELTA = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)


def routing(layer, x, /):
    """Return the matrices $M$ (N, P, D) of a pooling layer for images.

    Args:
        layer: a MaxPool or an AvgPool.
        x: images (N, H, W, C).

    Raises:
        TypeError: the layer is neither.
        ValueError: the images do not suit the layer, or the matrices would be too large.
    """
    if not isinstance(layer, MaxPool | AvgPool):
        raise expects("routing", "a MaxPool or an AvgPool", repr(layer), TypeError)
    x = np.asarray(x)
    if x.dtype.kind not in "biufc":
        raise expects("routing", "images of numbers", x.dtype)
    x = x + 0.0  # whole numbers become floats, which have an infinity
    N, *in_shape = x.shape or (0,)
    P = math.prod(layer.build(tuple(in_shape)))
    check_size("routing", N * P * math.prod(in_shape))
    V = seen(layer.window, in_shape).swapaxes(1, 2).reshape(P, -1)  # one row for each output
    return _largest(V, x) if isinstance(layer, MaxPool) else _mean(V, x, layer.count_include_pad)


def _largest(V, x):
    flat = x.real.reshape(len(x), math.prod(x.shape[1:]))
    padded = np.concatenate([np.full_like(flat[:, :1], -np.inf), flat], axis=1)
    place = padded[:, V].argmax(axis=2)  # the first of the largest
    winner = V[np.arange(len(V)), place] - 1
    columns = np.arange(flat.shape[1])
    return (columns == winner[..., np.newaxis]).astype(x.dtype)  # (1)


def _mean(V, x, count_include_pad):
    N, D = len(x), math.prod(x.shape[1:])
    columns = np.arange(1, D + 1)
    among = (columns == V[..., np.newaxis]).any(axis=1)
    m = V.shape[1] if count_include_pad else among.sum(axis=1, keepdims=True)
    M = among.astype(x.dtype) / m  # (2)
    return np.broadcast_to(M, (N, *M.shape)).copy()


def forward(layer, x, /):
    """Return what the layer makes of images, by its matrices.

    Args:
        layer: a MaxPool or an AvgPool.
        x: images (N, H, W, C).

    Raises:
        TypeError, ValueError: as in `routing`.
    """
    M = routing(layer, x)
    rows = np.reshape(x, (len(x), 1, M.shape[2]))
    Y = rows @ M.swapaxes(1, 2)  # (3)
    return Y.reshape(len(x), *layer.build(np.shape(x)[1:]))


def backward(layer, delta, x, /):
    """Return `dx` by the matrices.

    Args:
        layer: a MaxPool or an AvgPool.
        delta: dL/dy, of the shape of the outputs.
        x: the images (N, H, W, C).

    Raises:
        TypeError, ValueError: as in `routing`; or delta is not of the outputs' shape.
    """
    M = routing(layer, x)
    out_shape = (len(x), *layer.build(np.shape(x)[1:]))
    if np.shape(delta) != out_shape:
        raise expects("backward", f"a delta of shape {out_shape}", np.shape(delta))
    dY = np.reshape(delta, (len(x), 1, M.shape[1]))
    dX = dY @ M  # (4)
    return dX.reshape(np.shape(x))


def reproduce():
    """Return the example's numbers, and how far matrix and layers are apart."""
    table = Reproduction(CLASSIC)
    pool = MaxPool(2)
    table.number("Y", "9 2 6 3", forward(pool, X), computed=True)
    dX = "0 0 2 0 0 1 0 0 0 0 0 4 0 3 0 0"
    table.number("dX", dX, backward(pool, DELTA, X), computed=True)
    sums = routing(pool, np.zeros((1, 4, 4, 1))).sum(axis=2)
    follows = "follows from the derivation, not printed by the author"
    table.number("sums of the rows of M where all tie", "1 1 1 1", sums, remark=follows)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 6, 5, 2))
    kinds = (MaxPool(2), MaxPool(3, stride=2, padding=1), AvgPool(2), AvgPool(3, stride=1))
    for layer in kinds:
        y, cache = layer.forward(x)
        delta = rng.standard_normal(np.shape(y))
        dx, _ = layer.backward(delta, cache)
        pairs = {"Y": (y, forward(layer, x)), "dX": (dx, backward(layer, delta, x))}
        for name, (of_layer, of_M) in pairs.items():
            apart = np.abs(of_layer - of_M).max()
            what = f"{name} by M and by {layer!r} apart by"
            table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)
    table.picture = draw
    return table


def draw():
    """Draw the routing matrices of windows side by side, and of overlapping ones."""
    image = np.random.default_rng(1).random((1, 6, 6, 1))
    kinds = [[MaxPool(2), AvgPool(2)]]
    kinds += [[MaxPool(3, stride=2, padding=1), AvgPool(3, stride=2, padding=1)]]
    figure = Picture(9, 3.4)
    panels = figure.subplots(2, 2)
    drawn = []
    for place, axes in np.ndenumerate(panels):
        layer = kinds[place[0]][place[1]]
        M = routing(layer, image)[0]
        drawn.append(axes.imshow(np.ma.masked_equal(M, 0), cmap="viridis_r", vmin=0, vmax=1))
        axes.set(xlabel="pixel of the 6x6 image, row by row", ylabel="output")
        axes.set_title(repr(layer), fontsize=10)
        for edge in range(6, 36, 6):
            axes.axvline(edge - 0.5, color="black", linewidth=0.4, alpha=0.3)
    figure.colorbar(drawn[0], ax=panels, label="weight", shrink=0.8)
    return figure
