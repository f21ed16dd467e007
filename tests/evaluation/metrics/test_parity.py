"""The same numbers as ranx, implicit and scikit-learn wherever the definitions agree.

Where they do not, by the factor that the "Differs from" notes tell.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from hybridrec.evaluation.metrics import METRICS
from hybridrec.kernels.metrics import lists_of_rows

N_ITEMS = 15
RANX = {  # our name: module, function of one user's arrays, further arguments
    "precision": ("precision", "_precision", ()),
    "recall": ("recall", "_recall", ()),
    "f1": ("f1", "_f1", ()),
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


# For every user the scores a run gives, few of them different, none for a missing user; and the
# test items.
runs = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, N_ITEMS - 1), st.sampled_from([0.5, 1.0, 2.0]), max_size=9),
        st.sets(st.integers(0, N_ITEMS - 1), min_size=1, max_size=8),
    ),
    min_size=1,
    max_size=8,
)


def ranked(run: list[dict[int, float]], tie: np.ndarray, width: int = 9) -> list[list[int]]:
    """Return the lists of a run, without padding."""
    rows = [(user, item, -score) for user, one in enumerate(run) for item, score in one.items()]
    users, items, keys = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    lists = lists_of_rows(
        users.astype(np.int32), items.astype(np.int32), keys, tie, len(run), width
    )
    return [[item for item in one if item >= 0] for one in lists.tolist()]


@settings(deadline=None, max_examples=60)
@given(cases=runs, tie=st.permutations(range(N_ITEMS)), k=st.sampled_from([1, 2, 5, 8, 20]))
def test_equal_to_ranx(judge, ranx_of, cases, tie, k):
    tie = np.array(tie, dtype=np.int32)
    lists = ranked([run for run, _ in cases], tie)
    judged = judge(lists, [test for _, test in cases], (k,), n_items=N_ITEMS)
    for name, (function, rest) in ranx_of.items():
        ours = METRICS[name](judged)[:, 0]
        for user, (run, test) in enumerate(cases):
            if not run:  # ranx stops at users without a list
                assert ours[user] == 0
                continue
            truth = np.array([(item, 1.0) for item in sorted(test)])
            untied = [(item, score - tie[item] / 100) for item, score in run.items()]
            theirs = function(truth, np.array(sorted(untied, key=lambda x: -x[1])), k, 1.0, *rest)
            if name == "map":  # ranx divides by |test|
                theirs *= len(test) / min(k, len(test))
            assert ours[user] == pytest.approx(theirs, abs=1e-12), name


class Given:
    """A "model" of implicit whose lists are given."""

    def __init__(self, lists):
        self.lists = np.array(lists, dtype=np.int32)

    def recommend(self, users, _history, N):
        return self.lists[np.asarray(users), :N], None


@settings(deadline=None, max_examples=40)
@given(
    users=st.lists(
        st.tuples(
            st.permutations(range(N_ITEMS)), st.sets(st.integers(0, N_ITEMS - 1), max_size=8)
        ),
        min_size=2,
        max_size=6,
    ).filter(lambda users: any(test for _, test in users)),
    k=st.sampled_from([1, 3, 10]),
)
def test_equal_to_implicit(judge, users, k):
    from implicit.evaluation import ranking_metrics_at_k

    lists, tests = zip(*users, strict=True)
    judged = judge(lists, tests, (k,), n_items=N_ITEMS)
    asked = judged.test_counts[:, 0] > 0  # implicit leaves out users without test items
    theirs = ranking_metrics_at_k(
        Given(lists), judged.test, judged.test, K=k, show_progress=False, num_threads=1
    )
    for name in ("ndcg", "map"):
        assert METRICS[name](judged)[asked].mean() == pytest.approx(theirs[name])
    best = np.minimum(k, judged.test_counts[asked]).sum()
    hits = METRICS["precision"](judged)[asked].sum() * k
    assert hits / best == pytest.approx(theirs["precision"])


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
