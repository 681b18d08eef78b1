"""Run every benchmark and leave tables, pictures and figures in this folder.

    python benchmarks/run.py [--quick]

Each one is also a command, `backprop bench --measure NAME`, which works without a checkout; so the
code is in `backprop/bench/`, and this script only calls it. The tables take the place of those in
README.md, below the line that says so, and a summary that of the project's README.
"""

import json
import sys
from pathlib import Path
from statistics import median

from backprop.bench import gradient_cost, growth, results, startup
from backprop.bench.sides import OURS, SIDES, USUAL
from backprop.bench.workloads import WORKLOADS

FOLDER = Path(__file__).parent
LINE = "<!-- What follows is written by run.py. -->"
README, BEGIN, END = FOLDER.parent / "README.md", "<!-- race: -->", "<!-- :race -->"
HEADINGS = {
    "race": "## Against the peers",
    "growth": "## How the time grows",
    "startup": "## Starting up",
    "gradient": "## The cost of a gradient",
}


def main(quick):
    peers = USUAL if quick else list(SIDES)[1:]
    rounds, seconds = (5, 0.1) if quick else (9, 0.3)
    how = {"rounds": rounds, "threads": 2, "tell": lambda line: print(line, flush=True)}
    found = {
        "race": results.measure(WORKLOADS.values(), peers, seconds=seconds, **how),
        "growth": growth.measure(seconds=seconds, **how),
        "startup": startup.measure(peers, **how),
        "gradient": gradient_cost.measure(seconds=seconds, **how),
    }
    parts = [(FOLDER / "README.md").read_text().partition(LINE)[0] + LINE]
    for name, measured in found.items():
        measured.save(FOLDER / f"{name}.json", FOLDER / f"{name}.png")
        parts += [HEADINGS[name], measured.markdown(), f"![]({name}.png)"]
    (FOLDER / "README.md").write_text("\n\n".join(parts) + "\n")
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n\n{summary(FOLDER / 'race.json')}\n\n{END}{after}")


def summary(path):
    """Return the table of the project's README: ours against PyTorch, with Numba and without."""
    race = json.loads(path.read_text())
    seconds = {(r["workload"], r["task"], r["side"]): r["seconds"] for r in race["rows"]}
    lines = [
        "| times as fast as PyTorch | training | NumPy alone | predicting | NumPy alone |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for workload in WORKLOADS.values():
        cells = [f"{workload.name}: {workload.described}, batches of {workload.batch}"]
        for task in ("train", "predict"):
            theirs = seconds[workload.name, task, "pytorch"]
            for side in (OURS, "NumPy alone"):
                ours = seconds[workload.name, task, side]
                ratio = median(t / o for o, t in zip(ours, theirs, strict=True))
                cells.append(f"{ratio:.2f}")
        lines.append(f"| {' | '.join(cells)} |")
    settings = race["settings"]
    made_on = ", ".join(
        f"{name} {settings[name]}"
        for name in ("processor", "cores", "threads", "rounds", "Python", "NumPy", "numba", "torch")
    )
    return "\n".join([*lines, "", f"Medians of rounds in turns; {made_on}."])


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
