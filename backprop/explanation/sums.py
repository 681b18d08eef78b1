"""Sums over axes entry by entry: `sum`, `mean` and `einsum`."""

import itertools
from typing import Any

from .terms import Term, total


def axes_of_einsum(reader, arguments):
    """Return the length of each letter's axis."""
    *letters, _ = letters_of(arguments)
    shapes = [reader.shape(one) for one in arguments[1:]]
    return {
        letter: n
        for names, shape in zip(letters, shapes, strict=True)
        for letter, n in zip(names, shape, strict=True)
    }


def einsum_at(reader, arguments, index):
    """Return a sum of products over the letters that the result has not."""
    *letters, kept = letters_of(arguments)
    lengths = axes_of_einsum(reader, arguments)
    summed = [letter for letter in lengths if letter not in kept]
    parts = []
    for places in itertools.product(*(range(lengths[letter]) for letter in summed)):
        at = {**dict(zip(kept, index, strict=True)), **dict(zip(summed, places, strict=True))}
        factors = [
            reader.at(one, tuple(at[letter] for letter in names))
            for one, names in zip(arguments[1:], letters, strict=True)
        ]
        parts.append(Term("*", tuple(factors)) if len(factors) > 1 else factors[0])
    return total(parts)


def reduced_at(reader, name, node, keywords, index):
    """Return a sum or a mean over the axes that the call names."""
    shape = reader.shape(node)
    rank = len(shape)
    axes, keep = axes_of(name, keywords, rank)
    kept = [n for a, n in enumerate(index) if a not in axes] if keep else list(index)
    parts = []
    for places in itertools.product(*(range(shape[a]) for a in axes)):
        rest, along = iter(kept), iter(places)
        full = tuple(next(along) if a in axes else next(rest) for a in range(rank))
        parts.append(reader.at(node, full))
    return Term("mean", tuple(parts)) if name.endswith("mean") else total(parts)


def axes_of(name, keywords, rank):
    """Return the axes that a sum or a mean runs over, and whether they are kept, of length 1."""
    axis = {"sum_rows": tuple(range(rank - 1)), "_mean": -1}.get(name, keywords.get("axis"))
    axes: Any = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return sorted(a % rank for a in axes), name == "_mean" or bool(keywords.get("keepdims"))


def letters_of(arguments):
    """Return the letters of `einsum("ab,bc->ac", ...)`, those of the result last."""
    return arguments[0].value.replace("->", ",").split(",")
