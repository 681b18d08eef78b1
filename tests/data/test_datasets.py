"""Data sets: the digits to the last byte, own files, and downloads from a server that lies."""

import dataclasses
import functools
import gzip
import hashlib
import http.server
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import backprop.data
from backprop.data import Dataset, list_data, load_data, read_idx, split, write_idx
from backprop.data.make_digits import FOLDER, make_digits
from backprop.data.named import FILES, NAMED, Named
from mnist import MNIST, needs_mnist


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder to be in, and a cache, with nothing in either."""
    pooch = pytest.importorskip("pooch")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    return tmp_path


def four(seed=0, dtype=np.uint8):
    """Return images and labels to train and to test on, in the order of FILES."""
    rng = np.random.default_rng(seed)
    arrays = []
    for count in (6, 4):
        images = rng.integers(0, 256, (count, 3, 2)).astype(dtype)
        images[0, 0, 0] = 255
        arrays += [images, np.arange(count, dtype=np.uint8) % 3]
    return arrays


def write_four(folder, arrays=None, spelling="{}.gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(FILES, arrays or four(), strict=True):
        write_idx(folder / spelling.format(name), array)
    return folder


def check_four(data, arrays=None):
    """Assert that `data` is made of `arrays`, bytes divided by 255."""
    x_train, y_train, x_test, y_test = arrays or four()
    for x, y, raw, labels in ((*data.train, x_train, y_train), (*data.test, x_test, y_test)):
        assert x.dtype == np.float32
        assert y.dtype == np.int64
        assert_array_equal(x[..., 0], raw.astype(np.float32) / np.float32(255), strict=True)
        assert_array_equal(y, labels)


def refusal(kind, *args, **settings):
    with pytest.raises(kind) as caught:
        load_data(*args, **settings)
    return str(caught.value)


# The digits


def test_the_digits_are_ready():
    data = load_data("digits")
    assert repr(data) == "Dataset('digits': 1438 to train, 359 to test, (8, 8, 1), 10 classes)"
    assert data.in_shape == (8, 8, 1)
    assert data.classes == tuple("0123456789")
    assert data.train == (data.x_train, data.y_train)
    assert data.test == (data.x_test, data.y_test)
    for x, y in (data.train, data.test):
        assert (x.dtype, y.dtype) == (np.float32, np.int64)
        assert (x.min(), x.max()) == (0, 1)
    counts = np.bincount(data.y_train) + np.bincount(data.y_test)
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(data.y_test).tolist() == [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]


def test_no_digit_is_in_both_parts():
    data = load_data("digits")
    train = {image.tobytes() for image in data.x_train}
    assert sum(image.tobytes() in train for image in data.x_test) == 0


def test_the_digits_are_those_of_the_provenance_note():
    note = (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")
    found = {file: digest for digest, file in re.findall(r"^    (\w{64})  (\S+)$", note, re.M)}
    assert found.keys() == set(FILES)
    for file, digest in found.items():
        content = gzip.decompress((FOLDER / f"{file}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == digest


def test_the_digits_can_be_made_again(tmp_path):
    pytest.importorskip("sklearn", reason="the digits are made from scikit-learn's copy")
    make_digits(tmp_path)
    names = [f"{file}.gz" for file in sorted(FILES)]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in names:
        made, shipped = ((place / name).read_bytes() for place in (tmp_path, FOLDER))
        assert gzip.decompress(made) == gzip.decompress(shipped)


# Folders and files of one's own


@pytest.mark.parametrize("spelling", ["{}", "{}.gz"])
@pytest.mark.parametrize("dot", [False, True])
def test_a_folder_of_idx_files(tmp_path, spelling, dot):
    folder = write_four(tmp_path / "own", spelling=spelling)
    if dot:
        for path in folder.iterdir():
            path.rename(folder / path.name.replace("-idx", ".idx"))
    data = load_data(folder)
    check_four(data)
    assert repr(data) == "Dataset('own': 6 to train, 4 to test, (3, 2, 1), 3 classes)"
    assert data.classes == ("0", "1", "2")
    check_four(load_data(str(folder)))


def test_a_folder_without_files(tmp_path):
    write_four(tmp_path)
    (tmp_path / f"{FILES[1]}.gz").unlink()
    (tmp_path / f"{FILES[2]}.gz").unlink()
    assert refusal(FileNotFoundError, tmp_path) == (
        f"load_data {str(tmp_path)!r} expects {', '.join(FILES)} (or these with .gz), or train.csv "
        f"and test.csv in {tmp_path}, got no train-labels-idx1-ubyte, t10k-images-idx3-ubyte"
    )


def rows(images, labels):
    lines = [[label, *image.ravel()] for image, label in zip(images, labels, strict=True)]
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def test_a_folder_of_tables(tmp_path):
    x_train, y_train, x_test, y_test = four()
    (tmp_path / "train.csv").write_text(rows(x_train, y_train))
    (tmp_path / "test.csv").write_text(rows(x_test, y_test))
    check_four(load_data(tmp_path, shape=(3, 2, 1)))
    flat = load_data(tmp_path)
    assert_array_equal(flat.x_train, x_train.reshape(6, 6).astype(np.float32), strict=True)
    assert flat.in_shape == (6,)


def test_a_table_is_split_by_class_and_seed(tmp_path):
    path = tmp_path / "own.csv"
    x = np.arange(40, dtype=np.float32).reshape(10, 4)
    y = np.arange(10) % 2
    path.write_text(rows(x, y))
    data = load_data(path, test=0.4, seed=3)
    (x_train, y_train), (x_test, y_test) = split(x, y, 0.4, seed=3)
    for found, expected in zip(
        (*data.train, *data.test), (x_train, y_train, x_test, y_test), strict=True
    ):
        assert_array_equal(found, expected, strict=True)
    assert np.bincount(data.y_test).tolist() == [2, 2]


def test_the_label_may_stand_last(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("0.5,0\n1.5,1\n2.5,0\n3.5,1\n")
    data = load_data(path, label="last", test=0.5)
    assert sorted(np.concatenate([data.x_train, data.x_test])[:, 0]) == [0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float64])
def test_an_archive_of_four_arrays(tmp_path, kind):
    x_train, y_train, x_test, y_test = four(dtype=kind)
    path = tmp_path / "own.npz"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    check_four(load_data(path))


def test_an_archive_of_two_arrays(tmp_path):
    x, y = np.random.default_rng(0).random((10, 4, 4, 3)), np.arange(10) % 2
    path = tmp_path / "own.npz"
    np.savez_compressed(path, x=x, y=y)
    data = load_data(path)
    assert data.in_shape == (4, 4, 3)
    (x_train, _), (x_test, y_test) = split(x, y, 0.2, seed=0)
    assert_array_equal(data.x_train, x_train.astype(np.float32), strict=True)
    assert_array_equal(data.x_test, x_test.astype(np.float32), strict=True)
    assert_array_equal(data.y_test, y_test)


def archive(tmp_path, **changes):
    x_train, y_train, x_test, y_test = four()
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test} | changes
    path = tmp_path / "own.npz"
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path


@pytest.mark.parametrize(
    ("top", "white", "divisor"),
    [(1, None, 1), (2, None, 255), (255, None, 255), (16, 16, 16), (1, 255, 255)],
)
def test_white_becomes_one(tmp_path, top, white, divisor):
    # The images to train on decide for both parts.
    train, test = np.full((6, 3, 2), top, np.uint8), np.full((4, 3, 2), 1, np.uint8)
    data = load_data(archive(tmp_path, x_train=train, x_test=test), white=white)
    assert_array_equal(data.x_train, np.float32(top) / np.float32(divisor))
    assert_array_equal(data.x_test, np.float32(1) / np.float32(divisor))


NAN = np.full((4, 3, 2), np.nan)


@pytest.mark.parametrize(
    ("changes", "settings", "expected"),
    [
        ({"x_test": None}, {}, "arrays x_train, y_train, x_test, y_test, or x, y, got {names}"),
        ({"x_test": NAN}, {}, "images of numbers from 0 to 255, got nan to nan"),
        ({"x_test": -NAN}, {}, "images of numbers from 0 to 255, got nan to nan"),
        ({"x_test": four()[2] * 1.1}, {}, "images of numbers from 0 to 255, got 0 to 280.5"),
        ({"x_test": four()[2] - 300.0}, {}, "images of numbers from 0 to 255, got {least} to 0"),
        ({"x_train": np.array(["a"] * 6)}, {}, "images of numbers, got <U1"),
        ({"y_train": np.zeros(6)}, {}, "labels that are whole numbers, got float64"),
        ({}, {"shape": (2, 2)}, "4 numbers for the shape (2, 2), got (3, 2)"),
        ({}, {"shape": (6, 0)}, "a length in shape to be a whole number of at least 1, got 0"),
        ({}, {"white": 0.5}, "white to be a finite number of at least 1, got 0.5"),
    ],
)
def test_what_images_must_not_be(tmp_path, changes, settings, expected):
    path = archive(tmp_path, **changes)
    least = f"{four()[2].min() - 300.0:g}"
    expected = expected.format(names="x_train, y_test, y_train", least=least)
    assert refusal(ValueError, path, **settings) == f"load_data {str(path)!r} expects {expected}"


def test_features_too_large_for_float32(tmp_path):
    path = archive(tmp_path, x_train=np.full((6, 2), 1e300), x_test=np.zeros((4, 2)))
    assert refusal(ValueError, path) == (
        "Dataset 'own' expects finite numbers in x_train, got NaN or infinity"
    )


def test_a_path_is_no_name(elsewhere):
    write_four(elsewhere / "digits")
    check_four(load_data(Path("digits")))
    check_four(load_data("./digits"))
    assert len(load_data("digits").y_train) == 1438


@pytest.mark.parametrize("source", ["mnits", "own.txt", Path("own")])
def test_a_source_that_is_none(source):
    assert refusal(ValueError, source) == (
        "load_data expects one of digits, mnist, fashion-mnist, kmnist, or the path of a folder, "
        f"a .csv or a .npz file, got {str(source)!r}"
    )


# What a Dataset is


def parts(**changes):
    x = np.zeros((3, 2, 2, 1), np.float32)
    y = np.array([0, 1, 1])
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y, **changes}


def test_a_dataset_does_not_change():
    data = Dataset("own", **parts(), classes=("a", "b"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "other"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"y_test": np.array([0, 1])},
            "inputs that are not empty and a label for each in test, "
            "got shapes (3, 2, 2, 1) and (2,)",
        ),
        (
            {"y_train": np.zeros((3, 2), int)},
            "inputs that are not empty and a label for each in train, "
            "got shapes (3, 2, 2, 1) and (3, 2)",
        ),
        (
            {"x_train": np.zeros((0, 2), np.float32), "y_train": np.zeros(0, int)},
            "inputs that are not empty and a label for each in train, got shapes (0, 2) and (0,)",
        ),
        (
            {"x_train": np.zeros((3, 0), np.float32)},
            "inputs that are not empty and a label for each in train, got shapes (3, 0) and (3,)",
        ),
        (
            {"x_train": np.zeros(3, np.float32)},
            "inputs that are not empty and a label for each in train, got shapes (3,) and (3,)",
        ),
        (
            {"x_test": np.full((3, 2, 2, 1), np.inf)},
            "finite numbers in x_test, got NaN or infinity",
        ),
        (
            {"x_train": np.zeros((3, 2, 2, 1), np.uint8)},
            "floating-point numbers in x_train, got uint8",
        ),
        ({"y_test": np.zeros(3)}, "whole numbers in y_test, got float64"),
        ({"y_test": np.array([0, 2, 1])}, "labels from 0 to 1 in y_test, got 0 to 2"),
        ({"y_train": np.array([0, -1, 1])}, "labels from 0 to 1 in y_train, got -1 to 1"),
        (
            {"x_test": np.zeros((3, 4), np.float32)},
            "inputs of shape (2, 2, 1) in test as in train, got (4,)",
        ),
    ],
)
def test_what_a_dataset_must_not_be(changes, expected):
    with pytest.raises(ValueError, match=r"^Dataset") as caught:
        Dataset("own", **parts(**changes), classes=("a", "b"))
    assert str(caught.value) == f"Dataset 'own' expects {expected}"


# Data sets with a name


def test_every_named_set_is_described_in_full():
    for name, named in NAMED.items():
        assert len(named.classes) == 10
        assert len(named.compressed) == (4 if named.mirrors else 0)
        assert len(named.content) in (0, 4)
        for digest in named.compressed + named.content:
            assert re.fullmatch("[0-9a-f]{32}", digest), name
        assert all(mirror.endswith("/") for mirror in named.mirrors)


def describe(arrays, mirrors=(), content=False):
    """Return what is known of the set of `arrays` and the compressed files by name."""
    files = {}
    for name, array in zip(FILES, arrays, strict=True):
        header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
        files[name] = header + array.tobytes()
    zipped = {f"{name}.gz": gzip.compress(file, mtime=0) for name, file in files.items()}
    plain, packed = (
        tuple(hashlib.md5(file).hexdigest() for file in each.values()) for each in (files, zipped)
    )
    named = Named(("a", "b", "c"), 255, tuple(mirrors), packed, plain if content else ())
    return named, zipped


def test_a_named_set_is_found_in_the_data_folder_then_in_the_cache(elsewhere, monkeypatch):
    monkeypatch.setitem(NAMED, "own", describe(four())[0])
    assert list_data()["own"] is None
    assert list_data()["digits"] == FOLDER
    cache = write_four(elsewhere / "cache/explicit-backprop/own")
    assert list_data()["own"] == cache
    check_four(load_data("own"))
    write_four(elsewhere / "data/own", four(seed=1), "{}")
    assert list_data()["own"] == Path("data/own")
    data = load_data("own")
    check_four(data, four(seed=1))
    assert data.classes == ("a", "b", "c")
    (elsewhere / "data/own" / FILES[3]).unlink()
    assert list_data()["own"] == cache


def test_another_set_under_the_same_name_is_refused(elsewhere, monkeypatch):
    named, _ = describe(four(), content=True)
    monkeypatch.setitem(NAMED, "own", named)
    folder = write_four(elsewhere / "data/own")
    check_four(load_data("own"))
    other = four(seed=1)
    write_idx(folder / f"{FILES[2]}.gz", other[2])
    content = gzip.decompress((folder / f"{FILES[2]}.gz").read_bytes())
    assert refusal(ValueError, "own") == (
        f"load_data 'own' expects t10k-images-idx3-ubyte with MD5 {named.content[2]}, "
        f"got {hashlib.md5(content).hexdigest()}"
    )
    check_four(load_data(folder), [*four()[:2], other[2], four()[3]])  # a path is no name


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve the folder `served` and return `(folder, address)`."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def cached(elsewhere):
    folder = elsewhere / "cache/explicit-backprop/own"
    return sorted(path.name for path in folder.iterdir())


def test_the_second_mirror_serves_where_the_first_fails(elsewhere, server, monkeypatch):
    folder, address = server
    named, files = describe(four(), [f"{address}gone/", f"{address}good/"])
    monkeypatch.setitem(NAMED, "own", named)
    (folder / "good").mkdir()
    for name, content in files.items():
        (folder / "good" / name).write_bytes(content)
    check_four(load_data("own"))
    assert cached(elsewhere) == sorted(files)
    (folder / "good").rename(folder / "away")
    check_four(load_data("own"))  # from the cache


def test_a_file_with_another_checksum_is_refused_and_not_kept(elsewhere, server, monkeypatch):
    folder, address = server
    mirrors = [f"{address}bad/", f"{address}gone/"]
    named, files = describe(four(), mirrors)
    monkeypatch.setitem(NAMED, "own", named)
    (folder / "bad").mkdir()
    names = list(files)
    (folder / "bad" / names[0]).write_bytes(files[names[0]])
    (folder / "bad" / names[1]).write_bytes(files[names[0]])
    place = elsewhere / "data/own"
    assert refusal(OSError, "own") == (
        f"load_data 'own' expects a download, or {', '.join(FILES)} (or these with .gz) in the "
        f"folder {place}, got another MD5 from {mirrors[0]}, HTTPError from {mirrors[1]}"
    )
    assert cached(elsewhere) == [names[0]]  # it was right, and need not be fetched again


def test_without_a_network(elsewhere, monkeypatch):
    monkeypatch.setattr("socket.socket.connect", offline)
    mirrors = ["http://127.0.0.1:9/a/", "http://127.0.0.1:9/b/"]
    monkeypatch.setitem(NAMED, "own", describe(four(), mirrors)[0])
    assert refusal(OSError, "own") == (
        f"load_data 'own' expects a download, or {', '.join(FILES)} (or these with .gz) in the "
        f"folder {elsewhere / 'data/own'}, got ConnectionError from {mirrors[0]}, "
        f"ConnectionError from {mirrors[1]}"
    )
    assert cached(elsewhere) == []


def offline(*args):
    raise OSError(101, "Network is unreachable")


def test_the_public_names_are_sorted_and_there():
    assert backprop.data.__all__ == sorted(backprop.data.__all__)
    assert all(hasattr(backprop.data, name) for name in backprop.data.__all__)


# MNIST itself


@pytest.mark.slow
@needs_mnist
def test_mnist_is_mnist(elsewhere):
    data = load_data(MNIST)
    assert data.x_train.shape == (60000, 28, 28, 1)
    assert data.x_test.shape == (10000, 28, 28, 1)
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(data.y_train).tolist() == counts
    assert data.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    raw = read_idx(MNIST / "train-images-idx3-ubyte.gz")
    assert_array_equal(data.x_train[:100, ..., 0] * 255, raw[:100])
    (elsewhere / "data").mkdir()
    (elsewhere / "data/mnist").symlink_to(MNIST)
    named = load_data("mnist")  # its checksums are compared
    assert_array_equal(named.x_test, data.x_test)
    assert named.classes == tuple("0123456789")
