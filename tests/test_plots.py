"""The pictures show the numbers that they were given."""

import io
import itertools
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from backprop import plots
from backprop.layers import Add, BatchNorm, Conv2D, Dense, Embedding, Flatten, MaxPool, ReLU, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network
from backprop.training import Epoch, History

NAN = float("nan")
IMAGES = np.random.default_rng(0).random((6, 5, 4, 1), np.float32)
LABELS = np.array([0, 1, 2, 0, 1, 2])
ANSWERS = np.array([0, 2, 2, 1, 1, 0])


def drawn(figure):
    """Return the figure as pixels: drawing it must go without warnings."""
    return imread(io.BytesIO(figure.png()))


def picture(axes):
    """Return the one image of `axes`, its gaps NaN."""
    return np.ma.filled(axes.images[0].get_array().astype(float), NAN)


def history(losses, accuracies=NAN, val_losses=NAN):
    columns = np.broadcast_arrays(losses, accuracies, val_losses)
    return History([Epoch(n, a, b, c) for n, (a, b, c) in enumerate(zip(*columns, strict=True), 1)])


def test_learning_curves_are_the_history():
    figure = plots.learning_curves(history([1.0, 0.5], [0.4, 0.6], [1.1, 0.7]))
    loss, accuracy = figure.axes
    assert [line.get_ydata().tolist() for line in loss.lines] == [[1.0, 0.5], [1.1, 0.7]]
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [[0.4, 0.6]]
    assert [line.get_xdata().tolist() for line in loss.lines] == [[1, 2], [1, 2]]
    assert (loss.get_ylabel(), loss.get_yscale()) == ("loss", "linear")
    assert [word.get_text() for word in loss.get_legend().get_texts()] == ["training", "validation"]
    assert drawn(figure).std() > 0


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([2.0, 0.1], "log"), ([2.0, 0.3], "linear"), ([2.0, 0.0], "linear"), ([2.0, -9.0], "linear")],
)
def test_a_loss_over_a_power_of_ten_is_on_a_logarithmic_axis(losses, scale):
    figure = plots.learning_curves(history(losses))
    (axes,) = figure.axes
    assert axes.get_yscale() == scale
    drawn(figure)


def test_ticks_of_few_powers_of_ten_are_written_out():
    figure = plots.learning_curves(history([2.0, 0.02]))
    drawn(figure)
    words = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert {"0.02", "0.05", "0.1", "1"} <= set(words)


def test_learning_curves_need_an_epoch():
    with pytest.raises(ValueError, match="expects") as error:
        plots.learning_curves(History())
    assert str(error.value) == "learning_curves expects a history of at least one epoch, got none"


def test_confusion_matrix_shows_counts_and_shares():
    counts = np.array([[8, 2], [0, 5]])
    figure = plots.confusion_matrix(counts, ["cat", "a very long name indeed"])
    axes = figure.axes[0]
    cells = {(*map(int, text.get_position()),): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "8", (1, 0): "2", (1, 1): "5"}  # (column, row); no zero
    assert picture(axes).tolist() == [[0.8, 0.2], [0, 1]]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["cat", "a very long n…"]
    assert axes.get_title() == "13 of 15 right"
    assert drawn(figure).std() > 0


def test_a_class_without_examples_has_an_empty_row():
    axes = plots.confusion_matrix(np.array([[3, 0], [0, 0]])).axes[0]
    assert picture(axes).tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("K", [2, 8, 100])
def test_counts_of_any_number_of_classes_fit_their_cells(K):
    figure = plots.confusion_matrix(np.full((K, K), 1234 if K < 100 else 12))
    drawn(figure)
    axes = figure.axes[0]
    cell = axes.transData.transform((1, 1)) - axes.transData.transform((0, 0))
    for text in axes.texts[:2]:
        assert text.get_window_extent().width < abs(cell[0])
        assert text.get_window_extent().height < abs(cell[1])
    ends = [tick.get_window_extent() for tick in axes.get_xticklabels()]
    assert all(a.x1 <= b.x0 for a, b in itertools.pairwise(ends))


@pytest.mark.parametrize(
    ("counts", "classes", "text"),
    [
        (np.ones((2, 3), int), None, "counts of shape (K, K), got (2, 3)"),
        (np.ones((2, 2)), None, "counts of shape (K, K), got float64"),
        (None, None, "counts of shape (K, K), got object"),
        (np.ones((3, 3), int), ["a", "b"], "names for 3 classes, got 2"),
    ],
)
def test_confusion_matrix_needs_counts(counts, classes, text):
    with pytest.raises(ValueError, match="expects") as error:
        plots.confusion_matrix(counts, classes)
    assert str(error.value) == f"confusion_matrix expects {text}"


def test_filters_stand_in_columns_and_channels_in_rows():
    layer = Conv2D(4, (2, 3))
    layer.build((5, 5, 2), rng=0)
    figure = plots.filters(layer)
    shown = picture(figure.axes[0])
    assert shown.shape == (2 * 3 - 1, 4 * 4 - 1)
    for c in range(2):
        for f in range(4):
            tile = shown[3 * c : 3 * c + 2, 4 * f : 4 * f + 3]
            np.testing.assert_array_equal(tile, layer.W[:, :, c, f])
    assert np.isnan(shown[2]).all()
    low, high = figure.axes[0].images[0].get_clim()
    assert -low == high == np.abs(layer.W).max()
    assert drawn(figure).std() > 0


def test_filters_of_one_channel_are_wrapped():
    layer = Conv2D(6, 2)
    layer.build((5, 5, 1), rng=0)
    shown = picture(plots.filters(layer).axes[0])
    assert shown.shape == (2 * 3 - 1, 3 * 3 - 1)
    np.testing.assert_array_equal(shown[3:5, :2], layer.W[:, :, 0, 3])


def test_filters_of_zeros_are_drawn():
    layer = Conv2D(6, 2)
    layer.build((5, 5, 1), rng=0)
    layer.W[...] = 0
    drawn(plots.filters(layer))


def test_filters_needs_kernels():
    with pytest.raises(ValueError, match="expects") as error:
        plots.filters(Flatten())
    assert str(error.value) == (
        "filters expects a layer with W of shape (K, K, C, F), got Flatten()"
    )


@pytest.fixture
def net():
    net = Network([Conv2D(2, 2), ReLU(), MaxPool(2), Flatten(), Dense(3)])
    net.build((5, 4, 1), rng=0)
    return net


def test_feature_maps_are_the_layers_outputs(net):
    figure = plots.feature_maps(net, IMAGES[0], 1)
    maps = net[1].predict(net[0].predict(IMAGES[:1]))[0]
    shown = picture(figure.axes[0])
    np.testing.assert_array_equal(shown[:, :3], maps[..., 0])
    np.testing.assert_array_equal(shown[:, 4:], maps[..., 1])
    assert figure.axes[0].get_title() == "relu_1: 2 maps of 4x3"
    assert drawn(figure).std() > 0


@pytest.mark.parametrize(
    ("x", "number", "text"),
    [
        (IMAGES[0], 5, "feature_maps expects a layer from 0 to 4, got 5"),
        (
            IMAGES[0],
            4,
            "feature_maps expects a layer whose outputs are images (N, H, W, C), got (N, 3)",
        ),
        (IMAGES, 0, "Network expects inputs of shape (N, 5, 4, 1), got (1, 6, 5, 4, 1)"),
    ],
)
def test_feature_maps_need_an_image(net, x, number, text):
    with pytest.raises(ValueError, match="expects") as error:
        plots.feature_maps(net, x, number)
    assert str(error.value) == text


def words(figure):
    return [axes.get_xlabel() for axes in figure.axes]


def test_wrong_predictions_are_shown_with_both_names():
    figure = plots.wrong_predictions(IMAGES, LABELS, ANSWERS, ["a", "b", "c"])
    assert words(figure) == ["true b\nanswer c", "true a\nanswer b", "true c\nanswer a"]
    np.testing.assert_array_equal(picture(figure.axes[1]), IMAGES[3, ..., 0])
    assert figure.get_suptitle() == "3 of 6 answers are wrong"
    assert drawn(figure).std() > 0


def test_the_worst_errors_come_first():
    outputs = np.zeros((6, 3))
    outputs[[1, 3, 5], ANSWERS[[1, 3, 5]]] = 1, 3, 2
    figure = plots.wrong_predictions(IMAGES, LABELS, ANSWERS, outputs=outputs, most=2)
    assert words(figure) == ["true 0\nanswer 1", "true 2\nanswer 0"]
    assert figure.get_suptitle() == "3 of 6 answers are wrong, 2 shown"


def test_no_wrong_prediction_is_said():
    figure = plots.wrong_predictions(IMAGES, LABELS, LABELS)
    assert figure.axes == []
    assert figure.get_suptitle() == "0 of 6 answers are wrong"
    drawn(figure)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            (IMAGES[..., 0], LABELS, ANSWERS),
            "images of shape (N, H, W, 1) or (N, H, W, 3), got (6, 5, 4)",
        ),
        (
            (IMAGES[:0], LABELS[:0], ANSWERS[:0]),
            "images of shape (N, H, W, 1) or (N, H, W, 3), got (0, 5, 4, 1)",
        ),
        ((IMAGES, LABELS[:5], ANSWERS), "one class for each of 6 images, got (5,)"),
        ((IMAGES, LABELS, ANSWERS, ["a", "b"]), "names for 3 classes, got 2"),
    ],
)
def test_wrong_predictions_need_images_and_classes(arguments, text):
    with pytest.raises(ValueError, match="expects") as error:
        plots.wrong_predictions(*arguments)
    assert str(error.value) == f"wrong_predictions expects {text}"


def test_examples_stand_in_the_row_of_their_class():
    figure = plots.examples(IMAGES, LABELS, ["a", "b", "c"], each=3)
    axes = figure.axes[0]
    shown = picture(axes)
    assert shown.shape == (3 * 6 - 1, 3 * 5 - 1)
    np.testing.assert_array_equal(shown[6:11, 5:9], IMAGES[4, ..., 0])
    assert (shown[:, 10:] == IMAGES.max()).all()  # there are only two of each
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]
    assert drawn(figure).std() > 0


def test_colours_are_drawn_as_they_are():
    colours = np.repeat(IMAGES, 3, axis=-1) * np.array([1, 0.5, 0], np.float32)
    axes = plots.examples(colours, LABELS, each=2).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array()[:5, :4], colours[0])


def test_delta_norms_are_those_of_the_deltas(net):
    figure = plots.delta_norms(net, IMAGES, LABELS, SoftmaxCrossEntropy())
    loss = SoftmaxCrossEntropy()
    values, caches = [IMAGES], []
    for layer in net:
        y, cache = layer.forward(values[-1])
        values.append(y)
        caches.append(cache)
    delta = loss.backward(loss.forward(values[-1], LABELS)[1])
    norms = []
    for layer, cache in zip(reversed(net.layers), reversed(caches), strict=True):
        norms.append(np.sqrt((delta**2).sum()))
        delta, _ = layer.backward(delta, cache)
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), norms[::-1], rtol=1e-6)
    assert figure.axes[0].get_xscale() == "log"
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == [
        *("0  conv2d_1", "1  relu_1", "2  maxpool_1", "3  flatten_1", "4  dense_1"),
    ]
    assert drawn(figure).std() > 0


def test_delta_of_a_value_read_twice_is_the_sum():
    net = Network()
    h = net.add(Dense(3), 0)
    net.add(Add(), h, net.add(Tanh(), h))
    net.build((2,), rng=0, dtype=np.float64)
    loss, x = SoftmaxCrossEntropy(), np.array([[0.5, -1.0], [2.0, 0.3]])
    y, (_, cache, _) = net.forward(x)
    delta = loss.backward(loss.forward(y, np.array([0, 2]))[1])
    at_h = delta + net[1].backward(delta, cache)[0]
    (line,) = plots.delta_norms(net, x, np.array([0, 2]), loss).axes[0].lines
    np.testing.assert_allclose(
        line.get_xdata(), [np.linalg.norm(d) for d in (at_h, delta, delta)], rtol=1e-12
    )


def test_delta_norms_leave_running_averages_alone():
    net = Network([Flatten(), Dense(3), BatchNorm()])
    net.build((5, 4, 1), rng=0)
    before = net.averages
    plots.delta_norms(net, IMAGES, LABELS, SoftmaxCrossEntropy())
    assert all(net.averages[key] is before[key] for key in before)


def test_delta_norms_of_a_network_on_whole_numbers():
    net = Network([Embedding(4, 2), Flatten(), Dense(3)])
    net.build((2,), rng=0)
    figure = plots.delta_norms(net, [[0, 3], [1, 1]], np.array([0, 2]), SoftmaxCrossEntropy())
    assert len(figure.axes[0].lines[0].get_xdata()) == 3


def test_a_delta_of_zero_is_written_as_such():
    net = Network([Dense(4), ReLU(), Dense(3)])
    net.build((4,), rng=0)
    net[0].b[...] = -100  # no unit is ever on
    figure = plots.delta_norms(net, IMAGES[:, 0, :, 0], LABELS, SoftmaxCrossEntropy())
    axes = figure.axes[0]
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [("0", 0)]
    assert np.isnan(axes.lines[0].get_xdata()).tolist() == [True, False, False]
    drawn(figure)


def test_notebooks_get_a_png():
    assert plots.examples(IMAGES, LABELS)._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")


def test_text_in_an_svg_is_text_and_the_file_is_the_same_each_time():
    def picture():
        return plots.confusion_matrix(np.array([[8, 2], [0, 5]]), ["cat", "dog"]).svg()

    svg = picture()
    assert svg.startswith(b"<?xml")
    for word in (b"cat", b"dog", b"13 of 15 right", b"true class"):
        assert b">" + word + b"</text>" in svg
    assert picture() == svg
    fonttype = matplotlib.rcParams["svg.fonttype"]
    assert fonttype == matplotlib.rcParamsDefault["svg.fonttype"]


def test_pyplot_is_not_touched():
    code = "import sys, backprop.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
