"""What a gradient costs, in forward passes: backpropagation, central differences, sums over paths.

The three ways stand in `ways.py`. They are seen to give the same numbers before they are timed.
"""

import time
from statistics import median

from threadpoolctl import threadpool_limits

from .agreement import agree_on_gradients
from .measured import Measured, digits, machine, milliseconds
from .timing import seconds_per_call
from .ways import BATCH, Case, factors

WIDTHS = (1, 2, 4, 8, 16, 50, 158, 500, 1580)
"""Of networks of 10 to ten million parameters, from 1,000 on in steps of ten."""
DEPTH = 4
DEPTHS = (1, 2, 4, 8, 16, 32)
"""Of networks 8 wide."""
WIDTH = 8
WALKED = 300_000
"""The largest number of factors that is carried out."""
ENOUGH = 1e-6
"""How far two gradients may be apart, relative to the largest entry that is compared."""
FAMOUS = 1e7
"""Olah's ten million."""


class GradientCost(Measured):
    """What one gradient costs in each of the three ways, in forward passes."""

    title = "The cost of one gradient in forward passes"
    header = (
        "width",
        "depth",
        "parameters",
        "forward ms",
        "backpropagation",
        "central differences",
        "of them measured",
        "times as long",
        "sum over paths",
        "the same, measured",
    )
    words = 0

    def cells(self):
        shown = []
        for row in self.rows:
            walked = row["paths_measured"]
            shown.append(
                (
                    *(f"{row[name]:,}" for name in ("width", "depth", "parameters")),
                    milliseconds(row["forward_seconds"]),
                    digits(row["backpropagation"]),
                    power(row["central"]),
                    f"{row['moved']:,}",
                    power(row["times_as_long"]),
                    power(row["paths"]),
                    "" if walked is None else power(walked),
                )
            )
        return shown

    def plot(self):
        from .pictures import draw_gradient_cost

        return draw_gradient_cost(self.rows)


def power(value):
    """Return a number as text of three digits, in powers of ten from a million on."""
    mantissa, exponent = f"{value:.2e}".split("e")
    return digits(value) if value < 1e6 else f"{mantissa}e{int(exponent)}"


def measure(*, rounds, seconds, threads, widths=WIDTHS, depths=DEPTHS, tell=lambda line: None):
    """Measure networks that get wider, and others that get deeper; return the GradientCost.

    Args:
        rounds: how often each way has its turn.
        seconds: how long a turn is at least.
        threads: how many threads the matrix products may use.
        widths: of the networks of DEPTH hidden layers.
        depths: of the networks WIDTH wide.
        tell: called with a line for each network.
    """
    rows = []
    with threadpool_limits(threads):
        shapes = [("wider", n, DEPTH) for n in widths] + [("deeper", WIDTH, n) for n in depths]
        for series, width, depth in shapes:
            tell(f"gradient: width {width}, {depth} hidden")
            rows.append({"series": series, **cost(Case(width, depth), rounds, seconds)})
    settings = {"batch": BATCH, "rounds": rounds, "seconds a turn": seconds, "threads": threads}
    return GradientCost(rows, settings | machine(), _told(max(rows, key=_parameters)))


def _parameters(row):
    return row["parameters"]


def _told(row):
    """Return what the largest network says of ten million times."""
    p, times = row["parameters"], row["times_as_long"]
    days = row["central_seconds"] / 86400
    return [
        f"At {p:,} parameters a gradient by central differences takes {power(times)} times as long"
        f" as by backpropagation: {digits(days)} days, not"
        f" {milliseconds(row['backpropagation_seconds'])} ms. Ten million times is reached at"
        f" {power(p * FAMOUS / times)} parameters, if the line goes on."
    ]


def cost(case, rounds, seconds):
    """Return the row of a Case; raise Disagreement if the three ways do not agree."""
    p = case.net.param_count
    counted, forward_work = factors(case.sizes)
    walked = counted <= WALKED
    _agree(case, walked)
    turns = [_turn(case, seconds, walked) for _ in range(rounds)]
    forward, back, entry, paths, moved = zip(*turns, strict=True)
    return {
        "width": case.sizes[0],
        "depth": len(case.sizes) - 2,
        "parameters": p,
        "forward_seconds": median(forward),
        "backpropagation_seconds": median(back),
        "central_seconds": p * median(entry),
        "backpropagation": _median_ratio(back, forward),
        "central": p * _median_ratio(entry, forward),
        "moved": max(moved),
        "times_as_long": p * _median_ratio(entry, back),
        "paths": counted / forward_work,
        "paths_measured": median(paths) if walked else None,
    }


def _median_ratio(above, below):
    return median(a / b for a, b in zip(above, below, strict=True))


def _turn(case, seconds, walked):
    """Return the seconds of a forward pass, of backpropagation, and of one central difference.

    Then the time of the paths in plain forward passes, None unless `walked`, and how many central
    differences there were.
    """
    forward = seconds_per_call(case.forward, seconds)
    back = seconds_per_call(case.backpropagation, seconds)
    entry, moved = _central(case, seconds)
    if not walked:
        return forward, back, entry, None, moved
    plain = seconds_per_call(case.plain_forward, seconds / 4)
    return forward, back, entry, seconds_per_call(case.paths, seconds / 4) / plain, moved


def _central(case, seconds):
    """Return the time that one entry takes, and how many entries were found: all, or fewer."""
    count, begun = 0, time.perf_counter()
    for k in case.entries:
        case.central(k)
        count += 1
        if time.perf_counter() - begun > seconds:
            break
    return (time.perf_counter() - begun) / count, count


def _agree(case, walked):
    """Raise Disagreement unless all ways find the same numbers, as far as they are taken."""
    gradient = case.backpropagation()
    some = case.entries[:3]
    moved = [case.central(k) for k in some]
    agree_on_gradients("central differences", gradient[some], moved, ENOUGH)
    if walked:
        one = case.backpropagation(examples=1)
        agree_on_gradients("the sum over all paths", one, case.paths(), ENOUGH)
