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
# # 2 · Layers: the same in index form and in matrix form
#
# After this notebook you can
#
# * carry a derivative back through two layers with sums over indices, and say why there is a sum;
# * turn such a sum into a product of matrices, and know which of the two has to be transposed;
# * read the derivation of `Dense` and find each of its equations in four lines of code;
# * take a batch instead of one example, without changing a line.
#
# Change any number in any cell and run it again. Nothing here is random, until the last exercise.
# What one unit does stands in [1 · One unit](01_delta_rule.ipynb).

# %%
import math

import numpy as np

import backprop as bp
from backprop.checks import complex_step

np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## A network of seven circles
#
# Two inputs, three hidden units, two outputs. All units are logistic, and the error is half the
# square of what is missing, summed over the outputs. `W1[i][j]` leads from input $i$ to hidden
# unit $j$: first *from*, then *to*.

# %%
x, t = [1.0, 2.0], [1.0, 0.0]  # the inputs, and what should come out

W1 = [[0.1, -0.2, 0.3], [0.2, 0.1, -0.4]]
b1 = [0.1, 0.2, -0.1]
W2 = [[0.5, -0.3], [0.2, 0.4], [-0.1, 0.6]]
b2 = [0.1, -0.2]

# %% [markdown]
# ## Forward, with indices
#
# Every unit of a layer does what one unit does, and they differ by an index. Hidden unit $j$ adds
# up what it reads,
#
# $$ z^1_j = \sum_i x_i\, W^1_{ij} + b^1_j, \qquad a^1_j = \sigma(z^1_j), $$
#
# and the outputs $k$ do the same with $a^1$ in place of $x$. In Python a sum over an index is a
# loop.


# %%
def sigma(z):
    """Return the logistic function."""
    return 1 / (1 + math.exp(-z))


def layer(a, W, b):
    """Return z and a of the next layer, unit by unit."""
    z = [sum(a[i] * W[i][j] for i in range(len(a))) + b[j] for j in range(len(b))]
    return z, [sigma(z_j) for z_j in z]


z1, a1 = layer(x, W1, b1)
z2, a2 = layer(a1, W2, b2)
E = sum((a2[k] - t[k]) ** 2 for k in range(2)) / 2

for name, numbers in {"z1": z1, "a1": a1, "z2": z2, "a2": a2, "E": [E]}.items():
    print(f"{name:3}", *(f"{number:10.6f}" for number in numbers))

# %% [markdown]
# The first can be reckoned in the head: $1 \cdot 0.1 + 2 \cdot 0.2 + 0.1 = 0.6$.
#
# ## Backward, with indices
#
# For each unit, let $\delta$ be the derivative of the error by its sum $z$. At an output it is
# what one unit has: what is missing, times the slope $a\,(1 - a)$ of the logistic function.

# %%
delta2 = [(a2[k] - t[k]) * a2[k] * (1 - a2[k]) for k in range(2)]
print("delta2", *(f"{number:10.6f}" for number in delta2))

# %% [markdown]
# A hidden unit has no target. It reaches the error *through every unit that reads it*, and the
# chain rule adds over all ways. Output $k$ hears of $a^1_j$ with weight $W^2_{jk}$, so
#
# $$ \delta^1_j = \Bigl(\sum_k \delta^2_k\, W^2_{jk}\Bigr)\; a^1_j\,(1 - a^1_j). $$
#
# That is backpropagation. What the outputs know about their own errors is sent back over the same
# connections that they were reached by, and serves the hidden units instead of a target. Here it
# is for the first of them, written out:

# %%
back = [delta2[k] * W2[0][k] for k in range(2)]
slope = a1[0] * (1 - a1[0])
print(f"from output 0: {delta2[0]:9.6f} * {W2[0][0]:4.1f} = {back[0]:9.6f}")
print(f"from output 1: {delta2[1]:9.6f} * {W2[0][1]:4.1f} = {back[1]:9.6f}")
print(f"together {sum(back):9.6f}, times the slope {slope:.6f}: {sum(back) * slope:9.6f}")

# %% [markdown]
# ### Exercise 1: the second hidden unit
#
# What is $\delta^1_1$, of the hidden unit with index 1? Write it with `delta2`, `W2` and `a1`.


# %%
def error_of(move):
    """Return the error with the bias of hidden unit 1 moved."""
    outputs = layer(layer(x, W1, [b1[0], b1[1] + move, b1[2]])[1], W2, b2)[1]
    return sum((outputs[k] - t[k]) ** 2 for k in range(2)) / 2


answer = ...  # a number

# Check
if answer is not ...:
    h = 1e-5  # a bias moves its unit's z by just as much, so the slope by the bias is delta
    measured = (error_of(h) - error_of(-h)) / (2 * h)
    slope = a1[1] * (1 - a1[1])
    assert not np.isclose(answer, measured / slope), "Times the slope of the unit itself."
    one_way = [delta2[k] * W2[1][k] * slope for k in range(2)]
    assert not np.isclose(answer, one_way).any(), "Both outputs read this unit: there is a sum."
    turned = [sum(delta2[k] * W2[k][j] for k in range(2)) * slope for j in range(2)]
    assert not np.isclose(answer, turned).any(), (
        "W2[j][k] leads from j to k. From hidden unit 1 lead W2[1][0] and W2[1][1]."
    )
    assert np.isclose(answer, measured, rtol=1e-6), f"The measured slope is {measured:.9f}."
    print(f"derived {answer:.9f}, measured {measured:.9f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (delta2[0] * W2[1][0] + delta2[1] * W2[1][1]) * a1[1] * (1 - a1[1])
# ```
# </details>

# %% [markdown]
# All of them at once. A weight has only one unit at its end. So there is no sum: it is what comes
# in at its beginning, times the delta at its end.

# %%
delta1 = [sum(delta2[k] * W2[j][k] for k in range(2)) * a1[j] * (1 - a1[j]) for j in range(3)]
dW2 = [[a1[j] * delta2[k] for k in range(2)] for j in range(3)]
dW1 = [[x[i] * delta1[j] for j in range(3)] for i in range(2)]

print("delta1", np.array(delta1))
print("dW2\n", np.array(dW2))
print("dW1\n", np.array(dW1))

# %% [markdown]
# ## From indices to matrices
#
# A sum over an index that two arrays share is a product of matrices. The one question is where
# the index stands in each of them. A product $A B$ sums over the *last* index of $A$ and the
# *first* of $B$; where the index stands elsewhere, a transposition brings it there.
#
# | sum | the shared index | product |
# |---|---|---|
# | $\sum_b A_{ab}\, B_{bc}$ | last, first | $A B$ |
# | $\sum_b A_{ab}\, B_{cb}$ | last, last | $A B^\top$ |
# | $\sum_b A_{ba}\, B_{bc}$ | first, first | $A^\top B$ |
#
# `np.einsum` takes the indices themselves, and so is the judge in doubt. Here is the second row:

# %%
A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]])
print("with indices \n", np.einsum("ab,cb->ac", A, B))
print("as a product \n", A @ B.T)

# %% [markdown]
# The forward sum is over $i$, which is last in $x_i$ and first in $W_{ij}$: a plain product. The
# backward sum is over $k$, which is last in $\delta_k$ and last in $W_{jk}$: there comes the
# transposed matrix from, and it means no more than that. A gradient $x_i \delta_j$ shares no index
# in one example; in a batch both have an index for the example, and it stands first in both.
#
# This is the chapter on `Dense`. It tells the same with the index $n$ of the example from the
# start. Under each equation stands the line of code that carries it out.

# %%
bp.explain(bp.Dense)

# %% [markdown]
# The activation is a layer of its own. It takes $z$, has no parameters, and its backward is the
# factor $a\,(1 - a)$ from above:

# %%
bp.explain(bp.Sigmoid)

# %% [markdown]
# ## The same numbers
#
# First by hand, with NumPy. One example is a matrix of one row. Four lines do what all the loops
# did:

# %%
X, T = np.array([x]), np.array([t])
M1, M2 = np.array(W1), np.array(W2)

A1 = 1 / (1 + np.exp(-(X @ M1 + b1)))
A2 = 1 / (1 + np.exp(-(A1 @ M2 + b2)))
Delta2 = (A2 - T) * A2 * (1 - A2)
Delta1 = (Delta2 @ M2.T) * A1 * (1 - A1)

# %% [markdown]
# Then with layers. `Given` hands over the numbers to begin with; `net.deltas` returns the
# derivative by every value of the network, in the order in which they are made: $x, z^1, a^1,
# z^2, a^2$.

# %%
layers = [
    bp.Dense(3, init=bp.Given(W1), bias_init=bp.Given(b1)),
    bp.Sigmoid(),
    bp.Dense(2, init=bp.Given(W2), bias_init=bp.Given(b2)),
    bp.Sigmoid(),
]
net = bp.Network(layers)
net.build((2,), dtype=np.float64)
loss = bp.HalfSquaredError(reduction="sum")

y, caches = net.forward(X)
_, cache = loss.forward(y, T)
dx, dz1, da1, dz2, dy = net.deltas(loss.backward(cache), caches)

for name, loops, matrices, package in (
    ("delta2", delta2, Delta2, dz2),
    ("delta1", delta1, Delta1, dz1),
):
    print(f"{name}  with loops     {np.array(loops)}")
    print(f"        with matrices  {matrices[0]}")
    print(f"        by the layers  {package[0]}")

# %% [markdown]
# And the gradients. Their keys are the layer's number and the parameter's name: `"2.W"` belongs to
# layer number 2.

# %%
grads = net.grads(loss.backward(cache), caches)
largest = max(
    np.abs(grads["0.W"] - dW1).max(),
    np.abs(grads["2.W"] - dW2).max(),
    np.abs(grads["0.b"] - delta1).max(),
    np.abs(grads["2.b"] - delta2).max(),
)
print("largest difference between layers and loops:", f"{largest:.0e}")

# %% [markdown]
# Here is the whole of it in a picture. Above each unit stands its value, below it the derivative
# of the error by that value, orange above 0 and blue below. A line is as wide as its weight's
# gradient. Follow the widest line back from the error: it begins at the unit that is most active
# and ends at the output that is most wrong.

# %%
net.draw(X, T, loss=loss)

# %% [markdown]
# ## What is never built
#
# The chapter on `Dense` ends with a Jacobian, the derivatives of all outputs by all weights. Here
# is that of the first layer, an output in each row and a weight in each column:

# %%
jacobian = np.einsum("i,jm->mij", x, np.eye(3))  # z_m moves with W_ij only if j is m
print(jacobian.reshape(3, 6))
print("delta times it:", (delta1 @ jacobian.reshape(3, 6)))
print("the product:   ", np.outer(x, delta1).ravel())

# %% [markdown]
# Twelve of its eighteen entries are zeros, and what is left says $x$ three times. A layer from
# 1,000 to 1,000 would have a Jacobian of a thousand million entries, for a gradient of a million.
# To know the equation is to be spared it.
#
# ## A batch
#
# Several examples are several rows. Nothing in the code changes: the weights meet every row, so
# their gradient is the sum over the rows.

# %%
xs = np.array([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.3], [0.0, 1.0]])
ts = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [1.0, 1.0]])


def passes(x, target):
    """Return the values, the deltas and the gradients for some examples."""
    values, caches = net.values(x)
    _, cache = loss.forward(values[-1], target)
    delta = loss.backward(cache)
    return values, net.deltas(delta, caches), net.grads(delta, caches)


one_by_one = [passes(xs[n : n + 1], ts[n : n + 1])[2]["2.W"] for n in range(4)]
for n, dW in enumerate(one_by_one):
    print(f"example {n}:", dW.round(6).tolist())
print("their sum:", sum(one_by_one).round(6).tolist())
print("the batch:", passes(xs, ts)[2]["2.W"].round(6).tolist())

# %% [markdown]
# A network never divides by the number of examples. Only the loss does, where a mean is asked for
# (`reduction="mean"`), and then every delta brings the factor along.
#
# ### Exercise 2: the gradient of a batch
#
# `inputs` has the four examples in its rows, `deltas` what arrives at the sums of the first layer.
# Write $dW_{ij} = \sum_n x_{ni}\, \delta_{nj}$ as a product of matrices.

# %%
values, all_deltas, all_grads = passes(xs, ts)
inputs, deltas = values[0], all_deltas[1]  # of shapes (4, 2) and (4, 3)
answer = ...  # an array of shape (2, 3)

# Check
if answer is not ...:
    assert np.shape(answer) != (3, 2), "That is dW transposed. x belongs to the left."
    assert np.shape(answer) == (2, 3), "The shared index is n, and n has to vanish."
    assert not np.allclose(answer, all_grads["0.W"] / 4), "A sum over n, not a mean."
    assert np.allclose(answer, all_grads["0.W"]), "n stands first in both: the third row above."
    print("the same as the layer's, to", f"{np.abs(answer - all_grads['0.W']).max():.0e}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = inputs.T @ deltas
# ```
#
# The shapes would have told: (2, 4) times (4, 3) is the only product of the two that is (2, 3).
# But where sizes happen to be equal shapes tell nothing, and the indices do.
# </details>

# %% [markdown]
# ## Is it right? Ask
#
# `bp.gradcheck` measures every slope in two ways that know nothing of the derivation, and compares
# each entry with what `backward` says. *Differences* move a number to either side, as the exercise
# above did. The *complex step* moves it by $10^{-100}$ in the imaginary direction: nothing is
# subtracted, so no digit is lost, and a right derivative agrees to about sixteen digits.

# %%
bp.gradcheck(net, xs, loss=loss, target=ts)

# %% [markdown]
# ### Exercise 3: a matrix that is used twice
#
# A layer compresses and restores with the same matrix: $y = x\, W W^\top$, or in index form
# $y_{ni} = \sum_{h} \bigl(\sum_d x_{nd} W_{dh}\bigr) W_{ih}$. You are given $\delta$. Derive
# $dW$: a weight is in this formula in two places, and the product rule makes a term of each.
# Write both with indices first, then as matrices.

# %%
rng = np.random.default_rng(0)
x3, W, delta = (rng.standard_normal(shape) for shape in ((4, 3), (3, 2), (4, 3)))
answer = ...  # dW, an array of shape (3, 2)

# Check
if answer is not ...:

    def slope(i, h):
        """Return the derivative by one weight: W moved by t there."""
        move = np.zeros(W.shape)
        move[i, h] = 1
        return complex_step(lambda t: (delta * (x3 @ (W + t * move) @ (W + t * move).T)).sum())

    truth = np.array([[slope(i, h) for h in range(2)] for i in range(3)])
    first, second = x3.T @ (delta @ W), delta.T @ (x3 @ W)
    assert np.shape(answer) == W.shape, f"dW has the shape of W, {W.shape}."
    assert not np.allclose(answer, first), "That is the W that compresses. The other one moves too."
    assert not np.allclose(answer, second), "That is the W that restores. The other one moves too."
    assert not np.allclose(answer, 2 * first), "The two terms are not equal: W is on either side."
    assert np.allclose(answer, truth), f"Measured: {truth.round(6).tolist()}"
    print("derived and measured differ by", f"{np.abs(answer - truth).max():.0e}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = x3.T @ (delta @ W) + delta.T @ (x3 @ W)
# ```
#
# Take the two places apart, $y = h W^\top$ with $h = x W$. Where $W$ restores, $y_{ni} = \sum_h
# h_{nh} W_{ih}$ gives $\sum_n \delta_{ni} h_{nh}$. Where it compresses, it is a `Dense` whose
# delta is what comes back through the other, $dh_{nh} = \sum_i \delta_{ni} W_{ih}$. What stands
# in two places gets the sum: the same rule as for a unit that two others read.
# </details>

# %% [markdown]
# ## Where to go on
#
# [3 · The worked example](03_worked_example.ipynb) does a network like this one by hand, beside
# the numbers that somebody else has printed. [4 · Losses](04_losses.ipynb) asks where the first
# delta comes from, and [5 · The computational graph](05_computational_graph.ipynb) why there are
# sums. [6 · Is this derivative right?](06_gradient_checking.ipynb) opens the check itself.
