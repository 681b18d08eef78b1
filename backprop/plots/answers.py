"""Pictures of examples and of the answers that a network gave."""

import math

import numpy as np
from matplotlib.colors import PowerNorm

from ..errors import expects
from .picture import Picture, columns_for, draw_image, mosaic, scale

LONGEST = 14
"""How much of a class's name there is room for."""


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
    scale(figure, drawn, "share of the true class")
    return figure


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
    return _gallery(images[shown], words, columns_for(max(len(shown), 2)), title)


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
    draw_image(axes, mosaic(table.reshape(-1, H, W, C), each, gap=images.max()))
    size = min(9, 72 * height / len(names) / 1.5)
    axes.set_yticks((H + 1) * np.arange(len(names)) + (H - 1) / 2, names, fontsize=size)
    return figure


def _gallery(images, words, columns, title):
    """Return a Figure of images with words under each of them."""
    rows = math.ceil(len(images) / columns)
    figure = Picture(1.25 * columns, 1.6 * rows + 0.5)
    figure.suptitle(title, fontsize=10)
    for place, (image, word) in enumerate(zip(images, words, strict=True), start=1):
        axes = figure.add_subplot(rows, columns, place)
        draw_image(axes, image, vmin=images.min(), vmax=images.max())
        axes.set_xlabel(word, fontsize=8)
    return figure


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
