"""The data sets that have a name: where they lie, where to get them, how to know them."""

import dataclasses
import hashlib
from pathlib import Path

from ..errors import expects
from .idx import encode

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
"""What the four files of a data set are called, as MNIST's are."""

DIGITS = tuple("0123456789")


@dataclasses.dataclass(frozen=True)
class Named:
    """What is known of a data set before it is read. Checksums are MD5, in the order of FILES."""

    classes: tuple[str, ...] = DIGITS
    white: int = 255
    """The number that becomes 1."""
    mirrors: tuple[str, ...] = ()
    """Addresses that the names of the files are appended to, the next where one fails."""
    compressed: tuple[str, ...] = ()
    """Checksums of the files that the mirrors have, compressed by gzip."""
    content: tuple[str, ...] = ()
    """Checksums of what is in them, where known: files that others compressed pass too."""


NAMED = {
    "digits": Named(white=16),
    "mnist": Named(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        compressed=(
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        content=(
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    "fashion-mnist": Named(
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        compressed=(
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    ),
    "kmnist": Named(
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        mirrors=(
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        compressed=(
            "bdb82020997e1d708af4cf47b453dcf7",
            "e144d726b3acfaa3e44228e80efcd344",
            "5c965bf0a639b31b8f53240b1b52f4d7",
            "7320c461ea6c1c855c0b718fb2a4b134",
        ),
    ),
}


def list_data():
    """Return the folder of every named data set, or None for one that is yet to be downloaded."""
    return {name: _here(name) for name in NAMED}


def find(name):
    """Return the folder of the data set `name`, downloading it if it is nowhere."""
    return _here(name) or _download(name)


def idx_file(folder, name):
    """Return the path of the IDX file `name` in `folder`, or None. It may end in `.gz`."""
    spellings = [name, name.replace("-idx", ".idx")]
    paths = [folder / f"{spelling}{end}" for spelling in spellings for end in ("", ".gz")]
    return next(filter(Path.is_file, paths), None)


def check_content(name, arrays):
    """Raise ValueError unless `arrays`, by the names of their files, are the data set's own.

    Every MNIST-like set has files of the same names, so that one is easily taken for another.
    """
    for file, md5 in zip(FILES, NAMED[name].content, strict=False):
        who = f"load_data {name!r}"
        found = hashlib.md5(encode(who, arrays[file]), usedforsecurity=False).hexdigest()
        if found != md5:
            raise expects(who, f"{file} with MD5 {md5}", found)


def _here(name):
    for folder in (Path(__file__).parent / name, Path("data", name)):
        if _complete(folder):
            return folder
    cached = _cache(name)  # only now: pooch takes its time to import
    return cached if _complete(cached) else None


def _complete(folder):
    return all(idx_file(folder, file) for file in FILES)


def _cache(name):
    import pooch

    return Path(pooch.os_cache("explicit-backprop")) / name


def _download(name):
    for file, md5 in zip(FILES, NAMED[name].compressed, strict=False):
        _retrieve(name, f"{file}.gz", md5)
    return _cache(name)


def _retrieve(name, file, md5):
    import pooch

    failures = []
    for mirror in NAMED[name].mirrors:
        try:
            pooch.retrieve(mirror + file, f"md5:{md5}", file, _cache(name))
            return
        except ValueError:  # pooch's for a checksum; it deletes what it got
            failures.append(f"another MD5 from {mirror}")
        except OSError as error:  # requests' errors are OSErrors
            failures.append(f"{type(error).__name__} from {mirror}")
    place = Path("data", name).absolute()
    what = f"a download, or {', '.join(FILES)} (or these with .gz) in the folder {place}"
    raise expects(f"load_data {name!r}", what, ", ".join(failures), OSError)
