r"""The output of word2vec: instead of one choice among $V$ words, a few questions, yes or no.

A softmax needs the scores of all words to train one. Both ways around it ask questions of the
hidden row $h_n$, each with a row of a table $U$ of its own and an answer $t_{nk} \in \{0, 1\}$:

* **Negative sampling.** Is $o_n$ the word? Yes. Is it one of $K$ words drawn as noise? No. Here
  $U$ has a row for every word, $w_{n0} = o_n$ and $t_n = (1, 0, \dots, 0)$. Noise that happens to
  be $o_n$ is not asked.
* **Hierarchical softmax.** $w_{nk}$ are the inner nodes of Huffman's tree on the way to $o_n$,
  $t_{nk}$ the turns taken there. The probability of a word is the product of those of its turns,
  and at every node the two turns' probabilities sum to 1, so all words' do: it is a softmax, of
  another shape.

Shapes: $h\,(N, D)$, $U\,(\cdot, D)$; questions $w$, answers $t$ and mask $m$, which is 0 where
nothing is asked, $(N, K)$; $L$ a number.

**Forward**

$$ s_{nk} = h_n \cdot U_{w_{nk}} \tag{1} $$

$$ L = \sum_{nk} m_{nk} \bigl(\max(s_{nk}, 0) - s_{nk} t_{nk} + \log(1 + e^{-|s_{nk}|})\bigr)
   \tag{2} $$

**Backward**

$$ \delta_{nk} = m_{nk}\,(\sigma(s_{nk}) - t_{nk}) \tag{3} $$

$$ dh_n = \sum_k \delta_{nk}\, U_{w_{nk}} \tag{4} $$

$$ S_{nj} = \sum_k \delta_{nk}\,[w_{nk} = j] \tag{5} $$

$$ dU = S^\top h \tag{6} $$

**Derivation.** The answer yes has the probability $\sigma(s) = 1/(1 + e^{-s})$, no has
$1 - \sigma(s) = \sigma(-s)$, and the loss is minus the logarithm of all answers together,

$$ L = -\sum_{nk} m_{nk} \bigl(t_{nk} \log \sigma(s_{nk})
   + (1 - t_{nk}) \log \sigma(-s_{nk})\bigr). $$

This is `LogisticCrossEntropy`: (2) is its form without overflow, and $\sigma(s) - t$ its delta, the
slope of the logistic function having cancelled. By (1), $h_n$ and $U_j$ meet in the score of every
question that asks $j$:

$$ \frac{\partial s_{nk}}{\partial h_{nd}} = U_{w_{nk} d}, \qquad
   \frac{\partial s_{nk}}{\partial U_{jd}} = [w_{nk} = j]\, h_{nd}. $$

Summing $\delta$ times the first over the questions of $n$ is (4); times the second over all
questions it is $\sum_{nk} \delta_{nk} [w_{nk} = j]\, h_{nd} = (S^\top h)_{jd}$, (6). A row that no
question asks has the gradient zero, and a row asked twice gets the sum of both.

**Traps.** `U[w] -= rate * d` changes a row that is asked twice only once: the last one wins. And
(4) is of the $U$ before the update.

Source: Mikolov and others (2013), as in `vocabulary`; Morin and Bengio, *Hierarchical
probabilistic neural network language model* (2005). Written down in this form here.
"""

import numpy as np

from ...layers.activations import sigmoid
from . import huffman, noise
from .sparse import compact


def forward(h, U, w, t, m, /):
    """Return the loss, summed over all questions, and the cache of `backward`."""
    asked = U[w]
    s = np.matmul(asked, h[:, :, np.newaxis])[:, :, 0]  # (1)
    L = (m * (np.maximum(s, 0) - s * t + np.log1p(np.exp(np.minimum(s, -s))))).sum()  # (2)
    return L, (h, asked, s, w, t, m)


def backward(cache, /):
    """Return dh, the rows of U that were asked, and their gradients."""
    h, asked, s, w, t, m = cache
    N, K = w.shape
    starts = np.arange(0, N * K + 1, K)
    delta = m * (sigmoid(s) - t)  # (3)
    dh = np.matmul(delta[:, np.newaxis, :], asked)[:, 0]  # (4)
    touched, S = compact(delta.ravel(), w.ravel(), starts)  # (5)
    dU = S.T @ h  # (6)
    return dh, touched, dU


class NegativeSampling:
    """The word, and `negative` others as noise."""

    def __init__(self, vocabulary, negative, /):
        self.rows, self.negative = len(vocabulary), negative
        self.columns = noise.columns(vocabulary.noise())
        self.answers = np.eye(1, 1 + negative, dtype=np.float32)

    def ask(self, o, rng, /):
        """Return questions, answers and mask for the right words `o` (N,)."""
        right = o[:, np.newaxis]
        drawn = noise.draw(*self.columns, (len(o), self.negative), rng)
        w = np.concatenate([right, drawn], axis=1)
        m = w != right
        m[:, 0] = True
        return w, self.answers, m


class HierarchicalSoftmax:
    """The turns on the way to the word in Huffman's tree."""

    def __init__(self, vocabulary, /):
        self.rows = len(vocabulary) - 1
        self.nodes, self.answers, self.mask = huffman.paths(vocabulary.counts)
        self.depths = self.mask.sum(axis=1)

    def ask(self, o, rng, /):
        """Return questions, answers and mask for the right words `o` (N,). Nothing is drawn."""
        deepest = self.depths[o].max()
        return tuple(each[o, :deepest] for each in (self.nodes, self.answers, self.mask))
