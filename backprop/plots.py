"""Pictures of a training and of what was learned.

Every function returns a Figure: a notebook shows it, `figure.savefig("name.png")` writes it.
Nothing here touches pyplot, so no window opens, no figure stays in memory, and threads may draw at
once.

The two colours differ for colour-blind eyes too, in lightness as well as in hue.
"""

import io
import math

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from .errors import batch_of, expects

BLUE, ORANGE = "#0072B2", "#D55E00"
"""From the palette of Okabe and Ito, *Color universal design* (2008)."""
LONGEST = 14
"""How much of a class's name there is room for."""


class Picture(Figure):
    """A Figure that notebooks show without pyplot."""

    def __init__(self, width, height):
        super().__init__(figsize=(width, height), dpi=150, layout="constrained")

    def png(self):
        """Return the content of a PNG file."""
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()

    _repr_png_ = png


def learning_curves(history, /):
    """Draw the loss and, where there is one, the accuracy of every epoch.

    Args:
        history: what `fit` returned. A loss that spans more than a power of ten is drawn on a
            logarithmic axis, on which a steady decay is a straight line.

    Raises:
        ValueError: no epoch was finished.
    """
    if len(history) == 0:
        raise expects("learning_curves", "a history of at least one epoch", "none")
    panels = [("loss", history.loss, history.val_loss)]
    if not np.isnan(history.accuracy).all():
        panels.append(("accuracy", history.accuracy, history.val_accuracy))
    figure = Picture(4.2 * len(panels), 3.2)
    for place, (name, training, validation) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        axes.plot(history.epoch, training, "o-", color=BLUE, markersize=3, label="training")
        if not np.isnan(validation).all():
            axes.plot(
                history.epoch, validation, "s-", color=ORANGE, markersize=3, label="validation"
            )
            axes.legend(frameon=False)
        low, high = np.nanmin([training, validation]), np.nanmax([training, validation])
        if name == "loss" and 0 < 10 * low < high:
            axes.set_yscale("log")
            _written_out(axes.yaxis, low, high)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    return figure


def confusion_matrix(found, /, classes=None):
    """Draw how often each true class (row) was given each answer (column).

    The colour is the share of the row, on a scale that makes a few errors visible beside many right
    answers. Zeros are left out.

    Args:
        found: what `evaluate` returned, or its confusion matrix (K, K).
        classes: the names of the classes; numbers if not given.

    Raises:
        ValueError: there is no square matrix of counts, or not one name for each class.
    """
    counts = np.asarray(getattr(found, "confusion", found))
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.dtype.kind not in "iu":
        raise expects(
            "confusion_matrix",
            "counts of shape (K, K)",
            counts.shape if counts.dtype.kind in "iu" else counts.dtype,
        )
    K = len(counts)
    names = _names("confusion_matrix", classes, K)
    cell = min(max(4 / K, 0.42), 16 / K)  # inches
    figure = Picture(K * cell + 1.6, K * cell + 1.2)
    axes = figure.add_subplot()
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    drawn = axes.imshow(share, cmap="Blues", norm=PowerNorm(0.5, 0, 1))
    digits = max(2, len(str(counts.max())))
    size = min(9, 72 * cell / (0.75 * digits))
    for i, j in zip(*counts.nonzero(), strict=True):
        color = "white" if share[i, j] > 0.35 else "black"
        axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=color, fontsize=size)
    size = min(9, 72 * cell / 1.5)
    turned = max(map(len, names)) * size * 0.6 > 0.7 * 72 * cell
    axes.set_xticks(range(K), names, fontsize=size, rotation=90 if turned else 0)
    axes.set_yticks(range(K), names, fontsize=size)
    right, total = int(counts.trace()), int(counts.sum())
    axes.set(xlabel="answer", ylabel="true class", title=f"{right:,} of {total:,} right")
    _scale(figure, drawn, "share of the true class")
    return figure


def filters(layer, /):
    """Draw the kernels of a built Conv2D: a column for each filter, a row for each input channel.

    Kernels of a single channel are wrapped into a block. Blue is negative, red is positive, white
    zero; all share one scale.

    Raises:
        ValueError: the layer has no kernels of shape (K, K, C, F).
    """
    W = layer.params.get("W", np.empty(0))
    if W.ndim != 4:
        raise expects("filters", "a layer with W of shape (K, K, C, F)", repr(layer))
    K, L, C, F = W.shape
    most = max(abs(float(W.min())), abs(float(W.max())), np.finfo(W.dtype).tiny)
    tiles = W.transpose(2, 3, 0, 1).reshape(C * F, K, L)
    columns = _columns(F) if C == 1 else F
    title = f"{F} filters of {K}x{L}" + (f" for each of {C} channels" if C > 1 else "")
    return _tiled(tiles, columns, title, "weight", cmap="RdBu_r", vmin=-most, vmax=most)


def feature_maps(net, x, number, /):
    """Draw what layer `number` of a network makes of one image: a map for each channel.

    Args:
        net: a built Network with one input.
        x: one example, without the batch axis.
        number: the layer, as in `net[number]`.

    Raises:
        ValueError: there is no such layer, or its output for one example is no image (H, W, C).
    """
    if number not in range(len(net)):
        raise expects("feature_maps", f"a layer from 0 to {len(net) - 1}", number)
    values = [np.asarray(x)[np.newaxis]]
    net.predict(*values)  # complains about what does not fit
    for layer, reads in net.steps[: number + 1]:
        values.append(layer.predict(*(values[i] for i in reads)))
    maps = values[-1][0]
    if maps.ndim != 3:
        what = "a layer whose outputs are images (N, H, W, C)"
        raise expects("feature_maps", what, batch_of(maps.shape))
    title = f"{net[number].name}: {maps.shape[-1]} maps of {maps.shape[0]}x{maps.shape[1]}"
    return _tiled(maps.transpose(2, 0, 1), _columns(maps.shape[-1]), title, "value", cmap="viridis")


def wrong_predictions(images, labels, predictions, /, classes=None, *, outputs=None, most=25):
    """Draw images that were given a wrong answer.

    Args:
        images: (N, H, W, C), with one channel (grey) or three (colours from 0 to 1).
        labels: the true classes (N,).
        predictions: the answers (N,).
        classes: the names of the classes; numbers if not given.
        outputs: the outputs (N, K) of the network. With these the worst errors come first: those
            where the answer was furthest ahead of the true class.
        most: how many images to draw.

    Raises:
        ValueError: no images, or not one label and one prediction for each.
    """
    images, labels, predictions = _shown("wrong_predictions", images, labels, predictions)
    names = _names("wrong_predictions", classes, int(max(labels.max(), predictions.max())) + 1)
    wrong = np.flatnonzero(labels != predictions)
    if outputs is not None:
        ahead = outputs[wrong, predictions[wrong]] - outputs[wrong, labels[wrong]]
        wrong = wrong[np.argsort(-ahead, kind="stable")]
    shown = wrong[:most]
    title = f"{len(wrong):,} of {len(labels):,} answers are wrong"
    title += f", {len(shown)} shown" if len(shown) < len(wrong) else ""
    words = [f"true {names[labels[n]]}\nanswer {names[predictions[n]]}" for n in shown]
    return _gallery(images[shown], words, _columns(max(len(shown), 2)), title)


def examples(images, labels, /, classes=None, *, each=10):
    """Draw the first images of every class, a row for each class.

    Args:
        images: (N, H, W, C), with one channel (grey) or three (colours from 0 to 1).
        labels: their classes (N,).
        classes: the names of the classes; numbers if not given.
        each: how many images of a class to draw.

    Raises:
        ValueError: no images, or not one label for each.
    """
    images, labels = _shown("examples", images, labels)
    names = _names("examples", classes, int(labels.max()) + 1)
    H, W, C = images.shape[1:]
    table = np.full((len(names), each, H, W, C), images.max(), images.dtype)
    for c, row in enumerate(table):
        first = images[labels == c][:each]
        row[: len(first)] = first
    height = 6 / each * H / W * len(names)
    figure = Picture(6.3 + 0.1 * max(map(len, names)), height + 0.2)
    axes = figure.add_subplot()
    _draw(axes, _mosaic(table.reshape(-1, H, W, C), each, gap=images.max()))
    size = min(9, 72 * height / len(names) / 1.5)
    axes.set_yticks((H + 1) * np.arange(len(names)) + (H - 1) / 2, names, fontsize=size)
    return figure


def delta_norms(net, x, y, loss, /):
    r"""Draw the norm of delta at the output of every layer, for one batch.

    Read from bottom to top, as the deltas travel. Where they shrink by the same factor in every
    layer, the points lie on a straight line: a vanishing gradient.

    Args:
        net: a built Network.
        x: a batch of inputs; a tuple of arrays if the network has several inputs.
        y: the targets.
        loss: a Loss.
    """
    averages = net.averages
    out, caches = net.forward(*(x if isinstance(x, tuple) else (x,)), rng=0)
    net.averages = averages
    _, cache = loss.forward(out, y)
    deltas = net.deltas(loss.backward(cache), caches)[net.inputs :]
    norms = np.array([float(np.linalg.norm(delta.ravel())) for delta in deltas])
    places = np.arange(len(norms))
    figure = Picture(5, 0.24 * len(norms) + 1.1)
    axes = figure.add_subplot()
    axes.plot(np.where(norms > 0, norms, np.nan), places, "o-", color=BLUE, linewidth=1)
    if norms.any():
        axes.set_xscale("log")
        low, high = (math.log10(end) for end in (norms[norms > 0].min(), norms.max()))
        axes.set_xlim(10 ** (math.floor(low) - 0.05), 10 ** (math.ceil(high) + 0.05))
        _written_out(axes.xaxis, 10**low, 10**high)
    for place in places[norms == 0]:
        axes.annotate("0", (0.01, place), xycoords=("axes fraction", "data"), va="center")
    axes.set_yticks(places, [f"{number}  {layer.name}" for number, layer in enumerate(net)])
    axes.set_ylim(len(norms) - 0.5, -0.5)
    axes.set_xlabel(r"norm of $\delta$ at the layer's output")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    return figure


# Drawing


def _written_out(axis, low, high):
    """Write out the ticks of a logarithmic axis (0.05) and add some, if it spans few decades."""
    axis.set_minor_locator(NullLocator())
    if high < 1000 * low:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")


def _columns(count):
    """Return how many columns make a block of `count` tiles, rather wide than high."""
    return math.ceil(math.sqrt(1.5 * count))


def _mosaic(tiles, columns, gap=math.nan):
    """Return tiles (N, H, W, ...) as one picture; `gap` fills what is between and left over."""
    N, H, W, *rest = tiles.shape
    rows = math.ceil(N / columns)
    block = np.full((rows * columns, H + 1, W + 1, *rest), gap)
    block[:N, :H, :W] = tiles
    block = block.reshape(rows, columns, H + 1, W + 1, *rest).swapaxes(1, 2)
    return block.reshape(rows * (H + 1), columns * (W + 1), *rest)[:-1, :-1]


def _tiled(tiles, columns, title, label, **colors):
    """Return a Figure of tiles (N, H, W) of numbers, with their scale."""
    picture = _mosaic(tiles, columns)
    H, W = picture.shape
    width = min(max(0.09 * W, 3), 12)
    figure = Picture(width + 1, max(width * H / W, 1) + 0.5)
    axes = figure.add_subplot()
    drawn = axes.imshow(picture, interpolation="nearest", **colors)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    _scale(figure, drawn, label)
    return figure


def _scale(figure, drawn, label):
    """Put the scale of colours beside a picture, equally wide however large the picture is."""
    width, height = figure.get_size_inches()
    length = min(0.8 * height, 4)
    figure.colorbar(
        drawn, label=label, fraction=0.15 / width, shrink=length / height, aspect=length / 0.15
    )


def _gallery(images, words, columns, title):
    """Return a Figure of images with words under each of them."""
    rows = math.ceil(len(images) / columns)
    figure = Picture(1.25 * columns, 1.6 * rows + 0.5)
    figure.suptitle(title, fontsize=10)
    for place, (image, word) in enumerate(zip(images, words, strict=True), start=1):
        axes = figure.add_subplot(rows, columns, place)
        _draw(axes, image, vmin=images.min(), vmax=images.max())
        axes.set_xlabel(word, fontsize=8)
    return figure


def _draw(axes, image, **limits):
    """Draw an image (H, W, C) without ticks or frame."""
    grey = image.shape[-1] == 1
    axes.imshow(image[..., 0] if grey else image, cmap="gray", interpolation="nearest", **limits)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


# What is shown


def _names(who, classes, count):
    """Return the names of the classes, shortened to fit, or their numbers."""
    if classes is None:
        return [str(c) for c in range(count)]
    if len(classes) < count:
        raise expects(who, f"names for {count} classes", len(classes))
    return [
        name if len(name) <= LONGEST else name[: LONGEST - 1] + "…" for name in map(str, classes)
    ]


def _shown(who, images, *numbers):
    """Return the arguments as arrays, or raise ValueError."""
    images, *numbers = (np.asarray(each) for each in (images, *numbers))
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise expects(who, "images of shape (N, H, W, 1) or (N, H, W, 3)", images.shape)
    for each in numbers:
        if each.shape != (len(images),):
            raise expects(who, f"one class for each of {len(images)} images", each.shape)
    return images, *numbers
