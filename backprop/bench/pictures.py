"""The pictures of the benchmarks."""

import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from ..plots.picture import BLUE, ORANGE, Picture, written_out
from .sides import OURS

GREEN, VIOLET = "#009E73", "#CC79A7"  # of the same palette
COLOURS = {
    OURS: BLUE,
    "NumPy alone": "#777777",
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
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, task in zip(panels, TITLES, strict=True):
        for place, name in enumerate(peers or [OURS]):
            shown = [r for r in rows if r["task"] == task and r["side"] == name]
            shift = (place - (len(peers or [0]) - 1) / 2) * 0.2
            _dots(axes, shown, workloads, shift, name, ratios=bool(peers))
        axes.set_title(TITLES[task], fontsize=10)
        axes.set_yticks(range(len(workloads)), workloads)
        axes.set_xlabel(
            "times as fast as that side (right of 1: faster)" if peers else "share of the peak"
        )
        _open(axes)
    panels[0].invert_yaxis()
    if peers:
        low, high = panels[0].get_xlim()
        panels[0].set_xlim(min(low, 0.5), max(high, 2))  # the axis of both
        _logarithmic(panels[0].xaxis, *panels[0].get_xlim())
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside upper right", ncols=4, frameon=False, fontsize=8)
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
        _sizes(axes, row["sizes"])
        _logarithmic(axes.yaxis, *axes.get_ylim())
        powers = f"exponent {row['exponent']:.2f}, of the work {row['work_exponent']:.2f}"
        axes.set_title(powers, fontsize=8)
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
    wide, deep = ([r for r in rows if r["series"] == series] for series in ("wider", "deeper"))
    panels = [panel for panel in (("parameters", wide), ("depth", deep)) if panel[1]]
    figure = Picture(4.6 * len(panels), 3.6)
    for place, (along, shown) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for key, name, colour, mark in WAYS:
            _cost_line(axes, along, shown, key, name, colour, mark)
        axes.set(yscale="log", xscale="log")
        _logarithmic(axes.yaxis, *axes.get_ylim())
        _open(axes)
        if along == "parameters":
            axes.set(xlabel="parameters", ylabel="cost of one gradient, in forward passes")
            axes.legend(frameon=False, fontsize=8)
            _logarithmic(axes.xaxis, *axes.get_xlim())
            _gap(axes, shown[-1])
        else:
            _sizes(axes, [row["depth"] for row in shown])
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


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _logarithmic(axis, low, high):
    """Write out the ticks of a logarithmic axis, as powers of ten where it spans many decades."""
    written_out(axis, low, high)
    if high >= 1000 * low:
        axis.set_major_locator(LogLocator(numticks=8))
        axis.set_major_formatter(_power_of_ten)


def _power_of_ten(value, _):
    return "10" + f"{round(np.log10(value))}".translate(SUPERSCRIPTS)


def _sizes(axes, sizes):
    """Put a tick at every other size, the last one among them."""
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(sizes[::-2], [f"{size:g}" for size in sizes[::-2]])


def _open(axes, grid="both"):
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3, axis=grid)
