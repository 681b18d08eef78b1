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
# # 14 · Optimizers and regularisation
#
# After this notebook you can
#
# * carry out the first steps of SGD, momentum, AdaGrad, RMSProp and Adam by hand;
# * say which rates a bowl can bear, and what momentum and a rate for each parameter change;
# * choose a schedule and see its curve;
# * tell an L2 penalty from weight decay, and say why they part ways in Adam;
# * stop a training early, and say what that has to do with a penalty.
#
# Backpropagation makes the gradient; all of this is about what one does with it.

# %%
import io

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import backprop as bp
from backprop import plots, schedules
from backprop.classics import regularisation
from backprop.classics.levenberg_marquardt import fits, methods

BLUE, ORANGE, GREEN = plots.BLUE, plots.ORANGE, "#009E73"
np.set_printoptions(precision=6, suppress=True)


def show(figure):
    """Return a figure in 256 colours, which keep the notebook small."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    return Image.open(file).convert("RGB").quantize(256)


# %% [markdown]
# ## A bowl
#
# The simplest loss with a difficulty is a bowl that is narrow one way and long the other:
# $L = \frac12 (h_1 w_1^2 + h_2 w_2^2)$ with $h = (1, 40)$. Its gradient is $(h_1 w_1, h_2 w_2)$.
# One step of gradient descent at the rate $\eta$ multiplies each coordinate by $1 - \eta h_i$:

# %%
h = np.array([1.0, 40.0])
start, rate = np.array([-4.0, 1.0]), 0.04

w = start.copy()
for n in range(4):
    print(f"step {n}: w = {w}, L = {(h * w**2).sum() / 2:.6f}")
    w = w - rate * h * w
print("factors:", 1 - rate * h)

# %% [markdown]
# The steep direction jumps from one side to the other, and the flat one creeps: its factor is 0.96.
# A larger rate would be good for the one and bad for the other.
#
# ### Exercise 1: the largest rate
#
# Up to which rate does gradient descent converge on this bowl?

# %%
answer = ...


def length_after(rate, steps=2000):
    """Return how far from the minimum gradient descent is in the end."""
    w, optimizer = start.copy(), bp.SGD(rate)
    state = optimizer.start(w)
    for _ in range(steps):
        optimizer.step(w, h * w, state)
    return np.linalg.norm(w)


# Check
if answer is not ...:
    assert not np.isclose(answer, 2 / h.min()), "That is for the flat direction. The steep one?"
    assert not np.isclose(answer, 1 / h.max()), (
        "That is the best rate for the steep direction alone: its factor is 0. A factor of -0.9"
        " still converges."
    )
    assert length_after(0.99 * answer) < 1e-2, "Just below that rate it does not converge."
    assert length_after(1.01 * answer) > 1e2, "Just above that rate it still converges."
    print(
        f"at 99 %: {length_after(0.99 * answer):.1e}; at 101 %: {length_after(1.01 * answer):.1e}"
    )

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 2 / h.max()
# ```
#
# $|1 - \eta h_i| < 1$ means $\eta < 2/h_i$, and the largest $h$ decides. Then what is
# left of the flat direction after a step is at least $1 - 2 h_1/h_2$ of it: what makes a bowl hard
# is the ratio of the two, its *condition number*, here 40.
# </details>

# %% [markdown]
# ## Momentum
#
# A heavy ball does not turn at every bump. In the steep direction the pushes cancel, in the flat
# one they add up. With `nesterov` the gradient is taken where the momentum is about to carry the
# ball.

# %%
bp.explain(bp.SGD)

# %% [markdown]
# ## A rate for each parameter
#
# The other idea is to divide each coordinate by the size that its gradients have had.

# %%
bp.explain(bp.AdaGrad)

# %%
bp.explain(bp.RMSProp)

# %% [markdown]
# And Adam is both:

# %%
bp.explain(bp.Adam)

# %% [markdown]
# The first two steps of each, from $w = 1$ with the gradient $g = 3$ and then $g = -1$. An
# optimizer here has no memory of its own: everything it remembers is in `state`, which can be
# printed.

# %%
for optimizer in (bp.SGD(0.1, momentum=0.9), bp.AdaGrad(0.1), bp.RMSProp(0.1), bp.Adam(0.1)):
    w = np.array([1.0])
    state = optimizer.start(w)
    print(type(optimizer).__name__)
    for g in (3.0, -1.0):
        optimizer.step(w, np.array([g]), state)
        remembered = ", ".join(f"{name} = {float(state[name][0]):.6f}" for name in optimizer.slots)
        print(f"   g = {g:+.0f}: w = {w[0]:.6f}, {remembered}")

# %% [markdown]
# ### Exercise 2: without the hats
#
# Leave out (3) and (4) of Adam and put $m$ and $v$ into (5) as they are. How long is then the
# *first* step, in units of the rate? ($\beta_1 = 0.9$, $\beta_2 = 0.999$, and $\epsilon$ does not
# matter.)

# %%
answer = ...

# Check
if answer is not ...:
    adam, w, g = bp.Adam(1.0), np.zeros(1), np.full(1, 3.0)
    state = adam.start(w)
    state["t"] = 10**6  # for such a t the denominators of (3) and (4) are 1
    adam.step(w, g, state)
    assert not np.isclose(answer, 1), "That is the first step *with* (3) and (4)."
    assert not np.isclose(answer, 0.1), "That is m over g. It is divided by the root of v."
    assert not np.isclose(answer, 0.1 / 0.001), "v is the mean of squares: take its root."
    assert not np.isclose(answer, 0.9 / 0.999**0.5), (
        "In the first step g comes in with 1 - beta; beta multiplies the zero from before."
    )
    assert np.isclose(answer, abs(w[0])), "m = 0.1 g and v = 0.001 g**2. What is m over root v?"
    print(f"{answer:.6f} times the rate")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 0.1 / 0.001**0.5
# ```
#
# 3.16 rates instead of one: $v$ starts even further below its true size than $m$, and one divides
# by its root. The hats are there for the first steps; after some thousand they do nothing.
# </details>

# %% [markdown]
# ## Paths
#
# Thirty steps each, from the same start. Left: plain descent zigzags; momentum and Nesterov swing
# through the valley. Right: what divides by the gradient's size makes the same first step in both
# directions, and hardly sees how narrow the bowl is. (Adam has momentum too, and at this rate it
# overshoots.) Change the rates.


# %%
def path_of(optimizer, steps=30, turn=None):
    """Return the steps of an optimizer on the bowl, which may be turned."""
    H = np.diag(h) if turn is None else turn @ np.diag(h) @ turn.T
    w = start.copy() if turn is None else turn @ start
    state, path = optimizer.start(w), [w.copy()]
    for _ in range(steps):
        optimizer.step(w, H @ w, state)
        path.append(w.copy())
    return np.array(path)


left = {
    "SGD": bp.SGD(0.045),
    "momentum": bp.SGD(0.02, momentum=0.8),
    "Nesterov": bp.SGD(0.02, momentum=0.8, nesterov=True),
}
right = {"AdaGrad": bp.AdaGrad(1.0), "RMSProp": bp.RMSProp(0.2, decay=0.9), "Adam": bp.Adam(0.3)}

x1, x2 = np.meshgrid(np.linspace(-4.5, 2, 100), np.linspace(-1.2, 1.2, 100))
fig, panels = plt.subplots(1, 2, figsize=(9, 3), sharey=True, layout="constrained")
for ax, several in zip(panels, (left, right), strict=True):
    ax.contour(x1, x2, (h[0] * x1**2 + h[1] * x2**2) / 2, levels=12, colors="0.85", zorder=0)
    for (name, optimizer), color in zip(several.items(), (ORANGE, BLUE, GREEN), strict=True):
        ax.plot(*path_of(optimizer).T, "o-", color=color, markersize=2, linewidth=0.8, label=name)
    ax.plot(0, 0, "k+")
    ax.set(xlabel="$w_1$", xlim=(-4.5, 2), ylim=(-1.2, 1.2))
    ax.legend(frameon=False, fontsize=8, loc="lower right")
panels[0].set_ylabel("$w_2$")
show(fig)

# %% [markdown]
# There is a catch. A rate for each *parameter* helps if the narrow direction is a parameter's own.
# Turn the bowl by 45 degrees, so that it lies across the axes: the methods on the left do not
# notice, those on the right do.

# %%
turn = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
print("distance from the minimum after 30 steps")
for name, optimizer in (left | right).items():
    ends = [np.linalg.norm(path_of(optimizer, turn=how)[-1]) for how in (None, turn)]
    print(f"{name:<9} as it was {ends[0]:.4f}   turned {ends[1]:.4f}")

# %% [markdown]
# On a network, for three epochs over the handwritten digits: the loss on images held out by the
# rate, each point a training of its own. Every method has a rate that suits it, and rates too large
# for it. They are not the same rates, so a comparison at *one* rate says nothing.

# %%
data = bp.load_data("digits")
(x, y), (x_out, y_out) = bp.split(*data.train, 0.15, seed=0)
x, x_out = x.reshape(len(x), -1), x_out.reshape(len(x_out), -1)
loss = bp.SoftmaxCrossEntropy()


def trained(optimizer, epochs=3, **settings):
    """Return the loss on images held out, after a short training."""
    net = bp.Network([bp.Dense(32), bp.ReLU(), bp.Dense(10)])
    net.build((64,), rng=0)
    settings |= {"loss": loss, "optimizer": optimizer, "epochs": epochs}
    bp.fit(net, (x, y), seed=0, progress=False, **settings)
    return bp.evaluate(net, (x_out, y_out), loss=loss).loss


rates = 10.0 ** np.arange(-4, 0.6, 0.5)
kinds = {
    "SGD": bp.SGD,
    "momentum 0.9": lambda rate: bp.SGD(rate, momentum=0.9),
    "AdaGrad": bp.AdaGrad,
    "RMSProp": bp.RMSProp,
    "Adam": bp.Adam,
}
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for (name, kind), mark in zip(kinds.items(), "os^vD", strict=True):
    losses = [trained(kind(rate)) for rate in rates]
    ax.loglog(rates, losses, mark + "-", markersize=3, linewidth=1, label=name)
ax.set(xlabel="rate", ylabel="loss held out", ylim=(0.05, 10))
ax.legend(frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
show(fig)

# %% [markdown]
# ## Schedules
#
# A rate that was right at first is too large later, when only noise is left to follow. A schedule
# is a function of the epoch that multiplies the rate; `fit(..., schedule=)` takes any function.

# %%
several = {
    "StepDecay(5, 0.5)": schedules.StepDecay(5, 0.5),
    "ExponentialDecay(0.9)": schedules.ExponentialDecay(0.9),
    "CosineDecay(20)": schedules.CosineDecay(20),
    "WarmUp(3, CosineDecay(17))": schedules.WarmUp(3, schedules.CosineDecay(17)),
}
epochs = np.linspace(0, 20, 401)
fig, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
for name, schedule in several.items():
    ax.plot(epochs, [schedule(epoch) for epoch in epochs], linewidth=1.2, label=name)
ax.set(xlabel="epoch", ylabel="factor of the rate")
ax.legend(frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
show(fig)

# %% [markdown]
# `ReduceOnPlateau` looks at the losses instead, and cuts the rate when they have stopped falling.
# The same training, twelve epochs at the same rate, without and with a schedule:

# %%
print(f"constant {trained(bp.Adam(0.03), 12):.4f}", end="   ")
print(f"cosine {trained(bp.Adam(0.03), 12, schedule=schedules.CosineDecay(12)):.4f}")

# %% [markdown]
# ## Penalties, decay, and stopping early
#
# A network with many weights can fit the noise too. Regularisation asks it for weights that are
# small, or for something that comes to the same. This chapter has a penalty on one weight with
# every number (after R. Grosse), weight decay, and stopping early.

# %%
bp.explain(regularisation)

# %% [markdown]
# The example of Grosse in numbers, and the same from a network with the penalty `L2`:

# %%
bars = regularisation.univariate(0.8, -0.3, 1.5, 0.2, 0.1)  # w, b, x, t, lambda
for name, value in bars._asdict().items():
    print(f"{name:<6}{float(value):+.9f}")

unit = bp.Network([bp.Dense(1, init=bp.Given([[0.8]]), bias_init=bp.Constant(-0.3)), bp.Sigmoid()])
unit.build((1,), dtype=np.float64)
half_sse = bp.HalfSquaredError(reduction="sum")
step = bp.TrainStep(unit, half_sse, bp.SGD(), penalties=[bp.L2(0.1)])
found = step.objective([[1.5]], [[0.2]])
print("a network with L2:", found.loss, found.gradient)

# %% [markdown]
# Weight decay as it was told in 1986, and gradient descent with the penalty that (11) makes of it:
# two trainings of 200 updates end with the same parameters, but for rounding.

# %%
decayed, with_penalty = regularisation.trained_with_decay()
print("largest difference:", f"{abs(decayed - with_penalty).max():.0e}")

# %% [markdown]
# Stopping early, (12), and a penalty, (13), of the strength $1/(\eta k)$: what they keep of the
# least squares solution, for directions in which the data say little (small $s$) and much.

# %%
s, eta, k = np.array([0.01, 0.1, 1.0, 10.0, 100.0]), 0.005, 200
print("s                   ", s)
print("kept, stopped early ", regularisation.share_when_stopped(s, eta, k).round(4))
print("kept, with a penalty", regularisation.share_with_penalty(s, 1 / (eta * k)).round(4))

# %% [markdown]
# `L2` and its relative `L1` are losses of the parameters alone, each with its chapter
# (`bp.explain(bp.L2)`, `bp.explain(bp.L1)`). Their slopes differ where it matters: L2 pulls less
# and less at a weight that gets small, L1 with the same force until it is zero.

# %%
bp.explain(bp.L1).only(2)

# %%
bp.explain(bp.L2).only(2)

# %% [markdown]
# ### Exercise 3: L2 in Adam
#
# Plain gradient descent on an L2 penalty multiplies each weight by $1 - \eta\lambda$. And Adam? Let
# the data have nothing to say: the gradient is that of the penalty alone, $\lambda w$, with
# $\lambda = 0.1$. The weights are 1 and 0.01, the rate is 0.001. What are they after the *first*
# step?

# %%
answer = ...  # an array of two numbers

# Check
if answer is not ...:
    adam, w = bp.Adam(0.001), np.array([1.0, 0.01])
    adam.step(w, 0.1 * w, adam.start(w))
    was = np.array([1.0, 0.01])
    assert np.shape(answer) == (2,), "Two weights, two numbers."
    assert not np.allclose(answer, (1 - 0.001 * 0.1) * was, rtol=1e-6), (
        "That is what SGD does, and AdamW. How long is the first step of Adam?"
    )
    assert not np.allclose(answer, was + 0.001), "Downhill is towards zero."
    assert not np.allclose(answer, was - 0.001 * 0.1, rtol=1e-6), (
        "Adam divides by the size of the gradient: lambda is in both, and cancels."
    )
    assert np.allclose(answer, w, atol=1e-7), (
        "The first step of Adam is one rate, for any gradient."
    )
    print("Adam with L2:", w)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = np.array([1.0, 0.01]) - 0.001
# ```
#
# Both lose 0.001: a thousandth of the one and a tenth of the other, and whatever $\lambda$ is. What
# is added to the gradient is divided with it.
# </details>

# %% [markdown]
# AdamW takes the decay out of the division:

# %%
bp.explain(bp.AdamW)

# %% [markdown]
# The difference shows where gradients are of different sizes. Two weights start at 1; their
# gradients are pure noise, of size 0.1 and of size 10. Both should decay alike, as the data tell
# nothing of either. With L2 in Adam the noisy one hardly decays; with AdamW the two go together.


# %%
def decays(optimizer, strength, steps=2000):
    """Return the two weights over time, with this much L2 in the gradient."""
    rng = np.random.default_rng(0)
    w = np.ones(2)
    state, seen = optimizer.start(w), [w.copy()]
    for _ in range(steps):
        g = rng.standard_normal(2) * [0.1, 10.0] + strength * w
        optimizer.step(w, g, state)
        seen.append(w.copy())
    return np.array(seen)


fig, ax = plt.subplots(figsize=(6, 2.8), layout="constrained")
for label, color, seen in (
    ("Adam with L2", ORANGE, decays(bp.Adam(1e-3), 1.0)),
    ("AdamW", BLUE, decays(bp.AdamW(1e-3, weight_decay=1.0), 0.0)),
):
    ax.plot(seen[:, 0], color=color, linewidth=1, label=f"{label}, noise 0.1")
    ax.plot(seen[:, 1], "--", color=color, linewidth=1, label=f"{label}, noise 10")
ax.set(xlabel="steps", ylabel="weight")
ax.legend(frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
show(fig)

# %% [markdown]
# ## Dropout
#
# Another way to keep units from relying on each other: leave some out, at random, in every pass.

# %%
bp.explain(bp.Dropout)

# %%
dropout, ones = bp.Dropout(0.25), np.ones((1, 8))
for seed in range(3):
    print(dropout.forward(ones, rng=seed)[0])
many, _ = dropout.forward(np.ones((100000, 8)), rng=0)
print("mean of 100,000 passes:", many.mean(axis=0).round(3))

# %% [markdown]
# ## Early, or with a penalty
#
# Twelve noisy points of a sine, and a network of 1,761 parameters. The training loss falls as long
# as one likes. The loss on other points has a bend, and `EarlyStopping` goes back to it.

# %%
overfitted, history, test = regularisation.overfit()
stopped, _, _ = regularisation.overfit(patience=100)

fig, ax = plt.subplots(figsize=(6, 2.6), layout="constrained")
ax.semilogy(history.epoch, history.loss, color=BLUE, label="training")
ax.semilogy(history.epoch, history.val_loss, "--", color=ORANGE, label="validation")
ax.axvline(history.epoch[history.val_loss.argmin()], color="0.6", linewidth=1)
ax.set(xlabel="epoch", ylabel="loss")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
print("parameters:", overfitted.parameters.size)
show(fig)

# %%
penalised = bp.Network([bp.Dense(40), bp.Tanh(), bp.Dense(40), bp.Tanh(), bp.Dense(1)])
penalised.build((1,), rng=0, dtype=np.float64)
points = regularisation.noisy(12, np.random.default_rng(0))
squares = bp.HalfSquaredError()
step = bp.TrainStep(penalised, squares, bp.Adam(0.01), penalties=[bp.L2(1e-3)])
for _ in range(1500):
    step(*points)

line = np.linspace(-1, 1, 200)[:, np.newaxis]
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(line, np.sin(3 * line), color="0.75", linewidth=3, label="the sine")
ax.plot(*points, "ko", markersize=4)
for name, net, color in (
    ("all epochs", overfitted, ORANGE),
    ("stopped early", stopped, BLUE),
    ("all epochs, L2", penalised, "black"),
):
    error = bp.evaluate(net, test, loss=squares).loss
    ax.plot(line, net.predict(line), color=color, linewidth=1, label=f"{name}: {error:.3f}")
ax.set(xlabel="x", ylabel="y", ylim=(-2, 2))
ax.legend(frameon=False, fontsize=8)
ax.spines[["top", "right"]].set_visible(False)
show(fig)

# %% [markdown]
# In the legend: the loss on 1,000 other points. The strength of the penalty was chosen by hand, the
# epoch to stop at by the validation points; both are choices that need data of their own.
#
# ## Outlook: more than a gradient
#
# All of this uses one slope for each parameter. For sums of squares one can ask for more: all
# derivatives $J$ of all outputs by all parameters. With the residuals $r$ they tell which step $p$
# would be best, were the network linear (1); Levenberg and Marquardt damp it, as far as is needed
# for the error to fall (2).

# %%
bp.explain(methods).only(1, 2)

# %%
x_sine, t_sine = fits.sine()
descent = methods.levenberg_marquardt(fits.fitter(), x_sine, t_sine, steps=8)
print("error after each step:", np.array(descent.errors))

# %% [markdown]
# A sine through two neurons, in a handful of steps. In the picture it is beside gradient descent
# over a thousand. The price is a Jacobian and a least-squares problem in every step: for dozens of
# parameters it is cheap, for millions it is not.

# %%
show(fits.draw())

# %% [markdown]
# ## Where to go on
#
# [16 · Cascades and amplification coefficients](16_cascades.ipynb) is where that Jacobian comes
# from, [17 · ZORB](17_zorb.ipynb) trains without a gradient. [13 · Vanishing and exploding
# gradients](13_vanishing.ipynb) is about gradients that no optimizer can save.
