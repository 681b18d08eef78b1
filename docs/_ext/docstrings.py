"""Docstrings as MyST: they are Markdown with LaTeX and Google's sections already."""

import ast
import functools
import inspect
import itertools
import re
import textwrap

from backprop.explanation.prose import as_markdown

LABEL = re.compile(r"^(Shapes|Source):", re.MULTILINE)


def prose(markdown):
    """Return a run of a docstring as MyST."""
    return LABEL.sub(r"**\1:**", as_markdown(markdown.strip("\n")))


def first_sentence(thing):
    """Return the first sentence of a docstring, on one line."""
    paragraph = " ".join(inspect.getdoc(thing).split("\n\n")[0].split())
    return re.split(r"(?<=\.) (?=[A-Z`])", paragraph)[0].rstrip(":")


def signature(thing):
    """Return the arguments as text, without annotations."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    words = []
    for each in found.parameters.values():
        default = each.default
        if default is not each.empty:
            default = _Shown(default)
        words.append(each.replace(annotation=each.empty, default=default))
    return str(found.replace(parameters=words, return_annotation=found.empty))


class _Shown:
    """A default, shown as one would write it."""

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        value = self.value
        if isinstance(value, type) or inspect.isroutine(value):
            return value.__name__
        if hasattr(value, "settings"):
            words = []
            for name, each in inspect.signature(type(value)).parameters.items():
                given = value.settings[name]
                if each.default is each.empty:
                    words.append(repr(given))
                elif given != each.default:
                    words.append(f"{name}={given!r}")
            return f"{type(value).__name__}({', '.join(words)})"
        return repr(value)


@functools.cache
def attributes(cls):
    """Return the public attributes of a class that have a docstring below them."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body
    found = {}
    for one, following in itertools.pairwise(body):
        told = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
        target = getattr(one, "target", None) or getattr(one, "targets", [None])[0]
        if told and isinstance(target, ast.Name) and not target.id.startswith("_"):
            found[target.id] = inspect.cleandoc(str(following.value.value))
    return found


def methods(cls):
    """Return the public methods and properties that a class defines and tells of, by name."""
    kinds = property | classmethod | staticmethod
    return {
        name: each
        for name, each in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isfunction(each) or isinstance(each, kinds))
        and each.__doc__
        and getattr(each, "__module__", cls.__module__) == cls.__module__  # not one lent to it
    }


def described(kind, name, arguments, body, depth=3):
    """Return a description of a Python object as a MyST directive."""
    fence = ":" * depth
    return f"{fence}{{py:{kind}}} {name}{arguments}\n\n{body}\n{fence}\n"


def members(cls, name):
    """Return descriptions of the attributes and methods that a class adds to its base."""
    blocks = [
        described("attribute", f"{name}.{each}", "", prose(text))
        for each, text in attributes(cls).items()
    ]
    for each, method in methods(cls).items():
        text = prose(inspect.getdoc(method))
        if isinstance(method, property):
            blocks.append(described("property", f"{name}.{each}", "", text))
        else:
            arguments = re.sub(r"^\(self(, /)?(, )?", "(", signature(getattr(cls, each)))
            blocks.append(described("method", f"{name}.{each}", arguments, text))
    return "\n".join(blocks)
