"""Small right recurrent layers as people write them, and the lines that go wrong in them.

Like `foreign.py` and `planted.py`, for one family: time first or batch first, weights on either
side, gates packed in any order or apart, all states or the last one, one step or all.
"""

import numpy as np

from checks.foreign import Subject, sigmoid, weights
from checks.planted import Planted, x

# Without gates


class TimeFirst:
    """x (T, N, D), all states (T, N, H)."""

    def __init__(self, D, H):
        self.U, self.V, self.b = weights(0, (D, H), (H, H), (H,))

    def forward(self, x):
        self.x, self.h = x, [np.zeros((x.shape[1], len(self.b)))]
        for x_t in x:
            self.h.append(np.tanh(x_t @ self.U + self.h[-1] @ self.V + self.b))
        return np.array(self.h[1:])

    def backward(self, delta):
        self.dU, self.dV, self.db = (np.zeros_like(p) for p in (self.U, self.V, self.b))
        dx, carry = np.zeros_like(self.x), 0
        for t in reversed(range(len(delta))):
            dh = delta[t] + carry
            da = dh * (1 - self.h[t + 1] ** 2)
            self.dU += self.x[t].T @ da
            self.dV += self.h[t].T @ da
            self.db += da.sum(axis=0)
            dx[t] = da @ self.U.T
            carry = da @ self.V.T
        return dx


class LastOfRelus:
    """x (N, T, D), the last state (N, H); W (H, D + H) is multiplied from the left, no bias."""

    def __init__(self, D, H):
        (self.W,) = weights(0, (D + H, H))
        self.W = self.W.T.copy()

    def forward(self, x):
        H = len(self.W)
        self.x, self.steps = x, []
        h = np.zeros((H, len(x)))
        for t in range(x.shape[1]):
            z = np.vstack([x[:, t].T, h])
            h = np.maximum(self.W @ z, 0)
            self.steps.append((z, h))
        return h.T

    def backward(self, delta):
        D = self.x.shape[-1]
        dx, self.dW, dh = np.zeros_like(self.x), np.zeros_like(self.W), delta.T
        for t in reversed(range(self.x.shape[1])):
            z, h = self.steps[t]
            da = dh * (h > 0)
            self.dW += da @ z.T
            dz = self.W.T @ da
            dx[:, t] = dz[:D].T
            dh = dz[D:]
        return dx


class OneSequence:
    """x (T, D) without a batch, all states (T, H) of logistic units; h0 is learned."""

    def __init__(self, D, H):
        W, U, b, start = weights(0, (H, D), (H, H), (H,), (H,))
        self.params = {"W": W, "U": U, "b": b, "start": start}

    def forward(self, x):
        p, self.x = self.params, x
        self.h = [p["start"]]
        for x_t in x:
            self.h.append(sigmoid(p["W"] @ x_t + p["U"] @ self.h[-1] + p["b"]))
        return np.array(self.h[1:])

    def backward(self, delta):
        p = self.params
        g = self.grads = {name: np.zeros_like(value) for name, value in p.items()}
        dx, carry = np.zeros_like(self.x), np.zeros_like(p["b"])
        for t in reversed(range(len(delta))):
            y = self.h[t + 1]
            da = (delta[t] + carry) * y * (1 - y)
            g["W"] += np.outer(da, self.x[t])
            g["U"] += np.outer(da, self.h[t])
            g["b"] += da
            dx[t] = p["W"].T @ da
            carry = p["U"].T @ da
        g["start"] = carry
        return dx


def rnn_step_forward(x, before, Wx, Wh, b):
    """One step: x (N, D) and the state before it."""
    h = np.tanh(x @ Wx + before @ Wh + b)
    return h, (x, before, Wx, Wh, h)


def rnn_step_backward(dh, cache):
    x, before, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    dx = da @ Wx.T
    dbefore = da @ Wh.T
    dWx = x.T @ da
    dWh = before.T @ da
    return dx, dbefore, dWx, dWh, da.sum(axis=0)


# Long short-term memory


class Columns:
    """x (T, N, D), all states; W (4H, H + D) on columns, b (4H, 1); gates f, i, g, o."""

    def __init__(self, D, H):
        W, self.b = weights(0, (H + D, 4 * H), (4 * H, 1))
        self.W = W.T.copy()

    def forward(self, x):
        H = len(self.b) // 4
        h = c = np.zeros((H, x.shape[1]))
        self.steps, states = [], []
        for x_t in x:
            z = np.vstack([h, x_t.T])
            a = self.W @ z + self.b
            f, i, o = sigmoid(a[:H]), sigmoid(a[H : 2 * H]), sigmoid(a[3 * H :])
            g = np.tanh(a[2 * H : 3 * H])
            before, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((z, f, i, g, o, before, c))
            states.append(h.T)
        return np.stack(states)

    def backward(self, delta):
        H = len(self.b) // 4
        self.dW, self.db, dxs = np.zeros_like(self.W), np.zeros_like(self.b), []
        dh_next = dc_next = np.zeros((H, delta.shape[1]))
        for t in reversed(range(len(delta))):
            z, f, i, g, o, before, c = self.steps[t]
            dh = delta[t].T + dh_next
            dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next
            do = dh * np.tanh(c)
            df, di, dg = dc * before, dc * g, dc * i
            da = np.vstack([df * f * (1 - f), di * i * (1 - i), dg * (1 - g**2), do * o * (1 - o)])
            self.dW += da @ z.T
            self.db += da.sum(axis=1, keepdims=True)
            dz = self.W.T @ da
            dh_next = dz[:H]
            dxs.append(dz[H:].T)
            dc_next = dc * f
        return np.stack(dxs[::-1])


class TwoBiases:
    """x (N, T, D), the last state; w_ih (4H, D) and w_hh (4H, H), a bias for each; i, f, g, o."""

    def __init__(self, D, H):
        w_ih, w_hh, self.b_ih, self.b_hh = weights(0, (D, 4 * H), (H, 4 * H), (4 * H,), (4 * H,))
        self.w_ih, self.w_hh = w_ih.T.copy(), w_hh.T.copy()

    def forward(self, x):
        h = c = np.zeros((len(x), self.w_hh.shape[1]))
        self.x, self.steps = x, []
        for t in range(x.shape[1]):
            a = x[:, t] @ self.w_ih.T + self.b_ih + h @ self.w_hh.T + self.b_hh
            i, f, g, o = np.split(a, 4, axis=1)
            i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
            self.steps.append((i, f, g, o, h, c))
            c = f * c + i * g
            h = o * np.tanh(c)
        self.c = c
        return h

    def backward(self, delta):
        self.dw_ih, self.dw_hh = np.zeros_like(self.w_ih), np.zeros_like(self.w_hh)
        self.db_ih = np.zeros_like(self.b_ih)
        dx, c, dh, dc = np.zeros_like(self.x), self.c, delta, 0
        for t in reversed(range(dx.shape[1])):
            i, f, g, o, h, before = self.steps[t]
            dc = dc + dh * o * (1 - np.tanh(c) ** 2)
            d_o = dh * np.tanh(c) * o * (1 - o)
            d_i = dc * g * i * (1 - i)
            d_f = dc * before * f * (1 - f)
            d_g = dc * i * (1 - g**2)
            da = np.hstack([d_i, d_f, d_g, d_o])
            self.dw_ih += da.T @ self.x[:, t]
            self.dw_hh += da.T @ h
            self.db_ih += da.sum(axis=0)
            dx[:, t] = da @ self.w_ih
            dh = da @ self.w_hh
            dc = dc * f
            c = before
        self.db_hh = self.db_ih
        return dx


class Apart:
    """A list of all states; two matrices for each gate, the forget gate's bias + 1."""

    def __init__(self, D, H):
        for gate, seed in zip("fiog", range(4), strict=True):
            Wx, Wh, b = weights(seed, (D, H), (H, H), (H,))
            vars(self).update({f"Wx_{gate}": Wx, f"Wh_{gate}": Wh, f"b_{gate}": b})

    def forward(self, x):
        h = c = np.zeros((len(x), len(self.b_f)))
        self.x, self.steps, states = x, [], []
        for t in range(x.shape[1]):
            x_t = x[:, t]
            f = sigmoid(x_t @ self.Wx_f + h @ self.Wh_f + self.b_f + 1)
            i = sigmoid(x_t @ self.Wx_i + h @ self.Wh_i + self.b_i)
            o = sigmoid(x_t @ self.Wx_o + h @ self.Wh_o + self.b_o)
            g = np.tanh(x_t @ self.Wx_g + h @ self.Wh_g + self.b_g)
            before, h_before = c, h
            c = f * c + i * g
            h = o * np.tanh(c)
            self.steps.append(({"f": f, "i": i, "o": o, "g": g}, h_before, before, c))
            states.append(h)
        return states

    def backward(self, delta):
        for gate in "fiog":
            for name in ("Wx_", "Wh_", "b_"):
                setattr(self, f"d{name}{gate}", np.zeros_like(getattr(self, name + gate)))
        dx, dh, dc = np.zeros_like(self.x), 0, 0
        for t in reversed(range(len(delta))):
            s, h_before, before, c = self.steps[t]
            dh = dh + delta[t]
            dc = dc + dh * s["o"] * (1 - np.tanh(c) ** 2)
            reached = {
                "f": dc * before,
                "i": dc * s["g"],
                "o": dh * np.tanh(c),
                "g": dc * s["i"],
            }
            dh = np.zeros_like(dc)
            for k, d in reached.items():
                slope = 1 - s[k] ** 2 if k == "g" else s[k] * (1 - s[k])
                da = d * slope
                vars(self)[f"dWx_{k}"] += self.x[:, t].T @ da
                vars(self)[f"dWh_{k}"] += h_before.T @ da
                vars(self)[f"db_{k}"] += da.sum(axis=0)
                dx[:, t] += da @ vars(self)[f"Wx_{k}"].T
                dh += da @ vars(self)[f"Wh_{k}"].T
            dc = dc * s["f"]
        return dx


def lstm_step_forward(x, h_before, c_before, Wx, Wh, b):
    """One step, which returns the state and the cell; gates i, f, o, g."""
    i, f, o, g = np.split(x @ Wx + h_before @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = f * c_before + i * g
    h = o * np.tanh(c)
    return h, c, (x, h_before, c_before, Wx, Wh, i, f, o, g, c)


def lstm_step_backward(dh, dc, cache):
    x, h_before, c_before, Wx, Wh, i, f, o, g, c = cache
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    do = dh * np.tanh(c)
    di, df, dg = dc * g, dc * c_before, dc * i
    da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
    dx = da @ Wx.T
    dh_before = da @ Wh.T
    dc_before = dc * f
    return dx, dh_before, dc_before, x.T @ da, h_before.T @ da, da.sum(axis=0)


# Gated recurrent units


class ResetBefore:
    """x (N, T, D), all states; W (D + H, 2H) of z and r, Wn (D + H, H); h = (1 - z) h + z n."""

    def __init__(self, D, H):
        self.W, self.Wn, self.b, self.bn = weights(0, (D + H, 2 * H), (D + H, H), (2 * H,), (H,))

    def forward(self, x):
        H = len(self.bn)
        h, self.x, self.steps, states = np.zeros((len(x), H)), x, [], []
        for t in range(x.shape[1]):
            a = np.hstack([x[:, t], h]) @ self.W + self.b
            z, r = sigmoid(a[:, :H]), sigmoid(a[:, H:])
            n = np.tanh(np.hstack([x[:, t], r * h]) @ self.Wn + self.bn)
            self.steps.append((h, z, r, n))
            h = (1 - z) * h + z * n
            states.append(h)
        return np.stack(states, axis=1)

    def backward(self, delta):
        for name in ("W", "Wn", "b", "bn"):
            setattr(self, f"d{name}", np.zeros_like(getattr(self, name)))
        D, dx, carry = self.x.shape[-1], np.zeros_like(self.x), 0
        for t in reversed(range(self.x.shape[1])):
            h, z, r, n = self.steps[t]
            x_t = self.x[:, t]
            dh = delta[:, t] + carry
            dn = dh * z * (1 - n**2)
            dz = dh * (n - h) * z * (1 - z)
            back = dn @ self.Wn.T
            drh = back[:, D:]
            dr = drh * h * r * (1 - r)
            da = np.hstack([dz, dr])
            self.dW += np.hstack([x_t, h]).T @ da
            self.dWn += np.hstack([x_t, r * h]).T @ dn
            self.db += da.sum(axis=0)
            self.dbn += dn.sum(axis=0)
            gates = da @ self.W.T
            dx[:, t] = back[:, :D] + gates[:, :D]
            carry = dh * (1 - z) + drh * r + gates[:, D:]
        return dx


class ResetAfter:
    """x (T, N, D), the last state; (3H, D), (3H, H), two biases; r, z, n; h = (1 - z) n + z h."""

    def __init__(self, D, H):
        w_ih, w_hh, self.b_ih, self.b_hh = weights(0, (D, 3 * H), (H, 3 * H), (3 * H,), (3 * H,))
        self.w_ih, self.w_hh = w_ih.T.copy(), w_hh.T.copy()

    def forward(self, x):
        h = np.zeros((x.shape[1], self.w_hh.shape[1]))
        self.x, self.steps = x, []
        for x_t in x:
            xr, xz, xn = np.split(x_t @ self.w_ih.T + self.b_ih, 3, axis=1)
            hr, hz, hn = np.split(h @ self.w_hh.T + self.b_hh, 3, axis=1)
            r, z = sigmoid(xr + hr), sigmoid(xz + hz)
            n = np.tanh(xn + r * hn)
            self.steps.append((h, r, z, n, hn))
            h = (1 - z) * n + z * h
        return h

    def backward(self, delta):
        names = ("w_ih", "w_hh", "b_ih", "b_hh")
        self.grads = {name: np.zeros_like(getattr(self, name)) for name in names}
        dx, dh = np.zeros_like(self.x), delta
        for t in reversed(range(len(dx))):
            h, r, z, n, hn = self.steps[t]
            dn = dh * (1 - z) * (1 - n**2)
            dz = dh * (h - n) * z * (1 - z)
            dr = dn * hn * r * (1 - r)
            da = np.hstack([dr, dz, dn])
            da_h = np.hstack([dr, dz, dn * r])
            self.grads["w_ih"] += da.T @ self.x[t]
            self.grads["w_hh"] += da_h.T @ h
            self.grads["b_ih"] += da.sum(axis=0)
            self.grads["b_hh"] += da_h.sum(axis=0)
            dx[t] = da @ self.w_ih
            dh = dh * z + da_h @ self.w_hh
        return dx


def gru_forward(x, h0, Wz, Wr, Wn, bz, br, bn):
    """x (N, T, D), h0 (N, H), a matrix on [h, x] for each gate; all states."""
    h, steps, states = h0, [], []
    for t in range(x.shape[1]):
        both = np.hstack([h, x[:, t]])
        z, r = sigmoid(both @ Wz + bz), sigmoid(both @ Wr + br)
        reset = np.hstack([r * h, x[:, t]])
        n = np.tanh(reset @ Wn + bn)
        steps.append((h, z, r, n, both, reset))
        h = z * h + (1 - z) * n
        states.append(h)
    return np.stack(states, axis=1), (Wz, Wr, Wn, steps)


def gru_backward(delta, cache):
    Wz, Wr, Wn, steps = cache
    H = Wz.shape[1]
    dWz, dWr, dWn = map(np.zeros_like, (Wz, Wr, Wn))
    dbz, dbr, dbn = np.zeros((3, H))
    dx, carry = [], 0
    for t in reversed(range(len(steps))):
        h, z, r, n, both, reset = steps[t]
        dh = delta[:, t] + carry
        dn = dh * (1 - z) * (1 - n**2)
        dz = dh * (h - n) * z * (1 - z)
        dreset = dn @ Wn.T
        dr = dreset[:, :H] * h * r * (1 - r)
        dboth = dz @ Wz.T + dr @ Wr.T
        dWz += both.T @ dz
        dWr += both.T @ dr
        dWn += reset.T @ dn
        dbz, dbr, dbn = dbz + dz.sum(axis=0), dbr + dr.sum(axis=0), dbn + dn.sum(axis=0)
        dx.insert(0, dreset[:, H:] + dboth[:, H:])
        carry = dh * z + dreset[:, :H] * r + dboth[:, :H]
    return np.stack(dx, axis=1), carry, dWz, dWr, dWn, dbz, dbr, dbn


# What has no twin


class Leaky:
    """h = 0.7 h + 0.3 sin(x W + h V): nobody's cell; batch first, or time first."""

    def __init__(self, D, H, time=1):
        self.W, self.V = weights(0, (D, H), (H, H))
        self.time = time

    def forward(self, x):
        self.xs = np.moveaxis(x, self.time, 0)
        h, self.steps, states = np.zeros((self.xs.shape[1], len(self.V))), [], []
        for x_t in self.xs:
            a = x_t @ self.W + h @ self.V
            self.steps.append((h, a))
            h = 0.7 * h + 0.3 * np.sin(a)
            states.append(h)
        return np.stack(states, axis=self.time)

    def backward(self, delta):
        delta = np.moveaxis(delta, self.time, 0)
        self.dW, self.dV = np.zeros_like(self.W), np.zeros_like(self.V)
        dx, carry = np.zeros_like(self.xs), 0
        for t in reversed(range(len(delta))):
            h, a = self.steps[t]
            dh = delta[t] + carry
            da = dh * 0.3 * np.cos(a)
            self.dW += self.xs[t].T @ da
            self.dV += h.T @ da
            dx[t] = da @ self.W.T
            carry = 0.7 * dh + da @ self.V.T
        return np.moveaxis(dx, 0, self.time).copy()


def of(code, *inputs, **settings):
    return Subject("pair" if isinstance(code, tuple) else "self", code, inputs, settings)


time_first = of(TimeFirst, x(4, 2, 3), D=3, H=3)
relus = of(LastOfRelus, x(3, 4, 2), D=2, H=4)
sequence = of(OneSequence, x(5, 3), D=3, H=2)
rnn_step = of(
    (rnn_step_forward, rnn_step_backward), x(4, 3), x(4, 3) / 2, x(3, 3), x(3, 3) / 3, x(3)
)
columns = of(Columns, x(4, 2, 3), D=3, H=2)
two_biases = of(TwoBiases, x(2, 4, 3), D=3, H=2)
apart = of(Apart, x(2, 4, 2), D=2, H=2)
lstm_step = of(
    (lstm_step_forward, lstm_step_backward), x(4, 3), x(4, 2), x(2, 4).T, x(3, 8), x(2, 8), x(8)
)
reset_before = of(ResetBefore, x(2, 4, 3), D=3, H=2)
reset_after = of(ResetAfter, x(4, 2, 3), D=3, H=2)
gru = of(
    (gru_forward, gru_backward),
    *(x(2, 4, 3), x(2, 3), x(6, 3) / 2, x(6, 3) / 3, x(6, 3) / 4, x(3), x(3) / 2, x(3) / 3),
)
leaky = of(Leaky, x(2, 4, 3), D=3, H=2)
leaky_time_first = of(Leaky, x(4, 2, 3), D=3, H=2, time=0)

RIGHT = [
    *(time_first, relus, sequence, rnn_step, columns, two_biases, apart, lstm_step),
    *(reset_before, reset_after, gru, leaky, leaky_time_first),
]

_MISTAKES = {
    "hidden delta not carried": [
        (time_first, "dh = delta[t] + carry", "dh = delta[t]", "forgotten"),
        (relus, "dh = dz[D:]", "dh = 0 * dz[D:]", "the last step alone", ("last time step only",)),
        (sequence, "da = (delta[t] + carry) * y * (1 - y)", "da = delta[t] * y * (1 - y)",
         "forgotten"),
        (columns, "do = dh * np.tanh(c)", "do = delta[t].T * np.tanh(c)", "in the output gate"),
        (apart, "dh = dh + delta[t]", "dh = delta[t]", "overwritten"),
        (reset_before, "carry = dh * (1 - z) + drh * r + gates[:, D:]",
         "carry = drh * r + gates[:, D:]", "the path around the candidate"),
        (reset_after, "dh = dh * z + da_h @ self.w_hh", "dh = da_h @ self.w_hh",
         "the path around the candidate"),
        (gru, "carry = dh * z + dreset[:, :H] * r + dboth[:, :H]",
         "carry = dh * z + dboth[:, :H]", "the path through the reset state"),
        (leaky, "dh = delta[t] + carry", "dh = delta[t]", "without a twin"),
        (leaky_time_first, "dh = delta[t] + carry", "dh = delta[t]", "without a twin"),
    ],
    "cell delta not carried": [
        (columns, "dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next",
         "dc = dh * o * (1 - np.tanh(c) ** 2)", "forgotten"),
        (two_biases, "dc = dc + dh * o * (1 - np.tanh(c) ** 2)",
         "dc = dh * o * (1 - np.tanh(c) ** 2)", "overwritten"),
    ],
    "transposed": [
        (time_first, "carry = da @ self.V.T", "carry = da @ self.V", ""),
        (sequence, 'carry = p["U"].T @ da', 'carry = p["U"] @ da', ""),
        (rnn_step, "dbefore = da @ Wh.T", "dbefore = da @ Wh", ""),
    ],
    "missing activation derivative": [
        (time_first, "carry = da @ self.V.T", "carry = dh @ self.V.T", "in the carry alone"),
        (relus, "da = dh * (h > 0)", "da = dh", ""),
        (columns, "dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next", "dc = dh * o + dc_next",
         "the cell's tanh"),
        (apart, "slope = 1 - s[k] ** 2 if k == \"g\" else s[k] * (1 - s[k])", "slope = 1",
         "of all gates"),
        (apart, "slope = 1 - s[k] ** 2 if k == \"g\" else s[k] * (1 - s[k])",
         "slope = 1 - s[k] ** 2 if k == \"g\" else 1", "of the logistic gates"),
        (reset_before, "dz = dh * (n - h) * z * (1 - z)", "dz = dh * (n - h)", ""),
        (reset_after, "dr = dn * hn * r * (1 - r)", "dr = dn * hn", ""),
    ],
    "activation derivative at the wrong side": [
        (columns, "dc = dh * o * (1 - np.tanh(c) ** 2) + dc_next",
         "dc = dh * o * (1 - c**2) + dc_next", "of the cell"),
        (two_biases, "d_i = dc * g * i * (1 - i)",
         "d_i = dc * g * sigmoid(i) * (1 - sigmoid(i))", "sigma' of the gate's value"),
        (apart, "slope = 1 - s[k] ** 2 if k == \"g\" else s[k] * (1 - s[k])",
         "slope = s[k] * (1 - s[k])", "the logistic one for the tanh too"),
        (sequence, "da = (delta[t] + carry) * y * (1 - y)", "da = (delta[t] + carry) * (1 - y**2)",
         "tanh' for sigma'"),
        (gru, "dn = dh * (1 - z) * (1 - n**2)", "dn = dh * (1 - z) * (1 - np.tanh(n) ** 2)",
         "tanh' of tanh"),
    ],
    "wrong neighbour in time": [
        (time_first, "self.dV += self.h[t].T @ da", "self.dV += self.h[t + 1].T @ da",
         "h_t for h_{t-1}"),
        (time_first, "da = dh * (1 - self.h[t + 1] ** 2)", "da = dh * (1 - self.h[t] ** 2)",
         "the slope of the step before"),
        (columns, "df, di, dg = dc * before, dc * g, dc * i", "df, di, dg = dc * c, dc * g, dc * i",
         "c_t for c_{t-1}"),
        (columns, "return np.stack(dxs[::-1])", "return np.stack(dxs)", "turned round"),
        (two_biases, "dc = dc * f", "dc = dc * (self.steps[t - 1][1] if t else f)",
         "f of the step that the delta comes to, not of the one that it comes from"),
        (lstm_step, "di, df, dg = dc * g, dc * c_before, dc * i",
         "di, df, dg = dc * g, dc * c, dc * i", "c_t for c_{t-1}"),
        (gru, "for t in reversed(range(len(steps))):", "for t in range(len(steps)):",
         "forwards, with dx in the order in which it comes"),
    ],
    "factor of a product dropped": [
        (columns, "dc_next = dc * f", "dc_next = dc", "the forget gate"),
        (lstm_step, "dc_before = dc * f", "dc_before = dc", "the forget gate"),
        (two_biases, "dc = dc + dh * o * (1 - np.tanh(c) ** 2)",
         "dc = dc + dh * (1 - np.tanh(c) ** 2)", "the output gate"),
        (reset_before, "carry = dh * (1 - z) + drh * r + gates[:, D:]",
         "carry = dh * (1 - z) + drh + gates[:, D:]", "the reset gate"),
        (reset_before, "self.dWn += np.hstack([x_t, r * h]).T @ dn",
         "self.dWn += np.hstack([x_t, h]).T @ dn", "the reset gate"),
        (reset_after, "da_h = np.hstack([dr, dz, dn * r])", "da_h = np.hstack([dr, dz, dn])",
         "the reset gate"),
        (gru, "dr = dreset[:, :H] * h * r * (1 - r)", "dr = dreset[:, :H] * r * (1 - r)",
         "the state"),
    ],
    "wrong factor of a product": [
        (time_first, "carry = da @ self.V.T", "carry = da @ self.U.T", "dh through Wx"),
        (two_biases, "d_g = dc * i * (1 - g**2)", "d_g = dc * f * (1 - g**2)", "f for i"),
        (reset_after, "dn = dh * (1 - z) * (1 - n**2)", "dn = dh * z * (1 - n**2)",
         "the other convention"),
    ],
    "factor -1": [
        (reset_after, "dz = dh * (h - n) * z * (1 - z)", "dz = dh * (n - h) * z * (1 - z)",
         "the other convention"),
    ],
    "gate deltas swapped": [
        (columns, "df, di, dg = dc * before, dc * g, dc * i",
         "df, di, dg = dc * g, dc * before, dc * i", ""),
        (two_biases, "da = np.hstack([d_i, d_f, d_g, d_o])", "da = np.hstack([d_i, d_f, d_o, d_g])",
         "the order of another library"),
        (reset_before, "da = np.hstack([dz, dr])", "da = np.hstack([dr, dz])", ""),
        (reset_after, "da = np.hstack([dr, dz, dn])", "da = np.hstack([dz, dr, dn])", ""),
    ],
    "first time step only": [
        (time_first, "self.db += da.sum(axis=0)", "self.db = da.sum(axis=0)", ""),
        (reset_after, 'self.grads["w_hh"] += da_h.T @ h', 'self.grads["w_ih"] = da.T @ self.x[t]\n'
         'self.grads["w_hh"] += da_h.T @ h', ""),
    ],
    "last time step only": [
        (two_biases, "dx[:, t] = da @ self.w_ih",
         "dx[:] = (da @ self.w_ih)[:, None] if t == dx.shape[1] - 1 else dx",
         "dx of the last step for all"),
    ],
    "counted twice": [
        (apart, "dh = np.zeros_like(dc)", "dh = dh.copy()", "not begun anew"),
    ],
}  # fmt: skip

MISTAKES = [Planted(kind, *mistake) for kind, mistakes in _MISTAKES.items() for mistake in mistakes]
