"""The check of the built documentation finds what is broken, and what is fetched."""

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).parent.parent / "docs" / "check_links.py"
SPEC = importlib.util.spec_from_file_location("check_links", PATH)
assert SPEC
assert SPEC.loader
check_links = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(check_links)


def found(folder, body, css=""):
    (folder / "a.html").write_text(f'<p id="here">{body}</p>')
    (folder / "b.html").write_text('<p id="a place">')
    (folder / "x.css").write_text(css)
    return [text for _, text in check_links.wrong(folder)]


@pytest.mark.parametrize(
    "body",
    [
        '<a href="b.html">b</a>',
        '<a href="b.html#a%20place">b</a>',
        '<a href="#here">here</a>',
        '<a href="https://example.org/">elsewhere</a>',
        '<link href="x.css?v=1"><img src="data:image/png;base64,AA==">',
    ],
)
def test_what_leads_somewhere(tmp_path, body):
    assert found(tmp_path, body, "p { background: url(x.css) } /* url(gone.png) */") == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<a href="c.html">c</a>', "leads to c.html, which does not exist"),
        ('<a href="b.html#c">c</a>', "leads to b.html#c, and there is no such place"),
        ('<a href="#c">c</a>', "leads to #c, and there is no such place"),
        ('<img src="c.png">', "needs c.png (img), which does not exist"),
        ('<script src="https://x.org/y.js"></script>', "fetches https://x.org/y.js (script)"),
        ('<script src="//x.org/y.js"></script>', "fetches //x.org/y.js (script)"),
        ("<style>@import 'https://x.org/y.css';</style>", "fetches https://x.org/y.css (style)"),
        ('<i style="background: url(https://x.org/y)">', "fetches https://x.org/y (style)"),
    ],
)
def test_what_does_not(tmp_path, body, text):
    assert found(tmp_path, body) == [text]


def test_a_style_sheet_that_fetches_a_font(tmp_path):
    assert found(tmp_path, "", "@font-face { src: url('http://x.org/f.woff2') }") == [
        "fetches http://x.org/f.woff2 (style)"
    ]


def test_a_folder_without_pages(tmp_path):
    assert [text for _, text in check_links.wrong(tmp_path)] == ["has no pages"]
