"""What every tagged line gave, while the shipped code ran.

    with Tracer(net, loss) as trace:
        y, caches = net.forward(x)
    trace.records

A tagged line's operands are read just before it runs and its result just after, and both are
copied, so that what is written over later stays as it was. Nothing is computed anew. The tracer is
`sys.settrace`, in this thread, between `with` and its end; a trace function that was there before,
a debugger's, rests meanwhile and is put back. Compiled kernels, which no line of theirs can be seen
of, rest too: `trace.left_out` are those that would have run.
"""

import inspect
import sys
from typing import Any

import numpy as np

from .. import compiled
from ..network import Network, inside
from .records import Call, Record
from .statements import lines_of, read, readable

__all__ = ["Call", "Record", "Tracer", "readable"]

PACKAGE = __name__.partition(".")[0] + "."
PASSES = {Network.values.__code__: "forward", Network._run_back.__code__: "backward"}


class Tracer:
    """Records what the tagged lines of `subjects` give, from `with` to its end.

    Args:
        subjects: the layers and losses whose lines are wanted. The lines of this package are
            recorded in any case, if it is these that run them.
    """

    def __init__(self, *subjects):
        self.records: list[Record] = []
        self.calls: list[Call] = []
        self.left_out: set[str] = set()
        self.phase = "forward"
        self.open = 0
        """How many tagged lines are running, one inside the other."""
        self._modules = {kind.__module__ for one in subjects for kind in _kinds(one)}
        self._codes: dict[Any, dict] = {}
        self._rounds: dict[tuple, int] = {}
        self._copies: dict[tuple, Any] = {}

    def __enter__(self):
        self._lines = compiled.readable()
        self._left_out = self._lines.__enter__()
        self._before = sys.gettrace()
        sys.settrace(self._enter_frame)
        return self

    def __exit__(self, *raised):
        sys.settrace(self._before)
        self._lines.__exit__(*raised)
        self.left_out |= self._left_out

    def _enter_frame(self, frame, event, arg):
        """Return what watches a frame that has tagged lines, or that is a layer's pass."""
        lines = self._lines_of(frame)
        of_network = frame.f_back is not None and frame.f_back.f_code in PASSES
        is_pass = of_network and frame.f_code.co_name in ("forward", "backward")
        if not lines and not is_pass:
            return None
        return _Watch(self, frame, lines, is_pass).event

    def _lines_of(self, frame):
        """Return the tagged lines of a frame's code, by every number that they take up."""
        code = frame.f_code
        if code not in self._codes:
            module = frame.f_globals.get("__name__", "")
            wanted = module in self._modules or module.startswith(PACKAGE)
            self._codes[code] = lines_of(code) if wanted else {}
        return self._codes[code]

    def count(self, key):
        """Return how often `key` has been counted, this time included."""
        self._rounds[key] = self._rounds.get(key, 0) + 1
        return self._rounds[key]

    def copied(self, value):
        """Return a copy of `value`; of an array that has not changed since, the same copy."""
        if isinstance(value, tuple | list):
            return tuple(self.copied(one) for one in value)
        if not isinstance(value, np.ndarray):
            return value.copy() if hasattr(value, "toarray") else value
        key = (value.__array_interface__["data"][0], value.shape, value.strides, value.dtype.str)
        held = self._copies.get(key)
        if held is None or held.tobytes() != value.tobytes():
            held = self._copies[key] = value.copy()
            held.flags.writeable = False
        return held


class _Watch:
    """Follows one frame from tagged line to tagged line."""

    def __init__(self, tracer, frame, lines, is_pass):
        self.tracer, self.frame, self.lines, self.is_pass = tracer, frame, lines, is_pass
        self.steps = _steps(frame)
        self.running = None
        if is_pass:
            self.phase = PASSES[frame.f_back.f_code]
            self.given = _arguments(frame) if self.phase == "forward" else _arguments(frame)[:1]
            self.copies = tuple(tracer.copied(one) for one in self.given)

    def event(self, frame, event, arg):
        """Take one event of the frame: a line is about to run, it returns, or it fails."""
        if event == "exception":
            self._close()
        elif event == "return":
            self._finish(arg)
            if self.is_pass and arg is not None:
                self._returned(arg)
        elif event == "line":
            running, found = self.running, self.lines.get(frame.f_lineno)
            if running and found and running.entry is found:
                return self.event  # the same statement goes on in another line of it
            self._finish(None)
            if found:
                self.tracer.open += 1
                self.running = _Running(self.tracer, frame, found)
        return self.event

    def _close(self):
        self.tracer.open -= self.running is not None
        self.running = None

    def _finish(self, returned):
        if self.running:
            record = self.running.finish(self.frame, self.steps, returned)
            self.tracer.records.append(record)
            self._close()

    def _returned(self, arg):
        copied = self.tracer.copied
        result, more = arg
        grads = {}
        if self.phase == "backward":
            grads = {name: copied(value) for name, value in more.items()}
        call = Call(self.steps, self.phase, self.copies, copied(result), grads, (self.given, arg))
        self.tracer.calls.append(call)


class _Running:
    """A tagged line between its operands and its result."""

    def __init__(self, tracer, frame, entry):
        self.tracer, self.entry = tracer, entry
        self.held = read(frame, entry.operands)
        self.operands = {name: tracer.copied(value) for name, value in self.held.items()}
        before = read(frame, entry.target) if entry.adds else {}
        self.before = tracer.copied(next(iter(before.values()), None))

    def finish(self, frame, steps, returned):
        tracer, line = self.tracer, self.entry.line
        ((name, value),) = (read(frame, self.entry.target) or {"": returned}).items()
        self.held[""] = value
        counts = {key: frame.f_locals.get(key) for key in line.loops}
        loops = {key: int(n) for key, n in counts.items() if isinstance(n, int | np.integer)}
        key = (steps, tracer.phase, line.file, line.number)
        where = (self.entry.chapter, steps, tracer.phase, tracer.count(key), loops)
        made = (name, self.before, tracer.copied(value), tracer.open > 1)
        return Record(line, *where, self.operands, *made, self.held)


def _steps(frame):
    """Return which layer a frame belongs to: the numbers of the steps around it."""
    steps = []
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code in PASSES and "number" in frame.f_locals:
            steps.insert(0, frame.f_locals["number"])
    return tuple(steps)


def _arguments(frame):
    """Return what a method was called with, by position, without `self`."""
    code = frame.f_code
    names = code.co_varnames[1 : code.co_argcount]
    if not code.co_flags & inspect.CO_VARARGS:
        return tuple(frame.f_locals[name] for name in names)
    more = code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
    return (*(frame.f_locals[name] for name in names), *frame.f_locals[more])


def _kinds(subject):
    parts = inside(subject) if isinstance(subject, Network) else [subject]
    return {kind for part in parts for kind in type(part).__mro__ if kind is not object}
