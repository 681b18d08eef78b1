r"""The catalogue of known mistakes, and the gradients that each of them gives.

Every function takes a `Case` and yields `(kind, evidence, gradients by tensor)`. They are ordered
from the plain to the far-fetched: where several explain the same numbers, the first is named.
Throughout, `g` is the true gradient and `r` the one that was returned.

| file | what goes wrong there |
|---|---|
| `factors` | the right numbers, times something |
| `suspects`, here | sums, terms, parts and places |
| `slopes` | activations, masks, and what else works entry by entry |
| `networks`, `convolutions`, `attention`, `recurrences` | a twin of the layer, led astray |
| `norms` | batch and layer normalisation |
| `sliding` | windows over images |
"""

import contextlib
import itertools

import numpy as np

from .attention import attention
from .convolutions import convolutions
from .diagnosis import near
from .factors import factors
from .networks import networks
from .norms import norms
from .recurrences import recurrent
from .sliding import images
from .slopes import activations, passed_on


def suspects(case):
    """Yield all of them."""
    for catalogue in (
        passed_on,
        factors,
        turned,
        unsummed,
        parts_of_the_sum,
        diagonal,
        activations,
        networks,
        convolutions,
        norms,
        attention,
        terms,
        swapped,
        images,
        assigned,
        recurrent,
    ):
        # Other people's shapes are without number: no suspect may stop a report.
        with contextlib.suppress(Exception):
            yield from catalogue(case)


def turned(case):
    """The right gradient transposed, or transposed before it got its shape."""
    for name in case.wrong:
        g = case.right(name)
        if g.ndim == 2:
            yield "transposed", "The gradient is the right one, transposed.", {name: g.T}
        for k in range(1, g.ndim):
            rows = int(np.prod(g.shape[:k]))
            evidence = f"The right numbers, laid out as ({g.size // rows}, {rows}) by a reshape."
            yield "transposed", evidence, {name: g.reshape(rows, -1).T.reshape(g.shape)}
            evidence = f"The right numbers: reshape was given the transpose of ({rows}, ...)."
            yield "transposed", evidence, {name: g.reshape(-1, rows).T.reshape(g.shape)}
    for name, W in case.tensors.items():
        if case.first in case.wrong and W.ndim == 2 and W.shape[0] == W.shape[1]:
            evidence = f"The delta went back through {name} where it is {name} transposed."
            yield "transposed", evidence, {case.first: case.right_with(case.first, **{name: W.T})}


# Sums that were not taken, or not over everything


def unsummed(case):
    """Axes are left that have to be summed over."""
    for name in case.wrong:
        r, g = case.returned[name], case.right(name)
        for count in range(1, r.ndim + 1) if r.shape != g.shape else ():
            for axes in itertools.combinations(range(r.ndim), count):
                if near(r.sum(axis=axes), g):
                    evidence = f"Summed over its axes {axes} the gradient is right."
                    yield _unsummed_kind(case, name, r.shape, axes), evidence, {name: r}


def _unsummed_kind(case, name, shape, axes):
    batch_only = shape[0] == case.x.shape[0] and axes == (0,)
    if batch_only and case.y.ndim < 3 and name != case.first:
        return "sum over the batch missing"
    if all(shape[axis] == 1 for axis in axes):
        return "an axis too many"
    if case.is_bias(name):
        return "bias gradient not summed over space or time"
    return "sum over space or time missing"


def parts_of_the_sum(case):
    """The gradient of some outputs only: of one example, one position, one step."""
    shape = case.delta.shape
    for count in range(1, len(shape)):
        for axes in itertools.combinations(range(len(shape)), count):
            for end, word in ((0, "first"), (-1, "last")):
                mask = np.zeros(shape)
                mask[tuple(end if axis in axes else slice(None) for axis in range(len(shape)))] = 1
                if mask.all():
                    continue
                for name, gradient in case.pull_all(mask * case.delta).items():
                    kind, what = _part(case, name, axes, word)
                    yield kind, f"The gradient is that of {what} alone.", {name: gradient}


def _part(case, name, axes, word):
    """Return the kind of a part of the outputs, and what the part is."""
    ndim = case.delta.ndim
    if axes == (0,):
        return "sum over the batch missing", f"the {word} example"
    if ndim == 3 and axes == (1,):
        return f"{word} time step only", f"the {word} step's delta"
    if not case.is_bias(name):
        what = f"the {word} place (axes {axes} of delta)"
        return "assigned instead of accumulated", what
    if 0 in axes:
        return "sum over the batch missing", f"the {word} example (axes {axes} of delta)"
    return "bias gradient not summed over space or time", f"the {word} position (axes {axes})"


def assigned(case):
    """Entries that reach several outputs, such as an embedding's row: one share, not their sum."""
    for name in case.wrong:
        J = case.jacobian(name)
        share, reached = J * case.delta.reshape(-1, 1), np.abs(J) > 1e-12 * np.abs(J).max()
        for word in ("last", "first"):
            row = reached.argmax(axis=0)
            if word == "last":
                row = len(J) - 1 - reached[::-1].argmax(axis=0)
            kind = "assigned instead of accumulated"
            if name == case.first and case.x.ndim == 4:
                kind = "overlap " + kind
            evidence = f"Each entry has the share of the {word} output that it reaches, not of all."
            value = np.take_along_axis(share, row[None], axis=0).reshape(case.tensors[name].shape)
            yield kind, evidence, {name: value}


# Jacobians that are cut short, and terms too many or too few


def diagonal(case):
    """Only the derivative of each output by its own input."""
    if case.first in case.wrong and case.x.shape == case.y.shape and case.slope is None:
        own = np.diagonal(case.jacobian(case.first)).reshape(case.x.shape)
        evidence = "Each output's derivative by its own input alone: the Jacobian is full."
        yield "softmax diagonal only", evidence, {case.first: case.delta * own}
        y, d = case.y, case.delta
        if near(y * (d - (d * y).sum(axis=-1, keepdims=True)), case.right(case.first)):
            evidence = "The sum over the outputs of a row is missing in y (delta - sum delta y)."
            yield "softmax diagonal only", evidence, {case.first: y * (d - d * y)}
            yield "softmax diagonal only", evidence, {case.first: d * y}


def terms(case):
    """The right gradient with a term of it once more, or without it: a shortcut's, a penalty's."""
    for name in case.wrong:
        r, g, value = case.returned[name], case.right(name), case.tensors[name]
        if r.shape != g.shape or r.size == 1:
            continue
        if case.delta.shape == r.shape and case.subject.takes_delta:
            what = "The gradient is the right one"
            evidence = f"{what} plus delta: a shortcut's share is in it twice."
            yield "counted twice", evidence, {name: g + case.delta}
            evidence = f"{what} minus delta: the share that a shortcut hands on is missing."
            yield "a branch is missing", evidence, {name: g - case.delta}
        c = float(((r - g) * value).sum() / max((value**2).sum(), 1e-300))
        kind, what = "counted twice", "a penalty is in it twice, or is not in the loss"
        if c < 0:
            kind, what = "a term is missing", "that of a penalty, it seems"
        if not near(r * (g * value).sum(), g * (r * value).sum()):  # that is a mere factor
            evidence = f"The gradient is the right one plus {c:.6g} times {name}: {what}."
            yield kind, evidence, {name: g + c * value}


GATES = set("ifogczrnhu")


def swapped(case):
    """The gradient of another tensor, or of another gate of the same one."""
    for name in case.wrong:
        shape = case.tensors[name].shape
        for other, value in case.tensors.items():
            if other != name and value.shape == shape:
                kind = _swapped_kind(case, name, other)
                yield kind, f"This is the gradient of {other}.", {name: case.right(other)}
        for gates in (2, 3, 4):
            if shape and shape[-1] % gates == 0 and shape[-1] > gates - 1:
                blocks = np.split(case.right(name), gates, axis=-1)
                for order in list(itertools.permutations(range(gates)))[1:]:
                    evidence = f"Cut into {gates} gates, these come in the order {order}."
                    mixed = np.concatenate([blocks[k] for k in order], axis=-1)
                    yield "gate deltas swapped", evidence, {name: mixed}


def _swapped_kind(case, name, other):
    """Return whether two tensors are inputs, gates (Wf and Wi), or just parameters."""
    if name in case.subject.inputs and other in case.subject.inputs:
        return "gradients of two inputs swapped"
    if name[:-1] == other[:-1] and {name[-1], other[-1]} <= GATES:
        return "gate deltas swapped"
    return "gradients of two parameters swapped"
