"""Blocks side by side."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from hybridrec.errors import DataError, ParameterError
from hybridrec.features.blocks import FeatureBlock, Features, scale_rows


def block(name="b", matrix=((1.0, 0.0), (0.0, 2.0)), names=("x", "y"), **more):
    return FeatureBlock(name, np.array(matrix, dtype=np.float32), np.array(names), **more)


class TestFeatureBlock:
    @pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf])
    def test_bad_weight(self, weight):
        with pytest.raises(ParameterError, match="weight of block 'b' must be >= 0"):
            block(weight=weight)

    @pytest.mark.parametrize("wrap", [np.asarray, csr_matrix])
    def test_bad_values(self, wrap):
        with pytest.raises(DataError, match="block 'b' holds NaN or infinite"):
            FeatureBlock("b", wrap(np.array([[1.0, np.nan]])), np.array(["x", "y"]))

    def test_names_must_fit(self):
        with pytest.raises(DataError, match=r"shape \(2, 2\) with 1 feature names"):
            block(names=("x",))


class TestFeatures:
    def test_blocks_stand_side_by_side_times_their_weight(self):
        sparse = FeatureBlock("s", csr_matrix(np.array([[0.0], [3.0]])), np.array(["z"]), 0.5)
        both = Features([block(weight=2.0), sparse])
        assert len(both) == 2
        assert both.feature_names.tolist() == ["b:x", "b:y", "s:z"]
        matrix = both.matrix()
        assert (matrix.format, matrix.dtype) == ("csr", np.float32)
        assert matrix.toarray().tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 1.5]]
        assert repr(both) == "Features(2 rows; b: 2, s: 1)"

    def test_weight_zero_leaves_no_entry(self):
        matrix = Features([block(weight=0.0), block("c")]).matrix()
        assert matrix.shape == (2, 4)
        assert matrix.nnz == 2
        assert Features([block(weight=0.0)]).matrix().nnz == 0

    def test_matrix_is_a_copy(self):
        one = block()
        Features([one]).matrix().data[:] = 9
        assert one.matrix.tolist() == [[1.0, 0.0], [0.0, 2.0]]

    def test_refused(self):
        with pytest.raises(DataError, match="at least one block"):
            Features([])
        with pytest.raises(DataError, match="differ in their number of rows"):
            Features([block(), block("c", matrix=((1.0, 1.0),))])
        with pytest.raises(DataError, match="repeat a name: 'b', 'b'"):
            Features([block(), block()])


class TestScaleRows:
    @pytest.mark.parametrize("wrap", [np.asarray, csr_matrix])
    def test_rows_get_length_one(self, wrap):
        matrix = np.array([[3.0, 4.0], [0.0, 0.0], [0.0, -2.0]], dtype=np.float32)
        given = wrap(matrix.copy())
        scaled = scale_rows(given)
        assert scaled.dtype == np.float32
        dense = scaled if wrap is np.asarray else scaled.toarray()
        np.testing.assert_allclose(dense, [[0.6, 0.8], [0.0, 0.0], [0.0, -1.0]], rtol=1e-6)
        unchanged = given if wrap is np.asarray else given.toarray()
        np.testing.assert_array_equal(unchanged, matrix)

    @pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
    def test_nothing(self, shape):
        assert scale_rows(np.zeros(shape)).shape == shape
        assert scale_rows(csr_matrix(shape)).shape == shape

    @pytest.mark.parametrize("size", [1e-30, 1e30])
    def test_squares_neither_overflow_nor_vanish(self, size):
        tiny = csr_matrix(np.array([[3.0, 4.0]], dtype=np.float32) * np.float32(size))
        np.testing.assert_allclose(scale_rows(tiny).toarray(), [[0.6, 0.8]], rtol=1e-5)
