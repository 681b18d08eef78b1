"""Data of one's own: tables of text, and archives of arrays."""

import array
import csv
import math
import zipfile
import zlib

import numpy as np

from ..errors import choice, expects, whole
from .idx import the_rest


def read_csv(path, /, *, label="first", header=None, shape=None):
    """Return `(x, y)` of a table with one image, or row of features, on each line.

    Numbers are separated by commas, the text is UTF-8. Empty lines are passed over.

    Shapes: x (N, D), or (N, *shape), float32 and as they stand in the file; y (N,), int64.

    Args:
        path: the file.
        label: which column is the label, `"first"` or `"last"`.
        header: whether the first line names the columns. None: it does if nothing in it is a
            number.
        shape: the shape of one image, such as `(28, 28, 1)`.

    Raises:
        ValueError: there are no examples, a line has another number of columns than the first, or
            something that is no finite number, or a label that is no whole number; or D numbers
            have not that shape.
        OSError: the file cannot be read.
    """
    who = f"read_csv {str(path)!r}"
    choice(who, "label", label, ("first", "last"))
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            lines, x, y = _parse(who, csv.reader(file, strict=True), label, header)
    except (UnicodeDecodeError, csv.Error) as error:
        raise expects(who, "lines of numbers in UTF-8, separated by commas", error) from error
    except OSError as error:
        raise expects(who, "to be able to read it", error.strerror, type(error)) from error
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if bad.size:
        where = f"{who} line {lines[bad[0]]}"
        raise expects(where, "finite numbers of float32", "NaN, infinity or too large a number")
    return shaped(who, x, shape), y


def _parse(who, reader, label, header):
    lines, x, y = [], array.array("f"), array.array("q")
    width = None
    for fields in filter(None, reader):
        if width is None:
            width = len(fields)
            if header or (header is None and not any(map(_is_number, fields))):
                continue
        where = f"{who} line {reader.line_num}"
        if len(fields) != width or width < 2:
            raise expects(where, f"{max(2, width)} columns", len(fields))
        named = fields.pop(0 if label == "first" else -1)
        try:
            y.append(int(named))
        except (ValueError, OverflowError):
            raise expects(where, "a label that is a whole number", repr(named)) from None
        try:
            x.extend(map(float, fields))
        except ValueError:
            stranger = next(field for field in fields if not _is_number(field))
            raise expects(where, "numbers", repr(stranger)) from None
        lines.append(reader.line_num)
    if not lines:
        raise expects(who, "at least one example", "none")
    return lines, np.array(x).reshape(len(lines), -1), np.array(y)


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def shaped(who, x, shape):
    """Return `x` with each example in `shape`, or as it is if that is None."""
    if shape is None:
        return x
    shape = tuple(whole(who, "a length in shape", length) for length in shape)
    if math.prod(shape) != math.prod(x.shape[1:]):
        raise expects(who, f"{math.prod(shape)} numbers for the shape {shape}", x.shape[1:])
    return x.reshape(len(x), *shape)


def read_npz(path, /):
    """Return the arrays in a file of `numpy.savez` by name.

    Nothing is ever unpickled, and memory is taken only for what the file really holds.

    Raises:
        ValueError: the file is no such archive, is damaged, or has Python objects in it.
        OSError: the file cannot be read.
    """
    who = f"read_npz {str(path)!r}"
    try:
        with zipfile.ZipFile(path) as archive:
            return {
                name.removesuffix(".npy"): _read_npy(f"{who} array {name!r}", archive, name)
                for name in archive.namelist()
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise expects(who, "a whole archive of arrays", "a damaged one, or none") from error
    except OSError as error:
        raise expects(who, "to be able to read it", error.strerror, type(error)) from error


def _read_npy(who, archive, name):
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    with archive.open(name) as file:
        try:
            version = np.lib.format.read_magic(file)
            shape, by_columns, dtype = readers[version](file)
        except (ValueError, KeyError) as error:
            raise expects(who, "a header of version 1 or 2", "another") from error
        if dtype.hasobject or not dtype.itemsize:
            raise expects(who, "numbers or text", f"type {dtype}")
        return the_rest(who, file, shape, dtype, by_columns)
