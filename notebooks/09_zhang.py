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
# # 9 · Zhang's CNN
#
# After this notebook you can
#
# * follow every delta of a whole convolutional network, from the error to the first kernel;
# * read a report's equations beside the layers that carry them out, and see that both get the same
#   numbers;
# * say why its kernels are turned in some equations and not in others;
# * see why a network of logistic units learns nothing for a while, and then all at once.
#
# Change the image, the rate, the number of epochs.

# %%
import copy
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop import plots
from backprop.classics import zhang
from backprop.models import zhang as model

np.set_printoptions(precision=6, suppress=True)
told = bp.explain(zhang)


def chapter(start, end):
    """Return the chapter on Zhang's report, from one word to another."""
    text = "".join(part.source for part in told.parts)
    return Markdown(text[text.index(start) : text.index(end)])


# %% [markdown]
# ## The network
#
# In 2016 Zhifei Zhang wrote a report that takes one small network, for the handwritten digits of
# MNIST, and derives each delta in it by hand. This is how the chapter of
# `backprop.classics.zhang` begins:

# %%
chapter("Z. Zhang", "**Forward**")

# %% [markdown]
# The same in layers of this package. `flip=True` makes a convolution in the strict sense, and
# `order="columns"` reads the maps column by column, as MATLAB does, in which Zhang's program is
# written.

# %%
net = model((28, 28, 1), 10).net
net.build((28, 28, 1), rng=0, dtype=np.float64)
print(net.summary())

# %% [markdown]
# ### Exercise 1: count them
#
# The report says how many weights and biases there are. Count them yourself, from the sizes of the
# layers: 6 kernels of 5x5 on one image, 12 kernels of 5x5 on all six maps, and 10 units on 192
# numbers.

# %%
answer = ...  # a sum of products

# Check
if answer is not ...:
    assert answer != net.param_count - 28, "Each kernel and each unit has a bias, too."
    assert answer != net.param_count - 5 * 25 * 12, (
        "A kernel of the second layer reads all six maps, with 25 weights for each of them."
    )
    assert answer == net.param_count, "(25 + 1) 6 for the first layer. Go on in the same way."
    print(f"{answer:,} parameters, of which {192 * 10:,} stand in the last matrix.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (25 + 1) * 6 + (25 * 6 + 1) * 12 + (192 + 1) * 10
# ```
#
# The report prints 3 898.
# </details>

# %% [markdown]
# ## The way there, twice
#
# `zhang.forward` computes in the report's own terms, one map at a time, with SciPy's convolution.
# The layers compute with windows and matrices. For an image and weights that are no matter of
# chance (each tensor is a line from a lower to an upper bound), here are both: the report's
# equation, those of the layers, and how far the numbers are apart at most.

# %%
net = zhang.network()
image, target = zhang.IMAGE, np.eye(10)[zhang.CLASS]

params = zhang.terms(net.params)
his = zhang.forward(params, image[0, ..., 0])
his_deltas, his_grads = zhang.backward(params, his, target[0])

values, caches = net.values(image)
loss, cache = zhang.LOSS.forward(values[-1], target)
deltas = net.deltas(zhang.LOSS.backward(cache), caches)
grads = zhang.terms(net.grads(zhang.LOSS.backward(cache), caches))


# %%
def beside(*rows):
    """Show rows of (symbol, the report's equations, (class, equations) ..., his, ours)."""
    lines = ["| | the report | the layers | apart |", "|:--|:--|:--|--:|"]
    for symbol, numbers, parts, one, other in rows:
        report = "<br>".join(f"({n}) ${told.equations[n].tex}$" for n in numbers)
        layers = "<br>".join(
            f"{kind.__name__} ({n}) ${bp.explain(kind).equations[n].tex}$"
            for kind, numbers in parts
            for n in numbers
        )
        other = other[0].transpose(2, 0, 1) if other.ndim == 4 and one.ndim == 3 else other
        apart = abs(one - np.reshape(other, one.shape)).max()
        lines.append(f"| ${symbol}$ | {report} | {layers} | {apart:.0e} |")
    return Markdown("\n".join(lines))


# %%
half, conv, sigmoid, pool = bp.HalfSquaredError, bp.Conv2D, bp.Sigmoid, bp.AvgPool
flat, dense = bp.Flatten, bp.Dense
beside(
    ("C^1", [1], [(conv, [1, 2]), (sigmoid, [1])], his["C1"], values[2]),
    ("S^1", [2], [(pool, [1])], his["S1"], values[3]),
    ("C^2", [3], [(conv, [1, 2]), (sigmoid, [1])], his["C2"], values[5]),
    ("S^2", [4], [(pool, [1])], his["S2"], values[6]),
    ("f", [5], [(flat, [1])], his["f"], values[7]),
    (r"\hat y", [6], [(dense, [1]), (sigmoid, [1])], his["y"], values[9]),
)

# %% [markdown]
# The same numbers, to rounding: $10^{-16}$ is the last digit of a float64.
#
# ## The way back, twice
#
# The report goes in eight steps. Read it from top to bottom with a finger on the summary of the
# network, and a look at the middle column: nothing occurs there that has not occurred in a layer.

# %%
beside(
    (r"\delta_y", [7], [(half, [1, 4]), (sigmoid, [2])], his_deltas["y"], deltas[8]),
    ("dW", [8], [(dense, [2])], his_grads["W"], grads["W"]),
    ("db", [9], [(dense, [3])], his_grads["b"], grads["b"]),
    ("df", [10], [(dense, [4])], his_deltas["f"], deltas[7]),
    ("dS^2", [11], [(flat, [2])], his_deltas["S2"], deltas[6]),
    (r"\delta_{C^2}", [12, 13], [(pool, [2, 3]), (sigmoid, [2])], his_deltas["C2"], deltas[4]),
    ("dk^2", [14], [(conv, [3])], his_grads["k2"], grads["k2"]),
    ("db^2", [15], [(conv, [4])], his_grads["b2"], grads["b2"]),
    ("dS^1", [16], [(conv, [5, 6])], his_deltas["S1"], deltas[3]),
    (r"\delta_{C^1}", [17, 18], [(pool, [2, 3]), (sigmoid, [2])], his_deltas["C1"], deltas[1]),
    ("dk^1", [19], [(conv, [3])], his_grads["k1"], grads["k1"]),
    ("db^1", [20], [(conv, [4])], his_grads["b1"], grads["b1"]),
)

# %% [markdown]
# One number by hand. The seventh output says 0.794 where 0 was wanted. Its delta, by (7):

# %%
y = his["y"][6]
print(f"y      = {y:.6f}")
print(f"delta  = ({y:.6f} - 0) * {y:.6f} * {1 - y:.6f} = {y * y * (1 - y):.6f}")
print(f"layers   {deltas[8][0, 6]:.6f}")

# %% [markdown]
# ## Which one is turned?
#
# The report has $\operatorname{rot}_{180}$ in (14), (16) and (19), and none in (1) and (3). In the
# equations of the layers there is none at all. The reason, in index form, is in the same chapter;
# above it are two of the report's equations, with the lines that carry them out.

# %%
told.only(14, 16)

# %%
chapter("**Derivation.**", "**Published")

# %% [markdown]
# In short: the sign $\ast$ turns its second factor *by definition*. In (16) the two turns cancel,
# and what is left is a cross-correlation with the kernel as it is. In (14) the turned map and the
# sign cancel likewise. `Conv2D` turns its kernel once, at the beginning, and its gradient back once
# at the end. [7 · Convolution](07_convolution.ipynb) tells where the turn comes from.
#
# ### Exercise 2: the same network without a turn
#
# Most libraries compute the cross-correlation, `flip=False`. Somebody wants to load the weights of
# Zhang's network into such a layer, so that it computes the same. What does `kernel` have to be?
# `W` has the shape (5, 5, 1, 6): row, column, input map, output map.

# %%
W = net[0].W
kernel = ...  # made of W

# Check
if kernel is not ...:
    assert np.shape(kernel) == W.shape, f"The shape is {W.shape}; yours is {np.shape(kernel)}."
    plain = bp.Conv2D(6, 5, init=bp.Given(kernel))
    plain.build((28, 28, 1), dtype=np.float64)
    apart = abs(plain.predict(image) - net[0].predict(image)).max()
    assert not np.allclose(kernel, W), f"That computes something else: it is off by {apart:.3f}."
    for mirrored in (W[::-1], W[:, ::-1]):
        assert not np.allclose(kernel, mirrored), (
            "A mirror image. A turn by 180 degrees reverses rows and columns."
        )
    assert not np.allclose(kernel, W[::-1, ::-1, :, ::-1]), (
        "Turn each kernel, but keep their order."
    )
    assert apart < 1e-12, f"It is off by {apart:.3f}. Reverse the first two axes."
    print(f"The outputs are {apart:.0e} apart.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# kernel = W[::-1, ::-1]
# ```
#
# So for learning it is all the same which of the two a library computes: the kernel that is learned
# is the other one's, turned. It matters when weights are moved, and when formulas are copied.
# </details>

# %% [markdown]
# ## Column by column
#
# Between the second pooling and the full connection the report reads each map column by column. For
# learning that is all the same, too; for weights that come from MATLAB it is not. On the way back
# every number has to find its old place, (11):

# %%
two_maps = np.array([[[1, 10], [2, 20]], [[3, 30], [4, 40]]], float)[np.newaxis]
print("first map\n", two_maps[0, ..., 0])
for order in ("C", "columns"):
    layer = bp.Flatten(order)
    row, cache = layer.forward(two_maps)
    print(f"{order:8}", row[0], " and back:", layer.backward(row, cache)[0][0, ..., 0].tolist())

# %% [markdown]
# ## Is it right? Ask
#
# Two independent programs agree, but they could share a mistake of the derivation. A measured
# slope knows nothing of it. Two images, and a sample of the entries of each tensor:

# %%
two = np.concatenate([image, 1 - image])
bp.gradcheck(net, two, loss=bp.HalfSquaredError(), target=np.array([3, 7]), entries=60)

# %% [markdown]
# ### Exercise 3: the forgotten quarter
#
# Equations (12) and (17) divide by 4. Somebody forgets both quarters. By which factors are the
# gradients of $k^1$, of $k^2$ and of $W$ too large?

# %%
answer = ...  # three factors: of dk1, of dk2, of dW

# Check
if answer is not ...:

    class Forgetful(bp.AvgPool):
        def backward(self, delta, cache, /):
            return 4 * super().backward(delta, cache)[0], {}

    twin = copy.deepcopy(net)
    for number in (2, 5):
        twin.steps[number] = (Forgetful(2), twin.steps[number][1])
    _, of_twin = zhang.layers_gradients(twin, image, target)
    _, of_net = zhang.layers_gradients(net, image, target)
    truth = [np.linalg.norm(of_twin[k]) / np.linalg.norm(of_net[k]) for k in ("0.W", "3.W", "7.W")]
    found = [float(each) for each in answer]
    assert len(found) == 3, "Three numbers."
    assert not np.allclose(found[::-1], truth), "In the order of the question: k1 lies lowest."
    assert np.isclose(found[2], truth[2]), "W lies above both poolings. Does its delta pass one?"
    assert np.isclose(found[1], truth[1]), "The delta of the second kernels has passed one pooling."
    assert np.isclose(found[0], truth[0]), (
        "The delta of the first kernels has passed two: multiply."
    )
    print("measured:", np.round(truth, 6))

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = (16, 4, 1)
# ```
#
# All directions are right and only the lengths are wrong, layer by layer. Such a network learns,
# and nobody notices. The gradient check does.
# </details>

# %% [markdown]
# ## It learns
#
# The report trains on the 60 000 images of MNIST, with rate 1 and batches of 50. It tells an error
# of about 11 % on the test images after one epoch, and of about 1.2 % after a hundred. **That is
# not what is shown here.** MNIST is not in this package. Here are 1,438 other digits, of 8x8
# pixels, enlarged to 28x28; and as an epoch of them has few updates, the batches are of 5. So the
# figures below say nothing about the report's, and are no comparison with them. (With MNIST on the
# disk, `backprop classics run zhang --mnist FOLDER` puts the two side by side.)

# %%
data = zhang.enlarged(bp.load_data("digits"))
made = model((28, 28, 1), 10)
net = made.net
net.build((28, 28, 1), rng=0)

watched = bp.DeltaNorms((data.x_train[:50], data.y_train[:50]), loss=made.loss, every=20)
history = bp.fit(
    net,
    data.train,
    epochs=6,
    batch_size=5,
    loss=made.loss,
    optimizer=made.optimizer,
    seed=0,
    watch=[watched],
    progress=False,
)

# %%
for epoch, loss in zip(history.epoch, history.loss, strict=True):
    print(f"epoch {epoch}: loss {loss:.4f}")
found = bp.evaluate(net, data.test, loss=made.loss)
print(f"test accuracy {found.accuracy:.4f}, on {len(data.y_test)} images")

# %% [markdown]
# In the first epoch, next to nothing happens. The loss is near 0.45, and a pocket calculator knows
# why: if every output says 0.1, whatever the image, it is $(0.9^2 + 9 \cdot 0.1^2)/2 = 0.45$. The
# network has learned how frequent the classes are, which takes ten biases, and nothing else. Why
# does it stay there? Look at the deltas. These are their norms after each layer, over the updates:

# %%
watched.plot()

# %% [markdown]
# From the last layer to the first, delta shrinks on the whole, though weights can make it larger
# again, as from 7 to 6. Every logistic unit multiplies it by $y\,(1 - y)$, which is at most a
# quarter (and 0.09 where $y = 0.1$). Every pooling divides it by four and hands it to four, which
# halves the norm. At the first kernels little is left, so they begin slowly. Then they begin to be
# of use, the deltas grow with the weights above, and all goes fast. What the last layer loses,
# another loss would save: see [4 · Losses and softmax](04_losses.ipynb). What is lost on the way
# down is the subject of [13 · Vanishing and exploding gradients](13_vanishing.ipynb).
#
# ## Kernels, maps, and their deltas
#
# One test image on its way through what was learned, and the deltas on their way back. The maps are
# grey: white is near 1. Kernels and deltas are red above zero and blue below.

# %%
zhang.draw(net)

# %% [markdown]
# The maps $C^1$ are the digit, seen by six kernels. $C^2$ is coarser and tells less to the eye. The
# deltas have blocks of 2x2 equal numbers before they meet the slopes $C (1 - C)$: that is the
# upsampling of (12) and (17). Red says: if this unit had given more, the loss were larger.
#
# The delta goes on to the image itself. The report stops at the first kernels, since nobody trains
# pixels; but it can be asked what the loss would like to see changed:

# %%
plots.input_gradient(net, data.x_test[:6], data.y_test[:6], made.loss)

# %% [markdown]
# ## What is published, what is not
#
# * **The report's**: the architecture; the derivation (its equations are numbered here from 1 to
#   20); the count of 3 898 parameters; the bounds of the initial weights; the errors on MNIST.
# * **Not the report's**: the fixed image and weights of the two tables, and their numbers, which
#   were computed independently with another program; the layers; the training on the digits that
#   are shipped with this package.

# %%
table = ["| quantity | the report | here |", "|:--|--:|--:|"]
table.append(f"| parameters | 3 898 | {net.param_count:,} |")
table.append("| error on MNIST, 1 epoch | about 11 % | not run here |")
table.append("| error on MNIST, 100 epochs | about 1.2 % | not run here |")
table.append(f"| error on the shipped digits | - | {1 - found.accuracy:.1%} |")
Markdown("\n".join(table))

# %% [markdown]
# ## Where to go on
#
# [10 · Train on real handwriting](10_train_digits.ipynb) does the same task with rectifiers, maxima
# and a softmax. [13 · Vanishing and exploding gradients](13_vanishing.ipynb) follows the shrinking
# delta. [7 · Convolution](07_convolution.ipynb) and [8 · Pooling](08_pooling.ipynb) are its layers,
# one by one.
