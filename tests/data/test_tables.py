"""Tables and archives of one's own: what is read, and what is refused on which line."""

import io
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from backprop.data import read_csv, read_npz

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def table(tmp_path, text):
    path = tmp_path / "own.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("3,0.5,-1\n0,2,1e3\n", {}),
        ("3,0.5,-1\n0,2,1e3", {}),
        ("3,0.5,-1\r\n0,2,1e3\r\n", {}),
        ("\ufeff3,0.5,-1\n0,2,1e3\n", {}),
        ("\n3, 0.5, -1\n\n0,2,1e3\n\n", {}),
        ('"3","0.5","-1"\n0,2,1e3\n', {}),
        ("label,a,b\n3,0.5,-1\n0,2,1e3\n", {}),
        ("label,a,b\n3,0.5,-1\n0,2,1e3\n", {"header": True}),
        ("0,1,2\n3,0.5,-1\n0,2,1e3\n", {"header": True}),
        ("0.5,-1,3\n2,1e3,0\n", {"label": "last"}),
        ("a,b,label\n0.5,-1,3\n2,1e3,0\n", {"label": "last"}),
    ],
)
def test_a_table_in_all_its_forms(tmp_path, text, settings):
    x, y = read_csv(table(tmp_path, text), **settings)
    assert_array_equal(x, np.array([[0.5, -1], [2, 1000]], np.float32), strict=True)
    assert_array_equal(y, np.array([3, 0]), strict=True)


@given(hnp.arrays(np.float32, (3, 4), elements=FINITE))
def test_numbers_are_read_to_the_last_bit(tmp_path_factory, x):
    lines = [",".join(map(repr, [row, *map(float, x[row])])) for row in range(3)]
    again, y = read_csv(table(tmp_path_factory.mktemp("csv"), "\n".join(lines)))
    assert_array_equal(again, x, strict=True)
    assert y.tolist() == [0, 1, 2]


def test_rows_become_images(tmp_path):
    x, _ = read_csv(table(tmp_path, "0,1,2,3,4,5,6\n"), shape=(2, 3, 1))
    assert_array_equal(x, np.array([[[[1], [2], [3]], [[4], [5], [6]]]], np.float32), strict=True)


@pytest.mark.parametrize(
    ("text", "settings", "expected"),
    [
        ("0,1,2\n0,1\n", {}, " line 2 expects 3 columns, got 2"),
        ("0,1,2\n\n0,1,2,3\n", {}, " line 3 expects 3 columns, got 4"),
        ("a,b,c\n0,1\n", {}, " line 2 expects 3 columns, got 2"),
        ("0\n1\n", {}, " line 1 expects 2 columns, got 1"),
        ("0,1,x\n", {}, " line 1 expects numbers, got 'x'"),
        ("0,1,2\n0,,2\n", {}, " line 2 expects numbers, got ''"),
        ("0,1,2\na,b,c\n", {}, " line 2 expects a label that is a whole number, got 'a'"),
        ("1.5,1,2\n", {}, " line 1 expects a label that is a whole number, got '1.5'"),
        (
            "1,2,0.5\n",
            {"label": "last"},
            " line 1 expects a label that is a whole number, got '0.5'",
        ),
        (f"{2**63},1\n", {}, f" line 1 expects a label that is a whole number, got '{2**63}'"),
        (
            "a,b\n0,1\n",
            {"header": False},
            " line 1 expects a label that is a whole number, got 'a'",
        ),
        ("a,b\n", {}, " expects at least one example, got none"),
        ("", {}, " expects at least one example, got none"),
        ("0,1,2\n", {"shape": (3, 1)}, " expects 3 numbers for the shape (3, 1), got (2,)"),
        ("0,1\n", {"label": "x"}, " expects label to be one of 'first', 'last', got 'x'"),
    ],
)
def test_what_a_table_must_not_be(tmp_path, text, settings, expected):
    path = table(tmp_path, text)
    with pytest.raises(ValueError, match=r"^read_csv") as caught:
        read_csv(path, **settings)
    assert str(caught.value) == f"read_csv {str(path)!r}{expected}"


@pytest.mark.parametrize("number", ["nan", "NaN", "inf", "-Infinity", "1e39"])
def test_numbers_that_are_not_finite(tmp_path, number):
    path = table(tmp_path, f"label,a,b\n0,1,2\n0,1,{number}\n")
    with pytest.raises(ValueError, match=r"^read_csv") as caught:
        read_csv(path)
    expected = "expects finite numbers of float32, got NaN, infinity or too large a number"
    assert str(caught.value) == f"read_csv {str(path)!r} line 3 {expected}"


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"0,\xff", "'utf-8' codec can't decode byte 0xff in position 2: invalid start byte"),
        (b'0,"1\n', "unexpected end of data"),
    ],
)
def test_what_is_no_text(tmp_path, content, got):
    path = table(tmp_path, content)
    with pytest.raises(ValueError, match=r"^read_csv") as caught:
        read_csv(path)
    expected = f"expects lines of numbers in UTF-8, separated by commas, got {got}"
    assert str(caught.value) == f"read_csv {str(path)!r} {expected}"


@pytest.mark.parametrize("read", [read_csv, read_npz])
def test_files_that_are_not_there(tmp_path, read):
    path = tmp_path / "none"
    with pytest.raises(FileNotFoundError) as caught:
        read(path)
    expected = "expects to be able to read it, got No such file or directory"
    assert str(caught.value) == f"{read.__name__} {str(path)!r} {expected}"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_as_numpy_reads_it(tmp_path, save):
    arrays = {
        "images": np.arange(24, dtype=np.uint8).reshape(2, 3, 4),
        "by_columns": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "foreign": np.arange(3, dtype=">i2"),
        "single": np.array(2.5),
        "empty": np.zeros((0, 3), np.float32),
        "names": np.array(["one", "three"]),
    }
    save(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert_array_equal(found[name], array, strict=True)


class Bomb:
    """Something that shows whether it was unpickled."""

    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def test_python_objects_are_refused_unread(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([Bomb()], object))
    with pytest.raises(ValueError, match=r"^read_npz") as caught:
        read_npz(path)
    expected = "array 'x.npy' expects numbers or text, got type object"
    assert str(caught.value) == f"read_npz {str(path)!r} {expected}"


def npy(shape, numbers, descr="|u1"):
    """Return an `.npy` file whose header says `shape`, whatever is in it."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + numbers


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (npy((5,), b"1234"), "5 bytes of numbers for the sizes (5,), got 4"),
        (npy((2**40,), b"1234"), f"{2**40} bytes of numbers for the sizes ({2**40},), got 4"),
        (npy((3,), b"1234"), "nothing after 3 bytes of numbers, got more"),
        (npy((-1,), b"1234"), "sizes that an array can have, got (-1,)"),
        (npy((2**62, 2**62, 0), b""), f"sizes that an array can have, got {(2**62, 2**62, 0)}"),
        (npy((1,) * 65, b"1"), f"sizes that an array can have, got {(1,) * 65}"),
        (npy((4,), b"1234", "|V0"), "numbers or text, got type |V0"),
        (npy((4,), b"1234", "|?!"), "a header of version 1 or 2, got another"),
        (npy("open", b"1234"), "a header of version 1 or 2, got another"),
        (b"\x93NUMPY\x07\x00" + npy((4,), b"1234")[8:], "a header of version 1 or 2, got another"),
        (b"hello", "a header of version 1 or 2, got another"),
    ],
)
def test_an_array_that_lies(tmp_path, content, expected):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match=r"^read_npz") as caught:
        read_npz(path)
    assert str(caught.value) == f"read_npz {str(path)!r} array 'x.npy' expects {expected}"


def test_an_archive_cut_short_at_any_length(tmp_path):
    whole = io.BytesIO()
    np.savez(whole, x=np.arange(6))
    path = tmp_path / "a.npz"
    for length in range(len(whole.getvalue())):
        path.write_bytes(whole.getvalue()[:length])
        with pytest.raises(ValueError, match=r"^read_npz") as caught:
            read_npz(path)
        expected = "expects a whole archive of arrays, got a damaged one, or none"
        assert str(caught.value) == f"read_npz {str(path)!r} {expected}"


def test_an_archive_whose_numbers_are_damaged(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.full(1000, 7, np.uint8))
    content = path.read_bytes()
    place = content.index(bytes([7] * 1000)) + 500
    path.write_bytes(content[:place] + b"\x08" + content[place + 1 :])
    with pytest.raises(ValueError, match=r"^read_npz") as caught:
        read_npz(path)
    expected = "expects a whole archive of arrays, got a damaged one, or none"
    assert str(caught.value) == f"read_npz {str(path)!r} {expected}"
