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
# # 16 · Cascades and amplification coefficients
#
# After this notebook you can
#
# * tell a simple partial derivative from an *ordered* one, and get backpropagation from the
#   second;
# * say by what factor a push at one unit arrives at another, and find that factor from either end;
# * see where these factors agree with the deltas, and what they can do that deltas cannot;
# * carry a derivative back through a cascade, in which every neuron hears all those before it;
# * say what a derivative is when time goes in jumps, and why the usual chain rule fails there.
#
# Four works asked the same question in four ways: how does the end depend on the beginning?

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.checks import complex_step
from backprop.classics import amplification, cascade, ordered_derivatives, time_scales

BLUE, ORANGE = "#0072B2", "#D55E00"
np.set_printoptions(precision=6, suppress=True)


def small(figure, width, height):
    """Return a picture of the package in another size."""
    figure.set_size_inches(width, height)
    figure.set_dpi(100)
    return figure


# %% [markdown]
# ## Two derivatives
#
# Three variables: $z_1$ is given, $z_2 = 4 z_1$, and $z_3 = 3 z_1 + 5 z_2$. What is the derivative
# of $z_3$ by $z_1$? Look at the last equation alone, and it is 3. Let $z_2$ move along, as it
# will, and it is $3 + 5 \cdot 4 = 23$. Both are right; they are answers to different questions.

# %%
system = [
    (lambda z1: 4 * z1, {1: lambda z1: 4}),
    (lambda z1, z2: 3 * z1 + 5 * z2, {1: lambda z1, z2: 3, 2: lambda z1, z2: 5}),
]  # each variable: its function, and its simple partial derivatives by what it reads
values, derivatives = ordered_derivatives.ordered_derivative(system, 2.0)
print("values              ", values)
print("simple, z3 by z1    ", ordered_derivatives.simple_derivative(system, 3, 1, 2.0))
print("ordered, z3 by each ", derivatives)

# %% [markdown]
# P. J. Werbos gave the second its name in his thesis of 1974 and wrote down how to find it: from
# the last variable to the first, by a sum over those that read it. That is backpropagation, twelve
# years before Rumelhart, Hinton and Williams.

# %%
bp.explain(ordered_derivatives)

# %% [markdown]
# ### Exercise 1: three ways
#
# Now $z_2 = z_1^2$, $z_3 = z_1 z_2$ and $z_4 = z_2 + z_3$, at $z_1 = 2$. What is the ordered
# derivative of $z_4$ by $z_1$? Do it on paper, from the end: first by $z_3$, then by $z_2$, then
# by $z_1$.

# %%
answer = ...  # a number

# Check
if answer is not ...:
    powers = [
        (lambda z1: z1**2, {1: lambda z1: 2 * z1}),
        (lambda z1, z2: z1 * z2, {1: lambda z1, z2: z2, 2: lambda z1, z2: z1}),
        (lambda z2, z3: z2 + z3, {2: lambda z2, z3: 1, 3: lambda z2, z3: 1}),
    ]
    _, truth = ordered_derivatives.ordered_derivative(powers, 2.0)
    slope = complex_step(lambda t: (2 + t) ** 2 + (2 + t) ** 3)
    assert answer != 0, "z4 does not read z1: that is the simple derivative. The ordered one?"
    assert answer != 8, (
        "Three ways lead from z1 to z4. You have two: z2 is read by z3 as well, and from there?"
    )
    assert answer != 4, "One way of three. z2 is read by z4 and by z3, and z1 by z2 and by z3."
    assert np.isclose(answer, truth[0]), "By z3: 1. By z2: 1 + 1 times z1. By z1: both readers."
    print(f"by z1 to z4: {truth}; the slope of x**2 + x**3 at 2 is {slope:g}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# by_z3 = 1
# by_z2 = 1 + by_z3 * 2  # z4 reads it, and z3 reads it with the slope z1 = 2
# answer = by_z2 * 4 + by_z3 * 4  # z2 reads z1 with the slope 2 z1, z3 with the slope z2
# ```
#
# The three ways have the products 4, 4 and 8. But nobody has to list them: `by_z2` has two of the
# ways in it already.
# </details>

# %% [markdown]
# A network is such a system, a long one. Here a net of 2, 3 and 2 units is written out, variable
# by variable; the ordered derivatives of its loss by its weights are the gradients of the package.

# %%
net = ordered_derivatives.small_network()
x, target = np.array([0.4, -0.7]), np.array([0.2, -0.5])
made = ordered_derivatives.as_system(net, x, target)
print(len(made.inputs), "variables are given,", len(made.system), "computed")

_, ordered = ordered_derivatives.gradients(net, x, target)
y, caches = net.forward(x[np.newaxis])
own = net.grads(y - target, caches)  # half the squared error: its delta is y - target
for key in own:
    print(key, "largest difference", f"{abs(own[key] - ordered[key]).max():.0e}")

# %% [markdown]
# ## A push, and how large it arrives
#
# Y. Cheng (2021) asks before any loss is spoken of. Push the net input $z$ of a unit a little. By
# which factor is the push larger or smaller when it arrives at the net input of a unit further on?
# Try it on a net of two inputs, two hidden tanh units, and two outputs.

# %%
net, x = amplification.fixture(), np.array([[1.0, -1.0]])
z1 = net[0].predict(x)
z2 = net[2].predict(np.tanh(z1))
push = 0.001
pushed = net[2].predict(np.tanh(z1 + np.array([push, 0])))  # hidden unit 0 alone
print("z1       ", z1[0])
print("z2 moves ", (pushed - z2)[0])
print("factors  ", (pushed - z2)[0] / push)

# %% [markdown]
# With pencil and paper: the push passes the slope of tanh, $1 - a^2$, and then the weight of the
# connection. With $a = \tanh(-0.19) = -0.1877$ and the weights 0.5 and -0.6:

# %%
slope = 1 - np.tanh(z1[0, 0]) ** 2
print("slope", slope, " times the weights", slope * net[2].W[0])
sweep = amplification.Amplification(net, x)
print("A from layer 1 to layer 2:")
print(sweep.near_end(1, 2)[0])

# %% [markdown]
# With more layers between, the factors are products of such steps, and one may build these
# products from either end. The chapter proves that both give the same:

# %%
bp.explain(amplification)

# %% [markdown]
# Both ends, in a net of four layers. From the far end each start needs a sweep of its own; from
# the near end one sweep gives the coefficients from *every* layer to the output.

# %%
deep = amplification.network((3, 5, 4, 5, 2), bp.Tanh(), rng=0)
inputs = np.random.default_rng(1).standard_normal((6, 3))
sweep = amplification.Amplification(deep, inputs)
for start in range(1, 5):
    far, near = sweep.far_end(start, 4), sweep.near_end(start, 4)
    print(f"A from {start} to 4: shape {near.shape}, ends differ by {abs(far - near).max():.0e}")

# %% [markdown]
# ## Where they agree with the deltas
#
# A delta is a push in reverse, with the loss at the end of it: $\delta^l = A_{l,L}\, \delta^L$. So
# the coefficients, contracted with the deltas of the output, have to be what the network's own
# backward pass hands down.

# %%
delta = np.random.default_rng(2).standard_normal((6, 2))
ours = deep.deltas(delta, deep.forward(inputs)[1])[1::2]  # every second value is a z
for layer, (theirs, own) in enumerate(zip(sweep.errors(delta), ours, strict=True), start=1):
    print(f"layer {layer}: largest difference {abs(theirs - own).max():.0e}")

# %% [markdown]
# They agree, and the deltas are cheaper: a vector for each example where the coefficients are a
# matrix. What is the matrix good for? It does not know of any loss. From it follows how *each*
# output depends on each weight, the Jacobian, and that is what Gauss-Newton and
# Levenberg-Marquardt ask for.

# %%
outputs, jacobian = amplification.jacobian(deep, inputs)
print("outputs", outputs.shape, "Jacobian", jacobian.shape)
slopes = amplification.complex_step(deep, inputs)  # by as many passes as there are weights
print(f"differs from the complex step by {abs(jacobian - slopes).max():.0e}")

# %% [markdown]
# And the coefficients show what becomes of a push in a deep net: 12 layers of 20 units. Read from
# right to left. Through tanh it shrinks slowly. A logistic layer, whose slope is at most 1/4,
# leaves only a small part of it: of a push at the first layer, less than a millionth arrives.

# %%
small(amplification.draw(), 5.5, 2.8)

# %% [markdown]
# ### Exercise 2: the delta of a hidden layer
#
# Back to the net of two, two and two. `A` is $A_{1,2}$, `slopes` are $\varphi'(z^2)$ of the two
# outputs, and `dy` is the derivative of some loss by the outputs. What is the delta of the hidden
# net inputs, $\partial L / \partial z^1$? Use `@` and `*`.

# %%
sweep = amplification.Amplification(net, x)
A, slopes = sweep.near_end(1, 2)[0], sweep.slopes[2][0]
dy = np.array([0.3, -0.8])
answer = ...  # two numbers, from A, slopes and dy

# Check
if answer is not ...:
    truth = net.deltas(dy[np.newaxis], net.forward(x)[1])[1][0]
    assert np.shape(answer) == (2,), "One number for each hidden unit."
    assert not np.allclose(answer, A @ dy), (
        "dy is behind the last tanh, the coefficients end before it: its slope is missing."
    )
    assert not np.allclose(answer, A.T @ (slopes * dy)), (
        "Row i of A is where the push begins. The sum is over where it ends."
    )
    assert not np.allclose(answer, sweep.slopes[1][0] * (A @ (slopes * dy))), (
        "The slope of the hidden unit is in A already."
    )
    assert np.allclose(answer, truth), "First the delta of z2, then equation (6)."
    print("by the coefficients", answer, "by the backward pass", truth)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = A @ (slopes * dy)
# ```
# </details>

# %% [markdown]
# ## Every neuron a layer
#
# The coefficients were made for another kind of net (Cheng, 2017). In a *fully connected cascade*
# each neuron hears all inputs and all neurons before it. The last one is the output.

# %%
fig, ax = plt.subplots(figsize=(6, 2.2), layout="constrained")
names = ["1", "$x_1$", "$x_2$", "neuron 1", "neuron 2", "neuron 3", "neuron 4"]
for to in range(3, 7):
    for start in range(to):
        color = BLUE if start < 3 else ORANGE
        style = {"arrowstyle": "->", "color": color, "connectionstyle": "arc3,rad=-0.35"}
        ax.annotate("", (to, 0.1), (start, 0.1), arrowprops=style)
for place, name in enumerate(names):
    ax.text(place, 0, name, ha="center", va="top")
ax.set(xlim=(-0.5, 6.5), ylim=(-0.3, 1.6))
ax.set_axis_off()
plt.show()

# %% [markdown]
# Blue are the weights $U$, orange the weights $V$ between neurons. There are many ways from neuron
# 1 to the output: directly, or by 2, or by 3, or by both. The recursion (3) takes each connection
# once.

# %%
bp.explain(cascade.Cascade)

# %% [markdown]
# It is a layer like any other. The check does not know how its gradient was derived:

# %%
bp.gradcheck(cascade.Cascade(4), np.random.default_rng(0).standard_normal((3, 2)))

# %% [markdown]
# ### Exercise 3: no way is walked twice
#
# A cascade of three neurons. You have the slopes $\varphi_i'$ as `s[1]`, `s[2]`, `s[3]`, the
# weights `V21`, `V31`, `V32`, and the coefficients of the last two neurons. What is $\alpha_1$,
# the derivative of the output by the net input of neuron 1?

# %%
three = cascade.fixture(3)
slopes = three.slopes(three.forward(np.array([[0.5, -1.0]]))[1])
s = dict(enumerate(slopes[0].tolist(), start=1))
V21, V31, V32 = three.V.tolist()
a3 = s[3]
a2 = s[2] * V32 * a3
answer = ...  # alpha 1

# Check
if answer is not ...:
    truth = three.alphas(slopes)[0, 0]
    assert not np.isclose(answer, s[1] * V31 * a3), (
        "That is the direct way. Neuron 2 hears neuron 1 as well."
    )
    assert not np.isclose(answer, s[1] * V21 * a2), "And the direct way to neuron 3?"
    assert not np.isclose(answer, V21 * a2 + V31 * a3), "z1 acts through y1: with which slope?"
    assert not np.isclose(answer, s[1] * (V21 * a2 + V31 * a3 + V21 * s[2] * V32 * a3)), (
        "The way 1, 2, 3 is in a2 already: you have walked it twice."
    )
    assert np.isclose(answer, truth), "The slope, times a sum over the neurons that hear neuron 1."
    print(f"alpha: {answer:.9f} {a2:.9f} {a3:.9f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = s[1] * (V21 * a2 + V31 * a3)
# ```
#
# With $n$ neurons there are $2^{n-2}$ ways from the first to the last, and $n(n-1)/2$ connections.
# </details>

# %% [markdown]
# **What it costs.** Weights that count how often they are multiplied give the picture. From the
# near end an entry of the gradient costs less than two multiplications, however large the cascade
# is; from the far end, the more the larger it is.

# %%
small(cascade.draw(), 5.5, 2.8)

# %% [markdown]
# **What it can do.** A layered net for the exclusive or has two hidden units and an output, nine
# weights. A cascade does it with two neurons and seven weights: the second hears the first *and*
# the inputs.

# %%
net = bp.Network([cascade.Cascade(2, bp.Tanh(), output=bp.Sigmoid())])
net.build((2,), rng=0, dtype=np.float64)
corners, wanted = time_scales.XOR
step = bp.TrainStep(net, bp.HalfSquaredError(reduction="sum"), bp.Adam(0.05))
losses = [step(corners, wanted) for _ in range(1500)]
print(f"{net.param_count} weights; loss {losses[0]:.4f} at first, {losses[-1]:.6f} in the end")
print("answers", net.predict(corners)[:, 0])

# %%
side = np.linspace(-0.3, 1.3, 120)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
fig, ax = plt.subplots(figsize=(4.2, 3.4), layout="constrained")
shown = ax.contourf(side, side, net.predict(grid).reshape(120, 120), 10, cmap="RdBu_r")
ax.scatter(*corners.T, c=wanted[:, 0], cmap="gray", edgecolors="black", s=60)
ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
fig.colorbar(shown, label="output")
plt.show()

# %% [markdown]
# Two edges, one from each neuron, close a strip around the two corners in which the answer is yes
# (white points).
#
# ## If time goes in jumps
#
# Training goes in steps, a derivative is for steps of no length. J. Seiffertt and D. C. Wunsch
# (2010) put both into one calculus: on a *time scale* the next moment may be a jump away, over a
# gap $\mu$. The derivative is the difference quotient along the jump:

# %%
bp.explain(time_scales).only(2)

# %% [markdown]
# Take $f(y) = y^3$ and $g(t) = t^2$ at $t = 2$, with jumps of 1. Then $g$ goes from 4 to 9, by 5,
# and $f(g)$ from 64 to 729, by 665. But the chain rule as everybody knows it says
# $3 \cdot 4^2 \cdot 5 = 240$. On time scales the slope of $f$ has to be averaged along the jump:

# %%
bp.explain(time_scales).only(3)

# %%
lines = ["| gap | $g^\\Delta$ | of the whole | by (3) | naive |", "|---|---|---|---|---|"]
for scale in (time_scales.Multiples(1.0), time_scales.Multiples(0.5), time_scales.Reals()):
    inner = time_scales.delta_derivative(lambda t: t**2, 2.0, scale)
    whole = time_scales.delta_derivative(lambda t: t**6, 2.0, scale)
    rule = time_scales.chain_rule(lambda y: 3 * y**2, lambda t: t**2, 2.0, scale)
    gap = scale.graininess(2.0)
    lines.append(f"| {gap:g} | {inner:g} | {whole:.5f} | {rule:.5f} | {3 * 2.0**4 * inner:g} |")
Markdown("\n".join(lines))

# %% [markdown]
# Do the same with every slope of a network, and the change of the loss over a jump of the weights
# is told exactly, however wide the jump is: not "for small steps", but to the last digit.

# %%
net = time_scales.small_network()
for mu in (0.1, 1.0, 10.0):
    jumped = time_scales.leap(net, *time_scales.XOR, mu)
    before, after = (time_scales.LOSS.forward(n.predict(corners), wanted)[0] for n in (net, jumped))
    along = time_scales.change_told(net, jumped, corners, wanted)
    gradient = net.flatten(time_scales.ordinary(net, corners, wanted))
    linear = gradient @ (jumped.parameters - net.parameters)
    print(f"mu = {mu:4}: loss changes by {after - before:.12f}")
    print(f"           slopes say   {along:.12f}, gradient says {linear:.12f}")

# %% [markdown]
# On the left, exclusive or with steps that are far too wide: ordinary descent jumps up and down,
# steps along the jump never go up. On the right: as the gap closes, the slopes along the jump
# become the gradient, in proportion to the gap.

# %%
small(time_scales.draw(), 7.5, 2.9)

# %% [markdown]
# It is no free lunch. The new weights stand on both sides of the equation, so each jump is found
# by a solver, at the price of many passes.
#
# **What is a reconstruction.** Of these works only abstracts and outlines could be read, of the
# thesis not even that; the chapters say which symbols and steps were worked out here. No author
# printed the numbers: 23, 665 and the coefficients of the small nets come from an independent
# program. Every classic can be put beside such numbers:

# %%
amplification.reproduce()

# %% [markdown]
# ## Where to go on
#
# [5 · The computational graph](05_computational_graph.ipynb) walks the ways that were counted
# here. [13 · Vanishing and exploding gradients](13_vanishing.ipynb) is about pushes that do not
# arrive, [11 · Recurrence](11_rnn.ipynb) about ordered derivatives in time, and [14 ·
# Optimizers](14_optimizers.ipynb) about steps. [17 · ZORB](17_zorb.ipynb) hands back no
# derivatives at all.
