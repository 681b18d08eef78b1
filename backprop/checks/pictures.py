"""Pictures of a gradient check: each gradient against its estimate, and where the two differ."""

import numpy as np
from matplotlib.patches import Rectangle

from ..plots import Picture
from .comparison import CENTRAL_TOLERANCE, VERDICTS

MARKS = {
    "ok": ("#0072B2", "o"),
    "undefined here": ("#6E7781", "s"),
    "cannot tell": ("#E69F00", "^"),
    "wrong": ("#D55E00", "X"),
}
"""A colour and a shape for each verdict, told apart by colour-blind eyes too."""
TILES = 8
"""How many tiles of a tensor are drawn in a row or column at most."""


def draw(report):
    """Return a Picture with a row for each tensor: entry by entry on the left, a map on the right.

    On the left every checked entry is a mark, its estimate to the right and the gradient upwards:
    what is right lies on the line. On the right the differences stand where their entries are:
    kernels and images as tiles, one for each channel, a recurrent layer's gates side by side. Grey
    entries were not checked.
    """
    rows = report.comparisons
    H = _gate_width(rows)
    picture = Picture(9.5, 0.5 + 3.0 * max(len(rows), 1))
    picture.suptitle(report.title, fontsize=11)
    for place, row in enumerate(rows):
        _draw_entries(picture.add_subplot(len(rows), 2, 2 * place + 1), row)
        _draw_map(picture, picture.add_subplot(len(rows), 2, 2 * place + 2), row, H)
    return picture


def _draw_entries(axes, row):
    values = np.concatenate([row.best, row.of_checked])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if len(values) else (0.0, 1.0)
    margin = 0.06 * (high - low or 1.0)
    ends = (low - margin, high + margin)
    axes.plot(ends, ends, color="#8C959F", linewidth=0.8, zorder=1)
    verdicts = row.verdicts
    for code, verdict in enumerate(VERDICTS):
        chosen = verdicts == code
        colour, mark = MARKS[verdict]
        if chosen.any():
            axes.errorbar(
                row.best[chosen],
                row.of_checked[chosen],
                xerr=_slopes(row, chosen),
                fmt=mark,
                color=colour,
                markersize=4,
                elinewidth=0.6,
                label=f"{verdict}: {chosen.sum()}",
            )
    axes.set(xlim=ends, ylim=ends, xlabel="estimate", ylabel=f"d{row.name}")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _slopes(row, chosen):
    """Return how far the one-sided slopes reach, below and above the estimate."""
    low, high = np.minimum(row.left, row.right), np.maximum(row.left, row.right)
    reach = np.stack([row.best - low, high - row.best])[:, chosen]
    return np.where(row.kinks[chosen], np.maximum(reach, 0), 0)


def _draw_map(picture, axes, row, H):
    errors = np.full(row.analytic.size, np.nan)
    with np.errstate(invalid="ignore"):
        errors[row.checked] = (row.of_checked - row.best) / row.scale
    errors[row.checked[row.kinks]] = 0
    flat = _unfolded(errors.reshape(row.shape), row.name)
    finite = flat[np.isfinite(flat)]
    largest = max(float(np.abs(finite).max(initial=0)), CENTRAL_TOLERANCE)
    axes.set_facecolor("#D0D7DE")
    drawn = axes.imshow(flat, cmap="RdBu_r", vmin=-largest, vmax=largest, aspect="auto")
    for cut in range(H, row.shape[-1] if H and len(row.shape) < 3 else 0, H or 1):
        axes.axvline(cut - 0.5, color="black", linewidth=0.8)
    kinks = np.zeros(row.analytic.size)
    kinks[row.checked[row.kinks]] = 1
    if kinks.any():
        spots = _unfolded(kinks.reshape(row.shape), row.name)
        for i, j in np.argwhere(spots == 1):
            edge = Rectangle(
                (j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#6E7781", linewidth=0.6
            )
            axes.add_patch(edge)
    axes.set(xticks=[], yticks=[], title=f"(d{row.name} - estimate) / largest, shape {row.shape}")
    axes.title.set_fontsize(9)
    picture.colorbar(drawn, ax=axes, shrink=0.85)


def _gate_width(rows):
    """Return H where a recurrent layer has its gates side by side, (H, 3H) or (H, 4H); or 0."""
    for row in rows:
        if len(row.shape) == 2 and row.shape[1] in (3 * row.shape[0], 4 * row.shape[0]):
            return row.shape[0]
    return 0


def _unfolded(a, name):
    """Return a tensor as a matrix, its tiles apart."""
    if a.ndim < 3:
        return np.atleast_2d(a)
    if a.ndim == 3:
        return _tiled(a[:TILES, np.newaxis])
    if a.ndim > 4:
        a = a.reshape(-1, *a.shape[-3:])
    # Kernels (K, K, C, F) or (F, C, K, K); images (N, H, W, C) or (N, C, H, W).
    if name.rpartition(".")[2].startswith("x"):
        a = a.transpose(0, 3, 1, 2) if a.shape[3] <= a.shape[1] else a
    elif a.shape[2] != a.shape[3] or a.shape[0] == a.shape[1]:
        a = a.transpose(2, 3, 0, 1)
    return _tiled(a.reshape(-1, *a.shape[-3:])[:TILES, :TILES])


def _tiled(a):
    """Return tiles (rows, columns, H, W) as one matrix with gaps between them."""
    R, C, H, W = a.shape
    flat = np.full((R * (H + 1) - 1, C * (W + 1) - 1), np.nan)
    for r, c in np.ndindex(R, C):
        flat[r * (H + 1) : r * (H + 1) + H, c * (W + 1) : c * (W + 1) + W] = a[r, c]
    return flat
