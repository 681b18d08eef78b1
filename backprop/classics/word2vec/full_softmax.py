r"""The small models: an output for every word of the vocabulary, and a softmax over all of them.

`Embedding`, the mean of its rows, and `Dense` without a bias; no unit is non-linear. With $X$ the
words' one-hot rows, $W_1\,(V, E)$ and $W_2\,(E, V)$:

$$ h = \frac1C \sum_c x_c W_1, \qquad u = h W_2, \qquad
   L = -\sum_j t_j\, u_j + \Bigl(\sum_j t_j\Bigr) \log \sum_j e^{u_j} $$

The three models differ in what goes in and what is asked for:

* **one word**: a word in, $C = 1$, and its neighbour's class out;
* **bag of words (CBOW)**: the words around in, the one between them out;
* **skip-gram**: a word in, all $C$ words around out. They share one softmax, so $t$ is the row of
  their counts, and the loss cannot fall below the entropy of these.

**Derivation.** With $y$ the softmax of $u$,

$$ e = \frac{\partial L}{\partial u} = \Bigl(\sum_j t_j\Bigr)\, y - t, \qquad
   dW_2 = h^\top e, \qquad dW_1 = \bar x^\top (e W_2^\top), $$

where $\bar x$ is the mean of the rows that went in. For skip-gram $e = \sum_c (y - t_c)$, the sum
of the errors of the words around. These are the equations of `SoftmaxCrossEntropy`, `Dense`,
`GlobalAvgPool` and `Embedding`; nothing else is needed. $dW_1$ is zero but for the words that went
in, $dW_2$ is nowhere: that is what the other files of this package are about.
"""

import numpy as np

from ...errors import choice, expects, real, whole
from ...initializers import Given
from ...layers import Dense, Embedding, GlobalAvgPool
from ...losses import SoftmaxCrossEntropy
from .vocabulary import sentences

LOSS = SoftmaxCrossEntropy(reduction="sum")
MODES = ("cbow", "skip-gram")


def chain(W1, W2, /):
    """Return the three layers, with these weights. They take words of shape (N, C, 1)."""
    V, E = np.shape(W1)
    layers = [Embedding(V, E, init=Given(W1)), GlobalAvgPool()]
    layers.append(Dense(V, bias=False, init=Given(W2)))
    shape = (1, 1)
    for layer in layers:
        shape = layer.build(shape, dtype=np.float64)
    return layers


def gradients(layers, words, target, /):
    """Return the loss of one place of the text, dW1 and dW2.

    Args:
        layers: what `chain` returned.
        words: the ids that go in, (C,).
        target: the id that is to come out, or counts of ids (V,).
    """
    y, caches = np.reshape(words, (1, -1, 1)), []
    for layer in layers:
        y, cache = layer.forward(y)
        caches.append(cache)
    L, cache = LOSS.forward(y, np.asarray(target)[np.newaxis])
    embedding, mean, dense = layers
    dh, of_dense = dense.backward(LOSS.backward(cache), caches[2])
    drows, _ = mean.backward(dh, caches[1])
    return float(L), embedding.grads(drows, caches[0])["W"], of_dense["W"]


def places(ids, V, mode, window, /):
    """Return for every place of a text what goes in and what is to come out, in order."""
    found = []
    for place, word in enumerate(ids):
        around = ids[max(place - window, 0) : place] + ids[place + 1 : place + 1 + window]
        if mode == "cbow":
            found.append((around, word))
        else:
            found.append(([word], np.bincount(around, minlength=V)))
    return found


def train(text, W1, W2, /, *, mode="cbow", window=1, rate=0.1, epochs=1):
    """Descend place by place; return the layers and the loss of each epoch, before its updates.

    Args:
        text: a string. Its words are numbered as they first occur.
        W1, W2: the weights to begin with, (V, E) and (E, V).
        mode: "cbow" or "skip-gram".
        window: how many words to each side are around. It ends where the text ends.
        rate: what the gradients are multiplied by.
        epochs: how often to go over the text.

    Raises:
        ValueError: the text has fewer than two words, the weights are of another shape, or a
            setting is none.
    """
    who = "train"
    choice(who, "mode", mode, MODES)
    whole(who, "window", window)
    whole(who, "epochs", epochs, least=0)
    real(who, "rate", rate)
    words = [word for sentence in sentences(text) for word in sentence]
    if len(words) < 2:
        raise expects(who, "a text of two words or more", len(words))
    index = {word: v for v, word in enumerate(dict.fromkeys(words))}
    V, shapes = len(index), (np.shape(W1), np.shape(W2))
    if len(shapes[0]) != 2 or shapes != ((V, shapes[0][1]), (shapes[0][1], V)):
        raise expects(who, f"W1 of shape ({V}, E) and W2 of shape (E, {V})", shapes)
    layers = chain(W1, W2)
    embedding, _, dense = layers
    text_places = places([index[word] for word in words], V, mode, window)
    losses = []
    for _ in range(epochs):
        losses.append(0.0)
        for around, target in text_places:
            L, dW1, dW2 = gradients(layers, around, target)
            embedding.W -= rate * dW1
            dense.W -= rate * dW2
            losses[-1] += L
    return layers, losses
