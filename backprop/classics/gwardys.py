r"""G. Gwardys, *Convolutional Neural Networks backpropagation: from intuition to derivation*.

The post (2016) gets to a convolution by way of a net that one knows already. Take a fully connected
layer on the pixels of an image. Cut every connection but those to a few neighbouring pixels. Then
let all units use the same weights. What is left is a convolution, and what was known of
backpropagation is left too: a connection that was cut has no gradient, and a weight that many use
gets the sum of theirs. `cut_and_shared` does just that with `Dense`.

Shapes: the image $A\,(H, W)$, the kernel $w\,(K, K')$, $z$ and $\delta = \partial L/\partial z$
$(H - K + 1,\; W - K' + 1)$. Indices begin where all of a window lies inside.

**Forward.** A convolution, and beside it a cross-correlation:

$$ z_{xy} = \sum_{ab} w_{ab}\, A_{x-a,\,y-b}
   \qquad\text{or}\qquad z_{xy} = \sum_{ab} w_{ab}\, A_{x+a,\,y+b} \tag{1} $$

**Backward.** The same shifts the other way:

$$ dA_{x \mp a,\,y \mp b} \mathrel{+}= \delta_{xy}\, w_{ab} \tag{2} $$

$$ dw_{ab} = \sum_{xy} \delta_{xy}\, A_{x \mp a,\,y \mp b} \tag{3} $$

**The same with a rotation**, which is how it is mostly told:

$$ dA = \begin{cases} \delta \ast_\text{full} \operatorname{rot}_{180}(w) \\
   \delta \ast_\text{full} w \end{cases} \tag{4} $$

$$ dw = \begin{cases} \operatorname{rot}_{180}(A) \ast_\text{valid} \delta \\
   A \ast_\text{valid} \operatorname{rot}_{180}(\delta) \end{cases} \tag{5} $$

upper line the convolution, lower line the cross-correlation.

**Derivation.** The rotation is no trick, it falls out of a substitution. The pixel $A_{xy}$ reaches
the outputs $z_{x'y'}$ for which $x' - a = x$ and $y' - b = y$ for some place of the kernel. The
chain rule sums over those, and $a$ is not free, it is $x' - x$:

$$ \frac{\partial L}{\partial A_{xy}} = \sum_{x'y'} \delta_{x'y'}
   \frac{\partial z_{x'y'}}{\partial A_{xy}} = \sum_{x'y'} \delta_{x'y'}\, w_{x'-x,\,y'-y}. $$

In a convolution of $\delta$ with $w$ the indices of the two add up, $x' + (x - x') = x$. Here $w$
has $x' - x$ instead, the index with its sign changed, and that is the kernel turned by 180 degrees.
Where the forward pass is a cross-correlation, $a = x - x'$, and nothing is turned. For (3),
$w_{ab}$ is a factor of every $z_{xy}$, with $A_{x-a,\,y-b}$ beside it; here it is $A$ that has to
be turned.

With $A = \sigma(z^l)$ from the layer below, one more factor gives the post's recursion
$\delta^l = \bigl(\delta^{l+1} \ast \operatorname{rot}_{180}(w^{l+1})\bigr) \odot \sigma'(z^l)$: in
this package `Conv2D` and `Sigmoid`, one after the other.

**Trap.** `Conv2D` computes the cross-correlation, as all libraries do, and has `flip=True` for the
convolution. A formula with a rotation under a forward pass without one (or the other way round) is
wrong, and a symmetric kernel hides it.

**Published.** The post, read in a copy, has the derivation for the convolution. The numbers of the
example were computed independently.
"""

import numpy as np
from scipy.signal import convolve

from ..errors import choice, expects
from ..initializers import Given
from ..layers import Conv2D, Dense, Sigmoid
from ..network import Network
from ..plots import Picture
from . import convolution_matrix
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic(
    "G. Gwardys",
    2016,
    "Convolutional Neural Networks backpropagation: from intuition to derivation",
)
CONVENTIONS = ("convolution", "cross-correlation")
A = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
K = np.array([[1.0, 2], [3, 4]])
D = np.array([[1, -1], [2, 0.5]])


def forward(A, w, /, convention="convolution"):
    """Return `z` of one image and one kernel.

    Args:
        A: the image (H, W).
        w: the kernel (K, K'), not larger than it.
        convention: "convolution" or "cross-correlation".

    Raises:
        ValueError: shapes that do not fit, or another convention.
    """
    A, w, seen = _entered("forward", A, w, convention)
    return sum(w[a, b] * A[seen(a, b)] for a, b in np.ndindex(w.shape))  # (1)


def backward(delta, A, w, /, convention="convolution"):
    """Return `dA` and `dw`, by the indices as they stand.

    Args:
        delta: dL/dz.
        A: the image (H, W).
        w: the kernel (K, K'), not larger than it.
        convention: that of the forward pass.

    Raises:
        ValueError: shapes that do not fit, or another convention.
    """
    A, w, seen = _entered("backward", A, w, convention)
    delta = _delta("backward", delta, A, w)
    dA = np.zeros_like(A, dtype=np.result_type(A, w, delta))
    dw = np.zeros_like(w, dtype=dA.dtype)
    for a, b in np.ndindex(w.shape):
        dA[seen(a, b)] += delta * w[a, b]  # (2)
        dw[a, b] = (delta * A[seen(a, b)]).sum()  # (3)
    return dA, dw


def backward_by_rotation(delta, A, w, /, convention="convolution"):
    """Return the same as `backward`, as convolutions with what has to be turned, turned.

    Args and Raises: as in `backward`.
    """
    A, w, _ = _entered("backward_by_rotation", A, w, convention)
    delta = _delta("backward_by_rotation", delta, A, w)
    strict = convention == "convolution"
    dA = convolve(delta, turned(w) if strict else w, "full", "direct")  # (4)
    factors = (turned(A), delta) if strict else (A, turned(delta))
    dw = convolve(*factors, "valid", "direct")  # (5)
    return dA, dw


def cut_and_shared(delta, A, w, /, convention="convolution"):
    """Return `z`, `dA` and `dw` of a Dense with its connections cut and its weights shared.

    Args and Raises: as in `backward`.
    """
    A, w, _ = _entered("cut_and_shared", A, w, convention)
    delta = _delta("cut_and_shared", delta, A, w)
    S = connections(A.shape, w.shape, convention)
    weights = np.where(S >= 0, w.ravel()[S], 0.0).T
    dense = Dense(delta.size, bias=False, init=Given(weights))
    dense.build((A.size,), dtype=np.float64)
    z, cache = dense.forward(A.reshape(1, -1))
    dA, grads = dense.backward(delta.reshape(1, -1), cache)
    dT = grads["W"].T
    dw = np.array([dT[e == S].sum() for e in range(w.size)])
    return z.reshape(delta.shape), dA.reshape(A.shape), dw.reshape(w.shape)


def connections(image_shape, kernel_shape, /, convention="convolution"):
    """Return which entry of the kernel joins each output (row) to each pixel (column); -1 none."""
    kernel = np.zeros((*kernel_shape, 1, 1))
    flip = convention == "convolution"
    layer = convolution_matrix.convolution(kernel, (*image_shape, 1), flip=flip)
    return convolution_matrix.shared(layer, (*image_shape, 1))


def turned(array):
    """Return an image or a kernel turned by 180 degrees."""
    return array[::-1, ::-1]


def _entered(who, A, w, convention):
    """Return the arrays, and the function that says what place (a, b) of the kernel sees."""
    choice(who, "convention", convention, CONVENTIONS)
    A, w = np.asarray(A), np.asarray(w)
    if A.ndim != 2 or w.ndim != 2 or w.size == 0 or (np.array(w.shape) > A.shape).any():
        got = f"{w.shape} and {A.shape}"
        raise expects(who, "a kernel (K, K') and an image (H, W), not smaller", got)
    (H, W), (K, L) = A.shape, w.shape

    def seen(a, b):
        if convention == "convolution":
            a, b = K - 1 - a, L - 1 - b
        return slice(a, a + H - K + 1), slice(b, b + W - L + 1)

    return A, w, seen


def _delta(who, delta, A, w):
    out_shape = tuple(L - K + 1 for L, K in zip(A.shape, w.shape, strict=True))
    if np.shape(delta) != out_shape:
        raise expects(who, f"a delta of shape {out_shape}", np.shape(delta))
    return np.asarray(delta)


def reproduce():
    """Return the example's numbers in every way there is to get them."""
    table = Reproduction(CLASSIC)
    table.number("z, convolution", "23 33 53 63", forward(A, K), computed=True)
    correlated = forward(A, K, "cross-correlation")
    table.number("z, cross-correlation", "37 47 67 77", correlated, computed=True)
    ways = {
        "by indices": backward(D, A, K),
        "by rotation": backward_by_rotation(D, A, K),
        "by a Dense, cut and shared": cut_and_shared(D, A, K)[1:],
        "by Conv2D(flip=True)": _by_layer(D, A, K, "convolution"),
    }
    for way, (dA, dw) in ways.items():
        table.number(f"dA {way}", "4 -1 -3 10 7 0.5 4 3 0.5", dA, computed=True)
        table.number(f"dw {way}", "19.5 17 12 9.5", dw, computed=True)
    other = "cross-correlation"
    pairs = zip(_by_layer(D, A, K, other), backward(D, A, K, other), strict=True)
    for name, (of_layer, of_indices) in zip(("dA", "dw"), pairs, strict=True):
        apart = np.abs(of_layer - of_indices).max()
        what = f"{name} of the cross-correlation and of Conv2D apart by"
        table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)
    ours, of_layers = recursion()
    apart = np.abs(ours - of_layers).max()
    what = "the post's recursion and the layers' deltas apart by"
    table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)
    table.picture = draw
    return table


def _by_layer(delta, A, w, convention):
    """Return `dA` and `dw` of Conv2D."""
    kernel, in_shape = w[..., np.newaxis, np.newaxis], (*A.shape, 1)
    flip = convention == "convolution"
    layer = convolution_matrix.convolution(kernel, in_shape, flip=flip)
    _, cache = layer.forward(A.reshape(1, *in_shape))
    dA, grads = layer.backward(delta.reshape(1, *delta.shape, 1), cache)
    return dA[0, ..., 0], grads["W"][..., 0, 0]


def recursion():
    """Return delta of the first of two convolutions, by the post's formula and by the layers."""
    rng = np.random.default_rng(0)
    net = Network([Conv2D(1, 3, flip=True), Sigmoid(), Conv2D(1, 2, flip=True)])
    net.build((7, 6, 1), rng=rng, dtype=np.float64)
    x = rng.standard_normal((1, 7, 6, 1))
    y, caches = net.forward(x)
    delta = rng.standard_normal(y.shape)
    deltas = net.deltas(delta, caches)
    a = net[1].predict(net[0].predict(x))[0, ..., 0]
    dA, _ = backward_by_rotation(delta[0, ..., 0], a, net[2].params["W"][..., 0, 0])
    return dA * a * (1 - a), deltas[1][0, ..., 0]


def draw():
    """Draw the three steps from a fully connected layer to a convolution."""
    S = connections((4, 4), (2, 2))
    numbers = np.arange(S.size).reshape(S.shape)
    left = np.flatnonzero(S.ravel() >= 0)
    local = np.full(S.size, -1)
    local[left] = np.arange(len(left))
    steps = {
        f"all connected:\n{S.size} weights": numbers,
        f"cut:\n{len(left)} weights": local.reshape(S.shape),
        "shared:\n4 weights": S,
    }
    figure = Picture(9, 2.6)
    panels = figure.subplots(1, 3)
    for axes, (title, weights) in zip(panels, steps.items(), strict=True):
        count = weights.max() + 1
        colors = "tab10" if count == 4 else "viridis"
        limits = {"vmin": 0, "vmax": 9 if count == 4 else count - 1}
        axes.imshow(np.ma.masked_less(weights, 0), cmap=colors, interpolation="nearest", **limits)
        axes.set(xlabel="pixel of the 4x4 image", ylabel="output", yticks=range(0, 9, 4))
        axes.set_title(title, fontsize=10)
    return figure
