"""Where people keep parameters and their gradients, and what they call them.

Parameters are looked for among the attributes of an object, in the dicts and lists that it holds,
and in the objects that it is made of: `W`, `params["W"]`, `weights[0]`, `layers[1].W`. The gradient
of each is looked for beside it, under the same name with a `d` or the like, or in a table of
gradients.
"""

import inspect
from collections import deque
from dataclasses import dataclass

import numpy as np

from ..errors import expects

SPELLINGS = (
    *("d{}", "d_{}", "grad_{}", "{}_grad", "grad{}", "g{}", "dL_d{}", "dLd{}", "nabla_{}"),
    *("delta_{}", "{}_gradient", "gradient_{}"),
)
"""How people name the gradient of a parameter, beginning with the most usual."""
TABLES = ("grads", "gradients", "grad")
"""The attributes in which people keep a dict or a list of gradients."""
PARAM_TABLES = ("params", "parameters")
"""The attributes in which people keep a dict or a list of parameters."""
DEEPEST = 5
"""How many attributes, keys and indices lead to an array at most."""


@dataclass
class Slot:
    """An array, and the paths of attributes, keys and indices on which it is found."""

    array: np.ndarray
    paths: list

    @property
    def name(self):
        """The shortest way to say where it is."""
        return min((_written(path) for path in self.paths), key=len)


def slots(thing):
    """Return a Slot for every array that can be reached from `thing`, the nearest first."""
    found, seen = {}, set()
    queue: deque[tuple[tuple, object]] = deque([((), thing)])
    while queue:
        path, value = queue.popleft()
        if isinstance(value, np.ndarray):
            found.setdefault(id(value), Slot(value, [])).paths.append(path)
        elif len(path) < DEEPEST and id(value) not in seen:
            seen.add(id(value))
            queue.extend(((*path, key), part) for key, part in _parts(value))
    return list(found.values())


def _parts(value):
    """Return the `(key, part)` of what an object, a dict or a list is made of."""
    if isinstance(value, dict):
        return [(key, part) for key, part in value.items() if isinstance(key, str | int)]
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    plain = isinstance(value, type | str | bytes | complex | float | np.generic)
    if plain or inspect.isroutine(value) or inspect.ismodule(value) or _is_numpys(value):
        return []
    return list(attributes(value).items())


def _is_numpys(value):
    return type(value).__module__.partition(".")[0] == "numpy"


def attributes(thing):
    """Return the attributes of an object, whether it has a dict of them or slots."""
    names = [n for kind in type(thing).__mro__ for n in getattr(kind, "__slots__", ())]
    of_slots = {name: getattr(thing, name) for name in names if hasattr(thing, name)}
    return {**of_slots, **getattr(thing, "__dict__", {})}


def generators(thing):
    """Return the random generators that an object holds, itself or in its parts."""
    found, queue, seen = [], [(thing, 0)], set()
    while queue:
        value, depth = queue.pop()
        if isinstance(value, np.random.Generator | np.random.RandomState):
            found.append(value)
        elif depth < DEEPEST and id(value) not in seen and not isinstance(value, np.ndarray):
            seen.add(id(value))
            queue.extend((part, depth + 1) for _, part in _parts(value))
    return found


def resolve(thing, path):
    """Return what lies at the end of a path, or None."""
    for key in path:
        if isinstance(thing, dict):
            thing = thing.get(key)
        elif isinstance(thing, list | tuple):
            thing = thing[key] if isinstance(key, int) and key < len(thing) else None
        else:
            thing = getattr(thing, key, None) if isinstance(key, str) else None
    return thing


def gradient_of(thing, paths):
    """Return the gradient of the array on `paths`, if it lies anywhere beside it; or None."""
    for path in paths:
        for where in _gradient_paths(path):
            value = resolve(thing, where)
            if isinstance(value, np.ndarray | np.number | float):
                return value
    return None


def _gradient_paths(path):
    """Yield where the gradient of the array at `path` may lie, the most usual place first."""
    *above, last = path
    for i in reversed(range(len(path))):
        if isinstance(path[i], str):
            for spelled in spellings(path[i]):
                yield (*path[:i], spelled, *path[i + 1 :])
    keys = [last, *spellings(last)] if isinstance(last, str) else [last]
    for table in TABLES:
        for i, key in enumerate(above):
            if key in PARAM_TABLES:
                yield from ((*above[:i], table, *above[i + 1 :], each) for each in keys)
        if isinstance(last, str):
            yield from ((*above, table, each) for each in keys)


def spellings(name):
    """Return the names that the gradient of `name` may have."""
    dash, bare = ("_", name[1:]) if name.startswith("_") else ("", name)
    return [dash + form.format(each) for each in (bare, bare.lower()) for form in SPELLINGS]


def gradient_paths(paths):
    """Return all paths on which the gradients of the arrays at `paths` may lie."""
    return {where for path in paths for where in _gradient_paths(path) if where != path}


def is_in_table(path):
    """Whether a path leads into a table of gradients."""
    return any(key in TABLES for key in path)


def found_params(thing, named=None):
    """Return the Slots of the arrays of a foreign layer that may be parameters.

    Args:
        thing: the layer.
        named: the names of those that are, if it is known.

    Raises:
        ValueError: there is none of such a name.
    """
    every = [slot for slot in slots(thing) if slot.array.dtype.kind in "fiu" and slot.array.size]
    taken = gradient_paths(path for slot in every for path in slot.paths)
    is_free = lambda path: path not in taken and not is_in_table(path)  # noqa: E731
    candidates = [slot for slot in every if all(map(is_free, slot.paths))]
    if named is None:
        return {slot.name: slot for slot in candidates}
    by_name_ = {_written(path): slot for slot in every for path in slot.paths}
    missing = [name for name in named if name not in by_name_]
    if missing:
        raise expects("gradcheck", f"parameters among {', '.join(by_name_)}", missing[0])
    return {name: by_name_[name] for name in named}


def by_name(table, names):
    """Return the gradients of a dict by the names of their tensors, however they are spelled."""
    found = {}
    for name in names:
        key = next((key for key in (name, *spellings(name)) if key in table), None)
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


def _written(path):
    """Return a path as one writes it: `W`, `weights[0]`, `layers[1].W`; a key of `params` alone."""
    text = ""
    for place, key in enumerate(path):
        if isinstance(key, int):
            text += f"[{key}]"
        elif place and path[place - 1] in PARAM_TABLES:
            text = text[: -len(path[place - 1])] + key
        else:
            text += f".{key}" if text else key
    return text
