"""IDX files: every type there and back, and every way in which a file can lie."""

import gzip
import math
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from backprop.data import read_idx, write_idx

TYPES = {0x08: "B", 0x09: "b", 0x0B: "h", 0x0C: "i", 0x0D: "f", 0x0E: "d"}
DTYPES = (np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64)
SMALL = bytes([0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60])
"""An array of 2 x 3 bytes: 12 bytes of header and 6 of numbers."""


def obvious(content):
    """Decode IDX one number at a time."""
    letter, axes = TYPES[content[2]], content[3]
    shape = [int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(axes)]
    array = np.empty(shape, letter)
    at = 4 + 4 * axes
    for place in np.ndindex(*shape):
        (array[place],) = struct.unpack_from(">" + letter, content, at)
        at += array.itemsize
    return array


def message(path, content, **how):
    """Return the error that the file `content` is refused with, after the name of the file."""
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^read_idx") as caught:
        read_idx(path, **how)
    start = f"read_idx {str(path)!r} expects "
    assert str(caught.value).startswith(start)
    return str(caught.value).removeprefix(start)


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0))
    ),
    end=st.sampled_from(["", ".gz"]),
)
def test_what_is_written_is_read(tmp_path_factory, array, end):
    path = tmp_path_factory.mktemp("idx") / f"array{end}"
    write_idx(path, array)
    again = read_idx(path)
    assert again.dtype == array.dtype
    assert again.dtype.isnative
    assert_array_equal(again, array, strict=True)
    content = path.read_bytes()
    assert_array_equal(obvious(gzip.decompress(content) if end else content), array)


def test_the_bytes_are_those_of_the_format(tmp_path):
    array = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    write_idx(tmp_path / "a", array)
    assert (tmp_path / "a").read_bytes() == SMALL
    write_idx(tmp_path / "b", np.array([1, -2], np.int16))
    expected = bytes([0, 0, 0x0B, 1, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE])
    assert (tmp_path / "b").read_bytes() == expected


@given(
    array=st.sampled_from(DTYPES).flatmap(
        lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=5, min_side=0))
    )
)
def test_what_is_written_is_mapped(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("idx") / "array"
    write_idx(path, array)
    mapped = read_idx(path, mmap=True)
    assert isinstance(mapped, np.memmap) == (array.size > 0)
    assert mapped.dtype == array.dtype.newbyteorder(">")
    assert_array_equal(mapped.astype(array.dtype), array, strict=True)


def test_a_map_is_to_be_read_only(tmp_path):
    (tmp_path / "a").write_bytes(SMALL)
    mapped = read_idx(tmp_path / "a", mmap=True)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0, 0] = 7
    assert (tmp_path / "a").read_bytes() == SMALL


def test_a_map_takes_no_memory(tmp_path):
    write_idx(tmp_path / "a", np.zeros((64, 2**16), np.uint8))
    tracemalloc.start()
    try:
        mapped = read_idx(tmp_path / "a", mmap=True)
        assert tracemalloc.get_traced_memory()[1] < mapped.nbytes / 16
    finally:
        tracemalloc.stop()


def test_what_is_compressed_cannot_be_mapped(tmp_path):
    got = message(tmp_path / "a", gzip.compress(SMALL), mmap=True)
    assert got == "a file that is not compressed, to map it, got one by gzip"


def test_views_and_foreign_byte_orders_are_written_by_value(tmp_path):
    array = np.arange(24, dtype=">i4").reshape(2, 3, 4)[:, ::-1, ::2]
    write_idx(tmp_path / "a", array)
    assert_array_equal(read_idx(tmp_path / "a"), array)


def test_compressed_is_told_by_content_and_not_by_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(SMALL)
    (tmp_path / "zipped").write_bytes(gzip.compress(SMALL))
    assert_array_equal(read_idx(tmp_path / "plain.gz"), [[10, 20, 30], [40, 50, 60]])
    assert_array_equal(read_idx(tmp_path / "zipped"), [[10, 20, 30], [40, 50, 60]])


def test_the_same_array_gives_the_same_bytes_at_any_time(tmp_path, monkeypatch):
    write_idx(tmp_path / "a.gz", np.arange(5, dtype=np.uint8))
    monkeypatch.setattr("time.time", lambda: 1e9)
    write_idx(tmp_path / "b.gz", np.arange(5, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_what_is_read_can_be_written_to(tmp_path):
    (tmp_path / "a").write_bytes(SMALL)
    array = read_idx(tmp_path / "a")
    array[0, 0] = 7
    assert array[0, 0] == 7


@pytest.mark.parametrize("length", range(len(SMALL)))
@pytest.mark.parametrize("how", ["read", "unzipped", "mapped"])
def test_cut_short_at_any_length(tmp_path, length, how):
    content = gzip.compress(SMALL[:length]) if how == "unzipped" else SMALL[:length]
    if length < 4:
        expected = f"4 bytes of type and axes, got {length}"
    elif length < 12:
        expected = f"8 bytes of sizes, got {length - 4}"
    else:
        expected = f"6 bytes of numbers for the sizes (2, 3), got {length - 12}"
    assert message(tmp_path / "a", content, mmap=how == "mapped") == expected


def test_a_gzip_cut_short_at_any_length(tmp_path):
    content = gzip.compress(SMALL)
    for length in range(2, len(content)):
        expected = "a whole gzip file, got a damaged one"
        assert message(tmp_path / "a", content[:length]) == expected


def test_a_gzip_damaged_in_its_numbers_or_checksum(tmp_path):
    content = gzip.compress(SMALL)
    for place in range(len(content) - 8, len(content)):
        damaged = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        assert message(tmp_path / "a", damaged) == "a whole gzip file, got a damaged one"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_bytes_after_the_numbers(tmp_path, pack):
    expected = "nothing after 6 bytes of numbers, got more"
    assert message(tmp_path / "a", pack(SMALL + b"\0")) == expected
    assert message(tmp_path / "a", SMALL + b"\0", mmap=True) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\1\0\x08\2", "two zero bytes at the start, got 01 00"),
        (b"\0\1\x08\2", "two zero bytes at the start, got 00 01"),
        (b"\x89PNG", "two zero bytes at the start, got 89 50"),
        (b"\0\0\x0a\2", "a type from 0x8, 0x9, 0xb, 0xc, 0xd, 0xe, got 0xa"),
        (b"\0\0\x08\0", "1 to 64 axes, got 0"),
        (b"\0\0\x08\x41", "1 to 64 axes, got 65"),
    ],
)
def test_a_header_that_is_none(tmp_path, start, expected):
    for mmap in (False, True):
        assert message(tmp_path / "a", start + SMALL[4:], mmap=mmap) == expected


LIES = [
    ((2, 4), "8 bytes of numbers for the sizes (2, 4), got 6"),
    ((2**16, 2**16), f"{2**32} bytes of numbers for the sizes (65536, 65536), got 6"),
    ((2**31, 2**31), f"{2**62} bytes of numbers for the sizes {(2**31, 2**31)}, got 6"),
    ((2**32 - 1,) * 2, f"sizes that an array can have, got {(2**32 - 1,) * 2}"),
    ((2**32 - 1, 2**32 - 1, 0), f"sizes that an array can have, got {(2**32 - 1, 2**32 - 1, 0)}"),
]


@pytest.mark.parametrize(("sizes", "expected"), LIES)
@pytest.mark.parametrize(("pack", "mmap"), [(bytes, False), (gzip.compress, False), (bytes, True)])
def test_sizes_that_lie_cost_no_memory(tmp_path, sizes, expected, pack, mmap):
    header = struct.pack(f">HBB{len(sizes)}I", 0, 0x08, len(sizes), *sizes)
    content = pack(header + SMALL[12:])
    tracemalloc.start()
    try:
        assert message(tmp_path / "a", content, mmap=mmap) == expected
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_file_of_many_axes(tmp_path):
    array = np.arange(2, dtype=np.uint8).reshape((1,) * 63 + (2,))
    write_idx(tmp_path / "a", array)
    assert_array_equal(read_idx(tmp_path / "a"), array, strict=True)


def test_a_file_longer_than_a_piece(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3, 1000, 1000), np.uint8)
    assert math.prod(array.shape) > 2**21
    write_idx(tmp_path / "a.gz", array)
    assert_array_equal(read_idx(tmp_path / "a.gz"), array, strict=True)


def test_a_file_that_cannot_be_read(tmp_path):
    start = "expects to be able to read it, got"
    with pytest.raises(FileNotFoundError) as caught:
        read_idx(tmp_path / "a")
    path = str(tmp_path / "a")
    assert str(caught.value) == f"read_idx {path!r} {start} No such file or directory"
    with pytest.raises(IsADirectoryError) as caught:
        read_idx(tmp_path)
    assert str(caught.value) == f"read_idx {str(tmp_path)!r} {start} Is a directory"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (
            np.zeros(2, np.int64),
            "an array of uint8, int8, int16, int32, float32, float64, got int64",
        ),
        (
            np.array([None]),
            "an array of uint8, int8, int16, int32, float32, float64, got object",
        ),
        (np.zeros((), np.uint8), "1 to 64 axes shorter than 2**32, got shape ()"),
        (
            np.zeros((2**32, 0), np.uint8),
            "1 to 64 axes shorter than 2**32, got shape (4294967296, 0)",
        ),
    ],
)
def test_arrays_that_the_format_cannot_hold(tmp_path, array, expected):
    path = tmp_path / "a.gz"
    write_idx(path, np.zeros(1, np.uint8))
    old = path.read_bytes()
    with pytest.raises(ValueError, match=r"^write_idx") as caught:
        write_idx(path, array)
    assert str(caught.value) == f"write_idx {str(path)!r} expects {expected}"
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_cut_short_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(SMALL)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"^write_idx") as caught:
        write_idx(path, np.zeros(3, np.uint8))
    expected = f"write_idx expects to be able to write {path}, got No space left on device"
    assert str(caught.value) == expected
    assert path.read_bytes() == SMALL
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path):
    path = tmp_path / "none" / "a"
    with pytest.raises(FileNotFoundError) as caught:
        write_idx(path, np.zeros(3, np.uint8))
    expected = f"write_idx expects to be able to write {path}, got No such file or directory"
    assert str(caught.value) == expected
    assert list(tmp_path.iterdir()) == []
