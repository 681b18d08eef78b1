"""IDX, the file format of MNIST: an array after a header that says what it is.

| bytes | content |
|---|---|
| 2 | zeros |
| 1 | the type of the numbers, a key of TYPES |
| 1 | how many axes there are |
| 4 for each axis | its length |
| the rest | the numbers, the last axis running fastest |

All of it is big-endian, and the file may be compressed by gzip.

Source: Y. LeCun, C. Cortes and C. Burges, *The MNIST database of handwritten digits*.
"""

import gzip
import math
import os
import struct
import sys
import zlib

import numpy as np

from ..atomic import write
from ..errors import expects

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The types of numbers by the byte that stands for them."""
CODES = {np.dtype(name).newbyteorder("="): code for code, name in TYPES.items()}

MOST_AXES = 64  # of a NumPy array; the format could say 255
CHUNK = 2**20


def read_idx(path, /, *, mmap=False):
    """Return the array in the IDX file at `path`, compressed or not: its first bytes tell.

    Memory is taken only for what the file really holds, whatever its header promises.

    Args:
        path: the file.
        mmap: whether the numbers stay in the file, which must not be compressed then, and are read
            when they are asked for. The array cannot be written to. Numbers of several bytes stay
            big-endian; a network converts them batch by batch.

    Raises:
        ValueError: the file is not exactly one IDX array, or is compressed and to be mapped.
        OSError: the file cannot be read.
    """
    who = f"read_idx {str(path)!r}"
    try:
        with open(path, "rb") as file:
            zipped = file.peek(2)[:2] == b"\x1f\x8b"
            if mmap and zipped:
                raise expects(who, "a file that is not compressed, to map it", "one by gzip")
            if mmap:
                return _mapped(who, file)
            return _decode(who, gzip.GzipFile(fileobj=file) if zipped else file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise expects(who, "a whole gzip file", "a damaged one") from error
    except OSError as error:
        raise expects(who, "to be able to read it", error.strerror, type(error)) from error


def write_idx(path, array, /):
    """Write `array` to `path` as an IDX file, compressed by gzip if the name ends in `.gz`.

    The same array gives the same bytes. Cut short at any moment, it leaves the old file.

    Raises:
        ValueError: the format has no such type or number of axes.
        OSError: the file cannot be written.
    """
    content = encode(f"write_idx {str(path)!r}", np.asarray(array))
    if str(path).endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    write("write_idx", path, content)


def encode(who, array, /):
    """Return the bytes of an IDX file with `array` in it."""
    dtype = array.dtype.newbyteorder("=")
    if dtype not in CODES:
        raise expects(who, f"an array of {', '.join(map(str, CODES))}", array.dtype)
    if not (1 <= array.ndim <= MOST_AXES and max(array.shape) < 2**32):
        raise expects(who, f"1 to {MOST_AXES} axes shorter than 2**32", f"shape {array.shape}")
    code = CODES[dtype]
    header = struct.pack(f">2xBB{array.ndim}I", code, array.ndim, *array.shape)
    return header + array.astype(TYPES[code]).tobytes()


def _decode(who, file):
    shape, dtype = _header(who, file)
    array = the_rest(who, file, shape, dtype)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _mapped(who, file):
    """Return the array in an open file as a map of it, of which nothing is read yet."""
    shape, dtype = _header(who, file)
    size, start = size_of(who, shape, dtype), file.tell()
    held = os.fstat(file.fileno()).st_size - start
    if held < size:
        raise expects(who, f"{size} bytes of numbers for the sizes {shape}", held)
    if held > size:
        raise expects(who, f"nothing after {size} bytes of numbers", "more")
    if size == 0:
        return np.empty(shape, dtype)  # there is no map of nothing
    return np.memmap(file, dtype, "r", start, shape)


def _header(who, file):
    """Return the shape and the type that an IDX file says its array has."""
    magic = exactly(who, file, 4, "bytes of type and axes")
    zeros, code, axes = magic[:2], magic[2], magic[3]
    if any(zeros):
        raise expects(who, "two zero bytes at the start", zeros.hex(" "))
    if code not in TYPES:
        raise expects(who, f"a type from {', '.join(map(hex, TYPES))}", hex(code))
    if not 1 <= axes <= MOST_AXES:
        raise expects(who, f"1 to {MOST_AXES} axes", axes)
    shape = struct.unpack(f">{axes}I", exactly(who, file, 4 * axes, "bytes of sizes"))
    return shape, np.dtype(TYPES[code])


def the_rest(who, file, shape, dtype, by_columns=False):
    """Return the rest of `file` as an array, or raise ValueError where it is not just that."""
    size = size_of(who, shape, dtype)
    content = exactly(who, file, size, f"bytes of numbers for the sizes {shape}")
    if file.read(1):
        raise expects(who, f"nothing after {size} bytes of numbers", "more")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")


def size_of(who, shape, dtype):
    """Return how many bytes an array has, or raise ValueError where none can have the shape."""
    extent = math.prod(max(1, length) for length in shape) * dtype.itemsize
    if min(shape, default=0) < 0 or len(shape) > MOST_AXES or extent > sys.maxsize:
        raise expects(who, "sizes that an array can have", shape)
    return math.prod(shape) * dtype.itemsize


def exactly(who, file, count, what):
    """Return the next `count` bytes of `file`, or raise ValueError where there are fewer."""
    content = bytearray()
    # Piece by piece: a file that promises more than it holds is not given the memory for it.
    while piece := file.read(min(CHUNK, count - len(content))):
        content += piece
    if len(content) < count:
        raise expects(who, f"{count} {what}", len(content))
    return content
