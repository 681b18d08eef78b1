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
# # 13 · Vanishing and exploding gradients, and initialisation
#
# After this notebook you can
#
# * write the derivative of a deep network as a product, and say when it fades and when it blows up;
# * measure the length of delta in every layer of any network, and while it learns;
# * choose the size of the first weights for a given activation, and say why zeros will not do;
# * say what clipping a gradient does, and what it does not.
#
# Change the depth, the activation, the scale of the weights.

# %%
import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import backprop as bp
from backprop import plots
from backprop.classics import bptt, gashler, initialisation, vanishing

BLUE, ORANGE = plots.BLUE, plots.ORANGE
np.set_printoptions(precision=6, suppress=True)


def light(picture):
    """Return a picture in few colours, which keep the notebook small."""
    file = io.BytesIO()
    picture.savefig(file, format="png", dpi=100)
    return Image.open(file).convert("RGB").quantize(64)


# %% [markdown]
# ## A long product
#
# Put logistic units into a chain: each takes the output of the one before it, times a weight. The
# derivative of such a chain is a product, of all its slopes and all its weights. Here are three
# units with weight 1; at the bottom stands what has been multiplied.

# %%
layers = []
for _ in range(3):
    layers += [bp.Dense(1, init=bp.Given([[1.0]])), bp.Sigmoid()]
chain = bp.Network(layers)
chain.build((1,), dtype=np.float64)
half_sse = bp.HalfSquaredError(reduction="sum")
bp.explain(chain, np.array([[0.5]]), np.array([[0.0]]), loss=half_sse, of="0.x[0,0]")

# %% [markdown]
# Every logistic unit gives a factor $a\,(1 - a)$, and that is never larger than 1/4. So however
# lucky the inputs are, twenty units leave less than a millionth of a millionth:

# %%
depths = np.arange(1, 21)
slopes = [vanishing.chain(n) for n in depths]
bounds = [vanishing.bound(n) for n in depths]
print(f"10 units: slope {slopes[9]:.3e}, at most {bounds[9]:.3e}")
print(f"20 units: slope {slopes[19]:.3e}, at most {bounds[19]:.3e}")

fig, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
ax.semilogy(depths, bounds, color="0.6", label=r"$(1/4)^n$")
ax.semilogy(depths, slopes, "o", color=BLUE, markersize=4, label="slope of the chain at 0.5")
ax.set(xlabel="units in the chain", ylabel="slope", xticks=range(0, 21, 5))
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# On a logarithmic axis a constant factor is a straight line. This picture comes back below, with
# layers and with steps in time.
#
# ### Exercise 1: can the weights make up for it?
#
# Give all units of the chain the same weight $w$, and a bias of $-w/2$. Then an input of 0.5 makes
# $z = 0$ in every unit, its steepest point. With which $w$ does a chain of ten have the slope 1?

# %%
answer = ...

# Check
if answer is not ...:
    slope = vanishing.chain(10, x=0.5, w=answer, b=-answer / 2)
    assert not np.isclose(answer, 1), f"With weights of 1 the slope is {slope:.2e}."
    assert not np.isclose(answer, 1 / 4), (
        "1/4 is the slope of a unit; the weight has to make up for it."
    )
    assert not np.isclose(answer, 4**10), "That is for all ten together. Each unit has a weight."
    assert np.isclose(slope, 1), f"With that weight the slope is {slope:.3g}: ten factors w/4."
    aside = vanishing.chain(10, x=0.9, w=answer, b=-answer / 2)
    print(f"w = {answer:g}: slope {slope:.6f} at 0.5, but {aside:.6f} at 0.9")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 4.0
# ```
#
# A factor $w/4$ for each unit: below 4 the delta vanishes, above 4 it explodes, and only at the
# point where all units are at their steepest. Away from there it vanishes even so. Weights alone
# are no remedy for logistic units.
# </details>

# %% [markdown]
# ## Five layers, on purpose
#
# With several units the product becomes a product of matrices. M. Gashler derived five layers, one
# after the other, until the pattern can no longer be missed. This is that derivation, as the file
# `gashler` has it.

# %%
bp.explain(gashler)

# %%
rows = gashler.table_of_deltas(gashler.network(), gashler.X, gashler.TARGET)
for number, (delta, dW) in rows.items():
    print(
        f"layer {number}   |delta| {np.linalg.norm(delta):.3e}   |dE/dW| {np.linalg.norm(dW):.3e}"
    )

# %% [markdown]
# Read the picture from right to left, as the delta goes: it shrinks with every layer. (The sizes,
# weights and numbers of this network are this package's own.)

# %%
light(gashler.draw())

# %% [markdown]
# So the first layer gets a gradient thousands of times smaller than the last. At one rate for all,
# it hardly moves, and whatever is above it learns from features that are still random.
#
# ## When does it shrink?

# %%
bp.explain(vanishing)

# %% [markdown]
# Ten layers of fifty units, random weights, a random delta at the top. Read from right to left:

# %%
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
layers = np.arange(1, 11)
for kind, style in (("logistic", "o-"), ("tanh", "s--"), ("ReLU", "^:")):
    found = vanishing.lengths(vanishing.deep(kind))
    ax.semilogy(layers, found / found[-1], style, markersize=4, label=kind)
ax.set(xlabel="layer (10 is the output)", ylabel="length of delta, over layer 10")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ### Exercise 2: twice the weights
#
# Double all weights of the network of rectifiers. By which factor does the delta at the output of
# layer 3 grow, if the delta at the top, layer 10, is the same?

# %%
answer = ...

# Check
if answer is not ...:
    once, twice = (vanishing.lengths(vanishing.deep("ReLU", scale=c)) for c in (1, 2))
    factor = twice[2] / once[2]
    assert not np.isclose(answer, 2), "2 for *each* matrix that the delta passes."
    assert not np.isclose(answer, 2**10), (
        "The delta at the output of layer 3 has not passed the weights of layers 1 to 3."
    )
    assert not np.isclose(answer, 2**3), "It comes from above: count the layers over layer 3."
    assert not np.isclose(answer, 2**8), "It has not passed the weights of layer 3 itself."
    assert np.isclose(answer, factor), "Which weight matrices lie between layer 10 and layer 3?"
    print(f"measured: {factor:g}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 2**7
# ```
#
# The weights of layers 4 to 10 lie between, seven of them. Rectifiers have slopes of 0 and 1, which
# stay where they are when everything is scaled.
# </details>

# %% [markdown]
# ## Where to start
#
# A delta that should neither vanish nor explode needs weights of the right size; so do the signals
# on the way forward. And the weights must not be all alike. Both are derived here:

# %%
bp.explain(initialisation)

# %% [markdown]
# **Alike.** A network of four hidden units learns XOR. From a constant start its units stay equal
# for ever, so that they are one unit, which cannot do it:

# %%
for init in (bp.Constant(0.0), bp.Constant(0.5), bp.Uniform(-1, 1)):
    net = initialisation.learn_xor(init)
    right = int(((net.predict(initialisation.X) > 0.5) == initialisation.T).sum())
    apart = initialisation.spread(net[0])
    print(f"{init!r:<28} units apart by {apart:8.4f}, {right} of 4 patterns right")

# %% [markdown]
# **Too small, too large.** Equation (1) foretells the mean square of what comes out of a network,
# (2) that of the delta that comes out at the bottom. The network is a funnel of linear units, which
# is where they contradict each other. Ten starts, averaged:

# %%
funnel = (400, 200, 100, 50)
for init in (bp.Glorot(), bp.LeCun(), bp.Normal(0, 0.05)):
    starts = [initialisation.deep(funnel, init, seed=seed) for seed in range(10)]
    up, down = np.mean([initialisation.moments(net)[:, ::2] for net in starts], axis=0)
    line = f"{init!r:<34} found {up[-1]:7.4f} and {down[0]:7.4f}"
    if not isinstance(init, bp.Normal):
        expected = initialisation.predicted(funnel, init)
        line += f"   by (1) and (2) {expected[0, -1]:7.4f} and {expected[1, 0]:7.4f}"
    print(line)

# %% [markdown]
# LeCun's start keeps the signals and lets the delta shrink, Glorot's is between the two.
#
# With twenty layers of rectifiers, a small error in the size of the weights becomes a large one.
# Below are mean squares by depth for four starts, on the left of the signals on their way to the
# right, on the right of the deltas on their way to the left. The flat line is He's.

# %%
light(initialisation.draw())

# %% [markdown]
# ### Exercise 3: a leaky one
#
# A leaky rectifier lets the negative half through too, but times 0.5. What is the right *variance*
# of the weights for layers of 200 such units that read 200? First find $s$ of the derivation: what
# share of the mean square passes, if $z$ is symmetric about 0?

# %%
answer = ...  # a variance

# Check
if answer is not ...:

    def after_ten(variance):
        """Return the mean square of the signals after ten layers that start with 1."""
        init = bp.Normal(0, variance**0.5)
        nets = [
            initialisation.deep([200] * 11, init, lambda: bp.LeakyReLU(0.5), seed)
            for seed in range(3)
        ]
        return np.mean([initialisation.moments(net)[0, -1] for net in nets])

    assert answer > 0, "A variance is above 0."
    found = after_ten(answer)
    assert not np.isclose(answer, 2 / 200), (
        f"That is He's: he drops all of the negative half. After ten layers it makes {found:.2f}."
    )
    assert not np.isclose(answer, 1 / 200), (
        f"That is LeCun's, for linear units. After ten layers it makes {found:.4f} of 1."
    )
    assert not np.isclose(answer, (1 / 125) ** 0.5), "That is the deviation, not the variance."
    assert not np.isclose(answer, 1 / 150), (
        "The slope is squared too: the negative half passes 0.5**2 of its mean square, not 0.5."
    )
    assert 0.8 < found < 1.25, f"After ten layers the mean square is {found:.3g}, not about 1."
    print(f"After ten layers the mean square is {found:.3f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# s = (1 + 0.5**2) / 2
# answer = 1 / (s * 200)
# ```
#
# One half of $z$ passes as it is, the other with a quarter of its square: $s = 5/8$, and
# $s\,n\,v = 1$ gives $v = 1/125$. For a slope of 0 this is He's rule, for a slope of 1 LeCun's.
# </details>

# %% [markdown]
# ## While it learns
#
# `DeltaNorms` looks at a training from outside and records the length of delta at every layer.
# Eight layers on the handwritten digits, first of logistic units with Glorot's start:

# %%
data = bp.load_data("digits")
(x, y), (x_out, y_out) = bp.split(*data.train, 0.15, seed=0)
x, x_out = x.reshape(len(x), -1), x_out.reshape(len(x_out), -1)
loss = bp.SoftmaxCrossEntropy()


def watched(activation, init, epochs=8):
    """Train eight layers, tell what came of it, and return the record of its deltas."""
    layers = []
    for _ in range(8):
        layers += [bp.Dense(32, init=init), activation()]
    net = bp.Network([*layers, bp.Dense(10)])
    net.build((64,), rng=0)
    record = bp.DeltaNorms((x[:64], y[:64]), loss=loss, every=20)
    settings = {"loss": loss, "optimizer": bp.SGD(0.05), "epochs": epochs, "watch": [record]}
    bp.fit(net, (x, y), seed=0, progress=False, **settings)
    found = bp.evaluate(net, (x_out, y_out), loss=loss)
    print(f"{found.accuracy:.1%} of the images held out are recognised")
    first = record.norms[0]
    print(
        f"before the first update the longest delta is {max(first) / min(first):.3g} times", end=" "
    )
    print("as long as the shortest")
    return record


record = watched(bp.Sigmoid, bp.Glorot())
light(record.plot())

# %% [markdown]
# The darker a line, the nearer to the input. The lines lie one below the other: each layer hears
# less than the one above it, and the network learns nothing. Now rectifiers with He's start:

# %%
record = watched(bp.ReLU, bp.He())
light(record.plot())

# %% [markdown]
# Now all lines lie together, and the layers at the bottom hear no less than those at the top.
# (Where the lines jump, the loss does too: the rate is close to what this network can bear.) And
# rectifiers with weights from ±0.05, a start that looks harmless:

# %%
record = watched(bp.ReLU, bp.Uniform(-0.05, 0.05))

# %% [markdown]
# ## Exploding
#
# A recurrent layer multiplies by the *same* matrix in every step. How the last of 30 states depends
# on an early one, for three sizes of $W_h$ (and tiny inputs, so that tanh is at its steepest), with
# the bound of the chapter on backpropagation through time:

# %%
bp.explain(bptt).only(8, 9)

# %%
for gain in bptt.GAINS:
    rnn, sequence = bptt.sequences(gain)
    norms, limits = bptt.travel(rnn, sequence, 29)
    print(f"W_h at {gain}: 10 steps back {norms[19]:9.2e}, 29 steps back {norms[0]:9.2e}", end="")
    print(f", at most {limits[0]:9.2e}")

# %% [markdown]
# An exploding gradient is not only large, it is treacherous. One unit reads a push, $x_1 = 0.7$,
# and then runs by itself for 49 steps, with a bias of $-0.1$. Its last state should be 0.6. Only
# its weight $w$ is free, so that the loss can be drawn: a gentle slope, a minimum, and beside it a
# cliff.

# %%
push = np.zeros((1, 50, 1))
push[:, 0] = 0.7
goal = np.array([[0.6]])


def unit(w):
    """Return the unit with this weight, over 50 steps."""
    rnn = bp.RNN(
        1,
        init=bp.Given([[1.0]]),
        recurrent_init=bp.Given([[w]]),
        bias_init=bp.Given([-0.1]),
    )
    net = bp.Network([rnn, bp.Last()])
    net.build((50, 1), dtype=np.float64)
    return net


def slope_at(w):
    """Return the loss and its derivative by w."""
    net = unit(w)
    y, caches = net.forward(push)
    value, cache = half_sse.forward(y, goal)
    return float(value), net.grads(half_sse.backward(cache), caches)["0.Wh"].item()


w = np.linspace(1.1, 1.8, 701)
values, steep = np.array([slope_at(each) for each in w]).T
fig, (above, below) = plt.subplots(2, 1, figsize=(6, 3.6), sharex=True, layout="constrained")
above.plot(w, values, color=BLUE)
below.semilogy(w, abs(steep), color=ORANGE)
above.set(ylabel="loss")
below.set(xlabel="w", ylabel="size of dL/dw")
for ax in (above, below):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()
print(f"steepest: dL/dw = {steep[abs(steep).argmax()]:.0f} at w = {w[abs(steep).argmax()]:.3f}")

# %% [markdown]
# Say a step has ended on the cliff. The minimum is close by, and the gradient points
# the right way. But one step along it, at a rate that is small everywhere else, throws the weight
# out of the picture, to where tanh is flat and nothing brings it back. **Clipping** shortens the
# gradient to a length that is allowed, and keeps its direction (`TrainStep(..., clip=)`,
# `fit(..., clip=)`). It is no gradient of anything any more, but it still goes downhill.

# %%
for clip in (None, 1.0):
    net = unit(1.288)
    step = bp.TrainStep(net, half_sse, bp.SGD(0.1), clip=clip, freeze=("*.Wx", "*.b"))
    seen = []
    for _ in range(40):
        step(push, goal)
        seen.append(net[0].Wh.item())
    print(
        f"clip {clip}: w after 1, 2, 40 steps: {seen[0]:.3f}, {seen[1]:.3f}, {seen[-1]:.3f};",
        end="",
    )
    print(f" the loss in the end: {slope_at(seen[-1])[0]:.5f}")

# %% [markdown]
# Clipping helps against explosions. Against vanishing it does nothing: what is gone cannot be
# lengthened back. Against that there are starts as above, rectifiers, gates that keep a way open
# ([12 · LSTM](12_lstm.ipynb)), normalisation (`bp.explain(bp.LayerNorm)`), and steps that do not
# depend on the size of the gradient ([14 · Optimizers](14_optimizers.ipynb)).
#
# ## Where to go on
#
# S. Hochreiter described the vanishing gradient in his diploma thesis (1991); Bengio, Simard and
# Frasconi in 1994. [11 · Recurrence](11_rnn.ipynb) has the product of matrices through time.
# [14 · Optimizers and regularisation](14_optimizers.ipynb) is about what one does with a gradient.
