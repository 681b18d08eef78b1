"""A network in a file: its parameters and its architecture, and nothing that is ever executed.

The file is in the safetensors format: a JSON header, then the numbers. Parameters and running
averages stand under their keys (`"0.W"`, `"1.mean"`), the architecture as JSON under the metadata's
key `"backprop"`.
"""

import json
import math
from importlib import metadata

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from ..atomic import write
from ..errors import expects
from ..initializers import Initializer
from ..layer import Layer
from ..network import Network, inside
from ..settings import DISTRIBUTION
from .architecture import described, restored
from .objective import check_views, require_network

VERSION = 1
"""The version of the format; raised when older readers could not understand a file."""
TYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}
"""What safetensors calls the types of parameters."""


def save(net, path):
    """Write a built network to `path`, so that `load` returns one that computes the same bits.

    A write that is cut short leaves the old file. NaN and infinity are numbers like all others
    here.

    Raises:
        TypeError: `net` is no Network, or a layer has a setting that JSON cannot hold.
        ValueError: the network is not built, or has complex numbers, or running averages of another
            type than its parameters, or a parameter's array was replaced by another.
        OSError: the file cannot be written.
    """
    require_network("save", net)
    check_views("save", net)
    if net.dtype.name not in TYPES:
        raise expects("save", f"parameters that are {', '.join(TYPES)}", net.dtype)
    for key, value in net.averages.items():
        if value.dtype != net.dtype:
            raise expects("save", f"{key} to be {net.dtype}", value.dtype)
    about = {
        "version": VERSION,
        "package": _package_version(),
        "dtype": net.dtype.name,
        "in_shapes": [list(shape) for shape in net.in_shapes],
        "network": described(net),
    }
    tensors = {**net.params, **net.averages}
    content = safetensors.numpy.save(tensors, metadata={"backprop": json.dumps(about)})
    write("save", path, content)


def load(path, *, layers=()):
    """Return the network that `save` wrote to `path`.

    Args:
        path: the file. It cannot make anything run: no class is taken but this package's and those
            named here.
        layers: classes of your own, layers and initializers, that the network has.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not, down to the last byte, what `save` writes, or a class is missing.
        TypeError: `layers` holds something else than classes.
    """
    own = {_checked(kind).__name__: kind for kind in layers}
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise expects("load", f"to be able to read {path}", error.strerror, type(error)) from error
    try:
        # safe_open checks all lengths against the file's size, and reads no tensor yet.
        with safe_open(path, framework="numpy") as file:
            return _read(file, own)
    except (
        SafetensorError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RecursionError,
    ) as error:
        raise expects("load", "a file that save wrote", f"{path}: {error}") from error


def _read(file, own):
    about = json.loads((file.metadata() or {}).get("backprop", "null"))
    if about is None:
        raise expects("load", "an architecture in the metadata", "none")
    if about["version"] != VERSION:
        raise expects("load", f"format version {VERSION}", about["version"])
    found = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118
    found = {key: (tuple(part.get_shape()), part.get_dtype()) for key, part in found.items()}
    net = restored(about["network"], own)
    if not isinstance(net, Network) or about["dtype"] not in TYPES:
        raise expects("load", f"a Network of {', '.join(TYPES)}", f"{net!r} of {about['dtype']}")
    _build(net, about, sum(math.prod(shape) for shape, _ in found.values()))
    tensors = {**net.params, **net.averages}
    wanted = {key: (value.shape, TYPES[net.dtype.name]) for key, value in tensors.items()}
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            raise expects("load", f"tensor {key} to be {_words(wanted, key)}", _words(found, key))
    for key, value in net.params.items():
        value[...] = file.get_tensor(key)
    net.averages = {key: file.get_tensor(key) for key in net.averages}
    return net


def _words(tensors, key):
    """Return `(784, 64) F32`, or `absent`."""
    return " ".join(map(str, tensors[key])) if key in tensors else "absent"


def _build(net, about, limit):
    """Build `net`, in which no parameter may be larger than `limit`, without drawing numbers."""
    shapes = [tuple(shape) for shape in about["in_shapes"]]
    kept = [
        (layer, name, value)
        for layer in inside(net)
        for name, value in vars(layer).items()
        if isinstance(value, Initializer)
    ]
    for layer, name, _ in kept:
        setattr(layer, name, Unfilled(limit))
    net.build(*shapes, dtype=about["dtype"])
    for layer, name, value in kept:
        setattr(layer, name, value)


class Unfilled(Initializer):
    """Makes the arrays that a file will fill, none of them larger than the file."""

    def __init__(self, limit):
        self.limit = limit

    def __call__(self, shape, /, *, rng=None, dtype=np.float32):
        if math.prod(shape) > self.limit:
            raise expects("load", f"parameters of at most {self.limit} numbers", tuple(shape))
        return np.zeros(shape, dtype)


def _checked(kind):
    if not (isinstance(kind, type) and issubclass(kind, Layer | Initializer)):
        raise expects("load", "layers to be classes of layers", repr(kind), TypeError)
    return kind


def _package_version():
    try:
        return metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "not installed"
