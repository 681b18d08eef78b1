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
# # 1 · One unit: the delta rule, by hand
#
# After this notebook you can
#
# * carry a derivative back through one unit with pencil and paper, and measure that it is right;
# * say what the perceptron, the delta rule and the generalised delta rule have in common, and which
#   factor each of them has or lacks;
# * read an error surface, and know from it how large a learning rate may be;
# * prove that no single unit can learn XOR.
#
# Change any number in any cell and run it again. Nothing here is random.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.classics import delta_rule

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

# %% [markdown]
# ## Forward
#
# A unit, or neuron, weighs its inputs, adds a bias, and squashes the sum $z$ with the logistic
# function $\sigma(z) = 1/(1 + e^{-z})$. The error is half the square of what is missing.

# %%
x1, x2 = 1.0, 2.0  # the inputs
w1, w2, b = 0.5, -0.25, 0.1  # the weights and the bias
t = 1.0  # the target: what should come out

z = w1 * x1 + w2 * x2 + b
y = 1 / (1 + math.exp(-z))
E = (y - t) ** 2 / 2

print(f"z = {z:.12f}")
print(f"y = {y:.12f}")
print(f"E = {E:.12f}")

# %% [markdown]
# ## And back
#
# How much does the error change if a weight changes a little? A weight moves $z$, $z$ moves $y$,
# and $y$ moves the error. The chain rule multiplies the three slopes, and it pays to begin at the
# error: each line below needs only the line above it. In this package `d` + name always means the
# derivative of the error by that name.

# %%
dy = y - t  # the slope of the error
dz = dy * y * (1 - y)  # times the slope of the logistic function
dw1 = dz * x1  # w1 moves z by x1 for every unit
dw2 = dz * x2  # w2 by x2
db = dz  # b by 1

print(f"dy  = {dy:.12f}")
print(f"dz  = {dz:.12f}")
print(f"dw1 = {dw1:.12f}")
print(f"dw2 = {dw2:.12f}")
print(f"db  = {db:.12f}")

# %% [markdown]
# All are negative: a larger weight makes the error smaller, because the output is below its
# target. And `dw2` is twice `dw1`, because its input is twice as large.
#
# **Is it right?** A derivative is a slope, and a slope can be measured: move one weight a little
# to either side and see what the error does. No chain rule is needed for that.


# %%
def error_of(w1, w2, b):
    """Return the error of the unit."""
    z = w1 * x1 + w2 * x2 + b
    y = 1 / (1 + math.exp(-z))
    return (y - t) ** 2 / 2


h = 1e-5
measured = (error_of(w1 + h, w2, b) - error_of(w1 - h, w2, b)) / (2 * h)
print(f"derived   dw1 = {dw1:.12f}")
print(f"measured  dw1 = {measured:.12f}")

# %% [markdown]
# ## The rule
#
# What the lines above did has a name. The following is taken from the docstring of
# `backprop/classics/delta_rule.py`, where the unit of this notebook lives; `delta` is our `dz`.


# %%
def told(module, first, last):
    """Return a part of a module's docstring: from one phrase up to another."""
    text = module.__doc__
    return Markdown(text[text.index(first) : text.index(last)])


told(delta_rule, "**Generalised delta rule**", "**A logistic unit of")

# %% [markdown]
# Mind the sentence about what *is often said*. A formula for "the gradient" of a unit with no $x$
# in it is that of the bias. The weights need one factor more.
#
# `Unit` finds our numbers:

# %%
unit = delta_rule.Unit(bp.Sigmoid(), w=[w1, w2], b=b)
found = unit.slopes([[x1, x2]], [t])
print("delta", found.delta)
print("dw   ", found.dw)
print("db   ", found.db)

# %% [markdown]
# And `bp.explain` shows how it came by them. `Unit` is a network of two layers, `Dense` for the
# sum and `Sigmoid` for the squashing; under each of their equations stands the line of code that
# carries it out, then the numbers in their places.

# %%
half_square = bp.HalfSquaredError(reduction="sum")
bp.explain(unit.net, [[x1, x2]], [[t]], loss=half_square)

# %% [markdown]
# ### Exercise 1: another error
#
# Let the error be the cross-entropy instead: $E = -t \log y - (1 - t) \log (1 - y)$. What is `dz`
# now? Write it with `y` and `t`. You may use that $\sigma'(z) = y\,(1 - y)$.

# %%
answer = ...  # dz, in terms of y and t

# Check
if answer is not ...:
    entropy = delta_rule.Unit(bp.Sigmoid(), w=[w1, w2], b=b, loss=bp.BinaryCrossEntropy())
    truth = entropy.slopes([[x1, x2]], [t]).delta.item()
    assert not np.isclose(answer, dz), "That is dz of the squared error: start again from dE/dy."
    assert not np.isclose(answer, -1 / y), "That is dy: it still has to pass through the unit."
    assert not np.isclose(answer, -truth), "The sign: E falls as y comes nearer to t."
    assert np.isclose(answer, truth), "dy = (y - t) / (y (1 - y)). What cancels?"
    print(f"The cross-entropy hands back {answer:.6f}, the squared error {dz:.6f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = y - t
# ```
#
# The slope of this error is $-t/y + (1-t)/(1-y) = (y-t)/(y(1-y))$, and the denominator is just the
# slope of the logistic function. So a unit that is wrong and saturated still learns: with the
# squared error its `dz` would be all but zero.
# </details>

# %% [markdown]
# The picture shows what that is worth: `dz` of a unit whose target is 1, for every $z$. A unit
# that is very wrong, far on the left, gets no push at all from the squared error.

# %%
zs = np.linspace(-8, 8, 161)
ys = bp.Sigmoid().predict(zs)

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.plot(zs, ys - 1, color=ORANGE, label="cross-entropy")
ax.plot(zs, (ys - 1) * ys * (1 - ys), color=BLUE, label="half the squared error")
ax.set(xlabel="$z$", ylabel=r"$\delta = dE/dz$, target 1")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ### Exercise 2: a chain of two
#
# Let a unit feed a unit: $f(w) = \sigma(\sigma(w x))$, with $w = 1.5$ and $x = 2$. What is
# $df/dw$?


# %%
def sigma(z):
    """Return the logistic function."""
    return 1 / (1 + math.exp(-z))


w, x = 1.5, 2.0
inner = sigma(w * x)
f = sigma(inner)
answer = ...  # df/dw, in terms of f, inner and x

# Check
if answer is not ...:
    _, slope, tempting = delta_rule.unit_of_unit(w, x)
    assert not np.isclose(answer, tempting), (
        "f (1 - f) is only the slope of the outer function: multiply by what the inner one does."
    )
    assert not np.isclose(answer, slope / x), (
        "Two slopes of three: the innermost function is w x, whose slope by w is x."
    )
    assert not np.isclose(answer, slope / x * w), "w x moves by x when w moves, not by w."
    assert math.isclose(answer, slope, rel_tol=1e-9), f"The slope is {slope:.9f}."
    print(f"Three slopes make {answer:.9f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = f * (1 - f) * inner * (1 - inner) * x
# ```
#
# It is 0.01815: every slope of the chain is a factor, and that of the logistic function is at
# most 1/4. After twenty of them a millionth of a millionth is left. The gradient *vanishes*, and
# [13 · Vanishing and exploding gradients](13_vanishing.ipynb) is about that.
# </details>

# %% [markdown]
# ## Where the rule comes from
#
# The generalised rule is the last of three. The first, Rosenblatt's *perceptron*, did not
# differentiate at all. It takes the same sum and answers 1 if it is above 0, and 0 otherwise; the
# brackets in (2) mean just that. Then it compares the answer with the label $y$. Under each
# equation stands the line of code that carries it out:

# %%
bp.explain(delta_rule).only(1, 2, 3, 4)

# %% [markdown]
# Widrow and Hoff left out the threshold:

# %%
told(delta_rule, "**Delta rule** (ADALINE)", "**Generalised delta rule**")

# %% [markdown]
# So all three move a weight by *rate times error times input*. They differ in what they call the
# error: that of the answer, that of the sum $z$, or that of the output times its slope. Take the
# unit from above, with its weights and its one example, and a rate of 1:

# %%
linear = delta_rule.Unit(w=[w1, w2], b=b).slopes([[x1, x2]], [t])
answered = int(z > 0)
print("perceptron        moves w by", (t - answered) * np.array([x1, x2]))
print("delta rule        moves w by", -linear.dw)
print("logistic unit     moves w by", -found.dw)

# %% [markdown]
# The perceptron is content: its sum is 0.1, which is above 0, and so the answer is right. The
# delta rule wants the sum to be 1 and takes a long step. The logistic unit goes the same way, more
# carefully.
#
# ## The error surface
#
# With one weight and a bias, the error of all examples together is a surface over a plane, and can
# be drawn. Four examples with one input each; the linear unit fits a straight line to them.

# %%
xs = np.array([0.0, 1.0, 2.0, 3.0])
ts = np.array([0.0, 1.0, 0.0, 1.0])


def surface(activation, w, b):
    """Return the error for every pair of a weight and a bias."""
    y = activation.predict(w[..., np.newaxis] * xs + b[..., np.newaxis])
    return ((y - ts) ** 2).sum(axis=-1) / 2


def descend(activation, rate, updates, start):
    """Return every (w, b) on a path of steepest descent."""
    unit, path = delta_rule.Unit(activation, w=start[:1], b=start[1]), [start]
    for _ in range(updates):
        unit.fit(xs[:, np.newaxis], ts, rate=rate, updates=1)
        path.append((unit.net[0].W.item(), unit.net[0].b.item()))
    return np.array(path)


# %% [markdown]
# A line of the picture joins places of equal error; dark is low; the dots are the steps. Change
# the rates, the number of updates and the start.

# %%
updates, start = 40, (2.6, 1.6)
rates = {bp.Identity(): 0.11, bp.Sigmoid(): 2.0}

w, b = np.meshgrid(np.linspace(-2.2, 3.2, 91), np.linspace(-2.8, 2.2, 91))
fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
for ax, (activation, rate) in zip(axes, rates.items(), strict=True):
    height = surface(activation, w, b)
    levels = np.geomspace(height.min(), height.max(), 14)
    ax.contourf(w, b, height, levels=levels, cmap="Blues_r")
    ax.contour(w, b, height, levels=levels, colors="white", linewidths=0.4)
    path = descend(activation, rate, updates, start)
    ax.plot(*path.T, "o-", color=ORANGE, markersize=3, linewidth=0.8)
    ax.plot(*start, "o", color=ORANGE, markersize=7)
    ax.set(xlabel="$w$", title=f"{type(activation).__name__}, rate {rate:g}", aspect="equal")
axes[0].set_ylabel("$b$")
plt.show()

# %% [markdown]
# On the left, the linear unit: $E$ is a square of $w$ and $b$, so its surface is a bowl, with a
# single lowest point. The bowl is a long valley, and the steps go to and fro across it: a
# gradient leaves its line of equal error at a right angle, and that points to the other slope,
# not along the valley.
#
# On the right, the same four examples and a logistic unit. Here the surface has plateaus: where
# $y (1 - y)$ is next to zero the ground is flat, and the first steps are short, though the unit is
# far from right there.
#
# Widrow and Hoff did not wait for all examples: they moved after each one. Every example has a
# valley of its own, in which it would be answered perfectly, and each step goes towards another:

# %%
rate, rounds = 0.05, 60
unit = delta_rule.Unit(w=start[:1], b=start[1])
path = [start]
for _ in range(rounds):
    for n in range(4):
        unit.fit(xs[n : n + 1, np.newaxis], ts[n : n + 1], rate=rate, updates=1)
        path.append((unit.net[0].W.item(), unit.net[0].b.item()))

best = np.linalg.lstsq(np.column_stack([xs, np.ones(4)]), ts)[0]
fig, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
height = surface(bp.Identity(), w, b)
ax.contour(w, b, height, levels=np.geomspace(0.3, height.max(), 9), cmap="Blues_r", linewidths=0.8)
ax.plot(*np.transpose(path), ".-", color=GREEN, markersize=3, linewidth=0.6, label="one by one")
together = descend(bp.Identity(), rate, rounds, start)
ax.plot(*together.T, "o-", color=ORANGE, markersize=3, linewidth=0.8, label="all together")
ax.plot(*best, "k*", markersize=10, label="least squares")
ax.set(xlabel="$w$", ylabel="$b$", xlim=(-0.5, 3), ylim=(-1, 2))
ax.legend(loc="upper left")
plt.show()
print("least squares       w, b =", best)
print("all together ends at w, b =", together[-1])
print("one by one ends at   w, b =", np.array(path[-1]))

# %% [markdown]
# The star is where least squares puts the line, computed by linear algebra. Both ways of
# descending arrive near it. *One by one* never comes to rest: close to the star the four examples
# still pull in four directions, and it goes round in a small circle whose size is that of the
# rate.
#
# ### Exercise 3: how large may the rate be?
#
# For the linear unit the surface is exactly a bowl: along each of its two axes the error is
# $\tfrac12 \lambda s^2$, $s$ being the distance from the bottom, and a step takes $s$ to
# $(1 - \eta\lambda)\, s$. What is the largest rate $\eta$ below which every start ends at the
# bottom? The two $\lambda$ are the eigenvalues of $H = \sum_n u_n^\top u_n$ with $u_n = (x_n, 1)$.

# %%
u = np.column_stack([xs, np.ones(4)])
curvatures = np.linalg.eigvalsh(u.T @ u)
print("eigenvalues", curvatures)

# %%
answer = ...  # the largest rate

# Check
if answer is not ...:
    low, high = curvatures
    assert not np.isclose(answer, 1 / high), (
        "At that rate the steep direction is at the bottom in one step: s (1 - 1) = 0. Larger ones"
        " overshoot, and still come nearer."
    )
    assert not np.isclose(answer, 2 / low), (
        "That is what the flat direction can bear. The steep one has flown away long before."
    )
    assert not np.isclose(answer, 2 / (low + high)), "The best rate, perhaps; not the largest."
    ends = []
    for share in (0.99, 1.01):
        line = descend(bp.Identity(), share * answer, 200, start)[-1]
        ends.append(np.hypot(*(line - best)) / np.hypot(*(start - best)))
    assert ends[0] < 1, f"At 0.99 of it the distance has grown to {ends[0]:.1e} times what it was."
    assert ends[1] > 1, "At 1.01 of it the path still comes nearer: there is room."
    print(
        f"Below {answer:.6f} the distance shrinks, to {ends[0]:.1e} of what it was at 0.99 of it;"
    )
    print(f"above it grows, to {ends[1]:.0f} times as much at 1.01 of it.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 2 / curvatures.max()
# ```
#
# $|1 - \eta\lambda| < 1$ has to hold for both, so $\eta < 2/\lambda$ for the larger. The steepest
# direction sets the rate, the flattest sets how long it takes: the ratio of the two, here 14, is
# what makes descent slow. [14 · Optimizers](14_optimizers.ipynb) is about ways out.
# </details>

# %% [markdown]
# ## What one unit cannot do
#
# Whatever the activation, a unit first takes $x w + b$, and its answer changes where that passes a
# value: on a straight line. That decides what it can learn.

# %%
told(delta_rule, "**XOR** has no such line", "**Delta rule** (ADALINE)")

# %% [markdown]
# The perceptron, on the four patterns of AND, OR and XOR. Grey are the lines that it draws: for
# AND and OR the one at which it came to rest, for XOR the last forty, for there is no rest.

# %%
delta_rule.draw()

# %% [markdown]
# The linear unit comes to rest on XOR as well. At the bottom of its bowl it answers one half to
# everything, which is the best that a plane can do:

# %%
corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
adaline = delta_rule.Unit(w=[0.3, -0.2]).fit(corners, [0, 1, 1, 0], rate=0.1, updates=2000)
print(adaline.predict(corners).round(6))

# %% [markdown]
# ## Where to go on
#
# XOR needs a second layer, and then the question of this notebook comes back: how much does the
# error change if a weight changes that is *not* next to the output? [2 · Layers](02_mlp.ipynb)
# answers it, and with it you have backpropagation. All numbers of this classic, checked:
# `backprop classics run delta_rule`.
