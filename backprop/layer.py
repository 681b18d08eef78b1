r"""The contract that every layer keeps. Read this first.

A layer is a function $y = f(x; \theta)$ and its derivative, coded by hand. Its two passes are

    y, cache  = layer.forward(x)               # cache: the numbers that the derivative needs
    dx, grads = layer.backward(delta, cache)   # delta = dL/dy, handed down by the layer above

and they are *pure*: neither writes to an argument or to the layer (but for the running averages
that `average_names` lists). What crosses from the one to the other is a value that one can print.
Everywhere in this package

* `delta` is $\partial L/\partial y$, the one thing that travels backwards;
* `d` + name is $\partial L/\partial(\text{name})$, in that name's shape;
* single capitals are axis lengths: N examples, T steps, H W C of an image, D features in, M out;
* a line that ends in `# (n)` is equation (n) of the docstring above it.
"""

import copy
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import expects
from .settings import Configured

Array = Any  # a numpy array: real or complex, so that the complex step can pass
Shape = tuple[int, ...]
Grads = dict[str, Array]


class Layer(Configured):
    """A function and its hand-derived derivative.

    Write a layer of your own by overriding `forward` and `backward`; one with parameters also
    overrides `build` and lists their names in `param_names`. `backprop.gradcheck` then tells
    whether the derivative is right.

    A layer with several inputs takes them one after the other (`forward(x, h0)`), and its
    `backward` returns a tuple with one `dx` for each input that it was given.
    """

    param_names: tuple[str, ...] = ()
    """The attributes that hold parameters; the keys of `params` and of the gradients."""
    stochastic: bool = False
    """Whether `forward` draws random numbers and takes the keyword `rng` (Dropout)."""
    average_names: tuple[str, ...] = ()
    """The attributes that hold running averages, which `forward` replaces and `predict` reads."""
    integer_inputs: tuple[int, ...] = ()
    """Positions of the inputs that are whole numbers: nothing to differentiate, `dx` is None."""
    by_example: bool | None = None
    """Whether a batch may be cut into parts that pass at the same time, each in a thread: because
    the passes take each example by itself, and keep the contract. If nothing is said, the layers of
    this package may be cut, others not. (A batch is cut only where `multiply_adds` says that it is
    worth it.)"""
    name: str = ""
    """What error messages and tables call this layer; a Network fills it in."""

    def build(
        self,
        in_shape: Shape,
        /,
        *,
        rng: "np.random.Generator | int | None" = None,
        dtype: npt.DTypeLike = np.float32,
    ) -> Shape:
        """Make the parameters for inputs of `in_shape` and return the shape of the outputs.

        Neither shape has the batch axis. Raises ValueError where the layer cannot take `in_shape`.
        """
        return in_shape

    def forward(self, x: Array, /) -> tuple[Array, Any]:
        """Return `y` and the cache that `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def backward(self, delta: Array, cache: Any, /) -> tuple[Any, Grads]:
        """Return `dx` and the gradients by parameter name, for `delta` = dL/dy."""
        raise NotImplementedError(f"{type(self).__name__} has no backward")

    def grads(self, delta: Array, cache: Any, /) -> Grads:
        """Return the gradients alone: the half of `backward` that a first layer needs."""
        return self.backward(delta, cache)[1]

    def predict(self, x: Array, /, *more: Array) -> Array:
        """Return `y` of the pass that nobody will differentiate."""
        return self.forward(x, *more)[0]

    def state_shapes(self, in_shape: Shape, /, *more: Shape) -> Any:
        """Return the shapes, without the batch axis, of the states that a pass can hand on.

        Where there are any (RNN, LSTM, GRU), `forward` takes states to begin with as the keyword
        `states`, constants that no gradient is asked for, and `final_states(cache)` returns those
        that it ended with.
        """
        return ()

    def final_states(self, cache: Any, /) -> Any:
        """Return the states that the pass with this cache ended with: the next pass's `states`."""
        return ()

    def multiply_adds(self, in_shape: Shape, /, *more: Shape) -> int:
        """Return how many multiply-adds `forward` does for one example."""
        return 0

    def integers_below(self, position: int, /) -> float:
        """Return what the whole numbers of input `position` have to stay below."""
        return math.inf

    @property
    def params(self) -> dict[str, Array]:
        """The live parameter arrays by name."""
        return self._arrays(self.param_names)

    @property
    def averages(self) -> dict[str, Array]:
        """The running averages by name.

        No pass writes into them: it puts new arrays in their place. So what you hold stays as it
        is, and `layer.averages = held` goes back to it.
        """
        return self._arrays(self.average_names)

    @averages.setter
    def averages(self, averages: dict[str, Array]) -> None:
        check_averages(self.who, self.averages, averages)
        for name, value in averages.items():
            setattr(self, name, value)

    @property
    def stateful(self) -> bool:
        """Whether `forward` updates running averages (BatchNorm)."""
        return bool(self.average_names)

    def _arrays(self, names):
        try:
            return {name: getattr(self, name) for name in names}
        except AttributeError:
            what = "build(in_shape) before its parameters are used"
            raise expects(self.who, what, "none") from None

    @property
    def param_count(self) -> int:
        """How many numbers the parameters hold."""
        return sum(value.size for value in self.params.values())

    @property
    def who(self) -> str:
        """The layer's class and name, as error messages begin."""
        return type(self).__name__ + (f" {self.name!r}" if self.name else "")

    def place(self, vector: Array, /) -> None:
        """Move the parameters into `vector`: each becomes a view of its stretch of it."""
        start = 0
        for name, value in self.params.items():
            view = vector[start : start + value.size].reshape(value.shape)
            view[...] = value
            setattr(self, name, view)
            start += value.size

    def astype(self, dtype: npt.DTypeLike, /) -> "Layer":
        """Return a copy of this built layer whose parameters are of `dtype`."""
        twin = copy.deepcopy(self)
        twin.place(np.empty(self.param_count, dtype))
        twin.averages = {name: value.astype(dtype) for name, value in self.averages.items()}
        return twin


def check_averages(who, mine, its):
    """Raise ValueError unless `its` running averages have the names and shapes of `mine`."""
    shapes = [{name: np.shape(value) for name, value in each.items()} for each in (mine, its)]
    if shapes[0] != shapes[1]:
        raise expects(who, f"averages of shapes {shapes[0]}", shapes[1])


def rows(x: Array, /) -> Array:
    """Return `x` as a matrix, its last axis kept and all others counted as examples."""
    return x.reshape(-1, x.shape[-1])


def sum_rows(x: Array, /) -> Array:
    """Return the sum of the rows of `x`: over all of its axes but the last."""
    X = rows(x)
    # A product with ones, which BLAS does several times as fast as NumPy sums short rows (20 times
    # for a batch of 32 images of 28 by 28 with 16 channels).
    return np.ones(len(X), X.dtype) @ X
