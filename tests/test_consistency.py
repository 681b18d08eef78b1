"""Two ways to the same number: the loss that is printed and the one that is differentiated,
`predict` and `forward`, the fused loss and the long way. What one way gives is tested elsewhere.
"""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.selfcheck import spread


def built(layers, in_shape, dtype=np.float64, rng=3):
    net = bp.Network(layers)
    net.build(in_shape, rng=rng, dtype=dtype)
    return net


def rows():
    """A network on rows, with examples: 23, so that the last of the batches of 5 has 3."""
    net = built([bp.Dense(6), bp.Tanh(), bp.Dense(3)], (4,))
    x = spread((23, 4), 0)
    return net, x, (x[:, 0] > 0) + (x[:, 1] > 0).astype(int)


def images():
    layers = [bp.Conv2D(2, 3, padding=1), bp.Tanh(), bp.AvgPool(2), bp.Flatten(), bp.Dense(3)]
    net = built(layers, (4, 4, 1))
    return net, spread((7, 4, 4, 1), 1), np.arange(7) % 3


def sequences():
    net = built([bp.LSTM(3), bp.RNN(3, reverse=True), bp.Dense(3)], (4, 2))
    return net, spread((5, 4, 2), 2), np.arange(20).reshape(5, 4) % 3


def shared():
    """A network in which a layer stands twice and a value is read twice."""
    net, twice = bp.Network(), bp.Dense(4)
    h = net.add(bp.Tanh(), net.add(twice, 0))
    net.add(bp.Add(), h, net.add(twice, h))
    net.add(bp.Dense(3))
    net.build((4,), rng=3, dtype=np.float64)
    return net, spread((6, 4), 3), np.arange(6) % 3


NETWORKS = pytest.mark.parametrize("make", [rows, images, sequences, shared])
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum"])
WEIGHTS = {"Dense": ("W",), "Conv2D": ("W",), "RNN": ("Wx", "Wh"), "LSTM": ("Wx", "Wh")}


def weights(net):
    """Every weight of a chain, and no bias, told apart by the layers' attributes, not by keys."""
    return [getattr(layer, name) for layer in net for name in WEIGHTS.get(type(layer).__name__, ())]


def penalty(net, l1, l2):
    """L1 and L2 written out."""
    return sum(l1 * np.abs(w).sum() + l2 / 2 * np.square(w).sum() for w in weights(net))


def cross_entropies(y, target):
    """The cross-entropy of each example, the obvious way."""
    p = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)
    chosen = np.take_along_axis(p, target[..., np.newaxis], axis=-1)
    return -np.log(chosen[..., 0])


# The loss that is printed is the loss that is minimised


@REDUCTIONS
@pytest.mark.parametrize(("l1", "l2"), [(0, 0), (0.02, 0), (0, 0.3), (0.02, 0.3)])
def test_the_history_is_a_loop_of_ones_own(reduction, l1, l2):
    net, x, target = rows()
    twin = net.astype(np.float64)
    loss = bp.SoftmaxCrossEntropy(reduction=reduction)
    penalties = [bp.L1(l1)] * bool(l1) + [bp.L2(l2)] * bool(l2)
    rate, epochs = 0.05, 3
    history = bp.fit(
        net,
        (x, target),
        loss=loss,
        optimizer=bp.SGD(rate),
        penalties=penalties,
        epochs=epochs,
        batch_size=5,
        validation=(x[:9], target[:9]),
        seed=8,
        progress=False,
    )
    combine = np.mean if reduction == "mean" else np.sum
    for epoch in range(epochs):
        each, of_batches, counts = [], [], []
        for index in bp.batches(23, 5, seed=8, epoch=epoch):
            y, caches = twin.forward(x[index])
            each.extend(cross_entropies(y, target[index]))
            of_batches.append(penalty(twin, l1, l2))
            counts.append(len(index))
            delta = np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True) - np.eye(3)[target[index]]
            delta = delta / len(index) if reduction == "mean" else delta
            grads = twin.grads(delta, caches)
            for key, value in twin.params.items():
                pull = (l1 * np.sign(value) + l2 * value) if key.endswith("W") else 0
                value -= rate * (grads[key] + pull)
        assert counts == [5, 5, 5, 5, 3]
        # Of all batches the examples' losses, each before its update; of the penalties the mean.
        told = combine(each) + np.average(of_batches, weights=counts)
        assert_allclose(history.loss[epoch], told, rtol=1e-12)
        held_out = combine(cross_entropies(twin.predict(x[:9]), target[:9]))
        assert_allclose(history.val_loss[epoch], held_out + penalty(twin, l1, l2), rtol=1e-12)
    assert_allclose(net.parameters, twin.parameters, rtol=1e-12, atol=1e-14)
    found = bp.evaluate(net, (x[:9], target[:9]), loss=loss)
    assert_allclose(history.val_loss[-1], found.loss + penalty(net, l1, l2), rtol=1e-14)
    assert history.val_accuracy[-1] == found.accuracy


@NETWORKS
@REDUCTIONS
@pytest.mark.parametrize("penalties", [(), (bp.L2(0.3),), (bp.L1(0.2), bp.L2(0.1, on="*"))])
def test_a_step_moves_along_the_slope_of_the_number_it_returns(make, reduction, penalties):
    net, x, target = make()
    net.parameters += 0.05 * np.sign(net.parameters)  # away from the kink of L1
    start = net.parameters.copy()

    def step(parameters):
        """Return the loss at `parameters`, and the gradient by which they were moved."""
        net.parameters[...] = parameters
        loss = bp.SoftmaxCrossEntropy(reduction=reduction)
        told = bp.TrainStep(net, loss, bp.SGD(1.0), penalties=penalties)(x, target)
        return told, parameters - net.parameters

    _, gradient = step(start)
    for i in range(0, start.size, 3):
        h = np.zeros_like(start)
        h[i] = 1e-5
        slope = (step(start + h)[0] - step(start - h)[0]) / 2e-5
        assert_allclose(gradient[i], slope, rtol=1e-6, atol=1e-8)


@NETWORKS
def test_the_strength_of_l1_reaches_the_weights(make):
    net, x, target = make()
    start, moved = net.parameters.copy(), []
    for strength in (0.0, 0.1, 0.2):
        net.parameters[...] = start
        step = bp.TrainStep(net, bp.SoftmaxCrossEntropy(), bp.SGD(0.5), penalties=[bp.L1(strength)])
        step(x, target)
        moved.append(net.parameters.copy())
    is_weight = np.concatenate(
        [np.full(v.size, key.split(".")[-1].startswith("W")) for key, v in net.params.items()]
    )
    assert is_weight.sum() == sum(layer_weights.size for layer_weights in distinct(weights(net)))
    pull = 0.5 * 0.1 * np.sign(start) * is_weight
    assert_allclose(moved[0] - moved[1], pull, rtol=0, atol=1e-14)
    assert_allclose(moved[0] - moved[2], 2 * pull, rtol=0, atol=1e-14)
    assert np.abs(pull).max() > 0


def distinct(arrays):
    return {id(a): a for a in arrays}.values()


def test_a_strong_l1_leaves_no_weight_that_the_loss_does_not_need():
    # The second input says nothing: its weight falls to zero and stays within a step of it.
    x = spread((40, 2), 5)
    target = 2 * x[:, :1]
    sizes = []
    for strength in (0.0, 0.5):
        net = built([bp.Dense(1)], (2,))
        net[0].W[...] = [[1.0], [1.0]]
        bp.fit(
            net,
            (x, target),
            loss=bp.HalfSquaredError(),
            optimizer=bp.SGD(0.01),
            penalties=[bp.L1(strength)],
            epochs=200,
            batch_size=40,
            progress=False,
        )
        sizes.append(np.abs(net[0].W[:, 0]))
    assert sizes[0][0] > sizes[1][0] > 1  # what is needed shrinks
    assert sizes[1][1] <= 0.5 * 0.01


# predict is forward


@NETWORKS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e3])
def test_predict_is_forward(make, dtype, size):
    net, x, target = make()
    net = net.astype(dtype)
    net[len(net) - 1].W[...] *= size
    y, _ = net.forward(x)
    assert_array_equal(net.predict(x), y)
    assert np.abs(y).max() > 0.1 * size
    for loss in (bp.SoftmaxCrossEntropy(), bp.LogisticCrossEntropy()):
        value, cache = loss.forward(y, target)
        assert math.isfinite(value)
        assert np.isfinite(loss.backward(cache)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("last", [bp.Softmax, bp.Sigmoid, bp.Softplus, bp.SiLU, bp.GELU])
def test_predict_is_forward_where_logits_are_thousands(last, dtype):
    net = built([bp.Dense(3), last()], (4,), dtype)
    x = (1e3 * spread((6, 4), 0)).astype(dtype)
    y, _ = net.forward(x)
    assert_array_equal(net.predict(x), y)
    assert np.isfinite(y).all()


def test_predict_leaves_dropout_out():
    parts = [bp.Dense(6), bp.Tanh(), bp.Dense(3)]
    net, x = built(parts, (4,)), spread((5, 4), 0)
    dropping = bp.Network([parts[0], parts[1], bp.Dropout(0.5), parts[2]])
    dropping.build((4,), rng=3, dtype=np.float64)
    dropping.parameters[...] = net.parameters
    assert_array_equal(dropping.predict(x), net.predict(x))
    y, _ = dropping.forward(x, rng=np.random.default_rng(0))
    assert not np.allclose(y, net.predict(x))


# The fused losses are the long way, layer and loss


FUSED = [
    (bp.SoftmaxCrossEntropy, bp.Softmax, bp.CrossEntropy),
    (bp.LogisticCrossEntropy, bp.Sigmoid, bp.BinaryCrossEntropy),
]


@NETWORKS
@REDUCTIONS
@pytest.mark.parametrize("kind", ["classes", "shares"])
@pytest.mark.parametrize(("fused", "layer", "loss"), FUSED, ids=["softmax", "logistic"])
def test_fused_is_layer_and_loss(make, reduction, kind, fused, layer, loss):
    net, x, target = make()
    if kind == "shares":
        target = 1 / (1 + np.exp(-spread((*target.shape, 3), 9)))
    long = bp.Network([net, layer()])
    long.build(net.in_shapes[0], rng=4, dtype=np.float64)  # `net` too: it is inside, and shared
    results = []
    for model, on_top in ((net, fused), (long, loss)):
        y, caches = model.forward(x)
        value, cache = on_top(reduction=reduction).forward(y, target)
        dx, grads = model.backward(on_top(reduction=reduction).backward(cache), caches)
        results.append((value, dx, model.flatten(grads)))
    for one, other in zip(*results, strict=True):
        assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("fused", "layer", "loss"), FUSED, ids=["softmax", "logistic"])
def test_fused_and_long_training_is_the_same_training(fused, layer, loss):
    net, x, target = rows()
    parts = [bp.Dense(6), bp.Tanh(), bp.Dense(3), layer()]
    long = built(parts, (4,))
    assert_array_equal(long.parameters, net.parameters)
    histories = [
        bp.fit(
            model,
            (x, target),
            loss=on_top,
            optimizer=bp.Adam(0.01),
            epochs=4,
            batch_size=5,
            penalties=[bp.L2(0.01)],
            validation=(x, target),
            progress=False,
        )
        for model, on_top in ((net, fused()), (long, loss()))
    ]
    for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
        one, other = (getattr(history, name) for history in histories)
        assert_allclose(one, other, rtol=1e-9)
    assert_allclose(long.parameters, net.parameters, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("fused", "layer", "loss"), FUSED, ids=["softmax", "logistic"])
def test_only_the_fused_loss_keeps_the_gradient_of_a_confident_mistake(fused, layer, loss):
    # What the layer has rounded to 0 or 1 has no logarithm: the long way goes flat, by convention.
    z, target = np.array([[-1e3, 1e3]]), np.array([[1.0, 0.0]])
    value, cache = fused().forward(z, target)
    assert value >= 2e3
    assert_array_equal(fused().backward(cache), [[-1, 1]])
    y, cache = layer().forward(z)
    value, of_loss = loss().forward(y, target)
    assert math.isfinite(value)
    assert_array_equal(layer().backward(loss().backward(of_loss), cache)[0], [[0, 0]])
