r"""What one asks of words that have become rows of a table, and the file that keeps them.

Two words are as similar as their rows point the same way, whatever their lengths:

$$ \cos(a, b) = \frac{W_a \cdot W_b}{|W_a|\,|W_b|} $$

The file is the text format of the program of 2013, which others read too: a line with V and D, then
a line for every word, with its D numbers after it.
"""

from pathlib import Path

import numpy as np

from ...atomic import write
from ...errors import expects, whole
from ...settings import Configured


class Vectors(Configured):
    """Words and their rows.

    * `words`: the words; `index[word]` is the number of a word's row.
    * `W` (V, D): the rows, of floats.

    Raises:
        ValueError: there is not a row of finite floats for every word, or a word twice.
    """

    words: list[str]
    index: dict[str, int]
    W: np.ndarray

    def __init__(self, words, W, /):
        if np.ndim(W) != 2 or len(W) != len(set(words)) or len(W) != len(words):
            what = f"a row for each of {len(set(words))} different words"
            raise expects("Vectors", what, f"{np.shape(W)} for {len(words)}")
        if np.asarray(W).dtype.kind != "f":
            raise expects("Vectors", "rows of floats", np.asarray(W).dtype)
        if not np.isfinite(W).all():
            raise expects("Vectors", "rows of finite numbers", "NaN or infinity")
        self._set(list(words), np.asarray(W))

    def _set(self, words, W):
        self.words, self.W = words, W
        self.index = {word: v for v, word in enumerate(words)}

    def __repr__(self):
        """Show how many there are."""
        return f"{len(self.words)} words, {self.W.shape[1]} numbers each"

    def __contains__(self, word):
        """Whether there is a row for `word`."""
        self._check()
        return word in self.index

    def __getitem__(self, word):
        """Return a copy of the row of `word` (D,)."""
        return self.W[self._id(word)].copy()

    def similarity(self, word, other, /):
        """Return the cosine between two words' rows, from -1 to 1."""
        a, b = self._directions(word, other)
        return float(a @ b)

    def most_similar(self, word, /, count=10):
        """Return the `count` words nearest to `word` and their cosines, the nearest first."""
        (a,) = self._directions(word)
        return self._nearest(a, (word,), count)

    def analogy(self, a, b, c, /, count=10):
        """Return the words that may be to `c` what `b` is to `a`: nearest to b - a + c.

        The three count by their directions, and are not among the answers.
        """
        of_a, of_b, of_c = self._directions(a, b, c)
        return self._nearest(of_b - of_a + of_c, (a, b, c), count)

    def directions(self):
        """Return all rows, each divided by its length (V, D)."""
        self._check()
        return _unit(self.W)

    def save(self, path, /):
        """Write words and rows to `path`. A write that is cut short leaves the old file.

        Raises:
            ValueError: a word has a space in it, which the format has no way to write.
            OSError: the file cannot be written.
        """
        self._check()
        for word in self.words:
            if word.split() != [word]:
                raise expects("save", "words without spaces", repr(word))
        rows = [" ".join(map(str, row)) for row in self.W.tolist()]
        lines = [f"{word} {row}" for word, row in zip(self.words, rows, strict=True)]
        V, D = self.W.shape
        write("save", path, "\n".join([f"{V} {D}", *lines, ""]).encode())

    @staticmethod
    def load(path, /):
        """Return the Vectors in the file `path`, float32.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is not in the format.
        """
        try:
            head, *lines = Path(path).read_text(encoding="utf-8").splitlines()
            V, D = map(int, head.split())
            parts = [line.split() for line in lines]
            words, W = [part[0] for part in parts], np.array([part[1:] for part in parts], "f4")
        except OSError as error:
            what = f"to be able to read {path}"
            raise expects("load", what, error.strerror, type(error)) from error
        except (ValueError, IndexError, ArithmeticError) as error:
            raise expects("load", "words and their numbers", f"{path}: {error}") from error
        if W.shape != (V, D) or len(set(words)) != V or not np.isfinite(W).all():
            what = f"{V} different words with {D} finite numbers each"
            raise expects("load", what, f"{len(set(words))} words, numbers {W.shape}")
        return Vectors(words, W)

    def _directions(self, *words):
        ids = [self._id(word) for word in words]
        return _unit(self.W[ids])

    def _nearest(self, row, without, count):
        whole("most_similar", "count", count)
        cosines = self.directions() @ _unit(row)
        order = [v for v in np.argsort(-cosines, kind="stable") if self.words[v] not in without]
        return [(self.words[v], float(cosines[v])) for v in order[:count]]

    def _id(self, word):
        self._check()
        if not isinstance(word, str) or word not in self.index:
            who = type(self).__name__
            raise expects(who, f"one of the {len(self.words)} words it has", repr(word))
        return self.index[word]

    def _check(self):
        if not hasattr(self, "W"):
            who = type(self).__name__
            raise expects(who, "fit(text) before its vectors are asked for", "none")


def _unit(rows):
    """Return rows of length 1, or of 0 where they are 0."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.maximum(lengths, np.finfo(rows.dtype).tiny)
