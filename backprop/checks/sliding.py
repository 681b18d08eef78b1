"""Suspects for layers with sliding windows: convolutions and pools, channels last or first."""

import itertools

import numpy as np

from .diagnosis import near


def images(case):
    """Yield what goes wrong where a window slides over images."""
    for name in case.wrong:
        yield from _shifted(case, name)
    if case.x.ndim != 4:
        return
    yield from _unrotated(case)
    yield from _all_winners(case)
    if case.y.ndim == 4:
        yield from _divisors(case)
        yield from _assigned(case)
        yield from _strideless(case)


def _shifted(case, name):
    """The padding is still there, or was cut off at the wrong end."""
    r, g = case.returned[name], case.right(name)
    if r.ndim != 4 or g.ndim != 4:
        return
    for axes in ((1, 2), (2, 3)):
        extra = tuple(r.shape[k] - g.shape[k] for k in axes)
        if min(extra) >= 0 and max(extra) > 0 and _same_but(r.shape, g.shape, axes):
            before = [slice(None)] * 4
            for axis, more in zip(axes, extra, strict=True):
                before[axis] = slice(more // 2, more // 2 + g.shape[axis])
            if near(r[tuple(before)], g):
                evidence = f"Without a border of {extra} pixels in all the gradient is right."
                yield "padding not cropped", evidence, {name: r}
        for p in range(-4, 5):
            if p and r.shape == g.shape and min(g.shape[k] for k in axes) > abs(p) + 1:
                ours, theirs = _overlap(axes, p)
                if near(r[theirs], g[ours]) and g[ours].any():
                    evidence = f"Moved by {p} pixels the gradient is right: cropped at one end."
                    yield "padding not cropped", evidence, {name: r}


def _overlap(axes, p):
    """Return the indices of what two images have in common, one moved by p along both axes."""
    ours, theirs = [slice(None)] * 4, [slice(None)] * 4
    for axis in axes:
        ours[axis] = slice(p, None) if p > 0 else slice(None, p)
        theirs[axis] = slice(None, -p) if p > 0 else slice(-p, None)
    return tuple(ours), tuple(theirs)


def _same_but(one, other, axes):
    return all(one[k] == other[k] for k in range(4) if k not in axes)


def _unrotated(case):
    """Dx with the kernel turned by 180 degrees; dW turned."""
    for name, W in case.tensors.items():
        if W.ndim == 4 and name != case.first:
            for axes in ((0, 1), (2, 3)):
                turned = np.flip(W, axes)
                if case.first in case.wrong:
                    evidence = f"This is the right gradient for {name} rotated by 180 degrees."
                    gradient = case.right_with(case.first, **{name: turned})
                    yield "kernel not rotated", evidence, {case.first: gradient}
                if name in case.wrong:
                    evidence = "The gradient is the right one, rotated by 180 degrees."
                    yield "kernel not rotated", evidence, {name: np.flip(case.right(name), axes)}


def _all_winners(case):
    """All that tie for the maximum get the whole delta: what raising them, not lowering, tells."""
    if case.first not in case.wrong:
        return
    h = 1e-6
    array = case.subject.tensors[case.first]
    raised = np.empty((case.y.size, array.size))
    for k, place in enumerate(np.ndindex(array.shape)):
        value = array[place]
        array[place] = value + h
        raised[:, k] = (np.ravel(case.subject.forward()[0]) - case.y.ravel()) / h
        array[place] = value
    raised = np.where(np.abs(raised) < 1e-7, 0, raised).round(7)
    evidence = "Every number that ties for the maximum gets the whole delta, not the first alone."
    gradient = (case.delta.ravel() @ raised).reshape(case.x.shape)
    yield "tie routed to all winners", evidence, {case.first: gradient}


def _assigned(case):
    """Where windows overlap, the last share (or the first) instead of the sum of all."""
    if case.first not in case.wrong:
        return
    for channels in (3, 1):
        shares = _shares(case, channels)
        reach = _reach(case, channels)
        # A pool's window is that of one channel; a convolution's covers all of them.
        for order, word in ((slice(None), "last"), (slice(None, None, -1), "first")):
            dx = np.zeros(case.x.shape)
            for share, covered in zip(shares[order], reach[order], strict=True):
                dx = np.where(covered, share, dx)
            evidence = f"Where windows overlap, the {word} one's share stands instead of the sum."
            yield "overlap assigned instead of accumulated", evidence, {case.first: dx}


def _positions(case, channels):
    """Return the index of the outputs at each position, in the order of a loop over positions."""
    axes = [k for k in (1, 2, 3) if k != channels]
    for p, q in np.ndindex(*(case.y.shape[k] for k in axes)):
        index = [slice(None)] * 4
        index[axes[0]], index[axes[1]] = p, q
        yield (p, q), tuple(index)


def _shares(case, channels):
    """Return what each position of the window contributes to dx."""
    found = []
    for _, index in _positions(case, channels):
        mask = np.zeros(case.y.shape)
        mask[index] = 1
        found.append(case.pull(case.first, mask * case.delta))
    return found


def _reach(case, channels):
    """Return which pixels each position's window covers: those that can change its output at all.

    A pixel that is made larger than all others wins wherever it takes part.
    """
    array = case.subject.tensors[case.first]
    touched = np.empty((*case.y.shape, array.size), bool)
    for k, place in enumerate(np.ndindex(array.shape)):
        value = array[place]
        array[place] = 10 * np.abs(case.x).max() + 1
        touched[..., k] = np.abs(case.subject.forward()[0] - case.y) > 1e-12
        array[place] = value
    found = []
    for _, index in _positions(case, channels):
        found.append(touched[index].any(axis=(0, 1)).reshape(case.x.shape))
    return [_whole_batch(covered) for covered in found]


def _whole_batch(covered):
    """Return the cover of a window with that of every example: the loop is over positions."""
    return np.broadcast_to(covered.any(axis=0, keepdims=True), covered.shape)


def _strideless(case):
    """Every window put as if the stride were 1, in layers without a twin: pools."""
    for channels in (3, 1):
        axes = [k for k in (1, 2, 3) if k != channels]
        reach = _reach(case, channels)
        shape = [case.y.shape[axis] for axis in axes]
        down, right = (_starts(reach, shape, axis, k) for k, axis in enumerate(axes))
        if down is None or right is None or set(np.diff(down)) | set(np.diff(right)) <= {1}:
            continue
        dx = np.zeros(case.x.shape)
        for ((p, q), _), share in zip(
            _positions(case, channels), _shares(case, channels), strict=True
        ):
            # Window p begins at pixel p S - P; one pixel apart, it would begin at p - P.
            moves = (p - (down[p] - down[0]), q - (right[q] - right[0]))
            dx += _moved(share, axes, moves)
        evidence = "The windows' shares were put one pixel apart, as if the stride were 1."
        yield "stride forgotten", evidence, {case.first: dx}


def _starts(reach, shape, axis, k):
    """Return where the windows of each row begin, counted from the first pixel.

    What is seen of a window is cut off at the border. Stride, padding and size are those that
    would be cut off in just this way.
    """
    others = tuple(o for o in range(4) if o != axis)
    seen = [None] * shape[k]
    for place, cover in zip(np.ndindex(*shape), reach, strict=True):
        rows = np.flatnonzero(cover.any(axis=others))
        if len(rows):
            seen[place[k]] = (rows[0], rows[-1])
    length = reach[0].shape[axis]
    for K, S in itertools.product(range(1, length + 1), range(1, 5)):
        for P in range(K):
            ends = [(max(p * S - P, 0), min(p * S - P + K, length) - 1) for p in range(shape[k])]
            if ends == seen:
                return [p * S - P for p in range(shape[k])]
    return None


def _moved(share, axes, moves):
    """Return an image moved up and to the left; what leaves it is gone."""
    out = np.zeros(share.shape)
    ours, theirs = [slice(None)] * 4, [slice(None)] * 4
    for axis, move in zip(axes, moves, strict=True):
        ours[axis] = slice(None, share.shape[axis] + move)
        theirs[axis] = slice(-move, None)
    out[tuple(ours)] = share[tuple(theirs)]
    return out


def _divisors(case):
    """The mean of a window at the border: over the pixels that are there, or over the whole."""
    J = case.jacobian(case.first)
    there = np.abs(J) > 1e-12
    counts = there.sum(axis=1, keepdims=True)
    if not near(np.where(there, J.max(axis=1, keepdims=True), 0), J) or counts.min() == 0:
        return  # not all weights of a window are the same: no mean
    if not near(case.jacobian_with(case.first, **{case.first: -case.x}), J):
        return  # a maximum
    kind = "divisor forgotten at borders"
    for weights, evidence in (
        (there / counts.max(), "Every window's mean is taken for one over as many as the largest."),
        (there / counts, "Every window's mean is taken for one over the pixels that are there."),
        (there * J.max(), "Every window's mean is taken for one over as few as the smallest."),
    ):
        if not near(weights, J):
            dx = (case.delta.ravel() @ weights).reshape(case.x.shape)
            yield kind, evidence, {case.first: dx}
    dx = (case.delta.ravel() @ there).reshape(case.x.shape)
    yield "factor K^2", "The sum over a window is spread, where it is a mean.", {case.first: dx}
