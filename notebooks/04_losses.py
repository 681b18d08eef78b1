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
# # 4 · Losses and softmax
#
# After this notebook you can
#
# * say where the first delta of a backward pass comes from, and what it is for each loss;
# * write down the Jacobian of a softmax, and see it cancel until $p - t$ is left;
# * compute a cross-entropy of scores in the thousands, and know what goes wrong in two steps;
# * choose between the mean and the sum, and correct the learning rate when you change your mind.
#
# Change the scores, the targets, the batch. Nothing here is random but one batch, with a seed.

# %%
import matplotlib.pyplot as plt
import numpy as np

import backprop as bp
from backprop.plots.picture import SIGNED

BLUE, ORANGE = "#0072B2", "#D55E00"
np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## The loss makes the first delta
#
# A layer is handed a delta and hands one down. A loss has nobody above it: it makes the first one.
# It takes what came out, $y$, and what should have come out, $t$, and returns a number $L$. On the
# way back it returns $\delta = \partial L / \partial y$: how much the number would grow with each
# output.
#
# The oldest loss is the square of what is missing. Here are three outputs of one example.

# %%
y = np.array([[0.2, 0.7, 0.4]])
t = np.array([[0.0, 1.0, 0.0]])

half = bp.HalfSquaredError(reduction="sum")
L, cache = half.forward(y, t)
print(f"loss  {L:.6f}, by hand {(0.2**2 + 0.3**2 + 0.4**2) / 2:.6f}")
print("delta", half.backward(cache))

# %% [markdown]
# The delta is what is missing, with its sign. Where an output is too large, the slope is positive.
# This is its derivation, out of the docstring; under each equation stands the line of code that
# carries it out.

# %%
bp.explain(bp.HalfSquaredError)

# %% [markdown]
# `MeanSquaredError` is the same thing on another scale: it divides by the $M$ outputs and has no
# half, so that its delta is $2/M$ times this one.
#
# ## Yes or no
#
# One output that answers a question: a score $y$, squashed to a probability $p = \sigma(y)$. If the
# truth is yes, $t = 1$, how bad is $p$? The cross-entropy says $-\log p$: nothing for 1, little for
# 0.9, much for 0.01, and it has no upper end. Press the keys `ln` and `+/-` for each line.

# %%
for p in (1.0, 0.9, 0.5, 0.1, 0.01):
    print(f"p = {p:4}   squared error {(1 - p) ** 2 / 2:.6f}   cross-entropy {np.log(1 / p):.6f}")

# %% [markdown]
# What matters for learning is not the loss but its slope, and the slope at the *score*, which is
# what the layer below can move. Both losses as a function of the score, for $t = 1$:

# %%
scores = np.linspace(-8, 8, 161).reshape(-1, 1)
yes = np.ones_like(scores)


def one_by_one(loss, y, t):
    """Return the loss of each row alone, and all deltas."""
    losses = [loss.forward(y[n : n + 1], t[n : n + 1])[0] for n in range(len(y))]
    return np.array(losses), loss.backward(loss.forward(y, t)[1])


sigmoid = bp.Sigmoid()
probabilities, cache = sigmoid.forward(scores)
squared, dp = one_by_one(half, probabilities, yes)
d_squared, _ = sigmoid.backward(dp, cache)
crossed, d_crossed = one_by_one(bp.LogisticCrossEntropy(reduction="sum"), scores, yes)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for name, loss, delta, color in (
    ("squared error", squared, d_squared, BLUE),
    ("cross-entropy", crossed, d_crossed, ORANGE),
):
    left.plot(scores, loss, color=color, label=name)
    right.plot(scores, delta, color=color, label=name)
left.set(xlabel="score $y$", ylabel="loss", title="the target is 1")
right.set(xlabel="score $y$", ylabel=r"$\delta$ at the score", title="its slope")
left.legend(frameon=False)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# Look at the left end, where the answer is as wrong as can be. The squared error is flat there:
# its delta goes to zero, and the unit is stuck in its mistake. The cross-entropy falls with slope
# $-1$ all the way. On the right both are flat, as they should be.
#
# Why? A pencil-and-paper step: the slope of $-\log p$ is $-1/p$, and the logistic function
# multiplies it by $p\,(1 - p)$. Of the two, $p$ cancels, and $-(1 - p) = p - t$ is left. The
# derivation for any $t$, and in a form that cannot overflow, is that of `LogisticCrossEntropy`:

# %%
bp.explain(bp.LogisticCrossEntropy)

# %% [markdown]
# Whoever has a `Sigmoid` as the last layer takes `BinaryCrossEntropy`, which begins with the
# probability. It is the same function, in two steps:

# %%
two_steps = bp.BinaryCrossEntropy(reduction="sum")
score = np.array([[-2.0]])
p, cache_p = sigmoid.forward(score)
L, cache_L = two_steps.forward(p, np.array([[1.0]]))
dp = two_steps.backward(cache_L)
dy, _ = sigmoid.backward(dp, cache_p)
print(f"p = {p.item():.6f}, loss {L:.6f}")
print(f"delta at p {dp.item():.6f} times the slope {(p * (1 - p)).item():.6f}: {dy.item():.6f}")
print(f"p - t = {p.item() - 1:.6f}")

# %% [markdown]
# ### Exercise 1: how much is lost?
#
# A unit gives its true answer the probability $p = 0.01$. How many times larger is the delta *at
# the score* with the cross-entropy than with half the squared error? Write it with `p`.

# %%
p = 0.01
answer = ...  # a number, in terms of p

# Check
if answer is not ...:
    at = np.array([[np.log(p / (1 - p))]])  # the score of this p
    one = np.ones((1, 1))
    q, cache = sigmoid.forward(at)
    of_square, _ = sigmoid.backward(half.backward(half.forward(q, one)[1]), cache)
    fused = bp.LogisticCrossEntropy(reduction="sum")
    truth = (fused.backward(fused.forward(at, one)[1]) / of_square).item()
    assert not np.isclose(answer, 1 / truth), "The other way round: larger, not smaller."
    assert not np.isclose(answer, 1 / (p * (1 - p)) ** 2), (
        "You have divided twice by the slope of the logistic function."
    )
    assert not np.isclose(answer, 1 / p), (
        "Near p = 0 that is about it. What is (p - 1) divided by (p - 1) p (1 - p)?"
    )
    assert np.isclose(answer, truth), "Divide p - t by (p - t) p (1 - p)."
    print(f"{answer:.2f} times; for p = 0.5 it would be 4, and for p near 0 about 1/p.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 / (p * (1 - p))
# ```
#
# At the score, the cross-entropy leaves $p - t$, and the squared error $(p - t)\,p\,(1 - p)$. Even
# where the unit does not know at all the factor is 4; the more wrong it is, the larger it gets.
# </details>

# %% [markdown]
# ## One of many
#
# For one class of several, the scores have to become probabilities that sum to 1. Make them
# positive, by $e^y$, and divide by the sum. For the scores 1, 2, 3 a pocket calculator does it:

# %%
y = np.array([[1.0, 2.0, 3.0]])
powers = np.exp(y)
print("e^y        ", powers, " sum", powers.sum())
print("divided    ", powers / powers.sum())
softmax = bp.Softmax()
p, cache = softmax.forward(y)
print("by Softmax ", p)

# %% [markdown]
# Every probability depends on every score: if one score grows, its own probability grows, and all
# others have to make room. So there is no single slope but a matrix of them.

# %%
bp.explain(bp.Softmax)

# %% [markdown]
# `backward` never builds that matrix. But it can be made to show it: a delta that is 1 at output
# $i$ and 0 elsewhere brings back row $i$ of the Jacobian. Below it is the formula of the
# derivation.


# %%
def jacobian(y):
    """Return dp_i/dy_k, row i found by the backward pass."""
    _, cache = softmax.forward(np.tile(y, (y.shape[-1], 1)))
    return softmax.backward(np.eye(y.shape[-1]), cache)[0]


print(jacobian(y))
print("\nby the formula:")
print(np.diag(p[0]) - np.outer(p, p))
print("\nsums of rows and columns:", jacobian(y).sum(axis=1), jacobian(y).sum(axis=0))

# %% [markdown]
# The same for five scores, multiplied by a factor that makes the softmax less or more sure of
# itself. Orange is positive, blue negative; all three share one scale.

# %%
five = np.array([[0.0, 0.5, 2.0, 1.2, -1.0]])
fig, axes = plt.subplots(1, 3, figsize=(8, 2.7), layout="constrained")
for ax, factor in zip(axes, (0.3, 1.0, 6.0), strict=True):
    J = jacobian(factor * five)
    drawn = ax.imshow(J, cmap=SIGNED, vmin=-0.25, vmax=0.25)
    top = softmax.predict(factor * five).max()
    ax.set(xlabel="score $k$", xticks=range(5), yticks=range(5))
    ax.set_title(f"scores times {factor:g}: top {top:.2f}", fontsize=10)
axes[0].set_ylabel("probability $i$")
fig.colorbar(drawn, ax=axes, label=r"$\partial p_i / \partial y_k$", shrink=0.9)
plt.show()

# %% [markdown]
# The diagonal is positive, all else negative, and every row sums to zero. On the right the softmax
# is nearly sure, and nearly all of the matrix has faded: whatever delta comes, little of it gets
# through. That is the flat end of the logistic function again, for many classes.
#
# ## Why p - t is left
#
# Let the second class be the true one, and go back in two steps. The loss charges $-\log p_2$; its
# delta has one entry that is not zero, $-1/p_2$. That goes into the softmax:

# %%
target = np.array([1])  # the class, counted from 0
ce = bp.CrossEntropy(reduction="sum")
L, cache_L = ce.forward(p, target)
dp = ce.backward(cache_L)
dy, _ = softmax.backward(dp, cache)
print("p          ", p, "  loss", round(L, 6))
print("delta at p ", dp + 0)
print("delta at y ", dy)
print("p - t      ", p - np.array([[0, 1, 0]]))

# %% [markdown]
# On paper: only row 2 of the Jacobian meets the delta. Its entries are $-p_2\,p_k$, and $p_2\,(1 -
# p_2)$ on the diagonal; times $-1/p_2$ that is $p_k$, and $p_2 - 1$. The probability that was
# small, and made $1/p_2$ large, has cancelled against the row that was faint because of it.
#
# So the two are better made one. In this derivation it is done for any $t$, and the line that
# remains of the whole backward pass is (8):

# %%
bp.explain(bp.SoftmaxCrossEntropy)

# %% [markdown]
# ### Exercise 2: where does it stop pulling?
#
# Sometimes the target is not one class but a little of each (*label smoothing*), as in `t` below.
# Find scores at which the delta is zero.

# %%
t = np.array([[0.9, 0.05, 0.05]])
scores = ...  # an array of shape (1, 3)

# Check
if scores is not ...:
    fused = bp.SoftmaxCrossEntropy(reduction="sum")
    found, cache = fused.forward(np.array(scores, float), t)
    pull = fused.backward(cache)
    assert not np.allclose(scores, t), (
        f"Those are the probabilities you want, but these are scores: a softmax of them gives"
        f" {softmax.predict(t).round(3).tolist()}."
    )
    assert pull.argmin() != 0 or np.allclose(pull, 0, atol=1e-9), (
        f"The delta is {pull.round(6).tolist()}: the first score wants to be higher yet."
    )
    assert np.allclose(pull, 0, atol=1e-9), (
        f"The delta is {pull.round(6).tolist()}: you went too far. p has to equal t, not more."
    )
    print(f"The loss that no network can get below here is {found:.6f}, the entropy of t.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# scores = np.log(t)
# ```
#
# $\delta = p - t$ is zero where $p = t$, and $e^{\log t} = t$ sums to 1 already. Any constant may
# be added. With a target of exactly 1 and 0 there are no such scores: $\log 0$ is $-\infty$, the
# delta never gets to zero, and the weights grow as long as one trains. Smoothing ends that.
# </details>

# %% [markdown]
# ## A walk in the simplex
#
# Three probabilities that sum to 1 are a point in a triangle, with a corner for each class. Here a
# softmax begins near the corner of class 2, which is wrong, and walks down the slope of a loss by
# its three scores; class 1 is right. The contours are those of the cross-entropy. Try other rates.

# %%
start, rate, steps = [0.0, 6.0, 1.0], 0.5, 60
corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.75**0.5]])  # classes 1, 2, 3


def walk(loss, layers):
    """Return the probabilities on the way down."""
    net, y = bp.Network(layers), np.array([start])
    net.build((3,), dtype=np.float64)
    way = [softmax.predict(y)[0]]
    for _ in range(steps):
        out, caches = net.forward(y)
        _, cache = loss.forward(out, np.array([0]))
        dy, _ = net.backward(loss.backward(cache), caches)
        y = y - rate * dy
        way.append(softmax.predict(y)[0])
    return np.array(way)


# %%
grid = np.linspace(0.002, 1, 200)
p1, p2 = np.meshgrid(grid, grid)
place = np.stack([p1, p2, 1 - p1 - p2], axis=-1) @ corners
height = np.ma.masked_where(p1 + p2 > 1, -np.log(p1))

# %%
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.contour(*place.transpose(2, 0, 1), height, levels=np.arange(0.25, 5, 0.5), cmap="Greys_r")
for name, color, loss, layers in (
    ("cross-entropy", ORANGE, bp.SoftmaxCrossEntropy(), [bp.Identity()]),
    ("squared error", BLUE, half, [bp.Softmax()]),
):
    way = walk(loss, layers)
    ax.plot(*(way @ corners).T, "o-", ms=3, color=color, label=f"{name}: $p_1$ = {way[-1, 0]:.3f}")
ax.plot(*corners[[0, 1, 2, 0]].T, color="black", linewidth=0.8)
for k, side in enumerate(("right", "left", "left")):
    ax.annotate(f" class {k + 1} ", corners[k], ha=side)
ax.set(aspect="equal", title=f"{steps} steps of rate {rate:g}", xlim=(-0.2, 1.2))
ax.set(ylim=(-0.05, 1.1))
ax.set_axis_off()
ax.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# A dot is a step. The cross-entropy strides away from the mistake and arrives. With the squared
# error the faded Jacobian of the corner lets next to nothing through, and the walk hardly leaves
# it. Its gradient is right! It is the right gradient of a loss that is flat there.
#
# ## Overflow, and the shift
#
# $e^{710}$ is more than a float64 can hold, and $e^{89}$ more than a float32 can. Scores of that
# size do occur, and then the formula as it stands divides infinity by infinity:


# %%
def as_it_stands(y):
    """Return a softmax without a shift."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(y) / np.exp(y).sum(axis=-1, keepdims=True)


large = np.array([[1000.0, 0.0, -1000.0]])
print("as it stands ", as_it_stands(large))
print("Softmax      ", softmax.predict(large))

# %% [markdown]
# `Softmax` first takes the largest score from all of them. That is allowed, since a factor
# $e^{-\max}$ above and below the fraction line cancels. Now no exponent is positive, the largest
# power is $e^0 = 1$, and what is too small becomes zero, harmlessly.
#
# Harmlessly? For the probability, yes. Its logarithm is another matter. In float32, the true class
# is behind by a growing gap:

# %%
separate = bp.Network([bp.Softmax()])
separate.build((2,))  # float32, as networks are if nothing is said
fused = bp.SoftmaxCrossEntropy()

print("       gap | one step: loss, delta    | two steps: loss, delta")
for gap in (1, 10, 50, 86, 88, 200, 1000):
    y = np.array([[0, gap]], np.float32)
    one, cache = fused.forward(y, np.array([0]))
    p, caches = separate.forward(y)
    two, cache_p = bp.CrossEntropy().forward(p, np.array([0]))
    dy, _ = separate.backward(bp.CrossEntropy().backward(cache_p), caches)
    print(f"{gap:10} | {one:11.4f} {fused.backward(cache)[0, 0]:12.4f} |", end="")
    print(f" {two:11.4f} {dy[0, 0] + 0:12.4f}")

# %% [markdown]
# In two steps, the loss stops at 87.3365, which is minus the logarithm of the smallest normal
# number of a float32, and the delta becomes zero just where the mistake is greatest. In one step
# nothing of the kind happens, because the logarithm of the power is never taken: look once more at
# (4).

# %%
bp.explain(bp.SoftmaxCrossEntropy).only(1, 4)

# %% [markdown]
# ## Mean or sum
#
# A batch has a loss for each example; $L$ is their sum, or with `reduction="mean"` their average.
# That is the factor $r$ in the equations, and it is the only place in this package where anything
# is divided by the number of examples. Layers always sum. So the choice passes through the whole
# network: every delta and every gradient is multiplied by $r$.

# %%
net = bp.Network([bp.Dense(5), bp.Tanh(), bp.Dense(3)])
net.build((4,), rng=0, dtype=np.float64)
rng = np.random.default_rng(0)
x, classes = rng.standard_normal((64, 4)), rng.integers(3, size=64)


def gradient(reduction, N):
    """Return the gradient of the first N examples, as one vector."""
    loss = bp.SoftmaxCrossEntropy(reduction=reduction)
    y, caches = net.forward(x[:N])
    return net.flatten(net.grads(loss.backward(loss.forward(y, classes[:N])[1]), caches))


print("  N   norm with mean   norm with sum")
for N in (1, 2, 4, 16, 64):
    mean, total = (np.linalg.norm(gradient(each, N)) for each in ("mean", "sum"))
    print(f"{N:3} {mean:16.6f} {total:15.6f}")

# %% [markdown]
# In each row the right number is $N$ times the left one. With the sum, twice the batch is about
# twice the step, and the learning rate has to know of the batch. With the mean, rates can be
# carried from one batch size to another, more or less. Neither is wrong. What is wrong is to change
# one's mind and keep the rate, or to divide once in the loss and once more in a layer.
#
# Sums can be cut anywhere, means cannot: the gradient of a batch is the sum of its parts' with
# "sum", and with "mean" the average of its parts', *weighted by their sizes*. This matters where
# the last batch of an epoch is a small one, or where a large batch is computed in pieces.

# %% [markdown]
# ### Exercise 3: a batch in pieces
#
# The 64 examples do not fit into memory at once. You have the gradients `g1` of the first 50 and
# `g2` of the other 14, both with `reduction="mean"`. Make the gradient of all 64 of them.

# %%
g1 = gradient("mean", 50)
g2 = (gradient("sum", 64) - gradient("sum", 50)) / 14  # of the last 14

answer = ...  # in terms of g1 and g2

# Check
if answer is not ...:
    truth = gradient("mean", 64)
    assert not np.allclose(answer, g1 + g2), "The parts' means do not add up: that goes for sums."
    assert not np.allclose(answer, (g1 + g2) / 2), (
        "That gives an example of the small part more than three times the weight of another."
    )
    assert not np.allclose(answer, 64 * truth), "That is the gradient of the sum. Divide by 64."
    assert np.allclose(answer, truth), "50 of 64 examples are in g1, 14 of 64 in g2."
    print(f"weighted: right to {abs(answer - truth).max():.0e}", end="; ")
    print(f"unweighted, it would be off by {abs((g1 + g2) / 2 - truth).max():.4f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (50 * g1 + 14 * g2) / 64
# ```
#
# Each mean times its count is a sum again; sums add up; then divide once.
# </details>

# %% [markdown]
# ## Is it right? Ask
#
# A loss is checked like a layer, by every entry of its delta:

# %%
y = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]])
bp.gradcheck(bp.SoftmaxCrossEntropy(), y, target=np.array([2, 0]))

# %% [markdown]
# ## Where to go on
#
# [5 · The computational graph](05_computational_graph.ipynb) takes such formulas apart into single
# operations. [6 · Is this derivative right?](06_gradient_checking.ipynb) opens the check. [10 ·
# Train on real handwriting](10_train_digits.ipynb) begins its way back with the $p - t$ of ten
# classes, and [15 · Word vectors](15_word2vec.ipynb) asks what to do when the classes are all the
# words of a language.
