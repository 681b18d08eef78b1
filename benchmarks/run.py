"""Run every benchmark and leave tables, pictures and figures in this folder.

    python benchmarks/run.py [--quick]

Each one is also a command, `backprop bench --measure NAME`, which works without a checkout; so the
code is in `backprop/bench/`, and this script only calls it. The tables take the place of those in
README.md, below the line that says so.
"""

import sys
from pathlib import Path

from backprop.bench import gradient_cost, growth, results, startup
from backprop.bench.sides import SIDES, USUAL
from backprop.bench.workloads import WORKLOADS

FOLDER = Path(__file__).parent
LINE = "<!-- What follows is written by run.py. -->"
HEADINGS = {
    "race": "## Against the peers",
    "growth": "## How the time grows",
    "startup": "## Starting up",
    "gradient": "## The cost of a gradient",
}


def main(quick):
    peers = USUAL if quick else list(SIDES)[1:]
    rounds, seconds = (5, 0.1) if quick else (15, 0.5)
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


if __name__ == "__main__":
    main("--quick" in sys.argv[1:])
