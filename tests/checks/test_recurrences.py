"""What is wrong in a recurrent layer is named, however the layer is written."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

import backprop as bp
from backprop.checks.check import Check
from backprop.checks.diagnosis import Case
from backprop.checks.recognition import subject_of
from backprop.checks.recurrences import equations, recurrent
from backprop.checks.recurrences.search import twins
from checks.cells import MISTAKES, RIGHT


@pytest.mark.parametrize("subject", RIGHT, ids=str)
def test_the_right_layer_passes(subject):
    report = bp.gradcheck(subject.make(), *subject.inputs)
    assert report, report
    assert not report.diagnoses


@pytest.mark.parametrize("planted", MISTAKES, ids=lambda p: f"{p}: {p.note}")
def test_the_mistake_is_named(planted):
    report = bp.gradcheck(planted.make(), *planted.inputs)
    kinds = {each.kind for each in report.diagnoses}
    assert kinds & {planted.kind, *planted.also}, report


def case_of(thing, *inputs):
    """Return the case of a thing that is wrong, as `gradcheck` hands it to the suspects."""
    rng = np.random.default_rng(0)
    check = Check(subject_of(thing, inputs, None, None, rng).astype(np.float64), rng, None)
    gradients = check.gradients()
    wrong = [row.name for row in check.rows(gradients) if row.verdict == "wrong"]
    case = Case(check, gradients, wrong)
    for name in wrong:
        case.right(name)  # so that it is not the Jacobians that take time
    return case


def seconds(case):
    start = time.process_time()
    found = list(recurrent(case))
    return time.process_time() - start, found


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (bp.RNN(2), "a recurrent layer with tanh"),
        (bp.LSTM(2), "an LSTM"),
        (bp.GRU(2, reset_after=True), "a GRU that resets after the product"),
        (bp.GRU(2, reset_after=False), "a GRU that resets before the product"),
    ],
    ids=str,
)
def test_this_package_has_twins(layer, name):
    x = np.random.default_rng(0).standard_normal((2, 4, 3))
    layer.build(x.shape[1:], rng=0, dtype=np.float64)
    twin, names = next(twins(case_of(layer, x)))
    assert twin.cell.name == name
    delta = twin.delta.swapaxes(0, 1)
    _, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    found = names(twin.gradients(twin.backward()))
    for key, right in {"x": dx, **grads}.items():
        np.testing.assert_allclose(found[key], right, rtol=1e-10, atol=1e-12)


def test_zero_biases_do_not_mislead():
    (planted,) = (p for p in MISTAKES if p.wrong == "d_g = dc * f * (1 - g**2)")
    thing = planted.make()
    thing.b_ih[:] = thing.b_hh[:] = 0
    report = bp.gradcheck(thing, *planted.inputs)
    (diagnosis,) = report.diagnoses
    assert diagnosis.kind == "wrong factor of a product"
    assert diagnosis.evidence == "As an LSTM: dg = dc * f, where it is dg = dc * i."


def test_packed_gates_are_given_in_the_order_of_the_layer():
    (planted,) = (p for p in MISTAKES if p.wrong == "da = np.hstack([dz, dr, dn])")
    (diagnosis,) = bp.gradcheck(planted.make(), *planted.inputs).diagnoses
    assert diagnosis.evidence == "da = [da_z, da_r, da_n], where forward packs r, z, n."


def test_equations_are_sums_of_products():
    rng = np.random.default_rng(0)
    a, b, W, v = (rng.standard_normal(shape) for shape in ((2, 3), (2, 3), (3, 3), (2, 3)))
    values = {"a": a, "b": b, "W": W, "(1 - v)": 1 - v}
    worked_out = equations.worked_out
    np.testing.assert_array_equal(worked_out("a + b * (1 - v)", values), a + b * (1 - v))
    np.testing.assert_array_equal(worked_out("a @ W.T * b", values), (a @ W.T) * b)
    np.testing.assert_array_equal(worked_out("[a, b]", values), np.hstack([a, b]))
    np.testing.assert_array_equal(worked_out("a.T @ b", values), a.T @ b)


TIME_FIRST = ("TimeFirst", "Columns", "ResetAfter")
RESIZED = [
    planted
    for planted in MISTAKES
    if planted.style == "self" and planted.twin.code.__name__ not in ("OneSequence", "Leaky")
]


@pytest.mark.parametrize("seed", range(32))
def test_it_never_raises_and_is_quick(seed):
    rng = np.random.default_rng(seed)
    planted = RESIZED[rng.integers(len(RESIZED))]
    T, N, D, H = (int(size) for size in rng.integers(1, 6, size=4))
    if seed % 3 == 0:
        N = D = H = T
    if seed % 10 == 1:
        H = 16
    D = H if "self.U.T" in planted.wrong else D
    thing = planted.subject.code(D=D, H=H)
    shape = (T, N, D) if planted.twin.code.__name__ in TIME_FIRST else (N, T, D)
    case = case_of(thing, rng.standard_normal(shape))
    took, found = seconds(case)
    assert took < 1
    for _, evidence, gradients in found:
        assert evidence.endswith(".")
        for name, value in gradients.items():
            assert value is None or value.shape == case.tensors[name].shape


def test_tensors_that_belong_to_nothing_are_no_trouble():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        T, N, D, H = (int(size) for size in rng.integers(1, 4, size=4))
        gates = int(rng.choice([1, 3, 4]))
        draw = rng.standard_normal
        tensors = {"x": draw([(N, T, D), (T, N, D), (N, D), (T, D)][rng.integers(4)])}
        tensors |= {f"W{k}": draw((D, H)) for k in range(gates)}
        tensors |= {f"U{k}": draw((H, H)) for k in range(gates)}
        tensors |= {f"b{k}": draw(H) for k in range(gates)}
        tensors |= {"h0": draw((N, H))} if seed % 2 else {}
        shapes = [(N, T, H), (T, N, H), (N, H), (N * T * H + N * H,)]
        y = draw(shapes[rng.integers(4)])
        case = SimpleNamespace(
            first="x",
            x=tensors["x"],
            y=y,
            delta=draw(y.shape),
            tensors=tensors,
            subject=SimpleNamespace(inputs=tensors),
            wrong=["x"],
            returned=tensors,
            right=tensors.get,
            jacobian=lambda name, y=y, tensors=tensors: np.zeros((y.size, tensors[name].size)),
        )
        took, found = seconds(case)
        assert took < 1
        assert not found
