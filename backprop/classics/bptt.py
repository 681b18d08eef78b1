r"""J. Guo, *BackPropagation Through Time* (2013): a recurrent net, one step's error at a time.

A recurrent network reads $x_1, \dots, x_T$. In the letters of D. Britz's tutorial, with row vectors

$$ z_t = x_t U + s_{t-1} W + b, \qquad s_t = \varphi(z_t), \qquad o_t = s_t V + c, $$

and an error for every step, $E = \sum_t E_t(o_t)$. Here $U$ is $W_x$ and $W$ is $W_h$ of the layer
`RNN`, $V$ is that of a `Dense` on top: `network(T, U, V, W)`. The layer does one sweep for all
$E_t$ together. This chapter takes them apart again, as the first derivations do.

**Derivation.** $E_t$ reaches $z_k$, $k \le t$, only through $z_{k+1}$. So with
$\delta_k^{(t)} = \partial E_t/\partial z_k$, beginning at $k = t$ with
$ds = \partial E_t/\partial s_t$ and going down,

$$ \delta_k^{(t)} = ds \odot \varphi'(z_k) \tag{1} $$

$$ ds = \delta_k^{(t)} W_h^\top \tag{2} $$

The weights stand in every step; each place contributes

$$ \Bigl(\frac{\partial E_t}{\partial W_x}\Bigr)_k = x_k^\top \delta_k^{(t)} \tag{3} $$

$$ \Bigl(\frac{\partial E_t}{\partial W_h}\Bigr)_k = s_{k-1}^\top \delta_k^{(t)} \tag{4} $$

$$ \Bigl(\frac{\partial E_t}{\partial b}\Bigr)_k = \sum_n \delta_{k,n}^{(t)} \tag{5} $$

and $\partial E_t/\partial U = \sum_{k \le t} x_k^\top\, \partial E_t/\partial z_k$ is their sum.
(1) and (2) are linear in $ds$. So the sum over $t$ may be taken on the way, by adding
$\partial E_t/\partial s_t$ to $ds$ when the sweep comes by: $T$ steps in place of
$T (T + 1)/2$, and the same gradient. That is the layer.

**Truncated** to $\tau$ steps, the sum keeps the last $\tau$ contributions:

$$ g_\tau = \sum_{k > t - \tau} \Bigl(\frac{\partial E_t}{\partial \theta}\Bigr)_k \tag{6} $$

`backprop.TruncatedBPTT` does so with chunks: what lies before the chunk is left out.

**Tied copies.** Rumelhart, Hinton and Williams, *Nature* 323 (1986), say it without recurrence: a
network that is run for $T$ steps is a layered one of $T$ layers whose weights are the same, and
stay the same if each copy is changed by the average over the copies,

$$ \bar g = \frac1T \sum_k \sum_{t \ge k} \Bigl(\frac{\partial E_t}{\partial \theta}\Bigr)_k.
   \tag{7} $$

It is the gradient divided by $T$: the same direction, a rate $T$ times smaller. `layered` builds
that network of `Dense` layers, with one layer in all places or with $T$ of them.

**Vanishing and exploding.** (1) and (2) multiply. In all, for $s_t$ as a function of $s_k$,

$$ \frac{\partial s_t}{\partial s_k}
   = W_h \operatorname{diag} \varphi'(z_{k+1})\, \frac{\partial s_t}{\partial s_{k+1}}, \tag{8} $$

$$ \Bigl\lVert \frac{\partial s_t}{\partial s_k} \Bigr\rVert
   \le (\lVert W_h \rVert \max \varphi')^{t-k}, \tag{9} $$

in spectral norms. Below 1 the bound makes it vanish; above 1 it lets it explode, which it need not
do, as $\varphi'$ may be small.

**What is a reconstruction.** Guo's report was not at hand: the equations are those of the model
above, worked out anew. The numbers of the scalar example and all gradients were computed
independently; the states of the other two examples are printed in the third assignment of the
course CS231n (2016).

**Traps.** Adding up $\partial E_t/\partial \theta$ of the last step alone; applying one copy's
change before the next copy's gradient is taken; taking $W_h$ of (2) without transposing it, which a
test with one unit cannot see.
"""

import math

import numpy as np
from matplotlib.colors import LogNorm

from ..errors import expects, whole
from ..initializers import Given, Orthogonal
from ..layers import RNN, Add, Concat, Dense, ReLU, Tanh
from ..losses import HalfSquaredError, SoftmaxCrossEntropy
from ..network import Network
from ..optimizers import SGD
from ..plots import Picture
from ..training import TrainStep, TruncatedBPTT
from .reproduction import TWO_WAYS, Classic, Reproduction

CLASSIC = Classic("J. Guo", 2013, "BackPropagation Through Time")
X, TARGET = np.array([1.0, -0.5, 0.25]).reshape(1, 3, 1), 0.3
"""The scalar example: one unit with $u = 0.5$, $w = 0.8$, and $E = (s_3 - 0.3)^2/2$."""
STATES = "0.46211715726000974 0.11912538166040551 0.21680426986794443"
OF_U = "-0.03934003612682413 0.03126402626470579 -0.019821297606523878"
OF_W = "0 -0.028895285883896244 -0.009444878569526556"
FIRST = "-0.42070749 -0.27279261 -0.11074945 0.05740409 0.22236251"
LAST = "-0.51014825 -0.30524429 -0.06755202 0.17806392 0.40333043"
ROWS = (
    "-0.58172089 -0.50182032 -0.41232771 -0.31410098",
    "0.97934501 0.99144213 0.99646691 0.99854353",
)
OF_ASSIGNMENT = {
    "Wx": ("5.314439408910915", "1.4291126781406327"),
    "Wh": ("6.934858050491444", "1.753845816546622"),
    "b": ("-0.5452183506725814", "1.4253850077508787"),
}
CS231N = "printed in the third assignment of CS231n"
GAINS, STEPS, UNITS = (0.7, 1.0, 1.4), 30, 16


def network(T, U, V, W):
    """Return the network of `T` steps with the weights U (D, H), V (H, M) and W (H, H).

    Its biases are zero, its loss is a SoftmaxCrossEntropy or any other.
    """
    recurrent = RNN(len(W), init=Given(U), recurrent_init=Given(W))
    net = Network([recurrent, Dense(np.shape(V)[1], init=Given(V))])
    net.build((T, len(U)), dtype=np.float64)
    return net


def contributions(rnn, x, t, delta, /, *, h0=None):
    r"""Return what each step k up to t contributes to the gradient of $E_t$.

    Args:
        rnn: a built RNN, neither reversed nor masked.
        x: sequences (N, T, D).
        t: the step of the error, counted from 0, as in `x[:, t]`.
        delta: $\partial E_t/\partial s_t$, (N, H).
        h0: the initial state (N, H); zeros if not given.

    Returns:
        A dict of arrays with an entry for each k: "z", which is $\delta_k^{(t)}$, (t + 1, N, H),
        and "Wx", "Wh" and "b", (t + 1, ...) with the shape of the parameter.

    Raises:
        TypeError: `rnn` is no RNN.
        ValueError: it reads in reverse or is masked; a shape does not fit; there is no step t.
    """
    s, t = _states("contributions", rnn, x, t, h0)
    _check_shape("contributions", "delta", delta, s.shape[1:])
    x, delta = np.asarray(x), np.asarray(delta)
    ds, slope = delta, _slope(rnn, s[1:])
    dz = np.empty((t + 1, *ds.shape), np.result_type(s, ds))
    for k in reversed(range(t + 1)):
        dz[k] = ds * slope[k]  # (1)
        ds = dz[k] @ rnn.Wh.T  # (2)
    dWx = x[:, : t + 1].transpose(1, 2, 0) @ dz  # (3)
    dWh = s[: t + 1].swapaxes(1, 2) @ dz  # (4)
    db = dz.sum(axis=1)  # (5)
    return {"z": dz, "Wx": dWx, "Wh": dWh, "b": db}


def truncated(rnn, x, t, delta, steps, /, *, h0=None):
    """Return the gradient of step t's error, truncated to the last `steps` steps.

    It is a dict with "Wx", "Wh" and "b". The other arguments, and what is raised, are those of
    `contributions`; `steps` has to be at least 1, and more than there are means all.
    """
    whole("truncated", "steps", steps)
    parts = contributions(rnn, x, t, delta, h0=h0)
    return {name: parts[name][-steps:].sum(axis=0) for name in rnn.params}  # (6)


def distances(rnn, x, t, delta, /, *, h0=None):
    """Return how far the truncated gradient is from the whole one, for 1, 2, ..., t + 1 steps.

    Each is the norm of the difference, over all parameters, divided by that of the whole gradient;
    the last is 0. The arguments, and what is raised, are those of `contributions`; and ValueError
    if the whole gradient is 0.
    """
    parts = contributions(rnn, x, t, delta, h0=h0)
    each = np.hstack([parts[name].reshape(t + 1, -1) for name in rnn.params])
    size = np.linalg.norm(each.sum(axis=0))
    if size == 0:
        raise expects("distances", "a gradient that is not 0", size)
    missing = np.cumsum(each, axis=0) - each  # what the steps before k contribute
    return np.linalg.norm(missing[::-1], axis=1) / size


def reach(rnn, x, delta, /, *, h0=None):
    r"""Return the norms of all $\delta_k^{(t)}$ as a matrix (T, T): row t, column k, 0 for k > t.

    `delta` (N, T, H) is $\partial E_t/\partial s_t$ for every t; the rest is as in
    `contributions`.
    """
    _, last = _states("reach", rnn, x, None, h0)
    T = last + 1
    _check_shape("reach", "delta", delta, (len(x), T, rnn.units))
    delta = np.asarray(delta)
    norms = np.zeros((T, T))
    for t in range(T):
        dz = contributions(rnn, x, t, delta[:, t], h0=h0)["z"]
        norms[t, : t + 1] = np.linalg.norm(dz.reshape(t + 1, -1), axis=1)
    return norms


def travel(rnn, x, t, /, *, h0=None):
    r"""Return the norms of $\partial s_t/\partial s_k$ for k = 0, ..., t, and their bounds (9).

    Both count from 0, as `y[:, k]` does; of several examples it is the largest norm. The bound
    takes the largest slope that the units have in this pass. The arguments, and what is raised, are
    those of `contributions`.
    """
    s, t = _states("travel", rnn, x, t, h0)
    slope = _slope(rnn, s[1 : t + 2])
    J, norms = np.eye(rnn.units), np.ones(t + 1)
    for k in reversed(range(t)):
        J = rnn.Wh * slope[k + 1][:, np.newaxis] @ J  # (8)
        norms[k] = np.linalg.norm(J, 2, axis=(1, 2)).max()
    base = np.linalg.norm(rnn.Wh, 2) * slope.max()
    bounds = base ** np.arange(t, -1, -1)  # (9)
    return norms, bounds


def layered(rnn, T, /, *, tied=True):
    """Return the layered network that does what `rnn` does in `T` steps.

    Its inputs are the initial state and then the T inputs, its output is all states side by side,
    (N, T H). Step t is four layers: number 4 t, a Dense, reads $x_t$, number 4 t + 1 the state
    before.

    Args:
        rnn: a built RNN, neither reversed nor masked.
        T: how many steps.
        tied: one layer in all places, or T copies, which begin alike.

    Raises:
        TypeError: `rnn` is no RNN.
        ValueError: it reads in reverse or is masked; T is no whole number of at least 1.
    """
    _check("layered", rnn)
    net, state, states = Network(inputs=whole("layered", "T", T) + 1), 0, []
    phi = Tanh if rnn.activation == "tanh" else ReLU
    of_x, of_state = _step(rnn)
    for t in range(T):
        if t > 0 and not tied:
            of_x, of_state = _step(rnn)
        z = net.add(Add(), net.add(of_x, t + 1), net.add(of_state, state))
        state = net.add(phi(), z)
        states.append(state)
    if T > 1:
        net.add(Concat(), *states)
    net.build((rnn.units,), *[rnn.Wx.shape[:1]] * T, dtype=rnn.Wx.dtype)
    return net


def _step(rnn):
    """Return the Dense layers of one step: that of x and that of the state."""
    of_x = Dense(rnn.units, init=Given(rnn.Wx), bias_init=Given(rnn.b))
    return of_x, Dense(rnn.units, init=Given(rnn.Wh), bias=False)


def copies(rnn, x, delta, /, *, h0=None):
    """Return the gradient of each copy of the weights in the layered network, (T, ...) by name.

    Their sum is the gradient of `rnn`; `averaged` is what was taken in 1986. `delta` (N, T, H) is
    that of all states, the rest is as in `contributions`.
    """
    s, last = _states("copies", rnn, x, None, h0)
    T = last + 1
    _check_shape("copies", "delta", delta, (len(x), T, rnn.units))
    x, delta = np.asarray(x), np.asarray(delta)
    net = layered(rnn, T, tied=False)
    _, caches = net.forward(s[0], *x.swapaxes(0, 1))
    grads = net.grads(delta.reshape(len(x), -1), caches)
    places = {"Wx": (0, "W"), "Wh": (1, "W"), "b": (0, "b")}
    return {
        name: np.stack([grads[f"{4 * t + place}.{key}"] for t in range(T)])
        for name, (place, key) in places.items()
    }


def averaged(rnn, x, delta, /, *, h0=None):
    """Return the average over the tied copies. The arguments are those of `copies`."""
    each = copies(rnn, x, delta, h0=h0)
    return {name: parts.mean(axis=0) for name, parts in each.items()}  # (7)


# The numbers


def reproduce():
    """Return the numbers of the examples beside ours."""
    table = Reproduction(CLASSIC)
    _scalar(table)
    _shared(table)
    _assignment(table)
    _softmax(table)
    for gain in GAINS:
        _reach(table, gain)
    table.picture = draw
    return table


def scalar():
    """Return the RNN of the scalar example, its states and dE/ds, both (1, 3, 1)."""
    rnn = _given([[0.5]], [[0.8]], [0.0])
    y = rnn.predict(X)
    delta = np.zeros_like(y)
    delta[:, -1] = y[:, -1] - TARGET
    return rnn, y, delta


def _scalar(table):
    rnn, y, delta = scalar()
    parts = contributions(rnn, X, 2, delta[:, 2])
    table.number("states", STATES, y, computed=True)
    table.number("E", "0.0034607647561029084", (delta**2).sum() / 2, computed=True)
    table.number("dE/du, steps 1 to 3", OF_U, parts["Wx"], computed=True)
    table.number("dE/dw, steps 1 to 3", OF_W, parts["Wh"], computed=True)
    grads = rnn.grads(delta, rnn.forward(X)[1])
    table.number("dE/du, the layer's", "-0.027897307468642215", grads["Wx"], computed=True)
    table.number("dE/dw, the layer's", "-0.0383401644534228", grads["Wh"], computed=True)


def _shared(table):
    """Compare truncation with chunks, and the sum over steps with the average over copies."""
    rnn, _, delta = scalar()
    for steps in (1, 2, 3):
        ours = truncated(rnn, X, 2, delta[:, 2], steps)
        ours = np.ravel([ours["Wx"], ours["Wh"]])
        known, what = of_chunk(steps)[:2].tolist(), f"u, w: chunk of {steps}, and truncated"
        table.number(what, known, ours, remark=TWO_WAYS, tolerance=1e-14)
    mean = averaged(rnn, X, delta)
    third = "-0.009299102489547405"
    table.number("dE/du, averaged over 3 copies", third, mean["Wx"], remark="a third of dE/du")


def of_chunk(length):
    """Return dE/du, dE/dw and dE/db of the scalar example as TruncatedBPTT takes them.

    The chunk is the last `length` steps, and begins with the state before it.
    """
    rnn, y, _ = scalar()
    net = Network([rnn])
    net.build((length, 1), dtype=np.float64)
    train = TruncatedBPTT(TrainStep(net, HalfSquaredError(reduction="sum"), SGD(1.0)))
    if length < y.shape[1]:
        train.states = {0: (y[:, -length - 1],)}
    target = y[:, -length:].copy()  # no error but that of the last step
    target[:, -1] = TARGET
    before = net.parameters.copy()
    train(X[:, -length:], target)
    return before - net.parameters


def _assignment(table):
    rnn = _given(line(-0.1, 0.9, 10, 4), line(-0.3, 0.7, 4, 4), line(-0.2, 0.4, 4))
    y, _ = rnn.forward(line(-0.4, 0.7, 3, 1, 10), line(-0.2, 0.5, 3, 4))
    first, third = ROWS
    table.number("CS231n, one step: row 0", first, y[0], remark=CS231N)
    table.number("CS231n, one step: row 2", third, y[2], remark=CS231N)
    rnn = _given(line(-0.2, 0.4, 4, 5), line(-0.4, 0.1, 5, 5), line(-0.7, 0.1, 5))
    x, h0, delta = line(-0.1, 0.3, 2, 3, 4), line(-0.3, 0.1, 2, 5), line(-1, 1, 2, 3, 5)
    y, _ = rnn.forward(x, h0)
    table.number("CS231n, h[0, 0]", FIRST, y[0, 0], remark=CS231N)
    table.number("CS231n, h[1, 2]", LAST, y[1, 2], remark=CS231N)
    grads = copies(rnn, x, delta, h0=h0)
    for name, (total, norm) in OF_ASSIGNMENT.items():
        gradient = grads[name].sum(axis=0)
        ours = (gradient.sum(), np.linalg.norm(gradient))
        table.number(f"CS231n, d{name}: sum and norm", f"{total} {norm}", ours, computed=True)


def _softmax(table):
    """Add up the contributions of every E_t in a network that U, V and W make."""
    rng = np.random.default_rng(0)
    U, V, W = (rng.standard_normal(shape) for shape in ((4, 3), (3, 4), (3, 3)))
    net, loss = network(6, U, V, W), SoftmaxCrossEntropy(reduction="sum")
    x, target = np.eye(4)[rng.integers(4, size=(2, 6))], rng.integers(4, size=(2, 6))
    y, caches = net.forward(x)
    delta = loss.backward(loss.forward(y, target)[1])
    of_states, grads = net.deltas(delta, caches)[1], net.grads(delta, caches)
    parts = [contributions(net[0], x, t, of_states[:, t]) for t in range(6)]
    for letter, name in (("U", "Wx"), ("W", "Wh"), ("b", "b")):
        total = sum(part[name].sum(axis=0) for part in parts)
        known, what = grads[f"0.{name}"].tolist(), f"softmax: d{letter}, over all t and k"
        table.number(what, known, total, remark=TWO_WAYS, tolerance=1e-12)


def sequences(gain):
    """Return an RNN whose W_h is orthogonal times `gain`, and a sequence for it."""
    rnn = RNN(UNITS, recurrent_init=Orthogonal(gain))
    Network([rnn]).build((STEPS, 4), rng=1, dtype=np.float64)
    return rnn, np.random.default_rng(2).standard_normal((1, STEPS, 4)) / 1e4


def _reach(table, gain):
    """Tell how far a delta reaches back, and what a truncation to five steps leaves out."""
    rnn, x = sequences(gain)
    name, why = f"W_h at {gain}", "the weights are drawn; theory, not printed by the author"
    follows = "follows from the derivation, not printed by the author"
    norms, bounds = travel(rnn, x, STEPS - 1)
    held = int((norms <= bounds * (1 + 1e-12)).sum())
    all_of, ours = (f"{number} of {STEPS}" for number in (STEPS, held))
    table.claim(f"{name}: norms within the bound", all_of, ours, remark=follows)
    table.told(f"{name}: norm over {STEPS - 1} steps", f"<= {bounds[0]:.2g}", norms[0], why)
    missing = distances(rnn, x, STEPS - 1, np.ones((1, UNITS)))[4]
    table.told(f"{name}: left out by 5 steps", "more as W_h grows", missing, why)


def draw():
    """Draw how far the delta of every step reaches back, for three sizes of W_h."""
    figure = Picture(9.6, 3.4)
    panels = figure.subplots(1, len(GAINS), sharey=True)
    for axes, gain in zip(panels, GAINS, strict=True):
        rnn, x = sequences(gain)
        norms = reach(rnn, x, np.full((1, STEPS, UNITS), UNITS**-0.5))
        shown = np.where(norms > 0, norms, np.nan)
        axes.imshow(shown, norm=LogNorm(1e-5, 1e5), cmap="viridis")
        axes.set(xlabel="step k", title=f"$W_h$ orthogonal, times {gain}")
    panels[0].set_ylabel("error of step t")
    figure.colorbar(panels[0].images[0], ax=panels, shrink=0.84, label=r"norm of $\delta_k^{(t)}$")
    return figure


# Bookkeeping


def _check(who, rnn):
    """Return how many numbers a step's input has, or raise."""
    if not isinstance(rnn, RNN):
        raise expects(who, "an RNN", repr(rnn), TypeError)
    if rnn.reverse or rnn.masked:
        raise expects(who, "an RNN that is neither reversed nor masked", repr(rnn))
    return len(rnn.params["Wx"])


def _states(who, rnn, x, t, h0):
    """Return all states (T + 1, N, H), the initial one first, and t, if None the last; or raise."""
    D, shape = _check(who, rnn), np.shape(x)
    if len(shape) != 3 or shape[1] == 0 or shape[2] != D:
        raise expects(who, f"sequences of shape (N, T, {D})", shape)
    t = shape[1] - 1 if t is None else whole(who, "t", t, least=0)
    if t >= shape[1]:
        raise expects(who, f"a step t from 0 to {shape[1] - 1}", t)
    start = np.zeros((len(x), rnn.units), rnn.Wh.dtype) if h0 is None else np.asarray(h0)
    _check_shape(who, "h0", start, (len(x), rnn.units))
    y, _ = rnn.forward(np.asarray(x), states=(start,))
    return np.concatenate([start[np.newaxis], y.swapaxes(0, 1)]), t


def _check_shape(who, name, value, shape):
    if np.shape(value) != shape:
        raise expects(who, f"{name} of shape {shape}", np.shape(value))


def _slope(rnn, s):
    return 1 - s**2 if rnn.activation == "tanh" else (s.real > 0).astype(s.real.dtype)


def _given(Wx, Wh, b):
    rnn = RNN(len(b), init=Given(Wx), recurrent_init=Given(Wh), bias_init=Given(b))
    Network([rnn]).build((1, len(Wx)), dtype=np.float64)
    return rnn


def line(start, stop, *shape):
    """Return numbers on a line from `start` to `stop` in this shape, as CS231n fills arrays."""
    return np.linspace(start, stop, math.prod(shape)).reshape(shape)
