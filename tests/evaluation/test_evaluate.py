from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, NotFittedError, ParameterError
from hybridrec.evaluation import (
    METRICS,
    SPLITS,
    Comparison,
    Split,
    cold_users,
    compare,
    evaluate,
)
from hybridrec.evaluation.metrics import Context
from hybridrec.evaluation.sources import BLOCK
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.item_knn import ItemKNN
from hybridrec.models.popularity import Popularity

COLD = 3


@pytest.fixture
def split() -> Split:
    """Three tested users; item d (code 3) has no training row."""
    rows = Interactions.from_frame(
        pd.DataFrame({"user": [1, 1, 1, 2, 2, 3, 3], "item": list("abdbcca")})
    )
    train = Dataset.build(rows.take([0, 3, 5]))
    return Split("mine", {"random_state": 4}, train, rows.take([1, 2, 4, 6]))


@pytest.fixture
def model(score_table, split):
    """Lists: user 1 [d, c, b], user 2 none, user 3 [b, a]."""
    scores = np.array([[0, 0.1, 0.5, 0.9], [-np.inf] * 4, [0.2, 0.8, 0, -np.inf]])
    return score_table(split.train, scores)


def test_means_are_over_all_test_users(model, split):
    found = evaluate(model, split, metrics=["recall", "hit-rate"], k=[1, 3])
    rows = [row for row in found.summary() if row["slice"] == "all"]
    values = {(row["metric"], row["k"]): row["value"] for row in rows}
    assert values == pytest.approx(
        {
            ("recall", 1): (1 / 2 + 0 + 0) / 3,
            ("recall", 3): (1 + 0 + 1) / 3,
            ("hit-rate", 1): 1 / 3,
            ("hit-rate", 3): 2 / 3,
        }
    )
    assert {(row["n_users"], row["covered_users"]) for row in rows} == {(3, 2)}
    assert {(row["model"], row["seed"]) for row in rows} == {("score-table", 4)}


def test_warm_and_cold_items_apart(model, split):
    found = evaluate(model, split, metrics=["recall", "coverage"], k=3)
    assert set(found.slices) == {"all", "warm", "cold"}
    assert found.slices["cold"].users.tolist() == [1]
    assert found.mean("recall", 3, "cold") == 1
    assert found.mean("coverage", 3, "cold") == 1
    # user 1 finds b, user 2 has no list, user 3 finds a
    assert found.values("recall", 3, "warm").tolist() == [1, 0, 1]
    assert found.slices["warm"].covered_users == 2
    assert found.mean("coverage", 3, "warm") == 1


def test_no_slices_without_both_kinds(model, split):
    warm_only = Split("mine", {}, split.train, split.test.take(split.test.item_codes != COLD))
    assert set(evaluate(model, warm_only).slices) == {"all"}


@pytest.mark.parametrize("name", SPLITS)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_run_of_the_model_gives_the_same_numbers(random_dataset, score_table, name, library):
    split = SPLITS[name](random_dataset(seed=8))
    shape = len(split.train.users), len(split.train.items)
    scores = np.random.default_rng(0).integers(0, 4, shape).astype(float)  # many ties
    scores[3] = -np.inf
    table = score_table(split.train, scores)
    frame = table.run(split)
    if library == "polars":
        frame = pl.DataFrame(frame.to_dict("list"))
    ours, theirs = evaluate(table, split, k=(1, 5, 10)), evaluate(frame, split, k=(1, 5, 10))
    assert set(ours.slices) == set(theirs.slices)
    for part, values in ours.slices.items():
        assert values.covered_users == theirs.slices[part].covered_users
        for column in ours.columns:
            assert np.array_equal(values.values[column], theirs.slices[part].values[column])


def test_cold_items_are_the_only_candidates(random_dataset, score_table):
    split = SPLITS["cold-items"](random_dataset())
    table = score_table(split.train, np.zeros((len(split.train.users), len(split.train.items))))
    found = evaluate(table, split, k=100)
    assert set(found.slices) == {"all"}
    assert all(asked["items"] is split.candidates for asked in table.asked)
    # every candidate is in every list
    assert found.mean("coverage", 100) == 1
    assert found.mean("recall", 100) == 1


def test_support_is_given_as_history(random_dataset, score_table):
    split = SPLITS["cold-users"](random_dataset(), support=2)
    table = score_table(split.train, np.zeros((len(split.train.users), len(split.train.items))))
    evaluate(table, split)
    (asked,) = table.asked
    assert (asked["history"] != split.support.matrix[split.test_users]).nnz == 0


def test_users_are_asked_for_in_blocks(score_table):
    n_users = BLOCK + 3
    users = np.repeat(np.arange(n_users), 2)
    rows = Interactions.from_frame(pd.DataFrame({"user": users, "item": np.tile([0, 1], n_users)}))
    first = rows.item_codes == 0
    split = Split("mine", {}, Dataset.build(rows.take(first)), rows.take(~first))
    table = score_table(split.train, np.ones((n_users, 2)))
    found = evaluate(table, split, metrics=["recall"], k=1)
    assert [len(asked["users"]) for asked in table.asked] == [BLOCK, 3]
    assert found.mean("recall", 1) == 1


def test_k_beyond_the_catalogue(model, split):
    found = evaluate(model, split, k=[3, 4, 1000])
    assert found.mean("recall", 1000) == found.mean("recall", 4) == found.mean("recall", 3)
    assert found.mean("precision", 1000) == pytest.approx(3 / 1000 / 3)


def test_cutoffs_are_sorted_and_distinct(model, split):
    assert evaluate(model, split, k=(20, 5, 20)).k == (5, 20)


def test_a_model_of_other_ids_is_refused(model, split, score_table, random_dataset):
    other = score_table(random_dataset(), np.zeros((1, 1)))
    with pytest.raises(ParameterError, match=r"score-table was fitted on other users or items"):
        evaluate(other, split)


def test_a_model_that_saw_the_test_is_refused(score_table, split):
    cheat = score_table(split.train, np.zeros((3, 4)))
    cheat.history_ = split.train.matrix + split.test.matrix
    with pytest.raises(ParameterError, match="fitted on 4 held-out interactions"):
        evaluate(cheat, split)


def test_a_model_that_was_not_fitted_is_refused(score_table, split):
    blank = score_table.__new__(score_table)
    with pytest.raises(NotFittedError, match="score-table is not fitted yet"):
        evaluate(blank, split)


def test_wrong_parameters(model, split):
    with pytest.raises(ParameterError, match=r"unknown metric 'recal'; did you mean 'recall'\?"):
        evaluate(model, split, metrics=["recal"])
    with pytest.raises(ParameterError, match="at least one metric"):
        evaluate(model, split, metrics=[])
    for k in (0, [], [10, -1], 2.5, True):
        with pytest.raises(ParameterError, match="k must be"):
            evaluate(model, split, k=k)


def test_a_metric_of_your_own(model, split, monkeypatch):
    monkeypatch.setitem(METRICS, "length", lambda judged: (judged.lists >= 0).sum(axis=1)[:, None])
    found = evaluate(model, split, metrics="length", k=3)
    assert found.values("length", 3).tolist() == [3, 0, 2]


def test_metrics_that_need_more(model, split):
    """What the split knows is there by itself, the rest is given."""
    needy = ["novelty", "serendipity", "gini", "arp"]
    found = evaluate(model, split, metrics=needy, k=3)
    assert found.metrics == tuple(needy)
    # one training user each of a, b, c: arp of [d, c, b] 2/3, of none 0, of [b, a] 1
    assert found.values("arp", 3) == pytest.approx([2 / 3, 0, 1])
    with pytest.raises(ParameterError, match="needs features of the items"):
        evaluate(model, split, metrics=["diversity"])
    alike = Context(features=np.ones((4, 1)))
    assert (
        evaluate(model, split, metrics=["diversity"], k=3, context=alike).mean("diversity", 3) == 0
    )


def test_compare(model, split):
    frame = model.run(split)
    both = compare({"table": model, "run": frame}, split, k=2)
    assert list(both.by_model) == ["table", "run"]
    assert both.mean("table", "ndcg", 2) == both.mean("run", "ndcg", 2)
    (run,) = both.by_model["run"]
    assert run.notes == ("2 rows removed: the user is known to have the item",)
    with pytest.raises(ParameterError, match="at least one"):
        compare({}, split)


def test_compare_on_slices_and_several_splits(random_dataset, score_table):
    comparisons = []
    for fold in range(3):
        split = SPLITS["random"](random_dataset(), random_state=fold)
        shape = len(split.train.users), len(split.train.items)
        scores = np.random.default_rng(fold).random((2, *shape))
        models = {name: score_table(split.train, scores[one]) for one, name in enumerate("ab")}
        asked = {"metrics": ["recall"], "k": 5, "slices": ["users:activity"], "seed": 10 + fold}
        comparisons.append(compare(models, split, **asked))
    found = Comparison.over(comparisons)
    assert found.seeds == (10, 11, 12)
    assert {"all", "users:activity=hot", "users:activity=warm"} <= set(found.slices)
    means = [one.mean("a", "recall", 5, "users:activity=warm") for one in comparisons]
    assert found.mean("a", "recall", 5, "users:activity=warm") == pytest.approx(np.mean(means))
    frame = found.significance("recall", 5, on="users:activity=warm")
    gap = found.mean("a", "recall", 5, "users:activity=warm") - found.mean(
        "b", "recall", 5, "users:activity=warm"
    )
    assert frame["difference"][0] == pytest.approx(gap)


def test_seed_of_the_results(model, split):
    assert evaluate(model, split).seed == 4
    assert {row["seed"] for row in evaluate(model, split, seed=0).summary()} == {0}


# ---- all candidates, and chosen ones ----------------------------------------------------------


def test_auc_over_all_candidates(random_dataset):
    split = SPLITS["random"](random_dataset(seed=3), random_state=1)
    model = ItemKNN().fit(split.train)
    found = evaluate(model, split, metrics=["recall", "auc", "gauc"], k=5, slices="users:activity")
    users, test = split.test_users, split.test.matrix
    expected = []
    for user in users:
        scores = np.maximum(model.scorer_.block(np.array([user]))[0], -1)  # -inf: no neighbour
        truth = test[user].toarray().ravel() > 0
        asked = truth | (split.seen[user].toarray().ravel() == 0)
        expected.append(roc_auc_score(truth[asked], scores[asked]))
    assert found.values("auc", None) == pytest.approx(np.array(expected))
    counts = np.diff(test[users].indptr)
    assert found.mean("gauc", None) == pytest.approx(np.average(expected, weights=counts))
    assert found.columns == (("recall", 5), ("auc", None), ("gauc", None))
    for on, part in found.slices.items():
        values = part.values["auc", None]
        assert len(values) == len(part.users)
        if on.startswith("users:"):
            rows = np.isin(found.slices["all"].users, part.users)
            assert np.array_equal(values, found.values("auc", None)[rows])


def test_auc_of_users_without_anything_known_is_that_of_the_popular_items(random_dataset):
    split = cold_users(random_dataset(seed=2), support=0)
    found = evaluate(ItemKNN().fit(split.train), split, metrics="auc")
    popular = evaluate(Popularity().fit(split.train), split, metrics="auc")
    assert np.array_equal(found.values("auc", None), popular.values("auc", None))
    assert found.mean("auc", None) > 0.5


def test_auc_with_support_is_that_of_the_folded_in_user(random_dataset):
    split = cold_users(random_dataset(seed=2), support=3)
    model = ItemKNN().fit(split.train)
    found = evaluate(model, split, metrics="auc")
    scorer, rows, _ = model.scorer_for(split.test_users, split.support.matrix[split.test_users])
    scores = np.maximum(scorer.block(rows[:1])[0], -1)
    user = split.test_users[0]
    truth = split.test.matrix[user].toarray().ravel() > 0
    asked = truth | (split.seen[user].toarray().ravel() == 0)
    assert found.values("auc", None)[0] == pytest.approx(roc_auc_score(truth[asked], scores[asked]))


def test_auc_is_refused_where_there_are_no_scores_of_all(model, split):
    run = pd.DataFrame({"user": [1], "item": ["b"], "score": [1.0]})
    with pytest.raises(ParameterError, match="auc and gauc need scores of all candidates"):
        evaluate(run, split, metrics=["recall", "auc"])
    with pytest.raises(ParameterError, match="leave out candidates="):
        evaluate(model, split, metrics="auc", candidates=2)


def test_sampled_candidates(random_dataset):
    split = SPLITS["random"](random_dataset(seed=3), random_state=1)
    model = ItemKNN().fit(split.train)
    asked = {"metrics": "recall", "k": 3}
    with pytest.warns(UserWarning, match="biased"):
        found = evaluate(model, split, candidates=2, seed=7, **asked)
    assert "2 candidates drawn for each user" in found.notes[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = evaluate(model, split, candidates=2, seed=7, **asked)
        other = evaluate(model, split, candidates=2, seed=8, **asked)
        everything = evaluate(model, split, candidates=1000, **asked)
    assert np.array_equal(found.values("recall", 3), again.values("recall", 3))
    assert not np.array_equal(found.values("recall", 3), other.values("recall", 3))
    plain = evaluate(model, split, metrics="recall", k=3)
    assert found.mean("recall", 3) > plain.mean("recall", 3)
    served = plain.values("recall", 3)  # drawing more than there are gives all
    assert np.array_equal(everything.values("recall", 3), served)


@pytest.mark.parametrize("kind", ["model", "run"])
def test_given_candidates(split, score_table, kind):
    """Users 1, 2, 3 have the training items a, b, c."""
    given = pd.DataFrame({"user": [1, 2, 3, 3], "item": ["c", "a", "b", "d"]})
    model = PairScores(split.train, [[0, 0.1, 0.5, 0.9], [0.3, 0, 0, 0], [0.2, 0.8, 0, 0.9]])
    source = model if kind == "model" else score_table(split.train, model.scores).run(split)
    found = evaluate(source, split, metrics=["recall", "mrr"], k=2, candidates=given)
    assert not any("equal scores" in note for note in found.notes)
    # user 1: test b, d; ranked d, c, b. user 2: test c; ranked a, c. user 3: test a; d, b, a
    assert found.values("recall", 2).tolist() == [0.5, 1, 0]
    assert found.values("mrr", 2).tolist() == [1, 0.5, 0]


def test_given_candidates_that_a_list_cannot_hold_are_removed(random_dataset):
    split = SPLITS["cold-items"](random_dataset(seed=3))
    model = ItemKNN().fit(split.train)
    every = pd.DataFrame(
        [(u, i) for u in split.train.users.ids for i in split.train.items.ids],
        columns=["user", "item"],
    )
    found = evaluate(model, split, candidates=every, metrics=["recall", "coverage"], k=3)
    plain = evaluate(model, split, metrics=["recall", "coverage"], k=3)
    assert found.summary() == plain.summary()
    assert "given candidates removed" in found.notes[1]


def test_every_test_user_needs_given_candidates(model, split):
    given = pd.DataFrame({"user": [1], "item": ["c"]})
    with pytest.raises(DataError, match="candidates: users 2, 3 have none"):
        evaluate(model, split, candidates=given)


def test_lists_that_rest_on_ties_are_told(split, score_table):
    tied = score_table(split.train, np.zeros((3, 4)))
    told = "100.0% of lists rest on the order of equal scores"
    assert told in evaluate(tied, split).notes[0]
    given = pd.DataFrame({"user": [1, 2, 3], "item": ["c", "a", "d"]})
    equal = PairScores(split.train, np.zeros((3, 4)))
    assert told in evaluate(equal, split, candidates=given).notes[0]
    distinct = score_table(split.train, np.arange(12.0).reshape(3, 4))
    assert evaluate(distinct, split).notes == ()


class PairScores:
    """A model with fixed scores that can be asked for those of pairs."""

    model_name = "pair-scores"

    def __init__(self, train, scores):
        self.users_, self.items_, self.history_ = train.users, train.items, train.matrix
        self.scores = np.array(scores, dtype=float)
        self.scorable_ = np.ones(len(train.items), dtype=bool)

    def recommend_codes(self, *args, **kwargs):
        raise AssertionError("lists are not to be asked for")

    def scorer_for(self, users, history=None):
        return self, users, np.zeros(len(users), dtype=np.int8)

    def chosen(self, rows, items):
        return np.where(items >= 0, self.scores[rows[:, None], items], -np.inf).astype(np.float32)


def test_users_without_support_are_served_by_their_features():
    """As `recommend` serves them, not with what is popular."""
    rng = np.random.default_rng(0)
    taste = np.arange(60)[:, None] % 2 == np.arange(40) % 2
    users, items = np.nonzero(rng.random((60, 40)) < np.where(taste, 0.5, 0.05))
    people = pd.DataFrame({"user": range(60), "taste": ["even", "odd"] * 30})
    data = Dataset.build(pd.DataFrame({"user": users, "item": items}), user_table=people)
    split = cold_users(data, support=0, random_state=1)
    model = HybridALS(factors=4, iterations=3, num_threads=1).fit(split.train)
    assert set(model.recommend(data.users.ids[split.test_users])["source"]) == {"features"}
    popular = evaluate(Popularity().fit(split.train), split, metrics=["recall"], k=10)
    found = evaluate(model, split, metrics=["recall"], k=10)
    means = [one.slices["all"].values["recall", 10].mean() for one in (popular, found)]
    assert means[1] > 1.3 * means[0]
