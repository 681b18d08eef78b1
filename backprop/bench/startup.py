"""How long it takes before anything begins: imports and `--help`, in fresh interpreters."""

import time
from statistics import median

from .child import python
from .measured import Measured, digits, machine, milliseconds
from .sides import SIDES, available
from .timing import spread

COMMANDS = {
    "python": ("-c", "pass"),
    "import numpy": ("-c", "import numpy"),
    "import backprop": ("-c", "import backprop"),
    "backprop --help": ("-m", "backprop", "--help"),
}
"""What is started, by name. Bare Python and NumPy are part of all that follows."""
PEERS = {
    "pytorch": ("import torch", ("-c", "import torch")),
    "jax": ("import jax", ("-c", "import jax")),
    "scikit-learn": ("import sklearn", ("-c", "from sklearn.neural_network import MLPClassifier")),
}


class Startup(Measured):
    """The seconds that each command takes from start to end."""

    title = "Time from the start of a fresh interpreter to its end"
    header = ("command", "ms", "least", "largest", "over bare Python")

    def cells(self):
        bare = self.rows[0]["seconds_spread"]["median"]
        return [
            (
                row["command"],
                *(milliseconds(row["seconds_spread"][k]) for k in ("median", "least", "largest")),
                digits(1e3 * max(row["seconds_spread"]["median"] - bare, 0)),
            )
            for row in self.rows
        ]

    def plot(self):
        from .pictures import draw_startup

        return draw_startup(self.rows)


def measure(peers, *, rounds, threads, tell=lambda line: None):
    """Start everything `rounds` times in turn, after once that is not counted; return Startup."""
    found, missing = available("bench", peers, threads)
    commands = COMMANDS | dict(PEERS[name] for name in SIDES if name in found and name in PEERS)
    notes = [f"{name} is left out: {reason}" for name, reason in missing.items()]
    tell(f"startup: {', '.join(commands)}")
    times = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, words in commands.items():
            begun = time.perf_counter()
            python(*words)
            if number:
                times[name].append(time.perf_counter() - begun)
    rows = [
        {"command": name, "seconds": each, "seconds_spread": spread(each)}
        for name, each in times.items()
    ]
    rows.sort(key=lambda row: (row["command"] != "python", median(row["seconds"])))
    return Startup(rows, {"rounds": rounds} | machine(), notes)
