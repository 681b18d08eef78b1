"""The notebooks, copied from their folder with the outputs that they have, and a page of them."""

import json
import re
from pathlib import Path

from chapters import GROUPS
from writing import write_pages

ROW = re.compile(r"^\| \[(\w+)\.ipynb\]\(\w+\.ipynb\) \| (.*) \|$")
PART = re.compile(r"^\| \*\*(.*)\*\* \| *\|$")
LINK = re.compile(
    r"(?P<before>\]\(|^\[[^\]]+\]:\s+)(?P<to>[^)\s:#]+)(?P<place>#[^)\s]*)?(?=[)\s]|$)",
    re.MULTILINE,
)
"""A link in a line, or the definition of one, to something without a scheme."""


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


def _target(path, there):
    """Return where the site has what a notebook links to."""
    path = Path(path)
    if path.suffix == ".ipynb":  # one that is still to be written is told of in the list
        return f"{path.stem}.ipynb" if path.stem in there else "index.md"
    if path.parts[:2] == ("..", "docs"):
        return str(Path("..", *path.parts[2:]))
    if path.suffix == ".py":
        pages = {f"{page.slug}.py": page.slug for found in GROUPS.values() for page in found}
        page = pages.get(path.name.replace("_", ""))
        return f"../chapters/{page}.md" if page else "../reference/index.md"
    return "index.md" if path.suffix else str(path)


def _linked(text, there):
    """Return Markdown whose links lead to pages of the site."""

    def to(match):
        target = _target(match["to"], there)
        kept = target == match["to"] and match["place"]
        return f"{match['before']}{target}{kept or ''}"

    return LINK.sub(to, text)


def _copied(path, there):
    """Return a notebook's text, its links leading to pages of the site."""
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _linked("".join(cell["source"]), there)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/markdown" in data:
                data["text/markdown"] = _linked("".join(data["text/markdown"]), there)
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
