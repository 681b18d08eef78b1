"""The classics: a page for each, with its derivation, the lines, and the numbers beside ours."""

import re
from pathlib import Path

from chapters import code, derivation
from writing import write_pages

from backprop.classics import NAMES, load

ROW = re.compile(r"^\| ([^|`]+) \| (`.*) \|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)`")


def groups(readme):
    """Return the classics in the groups that the README has them in."""
    found = {}
    for title, names in ROW.findall(readme):
        listed = [name for name in NAME.findall(names) if name in NAMES]
        if listed:
            found[title] = listed
    lost = set(NAMES).difference(*found.values())
    if lost:
        raise RuntimeError(f"README.md does not list {', '.join(sorted(lost))}")
    return found


def tables(text):
    """Return the tables of `classics.md` by heading."""
    _, *parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {head: table.strip() for head, _, table in (part.partition("\n") for part in parts)}


def _page(module, numbers):
    about = module.CLASSIC
    file = Path(module.__file__)
    files = sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else [file]
    blocks = [f"# {about.title}", f"{about.author}, {about.year}", *derivation(module)]
    blocks += ["## The numbers", f"```console\n$ backprop classics run {_name(module)}\n```"]
    blocks += [numbers, "## The code", *(code(each) for each in files)]
    return "\n\n".join(blocks) + "\n"


def _name(module):
    return module.__name__.rpartition(".")[-1]


def _overview(found):
    blocks = [
        "# Classics",
        "Backpropagation was derived and taught in dozens of forms. Here they run, one file each:"
        " the derivation, the system made of this package's layers, and the numbers that its author"
        " published beside ours. [All numbers on one page](../classics.md).",
    ]
    for title, names in found.items():
        rows = "\n".join(
            f"[{load(name).CLASSIC.title}]({name}.md)\n"
            f": {load(name).CLASSIC.author}, {load(name).CLASSIC.year}\n"
            for name in names
        )
        listed = "\n".join(f"{name}" for name in names)
        blocks.append(f"## {title}\n\n{rows}")
        blocks.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```")
    blocks.append("```{toctree}\n:hidden:\n:caption: All\n\nAll numbers <../classics>\n```")
    return "\n\n".join(blocks) + "\n"


def write_derivations(app):
    """Write all pages."""
    top = Path(app.srcdir)
    found = groups((top.parent / "README.md").read_text())
    numbers = tables((top / "classics.md").read_text())
    pages = {
        f"{name}.md": _page(load(name), numbers[load(name).CLASSIC.described]) for name in NAMES
    }
    pages["index.md"] = _overview(found)
    write_pages(top / "derivations", pages)


def setup(app):
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_derivations, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
