"""The reference: every public name, from its signature and docstring."""

import dataclasses
import inspect
from pathlib import Path

from chapters import GROUPS, told_in_chapters
from docstrings import described, first_sentence, members, prose, signature
from writing import write_pages

import backprop as bp
import backprop.checks
import backprop.classics
import backprop.data
import backprop.plots
import backprop.training
from backprop.explanation.derivation import derivation

PAGES = {
    ("networks", "Networks and the contracts"): [bp.Layer, bp.Network, bp.Loss, bp.Optimizer],
    ("training", "Training"): [
        bp.fit, bp.History, bp.evaluate, bp.Evaluation, bp.TrainStep, bp.TruncatedBPTT,
        bp.minimize, bp.save, bp.load, bp.Checkpoint, bp.EarlyStopping, bp.DeltaNorms,
    ],
    ("checking", "Checking and explaining"): [bp.gradcheck, bp.certify, bp.parity, bp.explain],
    ("data", "Data"): [
        bp.load_data, bp.list_data, bp.Dataset, bp.split, bp.batches, bp.one_hot, bp.mask_of,
        bp.read_idx, bp.write_idx, bp.read_csv, bp.read_npz, bp.Scaled,
    ],
}  # fmt: skip
"""Pages of the names that stand in `backprop` itself and have no chapter."""

MODULES = {
    "training": backprop.training,
    "checking": backprop.checks,
    "data": backprop.data,
    "plots": backprop.plots,
    "classics": backprop.classics,
}
TITLES = {"plots": "Pictures", "classics": "The classics, from Python"}


def forgotten():
    """Return the public names that are neither on a page nor in a chapter."""
    told = {*told_in_chapters(), *(one for names in PAGES.values() for one in names)}
    return [name for name in bp.__all__ if getattr(bp, name) not in told]


def _told(thing, name):
    """Return the description of one class or function."""
    if not (isinstance(thing, type) or inspect.isroutine(thing)):
        shown = (thing,) if isinstance(thing, str) else thing
        return described("data", name, "", ", ".join(f"`{each}`" for each in shown))
    kind = "class" if isinstance(thing, type) else "function"
    doc = inspect.getdoc(thing) or ""
    if "$$" in doc:
        body = "\n\n".join(
            f"$${part.source.strip('$')}$$" if hasattr(part, "tex") else prose(part.source)
            for part in derivation(thing).parts
        )
    else:
        body = prose(doc)
    arguments = signature(thing)
    if kind == "class":
        if dataclasses.is_dataclass(thing) and doc.startswith(f"{thing.__name__}("):
            body = ""
        body += "\n\n" + members(thing, name)
    return described(kind, name, arguments, body, depth=4)


def _public(slug):
    """Return the names on a page, with what they are called."""
    main = next((names for (one, _), names in PAGES.items() if one == slug), [])
    found = {f"backprop.{one.__name__}": one for one in main}
    module = MODULES.get(slug)
    for name in getattr(module, "__all__", ()):
        if name not in bp.__all__:
            found[f"{module.__name__}.{name}"] = getattr(module, name)
    return found


def _sentence(thing):
    told = isinstance(thing, type) or inspect.isroutine(thing)
    return first_sentence(thing) if told and inspect.getdoc(thing) else ""


def _section(heading, names):
    """Yield a heading and a description for each of `names`."""
    for name, thing in names.items():
        yield f"{heading} {name.rsplit('.', 1)[1]}"
        yield _told(thing, name)


def _page(slug, title):
    """Return a page of the reference."""
    names = _public(slug)
    module = MODULES.get(slug)
    blocks = [f"# {title}"]
    if module is not None:
        blocks.append(prose(inspect.cleandoc(module.__doc__)))
    inside = [name for name in names if name.count(".") == 1]
    blocks += _section("##", {name: names[name] for name in inside})
    if inside and len(inside) < len(names):
        blocks.append(f"## In `{module.__name__}`")
    rest = {name: thing for name, thing in names.items() if name not in inside}
    blocks += _section("###" if inside else "##", rest)
    return "\n\n".join(blocks) + "\n"


def _overview(pages):
    blocks = ["# Reference", "Everything public, with what it does in a sentence."]
    for slug, title in pages:
        rows = "\n".join(
            f"| [`{name.removeprefix('backprop.')}`](#{name}) | {_sentence(thing)} |"
            for name, thing in _public(slug).items()
        )
        blocks.append(f"## [{title}]({slug}.md)\n\n| | |\n|---|---|\n{rows}")
    for (_, title), found in GROUPS.items():
        rows = "\n".join(
            f"| [`{one.__name__}`](../chapters/{page.slug}.md) | {first_sentence(one)} |"
            for page in found
            for one in page.subjects
            if not inspect.ismodule(one) and one.__name__ in bp.__all__
        )
        blocks.append(f"## {title}\n\n| | |\n|---|---|\n{rows}")
    listed = "\n".join(slug for slug, _ in pages)
    blocks.append(f"```{{toctree}}\n:hidden:\n\n{listed}\n```")
    return "\n\n".join(blocks) + "\n"


def write_reference(app):
    """Write all pages."""
    if missing := forgotten():
        raise RuntimeError(f"docs/_ext/reference.py has no page for {', '.join(missing)}")
    pages = [*PAGES, *TITLES.items()]
    written = {f"{slug}.md": _page(slug, title) for slug, title in pages}
    written["index.md"] = _overview(pages)
    write_pages(Path(app.srcdir, "reference"), written)


def setup(app):
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_reference, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
