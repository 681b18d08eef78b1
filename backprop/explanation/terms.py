"""Formulas of single numbers: operations on numbers that have a name."""

import ast
import contextlib
import dataclasses
import math
from typing import Any

import numpy as np
from scipy.special import erfc

from ..errors import expects
from ..layers.activations import sigmoid
from .formula import COMPARISONS

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


def unknown(record, what=""):
    """Return the error for a line that cannot be taken apart."""
    got = f"{what or record.line.source} ({record.line.place})"
    return expects("explain", "lines that it can take apart", got, NotImplementedError)


@contextlib.contextmanager
def understood(record):
    """Turn what goes wrong inside, of which a reader's own line may have any, into `unknown`."""
    try:
        yield
    except NotImplementedError:
        raise
    except Exception as error:
        raise unknown(record) from error


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
        return parts[0] ** ast.literal_eval(operation[1:])
    if operation in COMPARISONS.values():
        a, b = parts
        return {" > ": a > b, " ≥ ": a >= b, " < ": a < b, " ≤ ": a <= b, " = ": a == b}[operation]
    return ELEMENTWISE[operation](*parts)


def agree(record, term, value):
    """Raise NotImplementedError unless a formula gives, but for rounding, what its line gave."""
    with understood(record):
        parts = [abs(worked_out(part)) for part in getattr(term, "parts", [])]
        unit = np.finfo(np.result_type(value, np.float16)).eps
        bound = unit * (len(parts) + 16) * (sum(parts) + abs(value))
        if abs(worked_out(term) * 1 - value * 1) > bound:  # times 1, a truth value is a number
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


def is_a(term, operation):
    """Return whether a formula is a Term of that operation."""
    return isinstance(term, Term) and term.operation == operation


def total(parts):
    """Return a sum; of one part, that part; of none, zero."""
    parts = tuple(parts)
    return Term("+", parts) if len(parts) > 1 else parts[0] if parts else Number("0", 0)
