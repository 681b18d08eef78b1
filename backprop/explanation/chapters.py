r"""Chapters as they stand in the source: a docstring with numbered equations, and tagged lines.

A chapter is a class, a function or a whole file whose docstring has equations `\tag{n}`. Its lines
are the statements that end in `# (n)`; they belong to the innermost chapter around them.
"""

import ast
import dataclasses
import functools
import inspect
import linecache
import re
import textwrap
from pathlib import Path

from ..errors import expects

TAG = re.compile(r"# \((\d+)\)$")
NUMBERED = "\\tag{"


@dataclasses.dataclass(frozen=True)
class Line:
    """A statement that carries out equation `tag`."""

    tag: int
    source: str
    """The statement without its tag."""
    method: str
    """The function it stands in."""
    file: str
    number: int
    """Where it begins in the file."""
    last: int
    statement: ast.stmt = dataclasses.field(repr=False, compare=False)
    loops: tuple[str, ...] = ()
    """The variables of the loops around it."""

    @property
    def place(self):
        """Where the line stands: `dense.py:81, forward`."""
        return f"{Path(self.file).name}:{self.number}, {self.method}"


@dataclasses.dataclass(frozen=True)
class Chapter:
    """A docstring and the tagged lines that carry it out."""

    name: str
    doc: str
    lines: tuple[Line, ...] = ()


def chapter(thing):
    """Return the chapter of a class, of an instance's class, of a function or of a whole file.

    A file is given as its module. A class without numbered equations has those of the nearest class
    that it inherits from. Raises TypeError if there is no docstring, or no source to be read.
    """
    if inspect.ismodule(thing):
        return _file_chapter(thing)
    subject = thing if isinstance(thing, type) or inspect.isfunction(thing) else type(thing)
    told = [
        one
        for one in (subject.__mro__ if isinstance(subject, type) else [subject])
        if NUMBERED in (one.__doc__ or "")
    ]
    subject = told[0] if told else subject
    if not subject.__doc__ or subject.__module__ == "builtins":
        raise expects("explain", "something with a derivation in its docstring", thing, TypeError)
    name = subject.__qualname__.replace("<locals>.", "")
    found = [one for one in chapters(_file(subject, thing)) if one.name == name]
    return found[-1] if found else Chapter(name, inspect.cleandoc(subject.__doc__))


def _file_chapter(module):
    """Return the chapter that a file begins with, and the tagged lines that have none nearer."""
    doc, file = inspect.getdoc(module), getattr(module, "__file__", None)
    if not (doc and file):
        raise expects("explain", "something with a derivation in its docstring", module, TypeError)
    name = module.__name__.rpartition(".")[-1]
    first = next(iter(chapters(file)), None)
    return Chapter(name, doc, first.lines if first and NUMBERED in doc else ())


def chapters(file):
    """Return all chapters of a source file, or of a notebook's cell."""
    return _chapters(file, "".join(linecache.getlines(file)))


@functools.cache
def _chapters(file, source):
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    reader = _Reader(file, source)
    reader.visit(tree)
    lines = reader.lines
    return tuple(
        Chapter(name, doc, tuple(sorted(lines[name], key=lambda line: line.tag)))
        for name, doc in reader.told.items()
    )


class _Reader(ast.NodeVisitor):
    """Reads a file: what is told, and the tagged lines, by chapter."""

    def __init__(self, file, source):
        self.file, self.rows = file, source.splitlines()
        self.told, self.lines = {}, {}
        self.path, self.owners, self.method, self.loops = [], [], "", []

    def visit_Module(self, node):
        self._enter(node, Path(self.file).stem)

    def visit_ClassDef(self, node):
        self._named(node)

    def visit_FunctionDef(self, node):
        around = self.method, self.loops
        self.method, self.loops = node.name, []
        self._named(node)
        self.method, self.loops = around

    def visit_For(self, node):
        names = [one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)]
        self.loops = [*self.loops, *names]
        self.generic_visit(node)
        self.loops = self.loops[: len(self.loops) - len(names)]

    def generic_visit(self, node):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            self._statement(node)
        super().generic_visit(node)

    def _named(self, node):
        self.path.append(node.name)
        self._enter(node, ".".join(self.path))
        self.path.pop()

    def _enter(self, node, name):
        doc = ast.get_docstring(node) or ""
        if NUMBERED in doc:
            self.told[name], self.lines[name] = doc, []
            self.owners.append(name)
        super().generic_visit(node)
        if NUMBERED in doc:
            self.owners.pop()

    def _statement(self, node):
        last = node.end_lineno or node.lineno
        found = TAG.search(self.rows[last - 1])
        if not (found and self.owners):
            return
        rows = [*self.rows[node.lineno - 1 : last - 1], self.rows[last - 1][: found.start()]]
        text = textwrap.dedent("\n".join(rows)).strip()
        where = self.method, self.file, node.lineno, last
        line = Line(int(found[1]), text, *where, node, tuple(self.loops))
        self.lines[self.owners[-1]].append(line)


def _file(subject, thing):
    """Return the file that `subject` was defined in; a notebook's cell counts as one."""
    functions = vars(subject).values() if isinstance(subject, type) else [subject]
    for function in functions:
        code = getattr(function, "__code__", None)
        if code is None or function.__module__ != subject.__module__:
            continue
        if linecache.getlines(code.co_filename):
            return code.co_filename
    raise expects("explain", "something whose source can be read", thing, TypeError)
