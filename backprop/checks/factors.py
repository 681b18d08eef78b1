"""Suspects that are the right gradient times a number, and what the number may be."""

import numpy as np

from .check import Check
from .diagnosis import Case
from .shrinking import cut_short, cuttable

LARGEST = 100_000
"""The most numbers that a Jacobian may have for it to be worked out again for shorter axes."""


def factors(case):
    """The right gradient times a number."""
    for name in case.wrong:
        f = _factor(case, name)
        if f is None:
            continue
        kind, evidence = _called(case, name, f)
        if kind is not None:
            yield kind, evidence, {each: f * case.right(each) for each in case.wrong}


def _factor(case, name):
    """Return the number that the right gradient was multiplied by, or None."""
    r, g = case.returned[name], case.right(name)
    if r.shape != g.shape or not g.any():
        return None
    f = float((r * g).sum() / (g**2).sum())
    return None if f == 0 or abs(f - 1) < 1e-5 or not case.is_(name, f * g) else f


def _called(case, name, f):
    """Return what a constant factor is called, and what speaks for it."""
    if case.returned[name].size == 1 and not _telling(case, name, f):
        return None, ""
    what = f"The gradient is the right one times {f:.6g}"
    many = f if abs(f) >= 1 else 1 / f
    whole = round(many)
    if abs(many - whole) > 1e-6 * abs(whole):
        return _not_whole(case, f, what)
    if whole == -1:
        return "factor -1", f"{what}: the sign is turned (target minus output, or a descent step)."
    if whole < 0:
        return f"factor {f:.6g}", f"{what}: the sign is turned besides."
    names = _sizes_that_are(case, name, f)
    equal = f"{' = '.join(names)} = {whole} here"
    if abs(f) < 1 and names and (name in case.subject.params or case.subject.takes_delta):
        text = f"{what} = 1/{names[0]}, where {equal}. Only the loss divides; layers sum."
        return "mean instead of sum", text
    if abs(f) < 1:
        tail = f" = 1/{names[0]}, where {equal}." if names else "."
        return f"factor 1/{names[0] if names else whole}", what + tail
    if names:
        return f"factor {names[0]}", f"{what}, where {equal}. A mean was forgotten, it seems."
    if whole == 2:
        return "factor 2", f"{what}: a half of the loss overlooked, or something counted twice."
    if case.subject.takes_delta:
        return f"factor {whole}", f"{what}. No count of the inputs explains it."
    return "factor N", f"{what}: a mean over {whole} was forgotten, it seems."


def _telling(case, name, f):
    """Whether a factor says something even of one number, which is always some multiple."""
    many = f if abs(f) >= 1 else 1 / f
    known = abs(many - round(many)) < 1e-6 * abs(many)
    return known and (round(many) in (-1, 2) or _sizes_that_are(case, name, f))


def _not_whole(case, f, what):
    """Return what a factor is called that is neither whole nor one over a whole number."""
    square = f**2 if abs(f) > 1 else 1 / f**2
    if abs(square - round(square)) < 1e-6 * square and round(square) == case.x.shape[-1]:
        side = "sqrt(D)" if abs(f) > 1 else "1/sqrt(D)"
        return f"factor {side}", f"{what} = {side}, where D = {round(square)} here."
    return f"factor {f:.6g}", f"{what}."


def _sizes_that_are(case, name, f):
    """Return the counts, by their usual letters, that a factor or its inverse is.

    Lengths are often equal by chance. So the factor is looked at again where an axis is shorter by
    one: the counts that it is have to be shorter as well.
    """
    whole = round(f if abs(f) >= 1 else 1 / f)
    letters = [letter for letter, size in _sizes(case).items() if size == whole > 1]
    told = False
    for smaller in _smaller(case, name) if letters else ():
        r, g = smaller.returned[name], smaller.right(name)
        now = float((r * g).sum() / max((g**2).sum(), 1e-300))
        if now > 0 and np.abs(r - now * g).max() <= 1e-6 * np.abs(r).max():
            count, sizes = now if abs(f) >= 1 else 1 / now, _sizes(smaller)
            letters = [each for each in letters if abs(sizes[each] - count) < 1e-5 * count]
            told = True
    return letters if told or whole > 2 else []


def _smaller(case, name):
    """Yield the case with one axis after another of its inputs shorter by one."""
    if case.jacobian(case.first).size > LARGEST:
        return
    parts = cuttable(case.subject)
    first = next(iter(parts.values()))
    for axis, length in enumerate(first.shape):
        alike = [(n, axis) for n, x in parts.items() if x.ndim > axis and x.shape[axis] == length]
        for places in (alike, alike[:1]):
            try:
                subject = cut_short(case.subject, dict.fromkeys(places, length - 1))
                check = Check(subject, np.random.default_rng(0), 1)
                smaller = Case(check, check.gradients(), [name])
                if smaller.returned[name].shape == smaller.right(name).shape and length > 1:
                    yield smaller
                    break
            except Exception:  # the sizes do not fit: nothing is learnt
                continue


def _sizes(case):
    """Return the counts that a factor may be, by their usual letters."""
    parts = list(cuttable(case.subject).values())
    shape = parts[0].shape if parts else case.x.shape
    if len(shape) == 4:
        return _sizes_of_images(case, shape)
    if len(shape) == 3 or (len(shape) == 2 and case.y.ndim == 3):
        return {"T": shape[1], "N": shape[0], "N T": shape[0] * shape[1]}
    if len(shape) == 2:
        return {"N": shape[0], "D": shape[1], "N D": shape[0] * shape[1]}
    return {"N": shape[0]} if shape else {}


def _sizes_of_images(case, shape):
    sizes = {}
    for axis in (1, 0):
        reach = np.count_nonzero(np.abs(case.jacobian(case.first)) > 1e-9, axis=axis)
        if (reach == reach[0]).all():
            sizes.setdefault("K^2", int(reach[0]))
    N, y = shape[0], case.y
    last = y.shape[1:3] if y.ndim == 4 else ()
    for after, pixels in (("", last), (" (channels first)", y.shape[2:])):
        area = int(np.prod(pixels))
        sizes |= {f"N OH OW{after}": N * area, f"OH OW{after}": area}
    return {"K^2": sizes.pop("K^2", 0), "N": N} | sizes
