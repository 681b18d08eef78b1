"""The race: the sides take turns on the same problem, from the same weights.

A turn goes back to the problem's weights and begins with one cycle over the batches that is not
counted. Its losses (or outputs) are compared with those that this package finds: if they differ,
the sides do not do the same work and nothing is timed. Then cycles are counted until the turn's
seconds have passed. In every other round the order is reversed.
"""

from dataclasses import asdict, dataclass
from statistics import median

from .agreement import agree_on_losses, agree_on_outputs
from .sides import OURS
from .sides.side import Unfit
from .timing import in_turns, matrix_product_peak, spread, turn
from .workloads import prepare, step_multiply_adds

TASKS = ("train", "predict")


@dataclass(frozen=True)
class Row:
    """One side at one task of one workload."""

    workload: str
    task: str
    side: str
    batch: int
    parameters: int
    multiply_adds: int
    """Of one step: forward and backward, or forward alone, for the whole batch."""
    seconds: tuple[float, ...]
    """Of one step, in each round."""
    ratios: tuple[float, ...]
    """Our throughput over this side's, round by round."""
    peak: float
    """Multiply-adds a second of a large matrix product, the best in the same run."""
    memory: int | None = None
    """Bytes that the side's own process grew by, after the imports, at the most."""

    @property
    def examples_per_second(self):
        """The throughput in the median round."""
        return self.batch / median(self.seconds)

    @property
    def share_of_peak(self):
        """How much of the peak the median round comes to."""
        return self.multiply_adds / median(self.seconds) / self.peak

    def to_dict(self):
        """Return everything, the figures worked out too, as JSON has it."""
        return {
            **asdict(self),
            "seconds": list(self.seconds),
            "ratios": list(self.ratios),
            "seconds_spread": spread(self.seconds),
            "ratio_spread": spread(self.ratios),
            "examples_per_second": self.examples_per_second,
            "share_of_peak": self.share_of_peak,
        }


def race(workload, kinds, rounds, seconds, threads):
    """Race on one workload; return the Rows, and `{side: reason}` of those that had to stay out.

    Args:
        workload: a Workload.
        kinds: `{name: class}` of the sides, ours among them.
        rounds: how often each side has its turn.
        seconds: how long a turn is at least.
        threads: how many each side may use.

    Raises:
        Disagreement: a side does not find our losses or outputs.
    """
    problem = prepare(workload)
    sides, unfit = {}, {}
    for name, kind in kinds.items():
        try:
            sides[name] = kind(problem, threads)
        except Unfit as reason:
            unfit[name] = str(reason)
    peak, times = 0.0, {(task, name): [] for task in TASKS for name in sides}
    for number in range(rounds):
        peak = max(peak, matrix_product_peak())
        for task in TASKS:
            found = _round(workload, sides, task, seconds, in_turns(sides, number))
            for name, each in found.items():
                times[task, name].append(each)
    return [_row(problem, task, name, times, peak) for task, name in times], unfit


def _round(workload, sides, task, seconds, order):
    """Return the seconds of a step of each side; raise Disagreement if one computes otherwise."""
    times, values = {}, {}
    for name in order:
        side = sides[name]
        cycle, values[name] = turn(side.start, getattr(side, task), seconds)
        times[name] = cycle / workload.batches
    check = agree_on_losses if task == "train" else agree_on_outputs
    for name, side in sides.items():
        check(workload.name, name, values[OURS], values[name], side.gives_probabilities)
    return times


def _row(problem, task, name, times, peak):
    net, batch = problem.net, problem.workload.batch
    forward = net.multiply_adds(net.in_shapes[0])
    work = batch * (step_multiply_adds(net) if task == "train" else forward)
    mine, its = times[task, OURS], times[task, name]
    ratios = tuple(theirs / ours for ours, theirs in zip(mine, its, strict=True))
    return Row(
        problem.workload.name, task, name, batch, net.param_count, work, tuple(its), ratios, peak
    )
