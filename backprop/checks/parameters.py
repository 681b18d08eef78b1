"""Where people keep parameters and their gradients, and what they call them."""

import inspect

import numpy as np

from ..errors import expects

SPELLINGS = ("d{}", "d_{}", "grad_{}", "{}_grad", "grad{}", "g{}", "{}")
"""How people name the gradient of a parameter, beginning with the most usual."""
TABLES = ("grads", "gradients", "grad")
"""The attributes in which people keep a dict or a list of gradients."""


def found_params(thing, named):
    """Return the arrays of a foreign layer that are parameters, by name."""
    table = attribute(thing, "params")
    if table is None:
        table = attribute(thing, "parameters")
    if named is not None:
        source = table if isinstance(table, dict) and set(named) <= set(table) else vars(thing)
        missing = [name for name in named if name not in source]
        if missing:
            raise expects("gradcheck", f"parameters among {', '.join(source)}", missing[0])
        return {name: source[name] for name in named}
    if isinstance(table, dict):
        return {name: value for name, value in table.items() if _is_tensor(value)}
    if isinstance(table, list | tuple):
        names = _attribute_names(thing, table)
        return {n: v for n, v in zip(names, table, strict=True) if _is_tensor(v)}
    arrays = {name: value for name, value in vars(thing).items() if _is_tensor(value)}
    gradients = {form.format(name) for name in arrays for form in SPELLINGS[:-1]}
    return {name: value for name, value in arrays.items() if name not in gradients}


def _attribute_names(thing, arrays):
    """Return what the attributes that are these very arrays are called, or a number for each."""
    names = {id(value): name for name, value in vars(thing).items()}
    return [names.get(id(array), f"params[{k}]") for k, array in enumerate(arrays)]


def _is_tensor(value):
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def attribute(thing, name):
    """Return an attribute that is no method, or None."""
    value = getattr(thing, name, None)
    return None if callable(value) else value


def first(values):
    """Return the first value that is there, or None."""
    return next((value for value in values if value is not None), None)


def by_name(table, names):
    """Return the gradients of a dict by the names of their tensors, however they are spelled."""
    found = {}
    for name in names:
        keys = [form.format(name) for form in (SPELLINGS[-1], *SPELLINGS[:-1])]
        key = next((key for key in keys if key in table), None)
        if key is not None:
            found[name] = table[key]
    return found


def argument_names(function, count):
    """Return the names of the first `count` parameters of `function`."""
    try:
        names = list(inspect.signature(function).parameters)[:count]
    except ValueError:
        names = []
    return names if len(names) == count else [f"x{k}" for k in range(count)]
