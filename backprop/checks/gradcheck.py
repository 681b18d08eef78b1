"""Is this derivative right? Every entry against estimates that know nothing of the derivation."""

import copy
import warnings

import numpy as np

from ..errors import expects
from ..layer import Layer
from .estimates import central_differences, complex_step
from .report import Comparison, Report


def gradcheck(thing, /, *inputs, loss=None, target=None, rng=0):
    r"""Check every entry of every gradient of `thing`, and return a table of the outcome.

    The shipped code runs in float64 and in complex128, on copies; nothing that is passed in
    changes. A layer's outputs are turned into one number, $L = \sum y \odot \delta$ with random
    $\delta$, or by `loss` and `target`. Its gradients, from `backward`, are compared with

    * the complex step, which must agree to $10^{-12}$ wherever the code lets a complex number pass;
    * central differences, which must agree to $10^{-7}$.

    Differences are relative to the largest entry of the tensor.

    Args:
        thing: a layer, a Network or a loss. A layer that is not built yet is built for the inputs.
        *inputs: its inputs, with the batch axis.
        loss: a loss to put on top of a layer or Network.
        target: the target of `loss`, or of `thing` if that is a loss.
        rng: a numpy Generator or a seed: for $\delta$, for the parameters of a layer that is not
            built yet, and for masks.

    Returns:
        A `Report`: print it, show it in a notebook, or use it as a truth value.

    Raises:
        TypeError: `thing` has no `forward` and `backward`.
        ValueError: no inputs, or empty or non-finite ones.
    """
    for method in ("forward", "backward"):
        if not callable(getattr(thing, method, None)):
            raise expects(
                "gradcheck", f"an object with the method {method}", repr(thing), TypeError
            )
    xs = _checked(inputs)
    rng = np.random.default_rng(rng)
    if isinstance(thing, Layer):
        probe = _LayerProbe(_built(thing, xs, rng), loss, target, rng)
    elif loss is not None:
        raise expects("gradcheck", "a layer below the loss", repr(thing), TypeError)
    else:
        probe = _LossProbe(thing, target)
    return Report(type(thing).__name__, _compare(probe, xs))


class _LayerProbe:
    """A layer, with $L$ on top of it."""

    def __init__(self, layer, loss, target, rng):
        self.layer, self.loss, self.target = layer, loss, target
        self.seed = int(rng.integers(2**32))
        self.delta = None

    def astype(self, dtype):
        twin = copy.copy(self)
        twin.layer = self.layer.astype(dtype)
        return twin

    @property
    def params(self):
        return self.layer.params

    def value(self, xs):
        """Return L."""
        y, _ = self._forward(xs)
        return (y * self.delta).sum() if self.loss is None else self.loss.forward(y, self.target)[0]

    def gradients(self, xs):
        """Return dL by tensor, and the size of the numbers that it was computed from."""
        y, cache = self._forward(xs)
        if self.loss is None:
            self.delta = np.random.default_rng(self.seed).standard_normal(y.shape)
            delta, size = self.delta, max(1, abs(y).max()) * abs(self.delta).max()
        else:
            L, of_loss = self.loss.forward(y, self.target)
            delta, size = self.loss.backward(of_loss), max(1, abs(L))
        delta.flags.writeable = False
        both = self.layer.backward(delta, cache)
        if not (isinstance(both, tuple) and len(both) == 2 and isinstance(both[1], dict)):
            what = "backward to return (dx, grads), grads being a dict"
            raise expects("gradcheck", what, type(both).__name__, TypeError)
        dx, grads = both
        dxs = dx if isinstance(dx, tuple) else (dx,)
        return {**_named(dxs), **grads}, size

    def _forward(self, xs):
        # The same masks in every pass: a layer that draws gets a new Generator of the same seed.
        draws = {"rng": np.random.default_rng(self.seed)} if self.layer.stochastic else {}
        return self.layer.forward(*xs, **draws)


class _LossProbe:
    """A loss by itself: L is its value."""

    params: dict = {}

    def __init__(self, loss, target):
        self.loss, self.target = loss, target

    def astype(self, dtype):
        return self

    def value(self, xs):
        """Return L."""
        return self.loss.forward(*xs, self.target)[0]

    def gradients(self, xs):
        """Return dL by tensor, and the size of the numbers that it was computed from."""
        L, cache = self.loss.forward(*xs, self.target)
        return _named((self.loss.backward(cache),)), max(1, abs(L))


def _compare(probe, xs):
    """Yield one Comparison for each tensor."""
    probe = probe.astype(np.float64)
    xs = [x.astype(np.float64) for x in xs]
    analytic, size = _analytic(probe, xs)
    central = _estimate(central_differences, probe, xs)
    complex_ = _complex_estimate(probe, xs)
    for name, array in {**_named(xs), **probe.params}.items():
        if name not in analytic:
            raise expects("gradcheck", f"a gradient for {name!r}", f"those of {list(analytic)}")
        if np.shape(analytic[name]) != array.shape:
            what = f"the gradient of {name!r} to have shape {array.shape}"
            raise expects("gradcheck", what, np.shape(analytic[name]))
        of_complex_step = complex_[name] if complex_ else None
        yield Comparison(name, analytic[name], central[name], of_complex_step, size)


def _analytic(probe, xs):
    """Return the gradients of passes that are given nothing they could write to."""
    given = [x.copy() for x in xs]
    for x in given:
        x.flags.writeable = False
    try:
        return probe.gradients(given)
    except ValueError as error:
        if "read-only" in str(error):
            error.add_note("gradcheck: a pass writes to nothing that it is given, delta included")
        raise


def _estimate(estimator, probe, xs) -> dict:
    arrays = {**_named(xs), **probe.params}
    return {name: estimator(lambda: probe.value(xs), array) for name, array in arrays.items()}


def _complex_estimate(probe, xs) -> dict | None:
    """Return the complex-step estimates, or None if the code lets no complex number pass."""
    xs = [x.astype(np.complex128) for x in xs]
    with warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        try:
            return _estimate(complex_step, probe.astype(np.complex128), xs)
        except (TypeError, np.exceptions.ComplexWarning):
            return None


def _built(layer, xs, rng):
    layer = copy.deepcopy(layer)
    try:
        built = layer.params is not None
    except ValueError:
        built = False
    if not built:
        layer.build(*(x.shape[1:] for x in xs), rng=rng, dtype=np.float64)
    return layer


def _named(xs):
    return {"x" if len(xs) == 1 else f"x{k}": x for k, x in enumerate(xs)}


def _checked(inputs):
    xs = [np.asarray(x) for x in inputs]
    if not xs:
        raise expects("gradcheck", "one input or more", "none")
    for x in xs:
        if x.dtype.kind not in "biuf":
            raise expects("gradcheck", "inputs of real numbers", x.dtype, TypeError)
        if x.size == 0 or x.ndim == 0 or not np.isfinite(x).all():
            what = "inputs of finite numbers, at least one"
            raise expects("gradcheck", what, f"an array of shape {x.shape}")
    return xs
