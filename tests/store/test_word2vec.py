from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hybridrec.errors import DataError, OutputError
from hybridrec.store import read_word2vec, write_word2vec

WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\n\r\x0b\x0c"), min_size=1)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.data())
def test_what_is_written_is_read(tmp_path_factory, data):
    shape = data.draw(array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=5))
    vectors = data.draw(arrays(np.float32, shape, elements=FLOATS))
    kind = data.draw(st.sampled_from([WORDS, NUMBERS]))
    ids = data.draw(st.lists(kind, min_size=shape[0], max_size=shape[0], unique=True))
    path = tmp_path_factory.getbasetemp() / "vectors.txt"
    write_word2vec(path, ids, vectors)
    found, numbers = read_word2vec(path)
    assert list(map(str, found)) == list(map(str, ids))
    assert numbers.dtype == np.float32
    np.testing.assert_array_equal(numbers, vectors)


def test_the_text_is_that_of_word2vec(tmp_path):
    path = tmp_path / "vectors.txt"
    write_word2vec(path, ["é\xa0x", "b"], np.array([[1, -0.5], [1e-9, 0.1]], np.float32))
    assert path.read_bytes().decode() == "2 2\né\xa0x 1 -0.5\nb 9.99999972e-10 0.100000001\n"


def test_it_is_read_as_gensim_reads_it(tmp_path):
    """Header, then one split by single spaces a line, until that many lines are read."""
    path = tmp_path / "vectors.txt"
    vectors = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    write_word2vec(path, [7, 8, 9], vectors)
    with path.open("rb") as stream:
        rows, dimensions = map(int, stream.readline().decode().split())
        lines = [stream.readline().rstrip().decode().split(" ") for _ in range(rows)]
    assert [line[0] for line in lines] == ["7", "8", "9"]
    assert {len(line) for line in lines} == {dimensions + 1}
    read = np.array([[np.float32(number) for number in line[1:]] for line in lines])
    np.testing.assert_array_equal(read, vectors)


def test_ids_are_integers_only_where_the_text_stays_the_same(tmp_path):
    path = tmp_path / "vectors.txt"
    for texts, kind in (("3 -4", np.int64), ("3 04", object), ("3 x", object), ("3 1_0", object)):
        one, other = texts.split()
        path.write_text(f"2 1\n{one} 0\n{other} 1\n")
        ids, _ = read_word2vec(path)
        assert ids.dtype == kind
        assert [str(found) for found in ids] == [one, other]


def test_spaces_and_empty_lines_of_other_tools_do_no_harm(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_bytes(b"2 2 \r\na  1\t2 \r\nb 3 4e0\r\n\r\n")
    ids, vectors = read_word2vec(path)
    assert ids.tolist() == ["a", "b"]
    assert vectors.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "line 1: expected the number of vectors"),
        (b"a 1 2\n", "line 1: expected the number of vectors and that of dimensions, got 'a 1 2'"),
        (b"2 0\n", "line 1: expected"),
        (b"-1 2\n", "line 1: expected"),
        (b"2 1\na 1\n", "vectors.txt is cut off: it has 1 vectors of 2"),
        (b"1 1\na 1\nb 1\n", "does not fit its first line: it has 2 vectors of 1"),
        (b"1 2\na 1\n", "line 2: expected an id and 2 numbers, got 2 fields"),
        (b"1 2\nNew York 1 2\n", "line 2: expected an id and 2 numbers, got 4 fields"),
        (b"2 1\na 1\nb x\n", "line 3: could not convert"),
        (b"1 2\na 1 nan\n", "line 2: nan is no finite float32"),
        (b"1 2\na 1e39 1\n", "line 2: 1e39 is no finite float32"),
        (b"2 1\na 1\na 2\n", "line 3: id 'a' is in line 2 already"),
        (b"1 1\n\xff 1\n", "line 2: the id is not UTF-8"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, text, message):
    path = tmp_path / "vectors.txt"
    path.write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_word2vec(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"cannot read .*none\.txt"):
        read_word2vec(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("ids", "vectors", "message"),
    [
        (["a b", "c"], np.ones((2, 1)), "'a b'; rename them"),
        (["a\n", "c"], np.ones((2, 1)), "white space"),
        (["", "c"], np.ones((2, 1)), "no empty one: there are ''"),
        (["\ud800", "c"], np.ones((2, 1)), "rename"),
        ([1, "1"], np.ones((2, 1)), "several times: '1'"),
        (["a"], np.ones((2, 1)), r"1 ids do not fit vectors of shape \(2, 1\)"),
        (["a", "b"], np.ones((2, 0)), "do not fit"),
        (["a", "b"], np.array([[1], [np.nan]]), "at ids 'b'"),
        (["a", "b"], np.array([[1], [1e39]]), "at ids 'b'"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(tmp_path, ids, vectors, message):
    path = tmp_path / "vectors.txt"
    with pytest.raises(DataError, match=message):
        write_word2vec(path, ids, vectors)
    assert not path.exists()


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match="cannot write"):
        write_word2vec(tmp_path / "none" / "vectors.txt", ["a"], np.ones((1, 1)))
