"""The command `backprop`: train, evaluate, check, explain, look at data, run classics, measure.

What takes long to import is imported where it is used, so that `backprop --help` is quick.
"""

import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from .atomic import write
from .bench.command import bench
from .classics.command import app as classics_app
from .errors import expects
from .settings import DISTRIBUTION

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Neural networks in NumPy with every derivative coded by hand.",
)
data_app = typer.Typer(no_args_is_help=True, help="List the data sets, or look at one.")
app.add_typer(data_app, name="data")
app.add_typer(classics_app, name="classics")
app.command()(bench)


class ModelName(StrEnum):
    """The models that `train` knows; `backprop.models` has them."""

    mlp = "mlp"
    cnn = "cnn"
    lenet = "lenet"
    zhang = "zhang"
    rnn = "rnn"
    lstm = "lstm"
    gru = "gru"


class OptimizerName(StrEnum):
    """The optimizers that `train` knows."""

    sgd = "sgd"
    momentum = "momentum"
    nesterov = "nesterov"
    adagrad = "adagrad"
    rmsprop = "rmsprop"
    adam = "adam"
    adamw = "adamw"


HELD_OUT = 0.02
"""The share of the training images that the epochs are validated on."""

Source = Annotated[
    str, typer.Option("--data", help="digits, mnist, fashion-mnist, kmnist, a folder or a file.")
]
Shape = Annotated[
    str | None, typer.Option(help="Shape of an image, H,W,C, where the file has rows of numbers.")
]


@app.command()
def train(
    data: Source = "digits",
    model: Annotated[ModelName, typer.Option(help="Which network.")] = ModelName.cnn,
    epochs: Annotated[int | None, typer.Option(min=1, help="Default: what suits it.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Default: the model's.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate. Default: the model's.")] = None,
    optimizer: Annotated[OptimizerName | None, typer.Option(help="Default: the model's.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed, the same run.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. Default: runs/DATA-MODEL.")
    ] = None,
    shape: Shape = None,
):
    """Train a network, test it, and leave model, history and pictures in a folder."""
    import numpy as np

    from . import models
    from .data import load_data, split
    from .training import evaluate, fit, save

    found = load_data(data, shape=_shape(shape))
    recipe = models.MODELS[model.value](found.in_shape, len(found.classes))
    recipe.net.build(found.in_shape, rng=seed)
    method = _optimizer(optimizer, lr, recipe.optimizer)
    # The epochs are watched on images that are not trained on, and not the test images either.
    largest = int(np.bincount(found.y_train).max())  # of few images too, one is held out
    training, held_out = split(*found.train, max(HELD_OUT, 1 / largest), seed=seed)
    epochs = epochs or recipe.epochs(len(training[1]))
    folder = _new_folder(out, f"{found.name}-{model.value}")
    print(f"{found!r}\n\n{recipe.net.summary()}\n")
    batch = batch_size or recipe.batch_size
    print(f"{method!r}, batches of {batch}, seed {seed}, {len(held_out[1])} images held out")
    try:
        # A number that overflows shows in the loss, and fit stops at that with an error.
        with np.errstate(over="ignore", invalid="ignore"):
            history = fit(
                recipe.net,
                training,
                loss=recipe.loss,
                optimizer=method,
                epochs=epochs,
                batch_size=batch,
                validation=held_out,
                schedule=recipe.schedule(epochs),
                clip=recipe.clip,
                seed=seed,
            )
    except BaseException:
        folder.rmdir()  # there is nothing to put into it
        raise
    if history.interrupted:
        print("interrupted: what was learned is kept")
    tested = evaluate(recipe.net, found.test, loss=recipe.loss)
    save(recipe.net, folder / "model.safetensors")
    history.to_csv(folder / "history.csv")
    _draw(folder, recipe.net, history, found, tested)
    print()
    for path in sorted(folder.iterdir()):
        print(path)
    print(f"test accuracy: {tested.accuracy:.4f}")


@app.command(name="evaluate")
def evaluate_command(
    model: Annotated[Path, typer.Argument(help="A model.safetensors that train has left.")],
    data: Source = "digits",
    shape: Shape = None,
):
    """Test a trained network and print how often each class was given each answer."""
    from .data import load_data
    from .losses import SoftmaxCrossEntropy
    from .training import evaluate, load

    net = load(model)
    found = load_data(data, shape=_shape(shape))
    # Whatever loss it was trained on, the answer is the largest output.
    tested = evaluate(net, found.test, loss=SoftmaxCrossEntropy())
    if tested.confusion is None:
        raise expects("evaluate", "a network that answers with classes", repr(net))
    # The network may know of classes that these data do not have.
    names = [*found.classes, *map(str, range(len(found.classes), len(tested.confusion)))]
    width = max(len(str(tested.confusion.max())), *map(len, names)) + 1
    print("rows: true class; columns: answer")
    print(" " * width + "".join(name.rjust(width) for name in names))
    for name, row in zip(names, tested.confusion, strict=True):
        print(name.rjust(width) + "".join(str(count).rjust(width) for count in row))
    print(f"test accuracy: {tested.accuracy:.4f}")


@app.command()
def check(
    thing: Annotated[
        str | None,
        typer.Argument(
            help="What to check: MODULE:CLASS or FILE.py:CLASS, with the constructor's arguments if"
            ' it needs any, as in "mine.py:MyConv(8, padding=1)"; or two functions,'
            " FILE.py:forward,backward. Everything in the package if left out."
        ),
    ] = None,
    shape: Annotated[
        list[str] | None,
        typer.Option(help="Shape of one example of an input, such as 8,8,3. Repeat for more."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="How many examples.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of inputs and deltas.")] = 0,
    entries: Annotated[
        int | None, typer.Option(min=1, help="Entries to check in each tensor, at most.")
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", help="Write the report to this file as JSON.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the report into this .png.")] = None,
):
    """Check gradients: those of a layer of yours, or of everything in the package.

    Exits with 0 if all are right, 1 if one is wrong or a pass is impure, 2 if the command cannot be
    carried out, and 3 if it cannot be told.
    """
    if thing is None:
        raise typer.Exit(_check_all())
    from .checks.command import check_named

    report = check_named(thing, shape or [], batch, seed, entries)
    print(report)
    if json_ is not None:
        write("--json", json_, (report.to_json() + "\n").encode())
    if plot is not None:
        write("--plot", plot, report.plot().png())
    raise typer.Exit(0 if report else {"wrong": 1, "cannot tell": 3}[report.verdict])


@app.command()
def explain(
    thing: Annotated[
        str | None,
        typer.Argument(
            help="A layer, a loss or an optimizer, such as LSTM: its derivation, with the line of"
            " code under each equation. One example's way through a network if left out."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(help="digits, mnist, fashion-mnist, kmnist, a folder or a file. [digits]"),
    ] = None,
    index: Annotated[int | None, typer.Option(help="Which test example. [0]")] = None,
    model: Annotated[
        ModelName | None, typer.Option(help="Which network, with new parameters. [mlp]")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="A folder that train has left, or its model.safetensors.")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Such as HalfSquaredError. Default: the model's.")
    ] = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(help='An entry to take apart, such as "1.y[0,7]". Repeat for more.'),
    ] = None,
    of: Annotated[
        str | None, typer.Option(help='Only the way from the loss to one entry, "1.W[3,1]".')
    ] = None,
    most: Annotated[
        int | None, typer.Option(help="How many entries of that way are taken apart. [12]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of new parameters and of masks.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="A file: .html, .md, .tex or .txt. Default: the terminal.")
    ] = None,
    shape: Shape = None,
):
    """Explain: a derivation over its code, or an example's way with every number in its formula.

    Nothing is trained, and nothing is changed.
    """
    from .explanation.command import checked_suffix, explained, save

    write_as = str if out is None else checked_suffix(out, with_html=thing is None)
    named = {
        "data": data,
        "shape": _shape(shape),
        "index": index,
        "model": None if model is None else model.value,
        "run": run,
        "loss": loss,
        "pick": pick or None,
        "of": of,
        "most": most,
    }
    given = {name: value for name, value in named.items() if value is not None}
    page = write_as(explained(thing, given, seed))
    if out is None:
        print(page, end="")
    else:
        save(out, page)
        print(out)


def _check_all():
    """Check every layer and loss of the package and return the exit code."""
    from .selfcheck import selfcheck

    failed = 0
    print(f"{'':8}complex step  differences  checked")
    for name, report in selfcheck():
        failed += not report
        row = report.worst()
        entries = sum(len(each.checked) for each in report.comparisons)
        print(
            f"{'ok' if report else report.verdict:8}{_error(row.complex_error):12}  "
            f"{row.central_error:11.1e}  {entries:5} entries of {name}"
        )
        if not report:
            print(report)
    print(f"{failed} wrong, or not to be told" if failed else "every gradient is right")
    return 1 if failed else 0


@data_app.command(name="list")
def list_command():
    """List the data sets that have a name, and where they are."""
    from .data import list_data

    for name, folder in list_data().items():
        print(f"{name:15}{folder or 'to be downloaded when it is first used'}")


@data_app.command()
def show(
    name: Annotated[str, typer.Argument(help="A data set's name, a folder or a file.")],
    out: Annotated[Path | None, typer.Option(help="A picture (.png) of some images.")] = None,
    shape: Shape = None,
):
    """Tell how many examples of which classes a data set has, and draw some."""
    import numpy as np

    from .data import load_data

    found = load_data(name, shape=_shape(shape))
    print(repr(found))
    x = found.x_train
    print(f"numbers from {x.min():g} to {x.max():g}, mean {x.mean():.4f}\n")
    print(f"{'class':12}{'train':>8}{'test':>8}")
    counts = (np.bincount(y, minlength=len(found.classes)) for y in (found.y_train, found.y_test))
    for label, train_count, test_count in zip(found.classes, *counts, strict=True):
        print(f"{label:12}{train_count:8,}{test_count:8,}")
    if out is not None:
        from . import plots

        write("--out", out, plots.examples(x, found.y_train, found.classes).png())
        print(out)


def main():
    """Run the command line: an error that a user can mend is one line and exit code 2."""
    try:
        app()
    except (OSError, TypeError, ValueError, FloatingPointError, NotImplementedError) as error:
        print(f"backprop: {error}", file=sys.stderr)
        raise SystemExit(2) from None


@app.callback(invoke_without_command=True)
def _version(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
):
    if show_version:
        print(version(DISTRIBUTION))
        raise typer.Exit


def _optimizer(name, rate, default):
    """Return the optimizer of that name, or `default`, with that learning rate if one is given."""
    from .optimizers import SGD, AdaGrad, Adam, AdamW, RMSProp

    makers = {
        "sgd": SGD,
        "momentum": lambda rate=0.01: SGD(rate, momentum=0.9),
        "nesterov": lambda rate=0.01: SGD(rate, momentum=0.9, nesterov=True),
        "adagrad": AdaGrad,
        "rmsprop": RMSProp,
        "adam": Adam,
        "adamw": AdamW,
    }
    given = () if rate is None else (rate,)
    if name is not None:
        return makers[name.value](*given)
    return default if rate is None else type(default)(**{**default.settings, "rate": rate})


def _shape(text):
    """Return (H, W, C) of the text "H,W,C"."""
    if text is None:
        return None
    try:
        return tuple(int(axis) for axis in text.split(","))
    except ValueError:
        raise expects("--shape", "whole numbers such as 28,28,1", repr(text)) from None


def _new_folder(out, name):
    """Make and return the folder for the results; a default one is numbered if there is one."""
    number = 1
    folder = out or Path("runs", name)
    while out is None and folder.exists():
        number += 1
        folder = Path("runs", f"{name}-{number}")
    if folder.is_dir() and any(folder.iterdir()):
        raise expects("--out", "a folder that is new or empty", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except OSError as error:
        raise expects(
            "--out", f"to be able to write into {folder}", error.strerror, OSError
        ) from error
    return folder


def _draw(folder, net, history, found, tested):
    """Leave the pictures of a training in `folder`."""
    from . import plots
    from .layers import Conv2D

    images, labels = found.test
    pictures = {"confusion_matrix": plots.confusion_matrix(tested, found.classes)}
    if images.ndim == 4 and images.shape[-1] in (1, 3):
        pictures["wrong_predictions"] = plots.wrong_predictions(
            images, labels, tested.predictions, found.classes
        )
    if len(history):
        pictures["learning_curves"] = plots.learning_curves(history)
    if isinstance(net[0], Conv2D):
        pictures["filters"] = plots.filters(net[0])
    for name, picture in pictures.items():
        write("train", folder / f"{name}.png", picture.png())


def _error(value):
    return "not possible" if value is None else f"{value:12.1e}"
