"""Layers, Networks and losses of this package as subjects."""

import copy

import numpy as np

from .styles import WithCache
from .subjects import Subject


class OfLayer(WithCache):
    """A layer or Network of this package, or one that keeps its contract."""

    taken_for = "a layer"

    def __init__(self, layer, rng: np.random.Generator | int = 0):
        super().__init__(layer)
        self.named = []
        self.rng = np.random.default_rng(rng)
        self.masks = int(self.rng.integers(2**32))

    @property
    def name(self):
        return type(self.thing).__name__

    def is_constant(self, position, value):
        return position in getattr(self.thing, "integer_inputs", ())

    def find_params(self):
        layer = self.thing
        try:
            built = layer.params is not None and layer.averages is not None
        except ValueError:
            built = False
        if not built:
            shapes = [x.shape[1:] for x in map(np.asarray, self.call())]
            layer.build(*shapes, rng=self.rng, dtype=np.float64)

    @property
    def params(self):
        """The parameters, wherever the layer has them now."""
        try:
            return self.thing.params
        except ValueError:
            return {}

    @params.setter
    def params(self, value):
        pass

    def copy(self, dtype=None):
        twin = copy.copy(self)
        twin.inputs = {n: np.array(x, dtype=dtype or x.dtype) for n, x in self.inputs.items()}
        twin.constants = copy.deepcopy(self.constants)
        twin.thing = copy.deepcopy(self.thing) if dtype is None else self.thing.astype(dtype)
        return twin

    def _forward(self):
        # The same masks in every pass: a layer that draws gets a new Generator of the same seed.
        draws = {"rng": np.random.default_rng(self.masks)} if self.thing.stochastic else {}
        y, cache = self.thing.forward(*self.call(), **draws)
        return y, (cache,)

    def sorted(self, returned):
        if not (isinstance(returned, tuple) and len(returned) == 2):
            return super().sorted(returned)
        dx, grads = returned
        every = dx if isinstance(dx, tuple) else (dx,)
        of_inputs = dict(zip(self.arguments, every, strict=False))
        of_inputs = {name: d for name, d in of_inputs.items() if name in self.inputs}
        return {**of_inputs, **(grads if isinstance(grads, dict) else {})}


class OfLoss(Subject):
    """A loss by itself: `forward(y, target) -> loss, cache`, `backward(cache) -> delta`.

    One that keeps its state on itself returns the loss alone, and its `backward` takes nothing.
    """

    taken_for = "a loss"
    takes_delta = False
    has_cache = True

    def __init__(self, loss, target):
        super().__init__(loss)
        self.target = target

    @property
    def name(self):
        return type(self.thing).__name__

    def is_constant(self, position, value):
        return False

    def find_params(self):
        # Without a cache, it keeps what backward needs on itself.
        one = self.copy()
        self.has_cache = isinstance(one.thing.forward(*one.call(), one.target), tuple)

    def copy(self, dtype=None):
        twin = super().copy(dtype)
        twin.target = copy.deepcopy(self.target)
        return twin

    def _forward(self):
        (y,) = self.call()
        L, *cache = _loss_and_cache(self.thing, y, self.target)
        return L, cache

    def backward(self, delta, cache):
        return self.given((self.thing.backward(*cache),))


def _loss_and_cache(loss, y, target):
    """Return the loss and, if there is one, its cache."""
    returned = loss.forward(y, target)
    return returned if isinstance(returned, tuple) else (returned,)


class UnderLoss(Subject):
    """A subject with a loss on top of it."""

    takes_delta = False
    multiplies = True
    inputs = property(lambda self: self.below.inputs, lambda self, value: None)
    params = property(lambda self: self.below.params, lambda self, value: None)
    constants = property(lambda self: self.below.constants, lambda self, value: None)
    numbers = property(lambda self: self.below.numbers)
    captured = property(lambda self: self.below.captured)
    name = property(lambda self: self.below.name)

    def __init__(self, below, loss, target):
        super().__init__(below.thing)
        self.below, self.loss, self.target = below, loss, target
        self.has_cache = below.has_cache
        self.taken_for = f"{below.taken_for} under {type(loss).__name__}"

    def copy(self, dtype=None):
        loss, target = copy.deepcopy(self.loss), copy.deepcopy(self.target)
        twin = UnderLoss(self.below.copy(dtype), loss, target)
        twin.seed, twin.has_cache = self.seed, self.has_cache
        return twin

    def find_params(self):
        # The parameters are known by those below; whether the loss hands over a cache is not.
        one = self.copy()
        returned = one.loss.forward(one.below.forward()[0], one.target)
        self.has_cache = self.below.has_cache and isinstance(returned, tuple)

    def state(self):
        return self.below.state()

    def hint(self, name, shape):
        return self.below.hint(name, shape)

    def _forward(self):
        y, cache = self.below.forward()
        L, *of_loss = _loss_and_cache(self.loss, y, self.target)
        return L, (cache, of_loss)

    def backward(self, delta, cache):
        below, of_loss = cache
        return self.below.backward(delta * self.loss.backward(*of_loss), below)
