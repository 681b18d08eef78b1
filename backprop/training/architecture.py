"""A network's layers and wiring as plain values, which JSON can hold, and back."""

import inspect

import numpy as np

from .. import initializers, layers
from ..errors import expects, whole
from ..initializers import Initializer
from ..layer import Layer
from ..network import Network

PACKAGE = {"Network": Network} | {
    name: value
    for module in (layers, initializers)
    for name, value in vars(module).items()
    if inspect.isclass(value) and issubclass(value, Layer | Initializer)
}
"""The classes that a file may name: nothing is ever imported because a file says so."""


def described(value):
    """Return `value`, which is a setting, a layer or a network, as something that JSON can hold.

    An object is its class and settings: `{"class": "Dense", "settings": {...}}`, or `{"own": ...}`
    if its class is not from this package. A network lists its different layers once, and then its
    steps: each the number of a layer and of the values that it reads. So a shared layer stays
    shared.

    Raises TypeError for a setting of a kind that has no such form.
    """
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return described(value.item())
        case list():
            return [described(each) for each in value]
        case tuple():
            return {"tuple": [described(each) for each in value]}
        case np.ndarray() if value.dtype.kind in "biuf":
            return {"array": value.tolist(), "dtype": value.dtype.name}
        case Network() if type(value).__init__ is Network.__init__:
            return _described_network(value)
        case Layer() | Initializer():
            settings = {name: described(each) for name, each in value.settings.items()}
            return {**_class(value), "settings": settings}
    what = "settings that are numbers, text, arrays, layers, initializers or lists of them"
    raise expects("save", what, repr(value), TypeError)


def _class(value):
    """Return the entries that name the class of a layer or an initializer."""
    kind = type(value)
    ours = PACKAGE.get(kind.__name__) is kind
    name = {"name": value.name} if isinstance(value, Layer) else {}
    return {"class" if ours else "own": kind.__name__, **name}


def _described_network(net):
    different = [layer for _, layer in net.owners()]
    numbers = {id(layer): number for number, layer in enumerate(different)}
    return {
        **_class(net),
        "inputs": net.inputs,
        "layers": [described(layer) for layer in different],
        "steps": [[numbers[id(layer)], list(reads)] for layer, reads in net.steps],
    }


def restored(form, own):
    """Return what was `described` as `form`. `own` has the classes that are not from this package.

    Raises ValueError for a class that is not there. A form that `described` did not make may raise
    anything.
    """
    match form:
        case list():
            return [restored(each, own) for each in form]
        case {"tuple": parts}:
            return tuple(restored(each, own) for each in parts)
        case {"array": numbers, "dtype": dtype}:
            if np.dtype(dtype).kind not in "biuf":
                raise expects("load", "arrays of numbers", repr(dtype))
            return np.array(numbers, dtype)
        case {"class": name}:
            return _restored_object(form, name, PACKAGE, own)
        case {"own": name}:
            return _restored_object(form, name, own, own)
    return form


def _restored_object(form, name, classes, own):
    if name not in classes:
        source = "this version has" if classes is PACKAGE else "load(..., layers=[...]) names"
        raise expects("load", f"a class that {source}", repr(name))
    if "steps" in form:
        made = _restored_network(classes[name], form, own)
    else:
        settings = {key: restored(value, own) for key, value in form["settings"].items()}
        made = classes[name](**settings)
    if isinstance(made, Layer):
        made.name = str(form["name"])
    return made


def _restored_network(kind, form, own):
    net = kind(inputs=form["inputs"])
    different = [restored(each, own) for each in form["layers"]]
    for number, reads in form["steps"]:
        net.add(different[whole("load", "a layer's number", number, least=0)], *reads)
    return net
