"""Vectors for the words of a text."""

import time

import numpy as np

from ...errors import choice, expects, real, whole
from ...settings import Configured
from . import questions
from .contexts import examples, margins
from .sparse import mean_rows, mean_rows_backward
from .vectors import Vectors
from .vocabulary import Vocabulary, sentences

RATES = {"skip-gram": 0.025, "cbow": 0.05}
"""Those of the program of 2013."""


class Word2Vec(Vectors):
    r"""A vector for every word of a text, learned from the words that stand around it.

        model = Word2Vec(units=50).fit(text, epochs=5, rng=0)
        model.most_similar("king")

    A place of the text gives a hidden row $h$, `sparse`'s mean of rows of the table $W\,(V, D)$,
    and this row has to answer the `questions` about the word that belongs there, which have a table
    $U$ of their own. What is learned is $W$: words with like neighbours get like rows.

    Batches are drawn anew in every epoch, and their gradients are summed. So a batch is as many
    steps of the rate as it has examples, taken together; where a rate is too large for that, make
    batches smaller. The rate falls linearly to zero.

    * `words`, `index`, `W` (V, D): as in `Vectors`. `W` and the other table, `U`, are float32.
    * `vocabulary`: the `Vocabulary`, with the counts.
    * `losses`: for each epoch the mean loss of an example, before its update.
    * `words_per_second`: of the text, those of the vocabulary, counted in every epoch.

    Args:
        units: $D$, how many numbers stand for a word.
        window: how far around a word others count, at most. See `contexts`.
        mode: `"skip-gram"`: a word is to answer for each of those around it, which are an example
            each. `"cbow"`, the bag of words: the mean of those around it is to answer for the word.
        output: `"negative"` sampling, or the `"hierarchical"` softmax.
        negative: how many words are drawn as noise for one that is right.
        min_count: words that occur less often are left out of the text.
        sample: the share of the text from which on words are thinned out, see `vocabulary`. 0 for
            none, as a short text needs it, in which every word has a large share.
        rate: what the gradients are multiplied by at the start. None: 0.025 for skip-gram, 0.05 for
            the bag of words.
        batch_size: how many places of the text are looked at together.

    Raises:
        ValueError: a setting is none.

    Source: Mikolov, Chen, Corrado and Dean, *Efficient estimation of word representations in vector
    space* (2013); Mikolov, Sutskever, Chen, Corrado and Dean, *Distributed representations of words
    and phrases and their compositionality* (2013).
    """

    def __init__(
        self,
        units=50,
        window=5,
        *,
        mode="skip-gram",
        output="negative",
        negative=5,
        min_count=5,
        sample=1e-3,
        rate=None,
        batch_size=256,
    ):
        self.units = whole("Word2Vec", "units", units)
        self.window = whole("Word2Vec", "window", window)
        self.mode = choice("Word2Vec", "mode", mode, ("skip-gram", "cbow"))
        self.output = choice("Word2Vec", "output", output, ("negative", "hierarchical"))
        self.negative = whole("Word2Vec", "negative", negative)
        self.min_count = whole("Word2Vec", "min_count", min_count)
        self.sample = real("Word2Vec", "sample", sample, least=0)
        self.rate = rate if rate is None else real("Word2Vec", "rate", rate, least=0)
        self.batch_size = whole("Word2Vec", "batch_size", batch_size)

    __repr__ = Configured.__repr__

    def fit(self, text, /, *, epochs=5, rng=None):
        """Learn from `text`, forgetting what was learned before, and return this model.

        Args:
            text: a string, whose lines are its sentences, as `Path(...).read_text()` returns it;
                or an iterable of sentences, strings or lists of words. Windows end where sentences
                do.
            epochs: how often to go over it.
            rng: a numpy Generator or a seed. The same one gives the same vectors.

        Raises:
            TypeError: `text` is no text.
            ValueError: it has fewer than two different words that occur `min_count` times, or they
                never share a sentence.
            FloatingPointError: the loss is no longer finite. The rate is too large; what was
                learned before is gone.
        """
        whole("Word2Vec", "epochs", epochs)
        rng = np.random.default_rng(rng)
        text = sentences(text)
        vocabulary = Vocabulary(text, min_count=self.min_count)
        ids, sentence = vocabulary.ids(text)
        if (sentence[1:] != sentence[:-1]).all():
            raise expects("Word2Vec", "sentences with two words of the vocabulary or more", "none")
        self._begin(vocabulary, rng)
        keep, start = vocabulary.kept(self.sample)[ids], time.perf_counter()
        for epoch in range(epochs):
            kept = rng.random(len(ids)) < keep
            self.losses.append(self._epoch(ids[kept], sentence[kept], epoch, epochs, rng))
        self.words_per_second = epochs * len(ids) / (time.perf_counter() - start)
        return self

    def _begin(self, vocabulary, rng):
        """Make the tables: small numbers for W, and zeros for U, with which no answer is surer."""
        if self.output == "negative":
            self._output = questions.NegativeSampling(vocabulary, self.negative)
        else:
            self._output = questions.HierarchicalSoftmax(vocabulary)
        self.vocabulary, self.losses = vocabulary, []
        W = rng.uniform(-0.5, 0.5, (len(vocabulary), self.units)) / self.units
        self._set(vocabulary.words, W.astype(np.float32))
        self.U = np.zeros((self._output.rows, self.units), np.float32)

    def _epoch(self, ids, sentence, epoch, epochs, rng):
        """Go over the text once, in an order of its own; return the mean loss."""
        sides = margins(sentence)
        order = rng.permutation(len(ids))
        rate = RATES[self.mode] if self.rate is None else self.rate
        total, count = 0.0, 0
        for at in range(0, len(ids), self.batch_size):
            places = order[at : at + self.batch_size]
            x, counts, o = examples(ids, *sides, places, self.window, self.mode, rng)
            if len(o):
                left = 1 - (epoch + at / len(ids)) / epochs
                with np.errstate(over="ignore", invalid="ignore"):  # the loss tells it below
                    total += self._step(x, counts, self._output.ask(o, rng), rate * left)
                count += len(o)
        if not (np.isfinite(total) and np.isfinite(self.W).all()):
            what = "a rate at which the loss stays finite"
            raise expects("Word2Vec", what, f"{rate:g}", FloatingPointError)
        return total / max(count, 1)

    def _step(self, x, counts, asked, rate):
        """Move the rows that a batch touches, and no others, down its gradient; return its loss."""
        loss, (used, dW), (answering, dU) = gradients(self.W, self.U, x, counts, *asked)
        self.W[used] -= self.W.dtype.type(rate) * dW
        self.U[answering] -= self.U.dtype.type(rate) * dU
        return float(loss)


def gradients(W, U, x, counts, w, t, m, /):
    """Return the loss of a batch, and of each table the rows that it touches and their gradients.

    Args:
        W, U: the tables.
        x, counts: the words that go in, as `sparse.mean_rows` takes them.
        w, t, m: questions, answers and mask, as `questions.forward` takes them.
    """
    h, of_h = mean_rows(W, x, counts)
    loss, of_loss = questions.forward(h, U, w, t, m)
    dh, answering, dU = questions.backward(of_loss)
    return loss, mean_rows_backward(dh, of_h), (answering, dU)
