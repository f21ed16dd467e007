from __future__ import annotations

import numpy as np
import pytest

from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.selection.cut import ValidationCut
from hybridrec.evaluation.selection.gains import Gains
from hybridrec.models.registry import make_model


def test_the_mean_is_that_of_evaluate(tastes):
    for split in ValidationCut.of(tastes(facts=True)).views.values():
        model = make_model("hybrid-als", factors=4, iterations=2).fit(split.train)
        expected = evaluate(model, split, metrics=["ndcg"], k=20).mean("ndcg", 20)
        assert Gains.of(model, split).mean == pytest.approx(expected, abs=1e-12)


def test_a_model_that_recommends_nothing_gains_nothing(tastes):
    split = ValidationCut.of(tastes()).views["overall"]
    assert Gains.of(None, split).mean == 0.0
    assert (
        Gains.of(make_model("popularity").fit(split.train), split).less(Gains.of(None, split)).above
    )


def test_a_difference_by_hand():
    users, items = np.array([0, 0, 1, 2]), np.array([5, 7, 5, 9])
    one = Gains(np.array([0.4, 0.2, 0.6, 0.0]), users, items)
    other = Gains(np.array([0.1, 0.2, 0.0, 0.3]), users, items)
    found = one.less(other)
    assert found.mean == pytest.approx((0.3 + 0.6 - 0.3) / 3)  # 0.2
    # less the mean: user 0 has 0.1, 1 has 0.4, 2 has -0.5; item 5 has 0.6, 7 -0.1, 9 -0.5
    of_users = (0.1**2 + 0.4**2 + 0.5**2) * 3 / 2
    of_items = (0.6**2 + 0.1**2 + 0.5**2) * 3 / 2
    of_pairs = 0.2**2 + 0.1**2 + 0.4**2 + 0.5**2
    assert found.error == pytest.approx(np.sqrt(of_users + of_items - of_pairs) / 3)
    assert (found.above, found.below) == (False, False)
    assert str(found) == f"+0.2000 ± {found.error:.4f}"
    assert one.less(one).error == 0.0
    assert not one.less(one).above


def test_users_who_agree_on_an_item_count_as_one():
    """Thirty users gain by the same item: chance may have placed it, so the error is large."""
    users = np.arange(60) // 2
    base = Gains(np.zeros(60), users, np.tile([0, 1], 30))
    lucky = Gains(np.tile([0.5, 0.0], 30), users, np.tile([0, 1], 30))
    assert not lucky.less(base).above
    spread = Gains(np.tile([0.5, 0.0], 30), users, np.arange(60))
    assert spread.less(Gains(np.zeros(60), users, np.arange(60))).above
