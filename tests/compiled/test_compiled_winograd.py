"""Winograd's products make what Conv2D's NumPy lines make, but for rounding."""

import copy

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.compiled import FOUND, readable
from backprop.layers import Conv2D

if FOUND:  # without Numba these tests are not to be chosen: they fail
    from backprop.compiled import winograd
from laid import LAID

pytestmark = pytest.mark.fast

B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, 1]])

# Layers and images.
TABLE = {
    "one window": (Conv2D(3, 3), (1, 3, 3, 2)),
    "two windows": (Conv2D(2, 3), (2, 3, 4, 1)),
    "even": (Conv2D(4, 3), (2, 8, 6, 3)),
    "odd": (Conv2D(3, 3), (2, 7, 9, 4)),
    "odd and even": (Conv2D(2, 3, padding=(1, 0)), (2, 7, 8, 3)),
    "same": (Conv2D(2, 3, padding="same"), (2, 5, 6, 3)),
    "all of the kernel": (Conv2D(3, 3, padding=2), (1, 5, 4, 2)),
    "more than the kernel": (Conv2D(2, 3, padding=(4, 3)), (2, 3, 2, 3)),
    "one pixel": (Conv2D(2, 3, padding=1), (2, 1, 1, 3)),
    "two bands of rows": (Conv2D(16, 3), (2, 12, 262, 16)),
    "two bands, same": (Conv2D(16, 3, padding=1), (1, 11, 261, 17)),
    "as in a network": (Conv2D(64, 3), (3, 26, 26, 32)),
    "no images": (Conv2D(2, 3, padding=1), (0, 6, 6, 3)),
}
every = pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["32", "64"])


def built(row, dtype, draw):
    """Return the Conv2D of a row of TABLE, and x and delta for it, all drawn by `draw`."""
    layer, shape = copy.copy(row[0]), row[1]
    out = layer.build(shape[1:], dtype=dtype)
    layer.W[:], layer.b[:] = 4 * draw(layer.W.shape), draw(layer.b.shape)
    return layer, draw(shape).astype(dtype), draw((shape[0], *out)).astype(dtype)


def whole_numbers(rng):
    return lambda shape: rng.integers(-3, 4, shape)


def passes(layer, x, delta):
    dx, dW = winograd.backward(delta, x, layer.W, layer.window)
    y = winograd.forward(x, layer.W, layer.b, layer.window)
    return y, dx, dW, winograd.grads(delta, x, layer.window)


def lines(layer, x, delta):
    with readable():
        y, cache = layer.forward(x)
        dx, grads = layer.backward(delta, cache)
    return y, dx, grads["W"], grads["W"]


@every
@each_dtype
def test_what_needs_no_rounding_is_the_same(row, dtype):
    layer, x, delta = built(row, dtype, whole_numbers(np.random.default_rng(0)))
    for one, other in zip(passes(layer, x, delta), lines(layer, x, delta), strict=True):
        assert one.dtype == other.dtype
        assert_array_equal(one, other)


def transformed(layer, x, delta, matrices):
    """Return y without b, dx and dW by the equations of the docstring, with these B.T, G, A.T."""
    B_T, G, A_T = matrices
    (top, _), (left, _) = layer.window.margins(*x.shape[1:3])
    N, OH, OW, F = delta.shape
    P, Q = -(-OH // 2), -(-OW // 2)
    padded = np.zeros((N, 2 * P + 2, 2 * Q + 2, x.shape[3]))
    inner = padded[:, top : top + x.shape[1], left : left + x.shape[2]]
    inner[...] = x[:, : inner.shape[1], : inner.shape[2]]
    even = np.zeros((N, 2 * P, 2 * Q, F))
    even[:, :OH, :OW] = delta
    d = np.lib.stride_tricks.sliding_window_view(padded, (4, 4), (1, 2))[:, ::2, ::2]
    V = np.einsum("ia,npqcab,jb->npqcij", B_T, d, B_T)
    U = np.einsum("ia,abcf,jb->ijcf", G, layer.W, G)
    M = np.einsum("npqcij,ijcf->npqfij", V, U)
    y = np.einsum("ai,npqfij,bj->npaqbf", A_T, M, A_T).reshape(even.shape)[:, :OH, :OW]
    dM = np.einsum("ai,npaqbf,bj->npqfij", A_T, even.reshape(N, P, 2, Q, 2, F), A_T)
    dU = np.einsum("npqcij,npqfij->ijcf", V, dM)
    dW = np.einsum("ia,ijcf,jb->abcf", G, dU, G)
    dd = np.einsum("ia,npqfij,ijcf,jb->npqcab", B_T, dM, U, B_T, optimize=True)
    padded[...] = 0
    for p in range(P):
        for q in range(Q):
            padded[:, 2 * p : 2 * p + 4, 2 * q : 2 * q + 4] += dd[:, p, q].transpose(0, 2, 3, 1)
    dx = np.zeros(x.shape)
    dx[:, : inner.shape[1], : inner.shape[2]] = inner
    return y, dx, dW


SMALL = [name for name in TABLE if "bands" not in name and "network" not in name]


@pytest.mark.parametrize("name", SMALL)
def test_rounding_is_within_its_bound(name):
    """Sums of n terms, rounded, are off by at most n u of their terms' sizes; u is half of eps.

    Sums of sums add up their n. There are C of the product and 16 around it for y (2 for V, 9 for
    U, 4 for A, 1 for b); F and 20 for dx, as pixels add up tiles; all tiles and 20 for dW. The
    terms' sizes are the result for |x|, |W|, |delta|, |B|, |G| and |A|.
    """
    rng = np.random.default_rng(1)
    layer, x, delta = built(TABLE[name], np.float32, rng.standard_normal)
    found = passes(layer, x, delta)[:3]
    layer.W, layer.b, x, delta = (np.asarray(each, float) for each in (layer.W, layer.b, x, delta))
    y, dx, dW, _ = lines(layer, x, delta)
    layer.W, x, delta = abs(layer.W), abs(x), abs(delta)
    size_y, *sizes = transformed(layer, x, delta, [abs(each) for each in (B_T, winograd.G, A_T)])
    (N, OH, OW, F), C = delta.shape, x.shape[3]
    tiles = N * -(-OH // 2) * -(-OW // 2)
    terms = C + 16, F + 20, tiles + 20
    u = np.finfo(np.float32).eps / 2
    for one, other, size, n in zip(
        found, (y, dx, dW), (size_y + abs(layer.b), *sizes), terms, strict=True
    ):
        assert (abs(one - other) <= n * u / (1 - n * u) * size).all()


def test_rounding_is_much_as_that_of_the_lines():
    rng = np.random.default_rng(2)
    layer, x, delta = built(TABLE["as in a network"], np.float32, rng.standard_normal)
    found, direct = passes(layer, x, delta), lines(layer, x, delta)
    layer.W, layer.b = np.asarray(layer.W, float), np.asarray(layer.b, float)
    right = lines(layer, x.astype(float), delta.astype(float))
    for one, other, exact in zip(found, direct, right, strict=True):
        assert np.std(one - exact) < 2 * np.std(other - exact)
        assert abs(one - exact).max() < 3 * abs(other - exact).max()


@pytest.mark.parametrize("name", ["even", "odd", "same", "more than the kernel"])
def test_the_equations_are_conv2d(name):
    layer, x, delta = built(TABLE[name], np.float64, whole_numbers(np.random.default_rng(7)))
    y, dx, dW = transformed(layer, x, delta, (B_T, winograd.G, A_T))
    for one, other in zip((y + layer.b, dx, dW), lines(layer, x, delta)[:3], strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("laid", [np.copy, *LAID])
@pytest.mark.parametrize("name", ["even", "odd", "as in a network"])
@each_dtype
def test_the_same_bits_twice_however_the_numbers_lie(laid, name, dtype):
    layer, x, delta = built(TABLE[name], dtype, np.random.default_rng(3).standard_normal)
    first = passes(layer, x, delta)
    layer.W = laid(layer.W)
    for one, other in zip(passes(layer, laid(x), laid(delta)), first, strict=True):
        assert one.tobytes() == other.tobytes()
    assert first[2].tobytes() == first[3].tobytes()


def test_an_image_is_on_its_own():
    layer, x, delta = built(TABLE["odd"], np.float32, np.random.default_rng(4).standard_normal)
    y, dx, *_ = passes(layer, x, delta)
    y_1, dx_1, *_ = passes(layer, x[1:], delta[1:])
    assert_array_equal(y[1:], y_1)
    assert_array_equal(dx[1:], dx_1)


@each_dtype
def test_conv2d_chooses_it(dtype):
    draw = np.random.default_rng(6).standard_normal
    layer, x, delta = built(TABLE["as in a network"], dtype, draw)
    y, dx, dW, _ = passes(layer, x, delta)
    forward, cache = layer.forward(x)
    backward, grads = layer.backward(delta, cache)
    assert_array_equal(forward, y)
    assert_array_equal(backward, dx)
    for each in (grads, layer.grads(delta, cache)):
        assert_array_equal(each["W"], dW)
        np.testing.assert_allclose(each["b"], delta.sum(axis=(0, 1, 2)), rtol=1e-4, atol=1e-4)


def test_arrays_that_do_not_fit_are_told_before_a_loop_begins():
    draw = np.random.default_rng(7).standard_normal
    layer, x, delta = built(TABLE["as in a network"], np.float32, draw)
    with pytest.raises(ValueError, match="reshape"):
        layer.backward(delta[:, :-1], x)
    with pytest.raises(ValueError, match="reshape"):
        layer.grads(delta[..., :-1], x)
    with pytest.raises(ValueError, match="reshape"):
        layer.forward(x[..., :-1])


def test_flipped_kernels_and_no_bias():
    layer, x, delta = built(TABLE["odd"], np.float64, whole_numbers(np.random.default_rng(5)))
    y, dx, dW, _ = passes(layer, x, delta)
    layer.flip, layer.W = True, layer.W[::-1, ::-1].copy()
    right = lines(layer, x, delta)
    assert_array_equal(y, right[0])
    assert_array_equal(dx, right[1])
    assert_array_equal(dW[::-1, ::-1], right[2])
    assert_array_equal(winograd.forward(x, layer.W[::-1, ::-1], 0, layer.window), y - layer.b)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["even", "odd", "same"])
def test_what_is_no_number_comes_through(value, name):
    layer, x, delta = built(TABLE[name], np.float32, np.random.default_rng(6).standard_normal)
    finite = [np.isfinite(each) for each in passes(layer, x, delta)]
    assert all(each.all() for each in finite)
    for array in (x, layer.W, delta):
        kept = array[0, 1, 1, 0]
        array[0, 1, 1, 0] = value
        with np.errstate(invalid="ignore"):
            found, right = passes(layer, x, delta), lines(layer, x, delta)
        array[0, 1, 1, 0] = kept
        for one, other in zip(found, right, strict=True):
            assert not np.isfinite(one[~np.isfinite(other)]).any()


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (Conv2D(64, 3), (2, 26, 26, 32), True),
        (Conv2D(32, 3, padding="same"), (2, 12, 12, 64), True),
        (Conv2D(64, 3), (2, 13, 13, 32), False),  # few tiles in an image
        (Conv2D(32, 3), (2, 26, 26, 32), False),  # few channels
        (Conv2D(512, 3), (2, 26, 26, 8), False),
        (Conv2D(64, (3, 1)), (2, 26, 26, 32), False),
        (Conv2D(64, 5), (2, 26, 26, 32), False),
        (Conv2D(64, 3, stride=(1, 2)), (2, 26, 52, 32), False),
        (Conv2D(64, 3, dilation=(2, 1)), (2, 26, 26, 32), False),
    ],
    ids=str,
)
def test_what_it_suits(layer, shape, expected):
    layer.build(shape[1:])
    assert winograd.suits(shape, layer.W.shape, layer.window) is expected
