"""Suspects for activations, masks, and whatever else works entry by entry."""

import numpy as np

from .diagnosis import near


def sigmoid(u):
    """Return the logistic function of u."""
    return (1 + np.tanh(u / 2)) / 2


OF_OUTPUT = {"u (1 - u)": lambda u: u * (1 - u), "1 - u^2": lambda u: 1 - u**2}
"""Slopes as they are worked out from an activation's output."""
OF_INPUT = {
    "[u > 0]": lambda u: (u > 0).astype(float),
    "sigma'(u)": lambda u: sigmoid(u) * (1 - sigmoid(u)),
    "tanh'(u)": lambda u: 1 - np.tanh(u) ** 2,
    "sigma(u)": sigmoid,
}
"""Slopes as they are worked out from its input."""
SLOPES = OF_OUTPUT | OF_INPUT

ACTIVATIONS = {
    "linear": (lambda z: z, np.ones_like),
    "sigmoid": (sigmoid, OF_INPUT["sigma'(u)"]),
    "tanh": (np.tanh, OF_INPUT["tanh'(u)"]),
    "relu": (lambda z: z * (z > 0), OF_INPUT["[u > 0]"]),
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "leaky relu 0.01": (lambda z: z * np.where(z > 0, 1, 0.01), lambda z: np.where(z > 0, 1, 0.01)),
    "leaky relu 0.1": (lambda z: z * np.where(z > 0, 1, 0.1), lambda z: np.where(z > 0, 1, 0.1)),
    "elu": (lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1, np.exp(z))),
}
"""Activations that a twin may have, with their slopes, both as functions of z."""

MISSING = "The gradient is that of a delta which was not multiplied by the slope of the activation."


def wrong_slopes(right, places):
    """Yield `(kind, evidence, slope)` for the slopes that somebody may take for `right`.

    Args:
        right: the true slope.
        places: values that the slope may have been taken at, by what they are called.
    """
    if not near(np.ones_like(right), right):
        yield "missing activation derivative", MISSING, np.ones_like(right)
    for where, u in places.items():
        for form, function in SLOPES.items() if np.shape(u) == right.shape else ():
            slope = function(u)
            if not near(slope, right):
                evidence = f"The slope was taken as {form} at u = {where}."
                # sigma(x) is the softplus's slope, and at its right side.
                other = form == "sigma(u)" and where == "x"
                kind = "another activation's" if other else "activation"
                side = "" if other else " at the wrong side"
                yield f"{kind} derivative{side}", evidence, slope


def places(case):
    """Return the values that anybody has at hand, by what they are called."""
    at_hand = {"x": case.x, "y": case.y, "delta": case.delta}
    return at_hand | {f"a value it keeps ({k})": kept for k, kept in enumerate(case.kept)}


def activations(case):
    """The delta times another slope than that of the activation, or none."""
    if case.delta.shape != case.y.shape or not case.y.ndim:
        return
    for form in OF_OUTPUT.values():
        right = form(case.y)
        if (np.abs(right) > 1e-12).all():
            for kind, evidence, wrong in wrong_slopes(right, places(case)):
                yield kind, evidence, case.pull_all(case.delta / right * wrong)
    if case.slope is not None:
        yield from _by_entry(case)
        yield from _of_parameters(case)
        yield from _misshapen(case)


def _by_entry(case):
    """Another slope in a layer that does nothing but apply an activation."""
    if not _depends_on(case):
        return
    for where, u in (("y", case.y), ("delta", case.delta)):
        J = case.jacobian_with(case.first, **{case.first: u})
        slope = np.diagonal(J).reshape(u.shape)
        evidence = f"The slope was taken at {where}, where it is that at x."
        yield "activation derivative at the wrong side", evidence, {case.first: case.delta * slope}
    for kind, evidence, wrong in wrong_slopes(case.slope, places(case)):
        # Alone, an activation has one input and one output: a formula may be right for its place.
        of_place = [f"{form} at u = x" for form in OF_INPUT] + [f"{f} at u = y" for f in OF_OUTPUT]
        alone = len(case.tensors) == 1 and any(f"as {each}." in evidence for each in of_place)
        kind = "another activation's derivative" if alone else kind
        yield kind, evidence, {case.first: case.delta * wrong}


def _of_parameters(case):
    """A parameter that takes part in some entries only, such as PReLU's: the mask forgotten."""
    for name in filter(case.is_bias, case.wrong):
        shape = case.tensors[name].shape
        share = case.jacobian(name).sum(axis=1).reshape(case.y.shape)
        has_part = share != 0
        for where, u in places(case).items() if not has_part.all() else ():
            if u.shape == case.x.shape and near(u * has_part, share):
                total = case.delta * u
                over = tuple(range(total.ndim - len(shape))) if np.prod(shape) > 1 else None
                evidence = f"delta times {where} is summed over all entries; some have no part."
                yield "mask forgotten", evidence, {name: total.sum(axis=over).reshape(shape)}


def _misshapen(case):
    """Some other function of each entry of x alone: a slope with a slip in its formula."""
    x, d, r = case.x, case.delta, case.returned[case.first]
    if case.first not in case.wrong or not _depends_on(case) or r.shape != x.shape:
        return
    turned = case.subject.copy()
    if len(turned.tensors) > 1 or x.size == 1:
        return
    turned.tensors[case.first][...] = np.flip(x)
    again = turned.backward(np.flip(d), turned.forward()[1])[case.first]
    if near(np.flip(again), r):
        worst = np.unravel_index(np.abs(r - d * case.slope).argmax(), x.shape)
        evidence = (
            f"Each entry of delta is multiplied by a number that depends on its x alone, but at "
            f"x = {x[worst]:.6g} that is {r[worst] / d[worst]:.6g}, and the slope "
            f"{case.slope[worst]:.6g}."
        )
        yield "wrong activation derivative", evidence, {case.first: r}


def _depends_on(case):
    """Whether the slope of a layer that works entry by entry depends on x: it is no mask."""
    J = case.jacobian_with(case.first, **{case.first: 0.3 - case.x})
    return not near(np.diagonal(J).reshape(case.x.shape), case.slope)


def passed_on(case):
    """Delta handed on as it is, or through half of a dropout."""
    if case.first not in case.wrong or not case.x.shape == case.y.shape == case.delta.shape:
        return
    x, d = case.first, case.delta
    if case.slope is not None and not _depends_on(case):
        yield from _dropout(case)
    elif case.slope is None:
        shortcut = any(near(kept, case.y - case.x) for kept in case.kept)
        if shortcut:
            evidence = "The gradient is delta: the shortcut's share, without the other branch's."
            yield "a branch is missing", evidence, {x: d}
        evidence = "The gradient is delta, as if y were x: whatever else y is made of is missing."
        yield "delta is passed on unchanged", evidence, {x: d}


def _dropout(case):
    """A fixed mask, 0 or 1/keep for each entry: one of the two forgotten, or both."""
    x, d, mask = case.first, case.delta, case.slope
    kept = mask != 0
    if kept.all() or not kept.any() or not near(mask[kept], np.full(kept.sum(), mask.max())):
        yield "delta is passed on unchanged", "The gradient is delta; y is more than x.", {x: d}
        return
    scale = float(mask.max(initial=0))
    evidence = "The gradient is delta: what is set to zero on the way there gets none back."
    yield "mask forgotten", evidence, {x: d}
    evidence = f"The gradient is delta times {scale:.6g} everywhere, without the mask."
    yield "mask forgotten", evidence, {x: d * scale}
    evidence = f"The mask is there, and the factor of what is kept, {scale:.6g}, is not."
    yield "1/keep forgotten", evidence, {x: d * kept}
