r"""J. Brownlee, *How to Code a Neural Network with Backpropagation in Python* (2016).

A tutorial in plain Python: one hidden layer, logistic units, half the squared error, one update
after each example, in the order of the data. Its random weights come from Python's own generator
with seed 1, neuron by neuron, the bias last; so every number that it prints can be met.

**Derivation.** With row vectors and $a = \sigma(z)$,

$$ \delta^2 = (a^2 - t) \odot a^2 (1 - a^2), \qquad
   \delta^1 = (\delta^2 W^{2\top}) \odot a^1 (1 - a^1) $$

$$ dW^l = a^{l-1\,\top} \delta^l, \qquad db^l = \delta^l, \qquad w \leftarrow w - \eta\,dw $$

which `Dense`, `Sigmoid`, `HalfSquaredError` and `SGD` carry out. The tutorial's test of the
backward pass counts the error as $t - y$: what it prints is minus the deltas here.

**What to look out for.** The error that it prints for an epoch is the sum of the squares without
the half, each example's taken before its own update, so it is the error of no single network. All
deltas of an example are found before any weight changes.

**Left out**: the tutorial's cross-validation on the wheat seeds (93.333 % in the mean of 5 folds),
a data set that this package does not bring.

Source: machinelearningmastery.com, *Implement backpropagation algorithm scratch python*.
"""

import random

import numpy as np

from ..errors import expects, whole
from ..initializers import Given
from ..layers import Dense, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD
from ..plots import BLUE, ORANGE, Picture
from ..training import TrainStep
from .axes import open_frame
from .reproduction import Classic, Reproduction

CLASSIC = Classic("J. Brownlee", 2016, "How to Code a Neural Network with Backpropagation")
DATA = np.array(
    [
        [2.7810836, 2.550537003],
        [1.465489372, 2.362125076],
        [3.396561688, 4.400293529],
        [1.38807019, 1.850220317],
        [3.06407232, 3.005305973],
        [7.627531214, 2.759262235],
        [5.332441248, 2.088626775],
        [6.922596716, 1.77106367],
        [8.675418651, -0.242068655],
        [7.673756466, 3.508563011],
    ]
)
CLASSES = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
EPOCH_ERRORS = (
    "6.350 5.531 5.221 4.951 4.519 4.173 3.835 3.506 3.192 2.898 "
    "2.626 2.377 2.153 1.953 1.774 1.614 1.472 1.346 1.233 1.132"
)
HIDDEN = (
    "-1.4688375095432327 1.850887325439514 1.0858178629550297 "
    "0.37711098142462157 -0.0625909894552989 0.2765123702642716"
)
OUTPUT = (
    "2.515394649397849 -0.3391927502445985 -0.9671565426390275 "
    "-2.5584149848484263 1.0036422106209202 0.42383086467582715"
)


def network(inputs, hidden, classes, seed=1):
    """Return the network, with the weights that `random.seed(seed)` gives the tutorial.

    Raises:
        ValueError: a size is not a positive whole number.
    """
    sizes = [("inputs", inputs), ("hidden", hidden), ("classes", classes)]
    D, H, K = (whole("network", name, size) for name, size in sizes)
    draw = random.Random(seed)
    layers = []
    for fan_in, units in ((D, H), (H, K)):
        neurons = np.array([[draw.random() for _ in range(fan_in + 1)] for _ in range(units)])
        layers += [Dense(units, init=Given(neurons[:, :-1].T), bias_init=Given(neurons[:, -1]))]
        layers += [Sigmoid()]
    net = Network(layers)
    net.build((D,), dtype=np.float64)
    return net


def train(net, x, classes, *, rate=0.5, epochs=20):
    """Update the network after each example; return each epoch's sum of the squared errors.

    Args:
        net: what `network` returned, changed in place.
        x: (N, D).
        classes: N whole numbers.
        rate: the step.
        epochs: how often to go through the examples.

    Raises:
        ValueError: `x` is no table, there is not one class for each example, or `epochs` is not
            positive.
    """
    x, classes = np.asarray(x), np.asarray(classes)
    if x.ndim != 2 or len(x) == 0:
        raise expects("train", "examples of shape (N, D)", x.shape)
    if classes.shape != x.shape[:1]:
        raise expects("train", f"classes of shape {x.shape[:1]}", classes.shape)
    step = TrainStep(net, HalfSquaredError(), SGD(rate))
    errors = []
    for _ in range(whole("train", "epochs", epochs)):
        losses = [step(x[n : n + 1], classes[n : n + 1]) for n in range(len(x))]
        errors.append(2 * sum(losses))
    return np.array(errors)


def neurons(dense):
    """Return a layer's weights as the tutorial prints them: a row for each neuron, bias last."""
    return np.column_stack([dense.W.T, dense.b])


def reproduce():
    """Return the tutorial's numbers beside ours."""
    table = Reproduction(CLASSIC)
    net = network(2, 1, 2)
    y = net.predict([[1, 0]])
    table.number("forward test", "0.6629970129852887 0.7253160725279748", y)
    output, hidden = backward_test(net)
    sign, printed = "printed with the other sign", "0.14619064683582808 -0.0771723774346327"
    table.number("backward test, output", printed, output, remark=sign)
    table.number("backward test, hidden", "0.0005348048046610517", hidden, remark=sign)
    net = network(2, 2, 2)
    table.number("sum of squares, 20 epochs", EPOCH_ERRORS, train(net, DATA, CLASSES))
    table.number("hidden neurons then", HIDDEN, neurons(net[0]))
    table.number("output neurons then", OUTPUT, neurons(net[2]))
    right = int((net.predict(DATA).argmax(axis=1) == CLASSES).sum())
    table.claim("classes right", "10 of 10", f"{right} of {len(DATA)}")
    table.picture = draw
    return table


def backward_test(net):
    """Return the deltas of both layers, given the units' outputs that the tutorial makes up."""
    h, y = np.array([[0.7105668883115941]]), np.array([[0.6213859615555266, 0.6573693455986976]])
    caches = [np.array([[1.0, 0.0]]), h, h, y]  # what each layer would have kept of them
    deltas = net.deltas(y - [[0, 1]], caches)
    return deltas[3], deltas[1]


def draw():
    """Draw the error of each epoch, and the answers over the plane after 20 of them."""
    net = network(2, 2, 2)
    errors = train(net, DATA, CLASSES)
    figure = Picture(8.4, 3.2)
    left, right = figure.subplots(1, 2)
    left.plot(range(1, len(errors) + 1), errors, "o-", color=BLUE, markersize=3)
    left.set(xlabel="epoch", ylabel="sum of the squared errors", ylim=(0, None))
    left.set_xticks(range(0, 21, 5))
    x1, x2 = np.meshgrid(np.linspace(0, 10, 101), np.linspace(-1, 5, 101))
    y = net.predict(np.column_stack([x1.ravel(), x2.ravel()]))
    lead = (y[:, 1] - y[:, 0]).reshape(x1.shape)
    levels = np.linspace(-1, 1, 11)
    drawn = right.contourf(x1, x2, lead, levels, cmap="RdBu_r", alpha=0.5)
    right.contour(x1, x2, lead, [0], colors="0.3")
    for label, color in enumerate((BLUE, ORANGE)):
        chosen = DATA[label == CLASSES]
        right.plot(*chosen.T, "so"[label], color=color, label=f"class {label}")
    right.set(xlabel="$x_1$", ylabel="$x_2$")
    right.legend(loc="lower center")
    figure.colorbar(drawn, ax=right, label="$y_2 - y_1$")
    open_frame(left)
    return figure
