r"""From a text to numbers: its words, how often each occurs, and which occurrences are left out.

**Subsampling.** `and` is 8 % of the words of the King James Bible and tells little of its
neighbours. With $f_v = c_v / \sum_u c_u$, the share of word $v$ in the text, every occurrence of
it is kept with the probability

$$ p_v = \sqrt{\tau / f_v} + \tau / f_v \tag{1} $$

if that is less than 1. So a word of the share $\tau$ or less is always kept, and the rest of `and`
falls like $\sqrt{f}$. The article of 2013 has $\sqrt{\tau / f_v}$; its program adds the second
term, and so does this one. What is left out is gone before windows are taken: words that stood
further apart become neighbours.

**Noise.** Words to tell the right one from are drawn from the counts raised to 3/4, which has
frequent words less often than they occur and rare ones more often:

$$ q_v = \frac{c_v^{3/4}}{\sum_u c_u^{3/4}} \tag{2} $$

Source: Mikolov, Sutskever, Chen, Corrado and Dean, *Distributed representations of words and
phrases and their compositionality* (2013).
"""

import re
from collections import Counter
from itertools import chain

import numpy as np

from ...errors import expects, real, whole

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
"""Letters, with apostrophes between them."""


def sentences(text, /):
    """Return lists of words, in small letters: one list for each line that has any.

    Args:
        text: a string, or an iterable of sentences. Each of these is a string or a list of words,
            which stay as they are.

    Raises:
        TypeError: it is neither.
        ValueError: there is no word in it.
    """
    if isinstance(text, bytes) or not hasattr(text, "__iter__"):
        raise expects("word2vec", "a text or sentences", type(text).__name__, TypeError)
    found = [_words(each) for each in (text.splitlines() if isinstance(text, str) else text)]
    found = [words for words in found if words]
    if not found:
        raise expects("word2vec", "a text with words", "none")
    return found


def _words(sentence):
    if isinstance(sentence, str):
        return WORD.findall(sentence.lower())
    if not isinstance(sentence, list | tuple) or not all(isinstance(w, str) for w in sentence):
        raise expects("word2vec", "sentences of words", repr(sentence)[:60], TypeError)
    return list(sentence)


class Vocabulary:
    """The words of a text that occur often enough, the most frequent one first.

    * `words`: the words; `index[word]` is a word's place among them, its id.
    * `counts` (V,): how often each occurs.

    Args:
        sentences: lists of words.
        min_count: words that occur less often are left out.

    Raises:
        ValueError: fewer than two different words remain.
    """

    def __init__(self, sentences, /, *, min_count=1):
        least = whole("Vocabulary", "min_count", min_count)
        counted = Counter(chain.from_iterable(sentences)).most_common()
        kept = [(word, count) for word, count in counted if count >= least]
        if len(kept) < 2:
            what = f"two different words or more that occur min_count = {least} times each"
            raise expects("Vocabulary", what, len(kept))
        self.words = [word for word, _ in kept]
        self.counts = np.array([count for _, count in kept])
        self.index = {word: v for v, word in enumerate(self.words)}

    def __len__(self):
        """How many words it has: V."""
        return len(self.words)

    def __contains__(self, word):
        """Whether `word` is one of them."""
        return word in self.index

    def ids(self, sentences, /):
        """Return the ids of all words that it has, in order, and the number of each's sentence."""
        index = self.index
        each = [[index[word] for word in words if word in index] for words in sentences]
        sentence = np.repeat(np.arange(len(each)), [len(ids) for ids in each])
        return np.array(list(chain.from_iterable(each)), dtype=np.intp), sentence

    def kept(self, sample, /):
        """Return with what probability each word is kept (V,), for tau = `sample`; 0 keeps all."""
        tau = real("Vocabulary", "sample", sample, least=0)
        if tau == 0:
            return np.ones(len(self))
        f = self.counts / self.counts.sum()
        p = np.sqrt(tau / f) + tau / f  # (1)
        return np.minimum(p, 1)

    def noise(self):
        """Return with what probability each word is drawn as noise (V,)."""
        return self.counts**0.75 / (self.counts**0.75).sum()  # (2)
