"""A line of code as a formula with the numbers in it that were there when it ran."""

import ast

import numpy as np

from .statements import readable
from .styles import is_small

SUM, PRODUCT, SIGN, POWER, ATOM = range(5)
COMPARISONS = {ast.Gt: " > ", ast.GtE: " ≥ ", ast.Lt: " < ", ast.LtE: " ≤ ", ast.Eq: " = "}
COPIES = ("reshape", "astype", "copy", "transpose", "ascontiguousarray")
"""Methods and functions that hand on the same numbers: no part of a formula."""


def substituted(record, style):
    """Return the right side of a record's line with its operands' values in their places.

    It comes in pieces, between which the line may be broken. What is too large has its name and
    its shape. There are none where the line only names a value, or takes it apart.
    """
    statement = record.line.statement
    expression = getattr(statement, "value", None)
    if isinstance(statement, ast.Expr) or expression is None or readable(expression):
        return []
    if isinstance(record.value, tuple) or hasattr(record.value, "toarray"):
        return []
    writer = _Writer(record, style)
    pieces = writer.pieces(expression)
    if isinstance(statement, ast.AugAssign) and record.before is not None:
        pieces[0] = style.beside(style.words(" + "), pieces[0])
        pieces.insert(0, writer.shown(record.before, record.name)[1])
    return pieces


def symbol(source):
    """Return the symbol of an operand from its source: `self.W` is W, `rows(x)` is x."""
    source = source.removesuffix("[:]").removesuffix("[...]")
    if source.startswith("rows(") and source.endswith(")"):
        source = source[5:-1]
    return source.removeprefix("self.").removesuffix("[:]")


class _Writer:
    def __init__(self, record, style):
        self.record, self.style = record, style

    def shown(self, value, source):
        """Return a value written out, or named if it is large."""
        style = self.style
        if hasattr(value, "toarray"):
            value = value.toarray()
        if isinstance(value, tuple) and all(isinstance(one, np.ndarray) for one in value):
            parts = [self.shown(one, f"{source}[{k}]")[1] for k, one in enumerate(value)]
            return ATOM, style.function("", parts)
        if not isinstance(value, int | float | complex | np.generic | np.ndarray):
            return ATOM, style.symbol(symbol(source))
        if not is_small(value, style.small) or np.size(value) == 0:
            return ATOM, style.symbol(symbol(source), np.shape(value))
        negative = np.ndim(value) == 0 and np.real(value) < 0
        return (SUM if negative else ATOM), style.value(value)

    def write(self, node):
        """Return the level at which a part binds, and the part."""
        source = ast.unparse(node)
        if source in self.record.operands:
            return self.shown(self.record.operands[source], source)
        method = getattr(self, f"_{type(node).__name__}", None)
        return method(node) if method else (ATOM, self.style.symbol(symbol(source)))

    def _Constant(self, node):
        return self.shown(node.value, repr(node.value))

    def _UnaryOp(self, node):
        inner = _in(self.style, self.write(node.operand), SIGN)
        return SUM, self.style.beside(self.style.words("-"), inner)

    def _BinOp(self, node):
        if isinstance(node.op, ast.Pow):
            base = _in(self.style, self.write(node.left), ATOM)
            return POWER, self.style.raised(base, ast.unparse(node.right))
        return self._level(node), self.style.beside(*self.pieces(node))

    def pieces(self, node):
        """Return an expression in pieces, each but the first beginning with its operator."""
        style = self.style
        if not isinstance(node, ast.BinOp) or isinstance(node.op, ast.Pow):
            return [self.write(node)[1]]
        level = self._level(node)
        strict = isinstance(node.op, ast.Sub | ast.Div)
        if isinstance(node.left, ast.BinOp) and self._level(node.left) >= level:
            left = self.pieces(node.left)
        else:
            left = [_in(style, self.write(node.left), level)]
        if isinstance(node.right, ast.BinOp) and level < self._level(node.right) < POWER:
            first, *more = self.pieces(node.right)
        else:
            first, more = _in(style, self.write(node.right), level + strict), []
        return [*left, style.beside(self._mark(node), first), *more]

    def _level(self, node):
        if isinstance(node.op, ast.Pow):
            return POWER
        return SUM if isinstance(node.op, ast.Add | ast.Sub) else PRODUCT

    def _mark(self, node):
        style = self.style
        if isinstance(node.op, ast.MatMult):
            return style.operator("in")
        if isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            arrays = not any(_is_number(side, self.record) for side in sides)
            return style.operator("odot" if arrays else "cdot")
        return style.words({ast.Add: " + ", ast.Sub: " - "}.get(type(node.op), " / "))

    def _Compare(self, node):
        style = self.style
        mark = style.words(COMPARISONS.get(type(node.ops[0]), " ? "))
        left, right = self.write(node.left)[1], self.write(node.comparators[0])[1]
        return ATOM, style.truth(style.beside(left, mark, right))

    def _Attribute(self, node):
        if node.attr == "T":
            return POWER, self.style.raised(_in(self.style, self.write(node.value), ATOM), "T")
        if node.attr == "real":
            return self.write(node.value)
        return ATOM, self.style.symbol(symbol(ast.unparse(node)))

    def _IfExp(self, node):
        taken = self.record.operands.get(ast.unparse(node.test))
        return self.write(node.body if taken else node.orelse)

    def _Tuple(self, node):
        return ATOM, self.style.function("", [self.write(one)[1] for one in node.elts])

    def _Call(self, node):
        style, called = self.style, node.func
        arguments = list(node.args)
        if isinstance(called, ast.Attribute):
            name, owner = called.attr, called.value
            if not (isinstance(owner, ast.Name) and owner.id in ("np", "math", "self")) and not (
                isinstance(owner, ast.Attribute) and ast.unparse(owner).startswith("self.")
            ):
                arguments.insert(0, owner)
        else:
            name = ast.unparse(called)
        if name in COPIES or (name == "rows" and arguments):
            return self.write(arguments[0])
        if name == "sqrt":
            return ATOM, style.root(self.write(arguments[0])[1])
        written = [self.write(one)[1] for one in arguments]
        axes = [word for word in node.keywords if word.arg == "axis"]
        written += [style.remark(f"axis={ast.unparse(word.value)}") for word in axes]
        return ATOM, style.function(name.removesuffix("_rows").strip("_"), written)


def _in(style, part, level):
    """Return a part, in brackets if it binds less than `level`."""
    return style.group(part[1]) if part[0] < level else part[1]


def _is_number(node, record):
    """Return whether a part of an expression is a single number."""
    leaves = [one for one in ast.walk(node) if ast.unparse(one) in record.operands]
    return all(np.ndim(record.operands[ast.unparse(leaf)]) == 0 for leaf in leaves)


def named(source, style):
    """Return the symbol of what a line assigns to."""
    return style.symbol(symbol(source))
