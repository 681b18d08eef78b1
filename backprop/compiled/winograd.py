r"""Convolution with 3x3 kernels and less than half of the products: Winograd's F(2x2, 3x3).

Two neighbours of a row, $y_0 = d_0 g_0 + d_1 g_1 + d_2 g_2$ and $y_1 = d_1 g_0 + d_2 g_1 + d_3
g_2$, take six products. The same two take four, if the sums of $g$ are made once for all of them:

    m_0 = (d_0 - d_2) g_0                        y_0 = m_0 + m_1 + m_2
    m_1 = (d_1 + d_2) (g_0 + g_1 + g_2) / 2      y_1 = m_1 - m_2 + m_3
    m_2 = (d_2 - d_1) (g_0 - g_1 + g_2) / 2
    m_3 = (d_3 - d_1) g_2

since $m_1 + m_2 = d_1 g_1 + d_2 (g_0 + g_2)$ and $m_1 - m_2 = d_1 (g_0 + g_2) + d_2 g_1$. With the
signs as matrices $B^\top$ (4, 4), $G$ (4, 3) and $A^\top$ (2, 4) this is $y = A^\top [(G g) \odot
(B^\top d)]$. Rows and columns in turn make 2x2 numbers of y from a *tile* of 4x4 pixels,

$$ V = B^\top d\, B, \quad U = G\, W G^\top, \quad M_{ij} = V_{ij} U_{ij}, \quad y = A^\top M A, $$

where all tiles and channels make $V_{ij}$ (tiles, C), $U_{ij}$ (C, F) and $M_{ij}$ (tiles, F): 16
matrix products, with 16 multiplications where 4 windows have 36. All of it is linear in W, so

$$ dM = A\, \delta A^\top, \quad dU_{ij} = V_{ij}^\top dM_{ij}, \quad dW = G^\top dU\, G, $$

$$ dV_{ij} = dM_{ij} U_{ij}^\top, \quad dd = B\, dV B^\top, $$

and a pixel sums what comes back from the tiles that it is in, as in `layers/windows.py`.

The sums are rounded differently, no worse: a sum over C is shorter than one over 9 C, and the sums
of a tile add a few roundings to it. What is infinite makes NaN of its whole tile.

Source: Winograd, *Arithmetic complexity of computations* (1980); Lavin and Gray, *Fast algorithms
for convolutional neural networks* (2016).
"""

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
GG = np.kron(G, G)  # G W G.T = (GG W), with W as (9, C * F)

compiled = njit(nogil=True, cache=True, error_model="numpy")


def suits(shape, kernel, window):
    """Return whether this is faster for images of `shape` than to multiply their windows.

    Of every pixel the sums around the products take C + F, the products C F; and each image fetches
    U anew.
    """
    (_, H, L, channels), (K, C, F) = shape, (kernel[:2], *kernel[2:])
    plain = K == (3, 3) and window.stride == window.dilation == (1, 1) and channels == C
    OH, OW = window.positions(H, L)
    return plain and min(C, F) >= 16 and C * F >= 2048 and OH * OW >= 144


def forward(x, W, b, window, least=-np.inf):
    """Return `y` of Conv2D, or `least` where that is less.

    `W` is as the windows are multiplied by it.
    """
    (N, H, L, C), F = x.shape, W.shape[3]
    OH, OW = window.positions(H, L)
    y = np.empty((N, *_even(OH, OW), F), x.dtype)
    U, b, least = _kernel(W), np.full(F, b, x.dtype), x.dtype.type(least)
    _forward(np.ascontiguousarray(x), U, b, least, _in_pairs(y), _corner(x, window), _rows(y, C))
    return np.ascontiguousarray(y[:, :OH, :OW])


def backward(delta, x, W, window):
    """Return `dx` and `dW` of Conv2D, with `dW` as `W` in `forward`."""
    UT, dx = np.ascontiguousarray(_kernel(W).swapaxes(2, 3)), np.zeros(x.shape, x.dtype)
    return dx, _gradients(delta, x, UT, dx, window)


def grads(delta, x, window):
    """Return the `dW` of `backward` only."""
    return _gradients(delta, x, None, None, window)


def _gradients(delta, x, UT, dx, window):
    """Return `dW`; add dx to `dx` unless that is None."""
    delta, x = _padded(delta), np.ascontiguousarray(x)
    C, F = x.shape[3], delta.shape[3]
    dU = np.zeros((4, 4, C, F), x.dtype)
    _backward(_in_pairs(delta), x, UT, dx, dU, _corner(x, window), _rows(delta, C))
    return (GG.T.astype(x.dtype) @ dU.reshape(16, C * F)).reshape(3, 3, C, F)


def _kernel(W):
    """Return U."""
    C, F = W.shape[2:]
    return (GG.astype(W.dtype) @ W.reshape(9, C * F)).reshape(4, 4, C, F)


def _even(OH, OW):
    return OH + OH % 2, OW + OW % 2


def _padded(delta):
    """Return `delta` in one piece, with zeros where tiles go beyond its edges."""
    N, OH, OW, F = delta.shape
    if _even(OH, OW) == (OH, OW):
        return np.ascontiguousarray(delta)
    padded = np.zeros((N, *_even(OH, OW), F), delta.dtype)
    padded[:, :OH, :OW] = delta
    return padded


def _in_pairs(y):
    """Return `y` (N, P, 2, Q, 2, F), for P by Q tiles."""
    N, OH, OW, F = y.shape
    return y.reshape(N, OH // 2, 2, OW // 2, 2, F)


def _corner(x, window):
    """Return how many rows and columns the first tile starts above and left of the image."""
    (top, _), (left, _) = window.margins(*x.shape[1:3])
    return top, left


def _rows(y, C):
    """Return how many rows of tiles to work on at a time: what is made of them fits the cache."""
    _, OH, OW, F = y.shape
    return min(OH // 2, max(1, 2**18 // (16 * (C + F) * (OW // 2))))


# In what follows all images pass through the same buffers: a band of R rows of tiles of each.


@compiled
def _forward(x, U, b, least, y, corner, most):
    N, _, _, C = x.shape
    _, P, _, Q, _, F = y.shape
    for p in range(0, P, most):
        R = min(most, P - p)
        d = np.zeros((2 * R + 2, 2, (Q + 1) * C), x.dtype)
        V, M = np.empty((4, 4, R, Q * C), x.dtype), np.empty((4, 4, R, Q * F), x.dtype)
        for n in range(N):
            _take(x[n], d, 2 * p - corner[0], corner[1])
            _pixels(d, V, C)
            for i in range(4):
                for j in range(4):
                    V_ij, M_ij = V[i, j].reshape(R * Q, C), M[i, j].reshape(R * Q, F)
                    np.dot(V_ij, U[i, j], M_ij)
            _outputs(M, b, least, y[n, p : p + R])


@compiled
def _backward(delta, x, UT, dx, dU, corner, most):
    N, _, _, C = x.shape
    _, P, _, Q, _, F = delta.shape
    dU_n = np.empty((C, F), x.dtype)
    for p in range(0, P, most):
        R = min(most, P - p)
        d = np.zeros((2 * R + 2, 2, (Q + 1) * C), x.dtype)
        dd = np.empty_like(d)
        V, dM = np.empty((4, 4, R, Q * C), x.dtype), np.empty((4, 4, R, Q * F), x.dtype)
        for n in range(N):
            _take(x[n], d, 2 * p - corner[0], corner[1])
            _pixels(d, V, C)
            _outputs_back(delta[n, p : p + R], dM)
            for i in range(4):
                for j in range(4):
                    V_ij, dM_ij = V[i, j].reshape(R * Q, C), dM[i, j].reshape(R * Q, F)
                    np.dot(V_ij.T, dM_ij, dU_n)
                    for c in range(C):
                        for f in range(F):
                            dU[i, j, c, f] += dU_n[c, f]
                    if UT is not None:
                        np.dot(dM_ij, UT[i, j], V_ij)  # dV: no one needs V any more
            if dx is not None:
                _pixels_back(V, dd, C)
                _take_back(dd, dx[n], 2 * p - corner[0], corner[1])


# Of a row of tiles, the numbers that one line of a matrix adds up have to be neighbours in memory.
# So the even columns of pixels, or of outputs, lie before the odd ones; columns 2 and 3 of a tile
# are columns 0 and 1 of the next. And each line of a matrix has a loop of its own: LLVM makes no
# vectors of a loop that writes to several places.


@compiled
def _take(x, d, above, left):
    """Copy rows of an image to d (2R + 2, 2, (Q + 1) * C)."""
    H, W, C = x.shape
    for r in range(d.shape[0]):
        if not 0 <= above + r < H:
            d[r] = 0
            continue
        for v in range(max(0, -left), min(W, 2 * d.shape[2] // C - left)):
            q, odd = divmod(v + left, 2)
            to, pixel = d[r, odd, q * C : q * C + C], x[above + r, v]
            for c in range(C):
                to[c] = pixel[c]


@compiled
def _take_back(dd, dx, above, left):
    """Add the rows dd to those of an image: the transpose of `_take`."""
    H, W, C = dx.shape
    for r in range(max(0, -above), min(dd.shape[0], H - above)):
        for v in range(max(0, -left), min(W, 2 * dd.shape[2] // C - left)):
            q, odd = divmod(v + left, 2)
            to, pixel = dx[above + r, v], dd[r, odd, q * C : q * C + C]
            for c in range(C):
                to[c] += pixel[c]


@compiled
def _pixels(d, V, C):
    """Fill in V = B.T d B."""
    _, _, R, QC = V.shape
    t = np.empty((4, 2, QC + C), V.dtype)
    for p in range(R):
        for odd in range(2):
            d0, d1, d2, d3 = d[2 * p, odd], d[2 * p + 1, odd], d[2 * p + 2, odd], d[2 * p + 3, odd]
            _times_B(d0, d1, d2, d3, t[0, odd], t[1, odd], t[2, odd], t[3, odd])
        for i in range(4):
            t0, t1, t2, t3 = t[i, 0, :QC], t[i, 1, :QC], t[i, 0, C:], t[i, 1, C:]
            _times_B(t0, t1, t2, t3, V[i, 0, p], V[i, 1, p], V[i, 2, p], V[i, 3, p])


@compiled
def _pixels_back(dV, dd, C):
    """Fill in dd = B dV B.T, summed where tiles overlap."""
    _, _, R, QC = dV.shape
    t = np.empty((4, 2, QC + C), dV.dtype)
    dd[:] = 0
    for p in range(R):
        t[:] = 0
        for i in range(4):
            t0, t1, t2, t3 = t[i, 0, :QC], t[i, 1, :QC], t[i, 0, C:], t[i, 1, C:]
            _add_B_t(dV[i, 0, p], dV[i, 1, p], dV[i, 2, p], dV[i, 3, p], t0, t1, t2, t3)
        for odd in range(2):
            d0, d1 = dd[2 * p, odd], dd[2 * p + 1, odd]
            d2, d3 = dd[2 * p + 2, odd], dd[2 * p + 3, odd]
            _add_B_t(t[0, odd], t[1, odd], t[2, odd], t[3, odd], d0, d1, d2, d3)


@compiled
def _outputs(M, b, least, y):
    """Fill in y = A.T M A + b, and `least` where that is less."""
    R, _, Q, _, F = y.shape
    t, apart = np.empty((2, 4, Q * F), M.dtype), np.empty((2, Q * F), M.dtype)
    y_p = apart.reshape(2, Q, F)
    for p in range(R):
        for j in range(4):
            _times_A(M[0, j, p], M[1, j, p], M[2, j, p], M[3, j, p], t[0, j], t[1, j])
        for i in range(2):
            _times_A(t[i, 0], t[i, 1], t[i, 2], t[i, 3], apart[0], apart[1])
            for q in range(Q):
                for odd in range(2):
                    for f in range(F):
                        value = y_p[odd, q, f] + b[f]
                        y[p, i, q, odd, f] = least if value <= least else value


@compiled
def _outputs_back(delta, dM):
    """Fill in dM = A delta A.T."""
    R, _, Q, _, F = delta.shape
    t, apart = np.empty((2, 4, Q * F), dM.dtype), np.empty((2, Q * F), dM.dtype)
    delta_p = apart.reshape(2, Q, F)
    for p in range(R):
        for i in range(2):
            for q in range(Q):
                for odd in range(2):
                    for f in range(F):
                        delta_p[odd, q, f] = delta[p, i, q, odd, f]
            _times_A_t(apart[0], apart[1], t[i, 0], t[i, 1], t[i, 2], t[i, 3])
        for j in range(4):
            _times_A_t(t[0, j], t[1, j], dM[0, j, p], dM[1, j, p], dM[2, j, p], dM[3, j, p])


@compiled
def _times_B(d0, d1, d2, d3, v0, v1, v2, v3):
    """Fill in v = d B."""
    for k in range(d0.size):
        v0[k] = d0[k] - d2[k]
    for k in range(d0.size):
        v1[k] = d1[k] + d2[k]
    for k in range(d0.size):
        v2[k] = d2[k] - d1[k]
    for k in range(d0.size):
        v3[k] = d3[k] - d1[k]


@compiled
def _add_B_t(v0, v1, v2, v3, d0, d1, d2, d3):
    """Add v B.T to d."""
    for k in range(v0.size):
        d0[k] += v0[k]
    for k in range(v0.size):
        d1[k] += v1[k] - v2[k] - v3[k]
    for k in range(v0.size):
        d2[k] += v1[k] + v2[k] - v0[k]
    for k in range(v0.size):
        d3[k] += v3[k]


@compiled
def _times_A(m0, m1, m2, m3, y0, y1):
    """Fill in y = m A."""
    for k in range(m0.size):
        y0[k] = m0[k] + m1[k] + m2[k]
    for k in range(m0.size):
        y1[k] = m1[k] - m2[k] + m3[k]


@compiled
def _times_A_t(y0, y1, m0, m1, m2, m3):
    """Fill in m = y A.T."""
    for k in range(y0.size):
        m0[k] = y0[k]
    for k in range(y0.size):
        m1[k] = y0[k] + y1[k]
    for k in range(y0.size):
        m2[k] = y0[k] - y1[k]
    for k in range(y0.size):
        m3[k] = y1[k]
