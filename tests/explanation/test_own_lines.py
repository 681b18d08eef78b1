"""Lines of a reader's own layer, whatever they say: a page never fails over them."""

import importlib.util

import numpy as np
import pytest

import backprop as bp
from backprop.explanation.entries import entry
from backprop.explanation.recording import record
from backprop.explanation.terms import agree

MSE = bp.MeanSquaredError()
SOURCE = '''
import numpy as np

import backprop as bp


class Own(bp.Layer):
    r"""A layer of one's own.

    $$ z = f(x) \\tag{{1}} $$

    $$ y = 2 x \\tag{{2}} $$
    """

    axis = 0

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.rng = np.random.default_rng(5)
        return in_shape

    def forward(self, x, /):
        z = {line}  # (1)
        y = 2 * x  # (2)
        self.z = z
        return y, None

    def backward(self, delta, cache, /):
        return 2 * delta, {{}}
'''
TAKEN_APART = [
    "x.transpose(1, 0)",
    "x.transpose()",
    "np.transpose(x)",
    "np.transpose(x, (1, 0))",
    "x.sum(0)",
    "x.sum(axis=self.axis)",
    "np.mean(x, -1)",
    "np.maximum(x, 0) ** 0.5",
    "np.einsum('ij->j', x)",
    "np.einsum('ij->ji', x)",
    "x > 0",
    "x.astype(complex)",
]
NOT_TAKEN_APART = [
    "x[:, np.argsort(x[0])] + np.cumsum(x, axis=1)",
    "np.linalg.norm(x, axis=1)",
    "(0 < x) & (x < 1)",
    "[row.sum() for row in x][0] * x",
    "(lambda v: v * 2)(x)",
    "np.stack([x, x])",
]


def explained(line, tmp_path):
    """Return what was recorded of a layer with that line, its page and the layer."""
    path = tmp_path / "own.py"
    path.write_text(SOURCE.format(line=line))
    spec = importlib.util.spec_from_file_location("own", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    net = bp.Network([module.Own()])
    net.build((20,), dtype=np.float64)
    x = np.random.default_rng(3).standard_normal((3, 20))
    target = np.ones((3, 20))
    return record(net, (x,), target, MSE), bp.explain(net, x, target, loss=MSE), net[0]


@pytest.mark.parametrize("line", [*TAKEN_APART, *NOT_TAKEN_APART])
def test_a_page_is_made_in_every_form(line, tmp_path):
    _, page, _ = explained(line, tmp_path)
    assert line in str(page)
    assert line in page._repr_markdown_()
    assert page.latex().endswith("\\end{document}\n")
    assert page.html().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("line", TAKEN_APART)
def test_it_is_taken_apart(line, tmp_path):
    run, _, layer = explained(line, tmp_path)
    first = run.records[0]
    for index in np.ndindex(first.shape):
        agree(first, entry(first, index, layer), first.value[index])


@pytest.mark.parametrize("line", NOT_TAKEN_APART)
def test_or_it_is_said_that_it_is_not(line, tmp_path):
    run, _, layer = explained(line, tmp_path)
    first = run.records[0]
    with pytest.raises(NotImplementedError, match=r"^explain expects lines that it can take apart"):
        agree(first, entry(first, (0,) * first.value.ndim, layer), first.value.flat[0])


class Bare(bp.Layer):
    """The same as it is given, by lines without a number."""

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        return in_shape

    def forward(self, x, /):
        return x + 0, None

    def backward(self, delta, cache, /):
        return delta + 0, {}


def test_a_layer_without_numbered_lines_says_so():
    net = bp.Network([bp.Dense(3), Bare(), bp.Dense(2)])
    net.build((2,), rng=0)
    example = np.ones((1, 2)), np.ones((1, 2))
    text = str(bp.explain(net, *example, loss=MSE))
    assert text.count("None of its lines has a number, so none can be shown.") == 2
    with pytest.raises(NotImplementedError) as error:
        bp.explain(net, *example, loss=MSE, of="0.W[0,1]")
    assert (
        str(error.value) == "explain expects numbered lines on the way, got what 1 Bare() returns"
    )


def test_what_draws_is_not_run_a_second_time(tmp_path):
    _, _, layer = explained("x[:, self.rng.permutation(20)]", tmp_path)
    rng = np.random.default_rng(5)
    x = np.random.default_rng(3).standard_normal((3, 20))
    rng.permutation(20)  # `explained` runs the layer twice: one draw for each
    np.testing.assert_array_equal(layer.z, x[:, rng.permutation(20)])
