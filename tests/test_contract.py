"""Every promise of the contract (layer.py), over every layer and configuration of cases.py."""

import ast
import copy
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from cases import CASES

PACKAGE = Path(bp.__file__).parent

every_case = pytest.mark.parametrize("case", CASES, ids=str)

# The wiring of a network is no argument of its constructor: only a chain's repr is a call.
CHAINS = [case for case in CASES if type(case.layer) is not bp.Network or case.layer.is_chain]


# Where the examples of a batch are normalised by each other, each alone is something else.
BY_EXAMPLE = [case for case in CASES if not case.layer.stateful]


def forward(layer, xs):
    """Return `layer.forward(*xs)`, with the same masks every time."""
    draws = {"rng": np.random.default_rng(4)} if layer.stochastic else {}
    return layer.forward(*xs, **draws)


def backward(layer, delta, cache):
    """Return `layer.backward(delta, cache)` with dx as a tuple always."""
    dx, grads = layer.backward(delta, cache)
    return (dx if isinstance(dx, tuple) else (dx,)), grads


def arrays(value):
    """Yield the arrays in nested tuples, lists and dicts."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, tuple | list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from arrays(part)


def freeze(value):
    """Make every array in `value` read-only."""
    for array in arrays(value):
        array.flags.writeable = False
    return value


def assert_same(one, other, compare=assert_array_equal):
    """Compare all arrays in two nested values."""
    ones, others = list(arrays(one)), list(arrays(other))
    assert len(ones) == len(others)
    for a, b in zip(ones, others, strict=True):
        compare(a, b)


def assert_close(one, other):
    assert_same(one, other, lambda a, b: assert_allclose(a, b, rtol=1e-12, atol=1e-13))


def test_every_public_layer_stands_in_the_table():
    inside = [layer for case in CASES if isinstance(case.layer, bp.Network) for layer in case.layer]
    tried = {type(case.layer) for case in CASES} | {type(layer) for layer in inside}
    public = {value for value in vars(bp).values() if isinstance(value, type)}
    assert {kind for kind in public if issubclass(kind, bp.Layer)} - {bp.Layer} <= tried


@every_case
def test_gradients_are_right(case):
    report = case.gradcheck(case.build())
    report.assert_ok()
    for row in report.comparisons:
        assert row.complex_error <= 1e-12
        assert row.central_error <= 1e-7


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_shapes_and_dtypes(case, dtype):
    layer = copy.deepcopy(case.layer)
    out_shape = layer.build(*(shape[1:] for shape in case.shapes), rng=0, dtype=dtype)
    xs = case.inputs(dtype)
    y, cache = forward(layer, xs)
    assert y.shape == (len(xs[0]), *out_shape)
    assert layer.predict(*xs).shape == y.shape
    dxs, grads = backward(layer, case.delta(y), cache)
    whole = layer.integer_inputs
    for i, (x, dx) in enumerate(zip(xs, dxs, strict=True)):
        assert (dx is None) if i in whole else (dx.shape == x.shape)
    dxs = [dx for dx in dxs if dx is not None]
    assert len(dxs) == len(xs) - len(whole)
    assert list(grads) == list(layer.params)
    assert [g.shape for g in grads.values()] == [p.shape for p in layer.params.values()]
    for array in (y, layer.predict(*xs), *dxs, *grads.values(), *layer.params.values()):
        assert array.dtype == dtype


@every_case
def test_single_precision_agrees_with_double(case):
    outcomes = []
    for dtype in (np.float32, np.float64):
        layer = case.build().astype(dtype)
        y, cache = forward(layer, case.inputs(dtype))
        outcomes.append((y, backward(layer, case.delta(y.astype(np.float64)).astype(dtype), cache)))
    assert_same(*outcomes, lambda a, b: assert_allclose(a, b, rtol=1e-3, atol=2e-5))


@every_case
def test_a_complex_number_passes(case):
    layer = case.build().astype(np.complex128)
    y, _ = forward(layer, [x if x.dtype.kind == "i" else x + 1e-100j for x in case.inputs()])
    assert y.dtype == np.complex128


@every_case
def test_passes_write_to_nothing(case):
    layer = case.build()
    xs = freeze(case.inputs())
    freeze(layer.params)
    averages = freeze(layer.averages)
    before = pickle.dumps(layer)
    y, cache = freeze(forward(layer, xs))
    after = freeze(layer.averages)
    layer.backward(freeze(case.delta(y)), cache)
    layer.grads(freeze(case.delta(y)), cache)
    layer.predict(*xs)
    assert [id(value) for value in layer.averages.values()] == [id(v) for v in after.values()]
    layer.averages = averages  # all that a pass changes, and `forward` alone
    assert pickle.dumps(layer) == before


@every_case
def test_a_second_pass_is_the_first(case):
    layer, xs = case.build(), case.inputs()
    y, cache = forward(layer, xs)
    delta = case.delta(y)
    first = (y.copy(), copy.deepcopy(backward(layer, delta, cache)))
    assert_same(backward(layer, delta, cache), first[1])
    y, cache = forward(layer, xs)
    assert_same((y, backward(layer, delta, cache)), first)


@every_case
def test_two_passes_in_flight_do_not_meet(case):
    layer = case.build()
    batches = [case.inputs(seed=10), case.inputs(seed=11)]
    alone = []
    for xs in batches:
        y, cache = forward(layer, xs)
        alone.append(copy.deepcopy(backward(layer, case.delta(y), cache)))
    passes = [forward(layer, xs) for xs in batches]
    together = [backward(layer, case.delta(y), cache) for y, cache in passes]
    assert_same(together, alone)


@every_case
def test_backward_is_linear_in_delta(case):
    layer = case.build()
    y, cache = forward(layer, case.inputs())
    one, two = case.delta(y, seed=5), case.delta(y, seed=6)
    parts = list(arrays(backward(layer, one, cache))), list(arrays(backward(layer, two, cache)))
    whole = arrays(backward(layer, 2 * one - 3 * two, cache))
    for a, b, both in zip(*parts, whole, strict=True):
        assert_allclose(both, 2 * a - 3 * b, rtol=1e-11, atol=1e-12)
    for array in arrays(backward(layer, np.zeros_like(y), cache)):
        assert not array.any()


@pytest.mark.parametrize("case", BY_EXAMPLE, ids=str)
def test_a_batch_is_its_examples_one_at_a_time(case):
    layer, xs = case.build(), case.inputs()
    if layer.stochastic:
        layer = deterministic(layer)
    y, cache = layer.forward(*xs)
    delta = case.delta(y)
    dxs, grads = backward(layer, delta, cache)
    total = {name: np.zeros_like(value) for name, value in grads.items()}
    for n in range(len(y)):
        one = slice(n, n + 1)
        y_n, cache = layer.forward(*(x[one] for x in xs))
        dxs_n, grads_n = backward(layer, delta[one], cache)
        assert_close(y_n, y[one])
        assert_close(dxs_n, tuple(dx[one] for dx in dxs if dx is not None))
        for name in total:
            total[name] += grads_n[name]
    assert_close(total, grads)


def deterministic(layer):
    """Return a network in which Dropout keeps everything, so that examples can be compared."""
    layer = copy.deepcopy(layer)
    for part in layer if isinstance(layer, bp.Network) else [layer]:
        if isinstance(part, bp.Dropout):
            part.rate = 0.0
    return layer


@every_case
def test_arrays_need_not_be_contiguous(case):
    layer, xs = case.build(), case.inputs()
    y, cache = forward(layer, xs)
    delta = case.delta(y)
    expected = (y, backward(layer, delta, cache))
    for scatter in (np.asfortranarray, every_other, backwards):
        y, cache = forward(layer, [scatter(x) for x in xs])
        assert_close((y, backward(layer, scatter(delta), cache)), expected)


def every_other(x):
    """Return `x` as every second number of an array twice as long."""
    between = -1 if x.dtype.kind == "i" else np.nan
    wide = np.full((*x.shape[:-1], 2 * x.shape[-1]), between, x.dtype)
    wide[..., ::2] = x
    return wide[..., ::2]


def backwards(x):
    """Return `x` as a view with negative strides."""
    return np.flip(np.flip(x).copy())


@every_case
def test_grads_are_those_of_backward(case):
    layer = case.build()
    y, cache = forward(layer, case.inputs())
    delta = case.delta(y)
    assert_same(layer.grads(delta, cache), layer.backward(delta, cache)[1])


@pytest.mark.parametrize("case", BY_EXAMPLE, ids=str)
def test_predict_is_forward(case):
    layer, xs = deterministic(case.build()), case.inputs()
    assert_array_equal(layer.predict(*xs), layer.forward(*xs)[0])


@every_case
def test_building_again_from_the_same_seed_gives_the_same_parameters(case):
    built = []
    for _ in range(2):
        layer = copy.deepcopy(case.layer)
        layer.build(*(shape[1:] for shape in case.shapes), rng=7)
        built.append(layer.params)
    assert_same(*built)


@pytest.mark.parametrize("case", CHAINS, ids=str)
def test_repr_is_the_call_that_makes_the_layer(case):
    again = eval(repr(case.layer), dict(vars(bp)))
    assert type(again) is type(case.layer)
    assert repr(again) == repr(case.layer)


@every_case
def test_copies_compute_the_same(case):
    layer, xs = case.build(), case.inputs()
    y, cache = forward(layer, xs)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert_array_equal(forward(twin, xs)[0], y)
        assert_same(twin.grads(case.delta(y), cache), layer.grads(case.delta(y), cache))


# Formula and code


def derivations():
    """Yield (name, docstring, code lines) of everything in the package with numbered equations."""
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf8")
        lines = source.splitlines()
        tree = ast.parse(source)
        chapters = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            and "\\tag{" in (ast.get_docstring(node) or "")
        ]
        rest = dict(enumerate(lines, start=1))
        for node in chapters:
            body = range(node.body[0].end_lineno + 1, node.end_lineno + 1)
            yield f"{path.stem}.{node.name}", ast.get_docstring(node), [rest.pop(n) for n in body]
        doc = ast.get_docstring(tree) or ""
        start = tree.body[0].end_lineno + 1 if doc else 1
        yield path.stem, doc, [line for n, line in sorted(rest.items()) if n >= start]


DERIVATIONS = list(derivations())


@pytest.mark.parametrize(("name", "doc", "code"), DERIVATIONS, ids=[d[0] for d in DERIVATIONS])
def test_every_equation_has_its_line_and_every_tag_its_equation(name, doc, code):
    in_doc = [int(n) for n in re.findall(r"\\tag\{(\d+)\}", doc)]
    in_code = [int(n) for line in code for n in re.findall(r"# \((\d+)\)$", line)]
    assert in_doc == list(range(1, len(in_doc) + 1)), "equations are numbered in order"
    assert sorted(in_code) == in_doc, "each equation is one line of code"


def test_every_layer_and_loss_has_numbered_equations():
    described = {name.split(".")[-1] for name, doc, _ in DERIVATIONS if "\\tag{" in doc}
    public = {name for name, value in vars(bp).items() if isinstance(value, type)}
    chapters = {n for n in public if issubclass(getattr(bp, n), bp.Layer | bp.Loss)}
    assert chapters - {"Layer", "Loss", "Network"} <= described


@pytest.mark.parametrize("name", sorted(bp.__all__))
def test_every_public_name_is_documented(name):
    doc = getattr(bp, name).__doc__
    assert doc, f"{name} has no docstring"
    assert len(doc.split()) >= 5


def test_all_holds_every_public_name():
    names = {n for n, value in vars(bp).items() if not n.startswith("_") and callable(value)}
    assert names <= set(bp.__all__)
    assert all(hasattr(bp, name) for name in bp.__all__)
