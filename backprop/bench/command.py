"""`backprop bench`: measure, print the table, write the figures, draw the picture."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import expects


class Measure(StrEnum):
    """What `backprop bench` can measure."""

    race = "race"
    growth = "growth"
    startup = "startup"
    gradient = "gradient"


def bench(
    workloads: Annotated[
        list[str] | None,
        typer.Argument(help="mlp, mlp-small, lenet, cnn, rnn, lstm; all six if left out."),
    ] = None,
    measure: Annotated[
        Measure,
        typer.Option(
            help="race: the workloads against peers. growth: a step's time while sizes double."
            " startup: imports and --help. gradient: backpropagation against differences and paths."
        ),
    ] = Measure.race,
    against: Annotated[
        list[str] | None,
        typer.Option(
            help="A side: 'NumPy alone' (ours without Numba), pytorch, torch.compile, jax,"
            " scikit-learn. Repeat for more. Default:"
            " all of them but torch.compile, which compiles for minutes."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each side has its turn.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.0, max=60.0, help="How long a turn is at least.")
    ] = 0.1,
    threads: Annotated[int, typer.Option(min=1, help="How many each side may use.")] = 2,
    memory: Annotated[
        bool, typer.Option(help="Measure peak memory too, each side in its own process.")
    ] = True,
    json_: Annotated[Path | None, typer.Option("--json", help="Write all figures here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw them into this .png.")] = None,
    markdown: Annotated[bool, typer.Option(help="Print the table as Markdown.")] = False,
):
    """Measure how fast this package is, beside PyTorch, JAX and scikit-learn where they are there.

    The sides take turns on the same work, after it was seen that they find the same losses.
    """
    from .sides import USUAL

    # What is wrong is told before minutes are spent.
    _check_paths(json_, plot)
    if workloads and measure is not Measure.race:
        raise expects("bench", f"no workloads with --measure {measure}", " ".join(workloads))
    peers = list(USUAL if against is None else against)
    settings = {"rounds": rounds, "seconds": seconds, "threads": threads, "tell": _tell}
    found = _measure(measure, workloads or [], peers, memory, settings)
    print(found.markdown() if markdown else found)
    found.save(json_, plot)
    for path in (json_, plot):
        if path is not None:
            print(path)


def _measure(measure, workloads, peers, memory, settings):
    """Return the Measured of what was asked for."""
    from . import gradient_cost, growth, results, startup
    from .workloads import find

    if measure is Measure.growth:
        return growth.measure(**settings)
    if measure is Measure.gradient:
        return gradient_cost.measure(**settings)
    if measure is Measure.startup:
        del settings["seconds"]
        return startup.measure(peers, **settings)
    return results.measure(find("bench", workloads), peers, memory=memory, **settings)


def _check_paths(json_path, plot_path):
    """Raise an error unless a file can be made in the folders of the paths that are given."""
    for option, path in (("--json", json_path), ("--plot", plot_path)):
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise expects(option, "a file in a folder that exists", path)
    if plot_path is not None and plot_path.suffix != ".png":
        raise expects("--plot", "a file that ends in .png", plot_path)


def _tell(line):
    print(line, file=sys.stderr, flush=True)
