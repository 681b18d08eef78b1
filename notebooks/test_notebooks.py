"""The notebooks are their scripts, and their exercises know right answers from wrong ones."""

import copy
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

SCRIPTS = sorted(Path(__file__).parent.glob("[0-9]*.py"))
every_notebook = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)

BY_A_BUFFER = """
def std_of(x):
    s = np.empty((len(x), 1))
    s[:, 0] = [np.sqrt(((row - row.mean()) ** 2).mean()) for row in x]
    return s
"""
MENDED_BY_HALF = """
def backward(self, delta):
    dx = np.zeros_like(self.x)
    for place, window in self.windows():
        dx[window] += (self.x[window] == self.y[place]) * delta[place]
    return dx
StudentPool.backward = backward
"""

# Wrong answers to exercise 1, 2, 3, and a part of the hint that each is given.
WRONG = {
    "01_dense": [
        {"answer = dz": "of the squared error", "answer = -1 / y": "still has to pass"},
        {
            "answer = f * (1 - f)": "only the slope of the outer",
            "answer = f * (1 - f) * inner * (1 - inner)": "Two slopes of three",
            "answer = 1.0": "The measured slope is 0.018150085",
        },
        {
            "answer = 0.30564063268": "uphill",
            "answer = 0.28047144679": "the biases too",
            "answer = 0.29102792391": "take them all, then move",
            "answer = 0.298": "in both layers",
        },
    ],
    "02_train_digits": [
        {
            "answer = 0.1": "That is the probability",
            "answer = np.log(0.1)": "mind the sign",
            "answer = 1.0": "one in ten",
        },
        {
            "recognised = found.confusion": "One number for each digit",
            "recognised = found.confusion.diagonal() / found.confusion.sum(axis=0)": "A class is",
            "recognised = found.confusion.diagonal() / 359": "not by all",
            "recognised = found.confusion.sum(axis=1)": "on the diagonal",
        },
        {
            "fooled = few + 0.5 * np.sign(dx)": "more than 0.1",
            "fooled = few - 0.1 * np.sign(dx)": "dx points to where it grows",
            "fooled = few + 0.1 * dx": "what matters is the direction",
        },
    ],
    "03_your_own_layer": [
        {
            "Gain.backward = lambda self, d, x: (d * self.g, {'g': ...})": "Now dg",
            "Gain.backward = lambda self, d, x: (d, {'g': d * x})": "the shape of g",
            "Gain.backward = lambda self, d, x: (d, {'g': (d * x).sum(0)})": "x_nd grows",
            "Gain.backward = lambda self, d, x: (d * self.g, {'g': d.sum(0)})": "multiplies g_d",
        },
        {
            "dx_of = lambda delta: delta": "by -1/D in the others",
            "dx_of = lambda delta: 2 * (delta - delta.mean(axis=-1, keepdims=True))": "Twice",
        },
        {
            "def forward_of(x):\n    return np.log1p(x**2)": "another function",
            "def forward_of(x):\n    return np.log1p(np.fabs(x))": "Still not possible",
            "def forward_of(x):\n    return np.log1p(np.hypot(x.real, x.imag))": "a real one",
            "def forward_of(x):\n    return np.log1p(abs(x.real) + 0 * x)": "the larger of",
        },
    ],
    "04_gradient_checking": [
        {
            "answer = -1e-8": "it is positive",
            "answer = 1e-5": "make the step smaller",
            "answer = 1e-13": "make the step larger",
            "answer = 2e-8": "its derivative by h is 0",
        },
        {
            "def std_of(x):\n    return np.sqrt((x**2).mean(axis=1, keepdims=True))": "Another",
            "def std_of(x):\n    return np.sqrt(x.var(axis=1, keepdims=True))": "Still void",
            BY_A_BUFFER: "is there a float buffer",
        },
        {
            "size, stride, image = 3, 2, noise": "Convicted",
            "size, stride, image = 2, 2, digit": "Convicted",
            "size, stride, image = 3, 3, noise": "a stride below the size",
            MENDED_BY_HALF: "Something is mended. It still fails where pixels tie",
            f"{MENDED_BY_HALF}size, stride = 3, 2": "It passes here, and fails where pixels tie",
        },
    ],
}


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
