"""One example sent through a network and back: formula, line of code and numbers as one page."""

import dataclasses
import inspect
from typing import Any

import numpy as np

from ..network import Network
from .markup import LatexWriter, MarkdownWriter
from .picks import Entries, Picker, largest_of
from .recording import Recording
from .setting import Note, remarks
from .terminal import TextWriter

ROUNDS = 2
"""How many rounds of a loop are shown from its beginning; of more, the last one too."""


@dataclasses.dataclass(frozen=True)
class Title:
    """The head of the page or of one of its passes."""

    text: str
    level: int


@dataclasses.dataclass(frozen=True)
class Place:
    """A layer in one direction: what it reads and what it makes."""

    name: str
    flow: str


@dataclasses.dataclass(frozen=True)
class Sum:
    """A sum that no layer makes: of the deltas at a value, of the gradients of shared layers."""

    name: str
    terms: tuple
    total: Any


class Example:
    """The page of one example: `print` it, let a notebook show it, or take its `latex()`
    or its `html()`.

    Args:
        recording: all that was recorded, every value in full.
        digits: how many digits of a number are shown.
        small: how many numbers an array can have to be written out.
        pick: the names of entries to take apart, as in `explain`; None for the largest one of each
            array that is not written out.

    Raises:
        ValueError: a name that names nothing.
    """

    def __init__(self, recording: Recording, digits=6, small=16, pick=None):
        self.recording, self.digits, self.small, self.pick = recording, digits, small, pick
        picker = Picker(recording)
        names = [pick] if isinstance(pick, str) else pick or ()
        self.picked = [picker.picked(name) for name in names]
        """The picked entries, in their order."""

    def __str__(self):
        """Return the page for a terminal."""
        return TextWriter(self.digits, self.small).page(self.items())

    __repr__ = __str__

    def _repr_markdown_(self):
        """Return the page for a notebook."""
        return MarkdownWriter(self.digits, self.small).page(self.items())

    def latex(self):
        """Return the page as a LaTeX document, for a hand-out."""
        return LatexWriter(self.digits, self.small).page(self.items())

    def html(self):
        """Return the page for a browser: one file, which needs nothing else."""
        from .page import written

        return written(self.recording, self.digits, self.small)

    def items(self):
        """Yield what stands on the page, from top to bottom: parts as above, and records."""
        run = self.recording
        yield Title(f"{brief(run.net)}, L = {brief(run.loss)} = {run.value:.{self.digits}g}", 1)
        yield Title("Forward", 2)
        yield from self._forward(())
        output = value_name(run.net, len(run.net.shapes) - 1)
        yield Place("Loss", f"{brief(run.loss)} reads {output} as y, makes L and δ = dL/d{output}")
        yield from self._lines((), "loss")
        yield Title("Backward", 2)
        yield from self._backward(())
        yield from self._shared()
        made_by_no_line = tuple(one for one in self.picked if one.record is None)
        if made_by_no_line:
            yield Note("Picked, and made by no line of a layer:")
            yield Entries(made_by_no_line)
        yield from remarks(run)

    def _forward(self, prefix):
        net = self.recording.network(prefix)
        for number, (layer, reads) in enumerate(net.steps):
            steps, made = (*prefix, number), net.inputs + number
            given = ", ".join(value_name(net, value) for value in reads)
            shape = np.shape(self.recording.call(steps, "forward").returned)
            to = " and ".join(_readers(prefix, net, made)) or ("above" if prefix else "Loss")
            yield Place(name_of(steps, layer), f"{given} → {value_name(net, made)} {shape} → {to}")
            if isinstance(layer, Network):
                yield from self._forward(steps)
            else:
                yield from self._lines(steps, "forward")

    def _backward(self, prefix):
        net = self.recording.network(prefix)
        for number, (layer, reads) in reversed(list(enumerate(net.steps))):
            steps, made = (*prefix, number), net.inputs + number
            above = " and ".join(_readers(prefix, net, made)) or ("above" if prefix else "Loss")
            down = ", ".join(f"dL/d{value_name(net, value)}" for value in reads)
            if self.recording.call(steps, "backward").returned is None:
                down = "nothing: its input is whole numbers"
            flow = f"{above} → δ = dL/d{value_name(net, made)} → {down}"
            yield Place(name_of(steps, layer), flow)
            yield from self._fan_out(prefix, made)
            if isinstance(layer, Network):
                yield from self._backward(steps)
            else:
                yield from self._lines(steps, "backward")
        for value in range(net.inputs):
            yield from self._fan_out(prefix, value)

    def _fan_out(self, prefix, value):
        """Yield the sum of what the readers of a value hand down, if there are several."""
        terms = self.recording.handed(prefix, value)
        if len(terms) > 1 and terms[0] is not None:
            net = self.recording.network(prefix)
            yield Note(
                f"{value_name(net, value)} is read {len(terms)} times: its deltas are summed."
            )
            total = self.recording.delta_of(prefix, value)
            yield Sum(f"dL/d{value_name(net, value)}", tuple(terms), total)

    def _shared(self):
        """Yield the sums of gradients of layers that stand in several places."""
        run = self.recording
        for number, layer in run.net.owners():
            places = [n for n, other in enumerate(run.net) if other is layer]
            if len(places) > 1 and layer.params:
                everywhere = " and ".join(map(str, places))
                yield Place(
                    name_of((number,), layer), f"stands at {everywhere}: its gradients are summed"
                )
                calls = [run.call((place,), "backward") for place in reversed(places)]
                for name in layer.params:
                    terms = tuple(call.grads[name] for call in calls)
                    yield Sum(f"d{name}", terms, run.grads[f"{number}.{name}"])

    def _lines(self, steps, phase):
        """Yield the records of one layer's pass; of long loops the first and the last rounds."""
        here = (steps, phase, False)
        records = [r for r in self.recording.records if (r.steps, r.phase, r.inner) == here]
        if not records:
            yield Note("None of its lines has a number, so none can be shown.")
        rounds = {record.line: record.round for record in records}
        loops, omitted = {}, False
        for record in records:
            picked = [one for one in self.picked if one.record is record]
            if ROUNDS < record.round < rounds[record.line] and not picked:
                if not omitted:
                    count = rounds[record.line] - ROUNDS - 1
                    yield Note(f"… {count} more round{'s' * (count > 1)} in the same way …")
                omitted = True
                continue
            omitted = False
            if record.loops != loops:
                loops = record.loops
                counts = ", ".join(f"{name} = {count}" for name, count in loops.items())
                yield Note(f"{counts}:" if counts else "After the loop:")
            yield record
            if self.pick is None:
                picked = largest_of(self.recording, record, self.small)
            if picked:
                yield Entries(tuple(picked))


def brief(thing):
    """Return the call that makes something, its settings left out that have a default."""
    if type(thing) is Network:
        return f"Network of {len(thing)} layer{'s' * (len(thing) != 1)}"
    needed = [
        getattr(thing, name)
        for name, parameter in inspect.signature(type(thing)).parameters.items()
        if parameter.default is parameter.empty
    ]
    shown = (brief(one) if hasattr(one, "settings") else repr(one) for one in needed)
    return f"{type(thing).__name__}({', '.join(shown)})"


def name_of(steps, layer):
    """Return what a page calls a layer: `2 Dense(3)`, or `2.0 Dense(3)` in a network there."""
    return f"{'.'.join(map(str, steps))} {brief(layer)}"


def value_name(net, value):
    """Return the name of a numbered value: x, or x0 and x1, for inputs, v2 for others."""
    if value >= net.inputs:
        return f"v{value}"
    return "x" if net.inputs == 1 else f"x{value}"


def _readers(prefix, net, value):
    """Return the names of the layers that read a value."""
    return [
        name_of((*prefix, number), layer)
        for number, (layer, reads) in enumerate(net.steps)
        if value in reads
    ]
