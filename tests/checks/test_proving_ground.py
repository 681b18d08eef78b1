"""The proving ground itself: what is called right is right, and every planted mistake is one.

The check here is the plain one, central differences of every entry; it owes `gradcheck` nothing.
"""

import collections
import dataclasses
import inspect

import numpy as np
import pytest

from checks.draws import RECIPES, random_correct
from checks.planted import IMPURE, PLANTED, WRONG_NUMBERS


class OnSelf:
    """A subject made once. The other styles differ in how they are called."""

    def __init__(self, subject):
        self.thing = subject.make()
        self.inputs = [np.copy(x) if isinstance(x, np.ndarray) else x for x in subject.inputs]

    def forward(self):
        """Return y and the cache, if there is one."""
        return self.thing.forward(*self.inputs), None

    def backward(self, delta, cache):
        """Return the gradients by name, the inputs' among them."""
        dx, held = self.thing.backward(delta), vars(self.thing)
        beside = {name: value for name, value in held.items() if name[1:] in held}
        grads = numbered(held.get("grads", beside))
        return {"x": dx} | {name.removeprefix("d"): value for name, value in grads.items()}

    def tensors(self):
        """Return the live arrays by name."""
        held = numbered(getattr(self.thing, "params", vars(self.thing)))
        return {**held, "x": self.inputs[0]}

    def delta(self, y):
        """Return one and the same delta whenever it is asked: L = sum(y delta)."""
        return np.random.default_rng(5).standard_normal(np.shape(y))

    def value(self):
        y, _ = self.forward()
        return (y * self.delta(y)).sum()

    def gradients(self):
        y, cache = self.forward()
        return self.backward(self.delta(y), cache)


class Ours(OnSelf):
    def forward(self):
        return self.thing.forward(*self.inputs, **({"rng": 7} if self.thing.stochastic else {}))

    def backward(self, delta, cache):
        dx, grads = self.thing.backward(delta, cache)
        return {"x": dx, **grads}


class Pair(OnSelf):
    def forward(self):
        return self.thing[0](*self.inputs)

    def backward(self, delta, cache):
        dxs = self.thing[1](delta, cache)
        return dict(zip(self.tensors(), dxs if isinstance(dxs, tuple) else (dxs,), strict=False))

    def tensors(self):
        named = zip(inspect.signature(self.thing[0]).parameters, self.inputs, strict=True)
        return {name: x for name, x in named if isinstance(x, np.ndarray)}


class Loss(OnSelf):
    def forward(self):
        return self.thing(*self.inputs)

    def backward(self, delta, cache):
        return {"x": cache}

    def tensors(self):
        return {"x": self.inputs[0]}

    def delta(self, y):
        return np.float64(1)


class SciPy(Loss):
    def forward(self):
        value, grad = self.thing
        return value(*self.inputs), grad(*self.inputs)


STYLES = {"self": OnSelf, "pair": Pair, "layer": Ours, "loss": Loss, "scipy": SciPy}


def trial(subject):
    return STYLES[subject.style](subject)


def numbered(held):
    return {str(k): value for k, value in enumerate(held)} if isinstance(held, list) else held


def central_differences(value, array, step):
    estimate = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = value()
        array[index] = kept - step
        below = value()
        array[index] = kept
        estimate[index] = (above - below) / (2 * step)
    return estimate


def errors(subject, step=1e-5, slack=0.0):
    """Return each tensor's norm of (gradient - estimate), relative to the larger of the two.

    `slack` is how often the rounding error of the differences is forgiven.
    """
    tried = trial(subject)
    analytic = {name: np.copy(value) for name, value in tried.gradients().items()}
    y, _ = tried.forward()
    rounding = np.finfo(float).eps * max(1, np.abs(y * tried.delta(y)).sum()) / step
    found = {}
    for name, value in analytic.items():
        estimate = central_differences(tried.value, tried.tensors()[name], step)
        if value.shape != estimate.shape:
            found[name] = np.inf
            continue
        larger = max(np.linalg.norm(value), np.linalg.norm(estimate), np.finfo(float).tiny)
        forgiven = slack * rounding * np.sqrt(value.size)
        found[name] = max(0, np.linalg.norm(value - estimate) - forgiven) / larger
    return found


# What is right


RIGHT = [
    random_correct(np.random.default_rng((k, n)), recipe, scale=1.0)
    for k, recipe in enumerate(RECIPES)
    for n in range(3)
]


@pytest.mark.parametrize("subject", RIGHT, ids=str)
def test_right_layers_are_right(subject):
    found = errors(doubled(subject))
    assert max(found.values()) <= 1e-6, found


def doubled(subject):
    """Return `subject` in float64."""
    inputs = (x.astype(float) if is_float32(x) else x for x in subject.inputs)
    return dataclasses.replace(subject, inputs=tuple(inputs), dtype=np.float64)


def is_float32(x):
    return isinstance(x, np.ndarray) and x.dtype == np.float32


def test_random_ones_are_right_at_every_scale():
    # Inputs of 1e3 want small steps for the weights, those of 1e-3 for themselves; and where all
    # units are saturated, gradients drown in the rounding errors of the values.
    rng = np.random.default_rng(0)
    for _ in range(100):
        subject = doubled(random_correct(rng))
        tries = [errors(subject, step, slack=20) for step in (1e-4, 1e-6, 1e-8)]
        best = {name: min(found[name] for found in tries) for name in tries[0]}
        assert max(best.values()) <= 1e-6, (subject, best)


def test_random_ones_run_as_drawn():
    rng = np.random.default_rng(1)
    styles, dtypes = set(), set()
    for _ in range(500):
        subject = random_correct(rng)
        gradients = trial(subject).gradients()
        assert all(np.isfinite(value).all() for value in gradients.values()), subject
        styles.add(subject.style)
        dtypes.add(subject.dtype)
    assert (styles, dtypes) == (set(STYLES), {np.float32, np.float64})


# What is wrong


def mistakes(kinds, ties=False):
    chosen = [p for p in PLANTED if p.kind in kinds and ("tie" in p.kind) == ties]
    return pytest.mark.parametrize("planted", chosen, ids=str)


def test_every_kind_is_planted_twice_in_two_layers():
    layers = collections.defaultdict(set)
    for planted in PLANTED:
        layers[planted.kind].add(str(planted.twin.code))
    assert not {kind: found for kind, found in layers.items() if len(found) < 2}


@mistakes(WRONG_NUMBERS)
def test_a_planted_mistake_is_wrong_and_its_twin_right(planted):
    assert max(errors(planted.subject).values()) > 1e-3
    assert max(errors(planted.twin).values()) <= 1e-6


@mistakes(WRONG_NUMBERS, ties=True)
def test_of_a_tie_each_delta_is_handed_down_once(planted):
    # Differences along one entry see a kink there; along all entries at once, none.
    for subject, right in ((planted.twin, True), (planted.subject, False)):
        tried = trial(subject)
        step, x = 1e-5, tried.inputs[0]
        given = tried.gradients()["x"].sum()
        x += step
        above = tried.value()
        x -= 2 * step
        assert (abs(given - (above - tried.value()) / (2 * step)) <= 1e-6) == right
        assert max(errors(subject).values()) > 1e-3


FACTORS = {
    "factor N": (3, 6),
    "factor 1/N": (1 / 4, 1 / 5),
    "factor 2": (2,),
    "factor -1": (-1,),
    "factor K^2": (4,),
    "factor T": (5,),
}


def test_factors_are_the_factors_that_they_are_called():
    for planted in PLANTED:
        for kind in FACTORS.keys() & {planted.kind, *planted.also}:
            wrong, right = trial(planted.subject).gradients(), trial(planted.twin).gradients()
            changed = [n for n in right if not np.allclose(wrong[n], right[n], atol=0)]
            fits = [all(np.allclose(wrong[n], factor * right[n]) for n in changed)
                    for factor in FACTORS[kind]]  # fmt: skip
            assert changed, planted
            assert sum(fits) == 1, planted


@mistakes(WRONG_NUMBERS)
def test_a_mistake_in_the_numbers_is_pure(planted):
    assert impurities(planted.subject, planted.twin) <= {"wrong shape"}


@mistakes(IMPURE)
def test_an_impure_mistake_shows_itself_and_its_twin_is_pure(planted):
    assert planted.kind in impurities(planted.subject, planted.twin)
    assert not impurities(planted.twin, planted.twin)
    assert max(errors(planted.twin).values()) <= 1e-6


@pytest.mark.parametrize("subject", RIGHT, ids=str)
def test_right_layers_are_pure(subject):
    subject = doubled(subject)
    assert not impurities(subject, subject)


def test_kinds_that_give_the_same_numbers_are_kinds():
    for planted in PLANTED:
        alike = WRONG_NUMBERS if planted.pure else IMPURE
        assert set(planted.also) <= alike.keys() - {planted.kind}


def impurities(subject, twin):
    """Return the kinds of `IMPURE` that two passes of `subject` show."""
    tried, fresh, later = trial(subject), trial(subject), trial(subject)
    expected = trial(twin).gradients()
    x, arrays = tried.inputs[0], copies(tried.tensors())
    y, cache = tried.forward()
    delta, y_was = tried.delta(y), np.copy(y)
    state = kept(tried, cache, expected)
    state_was = [leaf.copy() for leaf in state]
    given = delta.copy()
    returned = tried.backward(given, cache)
    grads = copies(returned)
    after = tried.tensors()
    y_fresh, _ = fresh.forward()
    later.inputs[0] = 2 * arrays["x"]
    later.forward()
    later.inputs[0] = arrays["x"].copy()
    shown = {
        "overwrites delta": not np.array_equal(given, delta),
        "overwrites its input": not np.array_equal(x, arrays["x"]),
        "overwrites the cache": not all(map(np.array_equal, state, state_was)),
        "overwrites its parameters": differ({n: arrays[n] for n in expected if n != "x"}, after),
        "answer differs on the second call": differ(grads, tried.gradients()),
        "depends on an earlier forward": differ(grads, later.gradients()),
        "returns a view of its input": np.shares_memory(y, x)
        or np.shares_memory(returned["x"], given),
        "missing gradient": not expected.keys() <= grads.keys(),
        "wrong shape": any(grads[n].shape != arrays[n].shape for n in grads),
        "wrong dtype": any(np.asarray(a).dtype == np.float32 for a in [y, *grads.values()]),
        "nondeterministic forward": not np.array_equal(y_was, y_fresh),
    }
    assert shown.keys() == IMPURE.keys()
    return {kind for kind, shows in shown.items() if shows}


def kept(tried, cache, gradients):
    """Return the arrays that wait for `backward`, in the cache or on the object."""
    if cache is not None:
        return leaves(cache)
    named = vars(tried.thing).items()
    return leaves([v for n, v in named if n[0] != "d" and n not in {*gradients, "grads", "params"}])


def leaves(held):
    if isinstance(held, list | tuple):
        return [leaf for item in held for leaf in leaves(item)]
    return [held] if isinstance(held, np.ndarray) else []


def copies(arrays):
    return {name: np.copy(value) for name, value in arrays.items()}


def differ(one, other):
    return any(not np.array_equal(one[name], other[name]) for name in one)
