"""Words in a plane: their vectors from the side on which they differ most."""

import numpy as np

from ...plots import BLUE, ORANGE, Picture
from ..axes import open_frame

GROUPS = {
    "people": ("father mother son daughter brother sister wife king queen priest servant", BLUE),
    "treasure": ("gold silver brass iron blue purple scarlet linen", ORANGE),
    "animals": ("sheep oxen asses camels goats bullock ram lamb", "#009E73"),
    "food": ("bread water wine oil meat corn milk honey", "#A0508A"),
    "numbers": ("two three four five six seven eight ten twenty thirty hundred", "#666666"),
    "war": ("sword spear shield bow army battle horses chariots", "#000000"),
    "names": ("david saul solomon joab moses aaron jacob joseph pharaoh elijah", "#8A6D00"),
}
"""The words, and the colours that follow the palette of `plots`."""
SIZE = 8
"""Of the labels, in points."""


def plane(rows, /):
    """Return rows (N, D) in the two directions in which they vary most, and these' shares.

    Principal components: of the rows less their mean, X = U S V^T, the first two columns of X V.
    """
    X = rows - rows.mean(axis=0)
    _, S, Vt = np.linalg.svd(X, full_matrices=False)
    return X @ Vt[:2].T, S[:2] ** 2 / (S**2).sum()


def draw(model, /):
    """Draw `GROUPS`, as far as `model` has these words."""
    figure = Picture(9, 6.4)
    axes = figure.add_subplot()
    words = [word for members, _ in GROUPS.values() for word in members.split() if word in model]
    xy, shares = plane(model.directions()[[model.index[word] for word in words]])
    places = dict(zip(words, xy, strict=True))
    colors = {word: color for members, color in GROUPS.values() for word in members.split()}
    axes.scatter(*xy.T, s=9, c=[colors[word] for word in words])
    axes.set(
        xlabel=f"first direction ({shares[0]:.0%} of the variance)",
        ylabel=f"second direction ({shares[1]:.0%})",
    )
    for group, (_, color) in GROUPS.items():
        axes.scatter([], [], s=9, color=color, label=group)
    figure.legend(loc="outside upper center", ncols=len(GROUPS), frameon=False)
    open_frame(axes, grid=None)
    axes.margins(0.08)
    _label(figure, axes, places, colors)
    return figure


def _label(figure, axes, places, colors):
    """Write each word beside its point, where it meets no other word and no other point."""
    figure.draw_without_rendering()  # only then it is known where the points are on the paper
    scale = 72 / figure.dpi
    points = axes.transData.transform(list(places.values())) * scale
    taken = [(x - 2, y - 2, x + 2, y + 2) for x, y in points]
    for (word, place), point in zip(places.items(), points, strict=True):
        width, height = 0.62 * SIZE * len(word), SIZE
        tried = []
        for distance in (4, 9, 15, 22):
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
                x = point[0] + dx * distance - (1 - dx) * width / 2
                y = point[1] + dy * distance - height / 2
                box = (x, y, x + width, y + height)
                tried.append((sum(_meet(box, other) for other in taken), len(tried), box))
        box = min(tried)[2]
        taken.append(box)
        away = (box[0] - point[0], box[1] - point[1])
        axes.annotate(
            word, place, away, textcoords="offset points", fontsize=SIZE, color=colors[word]
        )


def _meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
