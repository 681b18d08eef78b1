"""Add and Concat: what they make of several inputs, and what each input gets back."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.layers import Add, Concat


def numbers(*shapes):
    """Return an array of whole numbers for each shape."""
    rng = np.random.default_rng(0)
    return [rng.integers(-9, 10, shape).astype(np.float64) for shape in shapes]


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (4, 3), (2, 3, 4, 2)])
def test_add_sums_and_hands_its_delta_to_everyone(count, shape):
    xs = numbers(*[shape] * count)
    assert Add().build(*(x.shape[1:] for x in xs)) == shape[1:]
    y, cache = Add().forward(*xs)
    expected = np.zeros(shape)
    for x in xs:
        expected = expected + x
    assert_array_equal(y, expected)
    (delta,) = numbers(shape)
    dxs, grads = Add().backward(delta, cache)
    assert len(dxs) == count
    for dx in dxs:
        assert_array_equal(dx, delta)
    assert grads == {}


def test_add_does_not_write_into_its_first_input():
    x, other = numbers((2, 3), (2, 3))
    before = x.copy()
    Add().forward(x, other)
    assert_array_equal(x, before)


@pytest.mark.parametrize("leading", [(1,), (4,), (2, 3), (2, 3, 1)])
@pytest.mark.parametrize("widths", [(1, 1), (3, 1), (2, 5, 1, 4)])
def test_concat_lays_its_inputs_side_by_side_and_splits_its_delta(leading, widths):
    xs = numbers(*((*leading, width) for width in widths))
    assert Concat().build(*(x.shape[1:] for x in xs)) == (*leading[1:], sum(widths))
    y, cache = Concat().forward(*xs)
    dxs, grads = Concat().backward(y, cache)
    column = 0
    for x, dx in zip(xs, dxs, strict=True):
        for d in range(x.shape[-1]):
            assert_array_equal(y[..., column], x[..., d])
            column += 1
        assert_array_equal(dx, x)
    assert column == y.shape[-1]
    assert grads == {}


@pytest.mark.parametrize("layer", [Add(), Concat()], ids=str)
def test_neither_multiplies_nor_has_parameters(layer):
    assert layer.multiply_adds((4, 3), (4, 3)) == 0
    assert layer.params == {}


@pytest.mark.parametrize(
    ("layer", "in_shapes", "text"),
    [
        (Add(), [(3,)], "Add expects two or more inputs of one shape, got (N, 3)"),
        (Add(), [(3,), (4,)], "Add expects two or more inputs of one shape, got (N, 3) and (N, 4)"),
        (
            Add(),
            [(3,), (3,), (3, 1)],
            "Add expects two or more inputs of one shape, got (N, 3) and (N, 3) and (N, 3, 1)",
        ),
        (
            Concat(),
            [(3,)],
            "Concat expects two or more inputs that differ in the last axis only, got (N, 3)",
        ),
        (
            Concat(),
            [(2, 3), (4, 3)],
            "Concat expects two or more inputs that differ in the last axis only, "
            "got (N, 2, 3) and (N, 4, 3)",
        ),
    ],
)
def test_inputs_that_do_not_fit(layer, in_shapes, text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        layer.build(*in_shapes)


def test_single_numbers_have_no_last_axis():
    text = "Concat expects two or more inputs that differ in the last axis only, got (N,) and (N,)"
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Concat().build((), ())
