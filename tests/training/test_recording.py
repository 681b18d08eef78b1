"""What is recorded is what the passes give, and the training is what it would have been."""

import re
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop import DeltaNorms, plots
from backprop.layers import RNN, BatchNorm, Dense, Dropout, Last, Sigmoid, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.optimizers import SGD
from backprop.training import TrainStep, fit
from plots.pictures import assert_legible, words

LOSS = SoftmaxCrossEntropy()
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 4)), RNG.integers(0, 3, 40)


def built(*layers):
    net = Network(layers or [Dense(5), Tanh(), Dense(3)])
    net.build((4,), rng=0, dtype=np.float64)
    return net


def trained(net, **settings):
    usual = {"loss": LOSS, "optimizer": SGD(0.1), "progress": False, "batch_size": 8}
    return fit(net, (X, Y), **{**usual, **settings})


def norms(net):
    """The norms, the slow way."""
    W, V = net[0].W, net[2].W
    t = np.tanh(X[:6] @ W + net[0].b)
    p = np.exp(t @ V + net[2].b)
    p /= p.sum(axis=1, keepdims=True)
    delta = (p - np.eye(3)[Y[:6]]) / 6
    dt = delta @ V.T
    return [np.linalg.norm(each) for each in (dt * (1 - t**2), dt, delta)]


def test_norms_are_those_of_the_batch_given():
    net = built()
    record = DeltaNorms((X[:6], Y[:6]), loss=LOSS, every=3)
    step = TrainStep(net, LOSS, SGD(0.1))
    wanted = []
    record(step)
    wanted.append(norms(net))
    for n in range(1, 8):
        step(X, Y)
        record(step)
        if n % 3 == 0:
            wanted.append(norms(net))
    assert record.updates == [0, 3, 6]
    assert_allclose(record.norms, wanted, rtol=1e-12)
    assert record.names == ["0  dense_1", "1  tanh_1", "2  dense_2"]


def test_fit_lets_it_look_before_the_first_update_and_every_few():
    record = DeltaNorms((X[:6], Y[:6]), loss=LOSS, every=4)
    net = built()
    first = norms(net)
    history = trained(net, epochs=2, watch=[record])
    assert record.updates == [0, 4, 8]
    assert_allclose(record.norms[0], first, rtol=1e-12)
    trained(net, start=history, watch=[record])
    assert record.updates == [0, 4, 8, 12]
    trained(built(), watch=[record])
    assert record.updates == [0, 4]
    assert_allclose(record.norms[0], first, rtol=1e-12)


def test_watching_changes_nothing():
    kinds = (Dense(5), BatchNorm(), Dropout(0.5), Dense(3))
    watched, alone = built(*kinds), built(*(Dense(5), BatchNorm(), Dropout(0.5), Dense(3)))
    record = DeltaNorms((X[:6], Y[:6]), loss=LOSS, every=1)
    one, other = trained(watched, epochs=2, watch=[record]), trained(alone, epochs=2)
    assert_array_equal(watched.parameters, alone.parameters)
    assert_array_equal(one.loss, other.loss)
    for key, average in alone.averages.items():
        assert_array_equal(watched.averages[key], average)
    assert len(record.norms) == 11


# The picture


def test_the_picture_is_the_record():
    record = DeltaNorms((X[:6], Y[:6]), loss=LOSS, every=2)
    trained(built(), watch=[record])
    figure = record.plot()
    (axes,) = figure.axes
    assert_array_equal([line.get_ydata() for line in axes.lines], np.transpose(record.norms))
    for line in axes.lines:
        assert_array_equal(line.get_xdata(), [0, 2, 4])
    assert axes.get_yscale() == "log"
    (legend,) = figure.legends
    assert [each.get_text() for each in legend.get_texts()] == record.names
    drawn = [line.get_color() for line in axes.lines]
    assert_array_equal(drawn, [handle.get_color() for handle in legend.legend_handles])
    assert_legible(figure)


@pytest.mark.parametrize("depth", [1, 5, 20])
def test_no_two_texts_overlap_however_deep(depth):
    net = built(*(layer for _ in range(depth) for layer in (Dense(4), Sigmoid())), Dense(3))
    record = DeltaNorms((X, Y), loss=LOSS, every=1)
    trained(net, watch=[record])
    figure = plots.delta_history(record)
    assert_legible(figure)
    assert set(record.names) <= set(words(figure))
    assert len(figure.axes[0].lines) == 2 * depth + 1


def test_a_vanishing_delta_falls_from_layer_to_layer():
    net = built(*(layer for _ in range(6) for layer in (Dense(4), Sigmoid())), Dense(3))
    record = DeltaNorms((X, Y), loss=LOSS)
    record(TrainStep(net, LOSS, SGD(0.1)))
    sigmoids = [line.get_ydata()[0] for line in record.plot().axes[0].lines][1::2]
    assert all(2 * before < after for before, after in pairwise(sigmoids))


def test_zeros_interrupt_their_line():
    net = built(Dense(4), Tanh(), Dense(3))
    net[2].W[...] = 0
    record = DeltaNorms((X, Y), loss=LOSS)
    record(TrainStep(net, LOSS, SGD(0.1)))
    lines = record.plot().axes[0].lines
    assert np.isnan([lines[0].get_ydata()[0], lines[1].get_ydata()[0]]).all()
    assert_legible(record.plot())


def test_sequences_and_several_inputs_are_recorded():
    net = Network([RNN(3), Last(), Dense(3)])
    net.build((5, 4), rng=0)
    record = DeltaNorms((RNG.standard_normal((2, 5, 4)), [0, 1]), loss=LOSS)
    record(TrainStep(net, LOSS, SGD(0.1)))
    assert len(record.norms[0]) == 3


# Errors


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        (
            TypeError,
            lambda: DeltaNorms(X, loss=LOSS),
            "DeltaNorms expects a pair (x, y), got 'ndarray'",
        ),
        (
            TypeError,
            lambda: DeltaNorms((X, Y), loss="mse"),
            "DeltaNorms expects a loss such as SoftmaxCrossEntropy(), got 'mse'",
        ),
        (
            ValueError,
            lambda: DeltaNorms((X, Y), loss=LOSS, every=0),
            "DeltaNorms expects every to be a whole number of at least 1, got 0",
        ),
        (
            ValueError,
            lambda: DeltaNorms((X, Y), loss=LOSS).look(Network([Dense(3)])),
            "DeltaNorms expects a network after build(in_shape), got one before it",
        ),
        (
            ValueError,
            lambda: DeltaNorms((X[:, :2], Y), loss=LOSS).look(built()),
            "Network expects inputs of shape (N, 4), got (40, 2)",
        ),
        (
            ValueError,
            lambda: DeltaNorms((X, Y), loss=LOSS).plot(),
            "delta_history expects a record of at least one look, got none",
        ),
        (
            TypeError,
            lambda: plots.delta_history([1, 2]),
            "delta_history expects a DeltaNorms, got [1, 2]",
        ),
        (
            TypeError,
            lambda: trained(built(), watch=["deltas"]),
            "fit expects watch to be functions of a TrainStep, got 'deltas'",
        ),
        (
            TypeError,
            lambda: plots.delta_norms(Dense(2), X, Y, LOSS),
            "delta_norms expects a Network, got Dense(2)",
        ),
        (
            TypeError,
            lambda: plots.delta_norms(built(), X, Y, None),
            "delta_norms expects a loss such as SoftmaxCrossEntropy(), got None",
        ),
        (
            ValueError,
            lambda: plots.delta_norms(Network([Dense(3)]), X, Y, LOSS),
            "delta_norms expects a network after build(in_shape), got one before it",
        ),
    ],
)
def test_errors(kind, call, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()
