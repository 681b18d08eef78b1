"""The table and the picture of the race."""

from dataclasses import replace

from threadpoolctl import threadpool_limits

from .measured import Measured, between, digits, machine, milliseconds
from .memory import peak_memory
from .race import TASKS, race
from .sides import OURS, available, versions


class Results(Measured):
    """How fast every side is at every workload."""

    title = (
        "Times of one step; how many times as fast ours is: median of the rounds, least and largest"
    )
    header = (
        "workload",
        "task",
        "side",
        "ms",
        "spread",
        "examples/s",
        "ours",
        "spread",
        "of peak",
        "MB",
    )
    words = 3

    def cells(self):
        shown = []
        for row in self.rows:
            time, ratio, memory = row["seconds_spread"], row["ratio_spread"], row["memory"]
            cells = [row["workload"], row["task"], row["side"], milliseconds(time["median"])]
            cells.append(between(milliseconds(time["least"]), milliseconds(time["largest"])))
            cells.append(f"{row['examples_per_second']:,.0f}")
            low, high = digits(ratio["least"]), digits(ratio["largest"])
            ours = row["side"] == OURS
            cells += ["", ""] if ours else [digits(ratio["median"]), between(low, high)]
            cells.append(f"{row['share_of_peak']:.0%}")
            cells.append("" if memory is None else digits(memory / 1e6))
            shown.append(tuple(cells))
        return shown

    def plot(self):
        from .pictures import draw_race

        return draw_race(self.rows)


def measure(workloads, peers, *, rounds, seconds, threads, memory=True, tell=lambda line: None):
    """Race on `workloads` and return the Results.

    Args:
        workloads: Workloads.
        peers: names of sides to race against.
        rounds: how often each side has its turn.
        seconds: how long a turn is at least.
        threads: how many each side may use.
        memory: whether to measure the peak memory too, each side in a process of its own.
        tell: called with a line for each workload before it is raced.
    """
    kinds, missing = available("bench", peers, threads)
    notes = [f"{name} is left out: {reason}" for name, reason in missing.items()]
    rows, used = [], {}
    with threadpool_limits(threads):
        for workload in workloads:
            tell(f"{workload.name}: {workload.described}, batches of {workload.batch}")
            found, unfit = race(workload, kinds, rounds, seconds, threads)
            if memory:
                used = {name: peak_memory(workload.name, name, threads) for name in _sides(found)}
            rows += [
                replace(row, memory=used.get(row.side) if row.task == "train" else None)
                for row in found
            ]
            notes += [f"{workload.name}: {name} is left out: {why}" for name, why in unfit.items()]
    peak = max(row.peak for row in rows)
    settings = {"rounds": rounds, "seconds a turn": seconds, "threads": threads}
    settings |= {"peak in GF/s": round(2 * peak / 1e9, 1)} | machine() | versions(kinds.values())
    return Results([replace(row, peak=peak).to_dict() for row in rows], settings, notes)


def _sides(rows):
    return [row.side for row in rows if row.task == TASKS[0]]
