"""Every promise of the contract (layer.py), over every layer and configuration of cases.py."""

import ast
import pickle
import re
from pathlib import Path

import pytest
from numpy.testing import assert_array_equal

import backprop as bp
from backprop.checks import promises
from backprop.checks.promises import PROMISES, forward
from cases import CASES

PACKAGE = Path(bp.__file__).parent

every_case = pytest.mark.parametrize("case", CASES, ids=str)

# The wiring of a network is no argument of its constructor: only a chain's repr is a call.
CHAINS = [case for case in CASES if type(case.layer) is not bp.Network or case.layer.is_chain]


# Each promise with each case that it is made for: where the examples of a batch are normalised by
# each other, each alone is something else. That complex numbers pass, the package promises always.
HELD = [
    (promise, case)
    for promise in PROMISES
    for case in CASES
    if promise.check is promises.a_complex_number_passes or not promise.excuse(case.layer)
    if promise.check is not promises.gradients_are_right  # more than which is asked for below
]


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


@pytest.mark.parametrize(("promise", "case"), HELD, ids=str)
def test_promises_are_kept(promise, case):
    promise.check(case)


@pytest.mark.parametrize("case", CHAINS, ids=str)
def test_repr_is_the_call_that_makes_the_layer(case):
    again = eval(repr(case.layer), dict(vars(bp)))
    assert type(again) is type(case.layer)
    assert repr(again) == repr(case.layer)


@every_case
def test_what_comes_out_of_a_pickle_computes_the_same(case):
    layer, xs = case.build(), case.inputs()
    y, cache = forward(layer, xs)
    twin = pickle.loads(pickle.dumps(layer))
    assert_array_equal(forward(twin, xs)[0], y)
    gradients = [part.grads(case.delta(y), cache) for part in (twin, layer)]
    assert list(gradients[0]) == list(gradients[1])
    for one, other in zip(*(each.values() for each in gradients), strict=True):
        assert_array_equal(one, other)


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
