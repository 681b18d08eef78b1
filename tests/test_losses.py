"""Losses: published numbers, gradients against two estimates, stability, purity, errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from backprop.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    HalfSquaredError,
    LogisticCrossEntropy,
    Loss,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)

LOSSES = (
    SoftmaxCrossEntropy,
    CrossEntropy,
    LogisticCrossEntropy,
    BinaryCrossEntropy,
    MeanSquaredError,
    HalfSquaredError,
)
OF_PROBABILITIES = (CrossEntropy, BinaryCrossEntropy)
SHAPES = ((1, 2), (4, 3), (2, 5, 3), (3,), (1, 7))

# Section 7 of the derivations: two rows of scores, classes 2 and 0.
SCORES = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]])
CLASSES = np.array([2, 0])
ROW = (0.0900305732, 0.2447284711, 0.6652409558)


def outputs(loss, shape, seed=0, dtype=np.float64):
    """Return outputs that `loss` can take: probabilities well inside (0, 1), or any numbers."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(0.1, 0.9, shape) if loss in OF_PROBABILITIES else 2 * rng.standard_normal(shape)
    return y.astype(dtype)


def targets(kind, shape, seed=1):
    """Return classes, or rows of numbers from [0, 1]; the rows need not sum to 1."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, shape[-1], shape[:-1]) if kind == "classes" else rng.random(shape)


def one_hot(classes, count):
    classes = np.asarray(classes)
    rows = np.zeros((*classes.shape, count))
    for place in np.ndindex(*classes.shape):
        rows[place][classes[place]] = 1
    return rows


def softmax(y):
    """The obvious softmax, which overflows for large scores."""
    return np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)


def logistic(y):
    return 1 / (1 + np.exp(-y))


def slope(loss, y, target, place, h):
    """Return the central difference of the loss by one output."""
    values = []
    for step in (h, -h):
        moved = y.copy()
        moved[place] += step
        values.append(loss.forward(moved, target)[0])
    return (values[0] - values[1]) / (2 * h)


def complex_slope(loss, y, target, place):
    moved = y.astype(complex)
    moved[place] += 1e-30j
    value = loss.forward(moved, target)[0]
    return value.imag / 1e-30


# One example after the other, each output after the other: the definitions, word for word.


def softmax_cross_entropy_of_one(y, t):
    total = sum(np.exp(score) for score in y)
    return -sum(part * np.log(np.exp(score) / total) for score, part in zip(y, t, strict=True))


def cross_entropy_of_one(y, t):
    return -sum(part * np.log(p) for p, part in zip(y, t, strict=True))


def binary_cross_entropy_of_one(y, t):
    pairs = zip(y, t, strict=True)
    return -sum(part * np.log(p) + (1 - part) * np.log(1 - p) for p, part in pairs)


def logistic_cross_entropy_of_one(y, t):
    return binary_cross_entropy_of_one([logistic(score) for score in y], t)


def half_squared_error_of_one(y, t):
    return sum((out - part) ** 2 for out, part in zip(y, t, strict=True)) / 2


def mean_squared_error_of_one(y, t):
    return 2 * half_squared_error_of_one(y, t) / len(y)


OF_ONE = {
    SoftmaxCrossEntropy: softmax_cross_entropy_of_one,
    CrossEntropy: cross_entropy_of_one,
    LogisticCrossEntropy: logistic_cross_entropy_of_one,
    BinaryCrossEntropy: binary_cross_entropy_of_one,
    MeanSquaredError: mean_squared_error_of_one,
    HalfSquaredError: half_squared_error_of_one,
}

everywhere = [
    pytest.param(loss, shape, kind, reduction, id=f"{loss.__name__}-{shape}-{kind}-{reduction}")
    for loss in LOSSES
    for shape in SHAPES
    for kind in ("classes", "rows")
    for reduction in ("mean", "sum")
]


@pytest.mark.parametrize(("loss", "shape", "kind", "reduction"), everywhere)
class TestEverywhere:
    """Each loss at many shapes, with both kinds of target and both reductions."""

    def test_value_is_the_definition(self, loss, shape, kind, reduction):
        y, target = outputs(loss, shape), targets(kind, shape)
        rows = one_hot(target, shape[-1]) if kind == "classes" else target
        M = shape[-1]
        pairs = zip(y.reshape(-1, M), rows.reshape(-1, M), strict=True)
        of_examples = [OF_ONE[loss](*pair) for pair in pairs]
        expected = sum(of_examples) / (len(of_examples) if reduction == "mean" else 1)
        value, _ = loss(reduction=reduction).forward(y, target)
        assert value.shape == ()
        assert_allclose(value, expected, rtol=1e-13)

    def test_delta_is_the_complex_step(self, loss, shape, kind, reduction):
        y, target, loss = outputs(loss, shape), targets(kind, shape), loss(reduction=reduction)
        delta = loss.backward(loss.forward(y, target)[1])
        assert delta.shape == y.shape
        assert delta.dtype == y.dtype
        estimate = np.zeros(shape)
        for place in np.ndindex(*shape):
            estimate[place] = complex_slope(loss, y, target, place)
        assert_allclose(delta, estimate, rtol=0, atol=1e-12 * np.max(np.abs(estimate)))

    def test_delta_is_the_central_difference(self, loss, shape, kind, reduction):
        y, target, loss = outputs(loss, shape), targets(kind, shape), loss(reduction=reduction)
        delta = loss.backward(loss.forward(y, target)[1])
        estimate = np.zeros(shape)
        for place in np.ndindex(*shape):
            estimate[place] = slope(loss, y, target, place, h=1e-5)
        assert_allclose(delta, estimate, rtol=0, atol=1e-7 * np.max(np.abs(estimate)))

    def test_strided_read_only_arrays_give_the_same_and_stay_the_same(
        self, loss, shape, kind, reduction
    ):
        y, target, loss = outputs(loss, shape), targets(kind, shape), loss(reduction=reduction)
        strided = []
        for array in (y, target):
            wide = np.zeros((*array.shape, 2), array.dtype)
            wide[..., 0] = array[::-1] if array.ndim else array
            view = wide[..., 0][::-1] if array.ndim else wide[..., 0]
            view.flags.writeable = False
            strided.append(view)
        value, cache = loss.forward(*strided)
        plain_value, plain_cache = loss.forward(y, target)
        assert_allclose(value, plain_value, rtol=1e-14)
        assert_allclose(loss.backward(cache), loss.backward(plain_cache), rtol=1e-13)
        assert_array_equal(strided[0], y)
        assert_array_equal(strided[1], target)


@pytest.mark.parametrize("kind", ["classes", "rows"])
@pytest.mark.parametrize("loss", LOSSES)
class TestContract:
    """What holds for every loss."""

    def test_mean_is_sum_over_n(self, loss, kind):
        y, target = outputs(loss, (2, 5, 3)), targets(kind, (2, 5, 3))
        mean, mean_cache = loss().forward(y, target)
        total, total_cache = loss(reduction="sum").forward(y, target)
        assert_allclose(mean, total / 10, rtol=1e-14)
        assert_allclose(loss().backward(mean_cache), loss().backward(total_cache) / 10, rtol=1e-13)

    def test_an_example_does_not_see_the_others(self, loss, kind):
        y, target = outputs(loss, (4, 3)), targets(kind, (4, 3))
        ce = loss(reduction="sum")
        value, cache = ce.forward(y, target)
        alone = [ce.forward(y[n : n + 1], target[n : n + 1]) for n in range(4)]
        assert_allclose(value, sum(part for part, _ in alone), rtol=1e-14)
        assert_allclose(
            ce.backward(cache), np.concatenate([ce.backward(own) for _, own in alone]), rtol=1e-14
        )

    def test_passes_are_pure(self, loss, kind):
        ce, before = loss(), dict(vars(loss()))
        one = ce.forward(outputs(loss, (4, 3)), targets(kind, (4, 3)))
        first = ce.backward(one[1])
        other = ce.forward(outputs(loss, (2, 3), seed=5), targets(kind, (2, 3), seed=6))
        assert_array_equal(ce.backward(one[1]), first)
        assert ce.backward(other[1]).shape == (2, 3)
        assert vars(ce) == before

    def test_float32_stays_float32(self, loss, kind):
        y, target = outputs(loss, (4, 3), dtype=np.float32), targets(kind, (4, 3))
        value, cache = loss().forward(y, target)
        assert value.dtype == np.float32
        assert loss().backward(cache).dtype == np.float32
        wide, wide_cache = loss().forward(y.astype(np.float64), np.asarray(target))
        assert_allclose(value, wide, rtol=1e-6)
        assert_allclose(loss().backward(cache), loss().backward(wide_cache), rtol=1e-5, atol=1e-7)

    def test_lists_are_taken(self, loss, kind):
        y, target = outputs(loss, (4, 3)), targets(kind, (4, 3))
        assert loss().forward(y.tolist(), target.tolist())[0] == loss().forward(y, target)[0]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_class_is_its_one_hot_row(loss):
    y, classes = outputs(loss, (2, 5, 3)), targets("classes", (2, 5, 3))
    value, cache = loss().forward(y, classes)
    same, same_cache = loss().forward(y, one_hot(classes, 3))
    assert value == same
    assert_array_equal(loss().backward(cache), loss().backward(same_cache))


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint64])
def test_classes_of_any_integer_type(kind):
    expected = SoftmaxCrossEntropy().forward(SCORES, CLASSES)[0]
    assert SoftmaxCrossEntropy().forward(SCORES, CLASSES.astype(kind))[0] == expected


@pytest.mark.parametrize("loss", [LogisticCrossEntropy, BinaryCrossEntropy])
def test_yes_or_no_may_be_bool(loss):
    y, yes = outputs(loss, (4, 2)), targets("rows", (4, 2)) > 0.5
    assert loss().forward(y, yes)[0] == loss().forward(y, yes.astype(float))[0]


# Published and computed numbers


def test_softmax_cross_entropy_numbers():
    total, cache = SoftmaxCrossEntropy(reduction="sum").forward(SCORES, CLASSES)
    mean, mean_cache = SoftmaxCrossEntropy().forward(SCORES, CLASSES)
    assert_allclose(total, 0.8152119288887609, rtol=1e-14)
    assert_allclose(mean, 0.40760596444438046, rtol=1e-14)
    row = (0.0450152866, 0.1223642355, -0.1673795221)
    assert_allclose(SoftmaxCrossEntropy().backward(mean_cache), [row, row[::-1]], atol=1e-10)
    delta = SoftmaxCrossEntropy().backward(cache)
    assert_allclose(delta, np.array([ROW, ROW[::-1]]) - one_hot(CLASSES, 3), atol=1e-10)


def test_softmax_cross_entropy_of_a_class_is_log_sum_exp_minus_its_score():
    value, _ = SoftmaxCrossEntropy(reduction="sum").forward(SCORES[:1], CLASSES[:1])
    assert_allclose(value, np.log(np.exp(1) + np.exp(2) + np.exp(3)) - 3, rtol=1e-14)


def test_softmax_cross_entropy_with_targets_that_sum_to_s():
    ce, t = SoftmaxCrossEntropy(reduction="sum"), np.array([[2.0, 0.0, 1.0]])
    value, cache = ce.forward(SCORES[:1], t)
    assert_allclose(value, -2 * np.log(ROW[0]) - np.log(ROW[2]), rtol=1e-9)
    assert_allclose(ce.backward(cache), 3 * np.array([ROW]) - t, atol=1e-9)


def test_the_probabilities_after_a_sigmoid_give_y_minus_t():
    z, t = outputs(LogisticCrossEntropy, (4, 3)), targets("rows", (4, 3))
    fused, long = LogisticCrossEntropy(reduction="sum"), BinaryCrossEntropy(reduction="sum")
    y = logistic(z)
    fused_value, fused_cache = fused.forward(z, t)
    value, cache = long.forward(y, t)
    assert_allclose(fused_value, value, rtol=1e-12)
    assert_allclose(fused.backward(fused_cache), y - t, rtol=0, atol=1e-14)
    assert_allclose(long.backward(cache) * y * (1 - y), y - t, rtol=0, atol=1e-12)
    assert_allclose(long.backward(cache), (y - t) / (y * (1 - y)), rtol=1e-12)


@pytest.mark.parametrize("kind", ["classes", "rows"])
def test_fused_equals_softmax_and_cross_entropy(kind):
    z, t = outputs(SoftmaxCrossEntropy, (2, 5, 3)), targets(kind, (2, 5, 3))
    fused_value, fused_cache = SoftmaxCrossEntropy().forward(z, t)
    y = softmax(z)
    value, cache = CrossEntropy().forward(y, t)
    delta = CrossEntropy().backward(cache)
    through = y * (delta - (delta * y).sum(axis=-1, keepdims=True))
    assert_allclose(fused_value, value, rtol=1e-12)
    assert_allclose(SoftmaxCrossEntropy().backward(fused_cache), through, rtol=0, atol=1e-12)


def test_squared_errors_by_hand():
    y, t = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[0.0, 0.0], [3.0, 1.0]])
    half, cache = HalfSquaredError(reduction="sum").forward(y, t)
    assert half == 10.5
    assert_array_equal(HalfSquaredError().backward(cache), [[1, 2], [0, 4]])
    half, cache = HalfSquaredError().forward(y, t)
    assert half == 5.25
    assert_array_equal(HalfSquaredError().backward(cache), [[0.5, 1], [0, 2]])
    mean, cache = MeanSquaredError().forward(y, t)
    assert mean == 5.25  # 21 over the four numbers
    assert_array_equal(MeanSquaredError().backward(cache), [[0.5, 1], [0, 2]])
    total, cache = MeanSquaredError(reduction="sum").forward(y, t)
    assert total == 10.5
    assert_array_equal(MeanSquaredError().backward(cache), [[1, 2], [0, 4]])


def test_half_squared_error_of_mazur():
    y = np.array([[0.751365069552, 0.772928465321]])
    value, _ = HalfSquaredError(reduction="sum").forward(y, np.array([[0.01, 0.99]]))
    assert_allclose(value, 0.2983711087600027, rtol=1e-11)


def test_a_constant_added_to_a_row_of_scores_changes_nothing():
    y, t = outputs(SoftmaxCrossEntropy, (4, 3)), targets("rows", (4, 3))
    shifted = y + np.array([[-7.0], [0.5], [100.0], [3.0]])
    value, cache = SoftmaxCrossEntropy().forward(y, t)
    assert_allclose(SoftmaxCrossEntropy().forward(shifted, t)[0], value, rtol=1e-13)
    assert_allclose(SoftmaxCrossEntropy().backward(cache).sum(axis=-1), 0, atol=1e-15)


# Extremes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
class TestExtremes:
    """Scores of ±1000 and probabilities of 0 and 1, where everything finite must stay finite."""

    def test_softmax(self, dtype):
        z = np.array([[1000, 0, -1000]], dtype)
        for label, expected in ((0, 0), (1, 1000), (2, 2000)):
            value, cache = SoftmaxCrossEntropy().forward(z, np.array([label]))
            assert value == expected
            delta = np.array([[1.0, 0.0, 0.0]]) - one_hot([label], 3)
            assert_array_equal(SoftmaxCrossEntropy().backward(cache), delta)

    def test_each_row_has_its_own_shift(self, dtype):
        z = np.array([[1000, 1001, 1002], [-1000, -999, -998], [0, 1, 2]], dtype)
        of_rows = [SoftmaxCrossEntropy().forward(row, np.array(0))[0] for row in z]
        assert_allclose(of_rows, 2 - np.log(ROW[2]), rtol=1e-6)
        value, cache = SoftmaxCrossEntropy(reduction="sum").forward(z, np.zeros(3, int))
        assert_allclose(value, 3 * (2 - np.log(ROW[2])), rtol=1e-6)
        expected = np.array([ROW] * 3) - [1, 0, 0]
        assert_allclose(SoftmaxCrossEntropy().backward(cache), expected, rtol=1e-6)

    def test_logistic(self, dtype):
        z = np.array([[1000], [-1000], [1000], [-1000], [800]], dtype)
        t = np.array([[1], [0], [0], [1], [0]])
        for n, expected in enumerate((0, 0, 1000, 1000, 800)):
            assert LogisticCrossEntropy().forward(z[n : n + 1], t[n : n + 1])[0] == expected
        _, cache = LogisticCrossEntropy(reduction="sum").forward(z, t)
        assert_array_equal(LogisticCrossEntropy().backward(cache), [[0], [0], [1], [-1], [1]])

    def test_squared_errors(self, dtype):
        y, t = np.array([[1000, -1000]], dtype), np.zeros((1, 2))
        assert MeanSquaredError().forward(y, t)[0] == 1e6
        assert HalfSquaredError().forward(y, t)[0] == 1e6

    def test_a_probability_of_zero_is_clipped_and_has_no_gradient(self, dtype):
        y = np.array([[0, 1, 0]], dtype)
        clipped = -np.log(np.finfo(dtype).tiny)
        value, cache = CrossEntropy().forward(y, np.array([0]))
        assert value == clipped
        assert_array_equal(CrossEntropy().backward(cache), np.zeros((1, 3)))
        value, cache = CrossEntropy().forward(y, np.array([1]))
        assert value == 0
        assert_array_equal(CrossEntropy().backward(cache), [[0, -1, 0]])

    def test_a_clipped_term_with_a_large_count_does_not_overflow(self, dtype):
        _, cache = CrossEntropy().forward(np.array([[0, 1]], dtype), np.array([[100.0, 100.0]]))
        assert_array_equal(CrossEntropy().backward(cache), [[0, -100]])

    def test_a_sure_answer_is_clipped_and_has_no_gradient_where_it_is_wrong(self, dtype):
        y, t = np.array([[0, 1, 0, 1]], dtype), np.array([[0, 1, 1, 0]])
        value, cache = BinaryCrossEntropy().forward(y, t)
        assert_allclose(value, -2 * np.log(np.finfo(dtype).tiny), rtol=1e-7)
        assert_array_equal(BinaryCrossEntropy().backward(cache), [[1, -1, 0, 0]])


@pytest.mark.parametrize("loss", OF_PROBABILITIES)
def test_around_the_clip_loss_and_gradient_agree(loss):
    tiny = np.finfo(np.float64).tiny
    y, t = np.array([[tiny / 2, 0.5]]), np.array([[1.0, 1.0]])
    ce = loss(reduction="sum")
    delta = ce.backward(ce.forward(y, t)[1])
    below = np.array([[tiny / 4, 0.5]])
    assert ce.forward(y, t)[0] == ce.forward(below, t)[0]
    assert delta[0, 0] == 0
    assert delta[0, 1] == -2
    above = np.array([[2 * tiny, 0.5]])
    assert_allclose(ce.backward(ce.forward(above, t)[1])[0, 0], -1 / (2 * tiny), rtol=1e-14)


def test_the_logistic_loss_at_zero_has_no_kink():
    z, t = np.array([[0.0, -0.0]]), np.array([[0.3, 0.3]])
    ce = LogisticCrossEntropy(reduction="sum")
    value, cache = ce.forward(z, t)
    assert_allclose(value, 2 * np.log(2), rtol=1e-15)
    assert_allclose(ce.backward(cache), [[0.2, 0.2]], rtol=1e-15)
    for place in ((0, 0), (0, 1)):
        assert_allclose(complex_slope(ce, z, t, place), 0.2, rtol=1e-15)


# Which answers are correct


@pytest.mark.parametrize("loss", LOSSES)
def test_classes_are_compared_with_the_largest_output(loss):
    y = np.array([[[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]], [[0.1, 0.2, 0.7], [0.4, 0.5, 0.1]]])
    right = loss().correct(y, np.array([[1, 1], [2, 0]]))
    assert right.dtype == bool
    assert_array_equal(right, [[True, False], [True, False]])


@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy, CrossEntropy])
def test_rows_of_probabilities_mean_their_largest(loss):
    y, t = np.array([[0.2, 0.8], [0.6, 0.4]]), np.array([[0.4, 0.6], [0.1, 0.9]])
    assert_array_equal(loss().correct(y, t), [True, False])


@pytest.mark.parametrize(("loss", "middle"), [(LogisticCrossEntropy, 0), (BinaryCrossEntropy, 0.5)])
def test_every_yes_or_no_of_an_example_must_be_right(loss, middle):
    y = middle + np.array([[0.1, 0.1], [0.1, -0.1], [-0.1, -0.1], [0.0, 0.1]])
    t = np.array([[1, 1], [1, 1], [0, 0], [0, 1]])
    assert_array_equal(loss().correct(y, t), [True, False, True, True])
    y, t = (array.reshape(2, 2, 2)[:, ::-1] for array in (y, t))
    assert_array_equal(loss().correct(y, t), [[False, True], [True, True]])


@pytest.mark.parametrize("loss", [LogisticCrossEntropy, BinaryCrossEntropy])
def test_neither_yes_nor_no_counts_as_no(loss):
    half, middle = np.array([[0.5]]), np.array([[loss.threshold]])
    assert_array_equal(loss().correct(middle, half), [True])
    assert_array_equal(loss().correct(middle + 0.1, half), [False])


@pytest.mark.parametrize("loss", [MeanSquaredError, HalfSquaredError])
def test_real_targets_are_neither_right_nor_wrong(loss):
    assert loss().correct(np.array([[0.2, 0.8]]), np.array([[0.0, 1.0]])) is None


# Settings


@pytest.mark.parametrize("loss", LOSSES)
def test_settings_and_repr(loss):
    assert loss().settings == {"reduction": "mean"}
    assert loss(reduction="sum").settings == {"reduction": "sum"}
    assert repr(loss()) == f"{loss.__name__}()"
    assert repr(loss(reduction="sum")) == f"{loss.__name__}(reduction='sum')"


# Errors


@pytest.mark.parametrize("loss", LOSSES)
class TestErrors:
    """Every message of `Loss`, from every loss, by forward and correct alike."""

    def fails(self, loss, y, target, kind, message):
        for method in (loss().forward, loss().correct):
            with pytest.raises(kind) as error:
                method(y, target)
            assert type(error.value) is kind
            assert str(error.value) == f"{loss.__name__} expects {message}"

    def test_reduction(self, loss):
        with pytest.raises(ValueError, match="reduction") as error:
            loss(reduction="max")
        what = "reduction to be one of 'mean', 'sum', got 'max'"
        assert str(error.value) == f"{loss.__name__} expects {what}"

    def test_outputs_that_are_integers(self, loss):
        message = "outputs of a floating type, got int64"
        self.fails(loss, np.zeros((4, 3), np.int64), np.zeros(4, int), TypeError, message)

    @pytest.mark.parametrize("shape", [(0, 3), (4, 0), ()])
    def test_empty_batch(self, loss, shape):
        message = f"outputs of shape (N, M) without an empty axis, got {shape}"
        self.fails(loss, np.zeros(shape), np.zeros(shape), ValueError, message)

    @pytest.mark.parametrize("shape", [(3,), (4, 1), (1, 3), (3, 4), (4, 3, 1), ()])
    def test_target_of_another_shape(self, loss, shape):
        message = f"targets of shape (4, 3) or classes of shape (4,), got {shape}"
        self.fails(loss, np.full((4, 3), 0.5), np.zeros(shape, int), ValueError, message)

    def test_one_output_takes_no_classes(self, loss):
        message = "targets of shape (4, 1), got (4,)"
        self.fails(loss, np.full((4, 1), 0.5), np.zeros(4, int), ValueError, message)

    @pytest.mark.parametrize("dtype", [float, bool, complex])
    def test_classes_that_are_no_integers(self, loss, dtype):
        message = f"classes that are integers, got {np.dtype(dtype)}"
        self.fails(loss, np.full((4, 3), 0.5), np.zeros(4, dtype), TypeError, message)

    @pytest.mark.parametrize("label", [3, -1, 255])
    def test_class_out_of_range(self, loss, label):
        message = f"classes from 0 to 2, got {label}"
        target = np.array([0, 1, label, 2])
        self.fails(loss, np.full((4, 3), 0.5), target, ValueError, message)

    @pytest.mark.parametrize("dtype", [complex, object])
    def test_targets_that_are_no_real_numbers(self, loss, dtype):
        message = f"targets that are real numbers, got {np.dtype(dtype)}"
        target = np.zeros((4, 3), dtype)
        self.fails(loss, np.full((4, 3), 0.5), target, TypeError, message)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    def test_targets_that_are_not_finite(self, loss, value):
        target = np.full((4, 3), 0.5)
        target[2, 1] = value
        message = f"finite targets from {loss.least:g} to {loss.most:g}, got {value}"
        self.fails(loss, np.full((4, 3), 0.5), target, ValueError, message)


@pytest.mark.parametrize(
    ("loss", "value", "span"),
    [
        (LogisticCrossEntropy, 1.5, "0 to 1"),
        (LogisticCrossEntropy, -0.5, "0 to 1"),
        (BinaryCrossEntropy, 2.0, "0 to 1"),
        (BinaryCrossEntropy, -1.0, "0 to 1"),
        (SoftmaxCrossEntropy, -0.25, "0 to inf"),
        (CrossEntropy, -0.25, "0 to inf"),
    ],
)
def test_targets_outside_the_range(loss, value, span):
    with pytest.raises(ValueError, match="targets") as error:
        loss().forward(np.full((1, 2), 0.5), np.array([[0.0, value]]))
    assert str(error.value) == f"{loss.__name__} expects finite targets from {span}, got {value}"


def test_the_base_class_has_no_passes():
    with pytest.raises(NotImplementedError) as error:
        Loss().forward(np.zeros((1, 2)), np.zeros((1, 2)))
    assert str(error.value) == "Loss has no forward"
    with pytest.raises(NotImplementedError) as error:
        Loss().backward(())
    assert str(error.value) == "Loss has no backward"
