"""The page for a browser, as far as it can be read without one: its data, and that it is whole."""

import base64
import html.parser
import json
import re
import zlib
from pathlib import Path

import numpy as np
import pytest

import backprop as bp
from backprop import models
from backprop.classics import mazur
from backprop.explanation.chapters import chapters
from backprop.explanation.derivation import equations_of
from backprop.explanation.page.arrays import Arrays
from backprop.explanation.page.expression import Grower
from backprop.explanation.page.mathml import mathml
from backprop.selfcheck import spread
from explanation.test_example import MSE, NETWORKS, explained

MADE_HERE = {
    "return np.ascontiguousarray(X.transpose(axes)).transpose(axes)",
    "y = self.W[x]",
    "dalpha = shares.sum(axis=0)",
    "m = ((u >= self.rate) / (1 - self.rate)).astype(x.dtype)",
}
"""Lines that read only what lines without a number made."""
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(html.parser.HTMLParser):
    """Reads a page as a browser does: which elements there are, and what the scripts hold."""

    def __init__(self, page):
        super().__init__()
        self.open, self.elements, self.scripts, self.text = [], [], {}, {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if self.open:
            tag, attrs = self.open[-1]
            key = attrs.get("id", tag)
            self.text[key] = self.text.get(key, "") + data

    @property
    def data(self):
        return json.loads(self.text["data"])

    def arrays(self):
        """Return the arrays of the page as they come out of its bytes."""
        block = zlib.decompress(base64.b64decode(self.text["numbers"]))
        found = []
        for one in self.data["arrays"]:
            kind = np.dtype(one["type"]).newbyteorder("<")
            count = int(np.prod(one["shape"], dtype=int))
            found.append(np.frombuffer(block, kind, count, one["at"]).reshape(one["shape"]))
        return found

    def array(self, number):
        return self.arrays()[number]


@pytest.fixture(scope="module")
def by_hand():
    return bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS)


@pytest.fixture(scope="module")
def page(by_hand):
    return Reader(by_hand.html())


def test_the_page_is_whole_and_needs_nothing_else(by_hand, page):
    text = by_hand.html()
    assert text.startswith("<!DOCTYPE html>")
    assert "{{" not in text
    for tag, attrs in page.elements:
        assert not {"src", "href", "action", "srcset", "data"} & set(attrs) or attrs == {
            "class": "skip",
            "href": "#step",
        }, tag
    assert re.findall(r"https?://|url\(|@import|fetch\(|XMLHttp|import\(", text) == []
    ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert page.text["title"] == (
        "Network of 4 layers, forward and backward: L = HalfSquaredError() = 0.298371"
    )
    tags = {tag for tag, _ in page.elements}
    assert {"header", "nav", "main", "aside", "footer", "h1", "h2"} <= tags


def test_every_line_is_a_step(by_hand, page):
    steps = page.data["steps"]
    records = by_hand.recording.records
    assert [(s["code"], s["tag"], s["phase"], s["place"]) for s in steps] == [
        (r.line.source, r.tag, r.phase, r.line.place) for r in records
    ]
    for step, record in zip(steps, records, strict=True):
        (result,) = step["results"]
        assert page.array(result["array"]).tobytes() == np.asarray(record.value).tobytes()
        assert page.array(result["array"]).dtype == record.value.dtype
        assert page.data["formulas"][step["equation"]].startswith('<math display="block">')


def test_formulas_have_the_numbers_in_them(page):
    formulas = page.data["formulas"]
    first = "".join(formulas[n] for n in page.data["steps"][0]["numbers"])
    assert re.findall(r"<mn>([\d.]+)</mn>", first) == [
        *["0.05", "0.1"],
        *["0.15", "0.25", "0.2", "0.3"],
        *["0.35", "0.35"],
    ]


def test_where_numbers_come_from(page):
    """An operand's runs are (first entry, how many, step, first entry there)."""
    steps = page.data["steps"]
    told = {}
    for number, step in enumerate(steps):
        for read in step["reads"]:
            told[number, read["symbol"]] = page.array(read["from"]).tolist(), read["what"]
    assert told[0, "x"] == ([], "the input")
    assert told[0, "W"] == ([], "parameter 0.W")
    assert told[1, "x"] == ([[0, 2, 0, 0]], "")
    assert told[2, "x"] == ([[0, 2, 1, 0]], "")
    names = [(step["layer"], step["phase"], step["name"]) for step in steps]
    dW = names.index(([2], "backward", "dW"))
    assert told[dW, "x"] == ([[0, 2, 1, 0]], "")
    assert told[dW, "delta"] == ([[0, 2, names.index(([3], "backward", "dx")), 0]], "")
    assert steps[dW]["gradients"] == ["2.W"]
    assert sum("gradients" in step for step in steps) == 4


def test_what_no_step_has_made():
    net = bp.Network([bp.RNN(3), bp.Last(), bp.BatchNorm()])
    net.build((4, 2), rng=0)  # in single precision: what it is given is cast
    x, target = spread((3, 4, 2), 0), spread((3, 3), 1)
    text = bp.explain(net, x, target, loss=MSE).html()
    steps = Reader(text).data["steps"]
    told = {(step["code"], one["symbol"]): one["what"] for step in steps for one in step["reads"]}
    assert told["a = (rows(x) @ self.Wx + self.b).reshape(T, N, self.units)", "x"] == "the input"
    assert told["d = y - t", "t"] == "the target"
    assert "all zeros" in [what for (_, symbol), what in told.items() if symbol == "h[0]"]
    assert "running average 2.mean" in told.values()


@pytest.mark.parametrize(("layers", "x"), NETWORKS.values(), ids=NETWORKS)
def test_pages_of_every_kind_of_network(layers, x):
    net = bp.Network(layers)
    out = net.build(x.shape[1:], rng=1, dtype=np.float64)
    example = bp.explain(net, x, np.ones((len(x), *out)), loss=MSE, rng=0)
    page = Reader(example.html())
    steps = [step for step in page.data["steps"] if "code" in step]
    records = example.recording.records
    assert [step["code"] for step in steps] == [record.line.source for record in records]
    block = zlib.decompress(base64.b64decode(page.text["numbers"]))
    table = page.data["arrays"]
    for step, record in zip(steps, records, strict=True):
        values = record.value if isinstance(record.value, tuple) else (record.value,)
        values = [one.toarray() if hasattr(one, "toarray") else one for one in values]
        for result, value in zip(step["results"], values, strict=True):
            one = table[result["array"]]
            data = np.frombuffer(block, one["type"], int(np.size(value)), one["at"])
            assert one["shape"] == list(np.shape(value))
            assert np.array_equal(data, np.ravel(value))


def with_images():
    layers = [bp.Conv2D(2, 3, padding=1), bp.ReLU(), bp.MaxPool(2), bp.Reshape((4, 4)), bp.LSTM(3)]
    return layers, spread((1, 4, 8, 1), 0).astype(np.float32)


def with_two_ways():
    net = bp.Network()
    h = net.add(bp.Dense(2), 0)
    h = net.add(bp.Concat(), net.add(bp.Tanh(), h), net.add(bp.Dense(3), h))
    net.add(bp.Add(), h, net.add(bp.Dense(5), h), h)
    return net, spread((2, 3), 0)


@pytest.mark.parametrize(
    ("layers", "x"),
    [*NETWORKS.values(), with_images(), with_two_ways()],
    ids=[*NETWORKS, "float32", "two ways"],
)
def test_origins_lead_to_the_same_number(layers, x):
    """Wherever a page says that an operand's entry is one of an earlier result, it is."""
    net = layers if isinstance(layers, bp.Network) else bp.Network(layers)
    dtype = np.float64 if x.dtype.kind == "i" else x.dtype
    out = net.build(x.shape[1:], rng=1, dtype=dtype)
    target = np.ones((len(x), *out), dtype)
    page = Reader(bp.explain(net, x, target, loss=MSE, rng=0).html())
    steps, linked = page.data["steps"], 0
    arrays = page.arrays()
    for number, step in enumerate(steps):
        for read in step["reads"]:
            for first, length, maker, entry in arrays[read["from"]].reshape(-1, 4):
                assert maker < number
                made = [arrays[result["array"]].ravel() for result in steps[maker]["results"]]
                made = np.concatenate(made)[entry : entry + length]
                if "φ'" not in read["symbol"]:
                    assert np.array_equal(arrays[read["array"]].ravel()[first:][:length], made)
                linked += length
    assert linked > 10
    unknown = [
        step["code"]
        for step in steps
        if step["phase"] != "loss" and "loops" in step and not step["loops"]
        if not any(r["what"] or len(arrays[r["from"]]) for r in step["reads"])
    ]
    assert set(unknown) <= MADE_HERE


def test_sums_that_no_layer_makes_are_steps_too():
    net, shared = bp.Network(), bp.Dense(1, init=bp.Constant(0.5))
    h = net.add(bp.Identity(), net.add(shared, 0))
    net.add(bp.Add(), h, net.add(shared, h))
    example = explained(net, (1,), np.array([[2.0]]), np.array([[0.5]]), bp.HalfSquaredError())
    page = Reader(example.html())
    sums = [step for step in page.data["steps"] if "code" not in step]
    assert [step["name"] for step in sums] == ["dL/dv2", "dW", "db"]
    assert [page.array(step["results"][0]["array"]).item() for step in sums] == [1.5, 4.0, 2.5]
    assert [[page.array(one["array"]).item() for one in step["reads"]] for step in sums] == [
        [1.0, 0.5],
        [1.0, 3.0],
        [1.0, 1.5],
    ]
    (identity,) = [
        step
        for step in page.data["steps"]
        if step["layer"] == [1] and step["phase"] == "backward" and "code" in step
    ]
    assert page.array(identity["reads"][0]["from"])[0, 2] == page.data["steps"].index(sums[0])


def test_sums_at_the_input_of_a_network_in_a_network():
    inner = bp.Network()
    inner.add(bp.Add(), 0, inner.add(bp.Tanh(), 0))
    example = explained([bp.Dense(2), inner], (2,), spread((1, 2), 0), np.ones((1, 2)))
    steps = Reader(example.html()).data["steps"]
    place = next(n for n, step in enumerate(steps) if "code" not in step)
    assert steps[place]["name"] == "dL/dv0"
    assert steps[place - 1]["layer"] == [1, 0]
    assert steps[place + 1]["layer"] == [0]


def test_a_line_that_cannot_be_taken_apart_says_so():
    example = explained([bp.GlobalMaxPool()], (2, 2, 1), spread((1, 2, 2, 1), 0), np.ones((1, 1)))
    step = Reader(example.html()).data["steps"][0]
    assert step["code"] == "winner = pixels.real.argmax(axis=1)[:, np.newaxis]"
    assert step["tree"] is None
    with pytest.raises(NotImplementedError) as error:
        Grower(example.recording.records[0], example.recording.layer((0,))).tree()
    assert re.sub(r"py:\d+", "py:NN", str(error.value)) == (
        "explain expects lines that it can take apart, got winner = "
        "pixels.real.argmax(axis=1)[:, np.newaxis] (pool.py:NN, forward)"
    )


def test_all_bits_of_all_types():
    arrays = Arrays()
    given = [
        np.array([0.1, -0.0, np.inf, np.nan, 5e-324]),
        np.array([[0.1, 1 / 3]], np.float32),
        np.array([True, False]),
        np.arange(3),
        np.array([2**40]),
        np.float32(1.5),
        np.arange(6.0).reshape(2, 3).T,
        np.arange(3.0).astype(">f8"),
        np.array([0.1, 1.917], np.float16),
    ]
    numbers = [arrays.add(value) for value in given]
    assert [arrays.add(value.copy()) for value in given] == numbers
    block = zlib.decompress(base64.b64decode(arrays.packed()))
    for value, number in zip(given, numbers, strict=True):
        one = arrays.table[number]
        data = np.frombuffer(block, one["type"], int(np.size(value)), one["at"])
        assert one["at"] % 8 == 0
        assert np.array_equal(data.reshape(one["shape"]), value, equal_nan=value.dtype.kind == "f")
    assert [arrays.table[n]["type"] for n in numbers[:5]] == ["f8", "f4", "u1", "i4", "f8"]
    zero = arrays.table[numbers[0]]["at"]
    assert np.signbit(np.frombuffer(block, "<f8", 2, zero)[1])


def test_a_page_of_the_digits_network_is_small():
    net = models.cnn((8, 8, 1), 10).net
    net.build((8, 8, 1), rng=0)
    x = bp.load_data("digits").x_train[:1]
    text = bp.explain(net, x, np.array([3]), loss=bp.SoftmaxCrossEntropy(), rng=0).html()
    assert len(text) < 2_000_000


def test_mathml():
    assert mathml(r"dx_k \mathrel{+}= \delta,", "block") == (
        '<math display="block"><mrow><mi>d</mi><msub><mi>x</mi><mi>k</mi></msub><mo>+=</mo>'
        "<mi>&#x003B4;</mi></mrow></math>"
    )
    assert '<mi>tanh</mi><mspace width="0.17em"></mspace><mi>c</mi>' in mathml(r"\tanh c")
    assert "mspace" not in mathml(r"\tanh\left(c\right)")
    assert "&lt;img&gt;&#x000A0;&amp;&#x000A0;b" in mathml(r"\text{<img> & b}")
    assert mathml(r"\left( x < y") == r"<code>\left( x &lt; y</code>"
    assert "<munder><mo>&#x02211;</mo><mi>n</mi></munder>" in mathml(r"\sum_n x", "block")


def test_every_equation_of_the_package_becomes_mathml():
    count = 0
    for file in Path(bp.__file__).parent.rglob("*.py"):
        for chapter in chapters(str(file)):
            for equation in equations_of(chapter).values():
                text = re.sub(r"<[^>]*>", "", mathml(equation.tex, "block"))
                assert not re.search(r"[\\{}]|&amp;", text), equation.tex
                count += 1
    assert count > 400


def test_the_chain_of_factors_as_a_page():
    path = bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS, of="0.W[0,1]")
    text = path.html()
    page = Reader(text)
    assert page.text["title"] == f"dL/d(0.W[0,1]) = {path.value!s}"
    assert re.findall(r"https?://|<script|url\(|src=|href=|&amp;", text) == []
    numbers = re.findall(r"</td><td>(?!.*</td><td>)(.*)</td></tr>", text)
    values = [float(re.sub("<[^>]*>", "", one).replace("&#x02212;", "-")) for one in numbers]
    ways = [path.products()[0], path.products()[1]]
    expected = [[*(f.value for f in way), np.prod([f.value for f in way])] for way in ways]
    np.testing.assert_allclose(values, np.ravel(expected), rtol=1e-5)
    for record in {id(node.record): node.record for node in path.nodes}.values():
        assert f"{record.line.source}  # ({record.tag})  {record.line.place}" in page.text["code"]


def test_complex_numbers_are_refused():
    net = bp.Network([bp.ReLU()])
    net.build((1,), dtype=np.complex128)
    example = bp.explain(net, np.ones((1, 1), complex), np.ones((1, 1)), loss=MSE)
    with pytest.raises(ValueError, match="html expects") as error:
        example.html()
    assert str(error.value) == "html expects real numbers, got complex128"
