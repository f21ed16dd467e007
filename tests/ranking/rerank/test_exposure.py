from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from hybridrec.ranking.rerank import FairExposure

SCORES = [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


def test_by_hand(ordered):
    # Maker a has 25 of 27 pairs, b 2 of 27. With fairness alone a is owed most at first: .926.
    # At rank 2 (worth .631) a is owed .926 * 1.631 - 1 = .51, at rank 3 (.5) .926 * 2.131 - 1.631
    # = .34. Then no item of a is left: film 5, of no maker, is owed nothing, and so is behind b,
    # owed .074 * 2.562 = .19 at rank 4, .22 after it less .43: behind film 5.
    assert ordered(FairExposure("maker", weight=1), SCORES) == [0, 1, 2, 3, 5, 4]


def test_small_groups_get_their_share_in_the_long_run():
    """40 candidates, those of the small group last: by rank 40 both have had their share."""
    import pandas as pd

    from hybridrec.dataset.idmap import IdMap
    from hybridrec.ranking.catalogue import Catalogue

    table = pd.DataFrame({"maker": ["big"] * 60 + ["small"] * 20})
    catalogue = Catalogue(IdMap(np.arange(80), "item"), np.ones(80), table, lambda _: np.eye(80))
    items = np.arange(80, dtype=np.int32)[None]
    scores = -items.astype(np.float32)
    nobody = csr_matrix((1, 80), dtype=np.float32)
    order = FairExposure("maker", weight=1).prepared(catalogue)(items, scores, nobody)[0, :40]
    worth = 1 / np.log2(np.arange(40) + 2)
    small = worth[order >= 60].sum() / worth.sum()
    assert abs(small - 0.25) < 0.02
    assert set(order[order >= 60]) == set(range(60, 60 + (order >= 60).sum()))  # the best of it


def test_popularity_is_the_default_group(ordered, films):
    # Of 27 pairs film 0 has 15: alone the head, worth 15 / 27; 1 begins after a share of .56 and
    # is the middle, all others are the tail with 5 / 27.
    np.testing.assert_allclose(films.merits(), np.array([15, 7, 5]) / 27)
    # Owed at rank 1: .56 .26 .19; at rank 2: head -.09, middle .42, tail .30; at rank 3 the tail.
    assert ordered(FairExposure(weight=1), SCORES)[:3] == [0, 1, 2]


def test_no_weight_keeps_the_order(ordered):
    assert ordered(FairExposure(weight=0), np.zeros(6)) == [0, 1, 2, 3, 4, 5]
