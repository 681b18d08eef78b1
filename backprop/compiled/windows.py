"""What sends the numbers of windows back to their pixels, see `layers/windows.py`."""

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

from ..errors import expects


def fold(dX, dx, stride, dilation):
    """Return images `dx` with windows `dX` (N, OH, OW, K, K, C) added to their pixels."""
    N, OH, OW, K, L, C = dX.shape
    (s, t), (d, e), W = stride, dilation, dx.shape[2]
    least = (N, (OH - 1) * s + (K - 1) * d + 1, (OW - 1) * t + (L - 1) * e + 1, C)
    if least[::3] != dx.shape[::3] or least[1] > dx.shape[1] or least[2] > W:
        raise expects("fold", f"windows of images of shape {dx.shape}", f"some of {least}")
    # Places of a row that lie side by side are one run of numbers, in the windows and the image.
    places = L if e == 1 else 1
    starts = [(i * d * W + j * e) * C for i in range(K) for j in range(0, L, places)]
    runs = np.ascontiguousarray(dX).reshape(N, OH, OW, len(starts), places * C)
    _fold(runs, dx.reshape(N, dx.shape[1] * W * C), (s * W * C, t * C), np.array(starts))
    return dx


@njit(nogil=True, cache=True)
def _fold(runs, dx, steps, starts):
    for n in range(len(dx)):
        add_runs(runs[n], dx[n], steps, starts)


@njit(nogil=True, cache=True)
def add_runs(runs, image, steps, starts):
    """Add the runs of every window; its neighbours lie `steps` down and right in the image."""
    OH, OW, K, length = runs.shape
    down, right = steps
    # Backwards: so a pixel sums what comes back in the order of the places, as in NumPy's loop.
    for p in range(OH - 1, -1, -1):
        for q in range(OW - 1, -1, -1):
            for k in range(K):
                start = p * down + q * right + starts[k]
                seen = image[start : start + length]
                for c in range(length):
                    seen[c] += runs[p, q, k, c]
