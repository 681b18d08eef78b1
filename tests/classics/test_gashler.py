"""Five layers, on purpose."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

import backprop as bp
from backprop.classics import gashler
from backprop.classics.gashler import DELTAS, LENGTHS, LOSS, TARGET, X, network


def numbers(text):
    return [float(each) for each in text.split()]


def test_forward():
    y = network().predict(X)
    assert_allclose(y, [[0.450572318266, 0.577353484034]], rtol=0, atol=1e-12)
    assert_allclose(LOSS.forward(y, TARGET)[0], 0.03501803716489007, rtol=1e-12)


@pytest.mark.parametrize("number", [5, 4, 3, 2, 1])
def test_backward(number):
    delta, dW = gashler.table_of_deltas(network(), X, TARGET)[number]
    assert_allclose(delta, [numbers(DELTAS[number])], rtol=1e-11)
    assert_allclose(np.linalg.norm(dW), float(LENGTHS[number]), rtol=1e-11)


def test_the_network_passes_the_gradient_check():
    bp.gradcheck(network(), X, loss=LOSS, target=TARGET).assert_ok()


def path_by_path(net, x, target, layer, i, j):
    """Return dE/dw of one weight: the sum over all paths from it to an output."""
    values = [np.asarray(x)]
    for each in net:
        values.append(each.predict(values[-1]))
    a, W = values[::2], [each.W for each in net.layers[::2]]

    def reach(number, unit):
        """Return dE/da of a unit: what every path from it brings back."""
        if number == len(W):
            return (a[number] - target)[0, unit]
        above = a[number + 1][0]
        return sum(
            W[number][unit, k] * above[k] * (1 - above[k]) * reach(number + 1, k)
            for k in range(len(above))
        )

    h = a[layer][0, j]
    return a[layer - 1][0, i] * h * (1 - h) * reach(layer, j)


@pytest.mark.parametrize("layer", [1, 2, 3, 4, 5])
def test_every_weight_is_the_sum_over_its_paths(layer):
    net = network()
    _, dW = gashler.table_of_deltas(net, X, TARGET)[layer]
    for (i, j), found in np.ndenumerate(dW):
        assert_allclose(found, path_by_path(net, X, TARGET, layer, i, j), rtol=1e-11)


@pytest.mark.parametrize("N", [1, 4])
def test_written_out_is_the_networks_own(N):
    rng = np.random.default_rng(N)
    net = network()
    net.parameters[:] = rng.standard_normal(net.param_count)
    x, target = rng.standard_normal((N, 3)), rng.random((N, 2))
    table = gashler.table_of_deltas(net, x, target)
    for number, delta in zip((5, 4, 3, 2, 1), gashler.written_out(net, x, target), strict=True):
        assert_allclose(delta, table[number][0], rtol=1e-12, atol=1e-16)


def test_a_logistic_layer_shrinks_a_delta_by_its_slope_of_a_quarter_times_its_weights():
    net = network()
    table = gashler.table_of_deltas(net, X, TARGET)
    for number in range(1, 5):
        W = net[2 * number].W
        below, above = table[number][0], table[number + 1][0]
        assert np.linalg.norm(below) <= np.linalg.norm(W, 2) / 4 * np.linalg.norm(above)


def test_the_table_takes_other_networks():
    net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2), bp.Identity()])
    net.build((3,), rng=0, dtype=np.float64)
    y, caches = net.forward(X)
    grads = net.grads(y - TARGET, caches)
    table = gashler.table_of_deltas(net, X, TARGET)
    assert list(table) == [1, 2]
    assert_allclose(table[2][0], y - TARGET, rtol=1e-14)
    assert_allclose(table[1][1], grads["0.W"], rtol=1e-14)


def flat():
    net = bp.Network([bp.Tanh(), bp.Dense(2)])
    net.build((3,), dtype=np.float64)
    return net


def with_tanh():
    return bp.Network([kind for _ in range(5) for kind in (bp.Dense(2), bp.Tanh())])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: network((3,)), "network expects at least two sizes, got 1"),
        (
            lambda: network((3, 0)),
            "Dense expects units to be a whole number of at least 1, got 0",
        ),
        (
            lambda: gashler.table_of_deltas(flat(), X, TARGET),
            f"table_of_deltas expects a chain of Dense and an activation, in turn, got {flat()!r}",
        ),
        (
            lambda: gashler.table_of_deltas(bp.Network([bp.Dense(2), bp.Dense(2)]), X, TARGET),
            "table_of_deltas expects a chain of Dense and an activation, in turn, "
            "got Network([Dense(2), Dense(2)])",
        ),
        (
            lambda: gashler.written_out(network((3, 2)), X, TARGET),
            f"written_out expects five times Dense and Sigmoid, got {network((3, 2))!r}",
        ),
        (
            lambda: gashler.written_out(with_tanh(), X, TARGET),
            f"written_out expects five times Dense and Sigmoid, got {with_tanh()!r}",
        ),
        (
            lambda: gashler.written_out(network(), X, TARGET[0]),
            "written_out expects targets of shape (1, 2), got (2,)",
        ),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
