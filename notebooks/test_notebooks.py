"""The notebooks are their scripts, and their exercises know right answers from wrong ones."""

import copy
import re
import runpy
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

SCRIPTS = sorted(Path(__file__).parent.glob("[0-9]*.py"))
every_notebook = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)

WRONG = {
    script.stem: runpy.run_path(str(script.parent / "wrong_answers" / script.name))["WRONG"]
    for script in SCRIPTS
}
"""Of each exercise, wrong answers and a part of the hint that each is given."""


@every_notebook
def test_script_and_notebook_agree(script):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    for one, other in zip(jupytext.read(script).cells, notebook.cells, strict=True):
        assert (one.cell_type, one.source) == (other.cell_type, other.source)


@every_notebook
def test_outputs_are_those_of_one_run_without_warnings(script):
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [out for cell in code for out in cell.outputs if out.get("name") == "stderr"]


@every_notebook
def test_exercises_tell_right_from_wrong(script):
    notebook = jupytext.read(script)
    cells, tried = [], []
    wrong = iter(WRONG[script.stem])
    for cell in notebook.cells:
        cells.append(cell)
        if "<details>" in cell.source:
            question = next(each for each in reversed(cells) if "\n# Check\n" in each.source)
            solution = re.search("```python\n(.*?)```", cell.source, re.DOTALL)[1]
            for answer, hint in [*next(wrong).items(), (solution, None)]:
                cells.append(_answered(question, answer))
                tried.append((cells[-1], hint))
    notebook.cells = cells
    NotebookClient(notebook).execute(cwd=script.parent)
    for cell, hint in tried:
        print(cell.source)
        output = cell.outputs[-1]
        if hint is None:
            assert output.output_type in ("stream", "execute_result")
        else:
            assert output.ename == "AssertionError"
            assert hint in output.evalue


def _answered(question, answer):
    """Return a copy of an exercise's cell with an answer written into it."""
    cell = copy.deepcopy(question)
    before, after = cell.source.split("\n# Check\n")
    cell.source = f"{before}\n{answer}\n# Check\n{after}"
    cell.metadata.tags = ["raises-exception"]
    return cell
