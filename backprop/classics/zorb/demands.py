"""What ZORB can train, and on what: everything else is refused before anything is computed."""

import numpy as np

from ...errors import batch_of, expects
from ...layers import Conv2D, Dense, Flatten, ReLU, Sigmoid, Softmax, Tanh
from ..chains import check_chain

KINDS = (Dense, Conv2D, Flatten, Sigmoid, Tanh, ReLU, Softmax)


def check(network):
    """Raise TypeError or ValueError unless `network` is one that can be trained."""
    check_chain("fit_zorb", network)
    if network.in_shapes is None:
        raise expects("fit_zorb", "a network that is built", "one that is not")
    for layer in network:
        _check_layer(layer)
    weighted = [n for n, layer in enumerate(network) if isinstance(layer, Dense | Conv2D)]
    if not weighted:
        raise expects("fit_zorb", "a Dense or Conv2D", repr(network))
    if network.dtype != np.float64:
        raise expects("fit_zorb", "a network built with dtype float64", network.dtype)
    for number in weighted[1:]:  # the first is never inverted
        if isinstance(network[number], Conv2D):
            _check_windows(network[number], network.shapes[number])
    for layer, reader in zip(network.layers, network.layers[1:], strict=False):
        if isinstance(layer, Softmax):
            raise expects("fit_zorb", "Softmax at the end", f"{reader.who} after it")
    if not np.isfinite(network.parameters).all():
        raise expects("fit_zorb", "weights to begin with that are finite", "NaN or infinity")


def _check_layer(layer):
    if type(layer) not in KINDS:
        names = ", ".join(kind.__name__ for kind in KINDS)
        raise expects("fit_zorb", f"layers out of {names}", layer.who)
    if isinstance(layer, Dense | Conv2D) and not layer.bias:
        raise expects("fit_zorb", "a bias in every Dense and Conv2D", f"none in {layer.who}")


def _check_windows(layer, in_shape):
    """Raise ValueError unless every pixel is in some window, so that it can get a target."""
    H, W, _ = in_shape
    window = layer.window
    ones = np.ones((1, *window.positions(H, W), *window.size, 1))
    if not window.fold(ones, H, W).all():
        what = f"windows of {layer.who} that reach every pixel"
        raise expects("fit_zorb", what, repr(layer))


def examples(network, x, y):
    """Return the examples as arrays of float64, or raise ValueError."""
    x = _numbers("x", x, network.in_shapes[0])
    y = _numbers("y", y, network.shapes[-1])
    if len(x) != len(y) or len(x) == 0:
        what = "at least one example, and a target for each"
        raise expects("fit_zorb", what, f"{len(x)} and {len(y)}")
    last = network[len(network) - 1]
    if isinstance(last, Softmax) and (y.min() < 0 or y.max() > 1):
        what = f"targets from 0 to 1, as {last.who} puts them out"
        raise expects("fit_zorb", what, f"{y.min():g} to {y.max():g}")
    return x, y


def _numbers(name, values, shape):
    values = np.asarray(values)
    if values.ndim == 0 or values.shape[1:] != shape:
        raise expects("fit_zorb", f"{name} of shape {batch_of(shape)}", values.shape)
    if values.dtype.kind not in "biuf":
        raise expects("fit_zorb", f"{name} of real numbers", values.dtype)
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise expects("fit_zorb", f"{name} of finite numbers", "NaN or infinity")
    return values
