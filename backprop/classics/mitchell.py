r"""T. Mitchell, *Machine Learning* (1997), Table 4.2: stochastic backpropagation, with momentum.

Two layers of logistic units, small random weights, an update after each example. The book's signs
are those of descent: its error terms are *minus* $\partial E/\partial z$,

$$ \delta_k = o_k (1 - o_k)(t_k - o_k), \qquad
   \delta_h = o_h (1 - o_h) \sum_k w_{kh}\,\delta_k, $$

and with momentum the change of step $n$ remembers a part of the one before:

$$ \Delta w_{ji}(n) = \eta\,\delta_j x_{ji} + \alpha\,\Delta w_{ji}(n - 1). $$

**Derivation.** Let $E = \frac12 \sum_k (t_k - o_k)^2$ for one example. The weight $w_{ji}$ acts
through $z_j = \sum_i w_{ji} x_{ji}$ alone, so $\partial E/\partial w_{ji} = -\delta_j x_{ji}$ with
$\delta_j = -\partial E/\partial z_j$. An output unit has
$\partial E/\partial z_k = -(t_k - o_k)\,o_k(1 - o_k)$. A hidden unit acts through all units that it
feeds:

$$ \frac{\partial E}{\partial z_h} = \sum_k \frac{\partial E}{\partial z_k}
   \frac{\partial z_k}{\partial o_h} \frac{\partial o_h}{\partial z_h}
   = -\sum_k \delta_k\, w_{kh}\, o_h (1 - o_h). $$

`Dense`, `Sigmoid` and `HalfSquaredError` hold this, $\Delta w$ is the velocity of `SGD(rate,
momentum=...)`, and Table 4.2 is the loop `stochastic_backpropagation`.

**Exercise 4.7** has one hidden unit $c$ and one output $d$, every weight 0.1, and asks for the
weights after two updates. It prints no solution; the numbers here were computed independently.

**The identity task**: eight one-hot patterns through three hidden units to themselves. The book
shows hidden values close to the eight codes of three bits, after 5000 passes from weights within
0.1. Its seed is unknown, and every seed finds codes of its own, some with a value half way. The
rate, the number of passes and the form of the momentum are as they are
generally told: of these pages only the table was at hand.

Source: Mitchell, *Machine Learning*, McGraw-Hill (1997), sections 4.5 and 4.6.
"""

import numpy as np

from ..errors import expects, real, whole
from ..initializers import Constant, Initializer, Uniform
from ..layers import Dense, Sigmoid
from ..losses import HalfSquaredError
from ..network import Network
from ..optimizers import SGD
from ..plots import BLUE, ORANGE, Picture
from .axes import open_frame
from .reproduction import Classic, Reproduction

CLASSIC = Classic(
    "T. Mitchell", 1997, "Machine Learning, Table 4.2: stochastic backpropagation", seconds=4
)
LOSS = HalfSquaredError(reduction="sum")
STEP_1 = "0.1008512818 0.1 0.1008512818 0.1189103978 0.1343929220"
IDENTITY = np.eye(8)
TOLD = "as it is generally told: the page was not at hand"


def network(n_in, n_hidden, n_out, *, init: Initializer = Uniform(-0.05, 0.05), seed=0):
    """Return the two-layer network, weights and biases drawn alike.

    Raises:
        ValueError: a size is not a positive whole number.
    """
    n_in = whole("network", "n_in", n_in)
    hidden = Dense(n_hidden, init=init, bias_init=init)
    output = Dense(n_out, init=init, bias_init=init)
    net = Network([hidden, Sigmoid(), output, Sigmoid()])
    net.build((n_in,), rng=seed, dtype=np.float64)
    return net


def stochastic_backpropagation(net, x, t, *, rate=0.05, momentum=0.0, epochs=1):
    """Carry out Table 4.2 in place; return the sum of each epoch's errors.

    Args:
        net: what `network` returned, or any Network whose outputs are as wide as `t`.
        x: inputs (N, n_in), taken in their order.
        t: targets (N, n_out).
        rate: the step.
        momentum: the share of the last change that is added to the next.
        epochs: how often to go through the pairs.

    Raises:
        ValueError: there is not one target for each input, a target is not from 0 to 1, or a number
            is outside its range.
    """
    who = "stochastic_backpropagation"
    x, t = np.asarray(x, dtype=float), np.asarray(t, dtype=float)
    if x.ndim != 2:
        raise expects(who, "inputs of shape (N, n_in)", x.shape)
    if t.ndim != 2 or len(t) != len(x):
        raise expects(who, f"targets of shape ({len(x)}, n_out)", t.shape)
    if not ((t >= 0) & (t <= 1)).all():
        raise expects(who, "targets from 0 to 1", t[~((t >= 0) & (t <= 1))][0])
    optimizer = SGD(real(who, "rate", rate, least=0), momentum=momentum)
    state = optimizer.start(net.parameters)
    errors = np.zeros(whole(who, "epochs", epochs))
    for epoch in range(len(errors)):
        for n in range(len(x)):
            y, caches = net.forward(x[n : n + 1])
            error, cache = LOSS.forward(y, t[n : n + 1])
            errors[epoch] += error
            gradient = net.flatten(net.grads(LOSS.backward(cache), caches))
            optimizer.step(net.parameters, gradient, state)
    return errors


def error_terms(net, x, t):
    """Return the book's error terms, of the outputs and of the hidden units, for one example."""
    y, caches = net.forward(x)
    delta = LOSS.backward(LOSS.forward(y, t)[1])
    deltas = net.deltas(delta, caches)
    return -deltas[3], -deltas[1]


def exercise_4_7(updates):
    """Return the weights (ca, cb, c0, dc, d0) after 0, 1 or 2 updates, and the network."""
    net = network(2, 1, 1, init=Constant(0.1))
    x, t = np.array([[1, 0], [0, 1]]), np.array([[1], [0]])
    updates = whole("exercise_4_7", "updates", updates, least=0)
    if updates > len(x):
        raise expects("exercise_4_7", f"at most {len(x)} updates", updates)
    if updates:
        stochastic_backpropagation(net, x[:updates], t[:updates], rate=0.3, momentum=0.9)
    return net.parameters.copy(), net


def identity(seed, epochs=5000):
    """Train the 8-3-8 network; return it, and its error in each epoch."""
    net = network(8, 3, 8, init=Uniform(-0.1, 0.1), seed=seed)
    return net, stochastic_backpropagation(net, IDENTITY, IDENTITY, rate=0.3, epochs=epochs)


def codes(net, x):
    """Return the values of the hidden units (N, n_hidden)."""
    return net[1].predict(net[0].predict(x))


def reproduce():
    """Return the exercise and the identity task beside ours."""
    table = Reproduction(CLASSIC)
    _, net = exercise_4_7(0)
    x, t = np.array([[1.0, 0.0]]), np.array([[1.0]])
    table.number("exercise 4.7: c", "0.549833997312", codes(net, x), computed=True)
    table.number("exercise 4.7: d", "0.538668479964", net.predict(x), computed=True)
    of_d, of_c = error_terms(net, x, t)
    table.number("exercise 4.7: delta_d", "0.114643073434", of_d, computed=True)
    table.number("exercise 4.7: delta_c", "0.002837606062", of_c, computed=True)
    table.number("exercise 4.7: weights after step 1", STEP_1, exercise_4_7(1)[0], computed=True)
    net, errors = identity(seed=0)
    right = int((net.predict(IDENTITY).argmax(axis=1) == np.arange(8)).sum())
    table.claim("identity 8-3-8: patterns right", "8 of 8", f"{right} of 8", remark=TOLD)
    bits = len(np.unique(np.round(codes(net, IDENTITY)), axis=0))
    what = "identity 8-3-8: different codes of 3 bits"
    table.band(what, 6, 8, bits, published="8", remark=f"a band of ours; {TOLD}")
    table.told("identity 8-3-8: last error", "-", errors[-1], why="the book's seed is unknown")
    table.picture = draw
    return table


def draw():
    """Draw the code of every pattern, and how the codes of the first two came about."""
    net = network(8, 3, 8, init=Uniform(-0.1, 0.1), seed=0)
    found, chunk = [codes(net, IDENTITY)], 25
    for _ in range(2500 // chunk):
        stochastic_backpropagation(net, IDENTITY, IDENTITY, rate=0.3, epochs=chunk)
        found.append(codes(net, IDENTITY))
    figure = Picture(8.6, 3.4)
    left, *others = figure.subplots(1, 3, width_ratios=(1, 1.4, 1.4))
    left.imshow(found[-1], cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (n, h), value in np.ndenumerate(found[-1]):
        color = "white" if value > 0.5 else "black"
        left.text(h, n, f"{value:.2f}", ha="center", va="center", color=color, fontsize=8)
    left.set(xlabel="hidden unit", ylabel="pattern", title="after 2500 epochs")
    left.set_xticks(range(3), ["1", "2", "3"])
    left.set_yticks(range(8), [str(n + 1) for n in range(8)])
    epochs = chunk * np.arange(len(found))
    for pattern, axes in enumerate(others):
        for h, (color, line) in enumerate(((BLUE, "-"), (ORANGE, "--"), ("0.4", ":"))):
            values = [each[pattern, h] for each in found]
            axes.plot(epochs, values, line, color=color, label=f"unit {h + 1}")
        axes.set(xlabel="epochs", ylim=(0, 1), title=f"pattern {pattern + 1}")
        open_frame(axes, grid=None)
    others[0].set_ylabel("hidden value")
    others[0].legend(frameon=False, fontsize=8, loc="center right")
    return figure
