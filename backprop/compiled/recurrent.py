"""The steps of LSTM, RNN and GRU: all that a step does between two matrix products, in one loop.

The loop over time stays in Python, its products are NumPy's, and both those and the loops below let
other threads run. All is float32; the equations are those of the layers' own chapters.
"""

import numpy as np
from numba import njit  # pyright: ignore[reportMissingImports]

# "contract" allows a * b + c in one instruction and "nsz" -0 for 0; all else, NaN above all, stays.
fused = njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})

ONE, HALF = np.float32(1), np.float32(0.5)
EDGE = np.float32(9)  # from where on tanh is 1 in float32, but for half of its last digit
P0, P1, P2, P3, P4 = map(np.float32, (1, 0.13381025, 3.4955875e-3, 2.0609073e-5, 1.3354651e-8))
Q1, Q2, Q3, Q4 = map(np.float32, (0.46714341, 2.5876980e-2, 3.2856338e-4, 7.7765535e-7))


@fused
def tanh(x):
    r"""Return tanh of a float32, to 4e-7 of its value, without a branch: loops of it are vectors.

    $$ \tanh x \approx x\,\frac{p_0 + p_1 x^2 + \dots + p_4 x^8}{1 + q_1 x^2 + \dots + q_4 x^8} $$

    with the coefficients of the least relative error on [-9, 9] (Remez), which is 2.1e-8; the rest
    is rounding. The comparisons are false for NaN, which therefore stays.
    """
    x = EDGE if x > EDGE else x
    x = -EDGE if x < -EDGE else x
    u = x * x
    p = (((P4 * u + P3) * u + P2) * u + P1) * u + P0
    q = (((Q4 * u + Q3) * u + Q2) * u + Q1) * u + ONE
    y = x * p / q
    y = ONE if y > ONE else y
    return -ONE if y < -ONE else y


@fused
def sigmoid(x):
    """Return 1 / (1 + e^-x) of a float32, from the tanh."""
    return HALF + HALF * tanh(HALF * x)


def lstm_forward(a, h, c, Wh, b):
    """Turn a (T, N, 4H) into the gates and fill in h and c (T + 1, N, H), of which [0] is given."""
    hW = np.empty_like(a[0])
    for t in range(len(a)):
        np.matmul(h[t], Wh, out=hW)
        _lstm_step(t, hW, a, h, c, b)


@fused
def _lstm_step(t, hW, a, h, c, b):
    H = h.shape[2]
    for n in range(h.shape[1]):
        a_n, hW_n, c_before, c_n, h_n = a[t, n], hW[n], c[t, n], c[t + 1, n], h[t + 1, n]
        for k in range(4 * H):
            a_n[k] += hW_n[k] + b[k]
        i, f, g, o = a_n[:H], a_n[H : 2 * H], a_n[2 * H : 3 * H], a_n[3 * H :]
        for k in range(H):
            i_k, f_k, g_k, o_k = sigmoid(i[k]), sigmoid(f[k]), tanh(g[k]), sigmoid(o[k])
            c_k = f_k * c_before[k] + i_k * g_k
            i[k], f[k], g[k], o[k], c_n[k], h_n[k] = i_k, f_k, g_k, o_k, c_k, o_k * tanh(c_k)


def lstm_backward(delta, gates, c, Wh):
    """Return da (T, N, 4H), and dh and dc of the states that the layer began with."""
    da = np.empty_like(gates)
    dh = np.zeros_like(delta[0])
    dc = np.zeros_like(dh)
    Wh_T = np.ascontiguousarray(Wh.T)  # the product then takes three quarters of the time
    for t in reversed(range(len(da))):
        _lstm_step_back(t, dh, dc, delta, gates, c, da)
        np.matmul(da[t], Wh_T, out=dh)
    return da, dh, dc


@fused
def _lstm_step_back(t, dh, dc, delta, gates, c, da):
    H = c.shape[2]
    for n in range(c.shape[1]):
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


def rnn_forward(a, h, Wh):
    """Fill in h (T + 1, N, H), of which [0] is given, for the tanh."""
    hW = np.empty_like(a[0])
    for t in range(len(a)):
        np.matmul(h[t], Wh, out=hW)
        _rnn_step(t, hW, a, h)


@fused
def _rnn_step(t, hW, a, h):
    for n in range(h.shape[1]):
        a_n, hW_n, h_n = a[t, n], hW[n], h[t + 1, n]
        for k in range(h.shape[2]):
            h_n[k] = tanh(a_n[k] + hW_n[k])


def rnn_backward(delta, h, Wh):
    """Return da (T, N, H), and dh of the state that the layer began with."""
    da = np.empty_like(delta)
    dh = np.zeros_like(delta[0])
    Wh_T = np.ascontiguousarray(Wh.T)  # the product then takes three quarters of the time
    for t in reversed(range(len(da))):
        _rnn_step_back(t, dh, delta, h, da)
        np.matmul(da[t], Wh_T, out=dh)
    return da, dh


@fused
def _rnn_step_back(t, dh, delta, h, da):
    for n in range(h.shape[1]):
        dh_n, delta_n, h_n, da_n = dh[n], delta[t, n], h[t + 1, n], da[t, n]
        for k in range(h.shape[2]):
            da_n[k] = (dh_n[k] + delta_n[k]) * (ONE - h_n[k] * h_n[k])


def gru_forward(a, h, u, Wh, bh):
    """Turn a (T, N, 3H) into r, z, n and fill in u and h, the reset gate after the product."""
    hW = np.empty_like(a[0])
    for t in range(len(a)):
        np.matmul(h[t], Wh, out=hW)
        _gru_step(t, hW, a, h, u, bh)


@fused
def _gru_step(t, hW, a, h, u, bh):
    H = h.shape[2]
    for m in range(h.shape[1]):
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
    da, du = np.empty_like(gates), np.empty_like(u)
    dh = np.zeros_like(delta[0])
    d_hW, dh_W = np.empty_like(da[0]), np.empty_like(dh)
    Wh_T = np.ascontiguousarray(Wh.T)  # the product then takes three quarters of the time
    for t in reversed(range(len(da))):
        _gru_step_back(t, dh, delta, gates, h, u, da, du, d_hW)
        np.matmul(d_hW, Wh_T, out=dh_W)
        dh += dh_W
    return da, du, dh


@fused
def _gru_step_back(t, dh, delta, gates, h, u, da, du, d_hW):
    """Fill in da[t], du[t], the two side by side as `d_hW`, and leave dh * z in dh."""
    H = h.shape[2]
    for m in range(h.shape[1]):
        a, d, both = gates[t, m], da[t, m], d_hW[m]
        r, z, n, da_r, da_z, da_n = a[:H], a[H : 2 * H], a[2 * H :], d[:H], d[H : 2 * H], d[2 * H :]
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
