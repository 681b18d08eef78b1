"""One entry of a line's result, as a formula of single numbers.

`dW = x.T @ delta` at [3, 1] is the sum of x[n,3] times delta[n,1] over n. The numbers are those
that were recorded; the formula is worked out once more only to see that it is the right one.
"""

import ast
import dataclasses
import itertools
import math
import re
from typing import Any

import numpy as np
from scipy.special import erfc

from ..errors import expects
from ..layers.activations import sigmoid
from .formula import COMPARISONS, COPIES, symbol
from .names import listed

BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
ELEMENTWISE = {
    "sigmoid": sigmoid,
    "where": np.where,
    "erfc": erfc,
    **{
        name: getattr(np, name)
        for name in "tanh exp expm1 log log1p sqrt maximum minimum".split()  # noqa: SIM905
    },
}


@dataclasses.dataclass(frozen=True)
class Number:
    """A number in a formula: its symbol, its value and, if it is an operand's, which entry."""

    symbol: str
    value: Any
    source: str = ""
    index: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Term:
    """An operation on numbers and terms: "+", "-", "*", "/", "neg", "^2", ">", a function."""

    operation: str
    parts: tuple


def entry(record, index, layer=None):
    """Return one entry of a record's result as a Number or a Term.

    Raises NotImplementedError if the line does what this module cannot take apart.
    """
    statement = record.line.statement
    reader = _Reader(record, layer)
    if isinstance(statement, ast.Expr):
        return reader.written(statement.value, index)
    term = reader.at(statement.value, _narrowed(index, reader.shape(statement.value)))
    if isinstance(statement, ast.AugAssign) and record.before is not None:
        before = record.before[index]
        if before:
            name = symbol_of(record, record.name) + listed(index)
            more = term.parts if isinstance(term, Term) and term.operation == "+" else (term,)
            term = Term("+", (Number(name, before, record.name, index), *more))
    return term


def unknown(record, what=""):
    """Return the error for a line that cannot be taken apart."""
    got = f"{what or record.line.source} ({record.line.place})"
    return expects("explain", "lines that it can take apart", got, NotImplementedError)


def was_written(record, index):
    """Return whether a line has written an entry of its result: not so where `where` is false."""
    where = record.operands.get("beats") if "where=beats" in record.line.source else None
    return where is None or bool(where[index])


def symbol_of(record, source):
    """Return the symbol of an operand or of a result, its counters as numbers: `h[t]` is h[2].

    In the first of several parts of a batch an entry is counted as in the whole.
    """
    source = source.replace("[part]", "") if record.round == 1 else source
    name, bracket, inner = symbol(source).partition("[")
    for counter, value in record.loops.items():
        inner = re.sub(rf"\b{counter}\b", str(value), inner)
    if len(inner) < 14:
        return name + bracket + inner
    return f"{name}(k={record.loops['k']})" if "k" in record.loops else name


def worked_out(term):
    """Return what a formula gives."""
    if isinstance(term, Number):
        return term.value
    parts = [worked_out(part) for part in term.parts]
    operation = term.operation
    if operation == "+":
        return sum(parts[1:], parts[0])
    if operation == "mean":
        return sum(parts[1:], parts[0]) / len(parts)
    if operation == "*":
        return math.prod(parts[1:], start=parts[0])
    if operation in ("-", "/"):
        return parts[0] - parts[1] if operation == "-" else parts[0] / parts[1]
    if operation == "neg":
        return -parts[0]
    if operation.startswith("^"):
        return parts[0] ** int(operation[1:])
    if operation in COMPARISONS.values():
        a, b = parts
        return {" > ": a > b, " ≥ ": a >= b, " < ": a < b, " ≤ ": a <= b, " = ": a == b}[operation]
    return ELEMENTWISE[operation](*parts)


def agree(record, term, value):
    """Raise NotImplementedError unless a formula gives, but for rounding, what its line gave."""
    parts = [abs(worked_out(part)) for part in getattr(term, "parts", [])]
    unit = np.finfo(np.result_type(value, np.float16)).eps
    bound = unit * (len(parts) + 16) * (sum(parts) + abs(value))
    if abs(worked_out(term) - value) > bound:
        raise unknown(record)


def largest(term, most):
    """Return the parts of a formula that matter: of a sum longer than `most`, its largest."""
    if isinstance(term, Term) and term.operation == "+" and len(term.parts) > most:
        first = sorted(term.parts, key=lambda part: -abs(worked_out(part)))[: int(most)]
        return [part for part in term.parts if part in first][: int(most)]
    return [term]


def operands_of(term):
    """Yield the entries of operands in a formula, but for those that come to nothing.

    A zero comes to nothing, and so does what is multiplied by one.
    """
    if isinstance(term, Number):
        if term.source and term.value:
            yield term
    elif term.operation != "*" or worked_out(term):
        for part in term.parts:
            yield from operands_of(part)


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
            return self._shape_of_call(node)
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
            return Term(COMPARISONS[type(node.ops[0])], tuple(self._each(sides, index)))
        if isinstance(node, ast.IfExp):
            return self.at(self._branch(node), index)
        if isinstance(node, ast.Call):
            return self._call_at(node, index)
        raise unknown(self.record)

    def _branch(self, node):
        """Return the side of `a if condition else b` that was taken."""
        return node.body if self.operand(node.test) else node.orelse

    def _axes(self, node):
        """Return the order of axes of `x.transpose(*axes)`."""
        (starred,) = node.args
        return tuple(self.operand(starred.value))

    def _operand_at(self, source, value: Any, index):
        if not isinstance(value, int | float | complex | np.generic | np.ndarray):
            raise unknown(self.record)
        index = _narrowed(index, np.shape(value))
        number = np.asarray(value)[index] if index else value
        return Number(symbol_of(self.record, source) + listed(index), number, source, index)

    def _each(self, nodes, index):
        return [self.at(node, _narrowed(index, self.shape(node))) for node in nodes]

    def _binary_at(self, node, index):
        if isinstance(node.op, ast.Pow):
            if not isinstance(node.right, ast.Constant):
                raise unknown(self.record)
            return Term(f"^{node.right.value}", (self.at(node.left, index),))
        if isinstance(node.op, ast.MatMult):
            *rows, column = index
            return _sum(
                Term("*", (self.at(node.left, (*rows, k)), self.at(node.right, (k, column))))
                for k in range(self.shape(node.left)[-1])
            )
        operation = BINARY.get(type(node.op))
        if operation is None:
            raise unknown(self.record)
        left, right = self._each((node.left, node.right), index)
        if operation in "+*" and isinstance(left, Term) and left.operation == operation:
            return Term(operation, (*left.parts, right))
        return Term(operation, (left, right))

    def _named(self, node):
        """Return the name of what is called and its arguments, the object of a method first."""
        called = node.func
        if isinstance(called, ast.Name):
            return called.id, list(node.args)
        if isinstance(called, ast.Attribute):
            owner = called.value
            if isinstance(owner, ast.Name) and owner.id in ("np", "math", "self"):
                return f"self.{called.attr}" if owner.id == "self" else called.attr, node.args
            return called.attr, [owner, *node.args]
        raise unknown(self.record)

    def _shape_of_call(self, node) -> Any:
        name, arguments = self._named(node)
        several = self._several(arguments)
        if several:
            widths = [part.shape[-1] for part in several]
            return (*several[0].shape[:-1], widths[0] if name == "sum" else sum(widths))
        first = self.shape(arguments[0]) if arguments else ()
        if name == "reshape":
            return self._reshaped(first, arguments[1:])
        if name == "transpose":
            return tuple(first[axis] for axis in self._axes(node))
        if name in COPIES:
            return first
        if name in ELEMENTWISE:
            return np.broadcast_shapes(*(self.shape(one) for one in arguments))
        if name in ("sum", "mean"):
            return np.empty(first).sum(**_keywords(node)).shape
        if name == "_sum":
            return first[-1:]
        if name == "_mean":
            return (*first[:-1], 1)
        if name == "self._slope":
            return first
        if name == "windows":
            return self._shape_of_windows(self.operand(arguments[0]), arguments[1])
        if name == "self._rows_of_windows":
            shape = self._shape_of_windows(self.layer.window, arguments[0])
            return math.prod(shape[:3]), math.prod(shape[3:])
        if name == "fold":
            N, *_, C = self.shape(arguments[1])
            return (N, *map(self.operand, arguments[2:]), C)
        if name == "einsum":
            return tuple(
                self._axes_of_einsum(arguments)[letter] for letter in _letters(arguments)[-1]
            )
        raise unknown(self.record)

    def _several(self, arguments):
        """Return the arrays of a tuple that a call is given first; none if it is given no tuple."""
        value = self.operand(arguments[0]) if arguments else None
        arrays = isinstance(value, tuple) and all(isinstance(one, np.ndarray) for one in value)
        return value if arrays else ()

    def _of_several(self, name, arguments, index):
        """Return an entry of a sum of arrays, or of arrays that lie side by side."""
        several, source = self._several(arguments), ast.unparse(arguments[0])
        if name == "sum":
            rest = (
                Number(f"xs[{k}]{listed(index)}", one[index]) for k, one in enumerate(several, 1)
            )
            return _sum((self.at(arguments[1], index), *rest))
        if name != "concatenate":
            raise unknown(self.record)
        *rows, column = index
        for k, part in enumerate(several):
            if column < part.shape[-1]:
                return Number(f"{source}[{k}]{listed((*rows, column))}", part[*rows, column])
            column -= part.shape[-1]
        raise unknown(self.record)

    def _shape_of_windows(self, window, image):
        N, H, W, C = self.shape(image)
        return (N, *window.positions(H, W), *window.size, C)

    def _reshaped(self, shape, sides):
        """Return the shape that `reshape(*sides)` makes of `shape`."""
        given: Any = [_constant(side, self.operand(side)) for side in sides]
        given = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
        if None in given:
            return np.shape(self.record.value)
        rest = math.prod(shape) // math.prod(n for n in given if n != -1)
        return tuple(rest if n == -1 else n for n in given)

    def _call_at(self, node, index):
        name, arguments = self._named(node)
        if self._several(arguments):
            return self._of_several(name, arguments, index)
        if name == "reshape":
            place = np.ravel_multi_index(index, self._shape_of_call(node)) if index else 0
            inner = self.shape(arguments[0])
            return self.at(arguments[0], tuple(map(int, np.unravel_index(place, inner))))
        if name == "transpose":
            axes = self._axes(node)
            return self.at(arguments[0], tuple(index[axes.index(a)] for a in range(len(axes))))
        if name in COPIES:
            return self.at(arguments[0], index)
        if name in ELEMENTWISE:
            return Term(name, tuple(self._each(arguments, index)))
        if name in ("sum", "mean", "_sum", "_mean"):
            return self._reduced_at(name, arguments[0], _keywords(node), index)
        if name == "self._slope":
            argument = self.operand(arguments[0])
            slope = self.layer._slope(argument)[index]
            name = symbol_of(self.record, ast.unparse(arguments[0]))
            return Number(f"φ'({name}{listed(index)})", slope)
        if name in ("windows", "fold"):
            seen = self._seen_at if name == "windows" else self._folded_at
            return seen(self.operand(arguments[0]), arguments[1], index, self.shape(node))
        if name == "self._rows_of_windows":
            window, image = self.layer.window, arguments[0]
            place = np.ravel_multi_index(index, self._shape_of_call(node))
            at = np.unravel_index(place, self._shape_of_windows(window, image))
            return self._seen_at(window, image, tuple(map(int, at)), self.shape(node))
        if name == "einsum":
            return self._einsum_at(arguments, index)
        raise unknown(self.record)

    def written(self, call, index):
        """Return one entry of what a call has written into its first argument."""
        name, arguments = self._named(call)
        if name == "copyto" and was_written(self.record, index):
            return self.at(arguments[1], _narrowed(index, self.shape(arguments[1])))
        if name != "put_along_axis":
            raise unknown(self.record)
        _, places, numbers = arguments
        place = index[_keywords(call)["axis"]]
        number, chosen = self._each((numbers, places), index)
        return Term("*", (number, Term(" = ", (chosen, Number(str(place), place)))))

    def _seen_at(self, window, image, index, shape):
        """Return what a window sees at one of its places: a pixel, or zero beside the image."""
        n, *at, c = index
        _, H, W, _ = self.shape(image)
        pixel = [
            place * s + k * d - before
            for place, k, s, d, (before, _) in zip(
                at[:2], at[2:], window.stride, window.dilation, window.margins(H, W), strict=True
            )
        ]
        inside = all(0 <= u < L for u, L in zip(pixel, (H, W), strict=True))
        return self.at(image, (n, *pixel, c)) if inside else Number("0", 0)

    def _folded_at(self, window, stamps, index, shape):
        """Return the sum of all places of windows that see one pixel."""
        n, *pixel, c = index
        H, W = shape[1:3]
        sides = zip(
            pixel, window.stride, window.dilation, window.margins(H, W), window.size,
            window.positions(H, W), strict=True,
        )  # fmt: skip
        ways = [
            [(p // s, k) for k in range(K) for p in [u + before - k * d] if p in range(0, P * s, s)]
            for u, s, d, (before, _), K, P in sides
        ]
        seen = sorted((i, j, p, q) for (p, i), (q, j) in itertools.product(*ways))
        return _sum(self.at(stamps, (n, p, q, i, j, c)) for i, j, p, q in seen)

    def _axes_of_einsum(self, arguments):
        """Return the length of each letter's axis."""
        *letters, _ = _letters(arguments)
        shapes = [self.shape(one) for one in arguments[1:]]
        return {
            letter: n
            for names, shape in zip(letters, shapes, strict=True)
            for letter, n in zip(names, shape, strict=True)
        }

    def _einsum_at(self, arguments, index):
        """Return a sum of products over the letters that the result has not."""
        *letters, kept = _letters(arguments)
        lengths = self._axes_of_einsum(arguments)
        summed = [letter for letter in lengths if letter not in kept]
        parts = []
        for places in itertools.product(*(range(lengths[letter]) for letter in summed)):
            at = {**dict(zip(kept, index, strict=True)), **dict(zip(summed, places, strict=True))}
            factors = [
                self.at(one, tuple(at[letter] for letter in names))
                for one, names in zip(arguments[1:], letters, strict=True)
            ]
            parts.append(Term("*", tuple(factors)))
        return _sum(parts)

    def _reduced_at(self, name, node, keywords, index):
        """Return a sum or a mean over the axes that the call names."""
        shape = self.shape(node)
        rank = len(shape)
        axis = {"_sum": tuple(range(rank - 1)), "_mean": -1}.get(name, keywords.get("axis"))
        axes: Any = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        axes = sorted(a % rank for a in axes)
        kept = list(index)
        if name == "_mean" or keywords.get("keepdims"):
            kept = [n for a, n in enumerate(kept) if a not in axes]
        parts = []
        for places in itertools.product(*(range(shape[a]) for a in axes)):
            rest, along = iter(kept), iter(places)
            full = tuple(next(along) if a in axes else next(rest) for a in range(rank))
            parts.append(self.at(node, full))
        return Term("mean", tuple(parts)) if name.endswith("mean") else _sum(parts)


def _sum(parts):
    """Return a sum; of one part, that part; of none, zero."""
    parts = tuple(parts)
    return Term("+", parts) if len(parts) > 1 else parts[0] if parts else Number("0", 0)


def _letters(arguments):
    """Return the letters of `einsum("ab,bc->ac", ...)`, those of the result last."""
    return arguments[0].value.replace("->", ",").split(",")


def _constant(node, value):
    """Return a whole number as it stands in the source, or else `value`."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return value


def _keywords(node):
    return {word.arg: ast.literal_eval(word.value) for word in node.keywords}


def _narrowed(index, shape):
    """Return the place in an array of `shape` that is broadcast to `index`."""
    index = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(index, shape, strict=True))
