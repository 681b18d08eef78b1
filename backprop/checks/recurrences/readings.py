"""The ways in which the parameters of a recurrent layer are held, told by their shapes.

A *role* is what a tensor may be: `x` and `h` the matrices that x and the state are multiplied by,
`s` one matrix for both, stacked; `b` a bias, `h0` and `c0` states. Matrices and biases of several
gates may lie side by side, in one tensor or in several, in the order in which they are kept.
"""

import itertools

import numpy as np

MOST = 100
"""How many ways to share out tensors of one shape are looked at."""


def readings(shapes, x_shape, H, gates):
    """Yield functions that read Wx, Wh, b, bh, h0 and c0 out of tensors, as far as they are there.

    Every tensor has to be read: one that a layer does not need would have no gradient.
    """
    _, N, D = x_shape
    for turned in (False, True):
        for roles in _shared_out(shapes, D, H, N, gates, turned):
            by_role = {}
            for name, role in roles.items():
                by_role.setdefault(role, []).append(name)
            yield from _joined(by_role, shapes, D, H, N, gates, turned)


def _shared_out(shapes, D, H, N, gates, turned):
    """Yield a role for every tensor, for all that their shapes allow."""
    groups = {}
    for name, shape in shapes.items():
        groups.setdefault(shape, []).append(name)
    choices = []
    for shape, names in groups.items():
        roles = _roles(shape, D, H, N, gates, turned)
        if not roles:
            return
        choices.append(list(_patterns(names, roles)))
    for picked in itertools.product(*choices):
        yield {name: role for pattern in picked for name, role in pattern.items()}


def _roles(shape, D, H, N, gates, turned):
    """Return what a tensor of this shape may be."""
    widths = [k * H for k in range(1, gates + 1)]
    found = []
    if len(shape) == 2:
        rows, width = shape[::-1] if turned else shape
        if width in widths:
            found += [role for role, size in (("x", D), ("h", H), ("s", D + H)) if rows == size]
    size = int(np.prod(shape))
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
            yield dict(zip(names, picked, strict=True))
        return
    for role in roles:
        yield dict.fromkeys(names, role)
    for a, b in itertools.permutations(roles, 2):
        half = count // 2
        yield dict(zip(names, [a] * half + [b] * (count - half), strict=True))
        yield dict(zip(names, ([a, b] * count)[:count], strict=True))


def _joined(by_role, shapes, D, H, N, gates, turned):
    """Yield the readings for tensors whose roles are known, if they add up to all gates."""
    width = lambda names: sum(int(np.prod(shapes[n])) for n in names)  # noqa: E731
    x, h, s, b = (by_role.get(role, []) for role in "xhsb")
    full = gates * H
    states = [by_role.get(k, []) + by_role.get(f"{k}T", []) for k in ("h0", "c0")]
    matrices = (width(x), width(h), width(s))
    if matrices not in ((D * full, H * full, 0), (0, 0, (D + H) * full)):
        return
    if max(map(len, states)) > 1 or (states[1] and gates != 4):
        return
    for biases in _biases(b, [int(np.prod(shapes[n])) for n in b], full, H, gates):
        for first in ("x",) if x else ("h", "x"):
            yield _reader(x, h, s, first, biases, by_role, D, H, N, turned)


def _biases(names, widths, full, H, gates):
    """Yield the names of the tensors that b and its like are joined from."""
    total = sum(widths)
    if total == 0:
        yield {}
    if total == full:
        yield {"b": names}
    if total == 2 * full and len(names) % 2 == 0:
        half = len(names) // 2
        yield {"b": names[:half], "bh": names[half:]}
        if half > 1:
            yield {"b": names[::2], "bh": names[1::2]}
    if gates == 3 and total == full + H:
        for k in range(len(names)):
            if widths[k] == H:
                yield {"b": names[:k] + names[k + 1 :], "bh_n": [names[k]]}


def _reader(x, h, s, first, biases, by_role, D, H, N, turned):
    """Return the function that cuts and joins."""

    def joined(t, names):
        return np.hstack([t[n].T if turned else t[n] for n in names])

    def state(t, name, flip):
        value = t[name].T if flip and t[name].ndim == 2 else t[name]
        value = value[0] if value.ndim == 3 else value
        return np.broadcast_to(value, (N, H))

    def read(t):
        if s:
            W = joined(t, s)
            found = {"Wx": W[:D], "Wh": W[D:]} if first == "x" else {"Wx": W[H:], "Wh": W[:H]}
        else:
            found = {"Wx": joined(t, x), "Wh": joined(t, h)}
        for role, names in biases.items():
            found[role] = np.hstack([t[n].ravel() for n in names])
        for role in ("h0", "h0T", "c0", "c0T"):
            for name in by_role.get(role, []):
                found[role[:2]] = state(t, name, role.endswith("T"))
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
