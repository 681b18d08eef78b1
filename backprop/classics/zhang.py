r"""Z. Zhang, *Derivation of Backpropagation in Convolutional Neural Network* (2016), step by step.

A report that takes one small network for images of 28x28 pixels and derives every delta in it by
hand: two convolutions in the strict sense, two poolings by averages, one full connection, logistic
units throughout, half the squared error. The network is that of R. B. Palm's DeepLearnToolbox
(2012). Here it stands twice: as the model `zhang` of this package's layers, and in the report's own
terms, one map at a time, with SciPy's convolution (`forward` and `backward`). A test holds the two
equal.

Shapes, of one image: $I\,(28, 28)$; $k^1\,(6, 5, 5)$ and $k^2\,(6, 12, 5, 5)$, input map before
output map; $C^1\,(6, 24, 24)$, $S^1\,(6, 12, 12)$, $C^2\,(12, 8, 8)$, $S^2\,(12, 4, 4)$;
$f\,(192)$, $W\,(192, 10)$, $\hat y\,(10)$. The sign $\ast$ is a convolution, its kernel turned by
180 degrees; *valid* keeps the places where the kernel lies wholly inside, *full* those where it
touches. $A$ takes the mean of every block of 2x2.

**Forward**

$$ C^1_p = \sigma(I \ast_\text{valid} k^1_p + b^1_p) \tag{1} $$

$$ S^1_p = A(C^1_p) \tag{2} $$

$$ C^2_q = \sigma\bigl(\textstyle\sum_p S^1_p \ast_\text{valid} k^2_{pq} + b^2_q\bigr) \tag{3} $$

$$ S^2_q = A(C^2_q) \tag{4} $$

$$ f = F(S^2) \tag{5} $$

$$ \hat y = \sigma(f W + b) \tag{6} $$

where $F$ reads each map column by column, as MATLAB does, one map after the other.

**Backward**, in the report's steps. First, the full connection:

$$ \delta_y = (\hat y - y) \odot \hat y \odot (1 - \hat y) \tag{7} $$

$$ dW = f^\top \delta_y \tag{8} $$

$$ db = \delta_y \tag{9} $$

$$ df = \delta_y W^\top \tag{10} $$

Second, the column scan undone; third, the second pooling; fourth, the logistic function:

$$ dS^2 = F^{-1}(df) \tag{11} $$

$$ dC^2_{q,ij} = \tfrac14\, dS^2_{q,\lceil i/2 \rceil \lceil j/2 \rceil} \tag{12} $$

$$ \delta_{C^2} = dC^2 \odot C^2 \odot (1 - C^2) \tag{13} $$

Fifth, the second kernels, and sixth, what lies below them:

$$ dk^2_{pq} = \operatorname{rot}_{180}(S^1_p) \ast_\text{valid} \delta_{C^2,q} \tag{14} $$

$$ db^2_q = \textstyle\sum_{ij} \delta_{C^2,q,ij} \tag{15} $$

$$ dS^1_p = \textstyle\sum_q \delta_{C^2,q} \ast_\text{full} \operatorname{rot}_{180}(k^2_{pq})
   \tag{16} $$

Seventh, the same for the first kernels:

$$ dC^1_{p,ij} = \tfrac14\, dS^1_{p,\lceil i/2 \rceil \lceil j/2 \rceil} \tag{17} $$

$$ \delta_{C^1} = dC^1 \odot C^1 \odot (1 - C^1) \tag{18} $$

$$ dk^1_p = \operatorname{rot}_{180}(I) \ast_\text{valid} \delta_{C^1,p} \tag{19} $$

$$ db^1_p = \textstyle\sum_{ij} \delta_{C^1,p,ij} \tag{20} $$

Eighth, all are updated by $-\alpha$ times the mean of the batch's gradients, with $\alpha = 1$.

**Derivation.** (12) and (17): a block's mean has the slope $1/4$ by each of its four numbers. (14):
with $c_{ij} = \sum_{uv} S_{i+4-u,\,j+4-v}\, k_{uv}$, the weight $k_{uv}$ is a factor of every
$c_{ij}$, so

$$ \frac{\partial L}{\partial k_{uv}} = \sum_{ij} \delta_{ij}\, S_{i+4-u,\,j+4-v}. $$

As $u$ rises the index of $S$ falls, as in a convolution, but as $i$ rises it rises too: $S$ has to
be turned first. (16): $S_{mn}$ reaches $c_{ij}$ through $k_{uv}$ with $u = i + 4 - m$, so
$\partial L/\partial S_{mn} = \sum_{ij} \delta_{ij}\, k_{i+4-m,\,j+4-n}$, where the index of $k$
rises with that of $\delta$: a convolution with $k$ turned, *full* since a pixel at the edge is seen
by few places. Without the turn in the forward pass (a cross-correlation) there is none in (16)
either, and in (14) the order of the two changes.

**Published and ours.** The report prints the architecture, the count of 3 898 parameters, the
formula of the bounds of the initial weights, and errors on MNIST, which depend on chance. The
numbers of the fixed image and weights below were computed independently with another program.

Source: Z. Zhang, University of Tennessee, 18 October 2016, with its MATLAB demo.
"""

import math

import numpy as np
from scipy.signal import convolve

from ..data import load_data
from ..errors import expects, whole
from ..initializers import fans
from ..layers.activations import sigmoid
from ..losses import HalfSquaredError
from ..models import zhang as model
from ..plots import Picture
from ..training import evaluate, fit
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic(
    "Z. Zhang",
    2016,
    "Derivation of Backpropagation in Convolutional Neural Network",
    seconds=7,
    needs_mnist=True,
)
IMAGE = np.linspace(0, 1, 784).reshape(1, 28, 28, 1)
CLASS = np.array([3])
LOSS = HalfSquaredError(reduction="sum")
BOUNDS = math.sqrt(6 / (7 * 25)), math.sqrt(6 / (18 * 25)), math.sqrt(6 / (192 + 10))
Y_HAT = (
    "0.7624721603411293 0.768015695530913 0.7734682914126296 0.7788296352857677 0.7840995102500735 "
    "0.7892777923402996 0.7943644475491756 0.799359528753934 0.8042631725613679 0.8090755960859035"
)
KEYS = {"k1": "0.W", "b1": "0.b", "k2": "3.W", "b2": "3.b", "W": "7.W", "b": "7.b"}
"""The report's names of the parameters, and the network's."""
AROUND = "a band around what an independent program found"


def network():
    """Return the network with the fixed weights: each tensor a line from -bound to bound."""
    net = model((28, 28, 1), 10).net
    net.build((28, 28, 1), rng=0, dtype=np.float64)
    shapes = {"k1": (1, 6, 5, 5), "k2": (6, 12, 5, 5), "W": (192, 10)}
    for (name, shape), bound in zip(shapes.items(), BOUNDS, strict=True):
        line = np.linspace(-bound, bound, math.prod(shape)).reshape(shape)
        net.params[KEYS[name]][...] = line.transpose(2, 3, 0, 1) if len(shape) == 4 else line
    return net


def terms(tensors):
    """Return parameters, or their gradients, by the report's names and in its shapes.

    Args:
        tensors: a dict with the keys of the network: `net.params`, or what `net.grads` returns.
    """
    named = {name: tensors[key] for name, key in KEYS.items()}
    named["k1"] = named["k1"].transpose(2, 3, 0, 1)[0]
    named["k2"] = named["k2"].transpose(2, 3, 0, 1)
    return named


def forward(params, image, /):
    """Return the values of the report's forward pass by their names.

    Args:
        params: what `terms(net.params)` returns.
        image: (28, 28).

    Raises:
        ValueError: the image has another shape.
    """
    k1, b1, k2, b2, W, b = (params[name] for name in KEYS)
    if np.shape(image) != (28, 28):
        raise expects("forward", "one image of shape (28, 28)", np.shape(image))
    P, Q = k2.shape[:2]
    C1 = np.array([sigmoid(valid(image, k1[p]) + b1[p]) for p in range(P)])  # (1)
    S1 = means(C1)  # (2)
    z2 = [sum(valid(S1[p], k2[p, q]) for p in range(P)) + b2[q] for q in range(Q)]
    C2 = sigmoid(np.array(z2))  # (3)
    S2 = means(C2)  # (4)
    f = S2.transpose(0, 2, 1).ravel()  # (5)
    y = sigmoid(f @ W + b)  # (6)
    return {"I": image, "C1": C1, "S1": S1, "C2": C2, "S2": S2, "f": f, "y": y}


def backward(params, values, target, /):
    """Return the report's deltas and gradients by their names, as a pair of dicts.

    The deltas are `y`, `f`, `S2`, `C2`, `S1`, `C1`; those of y, C2 and C1 are taken before the
    logistic function.

    Args:
        params: what `terms(net.params)` returns.
        values: what `forward` returned.
        target: (10), 1 at the class and 0 elsewhere.

    Raises:
        ValueError: the target has another shape.
    """
    k2, W = params["k2"], params["W"]
    image, C1, S1, C2, S2, f, y = values.values()
    if np.shape(target) != y.shape:
        raise expects("backward", f"a target of shape {y.shape}", np.shape(target))
    P, Q = k2.shape[:2]
    delta_y = (y - target) * y * (1 - y)  # (7)
    dW = np.outer(f, delta_y)  # (8)
    db = delta_y  # (9)
    df = delta_y @ W.T  # (10)
    dS2 = df.reshape(S2.shape).transpose(0, 2, 1)  # (11)
    dC2 = repeated(dS2) / 4  # (12)
    delta_C2 = dC2 * C2 * (1 - C2)  # (13)
    dk2 = [[valid(turned(S1[p]), delta_C2[q]) for q in range(Q)] for p in range(P)]  # (14)
    db2 = delta_C2.sum(axis=(1, 2))  # (15)
    dS1 = [sum(full(delta_C2[q], turned(k2[p, q])) for q in range(Q)) for p in range(P)]  # (16)
    dC1 = repeated(np.array(dS1)) / 4  # (17)
    delta_C1 = dC1 * C1 * (1 - C1)  # (18)
    dk1 = [valid(turned(image), delta_C1[p]) for p in range(P)]  # (19)
    db1 = delta_C1.sum(axis=(1, 2))  # (20)
    deltas = {"y": delta_y, "f": df, "S2": dS2, "C2": delta_C2, "S1": dS1, "C1": delta_C1}
    grads = {"k1": dk1, "b1": db1, "k2": dk2, "b2": db2, "W": dW, "b": db}
    return _arrays(deltas), _arrays(grads)


def _arrays(named):
    return {name: np.array(value) for name, value in named.items()}


def valid(image, kernel):
    """Return the convolution where the kernel lies wholly inside."""
    return convolve(image, kernel, "valid", "direct")


def full(image, kernel):
    """Return the convolution wherever the kernel touches."""
    return convolve(image, kernel, "full", "direct")


def turned(array):
    """Return a map or kernel turned by 180 degrees."""
    return array[::-1, ::-1]


def means(maps):
    """Return the means of blocks of 2x2."""
    P, H, W = maps.shape
    return maps.reshape(P, H // 2, 2, W // 2, 2).mean(axis=(2, 4))


def repeated(maps):
    """Return each number as a block of 2x2."""
    return maps.repeat(2, axis=1).repeat(2, axis=2)


def layers_gradients(net, image, target):
    """Return what the layers make of the same: the loss, and the gradients by network key."""
    y, caches = net.forward(image)
    loss, cache = LOSS.forward(y, target)
    return loss, net.grads(LOSS.backward(cache), caches)


def difference_error(net, image, target, name, *, entries=40, h=1e-5):
    """Return how far a gradient is from central differences, relative to its size.

    Args:
        net: the network.
        image: (N, 28, 28, 1).
        target: the classes (N,).
        name: one of k1, b1, k2, b2, W, b.
        entries: how many of its entries to compare, spread evenly.
        h: the step.

    Raises:
        ValueError: there is no such tensor, or `entries` is not a positive whole number.
    """
    entries = whole("difference_error", "entries", entries)
    if name not in KEYS:
        raise expects("difference_error", f"one of {', '.join(KEYS)}", repr(name))
    twin = net.astype(np.float64)
    tensor = twin.params[KEYS[name]].reshape(-1)  # a view: to change it is to change the network
    places = np.unique(np.linspace(0, tensor.size - 1, entries).round().astype(int))
    analytic = layers_gradients(net, image, target)[1][KEYS[name]].ravel()[places]
    numeric = []
    for place in places:
        before, losses = tensor[place], []
        for shifted in (before + h, before - h):
            tensor[place] = shifted
            losses.append(LOSS.forward(twin.predict(image), target)[0])
        tensor[place] = before
        numeric.append((losses[0] - losses[1]) / (2 * h))
    return float(np.linalg.norm(numeric - analytic) / np.linalg.norm(analytic))


def train(data, *, epochs=1, seed=0):
    """Train on a Dataset of 28x28 images; return the network and the share of errors on its test.

    The settings are the report's: rate 1, batches of 50, mean gradients, another order every epoch.

    Args:
        data: a Dataset, as `load_data` returns it.
        epochs: how many.
        seed: of the weights and the order.

    Raises:
        ValueError: `epochs` is no positive whole number, or the images have another shape.
    """
    epochs = whole("train", "epochs", epochs)
    if data.x_train.shape[1:] != (28, 28, 1):
        raise expects("train", "images of shape (N, 28, 28, 1)", data.x_train.shape)
    made = model((28, 28, 1), 10)
    made.net.build((28, 28, 1), rng=seed)
    training = (data.x_train, data.y_train)
    settings = {"batch_size": made.batch_size, "epochs": epochs, "seed": seed, "progress": False}
    fit(made.net, training, loss=made.loss, optimizer=made.optimizer, **settings)
    found = evaluate(made.net, (data.x_test, data.y_test), loss=made.loss)
    return made.net, 1 - found.accuracy


def enlarged(data):
    """Return a Dataset of 8x8 images as one of 28x28: each pixel 3x3 times, and a margin of 2."""
    margin = ((0, 0), (2, 2), (2, 2), (0, 0))
    x_train, x_test = (
        np.pad(x.repeat(3, axis=1).repeat(3, axis=2), margin) for x in (data.x_train, data.x_test)
    )
    return type(data)(
        f"{data.name} enlarged", x_train, data.y_train, x_test, data.y_test, data.classes
    )


def reproduce(*, mnist=None):
    """Return the report's numbers beside ours.

    Args:
        mnist: a folder with the four files of MNIST, for the error after an epoch (half a minute).
    """
    table = Reproduction(CLASSIC)
    net = network()
    table.number("parameters", "3898", net.param_count)
    published = "0.1851640199545103 0.11547005383792516 0.1723454968864278"
    variances = [layer.init.variance(*fans(layer.W.shape)) for layer in (net[0], net[3], net[7])]
    table.number("bounds of k1, k2, W", published, np.sqrt(3 * np.array(variances)), computed=True)
    _fixture(table, net)
    for name in KEYS:
        error = difference_error(net, IMAGE, CLASS, name)
        what = f"{name} against differences, relative error"
        table.band(what, 0, 1e-7, error, remark=TWO_WAYS)
    net = _trained(table, mnist)
    table.picture = lambda: draw(net)
    return table


def _fixture(table, net):
    """Add the rows of the fixed weights: the report's steps, and how far the layers are."""
    params, target = terms(net.params), np.eye(10)[CLASS[0]]
    values = forward(params, IMAGE[0, ..., 0])
    _, grads = backward(params, values, target)
    loss = LOSS.forward(values["y"][np.newaxis], CLASS)[0]
    table.number("loss", "2.813793005020869", loss, computed=True)
    table.number("y", Y_HAT, values["y"], computed=True)
    table.number("C1[0,0,0]", "0.4231042334306399", values["C1"][0, 0, 0], computed=True)
    table.number("S1[5,11,11]", "0.9706662426269879", values["S1"][5, 11, 11], computed=True)
    table.number("C2[0,0,0]", "0.5351272973863411", values["C2"][0, 0, 0], computed=True)
    table.number("S2[11,3,3]", "0.9894237709371231", values["S2"][11, 3, 3], computed=True)
    table.number("sum of f", "171.80310598257995", values["f"].sum(), computed=True)
    ours, of_layers = layers_gradients(net, IMAGE, CLASS)
    table.number("loss, by the layers", "2.813793005020869", ours, computed=True)
    for name, gradient in terms(of_layers).items():
        apart = np.linalg.norm(gradient - grads[name]) / np.linalg.norm(gradient)
        what = f"d{name}: the report's steps and the layers apart by"
        table.band(what, 0, 1e-12, apart, remark=TWO_WAYS)


def _trained(table, mnist):
    """Add the rows of what is learned; return the network."""
    slow = "that would take the better part of an hour"
    if mnist is None:
        table.told("error on MNIST after 1 epoch, %", "about 11", "-", "needs MNIST: --mnist")
        net, error = train(enlarged(load_data("digits")), epochs=25)
        why = "not the report's data: 1,438 digits of 8x8 pixels, enlarged"
        table.told("error on the shipped digits, 25 epochs, %", "-", 100 * error, why)
    else:
        net, error = train(load_data(mnist))
        low, high = 11.27 - 1.5, 11.27 + 1.5
        what = "error on MNIST after 1 epoch, %"
        table.band(what, low, high, 100 * error, published="about 11", remark=AROUND)
    table.told("error on MNIST after 100 epochs, %", "about 1.2", "-", slow)
    return net


def draw(net):
    """Draw a digit on its way through the network, and the deltas on their way back."""
    data = enlarged(load_data("digits"))
    params = terms({key: value.astype(np.float64) for key, value in net.params.items()})
    values = forward(params, data.x_test[0, ..., 0].astype(np.float64))
    deltas, _ = backward(params, values, np.eye(10)[data.y_test[0]])
    figure = Picture(9, 4.6)
    panels = figure.subplots(2, 3, width_ratios=(1, 1.5, 4 / 3))
    _maps(panels[0, 0], values["I"][np.newaxis], 1, "image $I$", "gray")
    _maps(panels[1, 0], params["k1"], 3, "kernels $k^1$", "RdBu_r")
    _maps(panels[0, 1], values["C1"], 3, "forward: maps $C^1$", "gray")
    _maps(panels[1, 1], deltas["C1"], 3, r"backward: $\delta_{C^1}$", "RdBu_r")
    _maps(panels[0, 2], values["C2"], 4, "forward: maps $C^2$", "gray")
    _maps(panels[1, 2], deltas["C2"], 4, r"backward: $\delta_{C^2}$", "RdBu_r")
    return figure


def _maps(axes, maps, columns, title, colors):
    """Draw maps (P, H, W) side by side; blue is negative, red positive, where signs count."""
    framed = np.pad(maps, ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    P, H, W = framed.shape
    block = framed.reshape(P // columns, columns, H, W).swapaxes(1, 2)
    most = np.abs(maps).max()
    least = 0 if colors == "gray" else -most
    block = block.reshape(-1, columns * W)[:-1, :-1]
    axes.imshow(block, cmap=colors, vmin=least, vmax=most, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
