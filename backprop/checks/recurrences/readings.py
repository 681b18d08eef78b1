"""The ways in which the parameters of a recurrent layer are held, told by their shapes.

A *role* is what a tensor may be: `x` and `h` the matrices that x and the state are multiplied by,
`s` one matrix for both, stacked; `b` a bias, `h0` and `c0` states. Matrices and biases of several
gates may lie side by side, in one tensor or in several, in the order in which they are kept.
"""

import itertools
import math

import numpy as np

MOST = 100
"""How many ways to share out tensors of one shape are looked at."""


def readings(shapes, x_shape, H, gates):
    """Yield functions that read Wx, Wh, b, bh, h0 and c0 out of tensors, as far as they are there.

    Every tensor has to be read: one that a layer does not need would have no gradient.
    """
    _, N, D = x_shape
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    for turned in (False, True):
        for roles in _shared_out(shapes, sizes, D, H, N, gates, turned):
            by_role = {}
            for name, role in roles.items():
                by_role.setdefault(role, []).append(name)
            for biases in _biases(by_role.get("b", []), sizes, H, gates):
                for first in "xh" if "s" in by_role else "x":
                    yield _reader(by_role, biases, first, D, H, N, turned)


def _shared_out(shapes, sizes, D, H, N, gates, turned):
    """Yield a role for every tensor, for all that their shapes allow, if they add up to a layer."""
    groups = {}
    for name, shape in shapes.items():
        groups.setdefault(shape, []).append(name)
    choices = []
    for shape, names in groups.items():
        roles = _roles(shape, D, H, N, gates, turned)
        if not roles:
            return
        size = sizes[names[0]]
        choices.append([(each, _tally(each, size)) for each in _patterns(names, roles)])
    full = gates * H
    matrices = {(D * full, H * full, 0), (0, 0, (D + H) * full)}
    biases = {0, full, 2 * full, *([full + H] if gates == 3 else [])}
    for picked in itertools.product(*choices):
        x, h, s, b, h0, c0 = map(sum, zip(*(tally for _, tally in picked), strict=True))
        if (x, h, s) in matrices and b in biases and h0 < 2 and c0 < (2 if gates == 4 else 1):
            yield {name: role for pattern, _ in picked for name, role in pattern.items()}


def _tally(pattern, size):
    """Return the entries of the matrices and biases, and the number of states, in a pattern."""
    roles = [role[:2] for role in pattern.values()]
    return [size * roles.count(role) for role in "xhsb"] + [roles.count(r) for r in ("h0", "c0")]


def _roles(shape, D, H, N, gates, turned):
    """Return what a tensor of this shape may be."""
    widths = [k * H for k in range(1, gates + 1)]
    found = []
    if len(shape) == 2:
        rows, width = shape[::-1] if turned else shape
        if width in widths:
            found += [role for role, size in (("x", D), ("h", H), ("s", D + H)) if rows == size]
    size = math.prod(shape)
    if size in widths and max(shape) == size:
        found.append("b")
    if shape in {(N, H), (1, N, H), (H,), (1, H)}:
        found += ["h0", "c0"]
    if shape in {(H, N), (H, 1)} and H > 1:
        found += ["h0T", "c0T"]
    return found


def _patterns(names, roles):
    """Yield ways to share out `roles` among tensors of one shape."""
    count = len(names)
    if len(roles) ** count <= MOST:
        for picked in itertools.product(roles, repeat=count):
            if _has_one_start(picked):
                yield dict(zip(names, picked, strict=True))
        return
    several = [role for role in roles if _has_one_start([role, role])]
    for role in several:
        yield dict.fromkeys(names, role)
    for a, b in itertools.permutations(several, 2):
        half = count // 2
        yield dict(zip(names, [a] * half + [b] * (count - half), strict=True))
        yield dict(zip(names, ([a, b] * count)[:count], strict=True))


def _has_one_start(roles):
    """Whether there is one initial state among these roles at most, and one initial cell."""
    starts = [role[:2] for role in roles if role[1:2] == "0"]
    return len(starts) == len(set(starts))


def _biases(names, sizes, H, gates):
    """Yield the names of the tensors that b and its like are joined from."""
    total, full = sum(sizes[name] for name in names), gates * H
    if total == 0:
        yield {}
    if total == full:
        yield {"b": names}
    half = len(names) // 2
    for one, other in ((names[:half], names[half:]), (names[::2], names[1::2]))[: max(half, 1)]:
        if sum(sizes[name] for name in one) == sum(sizes[name] for name in other) == full:
            yield {"b": one, "bh": other}
    if gates == 3 and total == full + H:
        for k, name in enumerate(names):
            if sizes[name] == H:
                yield {"b": names[:k] + names[k + 1 :], "bh_n": [name]}


def _reader(by_role, biases, first, D, H, N, turned):
    """Return the function that cuts and joins; `first` is what stacked matrices begin with."""

    def joined(t, role):
        return np.hstack([t[name].T if turned else t[name] for name in by_role[role]])

    def read(t):
        if "s" in by_role:
            W = joined(t, "s")
            found = {"Wx": W[:D], "Wh": W[D:]} if first == "x" else {"Wx": W[H:], "Wh": W[:H]}
        else:
            found = {"Wx": joined(t, "x"), "Wh": joined(t, "h")}
        for role, names in biases.items():
            found[role] = np.hstack([t[name].ravel() for name in names])
        for role in by_role.keys() & {"h0", "h0T", "c0", "c0T"}:
            state = t[by_role[role][0]]
            state = state.T if role.endswith("T") else state
            found[role[:2]] = np.broadcast_to(state.reshape(state.shape[-2:]), (N, H))
        return found

    return read


def in_order(parameters, orders, H):
    """Return parameters with their gates in other orders, along an axis in front."""

    def turned(value):
        blocks = value.reshape(*value.shape[:-1], -1, H)[..., orders, :]
        blocks = np.moveaxis(blocks, -3, 0)  # (orders, rows, gates, H), or without rows
        return blocks.reshape(*blocks.shape[:-2], -1)

    packed = {"Wx", "Wh", "b", "bh"} & parameters.keys()
    return {**parameters, **{name: turned(parameters[name]) for name in packed}}
