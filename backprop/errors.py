"""One form for every error: `{who} expects {what}, got {got}`, raised before anything changes."""

import math
import operator

import numpy as np


def expects(who, what, got, kind: type[Exception] = ValueError):
    """Return the exception to raise.

    For example `raise expects("Dense", "inputs of shape (N, 4)", x.shape)`.
    """
    return kind(f"{who} expects {what}, got {got}")


def batch_of(shape):
    """Return the text of a batch's shape: `(N, 28, 28)` for examples of shape `(28, 28)`."""
    return f"({', '.join(['N', *map(str, shape)])}{'' if shape else ','})"


def whole(who, name, value, least=1):
    """Return `value` as an int that is at least `least`, or raise ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or number < least:
        raise expects(who, f"{name} to be a whole number of at least {least}", repr(value))
    return number


def real(who, name, value, least=-math.inf, below=math.inf):
    """Return `value` as a finite float with `least <= value < below`, or raise ValueError."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool | str | bytes) or not (
        math.isfinite(number) and least <= number < below
    ):
        lower = f" of at least {least:g}" if least > -math.inf else ""
        upper = f" below {below:g}" if below < math.inf else ""
        raise expects(who, f"{name} to be a finite number{lower}{upper}", repr(value))
    return number


def generator(who, rng):
    """Return the numpy Generator that `rng` is, or one made from the seed that it is."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        what = "rng to be a numpy Generator or a seed, a whole number of at least 0"
        raise expects(who, what, repr(rng)) from None


def choice(who, name, value, options):
    """Return `value` if it is one of `options`, or raise ValueError naming them."""
    if value not in options:
        raise expects(who, f"{name} to be one of {', '.join(map(repr, options))}", repr(value))
    return value


def pair(who, name, value, least=1):
    """Return `(value, value)` for a number and `value` for a pair of them, or raise ValueError."""
    values = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(values) != 2:
        raise expects(who, f"{name} to be a whole number or a pair of them", repr(value))
    return whole(who, name, values[0], least), whole(who, name, values[1], least)
