r"""GeeksforGeeks, *LSTM: Derivation of Back propagation through time* (2020): gate by gate.

The layer `LSTM` lays its four gates side by side and keeps no more than it needs. Here every
intermediate of every step has its name, `trace` returns them all, and `table` prints them beside
their equations, so that a derivation done by hand can be compared line by line.

**Forward**, with row vectors; $a_i$ is the stretch of $a_t$ that belongs to gate $i$, and so on,
and the index $t$ of the gates is left out:

$$ a_t = x_t W_x + h_{t-1} W_h + b \tag{1} $$

$$ i = \sigma(a_i) \tag{2} $$

$$ f = \sigma(a_f) \tag{3} $$

$$ g = \tanh(a_g) \tag{4} $$

$$ o = \sigma(a_o) \tag{5} $$

$$ c_t = f \odot c_{t-1} + i \odot g \tag{6} $$

$$ h_t = o \odot \tanh c_t \tag{7} $$

**Derivation.** $h_t$ is read by the error, from where $\delta_t$ comes, and by the gates of step
$t + 1$, from where (18) comes; $c_t$ is read by $h_t$ and by $c_{t+1}$, from where (19) comes. Each
delta is the sum over its readers, and after the last step nobody reads:

$$ dh_t = \delta_t + dh_{\text{later}} \tag{8} $$

$$ dc_t = dh_t \odot o \odot (1 - \tanh^2 c_t) + dc_{\text{later}} \tag{9} $$

By the product rule on (6) and (7) the gates get

$$ di = dc_t \odot g \tag{10} $$

$$ df = dc_t \odot c_{t-1} \tag{11} $$

$$ dg = dc_t \odot i \tag{12} $$

$$ do = dh_t \odot \tanh c_t \tag{13} $$

each times the derivative of its gate, taken from its output,

$$ da_i = di \odot i (1 - i) \tag{14} $$

$$ da_f = df \odot f (1 - f) \tag{15} $$

$$ da_g = dg \odot (1 - g^2) \tag{16} $$

$$ da_o = do \odot o (1 - o) \tag{17} $$

and what was read at the start of the step gets

$$ dh_{t-1} = da_t W_h^\top \tag{18} $$

$$ dc_{t-1} = dc_t \odot f \tag{19} $$

The parameters stand in every step and get the sum over all:

$$ dW_x = \sum_t x_t^\top da_t \tag{20} $$

$$ dW_h = \sum_t h_{t-1}^\top da_t \tag{21} $$

$$ db = \sum_t da_t \tag{22} $$

$$ dx_t = da_t W_x^\top \tag{23} $$

**The incomplete cell delta.** The article takes the gradient at one step, so that its
$\partial E/\partial c_t$ is $dh_t \odot o \odot (1 - \tanh^2 c_t)$ alone, and then adds up over the
steps. Without the second term of (9), that is $dc_{t+1} \odot f_{t+1}$, this is exact for the last
step only. `GateByGate(units, carry=False)` is a layer that leaves out this one term and nothing
else: it passes the gradient check for sequences of one step, fails it for longer ones, and the
check says which term is missing. For two steps from $h_0 = 0$ it is still right for $W_h$: the
wrong $da_1$ meets a state of zeros. What is lost is what an LSTM is for: along the cells the delta
is multiplied by forget gates only, and travels far where they are open.

**Further traps** of the article: its delta, $y - h$, is the negative of $\partial E/\partial h$ for
half the squared error; the bias of the forget gate is labelled $b_o$ once.

**What is published.** The article prints no numbers. The states of the two examples are those of
the third assignment of the course CS231n (2016), where the gates lie in the order $i, f, o, g$;
`reordered` brings them into the layer's.
"""

import numpy as np
from matplotlib.colors import LogNorm

from ..checks import gradcheck
from ..errors import expects
from ..layer import rows
from ..layers import LSTM
from ..layers.activations import sigmoid
from ..network import Network
from ..plots import Picture
from .bptt import line
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("GeeksforGeeks", 2020, "LSTM: Derivation of Back propagation through time")
EQUATIONS = {
    "a_i": "x @ Wx_i + h_before @ Wh_i + b_i",
    "a_f": "x @ Wx_f + h_before @ Wh_f + b_f",
    "a_g": "x @ Wx_g + h_before @ Wh_g + b_g",
    "a_o": "x @ Wx_o + h_before @ Wh_o + b_o",
    "i": "sigmoid(a_i)",
    "f": "sigmoid(a_f)",
    "g": "tanh(a_g)",
    "o": "sigmoid(a_o)",
    "c": "f * c_before + i * g",
    "h": "o * tanh(c)",
    "dh": "delta + dh_later",
    "dc": "dh * o * (1 - tanh(c)**2) + dc_later",
    "di": "dc * g",
    "df": "dc * c_before",
    "dg": "dc * i",
    "do": "dh * tanh(c)",
    "da_i": "di * i * (1 - i)",
    "da_f": "df * f * (1 - f)",
    "da_g": "dg * (1 - g**2)",
    "da_o": "do * o * (1 - o)",
    "dh_before": "da @ Wh.T",
    "dc_before": "dc * f",
}
"""What `trace` names, as Python writes it: the table of a step."""
H_0 = "0.24635157 0.28610883 0.32240467 0.35525807 0.38474904"
H_2 = "0.56735664 0.66310127 0.74419266 0.80889665 0.858299"
C_0 = "0.32986176 0.39145139 0.451556 0.51014116 0.56717407"
FIRST = "0.01764008 0.01823233 0.01882671 0.0194232"
LAST = "0.81733511 0.83677871 0.85403753 0.86935314"
FOLLOWS = "follows from the derivation, not printed by the author"
CS231N = "printed in the third assignment of CS231n"
STEPS, UNITS = 40, 8


def trace(lstm, x, delta, /, *, states=(), carry=True):
    """Return every intermediate of every step of both passes.

    Args:
        lstm: a built LSTM, neither reversed nor masked.
        x: sequences (N, T, D).
        delta: dL/dh of every step, (N, T, H).
        states: `(h0, c0)`, (N, H) each; zeros if not given.
        carry: whether the cell delta of the step after is added in (9). Without it, the gradient is
            wrong but for sequences of one step.

    Returns:
        A dict of arrays (T, N, H): "delta", what `EQUATIONS` lists, and what these read of the step
        before or after, "h_before", "c_before", "dh_later" and "dc_later".

    Raises:
        TypeError: `lstm` is no LSTM.
        ValueError: it reads in reverse or is masked, or a shape does not fit.
    """
    h, c = _checked("trace", lstm, x, delta, states)
    x, delta = np.asarray(x), np.asarray(delta)
    steps = []
    for t in range(x.shape[1]):
        steps.append(_forward_step(lstm, x[:, t], h, c))
        h, c = steps[-1]["h"], steps[-1]["c"]
    dh = dc = np.zeros_like(c)
    for t in reversed(range(len(steps))):
        back = _backward_step(lstm, steps[t], delta[:, t], dh, dc if carry else np.zeros_like(dc))
        steps[t] |= back
        dh, dc = back["dh_before"], back["dc_before"]
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def _forward_step(lstm, x, h_before, c_before):
    a = x @ lstm.Wx + h_before @ lstm.Wh + lstm.b  # (1)
    a_i, a_f, a_g, a_o = np.split(a, 4, axis=-1)
    i = sigmoid(a_i)  # (2)
    f = sigmoid(a_f)  # (3)
    g = np.tanh(a_g)  # (4)
    o = sigmoid(a_o)  # (5)
    c = f * c_before + i * g  # (6)
    h = o * np.tanh(c)  # (7)
    before = {"h_before": h_before, "c_before": c_before}
    gates = {"a_i": a_i, "a_f": a_f, "a_g": a_g, "a_o": a_o, "i": i, "f": f, "g": g, "o": o}
    return {**before, **gates, "c": c, "h": h}


def _backward_step(lstm, step, delta, dh_later, dc_later):
    i, f, g, o, c, c_before = (step[name] for name in ("i", "f", "g", "o", "c", "c_before"))
    dh = delta + dh_later  # (8)
    dc = dh * o * (1 - np.tanh(c) ** 2) + dc_later  # (9)
    di = dc * g  # (10)
    df = dc * c_before  # (11)
    dg = dc * i  # (12)
    do = dh * np.tanh(c)  # (13)
    da_i = di * i * (1 - i)  # (14)
    da_f = df * f * (1 - f)  # (15)
    da_g = dg * (1 - g**2)  # (16)
    da_o = do * o * (1 - o)  # (17)
    da = np.concatenate([da_i, da_f, da_g, da_o], axis=-1)
    dh_before = da @ lstm.Wh.T  # (18)
    dc_before = dc * f  # (19)
    arrived = {"delta": delta, "dh_later": dh_later, "dc_later": dc_later, "dh": dh, "dc": dc}
    of_gates = {"di": di, "df": df, "dg": dg, "do": do}
    of_sums = {"da_i": da_i, "da_f": da_f, "da_g": da_g, "da_o": da_o}
    return {**arrived, **of_gates, **of_sums, "dh_before": dh_before, "dc_before": dc_before}


def gradients(lstm, x, steps, /):
    """Return dx and the gradients by parameter name, from what `trace` found for `x`."""
    da = np.concatenate([steps[f"da_{gate}"] for gate in "ifgo"], axis=-1)
    xs = np.swapaxes(x, 0, 1)
    dWx = rows(xs).T @ rows(da)  # (20)
    dWh = rows(steps["h_before"]).T @ rows(da)  # (21)
    db = rows(da).sum(axis=0)  # (22)
    dx = (da @ lstm.Wx.T).swapaxes(0, 1)  # (23)
    return dx, {"Wx": dWx, "Wh": dWh, "b": db}


def tabulate(steps, /):
    """Return what `trace` found as a text: a row for every quantity, a column for every step.

    A quantity of more than one number is shown as its norm.
    """
    body = [("", "", *(f"t = {t + 1}" for t in range(len(steps["h"]))))]
    for name, equation in EQUATIONS.items():
        body.append((name, equation, *map(_shown, steps[name])))
    widths = [max(map(len, column)) for column in zip(*body, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in body)


def _shown(array):
    number = array.item() if array.size == 1 else np.linalg.norm(array)
    return f"{number + 0.0:.6g}"  # + 0.0: no minus before a zero


class GateByGate(LSTM):
    """An LSTM whose backward is `trace`: with the whole cell delta, or as the article has it.

    Args:
        units: H.
        carry: whether the cell delta of the step after counts.

    The initial states are optional further inputs, both or none, as in `LSTM`.
    """

    def __init__(self, units, *, carry=True):
        super().__init__(units)
        self.carry = bool(carry)

    def forward(self, x, /, *states):
        y, _ = super().forward(x, *states)
        return y, (x, states)

    def backward(self, delta, cache, /):
        x, states = cache
        steps = trace(self, x, delta, states=states, carry=self.carry)
        dx, grads = gradients(self, x, steps)
        dstates = (steps["dh_before"][0], steps["dc_before"][0])
        return (dx, *dstates) if states else dx, grads

    def grads(self, delta, cache, /):
        return self.backward(delta, cache)[1]

    def state_shapes(self, in_shape, /, *more):
        return ()


def reordered(array, /):
    """Return an array whose last axis is the blocks i, f, o, g with the blocks i, f, g, o."""
    i, f, o, g = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


# The numbers


def reproduce():
    """Return the numbers of the two examples, and what the gradient check says of both layers."""
    table = Reproduction(CLASSIC)
    _assignment(table)
    for T in (1, 2, 5):
        for carry, words in ((True, "whole"), (False, "incomplete")):
            report = checked(T, carry=carry)
            expected = "right" if carry or T == 1 else "wrong: cell delta not carried"
            what = f"T = {T}, {words} dc: gradients"
            table.claim(what, expected, _verdict(report), remark=FOLLOWS)
    steps = traces()
    for name in ("dc", "da_f"):
        first = [np.linalg.norm(each[name][1]) for each in steps]
        why = "the weights are drawn; not printed by the author"
        quantity = f"{name}, {STEPS - 2} steps back: incomplete / whole"
        table.told(quantity, "lost", first[1] / first[0], why)
    table.picture = draw
    return table


def _assignment(table):
    lstm = _given(line(-2.1, 1.3, 4, 20), line(-0.7, 2.2, 5, 20), line(0.3, 0.7, 20))
    x, states = line(-0.4, 1.2, 3, 1, 4), (line(-0.3, 0.7, 3, 5), line(-0.4, 0.9, 3, 5))
    steps = trace(lstm, x, np.zeros((3, 1, 5)), states=states)
    table.number("CS231n, one step: h[0]", H_0, steps["h"][0, 0], remark=CS231N)
    table.number("CS231n, one step: h[2]", H_2, steps["h"][0, 2], remark=CS231N)
    table.number("CS231n, one step: c[0]", C_0, steps["c"][0, 0], remark=CS231N)
    lstm = _given(line(-0.2, 0.9, 5, 16), line(-0.3, 0.6, 4, 16), line(0.2, 0.7, 16))
    x, states = line(-0.4, 0.6, 2, 3, 5), (line(-0.4, 0.8, 2, 4), np.zeros((2, 4)))
    delta = line(-1, 1, 2, 3, 4)
    steps = trace(lstm, x, delta, states=states)
    table.number("CS231n, h[0, 0]", FIRST, steps["h"][0, 0], remark=CS231N)
    table.number("CS231n, h[1, 2]", LAST, steps["h"][2, 1], remark=CS231N)
    _, grads = gradients(lstm, x, steps)
    of_layer = lstm.grads(delta, lstm.forward(x, states=states)[1])
    for name in grads:
        known, what = of_layer[name].tolist(), f"d{name}: the layer's, and ours"
        table.number(what, known, grads[name], remark=TWO_WAYS, tolerance=1e-14)


def checked(T, /, *, carry):
    """Return gradcheck's report on a layer with or without the carried cell delta, for T steps."""
    x = np.random.default_rng(0).standard_normal((2, T, 3))
    return gradcheck(GateByGate(3, carry=carry), x)


def _verdict(report):
    return "right" if report else f"wrong: {', '.join(each.kind for each in report.diagnoses)}"


def traces():
    """Return the traces of one long sequence, whole and incomplete, whose last step has an error.

    The forget gates are open.
    """
    lstm, rng = LSTM(UNITS, forget_bias=3.0), np.random.default_rng(0)
    Network([lstm]).build((STEPS, 4), rng=rng, dtype=np.float64)
    x, delta = rng.standard_normal((1, STEPS, 4)), np.zeros((1, STEPS, UNITS))
    delta[:, -1] = 1
    return [trace(lstm, x, delta, carry=carry) for carry in (True, False)]


def draw():
    """Draw the delta of every gate through time, with the whole cell delta and without."""
    figure = Picture(9.6, 3.6)
    panels = figure.subplots(1, 2, sharey=True)
    titles = ("$dc_{t+1} \\odot f_{t+1}$ carried", "not carried")
    for axes, title, steps in zip(panels, titles, traces(), strict=True):
        da = np.hstack([steps[f"da_{gate}"][:, 0] for gate in "ifgo"]).T
        axes.imshow(np.abs(da), norm=LogNorm(1e-6, 1), cmap="viridis", aspect="auto")
        axes.hlines(np.arange(1, 4) * UNITS - 0.5, -0.5, STEPS - 0.5, color="white", linewidth=2)
        axes.set(title=title, xlabel="step t")
        axes.set_xticks(np.arange(4, STEPS, 5), np.arange(5, STEPS + 1, 5))
    panels[0].set_yticks(
        np.arange(4) * UNITS + (UNITS - 1) / 2, ["$da_i$", "$da_f$", "$da_g$", "$da_o$"]
    )
    figure.colorbar(panels[0].images[0], ax=panels, label="size, unit by unit", extend="min")
    return figure


# Bookkeeping


def _checked(who, lstm, x, delta, states):
    """Return the initial states (N, H), or raise TypeError or ValueError."""
    if not isinstance(lstm, LSTM):
        raise expects(who, "an LSTM", repr(lstm), TypeError)
    if lstm.reverse or lstm.masked:
        raise expects(who, "an LSTM that is neither reversed nor masked", repr(lstm))
    D, shape = len(lstm.params["Wx"]), np.shape(x)
    if len(shape) != 3 or shape[1] == 0 or shape[2] != D:
        raise expects(who, f"sequences of shape (N, T, {D})", shape)
    N, T, _ = shape
    if np.shape(delta) != (N, T, lstm.units):
        raise expects(who, f"delta of shape {(N, T, lstm.units)}", np.shape(delta))
    if len(states) == 0:
        states = (np.zeros((N, lstm.units), lstm.Wh.dtype),) * 2
    if [np.shape(state) for state in states] != [(N, lstm.units)] * 2:
        what = f"two states of shape {(N, lstm.units)}"
        raise expects(who, what, " and ".join(str(np.shape(state)) for state in states))
    return tuple(map(np.asarray, states))


def _given(Wx, Wh, b):
    """Return an LSTM with parameters whose gates lie in the order of the assignment."""
    lstm = LSTM(len(Wh))
    Network([lstm]).build((1, len(Wx)), dtype=np.float64)
    for name, value in {"Wx": Wx, "Wh": Wh, "b": b}.items():
        lstm.params[name][...] = reordered(value)
    return lstm
