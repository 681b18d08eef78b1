"""The pictures of the benchmarks."""

import numpy as np

from ..plots.picture import BLUE, ORANGE, Picture
from .sides import OURS

GREEN, VIOLET = "#009E73", "#CC79A7"  # of the same palette
COLOURS = {
    OURS: BLUE,
    "pytorch": ORANGE,
    "torch.compile": "#E69F00",
    "jax": GREEN,
    "scikit-learn": VIOLET,
}
TITLES = {"train": "a training step", "predict": "a prediction"}


def draw_race(rows):
    """Draw how many times as fast as each peer ours is, for both tasks.

    Where there is no peer, the share of the peak that ours reaches is drawn.
    """
    peers = [name for name in COLOURS if name != OURS and any(r["side"] == name for r in rows)]
    workloads = list(dict.fromkeys(row["workload"] for row in rows))
    figure = Picture(8.6, 1.3 + 0.55 * len(workloads))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, task in zip(panels, TITLES, strict=True):
        for place, name in enumerate(peers or [OURS]):
            shown = [r for r in rows if r["task"] == task and r["side"] == name]
            shift = (place - (len(peers or [0]) - 1) / 2) * 0.2
            _dots(axes, shown, workloads, shift, name, ratios=bool(peers))
        axes.set_title(TITLES[task], fontsize=10)
        axes.set_yticks(range(len(workloads)), workloads)
        axes.set_xlabel(
            "times as fast as the peer (right of 1: faster)" if peers else "share of the peak"
        )
        _open(axes)
    panels[0].invert_yaxis()
    if peers:
        panels[0].legend(frameon=False, fontsize=8)
    return figure


def _dots(axes, rows, workloads, shift, name, ratios):
    """Draw the median of each row with its spread."""
    y = [workloads.index(row["workload"]) + shift for row in rows]
    if not ratios:
        axes.plot([row["share_of_peak"] for row in rows], y, "o", color=COLOURS[name])
        axes.set_xlim(0, None)
        return
    middle, low, high = (
        np.array([row["ratio_spread"][key] for row in rows])
        for key in ("median", "least", "largest")
    )
    error = [middle - low, high - middle]
    axes.errorbar(middle, y, xerr=error, fmt="o", color=COLOURS[name], markersize=4, label=name)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")


def draw_growth(rows):
    """Draw the time of a step against the multiply-adds in it, and slope 1 beside it."""
    figure = Picture(2.6 * len(rows), 2.8)
    for place, row in enumerate(rows, start=1):
        axes = figure.add_subplot(1, len(rows), place)
        middle, low, high = (
            1e3 * np.array([each[key] for each in row["seconds_spread"]])
            for key in ("median", "least", "largest")
        )
        sizes, work = np.array(row["sizes"]), np.array(row["multiply_adds"])
        error = [middle - low, high - middle]
        axes.errorbar(sizes, middle, yerr=error, fmt="o-", color=BLUE, markersize=3, label="time")
        proportional = middle[-1] * work / work[-1]
        axes.plot(sizes, proportional, ":", color="black", label="proportional to the work")
        axes.set(xscale="log", yscale="log", xlabel=row["doubled"])
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(f"exponent {row['exponent']:.2f}", fontsize=9)
        _open(axes)
        if place == 1:
            axes.set_ylabel("ms a step")
            axes.legend(frameon=False, fontsize=7)
    return figure


def draw_startup(rows):
    """Draw the time of each command."""
    figure = Picture(6.4, 0.9 + 0.3 * len(rows))
    axes = figure.add_subplot()
    middle, low, high = (
        np.array([row["seconds_spread"][key] for row in rows])
        for key in ("median", "least", "largest")
    )
    names = [row["command"] for row in rows]
    colours = [BLUE if "backprop" in name else "#999999" for name in names]
    axes.barh(names, middle, xerr=[middle - low, high - middle], color=colours, capsize=2)
    axes.invert_yaxis()
    axes.set_xlabel("seconds")
    _open(axes, grid="x")
    return figure


WAYS = (
    ("paths", "sum over all paths", GREEN, "^"),
    ("central", "central differences", ORANGE, "s"),
    ("backpropagation", "backpropagation", BLUE, "o"),
)


def draw_gradient_cost(rows):
    """Draw the three costs: against the parameters as networks widen, and as they deepen.

    Filled marks were measured in full; hollow ones are of some entries, or counted.
    """
    largest = max(rows, key=lambda row: row["parameters"])
    wide = [row for row in rows if row["depth"] == largest["depth"]]
    deep = [row for row in rows if row["width"] != largest["width"] and row not in wide]
    deep += [row for row in wide if deep and row["width"] == deep[0]["width"]][:1]
    deep.sort(key=lambda row: row["depth"])
    panels = [("parameters", wide), *([("depth", deep)] if deep else [])]
    figure = Picture(4.6 * len(panels), 3.6)
    for place, (along, shown) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for key, name, colour, mark in WAYS:
            _cost_line(axes, along, shown, key, name, colour, mark)
        axes.set_yscale("log")
        axes.set_xscale("log", base=10 if along == "parameters" else 2)
        _open(axes)
        if along == "parameters":
            axes.set(xlabel="parameters", ylabel="cost of one gradient, in forward passes")
            axes.legend(frameon=False, fontsize=8)
            _gap(axes, largest)
        else:
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set(xlabel=f"hidden layers of {shown[0]['width']} units")
    return figure


def _cost_line(axes, along, rows, key, name, colour, mark):
    x, y = [row[along] for row in rows], [row[key] for row in rows]
    axes.plot(x, y, color=colour, linewidth=1)
    full = [_in_full(row, key) for row in rows]
    for filled in (True, False):
        chosen = [(a, b) for a, b, whole in zip(x, y, full, strict=True) if whole is filled]
        if chosen:
            style = {"color": colour} if filled else {"mfc": "white", "mec": colour}
            axes.plot(*zip(*chosen, strict=True), mark, markersize=4, ls="", **style)
    axes.plot([], [], mark, color=colour, ls="-", markersize=4, label=name)


def _in_full(row, key):
    if key == "central":
        return row["moved"] == row["parameters"]
    return key != "paths" or row["paths_measured"] is not None


def _gap(axes, row):
    """Say at the largest network how many times as long central differences take."""
    x, low, high = row["parameters"], row["backpropagation"], row["central"]
    axes.annotate("", (x, high), (x, low), arrowprops={"arrowstyle": "<->", "linewidth": 0.8})
    text = f"{row['times_as_long'] / 1e6:.2g} million times"
    if row["times_as_long"] < 1e6:
        text = f"{row['times_as_long']:,.0f} times"
    middle = np.sqrt(low * high)
    axes.text(x, middle, text + " ", ha="right", va="center", fontsize=8)


def _open(axes, grid="both"):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, axis=grid)
