"""A line's right side as a tree that a browser can take apart entry by entry.

It is what `entries.entry` reads from the syntax tree, once for all entries: every node knows its
shape, every leaf is an operand's array or a constant. So a page needs no list of terms, which for
a product of matrices would be far longer than the matrices are.

    {"op": "+", "shape": [1, 2], "parts": [{"op": "@", ...}, {"op": "read", "slot": 2, ...}]}

Beyond what `entry` takes apart the tree knows the sliding window, there and back, and numbers that
are copied where something holds (`np.copyto`).
"""

import ast
import math

import numpy as np

from ...layers.rnn import RNN
from ..calls import order_of_axes
from ..entries import BINARY
from ..formula import COMPARISONS, COPIES
from ..names import symbol_of
from ..sums import axes_of
from ..terms import ELEMENTWISE, unknown


def geometry(layer, image):
    """Return the sliding window of a layer over images of that shape; None if it has none."""
    window = getattr(layer, "window", None)
    if window is None or len(image) != 4:
        return None
    (top, _), (left, _) = window.margins(*image[1:3])
    return {
        "size": window.size,
        "stride": window.stride,
        "dilation": window.dilation,
        "margins": (top, left),
        "positions": window.positions(*image[1:3]),
        "image": image,
    }


class Grower:
    """Grows the tree of a record; its leaves are numbered slots in `read`.

    Args:
        record: what was recorded.
        layer: whose line it is.
    """

    def __init__(self, record, layer):
        self.record, self.layer = record, layer
        self.read = []
        """(source, symbol, value, which operand it is) of what the leaves stand for."""

    def tree(self):
        """Return the tree; raise NotImplementedError if the line cannot be taken apart."""
        statement = self.record.line.statement
        if isinstance(statement, ast.Expr):
            return self._where_copied(statement.value)
        if isinstance(self.record.value, tuple):
            raise unknown(self.record)
        tree = self.grow(statement.value)
        if isinstance(statement, ast.AugAssign) and self.record.before is not None:
            return {**tree, "op": "added", "before": self._before(), "to": tree}
        return tree

    def grow(self, node):
        """Return the tree of an expression."""
        source = ast.unparse(node)
        if source in self.record.operands:
            return self._leaf(source, self.record.operands[source])
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None:
            raise unknown(self.record)
        return method(node)

    def _leaf(self, source, value, name=None, operand=None):
        value = value.toarray() if hasattr(value, "toarray") else value
        if not isinstance(value, int | float | np.generic | np.ndarray):
            raise unknown(self.record)
        name = symbol_of(self.record, source) if name is None else name
        sources = [one for one, *_ in self.read]
        if source not in sources:
            sources.append(source)
            self.read.append((source, name, value, operand or source))
        return {"op": "read", "slot": sources.index(source), "shape": np.shape(value)}

    def _value(self, node):
        return self.record.operands.get(ast.unparse(node))

    def _before(self):
        return self._leaf(self.record.name, self.record.before)

    def _where_copied(self, call):
        """Return the tree of `np.copyto(y, x, where=beats)`: x where beats, otherwise y."""
        if not isinstance(call, ast.Call) or ast.unparse(call.func) != "np.copyto":
            raise unknown(self.record)
        (where,) = [word.value for word in call.keywords]
        y, x = call.args
        parts = [self.grow(one) for one in (where, x, y)]
        return {"op": "where", "shape": np.shape(self.record.value), "parts": parts}

    def _Constant(self, node):
        if not isinstance(node.value, int | float) or not math.isfinite(node.value):
            raise unknown(self.record)
        return {"op": "constant", "value": node.value, "symbol": repr(node.value), "shape": ()}

    def _UnaryOp(self, node):
        if not isinstance(node.op, ast.USub):
            raise unknown(self.record)
        return self._of("neg", self.grow(node.operand))

    def _Attribute(self, node):
        if node.attr == "real":
            return self.grow(node.value)
        if node.attr != "T":
            raise unknown(self.record)
        inner = self.grow(node.value)
        return self._turned(inner, tuple(reversed(range(len(inner["shape"])))))

    def _BinOp(self, node):
        if isinstance(node.op, ast.Pow):
            if not isinstance(node.right, ast.Constant):
                raise unknown(self.record)
            return self._of(f"^{node.right.value}", self.grow(node.left))
        left, right = self.grow(node.left), self.grow(node.right)
        if isinstance(node.op, ast.MatMult):
            if len(left["shape"]) < 2 or len(right["shape"]) != 2:
                raise unknown(self.record)
            shape = (*left["shape"][:-1], right["shape"][-1])
            return {"op": "@", "shape": shape, "parts": [left, right]}
        if type(node.op) not in BINARY:
            raise unknown(self.record)
        return self._of(BINARY[type(node.op)], left, right)

    def _Compare(self, node):
        mark = COMPARISONS.get(type(node.ops[0]))
        if mark is None:
            raise unknown(self.record)
        return self._of(mark, self.grow(node.left), self.grow(node.comparators[0]))

    def _IfExp(self, node):
        taken = self.record.operands[ast.unparse(node.test)]
        return self.grow(node.body if taken else node.orelse)

    def _Call(self, node):
        name, arguments = self._named(node)
        if name == "reshape":
            given = self.record.operands.get(ast.unparse(arguments[1]))
            shape = given if isinstance(given, tuple) else np.shape(self.record.value)
            return {"op": "reshape", "shape": shape, "parts": [self.grow(arguments[0])]}
        if name == "transpose":
            inner = self.grow(arguments[0])
            axes = order_of_axes(arguments[1:], len(inner["shape"]), self._value)
            return self._turned(inner, axes)
        if name in COPIES:
            return self.grow(arguments[0])
        if name in ELEMENTWISE:
            return self._of(name, *map(self.grow, arguments))
        if name == "sum" and isinstance(node.func, ast.Name):
            return self._summed(arguments)
        if name == "concatenate":
            return self._concatenated(node)
        if name in ("sum", "mean", "max", "sum_rows", "_mean"):
            return self._reduced(name, *arguments, node=node)
        if name == "self._slope":
            argument = ast.unparse(arguments[0])
            slope = self.layer._slope(self.record.operands[argument])
            name = f"φ'({symbol_of(self.record, argument)}"
            return self._leaf(ast.unparse(node), slope, name, argument)
        if name == "self._phi" and isinstance(self.layer, RNN):
            zero = {"op": "constant", "value": 0, "symbol": "0", "shape": ()}
            inner = self.grow(arguments[0])
            return (
                self._of("tanh", inner)
                if self.layer.activation == "tanh"
                else (self._of("maximum", inner, zero))
            )
        if name in ("self._rows_of_windows", "windows", "fold"):
            return self._window(name, arguments)
        raise unknown(self.record)

    def _named(self, node):
        """Return the name of what is called and its arguments, the object of a method first."""
        called = node.func
        if isinstance(called, ast.Name):
            return called.id, node.args
        owner = ast.unparse(called.value)
        if owner == "self":
            return f"self.{called.attr}", node.args
        if owner in ("np", "math", "self.window"):
            return called.attr, node.args
        return called.attr, [called.value, *node.args]

    def _parts(self, node):
        """Return the leaves of an operand that is a tuple of arrays."""
        source = ast.unparse(node)
        values = self.record.operands[source]
        return [
            self._leaf(f"{source}[{n}]", one, None, (source, n)) for n, one in enumerate(values)
        ]

    def _summed(self, arguments):
        """Return the tree of `sum(xs[1:], xs[0])`, or of a sum over all that a window sees."""
        if len(arguments) == 2:
            rest, first = arguments
            parts = [self.grow(first), *self._parts(rest)]
            return {"op": "total", "shape": parts[0]["shape"], "parts": parts}
        match arguments[0]:
            case ast.Call(ast.Attribute(attr="views"), [ast.Call(args=[image, *_]), *_]):
                inner = self.grow(image)
            case _:
                raise unknown(self.record)
        window = geometry(self.layer, inner["shape"])
        if window is None:
            raise unknown(self.record)
        N, C = inner["shape"][0], inner["shape"][-1]
        shape = (N, *window["positions"], *window["size"], C)
        seen = {"op": "windows", "shape": shape, "parts": [inner], "window": window}
        shape = (N, *window["positions"], C)
        return {"op": "sum", "axes": [3, 4], "keep": False, "shape": shape, "parts": [seen]}

    def _concatenated(self, node):
        """Return the tree of arrays side by side along the last axis."""
        if [ast.unparse(word) for word in node.keywords] != ["axis=-1"]:
            raise unknown(self.record)
        parts = self._parts(node.args[0])
        return {"op": "beside", "shape": np.shape(self.record.value), "parts": parts}

    def _window(self, name, arguments):
        """Return windows of an image, or an image of windows: entries of the other, or sums."""
        inner, value = self.grow(arguments[0]), self.record.value
        image = inner["shape"] if name != "fold" else np.shape(value)
        window = geometry(self.layer, image)
        if window is None:
            raise unknown(self.record)
        operand = self.read[inner["slot"]][2]
        if name == "fold":
            again = self.layer.window.fold(operand, *image[1:3])
        else:
            again = self.layer.window.windows(operand)
        if again.tobytes() != np.ascontiguousarray(value).tobytes():
            raise unknown(self.record)
        op = "fold" if name == "fold" else "windows"
        return {"op": op, "shape": np.shape(value), "parts": [inner], "window": window}

    def _of(self, op, *parts):
        shape = np.broadcast_shapes(*(part["shape"] for part in parts))
        return {"op": op, "shape": shape, "parts": list(parts)}

    def _turned(self, inner, axes):
        shape = tuple(inner["shape"][axis] for axis in axes)
        return {"op": "turned", "axes": axes, "shape": shape, "parts": [inner]}

    def _reduced(self, name, reduced, *first, node):
        """Return a sum or a mean over the axes that the call names, by keyword or not."""
        inner = self.grow(reduced)
        keywords = {word.arg: ast.literal_eval(word.value) for word in node.keywords}
        if first:
            keywords["axis"] = ast.literal_eval(first[0])
        shape = inner["shape"]
        axes, keep = axes_of(name, keywords, len(shape))
        left = [1 if a in axes else n for a, n in enumerate(shape) if keep or a not in axes]
        name = name.removesuffix("_rows").strip("_")
        return {"op": name, "axes": axes, "keep": keep, "shape": left, "parts": [inner]}
