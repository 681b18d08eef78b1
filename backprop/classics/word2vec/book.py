"""Six books of the King James Bible, which come with this package, and what is asked of them."""

import gzip
import time
from pathlib import Path

import numpy as np

from .vectors import Vectors
from .vocabulary import sentences

FILE = Path(__file__).parents[2] / "data" / "texts" / "king_james.txt.gz"
PAIRS = (
    *(("silver", "gold"), ("bread", "water"), ("father", "mother"), ("son", "daughter")),
    *(("brother", "sister"), ("sheep", "oxen"), ("sword", "spear"), ("eat", "drink")),
    *(("morning", "evening"), ("two", "three"), ("israel", "judah"), ("hundred", "thousand")),
    *(("north", "south"), ("right", "left"), ("blue", "purple"), ("flocks", "herds")),
    *(("horses", "chariots"), ("heaven", "earth"), ("shekels", "talents"), ("king", "queen")),
)
"""Words that belong together, and thereby, partners exchanged, words that do not."""


def king_james():
    """Return Genesis, Exodus, 1 and 2 Samuel, 1 and 2 Kings: a string, one verse a line.

    Where it comes from: `backprop/data/texts/PROVENANCE.md`.
    """
    return gzip.decompress(FILE.read_bytes()).decode("ascii")


def closeness(model, pairs=PAIRS, /):
    """Return the mean cosine of pairs, and that of the same words with partners exchanged.

    The partner of the pair half the list further on takes the place of each word's own: the same
    words, as frequent as before, that do not belong together.
    """
    partners = [b for _, b in pairs]
    half = len(pairs) // 2
    exchanged = partners[half:] + partners[:half]
    ours = [model.similarity(a, b) for a, b in pairs]
    others = [model.similarity(a, b) for (a, _), b in zip(pairs, exchanged, strict=True)]
    return float(np.mean(ours)), float(np.mean(others))


def shared_neighbours(model, other, words, count=10):
    """Return what share of the `count` nearest words two models agree on, on average."""
    found = []
    for word in words:
        lists = [{near for near, _ in each.most_similar(word, count)} for each in (model, other)]
        found.append(len(lists[0] & lists[1]) / count)
    return float(np.mean(found))


def gensim_vectors(text, epochs, /):
    """Return gensim's vectors for `text` by skip-gram, on one core, and its words per second.

    The other settings are the defaults of `Word2Vec`. None if gensim is not installed.
    """
    try:
        from gensim.models import Word2Vec as Gensim  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    lists = sentences(text)
    theirs = Gensim(vector_size=50, window=5, min_count=5, sg=1, negative=5, workers=1, seed=1)
    theirs.build_vocab(lists)
    start = time.perf_counter()
    theirs.train(lists, total_examples=len(lists), epochs=epochs)
    seconds = time.perf_counter() - start
    vectors = Vectors(theirs.wv.index_to_key, theirs.wv.vectors)
    return vectors, epochs * sum(word in vectors for words in lists for word in words) / seconds
