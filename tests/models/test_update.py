"""What an update may change, and what it must leave, for every family of models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hybridrec as hr
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.models.refit import refitted
from hybridrec.models.update import update_model
from hybridrec.ranking.rules import Rules
from hybridrec.ranking.scorer import HistoryScorer

KINDS = {
    "als": lambda: hr.ALS(factors=4, iterations=3),
    "hybrid-als": lambda: hr.HybridALS(factors=4, iterations=3),
    "bpr": lambda: hr.BPR(factors=4, iterations=20),
    "lightfm": lambda: hr.LightFM(factors=4, epochs=3),
    "bias-baseline": hr.BiasBaseline,
    "item-knn": hr.ItemKNN,
    "rp3-beta": hr.RP3Beta,
    "ease": lambda: hr.EASE(regularization=5.0),
    "graph-filter": lambda: hr.GraphFilter(factors=4),
    "personalized-page-rank": hr.PersonalizedPageRank,
    "content": hr.Content,
    "blend": lambda: hr.Blend(members=("als:factors=4", "item-knn"), weights=(0.5, 0.5)),
}
PERSONAL = tuple(KINDS)


def events(*pairs, **columns):
    users, items = zip(*pairs, strict=True)
    return pd.DataFrame({"user": users, "item": items, **columns})


def scores(model, users):
    """Return what a model scores for some users, the items of the fit."""
    codes = model.users_.codes(users)
    items = np.tile(np.arange(60, dtype=np.int32), (len(codes), 1))
    return model.scorer_.chosen(codes, items)


@pytest.fixture(scope="module")
def fitted(ratings, tmp_path_factory):
    """Return a function from a kind to a fresh model as `load` gives it: mapped, read-only."""
    table = pd.DataFrame({"item": range(60), "group": ["even", "odd"] * 30})
    data = Dataset.build(ratings, item_table=table)
    folder, done = tmp_path_factory.mktemp("models"), set()

    def make(kind):
        if kind not in done:
            KINDS[kind]().fit(data).save(folder / kind)
            done.add(kind)
        return hr.load(folder / kind)

    return make


@pytest.fixture(scope="module")
def ratings():
    rows = [(u, i) for u in range(40) for i in range(u % 2, 60, 2) if (u * 7 + i * 3) % 5]
    return pd.DataFrame(rows, columns=["user", "item"])


def unseen(model, user):
    return np.setdiff1d(np.arange(60), model.history_[[user]].indices).tolist()


class TestOthersStay:
    @pytest.mark.parametrize("kind", PERSONAL)
    def test_bit_for_bit_on_a_mapped_model(self, kind, fitted, tmp_path):
        model = fitted(kind)
        others = [user for user in range(40) if user not in (3, 4)]
        before = scores(model, others)
        model.update(events((3, unseen(model, 3)[0]), (900, 777), (900, 2), (4, 777)))
        np.testing.assert_array_equal(scores(model, others), before)
        model.save(tmp_path / "again")
        again = hr.load(tmp_path / "again")
        np.testing.assert_array_equal(
            scores(again, [*others, 3, 4, 900]), scores(model, [*others, 3, 4, 900])
        )
        pd.testing.assert_frame_equal(again.recommend([3, 900]), model.recommend([3, 900]))
        assert again.record_.folded.nonzero()[0].tolist() == [3, 4, 40]

    @pytest.mark.parametrize("kind", ["item-knn", "blend"])
    def test_histories_are_kept_once(self, kind, fitted):
        model = fitted(kind)
        model.update(events((3, unseen(model, 3)[0])))
        scorers = [model.scorer_] if kind == "item-knn" else model.scorer_.members.scorers
        (own,) = [one for one in scorers if isinstance(one, HistoryScorer)]
        assert own.profiles is model.history_

    @pytest.mark.parametrize("kind", ["als", "hybrid-als", "blend", "item-knn"])
    def test_what_is_refused_changes_nothing(self, kind, fitted, monkeypatch):
        model = fitted(kind)
        before, sources = scores(model, range(40)), model.user_sources_

        def fails(*_):
            raise DataError("no")

        monkeypatch.setattr(type(model), "_fold_in", fails)
        monkeypatch.setattr(type(model), "scorer_for", fails)
        with pytest.raises(DataError, match="no"):
            model.update(events((0, 777), (900, 1)))
        assert (len(model.users_), len(model.items_)) == (40, 60)
        assert model.history_.shape == (40, 60)
        assert model.user_sources_ is sources
        np.testing.assert_array_equal(scores(model, range(40)), before)


class TestPieces:
    @pytest.mark.parametrize("kind", ["als", "hybrid-als", "item-knn"])
    @settings(
        max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(data=st.data())
    def test_in_pieces_or_at_once(self, kind, fitted, data):
        """On items of the fit, any order of pieces gives the same users."""
        pair = st.tuples(st.sampled_from([0, 5, 900, 901]), st.integers(0, 59))
        pairs = data.draw(st.lists(pair, min_size=1, max_size=12, unique=True))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(pairs)), max_size=3)))
        once, pieces = fitted(kind), fitted(kind)
        once.update(events(*pairs))
        for start, end in zip([0, *cuts], [*cuts, len(pairs)], strict=True):
            if end > start:
                pieces.update(events(*pairs[start:end]))
        users = list(dict.fromkeys(user for user, _ in pairs))
        np.testing.assert_allclose(scores(pieces, users), scores(once, users), rtol=2e-4, atol=1e-5)
        others = [user for user in range(40) if user not in users]
        np.testing.assert_array_equal(scores(pieces, others), scores(once, others))


class TestDuplicates:
    @pytest.mark.parametrize(
        ("policy", "known", "new"),
        [("sum", 9.0, 5.0), ("last", 4.0, 3.0), ("first", 5.0, 2.0), ("max", 5.0, 3.0)],
    )
    def test_policies(self, policy, known, new):
        model = hr.ItemKNN().fit(events((1, 1), (1, 2), (2, 2), weight=[5.0, 1.0, 1.0]))
        model.update(events((1, 1), (2, 1), (2, 1), weight=[4.0, 2.0, 3.0]), duplicates=policy)
        assert model.history_.toarray().tolist() == [[known, 1.0], [new, 1.0]]

    def test_events_that_are_known_leave_a_user_as_trained(self, fitted):
        model = fitted("als")
        before = scores(model, [0])
        user_events = events(*((0, item) for item in model.history_[[0]].indices.tolist()))
        assert model.update(user_events, duplicates="max").record_.folded.sum() == 0
        np.testing.assert_array_equal(scores(model, [0]), before)

    def test_unknown_policy(self, fitted):
        with pytest.raises(ParameterError, match=r"duplicates must be one of last, .*'latest'"):
            fitted("als").update(events((0, 1)), duplicates="latest")


class TestNewItems:
    def test_more_users_tell_more(self, fitted):
        """A new item is solved again with every update that brings it users."""
        once, twice = fitted("als"), fitted("als")
        pairs = [(user, 777) for user in range(0, 12, 2)]
        twice.update(events(*pairs[:1]))
        first = twice.scorer_.item_factors[-1].copy()
        twice.update(events(*pairs[1:]))
        once.update(events(*pairs))
        alone, more = (np.linalg.norm(one) for one in (first, twice.scorer_.item_factors[-1]))
        assert more > 2 * alone
        cosine = twice.scorer_.item_factors[-1] @ once.scorer_.item_factors[-1]
        assert cosine > 0.9 * more * np.linalg.norm(once.scorer_.item_factors[-1])

    def test_still_so_after_loading(self, fitted, tmp_path):
        model = fitted("als")
        model.update(events((0, 777)))
        model.save(tmp_path / "m")
        again = hr.load(tmp_path / "m")
        for one in (model, again):
            one.update(events((2, 777), (4, 777)))
        np.testing.assert_array_equal(again.scorer_.item_factors, model.scorer_.item_factors)

    def test_users_of_nothing_place_no_item(self, fitted):
        """Who is served the popular items has no row that could tell what an item is like."""
        model = fitted("als")
        model.update(events((900, 777)))
        told = update_model(model, events((901, 777)))
        assert (told.placed, told.waiting) == (0, 1)
        assert not model.scorable_[-1]

    def test_a_new_user_places_a_new_item_at_once(self, fitted):
        model = fitted("als")
        told = update_model(model, events((900, 2), (900, 4), (900, 777)))
        assert told == (1, 1, 1, 1, 0, 0)
        assert model.scorable_[-1]

    def test_counts(self, fitted):
        told = update_model(fitted("item-knn"), events((0, 777), (900, 778), (900, 1)))
        assert (told.users, told.new_users, told.new_items) == (2, 1, 2)
        assert (told.placed, told.waiting) == (0, 2)


class TestHidden:
    def hide(self, model, *pairs):
        nothing = events(*pairs).iloc[:0]
        return update_model(
            model,
            Interactions.from_frame(nothing),
            hidden=Interactions.from_frame(events(*pairs)),
        )

    @pytest.mark.parametrize("kind", ["als", "item-knn", "blend", "content"])
    def test_never_again_and_tells_nothing(self, kind, fitted, tmp_path):
        model = fitted(kind)
        top = model.recommend([0], k=1)["item"][0]
        liked = int(model.history_[[0]].indices[0])
        assert self.hide(model, (0, top), (0, liked), (901, 7)).hidden == 3
        assert model.history_[0, liked] == 0
        model.save(tmp_path / "m")
        for one in (model, hr.load(tmp_path / "m")):
            assert not {top, liked} & set(one.recommend([0], k=60)["item"])
            assert 7 not in set(one.recommend([901], k=60)["item"])
            told = one.recommend([0], k=60, history=events((0, 4)))
            assert top not in set(told["item"])
            assert top in set(one.recommend(range(1, 40), k=60)["item"])

    def test_with_rules_and_new_items(self, fitted):
        model = fitted("als")
        top = model.recommend([0], k=1)["item"][0]
        self.hide(model, (0, top))
        model.update(events((3, 777)))
        lists = model.recommend([0], k=60, rules=Rules(deny=[1]))
        assert not {top, 1} & set(lists["item"])

    def test_until_liked_again(self, fitted):
        model = fitted("als")
        self.hide(model, (0, 1))
        model.update(events((0, 1)))
        assert model.hidden_ is None
        assert model.history_[0, 1] == 1.0

    def test_all_that_a_user_had(self, fitted):
        model = fitted("als")
        self.hide(model, *((0, item) for item in model.history_[[0]].indices.tolist()))
        assert set(model.recommend([0], k=3)["source"]) == {"popular"}


class TestRefit:
    def test_is_the_fit_on_all(self, fitted, ratings):
        model, new = fitted("als"), events((900, 1), (900, 3), (3, 777), (5, 777))
        again = refitted(model.update(new))
        fresh = hr.ALS(factors=4, iterations=3).fit(pd.concat([ratings, new]))
        np.testing.assert_allclose(
            scores(again, [0, 3, 900]), scores(fresh, [0, 3, 900]), rtol=1e-3, atol=1e-4
        )
        assert again.record_.folded.sum() == 0
        assert again.scorable_[-1]

    def test_with_features_by_name(self, fitted):
        again = refitted(fitted("hybrid-als").update(events((900, 1))))
        assert set(again.recommend([900], k=3)["source"]) == {"model"}

    def test_refused(self, fitted):
        with pytest.raises(ParameterError, match="blend cannot be fitted again from its folder"):
            refitted(fitted("blend"))
