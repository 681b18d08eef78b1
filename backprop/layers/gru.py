"""The gated recurrent unit."""

import numpy as np

from ..errors import whole
from ..initializers import Glorot, Initializer, Orthogonal, Zeros
from ..layer import Array, Layer, rows, sum_rows
from .activations import sigmoid
from .sequences import (
    batch_first,
    blend,
    blend_backward,
    by_name,
    check_sequence,
    compiled_steps,
    made_by_steps,
    of_inputs,
    states_and_mask,
    time_first,
)


class GRU(Layer):
    r"""The gated recurrent unit over whole sequences, trained by backpropagation through time.

    Shapes: $x\,(N, T, D)$, $W_x\,(D, 3H)$, $W_h\,(H, 3H)$, $b\,(3H)$, $b_h\,(H)$, the initial state
    $h_0\,(N, H)$, and all states $y = h\,(N, T, H)$; inside, time comes first. The reset gate $r$,
    the update gate $z$ and the candidate $n$ lie side by side along the last axis, in this order;
    $a_r$ is the stretch of $a_t$ that belongs to $r$, and $W_{rz}$ and $W_n$ are the stretches of
    $W_h$ that belong to both gates and to the candidate.

    The reset gate forgets in one of two places, *before* the product with $W_n$ or *after* it. With
    two factors, of which one is the gate and the other 1, both forms are the same equations:

    $$ p, q = \begin{cases} 1, r & \text{after} \\ r, 1 & \text{before} \end{cases} $$

    **Forward**, for $t = 1, \dots, T$; the index $t$ of all but $a$ and $h$ is left out:

    $$ a = x W_x + b \tag{1} $$

    $$ a_{rz} = a_{rz} + h_{t-1} W_{rz} \tag{2} $$

    $$ r = \sigma(a_r) \tag{3} $$

    $$ z = \sigma(a_z) \tag{4} $$

    $$ s = p \odot h_{t-1} \tag{5} $$

    $$ u = s W_n + b_h \tag{6} $$

    $$ n = \tanh(a_n + q \odot u) \tag{7} $$

    $$ h_t = (1 - z) \odot n + z \odot h_{t-1} \tag{8} $$

    **Backward**, for $t = T, \dots, 1$, beginning with $dh = 0$:

    $$ dh = dh + \delta_t \tag{9} $$

    $$ da_z = dh \odot (h_{t-1} - n) \odot z \odot (1 - z) \tag{10} $$

    $$ da_n = dh \odot (1 - z) \odot (1 - n^2) \tag{11} $$

    $$ du = da_n \odot q \tag{12} $$

    $$ ds = du\, W_n^\top \tag{13} $$

    $$ dr = \begin{cases} da_n \odot u & \text{after} \\ ds \odot h_{t-1} & \text{before}
       \end{cases} \tag{14} $$

    $$ da_r = dr \odot r \odot (1 - r) \tag{15} $$

    $$ dh = dh \odot z + ds \odot p + da_{rz} W_{rz}^\top \tag{16} $$

    and after the loop, over all steps and examples at once:

    $$ dW_x = \sum_t x_t^\top da_t \tag{17} $$

    $$ dW_{rz} = \sum_t h_{t-1}^\top da_{rz} \tag{18} $$

    $$ dW_n = \sum_t s^\top du \tag{19} $$

    $$ db = \sum_t da_t \tag{20} $$

    $$ db_h = \sum_t du \tag{21} $$

    $$ dx = da\, W_x^\top \tag{22} $$

    **Derivation.** By the product rule on (8), $\partial L/\partial z = dh \odot (h_{t-1} - n)$ and
    $\partial L/\partial n = dh \odot (1 - z)$; each times the derivative of its gate,
    $\sigma' = \sigma(1 - \sigma)$ or $\tanh' = 1 - \tanh^2$, gives (10) and (11). In (7), $u$ has
    the factor $q$, and Dense's equations lead from $u$ to $s$. The reset gate is a factor of $u$ in
    (7) or of $h_{t-1}$ in (5), and its delta is that of the product times the other factor: (14).
    The state $h_{t-1}$ is read four times, by the loss, which (9) adds, and by (8), (5) and (2):
    the three terms of (16). Shared weights get the sum over the places where they stand. After the
    last round, $dh$ is the gradient $dh_0$.

    Along the first term of (16) the delta is only multiplied by $z$: with the update gate open it
    travels far, where that of a simple recurrent layer would vanish.

    **One bias or two.** In (1) and (2), and in (7) with $q = 1$, a second bias would only add to
    the first. With the gate after the product it does not, since the gate closes on it: so $b_h$
    belongs to the candidate, and is there (as `bh`) with `reset_after` alone.

    **Weights from elsewhere.** The form with `reset_after` is that of PyTorch, of cuDNN and, by
    default, of Keras; hence it is the default here too. PyTorch has the same order: `Wx` and `Wh`
    are its `weight_ih_l0` and `weight_hh_l0` transposed, `bh` is the last third of its
    `bias_hh_l0`, and `b` its `bias_ih_l0` plus the other two thirds. Keras has the order z, r, n in
    `kernel`, `recurrent_kernel` and both rows of `bias`, the second of which is PyTorch's
    `bias_hh_l0`.

    **Masked**, the layer takes one more, last input: $m\,(N, T)$, 1 where a step counts and 0 where
    it is padding. What (8) makes is then a proposal $\tilde h_t$, and the state is

    $$ h_t = m_t \odot \tilde h_t + (1 - m_t) \odot h_{t-1}, $$

    so that each sequence's own last state is carried on to step $T$. Backwards, (9) is split: a
    share $m_t \odot dh$ goes on through (10) to (16); the other, $(1 - m_t) \odot dh$, is kept for
    $h_{t-1}$, which gets both. The equations, and that of $dm$, which is handed down last, stand in
    `sequences.py`; `backprop.mask_of` makes masks.

    Args:
        units: $H$.
        reverse: read the sequence from its end; $y_t$ is then the state after steps $T, \dots, t$.
        masked: whether the last input is a mask.
        reset_after: whether the reset gate stands after the product; before it, as first published,
            if not.
        init: how $W_x$ starts, gate by gate.
        recurrent_init: how $W_h$ starts, gate by gate.
        bias_init: how $b$ starts; $b_h$ starts with 0.

    The initial state is an optional second input; `backward` then returns `(dx, dh0)`. If it is a
    constant, `forward` takes it as the keyword `states=(h0,)` instead. `final_states(cache)` is
    where the next pass can begin.

    Raises:
        ValueError: a setting out of range; in `build`, inputs that are no sequences.

    Source: Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk and Bengio, *Learning phrase
    representations using RNN encoder-decoder for statistical machine translation* (2014).
    """

    def __init__(
        self,
        units,
        *,
        reverse=False,
        masked=False,
        reset_after=True,
        init: Initializer = Glorot(),
        recurrent_init: Initializer = Orthogonal(),
        bias_init: Initializer = Zeros(),
    ):
        self.units = whole("GRU", "units", units)
        self.reverse = bool(reverse)
        self.masked = bool(masked)
        self.reset_after = bool(reset_after)
        self.init = init
        self.recurrent_init = recurrent_init
        self.bias_init = bias_init
        self.param_names = ("Wx", "Wh", "b", "bh") if self.reset_after else ("Wx", "Wh", "b")
        self.bh = 0

    def build(self, in_shape, /, *more, rng=None, dtype=np.float32):
        T, D = check_sequence(self.who, self.units, in_shape, more, (0, 1), self.masked)
        rng = np.random.default_rng(rng)
        H = self.units
        self.Wx = np.hstack([self.init((D, H), rng=rng, dtype=dtype) for _ in "rzn"])
        self.Wh = np.hstack([self.recurrent_init((H, H), rng=rng, dtype=dtype) for _ in "rzn"])
        self.b = self.bias_init((3 * H,), rng=rng, dtype=dtype)
        if self.reset_after:
            self.bh = np.zeros(H, dtype)
        return T, H

    def forward(self, x, /, *more, states=()):
        given, m = states_and_mask(more, self.masked, self.reverse)
        x = time_first(x, self.reverse)
        T, N, _ = x.shape
        dtype = np.result_type(x, *self.params.values(), *more, *states)
        h = np.zeros((T + 1, N, self.units), dtype)
        for h0 in given or states:
            h[0] = h0
        a = (rows(x) @ self.Wx + self.b).reshape(T, N, -1).astype(dtype, copy=False)  # (1)
        s, u = np.empty_like(h[1:]), np.empty_like(h[1:])
        new_h = made_by_steps(h, self.masked)
        self._step_by_step(a, h, new_h, s, u, m)
        return batch_first(h[1:], self.reverse), (x, h, new_h, a, s, u, m, bool(given))

    def _step_by_step(self, a, h, new_h, s, u, m):
        """Turn a (T, N, 3H) into the gates, and fill in the states and what makes them."""
        if compiled := self._compiled(a, self.Wh, self.bh):  # all products with Wh are one
            compiled.gru_forward(a, h, u, self.Wh, self.bh)
            s[:] = h[:-1]  # p is 1
            return
        W_rz, *_, W_n = self._stretches(self.Wh)
        for t in range(len(a)):
            a_rz, r, z, n = self._stretches(a[t])  # views, which turn from a_r into r, and so on
            a_rz += h[t] @ W_rz  # (2)
            r[:] = sigmoid(r)  # (3)
            z[:] = sigmoid(z)  # (4)
            p, q = self._places(r)
            s[t] = p * h[t]  # (5)
            u[t] = s[t] @ W_n + self.bh  # (6)
            n[:] = np.tanh(n + q * u[t])  # (7)
            new_h[t] = (1 - z) * n + z * h[t]  # (8)
            if self.masked:
                h[t + 1] = blend(m[t], new_h[t], h[t])

    def backward(self, delta, cache, /):
        x, *_, given = cache
        da, du, dh0, dm = self._through_time(delta, cache)
        dx = (rows(da) @ self.Wx.T).reshape(x.shape)  # (22)
        dstates = (dh0,) if given else ()
        return of_inputs(dx, dstates, dm, self.reverse), self._of_parameters(da, du, cache)

    def grads(self, delta, cache, /):
        da, du, *_ = self._through_time(delta, cache)
        return self._of_parameters(da, du, cache)

    def _through_time(self, delta, cache):
        _, h, new_h, gates, _, u, m, _ = cache
        delta = time_first(delta, self.reverse)
        if compiled := self._compiled(delta, gates, self.Wh):  # both products of (16) are one
            return *compiled.gru_backward(delta, gates, h, u, self.Wh), None
        dh, kept = np.zeros_like(delta[0]), 0
        dm: Array = np.empty(m.shape, delta.dtype) if self.masked else None
        da, du = np.empty(gates.shape, delta.dtype), np.empty(u.shape, delta.dtype)
        W_rz, *_, W_n = self._stretches(self.Wh)
        for t in reversed(range(len(da))):
            _, r, z, n = self._stretches(gates[t])
            da_rz, da_r, da_z, da_n = self._stretches(da[t])
            p, q = self._places(r)
            dh = dh + delta[t]  # (9)
            if self.masked:
                dh, kept, dm[t] = blend_backward(dh + kept, m[t], new_h[t], h[t])
            da_z[:] = dh * (h[t] - n) * z * (1 - z)  # (10)
            da_n[:] = dh * (1 - z) * (1 - n**2)  # (11)
            du[t] = da_n * q  # (12)
            ds = du[t] @ W_n.T  # (13)
            dr = da_n * u[t] if self.reset_after else ds * h[t]  # (14)
            da_r[:] = dr * r * (1 - r)  # (15)
            dh = dh * z + ds * p + da_rz @ W_rz.T  # (16)
        return da, du, dh + kept, dm

    def _of_parameters(self, da, du, cache):
        x, h, _, _, s, *_ = cache
        da_rz, *_ = self._stretches(da)
        dWx = rows(x).T @ rows(da)  # (17)
        dW_rz = rows(h[:-1]).T @ rows(da_rz)  # (18)
        dW_n = rows(s).T @ rows(du)  # (19)
        db = sum_rows(da)  # (20)
        dbh = sum_rows(du)  # (21)
        grads = {"Wx": dWx, "Wh": np.hstack([dW_rz, dW_n]), "b": db, "bh": dbh}
        return {name: grads[name] for name in self.param_names}

    def _compiled(self, *arrays):
        """Return the compiled steps, which are those with the reset gate after, or None."""
        return compiled_steps(self, self.reset_after, *arrays)

    def _stretches(self, a):
        """Return views of an array (..., 3H): r and z together, r, z, and n."""
        H = self.units
        return a[..., : 2 * H], a[..., :H], a[..., H : 2 * H], a[..., 2 * H :]

    def _places(self, r):
        """Return the factors p and q, before and after the product with W_n: 1 and the gate."""
        return (1, r) if self.reset_after else (r, 1)

    def gates(self, cache, /):
        """Return what each step made, by name, each (N, T, H): the gates and the candidate."""
        _, _, _, gates, *_ = cache
        return by_name("rzn", gates, self.reverse)

    def gate_deltas(self, delta, cache, /):
        """Return $da$, the delta of what each of the `gates` is a squashed form of, by name."""
        da, *_ = self._through_time(delta, cache)
        return by_name("rzn", da, self.reverse)

    def state_shapes(self, in_shape, /, *more):
        begins_anew = self.reverse or len(more) > self.masked
        return () if begins_anew else ((self.units,),)

    def final_states(self, cache, /):
        _, h, *_ = cache
        return (h[-1].copy(),)

    def multiply_adds(self, in_shape, /, *more):
        T, D = in_shape
        return T * 3 * self.units * (D + self.units)
