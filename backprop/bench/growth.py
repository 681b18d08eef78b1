"""How the time of a step grows while one thing about a network doubles.

The exponent is that of the power that fits best: 1 where the time doubles with the size. Beside it
stands the exponent of the work, the multiply-adds of the step. Where the first is no larger than
the second, the time grows no faster than the work. Small sizes have a fixed cost that flattens the
line, so the last doubling is given too.
"""

from statistics import median

from threadpoolctl import threadpool_limits

from ..layers import LSTM, Conv2D, Dense, Flatten, Last, MaxPool, ReLU
from .measured import Measured, digits, machine, milliseconds
from .sides import OURS, load
from .timing import exponent, in_turns, spread, turn
from .workloads import CLASSES, Workload, prepare, step_multiply_adds


def _perceptron(width, depth):
    hidden = [layer for _ in range(depth) for layer in (Dense(width), ReLU())]
    return [*hidden, Dense(CLASSES)]


def _batch(size):
    return Workload("batch", "", (256,), lambda: _perceptron(256, 2), size)


def _width(size):
    return Workload("width", "", (size,), lambda: _perceptron(size, 2), 64)


def _depth(size):
    return Workload("depth", "", (256,), lambda: _perceptron(256, size), 64)


def _side(size):
    layers = [Conv2D(16, 3), ReLU(), Conv2D(16, 3), ReLU(), MaxPool(2), Flatten(), Dense(CLASSES)]
    return Workload("image side", "", (size, size, 3), lambda: layers, 16)


def _length(size):
    return Workload("length", "", (size, 32), lambda: [LSTM(64), Last(), Dense(CLASSES)], 32)


SERIES = {
    "batch": (_batch, (16, 32, 64, 128, 256, 512, 1024)),
    "width": (_width, (32, 64, 128, 256, 512, 1024)),
    "depth": (_depth, (1, 2, 4, 8, 16, 32)),
    "image side": (_side, (8, 16, 32, 64, 128)),
    "length": (_length, (8, 16, 32, 64, 128, 256)),
}
"""For each thing that doubles: what makes the workload of a size, and the sizes."""


class Growth(Measured):
    """The time of a step at every size, and how it grows."""

    title = "Time of a training step while one thing doubles"
    header = ("doubled", "sizes", "ms", "exponent", "of the work", "last doubling", "of the work")
    words = 2

    def cells(self):
        return [
            (
                row["doubled"],
                f"{row['sizes'][0]} to {row['sizes'][-1]}",
                " ".join(milliseconds(each["median"]) for each in row["seconds_spread"]),
                f"{row['exponent']:.2f}",
                f"{row['work_exponent']:.2f}",
                digits(row["last_doubling"]),
                digits(row["work_last_doubling"]),
            )
            for row in self.rows
        ]

    def plot(self):
        from .pictures import draw_growth

        return draw_growth(self.rows)


def measure(*, rounds, seconds, threads, series=SERIES, tell=lambda line: None):
    """Measure all `series` and return the Growth; the other arguments are those of the race."""
    kind, rows = load(OURS, threads), []
    with threadpool_limits(threads):
        for name, (make, sizes) in series.items():
            tell(f"growth: {name}")
            problems = [prepare(make(size)) for size in sizes]
            sides = [kind(problem, threads) for problem in problems]
            times = [[] for _ in sizes]
            for number in range(rounds):
                for k in in_turns(range(len(sizes)), number):
                    cycle, _ = turn(sides[k].start, sides[k].train, seconds)
                    times[k].append(cycle / problems[k].workload.batches)
            work = [each.workload.batch * step_multiply_adds(each.net) for each in problems]
            rows.append(_row(name, sizes, times, work))
    settings = {"rounds": rounds, "seconds a turn": seconds, "threads": threads}
    return Growth(rows, settings | machine())


def _row(name, sizes, times, work):
    middle = [median(each) for each in times]
    return {
        "doubled": name,
        "sizes": list(sizes),
        "seconds": times,
        "seconds_spread": [spread(each) for each in times],
        "multiply_adds": work,
        "exponent": exponent(sizes, middle),
        "work_exponent": exponent(sizes, work),
        "last_doubling": middle[-1] / middle[-2],
        "work_last_doubling": work[-1] / work[-2],
    }
