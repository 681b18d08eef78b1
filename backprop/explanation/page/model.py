"""What a page shows, as data: steps, layers, arrays, formulas. It can be written as JSON.

A step is a tagged line, one time that it ran, or a sum that no layer makes. The numbers are those
of the recording; nothing is computed.
"""

import ast

import numpy as np

from ...network import Network
from ..example import brief, name_of
from ..formula import named, substituted
from ..names import symbol_of
from ..setting import equation_of
from ..styles import Tex, Text
from .arrays import Arrays
from .expression import Grower
from .looks import axes_of_value, looks, window_of
from .mathml import mathml
from .origins import Memory
from .overview import overview

SUMMED = "The network adds up what the readers of this value hand down."
SHARED = "The layer stands in several places: its gradients are added up."


class Model:
    """Builds the data of a page.

    Args:
        recording: one example's passes.
        digits: how many digits of a number are shown in formulas.
        small: how many numbers an array can have to be written out in a formula.
    """

    def __init__(self, recording, digits=6, small=16):
        self.run, self.tex, self.text = recording, Tex(digits, small), Text(digits, small)
        self.arrays, self.steps = Arrays(), []
        self._formulas, self._rounds, self._own = {}, {}, {}
        self._memory = Memory()
        self._walk()
        self._count_rounds()
        self._name_gradients()

    def data(self):
        """Return everything but the arrays' bytes, as JSON has it."""
        run = self.run
        return {
            "title": f"{brief(run.net)}, forward and backward: "
            f"L = {brief(run.loss)} = {self.text.number(run.value)}",
            "layers": overview(self.run),
            "steps": self.steps,
            "arrays": self.arrays.table,
            "formulas": list(self._formulas),
        }

    # The order of the steps

    def _walk(self):
        """Add all steps in the order in which they ran."""
        place = ((), "")
        for record in self.run.records:
            if (record.steps, record.phase) != place:
                self._enter(place, (record.steps, record.phase))
                place = (record.steps, record.phase)
            self._line(record)
        self._enter(place, ((), "end"))
        self._shared()

    def _enter(self, before, after):
        """Add the sums at values between two layers of the backward pass."""
        (left, phase), (entered, next_phase) = before, after
        common = 0
        while common < min(len(left), len(entered)) and left[common] == entered[common]:
            common += 1
        if phase == "backward":
            for depth in range(len(left) - 1, common if entered else -1, -1):
                for value in range(self._inputs(left[:depth])):
                    self._fan_out(left[:depth], value)
        if next_phase == "backward":
            for depth in range(common, len(entered)):
                prefix = entered[:depth]
                self._fan_out(prefix, self._inputs(prefix) + entered[depth])

    def _inputs(self, prefix):
        net = self.run.network(prefix)
        return net.inputs if isinstance(net, Network) else 0

    def _fan_out(self, prefix, value):
        """Add the sum of what the readers of a value hand down, if there are several."""
        run, net = self.run, self.run.network(prefix)
        if not isinstance(net, Network):
            return
        parts = []
        for number, (layer, reads) in reversed(list(enumerate(net.steps))):
            steps = (*prefix, number)
            dx = run.call(steps, "backward").held[1][0]
            dxs = dx if isinstance(dx, tuple) else (dx,)
            parts += [
                (name_of(steps, layer), one)
                for i, one in zip(reads, dxs, strict=True)
                if i == value and one is not None
            ]
        if len(parts) > 1:
            made_by = value - net.inputs
            steps = (*prefix, made_by) if made_by >= 0 else prefix
            total = self._summed_delta(prefix, value, net)
            self._sum(steps, f"dL/dv{value}", "dx", parts, total, SUMMED)

    def _summed_delta(self, prefix, value, net):
        """Return the very array that holds the delta of a value."""
        run = self.run
        if value >= net.inputs:
            return run.call((*prefix, value - net.inputs), "backward").held[0][0]
        dx = run.call(prefix, "backward").held[1][0] if prefix else run.dxs
        return dx[value] if isinstance(dx, tuple) else dx

    def _shared(self):
        """Add the sums of gradients of layers that stand in several places."""
        run = self.run
        for number, layer in run.net.owners():
            places = [n for n, other in enumerate(run.net) if other is layer]
            if len(places) > 1:
                held = [(n, run.call((n,), "backward").held[1][1]) for n in reversed(places)]
                for name in layer.params:
                    parts = [(name_of((n,), layer), grads[name]) for n, grads in held]
                    total = run.grads[f"{number}.{name}"]
                    self._sum((number,), f"d{name}", f"d{name}", parts, total, SHARED)

    # Steps

    def _line(self, record):
        """Add the step of a tagged line."""
        layer = self._layer(record.steps)
        tree, slots = self._taken_apart(record, layer)
        step = {
            **self._source(record),
            "results": self._results(record, layer),
            "reads": [self._read(record, layer, *slot) for slot in slots],
            "tree": tree,
            "window": window_of(self.run, record, layer, self.arrays),
        }
        self._append(step, record.held.get(""), _hands_on(record))

    def _source(self, record):
        """Return where a line stands and what it says, as equation, formula and code."""
        return {
            "layer": record.steps,
            "phase": record.phase,
            "chapter": record.chapter,
            "tag": record.tag,
            "round": record.round,
            "loops": record.loops,
            "inner": record.inner,
            "name": symbol_of(record, self._target(record)),
            "equation": self._formula(equation_of(record).tex, "block"),
            "numbers": self._numbers(record),
            "code": record.line.source,
            "place": record.line.place,
        }

    def _results(self, record, layer):
        values = record.value if isinstance(record.value, tuple) else (record.value,)
        name = symbol_of(record, self._target(record))
        return [
            {"array": self.arrays.add(one), **looks(self.run, np.shape(one), name, record, layer)}
            for one in values
            if _is_numbers(one)
        ]

    def _append(self, step, held, handed_on=False):
        number = len(self.steps)
        self.steps.append(step)
        self._own.setdefault(tuple(step["layer"]), []).append(number)
        start = 0
        for one in held if isinstance(held, tuple | list) else [held]:
            self._memory.write(number, one, handed_on, start)
            start += np.size(one)

    def _sum(self, steps, title, name, parts, total, why):
        """Add the step of a sum that no layer makes."""
        reads = [
            {
                "symbol": f"{name} of {where.partition(' ')[0]}",
                "array": self.arrays.add(part),
                "from": self.arrays.add(self._memory.read(part, ())),
                "what": where,
                **axes_of_value(part),
            }
            for where, part in parts
        ]
        shape = np.shape(total)
        leaves = [{"op": "read", "slot": n, "shape": shape} for n in range(len(parts))]
        step = {
            "layer": steps,
            "phase": "backward",
            "name": title,
            "why": why,
            "loops": {},
            "results": [{"array": self.arrays.add(total), **axes_of_value(total)}],
            "reads": reads,
            "tree": {"op": "total", "shape": shape, "parts": leaves},
        }
        self._append(step, total)

    def _taken_apart(self, record, layer):
        """Return a line's tree, if it can be taken apart, and the operands it reads."""
        grower = Grower(record, layer)
        try:
            return grower.tree(), grower.read
        except (NotImplementedError, ValueError, KeyError, AttributeError, IndexError):
            flat = {}
            for source, value in record.operands.items():
                parts = value if isinstance(value, tuple) else (value,)
                for n, one in enumerate(parts):
                    if isinstance(value, tuple):
                        flat[f"{source}[{n}]"] = one, (source, n)
                    else:
                        flat[source] = one, source
            slots = [(name, symbol_of(record, name), *one) for name, one in flat.items()]
            return None, [slot for slot in slots if _is_numbers(slot[2])]

    def _read(self, record, layer, source, name, value, operand):
        """Return what a page shows of an operand: its numbers and where they come from."""
        held = self._held(record, operand)
        if source == record.name and record.before is not None:
            held = record.held[""]
        own = self._own.get(record.steps, [])
        origins = self._memory.read(held, own, self._copies(record))
        return {
            "symbol": name,
            "array": self.arrays.add(value),
            "from": self.arrays.add(origins),
            "what": self._told(record, held),
            **looks(self.run, np.shape(value), name, record, layer),
        }

    def _held(self, record, operand):
        """Return the very array of an operand; `(source, n)` is one of a tuple."""
        if isinstance(operand, tuple):
            source, n = operand
            return record.held[source][n]
        return record.held.get(operand)

    def _copies(self, record):
        """Return the arrays that an operand may be a copy of: what its layer is given."""
        try:
            given = list(self.run.call(record.steps, record.phase).held[0])
            given += self.run.call(record.steps, "forward").held[0]
        except StopIteration:
            given = [self.run.y] if record.phase == "loss" else []
        given = [one for one in given if isinstance(one, np.ndarray)]
        turned = [one.swapaxes(0, 1) for one in given if one.ndim == 3]
        return [*given, *turned, *(one[::-1] for one in turned)]

    def _told(self, record, held):
        """Return what an operand is, if no step made it: a parameter, an input, the target."""
        if not isinstance(held, np.ndarray) or not held.size:
            return ""
        for name, value in self.run.net.params.items():
            if np.may_share_memory(held, value):
                return f"parameter {name}"
        for number, value in enumerate(self.run.inputs):
            if _same(held, value):
                return "the input" if len(self.run.inputs) == 1 else f"input {number}"
        for name, value in self.run.net.averages.items():
            if _same(held, value):
                return f"running average {name}"
        if record.phase == "loss" and _same(held, self.run.target):
            return "the target"
        return "" if held.any() else "all zeros"

    # How things look

    def _layer(self, steps):
        try:
            return self.run.layer(steps)
        except (TypeError, IndexError, KeyError):
            return None

    def _target(self, record):
        """Return what a line makes; of what it returns, the name that it has elsewhere."""
        if record.name:
            return record.name.removesuffix("[...]").replace("[part]", "")
        return "delta" if record.phase == "loss" else record.line.method.strip("_")

    def _formula(self, tex, display="inline"):
        """Return the number of a formula."""
        return self._formulas.setdefault(mathml(tex, display), len(self._formulas))

    def _numbers(self, record):
        """Return the formula with the numbers in it, in pieces."""
        pieces = substituted(record, self.tex)
        if not pieces:
            return []
        name = named(self._target(record), self.tex)
        return [self._formula(piece) for piece in [f"{name} =", *pieces]]

    # What is known only at the end

    def _count_rounds(self):
        """Tell every step how often its line ran in this pass."""
        most = {}
        keys = [(tuple(step["layer"]), step["phase"], step.get("place")) for step in self.steps]
        for key, step in zip(keys, self.steps, strict=True):
            most[key] = max(most.get(key, 1), step.get("round", 1))
        for key, step in zip(keys, self.steps, strict=True):
            step["rounds"] = most[key]

    def _name_gradients(self):
        """Tell the steps whose results are gradients so."""
        for call in self.run.calls:
            if call.phase != "backward":
                continue
            for name, array in call.held[1][1].items():
                for _, _, step, _ in self._memory.read(array, ()):
                    key = ".".join([*map(str, call.steps), name])
                    if key in self.run.grads:
                        self.steps[step].setdefault("gradients", [])
                        if key not in self.steps[step]["gradients"]:
                            self.steps[step]["gradients"].append(key)


def _same(array, other):
    """Return whether an array holds another's numbers, which may be cast, or turned: time first."""
    other = np.asarray(other).astype(array.dtype)
    turned = other.swapaxes(0, 1) if other.ndim == 3 else other
    numbers = array.ravel()
    return any(np.array_equal(numbers, one.ravel()) for one in (other, turned))


def _is_numbers(value):
    value = value.toarray() if hasattr(value, "toarray") else value
    numbers = isinstance(value, int | float | np.generic | np.ndarray)
    return numbers and np.asarray(value).dtype.kind in "biuf"


def _hands_on(record):
    """Return whether a line only gives a name to numbers that lie in memory already."""
    target = getattr(record.line.statement, "targets", [None])[0]
    if not isinstance(target, ast.Name) or not isinstance(record.value, np.ndarray):
        return False
    return any(
        isinstance(one, np.ndarray) and np.may_share_memory(one, record.held[""])
        for name, one in record.held.items()
        if name
    )
