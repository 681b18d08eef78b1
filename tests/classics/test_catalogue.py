"""Every classic: its numbers, its picture, its place in the command line."""

import os
import subprocess
import sys

import pytest
import typer

from backprop.classics import NAMES, Classic, Reproduction, command, find, load, mazur, reproduce
from test_cli import ROOT
from test_cli import command as run

QUICK = 5
"""Seconds. What takes longer is run by `backprop classics run --all` instead, in `.ci/run`."""

PRINTED = {"mazur", "brownlee", "caceres", "convolution_matrix"}
"""Those of the quick ones that meet numbers which their author printed: rows without a remark."""
LISTED = "classics list expects words of a name, author, year or title, got 'newton'"

every_classic = pytest.mark.parametrize("name", NAMES)


@every_classic
def test_a_classic_says_whose_it_is_and_is_derived(name):
    module = load(name)
    assert isinstance(module.CLASSIC, Classic)
    assert 1940 < module.CLASSIC.year < 2030
    assert len(module.__doc__) > 500


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).CLASSIC.seconds < QUICK])
def test_the_numbers_are_those_that_were_published(name):
    table = reproduce(name)
    table.assert_ok()
    assert sum(row.ok is True for row in table.rows) >= 3
    assert name in PRINTED or all(row.remark for row in table.rows)
    if table.picture is not None:
        assert table.picture().png().startswith(b"\x89PNG")


@pytest.mark.parametrize("call", [load, reproduce])
def test_an_unknown_name_is_told_the_known_ones(call):
    with pytest.raises(
        ValueError, match=f"^classics expects one of {', '.join(NAMES)}, got 'newton'$"
    ):
        call("newton")


def test_a_name_may_be_written_with_hyphens():
    for name in NAMES:
        assert load(name.replace("_", "-")) is load(name)


def test_a_name_may_be_written_with_capitals():
    assert load("Mazur") is mazur


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("lstm", ("lstm_steps",)),
        ("LSTM GeeksforGeeks", ("lstm_steps",)),
        ("lstm-steps", ("lstm_steps",)),
        ("rumelhart 1986", ("symmetry", "family_trees")),
        ("newton", ()),
        ("", ()),
    ],
)
def test_classics_are_found_by_words(words, names):
    assert find(words) == names


def test_a_name_that_is_a_word_of_some_is_told_these():
    with pytest.raises(
        ValueError, match=r"^classics expects one of symmetry, family_trees, got 'Rum"
    ):
        load("Rumelhart")


def test_the_command_lists_those_with_the_words(tmp_path):
    done = run("classics", "list", "rumelhart", "1986", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row.split()[0] for row in done.stdout.splitlines()] == ["symmetry", "family_trees"]


def test_the_list_is_wrapped_to_the_terminal(monkeypatch, capsys):
    monkeypatch.setattr(command, "_columns", lambda: 80)
    command.list_command(["zorb"])
    assert capsys.readouterr().out == (
        "zorb                   8 s  V. Ranganathan and A. Lewandowski (2020). ZORB: A\n"
        "                            Derivative-Free Backpropagation Algorithm for Neural\n"
        "                            Networks\n"
    )


@pytest.mark.parametrize("words", [[], ["list"]])
def test_the_module_lists_too(tmp_path, words):
    done = subprocess.run(
        [sys.executable, "-m", "backprop.classics", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(NAMES)


def test_the_command_lists_all(tmp_path):
    done = run("classics", "list", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    assert [row.split()[0] for row in rows] == list(NAMES)
    assert "M. Mazur (2015). A Step by Step Backpropagation Example" in done.stdout


def test_the_command_runs_and_draws(tmp_path):
    done = run("classics", "run", "Lstm-Steps", "--out", "new/pictures", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lstm_steps: GeeksforGeeks (2020). ")
    assert done.stdout.splitlines()[-1] == "1 of 1 reproduced"
    assert [path.name for path in tmp_path.rglob("*.*")] == ["lstm_steps.png"]
    assert (tmp_path / "new/pictures/lstm_steps.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_prints_markdown(tmp_path):
    done = run("classics", "run", "gashler", "--markdown", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# The classics\n")
    assert (
        "\n## M. Gashler (2010). A thorough derivation of back-propagation: five layers\n"
        in done.stdout
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run"], "classics run expects names, or --all, got neither"),
        (["run", "mazur", "--all"], "classics run expects names, or --all, got mazur"),
        (["run", "newton"], f"classics expects one of {', '.join(NAMES)}, got 'newton'"),
        (["list", "newton"], LISTED),
        (
            ["run", "mazur", "--out", "/dev/null/new"],
            "--out expects a folder to write into, /dev/null/new, got Not a directory",
        ),
        (["run", "mazur", "--mnist", "new"], "--mnist expects a folder that exists, got new"),
    ],
)
def test_what_cannot_be_run_is_one_line(tmp_path, words, text):
    done = run("classics", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"backprop: {text}\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_without_mnist_is_told_before_anything_runs(tmp_path):
    done = run("classics", "run", "mazur", "zhang", "--mnist", ".", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("backprop: load_data '.' expects train-images-idx3-ubyte, ")


def test_a_number_that_is_not_reproduced_is_exit_code_1(monkeypatch, capsys):
    def wrong():
        table = Reproduction(mazur.CLASSIC)
        table.claim("x", 1, 2)
        return table

    monkeypatch.setattr(mazur, "reproduce", wrong)
    with pytest.raises(typer.Exit) as caught:
        command.run(["mazur"])
    assert caught.value.exit_code == 1
    assert capsys.readouterr().out.splitlines()[-1] == "0 of 1 reproduced"
