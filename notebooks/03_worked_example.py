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
# # 3 · The worked example that everyone has done by hand
#
# After this notebook you can
#
# * do a whole step of backpropagation with a pocket calculator, and check every number against one
#   that somebody else has printed;
# * let `bp.explain` write out the same calculation for any network, whole or for a single weight;
# * say why all gradients have to be known before the first weight moves, and recognise the trace
#   that the other order leaves.
#
# Matt Mazur's post *A Step by Step Backpropagation Example* (2015) takes a network of two inputs,
# two hidden units and two outputs, and prints each number on the way, so that readers can check
# their own. Many have. Change the numbers of a cell and watch what moves with them; the network of
# the package, which the exercises ask, keeps his.

# %%
import copy
import math

import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.classics import mazur

# %% [markdown]
# ## The network
#
# His names: inputs `i1`, `i2`, hidden units `h1`, `h2`, outputs `o1`, `o2`. All units are
# logistic; the two hidden units share the number `b1` as their bias, the two outputs `b2`. For
# these inputs the outputs should be 0.01 and 0.99.

# %%
i1, i2 = 0.05, 0.10
w1, w2, w3, w4, b1 = 0.15, 0.20, 0.25, 0.30, 0.35  # w1, w2 lead to h1, and w3, w4 to h2
w5, w6, w7, w8, b2 = 0.40, 0.45, 0.50, 0.55, 0.60  # w5, w6 lead to o1, and w7, w8 to o2
target_o1, target_o2 = 0.01, 0.99

# %% [markdown]
# The same network is in `backprop.classics.mazur`, with his weights. What leads to one unit is a
# column of a matrix there, so $W^1$ is `w1 w3` above `w2 w4`.

# %%
net = mazur.network()
print(net[0].W)
net.draw()

# %% [markdown]
# ## Forward, by hand
#
# Take a calculator. On the right are the digits that he printed.


# %%
def squash(net_input):
    """Return the logistic function."""
    return 1 / (1 + math.exp(-net_input))


def beside(**rows):
    """Print our numbers, and beside each the digits that are printed in the post."""
    for name, (ours, printed) in rows.items():
        print(f"{name:10} {ours:14.9f}   {printed}")


net_h1 = w1 * i1 + w2 * i2 + b1
net_h2 = w3 * i1 + w4 * i2 + b1
out_h1, out_h2 = squash(net_h1), squash(net_h2)
net_o1 = w5 * out_h1 + w6 * out_h2 + b2
net_o2 = w7 * out_h1 + w8 * out_h2 + b2
out_o1, out_o2 = squash(net_o1), squash(net_o2)
E = (target_o1 - out_o1) ** 2 / 2 + (target_o2 - out_o2) ** 2 / 2

beside(
    net_h1=(net_h1, "0.3775"),
    out_h1=(out_h1, "0.593269992"),
    out_h2=(out_h2, "0.596884378"),
    net_o1=(net_o1, "1.105905967"),
    out_o1=(out_o1, "0.75136507"),
    out_o2=(out_o2, "0.772928465"),
    E=(E, "0.298371109"),
)

# %% [markdown]
# ## Backward: a weight of the output layer
#
# How does the error change with `w5`? It moves `net_o1`, that moves `out_o1`, and that the error.
# Three slopes, begun at the error:

# %%
dE_dout = out_o1 - target_o1  # of half the square
dout_dnet = out_o1 * (1 - out_o1)  # of the logistic function
dnet_dw5 = out_h1  # w5 is multiplied by it
delta_o1 = dE_dout * dout_dnet
dw5 = delta_o1 * dnet_dw5

beside(
    dE_dout=(dE_dout, "0.74136507"),
    dout_dnet=(dout_dnet, "0.186815602"),
    dnet_dw5=(dnet_dw5, "0.593269992"),
    delta_o1=(delta_o1, "0.138498562"),
    dw5=(dw5, "0.082167041"),
)

# %% [markdown]
# The first two factors belong to the unit, not to the weight. Their product is its *delta*, and it
# serves `w6` as well, with `out_h2` in place of `out_h1`.
#
# ### Exercise 1: the other output
#
# What is `dw7`, the derivative of the error by the weight from `h1` to `o2`?

# %%
answer = ...  # in terms of out_o2, target_o2 and whatever else it takes

# Check
if answer is not ...:
    loss, caches, delta = mazur.backward(mazur.network())
    truth = mazur.network().grads(delta, caches)["2.W"][0, 1]
    slope = out_o2 * (1 - out_o2)
    assert not np.isclose(answer, -truth), (
        "The sign: o2 gives too little, so a larger weight makes the error smaller."
    )
    assert not np.isclose(answer, truth / slope), "There is the slope of the logistic function too."
    assert not np.isclose(answer, truth / out_h1), (
        "That is delta_o2. Times what w7 is multiplied by."
    )
    assert not np.isclose(answer, truth / out_h1 * out_h2), "w7 leads from h1, not from h2."
    assert not np.isclose(answer, dw5), "That is dw5: it leads to o1, w7 leads to o2."
    assert np.isclose(answer, truth), f"It is {truth:.9f}: three factors, as for w5."
    print(f"dw7 = {answer:.9f}. A step against it makes w7 larger.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (out_o2 - target_o2) * out_o2 * (1 - out_o2) * out_h1
# ```
#
# He does not print it, but the weight after the step, 0.511301270 = 0.5 - 0.5 dw7.
# </details>

# %% [markdown]
# ## Backward: a weight of the hidden layer
#
# `w1` moves `out_h1`, and both outputs read that. So there are two ways to the error, and their
# contributions add up. Each comes from the delta of an output, over the weight that leads there:

# %%
delta_o2 = (out_o2 - target_o2) * out_o2 * (1 - out_o2)
by_o1 = delta_o1 * w5
by_o2 = delta_o2 * w7
dE_dout_h1 = by_o1 + by_o2
delta_h1 = dE_dout_h1 * out_h1 * (1 - out_h1)
dw1 = delta_h1 * i1

beside(
    by_o1=(by_o1, "0.055399425"),
    by_o2=(by_o2, "-0.019049119"),
    dE_dout_h1=(dE_dout_h1, "0.036350306"),
    slope_h1=(out_h1 * (1 - out_h1), "0.241300709"),
    dw1=(dw1, "0.000438568"),
)

# %% [markdown]
# The two outputs disagree about `h1`. The first wants less of it, the second wants more, and the
# first wants it louder. (The last digit of `by_o2` differs, because he went on with a rounded
# delta.)
#
# ### Exercise 2: as far from the error as can be
#
# What is `dw4`, the derivative by the weight from `i2` to `h2`?

# %%
answer = ...  # in terms of delta_o1, delta_o2 and whatever else it takes

# Check
if answer is not ...:
    loss, caches, delta = mazur.backward(mazur.network())
    truth = mazur.network().grads(delta, caches)["0.W"][1, 1]
    slope = out_h2 * (1 - out_h2)
    ways = np.array([delta_o1 * w6, delta_o2 * w8]) * slope * i2
    assert not np.isclose(answer, ways).any(), "That is one way of two: both outputs read h2."
    assert not np.isclose(answer, truth / slope), "h2 has a slope of its own."
    assert not np.isclose(answer, truth / i2), "That is delta_h2. Times what w4 is multiplied by."
    assert not np.isclose(answer, truth / i2 * i1), "w4 leads from i2, not from i1."
    through_h1 = (delta_o1 * w5 + delta_o2 * w7) * slope * i2
    assert not np.isclose(answer, through_h1), "w5 and w7 lead from h1. Which two lead from h2?"
    assert np.isclose(answer, truth), f"It is {truth:.12f}: two ways, a slope, an input."
    print(f"dw4 = {answer:.12f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (delta_o1 * w6 + delta_o2 * w8) * out_h2 * (1 - out_h2) * i2
# ```
# </details>

# %% [markdown]
# ## The same by `explain`
#
# Give `bp.explain` the network, the example and the loss, and it writes down the whole
# calculation: for each layer the equation, the line of code that carries it out, the numbers in
# their places, and what they gave. These are the numbers of the shipped code, recorded while it
# ran.

# %%
bp.explain(net, mazur.X, mazur.TARGET, loss=mazur.LOSS)

# %% [markdown]
# Find his numbers: `delta_o1` under layer 3, his `dE_dout_h1` under layer 2, `delta_h1` under
# layer 1, and `dw1` in the corner of `dW` under layer 0. The layers know nothing of each other.
# Each gets a delta from above, and hands one down.
#
# **One weight.** With `of=` it follows a single number from the loss to the gradient. This is
# `w1`:

# %%
bp.explain(net, mazur.X, mazur.TARGET, loss=mazur.LOSS, of="0.W[0,0]")

# %% [markdown]
# The two tables at the end are our two ways, over `o1` and over `o2`, each as the product of all
# its slopes. Every number of the network can be asked for: `"0.x[0,1]"` is the second input,
# `"1.y[0,0]"` is `out_h1`, and `"2.b[1]"` the bias of the second output. Try them.
#
# **As a picture.** Above each unit its value, below it its delta, blue below 0 and orange above.
# A line is as wide as its weight's gradient, compared with the widest of its layer; how large the
# gradients of a layer are says its ‖dθ‖. It is far smaller for the first layer, because
# the inputs are small, and because the two outputs disagree.

# %%
net.draw(mazur.X, mazur.TARGET, loss=mazur.LOSS)

# %% [markdown]
# **As a table.** `reproduce()` compares all that he printed with what the layers compute. A
# number is held to its last printed digit. `backprop classics run mazur` shows it in a terminal.

# %%
table = mazur.reproduce()
Markdown(table.markdown())

# %% [markdown]
# ## A step downhill, and in which order
#
# Each weight moves against its derivative, here with a rate of 0.5. That needs care with the
# order:


# %%
def told(module, first, last):
    """Return a part of a module's docstring: from one phrase up to another."""
    text = module.__doc__
    return Markdown(text[text.index(first) : text.index(last)])


told(mazur, "**The order of the updates.**", "`train(order=...)`")

# %% [markdown]
# How wrong is the other order? Here is `dw1`, taken through $W^2$ before and after that has moved,
# and the slope as it is measured:

# %%
moving = mazur.network()
_, caches, delta = mazur.backward(moving)
before = moving.grads(delta, caches)
moving[2].W -= mazur.RATE * before["2.W"]
after = moving.grads(delta, caches)


def error_with(w1):
    """Return the error of the network with another first weight."""
    other = mazur.network()
    other[0].W[0, 0] = w1
    return mazur.backward(other)[0]


h = 1e-4
print("W2 as it was in the forward pass ", before["0.W"][0, 0])
print("W2 after its own update          ", after["0.W"][0, 0])
print("measured                         ", (error_with(w1 + h) - error_with(w1 - h)) / (2 * h))

# %% [markdown]
# They differ by a sixth, and only one of them is the derivative. No training will complain: the
# error goes down with both. The picture has 10,000 updates, on the left those in the right order;
# on the right, how far away the error of the other order is, as a share of the error.

# %%
table.picture()

# %% [markdown]
# The other order is even a little ahead. So a falling error proves nothing about the gradient,
# and a post whose text is right could print figures of both.
#
# ### Exercise 3: one step
#
# Take one step with rate 0.5, moving the *weights* only (as Mazur does, the biases stay), and find
# the new error. Move `twin[0].W` and `twin[2].W`; `mazur.backward(twin)` returns the error first.

# %%
twin = copy.deepcopy(net)  # so that the cell can run twice
error, caches, delta = mazur.backward(twin)
grads = twin.grads(delta, caches)  # with the keys "0.W", "0.b", "2.W", "2.b"
answer = ...  # the error after the step

# Check
if answer is not ...:
    uphill = copy.deepcopy(net)
    uphill[0].W += 0.5 * grads["0.W"]
    uphill[2].W += 0.5 * grads["2.W"]
    truth = mazur.train(1)[1][-1]
    assert not np.isclose(answer, error, rtol=1e-9), "That is the error before the step."
    assert not np.isclose(answer, mazur.backward(uphill)[0], rtol=1e-9), (
        "That went uphill: subtract the gradient."
    )
    assert not np.isclose(answer, mazur.train(1, biases=True)[1][-1], rtol=1e-9), (
        "You moved the biases too."
    )
    assert not np.isclose(answer, mazur.train(1, order="sequential")[1][-1], rtol=1e-9), (
        "You took dW_1 through a W_2 that had moved already. All gradients belong to one point:"
        " take them all, then move."
    )
    assert np.isclose(answer, truth, rtol=1e-9), "Move W by -0.5 dW, in both layers."
    print(f"The error falls from {error:.10f} to {answer:.10f}; printed is 0.291027924.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# twin[0].W -= 0.5 * grads["0.W"]
# twin[2].W -= 0.5 * grads["2.W"]
# answer, _, _ = mazur.backward(twin)
# ```
#
# It is 0.2910277737. The post prints 0.291027924, which is the figure of the other order, as
# `mazur.train(1, order="sequential")` shows to the last digit. The weights that it prints after
# this step, though, are right: they come from the text, not from that program.
# </details>

# %% [markdown]
# ## Where to go on
#
# [4 · Losses](04_losses.ipynb) starts where this calculation started, at the output. [5 · The
# computational graph](05_computational_graph.ipynb) takes the layers away: the sum over two ways
# holds in any graph. And with [6 · Is this derivative right?](06_gradient_checking.ipynb) you
# need no printed numbers any more.
