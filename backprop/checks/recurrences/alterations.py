"""The equations of a cell, wrong in one place: what people write instead of them.

The equations are text, so the plain mistakes need no list: a term of a sum is left out, a factor of
a product is left out, or another stands in its place.
"""

import itertools
import re

from .cell import FACTOR, MISSING, TIME, wrong_slopes

SLOPE, SIDE = "missing activation derivative", "activation derivative at the wrong side"
HIDDEN, CELL = "hidden delta not carried", "cell delta not carried"
SWAPPED, TERM = "gate deltas swapped", "term of a sum dropped"

ORDER = [HIDDEN, CELL, "transposed", SLOPE, SIDE, TIME, MISSING, TERM, SWAPPED, FACTOR]
"""From the plain to the far-fetched."""


def alterations(twin):
    """Yield `(kind, evidence, changed equations)`."""
    values = twin.steps[0]
    singles = []
    for name, right in twin.equations.items():
        for kind, wrong in _changes(twin, name, right):
            if _is_possible(twin.equations, name, wrong, values):
                evidence = f"As {twin.cell.name}: {name} = {wrong}, where it is {name} = {right}."
                singles.append((kind, evidence, {name: wrong}))
    rank = {kind: k for k, kind in enumerate(ORDER)}
    yield from sorted(singles, key=lambda each: rank.get(each[0], len(ORDER)))
    yield from _in_all_gates(twin)
    yield from _in_two_places(twin)
    yield from _permuted(twin)


def _is_possible(equations, name, text, values):
    """Whether what an equation reads is there by the time it is worked out."""
    known = {*values, "dh_next", "dc_next", *itertools.takewhile(name.__ne__, equations)}
    for each in text.replace(" + ", " * ").replace(" @ ", " * ").split(" * "):
        names = each[1:-1].split(", ") if each[0] == "[" else [each.removesuffix(".T")]
        if not all(part.removeprefix("-") in known for part in names):
            return False
    return True


# One equation


def _changes(twin, name, right):
    """Yield `(kind, wrong text)` for one equation."""
    terms = right.split(" + ")
    for k, term in enumerate(terms):
        if len(terms) > 1:
            kind = _kind_of_term(name, term)
            yield kind, " + ".join(terms[:k] + terms[k + 1 :])
        for kind, wrong in _changed_term(twin, name, term):
            yield kind, " + ".join([*terms[:k], wrong, *terms[k + 1 :]])
    if name == "dh_before":
        yield "counted twice", f"{right} + dh"
    if name == "dc_before" and right != "0":
        yield "counted twice", f"{right} + dc"


def _kind_of_term(name, term):
    if term == "dh_next" or name == "dh_before":
        return HIDDEN
    return CELL if term == "dc_next" else TERM


def _changed_term(twin, name, term):
    """Yield `(kind, wrong term)`: factors left out, others in their place."""
    factors = term.split(" * ")
    for k, factor in enumerate(factors):
        if len(factors) > 1 and " @ " not in factor and factor[0] != "d":
            kind = SLOPE if "'(" in factor else MISSING
            yield kind, " * ".join(factors[:k] + factors[k + 1 :])
        chain = factor.split(" @ ")
        for j, piece in enumerate(chain):
            for kind, other in _instead(twin, name, piece):
                wrong = " @ ".join([*chain[:j], other, *chain[j + 1 :]])
                yield kind, " * ".join([*factors[:k], wrong, *factors[k + 1 :]])


def _instead(twin, name, piece):
    """Yield `(kind, what may stand in the place of a name)`."""
    gates = twin.cell.gates
    bare, dot = piece.removesuffix(".T"), ".T" if piece.endswith(".T") else ""
    yield from ((kind, other + dot) for kind, other in twin.cell.instead.get(bare, ()))
    if "'(" in piece:
        yield from ((SIDE, slope) for slope in wrong_slopes(piece))
    if piece == "dh":
        yield HIDDEN, "delta"
    if piece == "h_before.T":
        yield TIME, "h.T"
    if piece in ("Wh.T", "Wx.T"):
        other = "Wx.T" if piece == "Wh.T" else "Wh.T"
        yield "transposed", f"{bare} not transposed"
        if twin.x.shape[-1] == twin.delta.shape[-1]:
            yield FACTOR, other
    if piece == "Wh_n.T":
        yield "transposed", "Wh_n"
    if piece.startswith("da_") and dot == "":
        yield SLOPE, "d" + piece[3:]
    if piece in ("da", "dah"):
        parts = twin.equations[piece][1:-1].split(", ")
        if len(gates) == 1:
            yield SLOPE, "dh"
        else:
            yield SLOPE, f"[{', '.join(part.replace('da_', 'd') for part in parts)}]"
            for k in range(len(parts)):
                left = ", ".join([*parts[:k], "0", *parts[k + 1 :]])
                yield HIDDEN if name == "dh_before" else TERM, f"[{left}]"


# Several equations


def _in_all_gates(twin):
    """Yield the same wrong slope, or none, in all gates, or in all that are logistic."""
    of_gates = {name: text for name, text in twin.equations.items() if name.startswith("da_")}
    if len(of_gates) == 1:
        return
    logistic = {name: text for name, text in of_gates.items() if "sigma'" in text}
    for which, what in ((of_gates, "gate"), (logistic, "logistic gate")):
        bare = {name: text.split(" * ")[0] for name, text in which.items()}
        yield SLOPE, f"No {what}'s delta is multiplied by the slope of its activation.", bare
        for form in range(3 if which is of_gates else 5):
            wrong = {}
            for name, text in which.items():
                delta, slope = text.split(" * ")
                wrong[name] = f"{delta} * {wrong_slopes(slope)[form]}"
            name = next(iter(wrong))
            evidence = f"The slope of every {what} is taken like {name} = {wrong[name]}."
            yield SIDE, evidence, wrong


def _in_two_places(twin):
    """Yield mistakes that change two equations or three."""
    equations = twin.equations
    deltas = [f"d{k}" for k in twin.cell.gates if f"d{k}" in equations]
    for a, b in itertools.combinations([n for n in deltas if len(twin.cell.gates) > 1], 2):
        changed = {a: equations[b], b: equations[a]}
        if all(_is_possible(equations, n, text, twin.steps[0]) for n, text in changed.items()):
            yield SWAPPED, f"{a} = {changed[a]} and {b} = {changed[b]} are exchanged.", changed
    if twin.cell.has_c:
        dc = equations["dc"].replace("dc_next", "dc_next * f")
        evidence = f"dc = {dc}: the forget gate is that of the same step, not of the next."
        yield TIME, evidence, {"dc": dc, "dc_before": "dc"}
    if "z" in twin.cell.gates:
        other = {"z": "(1 - z)", "(1 - z)": "z"}
        delta, take = equations["dn"].split(" * ")
        path, *rest = equations["dh_before"].split(" + ")
        keep = other[path.split(" * ")[1]]
        changed = {"dn": f"{delta} * {other[take]}"}
        changed["dh_before"] = " + ".join([f"dh * {keep}", *rest])
        evidence = "z and 1 - z stand in each other's place, as in the other convention"
        yield FACTOR, f"{evidence}.", changed
        before = equations["dz"]
        turned = {"(h_before - n)": "(n - h_before)", "(n - h_before)": "(h_before - n)"}
        changed = {**changed, "dz": f"dh * {turned[before.split(' * ')[1]]}"}
        yield FACTOR, f"{evidence}, in dz, dn and dh_before.", changed


def _permuted(twin):
    """Yield the deltas of the gates side by side in a wrong order."""
    equations = twin.equations
    parts = equations["da"][1:-1].split(", ")
    packed = ", ".join(twin.as_kept(twin.cell.gates))
    after = list(equations)[list(equations).index("da") :]
    for order in list(itertools.permutations(parts))[1:]:
        wrong = f"[{', '.join(order)}]"
        evidence = f"da = [{', '.join(twin.as_kept(order))}], where forward packs {packed}."
        yield SWAPPED, evidence, {"da": wrong}
        # Whoever cuts the packed deltas up again reads the wrong ones there as well.
        new = dict(zip(parts, order, strict=True))
        cut = {n: re.sub(r"\bda_\w", lambda m, new=new: new[m[0]], equations[n]) for n in after}
        cut = {name: text for name, text in cut.items() if text != equations[name]}
        if len(cut) > 1:
            yield SWAPPED, evidence, cut
