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
# # 6 · Is this derivative right?
#
# After this notebook you can
#
# * measure a slope in four ways, and say how many digits each of them has and why;
# * read every column and every verdict of `bp.gradcheck`: *ok*, *wrong*, *undefined here*,
#   *cannot tell*, *void*;
# * check code that is not of this package: a class that keeps its state, a pair of functions, a
#   function for SciPy;
# * hunt a wrong gradient, from the table to the picture to the line.
#
# Change the steps, the inputs, the layers; above all, plant mistakes of your own.

# %%
import copy
import inspect
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from scipy.optimize import check_grad, rosen, rosen_der

import backprop as bp
from backprop.checks import OnSelf, central_difference, complex_step, richardson

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
rng = np.random.default_rng(0)

# %% [markdown]
# ## A wrong gradient learns too
#
# In this activation somebody forgot the slope of tanh. What it sends back is not the derivative
# of what it computed.


# %%
class NoSlope(bp.Tanh):
    def backward(self, delta, cache, /):
        return delta, {}


data = bp.load_data("digits")
training, held_out = bp.split(*data.train, 0.15, seed=0)
loss = bp.SoftmaxCrossEntropy()

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for kind, color in ((bp.Tanh, BLUE), (NoSlope, ORANGE)):
    layers = [bp.Flatten(), bp.Dense(32), kind(), bp.Dense(32), kind(), bp.Dense(10)]
    net = bp.Network(layers)
    net.build(data.in_shape, rng=0)
    history = bp.fit(
        net,
        training,
        epochs=15,
        validation=held_out,
        loss=loss,
        optimizer=bp.SGD(0.1),
        seed=0,
        progress=False,
    )
    label = f"{kind.__name__}: {history.val_accuracy[-1]:.1%} of the digits held out"
    ax.plot(history.epoch, history.loss, "o-", color=color, markersize=3, label=label)
ax.set(xlabel="epoch", ylabel="training loss", yscale="log")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The loss falls, at first even faster than with the right gradient, and the network reads digits.
# Nothing looks broken. It is a little worse in the end, and who would not put that down to the
# learning rate? A falling loss only says that the steps go downhill somewhat. Whether the gradient
# is *the derivative* has to be asked:

# %%
bp.gradcheck(NoSlope(), rng.standard_normal((3, 4)))

# %% [markdown]
# How does it know? The rest of this notebook builds that answer up, beginning with one number.
#
# ## Measure a slope
#
# Take $y = (e^{x^2})^2$ at $x = 0.5$. With pencil and paper, $dy/dx = 4 x y$. Without, one moves
# $x$ a little to either side and looks what $y$ does.

# %%
x, h = 0.5, 1e-4  # change h

exact = 4 * x * np.exp(x**2) ** 2
above = np.exp((x + h) ** 2) ** 2
below = np.exp((x - h) ** 2) ** 2

print("derived   ", exact)
print("measured  ", (above - below) / (2 * h))

# %% [markdown]
# Eight digits agree, and these two numbers are known from print: K. Saitoh, *Deep Learning from
# Scratch 3*. The estimators of `backprop.checks` take a function of one number, $\varphi(t)$: the
# thing moved by $t$. Here is the chapter on this one: its docstring, and under the equation the
# line that carries it out.

# %%
bp.explain(central_difference)


# %%
def phi(t):
    """Return y at x + t."""
    return np.exp((x + t) ** 2) ** 2


print(central_difference(phi, h))

# %% [markdown]
# Its weakness is the minus sign. Two numbers that agree in most of their digits are subtracted,
# and what they agree in is lost. There is an estimate without a minus sign:

# %%
bp.explain(complex_step)

# %%
print("derived      ", exact)
print("complex step ", complex_step(phi))

# %% [markdown]
# And one may combine central differences of several steps such that more and more terms of the
# error cancel. This is the estimate that serves where no complex number can pass:

# %%
bp.explain(richardson)

# %%
slope = richardson(lambda t: (phi(t), b""), unit=1.0, noise=1e-16, enough=1e-12)
print("richardson ", slope.value, "give or take", f"{slope.error:.0e}")
print("in truth   ", f"{abs(slope.value - exact):.0e}", "off")

# %% [markdown]
# It says how good it is. That is worth more than the digits: an estimate that does not know its
# own error cannot convict anybody.
#
# ## Which step?
#
# Each estimate's error against the step, both on logarithmic axes; the step shrinks to the right.
# On the left the error comes from cutting off the Taylor series, and falls with $h$, with $h^2$,
# with $h^4$. On the right it is rounding, and grows as the step shrinks. In between there is a
# best step, and it is a different one for each.

# %%
eps = np.finfo(np.float64).eps


def phi32(t):
    """Return y at x + t, all in float32."""
    return np.exp(np.float32(x + t) ** 2) ** 2


def forward(phi, h):
    return (phi(h) - phi(0.0)) / h


def extrapolated(phi, h):
    return (4 * central_difference(phi, h / 2) - central_difference(phi, h)) / 3


def complex_with(phi, h):
    return phi(1j * h).imag / h


def errors(estimate, phi, steps):
    """Return relative errors; where there is none at all, a little below the last digit."""
    found = np.array([float(estimate(phi, h)) for h in steps])
    return np.maximum(abs(found / exact - 1), eps / 8)


fig, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), sharey=True, width_ratios=(3, 2), layout="constrained"
)
steps = np.logspace(0, -16, 97)
curves = {
    "central, float32": (central_difference, phi32, PURPLE),
    "forward": (forward, phi, GREEN),
    "central": (central_difference, phi, BLUE),
    "extrapolated once": (extrapolated, phi, "black"),
    "complex step": (complex_with, phi, ORANGE),
}
for label, (estimate, f, color) in curves.items():
    left.loglog(steps, errors(estimate, f, steps), color=color, linewidth=1.2, label=label)
left.axhline(eps, color="gray", linewidth=0.8, linestyle=":")
left.text(1, 1.4 * eps, "the last digit of float64", fontsize=8, color="gray")
left.set(xlabel="step $h$", ylabel="relative error", ylim=(1e-17, 1e5))
left.legend(frameon=False, fontsize=8, loc="upper right", ncols=3)

steps = np.logspace(0, -200, 201)
for label in ("central", "complex step"):
    estimate, f, color = curves[label]
    right.loglog(steps, errors(estimate, f, steps), color=color, linewidth=1.2)
right.set(xlabel="step $h$", title="the same, down to $10^{-200}$")
right.set_xticks(10.0 ** np.arange(0, -201, -50))
for ax in (left, right):
    ax.invert_xaxis()
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# *Central* is best near $\varepsilon^{1/3}$, with ten digits or eleven; extrapolated once, it
# gains one or two more, at a larger step. Both are hopeless at $10^{-16}$, where $x + h$ is $x$.
# The complex step has no right branch: below $10^{-8}$ it is right to the last digit and stays so
# for another two hundred powers of ten. And differences in float32 have four digits, or five with
# luck, which is too few to tell a mistake from noise: check in float64.
#
# ### Exercise 1: the best step
#
# `forward` needs one evaluation less than `central_difference`, so SciPy and many others take it.
# Its error is about $\tfrac12 h\,|\varphi''|$ from cutting and $2 \varepsilon |\varphi| / h$ from
# rounding, where $\varphi'' = (4 + 16 x^2)\,\varphi$. Which $h$ makes the sum of the two smallest?
# You may use `eps`.

# %%
answer = ...  # the best step of the forward difference

# Check
if answer is not ...:
    cut = answer * (4 + 16 * x**2) / 2
    rounding = 2 * eps / answer
    assert answer > 0, "A step to the right: it is positive."
    assert cut < 30 * rounding, (
        f"Cutting costs {cut:.0e} of y and rounding {rounding:.0e}: make the step smaller."
    )
    assert rounding < 30 * cut, (
        f"Rounding costs {rounding:.0e} of y and cutting {cut:.0e}: make the step larger."
    )
    assert np.isclose(answer, 2 * np.sqrt(eps / (4 + 16 * x**2)), rtol=0.01, atol=0), (
        "The right size. Now exactly: where a/h + b h is smallest, its derivative by h is 0."
    )
    off = abs(forward(phi, answer) / exact - 1)
    print(f"h = {answer:.2e} leaves an error of {off:.0e}: eight digits of sixteen.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 2 * np.sqrt(eps / (4 + 16 * x**2))
# ```
#
# $a/h + bh$ has its minimum at $h = \sqrt{a/b}$, with $a = 2\varepsilon\varphi$ and
# $b = \tfrac12\varphi''$. So $h$ and the error are both about $\sqrt\varepsilon$: half of the
# digits are lost whatever one does. For the central difference the same reckoning gives
# $\varepsilon^{1/3}$ and loses a third.
# </details>

# %% [markdown]
# ## From one number to a layer
#
# A layer turns many numbers into many. To have *one* number to differentiate, `bp.gradcheck` draws
# a random delta and takes $L = \sum y \odot \delta$. Then `backward(delta)` has to be the gradient
# of $L$, and each of its entries is the slope of a $\varphi$: one entry of one tensor moved, all
# else at rest.

# %%
bp.gradcheck(bp.LSTM(2), rng.standard_normal((3, 4, 5)))

# %% [markdown]
# | column | tells |
# |---|---|
# | checked | how many entries were measured |
# | complex step | the largest difference from it; $10^{-12}$ is *ok* |
# | differences | the largest difference from them; $10^{-7}$ is *ok* |
# | float32 | how far the same code is off when it computes in float32 |
# | worst entry | where the difference is largest |
# | gradient, estimate | what `backward` says there, and the better of the two estimates |
#
# Of a large tensor a sample of entries is measured, and besides the slope along random directions,
# in which all entries have a part.
#
# Why a random delta and not ones? The outputs of a softmax sum to 1 whatever its inputs are. With
# ones, $L$ is a constant, and any backward that returns zeros would pass:

# %%
softmax = bp.Softmax()
scores = rng.standard_normal((2, 5))
p, cache = softmax.forward(scores)
print("with ones      ", softmax.backward(np.ones_like(p), cache)[0][0].round(6) + 0)
print("with a random  ", softmax.backward(rng.standard_normal(p.shape), cache)[0][0].round(6))

# %% [markdown]
# ## Relative to what?
#
# The errors are relative to the *largest* entry of the tensor. Why not each to itself? Because a
# sum of large numbers is rounded like a large number, also where its slope by some entry is tiny.
# In this network the inputs have sizes from 1 down to $10^{-11}$, and so have the gradients of the
# weights that meet them. Everything in it is right.

# %%
net = bp.Network([bp.Dense(4), bp.Tanh(), bp.Dense(2)])
sizes = 10.0 ** -np.arange(12)
row = bp.gradcheck(net, rng.standard_normal((5, 12)) * sizes)["0.W"]

apart = abs(row.of_checked - row.central)
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
ax.loglog(abs(row.of_checked), apart / abs(row.of_checked), "X", color=ORANGE, label="to itself")
ax.loglog(abs(row.of_checked), apart / row.scale, "o", color=BLUE, label="to the largest entry")
ax.axhline(1e-7, color="gray", linewidth=0.8)
ax.text(1e-11, 1.5e-7, "above this line: wrong", fontsize=8, color="gray")
ax.set(xlabel="size of the entry of $dW$", ylabel="difference, relative ...")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
print("verdict:", row.verdict)

# %% [markdown]
# Relative to itself, every entry below a millionth of the largest would be a false alarm, and one
# would soon learn not to listen. The price: an entry that is tiny *and* wrong hides from
# differences. From the complex step it hides only below $10^{-12}$ of the largest.
#
# ## Where the complex step cannot pass
#
# It asks something of the code: that a complex number goes through it as through the formula. Some
# functions that are harmless on real numbers drop the imaginary part, and with it the derivative.

# %%
traps = {
    "x**2": lambda x: (x**2).sum(),
    "np.maximum(x, -x)": lambda x: np.maximum(x, -x).sum(),
    "np.abs(x)": lambda x: np.abs(x).sum(),
    "x * np.abs(x)": lambda x: (x * np.abs(x)).sum(),
    "np.var(x)": np.var,
    "np.linalg.norm(x)": np.linalg.norm,
    "x @ x.conj()": lambda x: x @ x.conj(),
}
point, direction = np.array([0.5, -1.0, 2.0, -0.3]), np.array([1.0, 0.4, -0.2, 0.7])


def along(f):
    """Return f of the point moved by t along the direction."""
    return lambda t: f(point + t * direction)


rows = ["| code | differences | complex step |", "|---|---|---|"]
for code, f in traps.items():
    by_differences, by_step = central_difference(along(f), 1e-5), complex_step(along(f))
    rows.append(f"| `{code}` | {by_differences:.6f} | {by_step:.6f} |")
Markdown("\n".join(rows))

# %% [markdown]
# `np.maximum` compares real parts first, so it is safe; a modulus is not. Writing into an array of
# floats, such as `np.zeros(shape)`, drops the imaginary part as well, with a warning that is easy
# to overlook. Here are a layer with such a buffer and one with a modulus. Both are right.


# %%
class Buffered(bp.Layer):
    def forward(self, x, /):
        y = np.zeros(x.shape)  # float64, whatever x is
        y[...] = x**3
        return y, x

    def backward(self, delta, cache, /):
        return delta * 3 * cache**2, {}


class Signed(bp.Layer):
    def forward(self, x, /):
        return x * np.abs(x), x

    def backward(self, delta, cache, /):
        return delta * 2 * np.abs(cache), {}


bp.gradcheck(Buffered(), rng.standard_normal((2, 3)))

# %%
bp.gradcheck(Signed(), rng.standard_normal((2, 3)))

# %% [markdown]
# *Not possible*: no complex number comes out, so the differences decide alone. *Void*: one comes
# out, but it contradicts the differences where these are sure of themselves. A gradient is never
# called wrong for that; the note below the table tells what to look for. Either way the check has
# become blunter, from twelve digits to seven. Does that matter?
#
# ### Exercise 2: let it pass
#
# This layer takes the mean from each row and divides by the standard deviation; a tiny number
# keeps it from dividing by zero. The check is content, but void. Write `std_of` such that a
# complex number passes, and look again.


# %%
def std_of(x):
    """Return the standard deviation of each row, (N, 1)."""
    return x.std(axis=1, keepdims=True)


# Check
class Standardise(bp.Layer):
    def forward(self, x, /):
        s = std_of(x)
        y = (x - x.mean(axis=1, keepdims=True)) / (s + 1e-11)
        return y, (y, s)

    def backward(self, delta, cache, /):
        y, s = cache
        of_delta = delta.mean(axis=1, keepdims=True)
        of_both = (delta * y).mean(axis=1, keepdims=True)
        return (delta - of_delta - y * of_both) / s, {}


batch = np.random.default_rng(1).standard_normal((4, 3))
report = bp.gradcheck(Standardise(), batch, explain=False)
if "std(axis" not in inspect.getsource(std_of):
    row = report["x"]
    assert np.allclose(std_of(batch), batch.std(axis=1, keepdims=True)), (
        "Another number: the root of the mean of the squared distances from the mean."
    )
    assert row.complex_error is not None, "No complex number comes out: is there a float buffer?"
    assert not row.complex_void, (
        "Still void. np.var, np.abs and np.linalg.norm take moduli: square with **2."
    )
report

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def std_of(x):
#     """Return the standard deviation of each row, (N, 1)."""
#     distance = x - x.mean(axis=1, keepdims=True)
#     return np.sqrt((distance**2).mean(axis=1, keepdims=True))
# ```
#
# And now the layer is *wrong*, by about $10^{-11}$: backward divides by $s$ where forward divided
# by $s + 10^{-11}$. Differences are too blunt to see that. It does no harm while $s$ is about 1.
# In a row whose entries are all but equal, $s$ may be as small as $10^{-11}$, and backward is off
# by a factor of two.
# </details>

# %% [markdown]
# And if the differences are too blunt as well? Here a large number is added and taken away again,
# and most digits of $x^3$ go with it; and there is the buffer, so nothing else is left to ask.


# %%
class Drowned(Buffered):
    def forward(self, x, /):
        y = np.zeros(x.shape)
        y[...] = (x**3 + 1e10) - 1e10
        return y, x


bp.gradcheck(Drowned(), rng.standard_normal((2, 3)))

# %% [markdown]
# *Cannot tell* is no acquittal: the report counts as false, and `backprop check` exits with a code
# of its own. The gradient lies within what the differences leave open, but that is wider than what
# they are asked to decide. Bring the numbers to a size of about 1, or let the complex step pass.
#
# ## Kinks
#
# A rectifier at exactly 0 has no slope. It has one on the left, 0, and one on the right, 1. What
# the code answers there is a convention. The same with `MaxPool` where two pixels tie: raise one
# of them and the maximum follows, lower it and the other one holds.


# %%
def bent(ax, phi, answers, title):
    """Draw a function of one number, its slopes on both sides, and what code says."""
    t = np.linspace(-1, 1, 201)
    slope = richardson(lambda h: (phi(h), b""), unit=1.0, noise=1e-16, enough=1e-9)
    ax.plot(t, [phi(h) for h in t], color="black", linewidth=1, label="the function")
    for value, side in ((slope.left, t[t <= 0]), (slope.right, t[t >= 0])):
        ax.plot(side, phi(0.0) + value * side, color=BLUE, linewidth=6, alpha=0.3)
    for (label, value), style in zip(answers.items(), ((0, (4, 3)), ":"), strict=False):
        ax.plot(
            t, phi(0.0) + value * t, color=ORANGE, linestyle=style, label=f"{label}: {value:.3g}"
        )
    sides = f"slopes {slope.left:.3g} and {slope.right:.3g}" if slope.kink else "no kink at 0"
    ax.set(title=f"{title}\n{sides}", xlabel="$t$")
    ax.legend(frameon=False, fontsize=8, loc="upper left")
    ax.spines[["top", "right"]].set_visible(False)


window = np.array([[0.7, 0.7], [0.2, 0.1]]).reshape(1, 2, 2, 1)
first, both = np.zeros_like(window), np.zeros_like(window)
first[0, 0, 0], both[0, 0] = 1, 1


def backward_of(layer, x):
    """Return dx of the sum of a layer's outputs."""
    y, cache = layer.forward(x)
    return layer.backward(np.ones_like(y), cache)[0]


at_zero = backward_of(bp.ReLU(), np.zeros((1, 1))).item()
of_pool = backward_of(bp.MaxPool(2), window)


def pooled(u):
    """Return the maximum of the window moved by t along u."""
    return lambda t: bp.MaxPool(2).predict(window + t * u).item()


fig, (one, two, three) = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained")
bent(one, lambda t: max(t, 0.0), {"ReLU answers": at_zero}, "a rectifier at 0")
bent(
    two,
    pooled(first),
    {"MaxPool answers": (of_pool * first).sum()},
    "one of two pixels that tie",
)
bent(
    three,
    pooled(both),
    {"MaxPool, sum of both": (of_pool * both).sum(), "all winners": 2.0},
    "both pixels moved together",
)
plt.show()

# %% [markdown]
# Blue is what can be measured: a slope to either side. Any answer between the two is as good as
# another. So the verdict is *undefined here*, with both slopes told, and it counts as right:

# %%
bp.gradcheck(bp.ReLU(), np.array([[-1.0, 0.0, 1.0]]))

# %% [markdown]
# The third picture is the trap behind the trap. A pool that gives the delta to *all* that tie
# answers 1 for either pixel, and for each of them alone 1 is one of the two slopes. But move both
# together: then there is no kink, the slope is 1, and the pool says 2. Therefore the check moves
# all entries that stand at kinks together, and where that has a slope, it counts.


# %%
class AllWinners(bp.MaxPool):
    """Windows of 2x2 side by side; whoever is as large as the maximum gets the delta."""

    def forward(self, x, /):
        y, _ = super().forward(x)
        return y, (x, y)

    def backward(self, delta, cache, /):
        x, y = cache
        delta, y = (a.repeat(2, axis=1).repeat(2, axis=2) for a in (delta, y))
        return delta * (x == y), {}


bp.gradcheck(AllWinners(2), window)

# %% [markdown]
# And next to a kink? There the slope exists, but a step may reach across. Let the kink be at
# $10^{-5}$; at 0 the slope is 0.

# %%
gap = 1e-5


def near(t):
    return max(t - gap, 0.0)


def watched(t):
    return near(t), bytes([t > gap])


for step in (1e-3, 1e-4, 2e-5, 1e-6):
    print(f"central difference, h = {step:.0e}:  {central_difference(near, step):.4f}")
print(richardson(watched, unit=1.0, noise=1e-16, enough=1e-9))

# %% [markdown]
# `richardson` is handed the *winners* along with the value, here the mask of the rectifier. Where
# they are not the same at both ends of a step as in the middle, that step is void and a smaller
# one is tried. `bp.gradcheck` finds masks and winners by itself in what the passes keep.
#
# ### Real images
#
# Paper is exactly 0 and biases begin at 0. So in front of this network's rectifier there are zeros
# wherever the paper is blank, and in its pooling windows there are ties. Many a check fails here
# with a network that is right, and people learn to look away. Now the whole of it, raw:


# %%
def net_of(convolution):
    layers = [convolution, bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(10)]
    net = bp.Network(layers)
    net.build(data.in_shape, rng=0)
    return net


images, labels = training[0][:2], training[1][:2]
report = bp.gradcheck(net_of(bp.Conv2D(4, 3, padding=1)), images, loss=loss, target=labels)
report

# %% [markdown]
# It passes, and says where there is no slope: at pixels that lie in a patch of 3x3 with nothing
# but paper in it. (Not each of these entries lies between its two slopes. Where several kinks
# meet, the branches that the code takes need not be those of one side. Then the gradient has to be
# what the complex step says, which takes the same branches.)

# %%
row = report["x"]
kinks = np.zeros(row.shape, bool)
kinks.flat[row.checked[row.kinks]] = True

fig, axes = plt.subplots(1, 2, figsize=(5, 2.8), layout="constrained")
for ax, image, at_kink in zip(axes, images[..., 0], kinks[..., 0], strict=True):
    ax.imshow(image, cmap="gray_r")
    ax.plot(*np.argwhere(at_kink).T[::-1], "s", color=ORANGE, fillstyle="none", markersize=14)
    ax.set(xticks=[], yticks=[], title=f"undefined at {at_kink.sum()} of {image.size}")
plt.show()

# %% [markdown]
# Is it merely lenient? Here is the same network with the classical mistake of convolutional
# networks: on its way back the delta meets the kernel the wrong way round.


# %%
class Unrotated(bp.Conv2D):
    def backward(self, delta, cache, /):
        turned = copy.copy(self)
        turned.W = self.W[::-1, ::-1]
        dx, _ = bp.Conv2D.backward(turned, delta, cache)
        return dx, self.grads(delta, cache)


wrong = net_of(Unrotated(4, 3, padding=1))
bp.gradcheck(wrong, images, loss=loss, target=labels, explain=False)

# %% [markdown]
# The kinks are the same; everywhere else `x` is wrong. In a network of one convolution nobody
# would notice in training, since nobody reads this `dx`. With two, the lower one learns from it.
#
# The network says *that* something is wrong. The layer alone says *what*:

# %%
bp.gradcheck(Unrotated(4, 3, padding=1), images)

# %% [markdown]
# ## Passes must be pure
#
# This activation saves an array: it multiplies in place.


# %%
class Greedy(bp.Tanh):
    def backward(self, delta, cache, /):
        delta *= 1 - cache**2
        return delta, {}


inputs = rng.standard_normal((3, 4))
report = bp.gradcheck(Greedy(), inputs)
print("the numbers:", report["x"].verdict)
report

# %% [markdown]
# Every number is right. A check that only compares numbers is content, and so is its author. Now a
# network in which the layer has a shortcut around it, with a `Dense` below:


# %%
def with_shortcut(activation):
    """Return the network y = activation(x W + b) + x W + b."""
    net = bp.Network()
    h = net.add(bp.Dense(3), 0)
    net.add(bp.Add(), net.add(activation, h), h)
    return net


bp.gradcheck(with_shortcut(Greedy()), inputs, explain=False)

# %% [markdown]
# The delta goes two ways, through the activation and along the shortcut. `Greedy` has spoiled it
# before the shortcut was read, so the `Dense` below gets a wrong delta, and its gradients are
# wrong though it has no mistake. To look for it there is to look in the wrong place. Therefore
# purity comes before the numbers: nothing that a pass was given may change, and the line that
# changes it is told. (A cell of a notebook goes by a number for its file.) With a layer that is
# pure, all is right:

# %%
bp.gradcheck(with_shortcut(bp.Tanh()), inputs)

# %% [markdown]
# ## Code that is not ours
#
# Most books keep what backward needs on `self`, and the gradients too. `bp.gradcheck` sees that,
# and finds `dW` for `W` by its name. (The title of the table says what a thing was taken for.)
# This one adds to its gradients, for the sake of minibatches in parts, and leaves it to others to
# set them to zero:


# %%
class TheirDense:
    def __init__(self, D, M):
        rng = np.random.default_rng(0)
        self.W, self.b = rng.standard_normal((D, M)), np.zeros(M)
        self.dW, self.db = np.zeros((D, M)), np.zeros(M)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, delta):
        self.dW += self.x.T @ delta
        self.db += delta.sum(axis=0)
        return delta @ self.W.T


bp.gradcheck(TheirDense(4, 2), inputs)


# %% [markdown]
# A method `zero_grad`, if there is one, is called before each backward:


# %%
class Resettable(TheirDense):
    def zero_grad(self):
        self.dW[...], self.db[...] = 0, 0


bp.gradcheck(Resettable(4, 2), inputs)


# %% [markdown]
# Where a gradient's name cannot be guessed, the adapter is told:


# %%
class Renamed:
    def __init__(self):
        self.gain = np.array([0.5, 1.0, 2.0, -1.0])

    def forward(self, x):
        self.seen = x
        return self.gain * x

    def backward(self, delta):
        self.nudge = (delta * self.seen).sum(axis=0)
        return delta * self.gain


bp.gradcheck(OnSelf(Renamed(), params={"gain": "nudge"}), inputs)

# %% [markdown]
# Two functions with a cache between them, as in Stanford's CS231n. All arrays of floats are
# checked; the dict of settings is passed along. What is wrong here?


# %%
def affine_forward(x, w, b, settings):
    out = settings["scale"] * (x @ w + b)
    return out, (x, w, settings)


def affine_backward(dout, cache):
    x, w, settings = cache
    dout = settings["scale"] * dout
    return dout @ w, x.T @ dout, dout.mean(axis=0)


w, b = rng.standard_normal((4, 4)), rng.standard_normal(4)
bp.gradcheck((affine_forward, affine_backward), inputs, w, b, {"scale": 0.7})

# %% [markdown]
# Two mistakes in one line, each by its name. `dout @ w` does not even crash, since `w` is square;
# with a matrix of 4x3 it would have. So let sizes differ.
#
# And functions for SciPy, one that returns a number and one that returns its gradient:

# %%
start = np.array([1.3, 0.7, 0.8, 1.9, 1.2])
bp.gradcheck((rosen, rosen_der), start)

# %% [markdown]
# SciPy has a check of its own. It takes the forward difference of exercise 1 and answers with one
# number, the length of what is left:

# %%
print(check_grad(rosen, rosen_der, start))

# %% [markdown]
# Is that good or bad? The gradient's entries are about 2000, so it is good. But one has to know.
#
# ## A hunt
#
# A student's LSTM. It keeps its state on itself, and the weights are stacked: the upper rows for
# $h$, the lower ones for $x$. It runs, it learns. Read it as you would read a friend's code.


# %%
def sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2


class StudentLSTM:
    def __init__(self, D, H):
        rng = np.random.default_rng(1)
        self.W = rng.standard_normal((H + D, 4 * H)) / 2
        self.b = rng.standard_normal(4 * H) / 2

    def forward(self, x):
        h = c = np.zeros((len(x), self.b.size // 4), x.dtype)
        self.steps, outputs = [], []
        for t in range(x.shape[1]):
            z = np.hstack([h, x[:, t]])
            i, f, o, g = np.split(z @ self.W + self.b, 4, axis=1)
            i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
            before, c = c, f * c + i * g
            h = o * np.tanh(c)
            self.steps.append((z, i, f, o, g, before, c))
            outputs.append(h)
        return np.stack(outputs, axis=1)

    def step_backward(self, step, dh, dc):
        """Return the delta of z and that of the cell before; add this step's dW and db."""
        z, i, f, o, g, before, c = step
        do = dh * np.tanh(c)
        dc = dh * o * (1 - np.tanh(c) ** 2)
        di, df, dg = dc * g, dc * before, dc * i
        da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
        self.dW += z.T @ da
        self.db += da.sum(axis=0)
        return da @ self.W.T, dc * f

    def backward(self, delta):
        H = delta.shape[-1]
        self.dW, self.db = np.zeros_like(self.W), np.zeros_like(self.b)
        dx, dh, dc = [], 0.0, 0.0
        for t in reversed(range(len(self.steps))):
            dz, dc = self.step_backward(self.steps[t], delta[:, t] + dh, dc)
            dh = dz[:, :H]
            dx.insert(0, dz[:, H:])
        return np.stack(dx, axis=1)


sequences = np.random.default_rng(7).standard_normal((3, 5, 2))
bp.gradcheck(StudentLSTM(2, 4), sequences, explain=False)

# %% [markdown]
# All is wrong, so *which* tensor tells nothing. Look *where* in each.

# %%
report = bp.gradcheck(StudentLSTM(2, 4), sequences)
picture = report.plot()
picture.set_dpi(100)
picture

# %% [markdown]
# On the left, each entry: its estimate to the right, the gradient upwards; what is right lies on
# the line. On the right, the differences where their entries are. Two things can be read there.
#
# * In `x` each tile is an example, with the steps downwards. The last step is white, that is,
#   right; all before it are wrong. So one step by itself is right, and something is lost *between*
#   steps.
# * In `W` and `b` the gates lie side by side, four columns each, in the order of the code:
#   $i, f, o, g$. The third, $o$, is nearly white. It is the one gate whose delta does not come by
#   way of the cell.
#
# So look for what the cell should carry from step to step. The report says the same in words, and
# the smallest input that still fails has as few steps as it takes:

# %%
print("x is wrong", report["x"].where.removeprefix("wrong "))
print("smallest input that fails:", report.smallest)

# %% [markdown]
# Two steps, one example. Only now the diagnosis. The check has tried the numbers that each known
# mistake would give, and one of them fits every wrong entry:

# %%
for each in report.diagnoses:
    print(each)

# %% [markdown]
# The line is `dc = dh * o * ...` in `step_backward`. The cell of step $t$ is read twice, by the
# output of its own step and by the cell of the next. Where a value has two readers, their deltas
# add. It stands in the chapter on `LSTM`, as equation (10):

# %%
bp.explain(bp.LSTM).only(10)


# %%
class Repaired(StudentLSTM):
    def step_backward(self, step, dh, dc):
        z, i, f, o, g, before, c = step
        do = dh * np.tanh(c)
        dc = dc + dh * o * (1 - np.tanh(c) ** 2)  # dc + was missing
        di, df, dg = dc * g, dc * before, dc * i
        da = np.hstack([di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)])
        self.dW += z.T @ da
        self.db += da.sum(axis=0)
        return da @ self.W.T, dc * f


bp.gradcheck(Repaired(2, 4), sequences)

# %% [markdown]
# ## float32
#
# The check computes in float64, the training in float32. The column *float32* is there because a
# derivative can be right and its computation still bad. Here a variance is taken as the mean of
# the squares minus the square of the mean. With inputs around 0 that is harmless. Move them away
# from 0, as raw pixels or years are, and almost all digits cancel:


# %%
class ByTwoMeans(bp.Layer):
    def forward(self, x, /):
        mean = x.mean(axis=0)
        variance = (x**2).mean(axis=0) - mean**2
        s = np.sqrt(variance + 1e-5)
        y = (x - mean) / s
        return y, (y, s)

    def backward(self, delta, cache, /):
        y, s = cache
        return (delta - delta.mean(axis=0) - y * (delta * y).mean(axis=0)) / s, {}


batch = rng.standard_normal((8, 3))
offsets = (0, 1, 3, 10, 30, 100, 300)
rows = [bp.gradcheck(ByTwoMeans(), batch + offset)["x"] for offset in offsets]

fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
lines = {
    "float32": ([row.float32_error for row in rows], PURPLE),
    "float64, against the complex step": ([row.complex_error for row in rows], ORANGE),
}
for label, (values, color) in lines.items():
    ax.plot([str(offset) for offset in offsets], values, "o-", color=color, label=label)
ax.set(xlabel="added to the inputs", ylabel="relative error of $dx$", yscale="log")
ax.legend(frameon=False, loc="center left")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
print("verdicts:", {row.verdict for row in rows})

# %% [markdown]
# All are *ok*, as derivatives. With an offset of 300 the gradient in float32 has one or two digits
# left. So read that column: about $10^{-7}$ is what float32 can do.
#
# Code that computes in float32 whatever it is given cannot be checked at all. It is told so
# instead of being measured against noise:


# %%
class Forced(bp.Layer):
    def forward(self, x, /):
        x = x.astype(np.float32)
        return x**2, x

    def backward(self, delta, cache, /):
        return delta * 2 * cache, {}


bp.gradcheck(Forced(), batch)

# %% [markdown]
# ## From the shell, and in your tests
#
# `backprop check FILE.py:CLASS` checks a class in a file, on random inputs of the shapes that you
# name; `--plot` and `--json` write the picture and the numbers to a file. Here the derivative of
# $y = \sqrt{x^2 + 1}$ has gone wrong:

# %%
layer = """
import numpy as np
import backprop as bp


class Rounded(bp.Layer):
    def forward(self, x, /):
        y = np.sqrt(x**2 + 1)
        return y, (x, y)

    def backward(self, delta, cache, /):
        x, y = cache
        return delta * x / y**2, {}
"""
folder = Path(tempfile.mkdtemp())
(folder / "rounded.py").write_text(layer)


def shell(*words):
    """Run a module of Python in the folder and show what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    # Without what differs from one computer to another: how long it took, and in which folder.
    print(re.sub(r" in [\d.]+s|\S+/(?=backprop/)", "", done.stdout.strip()))
    print("exit code:", done.returncode)


shell("backprop", "check", "rounded.py:Rounded", "--shape", "3")

# %% [markdown]
# The exit code is 1, so that a script can go by it. In a test, `.assert_ok()` raises with the
# whole table. Ask for several configurations, above all for those that nobody has in mind: a batch
# of one, an axis of length one, sizes that do not divide.

# %%
test = """
import numpy as np
import pytest
import backprop as bp
from rounded import Rounded


@pytest.mark.parametrize("shape", [(4, 3), (1, 1), (2, 5, 3)])
def test_gradients(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    bp.gradcheck(Rounded(), x).assert_ok()
"""
(folder / "test_rounded.py").write_text(test)
pytest = ("pytest", "-q", "--tb=short", "--color=no", "-rN", "-p", "no:cacheprovider")
shell(*pytest, "--maxfail=1")

# %% [markdown]
# There is a case that can be reckoned by hand, so take a pencil: $y = \sqrt{x^2 + 1}$, and the
# slope of a root is one half of its inverse, times the $2x$ of what is under it. That is $x / y$.

# %%
(folder / "rounded.py").write_text(layer.replace("y**2, {}", "y, {}"))
shell(*pytest)

# %% [markdown]
# ### Exercise 3: the pool that passed
#
# A student's `MaxPool`. Its author has checked it, with windows of 2x2 side by side on random
# numbers, and it passed. It has two mistakes. Find a size, a stride or an image for which the
# check fails, and mend `backward`, until none does.

# %%
noise = np.random.default_rng(0).standard_normal((2, 5, 5, 1))
digit = images[:1].astype(np.float64)


class StudentPool:
    def __init__(self, size, stride):
        self.size, self.stride = size, stride

    def windows(self):
        """Yield the place of each output, and the index of the pixels under its window."""
        K, S = self.size, self.stride
        _, H, W, _ = self.x.shape
        for i in range((H - K) // S + 1):
            for j in range((W - K) // S + 1):
                place = np.s_[:, i : i + 1, j : j + 1]
                yield place, np.s_[:, i * S : i * S + K, j * S : j * S + K]

    def forward(self, x):
        self.x = x
        N, H, W, C = x.shape
        K, S = self.size, self.stride
        self.y = np.zeros((N, (H - K) // S + 1, (W - K) // S + 1, C), x.dtype)
        for place, window in self.windows():
            self.y[place] = x[window].max(axis=(1, 2), keepdims=True)
        return self.y.copy()

    def backward(self, delta):
        dx = np.zeros_like(self.x)
        for place, window in self.windows():
            won = self.x[window] == self.y[place]
            dx[window] = won * delta[place]
        return dx


size, stride, image = 2, 2, noise  # or digit, or one of your own

# Check
report = bp.gradcheck(StudentPool(size, stride), image)
cases = {
    "where windows overlap": (3, 2, noise),
    "where pixels tie": (2, 2, digit),
    "where windows overlap and pixels tie": (3, 1, digit),
}
failing = [
    where
    for where, (K, S, pixels) in cases.items()
    if not bp.gradcheck(StudentPool(K, S), pixels, explain=False)
]
if failing and (size, stride) == (2, 2) and image is noise:
    assert len(failing) == 3, f"Something is mended. It still fails {' and '.join(failing)}."
else:
    assert report or not failing, f"Convicted. Now mend backward.\n{report}"
    assert not failing, (
        f"It passes here, and fails {' and '.join(failing)}. Take a stride below the size, or an"
        " image with paper in it."
    )
    print("It passes where windows overlap and where pixels tie.")
report

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def backward(self, delta):
#     dx = np.zeros_like(self.x)
#     for place, window in self.windows():
#         won = self.x[window] == self.y[place]
#         won = won / won.sum(axis=(1, 2), keepdims=True)
#         dx[window] += won * delta[place]
#     return dx
#
#
# StudentPool.backward = backward
# size, stride, image = 3, 2, digit
# ```
#
# A pixel under several windows has several readers: their deltas *add*. And pixels that tie share
# one delta. It does not matter whether it is split evenly, as here, or given to the first, as in
# `bp.MaxPool`: either lies between the slopes. To give all of it to each does matter.
# </details>

# %% [markdown]
# ## What no check can tell
#
# It compares backward with forward. So it does not see
#
# * that *forward* is not what you meant: the right derivative of the wrong function passes;
# * what was not run: another size, another branch, a unit that is never active. Here is a
#   rectified square whose derivative is nonsense, on inputs that are all negative.


# %%
class Asleep(bp.Layer):
    def forward(self, x, /):
        return np.maximum(x, 0) ** 2, x

    def backward(self, delta, cache, /):
        return delta * 17 * np.maximum(cache, 0), {}


bp.gradcheck(Asleep(), -abs(batch))

# %% [markdown]
# Gradient 0, estimate 0, error 0. Zeros all over are no success: look at the numbers, not at the
# verdict alone, and check in the configurations where something happens.
#
# ## Where to go on
#
# [7 · Convolution](07_convolution.ipynb) derives why the kernel is turned on the way back, [8 ·
# Pooling](08_pooling.ipynb) what to do where pixels tie, and [12 · LSTM](12_lstm.ipynb) the delta
# that the student forgot. [19 · A layer of your own](19_your_own_layer.ipynb) puts the check to
# use while a layer is written. `backprop check` without a name checks everything in this package;
# the chapters of the check are in `backprop/checks`: `estimates.py` for the slopes,
# `comparison.py` for the verdicts, `purity.py` for the passes, `suspects.py` for the catalogue of
# mistakes.
