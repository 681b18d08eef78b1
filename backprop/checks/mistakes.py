"""What can be got wrong in one line: every change of one place in a statement.

The functions here take a statement, or an expression in it, as a syntax tree and yield pairs: the
kind of mistake, and the tree with the mistake. They change no tree that they are given.
"""

import ast
import dataclasses
import re

MOVING = {"reshape", "transpose", "swapaxes", "astype"}
"""Methods that move numbers: their arguments are none."""

COPYING = {"rows", "tuple", "list", "copy", "asarray", "ascontiguousarray"}
"""Functions that compute nothing: to leave one out is no mistake."""

FACTS = {"shape", "size", "ndim", "dtype"}
"""Attributes that are no numbers of an array."""

KEYWORDS = {"axis", "keepdims", "dtype", "shape"}
"""Keyword arguments that are no numbers."""

FLIPPED = {
    ast.Gt: ast.Lt,
    ast.Lt: ast.Gt,
    ast.GtE: ast.LtE,
    ast.LtE: ast.GtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


@dataclasses.dataclass
class Names:
    """What the names in a statement are."""

    bound: set
    """Those that have a value before it."""
    together: list
    """Lists of names that are easily mixed up: unpacked side by side, or `self.W` and `self.b`."""
    steps: set
    """Those that count: the indexes of loops over a range."""
    views: set
    """Those that a loop binds to parts of an array."""
    masks: set
    """Those of boolean arrays."""

    def others(self, name):
        """Return the names that `name` is easily mixed up with."""
        group = next((group for group in self.together if name in group), [])
        return [other for other in group if other != name]


# Statements


def of_statement(statement, names):
    """Yield each mistake in a statement; None in its place leaves it out."""
    match statement:
        case ast.AugAssign():
            yield from _of_accumulation(statement, names)
        case ast.Assign([target], value):
            yield from _of_assignment(target, value, names)
        case ast.Return(value):
            for kind, new in _of_value(value, names):
                yield kind, ast.Return(new)
        case ast.Expr(ast.Call(func, [*places, value], keywords)):
            yield "equation left out", None
            if ast.unparse(func) == "np.add.at":
                array, place = places
                yield "assignment for accumulation", _assign(ast.Subscript(array, place), value)
            for kind, new in _of_value(value, names):
                if kind != "equation left out":
                    yield kind, ast.Expr(ast.Call(func, [*places, new], keywords))


def _of_accumulation(statement, names):
    """Yield the mistakes in `target += value`."""
    target, op, value = statement.target, statement.op, statement.value
    other = ast.Sub() if isinstance(op, ast.Add) else ast.Add()
    yield "sign", ast.AugAssign(target, other, value)
    yield "factor", ast.AugAssign(target, op, twice(value))
    yield "equation left out", None
    # A view that a loop hands out is written to: a new value of the name would go nowhere.
    view = isinstance(target, ast.Name) and target.id in names.views
    place = ast.Subscript(target, ast.Constant(...)) if view else target
    yield "assignment for accumulation", _assign(place, value)
    for kind, new in of_expression(value, names):
        yield kind, ast.AugAssign(target, op, new)


def _of_assignment(target, value, names):
    """Yield the mistakes in `target = value`."""
    array = isinstance(target, ast.Subscript)
    if array or ast.unparse(target) in names.bound:
        yield "equation left out", None
    for kind, new in _of_value(value, names):
        if ast.unparse(new) == ast.unparse(target):
            yield "equation left out", None
        elif not (array and kind == "equation left out"):  # what is left out is zero already
            carried = _used(target) & _used(value) - _used(new)
            carry = kind == "dropped term" and carried
            yield "assignment for accumulation" if carry else kind, _assign(target, new)
    match target:
        case ast.Subscript(ast.Name(name), place):
            for other in names.others(name):
                yield "names swapped", _assign(ast.Subscript(ast.Name(other), place), value)


def _of_value(value, names):
    """Yield the mistakes in the right side of an equation."""
    yield "sign", _numbers(value, negative)
    yield "factor", _numbers(value, twice)
    yield "equation left out", _numbers(value, zero)
    yield from of_expression(value, names)


def _numbers(node, change):
    """Return `node` with `change` made to it, or to the arrays in it if it is a tuple of them."""
    match node:
        case ast.Tuple(elts):
            return _with(node, elts=[_numbers(element, change) for element in elts])
        case ast.BinOp(ast.Tuple()):
            return _with(node, left=_numbers(node.left, change))
        case ast.Call(ast.Name("tuple" | "list") | ast.Attribute(attr="split"), [first, *rest]):
            return _with(node, args=[_numbers(first, change), *rest])
        case ast.GeneratorExp() | ast.ListComp():
            return _with(node, elt=_numbers(node.elt, change))
    return change(node)


# Expressions


def of_expression(node, names):
    """Yield each mistake in one place of an expression."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            yield from _of_chain(node, (ast.Add, ast.Sub), "dropped term", names)
        case ast.BinOp(op=ast.Mult() | ast.Div()):
            yield from _of_chain(node, (ast.Mult, ast.Div), "dropped factor", names)
        case ast.UnaryOp(ast.Invert(), operand):
            yield "mask inverted", operand
            for kind, new in of_expression(operand, names):
                if kind != "mask inverted":
                    yield kind, _with(node, operand=new)
        case _:
            yield from _of_operation(node, names)
            yield from _of_operands(node, names)


def _of_chain(node, family, dropped, names):
    """Yield the mistakes in a sum or difference, or in a product or quotient, of operands."""
    chain = _chain(node, family)
    for k, (op, operand) in enumerate(chain):
        before, after = chain[:k], chain[k + 1 :]
        yield dropped, _joined([*before, *after])
        match op:
            case ast.Sub():
                yield "sign", _joined([*before, (ast.Add(), operand), *after])
                if k == 1 and isinstance(chain[0][1], ast.Constant):  # 1 - y becomes y
                    yield dropped, _joined([(ast.Add(), operand), *after])
            case ast.Add() if k:
                yield "sign", _joined([*before, (ast.Sub(), operand), *after])
            case ast.Div():
                yield "factor", _joined([*before, (ast.Mult(), operand), *after])
        for kind, new in of_expression(operand, names):
            if dropped == "dropped term" or ast.unparse(new) != "1":
                yield kind, _joined([*before, (op, new), *after])


def _chain(node, family):
    """Return [(operator, operand), ...] of `a + b - c`; the operator of the first is `+`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, family):
        return [*_chain(node.left, family), (node.op, node.right)]
    return [(family[0](), node)]


def _joined(chain):
    """Return the expression of such a list."""
    (op, result), *rest = chain
    if isinstance(op, ast.Sub):
        result = negative(result)
    elif isinstance(op, ast.Div):
        result = ast.BinOp(ast.Constant(1), op, result)
    for op, operand in rest:
        result = ast.BinOp(result, op, operand)
    return result


def _of_operation(node, names):
    """Yield the mistakes in the outermost operation of an expression that is no chain."""
    match node:
        case ast.BinOp(left, ast.MatMult() as op, right):
            yield "transposition", ast.BinOp(_turned(left), op, right)
            yield "transposition", ast.BinOp(left, op, _turned(right))
            yield "transposition", ast.BinOp(right, op, left)
        case ast.BinOp(base, ast.Pow()):
            yield "dropped factor", base
        case ast.UnaryOp(ast.USub(), operand):
            yield "sign", operand
        case ast.Compare(ops=[op]) if type(op) in FLIPPED:
            yield "comparison flipped", _with(node, ops=[FLIPPED[type(op)]()])
        case ast.Attribute(value, "T"):
            yield "transposition", value
        case ast.Attribute(ast.Name("self")) | ast.Name():
            name = ast.unparse(node)
            if name in names.masks:
                yield "mask inverted", ast.UnaryOp(ast.Invert(), node)
            for other in names.others(name):
                yield "names swapped", ast.Name(other)
        case ast.Subscript(value, place):
            for other in _neighbours(place, names.steps):
                yield "wrong neighbour in time", ast.Subscript(value, other)
        case ast.Call():
            yield from _of_call(node, names)


def _of_call(node, names):
    """Yield the mistakes in which function is called, or along which axis."""
    name = _called(node)
    match node:
        case ast.Call(ast.Attribute(value), _) if name in ("transpose", "swapaxes"):
            yield "transposition", value
        case ast.Call(_, [mask, one, other]) if name == "where":
            if ast.unparse(mask) not in names.masks:  # of such, the name itself is inverted
                yield "mask inverted", _with(node, args=[mask, other, one])
        case ast.Call(ast.Attribute() as func) if name in ("sum", "mean"):
            other = "mean" if name == "sum" else "sum"
            yield f"{other} for {name}", _with(node, func=_with(func, attr=other))
            for k, keyword in enumerate(node.keywords):
                for axis in _other_axes(keyword.value) if keyword.arg == "axis" else ():
                    keywords = [*node.keywords]
                    keywords[k] = ast.keyword("axis", axis)
                    yield "axis of a sum", _with(node, keywords=keywords)
        case ast.Call(_, [argument], []) if name not in MOVING | COPYING:
            yield "function left out", argument


def _of_operands(node, names):
    """Yield the mistakes in the parts of an expression."""
    for field, value in ast.iter_fields(node):
        parts = value if isinstance(value, list) else [value]
        for k, part in enumerate(parts):
            for kind, new in of_expression(part, names) if _is_number(node, field, part) else ():
                changed = [*parts[:k], new, *parts[k + 1 :]]
                yield kind, _with(node, **{field: changed if value is parts else new})


def _is_number(node, field, part):
    """Whether a part of an expression is a number of the derivation, not bookkeeping."""
    match field:
        case "value" if isinstance(node, ast.Attribute):
            return node.attr not in FACTS
        case "keywords":
            return part.arg not in KEYWORDS
        case "func":
            return isinstance(part, ast.Attribute)
        case "args":
            method = isinstance(node.func, ast.Attribute)
            return not (method and _called(node) in MOVING)
    return isinstance(part, ast.expr) and field != "slice"


def _called(node):
    """Return the last name of what is called."""
    return re.split(r"\W", ast.unparse(node.func))[-1]


def _other_axes(axis):
    """Yield 1 for 0 and 0 for any other number; of a tuple, all but one."""
    if isinstance(axis, ast.Tuple):
        for k in range(len(axis.elts)):
            yield _with(axis, elts=axis.elts[:k] + axis.elts[k + 1 :])
    else:
        yield ast.Constant(1 if ast.unparse(axis) == "0" else 0)


def _neighbours(place, steps):
    """Yield an index at which a step is taken for the one beside it, or h[:-1] for h[1:]."""
    match place:
        case ast.Tuple(elts):
            for k, element in enumerate(elts):
                for other in _neighbours(element, steps):
                    yield _with(place, elts=[*elts[:k], other, *elts[k + 1 :]])
        case ast.Slice(None, ast.UnaryOp(ast.USub(), ast.Constant(1)), None):
            yield ast.Slice(ast.Constant(1))
        case ast.Slice(ast.Constant(1), None, None):
            yield ast.Slice(upper=ast.Constant(-1))
        case ast.Name(name) if name in steps:
            yield from (_step(name, offset) for offset in (-1, 1))
        case ast.BinOp(ast.Name(name), op, ast.Constant(int(offset))) if name in steps:
            offset = -offset if isinstance(op, ast.Sub) else offset
            yield from (_step(name, offset + change) for change in (-1, 1))


# Small trees


def negative(node):
    """Return `-node`; of a product that begins with a minus, the product without it."""
    match node:
        case ast.UnaryOp(ast.USub(), operand):
            return operand
        case ast.BinOp(left, ast.Mult() | ast.Div()) if ast.unparse(left).startswith("-"):
            return _with(node, left=negative(left))
    return ast.UnaryOp(ast.USub(), node)


def twice(node):
    """Return `2 * node`."""
    return ast.BinOp(ast.Constant(2), ast.Mult(), node)


def zero(node):
    """Return `0 * node`, which has its shape and type."""
    return ast.BinOp(ast.Constant(0), ast.Mult(), node)


def _turned(node):
    transposed = isinstance(node, ast.Attribute) and node.attr == "T"
    return node.value if transposed else ast.Attribute(node, "T")


def _step(name, offset):
    if not offset:
        return ast.Name(name)
    op = ast.Add() if offset > 0 else ast.Sub()
    return ast.BinOp(ast.Name(name), op, ast.Constant(abs(offset)))


def _assign(target, value):
    return ast.Assign([target], value)


def _with(node, **changes):
    return type(node)(**{**dict(ast.iter_fields(node)), **changes})


def _used(node):
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
