"""The code in the documentation runs, and prints what stands below it."""

import contextlib
import doctest
import io
import linecache
import re
import shlex
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backprop import compiled
from backprop.cli import app

TOP = Path(__file__).parent.parent
DOCS = TOP / "docs"
PAGES = [*sorted((DOCS / "guides").glob("*.md")), DOCS / "truth.md", DOCS / "speed.md"]
BLOCK = re.compile(r"^```(\S+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CAPTION = re.compile(r"\A:caption: (\S+)\n\n")
COMMAND = re.compile(r"^\$ (.*)\n", re.MULTILINE)
NUMBER = r"\b\d(?:\.\d)?e-(?:0[6-9]|[1-3]\d)\b"
OF_MACHINE = re.compile(rf"{NUMBER}|(?<=\d) of \d+ .* (?=ok$)|(?<=\.py:)\d+", re.MULTILINE)
"""The last bits of a difference, and which entry is worst by them, are another machine's; a line's
number changes when the file above it does."""
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def check(printed, shown):
    wanted, got = (OF_MACHINE.sub(" - ", text) for text in (shown, printed))
    if not doctest.OutputChecker().check_output(wanted, got, SAME):
        pytest.fail(f"printed:\n{printed}\nshown:\n{shown}")


def run_python(source, name, names):
    """Run a block as the code of a file of that name, and return what it prints."""
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, name, "exec"), names)
    return out.getvalue()


def run_command(command):
    """Run a `backprop` command of a console and return what it prints."""
    words = shlex.split(command)
    assert words[0] == "backprop", command
    result = CliRunner().invoke(app, words[1:])
    assert result.exception is None or isinstance(result.exception, SystemExit), result
    return result.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_guide_shows_is_what_happens(page, tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "FOUND", False)  # else `explain` says what it has left out
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names, printed = {"__name__": f"guide_{page.stem}"}, ""
    for number, (kind, text) in enumerate(BLOCK.findall(page.read_text())):
        if kind == "{code-block}":
            Path(CAPTION.match(text)[1]).write_text(CAPTION.sub("", text))
        elif kind == "python":
            assert not printed, f"nothing shows that this was printed:\n{printed}"
            printed = run_python(text, f"{page.stem}_{number}.py", names)
        elif kind == "text":
            check(printed, text)
            printed = ""
        elif kind == "console":
            _, *parts = COMMAND.split(text)
            for command, shown in zip(parts[::2], parts[1::2], strict=True):
                check(run_command(command), shown)
    assert not printed, f"nothing shows that this was printed:\n{printed}"
    sys.modules.pop("mine", None)


def commands(text):
    return re.findall(r"^ +(python3 -m venv .*)$", text, re.MULTILINE)


def test_the_first_page_has_the_commands_of_the_readme():
    readme, front = ((TOP / name).read_text() for name in ("README.md", "docs/index.md"))
    assert commands(front) == commands(readme)


def test_what_the_readme_explains(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "FOUND", False)
    monkeypatch.chdir(tmp_path)
    readme = (TOP / "README.md").read_text()
    _, section = readme.split("## See every number")
    (_, source), (_, shown) = BLOCK.findall(section)[:2]
    check(run_python(source, "readme.py", {}), shown)
    assert Path("page.html").stat().st_size > 10_000
