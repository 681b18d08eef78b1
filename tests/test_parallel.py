"""A batch in parts, each in a thread: the same numbers, the same bits, and nothing left behind."""

import math
import subprocess
import sys
import threading

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import backprop as bp
from backprop import parallel
from backprop.parallel import at_once, by_example, cut
from backprop.training.objective import Objective
from cases import CASES

PLENTY = 10**12  # multiply-adds for each example: enough for any number of parts


def heavy(net):
    """Return the network, which from now on says that it is worth any number of threads."""
    net.work = PLENTY
    return net


def chain(*layers, in_shape=(4,), dtype: npt.DTypeLike = np.float64):
    net = bp.Network(layers)
    net.build(in_shape, rng=0, dtype=dtype)
    return heavy(net)


@pytest.fixture
def allow(monkeypatch):
    """Return a function that lets there be so many threads from now on."""
    return lambda count: monkeypatch.setattr(parallel, "threads", lambda: count)


@pytest.fixture
def cuts(monkeypatch):
    """Return a list that will hold the slices of every batch that is trained on."""
    seen = []

    def noted(*args, **kwargs):
        seen.append(cut(*args, **kwargs))
        return seen[-1]

    monkeypatch.setattr("backprop.training.objective.cut", noted)
    return seen


def blas_threads():
    """Return how many threads NumPy's BLAS may have."""
    info = [each for each in threadpool_info() if each["user_api"] == "blas"]
    return [each["num_threads"] for each in info if "numpy" in each["filepath"]]


# The same numbers


def of_case(case):
    """Return a network of the layer alone, its inputs, and targets."""
    net = bp.Network(inputs=len(case.shapes))
    net.add(case.build(), *range(len(case.shapes)))
    net.build(*case.in_shapes, rng=0, dtype=np.float64)
    xs = tuple(case.inputs())
    target = np.random.default_rng(4).standard_normal((len(xs[0]), *net.shapes[-1]))
    return heavy(net), xs, target


SPLIT = [
    case
    for case in CASES
    if by_example(case.build()) and not case.layer.stochastic and case.shapes[0][0] > 1
]


@pytest.mark.parametrize("case", SPLIT, ids=str)
def test_every_layer_is_the_same_in_parts(case, allow, cuts):
    net, xs, target = of_case(case)
    objective = Objective("test", net, bp.HalfSquaredError())
    allow(1)
    whole, y = objective(xs, target), net.predict(*xs)
    allow(2)
    parted = objective(xs, target)
    assert [len(each) for each in cuts] == [1, 2]
    np.testing.assert_allclose(parted.loss, whole.loss, rtol=1e-12)
    np.testing.assert_allclose(parted.y, whole.y, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(parted.gradient, whole.gradient, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(net.predict(*xs), y, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_uneven_parts_have_their_share_of_the_loss(count, reduction, allow):
    net = chain(bp.Dense(6), bp.Tanh(), bp.Dense(3))
    rng = np.random.default_rng(1)
    x, classes = rng.standard_normal((7, 4)), rng.integers(3, size=7)
    objective = Objective("test", net, bp.SoftmaxCrossEntropy(reduction=reduction))
    allow(1)
    whole = objective(x, classes)
    allow(count)
    parted = objective(x, classes)
    np.testing.assert_allclose(parted.loss, whole.loss, rtol=1e-14)
    np.testing.assert_allclose(parted.gradient, whole.gradient, rtol=1e-12, atol=1e-15)


def test_states_go_to_their_examples_and_come_back(allow):
    inner = bp.Network([bp.LSTM(3), bp.GRU(2)])
    net = chain(inner, bp.RNN(3), in_shape=(5, 4))
    rng = np.random.default_rng(2)
    x, target = rng.standard_normal((6, 5, 4)), rng.standard_normal((6, 5, 3))
    states = {
        0: {0: tuple(rng.standard_normal((2, 6, 3))), 1: (rng.standard_normal((6, 2)),)},
        1: (rng.standard_normal((6, 3)),),
    }
    objective = Objective("test", net, bp.HalfSquaredError())
    allow(1)
    whole = objective(x, target, states=states)
    allow(3)
    parted = objective(x, target, states=states)
    np.testing.assert_allclose(parted.gradient, whole.gradient, rtol=1e-12, atol=1e-15)
    for one, other in [
        (parted.states[0][0], whole.states[0][0]),
        (parted.states[0][1], whole.states[0][1]),
        (parted.states[1], whole.states[1]),
    ]:
        np.testing.assert_allclose(one, other, rtol=1e-13)


# The same bits


def trained(count, allow):
    """Return the parameters after three updates of a net that draws random numbers."""
    allow(count)
    net = chain(bp.Dense(8), bp.Dropout(0.5), bp.ReLU(), bp.Dense(3), dtype=np.float32)
    step = bp.TrainStep(net, bp.SoftmaxCrossEntropy(), bp.Adam(), seed=5)
    rng = np.random.default_rng(3)
    for _ in range(3):
        step(rng.standard_normal((9, 4)), rng.integers(3, size=9))
    return net.parameters


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_same_number_of_threads_gives_the_same_bits(count, allow):
    first = trained(count, allow)
    for _ in range(5):
        np.testing.assert_array_equal(trained(count, allow), first)


def test_every_part_draws_random_numbers_of_its_own(allow):
    allow(3)
    net = chain(bp.Dropout(0.5), bp.Dense(1), in_shape=(50,))
    objective = Objective("test", net, bp.HalfSquaredError())
    y = objective(np.ones((3, 50)), np.zeros((3, 1)), rng=np.random.default_rng(7)).y
    assert len(set(y.ravel())) == 3


def test_states_of_other_examples_are_told_before_the_batch_is_cut(allow):
    allow(2)
    net = chain(bp.LSTM(3), in_shape=(5, 4))
    step = bp.TrainStep(net, bp.HalfSquaredError(), bp.SGD())
    x, target = np.zeros((4, 5, 4)), np.zeros((4, 5, 3))
    with pytest.raises(
        ValueError, match=r"states of shapes \[\(4, 3\), \(4, 3\)\], got \[\(6, 3\)"
    ):
        step.update(x, target, states={0: (np.zeros((6, 3)), np.zeros((6, 3)))})
    update = step.update(x, target, states={0: np.ones((2, 4, 3))})  # as one array, too
    assert update.states[0][0].shape == (4, 3)


# When a batch is cut


def test_a_batch_is_cut_evenly_and_in_order(allow):
    net = chain(bp.Dense(3))
    x = np.zeros((10, 4))
    allow(4)
    assert cut(net, [x]) == [slice(0, 2), slice(2, 5), slice(5, 7), slice(7, 10)]
    assert len(cut(net, [x[:3]])) == 3
    assert cut(net, [x[:1]]) == [slice(0, 1)]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_part_has_enough_to_do(compiled, allow, monkeypatch):
    allow(8)
    monkeypatch.setattr(parallel, "available", lambda: compiled)
    worth = parallel.WORTH if compiled else parallel.WORTH_OF_LINES
    net = chain(bp.Dense(3))
    net.work = worth
    assert len(cut(net, [np.zeros((5, 4))])) == 5
    net.work = worth // 2
    assert len(cut(net, [np.zeros((5, 4))])) == 2
    assert len(cut(net, [np.zeros((3, 4))])) == 1


def test_a_part_has_enough_to_do_for_each_parameter(allow, monkeypatch):
    allow(2)
    monkeypatch.setattr(parallel, "WORTH", 1)
    monkeypatch.setattr(parallel, "WORTH_OF_LINES", 1)
    net = bp.Network([bp.Conv2D(8, 3), bp.Flatten(), bp.Dense(10)])
    net.build((32, 32, 4), rng=0)
    enough = math.ceil(2 * parallel.REUSE * net.parameters.size / net.work)
    assert len(cut(net, [np.zeros((enough, 32, 32, 4))])) == 2
    assert len(cut(net, [np.zeros((enough - 1, 32, 32, 4))])) == 1


def test_products_alone_are_left_to_blas(allow, monkeypatch):
    allow(2)
    monkeypatch.setattr(parallel, "WORTH_OF_LINES", parallel.WORTH)
    for shape, parts in [((10000,), 1), ((100, 100), 2)]:  # the same numbers, as steps too
        net = bp.Network([bp.Dense(100)])
        net.build(shape, rng=0)
        assert len(cut(net, [np.zeros((300, *shape))])) == parts


@pytest.mark.parametrize(
    "layer", [bp.BatchNorm(), bp.Network([bp.Dense(3), bp.BatchNorm()])], ids=repr
)
def test_examples_that_are_normalised_together_stay_together(layer, allow):
    allow(2)
    assert len(cut(chain(layer), [np.zeros((6, 4))])) == 1


class Mine(bp.Layer):
    """A layer of a reader."""

    def forward(self, x, /):
        return x - x.mean(axis=0), None

    def backward(self, delta, cache, /):
        return delta - delta.mean(axis=0), {}


class MineByExample(bp.Tanh):
    """Another one, which says that it may be cut."""

    by_example = True


def test_a_layer_of_ones_own_is_cut_only_if_it_says_so(allow):
    allow(2)
    assert len(cut(chain(Mine()), [np.zeros((6, 4))])) == 1
    assert len(cut(chain(MineByExample()), [np.zeros((6, 4))])) == 2


class MyNetwork(bp.Network):
    """A network of a reader."""


def test_a_network_of_ones_own_is_not_cut(allow):
    allow(2)
    net = MyNetwork([bp.Dense(3)])
    net.build((4,), rng=0)
    assert len(cut(heavy(net), [np.zeros((6, 4))])) == 1
    assert len(cut(chain(net), [np.zeros((6, 4))])) == 1


class MyOptimizer(bp.SGD):
    """An optimizer of a reader, written before there were threads."""

    def step(self, w, g, state, /, rate=None):
        w -= g


def test_an_optimizer_of_ones_own_is_not_told_of_threads(allow):
    allow(2)
    net = chain(bp.Dense(3))
    bp.TrainStep(net, bp.HalfSquaredError(), MyOptimizer(1))(np.ones((6, 4)), np.ones((6, 3)))


class Furthest(bp.HalfSquaredError):
    """A loss of a reader, of the whole batch: that of the worst example."""

    def forward(self, y, target, /):
        return ((y - target) ** 2).max(), (y - target)

    def backward(self, cache, /):
        largest = cache**2 == (cache**2).max()
        return 2 * cache * largest


def test_a_loss_of_ones_own_sees_the_whole_batch(allow):
    net = chain(bp.Dense(1))
    x = np.random.default_rng(0).standard_normal((6, 4))
    objective = Objective("test", net, Furthest())
    values = []
    for count in (1, 2):
        allow(count)
        values.append(objective(x, np.zeros((6, 1))))
    assert values[0].loss == values[1].loss
    np.testing.assert_array_equal(values[0].gradient, values[1].gradient)


# Errors and what is left behind


def test_each_part_has_one_thread_of_blas_and_then_all_are_back():
    before = blas_threads()
    seen = at_once(lambda _: (blas_threads(), threading.get_ident()), [1, 2])
    assert all(count == 1 for counts, _ in seen for count in counts)
    assert len({ident for _, ident in seen}) == 2
    assert blas_threads() == before


CONVOLVED = """
import sys
import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits
from backprop import parallel
from backprop.layers import Conv2D

def threads():
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

layer = Conv2D(2, 3)
layer.build((9, 9, 1), rng=0)
x = np.ones((2, 9, 9, 1), np.float32)
with threadpool_limits(int(sys.argv[1])):
    print(parallel.at_once(lambda each: (layer.forward(x), threads())[1], [1, 2]))
    print(threads())
print(parallel.at_once(lambda _: threads(), [1, 2]))
"""


@pytest.mark.fast
@pytest.mark.parametrize("limit", ["1", "2"])
def test_the_blas_of_kernels_has_one_thread_too_from_the_first_pass_on(limit):
    command = [sys.executable, "-c", CONVOLVED, limit]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[{1}, {1}]", f"{{{limit}}}", "[{1}, {1}]"]


def test_as_many_threads_as_blas_may_have():
    with threadpool_limits(1):
        assert parallel.threads() == 1
    with threadpool_limits(2):
        assert parallel.threads() == 2


def test_a_part_cuts_nothing_further(allow):
    allow(2)
    net = chain(bp.Dense(3))

    def act(_):
        within = at_once(lambda _: threading.get_ident(), [1, 2])
        return len(cut(net, [np.zeros((6, 4))])), set(within) == {threading.get_ident()}

    assert at_once(act, [1, 2]) == [(1, True), (1, True)]
    assert len(cut(net, [np.zeros((6, 4))])) == 2


def test_limits_of_several_threads_may_overlap():
    before, allowed = blas_threads(), parallel.threads()
    first, second = parallel.one_blas_thread(), parallel.one_blas_thread()
    first.__enter__()
    second.__enter__()
    assert parallel.threads() == allowed
    first.__exit__(None, None, None)
    assert all(count == 1 for count in blas_threads())
    second.__exit__(None, None, None)
    assert blas_threads() == before


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_an_error_of_any_part_is_raised_when_all_have_ended(bad):
    before, done = blas_threads(), []

    def act(n):
        if n == bad:
            raise ValueError(f"part {n}")
        done.append(n)

    with pytest.raises(ValueError, match=f"part {bad}"):
        at_once(act, [0, 1, 2])
    assert sorted(done) == [n for n in range(3) if n != bad]
    assert blas_threads() == before


def test_an_error_in_a_part_changes_nothing(allow):
    allow(2)
    net = chain(bp.Dense(3))
    before = net.parameters.copy()
    step = bp.TrainStep(net, bp.HalfSquaredError(), bp.SGD())
    x = np.zeros((6, 4))
    target = np.zeros((6, 3))
    target[5, 2] = np.nan
    with pytest.raises(ValueError, match="expects finite targets"):
        step(x, target)
    np.testing.assert_array_equal(net.parameters, before)


def test_targets_of_another_number_are_told_as_they_were_given(allow):
    allow(2)
    step = bp.TrainStep(chain(bp.Dense(3)), bp.HalfSquaredError(), bp.SGD())
    with pytest.raises(ValueError, match=r"targets of shape \(6, 3\).*, got \(4, 3\)"):
        step(np.zeros((6, 4)), np.zeros((4, 3)))


def test_what_numpy_does_with_errors_holds_in_every_part():
    def act(_):
        return np.float64(1) / np.zeros(1)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        at_once(act, [0, 1])
    with np.errstate(divide="ignore"):
        assert np.isinf(at_once(act, [0, 1])).all()


FORKED = """
import os, warnings
from backprop.parallel import at_once
warnings.simplefilter("ignore")  # later versions of Python warn of forks beside threads
assert at_once(abs, [-1, -2]) == [1, 2]
child = os.fork()
if child == 0:
    os._exit(at_once(abs, [-3, -4]) != [3, 4])
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no forks")
def test_a_forked_process_has_threads_of_its_own():
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=60)
