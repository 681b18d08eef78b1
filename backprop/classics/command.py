"""`backprop classics`: list the classics, run them, draw their pictures."""

import shutil
import sys
import textwrap
import time
from pathlib import Path
from typing import Annotated

import typer

from ..atomic import write
from ..errors import expects

app = typer.Typer(
    no_args_is_help=True,
    help="Run the systems of the literature, with the numbers they published."
    " Each is a file, or a folder, of backprop/classics, made to be read.",
)


@app.command(name="list")
def list_command(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Only those with these words in name, author, year or title."),
    ] = None,
):
    """List the classics in reading order: name, how long it takes, author, year, title."""
    from . import NAMES, find, load

    sought = " ".join(words or [])
    chosen = find(sought) if words else NAMES
    if not chosen:
        raise expects("classics list", "words of a name, author, year or title", repr(sought))
    width = max(map(len, NAMES))
    for name in chosen:
        classic = load(name).CLASSIC
        entry = f"{name:{width}}  {classic.seconds:3g} s  {classic.described}"
        print(_fitted(entry, " " * (width + 9)))


@app.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Names, as `list` shows them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every one of them.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the pictures, NAME.png each; made if new.")
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
    # What is wrong is told before anything runs.
    modules = [load(name) for name in chosen]
    _check_mnist(mnist, modules)
    _make_folder(out)
    right = 0
    if markdown:
        print("# The classics\n\nWhat each author published, and what this package computes.\n")
    for module in modules:
        name = module.__name__.rpartition(".")[2]
        start = time.perf_counter()
        table = reproduce(name, mnist=mnist)
        right += bool(table)
        if markdown:
            print(table.markdown())
        else:
            seconds = time.perf_counter() - start
            print(f"{name}: {table.text(_columns())}, in {seconds:.1f} s")
        if out is not None and table.picture is not None:
            write("--out", out / f"{name}.png", table.picture().png())
            print(out / f"{name}.png")
        print(flush=True)
    print(f"{right} of {len(modules)} reproduced")
    raise typer.Exit(0 if right == len(modules) else 1)


def _check_mnist(folder, modules):
    """Raise an error if a module needs MNIST and it is not in the folder that was given."""
    if folder is None:
        return
    if not folder.is_dir():
        raise expects("--mnist", "a folder that exists", folder)
    if any(module.CLASSIC.needs_mnist for module in modules):
        from ..data import load_data

        load_data(folder)


def _make_folder(out):
    """Make the folder for the pictures, unless it is there; raise OSError if it is of no use."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise expects("--out", f"a folder to write into, {out}", error.strerror, OSError) from error
    write("--out", out / ".writable", b"")
    (out / ".writable").unlink()


def _columns():
    """Return how many columns the terminal has; None where the output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _fitted(text, indent):
    """Return `text` wrapped to the terminal, the lines after the first indented."""
    columns = _columns()
    if columns is None or columns <= len(indent) + len(indent):
        return text
    return textwrap.fill(text, columns, subsequent_indent=indent, break_on_hyphens=False)
