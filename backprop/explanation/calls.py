"""Calls entry by entry: what a function or a method makes, and of which entries."""

import ast
import math
from typing import Any

import numpy as np

from .formula import COPIES
from .images import folded_at, seen_at, shape_of_windows
from .names import listed, symbol_of
from .sums import axes_of_einsum, einsum_at, letters_of, reduced_at
from .terms import ELEMENTWISE, Number, Term, total, unknown


def shape_of_call(reader, node) -> Any:
    """Return the shape of what a call makes."""
    name, arguments = _named(reader, node)
    several = _several(reader, arguments)
    if several:
        widths = [part.shape[-1] for part in several]
        return (*several[0].shape[:-1], widths[0] if name == "sum" else sum(widths))
    first = reader.shape(arguments[0]) if arguments else ()
    if name == "reshape":
        return _reshaped(reader, first, arguments[1:])
    if name == "transpose":
        return tuple(
            first[axis]
            for axis in order_of_axes(
                arguments[1:], len(reader.shape(arguments[0])), reader.operand
            )
        )
    if name in COPIES:
        return first
    if name in ELEMENTWISE:
        return np.broadcast_shapes(*(reader.shape(one) for one in arguments))
    if name in ("sum", "mean"):
        return np.empty(first).sum(**_along(reader, arguments, node)).shape
    if name == "sum_rows":
        return first[-1:]
    if name == "_mean":
        return (*first[:-1], 1)
    if name == "self._slope":
        return first
    if name == "windows":
        return shape_of_windows(reader, reader.operand(arguments[0]), arguments[1])
    if name == "self._rows_of_windows":
        shape = shape_of_windows(reader, reader.layer.window, arguments[0])
        return math.prod(shape[:3]), math.prod(shape[3:])
    if name == "fold":
        N, *_, C = reader.shape(arguments[1])
        return (N, *map(reader.operand, arguments[2:]), C)
    if name == "einsum":
        return tuple(
            axes_of_einsum(reader, arguments)[letter] for letter in letters_of(arguments)[-1]
        )
    raise unknown(reader.record)


def entry_of_call(reader, node, index):
    """Return one entry of what a call makes."""
    name, arguments = _named(reader, node)
    if _several(reader, arguments):
        return _of_several(reader, name, arguments, index)
    if name == "reshape":
        place = np.ravel_multi_index(index, shape_of_call(reader, node)) if index else 0
        inner = reader.shape(arguments[0])
        return reader.at(arguments[0], tuple(map(int, np.unravel_index(place, inner))))
    if name == "transpose":
        axes = order_of_axes(arguments[1:], len(reader.shape(arguments[0])), reader.operand)
        return reader.at(arguments[0], tuple(index[axes.index(a)] for a in range(len(axes))))
    if name in COPIES:
        return reader.at(arguments[0], index)
    if name in ELEMENTWISE:
        return Term(name, tuple(reader.each(arguments, index)))
    if name in ("sum", "mean", "sum_rows", "_mean"):
        return reduced_at(reader, name, arguments[0], _along(reader, arguments, node), index)
    if name == "self._slope":
        argument = reader.operand(arguments[0])
        slope = reader.layer._slope(argument)[index]
        name = symbol_of(reader.record, ast.unparse(arguments[0]))
        return Number(f"φ'({name}{listed(index)})", slope)
    if name in ("windows", "fold"):
        window, image = reader.operand(arguments[0]), arguments[1]
        if name == "windows":
            return seen_at(reader, window, image, index)
        return folded_at(reader, window, image, index, reader.shape(node))
    if name == "self._rows_of_windows":
        window, image = reader.layer.window, arguments[0]
        place = np.ravel_multi_index(index, shape_of_call(reader, node))
        at = np.unravel_index(place, shape_of_windows(reader, window, image))
        return seen_at(reader, window, image, tuple(map(int, at)))
    if name == "einsum":
        return einsum_at(reader, arguments, index)
    raise unknown(reader.record)


def written(reader, call, index):
    """Return one entry of what a call has written into its first argument."""
    name, arguments = _named(reader, call)
    if name == "copyto" and was_written(reader.record, index):
        return reader.at(arguments[1], narrowed(index, reader.shape(arguments[1])))
    if name != "put_along_axis":
        raise unknown(reader.record)
    _, places, numbers = arguments
    place = index[_keywords(reader, call)["axis"]]
    number, chosen = reader.each((numbers, places), index)
    return Term("*", (number, Term(" = ", (chosen, Number(str(place), place)))))


def _named(reader, node):
    """Return the name of what is called and its arguments, the object of a method first."""
    called = node.func
    if isinstance(called, ast.Name):
        return called.id, list(node.args)
    if isinstance(called, ast.Attribute):
        owner = called.value
        if isinstance(owner, ast.Name) and owner.id in ("np", "math", "self"):
            return f"self.{called.attr}" if owner.id == "self" else called.attr, node.args
        return called.attr, [owner, *node.args]
    raise unknown(reader.record)


def _several(reader, arguments) -> tuple:
    """Return the arrays of a tuple that a call is given first; none if it is given no tuple."""
    value = reader.operand(arguments[0]) if arguments else None
    if isinstance(value, tuple) and all(isinstance(one, np.ndarray) for one in value):
        return value
    return ()


def _of_several(reader, name, arguments, index):
    """Return an entry of a sum of arrays, or of arrays that lie side by side."""
    several, source = _several(reader, arguments), ast.unparse(arguments[0])
    if name == "sum":
        rest = (Number(f"xs[{k}]{listed(index)}", one[index]) for k, one in enumerate(several, 1))
        return total((reader.at(arguments[1], index), *rest))
    if name != "concatenate":
        raise unknown(reader.record)
    *rows, column = index
    for k, part in enumerate(several):
        if column < part.shape[-1]:
            return Number(f"{source}[{k}]{listed((*rows, column))}", part[*rows, column])
        column -= part.shape[-1]
    raise unknown(reader.record)


def _reshaped(reader, shape, sides):
    """Return the shape that `reshape(*sides)` makes of `shape`."""
    given: Any = [_constant(side, reader.operand(side)) for side in sides]
    given = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
    if None in given:
        return np.shape(reader.record.value)
    rest = math.prod(shape) // math.prod(n for n in given if n != -1)
    return tuple(rest if n == -1 else n for n in given)


def order_of_axes(order, rank, value_of):
    """Return the order of axes of `x.transpose(*axes)`, `x.transpose(1, 0)` or `x.transpose()`.

    Args:
        order: the arguments.
        rank: how many axes `x` has.
        value_of: a function that returns the value of an argument that is no constant.
    """
    order = [one.value if isinstance(one, ast.Starred) else one for one in order]
    given: Any = [_constant(one, value_of(one)) for one in order] or [range(rank)[::-1]]
    given = given[0] if len(given) == 1 else given
    return tuple(axis % rank for axis in given)


def _constant(node, value):
    """Return a whole number as it stands in the source, or else `value`."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return value


def _keywords(reader, node):
    return {word.arg: _constant(word.value, reader.operand(word.value)) for word in node.keywords}


def _along(reader, arguments, node):
    """Return the axes that a sum or a mean names, by keyword or not, and its other keywords."""
    named = _keywords(reader, node)
    if len(arguments) > 1:
        named["axis"] = _constant(arguments[1], reader.operand(arguments[1]))
    return named


def narrowed(index, shape):
    """Return the place in an array of `shape` that is broadcast to `index`."""
    index = index[len(index) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(index, shape, strict=True))


def was_written(record, index):
    """Return whether a line has written an entry of its result.

    Not so where the `where` of a copy is false, nor where a maximum so far (`y = maximum(x_k, y)`)
    stays what it was.
    """
    if "where=beats" in record.line.source:
        return bool(record.operands["beats"][index])
    match record.line.statement:
        case ast.Assign([target], ast.Call(called, [*arguments])) if ast.unparse(called).endswith(
            "maximum"
        ) and ast.unparse(target) in map(ast.unparse, arguments):
            return bool(record.value[index] != record.operands[record.name][index])
    return True
