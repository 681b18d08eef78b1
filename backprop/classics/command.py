"""`backprop classics`: list the classics, run them, draw their pictures."""

import time
from pathlib import Path
from typing import Annotated

import typer

from ..atomic import write
from ..errors import expects

app = typer.Typer(
    no_args_is_help=True, help="Run the systems of the literature, with the numbers they published."
)


@app.command(name="list")
def list_command():
    """List the classics: name, how long it takes, author, year, title."""
    from . import NAMES, load

    width = max(map(len, NAMES))
    for name in NAMES:
        classic = load(name).CLASSIC
        described = f"{classic.author} ({classic.year}). {classic.title}"
        print(f"{name:{width}}  {classic.seconds:3g} s  {described}")


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Names, as `list` shows them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the pictures, NAME.png each.")
    ] = None,
    mnist: Annotated[
        Path | None, typer.Option(help="A folder with MNIST's four files, for what needs them.")
    ] = None,
    markdown: Annotated[bool, typer.Option(help="Print the tables as Markdown.")] = False,
):
    """Compute what an author published, and print it beside what was printed then.

    Exits with 1 if a number is not reproduced.
    """
    from . import NAMES, load, reproduce

    chosen = list(NAMES) if all_ else list(names or [])
    if not chosen or (all_ and names):
        raise expects("classics run", "names, or --all", " ".join(names or []) or "neither")
    for name in chosen:
        load(name)  # a wrong name is told before anything runs
    if out is not None and not out.is_dir():
        raise expects("--out", "a folder that exists", out)
    if mnist is not None and not mnist.is_dir():
        raise expects("--mnist", "a folder that exists", mnist)
    right = 0
    if markdown:
        print("# The classics\n\nWhat each author published, and what this package computes.\n")
    for name in chosen:
        start = time.perf_counter()
        table = reproduce(name, mnist=mnist)
        right += bool(table)
        if markdown:
            print(table.markdown())
        else:
            print(f"{name}: {table}, in {time.perf_counter() - start:.1f} s")
        if out is not None and table.picture is not None:
            write("--out", out / f"{name}.png", table.picture().png())
            print(out / f"{name}.png")
        print(flush=True)
    print(f"{right} of {len(chosen)} reproduced")
    raise typer.Exit(0 if right == len(chosen) else 1)
