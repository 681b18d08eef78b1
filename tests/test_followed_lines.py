"""What follows lines runs them: no compiled kernel stands in, and a page says where one would.

The kernels here are none that Numba made: a module that counts what it is asked for.
"""

import sys
import threading
import types

import numpy as np
import pytest

import backprop as bp
from backprop import compiled
from backprop.checks.mutants import mutants
from backprop.compiled import kernels, readable
from backprop.explanation.recording import record
from backprop.explanation.setting import OF_LINES

MSE = bp.MeanSquaredError()
NAME = "doubling"


class Doubled(bp.Layer):
    r"""Twice its input.

    **Forward**

    $$ y = 2 x \tag{1} $$

    **Backward**

    $$ dx = 2 \delta \tag{2} $$
    """

    def forward(self, x, /):
        if fast := kernels(NAME, x):
            return fast.forward(x), None
        y = 2 * x  # (1)
        return y, None

    def backward(self, delta, cache, /):
        if fast := kernels(NAME, delta):
            return fast.backward(delta), {}
        return self._doubled(delta), {}

    def _doubled(self, delta):
        return 2 * delta  # (2)


class Kernels(types.ModuleType):
    """What a file of `backprop.compiled` would have for Doubled; `ran` are the calls."""

    def __init__(self):
        super().__init__(NAME)
        self.ran = []
        self.factors = {"forward": 2, "backward": 2}

    def forward(self, x):
        self.ran.append("forward")
        return self.factors["forward"] * x

    def backward(self, delta):
        self.ran.append("backward")
        return self.factors["backward"] * delta


@pytest.fixture
def fake(monkeypatch):
    module = Kernels()
    monkeypatch.setattr(compiled, "FOUND", True)
    monkeypatch.setitem(sys.modules, f"backprop.compiled.{NAME}", module)
    compiled._loaded.cache_clear()
    yield module
    compiled._loaded.cache_clear()


def network(*layers, dtype=np.float64):
    net = bp.Network([*layers, bp.Flatten()])
    net.build((2,), rng=0, dtype=dtype)
    return net


X, T = np.array([[0.5, -1.5]]), np.array([[1.0, 2.0]])


# Who runs


def test_a_kernel_runs_unless_somebody_reads_along(fake):
    assert kernels(NAME, X) is fake
    with readable() as outer:
        assert kernels(NAME, X) is None
        with readable() as inner:
            assert kernels(NAME, X) is None
        assert kernels("others", X) is None
    assert (outer, inner) == ({NAME, "others"}, {NAME})
    assert kernels(NAME, X) is fake


def test_what_no_kernel_takes_is_not_left_out(fake, monkeypatch):
    with readable() as left_out:
        assert kernels(NAME, X * 1j) is None
        assert kernels(NAME, X, X.astype(np.float32)) is None
        monkeypatch.setattr(compiled, "FOUND", False)
        assert kernels(NAME, X) is None
    assert not left_out


def test_reading_ends_with_an_error(fake):
    with pytest.raises(ZeroDivisionError), readable():
        _ = 1 / 0
    assert kernels(NAME, X) is fake


def test_it_holds_for_threads_that_share_the_work(fake):
    found = []
    thread = threading.Thread(target=lambda: found.append(kernels(NAME, X)))
    with readable() as left_out:
        thread.start()
        thread.join()
    assert found == [None]
    assert left_out == {NAME}


# explain


def test_what_is_recorded_are_the_lines(fake):
    net = network(Doubled())
    run = record(net, (X,), T, MSE)
    assert fake.ran == []
    assert run.left_out == {NAME}
    assert [one.tag for one in run.of((0,), "forward")] == [1]
    assert [one.tag for one in run.of((0,), "backward")] == [2]
    net.forward(X)
    assert fake.ran == ["forward"]


def pages(net, dtype=np.float64):
    """Return the page of an example, and that of one number, in every form."""
    example = bp.explain(net, X.astype(dtype), T, loss=MSE)
    chain = bp.explain(net, X.astype(dtype), T, loss=MSE, of="0.x[0,1]")
    forms = str, lambda page: page._repr_markdown_(), lambda page: page.latex()
    found = [form(page) for page in (example, chain) for form in forms]
    return found if np.dtype(dtype).kind == "c" else [*found, example.html(), chain.html()]


def test_a_page_says_once_that_its_numbers_are_those_of_the_lines(fake):
    said = [" ".join(page.split()).count(OF_LINES) for page in pages(network(Doubled()))]
    assert said == [1] * 8


def test_it_stands_at_the_foot(fake):
    *_, last = str(bp.explain(network(Doubled()), X, T, loss=MSE)).splitlines()
    assert last.strip() == OF_LINES


def test_nothing_is_said_where_no_kernel_would_have_run(fake, monkeypatch):
    others = pages(network(bp.Tanh()))
    of_complex = pages(network(Doubled(), dtype=np.complex128), np.complex128)
    monkeypatch.setattr(compiled, "FOUND", False)
    without = pages(network(Doubled()))
    for page in (*others, *of_complex, *without):
        assert "compiled kernels" not in page
        assert "{{" not in page.partition("<script")[0]


# Mutants


@pytest.mark.parametrize("mutant", mutants(Doubled), ids=str)
def test_no_kernel_hides_a_mutant(fake, mutant):
    twin = mutant.applied(Doubled())
    assert mutant.method == "_doubled"
    delta = np.ones((1, 2))
    assert not np.array_equal(twin.backward(delta, None)[0], 2 * delta)
    assert bp.gradcheck(twin, X, explain=False).verdict == "wrong"
    assert "backward" not in fake.ran
    Doubled().backward(delta, None)
    assert "backward" in fake.ran


def test_a_mutants_pass_can_be_explained():
    twin = next(m for m in mutants(bp.Tanh) if m.kind == "sign").applied(bp.Tanh())
    net, right = network(twin), network(bp.Tanh())
    run, of_right = (record(one, (X,), T, MSE) for one in (net, right))
    assert np.array_equal(run.dxs[0], -of_right.dxs[0])
    assert np.array_equal(run.call((0,), "backward").given[0], run.delta)


# gradcheck, which is to check what trains


def test_gradcheck_runs_the_kernels_and_the_lines(fake):
    report = bp.gradcheck(Doubled(), X)
    assert report.verdict == "ok"
    assert {"forward", "backward"} <= set(fake.ran)
    assert report.comparisons[0].complex_error is not None


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_a_kernel_that_is_wrong_is_seen(fake, method):
    fake.factors[method] = 3
    assert not bp.gradcheck(Doubled(), X)
