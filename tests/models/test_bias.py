"""Means of ratings, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec.errors import ParameterError
from hybridrec.models.bias import BiasBaseline

RATINGS = pd.DataFrame(
    {"user": list("aabbc"), "item": list("xyxzx"), "rating": [5.0, 3.0, 4.0, 1.0, 3.0]}
)
# mean 3.2; items first, then users on what is left:
#   x: 5, 4, 3 -> sum of residuals 2.4     y: 3 -> -0.2        z: 1 -> -2.2
PAIRS = pd.DataFrame({"user": list("aabc"), "item": list("xzyy")})


def test_undamped_means():
    model = BiasBaseline(damping=0).fit(RATINGS)
    # x = 4, y = 3, z = 1; a: 5-4, 3-3 -> .5; b: 4-4, 1-1 -> 0; c: 3-4 -> -1
    np.testing.assert_allclose(model.score(PAIRS)["score"], [4.5, 1.5, 3.0, 2.0], rtol=1e-6)


def test_damped_means():
    model = BiasBaseline(damping=1).fit(RATINGS)
    x, y, z = 3.2 + 2.4 / 4, 3.2 - 0.2 / 2, 3.2 - 2.2 / 2
    a = (5 - x + 3 - y) / 3
    b = (4 - x + 1 - z) / 3
    c = (3 - x) / 2
    expected = [a + x, a + z, b + y, c + y]
    np.testing.assert_allclose(model.score(PAIRS)["score"], expected, rtol=1e-6)


def test_a_folded_user_is_that_of_the_fit():
    model = BiasBaseline(damping=2).fit(RATINGS)
    folded = model._fold_in(model.history_)
    np.testing.assert_allclose(folded.user_factors, model.scorer_.user_factors, rtol=1e-6)
    history = RATINGS.query("user == 'a'").assign(user="new")
    lists, known = model.recommend(history=history), model.recommend(["a"])
    assert lists["item"].tolist() == known["item"].tolist() == ["z"]
    assert lists["score"].tolist() == known["score"].tolist()


def test_a_folded_item_is_that_of_the_fit():
    model = BiasBaseline(damping=2).fit(RATINGS)
    rows, bias = model._fold_in_items(model.history_.T.tocsr())
    np.testing.assert_allclose(bias, model.scorer_.item_bias, rtol=1e-6)
    np.testing.assert_array_equal(rows, 1.0)


@pytest.mark.parametrize("damping", [-1, float("nan"), "5"])
def test_bad_damping(damping):
    with pytest.raises(ParameterError, match="damping must be a number of at least 0"):
        BiasBaseline(damping=damping).fit(RATINGS)
