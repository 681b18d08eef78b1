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
# # 8 · Pooling
#
# After this notebook you can
#
# * pool an image by averages and by maxima, and send a delta back through both, by hand;
# * write pooling as a matrix, and say why the one for maxima depends on the image;
# * handle ties, and know why every delta has to be handed down exactly once;
# * see what goes wrong where windows overlap and somebody writes `=` in place of `+=`.
#
# Change the image, the delta, the size and the stride.

# %%
import matplotlib.pyplot as plt
import numpy as np

import backprop as bp
from backprop.classics import pooling_matrix
from backprop.classics.pooling_matrix import routing

np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## A smaller picture
#
# A convolution tells *where* something is, to a pixel. Often that is more than one wants to know.
# Pooling lays windows over the map, side by side, and keeps one number of each: the largest, or the
# mean. There are no weights, and the numbers can be done at a glance.

# %%
X = np.array([[1.0, 3, 2, 1], [2, 9, 1, 1], [1, 3, 2, 3], [5, 6, 1, 2]])
image = X.reshape(1, 4, 4, 1)

largest, mean = bp.MaxPool(2), bp.AvgPool(2)
y_largest, cache_largest = largest.forward(image)
y_mean, cache_mean = mean.forward(image)
print("largest\n", y_largest[0, ..., 0])
print("mean\n", y_mean[0, ..., 0])
print("the first by hand:", max(1, 3, 2, 9), "and", (1 + 3 + 2 + 9) / 4)

# %% [markdown]
# ## Back: who made the output what it is?
#
# Raise one pixel a little. The mean of its window rises by a quarter of that, whichever pixel it
# was. The largest number rises only if the pixel *is* the largest, and then by all of it. So the
# delta of a mean is divided among four, and the delta of a maximum goes to the winner alone.

# %%
delta = np.array([[1.0, 2], [3, 4]]).reshape(1, 2, 2, 1)
dx_largest, _ = largest.backward(delta, cache_largest)
dx_mean, _ = mean.backward(delta, cache_mean)


def numbered(ax, numbers, title, color="Oranges"):
    """Draw numbers with their values written in, and the borders of the windows."""
    ax.imshow(np.ma.masked_equal(numbers, 0), cmap=color, vmin=0, vmax=2 * numbers.max())
    for (r, c), number in np.ndenumerate(numbers):
        ax.text(c, r, f"{number:g}", ha="center", va="center", fontsize=9)
    ax.set_title(title, fontsize=10)
    ax.set(xticks=range(numbers.shape[1]), yticks=range(numbers.shape[0]), xlabel="column")


# %%
fig, axes = plt.subplots(1, 4, figsize=(9, 2.6), layout="constrained")
numbered(axes[0], X, "image", "Greys")
numbered(axes[1], delta[0, ..., 0], "delta at the outputs")
numbered(axes[2], dx_largest[0, ..., 0], "dx of MaxPool(2)")
numbered(axes[3], dx_mean[0, ..., 0], "dx of AvgPool(2)")
axes[0].set_ylabel("row")
for ax in (axes[0], *axes[2:]):
    ax.axhline(1.5, color="black", linewidth=0.8)
    ax.axvline(1.5, color="black", linewidth=0.8)
plt.show()

# %% [markdown]
# See where the 4 of the last window went: to the 3, the largest number there, and to nobody else.
# In both pictures each window holds as much as its output was given, so all four hold 10 together.
# The derivations, with the code under each equation:

# %%
bp.explain(bp.MaxPool)

# %%
bp.explain(bp.AvgPool)

# %% [markdown]
# The maximum of a thousand numbers has a derivative that is mostly zeros. That is not a defect: an
# input that did not win had no influence, and nothing to learn from.
#
# ### Exercise 1: the mean in one line
#
# Write `dx` of `AvgPool(2)` for any delta of one channel, without a loop. NumPy's `repeat`, or
# `np.kron`, may help.

# %%
dx_of = ...  # a function of a matrix: lambda delta: ...

# Check
if dx_of is not ...:
    some = np.random.default_rng(0).standard_normal((3, 2))
    _, cache = mean.forward(np.zeros((1, 6, 4, 1)))
    truth = mean.backward(some.reshape(1, 3, 2, 1), cache)[0][0, ..., 0]
    found = dx_of(some)
    assert np.shape(found) == (6, 4), f"As large as the image, (6, 4); yours is {np.shape(found)}."
    assert not np.allclose(found, 4 * truth), "Each of the four gets a quarter, not all."
    assert not np.allclose(found, np.tile(some, (2, 2)) / 4), (
        "That sets copies of delta side by side. Each number has to become a block of its own."
    )
    assert np.allclose(found, truth), "A block of 2x2 for each delta, with a quarter in each place."
    print(dx_of(np.array([[1.0, 2], [3, 4]])))

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# dx_of = lambda delta: np.kron(delta, np.ones((2, 2))) / 4
# ```
#
# Or `delta.repeat(2, axis=0).repeat(2, axis=1) / 4`. Zhang's report calls this step *upsampling*.
# It only works where windows lie side by side and tile the image.
# </details>

# %% [markdown]
# ## A Dense whose weights the image chooses
#
# Here is another way to see it, which is Mao's. The largest of some numbers is a weighted sum of
# them: weight 1 for the winner, 0 for all others. So for *this* image, max pooling is a matrix.
# There is a row for each output and a column for each of the 16 pixels:

# %%
M = routing(largest, image)[0]
print(M.astype(int))
print("M times the image:", M @ X.ravel())
print("delta times M:\n", (delta.ravel() @ M).reshape(4, 4))

# %% [markdown]
# The last line is `dx`, by the equation of `Dense`. This is the chapter of
# `backprop.classics.pooling_matrix`:

# %%
bp.explain(pooling_matrix)

# %% [markdown]
# Such matrices for an image of 6x6 random numbers. Above, windows lie side by side: no column holds
# more than one weight. Below they overlap: a pixel may win several windows, and then its column
# holds several ones. A row always sums to 1, except where padding takes its share.

# %%
pooling_matrix.draw()

# %% [markdown]
# ## Ties
#
# If two pixels of a window are equal and largest, there is no derivative: raise one of them and the
# output rises, lower it and nothing happens, since the other one still holds. The two slopes can be
# measured:

# %%
tied = np.array([[5.0, 5], [1, 0]]).reshape(1, 2, 2, 1)
h = 1e-6
for name, (r, c) in {"first 5": (0, 0), "second 5": (0, 1), "the 1": (1, 0)}.items():
    step = np.zeros_like(tied)
    step[0, r, c, 0] = h
    up = (largest.predict(tied + step) - largest.predict(tied)).item() / h
    down = (largest.predict(tied) - largest.predict(tied - step)).item() / h
    print(f"{name:9} slope upwards {up:.3f}, downwards {down:.3f}")

y, cache = largest.forward(tied)
print("dx", largest.backward(np.ones_like(y), cache)[0].ravel())

# %% [markdown]
# By convention the first one wins. Is that fair? It does not matter; what matters is that *one*
# wins. Each row of $M$ then sums to 1, and a delta is handed down once. Some handwritten poolings
# compare `x == y` and give the delta to whoever is equal.
#
# ### Exercise 2: blank paper
#
# On an image of 4x4 equal pixels, let $L$ be the sum of the four outputs of `MaxPool(2)`, so that
# all deltas are 1. Now *all* pixels get brighter together, by the same small amount. How fast does
# $L$ grow with it? And what would the entries of `dx` sum to, if every tied winner were handed the
# whole delta?

# %%
answer = ...  # a pair: the slope of L, the sum of that dx

# Check
if answer is not ...:
    blank = np.full((1, 4, 4, 1), 0.5)
    slope = (largest.predict(blank + h).sum() - largest.predict(blank - h).sum()) / (2 * h)
    y = largest.predict(blank)
    equal = (largest.window.windows(blank) == y[:, :, :, None, None]).sum()
    assert not np.isclose(answer[0], equal), (
        "Too fast. An output is one of its four pixels, not their sum: it rises as they do."
    )
    assert not np.isclose(answer[0], slope / 4), "There are four windows, and L is their sum."
    assert np.isclose(answer[0], slope), f"The measured slope is {slope:.6f}."
    assert answer[1] != answer[0], "In each window, four pixels are equal to the largest number."
    assert answer[1] == equal, (
        "Four windows, four tied pixels in each, a delta of 1 for each pixel."
    )
    _, cache = largest.forward(blank)
    dx, _ = largest.backward(np.ones_like(y), cache)
    print(f"The slope is {slope:.3f}, and dx of MaxPool sums to {dx.sum():g}: once for each delta.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (4, 16)
# ```
#
# Each output rises by 1 for every 1 by which its pixels rise, so four of them by 4. A gradient that
# sums to 16 promises four times as much. In the direction "all together" there is no kink: the
# slope exists, and it is 4. So this is no matter of convention, it is wrong.
# </details>

# %% [markdown]
# Are ties rare? Not on drawings. In the digits, paper is exactly 0. Here is one with the deltas of
# ones that come back from both poolings. On the paper the winner is the first place of each window;
# along the strokes it is the darkest pixel.

# %%
data = bp.load_data("digits")
digit = data.x_test[data.y_test == 3][:1].astype(np.float64)

fig, axes = plt.subplots(1, 3, figsize=(7.5, 2.6), layout="constrained")
axes[0].imshow(digit[0, ..., 0], cmap="gray_r")
for ax, pool in zip(axes[1:], (bp.MaxPool(2), bp.AvgPool(2)), strict=True):
    y, cache = pool.forward(digit)
    dx, _ = pool.backward(np.ones_like(y), cache)
    drawn = ax.imshow(dx[0, ..., 0], cmap="Oranges", vmin=0, vmax=1)
    ax.set_title(f"dx of {pool!r}", fontsize=10)
for ax in axes:
    for edge in (1.5, 3.5, 5.5):
        ax.axhline(edge, color="black", linewidth=0.5)
        ax.axvline(edge, color="black", linewidth=0.5)
    ax.set(xlabel="column", ylabel="row")
fig.colorbar(drawn, label="dx")
plt.show()

# %% [markdown]
# A gradient check has to know about ties, or it would call a right layer wrong. This one tells both
# slopes, and judges only whether the gradient lies between them:

# %%
bp.gradcheck(bp.MaxPool(2), digit)

# %% [markdown]
# ## Overlap
#
# With a stride below the size, windows overlap, and a pixel may belong to several. Then it gets a
# delta from each. In this image the 9 wins all four windows of `MaxPool(2, stride=1)`:

# %%
peak = np.array([[1.0, 2, 3], [4, 9, 5], [6, 7, 8]]).reshape(1, 3, 3, 1)
sliding = bp.MaxPool(2, stride=1)
y, cache = sliding.forward(peak)
print(y[0, ..., 0])
print(sliding.backward(delta, cache)[0][0, ..., 0])

# %% [markdown]
# $1 + 2 + 3 + 4 = 10$. This is why the derivations say $\mathrel{+}=$. It is easily got wrong,
# since for windows side by side it makes no difference. Here is a pooling that *assigns*:


# %%
class Assigning(bp.MaxPool):
    def backward(self, delta, cache, /):
        winner, shape = cache
        dx = np.zeros(shape, delta.dtype)
        for k, dx_k in enumerate(self.window.views(dx, *shape[1:3])):
            wins = winner == k
            dx_k[wins] = delta[wins]  # what was there before is gone
        return dx, {}


print(Assigning(2, stride=1).backward(delta, cache)[0][0, ..., 0])

# %% [markdown]
# One delta has survived, three are lost. Below is a larger image, with windows of 3x3 and a delta
# of 1 at every output. In the middle is the right `dx`: how many windows each pixel has won. On the
# right is what the mistake has lost: all but one, wherever windows overlap *and* agree on their
# winner.

# %%
noise = np.random.default_rng(0).standard_normal((1, 7, 7, 1))
right, wrong = bp.MaxPool(3, stride=1), Assigning(3, stride=1)
y, cache = right.forward(noise)
dx = right.backward(np.ones_like(y), cache)[0][0, ..., 0]
lost = dx - wrong.backward(np.ones_like(y), cache)[0][0, ..., 0]

fig, axes = plt.subplots(1, 3, figsize=(8.5, 2.9), layout="constrained")
axes[0].imshow(noise[0, ..., 0], cmap="Greys")
axes[0].set_title("image: dark is large", fontsize=10)
numbered(axes[1], dx, "dx: windows won by each pixel")
numbered(axes[2], lost, "deltas lost by assignment")
for ax in axes:
    ax.set(xlabel="column", ylabel="row")
plt.show()

# %% [markdown]
# The check passes it with windows side by side, as it should: there the two are the same function.
# With overlap it finds the mistake and knows its name.

# %%
print("side by side:", bool(bp.gradcheck(Assigning(2), noise[:, :6, :6])))
bp.gradcheck(wrong, noise)

# %% [markdown]
# ### Exercise 3: how many at most?
#
# A pixel brighter than all others wins every window that sees it. How many are that at most, for
# `MaxPool(3, stride=2)` on a large image?

# %%
answer = ...

# Check
if answer is not ...:
    pool, best = bp.MaxPool(3, stride=2), 0
    for r, c in np.ndindex(9, 9):
        lone = np.zeros((1, 9, 9, 1))
        lone[0, r, c] = 1
        best = max(best, int(routing(pool, lone)[0][:, 9 * r + c].sum()))
    assert answer != 9, "With stride 1 it would be: a window for each of its places."
    assert answer != 1, "That is for windows side by side. With stride 2 they overlap by one pixel."
    assert answer != 2, "Along one axis. An image has two."
    assert answer == best, f"Try every place for the bright pixel: {best} is the most."
    print(f"{best}: such a pixel is the corner that four windows share.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 4
# ```
#
# Along an axis windows begin at 0, 2, 4, ... and are 3 long, so an even place is seen by two of
# them and an odd one by one: $\lceil 3/2 \rceil = 2$. Two axes make $2 \cdot 2$.
# </details>

# %% [markdown]
# ## Padding
#
# The frame around an image is zeros for a convolution. For a maximum that would be a mistake: of
# negative numbers the zero of the frame would win, and take the delta with it, out of the picture.
# So `MaxPool` pads with $-\infty$, which never wins. For an average, one has to say whether the
# frame counts as pixels that are 0, or not at all:

# %%
minus = -np.ones((1, 3, 3, 1))
framed = np.pad(minus, ((0, 0), (1, 1), (1, 1), (0, 0)))
print("a frame of zeros     ", bp.MaxPool(3, stride=2).predict(framed).ravel())
print("MaxPool, padding 1   ", bp.MaxPool(3, stride=2, padding=1).predict(minus).ravel())
print()
for counted in (True, False):
    pool = bp.AvgPool(3, stride=2, padding=1, count_include_pad=counted)
    y, cache = pool.forward(minus)
    dx, _ = pool.backward(np.ones_like(y), cache)
    print(f"frame counted: {counted!s:5}  y {y.ravel()}, dx sums to {dx.sum():.6f}")

# %% [markdown]
# Each window here lies over four pixels and five places of the frame. If the frame counts, it takes
# 5/9 of each delta with it; if not, all of it reaches the image.
#
# ## Everything at once
#
# Some networks end in a pooling whose window is the whole image. Then `Dense` sees one number for
# each channel, and images of any size will do. Its way back is the shortest of all:

# %%
bp.explain(bp.GlobalAvgPool).only(1, 2)

# %% [markdown]
# ## Where to go on
#
# [9 · Zhang's CNN](09_zhang.ipynb) has two poolings by averages and follows every delta through
# them. [10 · Train on real handwriting](10_train_digits.ipynb) pools by maxima and meets ties on
# the way. [6 · Is this derivative right?](06_gradient_checking.ipynb) has another pooling to be
# mended, and tells how *undefined here* is found. [7 · Convolution](07_convolution.ipynb) has the
# windows with weights.
