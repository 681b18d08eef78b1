"""Formulas of single numbers, spelled with symbols or with values."""

from .terms import Number, Term, largest, worked_out

SUM, PRODUCT, POWER, ATOM = range(4)
SIGNS = {"+": " + ", "-": " - ", "/": " / "}


def spelled(term, style, values=False, most: float = 4):
    """Return a formula in pieces, each but the first beginning with its operator.

    Args:
        term: a Number or a Term.
        style: the style that sets it.
        values: whether to write values in place of symbols.
        most: how many terms of a long sum are written.
    """
    if isinstance(term, Term) and term.operation in ("+", "*") and len(term.parts) > 1:
        level = SUM if term.operation == "+" else PRODUCT
        mark = style.words(" + ") if level == SUM else style.operator("cdot")
        parts = term.parts if level == PRODUCT else largest(term, most)
        parts = term.parts if parts == [term] else parts
        shown = [_spelled(part, style, values) for part in parts]
        pieces = [_in(style, part, level) for part in shown]
        for k, part in enumerate(parts[1:], start=1):
            pieces[k] = _in(style, shown[k], level + isinstance(part, Number))
        pieces = [pieces[0], *(style.beside(mark, piece) for piece in pieces[1:])]
        return [*pieces, *_rest(term, parts, style, values)]
    return [_spelled(term, style, values)[1]]


def _rest(term, shown, style, values):
    """Return what is said of the terms of a sum that are not written; with values, their sum."""
    rest = tuple(part for part in term.parts if not any(part is one for one in shown))
    if not rest:
        return []
    together = f", together {worked_out(Term('+', rest)):.{style.digits}g}" if values else ""
    return [style.remark(f" + … ({len(rest)} smaller{together})")]


def _spelled(term, style, values):
    """Return the level at which a formula binds, and the formula."""
    if isinstance(term, Number):
        if not values:
            return ATOM, style.symbol(term.symbol)
        return (SUM if term.value < 0 else ATOM), style.words(style.number(term.value))
    operation = term.operation
    if operation in ("+", "*"):
        pieces = spelled(term, style, values)
        return (SUM if operation == "+" else PRODUCT), style.beside(*pieces)
    parts = [_spelled(part, style, values) for part in term.parts]
    if operation in ("-", "/"):
        level = SUM if operation == "-" else PRODUCT
        left, right = _in(style, parts[0], level), _in(style, parts[1], level + 1)
        return level, style.beside(left, style.words(SIGNS[operation]), right)
    if operation == "neg":
        return SUM, style.beside(style.words("-"), _in(style, parts[0], POWER))
    if operation.startswith("^"):
        return POWER, style.raised(_in(style, parts[0], ATOM), operation[1:])
    if operation.startswith(" "):
        return ATOM, style.truth(style.beside(parts[0][1], style.words(operation), parts[1][1]))
    return ATOM, style.function(operation, [part for _, part in parts])


def _in(style, part, level):
    return style.group(part[1]) if part[0] < level else part[1]
