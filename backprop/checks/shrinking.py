"""The smallest input that still fails: a wrong gradient is easiest to see in one or two numbers."""

import copy
import itertools
import time
from dataclasses import dataclass, field

import numpy as np

from .ours import OfLayer
from .subjects import Subject

TRIES, SECONDS = 60, 5.0
"""How many smaller inputs are tried at most, and for how long."""


@dataclass(frozen=True)
class Smallest:
    """The smallest input found that still fails."""

    shapes: dict
    name: str
    gradient: np.ndarray
    estimate: np.ndarray
    subject: Subject = field(repr=False)

    def __str__(self):
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        if self.gradient.size > 9:
            return shapes
        both = [np.squeeze(a) + 0.0 for a in (self.gradient, self.estimate)]
        apart = np.abs(both[0] - both[1]).max() / max(np.abs(both[0]).max(), 1e-300)
        digits = 6 if not apart < 1e-5 else 16
        numbers = [np.array2string(a, precision=digits) for a in both]
        if both[0].ndim < 2:
            return f"{shapes}; there d{self.name} is {numbers[0]} and should be {numbers[1]}"
        return f"{shapes}; there d{self.name} is\n{numbers[0]}\nand should be\n{numbers[1]}"


def smallest(subject, compare):
    """Return the Smallest input that still fails, or None if no smaller one does.

    Axes are cut shorter, to one at first, as long as the check fails. All axes of the same length
    are tried together, since a size is often that of several arrays; then each alone, and the first
    axis of all, which is the batch. A layer of this package is built anew for each shape.

    Args:
        subject: what failed.
        compare: `compare(subject)` returns the Comparisons that are wrong.
    """
    found, tries, smaller = None, 0, True
    end = time.process_time() + SECONDS
    while smaller:
        smaller = False
        for candidate in _candidates(subject):
            tries += 1
            if tries > TRIES or time.process_time() > end:
                return found
            try:
                wrong = compare(candidate)
            except Exception:  # it does not fit: there are many ways to say so
                continue
            if wrong:
                shapes = {name: x.shape for name, x in cuttable(candidate).items()}
                row = wrong[0]
                found = Smallest(shapes, row.name, row.analytic, row.estimated, candidate)
                subject, smaller = candidate, True
                break
    return found


def _candidates(subject):
    """Yield subjects with shorter axes, the boldest cut first."""
    parts = cuttable(subject)
    axes = [(name, axis) for name, x in parts.items() for axis in range(x.ndim)]
    length = lambda place: parts[place[0]].shape[place[1]]  # noqa: E731
    batch = [(name, 0) for name in parts if parts[name].ndim and length((name, 0)) == _batch(parts)]
    alike = [[p for p in axes if length(p) == L] for L in sorted({length(p) for p in axes})[::-1]]
    # Cut alone, a parameter's axis may fit by broadcasting only: the first array's, then.
    groups = [batch, *alike, *([place] for place in axes if place[0] == next(iter(parts)))]
    for share, group in itertools.product((0, 2, 1), filter(None, groups)):
        L = length(group[0])
        cut = {0: 1, 2: L // 2, 1: L - 1}[share]
        if 1 <= cut < L:
            made = cut_short(subject, dict.fromkeys(group, cut))
            if made is not None:
                yield made


def _batch(parts):
    first = next(iter(parts.values()), np.zeros(0))
    return first.shape[0] if first.ndim else 0


def cuttable(subject):
    """Return the arrays that may be cut: inputs, and labels that are passed along."""
    parts = dict(subject.inputs)
    constants = {n: v for n, v in subject.constants.items() if isinstance(v, np.ndarray)}
    target = getattr(subject, "target", None)
    return parts | constants | ({"target": target} if isinstance(target, np.ndarray) else {})


def cut_short(subject, lengths):
    """Return a copy of the subject with axes cut to `lengths`, or None if it cannot be built."""
    twin = subject.copy()
    below = getattr(twin, "below", twin)
    for (name, axis), length in lengths.items():
        holder = next((d for d in (below.inputs, below.constants) if name in d), None)
        array = twin.target if holder is None else holder[name]
        part = np.array(array[(slice(None),) * axis + (slice(length),)])
        if holder is None:
            twin.target = part
        else:
            holder[name] = part
    if isinstance(below, OfLayer):
        shapes = [x.shape[1:] for x in map(np.asarray, below.call())]
        layer = below.thing
        if [x.shape[1:] for x in subject.inputs.values()] != shapes:
            layer = _rebuilt(layer, shapes)
        if layer is None:
            return None
        below.thing = layer
    return twin


def _rebuilt(layer, shapes):
    """Return a layer like this one, built for other shapes, or None."""
    layer = copy.deepcopy(layer)
    if hasattr(layer, "in_shapes"):
        layer.in_shapes = None
    try:
        layer.build(*shapes, rng=np.random.default_rng(0), dtype=np.float64)
    except Exception:  # there are many ways to say that it cannot be built for these
        return None
    return layer
