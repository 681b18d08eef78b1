"""What the contract promises (layer.py), one function for each promise.

Each takes a trial, which is anything with

    trial.layer                  # the layer, not built
    trial.in_shapes              # the shapes of its inputs, without the batch axis
    trial.build(dtype)           # a built copy
    trial.inputs(dtype, seed=)   # a list of inputs; by another seed, others
    trial.delta(y, seed=)        # a delta for the output y

and raises AssertionError, or whatever the layer raises, where the promise is broken. The tests hold
every layer of the package to all of them, and `certify` holds yours.
"""

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..layers import Dropout
from ..network import Network, inside
from .comparison import COMPLEX_TOLERANCE, FACTORS, rounding
from .gradcheck import gradcheck
from .subjects import arrays
from .trials import LAYOUTS

# Passes, and comparing what they return


def forward(layer, xs):
    """Return `layer.forward(*xs)`, with the same masks every time."""
    draws = {"rng": np.random.default_rng(4)} if layer.stochastic else {}
    return layer.forward(*xs, **draws)


def backward(layer, delta, cache):
    """Return `layer.backward(delta, cache)` with dx as a tuple always."""
    dx, grads = layer.backward(delta, cache)
    return (dx if isinstance(dx, tuple) else (dx,)), grads


def freeze(value):
    """Make every array in `value` read-only, and return `value`."""
    for array in arrays(value):
        array.flags.writeable = False
    return value


def hold(condition, broken):
    """Raise AssertionError with the sentence `broken` unless the condition holds."""
    if not condition:
        raise AssertionError(broken)


def hold_same(what, ones, others, rtol=0.0, atol=0.0):
    """Raise AssertionError unless all arrays in two nested values are the same, or close."""
    ones, others = list(arrays(ones)), list(arrays(others))
    hold(len(ones) == len(others), f"{what}: {len(ones)} arrays here, {len(others)} there")
    for one, other in zip(ones, others, strict=True):
        hold(one.shape == other.shape, f"{what}: shape {one.shape} here, {other.shape} there")
        close = np.isclose(one, other, rtol=rtol, atol=atol, equal_nan=True)
        if not close.all():
            place = tuple(map(int, np.argwhere(~close)[0]))
            raise AssertionError(f"{what}: {one[place]} here, {other[place]} there, at {place}")


def hold_close(what, ones, others):
    """Raise AssertionError unless two nested values differ by no more than rounding."""
    hold_same(what, ones, others, rtol=1e-12, atol=1e-13)


def alike(one, other):
    """Whether two things have the same attributes, down to the last bit of every array."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[k], other[k]) for k in one)
    if type(one) is not type(other):
        return False
    if hasattr(one, "__dict__") and not isinstance(one, type) and not inspect.isroutine(one):
        return alike(vars(one), vars(other))
    # Not a number is equal to nothing, a Generator to itself only.
    return one is other or one == other or pickle.dumps(one) == pickle.dumps(other)


# The promises


def gradients_are_right(trial):
    """Every entry of every gradient agrees with its estimates."""
    gradcheck(trial.build(), *trial.inputs(), explain=False).assert_ok()


def slopes_are_right(trial):
    r"""Each gradient agrees with the complex step along a random direction.

    $\sum_i d_i v_i = \operatorname{Im} L(a + \mathrm{i}hv)/h$ takes one pass for a whole tensor,
    and a wrong entry shows in the sum as much as if it were alone. The two agree to $10^{-12}$ of
    $\sum_i |d_i v_i|$, or of a hundredth of what the gradient is made from, if it is smaller than
    that: where numbers cancel, as in a BatchNorm of two examples, their last digits are left. Where
    even fewer are, how many is measured (see `rounding`).
    """
    layer, xs = trial.build(), freeze(trial.inputs())
    L, delta, y, cache = _loss(trial, layer, xs)
    dxs, grads = backward(layer, freeze(delta), cache)
    twin, zs = layer.astype(np.complex128), [_complex(x) for x in xs]
    gradients = {**dict(enumerate(dxs)), **grads}
    rng = np.random.default_rng(8)
    size = max(1, np.max(np.abs(y)), abs(L)) * max(1, np.max(np.abs(delta)))
    for name, a in {**dict(enumerate(zs)), **twin.params}.items():
        if a.dtype.kind != "c":
            continue  # whole numbers have no slope
        d, what = gradients[name], f"dx{name}" if isinstance(name, int) else f"d{name}"
        hold(d.shape == a.shape, f"{what}: shape {d.shape} for a tensor of {a.shape}")
        v, kept = rng.standard_normal(a.shape), a.copy()
        a += 1e-100j * v
        slope = _loss(trial, twin, zs, delta)[0].imag / 1e-100
        a[...] = kept
        scale = max(np.abs(d * v).sum(), 1e-2 * size)
        off = abs((d * v).sum() - slope) / scale
        if off > COMPLEX_TOLERANCE:
            others = [(again[name] * v).sum() for again in _again(layer, xs, delta)]
            off -= rounding((d * v).sum(), others, scale) / scale
        hold(off <= COMPLEX_TOLERANCE, f"{what} is off by {off:.1e} along a random direction")


def _again(layer, xs, delta):
    """Yield the gradients worked out from other multiples of delta, which round in other ways."""
    for factor in FACTORS:
        _, cache = forward(layer, xs)
        dxs, grads = backward(layer, factor * delta, cache)
        gradients = {**dict(enumerate(dxs)), **grads}
        yield {name: d / factor for name, d in gradients.items() if d is not None}


def _loss(trial, layer, xs, delta=None):
    """Return L, dL/dy, y and the cache: of the trial's loss, or of y weighted by a delta."""
    y, cache = forward(layer, xs)
    if getattr(trial, "loss", None) is not None:
        L, of_loss = trial.loss.forward(y, trial.target.array())
        return L, trial.loss.backward(of_loss), y, cache
    delta = trial.delta(y) if delta is None else delta
    return (y * delta).sum(), delta, y, cache


def _complex(x, step=0.0):
    """Return real numbers as complex ones, with `step` as imaginary parts; not whole numbers."""
    return x + 1j * step if x.dtype.kind == "f" else x


def shapes_and_types_are_kept(trial):
    """Outputs have the shape that `build` returns, gradients their tensors'; float32 stays such."""
    for dtype in (np.float32, np.float64):
        layer = copy.deepcopy(trial.layer)
        out_shape = layer.build(*trial.in_shapes, rng=0, dtype=dtype)
        xs = trial.inputs(dtype)
        y, cache = forward(layer, xs)
        hold_shape("y", y, (len(xs[0]), *out_shape), dtype)
        hold_shape("predict", layer.predict(*xs), y.shape, dtype)
        dxs, grads = backward(layer, trial.delta(y), cache)
        hold(len(dxs) == len(xs), f"{len(dxs)} dx for {len(xs)} inputs")
        for k, (x, dx) in enumerate(zip(xs, dxs, strict=True)):
            if k in layer.integer_inputs:
                hold(dx is None, f"dx{k}: whole numbers have no gradient, and None says so")
            else:
                hold_shape(f"dx{k}", dx, x.shape, dtype)
        hold(list(grads) == list(layer.params), f"gradients of {list(grads)}")
        for name, value in layer.params.items():
            hold_shape(name, value, value.shape, dtype)
            hold_shape(f"d{name}", grads[name], value.shape, dtype)


def hold_shape(what, array, shape, dtype):
    """Raise AssertionError unless `array` is of this shape and type."""
    got = f"{np.shape(array)} {getattr(array, 'dtype', type(array).__name__)}"
    hold(
        got == f"{shape} {np.dtype(dtype)}", f"{what}: {got} where {shape} {np.dtype(dtype)} is due"
    )


def single_precision_agrees_with_double(trial):
    """What is computed in float32 is what is computed in float64, but for the digits."""
    outcomes = []
    for dtype in (np.float32, np.float64):
        layer = trial.build().astype(dtype)
        y, cache = forward(layer, trial.inputs(dtype))
        delta = trial.delta(y.astype(np.float64)).astype(dtype)
        outcomes.append((y, backward(layer, delta, cache)))
    hold_same("float32 and float64", *outcomes, rtol=1e-3, atol=2e-5)


def a_complex_number_passes(trial):
    """Complex inputs and parameters give complex outputs: the complex step can check the code."""
    layer = trial.build().astype(np.complex128)
    y, _ = forward(layer, [_complex(x, 1e-100) for x in trial.inputs()])
    hold(y.dtype == np.complex128, f"y: {y.dtype} from complex inputs")


def passes_write_to_nothing(trial):
    """Arguments, caches and layers are as they were, but for the running averages of `forward`."""
    layer, xs = trial.build(), freeze(trial.inputs())
    freeze(layer.params)
    averages, before = freeze(layer.averages), copy.deepcopy(layer)
    y, cache = freeze(forward(layer, xs))
    after = freeze(layer.averages)
    layer.backward(freeze(trial.delta(y)), cache)
    layer.grads(freeze(trial.delta(y)), cache)
    layer.predict(*xs)
    same = all(layer.averages[name] is value for name, value in after.items())
    hold(same, "forward alone may put new running averages in place")
    if averages:
        layer.averages = averages  # all that a pass may change
    hold(alike(layer, before), "an attribute of the layer has changed")


def a_second_pass_is_the_first(trial):
    """Backward twice, and all of it again, give the same bits."""
    layer, xs = trial.build(), trial.inputs()
    y, cache = forward(layer, xs)
    delta = trial.delta(y)
    first = (y.copy(), copy.deepcopy(backward(layer, delta, cache)))
    hold_same("backward a second time", backward(layer, delta, cache), first[1])
    y, cache = forward(layer, xs)
    hold_same("a second pass", (y, backward(layer, delta, cache)), first)


def two_passes_in_flight_do_not_meet(trial):
    """Two forwards and then two backwards are two passes one after the other."""
    layer, batches = trial.build(), [trial.inputs(seed=10), trial.inputs(seed=11)]
    alone = []
    for xs in batches:
        y, cache = forward(layer, xs)
        alone.append(copy.deepcopy(backward(layer, trial.delta(y), cache)))
    passes = [forward(layer, xs) for xs in batches]
    together = [backward(layer, trial.delta(y), cache) for y, cache in passes]
    hold_same("two passes in flight", together, alone)


def backward_is_linear_in_delta(trial):
    """Backward is a matrix: of 2 a - 3 b it makes twice that of a less three times that of b."""
    layer = trial.build()
    y, cache = forward(layer, trial.inputs())
    one, two = trial.delta(y, seed=5), trial.delta(y, seed=6)
    parts = zip(*(arrays(backward(layer, delta, cache)) for delta in (one, two)), strict=True)
    both = [2 * a - 3 * b for a, b in parts]
    mixed = backward(layer, 2 * one - 3 * two, cache)
    hold_same("backward of a mixture", mixed, both, rtol=1e-11, atol=1e-12)
    zeros = list(arrays(backward(layer, np.zeros_like(y), cache)))
    hold_same("backward of zeros", zeros, [np.zeros_like(zero) for zero in zeros])


def a_batch_is_its_examples_one_at_a_time(trial):
    """No example sees another: outputs stand in a row, gradients add up."""
    layer, xs = deterministic(trial.build()), trial.inputs()
    y, cache = forward(layer, xs)
    delta = trial.delta(y)
    dxs, grads = backward(layer, delta, cache)
    total = {name: np.zeros_like(value) for name, value in grads.items()}
    for n in range(len(y)):
        one = slice(n, n + 1)
        y_n, cache = forward(layer, [x[one] for x in xs])
        dxs_n, grads_n = backward(layer, delta[one], cache)
        hold_close(f"y of example {n} alone", y_n, y[one])
        hold_close(f"dx of example {n} alone", dxs_n, [dx[one] for dx in arrays(dxs)])
        for name in total:
            total[name] += grads_n[name]
    hold_close("gradients of the examples, added up", total, grads)


def deterministic(layer):
    """Return a copy of a layer in which Dropout keeps everything."""
    layer = copy.deepcopy(layer)
    for part in inside(layer):
        if isinstance(part, Dropout):
            part.rate = 0.0
    return layer


def arrays_need_not_be_contiguous(trial):
    """However inputs and delta lie in memory, the result is the same."""
    layer, xs = trial.build(), trial.inputs()
    y, cache = forward(layer, xs)
    delta = trial.delta(y)
    expected = (y, backward(layer, delta, cache))
    for layout in filter(None, LAYOUTS):
        y, cache = forward(layer, [layout(x) for x in xs])
        found = (y, backward(layer, layout(delta), cache))
        hold_close(f"arrays that are {layout.__name__}", found, expected)


def grads_are_those_of_backward(trial):
    """`grads` is the half of `backward` that it says it is."""
    layer = trial.build()
    y, cache = forward(layer, trial.inputs())
    delta = trial.delta(y)
    hold_same("grads", layer.grads(delta, cache), layer.backward(delta, cache)[1])


def predict_is_forward(trial):
    """`predict` returns the very y of `forward`, Dropout kept from dropping."""
    layer, xs = deterministic(trial.build()), trial.inputs()
    hold_same("predict", layer.predict(*xs), forward(layer, xs)[0])


def building_again_gives_the_same(trial):
    """Built from the same seed, two layers have the same parameters."""
    built = []
    for _ in range(2):
        layer = copy.deepcopy(trial.layer)
        layer.build(*trial.in_shapes, rng=7)
        built.append(layer.params)
    hold_same("parameters built again", *built)


def a_copy_computes_the_same(trial):
    """A deep copy is the same function, in both passes."""
    layer, xs = trial.build(), trial.inputs()
    twin = copy.deepcopy(layer)
    y, cache = forward(layer, xs)
    hold_same("y of a copy", forward(twin, xs)[0], y)
    delta = trial.delta(y)
    hold_same("gradients of a copy", twin.grads(delta, cache), layer.grads(delta, cache))


class Promise(NamedTuple):
    """A promise, what it is called, and when breaking it is worth a note and no fault."""

    check: Callable[[Any], None]
    excuse: Callable[[Any], bool] = lambda layer: False

    def __str__(self):
        """Show what is promised."""
        return self.check.__name__.replace("_", " ")

    def fault(self, trial):
        """Return what is wrong with a trial, or None if the promise is kept."""
        try:
            self.check(trial)
        except AssertionError as error:
            return str(error)
        except Exception as error:  # whatever a layer raises is the fault that is looked for
            return f"{type(error).__name__}: {error}"
        return None


def _own_draws(layer):
    """Whether a layer draws random numbers in a way that cannot be switched off here."""
    ends = [part for part in inside(layer) if not isinstance(part, Network | Dropout)]
    return any(part.stochastic for part in ends)


def _sees_the_batch(layer):
    return layer.stateful or _own_draws(layer)


PROMISES = (
    Promise(gradients_are_right),
    Promise(shapes_and_types_are_kept),
    Promise(single_precision_agrees_with_double),
    Promise(a_complex_number_passes, lambda layer: True),
    Promise(passes_write_to_nothing),
    Promise(a_second_pass_is_the_first),
    Promise(two_passes_in_flight_do_not_meet),
    Promise(backward_is_linear_in_delta),
    Promise(a_batch_is_its_examples_one_at_a_time, _sees_the_batch),
    Promise(arrays_need_not_be_contiguous),
    Promise(grads_are_those_of_backward),
    Promise(predict_is_forward, _sees_the_batch),
    Promise(building_again_gives_the_same),
    Promise(a_copy_computes_the_same),
)
