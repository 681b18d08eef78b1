r"""word2vec: the meaning of a word, read off the words around it.

A network that predicts a word from its neighbours, or them from it, has to give words that stand in
like places like hidden rows. The network is thrown away after that; the rows are what it was
trained for.

    from backprop.classics.word2vec import Word2Vec, king_james

    model = Word2Vec(units=50, window=5).fit(king_james(), epochs=5, rng=0)
    model.most_similar("sword")
    model.analogy("father", "mother", "son")

**The small models** are those that C. Bellei derives and computes: `full_softmax`. One row of $W_1$
goes in, or the mean of several, $h$; scores $u = h W_2$ come out for all $V$ words, and a softmax.

**What makes it fast.** A step of the small models costs $V E$ operations for one word. Nothing of
that is needed. What goes in touches few rows of $W_1$: `sparse` has their mean and its gradient.
And the output asks few `questions` in place of one among $V$: is this the word, are these (drawn by
`noise`) not it; or, left or right, at each node of a tree, `huffman`. Both have deltas in closed
form,

$$ \delta = \sigma(h \cdot U_j) - t, \qquad dh = \sum_j \delta_j U_j, \qquad dU_j = \delta_j h, $$

and touch few rows of $U$. `vocabulary` counts the words and thins out the frequent ones, `contexts`
finds the neighbours of many at once, `model` puts batches of these through the two tables, and
`vectors` answers.

Reading order: `full_softmax`, `sparse`, `questions`, `huffman`, `noise`, `vocabulary`, `contexts`,
`model`, `vectors`. `book` has the text and what is asked of it, `published` the numbers.

**What is asserted.** Of the small models, the losses that the author's program gives, to 1e-12, and
its weights. For training on a real text nothing was printed. What is asserted there was stated
before the runs: of twenty pairs such as silver and gold, by how much the cosine exceeds that of the
same words with partners exchanged, and to what share the loss falls.

**Where this departs from the program of 2013.** Examples are taken in an order drawn anew in every
epoch, not as the text runs, and in batches whose gradients are summed. The bag of words has the
gradient of the mean, see `sparse`. The noise is drawn exactly, see `noise`.

Source: C. Bellei, *The backpropagation algorithm for Word2Vec* (2018), and its program; Rong,
*word2vec parameter learning explained* (2014); Mikolov, Chen, Corrado and Dean, *Efficient
estimation of word representations in vector space* (2013).
"""

from .book import king_james
from .model import Word2Vec
from .published import CLASSIC, reproduce
from .vectors import Vectors

__all__ = ["CLASSIC", "Vectors", "Word2Vec", "king_james", "reproduce"]
