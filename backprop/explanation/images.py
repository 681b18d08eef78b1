"""Sliding windows entry by entry: which pixel a place sees, which places see a pixel."""

import itertools

from .terms import Number, total


def shape_of_windows(reader, window, image):
    """Return the shape of an image's windows."""
    N, H, W, C = reader.shape(image)
    return (N, *window.positions(H, W), *window.size, C)


def seen_at(reader, window, image, index):
    """Return what a window sees at one of its places: a pixel, or zero beside the image."""
    n, *at, c = index
    _, H, W, _ = reader.shape(image)
    pixel = [
        place * s + k * d - before
        for place, k, s, d, (before, _) in zip(
            at[:2], at[2:], window.stride, window.dilation, window.margins(H, W), strict=True
        )
    ]
    inside = all(0 <= u < L for u, L in zip(pixel, (H, W), strict=True))
    return reader.at(image, (n, *pixel, c)) if inside else Number("0", 0)


def folded_at(reader, window, stamps, index, shape):
    """Return the sum of all places of windows that see one pixel."""
    n, *pixel, c = index
    H, W = shape[1:3]
    sides = zip(
        pixel, window.stride, window.dilation, window.margins(H, W), window.size,
        window.positions(H, W), strict=True,
    )  # fmt: skip
    ways = [
        [(p // s, k) for k in range(K) for p in [u + before - k * d] if p in range(0, P * s, s)]
        for u, s, d, (before, _), K, P in sides
    ]
    seen = sorted((i, j, p, q) for (p, i), (q, j) in itertools.product(*ways))
    return total(reader.at(stamps, (n, p, q, i, j, c)) for i, j, p, q in seen)
