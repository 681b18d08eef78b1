"""Write notebooks, executed, from their scripts: `python notebooks/execute.py [NAME.py ...]`."""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient


def execute(script):
    """Run a script in the percent format as a notebook, and write that beside it."""
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"  # the same in every run, so that a diff shows what has changed
    # Times would change in every run too, and every line of a training would stand in a box.
    client = NotebookClient(notebook, record_timing=False, coalesce_streams=True)
    client.execute(cwd=script.parent)
    nbformat.write(notebook, script.with_suffix(".ipynb"))


if __name__ == "__main__":
    here = Path(__file__).parent
    for script in map(Path, sys.argv[1:] or sorted(here.glob("[0-9]*.py"))):
        execute(script)
