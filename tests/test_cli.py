"""The command line, as a newcomer types it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from matplotlib.image import imread

import backprop as bp
from mnist import MNIST, needs_mnist

ROOT = Path(__file__).parents[1]
LAST = re.compile(r"test accuracy: ([01]\.\d{4})")


def command(*words, cwd):
    """Run `backprop` in `cwd` and return the finished process."""
    return subprocess.run(
        [sys.executable, "-m", "backprop", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def accuracy(done):
    """Return the accuracy in the last line of a run that went well."""
    assert done.returncode == 0, done.stderr
    return float(LAST.fullmatch(done.stdout.splitlines()[-1])[1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """`backprop train`, as the README has it."""
    folder = tmp_path_factory.mktemp("default")
    return command("train", cwd=folder), folder


def test_the_default_reaches_98_percent(trained):
    assert accuracy(trained[0]) >= 0.98


def test_a_run_leaves_model_history_and_pictures(trained):
    run = trained[1] / "runs" / "digits-cnn"
    pictures = {"confusion_matrix", "filters", "learning_curves", "wrong_predictions"}
    names = {f"{name}.png" for name in pictures} | {"history.csv", "model.safetensors"}
    assert {path.name for path in run.iterdir()} == names
    for name in pictures:
        assert imread(run / f"{name}.png").std() > 0
    header, *rows = (run / "history.csv").read_text().splitlines()
    assert header.startswith("epoch,loss,accuracy,val_loss,val_accuracy,")
    assert [row.split(",")[0] for row in rows] == [str(n + 1) for n in range(len(rows))]


def test_output_in_a_pipe_has_no_control_characters(trained):
    assert not set(trained[0].stdout + trained[0].stderr) & {"\r", "\x1b"}


def test_evaluate_finds_the_same_accuracy(trained):
    model = "runs/digits-cnn/model.safetensors"
    again = command("evaluate", model, cwd=trained[1])
    assert again.stdout.splitlines()[-1] == trained[0].stdout.splitlines()[-1]
    assert again.stdout.startswith("rows: true class; columns: answer\n")


def test_a_run_never_overwrites_another(tmp_path):
    words = ("train", "--model", "mlp", "--epochs", "1")
    for _ in range(2):
        accuracy(command(*words, cwd=tmp_path))
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [
        "digits-mlp",
        "digits-mlp-2",
    ]
    again = command(*words, "--out", "runs/digits-mlp", cwd=tmp_path)
    assert again.returncode == 2
    assert again.stderr == (
        "backprop: --out expects a folder that is new or empty, got runs/digits-mlp\n"
    )


@pytest.mark.parametrize("model", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
def test_models_and_optimizers_run(tmp_path, model, optimizer):
    words = ("--model", model, "--optimizer", optimizer, "--epochs", "1", "--lr", "0.001")
    done = command("train", *words, "--batch-size", "100", "--seed", "3", cwd=tmp_path)
    assert 0 < accuracy(done) < 1
    assert "batches of 100, seed 3" in done.stdout


def test_the_same_seed_is_the_same_run(tmp_path):
    words = ("train", "--model", "mlp", "--epochs", "1")
    for out in ("one", "two"):
        accuracy(command(*words, "--out", out, cwd=tmp_path))
    one, two = ((tmp_path / out / "model.safetensors").read_bytes() for out in ("one", "two"))
    assert one == two


def test_ctrl_c_keeps_what_was_learned(tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-um", "backprop", "train", "--model", "mlp", "--epochs", "5000"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        # A shell makes its background jobs ignore Ctrl-C, and they hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for line in running.stdout:
        if line.startswith("epoch 3/"):
            break
    running.send_signal(signal.SIGINT)
    begun = time.monotonic()
    rest, errors = running.communicate(timeout=60)
    assert running.returncode == 0, errors
    assert LAST.fullmatch(rest.splitlines()[-1])
    assert "interrupted: what was learned is kept" in rest.splitlines()
    assert time.monotonic() - begun < 60
    assert (tmp_path / "runs" / "digits-mlp" / "model.safetensors").exists()


def test_check_finds_every_gradient_right(tmp_path):
    done = command("check", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "every gradient is right"
    assert "entries of LSTM(3)" in done.stdout


FORM = 'MODULE:CLASS, FILE.py:"CLASS(arguments)" or FILE.py:forward,backward'
MINE = """
import numpy as np

class MyDense:
    def __init__(self, D, M=2, right=True):
        self.W, self.right = np.linspace(-1, 1, D * M).reshape(D, M), right

    def forward(self, x):
        self.x, self.y = x, np.tanh(x @ self.W)
        return self.y

    def backward(self, delta):
        dz = delta * (1 - self.y**2) if self.right else delta
        self.dW = self.x.T @ dz
        return dz @ self.W.T

class Rough:
    def forward(self, x):
        y = np.empty(x.shape)
        y[...] = (x**3 + 1e10) - 1e10
        self.x = x
        return y

    def backward(self, delta):
        return delta * 3 * self.x**2

def twice(x, w):
    return 2 * x * w, (x, w)

def twice_back(dout, cache):
    x, w = cache
    return 2 * dout * w, 2 * (dout * x).sum(axis=0)

ready = MyDense(3)
"""


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "first"),
    [
        (("mine.py:MyDense(3)", "--shape", "3"), 0, "MyDense, taken for forward and backward"),
        (("mine:MyDense(3, M=4)", "--shape", "3"), 0, "MyDense, taken for forward and back"),
        (("mine.py:ready", "--shape", "3", "--batch", "7"), 0, "MyDense, taken for forward"),
        (("mine.py:MyDense(3, right=False)", "--shape", "3"), 1, "MyDense, taken for forward"),
        (("mine.py:Rough", "--shape", "3"), 3, "Rough, taken for forward and backward with"),
        (
            ("mine.py:twice,twice_back", "--shape", "4,3", "--shape", "3"),
            0,
            "twice, taken for a pair of functions with a cache: every gradient is right",
        ),
        (("backprop.layers:Tanh", "--shape", "2"), 0, "Tanh, taken for a layer"),
    ],
)
def test_check_takes_code_of_ones_own(mine, words, code, first):
    done = command("check", *words, cwd=mine)
    assert done.stdout.startswith(first), done.stderr
    assert done.returncode == code


def test_check_names_the_mistake_and_leaves_json_and_a_picture(mine):
    words = (
        "mine.py:MyDense(3, right=False)",
        "--shape",
        "3",
        "--json",
        "r.json",
        "--plot",
        "r.png",
    )
    done = command("check", *words, cwd=mine)
    assert "diagnosis: x, W: missing activation derivative." in done.stdout
    found = json.loads((mine / "r.json").read_text())
    assert [each["kind"] for each in found["diagnoses"]] == ["missing activation derivative"]
    assert imread(mine / "r.png").std() > 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("mine.py", "--shape", "3"),
            f"check expects {FORM}, got 'mine.py'",
        ),
        (
            ("mine.py:MyDense(3)",),
            "check expects --shape for each input, such as --shape 8,8,3, got none",
        ),
        (
            ("mine.py:MyDense(3)", "--shape", "3;4"),
            "--shape expects whole numbers such as 8,8,3, got '3;4'",
        ),
        (
            ("none.py:MyDense", "--shape", "3"),
            "check expects a file that exists, got none.py",
        ),
        (
            ("nomodule:MyDense", "--shape", "3"),
            "check expects a module or a file that ends in .py, got No module named 'nomodule'",
        ),
        (
            ("mine.py:Other", "--shape", "3"),
            "check expects one of np, MyDense, Rough, twice, twice_back, ready in mine, got"
            " 'Other'",
        ),
        (
            ("backprop.layers:Dense(-1)", "--shape", "3"),
            "Dense expects units to be a whole number of at least 1, got -1",
        ),
        (
            ("mine.py:MyDense({'a': 1, 'b': [}", "--shape", "3"),
            f"check expects {FORM}, got \"MyDense({{'a': 1, 'b': [}}\"",
        ),
        (
            ("mine.py:MyDense(3)", "--shape=-3"),
            "--shape expects whole numbers such as 8,8,3, got '-3'",
        ),
        (
            ("mine.py:MyDense(__import__('os'))", "--shape", "3"),
            f"check expects {FORM}, got \"MyDense(__import__('os'))\"",
        ),
    ],
)
def test_check_says_in_one_line_what_it_expects(mine, words, text):
    done = command("check", *words, cwd=mine)
    assert done.returncode == 2
    assert done.stderr == f"backprop: {text}\n"


def test_explain_prints_a_derivation(tmp_path):
    done = command("explain", "LSTM", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == str(bp.explain(bp.LSTM))


def test_explain_prints_an_example(tmp_path):
    done = command("explain", "--index", "5", "--pick", "1.y[0,7]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Network of 4 layers, L = SoftmaxCrossEntropy() = ")
    assert "       y[0,7] = " in done.stdout
    assert list(tmp_path.iterdir()) == []


def without_note(text):
    """Return a text without its last lines, where these say that compiled kernels were left out."""
    return re.sub(r"\s+\*?The numbers are those of the NumPy lines; .*", "", text).rstrip("\n")


@pytest.mark.parametrize(
    ("out", "beginning", "ending"),
    [
        ("way.txt", "dL/d(3.W[5,2]) = ", "to the last bit."),
        ("way.md", "## dL/d(3.W[5,2]) = ", "to the last bit.*"),
        ("way.tex", "\\documentclass{article}", "\\end{document}"),
    ],
)
def test_explain_writes_the_way_to_a_weight(tmp_path, out, beginning, ending):
    words = ("--of", "3.W[5,2]", "--most", "3", "--loss", "MeanSquaredError", "--out", out)
    done = command("explain", *words, cwd=tmp_path)
    assert done.stdout == f"{out}\n", done.stderr
    text = (tmp_path / out).read_text()
    assert text.startswith(beginning)
    assert without_note(text).endswith(ending)
    assert "MeanSquaredError" in text


@pytest.mark.parametrize("words", [(), ("--of", "3.W[5,2]")])
def test_explain_writes_a_page_for_a_browser(words, tmp_path):
    done = command("explain", *words, "--out", "page.html", cwd=tmp_path)
    assert done.stdout == "page.html\n", done.stderr
    assert (tmp_path / "page.html").read_text().lower().startswith("<!doctype html>")


def test_explain_takes_what_was_trained(trained):
    run = "runs/digits-cnn"
    for where in (run, f"{run}/model.safetensors"):
        words = ("--run", where, "--index", "3", "--of", "0.x[0,3,4,0]")
        done = command("explain", *words, cwd=trained[1])
        assert done.returncode == 0, done.stderr
        ending = "is what backward handed down, to the last bit."
        assert without_note(done.stdout).endswith(ending)


FILES = ".html, .md, .tex or .txt"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("LTSM",),
            "explain expects the name of a layer, a loss or an optimizer, such as LSTM, got 'LTSM'",
        ),
        (("LSTM", "--index", "3"), "explain expects --out alone beside LSTM, got --index"),
        (("--index", "359"), "--index expects a test example from 0 to 358, got 359"),
        (("--index=-1",), "--index expects a test example from 0 to 358, got -1"),
        (("--model", "mlp", "--run", "runs"), "explain expects --model or --run, got both"),
        (("--of", "1.b[0]", "--pick", "1.b[0]"), "explain expects --pick or --of, got both"),
        (("--most", "3"), "explain expects --of beside --most, got none"),
        (
            ("--most", "0", "--of", "1.b[0]"),
            "explain expects most to be a whole number of at least 1, got 0",
        ),
        (
            ("--loss", "L2"),
            "--loss expects one of BinaryCrossEntropy, CrossEntropy, HalfSquaredError,"
            " LogisticCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy, got 'L2'",
        ),
        (
            ("--of", "9.W[0,0]"),
            "explain expects of= to be an entry of 1.W, 1.b, 3.W, 3.b, or x or y of a layer,"
            " got '9.W[0,0]'",
        ),
        (
            ("--of", "1.b[128]"),
            "explain expects of= to be an entry of shape (128,), got '1.b[128]'",
        ),
        (
            ("--pick", "9.y[0]"),
            "explain expects pick= to name one of the layers 0 to 3, or loss, got '9.y[0]'",
        ),
        (
            ("--pick", "3.y[0,10]"),
            "explain expects pick= to be an entry of shape (1, 10), got '3.y[0,10]'",
        ),
        (("--out", "page.pdf"), f"--out expects a file that ends in {FILES}, got page.pdf"),
        (("--out", "page"), f"--out expects a file that ends in {FILES}, got page"),
        (
            ("LSTM", "--out", "page.html"),
            "--out expects a file that ends in .md, .tex or .txt, got page.html",
        ),
        (
            ("ReLU", "--out", "none/page.md"),
            "--out expects to be able to write none/page.md, got No such file or directory",
        ),
        (("--shape", "8;8"), "--shape expects whole numbers such as 28,28,1, got '8;8'"),
    ],
)
def test_explain_says_in_one_line_what_it_expects(tmp_path, words, text):
    done = command("explain", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"backprop: {text}\n"
    assert list(tmp_path.iterdir()) == []


def test_data_list_and_show(tmp_path):
    listed = command("data", "list", cwd=tmp_path).stdout
    assert [line.split()[0] for line in listed.splitlines()] == [
        "digits",
        "mnist",
        "fashion-mnist",
        "kmnist",
    ]
    shown = command("data", "show", "digits", "--out", "digits.png", cwd=tmp_path).stdout
    assert "numbers from 0 to 1" in shown
    assert imread(tmp_path / "digits.png").std() > 0
    counts = [line.split() for line in shown.splitlines() if re.match(r"\d +\d+ +\d+$", line)]
    assert sum(int(train) + int(test) for _, train, test in counts) == 1797


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("train", "--lr", "-1"), "SGD expects rate to be a finite number of at least 0, got -1.0"),
        (
            ("train", "--shape", "8;8"),
            "--shape expects whole numbers such as 28,28,1, got '8;8'",
        ),
        (
            ("train", "--out", "file/run"),
            "--out expects to be able to write into file/run, got Not a directory",
        ),
    ],
)
def test_bad_input_is_one_line_and_changes_nothing(tmp_path, words, text):
    (tmp_path / "file").write_text("")
    done = command(*words, "--optimizer", "sgd", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"backprop: {text}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("words", "known"),
    [
        (("train", "--model", "vgg"), "'lenet'"),
        (("train", "--optimizer", "sdg"), "'nesterov'"),
        (("train", "--epochs", "0"), "--epochs"),
        (("train", "--speed", "9"), "No such option"),
        (("fly",), "No such command"),
    ],
)
def test_unknown_words_are_told_the_known_ones(tmp_path, words, known):
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert known in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "beginning"),
    [
        (("train", "--data", "nowhere"), "backprop: load_data expects one of digits, "),
        (("evaluate", "none.safetensors"), "backprop: load"),
        (("explain", "--run", "none"), "backprop: load"),
        (("explain", "--data", "nowhere"), "backprop: load_data expects one of digits, "),
        (("explain", "--model", "lenet"), "backprop: Conv2D 'conv2d_2' expects images that a 5x5"),
        (("train", "--model", "lenet"), "backprop: Conv2D 'conv2d_2' expects images that a 5x5"),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_one_line(tmp_path, words, beginning):
    done = command(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(beginning)
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def table(path, classes):
    """Write 60 rows of a label and three features."""
    lines = [f"{n % classes},{n % classes},{n % 7},{n % 5}" for n in range(60)]
    path.write_text("\n".join(lines) + "\n")


def test_rows_of_numbers_have_no_pictures_of_images(tmp_path):
    table(tmp_path / "rows.csv", classes=3)
    done = command("train", "--data", "rows.csv", "--model", "mlp", cwd=tmp_path)
    assert accuracy(done) == 1  # the first feature is the label
    assert {path.name for path in (tmp_path / "runs" / "rows-mlp").iterdir()} == {
        "confusion_matrix.png",
        "history.csv",
        "learning_curves.png",
        "model.safetensors",
    }


def test_a_network_may_know_more_classes_than_the_data_have(tmp_path):
    table(tmp_path / "three.csv", classes=3)
    table(tmp_path / "two.csv", classes=2)
    words = ("--data", "three.csv", "--model", "mlp", "--out", "run")
    accuracy(command("train", *words, cwd=tmp_path))
    done = command("evaluate", "run/model.safetensors", "--data", "two.csv", cwd=tmp_path)
    assert 0 <= accuracy(done) <= 1
    assert done.stdout.splitlines()[1].split() == ["0", "1", "2"]


def test_a_training_that_diverges_is_one_line_and_leaves_nothing(tmp_path):
    words = ("--model", "mlp", "--lr", "1e30", "--out", "run")
    done = command("train", *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("backprop: ")
    assert done.stderr.count("\n") == 1
    assert "expects a finite loss and gradient, got loss nan" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_picture_that_cannot_be_written_is_one_line(tmp_path):
    done = command("data", "show", "digits", "--out", "none/digits.png", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == (
        "backprop: --out expects to be able to write none/digits.png, "
        "got No such file or directory\n"
    )


def test_version(tmp_path):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", command("--version", cwd=tmp_path).stdout)


@pytest.mark.slow
@needs_mnist
@pytest.mark.parametrize(
    ("model", "epochs", "least"),
    [("mlp", 5, 0.975), ("lenet", 3, 0.988), ("lstm", 3, 0.97)],
)
def test_models_on_mnist(tmp_path, model, epochs, least):
    words = ("--data", str(MNIST), "--model", model, "--epochs", str(epochs))
    assert accuracy(command("train", *words, cwd=tmp_path)) >= least


@pytest.mark.slow
@needs_mnist
def test_zhangs_error_after_one_epoch_of_mnist(tmp_path):
    # Published with the derivation (2016): about 11 %; here on 98 % of the images.
    words = ("--data", str(MNIST), "--model", "zhang", "--epochs", "1")
    assert abs(1 - accuracy(command("train", *words, cwd=tmp_path)) - 0.1127) <= 0.015
