"""What `backprop check FILE.py:CLASS` names, found and checked."""

import ast
import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np

from ..errors import expects
from .gradcheck import gradcheck

FORM = 'MODULE:CLASS, FILE.py:"CLASS(arguments)" or FILE.py:forward,backward'


def check_named(text, shapes, batch, seed, entries):
    """Return the Report on what `text` names, on random inputs.

    Args:
        text: `MODULE:CLASS`, `FILE.py:CLASS(8, padding=1)`, whose arguments are plain values, or
            `FILE.py:forward,backward`.
        shapes: texts such as `"8,8,3"`, the shape of one example of each input; for two functions,
            the whole shape of each array that forward takes.
        batch: how many examples.
        seed: seed of inputs and deltas.
        entries: how many entries of each tensor to check at most.

    Raises:
        ValueError: a text has another form, or names nothing.
        OSError: the file cannot be read.
    """
    head, paren, arguments = text.partition("(")
    module, _, what = head.rpartition(":")
    what += paren + arguments
    if not module or not what:
        raise expects("check", FORM, repr(text))
    if not shapes:
        raise expects("check", "--shape for each input, such as --shape 8,8,3", "none")
    thing = _named(_module(module), what)
    axes = [_axes(each) for each in shapes]
    if not isinstance(thing, tuple):
        axes = [(batch, *each) for each in axes]
    rng = np.random.default_rng(seed)
    return gradcheck(thing, *map(rng.standard_normal, axes), rng=rng, entries=entries)


def _module(name):
    """Import a module by its name, or from its file."""
    if not name.endswith(".py"):
        sys.path.insert(0, "")
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise expects("check", "a module or a file that ends in .py", str(error)) from None
        finally:
            sys.path.remove("")
    path = Path(name)
    if not path.is_file():
        raise expects("check", "a file that exists", path, FileNotFoundError)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise expects("check", "a Python file", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    # What lies beside the file can be imported by it, as if it were run.
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent.resolve()))
    return module


def _named(module, what):
    """Return the object, made from its class, or the pair of functions that `what` names."""
    try:
        names, args, settings = _parsed(what)
    except (SyntaxError, ValueError):
        raise expects("check", FORM, repr(what)) from None
    found = [_found(module, name) for name in names]
    if len(found) == 2:
        return tuple(found)
    if args is None:
        return found[0]() if isinstance(found[0], type) else found[0]
    return found[0](*args, **settings)


def _parsed(what):
    """Return the names in a text, and the arguments of the call that it is; or raise ValueError."""
    match ast.parse(what, mode="eval").body:
        case ast.Tuple(elts=[ast.Name(id=forward), ast.Name(id=backward)]):
            return [forward, backward], None, {}
        case ast.Name(id=name):
            return [name], None, {}
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            settings = {str(word.arg): ast.literal_eval(word.value) for word in keywords}
            return [name], [ast.literal_eval(each) for each in args], settings
    raise ValueError(what)


def _found(module, name):
    if not hasattr(module, name):
        public = ", ".join(n for n in vars(module) if not n.startswith("_")) or "nothing"
        raise expects("check", f"one of {public} in {module.__name__}", repr(name))
    return getattr(module, name)


def _axes(text):
    try:
        axes = tuple(int(axis) for axis in text.split(","))
    except ValueError:
        axes = (0,)
    if min(axes) < 1:
        raise expects("--shape", "whole numbers such as 8,8,3", repr(text))
    return axes
