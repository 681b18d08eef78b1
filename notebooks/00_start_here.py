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
# # 0 · Start here: a map
#
# After this notebook you can
#
# * find the notebook that answers your question;
# * train a network, check a derivative, have one explained and write a layer, in a few lines each;
# * read the names that the package gives to layers, parameters and derivatives.
#
# In this package every derivative was derived by hand and is coded in closed form. There is no
# automatic differentiation anywhere. So each number of a backward pass has an equation, a line of
# code, and a place where you can look at it. Change anything in any cell; nothing can break.

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.classics import brownlee

# %% [markdown]
# ## Which question leads where
#
# | You | ask | go to |
# |---|---|---|
# | learn | How does a derivative get from the error to a weight? | [1], then [2] |
# | | Can I see one example with all its numbers? | [3] |
# | | Why are deltas added, and why does everyone go *backwards*? | [5] |
# | | How does it work for images? For sequences? | [7] to [10]; [11] to [13] |
# | have a backward that is wrong | Where is the mistake? | [6], and `bp.gradcheck` below |
# | | It runs and learns. Can it be wrong all the same? | [6], first picture; [12] for an LSTM |
# | teach | What can be reckoned on a blackboard? | [1], [3], [8] |
# | | Is there a hand-out? | `bp.explain(...).latex()` is one, of any layer or network |
# | | Which exercises are there? | three in each notebook, which check themselves |
# | do research | Do the derivations give the published numbers? | [3], [9], [18], [all classics] |
# | | Does it agree with PyTorch? | [the table] |
# | | What is there besides the gradient? | [16], [17] |
# | | How do I add a layer and know that it is right? | [19] |
# | train | How do I train on my data, and how well does it go? | [10], [14] |
# | | The loss does not fall. Why? | [13], [14] |
#
# And as a picture. The first two notebooks are what all others build on. From there each row is a
# way of its own, to be gone from left to right; which one comes first is up to you.
#
# [1]: 01_delta_rule.ipynb
# [2]: 02_mlp.ipynb
# [3]: 03_worked_example.ipynb
# [5]: 05_computational_graph.ipynb
# [6]: 06_gradient_checking.ipynb
# [7]: 07_convolution.ipynb
# [8]: 08_pooling.ipynb
# [9]: 09_zhang.ipynb
# [10]: 10_train_digits.ipynb
# [11]: 11_rnn.ipynb
# [12]: 12_lstm.ipynb
# [13]: 13_vanishing.ipynb
# [14]: 14_optimizers.ipynb
# [16]: 16_cascades.ipynb
# [17]: 17_zorb.ipynb
# [18]: 18_1986.ipynb
# [19]: 19_your_own_layer.ipynb
# [all classics]: ../docs/classics.md
# [the table]: ../docs/parity.md

# %%
ways = {
    "how it works": ["3 worked example", "5 graph", "16 cascades"],
    "is it right?": ["6 gradient check", "19 your own layer"],
    "images": ["7 convolution", "8 pooling", "9 Zhang's CNN", "10 train on digits"],
    "learning": ["4 losses", "14 optimizers", "15 word vectors"],
    "time": ["11 recurrence", "12 LSTM", "13 vanishing"],
    "other times, other means": ["18 1986", "17 ZORB"],
}

fig, ax = plt.subplots(figsize=(9, 3.2), layout="constrained")
ax.set(xlim=(-0.4, 6.9), ylim=(5.4, -0.4))
ax.set_axis_off()


def station(x, y, name, before):
    """Draw a notebook and the way to it."""
    ax.plot(*zip(before, (x, y), strict=True), color="#0072B2", linewidth=1.5, zorder=0)
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#0072B2"}
    ax.text(x, y, name, ha="center", va="center", fontsize=8, bbox=box)


station(0, 2.5, "1 one unit", (0, 2.5))
station(0.9, 2.5, "2 layers", (0, 2.5))
for y, (way, names) in enumerate(ways.items()):
    ax.text(5.6, y, way, fontsize=9, color="#D55E00", va="center")
    for x, name in enumerate(names, start=2):
        station(x, y, name, (x - 1, y) if x > 2 else (0.9, 2.5))
plt.show()

# %% [markdown]
# ## In reading order
#
# | | |
# |---|---|
# | **Feedforward** | |
# | [1 · One unit] | The delta rule, by hand, and the error surface |
# | [2 · Layers] | The same in index form and in matrix form |
# | [3 · The worked example] | The one that everyone has done by hand, and by `explain` |
# | [4 · Losses] | Losses and softmax |
# | [5 · The computational graph] | Labels, paths, and both directions |
# | [6 · Is this derivative right?] | How a check knows, and a hunt with it |
# | **Images** | |
# | [7 · Convolution] | From cut connections to rotated kernels to windows |
# | [8 · Pooling] | Averages, winners, ties |
# | [9 · Zhang's CNN] | His equations beside the layers |
# | [10 · Train on real handwriting] | A small CNN: train it, check it, look into it |
# | **Time** | |
# | [11 · Recurrence] | Backpropagation through time |
# | [12 · LSTM] | Gates, cell, and the delta that is often forgotten |
# | [13 · Vanishing and exploding gradients] | And how to begin: initialisation |
# | **More** | |
# | [14 · Optimizers] | Optimizers and regularisation |
# | [15 · Word vectors] | word2vec |
# | [16 · Cascades] | Cascades and amplification coefficients |
# | [17 · ZORB] | Training without the gradient |
# | [18 · 1986] | Symmetry and family trees |
# | [19 · A layer of your own] | Wrong first, then right |
#
# **To run them**, in the folder of the project: `pip install -e ".[test]" jupyterlab`, then
# `jupyter lab notebooks`. All work offline.
#
# [1 · One unit]: 01_delta_rule.ipynb
# [2 · Layers]: 02_mlp.ipynb
# [3 · The worked example]: 03_worked_example.ipynb
# [4 · Losses]: 04_losses.ipynb
# [5 · The computational graph]: 05_computational_graph.ipynb
# [6 · Is this derivative right?]: 06_gradient_checking.ipynb
# [7 · Convolution]: 07_convolution.ipynb
# [8 · Pooling]: 08_pooling.ipynb
# [9 · Zhang's CNN]: 09_zhang.ipynb
# [10 · Train on real handwriting]: 10_train_digits.ipynb
# [11 · Recurrence]: 11_rnn.ipynb
# [12 · LSTM]: 12_lstm.ipynb
# [13 · Vanishing and exploding gradients]: 13_vanishing.ipynb
# [14 · Optimizers]: 14_optimizers.ipynb
# [15 · Word vectors]: 15_word2vec.ipynb
# [16 · Cascades]: 16_cascades.ipynb
# [17 · ZORB]: 17_zorb.ipynb
# [18 · 1986]: 18_1986.ipynb
# [19 · A layer of your own]: 19_your_own_layer.ipynb

# %% [markdown]
# ## A taste: train
#
# The digits are in the package. A network is a list of layers; `build` tells it the shape of an
# example and makes the parameters.

# %%
data = bp.load_data("digits")
net = bp.Network([bp.Flatten(), bp.Dense(32), bp.ReLU(), bp.Dense(10)])
net.build(data.in_shape, rng=0)
loss = bp.SoftmaxCrossEntropy()
bp.fit(net, data.train, loss=loss, optimizer=bp.Adam(1e-2), epochs=10, seed=0, progress=False)
print(f"test accuracy {bp.evaluate(net, data.test, loss=loss).accuracy:.4f}")

# %%
print(net.summary())

# %% [markdown]
# From the shell it is `backprop train`, with a convolutional network, and `--data FOLDER` for
# images of your own.
#
# ### Exercise 1: how many numbers does it learn?
#
# The summary has the answer in its last line, for this network. How many would it be with 100
# hidden units in place of 32? An image has 64 pixels, and every unit has a bias.

# %%
answer = ...

# Check
if answer is not ...:
    wide = bp.Network([bp.Flatten(), bp.Dense(100), bp.ReLU(), bp.Dense(10)])
    wide.build(data.in_shape)
    weights = sum(value.size for name, value in wide.params.items() if name.endswith("W"))
    assert answer != weights, "These are the weights. Each unit adds a bias of its own."
    assert answer != weights + 2, "A bias for each unit, not for each layer."
    assert answer != net.param_count, "That is the network with 32."
    assert answer == wide.param_count, f"The weights alone are 64 * 100 + 100 * 10 = {weights}."
    print(answer, {name: value.shape for name, value in wide.params.items()})

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 64 * 100 + 100 + 100 * 10 + 10
# ```
#
# `net.params` has the arrays by name: `"1.W"` is the `W` of layer number 1, counted from 0. The
# layers that have none, like `Flatten` and `ReLU`, count as well.
# </details>

# %% [markdown]
# ## A taste: check
#
# Somebody's layer, of no package, in the style in which it is often written. It runs, and in a
# network it would learn.


# %%
class TheirDense:
    def __init__(self, D, M):
        self.W = np.random.default_rng(0).standard_normal((D, M))

    def forward(self, x):
        self.x = x
        return np.tanh(x @ self.W)

    def backward(self, delta):
        self.dW = self.x.T @ delta
        return delta @ self.W.T


bp.gradcheck(TheirDense(3, 2), np.random.default_rng(1).standard_normal((4, 3)))

# %% [markdown]
# Read the column *verdict*, then the diagnosis under the table. Every entry of every gradient was
# measured in ways that know nothing of the derivation; where they differ from what `backward`
# says, the numbers of known mistakes are tried until one fits. Mend `backward` and run the cell
# again.
#
# ## A taste: explain
#
# Of a layer or a loss it is the derivation, with the line of code under each equation:

# %%
bp.explain(bp.Tanh)

# %% [markdown]
# Of a network and an example it is the calculation, with all numbers in their places: that is
# shown in [3](03_worked_example.ipynb). And as a picture, here for a small network: above each
# unit its value, below it the *delta*, the derivative of the loss by that value, which is what
# travels backwards. The lines are the gradients of the weights. Orange is above 0, blue below.

# %%
small = bp.Network([bp.Dense(3), bp.Tanh(), bp.Dense(2)])
small.build((2,), rng=1, dtype=np.float64)
x, target = np.array([[1.0, -0.5]]), np.array([[0.5, 0.0]])
squares = bp.HalfSquaredError()
small.draw(x, target, loss=squares)

# %% [markdown]
# ### Exercise 2: name a weight
#
# `of=` asks `explain` for the way from the loss to one gradient: `"0.W[1,2]"` is the weight of
# layer 0 that leads from input 1 to unit 2, all counted from 0. In the picture the two layers
# with weights are `0 dense_1` and `2 dense_2`. What is the name of the weight that leads from the
# *lowest* hidden unit to the *upper* output?

# %%
answer = ...  # such as "0.W[1,2]"

# Check
if answer is not ...:
    assert isinstance(answer, str), "The name, between quotation marks."
    name = answer.replace(" ", "")
    assert not name.startswith("1."), "1 is the Tanh. Activations are layers, and have no weights."
    assert not name.startswith("0."), "Those lead to the hidden units, not from them."
    assert name != "2.W[0,2]", "First where it comes from, then where it leads."
    assert name != "2.W[3,1]", "All are counted from 0."
    way = bp.explain(small, x, target, loss=squares, of=name)
    y, caches = small.forward(x)
    grads = small.grads(squares.backward(squares.forward(y, target)[1]), caches)
    assert str(grads["2.W"][2, 0].item()) in str(way), "2 is right. Then in brackets: from, to."
    print(way)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = "2.W[2,0]"
# ```
#
# What is printed ends with the product of the factors on the way, which is the gradient.
# </details>

# %% [markdown]
# ## A taste: a layer of your own
#
# A layer is a function with its derivative: `forward` returns the output and whatever `backward`
# will need, `backward` gets `delta` and returns what is handed down, and the gradients of the
# parameters. This one, a softer step than tanh, has none.


# %%
class Soft(bp.Layer):
    def forward(self, x, /):
        return x / np.sqrt(1 + x**2), x

    def backward(self, delta, cache, /):
        return delta / (1 + cache**2) ** 1.5, {}


bp.gradcheck(Soft(), x)

# %% [markdown]
# ### Exercise 3: the cube
#
# Write the backward pass of $y = x^3$: a function of `delta` and `x` that returns $dx$.

# %%
back = ...  # lambda delta, x: ...

# Check
if back is not ...:

    class Cube(bp.Layer):
        def forward(self, x, /):
            return x**3, x

        def backward(self, delta, cache, /):
            return back(delta, cache), {}

    points = np.array([[0.5, -1.0, 2.0]])
    ones = np.ones_like(points)
    one, two = back(ones, points), back(2 * ones, points)
    assert not np.allclose(one, two), "delta has to be a factor: the chain rule goes through here."
    assert not np.allclose(one, points**3), "That is y. Its slope by x is wanted."
    assert not np.allclose(one, points**2), "The exponent comes down as a factor."
    report = bp.gradcheck(Cube(), points)
    assert report, f"Not yet:\n{report}"
    print(report)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# back = lambda delta, x: delta * 3 * x**2
# ```
#
# It can go into a network now, between two `Dense`, and be trained.
# [19 · A layer of your own](19_your_own_layer.ipynb) gives one a parameter.
# </details>

# %% [markdown]
# ## A taste: the classics
#
# Thirty-two systems in which backpropagation was derived or taught, each with the numbers that
# its author published beside ours. Where a number is not the author's, a remark says whose it is.
# Here is one that many people know; `backprop classics list` in a shell names all.

# %%
Markdown(brownlee.reproduce().markdown())

# %% [markdown]
# ## How to read the rest
#
# * `delta` is $\partial L/\partial y$, the one thing that travels backwards; `d` + name is the
#   derivative of the loss by that name, in that name's shape. It is so in every file.
# * A line of code that ends in `# (3)` carries out equation (3) of the docstring above it.
# * Rows are examples: a batch is an array whose first axis counts them.
# * Every exercise has a cell with `...` in it, where your answer goes. Run it: a wrong answer gets
#   a hint, a right one a line in return. The solution is folded away below it.
#
# ## Where to go on
#
# If nothing pulls you elsewhere: [1 · One unit](01_delta_rule.ipynb). If you came to train
# something, [10 · Train on real handwriting](10_train_digits.ipynb). The code itself begins with
# [layer.py](../backprop/layer.py), the contract that all layers keep.
