"""The page in a browser: what keys, mouse and a screen reader find. Run with -m browser."""

import ast
import re
import shutil

import numpy as np
import pytest

import backprop as bp
from backprop.classics import mazur
from backprop.explanation.entries import entry
from backprop.explanation.terms import Number
from backprop.selfcheck import spread
from explanation.test_example import NETWORKS

pytestmark = pytest.mark.browser
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api")
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium, tmp_path):
    """Return what opens an example's page, from a file; nothing may be fetched or complained of."""
    noise, pages = [], []

    def open_page(example, **context):
        path = tmp_path / "page.html"
        path.write_text(example.html(), encoding="utf-8")
        page = chromium.new_page(**context)
        page.on("console", lambda message: noise.append(message.text))
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.on("request", lambda request: noise.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_function("window.explanation")
        assert noise.pop(0) == path.as_uri()
        pages.append(page)
        return page

    yield open_page
    assert noise == []
    for page in pages:
        page.close()


def explained(layers, x, loss=bp.MeanSquaredError(), dtype=np.float64):
    net = bp.Network(layers) if isinstance(layers, list) else layers
    out = net.build(x.shape[1:], rng=1, dtype=dtype)
    x = x.astype(dtype) if x.dtype.kind == "f" else x
    return bp.explain(net, x, np.ones((len(x), *out), dtype), loss=loss, rng=0)


def by_hand():
    return bp.explain(mazur.network(), mazur.X, mazur.TARGET, loss=mazur.LOSS)


def lstm():
    return explained([bp.LSTM(3), bp.Last(), bp.Dense(2)], spread((1, 6, 2), 0))


def images():
    layers = [bp.Conv2D(2, 3, padding=1), bp.ReLU(), bp.MaxPool(2), bp.Flatten(), bp.Dense(2)]
    return explained(layers, spread((1, 6, 6, 1), 0))


def as_page_has_it(term):
    """Return a formula as the page's script returns it."""
    if isinstance(term, Number):
        index = list(term.index) if term.source else []
        return {"symbol": term.symbol, "value": float(term.value), "index": index}
    return {"operation": term.operation, "parts": [as_page_has_it(part) for part in term.parts]}


SIMPLE = """([number, index]) => {
  const plain = (term) => term.parts
    ? { operation: term.operation, parts: term.parts.map(plain) }
    : {
      symbol: term.symbol, value: Number(term.value),
      index: term.symbol.startsWith("φ'") ? [] : term.index || [],  // a slope is no operand
    };
  return plain(explanation.entry(number, index));
}"""


def assert_taken_apart(page, example, numbers, every=1):
    """Compare the page's terms with those of `entry`, for every so many entries of the steps."""
    compared = 0
    for number in numbers:
        record = example.recording.records[number]
        layer = example.recording.layer(record.steps)
        for place in range(0, np.size(record.value), every):
            index = tuple(map(int, np.unravel_index(place, np.shape(record.value))))
            try:
                expected = as_page_has_it(entry(record, index, layer))
            except NotImplementedError:
                continue
            found = page.evaluate(SIMPLE, [number, list(index)])
            if isinstance(record.line.statement, ast.Expr):
                assert found["operation"] == "where"  # np.copyto: the page says what stays, too
                found = found["parts"][1]
            assert found == expected
            compared += 1
    return compared


def assert_readers(page, number):
    """Assert that the entries said to read an operand's are those whose terms it is in."""
    found, expected = page.evaluate(
        """(number) => {
          const { page } = explanation;
          const step = page.data.steps[number];
          const result = page.arrays[step.results[0].array];
          const pairs = new Set(), found = new Set();
          for (let place = 0; place < result.size; place += 1) {
            const term = explanation.entry(number, result.index(place));
            for (const one of explanation.numbersIn(term)) {
              if (one.slot !== undefined) pairs.add(`${one.slot} ${one.place} ${place}`);
            }
          }
          step.reads.forEach((read, slot) => {
            for (let place = 0; place < page.arrays[read.array].size; place += 1) {
              for (const one of page.readers.entries({ number, slot }, place)) {
                found.add(`${slot} ${place} ${one}`);
              }
            }
          });
          return [[...found].sort(), [...pairs].sort()];
        }""",
        number,
    )
    assert found == expected or set(expected) < set(found)
    return found == expected


def step_of(page):
    return int(re.match(r"Step (\d+)", page.get_by_role("status").first.inner_text())[1])


def test_every_entry_of_the_network_computed_by_hand(opened):
    example = by_hand()
    records = example.recording.records
    compared = assert_taken_apart(opened(example), example, range(len(records)))
    assert compared == sum(np.size(record.value) for record in records)


@pytest.mark.parametrize("make", [lstm, images], ids=["lstm", "images"])
def test_entries_of_other_layers(opened, make):
    example = make()
    compared = assert_taken_apart(
        opened(example), example, range(len(example.recording.records)), every=7
    )
    assert compared > 100


@pytest.mark.parametrize(
    "layers",
    [
        [bp.GRU(2), bp.RNN(2, activation="relu"), bp.LayerNorm()],
        [bp.Dense(4), bp.BatchNorm(), bp.GELU(), bp.Softmax(), bp.Dropout(0.5), bp.Softplus()],
    ],
    ids=["sequences", "rows"],
)
def test_entries_of_many_layers(opened, layers):
    shape = (2, 3, 2) if isinstance(layers[0], bp.GRU) else (3, 4)
    example = explained(layers, spread(shape, 0))
    numbers = range(len(example.recording.records))
    assert assert_taken_apart(opened(example), example, numbers, every=5) > 50


@pytest.mark.parametrize(("layers", "x"), NETWORKS.values(), ids=NETWORKS)
def test_every_step_of_every_kind_of_network(opened, layers, x):
    """Nothing fails or complains, and what the terms give is the entry, but for rounding."""
    example = explained(layers, x)
    page = opened(example)
    wrong = page.evaluate(
        """() => {
          const { page } = explanation;
          const wrong = [];
          for (const step of page.data.steps) {
            page.go(step.number);
            for (const grid of page.grids.results) page.ofResult(grid, 0);
            step.reads.forEach((_, slot) => page.ofOperand(slot, 0));
            if (page.grids.window) page.ofPicture(0);
            if (!step.tree) continue;
            const result = page.numbersOf(step);
            for (let place = 0; place < result.size; place += 1) {
              const again = explanation.workedOut(page.reader.entry(result.index(place)));
              const far = Math.abs(again - result.values[place]);
              if (!(far <= 1e-9) && !Number.isNaN(again)) wrong.push([step.code, place, again]);
            }
          }
          return wrong;
        }"""
    )
    assert wrong == []


def test_windows_there_and_back(opened):
    """What `entry` does not take apart: X are pixels, dx is a sum over the windows above one."""
    layers = [bp.Conv2D(2, (3, 2), stride=(2, 1), dilation=(1, 2), padding=(1, 1))]
    example = explained(layers, spread((2, 5, 6, 2), 0))
    page = opened(example)
    for number, record in enumerate(example.recording.records):
        if record.inner or record.name not in ("X", "dx[part]"):
            continue
        worked_out = page.evaluate(
            """(number) => {
              const { page } = explanation;
              const numbers = page.arrays[page.data.steps[number].results[0].array];
              return Array.from(numbers.values, (_, place) =>
                explanation.workedOut(explanation.entry(number, numbers.index(place))));
            }""",
            number,
        )
        np.testing.assert_allclose(worked_out, record.value.ravel(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("make", [by_hand, lstm, images], ids=["dense", "lstm", "images"])
def test_who_reads_an_entry_is_the_transpose_of_what_it_reads(opened, make):
    example = make()
    page = opened(example)
    for number, record in enumerate(example.recording.records):
        if page.evaluate("(number) => !!explanation.page.data.steps[number].tree", number):
            adds_to_nothing = record.before is not None and not np.all(record.before)
            assert assert_readers(page, number) or adds_to_nothing


def test_numbers_are_shown_to_the_last_digit(opened):
    values = np.array([[0.1, 1 / 3, 1e-30, 3e18, -2.5e-7, 16777216, 1e-45, 0]])
    for dtype in (np.float32, np.float64):
        page = opened(explained([bp.Identity()], values, dtype=dtype))
        cells = page.get_by_role("grid").first.get_by_role("gridcell")
        for cell, value in zip(cells.all(), values.astype(dtype)[0], strict=True):
            _, _, text = cell.get_attribute("aria-label").partition(" = ")
            shown = dtype(text.replace("−", "-"))
            assert shown == value
            assert len(text) <= len(f"{value:.0f}") or len(text) <= len(str(value))


def test_keys_lead_through_all_steps_and_back(opened):
    example = by_hand()
    page = opened(example)
    count = len(example.recording.records)
    seen = [step_of(page)]
    for _ in range(count - 1):
        page.keyboard.press("ArrowRight")
        seen.append(step_of(page))
    assert seen == [*range(1, count + 1)]
    page.keyboard.press("ArrowRight")
    assert step_of(page) == count
    for number in reversed(range(1, count)):
        page.keyboard.press("ArrowLeft")
        assert step_of(page) == number
    for key, number in [("End", count), ("Home", 1), ("Shift+ArrowRight", 2), ("End", count)]:
        page.keyboard.press(key)
        assert step_of(page) == number
    page.keyboard.press("Shift+ArrowLeft")
    assert "2 Dense" not in page.get_by_role("status").first.inner_text()
    assert page.get_by_role("heading", name="1 Sigmoid(), backward").is_visible()


def test_buttons_and_map_lead_there_too(opened):
    page = opened(by_hand())
    page.get_by_role("button", name="Next", exact=True).click()
    assert step_of(page) == 2
    page.get_by_role("button", name="Last").click()
    assert step_of(page) == 16
    here = page.get_by_role("button", name="2 Dense(2), backward, 3 steps")
    here.click()
    assert step_of(page) == 10
    assert here.get_attribute("aria-current") == "step"
    page.get_by_role("main").get_by_role("button", name="step 13: dx of 1 Sigmoid()").click()
    assert step_of(page) == 13
    assert page.url.endswith("#step=13")


def test_what_is_said_of_an_entry(opened):
    example = by_hand()
    page = opened(example)
    page.get_by_role("button", name="2 Dense(2), backward, 3 steps").click()
    page.keyboard.press("ArrowRight")
    grid = page.get_by_role("grid", name="dW, 2 by 2")
    grid.get_by_role("gridcell", name="dW[1,0]").hover()
    told = page.get_by_role("complementary")
    assert told.get_by_role("heading", level=2).inner_text() == "dW[1,0]"
    assert f"= {example.recording.grads['2.W'][1, 0]}" in told.inner_text()
    assert "x[0,1] · δ[0,0]" in told.inner_text()
    assert "0.596884 · 0.138499" in told.inner_text()
    assert 'It stands in grads["2.W"].' in told.inner_text()
    lit = page.locator("[data-lit]").evaluate_all(
        "cells => cells.map((cell) => cell.getAttribute('aria-label').split(' = ')[0])"
    )
    assert lit == ["dW[1,0]", "x[0,1]", "delta[0,0]"]
    page.get_by_role("gridcell", name="delta[0,1]").hover()
    lit = page.locator("[data-lit=reader]").evaluate_all(
        "cells => cells.map((cell) => cell.getAttribute('aria-label').split(' = ')[0])"
    )
    assert lit == ["dW[0,1]", "dW[1,1]"]
    assert "It is dx[0,1] of step 9" in told.inner_text()


def test_cells_by_keyboard(opened):
    page = opened(by_hand())
    page.keyboard.press("End")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    grid = page.get_by_role("grid", name="dW, 2 by 2")
    grid.get_by_role("gridcell").first.focus()
    step = step_of(page)
    title = page.get_by_role("complementary").get_by_role("heading", level=2)
    ways = [("ArrowRight", "0,1"), ("ArrowDown", "1,1"), ("ArrowDown", "1,1"), ("Home", "1,0")]
    for key, index in ways:
        page.keyboard.press(key)
        assert title.inner_text() == f"dW[{index}]"
        assert page.evaluate("document.activeElement.role") == "gridcell"
    assert step_of(page) == step
    assert page.locator("[role=gridcell][tabindex='0']").count() == page.get_by_role("grid").count()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "step"
    page.keyboard.press("ArrowRight")
    assert step_of(page) == step + 1


LIT = """([kind, which]) => {
  const grid = explanation.page.grids[kind];
  const shown = Array.isArray(grid) ? grid[0] : grid;
  return [...shown.lit].filter(([, how]) => how === which).map(([place]) => place);
}"""


def go_to(page, example, name, phase, steps):
    """Go to the last step of a layer that made something; return its record."""
    records = example.recording.records
    (*_, number) = [
        n
        for n, r in enumerate(records)
        if (r.name, r.phase, r.steps) == (name, phase, steps) and not r.inner
    ]
    page.evaluate("(number) => explanation.page.go(number)", number)
    return records[number]


def ask(page, place):
    page.evaluate(
        "(place) => explanation.page.ofResult(explanation.page.grids.results[0], place)", place
    )


def test_the_window_of_a_convolution(opened):
    example = images()
    page = opened(example)
    go_to(page, example, "rows(y[part])[...]", "forward", (0,))
    for p, q in [(2, 3), (0, 0)]:
        ask(page, (p * 6 + q) * 2 + 1)
        window = [
            u * 6 + v for u in range(p - 1, p + 2) for v in range(q - 1, q + 2) if u >= 0 and v >= 0
        ]
        assert page.evaluate(LIT, ["window", "window"]) == window
    go_to(page, example, "dx[part]", "backward", (0,))
    ask(page, 3 * 6 + 4)
    above = {(p * 6 + q) * 2 + f for p in (2, 3, 4) for q in (3, 4, 5) for f in (0, 1)}
    assert set(page.evaluate(LIT, ["window", "window"])) == above
    assert page.get_by_text("A sum of 9 terms").is_visible()


def test_the_winner_of_a_pooling(opened):
    example = images()
    page = opened(example)
    pixels = example.recording.call((2,), "forward").given[0][0]
    record = go_to(page, example, "y", "forward", (2,))
    for p, q, c in [(0, 0, 0), (2, 1, 1), (1, 2, 0)]:
        ask(page, (p * 3 + q) * 2 + c)
        seen = [(u * 6 + v) * 2 + c for u in (2 * p, 2 * p + 1) for v in (2 * q, 2 * q + 1)]
        winner = seen[int(np.argmax([pixels.ravel()[place] for place in seen]))]
        assert pixels.ravel()[winner] == record.value[0, p, q, c]
        assert page.evaluate(LIT, ["window", "winner"]) == [winner]
        assert sorted(page.evaluate(LIT, ["window", "window"])) == sorted({*seen} - {winner})


def test_a_sequence_over_time(opened):
    example = lstm()
    page = opened(example)
    go_to(page, example, "new_h[t]", "forward", (0,))
    table = page.get_by_role("table", name="A column for each time step")
    heads = table.get_by_role("columnheader").all_inner_texts()
    assert heads == [f"t = {t}" for t in range(6)]
    rows = [text.split(" ")[0] for text in table.get_by_role("rowheader").all_inner_texts()]
    assert " ".join(rows) == "a i f g o new_c new_h dh dc da_i da_f da_g da_o dh dc"
    table.get_by_role("button", name="f, t = 3, step 25", exact=True).click()
    status = page.get_by_role("status").first
    assert "f[:] = sigmoid(f)" in status.inner_text()
    assert ", t = 3." in status.inner_text()
    assert page.get_by_role("slider", name="Round 4 of 6 of this line: t = 3").is_visible()
    table.get_by_role("button", name="f, t = 3, step 25", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "g[:] = np.tanh(g)" in status.inner_text()
    assert ", t = 4." in status.inner_text()


def test_what_runs_inside_a_line_is_passed_by_and_can_be_entered(opened):
    example = images()
    page = opened(example)
    go_to(page, example, "dx[part]", "backward", (0,))
    outer = step_of(page)
    page.keyboard.press("ArrowLeft")
    assert step_of(page) == outer - 10
    page.keyboard.press("ArrowRight")
    page.get_by_role("main").get_by_role("button", name="seen of 0 Conv2D").click()
    assert step_of(page) == outer - 9
    page.keyboard.press("ArrowRight")
    assert step_of(page) == outer - 8
    assert page.get_by_role("slider", name="Round 2 of 9 of this line: k = 1").is_visible()


def test_a_heat_map_by_keyboard(opened):
    example = explained([bp.Dense(20)], spread((1, 30), 0))
    page = opened(example)
    grid = page.get_by_role("grid", name="W, 30 by 20")
    cell = grid.get_by_role("gridcell")
    cell.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    W = example.recording.net[0].W
    shown = repr(float(W[1, 2])).replace("-", "−")
    assert cell.get_attribute("aria-label") == f"W[1,2] = {shown}, chosen"
    assert cell.get_attribute("aria-rowindex") == "2"
    assert page.evaluate(LIT, ["results", "reader"]) == [2]
    box = grid.bounding_box()
    assert box["width"] > 100


def test_what_a_screen_reader_finds(opened):
    page = opened(by_hand())
    for role, count in [("banner", 1), ("main", 1), ("complementary", 1), ("contentinfo", 1)]:
        assert page.get_by_role(role).count() == count
    assert page.get_by_role("navigation", name="Steps").is_visible()
    assert page.get_by_role("navigation", name="The network").is_visible()
    assert page.get_by_role("heading", level=1).count() == 1
    for button in page.get_by_role("button").all():
        assert button.evaluate("one => one.getAttribute('aria-label') || one.innerText").strip()
    for grid in page.get_by_role("grid").all():
        assert re.fullmatch(r"\w+, [\d by]+", grid.get_attribute("aria-label"))
    assert page.locator("math").count() > 1
    assert page.title() == page.get_by_role("heading", level=1).inner_text()


@pytest.mark.parametrize("make", [by_hand, lstm, images], ids=["dense", "lstm", "images"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_and_dark(opened, make, scheme):
    page = opened(make(), viewport={"width": 360, "height": 700}, color_scheme=scheme)
    count = page.evaluate("explanation.page.data.steps.length")
    for number in range(0, count, 5):
        page.evaluate("(number) => explanation.page.go(number)", number)
        wide, room = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= room, number
    ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground))) / 3
    assert (brightness < 100) == (scheme == "dark")
