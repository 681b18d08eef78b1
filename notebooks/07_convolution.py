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
# # 7 · Convolution
#
# After this notebook you can
#
# * make a convolution out of a `Dense`, by cutting connections and sharing weights, and write it as
#   a matrix;
# * get both of its gradients from those of `Dense`, without a new idea;
# * say when the kernel has to be rotated, and when not, and why;
# * compute output sizes, and tell which pixels a stride leaves out.
#
# Change the image, the kernel, the delta, the stride.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.signal import convolve

import backprop as bp
from backprop import plots
from backprop.classics import convolution_matrix, gwardys
from backprop.classics.convolution_matrix import convolution, shared, toeplitz
from backprop.layers import windows
from backprop.plots.picture import SIGNED

np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## A window slides over an image
#
# Lay a small *kernel* on the image, multiply what lies on each other, add up, and write the sum
# down. Shift by one pixel, and so on. With 3x3 pixels and a kernel of 2x2 there are four places to
# lie:

# %%
A = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
K = np.array([[1.0, 2], [3, 4]])

layer = convolution(K.reshape(2, 2, 1, 1), (3, 3, 1))  # a Conv2D that has this kernel
x = A.reshape(1, 3, 3, 1)
y, cache = layer.forward(x)
print(y[0, ..., 0])
print("the first by hand:", 1 * 1 + 2 * 2 + 3 * 4 + 4 * 5)

# %% [markdown]
# Here is what that does to a digit. Each of these kernels subtracts what is on one side of a pixel
# from what is on the other; the maps show where the ink begins (orange) and ends (blue).

# %%
digits = bp.load_data("digits")
image = digits.x_test[digits.y_test == 0][:1].astype(float)
edge = np.array([[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]]) / 3
kernels = np.stack([edge, edge.T], axis=-1)[:, :, np.newaxis]
maps = convolution(kernels, (8, 8, 1), padding=1).predict(image)[0]

fig, axes = plt.subplots(1, 3, figsize=(7, 2.4), layout="constrained")
axes[0].imshow(image[0, ..., 0], cmap="gray_r")
for ax, one, title in zip(axes[1:], maps.transpose(2, 0, 1), ("to the right", "down"), strict=True):
    drawn = ax.imshow(one, cmap=SIGNED, vmin=-1, vmax=1)
    ax.set_title(f"more ink {title}", fontsize=10)
for ax in axes:
    ax.set(xlabel="column", ylabel="row")
fig.colorbar(drawn, label="y")
plt.show()

# %% [markdown]
# ## Cut connections, shared weights
#
# One can get there from a layer that one knows already. In a `Dense` every output sees every pixel,
# each with a weight of its own. **Cut** all connections but those to the pixels of a window. Then
# let the windows **share** their weights: what an output does, does not depend on where it is. This
# is the picture of G. Gwardys's post (2016), for 4x4 pixels and nine outputs. A row belongs to an
# output, a column to a pixel, a colour to a weight.

# %%
gwardys.draw()

# %% [markdown]
# So a convolution is a `Dense` with a very special matrix. For our image of nine pixels and four
# outputs it is this one. Each row is the kernel, 1 2 / 3 4, spread over the pixels that one output
# sees:

# %%
T = toeplitz(layer, (3, 3, 1))
print(T.astype(int))
print("T times the image, in a row:", T @ A.ravel())

# %% [markdown]
# V. Dumoulin and F. Visin print such a matrix in *A guide to convolution arithmetic for deep
# learning* (2016), for a kernel of 3x3 on an image of 4x4, as which entry of the kernel stands
# where. Here is ours; a dot is a connection that was cut. It is the same.

# %%
S = shared(convolution(np.zeros((3, 3, 1, 1)), (4, 4, 1)), (4, 4, 1))
ours = "\n".join(" ".join("." if e < 0 else str(e) for e in row) for row in S)
assert ours == convolution_matrix.PRINTED.strip()
print(ours)

# %% [markdown]
# ## The way back is that of Dense
#
# With the matrix there is nothing left to derive. A connection that was cut has no gradient, and a
# weight that stands in many places gets the sum of theirs. This is the chapter of
# `backprop.classics.convolution_matrix`:

# %%
bp.explain(convolution_matrix)

# %% [markdown]
# In numbers. Let this delta arrive at the four outputs. A plain `Dense` with $T^\top$ for its
# weights does both equations.

# %%
D = np.array([[1.0, -1], [2, 0.5]])

dense = bp.Dense(4, bias=False, init=bp.Given(T.T))
dense.build((9,), dtype=np.float64)
_, cache_dense = dense.forward(A.reshape(1, 9))
dA, grads = dense.backward(D.reshape(1, 4), cache_dense)
dT = grads["W"].T
print(dA.reshape(3, 3))

# %% [markdown]
# That is `dx` already. And this is $dT$: each number is an output's delta times a pixel. A coloured
# field is a place where a weight of the kernel stands, a colour for each of the four. Grey fields
# are connections that were cut; their numbers are thrown away.

# %%
S = shared(layer, (3, 3, 1))
fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
drawn = ax.imshow(np.ma.masked_less(S, 0), cmap="Set2", vmin=-0.5, vmax=7.5)
ax.set_facecolor("0.93")
for (r, c), number in np.ndenumerate(dT):
    color = "black" if S[r, c] >= 0 else "0.7"
    ax.text(c, r, f"{number:g}", ha="center", va="center", color=color)
ax.set(xlabel="pixel", ylabel="output", xticks=range(9), yticks=range(4), title="$dT$")
bar = fig.colorbar(drawn, ticks=range(4), boundaries=np.arange(-0.5, 4))
bar.set_label("entry of the kernel")
plt.show()

# %% [markdown]
# All numbers on one colour, added up, are the gradient of that entry. For entry 0:
# $1 - 2 + 8 + 2.5 = 9.5$. `Conv2D` finds the same, without the matrix:

# %%
dx, grads = layer.backward(D.reshape(y.shape), cache)
for e in range(4):
    print(f"entry {e}: {dT[e == S]}, sum {dT[e == S].sum():g}; Conv2D {grads['W'].ravel()[e]:g}")
print(dx[0, ..., 0])

# %% [markdown]
# Look at which pixels meet the deltas $1, -1, 2, 0.5$ in entry 0: they are 1, 2, 4, 5, the upper
# left square of the image. For entry 1 the square lies one column further right. So $dW$ is again a
# window that slides over the image, and its kernel is *delta*: the gradient of a cross-correlation
# is the cross-correlation of the image with delta.
#
# ### Exercise 1: by hand
#
# Let the delta be `D` as above, but the image be `B`. What is the gradient of the entry in row 0,
# column 1 of the kernel?

# %%
B = np.array([[2.0, 1, 0], [0, 3, 1], [1, 1, 4]])
answer = ...  # a number

# Check
if answer is not ...:
    found = layer.grads(D.reshape(1, 2, 2, 1), B.reshape(1, 3, 3, 1))["W"][..., 0, 0]
    assert not np.isclose(answer, found[1, 0]), (
        "That is the entry in row 1, column 0: move the square to the right, not down."
    )
    assert not np.isclose(answer, (D[::-1, ::-1] * B[:2, 1:]).sum()), (
        "The right square, but you have turned delta. This layer lays things on each other as they"
        " are."
    )
    assert not np.isclose(answer, found[0, 1] / 4), "The sum, not the mean: each use counts fully."
    assert np.isclose(answer, found[0, 1]), (
        "Lay delta on the upper right square of B, multiply what lies on each other, add up."
    )
    print("The whole gradient:", found.tolist())

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 * 1 + 0 * (-1) + 3 * 2 + 1 * 0.5
# ```
#
# Place (0, 1) of the kernel has met the pixels 1, 0, 3, 1: once in each window. Each time it moved
# an output whose delta we know.
# </details>

# %% [markdown]
# ## Where one delta goes, and where the rotation comes from
#
# For the other gradient, look at one output first. It has seen the pixels of its window, each
# through one entry of the kernel. So its delta goes back to that window, times the kernel *as it
# is*. Below the kernel is 1 2 3 / 4 5 6 / 7 8 9, and the image has 6x6 pixels. On the left a single
# delta of 1 comes down at output (0, 0). In the middle there are two: 1 at (1, 1) and 10 at (2, 2).
# Where their windows overlap, the pixels sum: 15 is 5 from the one and 10 from the other.

# %%
nine = convolution(np.arange(1.0, 10).reshape(3, 3, 1, 1), (6, 6, 1))
blank = np.zeros((1, 6, 6, 1))


def back(deltas):
    """Return dx for deltas at some outputs, {(row, column): delta}."""
    delta = np.zeros((1, 4, 4, 1))
    for place, number in deltas.items():
        delta[0][place] = number
    return nine.backward(delta, blank)[0][0, ..., 0]


def numbered(ax, numbers, title):
    """Draw numbers with their values written in."""
    ax.imshow(np.ma.masked_equal(numbers, 0), cmap="Oranges", vmin=0, vmax=2 * numbers.max())
    for (r, c), number in np.ndenumerate(numbers):
        ax.text(c, r, f"{number:g}" if number else "", ha="center", va="center", fontsize=9)
    ax.set_title(title, fontsize=9)
    ax.set(xticks=range(numbers.shape[1]), yticks=range(numbers.shape[0]))


# %%
of_pixel = np.array([[back({(p, q): 1})[3, 2] for q in range(4)] for p in range(4)])

fig, axes = plt.subplots(1, 3, figsize=(8.5, 3.1), layout="constrained")
numbered(axes[0], back({(0, 0): 1}), "dx of one delta")
numbered(axes[1], back({(1, 1): 1, (2, 2): 10}), "dx of two deltas")
numbered(axes[2], of_pixel, "what pixel (3, 2) takes of each delta")
for ax, what in zip(axes, ("pixel", "pixel", "output"), strict=True):
    ax.set(xlabel=f"column of the {what}", ylabel=f"row of the {what}")
plt.show()

# %% [markdown]
# On the right, the same seen from a pixel. Which deltas reach pixel (3, 2), and with what weight?
# The last output that still sees it is (3, 2), whose window *begins* there: it looks through entry
# 1, the first one. The window further up looks through a later row of the kernel. So from the
# pixel's side the kernel stands upside down and back to front: 9 8 7 / 6 5 4 / 3 2 1. Nobody has
# rotated anything. The windows go forwards, and so seen from a fixed pixel the entries go
# backwards.
#
# The same in our small example, for the pixel in the middle, one factor after the other. With the
# target $y - D$ the delta of half the squared error is just $D$. Follow the indices: as that of
# $\delta$ rises, that of the kernel falls.

# %%
net = bp.Network([layer])
net.build((3, 3, 1), dtype=np.float64)
bp.explain(
    net,
    x,
    y - D.reshape(y.shape),
    loss=bp.HalfSquaredError(reduction="sum"),
    of="0.x[0,1,1,0]",
)

# %% [markdown]
# Now the words. A sum in which one index rises as the other falls is a *convolution*, in the strict
# sense of mathematics. One in which both rise is a *cross-correlation*. What the layers of all
# libraries compute on the way there is a cross-correlation. Its way back to the image is a
# convolution, *full*: also where the two overlap only in part. Whoever does the strict convolution
# on the way there gets a cross-correlation on the way back. Gwardys has both, the strict
# convolution in the upper lines:

# %%
bp.explain(gwardys).only(1, 4, 5)

# %% [markdown]
# One sees why textbooks seem to contradict each other about the rotation: they mean different
# forward passes. And one sees the trap: a formula with a rotation beside a forward pass of the
# wrong kind still learns something, and a kernel that is its own rotation hides it from every test.
#
# SciPy's `convolve` is a convolution in the strict sense; so for our layer no rotation is written:

# %%
print(convolve(D, K, "full"))

# %% [markdown]
# ### Exercise 2: the strict one
#
# `Conv2D(..., flip=True)` computes the convolution in the strict sense: its windows meet the
# rotated kernel. Write its `dx` in one line, with SciPy's `convolve(_, _, "full")`.

# %%
dx_of = ...  # a function of delta and K, both matrices: lambda delta, K: ...

# Check
if dx_of is not ...:
    rng = np.random.default_rng(0)
    kernel, delta = rng.standard_normal((2, 3)), rng.standard_normal((4, 5))
    strict = convolution(kernel.reshape(2, 3, 1, 1), (5, 7, 1), flip=True)
    truth = strict.backward(delta.reshape(1, 4, 5, 1), np.zeros((1, 5, 7, 1)))[0][0, ..., 0]
    found = dx_of(delta, kernel)
    assert np.shape(found) == (5, 7), (
        f"dx has to be as large as the image, (5, 7), and yours is {np.shape(found)}: the mode is"
        " full."
    )
    assert not np.allclose(found, convolve(delta, kernel, "full")), (
        "That is for the layer without flip, whose forward pass is a cross-correlation."
    )
    assert not np.allclose(found, convolve(delta, kernel[::-1], "full")), (
        "Only the rows are turned. By 180 degrees means rows and columns."
    )
    assert np.allclose(found, truth), "Delta stays as it is; the kernel is turned by 180 degrees."
    print("For our example:", dx_of(D, K).tolist())

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# dx_of = lambda delta, K: convolve(delta, K[::-1, ::-1], "full")
# ```
#
# `convolve` turns the kernel once more, so what is computed is a cross-correlation with $K$ as it
# is. From our example that makes 4 -1 -3 / 10 7 0.5 / 4 3 0.5.
# </details>

# %% [markdown]
# ## Windows: how it is really computed
#
# Nobody multiplies with a matrix that is mostly zeros, and a loop over pixels is slow in Python.
# Instead one writes the pixels of each window into a row. Then it is a small `Dense` with the
# windows as examples, and all three of its equations can be used as they are:

# %%
X = layer.window.windows(x).reshape(4, 4)
print(X)
print("times the kernel:", X @ K.ravel())
print("delta with it:   ", D.ravel() @ X)

# %% [markdown]
# The last line is $dW$ again. What is new is only how a picture becomes windows, and how the deltas
# of windows become one of a picture. These two are transposes of each other, `windows` and `fold`:

# %%
bp.explain(windows)

# %% [markdown]
# And this is the chapter on `Conv2D`, with as many channels and kernels as you like.

# %%
bp.explain(bp.Conv2D)

# %% [markdown]
# ## Stride, padding, and what is left over
#
# With stride $s$, windows begin at every $s$-th pixel. With padding $P$, the image gets a frame of
# zeros first, $P$ on every side. A window has to fit wholly, so along an axis of length $H$ there
# are
#
# $$ OH = \left\lfloor \frac{H + 2P - K}{s} \right\rfloor + 1 $$
#
# of them. If that division has a remainder, the windows do not *tile* the image, and a few pixels
# at the end are seen by none. How many windows see each pixel? Let each window hand back ones, and
# fold:


# %%
def seen_by(H, **settings):
    """Return how many windows see each pixel of an image of H by H."""
    window = convolution(np.zeros((3, 3, 1, 1)), (H, H, 1), **settings).window
    OH, OW = window.positions(H, H)
    return window.fold(np.ones((1, OH, OW, 3, 3, 1)), H, H)[0, ..., 0]


cases = [{}, {"stride": 2}, {"stride": 2, "padding": 1}, {"dilation": 2}]
fig, axes = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained")
for ax, settings in zip(axes, cases, strict=True):
    words = ", ".join(f"{name} {value}" for name, value in settings.items()) or "stride 1"
    numbered(ax, seen_by(6, **settings), words)
    ax.set(xlabel="column of the pixel")
axes[0].set_ylabel("row of the pixel")
plt.show()

# %% [markdown]
# A pixel in the middle is seen often, one in the corner once: it gets less delta. In the second
# picture the last row and column are white. With stride 2 the windows begin at 0 and 2; the next
# would begin at 4 and stick out. These pixels have no part in the output, so their `dx` is exactly
# zero, and an implementation that returns a `dx` without them has the wrong shape. In the fourth
# the places of a window lie 2 apart, with gaps between.
#
# ### Exercise 3: what is left over?
#
# An image has 29 pixels along an axis, the kernel 5, the stride is 4 and the padding 1 on either
# side. How many windows fit along this axis, and how many *pixels* are seen by none?

# %%
answer = ...  # a pair: windows, pixels

# Check
if answer is not ...:
    window = bp.Conv2D(1, (5, 1), stride=(4, 1), padding=(1, 0)).window
    fits, _ = window.positions(29, 1)
    ones = np.ones((1, fits, 1, 5, 1, 1))
    missed = int((window.fold(ones, 29, 1) == 0).sum())
    assert np.shape(answer) == (2,), "Two numbers: windows, pixels."
    assert answer[0] == fits, f"Not {answer[0]}: (29 + 2 - 5) / 4, rounded down, and one more."
    assert answer[1] != missed + 1, "One of those you count is padding, not a pixel."
    assert answer[1] == missed, "Where does the last window end, counted with the padding?"
    print(f"{fits} windows, and the last {missed} of 29 pixels never matters.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (7, 1)
# ```
#
# $(29 + 2 - 5)/4 = 6.5$, so the last window is number 6 (counted from 0). It covers the places 24
# to 28 of the padded axis 0 to 30. Place 29 is pixel 28, the last one, and place 30 is padding.
# </details>

# %% [markdown]
# ## What one number of a deep layer has seen
#
# Layers of small windows on each other see more and more. The way back shows how much: put a delta
# of 1 at one number, and look where `dx` is not zero. That is its *receptive field*.

# %%
net = bp.Network(
    [bp.Conv2D(4, 3), bp.ReLU(), bp.Conv2D(4, 3, stride=2), bp.ReLU(), bp.Conv2D(1, 3)]
)
plots.receptive_field(net, 5, (1, 2, 0), (16, 16, 1))

# %% [markdown]
# Three kernels of 3x3, and the field has 9x9 pixels: the first adds 2 to a single pixel's width,
# the second 2 more, and the third, which comes after a stride of 2, adds 4. It is darker in the
# middle because more ways lead there. Each of them is a product of weights, as in the listing
# above, and the delta of a pixel is the sum over all ways.
#
# ## Is it right? Ask
#
# Stride, padding, channels and a turned kernel at once, and the windows do not tile:

# %%
rng = np.random.default_rng(0)
bp.gradcheck(bp.Conv2D(3, 3, stride=2, padding=1, flip=True), rng.standard_normal((2, 6, 7, 2)))

# %% [markdown]
# ## Where to go on
#
# [8 · Pooling](08_pooling.ipynb) slides windows that have no weights. [9 · Zhang's
# CNN](09_zhang.ipynb) is a network of strict convolutions, with every delta written out. [10 ·
# Train on real handwriting](10_train_digits.ipynb) lets the kernels find themselves.
