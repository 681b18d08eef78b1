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
# # 19 · A layer of your own
#
# After this notebook you can
#
# * derive a layer with a learned parameter, and write its two passes;
# * make the classical mistakes, and read in the table of `bp.gradcheck` which one it was;
# * tell a mistake from a kink;
# * train your layer inside a network, and know that its equations and its code say the same.

# %%
import inspect
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.checks import central_difference, complex_step, richardson

rng = np.random.default_rng(0)

# %% [markdown]
# ## Derive
#
# The layer is *Swish*: a rectifier with a soft knee, and it learns how soft. A layer is a
# chapter, so its docstring is written first: shapes, forward, backward, and why. Only then come
# the lines that carry the equations out. A line that does equation (n) ends in `# (n)`.


# %%
def sigmoid(z):
    """Return the logistic function; by way of tanh it cannot overflow."""
    return (1 + np.tanh(z / 2)) / 2


class Swish(bp.Layer):
    r"""A rectifier with a soft knee; $\beta$, learned for each feature, says how soft.

    Shapes: $x$ and $y\,(N, D)$, $\beta\,(D)$.

    **Forward**

    $$ s = \sigma(\beta \odot x) \tag{1} $$

    $$ y = x \odot s \tag{2} $$

    **Backward**

    $$ dx = \delta \odot s \odot (1 + \beta \odot x \odot (1 - s)) \tag{3} $$

    $$ d\beta = \sum_n \delta_n \odot x_n^2 \odot s_n \odot (1 - s_n) \tag{4} $$

    **Derivation.** An input $x_{nd}$ is in $y_{nd}$ twice, as a factor and inside $s_{nd}$. With
    $\sigma' = \sigma\,(1 - \sigma)$, the product rule gives

    $$ \frac{\partial y_{nd}}{\partial x_{nd}} = s_{nd} + x_{nd}\, \beta_d\, s_{nd}\,(1 - s_{nd}),
       \qquad
       \frac{\partial y_{nd}}{\partial \beta_d} = x_{nd} \cdot x_{nd}\, s_{nd}\,(1 - s_{nd}). $$

    The first, times $\delta_{nd}$, is (3). There is one $\beta_d$ for all examples, so it reaches
    the loss through every one of them, and (4) is a sum over $n$.

    Source: Ramachandran, Zoph and Le, *Searching for activation functions* (2017).
    """

    param_names = ("beta",)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.beta = np.ones(in_shape, dtype)
        return in_shape

    def forward(self, x, /):
        s = sigmoid(self.beta * x)  # (1)
        y = x * s  # (2)
        return y, (x, s)

    def backward(self, delta, cache, /):
        x, s = cache
        dx = delta * s * (1 + self.beta * x * (1 - s))  # (3)
        dbeta = (delta * x**2 * s * (1 - s)).sum(axis=0)  # (4)
        return dx, {"beta": dbeta}


bp.explain(Swish)

# %% [markdown]
# `build` makes the parameters once the input's shape is known. `forward` returns the output and
# the *cache*, whatever `backward` will need. `backward` gets `delta`, the derivative of the loss
# by `y`, and returns the one by `x` and those by the parameters.
#
# Is it right?

# %%
x = rng.standard_normal((4, 3))
bp.gradcheck(Swish(), x)

# %% [markdown]
# One row for each tensor. Two columns are relative errors: against the *complex step*, which is
# exact to about sixteen digits, and against *differences*, which are good for ten or more.
# *float32* is how far the same code is off when it computes in float32. Then comes the entry that
# is worst, with our number and theirs. [6 · Is this derivative right?](06_gradient_checking.ipynb)
# is about how all that is known; here it is put to use.
#
# ## Get it wrong
#
# **A derivative is missing.** It is easy to see $y = x s$ and to forget that $s$ moves too.


# %%
class ForgotS(Swish):
    def backward(self, delta, cache, /):
        _, grads = super().backward(delta, cache)
        _, s = cache
        return delta * s, grads


bp.gradcheck(ForgotS(), x)

# %% [markdown]
# `x` is wrong and `beta` is right: so look at (3), not at (4). And there is a case so small that
# it can be reckoned by hand: one example with one feature.
#
# The diagnosis says what the numbers are: a slope, $\sigma(u)$ at $u = x$, but of another
# function, of which it is the whole derivative. Of this one it is half: there is a *term* too few.
#
# **The batch is averaged, not summed.** Here the layer divides by $N$, which is the loss's
# business.


# %%
class Averaged(Swish):
    def backward(self, delta, cache, /):
        dx, grads = super().backward(delta, cache)
        return dx, {"beta": grads["beta"] / len(delta)}


bp.gradcheck(Averaged(), x)

# %% [markdown]
# That one is known, and the *diagnosis* names it: every entry is a quarter of what it should be,
# and there are 4 examples. See for yourself:

# %%
row = bp.gradcheck(Averaged(), x)["beta"]
print("theirs / ours:", (row.estimated / row.analytic).round(6))

# %% [markdown]
# And now the same layer with one example:

# %%
bp.gradcheck(Averaged(), x[:1])

# %% [markdown]
# Nothing is found, since dividing by one changes nothing. Many a wrong gradient in a published
# library looks right in the one case that its author tried. Check with several examples and with
# odd sizes.
#
# With no sum at all, `dbeta` has the shape of the batch. There is no entry to compare with
# another, yet the check sees which sum is missing:


# %%
class NoSum(Swish):
    def backward(self, delta, cache, /):
        dx, _ = super().backward(delta, cache)
        x, s = cache
        return dx, {"beta": delta * x**2 * s * (1 - s)}


bp.gradcheck(NoSum(), x)

# %% [markdown]
# ### Exercise 1: a gain
#
# Write the backward of this layer.


# %%
class Gain(bp.Layer):
    r"""Multiply each feature by a gain $g$ of its own: $y = g \odot x$, with $g\,(D)$."""

    param_names = ("g",)

    def build(self, in_shape, /, *, rng=None, dtype=np.float32):
        self.g = np.full(in_shape, 0.5, dtype)
        return in_shape

    def forward(self, x, /):
        return self.g * x, x

    def backward(self, delta, cache, /):
        dx = ...  # from delta and self.g
        dg = ...  # from delta and the cache
        return dx, {"g": dg}


# Check
gain = Gain()
gain.build((3,), dtype=np.float64)
dx, grads = gain.backward(np.ones((4, 3)), x)
if dx is not ...:
    assert grads["g"] is not ..., "dx is there. Now dg."
    assert np.shape(grads["g"]) == (3,), "dg has the shape of g. Over what is the sum?"
    report = bp.gradcheck(gain, x)
    assert report["x"].verdict == "ok", f"What does y_nd become if x_nd grows by one?\n{report}"
    assert report["g"].verdict == "ok", f"What multiplies g_d in y_nd?\n{report}"
    print(report)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# class Gain(bp.Layer):
#     r"""Multiply each feature by a gain $g$ of its own: $y = g \odot x$, with $g\,(D)$."""
#
#     param_names = ("g",)
#
#     def build(self, in_shape, /, *, rng=None, dtype=np.float32):
#         self.g = np.full(in_shape, 0.5, dtype)
#         return in_shape
#
#     def forward(self, x, /):
#         return self.g * x, x
#
#     def backward(self, delta, cache, /):
#         x = cache
#         dx = delta * self.g
#         dg = (delta * x).sum(axis=0)
#         return dx, {"g": dg}
# ```
# </details>

# %% [markdown]
# ## Passes are pure
#
# **Delta is overwritten.** This backward saves an array: it multiplies in place.


# %%
class Greedy(Swish):
    def backward(self, delta, cache, /):
        x, s = cache
        dbeta = (delta * x**2 * s * (1 - s)).sum(axis=0)
        delta *= s * (1 + self.beta * x * (1 - s))
        return delta, {"beta": dbeta}


# %% [markdown]
# In a chain of layers nobody notices: the delta that it spoils is never read again. But a value
# may have two readers. With a shortcut around the layer, $y = \text{swish}(x) + x$, the same
# delta goes both ways.


# %%
def shortcut_gradient(layer):
    """Return dx of layer(x) + x."""
    net = bp.Network()
    h = net.add(layer, 0)
    net.add(bp.Add(), h, 0)
    net.build((3,), dtype=np.float64)
    y, caches = net.forward(x)
    return net.backward(np.ones_like(y), caches)[0]


print("pure  ", shortcut_gradient(Swish())[0].round(4))
print("greedy", shortcut_gradient(Greedy())[0].round(4))

# %% [markdown]
# So the contract is: a pass writes to nothing, neither to its arguments nor to the layer. Make
# the arguments read-only, and the line that breaks the contract names itself. (`bp.gradcheck` does
# that too, before it compares a number.)

# %% tags=["raises-exception"]
greedy = Greedy()
greedy.build((3,), dtype=np.float64)
y, cache = greedy.forward(x)
delta = np.ones_like(y)
delta.flags.writeable = False
greedy.backward(delta, cache)

# %% [markdown]
# Purity is also why a cache is returned and not kept in the layer: two passes can be under way at
# once, and a layer can stand in a network twice.
#
# ### Exercise 2: the mean that moves
#
# This layer takes its mean from each row. Its backward returns `delta` as it is, as if the mean
# were a constant, and the check finds it wrong. Write `dx`.

# %%
dx_of = ...  # lambda delta: ...


# Check
class Centre(bp.Layer):
    """Subtract from each row the mean of its features."""

    def forward(self, x, /):
        return x - x.mean(axis=-1, keepdims=True), None

    def backward(self, delta, cache, /):
        return (delta if dx_of is ... else dx_of(delta)), {}


report = bp.gradcheck(Centre(), x)
if dx_of is not ...:
    row = report["x"]
    assert not np.allclose(row.estimated, 0.5 * row.analytic), "Twice as much as it should be."
    assert row.verdict == "ok", (
        "x_nd is in every y_nm of its row: by 1 - 1/D in its own, by -1/D in the others. Sum"
        f" delta_nm times that over m.\n{report}"
    )
report

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# dx_of = lambda delta: delta - delta.mean(axis=-1, keepdims=True)
# ```
#
# $dx_{nd} = \delta_{nd} - \frac1D \sum_m \delta_{nm}$: backward centres the delta, as forward
# centres the input. The layer is a symmetric projection, and that is its own transpose.
# </details>

# %% [markdown]
# ## A kink is not a mistake
#
# As $\beta$ grows, Swish becomes the rectifier, and its slope becomes a step. At the step itself
# there is no derivative. The check does not call that wrong:

# %%
bp.gradcheck(bp.ReLU(), np.array([[-1.0, 0.0, 1.0]]))

# %% [markdown]
# It is *undefined here*, both slopes are told, and it counts as right. (The slopes are those of
# $L = \sum y \odot \delta$ with a random $\delta$, so the second is not 1 but $\delta$.) To see
# why, ask the estimators themselves. They take a function of one number, $\varphi(t)$, and return
# its slope at $t = 0$.


# %%
def rectified(at):
    """Return the function t -> relu(at + t)."""
    return lambda t: bp.ReLU().predict(np.array([[at + t]])).item()


for at in (-1.0, 0.0, 1.0):
    phi = rectified(at)
    both = richardson(lambda t, phi=phi: (phi(t), b""), unit=1.0, noise=1e-16, enough=1e-9)
    print(f"at {at:2.0f}: central difference {central_difference(phi, 1e-5):.3f},", end="  ")
    print(f"complex step {complex_step(phi):.3f},", end="  ")
    print(f"from the left {both.left:.3f}, from the right {both.right:.3f}")

# %% [markdown]
# At 0 the slope is 0 to the left and 1 to the right. The layer says 0, by convention. So does the
# complex step, which follows the branch that the code takes. The central difference reaches over
# the kink and says one half. Any number between the two slopes is as good an answer as another;
# one outside them is wrong.

# %%
t = np.linspace(-3, 3, 601)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
swish = Swish()
swish.build((1,), dtype=np.float64)
for beta, color in ((0, "#56B4E9"), (1, "#0072B2"), (5, "#CC79A7")):
    swish.beta[...] = beta
    y, cache = swish.forward(t[:, np.newaxis])
    slope, _ = swish.backward(np.ones_like(y), cache)
    left.plot(t, y, color=color, label=rf"Swish, $\beta={beta}$")
    right.plot(t, slope, color=color)
left.plot(t, np.maximum(t, 0), "k--", linewidth=1, label="ReLU")
left.set(xlabel="$x$", ylabel="$y$", title="the function")
left.legend(frameon=False)
right.plot([-3, 0], [0, 0], "k--", [0, 3], [1, 1], "k--", linewidth=1)
right.plot(0, 0, "ko", label="ReLU's slope at 0 by the complex step")
right.plot(0, 0.5, "kx", markersize=8, label="by differences")
right.set(xlabel="$x$", title="its slope", ylim=(-0.25, 1.75))
right.legend(frameon=False, loc="upper left")
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# ### Exercise 3: let the complex step pass
#
# The complex step needs code through which a complex number can pass. `np.abs` returns a modulus,
# which is real, and drops the imaginary part with all that it carries. The table then says *not
# possible*, and the check has to do with differences: instead of twelve digits it sees seven. The
# backward of this layer is right. Write `forward_of` so that the check can be sure of it.


# %%
def forward_of(x):
    """Return log(1 + |x|)."""
    return np.log1p(np.abs(x))


# Check
class Log(bp.Layer):
    """A function that grows slowly on both sides."""

    def forward(self, x, /):
        return forward_of(x), x

    def backward(self, delta, cache, /):
        x = cache
        return delta * np.sign(x) / (1 + np.abs(x)), {}


far = np.array([[-2.0, -0.7, 0.4, 3.0]])
report = bp.gradcheck(Log(), far)
if "np.abs" not in inspect.getsource(forward_of):
    assert np.allclose(forward_of(far), np.log1p(np.abs(far))), "That is another function."
    assert report["x"].complex_error is not None, (
        "Still not possible: something in there stops a complex number, or returns a real one."
    )
    assert not report["x"].complex_void, (
        "One comes out, but without the derivative: that is *void*. |x| is the larger of x and -x,"
        " and np.maximum compares the real parts."
    )
    assert report, f"The complex step passes, and contradicts backward.\n{report}"
report

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def forward_of(x):
#     """Return log(1 + |x|)."""
#     return np.log1p(np.maximum(x, -x))
# ```
# </details>

# %% [markdown]
# ## Train it
#
# The layer goes into a network like any other. The task: which points lie in the ring?

# %%
points = rng.uniform(-2, 2, (600, 2)).astype(np.float32)
radius = np.hypot(*points.T)
inside = ((radius > 0.8) & (radius < 1.6)).astype(np.float32)[:, np.newaxis]

net = bp.Network([bp.Dense(12), Swish(), bp.Dense(12), Swish(), bp.Dense(1)])
net.build((2,), rng=0)
step = bp.TrainStep(net, bp.LogisticCrossEntropy(), bp.Adam(0.02))
losses = [step(points, inside) for _ in range(400)]
print("loss:", *(f"{loss:.3f}" for loss in losses[::57]))

# %%
side = np.linspace(-2, 2, 161, dtype=np.float32)
grid = np.stack(np.meshgrid(side, side), axis=-1)
score = net.predict(grid.reshape(-1, 2)).reshape(161, 161)

fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
left.contourf(side, side, score, levels=[-1e9, 0, 1e9], colors=["#cfe3f1", "#f7d9c4"])
for value, color, marker in ((0, "#0072B2", "o"), (1, "#D55E00", "^")):
    left.plot(*points[inside[:, 0] == value].T, marker, color=color, markersize=3)
left.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$", title="answer (area) and truth (points)")
for beta in net[1].beta:
    right.plot(t, t * sigmoid(beta * t), linewidth=1)
right.set(
    xlabel="$x$", ylabel="$y$", title=r"the first layer's 12 units, each with its own $\beta$"
)
right.spines[["top", "right"]].set_visible(False)
plt.show()
print("beta:", np.sort(net[1].beta).round(2))

# %% [markdown]
# All units began with $\beta = 1$. Some have become sharper, others softer; with a negative
# $\beta$ a unit looks to the other side.
#
# A saved network names its layers; no code is stored in the file. So whoever loads it says which
# class is meant.

# %%
with tempfile.TemporaryDirectory() as folder:
    bp.save(net, f"{folder}/ring.safetensors")
    again = bp.load(f"{folder}/ring.safetensors", layers=[Swish])
print("largest difference:", abs(again.predict(points) - net.predict(points)).max())

# %% [markdown]
# ## Do formula and code agree?
#
# The check proves the *code*. It cannot read the docstring. But each tagged line is one equation,
# so the two can be laid side by side, and every equation has to have its line. `bp.explain` has
# both. Read each line against its formula.

# %%
equations = bp.explain(Swish).equations
rows = ["| | formula | line | in |", "|---|---|---|---|"]
for tag, equation in equations.items():
    (line,) = equation.lines  # one equation, one line
    rows.append(f"| ({tag}) | ${equation.tex}$ | `{line.source}` | `{line.method}` |")
Markdown("\n".join(rows))

# %% [markdown]
# And with numbers in the formulas: one example of two features through the layer and back. (A cell
# of a notebook goes by a number for its file.)

# %%
one = bp.Network([Swish()])
one.build((2,), dtype=np.float64)
bp.explain(one, np.array([[1.0, -2.0]]), np.array([[1.0, 0.0]]), loss=bp.HalfSquaredError())

# %% [markdown]
# The package's own tests do this with every layer. Three things together make a layer
# trustworthy:
#
# 1. the check is *ok* in every configuration that could matter;
# 2. each formula is the line beside it, and each line is nothing but its formula;
# 3. nothing that a pass was given has changed.
#
# ## Where to go on
#
# [6 · Is this derivative right?](06_gradient_checking.ipynb) opens the check itself, and puts it
# to code that is not of this package. [5 · The computational graph](05_computational_graph.ipynb)
# finds derivatives by a walk instead of by thinking, [12 · LSTM](12_lstm.ipynb) is a layer that is
# worth the thinking, and [10 · Train on real handwriting](10_train_digits.ipynb) is a network to
# try yours in. [00 · A map](00_start_here.ipynb) has all the rest. `CONTRIBUTING.md` says how a
# layer gets into the package.
