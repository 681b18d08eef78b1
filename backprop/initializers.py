"""How parameters start. An initializer is called with a shape and returns a new array.

A unit that sums `fan_in` products of independent numbers has `fan_in` times their variance; going
backwards, a delta sums `fan_out` of them. Each scheme below chooses the variance of the weights so
that signals, deltas or both keep their size from layer to layer.

The fans are read off the shape: the last axis is the outputs, the one before it the inputs, and any
axes before these are places of a kernel, which count for both.
"""

import math

import numpy as np
import numpy.typing as npt

from .errors import choice, expects, real
from .settings import Configured


class Initializer(Configured):
    """Base of the initializers: settings in, array out."""

    def __call__(self, shape, /, *, rng=None, dtype: npt.DTypeLike = np.float32):
        """Return a new array of `shape` and `dtype`, drawn from the generator (or seed) `rng`."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__")

    def __repr__(self):
        """Show the constructor call, every argument by name."""
        words = (f"{name}={value!r}" for name, value in self.settings.items())
        return f"{type(self).__name__}({', '.join(words)})"


def fans(shape):
    """Return `(fan_in, fan_out)` of a weight array of `shape`."""
    places = math.prod(shape[:-2])
    return places * math.prod(shape[-2:-1]), places * shape[-1]


class VarianceScaling(Initializer):
    """Independent numbers of mean 0 and the variance that a subclass names."""

    def __init__(self, distribution="uniform"):
        self.distribution = choice(
            type(self).__name__, "distribution", distribution, ("uniform", "normal")
        )

    def variance(self, fan_in, fan_out):
        """Return the variance of one weight."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        """Return numbers from [-a, a], a = sqrt(3 variance), or from a normal distribution."""
        rng = np.random.default_rng(rng)
        deviation = math.sqrt(self.variance(*fans(shape)))
        if self.distribution == "uniform":
            bound = math.sqrt(3) * deviation
            return rng.uniform(-bound, bound, shape).astype(dtype)
        return (deviation * rng.standard_normal(shape)).astype(dtype)


class Glorot(VarianceScaling):
    r"""Variance $2/(\text{fan in} + \text{fan out})$: the bound of the uniform one is
    $\sqrt{6/(\text{fan in} + \text{fan out})}$. For tanh, logistic and linear units.

    Source: Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural
    networks* (2010).
    """

    def variance(self, fan_in, fan_out):
        return 2 / (fan_in + fan_out)


class He(VarianceScaling):
    r"""Variance $2/\text{fan in}$, which makes up for the half of its inputs that a ReLU drops.

    Source: He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015).
    """

    def variance(self, fan_in, fan_out):
        return 2 / fan_in


class LeCun(VarianceScaling):
    r"""Variance $1/\text{fan in}$, which keeps the size of the signals. SELU needs it.

    Source: LeCun, Bottou, Orr and Müller, *Efficient BackProp* (1998).
    """

    def variance(self, fan_in, fan_out):
        return 1 / fan_in


class Uniform(Initializer):
    """Independent numbers, uniform on [low, high)."""

    def __init__(self, low=-0.05, high=0.05):
        self.low = real("Uniform", "low", low)
        self.high = real("Uniform", "high", high, least=self.low)

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        return np.random.default_rng(rng).uniform(self.low, self.high, shape).astype(dtype)


class Normal(Initializer):
    """Independent numbers from a normal distribution of given mean and deviation."""

    def __init__(self, mean=0.0, deviation=0.01):
        self.mean = real("Normal", "mean", mean)
        self.deviation = real("Normal", "deviation", deviation, least=0)

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        return np.random.default_rng(rng).normal(self.mean, self.deviation, shape).astype(dtype)


class Orthogonal(Initializer):
    r"""A random matrix $Q$ with orthonormal rows or columns, times `gain`.

    Multiplying by it $T$ times neither shrinks nor grows a vector, so it suits recurrent weights.
    All axes but the last count as rows.

    Source: Saxe, McClelland and Ganguli, *Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks* (2014).
    """

    def __init__(self, gain=1.0):
        self.gain = real("Orthogonal", "gain", gain)

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        D, M = math.prod(shape[:-1]), shape[-1]
        normal = np.random.default_rng(rng).standard_normal((max(D, M), min(D, M)))
        Q, R = np.linalg.qr(normal)
        Q = Q * np.sign(np.diag(R))  # without the signs Q would not be uniform over rotations
        return (self.gain * (Q if D >= M else Q.T)).reshape(shape).astype(dtype)


class Constant(Initializer):
    """Every number the same: for biases, or to see what symmetry does to weights."""

    def __init__(self, value):
        self.value = real("Constant", "value", value)

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        return np.full(shape, self.value, dtype)


class Zeros(Constant):
    """Zeros: for biases. All-zero weights would keep the units of a layer identical for ever."""

    def __init__(self):
        super().__init__(0.0)


class Given(Initializer):
    """A copy of an array of your own: the weights of a worked example."""

    def __init__(self, array):
        try:
            self.array = np.array(array, dtype=float)
        except (TypeError, ValueError):
            raise expects("Given", "an array of finite numbers", repr(array)) from None
        if not np.isfinite(self.array).all():
            raise expects("Given", "an array of finite numbers", "NaN or infinity in it")

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        if self.array.shape != tuple(shape):
            raise expects("Given", f"an array of shape {tuple(shape)}", self.array.shape)
        return self.array.astype(dtype)

    def __repr__(self):
        """Show the constructor call."""
        return f"Given({self.array.tolist()!r})"
