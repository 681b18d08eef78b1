"""Chains of Dense layers, passed through in one call, are the layers' own passes."""

import contextlib
import copy
import functools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop import parallel
from backprop.checks.subjects import arrays
from backprop.compiled import readable
from backprop.stretch import LINKS, Chain, Rectified
from backprop.training.objective import Objective
from laid import LAID

pytestmark = pytest.mark.fast

FUNCTIONS = [bp.ReLU, bp.Sigmoid, bp.Tanh]


def built(layers, D=5, dtype: type = np.float32):
    net = bp.Network(layers)
    net.build((D,), rng=0, dtype=dtype)
    net.parameters[:] = np.random.default_rng(1).standard_normal(net.parameters.size) / 2
    return net


def given(net, N=7, seed=2):
    rng = np.random.default_rng(seed)
    shapes = [(N, *net.in_shapes[0]), (N, *net.shapes[-1])]
    return [rng.standard_normal(shape).astype(net.dtype) for shape in shapes]


def found(net, x, delta):
    """Return all that the passes make, by name."""
    averages = net.averages
    values, caches = net.values(x)
    net.averages = averages
    dx, grads = net.backward(delta, caches)
    return {
        "values": values,
        "caches": [*arrays(caches)],
        "dx": [dx],
        "backward": [*grads.values()],
        "grads": [*net.grads(delta, caches).values()],
        "gradient": [net.gradient(delta, caches)],
        "predict": [net.predict(x)],
        "deltas": net.deltas(delta, caches),
    }


def hold_as_the_lines(net, x, delta):
    """Compare with the NumPy lines, number by number."""
    with readable():
        lines = found(net, x, delta)
        exact = found(net.astype(np.float64), x.astype(np.float64), delta.astype(np.float64))
    mine = found(net, x, delta)
    for what in lines:
        assert len(mine[what]) == len(lines[what])
        for one, other, right in zip(mine[what], lines[what], exact[what], strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            # What rounding does to the NumPy lines it may do to the kernel, three times over.
            rounding = 3 * np.abs(other - right).max() + 2e-6 * np.abs(right).max()
            np.testing.assert_allclose(one, other, rtol=0, atol=rounding, err_msg=what)


def chains(net):
    return [each for each in net._stretches.values() if isinstance(each, Chain)]


def random_layers(rng):
    layers = []
    for _ in range(rng.integers(1, 2 * LINKS + 2)):
        layers.append(bp.Dense(int(rng.integers(1, 40))))
        layers += [kind() for kind in FUNCTIONS if rng.random() < 0.3]
    return layers


def test_any_chain():
    rng = np.random.default_rng(0)
    for seed in range(200):
        net = built(random_layers(rng), D=int(rng.integers(1, 40)))
        assert chains(net)
        hold_as_the_lines(net, *given(net, int(rng.integers(1, 30)), seed))


@pytest.mark.parametrize("count", range(1, 2 * LINKS + 2))
def test_a_chain_is_taken_in_as_few_calls_as_it_can_be(count):
    net = built([layer for _ in range(count) for layer in (bp.Dense(3), bp.ReLU())])
    assert [len(each.dense) for each in chains(net)] == [
        min(LINKS, count - start) for start in range(0, count, LINKS)
    ]


def residual():
    net = bp.Network()
    h = net.add(bp.Dense(5), 0)
    h = net.add(bp.Tanh(), h)
    h = net.add(bp.Add(), 0, h)
    h = net.add(bp.Dense(4), h)
    k = net.add(bp.ReLU(), h)
    k = net.add(bp.Dense(4), k)
    net.add(bp.Add(), h, k)
    net.build((5,), rng=0)
    return net


def shared():
    twice = bp.Dense(5)
    return built([bp.Dense(5), twice, bp.ReLU(), twice, bp.Tanh(), bp.Dense(2)])


OTHERS = {
    "a value that is read twice": residual,
    "a layer that stands twice": shared,
    "no bias": lambda: built([bp.Dense(4), bp.ReLU(), bp.Dense(3, bias=False), bp.Tanh()]),
    "another layer between": lambda: built([bp.Dense(4), bp.GELU(), bp.Dense(3), bp.Softmax()]),
    "two functions": lambda: built([bp.Dense(4), bp.ReLU(), bp.Tanh(), bp.Dense(3)]),
    "a function first": lambda: built([bp.ReLU(), bp.Dense(4), bp.Sigmoid()]),
    "a network inside": lambda: built([bp.Dense(4), bp.Network([bp.Dense(3), bp.ReLU()])]),
    "batch norm": lambda: built([bp.Dense(4), bp.BatchNorm(), bp.ReLU(), bp.Dense(3)]),
}


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_networks_that_are_no_mere_chains(make):
    net = make()
    hold_as_the_lines(net, *given(net))


def test_a_read_value_ends_the_chain():
    assert [(each.first, each.last) for each in chains(residual())] == [(0, 1), (3, 3), (5, 5)]
    assert [(each.first, each.last) for each in chains(shared())] == [(0, 0), (5, 5)]


def test_inputs_of_several_axes_are_left_to_the_layers():
    net = bp.Network([bp.Dense(4), bp.ReLU()])
    net.build((3, 5), rng=0)
    assert not net._stretches
    hold_as_the_lines(net, *given(net))


DEEP = [bp.Dense(6), bp.ReLU(), bp.Dense(5), bp.Sigmoid(), bp.Dense(4), bp.Tanh(), bp.Dense(3)]


def deep(dtype: type = np.float32):
    return built(copy.deepcopy(DEEP), dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
def test_other_types_have_no_stretches(dtype):
    assert not deep(dtype)._stretches
    assert not deep().astype(dtype)._stretches
    assert deep(dtype).astype(np.float32)._stretches


@pytest.mark.parametrize("lay", LAID, ids=lambda each: each.__name__)
def test_arrays_of_any_kind(lay):
    net = deep()
    x, delta = given(net)
    right = found(net, x, delta)
    mine = found(net, lay(x), lay(delta))
    for what in right:
        for one, other in zip(mine[what], right[what], strict=True):
            assert_array_equal(one, other)


def test_nothing_is_written_to():
    net = deep()
    x, delta = given(net)
    _, caches = net.values(x)
    held = [x, delta, net.parameters, *caches]
    before = [each.copy() for each in held]
    for _ in range(2):
        net.backward(delta, caches)
        net.gradient(delta, caches)
        net.predict(x)
    for one, other in zip(held, before, strict=True):
        assert_array_equal(one, other)


def test_nan_and_infinity_go_where_they_go_in_numpy():
    net = built([bp.Dense(5), bp.ReLU(), bp.Dense(5), bp.Sigmoid(), bp.Dense(5), bp.Tanh()])
    net.parameters[:] = 0
    for number in (0, 2, 4):
        net[number].W[:] = np.eye(5)
    x = np.array([[np.inf, -np.inf, np.nan, -1, 2]], np.float32)
    with np.errstate(invalid="ignore"), readable():
        right = [net[k].forward(x)[0] for k in (1, 3, 5)]
    for dense, function, other in zip((0, 2, 4), (1, 3, 5), right, strict=True):
        one = bp.Network([net[dense], net[function]])
        one.build((5,), rng=0)
        one.parameters[:] = 0
        one[0].W[:] = np.eye(5)
        for row in range(5):  # one at a time: in a product a NaN is everywhere
            alone = np.zeros_like(x)
            alone[0, 3] = x[0, row]
            y = one.predict(alone)[0, 3]
            np.testing.assert_allclose(y, other[0, row], rtol=1e-6)


# What somebody has changed


def double(self, x, /):
    return 2 * (x @ self.W + self.b), x


def test_a_pass_put_on_a_layer_is_what_runs():
    net = deep()
    x, delta = given(net)
    before = found(net, x, delta)
    net[0].forward = double.__get__(net[0])
    assert_array_equal(net.values(x)[0][1], double(net[0], x)[0])
    assert_array_equal(net.predict(x), net.values(x)[0][-1])
    del net[0].forward
    assert_array_equal(net.predict(x), before["predict"][0])
    net[2].backward = lambda delta, cache: (np.zeros_like(cache), net[2].grads(delta, cache))
    assert not net.backward(delta, net.values(x)[1])[0].any()


def test_a_pass_put_on_a_class_is_what_runs(monkeypatch):
    net = deep()
    x, delta = given(net)
    caches = net.values(x)[1]
    with monkeypatch.context() as patch:
        patch.setattr(bp.Dense, "forward", double)
        assert_array_equal(net.values(x)[0][1], double(net[0], x)[0])
        assert_array_equal(net.predict(x), net.values(x)[0][-1])
        assert not deep()._stretches
    with monkeypatch.context() as patch:
        patch.setattr(bp.ReLU, "backward", lambda self, delta, cache: (0 * delta, {}))
        assert not net.backward(delta, caches)[0].any()
    hold_as_the_lines(net, x, delta)


def test_what_wraps_a_pass_is_what_runs(monkeypatch):
    shipped, calls = bp.Dense.forward, []

    @functools.wraps(shipped)
    def counted(self, x, /):
        calls.append(len(x))
        return shipped(self, x)

    monkeypatch.setattr(bp.Dense, "forward", counted)
    net = deep()
    net.predict(given(net)[0])
    assert calls == [7] * 4


class Twice(bp.Network):
    """A reader's network."""

    def values(self, x, /, *more, **kwargs):
        return super().values(2 * x, *more, **kwargs)


def test_a_network_of_ones_own_runs_its_own_passes(calls):
    net = Twice(copy.deepcopy(DEEP))
    net.build((5,), rng=0)
    x, target = given(net)[0], np.arange(7) % 3
    loss = bp.SoftmaxCrossEntropy()
    right = loss.forward(net.forward(x)[0], target)[0]
    assert Objective("test", net, loss)(x, target).loss == pytest.approx(float(right), rel=1e-6)
    plain = deep()
    plain.grads = lambda delta, cache: {key: 0 * w for key, w in plain.params.items()}
    assert not Objective("test", plain, loss)(x, target).gradient.any()
    assert not calls


class Summed(bp.Layer):
    """A reader's: the sum of each row, and a delta that NumPy repeats."""

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return (1,)

    def forward(self, x, /):
        return x.sum(axis=1, keepdims=True), None

    def backward(self, delta, cache, /):
        return delta, {}


@pytest.mark.parametrize("ending", [[], [bp.ReLU()]], ids=["scores", "function last"])
def test_a_delta_that_is_to_be_repeated_is_left_to_the_layers(ending):
    net = built([bp.Dense(64), *ending, Summed()])
    x, delta = given(net)
    _, caches = net.values(x)
    if not ending:  # for which the lines of Dense have no use
        with pytest.raises(ValueError, match="matmul"):
            net.backward(delta, caches)
        return
    with readable():
        right = net.backward(delta, caches)[0]
    assert_array_equal(net.backward(delta, caches)[0], right)


class Between(bp.Layer):
    """A reader's: one more axis."""

    def forward(self, x, /):
        return x[:, np.newaxis], None

    def backward(self, delta, cache, /):
        return delta[:, 0], {}


def test_values_of_more_axes_than_promised_are_left_to_the_layers():
    net = built([Between(), bp.Dense(3), bp.ReLU()])
    x, _ = given(net)
    assert net.predict(x).shape == (7, 1, 3)
    assert net.forward(x)[0].shape == (7, 1, 3)


def test_a_delta_may_be_a_list():
    net = built([bp.Dense(2), bp.ReLU()])
    x, _ = given(net)
    delta = np.ones((7, 2), np.float32)
    _, caches = net.values(x)
    assert_array_equal(
        net.backward(delta.tolist(), caches)[0], net.backward(delta.astype(float), caches)[0]
    )


class Mine(bp.Dense):
    """A reader's."""

    def forward(self, x, /):
        return super().forward(2 * x)


def test_a_class_of_ones_own_is_no_part_of_a_chain():
    net = built([Mine(4), bp.ReLU(), bp.Dense(3)])
    assert [each.first for each in chains(net)] == [2]
    hold_as_the_lines(net, *given(net))


def test_an_array_put_in_a_parameters_place_is_what_is_multiplied():
    net = deep()
    x, _ = given(net)
    net[0].W = np.zeros_like(net[0].W)
    assert_array_equal(net.values(x)[0][1], np.broadcast_to(net[0].b, (7, 6)))
    assert_array_equal(net.predict(x), net.values(x)[0][-1])


def test_caches_of_the_layers_own_passes_will_do():
    net = deep()
    x, delta = given(net)
    with readable():
        _, caches = net.values(x)
        right = net.gradient(delta, caches)
    np.testing.assert_allclose(net.gradient(delta, caches), right, rtol=2e-5, atol=2e-6)


def test_caches_that_do_not_belong_together_are_left_to_the_layers():
    net = deep()
    x, delta = given(net)
    _, caches = net.values(x)
    caches[1] = np.zeros_like(caches[1])  # the ReLU lets nothing through
    assert not net.backward(delta, caches)[0].any()
    caches[2] = caches[2][:, ::-1]
    with readable():
        right = net.grads(delta, caches)
    for one, other in zip(net.grads(delta, caches).values(), right.values(), strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("rows", [1, 6, 8])
def test_a_delta_of_other_examples_is_told(rows):
    net = deep()
    _, caches = net.values(given(net)[0])
    with pytest.raises(ValueError, match=r"mismatch|shape|broadcast"):
        net.gradient(np.ones((rows, 3), np.float32), caches)


def test_copies_have_chains_of_their_own():
    net = deep()
    x, delta = given(net)
    right = found(net, x, delta)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), net.astype(np.float32)):
        twin.parameters[:] = 0
        assert not twin.predict(x).any()
        twin.parameters[:] = net.parameters
        assert_array_equal(twin.predict(x), right["predict"][0])
        assert np.shares_memory(twin._stretches[0].w, twin.parameters)


def test_training_comes_to_the_same():
    results = []
    for lines in (False, True):
        net = deep()
        step = bp.TrainStep(net, bp.SoftmaxCrossEntropy(), bp.SGD(0.1, momentum=0.9))
        x, _ = given(net, N=20)
        classes = np.arange(20) % 3
        if lines:
            with readable():
                losses = [step(x, classes) for _ in range(30)]
        else:
            losses = [step(x, classes) for _ in range(30)]
        results.append((losses, net.parameters))
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-4, atol=1e-5)


# Together with the loss


def objectives(net, loss, x, target):
    """Return loss, output and gradient: of the compiled call, and of the lines."""
    results = []
    for lines in (False, True):
        with readable() if lines else contextlib.nullcontext():
            value = Objective("test", net, loss)(x, target)
        results.append([value.loss, value.y, value.gradient])
    return results


def hold_close(found, right):
    for one, other in zip(found, right, strict=True):
        assert np.asarray(one).dtype == np.asarray(other).dtype
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * scale)


@pytest.fixture
def calls(monkeypatch):
    """Return a list that gets the size of every batch whose loss is part of the call."""
    seen, objective = [], Chain.objective

    def noted(self, x, *args):
        found = objective(self, x, *args)
        seen.extend([len(x)] if found else [])
        return found

    monkeypatch.setattr(Chain, "objective", noted)
    return seen


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("count", range(1, LINKS + 1))
@pytest.mark.parametrize("ending", [[], [bp.Tanh()]], ids=["scores", "function last"])
def test_a_chain_and_its_loss_are_one_call(count, ending, reduction, calls):
    layers = [layer for _ in range(count - 1) for layer in (bp.Dense(6), bp.ReLU())]
    net = built([*layers, bp.Dense(3), *ending])
    x, rows = given(net)
    loss = bp.SoftmaxCrossEntropy(reduction=reduction)
    for target in (np.arange(7) % 3, abs(rows)):
        hold_close(*objectives(net, loss, x, target))
    assert calls == [7, 7]


def test_the_loss_is_that_of_its_type():
    net = built([bp.Dense(3)])
    x, _ = given(net)
    loss, target = bp.SoftmaxCrossEntropy(reduction="sum"), np.arange(7) % 3
    assert Objective("test", net, loss)(x, target).loss == float(
        loss.forward(net.forward(x)[0], target)[0]
    )
    net.parameters[:] = 0
    net[0].b[:] = [3e38, 0, 0]
    with np.errstate(over="ignore"), pytest.raises(FloatingPointError, match="finite loss"):
        bp.TrainStep(net, loss, bp.SGD())(x, np.ones(7, int))


def test_parts_of_a_batch_have_their_share(calls, monkeypatch):
    net = deep()
    net.work = 10**12
    x, _ = given(net)
    monkeypatch.setattr(parallel, "threads", lambda: 2)
    hold_close(*objectives(net, bp.SoftmaxCrossEntropy(), x, np.arange(7) % 3))
    assert sorted(calls) == [3, 4]


class Doubled(bp.SoftmaxCrossEntropy):
    """A reader's."""

    def forward(self, y, target, /):
        loss, cache = super().forward(y, target)
        return 2 * loss, cache

    def backward(self, cache, /):
        return 2 * super().backward(cache)


def test_a_loss_of_ones_own_is_what_is_made_small(calls, monkeypatch):
    net, ours = deep(), bp.SoftmaxCrossEntropy()
    x, target = given(net)[0], np.arange(7) % 3
    right = Objective("test", net, ours)(x, target).loss
    assert calls == [7]
    assert Objective("test", net, Doubled())(x, target).loss == pytest.approx(2 * right, rel=1e-6)
    mine = Doubled()
    ours.forward, ours.backward = mine.forward, mine.backward
    assert Objective("test", net, ours)(x, target).loss == pytest.approx(2 * right, rel=1e-6)
    monkeypatch.setattr(bp.SoftmaxCrossEntropy, "forward", lambda self, y, target: (0.0, y))
    monkeypatch.setattr(bp.SoftmaxCrossEntropy, "backward", lambda self, cache: 0 * cache)
    value = Objective("test", net, bp.SoftmaxCrossEntropy())(x, target)
    assert value.loss == 0
    assert not value.gradient.any()
    assert calls == [7]


@pytest.mark.parametrize(
    "loss", [bp.HalfSquaredError(), bp.LogisticCrossEntropy(), bp.MeanSquaredError()], ids=repr
)
def test_other_losses_stand_after_the_call(loss, calls):
    net = deep()
    x, rows = given(net)
    hold_close(*objectives(net, loss, x, np.clip(rows, 0, 1)))
    assert not calls


@pytest.mark.parametrize("make", OTHERS.values(), ids=OTHERS)
def test_other_networks_have_their_loss_after_them(make, calls):
    net = make()
    x, _ = given(net)
    found, right = objectives(net, bp.SoftmaxCrossEntropy(), x, np.zeros(7, int))
    np.testing.assert_allclose(found[0], right[0], rtol=1e-5)
    assert not calls
    assert net.chain is None


@pytest.mark.parametrize(
    ("x", "target", "message"),
    [
        (np.zeros((7, 4)), np.zeros(7, int), r"inputs of shape \(N, 5\), got \(7, 4\)"),
        (np.zeros((7, 5)), np.zeros(6, int), r"targets of shape \(7, 3\) or classes"),
        (np.zeros((7, 5)), np.full(7, 3), "classes from 0 to 2, got 3"),
        (np.zeros((7, 5)), -np.ones((7, 3)), "finite targets from 0 to inf, got -1"),
        (np.zeros((0, 5)), np.zeros(0, int), "at least one example"),
    ],
)
def test_what_does_not_fit_is_told_as_ever(x, target, message):
    with pytest.raises(ValueError, match=message):
        Objective("test", deep(), bp.SoftmaxCrossEntropy())(x, target)


def test_states_for_a_chain_are_told():
    with pytest.raises(ValueError, match="states of layers"):
        Objective("test", deep(), bp.SoftmaxCrossEntropy())(
            np.zeros((7, 5)), np.zeros(7, int), states={0: ()}
        )


# Conv2D and ReLU


@pytest.mark.parametrize(("F", "C"), [(3, 2), (64, 32)], ids=["blocks", "winograd"])
def test_what_is_rectified_on_the_way_is_what_a_relu_makes(F, C):
    net = bp.Network([bp.Conv2D(F, 3), bp.ReLU(), bp.MaxPool(2)])
    net.build((14, 14, C), rng=0)
    assert isinstance(net._stretches[0], Rectified)
    net[0].b[:] = np.random.default_rng(1).standard_normal(F)
    x = np.random.default_rng(2).standard_normal((2, 14, 14, C)).astype(np.float32)
    y, _ = net.forward(x)
    assert (y == 0).any()
    assert_array_equal(net.predict(x), y)
    net[1].predict = lambda x: x
    values, _ = net.values(x)
    assert_array_equal(net.predict(x), net[2].predict(values[1]))


def test_a_convolution_whose_values_are_read_elsewhere_is_left_alone():
    net = bp.Network()
    h = net.add(bp.Conv2D(2, 3, padding="same"), 0)
    k = net.add(bp.ReLU(), h)
    net.add(bp.Add(), h, k)
    net.build((5, 5, 1), rng=0)
    assert not net._stretches
