"""The simple recurrent layer."""

import numpy as np

from ..errors import choice, whole
from ..initializers import Glorot, Initializer, Orthogonal, Zeros
from ..layer import Array, Layer, rows, sum_rows
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


class RNN(Layer):
    r"""A recurrent layer over whole sequences, trained by backpropagation through time.

    Shapes: $x\,(N, T, D)$, $W_x\,(D, H)$, $W_h\,(H, H)$, $b\,(H)$, the initial state $h_0\,(N, H)$,
    and all states $y = h\,(N, T, H)$; inside, time comes first: $a$ and $h_t$ are steps of
    $(T, N, H)$.

    **Forward**, for $t = 1, \dots, T$ and $\varphi$ either $\tanh$ or the rectifier:

    $$ a = x W_x + b \tag{1} $$

    $$ h_t = \varphi(a_t + h_{t-1} W_h) \tag{2} $$

    **Backward**, for $t = T, \dots, 1$, beginning with $dh = 0$:

    $$ dh = dh + \delta_t \tag{3} $$

    $$ da_t = dh \odot \varphi'(h_t) \tag{4} $$

    $$ dh = da_t\, W_h^\top \tag{5} $$

    and after the loop, over all steps and examples at once:

    $$ dW_x = \sum_t x_t^\top da_t \tag{6} $$

    $$ dW_h = \sum_t h_{t-1}^\top da_t \tag{7} $$

    $$ db = \sum_t da_t \tag{8} $$

    $$ dx = da\, W_x^\top \tag{9} $$

    **Derivation.** Unrolled in time the layer is a chain of $T$ Dense layers that share their
    weights. The state $h_t$ is read twice, by the loss (or the layer above), from where $\delta_t$
    comes, and by step $t + 1$, from where $da_{t+1} W_h^\top$ comes; its delta is the sum (3). The
    derivative of $\varphi$ is taken from its output: $1 - h^2$ for $\tanh$, $[h > 0]$ for the
    rectifier. Shared weights get the sum over the places where they stand: (6) to (8). After the
    last round, $dh$ is the gradient $dh_0$.

    A delta that travels from step $t$ back to step $k$ is multiplied by $t - k$ factors
    $\operatorname{diag}(\varphi')\,W_h^\top$: this is why it vanishes or explodes.

    **Masked**, the layer takes one more, last input: $m\,(N, T)$, 1 where a step counts and 0 where
    it is padding. What (2) makes is then a proposal $\tilde h_t$, and the state is

    $$ h_t = m_t \odot \tilde h_t + (1 - m_t) \odot h_{t-1}, $$

    so that each sequence's own last state is carried on to step $T$. Backwards, (3) is split: a
    share $m_t \odot dh$ goes on through (4), with $\varphi'(\tilde h_t)$, and (5); the other,
    $(1 - m_t) \odot dh$, is kept for $h_{t-1}$, which gets both. The equations, and that of $dm$,
    which is handed down last, stand in `sequences.py`; `backprop.mask_of` makes masks.

    Args:
        units: $H$.
        activation: `"tanh"` or `"relu"`.
        reverse: read the sequence from its end; $y_t$ is then the state after steps $T, \dots, t$.
        masked: whether the last input is a mask.
        init: how $W_x$ starts.
        recurrent_init: how $W_h$ starts.
        bias_init: how $b$ starts.

    The initial state is an optional second input; `backward` then returns `(dx, dh0)`. If it is a
    constant, `forward` takes it as the keyword `states=(h0,)` instead. `final_states(cache)` is
    where the next pass can begin.

    Raises:
        ValueError: a setting out of range; in `build`, inputs that are no sequences.

    Source: Werbos, *Backpropagation through time* (1990); Elman (1990).
    """

    param_names = ("Wx", "Wh", "b")

    def __init__(
        self,
        units,
        *,
        activation="tanh",
        reverse=False,
        masked=False,
        init: Initializer = Glorot(),
        recurrent_init: Initializer = Orthogonal(),
        bias_init: Initializer = Zeros(),
    ):
        self.units = whole("RNN", "units", units)
        self.activation = choice("RNN", "activation", activation, ("tanh", "relu"))
        self.reverse = bool(reverse)
        self.masked = bool(masked)
        self.init = init
        self.recurrent_init = recurrent_init
        self.bias_init = bias_init

    def build(self, in_shape, /, *more, rng=None, dtype=np.float32):
        T, D = check_sequence(self.who, self.units, in_shape, more, (0, 1), self.masked)
        rng = np.random.default_rng(rng)
        H = self.units
        self.Wx = self.init((D, H), rng=rng, dtype=dtype)
        self.Wh = self.recurrent_init((H, H), rng=rng, dtype=dtype)
        self.b = self.bias_init((H,), rng=rng, dtype=dtype)
        return T, H

    def forward(self, x, /, *more, states=()):
        given, m = states_and_mask(more, self.masked, self.reverse)
        x = time_first(x, self.reverse)
        T, N, _ = x.shape
        a = (rows(x) @ self.Wx + self.b).reshape(T, N, self.units)  # (1)
        h = np.zeros((T + 1, N, self.units), np.result_type(a, self.Wh, *more, *states))
        for h0 in given or states:
            h[0] = h0
        new_h = made_by_steps(h, self.masked)
        self._step_by_step(a, h, new_h, m)
        return batch_first(h[1:], self.reverse), (x, h, new_h, m, bool(given))

    def _step_by_step(self, a, h, new_h, m):
        """Fill in the states (T + 1, N, H), of which the first is given."""
        if compiled := self._compiled(a, h, self.Wh):  # one loop for the sum and tanh
            compiled.rnn_forward(a, h, self.Wh)
            return
        for t in range(len(a)):
            new_h[t] = self._phi(a[t] + h[t] @ self.Wh)  # (2)
            if self.masked:
                h[t + 1] = blend(m[t], new_h[t], h[t])

    def backward(self, delta, cache, /):
        x, *_, given = cache
        da, dh0, dm = self._through_time(delta, cache)
        dx = (rows(da) @ self.Wx.T).reshape(x.shape)  # (9)
        dstates = (dh0,) if given else ()
        return of_inputs(dx, dstates, dm, self.reverse), self._of_parameters(da, cache)

    def grads(self, delta, cache, /):
        da, *_ = self._through_time(delta, cache)
        return self._of_parameters(da, cache)

    def _through_time(self, delta, cache):
        _, h, new_h, m, _ = cache
        delta = time_first(delta, self.reverse)
        if compiled := self._compiled(delta, h, self.Wh):  # one loop for (3), (4)
            return *compiled.rnn_backward(delta, h, self.Wh), None
        dh, kept = np.zeros_like(delta[0]), 0
        da = np.empty_like(delta)
        dm: Array = np.empty(m.shape, delta.dtype) if self.masked else None
        for t in reversed(range(len(da))):
            dh = dh + delta[t]  # (3)
            if self.masked:
                dh, kept, dm[t] = blend_backward(dh + kept, m[t], new_h[t], h[t])
            da[t] = dh * self._slope(new_h[t])  # (4)
            dh = da[t] @ self.Wh.T  # (5)
        return da, dh + kept, dm

    def _of_parameters(self, da, cache):
        x, h, *_ = cache
        dWx = rows(x).T @ rows(da)  # (6)
        dWh = rows(h[:-1]).T @ rows(da)  # (7)
        db = sum_rows(da)  # (8)
        return {"Wx": dWx, "Wh": dWh, "b": db}

    def _compiled(self, *arrays):
        """Return the compiled steps, which are those of the tanh, or None."""
        return compiled_steps(self, self.activation == "tanh", *arrays)

    def _phi(self, z):
        return np.tanh(z) if self.activation == "tanh" else np.where(z.real > 0, z, 0)

    def _slope(self, h):
        return 1 - h**2 if self.activation == "tanh" else h.real > 0

    def gates(self, cache, /):
        """Return what each step made, by name, each (N, T, H): the state."""
        _, _, new_h, *_ = cache
        return by_name("h", new_h, self.reverse)

    def gate_deltas(self, delta, cache, /):
        """Return $da$, the delta of what each of the `gates` is a squashed form of, by name."""
        da, *_ = self._through_time(delta, cache)
        return by_name("h", da, self.reverse)

    def state_shapes(self, in_shape, /, *more):
        begins_anew = self.reverse or len(more) > self.masked
        return () if begins_anew else ((self.units,),)

    def final_states(self, cache, /):
        _, h, *_ = cache
        return (h[-1].copy(),)

    def multiply_adds(self, in_shape, /, *more):
        T, D = in_shape
        return T * self.units * (D + self.units)
