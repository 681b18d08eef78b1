"""Compiled Conv2D is its NumPy lines, in every geometry, and the same every time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from backprop.compiled import FOUND, readable
from backprop.layers import Conv2D

if FOUND:  # without Numba these tests are not to be chosen: they fail
    from backprop.compiled import convolution

pytestmark = pytest.mark.fast

TOLERANCES = {np.float32: 1e-5, np.float64: 1e-13}
# Layers and images that exercise each way through the kernels.
TABLE = {
    "places": (Conv2D(3, 3), (2, 7, 8, 1)),
    "places, stride": (Conv2D(3, (2, 3), stride=2, padding=1), (2, 7, 12, 1)),
    "runs": (Conv2D(3, 3), (2, 7, 8, 4)),
    "runs, margins": (Conv2D(3, (3, 2), padding="same", stride=(2, 1)), (2, 7, 8, 2)),
    "places of runs": (Conv2D(3, 3, dilation=2, padding=2), (2, 5, 6, 3)),
    "flip": (Conv2D(2, (2, 3), flip=True), (2, 5, 6, 2)),
    "no bias": (Conv2D(2, 3, bias=False), (2, 5, 6, 2)),
    "one pixel": (Conv2D(4, 1), (3, 2, 2, 3)),
    "one number": (Conv2D(2, 1), (2, 2, 3, 1)),
    "one image": (Conv2D(2, 2), (1, 2, 2, 1)),
}
every = pytest.mark.parametrize(("layer", "shape"), TABLE.values(), ids=TABLE)


def built(layer, shape, dtype: type = np.float32, seed=0):
    """Return the layer, with a bias that is not zero, and x and delta for it."""
    rng = np.random.default_rng(seed)
    out = layer.build(shape[1:], rng=rng, dtype=dtype)
    if layer.bias:
        layer.b[:] = rng.standard_normal(layer.b.shape)
    x, delta = rng.standard_normal(shape), rng.standard_normal((shape[0], *out))
    return layer, x.astype(dtype), delta.astype(dtype)


def passes(layer, x, delta):
    """Return all that the layer makes of them."""
    y, cache = layer.forward(x)
    dx, grads = layer.backward(delta, cache)
    return [y, dx, *grads.values(), *layer.grads(delta, cache).values()]


def hold_close(found, right, tolerance):
    assert len(found) == len(right)
    for one, other in zip(found, right, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        scale = max(abs(other).max(initial=0), 1e-3)
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)


def hold_as_the_lines(layer, x, delta):
    with readable():
        right = passes(layer, x, delta)
    found = passes(layer, x, delta)
    hold_close(found, right, TOLERANCES[x.dtype.type])
    return found


def geometry(rng):
    """Return a random Conv2D and a shape that it takes."""

    def two(least, most):
        return int(rng.integers(least, most)), int(rng.integers(least, most))

    size, stride, dilation = two(1, 5), two(1, 4), two(1, 4)
    layer = Conv2D(
        int(rng.integers(1, 6)),
        size,
        stride=stride,
        dilation=dilation,
        padding=("same", "valid", two(0, 4))[rng.integers(3)],
        flip=bool(rng.integers(2)),
        bias=bool(rng.integers(2)),
    )
    spans = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    H, W = (span + int(rng.integers(0, 9)) for span in spans)
    return layer, (int(rng.integers(1, 4)), H, W, int(rng.choice([1, 1, 2, 5])))


@pytest.mark.parametrize("dtype", TOLERANCES, ids=lambda each: each.__name__)
def test_any_geometry(dtype):
    rng = np.random.default_rng(1)
    for seed in range(250):
        layer, shape = geometry(rng)
        hold_as_the_lines(*built(layer, shape, dtype, seed))


@every
@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_any_number_of_rows_makes_a_block(layer, shape, rows, monkeypatch):
    order = convolution._order

    def shortened(*args, **kwargs):
        *others, most, OW = order(*args, **kwargs)
        return *others, min(rows, most), OW

    monkeypatch.setattr(convolution, "_order", shortened)
    hold_as_the_lines(*built(layer, shape))


def test_blocks_are_small_however_large_the_image():
    for F, C, H, W in [(1, 1, 1000, 1000), (256, 256, 50, 50), (64, 32, 26, 26), (1, 1, 1, 10**6)]:
        layer = Conv2D(F, (min(H, 3), 3))
        *_, rows, OW = convolution._order(layer.window, H, W, C, layer.window.places * C * F)
        made = rows * OW * layer.window.places * C
        assert made <= convolution.NUMBERS * 4 or rows == 1
        assert rows * OW >= min(convolution.ENOUGH, H * W)


@every
def test_the_second_time_gives_the_same_bits(layer, shape):
    given = built(layer, shape)
    for one, other in zip(passes(*given), passes(*given), strict=True):
        assert_array_equal(one, other)


@every
@pytest.mark.parametrize("kind", ["read-only", "Fortran", "strided", "reversed"])
def test_arrays_of_any_kind(layer, shape, kind):
    layer, x, delta = built(layer, shape)
    right = passes(layer, x, delta)
    for one, other in zip(passes(layer, of(kind, x), of(kind, delta)), right, strict=True):
        assert_array_equal(one, other)


def of(kind, x):
    """Return the same numbers as an array of another kind."""
    if kind == "read-only":
        x = x.copy()
        x.flags.writeable = False
    elif kind == "Fortran":
        x = np.asfortranarray(x)
    elif kind == "strided":
        x = np.repeat(x, 2, axis=2)[:, :, ::2]
    else:
        x = x[:, ::-1].copy()[:, ::-1]
    return x


@every
def test_nothing_is_written_to(layer, shape):
    layer, x, delta = built(layer, shape)
    before = [each.copy() for each in (x, delta, *layer.params.values())]
    passes(layer, x, delta)
    for one, other in zip((x, delta, *layer.params.values()), before, strict=True):
        assert_array_equal(one, other)


@every
def test_what_is_no_number_stays_none(layer, shape):
    layer, x, delta = built(layer, shape)
    x[0, 0, 0, 0] = np.nan
    delta[-1, 0, 0, -1] = np.inf
    with np.errstate(invalid="ignore"):
        found = passes(layer, x, delta)
        with readable():
            right = passes(layer, x, delta)
    for one, other in zip(found, right, strict=True):
        assert_array_equal(np.isfinite(one), np.isfinite(other))
    assert any(np.isnan(each).any() for each in found)


@every
def test_an_empty_batch(layer, shape):
    layer, x, delta = built(layer, shape)
    with readable():
        right = passes(layer, x[:0], delta[:0])
    hold_close(passes(layer, x[:0], delta[:0]), right, 0)


@every
def test_arrays_that_do_not_fit_are_an_error(layer, shape):
    layer, x, delta = built(layer, shape)
    for act in (
        lambda: layer.forward(np.concatenate((x, x), axis=-1)),
        lambda: layer.grads(delta[:-1], x),
        lambda: layer.grads(np.concatenate((delta, delta)), x),
        lambda: layer.grads(np.concatenate((delta, delta), axis=1), x),
        lambda: layer.backward(np.concatenate((delta, delta), axis=1), x),
        lambda: layer.grads(np.concatenate((delta, delta), axis=-1), x),
        lambda: layer.backward(np.concatenate((delta, delta), axis=-1), x),
        lambda: layer.backward(delta, np.concatenate((x, x), axis=-1)),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            act()


@every
def test_the_kernels_are_what_runs(layer, shape, monkeypatch):
    given = built(layer, shape)
    ran = []
    for name in ("forward", "backward", "grads"):
        run = getattr(convolution, name)
        watched = lambda *args, run=run, name=name: (ran.append(name), run(*args))[1]  # noqa: E731
        monkeypatch.setattr(convolution, name, watched)
    passes(*given)
    assert ran == ["forward", "backward", "grads", "grads"]
    with readable():
        passes(*given)
    assert len(ran) == 4
