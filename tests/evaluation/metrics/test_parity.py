"""The same numbers as ranx and scikit-learn wherever the definitions agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from hybridrec.evaluation.metrics import METRICS

RANX = {  # our name: module, function of one user's arrays, further arguments
    "precision": ("precision", "_precision", ()),
    "recall": ("recall", "_recall", ()),
    "hit-rate": ("hit_rate", "_hit_rate", ()),
    "mrr": ("reciprocal_rank", "_reciprocal_rank", ()),
    "map": ("average_precision", "_average_precision", ()),
    "ndcg": ("ndcg", "_ndcg", (True,)),
}


@pytest.fixture(scope="module")
def ranx_of():
    """The functions behind `ranx.evaluate`: its own front end compiles for most of a minute."""
    import importlib

    import numba

    layer = numba.config.THREADING_LAYER
    pytest.importorskip("ranx")
    numba.config.THREADING_LAYER = layer  # ranx changes it for the whole process
    found = {}
    for name, (module, function, rest) in RANX.items():
        compiled = getattr(importlib.import_module(f"ranx.metrics.{module}"), function)
        found[name] = (compiled, rest)
    return found


cases = st.lists(
    st.tuples(
        st.lists(st.integers(0, 14), unique=True, max_size=8),
        st.sets(st.integers(0, 14), min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(cases=cases, k=st.sampled_from([1, 2, 5, 8, 20]))
def test_equal_to_ranx(judge, ranx_of, cases, k):
    judged = judge([one for one, _ in cases], [test for _, test in cases], (k,), n_items=15)
    for name, (function, rest) in ranx_of.items():
        ours = METRICS[name](judged)[:, 0]
        for user, (one, test) in enumerate(cases):
            if not one:
                assert ours[user] == 0
                continue
            truth = np.array([(item, 1.0) for item in sorted(test)])
            run = np.array([(item, 1.0 - rank / 100) for rank, item in enumerate(one)])
            theirs = function(truth, run, k, 1.0, *rest)
            if name == "map":  # ranx divides by |test|
                theirs *= len(test) / min(k, len(test))
            assert ours[user] == pytest.approx(theirs, abs=1e-12), name


@settings(deadline=None, max_examples=60)
@given(
    order=st.permutations(range(9)),
    test=st.sets(st.integers(0, 8), min_size=1, max_size=8),
    k=st.integers(1, 9),
)
def test_equal_to_scikit_learn_on_complete_lists(judge, order, test, k):
    truth = np.isin(np.arange(9), list(test))[None].astype(float)
    scores = np.empty((1, 9))
    scores[0, list(order)] = np.arange(9, 0, -1)
    judged = judge([list(order)], [test], (k, 9), n_items=9)
    assert METRICS["ndcg"](judged)[0, 0] == pytest.approx(ndcg_score(truth, scores, k=k))
    assert METRICS["map"](judged)[0, 1] == pytest.approx(
        label_ranking_average_precision_score(truth, scores)
    )
