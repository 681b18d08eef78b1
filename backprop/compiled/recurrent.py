"""The steps of LSTM, RNN and GRU: the whole way through time is one call.

So a pass takes Python's lock a few times, not twice for every step, and several threads that go
through time at once do not wait for each other. All is float32, since NumPy's own tanh is faster in
float64; the equations are those of the layers' own chapters.
"""

import numpy as np

from . import require_shape
from .elementary import HALF, ONE, fused, tanh

ROWS = 32  # examples that are multiplied at a time
TILE = 2**14  # numbers that a tile has at the most: 64 KiB of them, 2**19 multiply-adds for 32 rows
JOINT = 2**8  # rows of Wx and Wh together, up to which both are multiplied at each step


@fused
def tiles(Wx, Wh):
    """Return Wx above Wh (K, M) in stretches of columns (M / 32, K, 32), the last one with zeros.

    Products of 32 rows with them are small enough that BLAS reads both as they lie. A whole W it
    would first bring into an order of its own, at each step again: for 32 examples and 128 cells
    that is a quarter of the time of an LSTM's products. A W of more than 1024 rows stays whole.
    """
    D, K, M = len(Wx), len(Wx) + len(Wh), Wh.shape[1]
    side = min(32, TILE // K)
    if side < 16:
        side = M
    W = np.zeros(((M + side - 1) // side, K, side), Wh.dtype)
    for j in range(len(W)):
        start = j * side
        for k in range(K):
            W_jk = W[j, k]
            for m in range(min(side, M - start)):
                W_jk[m] = Wx[k, start + m] if k < D else Wh[k - D, start + m]
    return W


@fused
def add_product(x, W, y):
    """Add x @ W to y, for the tiles of W."""
    N = len(x)
    J, _, side = W.shape
    rows = ROWS if J > 1 else max(N, 1)
    part = np.empty((rows, side), x.dtype)
    for start in range(0, N, rows):
        x_part = x[start : start + rows]
        xW = part[: len(x_part)]
        for j in range(J):
            np.dot(x_part, W[j], xW)
            for n in range(len(xW)):
                xW_n, y_n = xW[n], y[start + n, j * side : (j + 1) * side]
                for k in range(len(y_n)):
                    y_n[k] += xW_n[k]


@fused
def sigmoid(x):
    """Return 1 / (1 + e^-x) of a float32, from the tanh."""
    return HALF + HALF * tanh(HALF * x)


def lstm_forward(x, h, c, Wx, Wh, b):
    """Return the gates (T, N, 4H); fill in h and c (T + 1, N, H), of which [0] is given."""
    x, Wx, given, gates = _inputs(x, Wx, Wh, b, steps=len(x))
    _lstm_forward(x, Wx, Wh, given, gates, h, c)
    return gates


def lstm_predict(x, states, Wx, Wh, b):
    """Return the h of `lstm_forward`, to the last bit, from the `states` h and c, or zeros."""
    x = x if x.flags.writeable else x.copy("K")  # for a type of its own all would be compiled anew
    T, N, _ = x.shape
    h, c = np.zeros((T + 1, N, len(Wh)), x.dtype), np.zeros((2, N, len(Wh)), x.dtype)
    if states:
        h[0], c[0] = states
    x, Wx, given, gates = _inputs(x, Wx, Wh, b, steps=1)
    _lstm_forward(x, Wx, Wh, given, gates, h, c)
    return h


def _inputs(x, Wx, Wh, b, steps):
    """Return x, Wx, what is given, and room for the gates of some steps: `a = x Wx + h Wh + given`.

    So a is made and used in the cache. Wide inputs are multiplied beforehand, those of all steps
    at once: the more rows there are, the faster is BLAS, and gates then take the place of products.
    """
    T, N, D = x.shape
    if len(Wx) + len(Wh) <= JOINT:
        gates = np.empty((steps, N, b.size), x.dtype)
        return x, Wx, b.reshape(1, 1, -1), gates
    xW = (x.reshape(T * N, D) @ Wx).reshape(T, N, b.size)
    xW += b
    return x[:, :, :0], Wx[:0], xW, xW


@fused
def _lstm_forward(x, Wx, Wh, given, gates, h, c):
    """Go through time; where an array has room for fewer steps, these take turns."""
    T, N, D = x.shape
    W = tiles(Wx, Wh)
    H = h.shape[2]
    xh = np.empty((N, D + H), x.dtype)
    for t in range(T):
        a, c_old, c_new = gates[t % len(gates)], c[t % len(c)], c[(t + 1) % len(c)]
        given_t = given[t % len(given)]
        for n in range(N):
            xh_n, x_n, h_n, a_n, given_n = xh[n], x[t, n], h[t, n], a[n], given_t[n % len(given_t)]
            for k in range(D):
                xh_n[k] = x_n[k]
            for k in range(H):
                xh_n[D + k] = h_n[k]
            for k in range(4 * H):
                a_n[k] = given_n[k]
        add_product(xh, W, a)
        for n in range(N):
            a_n, c_before, c_n, h_n = a[n], c_old[n], c_new[n], h[t + 1, n]
            i, f, g, o = a_n[:H], a_n[H : 2 * H], a_n[2 * H : 3 * H], a_n[3 * H :]
            for k in range(H):
                i_k, f_k, g_k, o_k = sigmoid(i[k]), sigmoid(f[k]), tanh(g[k]), sigmoid(o[k])
                c_k = f_k * c_before[k] + i_k * g_k
                i[k], f[k], g[k], o[k], c_n[k], h_n[k] = i_k, f_k, g_k, o_k, c_k, o_k * tanh(c_k)


def lstm_backward(delta, gates, c, Wh):
    """Return da (T, N, 4H), and dh and dc of the states that the layer began with."""
    require_shape("LSTM", delta, c[1:].shape)
    da = np.empty_like(gates)
    dh = np.zeros_like(delta[0])
    dc = np.zeros_like(dh)
    _lstm_backward(dh, dc, delta, gates, c, da, Wh)
    return da, dh, dc


@fused
def _lstm_backward(dh, dc, delta, gates, c, da, Wh):
    T, N, H = len(da), c.shape[1], c.shape[2]
    Wh_T = tiles(Wh.T[:0], Wh.T)
    for t in range(T - 1, -1, -1):
        for n in range(N):
            a, d = gates[t, n], da[t, n]
            i, f, g, o = a[:H], a[H : 2 * H], a[2 * H : 3 * H], a[3 * H :]
            da_i, da_f, da_g, da_o = d[:H], d[H : 2 * H], d[2 * H : 3 * H], d[3 * H :]
            c_before, c_n, delta_n, dh_n, dc_n = c[t, n], c[t + 1, n], delta[t, n], dh[n], dc[n]
            for k in range(H):
                dh_k, tanh_c = dh_n[k] + delta_n[k], tanh(c_n[k])
                dc_k = dc_n[k] + dh_k * o[k] * (ONE - tanh_c * tanh_c)
                da_i[k] = dc_k * g[k] * i[k] * (ONE - i[k])
                da_f[k] = dc_k * c_before[k] * f[k] * (ONE - f[k])
                da_g[k] = dc_k * i[k] * (ONE - g[k] * g[k])
                da_o[k] = dh_k * tanh_c * o[k] * (ONE - o[k])
                dc_n[k] = dc_k * f[k]
                dh_n[k] = 0
        add_product(da[t], Wh_T, dh)


def rnn_forward(a, h, Wh):
    """Fill in h (T + 1, N, H), of which [0] is given, for the tanh; leave a as it is."""
    _rnn_forward(a, h, Wh)


@fused
def _rnn_forward(a, h, Wh):
    T, N, H = len(a), h.shape[1], h.shape[2]
    W = tiles(Wh[:0], Wh)
    for t in range(T):
        h[t + 1] = a[t]
        add_product(h[t], W, h[t + 1])
        for n in range(N):
            h_n = h[t + 1, n]
            for k in range(H):
                h_n[k] = tanh(h_n[k])


def rnn_backward(delta, h, Wh):
    """Return da (T, N, H), and dh of the state that the layer began with."""
    require_shape("RNN", delta, h[1:].shape)
    da = np.empty_like(delta)
    dh = np.zeros_like(delta[0])
    _rnn_backward(dh, delta, h, da, Wh)
    return da, dh


@fused
def _rnn_backward(dh, delta, h, da, Wh):
    T, N, H = da.shape
    Wh_T = tiles(Wh.T[:0], Wh.T)
    for t in range(T - 1, -1, -1):
        for n in range(N):
            dh_n, delta_n, h_n, da_n = dh[n], delta[t, n], h[t + 1, n], da[t, n]
            for k in range(H):
                da_n[k] = (dh_n[k] + delta_n[k]) * (ONE - h_n[k] * h_n[k])
                dh_n[k] = 0
        add_product(da[t], Wh_T, dh)


def gru_forward(a, h, u, Wh, bh):
    """Turn a (T, N, 3H) into r, z, n and fill in u and h, the reset gate after the product."""
    _gru_forward(a, h, u, Wh, bh)


@fused
def _gru_forward(a, h, u, Wh, bh):
    T, N, H = u.shape
    W, hW = tiles(Wh[:0], Wh), np.empty_like(a[0])
    for t in range(T):
        hW[:] = 0
        add_product(h[t], W, hW)
        for m in range(N):
            r, z, n = a[t, m, :H], a[t, m, H : 2 * H], a[t, m, 2 * H :]
            hW_r, hW_z, hW_n = hW[m, :H], hW[m, H : 2 * H], hW[m, 2 * H :]
            h_before, h_m, u_m = h[t, m], h[t + 1, m], u[t, m]
            for k in range(H):
                r_k = sigmoid(r[k] + hW_r[k])
                z_k = sigmoid(z[k] + hW_z[k])
                u_k = hW_n[k] + bh[k]
                n_k = tanh(n[k] + r_k * u_k)
                r[k], z[k], n[k], u_m[k] = r_k, z_k, n_k, u_k
                h_m[k] = (ONE - z_k) * n_k + z_k * h_before[k]


def gru_backward(delta, gates, h, u, Wh):
    """Return da (T, N, 3H), du (T, N, H), and dh of the state that the layer began with."""
    require_shape("GRU", delta, h[1:].shape)
    da, du = np.empty_like(gates), np.empty_like(u)
    dh = np.zeros_like(delta[0])
    _gru_backward(dh, delta, gates, h, u, da, du, Wh)
    return da, du, dh


@fused
def _gru_backward(dh, delta, gates, h, u, da, du, Wh):
    T, N, H = du.shape
    Wh_T = tiles(Wh.T[:0], Wh.T)
    d_hW = np.empty_like(da[0])  # da_r, da_z and du side by side
    for t in range(T - 1, -1, -1):
        for m in range(N):
            a, d, both = gates[t, m], da[t, m], d_hW[m]
            r, z, n = a[:H], a[H : 2 * H], a[2 * H :]
            da_r, da_z, da_n = d[:H], d[H : 2 * H], d[2 * H :]
            h_before, u_m, du_m, delta_m, dh_m = h[t, m], u[t, m], du[t, m], delta[t, m], dh[m]
            for k in range(H):
                dh_k = dh_m[k] + delta_m[k]
                n_k = dh_k * (ONE - z[k]) * (ONE - n[k] * n[k])
                da_z[k] = dh_k * (h_before[k] - n[k]) * z[k] * (ONE - z[k])
                da_n[k] = n_k
                du_m[k] = n_k * r[k]
                da_r[k] = n_k * u_m[k] * r[k] * (ONE - r[k])
                dh_m[k] = dh_k * z[k]
            for k in range(2 * H):
                both[k] = d[k]
            for k in range(H):
                both[2 * H + k] = du_m[k]
        add_product(d_hW, Wh_T, dh)
