"""Certificates: what keeps its promises gets one, what breaks one is told which, where and how."""

import json
import platform

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

import backprop as bp
from backprop.checks.promises import PROMISES


class Scale(bp.Layer):
    """y = a x, with a for each column: a layer to break."""

    param_names = ("a",)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.a = np.random.default_rng(rng).standard_normal(in_shape[-1:]).astype(dtype)
        return in_shape

    def forward(self, x, /):
        return x * self.a, x

    def backward(self, delta, cache, /):
        x, leading = cache, tuple(range(cache.ndim - 1))
        return delta * self.a, {"a": (delta * x).sum(axis=leading)}


# What is right


@pytest.mark.parametrize(
    ("kind", "settings", "shapes"),
    [
        (Scale, None, None),
        (bp.ReLU, None, None),
        (bp.Dense, {"units": st.integers(1, 3), "bias": [True, False]}, None),
        (bp.Conv2D, {"filters": [1, 2], "size": [1, 2, (3, 2)], "padding": [0, "same"]}, None),
        (bp.LSTM, {"units": [1, 2], "reverse": [False, True]}, [(1, 1, 1), (2, 3, 2)]),
        (bp.RNN, [bp.RNN(2), bp.RNN(2, activation="relu")], [((2, 3, 2), (2, 2)), (1, 2, 1)]),
        (bp.Add, None, st.integers(1, 3).map(lambda D: ((2, D), (2, D)))),
        (bp.Embedding, {"count": [1, 4], "units": [1, 2]}, [(2, 3), (3,)]),
        (bp.Dropout, lambda rng: bp.Dropout(rng.uniform(0, 0.9)), None),
        (bp.Network, [bp.Network([bp.Dense(2), bp.Tanh(), bp.Dropout()])], None),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_layers_that_keep_every_promise(kind, settings, shapes):
    certificate = bp.certify(kind, settings, shapes=shapes, examples=25)
    certificate.assert_ok()
    assert certificate
    assert [outcome.promise for outcome in certificate.outcomes] == list(map(str, PROMISES))
    for outcome in certificate.outcomes:
        assert outcome.tried >= 2
        assert outcome.failed == outcome.noted == 0
        assert outcome.smallest is outcome.reason is None


def test_default_shapes_are_those_that_build_accepts():
    ranks = set()

    class Images(bp.MaxPool):
        def forward(self, x, /):
            ranks.add(x.ndim)
            return super().forward(x)

    bp.certify(Images, {"size": [1, 2]}, examples=20).assert_ok()
    assert ranks == {4}


# What is wrong: the promise that is broken, the smallest configuration, the reason


def broken(changes, examples=20, **settings):
    """Return the certificate of a Scale with other methods."""
    return bp.certify(type("Broken", (Scale,), changes), examples=examples, **settings)


def keeps_its_input(self, x, /):
    self.seen = x
    return Scale.forward(self, x)


def divides_by_the_calls(self, delta, cache, /):
    dx, grads = Scale.backward(self, delta, cache)
    self.calls = getattr(self, "calls", 0) + 1
    return dx / self.calls, grads


def adds_a_constant(self, delta, cache, /):
    dx, grads = Scale.backward(self, delta, cache)
    return dx + 1e-6, grads


def ignores_the_seed(self, in_shape, /, *, rng=None, dtype=np.float32):
    return Scale.build(self, in_shape, dtype=dtype)


def wants_one_piece(self, x, /):
    if not x.flags.c_contiguous:
        raise ValueError("in one piece, please")
    return Scale.forward(self, x)


def wrong_from_the_second_example(self, delta, cache, /):
    dx, grads = Scale.backward(self, delta, cache)
    return dx * (1 if len(delta) < 2 else 1 + 1e-9), grads


def sees_the_others(self, x, /):
    x = x + x.mean(axis=0)
    return x * self.a, x


def keeps_calls_between(self, x, /):
    y, _ = Scale.forward(self, x)
    self.last = x
    return y, None


def of_the_last_call(self, delta, cache, /):
    return Scale.backward(self, delta, self.last)


def copied(self, memo):
    twin = type(self)()
    vars(twin).update({name: np.array(value) + 0.5 for name, value in vars(self).items()})
    return twin


FAULTS = {
    "gradients are right": {"backward": wrong_from_the_second_example},
    "shapes and types are kept": {"predict": lambda self, x, /: (x * self.a).astype(np.float64)},
    "single precision agrees with double": {
        "forward": lambda self, x, /: (x * self.a + (x.dtype == np.float32), x)
    },
    "passes write to nothing": {"forward": keeps_its_input},
    "a second pass is the first": {"backward": divides_by_the_calls},
    "two passes in flight do not meet": {
        "forward": keeps_calls_between,
        "backward": of_the_last_call,
    },
    "backward is linear in delta": {"backward": adds_a_constant},
    "a batch is its examples one at a time": {"forward": sees_the_others},
    "arrays need not be contiguous": {"forward": wants_one_piece},
    "grads are those of backward": {"grads": lambda self, delta, cache, /: {"a": 2 * self.a}},
    "predict is forward": {"predict": lambda self, x, /: x * self.a * (1 + 1e-6)},
    "building again gives the same": {"build": ignores_the_seed},
    "a copy computes the same": {"__deepcopy__": copied},
}


def test_every_promise_has_a_layer_that_breaks_it():
    assert set(map(str, PROMISES)) == {*FAULTS, "a complex number passes"}


@pytest.mark.parametrize("promise", FAULTS)
def test_a_broken_promise_is_named(promise):
    certificate = broken(FAULTS[promise])
    found = certificate[promise]
    assert not certificate
    assert found.failed > 0
    assert found.smallest is not None
    (broken_one,) = [each for each in PROMISES if str(each) == promise]
    assert broken_one.fault(found.smallest)
    assert found.reason in str(certificate)
    with pytest.raises(AssertionError) as caught:
        certificate.assert_ok()
    assert str(caught.value) == str(certificate)
    assert f"{promise}" in str(certificate).split("\n\n", 1)[1]


@pytest.mark.parametrize("promise", ["predict is forward", "grads are those of backward"])
def test_no_other_promise_is_blamed(promise):
    certificate = broken(FAULTS[promise])
    assert [outcome.promise for outcome in certificate.outcomes if outcome.failed] == [promise]


def test_the_smallest_configuration_is_found():
    found = broken(FAULTS["gradients are right"], examples=50)["gradients are right"]
    assert found.tried == 50
    assert 0 < found.failed < 50
    assert found.configuration == "Broken() on spread((2, 1), 0)"
    assert repr(found.smallest) == "bp.gradcheck(ready(Broken(), (1,)), spread((2, 1), 0))"


def test_a_setting_is_to_blame():
    class Turned(bp.Dense):
        def forward(self, x, /):
            y, cache = super().forward(x)
            return (y if self.units < 3 or self.bias else 2 * y), cache

    settings = {"units": [1, 2, 3, 4], "bias": [True, False]}
    found = bp.certify(Turned, settings, examples=60)["gradients are right"]
    assert found.configuration == "Turned(3, bias=False) on spread((1, 1), 0)"


def test_code_that_stops_complex_numbers_is_worth_a_note():
    kind = {"forward": lambda self, x, /: (x.real * np.real(self.a), x)}
    certificate = broken(kind)
    assert certificate
    found = certificate["a complex number passes"]
    assert (found.tried, found.failed, found.noted) == (20, 0, 20)
    assert found.reason == "y: float64 from complex inputs"
    assert "certified" in str(certificate)


def test_a_layer_that_draws_has_no_single_examples():
    class Noise(bp.Layer):
        stochastic = True

        def forward(self, x, /, *, rng=None):
            noise = 1 + np.random.default_rng(rng).random(x.shape).astype(x.dtype)
            return x * noise, noise

        def backward(self, delta, cache, /):
            return delta * cache, {}

        def predict(self, x, /):
            return 1.5 * x

    certificate = bp.certify(Noise, examples=30)
    certificate.assert_ok()
    assert certificate["predict is forward"].noted == 30
    assert 0 < certificate["a batch is its examples one at a time"].noted < 30


def test_where_a_batch_is_normalised_its_examples_are_not_alone():
    certificate = bp.certify(bp.BatchNorm, {"keep": [0.9, 0.5]}, examples=30)
    certificate.assert_ok()
    noted = {outcome.promise for outcome in certificate.outcomes if outcome.noted}
    assert noted == {"predict is forward", "a batch is its examples one at a time"}


def test_an_exception_is_a_fault_like_any_other():
    def backward(self, delta, cache, /):
        raise KeyError("W")

    found = broken({"backward": backward})["backward is linear in delta"]
    assert found.reason == "KeyError: 'W'"
    assert found.failed == found.tried == 20


# The certificate itself


def test_the_table():
    lines = str(bp.certify(Scale, examples=5, seed=3)).splitlines()
    assert lines[0] == "Scale: certified, seed 3"
    assert lines[1].split() == ["promise", "tried", "failed", "noted", "smallest", "configuration"]
    assert len(lines) == 2 + len(PROMISES)
    assert lines[2].split() == ["gradients", "are", "right", "5", "0", "0"]
    lines = str(broken(FAULTS["predict is forward"])).splitlines()
    assert lines[0] == f"Broken: 1 of {len(PROMISES)} promises broken, seed 0"
    (row,) = [line for line in lines if line.startswith("predict is forward ")]
    assert row.endswith("20     20      0      Broken() on spread((1, 1), 0)")
    assert lines[-2].startswith("predict is forward: predict: ")
    assert lines[-1] == "in bp.gradcheck(ready(Broken(), (1,)), spread((1, 1), 0))"


def test_json(tmp_path):
    certificate = broken(FAULTS["predict is forward"], seed=4)
    text = certificate.to_json(tmp_path / "certificate.json")
    assert (tmp_path / "certificate.json").read_text() == text + "\n"
    found = json.loads(text)
    assert found["layer"] == "Broken"
    assert found["certified"] is False
    assert found["seed"] == 4
    assert found["python"] == platform.python_version()
    assert found["packages"]["numpy"] == np.__version__
    assert found["packages"]["hypothesis"] == hypothesis.__version__
    assert len(found["promises"]) == len(PROMISES)
    (row,) = [row for row in found["promises"] if row["failed"]]
    assert row == {
        "promise": "predict is forward",
        "tried": 20,
        "failed": 20,
        "noted": 0,
        "smallest": "Broken() on spread((1, 1), 0)",
        "reason": certificate["predict is forward"].reason,
    }


def test_the_same_seed_gives_the_same_certificate_and_another_does_not():
    changes, settings = FAULTS["a batch is its examples one at a time"], {"examples": 20}
    first, again, other = (broken(changes, seed=seed, **settings) for seed in (1, 1, 2))
    assert str(first) == str(again)
    assert first.to_json() == again.to_json()
    assert str(first) != str(other)


# Bad arguments


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: bp.certify(Scale()),
            TypeError,
            "certify expects a class of layers, got Scale()",
        ),
        (
            lambda: bp.certify(Scale, examples=0),
            ValueError,
            "certify expects examples to be a whole number of at least 1, got 0",
        ),
        (
            lambda: bp.certify(Scale, seed=-1),
            ValueError,
            "certify expects seed to be a whole number of at least 0, got -1",
        ),
        (
            lambda: bp.certify(Scale, 3),
            TypeError,
            "certify expects settings by name, a list of Scale or a function that makes one, got 3",
        ),
        (
            lambda: bp.certify(bp.Dense),
            TypeError,
            "certify expects settings that make a Dense, got none",
        ),
        (
            lambda: bp.certify(bp.Dense, {"units": [1], "size": [2]}),
            TypeError,
            "certify expects settings that make a Dense, got units, size",
        ),
        (
            lambda: bp.certify(bp.Dense, {"units": 3}),
            TypeError,
            "certify expects a list of values or a Hypothesis strategy for units, got 3",
        ),
        (
            lambda: bp.certify(Scale, shapes=3),
            TypeError,
            "certify expects shapes to be a list or a Hypothesis strategy, got 3",
        ),
        (
            lambda: bp.certify(Scale, shapes=[(2, 3), 4]),
            TypeError,
            "certify expects shapes such as (2, 3), got 4",
        ),
        (
            lambda: bp.certify(Scale, shapes=[(2, 0)]),
            ValueError,
            "certify expects an axis of an input's shape to be a whole number of at least 1, got 0",
        ),
        (
            lambda: bp.certify(bp.MaxPool, {"size": [3]}, shapes=[(1, 2, 2, 1)]),
            ValueError,
            "certify expects settings and shapes that MaxPool accepts, got none that it does",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
