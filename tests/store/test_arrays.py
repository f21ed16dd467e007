from __future__ import annotations

import contextlib
import json
import mmap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file
from scipy import sparse

from hybridrec.errors import DataError, ModelFolderError, OutputError
from hybridrec.store.arrays import read_arrays, write_arrays

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def file_with(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def is_mapped(array):
    base = array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    return isinstance(base, np.memmap) and isinstance(base._mmap, mmap.mmap)


def assert_same_csr(found, expected):
    assert isinstance(found, sparse.csr_matrix)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(found, part), getattr(expected, part))


ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@st.composite
def csr_matrices(draw):
    rows, columns = draw(st.integers(0, 6)), draw(st.integers(1, 6))
    counts = draw(st.lists(st.integers(0, 4), min_size=rows, max_size=rows))
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    indices = draw(hnp.arrays("i4", int(indptr[-1]), elements=st.integers(0, columns - 1)))
    data = draw(hnp.arrays("f4", int(indptr[-1])))
    kind = draw(st.sampled_from([sparse.csr_matrix, sparse.csr_array]))
    return kind((data, indices, indptr), shape=(rows, columns))  # unsorted, with duplicates


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(arrays=st.dictionaries(NAMES, ARRAYS, max_size=4))
@settings(max_examples=80, deadline=None)
def test_any_arrays_come_back_exactly(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    write_arrays(path, arrays)
    found = read_arrays(path)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.aligned


@given(matrix=csr_matrices())
@settings(max_examples=60, deadline=None)
def test_any_csr_matrix_comes_back_exactly(tmp_path_factory, matrix):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    write_arrays(path, {"W": matrix, "b": np.arange(3)})
    found = read_arrays(path)
    assert found.keys() == {"W", "b"}
    assert_same_csr(found["W"], matrix)


def test_arrays_are_mapped_and_read_only(tmp_path):
    matrix = sparse.random(50, 40, 0.2, "csr", dtype=np.float32, random_state=0)
    wide = sparse.csr_matrix(matrix)
    wide.indices, wide.indptr = wide.indices.astype("i8"), wide.indptr.astype("i8")
    P = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_arrays(tmp_path / "a.safetensors", {"P": P, "W": matrix, "wide": wide})
    found = read_arrays(tmp_path / "a.safetensors")

    views = [found["P"]]
    for name in ("W", "wide"):
        views += [found[name].data, found[name].indices, found[name].indptr]
    for view in views:
        assert is_mapped(view)
        assert type(view) is np.ndarray
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            view[...] = 0
    assert wide.indices.dtype == np.int64  # the input was not touched


def test_mapped_csr_matrix_computes_like_the_original(tmp_path):
    matrix = sparse.random(50, 40, 0.2, "csr", dtype=np.float32, random_state=0)
    write_arrays(tmp_path / "a.safetensors", {"W": matrix})
    found = read_arrays(tmp_path / "a.safetensors")["W"]
    vector = np.arange(40, dtype=np.float32)
    np.testing.assert_array_equal(found @ vector, matrix @ vector)
    np.testing.assert_array_equal(found[[3, 1]].toarray(), matrix[[3, 1]].toarray())
    np.testing.assert_array_equal((found.T @ found).toarray(), (matrix.T @ matrix).toarray())


def test_memory_layout_and_byte_order_do_not_matter(tmp_path):
    arrays = {
        "strided": np.arange(12, dtype=np.float32)[::3],
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "transposed": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "big_endian": np.arange(3, dtype=">i4"),
        "scalar": np.float32(3.5),
    }
    write_arrays(tmp_path / "a.safetensors", arrays)
    found = read_arrays(tmp_path / "a.safetensors")
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].shape == array.shape


def test_no_arrays_at_all(tmp_path):
    write_arrays(tmp_path / "a.safetensors", {})
    assert read_arrays(tmp_path / "a.safetensors") == {}


def test_other_programs_read_the_file(tmp_path):
    P = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_arrays(tmp_path / "a.safetensors", {"P": P, "W": sparse.eye(3, format="csr")})
    found = load_file(tmp_path / "a.safetensors")
    assert found.keys() == {"P", "W.data", "W.indices", "W.indptr"}
    np.testing.assert_array_equal(found["P"], P)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.array(["x"])}, "<U1"),
        ({"a": np.array([None])}, "object"),
        ({"a": np.zeros(2, "c8")}, "complex64"),
        ({"a": np.zeros(2, "M8[s]")}, "datetime64"),
        ({"": np.zeros(2)}, "name of an array"),
        ({"__metadata__": np.zeros(2)}, "name of an array"),
        ({7: np.zeros(2)}, "7 cannot be"),
        ({"W": sparse.eye(3, format="csc")}, "tocsr"),
        ({"W.data": np.zeros(2), "W": sparse.eye(3, format="csr")}, r"'W\.data'"),
    ],
)
def test_what_cannot_be_stored_is_named_and_nothing_written(tmp_path, arrays, message):
    with pytest.raises(DataError, match=message):
        write_arrays(tmp_path / "a.safetensors", arrays)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("parent", ["missing", "file"])
def test_unwritable_place(tmp_path, parent):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"a\.safetensors"):
        write_arrays(tmp_path / parent / "a.safetensors", {"a": np.zeros(2)})


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    write_arrays(path, {"P": np.arange(4.0), "W": sparse.eye(3, format="csr")})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFolderError, match=r"a\.safetensors"):
            read_arrays(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelFolderError, match="goes on"):
        read_arrays(path)


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_flipped_header_bit_never_escapes_as_another_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("arrays") / "a.safetensors"
    write_arrays(path, {"P": np.arange(4.0), "W": sparse.eye(3, format="csr")})
    content = bytearray(path.read_bytes())
    header = 8 + int.from_bytes(content[:8], "little")
    content[data.draw(st.integers(0, header - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with contextlib.suppress(ModelFolderError):
        read_arrays(path)  # a changed name or type of the same width cannot be noticed here


def entry(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ({"a": entry()}, 4),  # data missing
        ({"a": entry()}, 12),  # data left over
        ({"a": entry(shape=(3,))}, 8),  # shape does not fit the bytes
        ({"a": entry(dtype="F64")}, 8),
        ({"a": entry(), "b": entry()}, 8),  # overlap
        ({"a": entry(), "b": entry(offsets=(4, 12))}, 12),  # partial overlap
        ({"a": entry(), "b": entry(offsets=(12, 20))}, 20),  # hole
        ({"a": entry(offsets=(4, 12))}, 12),
        ({"a": entry(offsets=(8, 0))}, 8),
        ({"a": entry(offsets=(-8, 0))}, 8),
        ({"a": entry(offsets=(0,))}, 8),
        ({"a": entry(shape=(-2, -1))}, 8),
        ({"a": entry(shape=(2.0,))}, 8),
        ({"a": entry(shape=(True, 2))}, 8),
        ({"a": entry(shape=("2",))}, 8),
        ({"a": entry(shape=(2**70, 0), offsets=(0, 0))}, 0),
        ({"a": entry(dtype="BF16")}, 8),
        ({"a": entry(dtype=None)}, 8),
        ({"a": entry(dtype=[])}, 8),
        ({"a": {}}, 8),
        ({"a": 3}, 8),
        ({"a": None, "b": None}, 8),
        ([], 0),
        (3, 0),
        ("text", 0),
        (None, 0),
        (b"{", 0),
        (b"\xff\xfe", 0),
        (b"[" * 100_000, 0),
        ({"__metadata__": 3}, 0),
        ({"__metadata__": {"csr": "no json"}}, 0),
        ({"__metadata__": {"csr": "[1]"}}, 0),
        ({"__metadata__": {"csr": 5}}, 0),
        ({"__metadata__": {"csr": '{"W": [1, 1]}'}}, 0),  # its tensors are missing
    ],
)
def test_hostile_headers(tmp_path, header, size):
    path = file_with(tmp_path / "a.safetensors", header, b"\0" * size)
    with pytest.raises(ModelFolderError, match=r"a\.safetensors"):
        read_arrays(path)


def test_header_length_beyond_the_file(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"\xff" * 8 + b"{}")
    with pytest.raises(ModelFolderError, match="inside its header"):
        read_arrays(path)


def csr_file(path, data, indices, indptr, shape):
    parts = {"W.data": data, "W.indices": indices, "W.indptr": indptr}
    header, content = {"__metadata__": {"csr": json.dumps({"W": shape})}}, b""
    names = {"f4": "F32", "i4": "I32", "i8": "I64", "i2": "I16"}
    for name, part in parts.items():
        begin = len(content)
        content += part.tobytes()
        header[name] = entry(names[part.dtype.str[1:]], part.shape, (begin, len(content)))
    return file_with(path, header, content)


def i4(*values):
    return np.array(values, dtype=np.int32)


TWO = np.array([1, 2], dtype=np.float32)
BIG = 2**31 - 1


def test_the_hand_made_csr_file_is_right_when_nothing_is_wrong(tmp_path):
    path = csr_file(tmp_path / "a.safetensors", TWO, i4(0, 2), i4(0, 1, 2), [2, 3])
    np.testing.assert_array_equal(read_arrays(path)["W"].toarray(), [[1, 0, 0], [0, 0, 2]])


@pytest.mark.parametrize(
    ("parts", "shape"),
    [
        ((TWO, i4(0, 3), i4(0, 1, 2)), [2, 3]),  # column too large
        ((TWO, i4(0, -1), i4(0, 1, 2)), [2, 3]),
        ((TWO, i4(0, 2), i4(0, 3, 2)), [2, 3]),  # falls
        ((TWO, i4(0, 2), i4(1, 1, 2)), [2, 3]),  # does not begin at 0
        ((TWO, i4(0, 2), i4(0, 1, 1)), [2, 3]),  # ends early
        ((TWO, i4(0, 2), i4(0, 1, 3)), [2, 3]),  # ends late
        ((TWO, i4(0, 2), i4(0, BIG, -BIG - 1, -1, 2)), [4, 3]),  # rises only modulo 2**32
        ((TWO, i4(0, 2), i4(0, 2)), [2, 3]),  # a row is missing
        ((TWO, i4(0, 2), i4()), [0, 3]),
        ((TWO, i4(0), i4(0, 1, 1)), [2, 3]),
        ((TWO, i4(0, 2), i4(0, 1, 2)), [2]),
        ((TWO, i4(0, 2), i4(0, 1, 2)), [2, -3]),
        ((TWO, i4(0, 2), i4(0, 1, 2)), "23"),
        ((TWO, i4(0, 2), np.array([0, 1, 2])), [2, 3]),  # two widths
        ((TWO, i4(0, 2).astype("i2"), i4(0, 1, 2).astype("i2")), [2, 3]),
        ((TWO[None], i4(0, 2), i4(0, 1, 2)), [2, 3]),
    ],
)
def test_csr_parts_that_would_read_outside_of_memory_are_refused(tmp_path, parts, shape):
    path = csr_file(tmp_path / "a.safetensors", *parts, shape)
    with pytest.raises(ModelFolderError, match="ValueError"):
        read_arrays(path)
