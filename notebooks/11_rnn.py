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
# # 11 · Recurrence and backpropagation through time
#
# After this notebook you can
#
# * unroll a recurrent layer, and carry a delta back through its steps with a pocket calculator;
# * say why the gradient of a shared weight is a sum over time, and what each step adds to it;
# * say what truncated backpropagation through time leaves out, and measure it;
# * train a recurrent network in half a second, and look at how its delta travels.
#
# Change the inputs, the weights, the number of steps.

# %%
import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import backprop as bp
from backprop import plots
from backprop.classics import bptt

np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## One unit, three steps
#
# A recurrent unit reads a sequence. At each step it weighs the new input *and its own last state*,
# and squashes the sum:
#
# $$ s_k = \tanh(u\,x_k + w\,s_{k-1}), \qquad s_0 = 0. $$
#
# After the last step its state should be 0.3.

# %%
x = [1.0, -0.5, 0.25]  # the sequence
u, w = 0.5, 0.8  # the weight of the input, and that of the state before
t = 0.3  # the target of the last state

s = [0.0]  # s[0] is the state before the first step
for k in (1, 2, 3):
    s.append(float(np.tanh(u * x[k - 1] + w * s[k - 1])))
    print(f"s{k} = {s[k]:.12f}")
loss = (s[3] - t) ** 2 / 2
print(f"E  = {loss:.12f}")

# %% [markdown]
# **Back.** Write the three steps one below the other and they are a network of three layers, each
# of one unit. So a delta goes back as in any network: times the slope of the squashing function,
# times the weight. The slope of tanh can be taken from its output: $1 - s^2$.

# %%
ds = s[3] - t  # the slope of the loss
dz = {}
for k in (3, 2, 1):
    dz[k] = ds * (1 - s[k] ** 2)  # through tanh
    ds = dz[k] * w  # through w, to the state before
    print(f"dz{k} = {dz[k]:+.12f}")

# %% [markdown]
# **The weights.** Now to what is new. The weight $u$ stands in *three* places. Move it a little,
# and it moves $z_1$, $z_2$ and $z_3$ at once. To first order the three effects add up, so its
# derivative is a sum: for every place what that place alone would get.

# %%
parts = [dz[k] * x[k - 1] for k in (1, 2, 3)]
du = sum(parts)
for k, part in zip((1, 2, 3), parts, strict=True):
    print(f"step {k}: {part:+.12f}")
print(f"dE/du:  {du:+.12f}")

# %% [markdown]
# Is it right? The slope can be measured:


# %%
def loss_of(u, w):
    """Return E for two weights."""
    state = 0.0
    for number in x:
        state = np.tanh(u * number + w * state)
    return float((state - t) ** 2 / 2)


h = 1e-5
measured = (loss_of(u + h, w) - loss_of(u - h, w)) / (2 * h)
print(f"derived   {du:+.10f}")
print(f"measured  {measured:+.10f}")

# %% [markdown]
# ### Exercise 1: the weight of the state
#
# What is $dE/dw$? You have `dz` (a dict with the keys 1, 2, 3), `x` and `s` (from `s[0]` to
# `s[3]`).

# %%
answer = ...

# Check
if answer is not ...:
    assert not np.isclose(answer, du), "That is dE/du: w does not meet the inputs but the states."
    assert not np.isclose(answer, dz[3] * s[2]), (
        "That is the share of step 3 alone. The weight stands in the other steps too."
    )
    assert not np.isclose(answer, sum(dz.values())), (
        "Each dz still has to be multiplied by what w is multiplied by in that step."
    )
    assert not np.isclose(answer, sum(dz[k] * s[k] for k in dz)), (
        "In step k the weight meets the state *before* that step: s[k - 1]."
    )
    slope = (loss_of(u, w + h) - loss_of(u, w - h)) / (2 * h)
    assert np.isclose(answer, slope, rtol=1e-6), f"The measured slope is {slope:.9f}."
    print(f"dE/dw = {answer:.9f}; the measured slope is {slope:.9f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = sum(dz[k] * s[k - 1] for k in (1, 2, 3))
# ```
#
# It is -0.038340. The first step adds nothing, because $s_0 = 0$: where nothing comes in, a weight
# does not matter.
# </details>

# %% [markdown]
# ## The derivation
#
# With many units $u$ and $w$ become the matrices $W_x$ and $W_h$, and every step may have a loss of
# its own. This is the chapter on `RNN`, out of its docstring. Under each equation stands the line
# of code that carries it out.

# %%
bp.explain(bp.RNN)

# %% [markdown]
# Two things are worth a second look. Equation (3) adds: a state has two readers, the loss of its
# own step and the next step, so its delta is the sum of two. And (6) to (8) are not in the loop:
# the sums over time and over examples are one matrix product.
#
# Here is the example from above in the layer itself. Below each line are the numbers that it
# computed while it ran; only the last step has an error, so `Last` hands its delta to that one.

# %%
rnn = bp.RNN(1, init=bp.Given([[u]]), recurrent_init=bp.Given([[w]]))
net = bp.Network([rnn, bp.Last()])
net.build((3, 1), dtype=np.float64)
half_sse = bp.HalfSquaredError(reduction="sum")
sequence = np.reshape(x, (1, 3, 1))  # one example, three steps, one number in each

bp.explain(net, sequence, np.array([[t]]), loss=half_sse)

# %% [markdown]
# ## Unrolled
#
# The same in a picture, with four units and random weights. The sequence is read from left to
# right, and the delta comes back from right to left. Only the last step has a loss. In each box the
# upper strip shows the four states, the lower one their deltas; the numbers on the wires are the
# lengths of what goes back.

# %%
layer = bp.RNN(4, recurrent_init=bp.Orthogonal(0.9))
bp.Network([layer]).build((5, 2), rng=0, dtype=np.float64)
inputs = np.random.default_rng(0).standard_normal((1, 5, 2))
delta = np.zeros((1, 5, 4))
delta[:, -1] = 1  # dL/dh of the last step; try 1 at every step
plots.unrolled(layer, inputs, delta)

# %% [markdown]
# ### Exercise 2: the sweep
#
# `h` has all the states of that layer, `h[0]` being the zeros before the first step, and `delta` is
# now dL/dh of *every* step. Fill in the loop: what is `da`, the delta before the squashing?

# %%
delta = np.random.default_rng(1).standard_normal((5, 4))  # (T, H): one example
h = np.concatenate([np.zeros((1, 4)), layer.predict(inputs)[0]])  # (T + 1, H)
Wh = layer.Wh


def sweep():
    """Return da of every step, (T, H), and the delta of the state before the first one."""
    da, dh = np.zeros((5, 4)), np.zeros(4)
    for t in reversed(range(5)):
        da[t] = ...  # from dh, delta[t] and h[t + 1]
        dh = ...  # what goes on to the state before
    return da, dh


answer = ...  # sweep(), when it is done

# Check
if answer is not ...:
    _, cache = layer.forward(inputs, np.zeros((1, 4)))
    truth = layer.gate_deltas(delta[np.newaxis], cache)["h"][0]
    (_, truth_dh), _ = layer.backward(delta[np.newaxis], cache)
    slope = 1 - h[1:] ** 2
    assert len(answer) == 2, "sweep() returns two arrays: da and dh."
    da, dh = answer
    assert not np.allclose(da, delta * slope), (
        "What comes back from the step after is missing: dh + delta[t]."
    )
    assert np.allclose(da[4], truth[4]), (
        "The last step is wrong already. Nothing comes back to it but delta[4], and the slope of"
        " tanh is 1 - h**2, with the state that the step has made."
    )
    once = (delta[3] + truth[4] @ Wh) * slope[3]
    assert not np.allclose(da[3], once), "Wh goes forward; the delta goes back through Wh.T."
    assert not np.allclose(da[3], truth[4] @ Wh.T * slope[3]), (
        "Step 4 has a loss of its own too: its delta[t] is to be added."
    )
    assert np.allclose(da, truth), "Right at the end, wrong on the way: look at dh."
    assert np.allclose(dh, truth_dh), "da is right; the dh that is left after the loop is not."
    print("The layer finds the same numbers:", truth[0])

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def sweep():
#     da, dh = np.zeros((5, 4)), np.zeros(4)
#     for t in reversed(range(5)):
#         da[t] = (dh + delta[t]) * (1 - h[t + 1] ** 2)
#         dh = da[t] @ Wh.T
#     return da, dh
#
#
# answer = sweep()
# ```
#
# These are equations (3), (4) and (5) of the chapter. The `dh` that is left is the gradient of the
# initial state.
# </details>

# %% [markdown]
# ## Each error by itself
#
# The sweep adds the errors of all steps on its way. The first derivations took them one by one:
# $\delta_k^{(t)}$ is what the error of step $t$ makes of step $k$. These are the equations of one
# of them, with their lines; the whole text is `bp.explain(bptt)`.

# %%
bp.explain(bptt).only(1, 2, 3, 4, 5)

# %% [markdown]
# For the scalar example, step by step, $E$ being the error of the last one:

# %%
shares = bptt.contributions(rnn, sequence, 2, np.array([[s[3] - t]]))
print("step       ", "          ".join("123"))
for name, row in (("delta", "z"), ("of u", "Wx"), ("of w", "Wh")):
    print(f"{name:<6}", shares[row].ravel())

# %% [markdown]
# **Tied copies.** Rumelhart, Hinton and Williams saw it in this way (*Nature* 323, 1986): a network
# that runs for three steps *is* a layered network of three layers, whose weights are copies of each
# other. Here it is, made of `Dense` layers, one pair of which stands in all three places. The
# numbers below the circles are deltas; you will find the three `dz` from above.

# %%
layered = bptt.layered(rnn, 3)
copies = [np.zeros((1, 1)), *np.reshape(x, (3, 1, 1))]  # the state s0, then the inputs
targets = np.array([[s[1], s[2], t]])  # no error but that of the last step
picture = layered.draw(tuple(copies), targets, loss=half_sse)
file = io.BytesIO()
picture.savefig(file, format="png", dpi=100)
Image.open(file).convert("RGB").quantize(64)  # few colours keep the notebook small

# %% [markdown]
# A layer that stands in several places gets the sum of its gradients, which is all that *shared*
# means. In 1986 they took the average of the copies instead: the same direction, a step three times
# shorter.

# %%
_, cache = rnn.forward(sequence)
at_the_end = np.reshape([0, 0, s[3] - t], (1, 3, 1))
print("three copies:", bptt.copies(rnn, sequence, at_the_end)["Wx"].ravel())
print("their sum:   ", rnn.grads(at_the_end, cache)["Wx"].ravel())
print("the average: ", bptt.averaged(rnn, sequence, at_the_end)["Wx"].ravel())

# %% [markdown]
# ## Truncated
#
# A long sequence cannot be kept in memory as a whole. So it is cut into chunks: the *states* go on
# from chunk to chunk, the deltas do not. What this leaves out is told in the chapter on
# `TruncatedBPTT`, with our three steps as its example.

# %%
bp.explain(bp.TruncatedBPTT)

# %% [markdown]
# ### Exercise 3: what a chunk sees
#
# Cut the scalar example such that the last chunk has *one* step. What is $dE/du$ then, according to
# that chunk? You have `dz` and `x` (`x[0]` is the first input).

# %%
answer = ...

# Check
if answer is not ...:
    assert not np.isclose(answer, du), "That is the whole gradient: leave out what is cut off."
    assert not np.isclose(answer, dz[1] * x[0]), (
        "That is what the first step adds. The chunk that has the error is the last one."
    )
    assert not np.isclose(answer, dz[3]), "The input of that step is still missing."
    error = np.array([[s[3] - t]])
    one, two = (bptt.truncated(rnn, sequence, 2, error, n)["Wx"].item() for n in (1, 2))
    assert np.isclose(answer, one), "Of the three shares of u, one is left."
    print(f"one step: {one:.6f}; two: {two:.6f}; all three: {du:.6f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = dz[3] * x[2]
# ```
#
# One step says -0.0198, two say +0.0114, all three -0.0279. A longer chunk is not always nearer,
# and with two steps even the sign is wrong: the gradient of a chunk is biased, and no number of
# examples averages that out.
# </details>

# %% [markdown]
# How much is lost depends on how far the delta travels, and that depends on $W_h$. Below, 16 units
# read 30 steps, and the last one has an error. The further to the right, the more steps are kept.
# Where $W_h$ shrinks the delta, ten steps have nearly everything; where it does not, each step
# counts.

# %%
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for gain, style in ((0.7, "o-"), (0.9, "s-"), (1.0, "^-")):
    long_rnn, long_x = bptt.sequences(gain)
    missing = bptt.distances(long_rnn, long_x, 29, np.ones((1, 16)))
    label = f"$W_h$ orthogonal, times {gain}"
    ax.plot(range(1, 31), missing, style, markersize=3, linewidth=1, label=label)
ax.set(xlabel="steps that are kept", ylabel="share of the gradient left out", ylim=(0, None))
fig.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ## A task: add two numbers
#
# Two binary numbers come in bit by bit, the lowest bits first, as one adds with pencil and paper.
# At each step the network is to say the bit of the sum. It is never told that there is such a thing
# as a carry.


# %%
def additions(count, steps, seed):
    """Return pairs of bits (count, steps, 2), the bits of their sums, and the carries."""
    bits = np.random.default_rng(seed).integers(2, size=(count, steps, 2))
    total, carries, carry = [], [], 0
    for t in range(steps):
        carry = bits[:, t].sum(axis=1) + carry
        total.append(carry % 2)
        carry = carry // 2
        carries.append(carry)
    return bits.astype(float), np.stack(total, 1)[..., np.newaxis], np.stack(carries, 1)


adder = bp.Network([bp.RNN(6), bp.Dense(1)])
adder.build((8, 2), rng=0, dtype=np.float64)
bitwise = bp.LogisticCrossEntropy()
step = bp.TrainStep(adder, bitwise, bp.Adam(0.02))

losses = []
for update in range(600):
    pairs, sums, _ = additions(32, 8, seed=update)
    losses.append(step(pairs, sums))
print("loss at the updates 1, 201, 401, 600:", np.round(losses[::200] + losses[-1:], 4))

# %% [markdown]
# Six units learned this from numbers of eight bits. If they have learned *adding*, and not those
# numbers, they can add numbers of 60 bits too:

# %%
longer = bp.Network([bp.RNN(6), bp.Dense(1)])
longer.build((60, 2), dtype=np.float64)
longer.parameters[...] = adder.parameters

pairs, sums, carries = additions(1000, 60, seed=12345)
right = (longer.predict(pairs) > 0) == sums
print(f"{right.all(axis=(1, 2)).sum()} of 1000 additions of 60 bits are right in every bit")

# %% [markdown]
# Where is the carry? Somewhere in the state. Each row below is a unit over the first 30 steps of
# one addition; on top, in black, stands the carry that the step hands on.

# %%
states = longer[0].predict(pairs[:1])[0, :30].T

fig, (above, below) = plt.subplots(
    2, 1, figsize=(6, 2.6), height_ratios=(1, 6), sharex=True, layout="constrained"
)
above.imshow(carries[:1, :30], cmap="Greys", aspect="auto")
above.set_yticks([0], ["carry"])
drawn = below.imshow(states, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
below.set(yticks=range(6), ylabel="unit", xlabel="step (the first is 0)")
fig.colorbar(drawn, ax=below, label="state")
plt.show()

# %%
hidden, of_carry = longer[0].predict(pairs).reshape(-1, 6), carries.ravel() - 0.5
together = [np.corrcoef(unit, of_carry)[0, 1] for unit in hidden.T]
print("correlation of each unit with the carry:", np.round(together, 2))

# %% [markdown]
# A unit whose number is near 1 or -1 holds the carry. How far does the delta travel in this
# network? Give one error, at the last of 30 steps, and look back. A row is a unit; below, the
# length of the delta over time. It falls by more than ten powers of ten. Here that does no harm:
# wherever both bits are equal they decide the carry, and what came before no longer matters. In a
# task that needs what was long ago it would be fatal.

# %%
probe = bp.Network([bp.RNN(6), bp.Dense(1), bp.Last()])
probe.build((30, 2), dtype=np.float64)
probe.parameters[...] = adder.parameters
plots.gradient_through_time(probe, pairs[:1, :30], np.ones((1, 1)))

# %% [markdown]
# And before you trust a loop of your own, ask. Here the adder is asked:

# %%
bp.gradcheck(adder, *additions(2, 8, seed=1)[:1], loss=bitwise, target=additions(2, 8, seed=1)[1])

# %% [markdown]
# ## Whose numbers are these?
#
# The states of two layers are printed in the third assignment of the course CS231n (Stanford,
# 2016). The others were computed: independently, or in two ways of this package that have to agree.

# %%
bptt.reproduce()

# %% [markdown]
# ## Where to go on
#
# Adding needs a memory of one step at a time. [12 · LSTM](12_lstm.ipynb) is about memories that
# last, and [13 · Vanishing and exploding gradients](13_vanishing.ipynb) about why they are hard to
# learn. [5 · The computational graph](05_computational_graph.ipynb) has the general rule behind
# equation (3): a value with several readers gets the sum of their deltas.
