"""Long short-term memory."""

import numpy as np

from ..errors import real, whole
from ..initializers import Glorot, Initializer, Orthogonal
from ..layer import Array, Layer, rows, sum_rows
from .activations import sigmoid
from .sequences import (
    batch_first,
    blend,
    blend_backward,
    by_name,
    check_sequence,
    compiled_steps,
    in_steps,
    made_by_steps,
    of_inputs,
    states_and_mask,
    time_first,
)


class LSTM(Layer):
    r"""Long short-term memory over whole sequences, trained by backpropagation through time.

    Shapes: $x\,(N, T, D)$, $W_x\,(D, 4H)$, $W_h\,(H, 4H)$, $b\,(4H)$, the initial states
    $h_0, c_0\,(N, H)$, and all states $y = h\,(N, T, H)$; inside, time comes first. The four gates
    lie side by side along the last axis, in the order $i, f, g, o$; $a_i$ is the stretch of $a_t$
    that belongs to gate $i$, and so on.

    **Forward**, for $t = 1, \dots, T$; the index $t$ of the gates is left out:

    $$ a = x W_x \tag{1} $$

    $$ a_t = a_t + h_{t-1} W_h + b \tag{2} $$

    $$ i = \sigma(a_i) \tag{3} $$

    $$ f = \sigma(a_f) \tag{4} $$

    $$ g = \tanh(a_g) \tag{5} $$

    $$ o = \sigma(a_o) \tag{6} $$

    $$ c_t = f \odot c_{t-1} + i \odot g \tag{7} $$

    $$ h_t = o \odot \tanh c_t \tag{8} $$

    **Backward**, for $t = T, \dots, 1$, beginning with $dh = dc = 0$:

    $$ dh = dh + \delta_t \tag{9} $$

    $$ dc = dc + dh \odot o \odot (1 - \tanh^2 c_t) \tag{10} $$

    $$ da_i = dc \odot g \odot i \odot (1 - i) \tag{11} $$

    $$ da_f = dc \odot c_{t-1} \odot f \odot (1 - f) \tag{12} $$

    $$ da_g = dc \odot i \odot (1 - g^2) \tag{13} $$

    $$ da_o = dh \odot \tanh c_t \odot o \odot (1 - o) \tag{14} $$

    $$ dh = da_t\, W_h^\top \tag{15} $$

    $$ dc = dc \odot f \tag{16} $$

    and after the loop, over all steps and examples at once:

    $$ dW_x = \sum_t x_t^\top da_t \tag{17} $$

    $$ dW_h = \sum_t h_{t-1}^\top da_t \tag{18} $$

    $$ db = \sum_t da_t \tag{19} $$

    $$ dx = da\, W_x^\top \tag{20} $$

    **Derivation.** The state $h_t$ is read by the loss, from where $\delta_t$ comes, and through
    $W_h$ by the gates of step $t + 1$, from where (15) comes; its delta is their sum (9). The cell
    $c_t$ is read by $h_t$, and by $c_{t+1}$, from where (16) comes: (10) is a sum too. Leaving out
    its first term, as published derivations do that look at one step, is right for the last step
    only. By the product rule on (7), $\partial L/\partial i = dc \odot g$,
    $\partial L/\partial g = dc \odot i$, $\partial L/\partial f = dc \odot c_{t-1}$, and on (8),
    $\partial L/\partial o = dh \odot \tanh c_t$; each times the derivative of its gate,
    $\sigma' = \sigma(1 - \sigma)$ or $\tanh' = 1 - \tanh^2$, gives (11) to (14). Shared weights get
    the sum over the places where they stand. After the last round, $dh$ and $dc$ are the gradients
    $dh_0$ and $dc_0$.

    Along the cells the delta is only multiplied by $f$, (16): with the forget gate open it travels
    far, where that of a simple recurrent layer would vanish.

    **Masked**, the layer takes one more, last input: $m\,(N, T)$, 1 where a step counts and 0 where
    it is padding. What (7) and (8) make are then proposals $\tilde c_t$ and $\tilde h_t$, and the
    states are

    $$ c_t = m_t \odot \tilde c_t + (1 - m_t) \odot c_{t-1}, \qquad
       h_t = m_t \odot \tilde h_t + (1 - m_t) \odot h_{t-1}, $$

    so that each sequence's own last states are carried on to step $T$. Backwards, $dh$ and $dc$ are
    split after (9): the shares $m_t \odot dh$ and $m_t \odot dc$ go on through (10) to (16), with
    $\tilde c_t$ for $c_t$; the others, times $1 - m_t$, are kept for $h_{t-1}$ and $c_{t-1}$, which
    get both. The equations, and that of $dm$, which is handed down last, stand in `sequences.py`;
    `backprop.mask_of` makes masks.

    Args:
        units: $H$.
        reverse: read the sequence from its end; $y_t$ is then the state after steps $T, \dots, t$.
        masked: whether the last input is a mask.
        init: how $W_x$ starts, gate by gate.
        recurrent_init: how $W_h$ starts, gate by gate.
        forget_bias: what $b_f$ starts with; 1 opens the forget gates. The other biases start
            with 0.

    The initial states are optional further inputs, both or none; `backward` then returns
    `(dx, dh0, dc0)`. If they are constants, `forward` takes them as the keyword
    `states=(h0, c0)` instead. `final_states(cache)` is where the next pass can begin.

    Raises:
        ValueError: a setting out of range; in `build`, inputs that are no sequences.

    Source: Hochreiter and Schmidhuber (1997); Gers, Schmidhuber and Cummins, *Learning to forget*
    (2000).
    """

    param_names = ("Wx", "Wh", "b")

    def __init__(
        self,
        units,
        *,
        reverse=False,
        masked=False,
        init: Initializer = Glorot(),
        recurrent_init: Initializer = Orthogonal(),
        forget_bias=1.0,
    ):
        self.units = whole("LSTM", "units", units)
        self.reverse = bool(reverse)
        self.masked = bool(masked)
        self.init = init
        self.recurrent_init = recurrent_init
        self.forget_bias = real("LSTM", "forget_bias", forget_bias)

    def build(self, in_shape, /, *more, rng=None, dtype=np.float32):
        T, D = check_sequence(self.who, self.units, in_shape, more, (0, 2), self.masked)
        rng = np.random.default_rng(rng)
        H = self.units
        self.Wx = np.hstack([self.init((D, H), rng=rng, dtype=dtype) for _ in "ifgo"])
        self.Wh = np.hstack([self.recurrent_init((H, H), rng=rng, dtype=dtype) for _ in "ifgo"])
        self.b = np.zeros(4 * H, dtype)
        self.b[H : 2 * H] = self.forget_bias
        return T, H

    def forward(self, x, /, *more, states=()):
        given, m = states_and_mask(more, self.masked, self.reverse)
        x = time_first(x, self.reverse)
        T, N, _ = x.shape
        dtype = np.result_type(x, *self.params.values(), *more, *states)
        h = np.zeros((T + 1, N, self.units), dtype)
        c = np.zeros_like(h)
        if given or states:
            h[0], c[0] = given or states
        new_h, new_c = made_by_steps(h, self.masked), made_by_steps(c, self.masked)
        # One loop for (1) to (8), where x_t beside h_{t-1} makes one product of two.
        if compiled := compiled_steps(self, True, h, x, *self.params.values()):
            a = compiled.lstm_forward(x, h, c, *self.params.values())
        else:
            a = self._step_by_step(x, h, c, new_h, new_c, m)
        return batch_first(h[1:], self.reverse), (x, h, c, new_h, new_c, a, m, bool(given))

    def predict(self, x, /, *more):
        # The very loop of forward, with room for the gates and cells of a single step.
        if compiled := compiled_steps(self, True, x, *more, *self.params.values()):
            x = in_steps(x, self.reverse)
            h = compiled.lstm_predict(x, more, *self.params.values())
            return batch_first(h[1:], self.reverse)
        return super().predict(x, *more)

    def _step_by_step(self, x, h, c, new_h, new_c, m):
        """Return the gates of all steps (T, N, 4H), and fill in the states."""
        a = (rows(x) @ self.Wx).reshape(*x.shape[:2], -1).astype(h.dtype, copy=False)  # (1)
        for t in range(len(a)):
            # b is added here, not to all of a: that would make a second array of all steps.
            a[t] += h[t] @ self.Wh + self.b  # (2)
            i, f, g, o = self._gates(a[t])  # views, which turn from a_i into i, and so on
            i[:] = sigmoid(i)  # (3)
            f[:] = sigmoid(f)  # (4)
            g[:] = np.tanh(g)  # (5)
            o[:] = sigmoid(o)  # (6)
            new_c[t] = f * c[t] + i * g  # (7)
            new_h[t] = o * np.tanh(new_c[t])  # (8)
            if self.masked:
                c[t + 1] = blend(m[t], new_c[t], c[t])
                h[t + 1] = blend(m[t], new_h[t], h[t])
        return a

    def backward(self, delta, cache, /):
        x, *_, given = cache
        da, dstates, dm = self._through_time(delta, cache)
        dx = (rows(da) @ self.Wx.T).reshape(x.shape)  # (20)
        dxs = of_inputs(dx, dstates if given else (), dm, self.reverse)
        return dxs, self._of_parameters(da, cache)

    def grads(self, delta, cache, /):
        da, *_ = self._through_time(delta, cache)
        return self._of_parameters(da, cache)

    def _through_time(self, delta, cache):
        _, h, c, new_h, new_c, gates, m, _ = cache
        delta = time_first(delta, self.reverse)
        if compiled := compiled_steps(self, True, delta, gates, self.Wh):  # one for (10) to (14)
            da, *dstates = compiled.lstm_backward(delta, gates, c, self.Wh)
            return da, dstates, None
        tanh_c = np.tanh(new_c)
        dh = dc = np.zeros_like(delta[0])
        kept_h = kept_c = 0
        da = np.empty(gates.shape, delta.dtype)
        dm: Array = np.empty(m.shape, delta.dtype) if self.masked else None
        for t in reversed(range(len(da))):
            i, f, g, o = self._gates(gates[t])
            da_i, da_f, da_g, da_o = self._gates(da[t])
            dh = dh + delta[t]  # (9)
            if self.masked:
                dh, kept_h, dm_h = blend_backward(dh + kept_h, m[t], new_h[t], h[t])
                dc, kept_c, dm_c = blend_backward(dc + kept_c, m[t], new_c[t], c[t])
                dm[t] = dm_h + dm_c
            dc = dc + dh * o * (1 - tanh_c[t] ** 2)  # (10)
            da_i[:] = dc * g * i * (1 - i)  # (11)
            da_f[:] = dc * c[t] * f * (1 - f)  # (12)
            da_g[:] = dc * i * (1 - g**2)  # (13)
            da_o[:] = dh * tanh_c[t] * o * (1 - o)  # (14)
            dh = da[t] @ self.Wh.T  # (15)
            dc = dc * f  # (16)
        return da, (dh + kept_h, dc + kept_c), dm

    def _of_parameters(self, da, cache):
        x, h, *_ = cache
        dWx = rows(x).T @ rows(da)  # (17)
        dWh = rows(h[:-1]).T @ rows(da)  # (18)
        db = sum_rows(da)  # (19)
        return {"Wx": dWx, "Wh": dWh, "b": db}

    def _gates(self, a):
        """Return the four views i, f, g, o of an array (N, 4H)."""
        H = self.units
        return a[:, :H], a[:, H : 2 * H], a[:, 2 * H : 3 * H], a[:, 3 * H :]

    def gates(self, cache, /):
        """Return what each step made, by name, each (N, T, H): the gates."""
        *_, gates, _, _ = cache
        return by_name("ifgo", gates, self.reverse)

    def gate_deltas(self, delta, cache, /):
        """Return $da$, the delta of what each of the `gates` is a squashed form of, by name."""
        da, *_ = self._through_time(delta, cache)
        return by_name("ifgo", da, self.reverse)

    def state_shapes(self, in_shape, /, *more):
        begins_anew = self.reverse or len(more) > self.masked
        return () if begins_anew else ((self.units,), (self.units,))

    def final_states(self, cache, /):
        _, h, c, *_ = cache
        return h[-1].copy(), c[-1].copy()

    def multiply_adds(self, in_shape, /, *more):
        T, D = in_shape
        return T * 4 * self.units * (D + self.units)
