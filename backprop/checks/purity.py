"""What a pass must not do, looked for before any number is compared."""

import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .parameters import generators
from .subjects import arrays

OURS = str(Path(__file__).parent)


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with the passes themselves."""

    kind: str
    text: str
    serious: bool = True
    """Whether the check fails for it; else it is worth knowing."""

    def __str__(self):
        return self.text if self.serious else f"note: {self.text}"


class Randomness(Exception):
    """Forward answers differently every time: there is nothing to differentiate."""


def winners(subject, cache):
    """Return the masks and indices that a pass left, as bytes: they change where a kink is crossed.

    They are looked for in the cache and among the attributes of a thing that keeps its state.
    """
    kept = cache if subject.has_cache else subject.state()
    return b"".join(a.tobytes() for a in arrays(kept) if a.dtype.kind in "biu")


def settle(subject):
    """Make `subject` draw the same random numbers in every pass; raise Randomness if it cannot.

    Returns a list with a Finding if this had to be done.
    """
    one = subject.copy()
    steady = _same(_outputs(one), _outputs(subject.copy()))
    # A generator that the thing holds goes on from pass to pass.
    if steady and (not generators(subject.thing) or _same(_outputs(one), _outputs(one))):
        return []
    subject.seed = 0
    one = subject.copy()
    first = _outputs(one)
    if _same(first, _outputs(one)) and _same(first, _outputs(subject.copy())):
        text = (
            "forward draws from np.random's global state or from a generator that goes on; it was"
            " seeded before each pass, so that all passes draw the same"
        )
        return [Finding("nondeterministic forward", text, serious=False)]
    text = (
        "forward gives another answer each time, even from a fixed seed: its derivative cannot be"
        " checked. Let it take a generator, or draw the same mask in every pass"
    )
    raise Randomness(Finding("nondeterministic forward", text))


def findings(subject, delta):
    """Yield what is wrong with the passes of `subject`, on copies of it."""
    yield from _written(subject, delta)
    gradients = _gradients(subject.copy(), delta)
    second = _second_time(subject, delta, gradients)
    yield from second
    if not second:
        yield from _earlier_call(subject, delta, gradients)
    yield from _views(subject, delta)
    if subject.takes_delta and not second:
        yield from _linear(subject, delta, gradients)


def structure(subject, gradients):
    """Yield a Finding for each gradient that is missing, or is no gradient of its tensor."""
    for name, tensor in subject.tensors.items():
        if name not in gradients or gradients[name] is None:
            if name in subject.inputs and subject.may_leave_out:
                yield Finding("missing gradient", f"{name}: no gradient, not checked", False)
            elif name in subject.inputs or subject.matters(name):
                got = ", ".join(gradients) or "none"
                text = f"{name}: its gradient is missing; backward gave those of {got}"
                hint = subject.hint(name, tensor.shape)
                if name in subject.inputs:
                    hint = "; labels are passed as integers, or bound by functools.partial"
                yield Finding("missing gradient", text + hint)
            continue
        value = gradients[name]
        dtype = getattr(value, "dtype", np.dtype(type(value)) if np.isscalar(value) else None)
        if dtype is None or dtype.kind not in "fiub":
            kind = type(value).__name__ if dtype is None else dtype
            text = f"{name}: its gradient is no array of real numbers but {kind}"
            yield Finding("wrong type", text)
            continue
        if np.shape(value) != tensor.shape:
            text = f"{name}: its gradient has shape {np.shape(value)} and {name} {tensor.shape}"
            yield Finding("wrong shape", text)
        elif dtype != tensor.dtype:
            yield Finding(
                "wrong dtype", f"{name}: its gradient is {dtype} and {name} {tensor.dtype}"
            )
        if not np.isfinite(value).all():
            yield Finding("not finite", f"{name}: its gradient holds NaN or infinity")


def unchecked(subject):
    """Yield a note for what has a gradient and cannot be checked, or not with these inputs."""
    first = next(iter(subject.inputs.values()), None)
    if first is not None and first.ndim > 1 and len(first) == 1 and len(subject.tensors) > 1:
        text = "a batch of one cannot show a sum over the batch that is missing: give it two"
        yield Finding("not checked", text, serious=False)
    for name in subject.captured:
        text = (
            f"{name} was not checked: forward reads it through a function that was made in the"
            " constructor and cannot be copied; make that a method"
        )
        yield Finding("not checked", text)
    for name in subject.numbers:
        text = f"{name} is a plain number and was not checked: keep it as an array, np.array([...])"
        yield Finding("not checked", text, serious=False)
    for name, value in subject.constants.items():
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and not subject.inputs:
            text = f"{name} holds whole numbers, which have no derivative: it was not checked"
            yield Finding("not checked", text, serious=False)


def _outputs(subject):
    return np.array(subject.forward()[0])


def _gradients(subject, delta):
    _, cache = subject.forward()
    found = subject.backward(delta.copy(), cache)
    return {name: np.array(value) for name, value in found.items() if value is not None}


def _same(one, other):
    """Whether two arrays, or two dicts of arrays, are equal but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if one.shape != other.shape or one.dtype.kind not in "fc":
        return one.shape == other.shape and bool((one == other).all())
    size = np.max(np.abs(one), initial=0)
    floor = max(1e-13 * size, 1e-300)  # numbers near the smallest have few digits
    return bool(np.allclose(one, other, rtol=1e-9, atol=floor, equal_nan=True))


def _written(subject, delta):
    """Yield a Finding for everything that a pass has overwritten, with the line that did it."""
    one = subject.copy()
    before = _Snapshot(one)
    y, cache = one.forward()
    yield from _of_output(one, y)
    for what in before.changed():
        text = f"forward changed {what}{_line(subject, delta, what)}"
        yield Finding(_kind(what), text)
    delta = np.array(delta)
    before = _Snapshot(one, delta=delta, cache=(cache, one.state()))
    one.backward(delta, cache)
    for what in before.changed():
        text = f"backward changed {what}{_line(subject, delta, what)}"
        yield Finding(_kind(what), text)


def _of_output(subject, y):
    """Yield a Finding if the output is of another type than the tensors, or is one of them."""
    dtype = np.result_type(*(x.dtype for x in subject.tensors.values()))
    if np.asarray(y).dtype != dtype:
        text = f"forward returns {np.asarray(y).dtype} where everything that it reads is {dtype}"
        yield Finding("wrong dtype", text)
    for name, x in subject.inputs.items():
        if isinstance(y, np.ndarray) and np.shares_memory(y, x):
            text = (
                f"y is a view of {name}, not numbers of its own: whoever writes to the one changes"
                " the other"
            )
            yield Finding("returns a view of its input", text, serious=False)


def _kind(what):
    word = what.split()[1]
    return {"delta": "overwrites delta", "input": "overwrites its input"}.get(
        word, {"cache": "overwrites the cache"}.get(word, "overwrites its parameters")
    )


class _Snapshot:
    """Copies of all that a pass may read, to tell what it changed."""

    def __init__(self, subject, delta=None, cache=()):
        named = [(f"the input {name}", x) for name, x in subject.inputs.items()]
        named += [(f"the parameter {name}", value) for name, value in subject.params.items()]
        if delta is not None:
            named.append(("the delta it was given", delta))
        known = {id(array) for _, array in named}
        named += [("the cache", a) for a in arrays(cache) if id(a) not in known]
        self.kept = [(what, array, array.copy()) for what, array in named]

    def changed(self):
        """Return what has changed, each once."""
        found = [w for w, now, then in self.kept if not np.array_equal(now, then, equal_nan=True)]
        return list(dict.fromkeys(found))


def _line(subject, delta, what):
    """Return the line that writes to what it was given, found by handing over read-only arrays."""
    one = subject.copy()
    delta = np.array(delta)
    groups = {"delta": [delta], "input": one.inputs.values(), "parameter": one.params.values()}
    try:
        for array in groups.get(what.split()[1], ()):
            array.flags.writeable = False
        _, cache = one.forward()
        if what == "the cache":
            for array in arrays((cache, one.state())):
                array.flags.writeable = False
        one.backward(delta, cache)
    except ValueError as error:
        frames = frames_of(error)
        if frames and "read-only" in str(error):
            frame = frames[-1]
            return f", in line {frame.lineno} of {_file(frame)}: {frame.line}"
    return ""


def _file(frame):
    """Return the name of a frame's file; a notebook's cell has a number instead."""
    name = Path(frame.filename).name
    return "its cell" if "ipykernel" in frame.filename or name.startswith("<") else name


def frames_of(error):
    """Return the frames of a traceback that are not the checker's own."""
    every = traceback.extract_tb(error.__traceback__)
    return [frame for frame in every if not frame.filename.startswith(OURS)]


def _second_time(subject, delta, gradients):
    """Return a Finding if backward answers differently when it is called again."""
    one = subject.copy()
    _, cache = one.forward()
    one.backward(delta.copy(), cache)
    again = {k: np.array(v) for k, v in one.backward(delta.copy(), cache).items() if v is not None}
    differ = [k for k in gradients if k not in again or not _same(gradients[k], again[k])]
    if not differ:
        return []
    name = differ[0]
    text = f"backward gives another gradient of {', '.join(differ)} when it is called again"
    if _same(2 * gradients[name], again.get(name, gradients[name])):
        text += ": it is added to the earlier one, which nobody has set to zero"
    return [Finding("answer differs on the second call", text)]


def _earlier_call(subject, delta, gradients):
    """Yield a Finding if a pass over other numbers, before or in between, changes the outcome."""
    one = subject.copy()
    first = _outputs(subject.copy())
    inputs = dict(one.inputs)
    _read_others(one)
    try:
        _, cache = one.forward()
    except Exception:  # it does not take other numbers: nothing to be learned from them
        return
    one.backward(0.5 * delta, cache)
    one.inputs.update(inputs)
    if not _same(_outputs(one), first):
        yield Finding("depends on an earlier forward", "forward depends on an earlier pass")
    elif not _same(_gradients(one, delta), gradients):
        yield Finding("depends on an earlier forward", "the gradients depend on an earlier pass")
    elif subject.has_cache:
        _, cache = one.forward()
        _read_others(one)
        one.forward()
        one.inputs.update(inputs)
        late = one.backward(delta.copy(), cache)
        late = {name: np.array(value) for name, value in late.items() if value is not None}
        if not _same(late, gradients):
            text = "backward reads something other than its cache: a forward in between changes it"
            yield Finding("depends on an earlier forward", text)


def _read_others(subject):
    """Let a subject read other numbers, from arrays of their own."""
    for name, x in subject.inputs.items():
        subject.inputs[name] = 0.75 * x


def _views(subject, delta):
    """Yield a note for each gradient that shares its memory with something else."""
    one = subject.copy()
    _, cache = one.forward()
    delta = delta.copy()
    found = one.backward(delta, cache)
    others = {"delta": delta, **one.tensors}
    for name, gradient in found.items():
        for other, array in others.items():
            if isinstance(gradient, np.ndarray) and np.shares_memory(gradient, array):
                text = (
                    f"{name}: its gradient is a view of {other}, not numbers of its own: whoever"
                    " writes to the one changes the other"
                )
                yield Finding("returns a view of its input", text, serious=False)


def _linear(subject, delta, gradients):
    """Yield a Finding if the gradients are not a multiple of delta."""
    doubled = _gradients(subject.copy(), 2 * delta)
    differ = [k for k in gradients if not _same(2 * gradients[k], doubled.get(k, gradients[k]))]
    if differ:
        text = (
            f"the gradient of {', '.join(differ)} does not double with delta: backward has to"
            " multiply by the delta it is given"
        )
        yield Finding("not linear in delta", text)
