"""word2vec: the small models, the questions and their gradients, the real text, errors."""

import hashlib
import inspect
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import backprop as bp
from backprop.classics import word2vec
from backprop.classics.word2vec import (
    Vectors,
    Word2Vec,
    book,
    contexts,
    full_softmax,
    huffman,
    king_james,
    model,
    noise,
    picture,
    published,
    questions,
    sparse,
    vocabulary,
)
from backprop.classics.word2vec.vocabulary import Vocabulary

TEXT = "the cat eats the fish\nthe dog eats the meat\na cat and a dog run\na fish is a fish\n" * 8


@pytest.mark.parametrize(
    "module", [vocabulary, questions, sparse, noise, full_softmax, contexts, huffman]
)
def test_tags_of_a_file_are_those_of_its_derivation(module):
    source = inspect.getsource(module)
    in_docstring = re.findall(r"\\tag\{(\d+)\}", source)
    assert in_docstring == [str(i + 1) for i in range(len(in_docstring))]
    assert re.findall(r"  # \((\d+)\)$", source, re.MULTILINE) == in_docstring


# The small models


def test_published_losses_and_weights_of_the_bag_of_words():
    layers, losses = full_softmax.train(published.TEXT, *published.start(), rate=0.8, epochs=10)
    assert_allclose(losses, np.array(published.LOSSES.split(), float), rtol=1e-12)
    for layer, text in zip(layers[::2], (published.W1, published.W2), strict=True):
        assert_allclose(layer.W.ravel(), np.array(text.split(), float), rtol=0, atol=5e-9)


@pytest.mark.parametrize(
    ("mode", "first", "last"),
    [
        ("cbow", 13.581820214600256, 0.06987249544364715),
        ("skip-gram", 23.248379119466236, 6.950303587173284),
    ],
)
def test_losses_after_600_epochs(mode, first, last):
    _, losses = full_softmax.train(
        published.TEXT, *published.start(), mode=mode, rate=0.1, epochs=600
    )
    assert_allclose((losses[0], losses[-1]), (first, last), rtol=1e-9)


def test_skip_gram_cannot_do_better_than_the_entropy_of_what_is_around():
    _, losses = full_softmax.train(
        published.TEXT, *published.start(), mode="skip-gram", rate=0.1, epochs=900
    )
    assert 5 * 2 * np.log(2) < losses[-1] < 5 * 2 * np.log(2) + 0.02


def test_published_step_moves_the_rows_that_went_in_and_no_others():
    (embedding, _, dense), loss, dW1, dW2 = published.step()
    assert loss == pytest.approx(2.227638084620666, rel=1e-14)
    new = embedding.W - 0.1 * dW1
    assert_allclose(new[[0, 1, 3, 4]], [[0.9989936944509945, 0.99115412788638]] * 4, rtol=1e-14)
    assert_array_equal(new[[2, 5, 6]], np.ones((3, 2)))
    row = np.array(published.STEPPED.split(), float)
    assert_allclose((dense.W - 0.1 * dW2)[0], row, rtol=1e-12)


@pytest.mark.parametrize(
    ("words", "target"),
    [([3], 0), ([0, 2], 1), ([4, 4, 1], 2), ([2], [0, 1, 0, 2, 0])],
    ids=["one word", "bag of words", "a word twice", "skip-gram"],
)
def test_gradients_of_the_small_models(words, target):
    draw = np.random.default_rng(0)
    W1, W2 = draw.standard_normal((5, 3)), draw.standard_normal((3, 5))
    _, dW1, dW2 = full_softmax.gradients(full_softmax.chain(W1, W2), words, target)
    net = bp.Network(full_softmax.chain(W1, W2))
    net.build((len(words), 1), dtype=np.float64)
    x, t = np.reshape(words, (1, -1, 1)), np.array([target])
    bp.gradcheck(net, x, loss=full_softmax.LOSS, target=t).assert_ok()
    y, caches = net.forward(x)
    grads = net.grads(full_softmax.LOSS.backward(full_softmax.LOSS.forward(y, t)[1]), caches)
    assert_allclose(dW1, grads["0.W"], rtol=1e-14)
    assert_allclose(dW2, grads["2.W"], rtol=1e-14)


def test_a_skip_gram_is_one_word_with_the_errors_summed():
    W1, W2 = published.start()
    layers = full_softmax.chain(W1, W2)
    each = [full_softmax.gradients(layers, [2], j) for j in (1, 3, 3)]
    together = full_softmax.gradients(layers, [2], [0, 1, 0, 2, 0, 0, 0])
    for one, summed in zip(zip(*each, strict=True), together, strict=True):
        assert_allclose(summed, sum(one), rtol=1e-14)


def test_places_of_a_text():
    assert full_softmax.places([0, 1, 0, 2], 3, "cbow", 2) == [
        ([1, 0], 0),
        ([0, 0, 2], 1),
        ([0, 1, 2], 0),
        ([1, 0], 2),
    ]
    (words, counts), *_ = full_softmax.places([0, 1, 0, 2], 3, "skip-gram", 2)
    assert words == [0]
    assert_array_equal(counts, [1, 1, 0])


# Questions: gradients


def scene(mode, output, seed=0, V=9, D=4, N=6):
    """Return tables, words that go in, and questions, in which words repeat."""
    rng = np.random.default_rng(seed)
    words = Vocabulary([[f"w{v}"] * (3 + v * v) for v in range(V)])
    asks = (
        questions.NegativeSampling(words, 5)
        if output == "negative"
        else questions.HierarchicalSoftmax(words)
    )
    counts = np.ones(N, int) if mode == "skip-gram" else rng.integers(1, 5, N)
    x, o = rng.integers(0, V - 2, counts.sum()), rng.integers(0, V, N)
    W, U = rng.standard_normal((V, D)), rng.standard_normal((asks.rows, D))
    return W, U, x, counts, asks.ask(o, rng)


def loss_by_loops(W, U, x, counts, w, t, m):
    """Minus the log-probability of all answers, a question after the other."""
    t = np.broadcast_to(t, w.shape)
    total, start = 0.0, 0
    for n, count in enumerate(counts):
        h = sum(W[v] for v in x[start : start + count]) / count
        start += count
        for k in range(w.shape[1]):
            p = 1 / (1 + np.exp(-(h @ U[w[n, k]])))
            total -= m[n, k] * np.log(p if t[n, k] else 1 - p)
    return total


def spread_out(rows, values, like):
    table = np.zeros_like(like)
    table[rows] = values
    return table


BOTH = pytest.mark.parametrize("mode", ["skip-gram", "cbow"])
OUTPUTS = pytest.mark.parametrize("output", ["negative", "hierarchical"])


@BOTH
@OUTPUTS
@pytest.mark.parametrize("seed", range(4))
def test_the_gradients_are_those_of_the_complex_step(mode, output, seed):
    W, U, x, counts, asked = scene(mode, output, seed)
    loss, of_W, of_U = model.gradients(W, U, x, counts, *asked)
    assert loss == pytest.approx(loss_by_loops(W, U, x, counts, *asked), rel=1e-12)
    for place, (rows, values) in enumerate((of_W, of_U)):
        tables = [W.astype(complex), U.astype(complex)]
        slope = np.zeros_like((W, U)[place])
        for i in np.ndindex(*slope.shape):
            tables[place][i] += 1e-30j
            slope[i] = model.gradients(*tables, x, counts, *asked)[0].imag / 1e-30
            tables[place][i] = (W, U)[place][i]
        assert_allclose(spread_out(rows, values, slope), slope, rtol=1e-12, atol=1e-13)


@BOTH
@OUTPUTS
def test_the_gradients_are_those_of_differences(mode, output):
    W, U, x, counts, asked = scene(mode, output, seed=7)
    _, of_W, of_U = model.gradients(W, U, x, counts, *asked)
    for table, (rows, values) in ((W, of_W), (U, of_U)):
        slope = np.zeros_like(table)
        for i in np.ndindex(*table.shape):
            start = table[i]
            sides = []
            for h in (1e-5, -1e-5):
                table[i] = start + h
                sides.append(loss_by_loops(W, U, x, counts, *asked))
            table[i] = start
            slope[i] = (sides[0] - sides[1]) / 2e-5
        assert_allclose(spread_out(rows, values, slope), slope, rtol=1e-7, atol=1e-8)


@BOTH
@OUTPUTS
def test_nothing_is_written_to_and_the_type_is_that_of_the_tables(mode, output):
    W, U, x, counts, asked = scene(mode, output)
    W, U = W.astype(np.float32), U.astype(np.float32)
    given = [a.copy() for a in (W, U, x, counts, *asked)]
    loss, (_, dW), (_, dU) = model.gradients(W, U, x, counts, *asked)
    assert loss.dtype == dW.dtype == dU.dtype == np.float32
    for before, after in zip(given, (W, U, x, counts, *asked), strict=True):
        assert_array_equal(before, after)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.complex128])
def test_the_fast_sum_is_that_of_add_at(kind):
    rng = np.random.default_rng(2)
    for _ in range(10):
        counts = rng.integers(1, 6, 30)
        columns = rng.integers(0, 12, counts.sum())
        values = rng.standard_normal(len(columns)).astype(kind)
        h = rng.standard_normal((30, 5)).astype(kind)
        slow = np.zeros((12, 5), kind)
        np.add.at(slow, columns, values[:, np.newaxis] * np.repeat(h, counts, axis=0))
        starts = np.concatenate([[0], counts.cumsum()])
        touched, S = sparse.compact(values, columns, starts)
        assert_array_equal(touched, np.unique(columns))
        fast = spread_out(touched, S.T @ h, slow)
        assert_allclose(fast, slow, rtol=0, atol=100 * np.finfo(kind).eps)


def test_a_step_moves_the_touched_rows_by_the_sum_and_no_others():
    found = Word2Vec(units=4)
    W, U, x, counts, asked = scene("cbow", "negative")
    asked = tuple(each[:2] if len(each) > 1 else each for each in asked)
    x, counts = x[: counts[:2].sum()], counts[:2]
    found.W, found.U = W.copy(), U.copy()
    loss = found._step(x, counts, asked, 0.1)
    _, (_, dW), (_, dU) = model.gradients(W, U, x, counts, *asked)
    assert loss == pytest.approx(loss_by_loops(W, U, x, counts, *asked), rel=1e-12)
    for new, old, rows, d in ((found.W, W, x, dW), (found.U, U, asked[0], dU)):
        touched = np.unique(rows)
        others = np.setdiff1d(np.arange(len(old)), touched)
        assert len(others)
        assert_array_equal(new[others], old[others])
        assert_allclose(new[touched], old[touched] - 0.1 * d, rtol=1e-14)


def test_a_word_that_a_batch_has_twice_moves_twice_as_far():
    W, U, x, counts, (w, t, m) = scene("skip-gram", "hierarchical", N=1)
    twice = [np.concatenate([a, a]) for a in (x, counts, w, t, m)]
    once_W, once_U = model.gradients(W, U, x, counts, w, t, m)[1:]
    twice_W, twice_U = model.gradients(W, U, *twice)[1:]
    assert_array_equal(twice_W[0], once_W[0])
    assert_allclose(twice_W[1], 2 * once_W[1], rtol=1e-14)
    assert_allclose(twice_U[1], 2 * once_U[1], rtol=1e-14)


def test_nothing_overflows():
    U = np.array([[1e3], [-1e3]], np.float32)
    h, w, t = np.ones((1, 1), np.float32), np.array([[0, 1]]), np.array([[0, 1]], np.int8)
    loss, cache = questions.forward(h, U, w, t, np.array([[True, True]]))
    assert loss == 2000
    dh, _, dU = questions.backward(cache)
    assert_array_equal(dh, [[2000]])
    assert_array_equal(dU, [[1], [-1]])


# What is asked


def test_noise_that_is_the_word_itself_is_not_asked():
    words = Vocabulary([["a"] * 9 + ["b"]])
    asks = questions.NegativeSampling(words, 8)
    o = np.array([0, 1, 0])
    w, t, m = asks.ask(o, np.random.default_rng(0))
    assert_array_equal(w[:, 0], o)
    assert_array_equal(t, [[1] + [0] * 8])
    assert_array_equal(m[:, 1:], w[:, 1:] != o[:, np.newaxis])
    assert m[:, 0].all()


@pytest.mark.parametrize("V", [2, 3, 10, 57])
def test_columns_hold_the_probabilities_they_were_made_of(V):
    rng = np.random.default_rng(V)
    for q in (rng.dirichlet(np.full(V, 0.3)), np.full(V, 1 / V), np.eye(V)[0]):
        p, a = noise.columns(q)
        held = p.copy()
        np.add.at(held, a, 1 - p)
        assert_allclose(held / V, q, rtol=0, atol=1e-14)
        assert (p >= 0).all()
        assert (p <= 1).all()


def test_words_are_drawn_as_often_as_they_should():
    q = np.array([0.5, 0.3, 0.15, 0.05, 0.0])
    drawn = noise.draw(*noise.columns(q), (400, 500), np.random.default_rng(0))
    assert drawn.shape == (400, 500)
    shares = np.bincount(drawn.ravel(), minlength=5) / drawn.size
    assert_allclose(shares, q, rtol=0, atol=0.005)
    assert shares[4] == 0


def test_a_tree_by_hand():
    nodes, answers, mask = huffman.paths([4, 2, 1, 1])
    assert_array_equal(mask.sum(axis=1), [1, 2, 3, 3])
    assert_array_equal(nodes, [[0, 0, 0], [0, 1, 0], [0, 1, 2], [0, 1, 2]])
    assert len({tuple(row[: n.sum()]) for row, n in zip(answers, mask, strict=True)}) == 4


@pytest.mark.parametrize("V", [2, 3, 4, 17, 100])
def test_the_tree_codes_as_shortly_as_any(V):
    counts = np.random.default_rng(V).zipf(1.6, V).clip(max=10_000)
    nodes, answers, mask = huffman.paths(counts)
    assert nodes.max() == V - 2
    # Each join of the two rarest adds their count once to the cost of the whole.
    heap, cost = sorted(counts.tolist()), 0
    while len(heap) > 1:
        joined = heap.pop(0) + heap.pop(0)
        cost += joined
        heap = sorted([*heap, joined])
    assert (counts * mask.sum(axis=1)).sum() == cost
    ways = {
        tuple(zip(n[:k], a[:k], strict=True))
        for n, a, k in zip(nodes.tolist(), answers.tolist(), mask.sum(axis=1), strict=True)
    }
    assert len(ways) == V
    assert (nodes[:, 0] == 0).all()


def test_the_probabilities_of_the_tree_sum_to_one():
    W, U, *_ = scene("cbow", "hierarchical")
    words = Vocabulary([[f"w{v}"] * (3 + v * v) for v in range(9)])
    asks = questions.HierarchicalSoftmax(words)
    total = 0.0
    for v in range(9):
        loss, _ = questions.forward(W[:1], U, *asks.ask(np.array([v]), None))
        total += np.exp(-loss)
    assert total == pytest.approx(1, rel=1e-14)


# From a text to numbers


@pytest.mark.parametrize(
    "text",
    [
        "In the beginning\n\nGod's don’t 1611 x2y\n",
        ["In the beginning", "", "God's don’t 1611 x2y"],
        (s for s in [["in", "the", "beginning"], [], ("god's", "don’t", "x", "y")]),
    ],
    ids=["string", "strings", "lists"],
)
def test_sentences(text):
    expected = [["in", "the", "beginning"], ["god's", "don’t", "x", "y"]]
    assert vocabulary.sentences(text) == expected


def test_a_vocabulary():
    words = Vocabulary([["b", "a", "c"], ["a", "b", "a", "d", "d"]], min_count=2)
    assert words.words == ["a", "b", "d"]
    assert_array_equal(words.counts, [3, 2, 2])
    assert words.index == {"a": 0, "b": 1, "d": 2}
    assert len(words) == 3
    assert "a" in words
    assert "c" not in words
    ids, sentence = words.ids([["c", "b"], ["z"], ["a", "d"]])
    assert_array_equal(ids, [1, 0, 2])
    assert_array_equal(sentence, [0, 2, 2])


def test_probabilities_of_words():
    words = Vocabulary([["a"] * 90 + ["b"] * 9 + ["c"]])
    assert_allclose(words.kept(0.1), [np.sqrt(1 / 9) + 1 / 9, 1, 1], rtol=1e-14)
    assert_array_equal(words.kept(0), [1, 1, 1])
    powers = np.array([90**0.75, 9**0.75, 1])
    assert_allclose(words.noise(), powers / powers.sum(), rtol=1e-14)


@pytest.mark.parametrize("window", [1, 2, 5, 50])
def test_neighbours_are_those_of_two_loops(window):
    rng = np.random.default_rng(window)
    sentence = np.repeat(np.arange(7), [1, 4, 2, 9, 1, 30, 3])
    ids = rng.integers(0, 40, len(sentence))
    before, after = contexts.margins(sentence)
    places = rng.permutation(len(ids))
    reach = rng.integers(1, window, len(ids), endpoint=True)
    around, inside = contexts.neighbours(ids, before, after, places, reach, window)
    for n, place in enumerate(places):
        near = [
            ids[i]
            for i in range(place - reach[n], place + reach[n] + 1)
            if 0 <= i < len(ids) and i != place and sentence[i] == sentence[place]
        ]
        assert around[n][inside[n]].tolist() == near


def test_examples_of_both_kinds():
    ids, sides = np.array([5, 6, 7, 8]), contexts.margins(np.array([0, 0, 0, 1]))
    places = np.array([3, 1, 0])
    x, counts, o = contexts.examples(ids, *sides, places, 1, "cbow", np.random.default_rng(0))
    assert (x.tolist(), counts.tolist(), o.tolist()) == ([5, 7, 6], [2, 1], [6, 5])
    x, counts, o = contexts.examples(ids, *sides, places, 1, "skip-gram", np.random.default_rng(0))
    assert (x.tolist(), counts.tolist(), o.tolist()) == ([6, 6, 5], [1, 1, 1], [5, 7, 6])


# Training


@BOTH
@OUTPUTS
def test_every_method_learns_and_repeats_itself(mode, output):
    settings = {"units": 8, "window": 2, "mode": mode, "output": output, "sample": 0, "rate": 0.1}
    found = Word2Vec(**settings, min_count=1, batch_size=16).fit(TEXT, epochs=30, rng=1)
    assert len(found.losses) == 30
    assert found.losses[-1] < 0.9 * found.losses[0]
    assert found.W.dtype == found.U.dtype == np.float32
    assert found.W.shape == (10, 8)
    assert found.words_per_second > 0
    again = Word2Vec(**settings, min_count=1, batch_size=16).fit(TEXT, epochs=30, rng=1)
    assert_array_equal(found.W, again.W)
    assert found.losses == again.losses
    again.fit(TEXT, epochs=2, rng=1)
    assert len(again.losses) == 2


def test_the_first_epoch_is_that_of_a_loop():
    """A batch as large as the text: one step, every gradient from where the tables began."""
    text = [["a", "b"], ["b", "c"], ["c", "a", "b"]]
    settings = {"units": 3, "window": 1, "output": "hierarchical", "sample": 0, "min_count": 1}
    found = Word2Vec(**settings, rate=0.5, batch_size=100).fit(text, epochs=1, rng=4)
    start = Word2Vec(**settings, rate=0, batch_size=100).fit(text, epochs=1, rng=4)
    asks = questions.HierarchicalSoftmax(start.vocabulary)
    W, U = start.W.astype(float), start.U.astype(float)
    dW, dU, total = np.zeros_like(W), np.zeros_like(U), 0.0
    numbers = [[start.index[word] for word in words] for words in text]
    pairs = [
        (s[i], s[j])
        for s in numbers
        for i in range(len(s))
        for j in (i - 1, i + 1)
        if 0 <= j < len(s)
    ]
    for x, o in pairs:
        questions_of_o = (each[0] for each in asks.ask(np.array([o]), None))
        for node, answer, asked in zip(*questions_of_o, strict=True):
            p = 1 / (1 + np.exp(-(W[x] @ U[node])))
            total -= asked * np.log(p if answer else 1 - p)
            dW[x] += asked * (p - answer) * U[node]
            dU[node] += asked * (p - answer) * W[x]
    assert_allclose(found.losses, [total / len(pairs)], rtol=1e-6)
    assert_allclose(found.W, W - 0.5 * dW, rtol=1e-6, atol=1e-7)
    assert_allclose(found.U, U - 0.5 * dU, rtol=1e-6, atol=1e-7)


def test_the_rate_falls_linearly(monkeypatch):
    rates = []

    def step(self, x, counts, asked, rate):
        rates.append(rate)
        return 0.0

    monkeypatch.setattr(Word2Vec, "_step", step)
    Word2Vec(min_count=1, sample=0, batch_size=42).fit(TEXT, epochs=2, rng=0)
    assert_allclose(rates, 0.025 * (1 - np.arange(8) / 8), rtol=1e-12)


def test_settings_show():
    assert repr(Word2Vec()) == "Word2Vec()"
    assert repr(Word2Vec(20, mode="cbow")) == "Word2Vec(units=20, mode='cbow')"


# Questions to the vectors


def vectors():
    return Vectors(["n", "e", "s", "ne"], np.array([[0, 2], [1, 0], [0, -1], [3, 3]], np.float32))


def test_cosines_and_neighbours():
    found = vectors()
    half = pytest.approx(np.sqrt(0.5), rel=1e-6)
    assert found.similarity("n", "ne") == half
    assert found.similarity("n", "s") == -1
    assert found.most_similar("n") == [("ne", half), ("e", 0), ("s", -1)]
    assert found.most_similar("n", 1) == [("ne", half)]
    assert_array_equal(found["ne"], [3, 3])
    assert "ne" in found
    assert "w" not in found
    assert repr(found) == "4 words, 2 numbers each"
    found["ne"][:] = 0
    assert found.W[3, 0] == 3


def test_an_analogy():
    words = ["man", "woman", "king", "queen", "apple"]
    found = Vectors(
        words, np.array([[1, 0.2, 0], [1, 0, 0.2], [0, 1, 0], [0, 0.8, 0.3], [-1, 0, 0]])
    )
    (word, cosine), *others = found.analogy("man", "woman", "king")
    assert word == "queen"
    directions = found.W / np.linalg.norm(found.W, axis=1, keepdims=True)
    row = directions[1] - directions[0] + directions[2]
    assert cosine == pytest.approx(directions[3] @ row / np.linalg.norm(row), rel=1e-12)
    assert [other for other, _ in others] == ["apple"]


def test_a_file_gives_back_the_same_numbers(tmp_path):
    found = Word2Vec(units=5, min_count=1).fit(TEXT, epochs=1, rng=0)
    found.save(tmp_path / "words.txt")
    again = Word2Vec.load(tmp_path / "words.txt")
    assert type(again) is Vectors
    assert again.words == found.words
    assert again.W.dtype == np.float32
    assert_array_equal(again.W, found.W)
    assert again.most_similar("cat") == found.most_similar("cat")
    assert (tmp_path / "words.txt").read_text().startswith("10 5\n")


# The text


def test_the_text_is_the_one_its_provenance_tells_of():
    text = king_james()
    told = (book.FILE.parent / "PROVENANCE.md").read_text()
    assert hashlib.sha256(text.encode()).hexdigest() in told
    lines = text.splitlines()
    assert len(lines) == 5786
    assert lines[0] == "In the beginning God created the heaven and the earth."
    assert sum(len(line.split()) for line in lines) == 164_627
    assert book.FILE.stat().st_size < 300_000
    assert Path(word2vec.__file__).parents[2] in book.FILE.parents


def test_words_that_belong_together_are_near_after_little_reading():
    found = Word2Vec().fit(king_james(), epochs=2, rng=5)
    related, exchanged = book.closeness(found, book.PAIRS[:4])
    assert -1 < exchanged < related < 1
    assert found.similarity("silver", "gold") > 0.05 + found.similarity("silver", "mother")
    assert found.losses[1] < 0.92 * found.losses[0]
    assert len(found.vocabulary) == 1993
    assert all(word in found for pair in book.PAIRS for word in pair)
    assert picture.draw(found).png().startswith(b"\x89PNG")


@pytest.mark.slow
def test_everything_stated_holds():
    word2vec.reproduce().assert_ok()


def test_closeness_exchanges_partners():
    pairs = (("n", "ne"), ("s", "e"))
    related, exchanged = book.closeness(vectors(), pairs)
    assert related == pytest.approx(np.sqrt(0.5) / 2, rel=1e-6)
    assert exchanged == pytest.approx(-np.sqrt(0.5) / 2, rel=1e-6)


def test_shared_neighbours():
    words, W = vectors().words, vectors().W
    turned = Vectors(words, W[[0, 2, 1, 3]])
    assert book.shared_neighbours(vectors(), turned, ["n", "s"], 1) == 0.5
    assert book.shared_neighbours(vectors(), vectors(), ["n", "ne"], 2) == 1


def test_gensim_is_asked_only_if_it_is_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim", None)
    assert book.gensim_vectors(TEXT, 1) is None
    calls = []

    class Gensim:
        def __init__(self, **settings):
            calls.append(settings)
            self.wv = types.SimpleNamespace(index_to_key=["a", "b"], vectors=np.eye(2))

        def build_vocab(self, lists):
            calls.append(len(lists))

        def train(self, lists, total_examples, epochs):
            calls.append((total_examples, epochs))

    models = types.SimpleNamespace(Word2Vec=Gensim)
    monkeypatch.setitem(sys.modules, "gensim", types.SimpleNamespace(models=models))
    monkeypatch.setitem(sys.modules, "gensim.models", models)
    found, speed = book.gensim_vectors(TEXT, 3)
    assert found.words == ["a", "b"]
    assert speed > 0
    assert calls[1:] == [32, (32, 3)]
    assert calls[0]["vector_size"] == 50


def test_the_plane_has_the_largest_variances():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((40, 5)) * [1, 5, 0.1, 3, 0.5] + 7
    xy, shares = picture.plane(rows)
    values = np.linalg.eigvalsh(np.cov(rows.T, bias=True))[::-1]
    assert_allclose((xy**2).mean(axis=0), values[:2], rtol=1e-12)
    assert_allclose(shares, values[:2] / values.sum(), rtol=1e-12)


# Errors


def fitted():
    return Word2Vec(units=2, min_count=1).fit("a b c", epochs=1, rng=0)


NUMBER = "to be a whole number of at least 1"


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: Word2Vec(0), ValueError, f"Word2Vec expects units {NUMBER}, got 0"),
        (lambda: Word2Vec(window=0), ValueError, f"Word2Vec expects window {NUMBER}, got 0"),
        (lambda: Word2Vec(negative=0), ValueError, f"Word2Vec expects negative {NUMBER}, got 0"),
        (lambda: Word2Vec(min_count=0), ValueError, f"Word2Vec expects min_count {NUMBER}, got 0"),
        (
            lambda: Word2Vec(batch_size=0),
            ValueError,
            f"Word2Vec expects batch_size {NUMBER}, got 0",
        ),
        (
            lambda: Word2Vec(mode="bag"),
            ValueError,
            "Word2Vec expects mode to be one of 'skip-gram', 'cbow', got 'bag'",
        ),
        (
            lambda: Word2Vec(output="softmax"),
            ValueError,
            "Word2Vec expects output to be one of 'negative', 'hierarchical', got 'softmax'",
        ),
        (
            lambda: Word2Vec(sample=-1),
            ValueError,
            "Word2Vec expects sample to be a finite number of at least 0, got -1",
        ),
        (
            lambda: Word2Vec(rate=-0.1),
            ValueError,
            "Word2Vec expects rate to be a finite number of at least 0, got -0.1",
        ),
        (
            lambda: Word2Vec().fit("a b", epochs=0),
            ValueError,
            f"Word2Vec expects epochs {NUMBER}, got 0",
        ),
        (
            lambda: Word2Vec().fit("12, 13.\n"),
            ValueError,
            "word2vec expects a text with words, got none",
        ),
        (lambda: Word2Vec().fit([]), ValueError, "word2vec expects a text with words, got none"),
        (lambda: Word2Vec().fit(3), TypeError, "word2vec expects a text or sentences, got int"),
        (
            lambda: Word2Vec().fit(b"in the"),
            TypeError,
            "word2vec expects a text or sentences, got bytes",
        ),
        (
            lambda: Word2Vec().fit([["in", 3]]),
            TypeError,
            "word2vec expects sentences of words, got ['in', 3]",
        ),
        (lambda: Word2Vec().fit([4]), TypeError, "word2vec expects sentences of words, got 4"),
        (
            lambda: Word2Vec().fit("amen " * 9),
            ValueError,
            "Vocabulary expects two different words or more that occur min_count = 5 times each, "
            "got 1",
        ),
        (
            lambda: Word2Vec(min_count=1).fit("in\nthe\nbeginning"),
            ValueError,
            "Word2Vec expects sentences with two words of the vocabulary or more, got none",
        ),
        (
            lambda: Word2Vec(min_count=1, rate=1e30).fit(TEXT, rng=0),
            FloatingPointError,
            "Word2Vec expects a rate at which the loss stays finite, got 1e+30",
        ),
        (
            lambda: fitted().most_similar("lord"),
            ValueError,
            "Word2Vec expects one of the 3 words it has, got 'lord'",
        ),
        (lambda: fitted()[3], ValueError, "Word2Vec expects one of the 3 words it has, got 3"),
        (
            lambda: fitted().similarity("a", "lord"),
            ValueError,
            "Word2Vec expects one of the 3 words it has, got 'lord'",
        ),
        (
            lambda: vectors().analogy("n", "e", "w"),
            ValueError,
            "Vectors expects one of the 4 words it has, got 'w'",
        ),
        (
            lambda: fitted().most_similar("a", 0),
            ValueError,
            f"most_similar expects count {NUMBER}, got 0",
        ),
        (
            lambda: Word2Vec().most_similar("lord"),
            ValueError,
            "Word2Vec expects fit(text) before its vectors are asked for, got none",
        ),
        (
            lambda: "lord" in Word2Vec(),
            ValueError,
            "Word2Vec expects fit(text) before its vectors are asked for, got none",
        ),
        (
            lambda: Vectors(["a", "b"], np.ones(2)),
            ValueError,
            "Vectors expects a row for each of 2 different words, got (2,) for 2",
        ),
        (
            lambda: Vectors(["a", "a"], np.ones((2, 3))),
            ValueError,
            "Vectors expects a row for each of 1 different words, got (2, 3) for 2",
        ),
        (
            lambda: Vectors(["a"], [[1, 2]]),
            ValueError,
            "Vectors expects rows of floats, got int64",
        ),
        (
            lambda: Vectors(["a"], [[1.0, np.nan]]),
            ValueError,
            "Vectors expects rows of finite numbers, got NaN or infinity",
        ),
        (
            lambda: Vectors(["a b"], np.ones((1, 2))).save("unwritten"),
            ValueError,
            "save expects words without spaces, got 'a b'",
        ),
        (
            lambda: Vocabulary([["a"]], min_count=0),
            ValueError,
            f"Vocabulary expects min_count {NUMBER}, got 0",
        ),
        (
            lambda: Vocabulary([["a", "b"]]).kept(-1),
            ValueError,
            "Vocabulary expects sample to be a finite number of at least 0, got -1",
        ),
        (
            lambda: full_softmax.train("alone", [[1.0]], [[1.0]]),
            ValueError,
            "train expects a text of two words or more, got 1",
        ),
        (
            lambda: full_softmax.train("a b a", np.ones((3, 2)), np.ones((2, 3))),
            ValueError,
            "train expects W1 of shape (2, E) and W2 of shape (E, 2), got ((3, 2), (2, 3))",
        ),
        (
            lambda: full_softmax.train("a b", np.ones(2), np.ones((2, 2))),
            ValueError,
            "train expects W1 of shape (2, E) and W2 of shape (E, 2), got ((2,), (2, 2))",
        ),
        (
            lambda: full_softmax.train("a b", *np.ones((2, 2, 2)), mode="bag"),
            ValueError,
            "train expects mode to be one of 'cbow', 'skip-gram', got 'bag'",
        ),
        (
            lambda: full_softmax.train("a b", *np.ones((2, 2, 2)), window=0),
            ValueError,
            f"train expects window {NUMBER}, got 0",
        ),
        (
            lambda: full_softmax.train("a b", *np.ones((2, 2, 2)), epochs=-1),
            ValueError,
            "train expects epochs to be a whole number of at least 0, got -1",
        ),
        (
            lambda: full_softmax.train("a b", *np.ones((2, 2, 2)), rate="fast"),
            ValueError,
            "train expects rate to be a finite number, got 'fast'",
        ),
    ],
)
def test_errors(call, kind, text):
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        call()


FILE = "words and their numbers, got {}:"
UNPACK = "not enough values to unpack"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", f"{FILE} {UNPACK} (expected at least 1, got 0)"),
        ("1\n", f"{FILE} {UNPACK} (expected 2, got 1)"),
        ("1 2\na 1 x\n", f"{FILE} could not convert string to float: 'x'"),
        ("1 2\n\n", f"{FILE} list index out of range"),
        (
            "2 2\na 1 2\na 3 4\n",
            "2 different words with 2 finite numbers each, got 1 words, numbers (2, 2)",
        ),
        (
            "1 3\na 1 2\n",
            "1 different words with 3 finite numbers each, got 1 words, numbers (1, 2)",
        ),
        (
            "1 1\na nan\n",
            "1 different words with 1 finite numbers each, got 1 words, numbers (1, 1)",
        ),
    ],
)
def test_a_file_that_is_none(content, text, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"^{re.escape('load expects ' + text.format(path))}$"):
        Vectors.load(path)


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "words.txt"
    text = f"load expects to be able to read {path}, got No such file or directory"
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(text)}$"):
        Vectors.load(path)


def test_a_row_of_zeros_is_like_none():
    found = Vectors(["nothing", "n"], np.array([[0.0, 0], [0, 2]]))
    assert found.similarity("nothing", "n") == 0
    assert found.most_similar("nothing") == [("n", 0)]
    assert_array_equal(found.directions(), [[0, 0], [0, 1]])
