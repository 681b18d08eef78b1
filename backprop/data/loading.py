"""From a name or a path to a Dataset."""

from pathlib import Path

import numpy as np

from ..errors import expects, real
from .batches import split
from .dataset import Dataset
from .idx import read_idx
from .named import FILES, NAMED, check_content, find, idx_file
from .tables import read_csv, read_npz, shaped

PARTS = ("x_train", "y_train", "x_test", "y_test")


def load_data(source, /, *, shape=None, white=None, label="first", test=0.2, seed=0):
    """Return the Dataset that `source` names.

    Shapes: x (N, H, W, C), float32: images with numbers from 0 to 1, C = 1 where the file has no
    such axis; or (N, D), features as they stand in the file. y (N,), int64.

    Args:
        source: `"digits"`, which comes with the package; `"mnist"`, `"fashion-mnist"` or
            `"kmnist"`, which are looked for in the folder `data/NAME`, then in the user's cache,
            and are downloaded if they are in neither; or the path of one of your own (a `Path`, or
            a string that is none of these names):

            * a folder with four IDX files called as MNIST's, or with `train.csv` and `test.csv`;
            * a `.npz` file with `x_train`, `y_train`, `x_test` and `y_test`, or with `x` and `y`;
            * a `.csv` file, as `read_csv` takes it.
        shape: the shape of one image, where the file has rows of numbers.
        white: the number that becomes 1 in an image. None: 1 if none is larger, else 255.
        label: which column of a table is the label, `"first"` or `"last"`.
        test: the share to test on, where the file does not say.
        seed: what the choice of that share depends on.

    Raises:
        ValueError: there is no such source, or something in it is not as it has to be.
        OSError: a file is missing or cannot be read, or nothing could be downloaded.
    """
    who = f"load_data {str(source)!r}"
    named = NAMED.get(source) if isinstance(source, str) else None
    if named:
        arrays = _read_folder(who, find(source), label)
        check_content(source, dict(zip(FILES, arrays, strict=True)))
        white = white or named.white
    else:
        arrays = _read(who, Path(source), label, test, seed)
    x_train, y_train, x_test, y_test = arrays
    x_train, x_test = (_inputs(who, shaped(who, x, shape)) for x in (x_train, x_test))
    y_train, y_test = (_labels(who, y) for y in (y_train, y_test))
    if white is None and x_train.ndim == 4:
        white = 1 if x_train.max(initial=0) <= 1 else 255
    x_train, x_test = (_scaled(who, x, white) for x in (x_train, x_test))
    count = int(y_train.max(initial=0)) + 1
    classes = named.classes if named else tuple(map(str, range(count)))
    return Dataset(Path(source).stem, x_train, y_train, x_test, y_test, classes)


def _read(who, path, label, test, seed):
    if path.is_dir():
        return _read_folder(who, path, label)
    if path.suffix == ".csv":
        x, y = read_csv(path, label=label)
    elif path.suffix == ".npz":
        arrays = read_npz(path)
        if arrays.keys() >= set(PARTS):
            return [arrays[name] for name in PARTS]
        if not arrays.keys() >= {"x", "y"}:
            what = f"arrays {', '.join(PARTS)}, or x, y"
            raise expects(who, what, ", ".join(sorted(arrays)) or "none")
        x, y = arrays["x"], arrays["y"]
    else:
        what = f"one of {', '.join(NAMED)}, or the path of a folder, a .csv or a .npz file"
        raise expects("load_data", what, repr(str(path)))
    (x, y), (x_test, y_test) = split(x, y, test, seed=seed)
    return x, y, x_test, y_test


def _read_folder(who, folder, label):
    tables = folder / "train.csv", folder / "test.csv"
    if all(map(Path.is_file, tables)):
        return [part for table in tables for part in read_csv(table, label=label)]
    paths = [idx_file(folder, name) for name in FILES]
    if None in paths:
        what = f"{', '.join(FILES)} (or these with .gz), or train.csv and test.csv in {folder}"
        missing = ", ".join(name for name, path in zip(FILES, paths, strict=True) if path is None)
        raise expects(who, what, f"no {missing}", FileNotFoundError)
    return [read_idx(path) for path in paths]


def _inputs(who, x):
    if x.dtype.kind not in "iuf":
        raise expects(who, "images of numbers", x.dtype)
    return x[..., np.newaxis] if x.ndim == 3 else x


def _labels(who, y):
    if y.dtype.kind not in "iu":
        raise expects(who, "labels that are whole numbers", y.dtype)
    return y.astype(np.int64)


def _scaled(who, x, white):
    if white is None:
        with np.errstate(over="ignore"):  # Dataset refuses the infinity that it becomes
            return x.astype(np.float32)
    white = real(who, "white", white, least=1)
    low, high = x.min(initial=0), x.max(initial=0)
    if not (low >= 0 and high <= white):  # NaN fails too
        raise expects(who, f"images of numbers from 0 to {white:g}", f"{low:g} to {high:g}")
    return np.divide(x, white, dtype=np.float32)
