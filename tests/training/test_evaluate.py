"""Evaluation in batches, against the same sums over all examples at once."""

import numpy as np
import pytest

from backprop.initializers import Given
from backprop.layers import Dense, Dropout, Identity, Sigmoid, Softmax, Tanh
from backprop.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    HalfSquaredError,
    LogisticCrossEntropy,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from backprop.network import Network
from backprop.training import evaluate


def build(layers, in_shape, dtype=np.float64):
    net = Network(layers)
    net.build(in_shape, rng=0, dtype=dtype)
    return net


def identity(size):
    """A network that returns what it is given."""
    return build([Dense(size, init=Given(np.eye(size)))], (size,))


def raised(kind, call, *args, **kwargs):
    with pytest.raises(kind) as caught:
        call(*args, **kwargs)
    return str(caught.value)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("batch_size", [1, 4, 10, 11])
def test_batches_make_no_difference(reduction, batch_size):
    rng = np.random.default_rng(0)
    net = build([Dense(5), Tanh(), Dropout(0.5), Dense(3)], (4,))
    x, y = rng.standard_normal((11, 4)), rng.integers(0, 3, 11)
    loss = SoftmaxCrossEntropy(reduction=reduction)
    found = evaluate(net, (x, y), loss=loss, batch_size=batch_size)
    out = net.predict(x)
    assert found.loss == pytest.approx(float(loss.forward(out, y)[0]), rel=1e-13)
    assert type(found.loss) is type(found.accuracy) is float
    np.testing.assert_array_equal(found.predictions, out.argmax(axis=1))
    assert found.accuracy == np.mean(out.argmax(axis=1) == y)


def test_rows_of_the_confusion_matrix_are_true_classes():
    scores = np.eye(3)[[0, 0, 1, 2, 2, 2]]
    truth = np.array([0, 1, 1, 0, 2, 0], np.uint8)
    found = evaluate(identity(3), (scores, truth), loss=SoftmaxCrossEntropy(), batch_size=4)
    np.testing.assert_array_equal(found.confusion, [[1, 0, 2], [1, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(found.predictions, [0, 0, 1, 2, 2, 2])
    assert found.accuracy == 0.5


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(), CrossEntropy()])
def test_rows_of_probabilities_have_classes_too(loss):
    net = build([Identity() if isinstance(loss, SoftmaxCrossEntropy) else Softmax()], (3,))
    scores = np.eye(3)[[0, 1, 2, 2]]
    rows = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
    found = evaluate(net, (scores, rows), loss=loss)
    np.testing.assert_array_equal(found.confusion, [[1, 0, 1], [0, 1, 0], [0, 0, 1]])
    assert found.accuracy == 0.75


@pytest.mark.parametrize(
    ("loss", "layer"), [(LogisticCrossEntropy(), Identity()), (BinaryCrossEntropy(), Sigmoid())]
)
def test_one_yes_or_no_question_makes_two_classes(loss, layer):
    scores = np.array([[-2.0], [3.0], [0.5], [-0.1]])
    truth = np.array([[0], [1], [0], [1]])
    found = evaluate(build([layer], (1,)), (scores, truth), loss=loss)
    np.testing.assert_array_equal(found.predictions, [0, 1, 1, 0])
    np.testing.assert_array_equal(found.confusion, [[1, 1], [1, 1]])
    assert found.accuracy == 0.5


def test_several_questions_have_an_accuracy_and_no_classes():
    scores = np.array([[-2.0, 1.0], [3.0, 1.0]])
    found = evaluate(identity(2), (scores, np.array([[0, 1], [1, 0]])), loss=LogisticCrossEntropy())
    assert (found.accuracy, found.confusion, found.predictions) == (0.5, None, None)


def test_real_targets_have_a_loss_only():
    x, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 2.0], [3.0, 6.0]])
    found = evaluate(identity(2), (x, t), loss=MeanSquaredError(), batch_size=1)
    assert found.loss == pytest.approx((0.5 + 2) / 2, rel=1e-15)
    assert np.isnan(found.accuracy)
    assert found.confusion is found.predictions is None
    assert repr(found) == "Evaluation(loss=1.25, accuracy=nan)"


def test_sequences_are_judged_step_by_step():
    net = build([Dense(2, init=Given(np.eye(2)))], (3, 2))
    x = np.eye(2)[np.array([[0, 1, 1], [1, 1, 0]])]
    y = np.array([[0, 1, 0], [1, 1, 1]])
    found = evaluate(net, (x, y), loss=SoftmaxCrossEntropy(), batch_size=1)
    assert found.accuracy == 4 / 6
    np.testing.assert_array_equal(found.confusion, [[1, 1], [1, 3]])
    np.testing.assert_array_equal(found.predictions, [[0, 1, 1], [1, 1, 0]])


def test_data_may_be_mapped_from_files_and_stays_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 4)).astype(np.float32), rng.integers(0, 3, 20)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    mapped = tuple(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    net = build([Dense(3)], (4,), np.float32)
    found = evaluate(net, mapped, loss=SoftmaxCrossEntropy())
    assert found.loss == evaluate(net, (x, y), loss=SoftmaxCrossEntropy()).loss


def test_what_is_evaluated_is_checked():
    two, x, y = identity(2), np.ones((3, 2)), np.array([0, 1, 1])
    bad = np.array([[1, 1], [1, np.nan], [np.inf, 1]])
    ce = SoftmaxCrossEntropy()
    for kind, net, data, settings, text in [
        (TypeError, Tanh(), (x, y), {}, "evaluate expects a Network, got Tanh()"),
        (
            ValueError,
            Network([Tanh()]),
            (x, y),
            {},
            "evaluate expects a network after build(in_shape), got one before it",
        ),
        (
            TypeError,
            two,
            (x, y),
            {"loss": SoftmaxCrossEntropy},
            "evaluate expects a loss such as SoftmaxCrossEntropy(), got "
            "<class 'backprop.losses.cross_entropy.SoftmaxCrossEntropy'>",
        ),
        (
            ValueError,
            two,
            (x, y),
            {"batch_size": 0},
            "evaluate expects batch_size to be a whole number of at least 1, got 0",
        ),
        (TypeError, two, x, {}, "evaluate expects data to be a pair (x, y), got ndarray"),
        (
            ValueError,
            two,
            (x, y[:2]),
            {},
            "evaluate expects at least one example, as many inputs as targets, got [3, 2]",
        ),
        (
            ValueError,
            two,
            (x[:0], y[:0]),
            {},
            "evaluate expects at least one example, as many inputs as targets, got [0, 0]",
        ),
        (
            ValueError,
            two,
            (x, None),
            {},
            "evaluate expects at least one example, as many inputs as targets, got [3, 0]",
        ),
        (
            ValueError,
            two,
            (bad, y),
            {},
            "evaluate expects x of finite numbers, got NaN or infinity in example 1",
        ),
        (
            ValueError,
            two,
            (x, bad),
            {"loss": HalfSquaredError()},
            "evaluate expects y of finite numbers, got NaN or infinity in example 1",
        ),
        (
            ValueError,
            two,
            (np.ones((3, 5)), y),
            {},
            "evaluate expects inputs of shape (N, 2), got (N, 5)",
        ),
        (
            ValueError,
            two,
            (x, np.array([0, 1, 2])),
            {},
            "SoftmaxCrossEntropy expects classes from 0 to 1, got 2",
        ),
        (
            ValueError,
            two,
            (x, np.array([[0], [1], [1]])),
            {},
            "SoftmaxCrossEntropy expects targets of shape (3, 2) or classes of shape (3,), "
            "got (3, 1)",
        ),
    ]:
        assert raised(kind, evaluate, net, data, **{"loss": ce, **settings}) == text


def test_every_target_is_judged_however_many_there_are():
    # More than one chunk: the last of 600,000 targets is out of range.
    x, y = np.zeros((600_000, 2), np.float32), np.zeros(600_000, np.int64)
    y[-1] = -1
    net = build([Dense(2)], (2,), np.float32)
    message = raised(ValueError, evaluate, net, (x, y), loss=SoftmaxCrossEntropy())
    assert message == "SoftmaxCrossEntropy expects classes from 0 to 1, got -1"
    y[-1], x[-1, 1] = 0, np.inf
    message = raised(ValueError, evaluate, net, (x, y), loss=SoftmaxCrossEntropy())
    assert message.endswith("got NaN or infinity in example 599999")
