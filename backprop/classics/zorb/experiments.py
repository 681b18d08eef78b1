r"""ZORB, the experiments: the authors' data and networks, each as a function.

All errors are the authors' measure, the mean over the examples of the residual's length,

$$ E = \frac{1}{N} \sum_n |\hat y_n - y_n|. $$

All weights, biases too, begin uniform on $\pm\sqrt{6/(D + M)}$. What is random in an experiment,
data and weights, depends on its `seed` alone.
"""

from typing import NamedTuple

import numpy as np

from ...data import load_data, one_hot
from ...errors import whole
from ...initializers import Uniform
from ...layers import Conv2D, Dense, Flatten, ReLU, Sigmoid, Softmax, Tanh
from ...network import Network
from .method import fit_zorb

DEEP = (1000, 900, 800, 700, 600, 500, 400, 300, 200, 100)
"""The hidden layers of the network on MNIST that the claim of 300 is about."""


class Result(NamedTuple):
    """What came of an experiment: error and share of right answers, in training and test."""

    network: Network
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    error: float
    test_error: float
    accuracy: float
    test_accuracy: float


def error(y, wanted):
    """Return the mean length of the residuals: the authors' measure."""
    return float(np.linalg.norm(y - wanted, axis=-1).mean())


def accuracy(y, wanted):
    """Return the share of right answers: the largest output's class, or the nearer of 0 and 1."""
    if wanted.shape[-1] == 1:
        return float(((y > 0.5) == (wanted > 0.5)).mean())
    return float((y.argmax(axis=-1) == wanted.argmax(axis=-1)).mean())


def dense(D, M):
    """Return a Dense from `D` to `M` that begins as the authors' do."""
    bound = (6 / (D + M)) ** 0.5
    return Dense(M, init=Uniform(-bound, bound), bias_init=Uniform(-bound, bound))


def chain(D, hidden, output=()):
    """Return a network from `D` inputs: Dense and activation in turn, then `output`'s layers.

    Args:
        D: how many inputs.
        hidden: pairs of a number of units and an activation's class, or None for a linear one.
        output: layers at the end.
    """
    layers = []
    for units, activation in hidden:
        layers += [dense(D, units), *([activation()] if activation else [])]
        D = units
    return Network([*layers, *output])


def result(network, train, test, *, seed, **settings):
    """Build a network from `seed`, train it with `fit_zorb`, and return the Result."""
    network.build(train[0].shape[1:], rng=seed, dtype=np.float64)
    trained = fit_zorb(network, *train, rng=seed, **settings)
    (y, wanted), (y_test, wanted_test) = ((trained.predict(x), y) for x, y in (train, test))
    return Result(
        trained,
        train,
        test,
        error=error(y, wanted),
        test_error=error(y_test, wanted_test),
        accuracy=accuracy(y, wanted),
        test_accuracy=accuracy(y_test, wanted_test),
    )


# Two numbers or fewer


def sinc_data(reach, *, last=True):
    """Return x from -`reach` to `reach` in steps of 0.01, and sin(x) / x; `last` can be left out.

    With it, the numbers are the authors', who count in steps of 0.01 from -reach and from 0.01.
    """
    x = np.concatenate([np.arange(-reach, 0, 0.01), [0.0], np.arange(0.01, reach + 0.01, 0.01)])
    y = np.sin(x) / np.where(x == 0, 1, x) + (x == 0)
    stop = None if last else -1
    return x[:stop, np.newaxis], y[:stop, np.newaxis]


def sinc_network():
    """Return the network for sinc."""
    return chain(1, [(200, Sigmoid), (200, Sigmoid), (1, None)])


def sinc(seed=0, *, last=False, cutoff=1e-15):
    """Fit sin(x) / x on 10 on either side of zero, test on 30; 200 and 200 sigmoids.

    Args:
        seed: of the weights.
        last: whether x = 10 is among the 2 001 numbers trained on, as for the authors. They are
            symmetric then, and so is the target.
        cutoff: as for `fit_zorb`.
    """
    data = sinc_data(10, last=last), sinc_data(30)
    return result(sinc_network(), *data, seed=seed, cutoff=cutoff)


def spirals_data(seed):
    """Return two spirals of 200 points each, 780 degrees, without noise: 70% of each, and 30%."""
    rng = np.random.default_rng(seed)
    angle = np.sqrt(rng.random(200)) * np.radians(780)
    points = angle[:, np.newaxis] * np.column_stack([-np.cos(angle), np.sin(angle)])
    x = np.concatenate([points, -points])
    y = np.repeat([0.0, 1.0], 200)[:, np.newaxis]
    order = np.concatenate([start + rng.permutation(200) for start in (0, 200)]).reshape(2, 200)
    first, rest = order[:, :140].ravel(), order[:, 140:].ravel()
    return (x[first], y[first]), (x[rest], y[rest])


def spirals(seed=0):
    """Tell two spirals apart: 32 tanh, 16 ReLU, 8 tanh, 4 ReLU, and a sigmoid."""
    hidden = [(32, Tanh), (16, ReLU), (8, Tanh), (4, ReLU), (1, Sigmoid)]
    return result(chain(2, hidden), *spirals_data(seed), seed=seed)


def xor_data(seed):
    """Return 1 000 points to train on and as many to test on: 1 where the signs differ, else 0.

    They are uniform on the square, and scaled to reach from 0 to 1 in training.
    """
    x = np.random.default_rng(seed).uniform(-1, 1, (2000, 2))
    y = (x.prod(axis=1, keepdims=True) < 0).astype(np.float64)
    low, high = x[:1000].min(axis=0), x[:1000].max(axis=0)
    x = (x - low) / (high - low)
    return (x[:1000], y[:1000]), (x[1000:], y[1000:])


def xor(seed=0):
    """Tell the quadrants of XOR apart: 16 tanh, 8 ReLU, and a sigmoid."""
    hidden = [(16, Tanh), (8, ReLU), (1, Sigmoid)]
    return result(chain(2, hidden), *xor_data(seed), seed=seed)


def collapse(seed=0):
    """Fit x^2 on a symmetric interval with 20 sigmoids, which cannot work; return its Result."""
    x = np.linspace(-1, 1, 101)[:, np.newaxis]
    network = chain(1, [(20, Sigmoid), (1, None)])
    return result(network, (x, x**2), (x, x**2), seed=seed, cutoff=1e-12)


# Images


def images(data, count=None, test_count=None):
    """Return the first images of a Dataset and their classes as rows of 0 and 1."""
    K = len(data.classes)
    return [
        (x[:n].astype(np.float64), one_hot(y[:n], K).astype(np.float64))
        for (x, y), n in ((data.train, count), (data.test, test_count))
    ]


def mnist(folder, *, count=5000, test_count=3000, seed=0):
    """Train the 11 layers of the claim on MNIST: ten of tanh, 1000 to 100 wide, and a softmax.

    The default learns 5 000 images by heart and is tested on the first 3 000: half a minute. The
    authors' experiment is `mnist(folder, count=60_000, test_count=10_000)`: 3.5 GB of memory and
    about 5 minutes on one core, for 0.946 right in training and 0.919 in the test (an independent
    computation had 0.944 and 0.920).

    Args:
        folder: where the four files of MNIST are.
        count: how many images to train on.
        test_count: how many images to test on.
        seed: of the weights.

    Raises:
        ValueError: a count is not a whole number of at least 1.
        OSError: there is no MNIST in the folder.
    """
    whole("mnist", "count", count)
    whole("mnist", "test_count", test_count)
    data = images(load_data(folder), count, test_count)
    (x, y), (x_test, y_test) = data
    rows = (x.reshape(len(x), -1), y), (x_test.reshape(len(x_test), -1), y_test)
    hidden = [*((units, Tanh) for units in DEEP), (10, None)]
    return result(chain(784, hidden, [Softmax()]), *rows, seed=seed)


def convolution(seed=0, *, filters=(32,), cutoff=None):
    """Train a convolutional network on the digits: 3x3 kernels and sigmoids, then a softmax.

    The authors' is on 32x32 photographs in colour; ours, on the 8x8 digits of this package.

    Args:
        seed: of the weights.
        filters: how many kernels each convolution has.
        cutoff: as for `fit_zorb`; if None, the authors': 1e-2 with one convolution, else 1e-9.
    """
    data = images(load_data("digits"))
    side, C, layers = 8, 1, []
    for F in filters:
        bound = (6 / (9 * C + F)) ** 0.5
        uniform = Uniform(-bound, bound)
        layers += [Conv2D(F, 3, init=uniform, bias_init=uniform), Sigmoid()]
        side, C = side - 2, F
    network = Network([*layers, Flatten(), dense(side * side * C, 10), Softmax()])
    if cutoff is None:
        cutoff = 1e-2 if len(filters) == 1 else 1e-9
    return result(network, *data, seed=seed, cutoff=cutoff)
