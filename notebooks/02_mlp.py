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
# # 2 · One neuron, one layer, every number
#
# After this notebook you can
#
# * carry a derivative back through a neuron with pencil and paper, and know that it is right;
# * read the derivation of `Dense` and find each of its equations in four lines of code;
# * name every number of a small network, on the way forward and on the way back;
# * ask `bp.gradcheck` whether a derivative is right, and read its answer.
#
# Change any number in any cell and run it again. Nothing here is random.

# %%
import copy
import inspect
import math

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp

np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## One neuron by hand
#
# A neuron weighs its inputs, adds a bias, and squashes the sum $z$ with the logistic function.
# The error is half the square of what is missing.

# %%
x1, x2 = 1.0, 2.0  # the inputs
w1, w2, b = 0.5, -0.25, 0.1  # the weights and the bias
t = 1.0  # the target: what should come out

z = w1 * x1 + w2 * x2 + b
y = 1 / (1 + math.exp(-z))
loss = (y - t) ** 2 / 2

print(f"z    = {z:.12f}")
print(f"y    = {y:.12f}")
print(f"loss = {loss:.12f}")

# %% [markdown]
# **Back.** How much does the loss change if a weight changes a little? A weight moves $z$, $z$
# moves $y$, and $y$ moves the loss. The chain rule multiplies the three slopes, and it pays to
# begin at the loss: each line below needs only the line above it. In this package `d` + name
# always means the derivative of the loss by that name.

# %%
dy = y - t  # the slope of the loss
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
# All are negative: a larger weight makes the loss smaller, because $y = 0.52$ is below its
# target. And `dw2` is twice `dw1`, because its input is twice as large.
#
# **Is it right?** A derivative is a slope, and a slope can be measured: move one weight a little
# to either side and see what the loss does. No chain rule is needed for that.


# %%
def loss_of(w1, w2, b):
    """Return the loss of the neuron."""
    z = w1 * x1 + w2 * x2 + b
    y = 1 / (1 + math.exp(-z))
    return (y - t) ** 2 / 2


h = 1e-5
measured = (loss_of(w1 + h, w2, b) - loss_of(w1 - h, w2, b)) / (2 * h)
print(f"derived   dw1 = {dw1:.12f}")
print(f"measured  dw1 = {measured:.12f}")

# %% [markdown]
# ### Exercise 1: another loss
#
# Let the loss be the cross-entropy instead: $L = -t \log y - (1 - t) \log (1 - y)$. What is `dz`
# now? Write it with `y` and `t`. You may use that $\sigma'(z) = y\,(1 - y)$.

# %%
answer = ...  # dz, in terms of y and t

# Check
if answer is not ...:
    ce = bp.LogisticCrossEntropy(reduction="sum")
    _, cache = ce.forward(np.array([[z]]), np.array([[t]]))
    assert not np.isclose(answer, dz), "That is dz of the squared error: start again from dL/dy."
    assert not np.isclose(answer, -1 / y), "That is dy: it still has to pass through the neuron."
    assert np.isclose(answer, ce.backward(cache)), "dy = (y - t) / (y (1 - y)). What cancels?"
    print(f"The cross-entropy hands back {answer:.6f}, the squared error {dz:.6f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = y - t
# ```
#
# The slope of this loss is $-t/y + (1-t)/(1-y) = (y-t)/(y(1-y))$, and the denominator is just the
# slope of the logistic function. So a unit that is wrong and saturated still learns: with the
# squared error its `dz` would be all but zero. The answer is -0.475; the squared error gave
# -0.118.
# </details>

# %% [markdown]
# ### Exercise 2: a chain of two
#
# Let $f(w) = \sigma(\sigma(w x))$, with $w = 1.5$ and $x = 2$. What is $df/dw$?


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
    assert not np.isclose(answer, f * (1 - f)), (
        "f (1 - f) is only the slope of the outer function: multiply by what the inner one does."
    )
    assert not np.isclose(answer, f * (1 - f) * inner * (1 - inner)), (
        "Two slopes of three: the innermost function is w x, whose slope by w is x."
    )
    slope = (sigma(sigma((w + h) * x)) - sigma(sigma((w - h) * x))) / (2 * h)
    assert math.isclose(answer, slope, rel_tol=1e-6), f"The measured slope is {slope:.9f}."
    print(f"Three slopes make {answer:.9f}; the measured one is {slope:.9f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = f * (1 - f) * inner * (1 - inner) * x
# ```
#
# It is 0.01815: every slope of the chain is a factor, and that of the logistic function is at
# most 1/4. After twenty of them a millionth of a millionth is left. The gradient *vanishes*.
# </details>

# %% [markdown]
# ## Many neurons: the layer
#
# Neurons that read the same inputs are the columns of a matrix. Here is the chapter on `Dense`.
# It is the docstring of the class: the derivation of the very code that runs below.


# %%
def chapter(thing):
    """Return the derivation in the docstring of a layer or loss."""
    return Markdown(inspect.getdoc(thing).split("Args:")[0])


chapter(bp.Dense)

# %% [markdown]
# And these are its passes. A line that ends in `# (n)` carries out equation (n).

# %%
print(inspect.getsource(bp.Dense.forward))
print(inspect.getsource(bp.Dense.backward))
print(inspect.getsource(bp.Dense.grads))

# %% [markdown]
# The activation is a layer of its own. It takes $z$ and has no parameters:

# %%
chapter(bp.Sigmoid)

# %% [markdown]
# ## A 2-2-2 network, every number
#
# Two inputs, two hidden neurons, two outputs: the network of Matt Mazur's *A Step by Step
# Backpropagation Example* (2015), which many people have calculated by hand.

# %%
x = np.array([[0.05, 0.10]])
target = np.array([[0.01, 0.99]])

W1, b1 = [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.35]
W2, b2 = [[0.40, 0.50], [0.45, 0.55]], [0.60, 0.60]
dense1 = bp.Dense(2, init=bp.Given(W1), bias_init=bp.Given(b1))
dense2 = bp.Dense(2, init=bp.Given(W2), bias_init=bp.Given(b2))
net = bp.Network([dense1, bp.Sigmoid(), dense2, bp.Sigmoid()])
net.build((2,), dtype=np.float64)
half_sse = bp.HalfSquaredError(reduction="sum")
net

# %% [markdown]
# Each layer's `forward` returns its output and a *cache*: what its `backward` will need. Nothing
# is hidden in the layer.

# %%
sigmoid1, sigmoid2 = net[1], net[3]

z1, cache_z1 = dense1.forward(x)
a1, cache_a1 = sigmoid1.forward(z1)
z2, cache_z2 = dense2.forward(a1)
a2, cache_a2 = sigmoid2.forward(z2)
loss, cache_loss = half_sse.forward(a2, target)

# %% [markdown]
# Backward hands `delta`, the derivative of the loss by a layer's output, from the last layer to
# the first. What a layer returns as its `dx` is the `delta` of the layer before it.

# %%
da2 = half_sse.backward(cache_loss)
dz2, _ = sigmoid2.backward(da2, cache_a2)
da1, grads2 = dense2.backward(dz2, cache_z2)
dz1, _ = sigmoid1.backward(da1, cache_a1)
dx, grads1 = dense1.backward(dz1, cache_z1)


# %% [markdown]
# Here is every number beside its equation. The equations are taken out of the docstrings.


# %%
def equation(kind, number):
    """Return equation `number` of a class's docstring, in LaTeX."""
    parts = inspect.getdoc(kind).split("$$")[1::2]
    return next(part.split(r"\tag")[0].strip() for part in parts if rf"\tag{{{number}}}" in part)


def table(*rows):
    """Show rows of (symbol, class, number of the equation, what its letters are, value)."""
    lines = ["| | is | equation | with | value |", "|---|---|---|---|---|"]
    for symbol, kind, number, letters, value in rows:
        where = f"{kind.__name__} ({number})"
        digits = "<br>".join(
            " ".join(f"{entry:.9f}" for entry in row) for row in np.atleast_2d(value)
        )
        lines.append(
            f"| ${symbol}$ | {where} | ${equation(kind, number)}$ | ${letters}$ | {digits} |"
        )
    return Markdown("\n".join(lines))


table(
    ("z_1", bp.Dense, 1, r"W = W_1,\ b = b_1", z1),
    ("a_1", bp.Sigmoid, 1, "x = z_1", a1),
    ("z_2", bp.Dense, 1, r"x = a_1,\ W = W_2,\ b = b_2", z2),
    ("a_2", bp.Sigmoid, 1, "x = z_2", a2),
    ("d", bp.HalfSquaredError, 1, "y = a_2", cache_loss[0]),
    ("L", bp.HalfSquaredError, 2, r"L = \ell,\ N = 1", loss),
)

# %%
table(
    ("da_2", bp.HalfSquaredError, 4, "r = 1", da2),
    ("dz_2", bp.Sigmoid, 2, r"\delta = da_2,\ y = a_2", dz2),
    ("dW_2", bp.Dense, 2, r"\delta = dz_2,\ x = a_1", grads2["W"]),
    ("db_2", bp.Dense, 3, r"\delta = dz_2", grads2["b"]),
    ("da_1", bp.Dense, 4, r"\delta = dz_2,\ W = W_2", da1),
    ("dz_1", bp.Sigmoid, 2, r"\delta = da_1,\ y = a_1", dz1),
    ("dW_1", bp.Dense, 2, r"\delta = dz_1,\ x = x", grads1["W"]),
    ("db_1", bp.Dense, 3, r"\delta = dz_1", grads1["b"]),
    ("dx", bp.Dense, 4, r"\delta = dz_1,\ W = W_1", dx),
)

# %% [markdown]
# A `Network` does the same walk in two calls. Its gradients have the keys of `net.params`:
# `"2.W"` is the `W` of layer number 2.

# %%
y, caches = net.forward(x)
loss, cache = half_sse.forward(y, target)
dx, grads = net.backward(half_sse.backward(cache), caches)
grads

# %% [markdown]
# ### Exercise 3: one step downhill
#
# Learning is walking against the gradient. Take one step with rate 0.5, moving the *weights* only
# (as Mazur does, the biases stay), and find the new loss. Move `twin[0].W` and `twin[2].W`; the
# gradients are in `grads`.

# %%
twin = copy.deepcopy(net)  # so that the cell can run twice
answer = ...  # the loss after the step

# Check
if answer is not ...:
    assert not np.isclose(answer, 0.3056406327, atol=1e-9), (
        "That went uphill: subtract the gradient."
    )
    assert not np.isclose(answer, 0.2804714468, atol=1e-9), "You moved the biases too."
    assert not 0.29102785 < answer < 0.29102795, (
        "You took dW_1 through a W_2 that had moved already. All gradients belong to one point:"
        " take them all, then move."
    )
    assert np.isclose(answer, 0.2910277737, atol=1e-9), "Move W by -0.5 dW, in both layers."
    print(f"The loss falls from {loss:.10f} to {answer:.10f}.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# twin = copy.deepcopy(net)
# twin[0].W -= 0.5 * grads["0.W"]
# twin[2].W -= 0.5 * grads["2.W"]
# answer, _ = half_sse.forward(twin.predict(x), target)
# ```
#
# The loss falls from 0.298371 to 0.2910277737. The article prints 0.291027924 at this place:
# there the output weights were moved first. Its other numbers are those above.
# </details>

# %% [markdown]
# ## A batch
#
# Several examples are several rows. Nothing in the code changes: `W` meets every row, so its
# gradient is the sum over them. Only the loss ever divides by the number of examples, where a
# mean is asked for.

# %%
xs = np.array([[0.05, 0.10], [0.90, 0.20], [0.40, 0.70]])
targets = np.array([[0.01, 0.99], [0.99, 0.01], [0.50, 0.50]])


def gradients(x, target):
    """Return the gradients for some examples."""
    y, caches = net.forward(x)
    _, cache = half_sse.forward(y, target)
    return net.grads(half_sse.backward(cache), caches)


one_by_one = [gradients(xs[n : n + 1], targets[n : n + 1])["2.W"] for n in range(3)]
for n, dW in enumerate(one_by_one):
    print(f"example {n}:", dW.round(6).tolist())
print("their sum:", sum(one_by_one).round(6).tolist())
print("the batch:", gradients(xs, targets)["2.W"].round(6).tolist())

# %% [markdown]
# ## Is it right? Ask
#
# `bp.gradcheck` measures every slope in two ways that know nothing of the derivation, and
# compares each entry with what `backward` says. *Differences* is the measurement from above. The
# *complex step* moves a number by $10^{-100}$ in the imaginary direction: nothing is subtracted,
# so no digit is lost, and a right derivative agrees to about sixteen digits. *float32* tells how
# far the same code is off when it computes with half of the digits.

# %%
bp.gradcheck(net, xs, loss=half_sse, target=targets)

# %% [markdown]
# Every number of `grads` has been checked, and those of `dx` as well. The next notebooks show
# what the table says when something is wrong.
#
# ## Downhill, in a picture
#
# One neuron with two weights has a loss that can be drawn. It learns "or"; the bias stays at -1.
# A line joins weights of equal loss, a dot is a step of gradient descent. The arrows point
# against the gradient: they leave their line at a right angle, because along it the loss does not
# change. Try the rates 0.5, 8 and 20.

# %%
rate, steps = 2.0, 40
start = [-4.0, -1.5]
xs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
targets = np.array([[0.0], [1.0], [1.0], [1.0]])

neuron = bp.Network([bp.Dense(1), bp.Sigmoid()])
neuron.build((2,), dtype=np.float64)
neuron[0].b[...] = -1


def loss_at(w):
    """Return the loss of the neuron with weights `w`."""
    neuron[0].W[...] = np.reshape(w, (2, 1))
    return half_sse.forward(neuron.predict(xs), targets)[0]


def gradient_at(w):
    """Return the gradient by the two weights."""
    neuron[0].W[...] = np.reshape(w, (2, 1))
    y, caches = neuron.forward(xs)
    _, cache = half_sse.forward(y, targets)
    return neuron.grads(half_sse.backward(cache), caches)["0.W"].ravel()


path = [np.array(start)]
for _ in range(steps):
    path.append(path[-1] - rate * gradient_at(path[-1]))
path = np.array(path)

w = np.linspace(-5, 7, 121)
surface = np.array([[loss_at((first, second)) for first in w] for second in w])

fig, ax = plt.subplots(figsize=(6, 5), layout="constrained")
filled = ax.contourf(w, w, surface, levels=20, cmap="Blues_r")
ax.contour(w, w, surface, levels=20, colors="white", linewidths=0.4)
ax.plot(*path.T, "o-", color="#D55E00", markersize=3, linewidth=0.8)
for here in path[[0, 8, 16]]:
    ax.annotate("", here - 8 * gradient_at(here), here, arrowprops={"arrowstyle": "->", "lw": 1.5})
ax.set(xlabel="$w_1$", ylabel="$w_2$", aspect="equal", title=f"{steps} steps of rate {rate:g}")
fig.colorbar(filled, label="loss", shrink=0.8)
plt.show()

# %% [markdown]
# ## Where to go on
#
# [10 · Train on real digits](10_train_digits.ipynb) puts such layers to work. [19 · A layer of your
# own](19_your_own_layer.ipynb) derives a new one, gets it wrong in three ways and lets the check
# find out. [6 · Is this derivative right?](06_gradient_checking.ipynb) opens the check itself.
