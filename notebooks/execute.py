"""Write notebooks, executed, from their scripts: `python notebooks/execute.py [NAME.py ...]`."""

import base64
import io
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image


def execute(script):
    """Run a script in the percent format as a notebook, and write that beside it."""
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"  # the same in every run, so that a diff shows what has changed
    # Times would change in every run too, and every line of a training would stand in a box.
    client = NotebookClient(notebook, record_timing=False, coalesce_streams=True)
    client.execute(cwd=script.parent)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _lighter(output.data["image/png"])
    nbformat.write(notebook, script.with_suffix(".ipynb"))


def _lighter(picture):
    """Return a picture in 256 colours, which it takes a third of the space to keep."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


if __name__ == "__main__":
    here = Path(__file__).parent
    for script in map(Path, sys.argv[1:] or sorted(here.glob("[0-9]*.py"))):
        execute(script)
