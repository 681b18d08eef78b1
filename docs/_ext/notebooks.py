"""The notebooks, copied from their folder with the outputs that they have, and a page of them."""

import json
import re
from pathlib import Path

from writing import write_pages

ROW = re.compile(r"^\| \[(\w+)\.ipynb\]\(\w+\.ipynb\) \| (.*) \|$")
PART = re.compile(r"^\| \*\*(.*)\*\* \| *\|$")
LINK = re.compile(r"\[([^\]]*)\]\((?:\./)?(\d\d_\w+)\.ipynb(#[^)]*)?\)")


def folder(srcdir):
    """Return where the notebooks are."""
    return Path(srcdir).parent / "notebooks"


def parts(srcdir):
    """Yield, for each part of the list in the folder's README, its title and its notebooks."""
    title, found = "", []
    for row in (folder(srcdir) / "README.md").read_text().splitlines():
        if part := PART.match(row):
            if found:
                yield title, found
            title, found = part[1], []
        elif (one := ROW.match(row)) and (folder(srcdir) / f"{one[1]}.ipynb").exists():
            found.append((one[1], one[2]))
    if found:
        yield title, found


def titles(srcdir):
    """Return the titles of the notebooks that are there, by name."""
    return {
        path.stem: _title(json.loads(path.read_text()))
        for path in sorted(folder(srcdir).glob("[0-9]*.ipynb"))
    }


def _title(notebook):
    for cell in notebook["cells"]:
        if found := re.match(r"# (.*)", "".join(cell["source"])):
            return found[1].strip()
    raise ValueError("a notebook without a title")


def _copied(path, there):
    """Return a notebook's text; a link to one that is not there becomes plain text."""
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            cell["source"] = LINK.sub(lambda m: m[0] if m[2] in there else m[1], text)
    return json.dumps(notebook, indent=1, sort_keys=True)


def write_notebooks(app):
    """Write copies of all notebooks, and the page that leads to them."""
    there = titles(app.srcdir)
    listed = list(parts(app.srcdir))
    lost = set(there) - {name for _, found in listed for name, _ in found}
    if lost:
        raise RuntimeError(f"notebooks/README.md does not list {', '.join(sorted(lost))}")
    blocks = [
        "# Notebooks",
        "One for each derivation, in reading order. Each begins with what you will be able to do"
        " and has exercises that check themselves; their solutions are folded away. Here they stand"
        " with the outputs that they gave; to run them:",
        '    pip install -e ".[test]" jupyterlab\n    jupyter lab notebooks',
    ]
    for title, found in listed:
        if title:
            blocks.append(f"## {title}")
        blocks.append("\n".join(f"[{there[name]}]({name}.ipynb)\n: {told}\n"
                                for name, told in found))  # fmt: skip
        names = "\n".join(name for name, _ in found)
        caption = f":caption: {title}\n" if title else ""
        blocks.append(f"```{{toctree}}\n:hidden:\n{caption}\n{names}\n```")
    pages = {
        f"{name}.ipynb": _copied(folder(app.srcdir) / f"{name}.ipynb", there) for name in there
    }
    pages["index.md"] = "\n\n".join(blocks) + "\n"
    write_pages(Path(app.srcdir, "notebooks"), pages)


def setup(app):
    """Write the pages before Sphinx looks for them."""
    app.connect("builder-inited", write_notebooks, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
