"""One entry of a line's result, as a formula of single numbers.

`dW = x.T @ delta` at [3, 1] is the sum of x[n,3] times delta[n,1] over n. The numbers are those
that were recorded; the formula is worked out once more only to see that it is the right one.
"""

import ast
from typing import Any

import numpy as np

from .calls import entry_of_call, narrowed, shape_of_call, written
from .formula import COMPARISONS
from .names import listed, symbol_of
from .terms import Number, Term, total, understood, unknown

BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def entry(record, index, layer=None):
    """Return one entry of a record's result as a Number or a Term.

    Raises NotImplementedError if the line does what this module cannot take apart.
    """
    with understood(record):
        return _entry(record, index, layer)


def _entry(record, index, layer):
    statement = record.line.statement
    reader = _Reader(record, layer)
    if isinstance(statement, ast.Expr):
        return written(reader, statement.value, index)
    term = reader.at(statement.value, narrowed(index, reader.shape(statement.value)))
    if isinstance(statement, ast.AugAssign) and record.before is not None:
        before = record.before[index]
        if before:
            name = symbol_of(record, record.name) + listed(index)
            more = term.parts if isinstance(term, Term) and term.operation == "+" else (term,)
            term = Term("+", (Number(name, before, record.name, index), *more))
    return term


class _Reader:
    """Reads an expression entry by entry."""

    def __init__(self, record, layer):
        self.record, self.layer = record, layer

    def operand(self, node) -> Any:
        """Return the value of an operand, or None where `node` is none."""
        value = self.record.operands.get(ast.unparse(node))
        return value.toarray() if hasattr(value, "toarray") else value

    def shape(self, node) -> Any:
        """Return the shape of an expression's value."""
        value = self.operand(node)
        if isinstance(value, tuple):
            raise unknown(self.record)
        if value is not None:
            return np.shape(value)
        if isinstance(node, ast.Constant):
            return ()
        if isinstance(node, ast.UnaryOp):
            return self.shape(node.operand)
        if isinstance(node, ast.Attribute):
            inner = self.shape(node.value)
            return inner[::-1] if node.attr == "T" else inner
        if isinstance(node, ast.BinOp):
            left, right = self.shape(node.left), self.shape(node.right)
            if isinstance(node.op, ast.MatMult):
                if len(left) < 2 or len(right) != 2:
                    raise unknown(self.record)
                return (*left[:-1], right[-1])
            return np.broadcast_shapes(left, right)
        if isinstance(node, ast.Compare):
            return np.broadcast_shapes(self.shape(node.left), self.shape(node.comparators[0]))
        if isinstance(node, ast.IfExp):
            return self.shape(self._branch(node))
        if isinstance(node, ast.Call):
            return shape_of_call(self, node)
        raise unknown(self.record)

    def at(self, node, index):
        """Return one entry of an expression."""
        value = self.operand(node)
        if value is not None:
            return self._operand_at(ast.unparse(node), value, index)
        if isinstance(node, ast.Constant):
            return Number(repr(node.value), node.value)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return Term("neg", (self.at(node.operand, index),))
        if isinstance(node, ast.Attribute) and node.attr == "T":
            return self.at(node.value, index[::-1])
        if isinstance(node, ast.Attribute) and node.attr == "real":
            return self.at(node.value, index)
        if isinstance(node, ast.BinOp):
            return self._binary_at(node, index)
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
            sides = (node.left, node.comparators[0])
            return Term(COMPARISONS[type(node.ops[0])], tuple(self.each(sides, index)))
        if isinstance(node, ast.IfExp):
            return self.at(self._branch(node), index)
        if isinstance(node, ast.Call):
            return entry_of_call(self, node, index)
        raise unknown(self.record)

    def _branch(self, node):
        """Return the side of `a if condition else b` that was taken."""
        return node.body if self.operand(node.test) else node.orelse

    def _operand_at(self, source, value: Any, index):
        if not isinstance(value, int | float | complex | np.generic | np.ndarray):
            raise unknown(self.record)
        index = narrowed(index, np.shape(value))
        number = np.asarray(value)[index] if index else value
        return Number(symbol_of(self.record, source) + listed(index), number, source, index)

    def each(self, nodes, index):
        """Return the entries of several expressions that are broadcast to one place."""
        return [self.at(node, narrowed(index, self.shape(node))) for node in nodes]

    def _binary_at(self, node, index):
        if isinstance(node.op, ast.Pow):
            if not isinstance(node.right, ast.Constant):
                raise unknown(self.record)
            return Term(f"^{node.right.value}", (self.at(node.left, index),))
        if isinstance(node.op, ast.MatMult):
            *rows, column = index
            return total(
                Term("*", (self.at(node.left, (*rows, k)), self.at(node.right, (k, column))))
                for k in range(self.shape(node.left)[-1])
            )
        operation = BINARY.get(type(node.op))
        if operation is None:
            raise unknown(self.record)
        left, right = self.each((node.left, node.right), index)
        if operation in "+*" and isinstance(left, Term) and left.operation == operation:
            return Term(operation, (*left.parts, right))
        return Term(operation, (left, right))
