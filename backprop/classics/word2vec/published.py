"""What was printed and computed of the small models, and what was stated of the fast ones."""

import functools

import numpy as np

from ..reproduction import COMPUTED, Classic, Reproduction
from . import book, full_softmax, picture
from .model import Word2Vec

CLASSIC = Classic("C. Bellei", 2018, "The backpropagation algorithm for Word2Vec", seconds=15)
TEXT = "I like playing football with my friends"
LOSSES = (
    "14.328868654443703 12.290456644464603 10.366644621637064 9.175977768444662 8.42336269972339 "
    "7.395294868491026 6.172739330754974 5.163947611769819 4.633337708815305 4.294469725946548"
)
W1 = (
    "0.99870389 0.20697257 -1.01911559 2.26364436 -0.69737232 0.14131477 3.28315183 1.13801973 "
    "-1.42944927 -0.62142097 0.65359329 -2.21415048 -0.22343751 -1.17927987"
)
W2 = (
    "-0.97080793 1.21120331 2.15603796 -1.79083151 3.38445043 -1.65295511 1.36685097 "
    "2.77323464 0.78710269 2.74152617 0.08953005 0.04400675 -1.34149651 -2.19375528"
)
STEP_W2 = "0.2 0.2 0.3 0.4 0.5 0.3 0.2 0.3 0 0.1 0 1 0.1 0.5"
STEPPED = (
    "0.18808816907790 0.19117549861123 0.38922172966436 0.38922172966436 0.46762028646077 "
    "0.28922172966436 0.18545085685701"
)
RUNS = (
    ("skip-gram", "negative", 5, (0, 1, 2), 0.35, 0.88),
    ("cbow", "negative", 10, (0,), 0.35, 0.75),
    ("skip-gram", "hierarchical", 5, (0,), 0.5, 0.97),
    ("cbow", "hierarchical", 10, (0,), 0.5, 0.88),
)
"""Mode, output, epochs and seeds; by how much related words are closer, at least; to what share the
loss falls, at most. The two bounds were set by runs with the seeds 100, 101 and 102."""


MACHINE = "it depends on the machine"
OTHERS = "a bound of ours, set by runs with other seeds"


def start():
    """Return the weights that the small models begin with: the numbers of the original's seed."""
    draw = np.random.RandomState(100)
    return draw.rand(7, 2), draw.rand(2, 7)


def step():
    """Return the layers of the worked step, its loss, dW1 and dW2."""
    layers = full_softmax.chain(np.ones((7, 2)), np.reshape(STEP_W2.split(), (2, 7)).astype(float))
    return layers, *full_softmax.gradients(layers, [0, 1, 3, 4], 2)


def reproduce():
    """Return the small models' numbers beside ours, and the fast ones' on the King James Bible."""
    table = Reproduction(CLASSIC)
    _small(table)
    text = book.king_james()
    models = [_run(table, text, *run) for run in RUNS]
    _gensim(table, text, models[0])
    table.picture = functools.partial(picture.draw, models[0])
    return table


def _small(table):
    (embedding, _, dense), losses = full_softmax.train(TEXT, *start(), rate=0.8, epochs=10)
    table.number("CBOW, losses of 10 epochs", LOSSES, losses)
    table.number("CBOW, W1 after them", W1, embedding.W)
    table.number("CBOW, W2 after them", W2, dense.W)
    ends = {
        "cbow": "13.581820214600256 0.06987249544364715",
        "skip-gram": "23.248379119466236 6.950303587173284",
    }
    for mode, numbers in ends.items():
        _, losses = full_softmax.train(TEXT, *start(), mode=mode, rate=0.1, epochs=600)
        quantity = f"{mode}, loss of epochs 1 and 600"
        ours = (losses[0], losses[-1])
        table.number(quantity, numbers, ours, computed=True, tolerance=1e-9)
    (embedding, _, dense), loss, dW1, dW2 = step()
    table.number("one step, loss", "2.227638084620666", loss, computed=True)
    new = embedding.W - 0.1 * dW1
    quantity, row = "one step, W1 of a word around", "0.9989936944509945 0.99115412788638"
    table.number(quantity, row, new[0], computed=True)
    table.number("one step, row 0 of W2", STEPPED, (dense.W - 0.1 * dW2)[0], computed=True)
    moved = (new != 1).any(axis=1).nonzero()[0].tolist()
    table.claim("one step, the rows of W1 that moved", "[0, 1, 3, 4]", str(moved), remark=COMPUTED)


def _run(table, text, mode, output, epochs, seeds, margin, share):
    """Train with all seeds, add the worst of them, and return the last model."""
    who = f"{mode}, {output}"
    models = [
        Word2Vec(mode=mode, output=output).fit(text, epochs=epochs, rng=seed) for seed in seeds
    ]
    closer = min(related - exchanged for related, exchanged in map(book.closeness, models))
    quantity = f"{who}: cosine of pairs less that of exchanged"
    table.band(quantity, margin, 2, closer, published="none printed", remark=OTHERS)
    falls = max(model.losses[-1] / model.losses[0] for model in models)
    quantity = f"{who}: loss of the last epoch / first"
    table.band(quantity, 0, share, falls, published="none printed", remark=OTHERS)
    speed = max(model.words_per_second for model in models)
    table.told(f"{who}: words per second", "", f"{speed:,.0f}", MACHINE)
    return models[0]


def _gensim(table, text, model):
    """Tell how fast gensim is and whether it finds the same neighbours, if it is installed."""
    found = book.gensim_vectors(text, len(model.losses))
    quantity = "skip-gram, negative: gensim's words per second"
    if found is None:
        table.told(quantity, "", "not installed", MACHINE)
        return
    vectors, speed = found
    table.told(quantity, "", f"{speed:,.0f}", MACHINE)
    words = [word for pair in book.PAIRS for word in pair]
    common = book.shared_neighbours(model, vectors, words)
    again = Word2Vec().fit(text, epochs=len(model.losses), rng=3)
    others = book.shared_neighbours(model, again, words)
    quantity = "of 10 neighbours, shared with gensim (with another seed)"
    table.told(quantity, "", f"{10 * common:.1f} ({10 * others:.1f})", "chance")
