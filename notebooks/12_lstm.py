# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12 · LSTM: gates, cell, and the delta that is often forgotten
#
# After this notebook you can
#
# * name every number of a step of an LSTM, on the way forward and on the way back;
# * derive each gate's delta by asking who reads it;
# * tell which term is missing in a derivation that is often printed, show it with a check, and say
#   what it costs;
# * say why an LSTM remembers where a simple recurrent layer forgets, and see both try.
#
# Change the weights, the sequence, the forget bias.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

import backprop as bp
from backprop import plots
from backprop.classics import lstm_steps

# %% [markdown]
# ## A cell that keeps
#
# A simple recurrent unit multiplies its state by a weight and squashes it, in every step. What it
# knew is soon gone. An LSTM has a second state, the *cell* $c$, which is not squashed on its way
# from step to step. It is only multiplied by a number $f$ between 0 and 1, and something is added:
#
# $$ c_t = f\,c_{t-1} + i\,g. $$
#
# With $f = 1$ and $i = 0$ the cell keeps its value for ever; with $f = 0$ and $i = 1$ it takes a
# new one. Both are *gates*: logistic units that decide at every step, from the input and from the
# state before. So is $o$, which decides how much of the cell is shown: $h_t = o \tanh c_t$.
#
# One unit, one step, with a pocket calculator:

# %%
x1, h0, c0 = 1.0, 0.0, 0.0  # the input, and the two states before
wx = {"i": 1.0, "f": -0.5, "g": 0.8, "o": 0.6}  # a weight of the input for each gate
wh = {"i": 0.3, "f": 0.2, "g": -0.4, "o": 0.5}  # one of the state
b = {"i": 0.0, "f": 1.0, "g": 0.0, "o": 0.0}  # and a bias


def sigma(a):
    """Return the logistic function."""
    return 1 / (1 + math.exp(-a))


a = {gate: wx[gate] * x1 + wh[gate] * h0 + b[gate] for gate in "ifgo"}
i, f, g, o = sigma(a["i"]), sigma(a["f"]), math.tanh(a["g"]), sigma(a["o"])
c1 = f * c0 + i * g
h1 = o * math.tanh(c1)
print(f"i = {i:.6f}   f = {f:.6f}   g = {g:.6f}   o = {o:.6f}")
print(f"c = {c1:.6f}   h = {h1:.6f}")

# %% [markdown]
# ## The derivation
#
# This is the chapter on `LSTM`, out of its docstring; under each equation stands the line of code
# that carries it out. In the loop, `dh` and `dc` are what travels back. Look at (9) and (10): both
# are sums.

# %%
bp.explain(bp.LSTM)

# %% [markdown]
# ## Every number
#
# The layer lays its four gates side by side, to compute them at once. `lstm_steps` names everything
# instead. Here is the unit from above over three steps, with half the squared error of its last
# state from 0.5. The first column is the step that you have calculated.

# %%
lstm = bp.LSTM(1)
net = bp.Network([lstm, bp.Last()])
net.build((3, 1), dtype=np.float64)
lstm.Wx[...] = [[wx[gate] for gate in "ifgo"]]
lstm.Wh[...] = [[wh[gate] for gate in "ifgo"]]
lstm.b[...] = [b[gate] for gate in "ifgo"]

x = np.reshape([1.0, -0.5, 0.25], (1, 3, 1))
target = np.array([[0.5]])
delta = np.zeros((1, 3, 1))
delta[:, -1] = lstm.predict(x)[:, -1] - target

steps = lstm_steps.trace(lstm, x, delta)
print(lstm_steps.tabulate(steps))

# %% [markdown]
# Read the lower half from right to left. `dh` of step 3 is the error, `dh_before` of step 3 is `dh`
# of step 2, as no other step has an error. In step 1, `df` is zero: the forget gate had nothing to
# forget.
#
# The gradient of the forget gate's bias is the sum of the row `da_f`. And this is where the largest
# part of it comes from, factor by factor:

# %%
half_sse = bp.HalfSquaredError(reduction="sum")
bp.explain(net, x, target, loss=half_sse, of="0.b[1]")

# %% [markdown]
# ### Exercise 1: the forget gate of step 2
#
# `two` has every number of step 2, by the names of the table: `two["dc"]`, `two["f"]`, ... Compute
# its `da_f` from others. (What the cell was before the step is `two["c_before"]`.)

# %%
two = {name: float(each[1, 0, 0]) for name, each in steps.items()}
answer = ...

# Check
if answer is not ...:
    f, before = two["f"], two["c_before"]
    assert not np.isclose(answer, two["dc"] * before), (
        "That is df. It still has to pass through the logistic function."
    )
    assert not np.isclose(answer, two["dc"] * two["c"] * f * (1 - f)), (
        "The forget gate multiplies the cell *before* the step."
    )
    assert not np.isclose(answer, two["dc"] * before * (1 - f**2)), (
        "1 - f**2 is the slope of tanh; this gate is logistic."
    )
    assert not np.isclose(answer, two["dh"] * before * f * (1 - f)), (
        "f makes the cell, not h: begin with dc."
    )
    assert np.isclose(answer, two["da_f"]), "Which factor does f have in c_t? And then the slope."
    print(f"da_f of step 2 is {answer:.9f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = two["dc"] * two["c_before"] * two["f"] * (1 - two["f"])
# ```
#
# In $c_t = f\,c_{t-1} + i\,g$ the factor of $f$ is $c_{t-1}$, and the slope of the logistic
# function is taken from its output.
# </details>

# %% [markdown]
# ## Who reads it?
#
# A delta is the derivative of the loss by a value, and a value can have several readers. Each hands
# back what it has to say, and the delta is their sum. So for every delta ask who reads the value:
#
# * $h_t$ is read by the loss (or the layer above) and by all four gates of step $t + 1$;
# * $c_t$ is read by $h_t$ and by $c_{t+1}$, where it is multiplied by the forget gate *of step
#   $t + 1$*.
#
# ### Exercise 2: the delta of the cell
#
# Compute `dc` of step 2 from the numbers of step 2 and step 3. (`math.tanh(two["c"])` is what the
# cell shows before its output gate.)

# %%
three = {name: float(each[2, 0, 0]) for name, each in steps.items()}
answer = ...

# Check
if answer is not ...:
    shown = two["dh"] * two["o"] * (1 - math.tanh(two["c"]) ** 2)
    carried = three["dc"] * three["f"]
    assert not np.isclose(answer, shown), (
        "That is the part through h. The cell has a second reader: the cell of step 3."
    )
    assert not np.isclose(answer, carried), (
        "That is the part through the cell of step 3. The cell is also shown, as h."
    )
    assert not np.isclose(answer, shown + three["dc"]), (
        "On its way to step 3 the cell is multiplied by a forget gate."
    )
    assert not np.isclose(answer, shown + three["dc"] * two["f"]), (
        "Which forget gate stands between c of step 2 and c of step 3? That of step 3."
    )
    assert not np.isclose(answer, two["dh"] * two["o"] + carried), (
        "Between the cell and h there is a tanh: its slope is missing."
    )
    assert np.isclose(answer, two["dc"]), "Two readers, two terms: through h, and through c."
    print(f"dc of step 2 is {answer:.9f}: {shown:.9f} through h, {carried:.9f} along the cell")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# shown = two["dh"] * two["o"] * (1 - math.tanh(two["c"]) ** 2)
# answer = shown + three["dc"] * three["f"]
# ```
#
# In this example most of it comes along the cell: that way there is no weight and no slope, only a
# forget gate. The part through $h$ is a tenth as large, and has the other sign.
# </details>

# %% [markdown]
# ## The term that is often left out
#
# Many derivations take the gradient *at one step*, and then add up over the steps. For
# $\partial E/\partial c_t$ they have the part through $h_t$ and stop, as the *LSTM: Derivation of
# Back propagation through time* of GeeksforGeeks (2020) does. For the last step that is right:
# nobody else reads its cell. For all others (9) has a second term.

# %%
bp.explain(lstm_steps).only(9, 19)

# %% [markdown]
# `GateByGate(units, carry=False)` is an LSTM that leaves out this one term and nothing else. The
# check finds it right for sequences of one step ...

# %%
rng = np.random.default_rng(0)
incomplete = lstm_steps.GateByGate(3, carry=False)
bp.gradcheck(incomplete, rng.standard_normal((2, 1, 3)))

# %% [markdown]
# ... and wrong for longer ones, and it says what is missing. So a check with one step is none: make
# the sequences at least three steps long.

# %%
bp.gradcheck(incomplete, rng.standard_normal((2, 4, 3)))

# %% [markdown]
# How much is lost? Below, eight units read 40 steps with open forget gates, and only the last step
# has an error. Every row is a unit's gate, every column a step; bright is a large delta. On the
# left, with the whole cell delta, every step hears of the error. On the right, with the incomplete
# one, it fades on its way through the weights, as in a simple recurrent layer.

# %%
picture = lstm_steps.draw()
picture.set_size_inches(8, 3)
picture

# %% [markdown]
# And this is one sequence with every gate. The wires between the boxes are what comes back: `dc`
# along the cell, `dh` through the weights.

# %%
unit4 = bp.LSTM(4, forget_bias=3.0)
bp.Network([unit4]).build((4, 2), rng=1, dtype=np.float64)
at_the_end = np.zeros((1, 4, 4))
at_the_end[:, -1] = 1
plots.unrolled(unit4, rng.standard_normal((1, 4, 2)), at_the_end)

# %% [markdown]
# ## A memory task
#
# The first number of a sequence is +1 or -1; 59 numbers of noise follow, as large as the first. At
# the end the network is to say what the first one was. (A second input is 1 in the first step and 0
# afterwards, so that it can know which one counts.)


# %%
def recall(count, length=60, *, seed):
    """Return sequences (count, length, 2) and what their first number was: 1 or 0."""
    rng = np.random.default_rng(seed)
    first = rng.integers(2, size=(count, 1))
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = rng.standard_normal((count, length))
    x[:, :1, 0], x[:, 0, 1] = 2 * first - 1, 1
    return x, first.astype(np.float32)


def learn(layer, seed, updates=80):
    """Train a network with this recurrent layer; return its losses and its accuracy."""
    net = bp.Network([layer, bp.Last(), bp.Dense(1)])
    net.build((60, 2), rng=seed)
    step = bp.TrainStep(net, bp.LogisticCrossEntropy(), bp.Adam(3e-3), clip=1.0)
    losses = [step(*recall(32, seed=1000 * seed + update)) for update in range(updates)]
    x, first = recall(500, seed=12345)
    return losses, float(((net.predict(x) > 0) == first).mean())


# %% [markdown]
# Three starts each: a simple recurrent layer; an LSTM that begins with the forget bias 1, so that
# its gates are about 0.73 open; and one that begins with 3, at 0.95.

# %%
kinds = {
    "RNN": (lambda: bp.RNN(16), plots.ORANGE),
    "LSTM, forget bias 1": (lambda: bp.LSTM(16), "0.6"),
    "LSTM, forget bias 3": (lambda: bp.LSTM(16, forget_bias=3.0), plots.BLUE),
}
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for name, (make, color) in kinds.items():
    runs = [learn(make(), seed) for seed in range(3)]
    for n, (losses, _) in enumerate(runs):
        ax.plot(losses, color=color, linewidth=1, label=None if n else name)
    print(f"{name:<20} accuracy", *(f"{accuracy:.3f}" for _, accuracy in runs))
ax.axhline(math.log(2), color="k", linewidth=0.5, linestyle=":")
ax.set(xlabel="updates", ylabel="loss")
ax.legend(frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The dotted line is the loss of guessing, $\log 2$. The simple layer stays there. (It is not that
# it *cannot* hold a bit. Now and then a lucky start and a larger rate find out how, and with 20
# steps it is easy. But the gradient hardly tells it.) The LSTM that starts with its gates wide open
# learns it every time. With the forget bias 1 it depends: a gate of 0.73 leaves $0.73^{59}$ after
# 59 steps, about $10^{-8}$.
#
# What would the incomplete delta do? The same layer, the same start, with one term less:

# %%
incomplete = lstm_steps.GateByGate(16, carry=False)
incomplete.forget_bias = 3.0
losses, accuracy = learn(incomplete, 0)
print(f"incomplete cell delta: accuracy {accuracy:.3f}")

# %% [markdown]
# Better than guessing, as wrong gradients often are, and far from what the right one has learned
# from the same start. And it is one term of one equation. Had the loss been the only check, one
# would go and tune the rate.
#
# ### Exercise 3: how open?
#
# Along the cells a delta is multiplied by the forget gates. Let all of them be $\sigma(b)$. Which
# forget bias $b$ leaves *half* of the delta after 50 steps?

# %%
answer = ...

# Check
if answer is not ...:
    probe = bp.LSTM(1, forget_bias=answer, init=bp.Zeros(), recurrent_init=bp.Zeros())
    bp.Network([probe]).build((50, 1), dtype=np.float64)
    seen = lstm_steps.trace(probe, np.zeros((1, 50, 1)), np.ones((1, 50, 1)) * np.eye(50)[:, -1:])
    left = float(seen["dc_before"][0, 0, 0] / seen["dc"][-1, 0, 0])
    assert not np.isclose(answer, -50 * math.log(2)), (
        "The root goes the other way: f**50 is to be 1/2."
    )
    assert not np.isclose(answer, 0.5 ** (1 / 50)), (
        "That is how open the gate has to be. Which b makes it so? Invert the logistic function."
    )
    assert not np.isclose(left, 0.5**50, atol=0), "That is a gate of 1/2: of it, f**50 is left."
    assert np.isclose(left, 0.5), f"With this bias {left:.3g} of the delta is left."
    print(f"With forget bias {answer:.4f}, {left:.4f} of the delta is left after 50 steps.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# f = 0.5 ** (1 / 50)
# answer = math.log(f / (1 - f))
# ```
#
# The gate has to be 0.986 open. The bias is about $\log(50/\log 2)$: it grows with the logarithm of
# the distance, which is why biases of 1 to 5 are in use.
# </details>

# %% [markdown]
# ## Is anything of this published?
#
# The states of two LSTMs are printed in the third assignment of the course CS231n (Stanford, 2016),
# and `backprop classics run lstm_steps` puts them beside ours. Its gates lie in another order; that
# of this package is $i, f, g, o$. The gradients there are checked in two ways against each other.
#
# ## Where to go on
#
# [11 · Recurrence](11_rnn.ipynb) is the simpler case. [13 · Vanishing and exploding
# gradients](13_vanishing.ipynb) has the general reason why a long product of slopes and weights
# fades. [6 · Is this derivative right?](06_gradient_checking.ipynb) lets the check hunt a student's
# LSTM. `bp.explain(bp.GRU)` derives the smaller relative with two gates.
