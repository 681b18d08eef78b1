"""The page of an example that a browser shows: one file, everything in it, step by step.

    bp.explain(net, x, y, loss=...).html()

The data are built here (`model.py`): the steps, the arrays with all their digits, the formulas as
MathML, and for every line the tree of its right side. What one sees is built in the browser, of
`page.html`, `page.css` and the scripts beside them, which take a line apart when one asks for an
entry. Nothing is fetched. The page of a chain of factors (`chain.py`) has no script.
"""

import html
import json

from ...errors import expects
from ..setting import remarks
from ..styles import GREEK
from .files import filled, read
from .model import Model

SCRIPTS = ("arrays", "terms", "spelling", "grids", "inspector", "overview", "page")
"""The parts of the script in their order."""


def written(recording, digits=6, small=16):
    """Return the page of a recording as HTML.

    Raises:
        ValueError: the numbers are complex.
    """
    if recording.dtype.kind == "c":
        raise expects("html", "real numbers", recording.dtype)
    model = Model(recording, digits, small)
    data = {**model.data(), "letters": GREEK}
    return filled(
        "page.html",
        title=html.escape(data["title"]),
        remarks="".join(f" {html.escape(note.text)}" for note in remarks(recording)),
        script="\n".join(read(f"{name}.js") for name in SCRIPTS),
        data=json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c"),
        numbers=model.arrays.packed(),
    )
