r"""The catalogue of known mistakes, and the gradients that each of them gives.

Every function takes a `Case` and yields `(kind, evidence, gradients by tensor)`. They are ordered
from the plain to the far-fetched: where several explain the same numbers, the first is named.
Throughout, `g` is the true gradient and `r` the one that was returned.
"""

import contextlib
import itertools

import numpy as np

from .recurrences import recurrent
from .sliding import images


def suspects(case):
    """Yield all of them."""
    for catalogue in (
        factors,
        turned,
        unsummed,
        parts_of_the_sum,
        diagonal,
        activations,
        twice,
        swapped,
        images,
        recurrent,
    ):
        # Other people's shapes are without number: no suspect may stop a report.
        with contextlib.suppress(Exception):
            yield from catalogue(case)


# The right numbers, times something


def factors(case):
    """The right gradient times a number."""
    for name in case.wrong:
        r, g = case.returned[name], case.right(name)
        if r.shape != g.shape or not g.any():
            continue
        f = float((r * g).sum() / (g**2).sum())
        if f == 0 or abs(f - 1) < 1e-5 or not case.is_(name, f * g):
            continue
        kind, evidence = _factor(case, name, f)
        yield kind, evidence, {each: f * case.right(each) for each in case.wrong}


def _factor(case, name, f):
    """Return what a constant factor is called, and what speaks for it."""
    whole = round(f if abs(f) >= 1 else 1 / f)
    what = f"The gradient is the right one times {f:.6g}"
    if whole == -1:
        return "factor -1", f"{what}: the sign is turned (target minus output, or a descent step)."
    close = abs((f if abs(f) >= 1 else 1 / f) - whole) < 1e-6
    sizes = _sizes(case) if close else {}
    names = [word for word, size in sizes.items() if size == abs(whole)]
    word = names[0] if names else f"{abs(whole)}" if close else ""
    if abs(f) < 1 and close:
        many = f"{what} = 1/{word}" + (f" with {word} = {whole}." if names else ".")
        if name in case.subject.params or (case.subject.takes_delta and names):
            return "mean instead of sum", f"{many} Only the loss divides; layers sum."
        return f"factor 1/{word}", many
    if whole == 2 and close:
        return "factor 2", f"{what}: a half of the loss overlooked, or something counted twice."
    if not close:
        return f"factor {f:.6g}", f"{what}."
    if not names:
        return "factor N", f"{what}: a mean over {whole} was forgotten, it seems."
    return f"factor {word}", f"{what}: {word} = {whole} here. A mean was forgotten, it seems."


def _sizes(case):
    """Return the counts that a factor may be, by their usual letters."""
    shape = case.x.shape
    sizes = {}
    if len(shape) == 4:
        reach = np.count_nonzero(np.abs(case.jacobian(case.first)) > 1e-9, axis=1)
        if (reach == reach[0]).all():
            sizes["K^2"] = int(reach[0])
        sizes["N"] = shape[0]
        spatial = case.y.shape[1:3] if case.y.ndim == 4 else ()
        sizes["OH OW"] = int(np.prod(spatial))
        sizes["N OH OW"] = shape[0] * int(np.prod(spatial))
        spatial = case.y.shape[2:]
        sizes["N OH OW (channels first)"] = shape[0] * int(np.prod(spatial))
    elif len(shape) == 3:
        sizes |= {"T": shape[1], "N": shape[0], "N T": shape[0] * shape[1]}
    else:
        sizes["N"] = shape[0]
        sizes["N (columns)"] = shape[-1]
    return {letter: size for letter, size in sizes.items() if size > 2 or letter[0] in "NT"}


def turned(case):
    """The right gradient transposed, or one that went through a transposed matrix."""
    for name in case.wrong:
        if case.right(name).ndim == 2:
            evidence = "The gradient is the right one, transposed."
            yield "transposed", evidence, {name: case.right(name).T}
    x = case.x
    for dz, _ in _pre_deltas(case):
        for name, W in case.tensors.items():
            if W.ndim == 2 and W.shape[0] == W.shape[1] == dz.shape[-1] == x.shape[-1]:
                for wrong, right in ((W, W.T), (W.T, W)):
                    if np.allclose((dz @ right).reshape(x.shape), case.right(case.first)):
                        evidence = (
                            f"The delta went back through {name} where it is {name} transposed."
                        )
                        yield "transposed", evidence, {case.first: (dz @ wrong).reshape(x.shape)}


# Sums that were not taken, or not over everything


def unsummed(case):
    """Axes are left that have to be summed over."""
    for name in case.wrong:
        r, g = case.returned[name], case.right(name)
        for count in range(1, r.ndim + 1):
            for axes in itertools.combinations(range(r.ndim), count):
                total = r.sum(axis=axes)
                if r.shape != g.shape and total.shape == g.shape and _near(total, g):
                    evidence = f"Summed over its axes {axes} the gradient is right."
                    yield _unsummed_kind(case, name, r.shape), evidence, {name: r}


def _unsummed_kind(case, name, shape):
    batch_only = shape[0] == case.x.shape[0] and len(shape) == case.tensors[name].ndim + 1
    if batch_only and case.y.ndim < 3:
        return "sum over the batch missing"
    return "bias gradient not summed over space or time"


def parts_of_the_sum(case):
    """The gradient of some outputs only: of one example, one position, one step."""
    shape = case.delta.shape
    if not shape:
        return
    for count in range(1, len(shape)):
        for axes in itertools.combinations(range(len(shape)), count):
            for end, word in ((0, "first"), (-1, "last")):
                mask = np.zeros(shape)
                index = tuple(end if axis in axes else slice(None) for axis in range(len(shape)))
                mask[index] = 1
                if mask.all():
                    continue
                kind, what = _part(shape, axes, word)
                evidence = f"The gradient is that of {what} alone."
                yield kind, evidence, case.pull_all(mask * case.delta)


def _part(shape, axes, word):
    """Return the kind of a part of the outputs, and what the part is."""
    if 0 in axes:
        return "sum over the batch missing", f"the {word} example" + (
            f" (axes {axes} of delta)" if len(axes) > 1 else ""
        )
    if len(shape) == 3 and axes == (1,):
        return f"{word} time step only", f"the {word} step's delta"
    return "bias gradient not summed over space or time", f"the {word} position (axes {axes})"


# Activations


SLOPES = {
    "1": np.ones_like,
    "u (1 - u)": lambda u: u * (1 - u),
    "1 - u^2": lambda u: 1 - u**2,
    "[u > 0]": lambda u: (u > 0).astype(float),
    "sigma'(u)": lambda u: _sigmoid(u) * (1 - _sigmoid(u)),
    "tanh'(u)": lambda u: 1 - np.tanh(u) ** 2,
}


def _sigmoid(u):
    return (1 + np.tanh(u / 2)) / 2


def activations(case):
    """The delta times another slope than that of the activation, or none."""
    for delta, right in _output_slopes(case):
        for kind, evidence, wrong in _wrong_slopes(case, right):
            yield kind, evidence, case.pull_all(delta * wrong)
    if case.x.shape == case.y.shape == case.delta.shape:
        for kind, evidence, wrong in _wrong_slopes(case, None):
            yield kind, evidence, {case.first: case.delta * wrong}
    for dz, hidden in _pre_deltas(case):
        bases = [dz / slope for slope in _usual(hidden) if (np.abs(slope) > 1e-12).all()]
        if case.delta.shape == dz.shape:
            bases.append(case.delta)
        for base in bases:
            for kind, evidence, wrong in _wrong_slopes(case, dz, hidden):
                yield kind, evidence, _dense(case, base * wrong)


def _output_slopes(case):
    """Yield delta divided by a slope that the output may have, and that slope."""
    if case.delta.shape == case.y.shape and case.y.ndim:
        for slope in _usual(case.y):
            if (np.abs(slope) > 1e-12).all():
                yield case.delta / slope, slope


def _usual(y):
    """Return the slopes of the logistic function and of tanh, from their output."""
    return y * (1 - y), 1 - y**2


def _wrong_slopes(case, like, hidden=None):
    """Yield the kinds of wrong slopes, with their values."""
    shape = case.y.shape if like is None else like.shape
    yield (
        "missing activation derivative",
        "The gradient is that of a delta which was not multiplied by the slope of the activation.",
        np.ones(shape),
    )
    places = {"y": case.y, "x": case.x, "delta": case.delta, "a hidden value": hidden}
    places |= {f"a value it keeps ({k})": kept for k, kept in enumerate(case.kept)}
    for where, u in places.items():
        if u is not None and u.shape == shape:
            for form, slope in list(SLOPES.items())[1:]:
                evidence = f"The slope was taken as {form} at u = {where}."
                yield "activation derivative at the wrong side", evidence, slope(u)


def _pre_deltas(case):
    """Yield dz (N, M), the delta of z = x W + b, with a hidden value of its shape.

    A bias takes part in every example alike, so the share that one example has in its gradient is
    that example's row of dz.
    """
    N = case.x.shape[0]
    if case.y.ndim != 2 or case.y.shape[0] != N:
        return
    for name, b in case.tensors.items():
        if b.ndim == 1 and name != case.first:
            J = case.jacobian(name).reshape(N, -1, b.size)
            dz = np.einsum("nk,nkm->nm", case.delta.reshape(N, -1), J)
            for hidden in (case.y, *case.kept):
                if hidden.shape == dz.shape:
                    yield dz, hidden


def _dense(case, dz):
    """Return the gradients of a Dense layer whose delta is `dz`, wherever the shapes fit."""
    found = {}
    for name in case.wrong:
        shape = case.tensors[name].shape
        if shape == dz.shape[1:]:
            found[name] = dz.sum(axis=0)
        elif name == case.first:
            for W in case.tensors.values():
                if W.ndim == 2 and W.shape == (case.x.shape[-1], dz.shape[1]):
                    found[name] = (dz @ W.T).reshape(shape)
        elif len(shape) == 2 and shape[1] == dz.shape[1]:
            for x in (case.x, *case.kept):
                if x.ndim == 2 and x.shape == (len(dz), shape[0]) and name not in found:
                    found[name] = x.T @ dz
    return found


# Jacobians that are cut short, and terms that come twice


def diagonal(case):
    """Only the derivative of each output by its own input."""
    if case.first in case.wrong and case.x.shape == case.y.shape:
        own = np.diagonal(case.jacobian(case.first)).reshape(case.x.shape)
        evidence = "Each output's derivative by its own input alone: the Jacobian is full."
        yield "softmax diagonal only", evidence, {case.first: case.delta * own}
        if (case.y >= 0).all() and np.allclose(case.y.sum(axis=-1), 1):
            y, d = case.y, case.delta
            evidence = "The sum over the outputs of a row is missing in y (delta - sum delta y)."
            yield "softmax diagonal only", evidence, {case.first: y * (d - d * y)}
            yield "softmax diagonal only", evidence, {case.first: d * y}


def twice(case):
    """The right gradient, and a term of it once more."""
    for name in case.wrong:
        r, g, value = case.returned[name], case.right(name), case.tensors[name]
        if r.shape != g.shape:
            continue
        if case.delta.shape == r.shape and case.subject.takes_delta:
            evidence = (
                "The gradient is the right one plus delta: a shortcut's share is in it twice."
            )
            yield "counted twice", evidence, {name: g + case.delta}
        c = float(((r - g) * value).sum() / max((value**2).sum(), 1e-300))
        evidence = (
            f"The gradient is the right one plus {c:.6g} times {name}: a penalty is in it twice."
        )
        yield "counted twice", evidence, {name: g + c * value}


def swapped(case):
    """The gradient of another parameter, or of another gate of the same one."""
    for name in case.wrong:
        shape = case.tensors[name].shape
        for other, value in case.tensors.items():
            if other != name and value.shape == shape:
                evidence = f"This is the gradient of {other}."
                yield "gate deltas swapped", evidence, {name: case.right(other)}
        for gates in (2, 3, 4):
            if shape and shape[-1] % gates == 0 and shape[-1] > gates - 1:
                blocks = np.split(case.right(name), gates, axis=-1)
                for order in list(itertools.permutations(range(gates)))[1:]:
                    evidence = f"Cut into {gates} gates, these come in the order {order}."
                    mixed = np.concatenate([blocks[k] for k in order], axis=-1)
                    yield "gate deltas swapped", evidence, {name: mixed}


def _near(a, b):
    return np.abs(a - b).max(initial=0) <= 1e-6 * max(np.abs(b).max(initial=0), 1e-300)
