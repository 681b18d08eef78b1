"""Tagged statements: what has to be read before one runs, and after it."""

import ast
import dataclasses
from typing import Any

from .chapters import Line, chapters

VIEWS = ("rows", "divmod", "len")
"""Functions that may stand in an operand: they compute none of its numbers."""
CHANGING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
OPERATORS = ("T", "real")
"""Attributes that are part of the formula, not of the operand's name."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A tagged line and how to read what it reads and makes."""

    line: Line
    chapter: str
    operands: dict[str, Any]
    target: dict[str, Any]
    adds: bool


def lines_of(code):
    """Return the tagged lines of a code object, by every line number that they take up."""
    last = max((n for *_, n in code.co_lines() if n), default=0)
    return {
        number: entry
        for chapter in chapters(code.co_filename)
        for line in chapter.lines
        if line.method == code.co_name and code.co_firstlineno <= line.number <= last
        for entry in [_entry(line, chapter.name)]
        for number in range(line.number, line.last + 1)
    }


def _entry(line, chapter):
    """Return what has to be read before and after a statement."""
    statement = line.statement
    target = None
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
    elif isinstance(statement, ast.AugAssign | ast.AnnAssign):
        target = statement.target
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        target = next(iter(statement.value.args), None)  # np.copyto writes into its first
    value = getattr(statement, "value", None)
    targets = [target] if target is not None and readable(target) else []
    adds = isinstance(statement, ast.AugAssign)
    return Entry(line, chapter, _compiled(operands(value)), _compiled(targets), adds)


def operands(node):
    """Yield the parts of an expression that are values already: what it computes with."""
    if node is None or isinstance(node, ast.Constant):
        return
    if readable(node) and not isinstance(node, ast.UnaryOp | ast.BinOp):
        yield node
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
            yield from operands(node.func.value)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            yield from operands(argument)
    else:
        for child in ast.iter_child_nodes(node):
            yield from operands(child)


def _is_module(node):
    return isinstance(node, ast.Name) and node.id in ("np", "math", "self")


def readable(node):
    """Return whether reading `node` computes nothing: a name, an attribute, an element of one."""
    if isinstance(node, ast.Attribute):
        return node.attr not in OPERATORS and readable(node.value)
    if isinstance(node, ast.Subscript):
        return readable(node.value) and _changes_nothing(node.slice)
    if isinstance(node, ast.Call):
        named = isinstance(node.func, ast.Name) and node.func.id in VIEWS
        return named and all(readable(argument) for argument in node.args)
    if isinstance(node, ast.Tuple):
        return all(readable(element) for element in node.elts)
    return isinstance(node, ast.Name)


def _changes_nothing(index):
    """Return whether an index can be worked out once more without a trace; a draw could not."""
    inside = list(ast.walk(index))
    called = [one.func for one in inside if isinstance(one, ast.Call)]
    return all(map(_is_pure, called)) and not any(isinstance(one, CHANGING) for one in inside)


def _is_pure(function):
    """Return whether it is one of VIEWS, or NumPy's own, such as `np.arange`."""
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("np", "math")
    return isinstance(function, ast.Name) and function.id in VIEWS


def _compiled(nodes):
    return {ast.unparse(node): compile(ast.unparse(node), "<operand>", "eval") for node in nodes}


def read(frame, codes):
    """Return the values of expressions in a frame; what cannot be read is left out."""
    values = {}
    for name, code in codes.items():
        try:
            values[name] = eval(code, frame.f_globals, frame.f_locals)
        except Exception:  # a name that is bound only inside the expression
            continue
    return values
