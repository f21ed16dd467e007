"""Vectors by id: what is refused, who has none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.vectors import Vectors, coverage_notes
from hybridrec.errors import DataError, ParameterError

IDS = ["a", "b", "c"]
MATRIX = np.arange(6.0).reshape(3, 2)


def dataset(items=IDS):
    return Dataset.build(pd.DataFrame({"user": "u", "item": items}))


class TestOf:
    def test_arrays_and_lists_are_the_same(self):
        for given in (MATRIX, MATRIX.tolist(), [np.float32(row) for row in MATRIX], MATRIX.T[:2].T):
            made = Vectors.of("image", IDS, given)
            assert made.matrix.dtype == np.float32
            np.testing.assert_array_equal(made.matrix, MATRIX)

    def test_without_a_vector_there_is_no_id(self):
        made = Vectors.of("image", IDS, [[1, 2], None, [3, 4]])
        assert made.ids.ids.tolist() == ["a", "c"]
        assert made.matrix.tolist() == [[1, 2], [3, 4]]

    @pytest.mark.parametrize(
        ("matrix", "problem"),
        [
            (
                [[1, 2], [1, 2, 3], [1, 2]],
                r"row 1 \(item 'b'\) is of shape \(3,\), .* 2 n",
            ),
            ([[1, 2], 5, [1, 2]], r"row 1 \(item 'b'\) is of shape \(\)"),
            ([[1, 2], ["x", "y"], [1, 2]], r"row 1 \(item 'b'\) holds no numbers"),
            ([[1, 2], [np.nan, 2], [1, np.inf]], r"row 1 \(item 'b'\) holds NaN .*1 more rows"),
            ([[1, 2], None, [1, 1e40]], r"row 2 \(item 'c'\) holds NaN or infinite"),
            ([[1, 2], [3, 4]], "3 ids for 2 vectors"),
            ([None, None, None], "holds no vector|no numbers"),
            ([[], [], []], "the vectors have no numbers"),
            ([1, 2, 3], "row 0|no numbers|shape"),
        ],
    )
    def test_bad_vectors(self, matrix, problem):
        with pytest.raises(DataError, match=problem):
            Vectors.of("image", IDS, matrix)

    def test_bad_ids(self):
        with pytest.raises(DataError, match=r"duplicate item ids 'a': rows 0, 2"):
            Vectors.of("image", ["a", "b", "a"], MATRIX)
        with pytest.raises(DataError, match=r"f.npy: item id missing"):
            Vectors.of("image", ["a", None, "c"], MATRIX, where="f.npy")

    @pytest.mark.parametrize("name", ["", "a.b", "a+b", "a,b", "a b"])
    def test_bad_names(self, name):
        with pytest.raises(ParameterError, match="the name of vectors"):
            Vectors.of(name, IDS, MATRIX)

    def test_bad_side(self):
        with pytest.raises(ParameterError, match="side must be"):
            Vectors.of("image", IDS, MATRIX, "entity")


class TestRows:
    def test_integers_and_their_texts_are_one_id(self):
        numbers, texts = IdMap([7, 8, 9]), IdMap(["9", "x", "7"])
        assert Vectors.of("v", [9, 7], MATRIX[:2]).rows(numbers).tolist() == [1, -1, 0]
        assert Vectors.of("v", [9, 7], MATRIX[:2]).rows(texts).tolist() == [0, -1, 1]
        assert Vectors.of("v", ["9", "7"], MATRIX[:2]).rows(numbers).tolist() == [1, -1, 0]


class TestDataset:
    def test_vectors_stay_through_changes(self):
        data = dataset().with_vectors(Vectors.of("image", IDS, MATRIX))
        assert [one.name for one in data.with_knowledge(None).vectors] == ["image"]
        assert not dataset().vectors

    def test_refused(self):
        image = Vectors.of("image", ["x", "y", "z"], MATRIX)
        with pytest.raises(DataError, match=r"none of the 3 ids is one of the items here: .* 'x'"):
            dataset().with_vectors(image)
        own = Vectors.of("image", IDS, MATRIX)
        with pytest.raises(ParameterError, match="two sets of vectors of items are called 'image'"):
            dataset().with_vectors(own).with_vectors(own)
        dataset().with_vectors(own, Vectors.of("image", ["u"], MATRIX[:1], "user"))

    def test_notes(self):
        data = dataset(["a", "b", "c", "d"])
        found = Vectors.of("image", ["a", "z", "y"], MATRIX)
        notes = list(coverage_notes([found], {"item": data.items, "user": data.users}))
        assert notes == [
            "image: 3 of 4 items have no vector ('b', 'c', 'd')",
            "image: 2 of 3 vectors are of items that are not in the data ('z', 'y')",
        ]
        whole = Vectors.of("taste", ["u"], MATRIX[:1], "user")
        assert not list(coverage_notes([whole], {"item": data.items, "user": data.users}))

    def test_column_types(self):
        rows, table = pd.DataFrame({"user": "u", "item": IDS}), pd.DataFrame({"item": IDS})
        data = Dataset.build(rows, item_table=table.assign(plot="x"))
        assert data.with_column_types({"plot": "text"}).column_types == {"plot": "text"}
        with pytest.raises(ParameterError, match="no table has a column 'plott'; did you mean"):
            data.with_column_types({"plott": "text"})
        with pytest.raises(ParameterError, match="'plot': type must be one of category, list, num"):
            data.with_column_types({"plot": "prose"})
