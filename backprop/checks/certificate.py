"""What `certify` found, as a table."""

import json
import platform
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from ..atomic import write
from .trials import Trial, code

HEADER = ("promise", "tried", "failed", "noted", "smallest configuration")


@dataclass(frozen=True)
class Outcome:
    """How a promise was kept."""

    promise: str
    """What is promised, in words."""
    tried: int
    """On how many configurations it was tried."""
    failed: int = 0
    """How many of them broke it."""
    noted: int = 0
    """How many more broke it, but may: no example stands alone where a batch is normalised."""
    smallest: Trial | None = None
    """The smallest configuration that breaks it."""
    reason: str | None = None
    """What is wrong there."""

    @property
    def configuration(self):
        """The smallest configuration in words."""
        if self.smallest is None:
            return ""
        inputs = " and ".join(map(repr, self.smallest.draws))
        return f"{code(self.smallest.layer)} on {inputs}"


@dataclass(frozen=True)
class Certificate:
    """Which promises a layer keeps: true if all of them, printed as a table."""

    name: str
    """The layer's class."""
    seed: int
    """What the configurations were drawn from."""
    outcomes: list[Outcome]
    """One for each promise."""

    def __bool__(self):
        """Whether no promise is broken."""
        return not any(outcome.failed for outcome in self.outcomes)

    def __getitem__(self, promise):
        """Return the Outcome of a promise, named by its words."""
        return next(outcome for outcome in self.outcomes if outcome.promise == promise)

    def assert_ok(self):
        """Raise AssertionError with the table as its message if a promise is broken."""
        if not self:
            raise AssertionError(str(self))

    def __str__(self):
        """Show the table, and under it what is wrong with the smallest configurations."""
        broken = sum(outcome.failed > 0 for outcome in self.outcomes)
        verdict = f"{broken} of {len(self.outcomes)} promises broken" if broken else "certified"
        rows = [HEADER, *map(_row, self.outcomes)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        faults: dict[str, list[str]] = {}
        for each in self.outcomes:
            if each.failed:
                fault = f"{each.reason}\nin {each.smallest!r}"
                faults.setdefault(fault, []).append(each.promise)
        told = [f"\n{'; '.join(promises)}: {fault}" for fault, promises in faults.items()]
        return "\n".join([f"{self.name}: {verdict}, seed {self.seed}", *table, *told])

    __repr__ = __str__

    def as_dict(self):
        """Return everything as plain values, which JSON can hold. It has no date of its own."""
        return {
            "layer": self.name,
            "certified": bool(self),
            "seed": self.seed,
            "python": platform.python_version(),
            "packages": {
                name: _version(name) for name in ("explicit-backprop", "numpy", "hypothesis")
            },
            "promises": [
                {
                    "promise": outcome.promise,
                    "tried": outcome.tried,
                    "failed": outcome.failed,
                    "noted": outcome.noted,
                    "smallest": outcome.configuration or None,
                    "reason": outcome.reason,
                }
                for outcome in self.outcomes
            ],
        }

    def to_json(self, path=None):
        """Return the certificate as JSON; write it to `path` if one is given."""
        text = json.dumps(self.as_dict(), indent=2)
        if path is not None:
            write("Certificate", path, (text + "\n").encode())
        return text


def _row(outcome):
    counts = map(str, (outcome.tried, outcome.failed, outcome.noted))
    return (outcome.promise, *counts, outcome.configuration)


def _version(name):
    if name == "numpy":
        return np.__version__
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
