"""ZORB: the method against a plain program of the same steps, the experiments, the race."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import zorb
from backprop.classics.zorb import Scale, experiments, fit_zorb, timing
from backprop.classics.zorb.inverses import unrolled
from backprop.classics.zorb.method import forward, target, with_scales
from backprop.initializers import Uniform
from mnist import MNIST, needs_mnist

EPSILON = 1e-5


def network(*layers, shape=(3,), rng=0, dtype=np.float64):
    net = bp.Network(layers)
    net.build(shape, rng=rng, dtype=dtype)
    return net


def dense(units):
    return bp.Dense(units, bias_init=Uniform(-0.5, 0.5))


def conv(filters, size, **settings):
    return bp.Conv2D(filters, size, bias_init=Uniform(-0.5, 0.5), **settings)


def examples(N=40, shape=(3,), outputs=2, seed=1):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, *shape)), rng.uniform(0, 1, (N, outputs))


# The numbers of the small network


def test_the_targets_of_the_small_network():
    _, rescaled, output = unrolled(with_scales(zorb.small()), 1e-15, None)
    F = target([output], zorb.Y)
    Z = target([rescaled], F)
    wanted = 1.815213971169297, 0.605071323723099, -0.6050713237230988
    assert_allclose(F[0], wanted, rtol=0, atol=1e-8)
    assert_allclose([F.min(), F.max()], [-1.1606685166238426, 2.166609413400915], rtol=0, atol=1e-8)
    wanted = 2.1363001991844337, 0.12289602094734838, -1.607117739784916
    assert_allclose(Z[0], wanted, rtol=0, atol=1e-8)
    s, c = rescaled.scale.s, rescaled.scale.c
    assert_allclose(s * EPSILON + c, F.min(), rtol=1e-12)
    assert_allclose(s * (1 - EPSILON) + c, F.max(), rtol=1e-12)


def test_what_the_small_network_learns():
    trained = fit_zorb(zorb.small(), zorb.X, zorb.Y)
    first, _, _, last = trained
    wanted = np.array(zorb.W1.split(), float).reshape(2, 3)
    assert_allclose(np.vstack([first.W, first.b]), wanted, rtol=0, atol=1e-8)
    wanted = np.array(zorb.W2.split(), float)
    assert_allclose([*last.W[:, 0], *last.b], wanted, rtol=0, atol=1e-8)
    y = trained.predict(zorb.X)
    assert_allclose(y[:, 0], np.array(zorb.OUTPUTS.split(), float), rtol=0, atol=1e-8)
    assert_allclose(np.abs(y - zorb.Y).mean(), 0.08649984290713902, rtol=0, atol=1e-8)


# The method against a plain program


def patches(A, K, stride, padding):
    """Return every window of images as a row, and where it starts."""
    A = np.pad(A, [(0, 0), (padding, padding), (padding, padding), (0, 0)])
    places = [
        (i, j)
        for i in range(0, A.shape[1] - K + 1, stride)
        for j in range(0, A.shape[2] - K + 1, stride)
    ]
    found = [A[:, i : i + K, j : j + K].reshape(len(A), -1) for i, j in places]
    return np.stack(found, axis=1), places, A.shape


def plain_forward(layer, weights, scale, A):
    """Return what a layer makes of `A`, as the authors define it, without their slips."""
    match layer:
        case bp.Conv2D():
            windows, _, _ = patches(A, layer.window.size[0], layer.stride, layer.padding)
            ones = np.ones((*windows.shape[:2], 1))
            y = np.concatenate([windows, ones], axis=2) @ weights
            OH, OW = layer.window.positions(*A.shape[1:3])
            return y.reshape(len(A), OH, OW, -1)
        case bp.Dense():
            return np.column_stack([A, np.ones(len(A))]) @ weights
        case bp.Sigmoid() | bp.Tanh():
            y = np.tanh(A) if isinstance(layer, bp.Tanh) else 1 / (1 + np.exp(-A))
            if scale is None:
                return y
            m, M, lo, hi = scale
            return (y - (lo + EPSILON)) / ((hi - EPSILON) - (lo + EPSILON)) * (M - m) + m
        case bp.ReLU():
            return np.maximum(A, 0)
        case bp.Flatten():
            return A.reshape(len(A), -1)
        case bp.Softmax():
            z = np.exp(A - A.max(axis=1, keepdims=True))
            return z / z.sum(axis=1, keepdims=True)


def plain_inverse(layer, weights, scales, number, F, Z, rng, cutoff):
    """Return the target of a layer's input; `Z` is what went into it in the last pass."""
    match layer:
        case bp.Conv2D():
            K = layer.window.size[0]
            _, places, padded = patches(Z, K, layer.stride, layer.padding)
            wanted = (F.reshape(len(F), -1, F.shape[-1]) - weights[-1]) @ np.linalg.pinv(
                weights[:-1], cutoff
            )
            total, count = np.zeros(padded), np.zeros(padded)
            for n, (i, j) in enumerate(places):
                total[:, i : i + K, j : j + K] += wanted[:, n].reshape(len(F), K, K, -1)
                count[:, i : i + K, j : j + K] += 1
            p = layer.padding
            inner = slice(p, padded[1] - p), slice(p, padded[2] - p)
            return total[:, *inner] / count[:, *inner]
        case bp.Dense():
            return (F - weights[-1]) @ np.linalg.pinv(weights[:-1], cutoff)
        case bp.Sigmoid() | bp.Tanh():
            lo, hi = (-1, 1) if isinstance(layer, bp.Tanh) else (0, 1)
            m, M = F.min(), F.max()
            scales[number] = m, M, lo, hi
            v = (F - m) / (M - m) * ((hi - EPSILON) - (lo + EPSILON)) + (lo + EPSILON)
            return np.arctanh(v) if isinstance(layer, bp.Tanh) else -np.log(1 / v - 1)
        case bp.ReLU():
            noise = rng.random(F.shape)
            return np.where(F < 0, -noise, F)
        case bp.Flatten():
            return F.reshape(Z.shape)
        case bp.Softmax():
            most = Z.max(axis=1, keepdims=True)
            total = (np.exp(Z - most) - EPSILON).sum(axis=1, keepdims=True)
            return np.log(F * total + EPSILON) + most


def plain_zorb(net, x, y, *, cutoff, seed):
    """Return what the trained network puts out for `x`, everything done at every visit."""
    rng = np.random.default_rng(seed)
    layers = net.layers
    weights = {
        n: np.vstack([layer.W.reshape(-1, layer.W.shape[-1]), layer.b])
        for n, layer in enumerate(layers)
        if layer.params
    }
    scales = {}

    def run(A, start):
        values = [A]
        for n in range(start, len(layers)):
            values.append(plain_forward(layers[n], weights.get(n), scales.get(n), values[-1]))
        return values

    A = x
    for i, layer in enumerate(layers):
        if i in weights:
            values, F = run(A, i), y
            for n in range(len(layers) - 1, i, -1):
                Z = values[n - i]
                F = plain_inverse(layers[n], weights.get(n), scales, n, F, Z, rng, cutoff)
            rows = A
            if isinstance(layer, bp.Conv2D):
                rows, _, _ = patches(A, layer.window.size[0], layer.stride, layer.padding)
                rows, F = rows.reshape(-1, rows.shape[-1]), F.reshape(-1, F.shape[-1])
            ones = np.ones((len(rows), 1))
            weights[i] = np.linalg.pinv(np.hstack([rows, ones]), cutoff) @ F
        A = plain_forward(layer, weights.get(i), scales.get(i), A)
    return run(x, 0)[-1]


NETWORKS = {  # layers, made anew for every test, and the shape of an example
    "one layer": (lambda: [dense(2)], (3,)),
    "sigmoid": (lambda: [dense(5), bp.Sigmoid(), dense(2)], (3,)),
    "tanh": (lambda: [dense(5), bp.Tanh(), dense(4), bp.Tanh(), dense(2)], (3,)),
    "mixed": (
        lambda: [
            dense(7),
            bp.Tanh(),
            dense(5),
            bp.ReLU(),
            dense(4),
            bp.Sigmoid(),
            dense(2),
            bp.Sigmoid(),
        ],
        (3,),
    ),
    "relu at the end": (lambda: [dense(5), bp.Sigmoid(), dense(2), bp.ReLU()], (3,)),
    "two in a row": (lambda: [dense(5), bp.Sigmoid(), bp.ReLU(), dense(2), bp.Tanh()], (3,)),
    "softmax": (lambda: [dense(6), bp.Tanh(), dense(2), bp.Softmax()], (3,)),
    "activation first": (lambda: [bp.Tanh(), dense(4), bp.Sigmoid(), dense(2)], (3,)),
    "convolution": (
        lambda: [conv(4, 3), bp.Sigmoid(), bp.Flatten(), dense(2), bp.Softmax()],
        (5, 5, 1),
    ),
    "convolutions": (
        lambda: [
            conv(4, 2),
            bp.Tanh(),
            conv(3, 3),
            bp.Sigmoid(),
            bp.Flatten(),
            dense(2),
            bp.Softmax(),
        ],
        (6, 6, 2),
    ),
    "padding and stride": (
        lambda: [
            *(conv(3, 3, padding=1), bp.Sigmoid()),
            *(conv(5, 2, stride=2, padding=1), bp.Tanh()),
            *(bp.Flatten(), dense(2)),
        ],
        (6, 6, 1),
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [0, 1])
def test_fit_zorb_is_the_plain_program(name, seed):
    layers, shape = NETWORKS[name]
    net = network(*layers(), shape=shape, rng=seed)
    x, y = examples(shape=shape)
    trained = fit_zorb(net, x, y, cutoff=1e-9, rng=seed)
    wanted = plain_zorb(net, x, y, cutoff=1e-9, seed=seed)
    assert_allclose(trained.predict(x), wanted, rtol=1e-6, atol=1e-7)


def test_a_rotated_kernel_learns_the_same_function():
    x, y = examples(shape=(5, 5, 1))
    outputs = []
    for flip in (False, True):
        layers = conv(4, 3, flip=flip), bp.Sigmoid(), conv(2, 3, flip=flip), bp.Flatten(), dense(2)
        net = network(*layers, shape=(5, 5, 1))
        if flip:
            for number in (0, 2):
                net[number].W[...] = net[number].W[::-1, ::-1].copy()
        outputs.append(fit_zorb(net, x, y, cutoff=1e-9).predict(x))
    assert_allclose(*outputs, rtol=1e-7, atol=1e-9)


# Inverses


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (dense(5), (3,)),
        (bp.Flatten(), (2, 3, 4)),
        (bp.Flatten("columns"), (2, 3, 4)),
        (conv(9, 2), (4, 4, 2)),
        (conv(9, 3, stride=2, padding=1), (5, 5, 1)),
        (conv(9, 2, flip=True), (3, 4, 2)),
        (bp.Softmax(), (4,)),
    ],
)
def test_an_inverse_gives_back_what_went_in(layer, shape):
    x, _ = examples(N=6, shape=shape)
    stages = unrolled(with_scales(network(layer, shape=shape)), 1e-15, None)[:1]
    y = forward(stages, x)
    if isinstance(layer, bp.Softmax):  # (8) is what the authors' own softmax divides by
        y = (np.exp(x - x.max(axis=1, keepdims=True)) - EPSILON) / stages[0].S
    assert_allclose(target(stages, y), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("layer", [bp.Sigmoid(), bp.Tanh()])
def test_a_rescaled_activation_reaches_every_target(layer):
    stages = unrolled(with_scales(network(layer)), 1e-15, None)
    F = 100 * np.random.default_rng(0).standard_normal((20, 3)) + 7
    assert_allclose(forward(stages, target(stages, F)), F, rtol=0, atol=1e-9)


def test_a_target_below_a_relu_is_some_number_below_zero():
    stages = unrolled(network(bp.ReLU()), 1e-15, np.random.default_rng(0))
    F = np.array([[-3.0, 0.0, 2.0]] * 1000)
    Z = target(stages, F)
    assert_array_equal(Z[:, 1:], F[:, 1:])
    assert Z[:, 0].min() > -1
    assert Z[:, 0].max() <= 0
    assert abs(Z[:, 0].mean() + 0.5) < 0.05


def test_least_squares_that_are_singular_have_their_shortest_solution():
    x, y = examples()
    twice = np.hstack([x, x[:, :1], np.zeros((len(x), 1))])
    found = fit_zorb(network(dense(2), shape=(5,)), twice, y, cutoff=1e-9)[0]
    single = fit_zorb(network(dense(2)), x, y)[0]
    assert_allclose(found.W[0], found.W[3], rtol=0, atol=1e-12)
    assert_allclose(found.W[0] + found.W[3], single.W[0], rtol=0, atol=1e-12)
    assert_allclose(found.W[4], 0, rtol=0, atol=1e-12)


def test_a_large_cut_off_makes_small_weights():
    x, y = examples()
    x[:, 2] = x[:, 0] + 1e-4 * x[:, 2]
    sizes = [abs(fit_zorb(network(dense(2)), x, y, cutoff=c)[0].W).max() for c in (1e-15, 1e-2)]
    assert sizes[0] > 100 * sizes[1]


# The trained network


def test_the_network_and_the_data_stay_as_they_are():
    net = network(dense(6), bp.Tanh(), dense(4), bp.ReLU(), dense(2), bp.Softmax())
    x, y = examples()
    before = [each.copy() for each in (net.parameters, x, y)]
    trained = fit_zorb(net, x, y, rng=0)
    for now, then in zip((net.parameters, x, y), before, strict=True):
        assert_array_equal(now, then)
    assert not np.shares_memory(trained.parameters, net.parameters)
    assert [layer.name for layer in net] == [e.name for e in trained if not isinstance(e, Scale)]


def test_a_seed_fixes_what_is_random():
    x, y = examples()
    net = network(dense(6), bp.ReLU(), dense(4), bp.ReLU(), dense(2))
    first, again, other = (fit_zorb(net, x, y, rng=seed).parameters for seed in (3, 3, 4))
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_trained_network_is_one_like_any_other(tmp_path):
    trained = fit_zorb(zorb.small(), zorb.X, zorb.Y)
    bp.gradcheck(trained, zorb.X).assert_ok()
    bp.save(trained, tmp_path / "zorb.safetensors")
    again = bp.load(tmp_path / "zorb.safetensors", layers=[Scale])
    assert_array_equal(again.predict(zorb.X), trained.predict(zorb.X))


@pytest.mark.parametrize("shape", [(), (4,), (3, 4), (2, 2, 3)])
def test_scale(shape):
    layer = Scale()
    assert layer.build(shape, dtype=np.float64) == shape
    x = np.random.default_rng(0).standard_normal((2, *shape))
    assert_array_equal(layer.predict(x), x)
    layer.s[...], layer.c[...] = -2.5, 0.75
    assert_array_equal(layer.predict(x), -2.5 * x + 0.75)
    bp.gradcheck(layer, x).assert_ok()


def taken_in(trained):
    """Return the network without scales: the next weights have taken them in."""
    layers, s, c = [], 1, 0
    for layer in trained:
        if isinstance(layer, Scale):
            s, c = layer.s, layer.c
        elif isinstance(layer, bp.Dense):
            init, bias_init = (
                bp.Given(each) for each in (s * layer.W, layer.b + c * layer.W.sum(axis=0))
            )
            layers.append(bp.Dense(layer.units, init=init, bias_init=bias_init))
        else:
            layers.append(type(layer)())
    return network(*layers, shape=trained.in_shapes[0])


def test_taking_the_scales_in_is_exact_on_paper_and_spoils_sinc():
    trained = fit_zorb(zorb.small(), zorb.X, zorb.Y)
    assert_allclose(taken_in(trained).predict(zorb.X), trained.predict(zorb.X), rtol=0, atol=1e-13)
    found = zorb.sinc()
    x, y = found.train
    assert experiments.error(taken_in(found.network).predict(x), y) > 10 * found.error


# Experiments


@pytest.mark.parametrize("seed", range(3))
def test_sinc(seed):
    assert zorb.sinc(seed).error < 0.03


@pytest.mark.parametrize("seed", range(2))
def test_sinc_as_the_authors_have_it_collapses_once_rounding_is_cut_off(seed):
    found = zorb.sinc(seed, last=True, cutoff=1e-12)
    y = found.train[1]
    assert_allclose(found.error, np.abs(y - y.mean()).mean(), rtol=0, atol=1e-6)
    assert abs(found.network[0].W).max() < 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_an_even_target_collapses(seed):
    found = zorb.collapse(seed)
    x, y = found.train
    assert abs(found.network[0].W).max() < 1e-12
    assert_allclose(found.network.predict(x), y.mean(), rtol=0, atol=1e-6)


def test_spirals_and_xor():
    shares = np.mean([zorb.spirals(seed)[-2:] for seed in range(10)], axis=0)
    assert ((shares > 0.83) & (shares < 0.94)).all()
    shares = np.mean([zorb.xor(seed)[-2:] for seed in range(10)], axis=0)
    assert ((shares > 0.93) & (shares < 0.99)).all()


def test_the_data():
    for reach, count in ((10, 2001), (30, 6001)):
        x, y = experiments.sinc_data(reach)
        assert x.shape == y.shape == (count, 1)
        assert_allclose(x[:, 0], np.linspace(-reach, reach, count), rtol=0, atol=1e-11)
        assert_allclose(y, np.sinc(x / np.pi), rtol=0, atol=1e-12)
    x, _ = experiments.sinc_data(10, last=False)
    assert_allclose(x[-1], 9.99)
    (x, y), (x_test, y_test) = experiments.spirals_data(0)
    assert x.shape == (280, 2)
    assert x_test.shape == (120, 2)
    assert y.sum() == 140
    assert y_test.sum() == 60
    radius = np.linalg.norm(x, axis=1)
    angle = np.arctan2(x[:, 1], -x[:, 0]) + np.pi * y[:, 0]
    assert_allclose(np.cos(angle - radius), 1, rtol=0, atol=1e-9)
    assert radius.max() <= np.radians(780)
    (x, y), (x_test, _) = experiments.xor_data(0)
    assert x.shape == x_test.shape == (1000, 2)
    assert x.min() == 0
    assert x.max() == 1
    assert_allclose(y[:, 0], (x[:, 0] > 0.5) != (x[:, 1] > 0.5), atol=1)
    assert ((x[:, 0] > 0.51) != (x[:, 1] > 0.51)).mean() == pytest.approx(y.mean(), abs=0.05)


@pytest.mark.parametrize(("filters", "least"), [((8,), 0.85), ((8, 8), 0.9)])
def test_convolutions(filters, least):
    found = zorb.convolution(filters=filters)
    assert found.accuracy > least
    assert found.test_accuracy > 0.8


@needs_mnist
@pytest.mark.slow
def test_eleven_layers_on_5000_images_of_mnist():
    found = zorb.mnist(MNIST)
    assert found.accuracy > 0.99
    assert 0.5 < found.test_accuracy < 0.7
    dense_layers = [layer for layer in found.network if isinstance(layer, bp.Dense)]
    assert len(dense_layers) == 11
    assert sum(layer.param_count for layer in dense_layers) == 4_090_510


# The race


def test_a_race_begins_with_the_same_weights_and_ends_where_adam_is_as_far():
    x, y = examples(outputs=2)
    net = network(dense(3), bp.Tanh(), dense(2))
    zorb_error = experiments.error(fit_zorb(net, x, y).predict(x), y)
    found = timing.race(net, x, y, rate=0.02, most=2000)
    assert found.zorb_error == zorb_error
    assert found.reached
    assert 1 < found.updates < 2000
    assert found.adam_error == experiments.error(net.predict(x), y) < zorb_error
    assert min(found.zorb, found.updating, found.evaluating) > 0
    assert found.fair == found.updating / found.zorb
    assert found.inflated == (found.updating + found.evaluating) / found.zorb


def test_a_race_is_called_off():
    found = zorb.sinc_race(most=2)
    assert found.updates == 2
    assert not found.reached
    assert found.adam_error > found.zorb_error
    assert zorb.digits_race(most=3).updates == 3


# What cannot be trained

X, Y = examples()
RANGE = f"{Y.min() - 1:g} to {Y.max() - 1:g}"
LAYERS = "Dense, Conv2D, Flatten, Sigmoid, Tanh, ReLU, Softmax"


def unbuilt():
    return bp.Network([bp.Dense(2)])


def branched():
    net = bp.Network([bp.Dense(2)])
    net.add(bp.Add(), 1, 1)
    net.build((3,), dtype=np.float64)
    return net


def shared():
    layer = bp.Dense(3)
    return network(layer, bp.Tanh(), layer, dense(2))


def broken():
    net = network(dense(2))
    net[0].W[0, 0] = np.nan
    return net


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: bp.Dense(2), TypeError, "a Network, got Dense(2)"),
        (unbuilt, ValueError, "a network that is built, got one that is not"),
        (
            branched,
            ValueError,
            "a chain of layers, each standing in it once, "
            "got Network([Dense(2), Add()], reading [(0,), (1, 1)])",
        ),
        (
            shared,
            ValueError,
            "a chain of layers, each standing in it once, "
            f"got Network([Dense(3), Tanh(), Dense(3), {dense(2)!r}])",
        ),
        (
            lambda: network(dense(2), bp.Softplus()),
            ValueError,
            f"layers out of {LAYERS}, got Softplus 'softplus_1'",
        ),
        (
            lambda: network(bp.Dense(2, bias=False)),
            ValueError,
            "a bias in every Dense and Conv2D, got none in Dense 'dense_1'",
        ),
        (
            lambda: network(bp.Tanh()),
            ValueError,
            "a Dense or Conv2D, got Network([Tanh()])",
        ),
        (
            lambda: network(dense(2), dtype=np.float32),
            ValueError,
            "a network built with dtype float64, got float32",
        ),
        (
            lambda: network(
                bp.Conv2D(2, 1), bp.Conv2D(2, 2, stride=3), bp.Flatten(), shape=(4, 4, 1)
            ),
            ValueError,
            "windows of Conv2D 'conv2d_2' that reach every pixel, got Conv2D(2, 2, stride=3)",
        ),
        (
            lambda: network(dense(2), bp.Softmax(), dense(2)),
            ValueError,
            "Softmax at the end, got Dense 'dense_2' after it",
        ),
        (broken, ValueError, "weights to begin with that are finite, got NaN or infinity"),
    ],
)
def test_networks_that_cannot_be_trained(make, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(f'fit_zorb expects {text}')}$"):
        fit_zorb(make(), X, Y)


def with_nan(values):
    values = values.copy()
    values[3, 1] = np.nan
    return values


@pytest.mark.parametrize(
    ("x", "y", "settings", "text"),
    [
        (X[:, :2], Y, {}, "x of shape (N, 3), got (40, 2)"),
        (X, Y[:, 0], {}, "y of shape (N, 2), got (40,)"),
        (X, Y[:39], {}, "at least one example, and a target for each, got 40 and 39"),
        (X[:0], Y[:0], {}, "at least one example, and a target for each, got 0 and 0"),
        (3.0, Y, {}, "x of shape (N, 3), got ()"),
        (X * 1j, Y, {}, "x of real numbers, got complex128"),
        (with_nan(X), Y, {}, "x of finite numbers, got NaN or infinity"),
        (X, with_nan(Y), {}, "y of finite numbers, got NaN or infinity"),
        (X, Y - 1, {}, f"targets from 0 to 1, as Softmax 'softmax_1' puts them out, got {RANGE}"),
        (X, Y, {"cutoff": -1}, "cutoff to be a finite number of at least 0 below 1, got -1"),
        (X, Y, {"cutoff": 1}, "cutoff to be a finite number of at least 0 below 1, got 1"),
    ],
)
def test_examples_that_do_not_fit(x, y, settings, text):
    net = network(dense(4), bp.Tanh(), dense(2), bp.Softmax())
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=f"^{re.escape(f'fit_zorb expects {text}')}$"):
        fit_zorb(net, x, y, **settings)
    assert_array_equal(net.parameters, before)


def test_what_fails_halfway_leaves_the_network_as_it_was():
    net = network(dense(4), bp.Tanh(), dense(1))
    net[2].W[...] = 0  # so that every hidden unit gets the target 0
    before = net.parameters.copy()
    text = "fit_zorb expects targets of Tanh 'tanh_1' that differ, got only 0"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        fit_zorb(net, X, Y[:, :1])
    assert_array_equal(net.parameters, before)


def test_targets_that_overflow():
    net = network(dense(4), bp.Tanh(), dense(2))
    net[2].W[...] *= 1e-10
    before = net.parameters.copy()
    text = "fit_zorb expects finite targets of Dense 'dense_1', got NaN or infinity"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        fit_zorb(net, X, 1e300 * Y)
    assert_array_equal(net.parameters, before)


@pytest.mark.parametrize(
    ("settings", "name"), [({"count": 0}, "count"), ({"test_count": 0}, "test_count")]
)
def test_counts_of_images(settings, name):
    text = f"mnist expects {name} to be a whole number of at least 1, got 0"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        zorb.mnist("nowhere", **settings)


def test_a_race_of_no_updates():
    text = "race expects most to be a whole number of at least 1, got 0"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        zorb.race(zorb.small(), zorb.X, zorb.Y, rate=0.1, most=0)
