r"""How numbers and formulas are set: in plain text, or in LaTeX.

Both styles have the same methods. What is small is written out; what is large has its name and its
shape.
"""

import math

import numpy as np

from .boxes import Box, beside, bracketed, grid, raised, word
from .plain import SYMBOLS

GREEK = {name: mark for name, mark in SYMBOLS.items() if len(name) > 1 and "α" <= mark <= "ω"}
GREEK["Phi"] = "Φ"


def is_small(value, most):
    """Return whether an array can be written out with up to `most` numbers."""
    shape = tuple(n for n in np.shape(value) if n > 1)
    if np.ndim(value) == 0:
        return True
    return math.prod(shape) <= most and (len(shape) < 2 or shape[-1] <= 8)


def matrices(value):
    """Return an array as a matrix, its leading axes of length 1 left out; or a list of such."""
    value = np.asarray(value)
    while value.ndim > 2 and 1 in value.shape:
        value = value.squeeze(axis=value.shape.index(1))
    if value.ndim < 2:
        return value.reshape(1, -1)
    return value if value.ndim == 2 else [matrices(part) for part in value]


class Style:
    """What both styles have in common.

    Args:
        digits: how many digits of a number are shown.
        small: how many numbers an array can have to be written out.
    """

    def __init__(self, digits=6, small=16):
        self.digits, self.small = digits, small

    def number(self, value):
        """Return a number's text."""
        if isinstance(value, bool | np.bool_):
            return str(int(value))
        if isinstance(value, int | np.integer):
            return str(value)
        if np.iscomplexobj(value):
            return f"{value:.{self.digits}g}"
        return f"{float(value) or 0.0:.{self.digits}g}"  # zero without its sign

    def summary(self, value):
        """Return the text of a large array: its range."""
        value = np.asarray(value)
        return f"from {value.min():.4g} to {value.max():.4g}"


class Text(Style):
    """Plain text in two dimensions."""

    def words(self, text):
        return word(text)

    remark = words

    def operator(self, name):
        return word({"odot": " ⊙ ", "cdot": " · ", "times": " × ", "in": " "}.get(name, name))

    def beside(self, *parts):
        return beside(*parts)

    def group(self, box):
        return bracketed(box)

    def raised(self, box, power):
        marks = {"T": "ᵀ", "2": "²", "3": "³"}
        return raised(box, marks.get(power, f"^{power}"))

    def root(self, box):
        return beside(word("√"), bracketed(box))

    def truth(self, box):
        return beside(word("["), box, word("]"))

    def function(self, name, arguments):
        marks = {"sigmoid": "σ", "maximum": "max", "minimum": "min"}
        inner = arguments[0]
        for one in arguments[1:]:
            inner = beside(inner, word(", "), one)
        alone = len(arguments) == 1 and _is_bracketed(inner.rows[0])
        return beside(word(marks.get(name, name)), inner if alone else bracketed(inner))

    def symbol(self, name, shape=None):
        """Return a name in the derivation's letters; with a shape, that of a large array."""
        sides = "" if shape is None else f"⟨{'×'.join(map(str, shape))}⟩"
        return word(_greek(name) + sides)

    def value(self, value):
        """Return a number, or a small array as a matrix."""
        if np.ndim(value) == 0:
            return word(self.number(value))
        return self._matrix(matrices(value))

    def _matrix(self, value):
        if isinstance(value, list):
            parts = [self._matrix(part) for part in value]
            return beside(*(one for part in parts for one in (part, word(" "))))
        box = grid([[self.number(one) for one in row] for row in value])
        return bracketed(Box((f" {box.rows[0]} ",)) if len(box.rows) == 1 else box)


class Tex(Style):
    """LaTeX."""

    def words(self, text):
        return text.replace("≥", r"\ge").replace("≤", r"\le")

    def remark(self, text):
        return rf"\text{{{text}}}"

    def operator(self, name):
        return {"in": r"\,"}.get(name, rf" \{name} " if name.isalpha() else name)

    def beside(self, *parts):
        return "".join(parts)

    def group(self, tex):
        return rf"\left({tex}\right)"

    def raised(self, tex, power):
        return f"{{{tex}}}^{{{power}}}".replace("^{T}", r"^\top")

    def root(self, tex):
        return rf"\sqrt{{{tex}}}"

    def truth(self, tex):
        return f"[{tex}]"

    def function(self, name, arguments):
        known = {
            "sigmoid": r"\sigma",
            "maximum": r"\max",
            "minimum": r"\min",
            "tanh": r"\tanh",
            "exp": r"\exp",
            "log": r"\log",
        }
        shown = known.get(name, rf"\operatorname{{{name}}}".replace("_", r"\_"))
        return rf"{shown}\left({', '.join(arguments)}\right)"

    def symbol(self, name, shape=None):
        """Return a name as LaTeX; with a shape, that of a large array, below it."""
        if name.startswith("φ'("):
            return rf"\varphi'({self.symbol(name[3:])}"
        base, _, index = name.partition("[")
        d = "d" if base[:1] == "d" and base[1:] in (*GREEK, "xhat") else ""
        bare = base[len(d) :]
        if bare in GREEK:
            bare = rf"\{bare}"
        elif bare == "xhat":
            bare = r"\hat x"
        elif len(bare) > 2 and "_" not in bare:
            bare = rf"\mathit{{{bare}}}"
        else:
            head, _, tail = bare.partition("_")
            bare = f"{head}_{{{tail}}}".replace("_{}", "").replace("_", "_", 1)
        tex = d + bare + (f"[{index}" if index else "")
        if shape is None:
            return tex
        sides = r" \times ".join(map(str, shape))
        return rf"\underset{{{sides}}}{{{tex}}}"

    def value(self, value):
        """Return a number, or a small array as a matrix."""
        if np.ndim(value) == 0:
            return self.number(value)
        return self._matrix(matrices(value))

    def number(self, value):
        text, _, power = super().number(value).partition("e")
        return rf"{text} \cdot 10^{{{int(power)}}}" if power else text

    def _matrix(self, value):
        if isinstance(value, list):
            return r"\;".join(self._matrix(part) for part in value)
        rows = r" \\ ".join(" & ".join(self.number(one) for one in row) for row in value)
        return rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"


def _is_bracketed(row):
    """Return whether the bracket that opens a row is the one that closes it."""
    depth = 0
    for place, letter in enumerate(row, start=1):
        depth += (letter in "(⎛") - (letter in ")⎞")
        if depth == 0:
            return place > 1 and place == len(row)
    return False


def _greek(name):
    """Return a name of the source in the derivation's letters: `delta` is δ, `dgamma` dγ."""
    base, _, index = name.partition("[")
    for prefix in ("", "d"):
        rest = base.removeprefix(prefix)
        if base.startswith(prefix) and rest in (*GREEK, "xhat"):
            base = prefix + (GREEK.get(rest) or "x̂")
            break
    return base + (f"[{index}" if index else "")
