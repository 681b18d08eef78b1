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
# # 10 · Train on real handwriting
#
# After this notebook you can
#
# * train a small convolutional network on digits that people wrote, in a second or two;
# * check its gradients before you trust it, and know what *undefined here* means;
# * see where it errs, what its filters look for, which pixels a unit sees, and what the delta
#   looks like that arrives back at the image.
#
# Change the layers, the rate, the number of epochs.

# %%
import numpy as np

import backprop as bp
from backprop import plots

# %% [markdown]
# ## The data
#
# The package ships 1,797 digits of 8x8 pixels (E. Alpaydin and C. Kaynak, *Optical Recognition of
# Handwritten Digits*, UCI, 1998). Ink is 1, paper is 0.

# %%
data = bp.load_data("digits")
data

# %%
plots.examples(*data.train, data.classes)

# %% [markdown]
# The test images are for the end, once. To look at the progress meanwhile, a part of the training
# images is held out.

# %%
(x, y), held_out = bp.split(*data.train, 0.15, seed=0)
print("training  ", x.shape, x.dtype, "from", x.min(), "to", x.max())
print("held out  ", held_out[0].shape)
print("per class ", np.bincount(y))

# %% [markdown]
# ## The network
#
# Twelve filters of 3x3 pixels, a rectifier, the largest of every 2x2 block, and ten scores.

# %%
net = bp.Network(
    [
        bp.Conv2D(12, 3, padding=1),
        bp.ReLU(),
        bp.MaxPool(2),
        bp.Flatten(),
        bp.Dense(10),
    ]
)
net.build(data.in_shape, rng=0)
print(net.summary())

# %% [markdown]
# The loss makes probabilities of the scores and charges the logarithm of the right one's. This is
# its chapter: the docstring, and under each equation the line that carries it out. The last one is
# worth a look: where the way back begins, everything has cancelled but a difference.

# %%
loss = bp.SoftmaxCrossEntropy()
bp.explain(loss)

# %% [markdown]
# ### Exercise 1: the first loss
#
# A network that knows nothing gives each of the ten classes the same probability. What is its
# loss?

# %%
answer = ...

# Check
if answer is not ...:
    nothing, _ = loss.forward(np.zeros((1, 10)), np.array([3]))
    assert not np.isclose(answer, 0.1), "That is the probability. The loss is minus its logarithm."
    assert not np.isclose(answer, -nothing), "A probability is below 1: mind the sign."
    assert np.isclose(answer, nothing), "The natural logarithm of a probability of one in ten."
    found = bp.evaluate(net, (x, y), loss=loss).loss
    print(f"knowing nothing: {answer:.4f}; this network, still untrained: {found:.4f}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = -np.log(1 / 10)
# ```
#
# If the first loss of a training is far from that, look at how the network was initialised.
# </details>

# %% [markdown]
# ## Are the gradients right?
#
# First the check, then the training. Two images are enough. It runs on a copy, in float64.

# %%
bp.gradcheck(net, x[:2], loss=loss, target=y[:2])

# %% [markdown]
# Right, wherever there is a gradient. Paper is exactly 0 and the biases begin at 0, so in front of
# the rectifier there are zeros: it stands on its kink, with one slope to the left and another to
# the right. On plain paper also all four numbers of a pooling window are the same, and which of
# them is the largest is a convention. Such entries are *undefined here*, which is no mistake; they
# are counted below the table, with both slopes of the first. (The first row's worst entry is one
# of them; its estimate is the slope of the branch that the code takes.) In training they do no
# harm.
#
# To have every entry held to the last digit, move to a point in general position: a little noise
# on the image and on the biases.

# %%
rng = np.random.default_rng(0)
general = net.astype(np.float64)
general[0].b += 0.1 * rng.standard_normal(12)
noisy = x[:2] + 0.1 * rng.standard_normal(x[:2].shape)
bp.gradcheck(general, noisy, loss=loss, target=y[:2])

# %% [markdown]
# ## Train
#
# Twelve times over the training images, in batches of 32. After each epoch loss and accuracy are
# taken on the training images and on those held out. (Without `progress=False` it tells so while
# it runs.)

# %%
history = bp.fit(
    net,
    (x, y),
    epochs=12,
    batch_size=32,
    validation=held_out,
    loss=loss,
    optimizer=bp.Adam(1e-2),
    seed=0,
    progress=False,
)
for n in (0, 1, 3, 7, 11):
    print(f"epoch {history.epoch[n]:2}: loss {history.loss[n]:.4f}", end=", ")
    print(f"accuracy {history.accuracy[n]:.4f}, held out {history.val_accuracy[n]:.4f}")

# %%
history.plot()

# %% [markdown]
# ## Test
#
# Now the test images, which nothing has looked at so far.

# %%
found = bp.evaluate(net, data.test, loss=loss)
print(f"test loss {found.loss:.4f}, test accuracy {found.accuracy:.4f}")
plots.confusion_matrix(found, data.classes)

# %%
images, labels = data.test
plots.wrong_predictions(
    images, labels, found.predictions, data.classes, outputs=net.predict(images), most=10
)

# %% [markdown]
# ### Exercise 2: which digit is hardest?
#
# `found.confusion` counts, with a row for each true class and a column for each answer. Compute
# for each digit the share of its images that was recognised.

# %%
recognised = ...  # an array of ten numbers

# Check
if recognised is not ...:
    counts = found.confusion
    assert np.shape(recognised) == (10,), "One number for each digit."
    assert not np.allclose(recognised, counts.diagonal() / counts.sum(axis=0)), (
        "That is how often an answer was right, of those that named the digit. A class is a row."
    )
    assert not np.allclose(recognised, counts.diagonal() / counts.sum()), (
        "Divide by the images of that digit, not by all."
    )
    assert np.allclose(recognised, counts.diagonal() / counts.sum(axis=1)), (
        "Right answers lie on the diagonal: counts.diagonal()."
    )
    hardest = data.classes[np.argmin(recognised)]
    print(f"The hardest digit is {hardest}: {min(recognised):.3f} of its images are recognised.")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# recognised = found.confusion.diagonal() / found.confusion.sum(axis=1)
# ```
# </details>

# %% [markdown]
# ## What it has learned
#
# Each filter is a small picture of what it answers to: ink where it is red, paper where it is
# blue.

# %%
plots.filters(net[0])

# %% [markdown]
# And this is what the rectifier lets through for one image, a map for each filter.

# %%
plots.feature_maps(net, images[0], 1)

# %% [markdown]
# How much of the image does one such number see? A pixel of the first layer's output is made of
# 3x3 pixels of the image, and one behind the pooling of the 4x4 below its four windows. Those in
# the middle lie in several windows, so they count more.

# %%
field = plots.receptive_field(net, 3, (1, 1, 0), data.in_shape)
field.set_size_inches(3.6, 3)
field

# %% [markdown]
# The picture comes from the backward pass: with a delta of 1 at that one number and 0 at all
# others, the pixels that get a `dx` are those that it is made of. Another layer of convolution
# would widen it; try value 1, or `(0, 3, 0)` at the border.
#
# ## The delta that reaches the image
#
# `backward` does not stop at the parameters. Its `dx` says how the loss changes with each pixel:
# the delta in front of the first layer. Orange: ink here makes the loss larger. Blue: smaller.
# Most of it lies around the strokes, where a little ink could turn one digit into another.

# %%
few, few_labels = images[:60], labels[:60]
plots.input_gradient(net, few, few_labels, loss, most=8)

# %% [markdown]
# Below each delta stands its norm. An image of which the network is sure sends back next to
# nothing: it has nothing left to teach. Such a picture is also what people look at when they ask a
# network *why* (Simonyan, Vedaldi and Zisserman, *Deep inside convolutional networks*, 2014). It
# says which pixels would change the loss, and no more than that.
#
# Here are the same numbers once more, by two calls, and then how large the delta is after each
# layer, on its way from the bottom to the top:

# %%
scores, caches = net.forward(few)
_, cache = loss.forward(scores, few_labels)
dx, _ = net.backward(loss.backward(cache), caches)
norms = np.sqrt((dx[:8] ** 2).sum(axis=(1, 2, 3)))
print("dx", dx.shape, "norms of the first eight:", *(f"{each:.2g}" for each in norms))

# %%
plots.delta_norms(net, few, few_labels, loss)

# %% [markdown]
# ### Exercise 3: fool it
#
# Change the 60 images in `few` by at most 0.1 in every pixel, such that the network errs in more
# than half of them. You have `dx`.

# %%
fooled = ...  # an array like few

# Check
if fooled is not ...:
    before = bp.evaluate(net, (few, few_labels), loss=loss)
    after = bp.evaluate(net, (fooled, few_labels), loss=loss)
    assert abs(fooled - few).max() <= 0.1 + 1e-6, "No pixel may change by more than 0.1."
    assert after.loss > before.loss, "The loss has fallen: dx points to where it grows."
    assert after.accuracy < 0.5, (
        f"The accuracy is {after.accuracy:.2f}. Most entries of dx are tiny. Each pixel may go the"
        " whole 0.1: what matters is the direction, np.sign."
    )
    print(f"accuracy {before.accuracy:.2f} before, {after.accuracy:.2f} after")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# fooled = few + 0.1 * np.sign(dx)
# ```
#
# A small step against the network in all 64 pixels at once; a person can still read most of the
# digits. This is the *fast gradient sign method* (Goodfellow, Shlens and Szegedy, *Explaining and
# harnessing adversarial examples*, 2015).
# </details>

# %% [markdown]
# ## Where to go on
#
# [6 · Is this derivative right?](06_gradient_checking.ipynb) tells how the check knows, and what
# *undefined here* is. [7 · Convolution](07_convolution.ipynb) and [8 · Pooling](08_pooling.ipynb)
# derive the layers that were trained here, and [9 · Zhang's CNN](09_zhang.ipynb) has a network of
# them with every equation. [14 · Optimizers](14_optimizers.ipynb) is about the step, [17 ·
# ZORB](17_zorb.ipynb) reads the same digits without a gradient, and [19 · A layer of your
# own](19_your_own_layer.ipynb) adds a layer to the network's vocabulary. `backprop train` does all
# of this from the command line and keeps the pictures.
