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
# # 15 · Word vectors
#
# After this notebook you can
#
# * take one step of the smallest word model with pencil and paper, and say which rows it moves;
# * say why a softmax over all words is too dear, and what is asked instead of it: a few words
#   drawn as noise, or the turns of a tree;
# * find the delta of such a question, and avoid the trap of the row that is asked twice;
# * learn vectors from a text in a few seconds, ask for neighbours, and read a picture of the
#   vectors with the distrust that it deserves.
#
# Change the words, the window, the number of epochs.

# %%
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown

import backprop as bp
from backprop.checks import complex_step
from backprop.classics.word2vec import Word2Vec, book, full_softmax, huffman, king_james
from backprop.classics.word2vec import picture, published, questions, vocabulary

BLUE, ORANGE = "#0072B2", "#D55E00"
np.set_printoptions(precision=6, suppress=True)

# %% [markdown]
# ## One pair by hand
#
# "You shall know a word by the company it keeps" (J. R. Firth, 1957). The network gets a word and
# is to say which word stands beside it. There is a table $W_1$ with a row for every word that goes
# in, a table $W_2$ with a column for every word that may come out, and nothing else: no bias, no
# activation, a softmax at the end. Three words, two numbers for each; *bread* goes in, and *eat*
# is to come out.

# %%
words = ["bread", "eat", "gold"]
W1 = np.array([[1.0, 0.5], [0.2, -0.4], [0.3, 0.3]])  # a row for each word that goes in
W2 = np.array([[0.5, 0.1, -0.3], [0.2, 0.4, 0.6]])  # a column for each that may come out

h = W1[0]  # bread in: a one-hot row times W1 is just its row
u = h @ W2  # the scores
y = np.exp(u) / np.exp(u).sum()  # their softmax
loss = -np.log(y[1])  # eat should have come out
for name, value in (("h", h), ("u", u), ("exp u", np.exp(u)), ("y", y), ("loss", loss)):
    print(f"{name:5}", value)

# %% [markdown]
# **Back.** A softmax with its cross-entropy hands back a difference, what came out less what
# should have. From there it is two products, as in `Dense`.

# %%
e = y - [0, 1, 0]  # the delta of the scores
dW2 = np.outer(h, e)  # a score is h times a column
dh = W2 @ e  # h is in every score
print("e   ", e)
print("dW2 ", dW2.round(6).tolist())
print("dh  ", dh, "= the gradient of bread's row; those of eat and gold are 0")

# %% [markdown]
# The column of *eat* moves towards $h$, since its entry in $e$ is negative, and the other columns
# move away. The row of *bread* moves towards the column of *eat*. That is all that happens in
# word2vec, some million times.
#
# Here is the chapter of the small models. A classic of this package is a file, and `bp.explain`
# takes it as a module.

# %%
bp.explain(full_softmax)

# %% [markdown]
# So no layer is new. `full_softmax.chain` is `Embedding`, a mean and `Dense`, and gives what we
# had by hand:

# %%
layers = full_softmax.chain(W1, W2)
loss_of_it, dW1, dW2_of_it = full_softmax.gradients(layers, [0], 1)
print("loss", loss_of_it)
print("dW1 ", dW1.round(6).tolist())
print("dW2 ", dW2_of_it.round(6).tolist())

# %% [markdown]
# ### Exercise 1: a bag of two words
#
# Now *bread* and *gold* go in together, as their mean, and *eat* is to come out: the bag of words.
# What is the gradient of *bread*'s row? First get `h`, `y` and `e` anew, then `dh`, then the row.

# %%
answer = ...  # two numbers

# Check
if answer is not ...:
    _, truth, _ = full_softmax.gradients(layers, [0, 2], 1)
    assert np.shape(answer) == (2,), "A row of W1 has two numbers."
    assert not np.allclose(answer, dW1[0]), "That was with bread alone: h is another one now."
    assert not np.allclose(answer, dW1[0] / 2), "Half, but of the old dh: begin with h."
    assert not np.allclose(answer, 2 * truth[0]), (
        "That is dh, the delta of the mean. How much does the mean move when bread's row does?"
    )
    assert np.allclose(answer, truth[0]), "h = (W1[0] + W1[2]) / 2, then as above."
    print("The rows of bread and gold get the same:", truth[0], truth[2])

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# h = (W1[0] + W1[2]) / 2
# y = np.exp(h @ W2) / np.exp(h @ W2).sum()
# dh = W2 @ (y - [0, 1, 0])
# answer = dh / 2
# ```
#
# The program of 2013 gives the whole `dh` to each of the words, although it took their mean. It
# learns all the same. But it is not the gradient, as `sparse.py` tells, and
# [6](06_gradient_checking.ipynb) would convict it.
# </details>

# %% [markdown]
# ## Seven words
#
# C. Bellei trains on one sentence, *I like playing football with my friends*, with a window of one
# word to each side. The losses on the left are those of his program.

# %%
_, losses = full_softmax.train(published.TEXT, *published.start(), mode="cbow", rate=0.8, epochs=10)
rows = zip(published.LOSSES.split(), losses, strict=True)
print("\n".join(f"{theirs:<20} {ours:.15g}" for theirs, ours in rows))

# %%
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for mode, color in (("cbow", BLUE), ("skip-gram", ORANGE)):
    _, losses = full_softmax.train(
        published.TEXT, *published.start(), mode=mode, rate=0.1, epochs=600
    )
    ax.semilogy(losses, color=color, label=f"{mode}: ends at {losses[-1]:.4f}")
floor = 10 * np.log(2)
ax.axhline(floor, color="gray", linewidth=0.8, linestyle=":", label=f"10 log 2 = {floor:.4f}")
ax.set(xlabel="epoch", ylabel="loss of the whole sentence")
ax.legend(frameon=False)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown]
# The bag of words learns the sentence by heart. Skip-gram cannot, and that is no failure of the
# training: it is to answer a word with *both* of its neighbours by one softmax. Five of the seven
# words have two. The best that it can do is one half for each, which costs $2 \log 2$: see where
# the orange curve ends. The vectors do not mind; nobody wants the predictions.
#
# ## Too dear
#
# A real text has thousands of words. One step of the softmax touches every column of $W_2$.

# %%
text = king_james()  # six books of the King James Bible come with the package
lists = vocabulary.sentences(text)
vocab = vocabulary.Vocabulary(lists, min_count=5)
V, D, K = len(vocab), 50, 5
print(f"{sum(map(len, lists)):,} words in {len(lists):,} verses; {V:,} words occur 5 times or more")
print(f"one softmax:            {V * D:>7,} products for the scores")
print(f"1 + {K} questions:        {(1 + K) * D:>7,}")

# %% [markdown]
# So the question "which of all words?" is exchanged for a few that can be answered by yes or no.
# This is the chapter, with the line of code under each equation.

# %%
bp.explain(questions)

# %% [markdown]
# ## A question by hand
#
# *bread* again, with its row $h$, and a table $U$ with a row for each of the three words. Is *eat*
# the word? Yes. Is *gold*, drawn as noise? No.

# %%
h = W1[:1]  # (1, 2): one example
U = W2.T.copy()  # a row for each word
w = np.array([[1, 2]])  # asked: eat, gold
t = np.array([[1, 0]])  # the answers
m = np.ones_like(t)  # both are asked

s = (U[w[0]] * h).sum(axis=1)  # (1)
p = 1 / (1 + np.exp(-s))
delta = p - t[0]  # (3)
print("scores    ", s)
print("sigma     ", p)
print("delta     ", delta)
print("dh        ", delta @ U[w[0]])  # (4)
print("loss      ", -np.log(p[0]) - np.log(1 - p[1]))

# %%
L, cache = questions.forward(h, U, w, t, m)
dh, touched, dU = questions.backward(cache)
print("loss      ", L)
print("dh        ", dh[0])
print("rows of U ", touched.tolist(), dU.round(6).tolist())

# %% [markdown]
# *bread*'s row of $U$ was not asked, so it has no gradient and need not be touched. Is `dh` right?
# A complex step through the shipped lines asks each entry:

# %%
for d, one in enumerate(np.eye(2)):
    slope = complex_step(lambda step, one=one: questions.forward(h + step * one, U, w, t, m)[0])
    print(f"dh[{d}]: derived {dh[0, d]:.16f}, measured {slope:.16f}")

# %% [markdown]
# ### Exercise 2: asked twice
#
# Noise is drawn with replacement, so a word may come twice. Here *gold* does. Take one step with
# rate 1: what is the row of *gold*, `U[2]`, after it? (It is $(-0.3, 0.6)$ before.)

# %%
w2, t2 = np.array([[1, 2, 2]]), np.array([[1, 0, 0]])
answer = ...  # two numbers

# Check
if answer is not ...:
    _, cache = questions.forward(h, U, w2, t2, np.ones_like(t2))
    _, touched2, dU2 = questions.backward(cache)
    step_of_gold = dU2[touched2.tolist().index(2)]
    assert not np.allclose(answer, U[2] - step_of_gold / 2), (
        "One step of two: both questions ask this row, and both losses fall with it."
    )
    assert not np.allclose(answer, U[2] + step_of_gold), "Uphill: subtract the gradient."
    assert not np.allclose(answer, step_of_gold), "That is the gradient. Where is the row then?"
    assert np.allclose(answer, U[2] - step_of_gold), (
        "dU_j is the sum of delta h over the questions."
    )
    print("gold goes from", U[2], "to", U[2] - step_of_gold)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = U[2] - 2 * delta[1] * h[0]
# ```
#
# In NumPy `U[w] -= rate * d` with $w = (1, 2, 2)$ changes row 2 only once: the last one wins, and
# nothing complains. So the package sums first, by equations (5) and (6), and then moves each row
# once.
# </details>

# %% [markdown]
# ## Or turns of a tree
#
# The hierarchical softmax puts the words at the leaves of a tree. To name a word is to say at each
# node on the way: this side or that. Huffman's tree has short ways for frequent words:

# %%
few, counts = ["and", "the", "king", "bread", "gold", "spear"], [50, 40, 12, 8, 7, 3]
nodes, answers, mask = huffman.paths(counts)
lines = ["| word | count | nodes asked | answers |", "|---|---|---|---|"]
for v, (word, count) in enumerate(zip(few, counts, strict=True)):
    asked, told = nodes[v][mask[v]], answers[v][mask[v]]
    lines.append(f"| {word} | {count} | {' '.join(map(str, asked))} | {' '.join(map(str, told))} |")
Markdown("\n".join(lines))

# %% [markdown]
# It is a true softmax: whatever $h$ and $U$ are, the probabilities of all words sum to 1, because
# at each node those of the two turns do.

# %%
rng = np.random.default_rng(0)
row, table = rng.standard_normal((1, 4)), rng.standard_normal((len(few) - 1, 4))
chances = [
    np.exp(-questions.forward(row, table, *(each[v : v + 1] for each in (nodes, answers, mask)))[0])
    for v in range(len(few))
]
print("probabilities", np.round(chances, 4), "sum", round(sum(chances), 12))

depths = huffman.paths(vocab.counts)[2].sum(axis=1)
mean = (vocab.counts * depths).sum() / vocab.counts.sum()
print(f"in the six books: {mean:.2f} questions a word on average; log2 V = {np.log2(V):.2f}")

# %% [markdown]
# ## Learn
#
# Two more things are done to a real text. Frequent words are thinned out, and noise is drawn by
# the counts to the power 3/4. Neither is derived from anything: they are what worked for the
# authors (Mikolov and others, 2013), and `vocabulary.py` has the formulas.

# %%
kept, noise = vocab.kept(1e-3), vocab.noise()
shares = vocab.counts / vocab.counts.sum()
lines = [
    "| word | count | kept | share of the text | share of the noise |",
    "|---|---|---|---|---|",
]
for word in ("and", "king", "gold", "spear"):
    v = vocab.index[word]
    cells = (f"{vocab.counts[v]:,}", f"{kept[v]:.2f}", f"{shares[v]:.5f}", f"{noise[v]:.5f}")
    lines.append(f"| {word} | {' | '.join(cells)} |")
Markdown("\n".join(lines))

# %%
model = Word2Vec(units=50, window=5, output="negative").fit(text, epochs=5, rng=0)
print("loss of an example, epoch by epoch:", *(f"{loss:.3f}" for loss in model.losses))

# %% [markdown]
# In the beginning $U$ is zero, so each of six questions is answered by 1/2 and costs $\log 2$: the
# loss begins at $6 \log 2 = 4.16$, and what is printed is the mean over an epoch. Nobody has said
# what a word means. And yet:

# %%
for word in ("gold", "bread", "sword", "two", "david", "king"):
    print(f"{word:6}", ", ".join(f"{near} {c:.2f}" for near, c in model.most_similar(word, 6)))

# %% [markdown]
# These are *neighbours in use*, not in meaning. *gold* is near to *pure*, with which it stands, as
# well as to *brass*, which could stand in its place. And a cosine of 0.9 says little by itself: in
# a text as short as this all words that occur in like chapters get like vectors. So compare. Here
# are twenty pairs that belong together, beside the same words with partners exchanged:

# %%
together, exchanged = book.closeness(model)
print("pairs:", ", ".join(f"{a}-{b}" for a, b in book.PAIRS[:6]), "...")
print(f"mean cosine of the pairs {together:.2f}, with partners exchanged {exchanged:.2f}")

# %% [markdown]
# In the plane, seen from the side on which the chosen words differ most. The colours are ours; the
# model was not told them. See what lies together, numbers and treasure above all, and
# that two directions show only a part of fifty: the axes say how much.

# %%
figure = picture.draw(model)
figure.set_size_inches(7.5, 5.4)
figure

# %% [markdown]
# ### Exercise 3: the nearest word
#
# `model.W` has a row for each word and `model.index["sword"]` is the number of a row. Find the
# word nearest to *sword* by the cosine, without `most_similar`.

# %%
answer = ...  # a word

# Check
if answer is not ...:
    row = model["sword"]
    by_product = [model.words[v] for v in np.argsort(-(model.W @ row)) if model.words[v] != "sword"]
    truth = model.most_similar("sword", 1)[0][0]
    assert answer in model, "A word, such as model.words[0]."
    assert answer != "sword", "Nearest to a word is the word itself. Leave it out."
    assert answer == truth or answer != by_product[0], (
        f"{answer!r} has the largest product, and a long row. A cosine divides by both lengths."
    )
    assert answer == truth, "W_a . W_b / (|W_a| |W_b|), and the largest of these but one."
    print(f"nearest to sword: {answer}; the largest product: {by_product[0]}")

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# directions = model.W / np.linalg.norm(model.W, axis=1, keepdims=True)
# cosines = directions @ directions[model.index["sword"]]
# answer = model.words[np.argsort(-cosines)[1]]
# ```
# </details>

# %% [markdown]
# **Analogies.** *father* is to *mother* as *son* is to what? The direction from *father* to
# *mother*, from *son* on:

# %%
for a, b, c in (
    ("father", "mother", "son"),
    ("father", "mother", "brother"),
    ("man", "woman", "son"),
    ("king", "queen", "man"),
    ("two", "three", "four"),
):
    found = ", ".join(word for word, _ in model.analogy(a, b, c, 3))
    print(f"{a} : {b} = {c} : {found}")

# %% [markdown]
# Some come out, and some do not. The famous *king* and *queen* need a text of billions of words:
# there are few queens in these books. Other seeds give other lists; try `rng=1`.
#
# ## Where to go on
#
# [4 · Losses and softmax](04_losses.ipynb) derives the difference with which everything here
# begins. [14 · Optimizers](14_optimizers.ipynb) says what else one can do with a gradient, and [12
# · LSTM](12_lstm.ipynb) reads words in their order, which this model forgets. `backprop classics
# run word2vec` shows the numbers that were published.
