"""The contract every model passes: a pytest class to inherit from.

::

    from hybridrec.testing import RecommenderContract

    class TestMyModel(RecommenderContract):
        def make(self, **params):
            return MyModel(**params)

The data is a checkerboard with a known answer (an idea of implicit's tests): user u interacts
with the items of its own parity except item u, so a personal model must recommend item u first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import (
    DataError,
    NotFittedError,
    OutputError,
    ParameterError,
    UnknownIdError,
)
from hybridrec.models.base import Recommender
from hybridrec.models.storage import load
from hybridrec.ranking.rules import Condition, Rules

SIZE = 30
COLD = "cold"


def checkerboard(size: int = SIZE) -> pd.DataFrame:
    """Return interactions of users "u0", ... with items "i0", ... of their parity but their own."""
    rows = [
        (f"u{user}", f"i{item}")
        for user in range(size)
        for item in range(user % 2, size, 2)
        if item != user
    ]
    return pd.DataFrame(rows, columns=["user", "item"])


def parity_items(size: int = SIZE) -> pd.DataFrame:
    """Return an item table that tells the parity, with one even item that nobody knows yet."""
    parity = ["even" if item % 2 == 0 else "odd" for item in range(size)]
    return pd.DataFrame(
        {"item": [*(f"i{item}" for item in range(size)), COLD], "parity": [*parity, "even"]}
    )


def parity_knowledge(size: int = SIZE) -> KnowledgeGraph:
    """Return a knowledge graph with the same facts."""
    table = parity_items(size)
    return KnowledgeGraph.from_item_table(table, {"parity": "parity"})


class RecommenderContract:
    """Tests of what `Recommender` promises; override `make` and, where needed, the flags."""

    personal: ClassVar[bool] = True
    """Whether lists depend on the user."""
    uses_features: ClassVar[bool] = False
    """Whether items without interactions are scored by their features."""
    similar: ClassVar[bool] = True
    """Whether the model has a notion of similar items."""

    def make(self, **params: Any) -> Recommender:
        """Return an unfitted model, small enough for tests."""
        raise NotImplementedError

    @pytest.fixture
    def dataset(self) -> Dataset:
        """Return the checkerboard with its item table and knowledge graph."""
        return Dataset.build(checkerboard(), parity_knowledge(), item_table=parity_items())

    @pytest.fixture
    def model(self, dataset: Dataset) -> Recommender:
        """Return the model fitted on the checkerboard."""
        return self.make().fit(dataset)

    # ---- the known answer ---------------------------------------------------------------------

    def test_checkerboard(self, model: Recommender) -> None:
        """Every user gets the one item of their parity they lack."""
        lists = model.recommend(k=1)
        assert len(lists) == SIZE
        assert set(lists["source"]) <= {"model", "features"}
        if self.personal:
            warm = model.recommend(k=1, rules=Rules(deny=[COLD]))
            assert warm["item"].tolist() == [f"i{user[1:]}" for user in warm["user"]]

    def test_batch_equals_single(self, model: Recommender) -> None:
        """One user alone gets what they get among all."""
        together = model.recommend(k=5)
        for user in ("u0", "u7", f"u{SIZE - 1}"):
            alone = model.recommend([user], k=5)
            among = together[together["user"] == user].reset_index(drop=True)
            pd.testing.assert_frame_equal(alone, among)

    def test_frame_of_recommendations(self, model: Recommender) -> None:
        """The lists come ranked, with the documented columns."""
        lists = model.recommend(["u3", "u1"], k=4)
        assert list(lists.columns) == ["user", "item", "score", "rank", "source"]
        assert lists["user"].drop_duplicates().tolist() == ["u3", "u1"]
        for _, rows in lists.groupby("user"):
            assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
            assert (np.diff(rows["score"]) <= 0).all()
        assert np.isfinite(lists["score"]).all()

    def test_seen_items_never_come_out(self, model: Recommender) -> None:
        """Neither for known users nor for folded-in ones, and nothing comes twice."""
        seen = set(zip(checkerboard()["user"], checkerboard()["item"], strict=True))
        lists = model.recommend(k=10 * SIZE)
        pairs = list(zip(lists["user"], lists["item"], strict=True))
        assert not seen & set(pairs)
        assert len(pairs) == len(set(pairs))
        history = checkerboard().query("user == 'u4'").assign(user="new")
        folded = model.recommend(history=history, k=10 * SIZE)
        assert not set(folded["item"]) & set(history["item"])

    def test_k_larger_than_catalogue(self, model: Recommender) -> None:
        """Lists end where there is nothing left; they are never padded."""
        lists = model.recommend(["u0"], k=10 * SIZE)
        assert 0 < len(lists) <= SIZE + 1 - SIZE // 2 + 1

    # ---- new users, new items -----------------------------------------------------------------

    def test_fold_in(self, model: Recommender) -> None:
        """A new user with a known user's history gets the same kind of items."""
        history = checkerboard().query("user == 'u6'").assign(user="new")
        lists = model.recommend(history=history, k=1, rules=Rules(deny=[COLD]))
        assert lists["user"].tolist() == ["new"]
        assert lists["source"].tolist() == ["fold-in"]
        if self.personal:
            assert lists["item"].tolist() == ["i6"]

    def test_history_without_rows(self, model: Recommender) -> None:
        """A new user without any history gets the popular items."""
        history = checkerboard().query("user == 'u6'")
        lists = model.recommend(["nobody"], k=3, history=history)
        assert lists["source"].tolist() == ["popular"] * 3

    def test_history_beside_known_users(self, model: Recommender) -> None:
        """A known user who is not in the history is served as ever, in the order asked for."""
        history = checkerboard().query("user == 'u6'").assign(user="new")
        lists = model.recommend(["u3", "new", "u1"], k=4, history=history)
        for user, alone in (
            ("u3", model.recommend(["u3"], k=4)),
            ("new", model.recommend(history=history, k=4)),
            ("u1", model.recommend(["u1"], k=4)),
        ):
            among = lists[lists["user"] == user].reset_index(drop=True)
            pd.testing.assert_frame_equal(among, alone)
        assert lists["user"].drop_duplicates().tolist() == ["u3", "new", "u1"]

    def test_users_named_twice(self, model: Recommender) -> None:
        """They get one list, at their first mention."""
        pd.testing.assert_frame_equal(
            model.recommend(["u3", "u1", "u3"], k=2), model.recommend(["u3", "u1"], k=2)
        )
        history = checkerboard().query("user == 'u6'").assign(user="new")
        pd.testing.assert_frame_equal(
            model.recommend(["new", "new"], k=2, history=history),
            model.recommend(["new"], k=2, history=history),
        )

    def test_nothing_asked(self, model: Recommender) -> None:
        """Nobody, an empty history, no pairs and no events are fine."""
        nothing = checkerboard().iloc[:0]
        before = model.recommend(k=3)
        assert model.recommend([]).empty
        assert model.recommend(history=nothing).empty
        assert model.recommend([], history=checkerboard()).empty
        assert model.score(nothing).empty
        pd.testing.assert_frame_equal(model.update(nothing).recommend(k=3), before)

    def test_cold_item(self, model: Recommender) -> None:
        """An item without interactions comes out if features tell what it is, else never."""
        lists = model.recommend(k=10 * SIZE)
        cold = lists[lists["item"] == COLD]
        if not self.uses_features:
            assert cold.empty
            return
        assert set(cold["source"]) == {"features"}
        score = dict(zip(cold["user"], cold["score"], strict=True))
        even = [score.get(f"u{user}", -np.inf) for user in range(0, SIZE, 2)]
        odd = [score.get(f"u{user}", -np.inf) for user in range(1, SIZE, 2)]
        assert np.mean(even) > np.mean(odd)

    def test_add_items(self, model: Recommender) -> None:
        """A new item finds its users by its features."""
        table = pd.DataFrame({"item": ["fresh"], "parity": ["odd"]})
        facts = KnowledgeGraph.from_item_table(table, {"parity": "parity"})
        if not self.uses_features:
            with pytest.raises(ParameterError, match="without item features"):
                model.add_items(table, knowledge=facts)
            return
        before = model.recommend(k=5, rules=Rules(deny=[COLD]))
        model.add_items(table, knowledge=facts)
        after = model.recommend(k=5, rules=Rules(deny=[COLD, "fresh"]))
        pd.testing.assert_frame_equal(before, after)
        lists = model.recommend(["u1", "u2"], k=10 * SIZE).query("item == 'fresh'")
        assert set(lists["source"]) == {"features"}
        rank = dict(zip(lists["user"], lists["rank"], strict=True))
        assert rank["u1"] < rank.get("u2", SIZE)

    def test_update(self, model: Recommender) -> None:
        """New events are folded in; users without new events keep their lists, bit for bit."""
        others = [f"u{user}" for user in range(1, SIZE)]
        before = model.recommend(others, k=5)
        model.update(pd.DataFrame({"user": ["u0", "new", "new"], "item": ["i0", "i2", "i4"]}))
        if self.personal:
            after = model.recommend(others, k=5)
            pd.testing.assert_frame_equal(before, after)
        assert "i0" not in set(model.recommend(["u0"], k=10 * SIZE)["item"])
        fresh = model.recommend(["new"], k=5, rules=Rules(deny=[COLD]))
        assert not {"i2", "i4"} & set(fresh["item"])
        if self.personal:
            parities = [int(item[1:]) % 2 for item in fresh["item"]]
            assert parities == sorted(parities)

    def test_update_with_strangers(self, model: Recommender) -> None:
        """A new user whose items are all new gets the popular items until the next fit."""
        model.update(pd.DataFrame({"user": ["new", "new"], "item": ["n1", "n2"]}))
        lists = model.recommend(["new"], k=5)
        assert len(lists) == 5
        assert not {"n1", "n2"} & set(lists["item"])
        if self.personal:
            assert set(lists["source"]) == {"popular"}

    def test_refused_updates_change_nothing(self, model: Recommender) -> None:
        """Ids of another type are refused before anything is taken in."""
        before = model.recommend(k=3)
        with pytest.raises(DataError, match="user ids are text here"):
            model.update(pd.DataFrame({"user": [1], "item": ["i100"]}))
        with pytest.raises(DataError, match="item ids are text here"):
            model.update(pd.DataFrame({"user": ["new"], "item": [1]}))
        assert "i100" not in model.items_
        assert "new" not in model.users_
        pd.testing.assert_frame_equal(model.recommend(k=3), before)

    # ---- ids and arguments --------------------------------------------------------------------

    def test_unknown_ids(self, model: Recommender) -> None:
        """Unknown ids are named, with the nearest known one, or skipped on request."""
        with pytest.raises(UnknownIdError, match=r"unknown user id 'u3x'; did you mean 'u3"):
            model.recommend(["u1", "u3x"])
        skipped = model.recommend(["u1", "u3x"], k=2, unknown="skip")
        assert set(skipped["user"]) == {"u1"}
        strange = pd.DataFrame({"user": ["new"], "item": ["nothing"]})
        with pytest.raises(UnknownIdError, match="nothing"):
            model.recommend(history=strange)
        assert set(model.recommend(history=strange, unknown="skip")["source"]) == {"popular"}
        with pytest.raises(UnknownIdError, match="i1x"):
            model.score(pd.DataFrame({"user": ["u1"], "item": ["i1x"]}))

    @pytest.mark.parametrize("k", [0, -1, 1.5, True, "3"])
    def test_bad_k(self, model: Recommender, k: Any) -> None:
        """A length must be a whole number of at least 1."""
        with pytest.raises(ParameterError, match="k must be"):
            model.recommend(k=k)

    def test_not_fitted(self) -> None:
        """Everything but fit needs a fitted model."""
        with pytest.raises(NotFittedError, match="call fit first"):
            self.make().recommend()

    def test_unknown_parameter(self) -> None:
        """A misspelt parameter is refused."""
        with pytest.raises(ParameterError, match="no parameter 'randomstate'"):
            self.make().set_params(randomstate=1)

    # ---- rules --------------------------------------------------------------------------------

    def test_rules(self, model: Recommender) -> None:
        """Allowed, denied and filtered items; an empty result is an answer."""
        only = model.recommend(["u0", "u1"], k=5, rules=Rules(allow=["i0", "i1", "i2"]))
        assert set(only["item"]) <= {"i0", "i1", "i2"}
        denied = model.recommend(["u0"], k=10 * SIZE, rules=Rules(deny=["i0"]))
        assert "i0" not in set(denied["item"])
        odd = model.recommend(["u0"], k=10 * SIZE, rules=Rules(where="parity = 'odd'"))
        assert all(int(item[1:]) % 2 for item in odd["item"])
        assert model.recommend(["u0"], rules=Rules(allow=[])).empty
        with pytest.raises(UnknownIdError, match="i99"):
            model.recommend(["u0"], rules=Rules(deny=["i99"]))
        with pytest.raises(ParameterError, match="no_such_column"):
            model.recommend(["u0"], rules=Rules(where="no_such_column = 1"))

    def test_conditions_say_the_same_as_sql(self, model: Recommender) -> None:
        """Structured or as text."""
        text = model.recommend(k=10 * SIZE, rules=Rules(where="parity = 'odd'"))
        condition = Rules(where=Condition("parity", "==", "odd"))
        pd.testing.assert_frame_equal(model.recommend(k=10 * SIZE, rules=condition), text)

    def test_quota(self, model: Recommender) -> None:
        """At most so many items of a value; what has room stands as in the list without."""
        parity = parity_items().set_index("item")["parity"]
        whole = model.recommend(k=10 * SIZE)
        lists = model.recommend(k=3, rules=Rules(quota={"parity": 2}))
        of_values = whole.groupby(["user", whole["item"].map(parity)], sort=False)
        expected = whole[of_values.cumcount() < 2].groupby("user", sort=False).head(3)
        same = ["user", "item", "score", "source"]
        pd.testing.assert_frame_equal(lists[same], expected[same].reset_index(drop=True))
        assert model.recommend(k=3, rules=Rules(quota={"parity": 0})).empty

    def test_pins(self, model: Recommender) -> None:
        """A pinned item stands at its rank for all who do not have it, whoever can score it."""
        having = set(checkerboard().query("item == 'i5'")["user"])
        history = checkerboard().query("user == 'u6'").assign(user="new")
        rules = Rules(pin={1: "i5", 2: COLD})
        for lists in (
            model.recommend(k=3, rules=rules),
            model.recommend(["new", "nobody"], k=3, history=history, rules=rules),
        ):
            assert not lists.duplicated(["user", "item"]).any()
            assert (lists["rank"] <= 3).all()
            for user, rows in lists.groupby("user"):
                pinned = rows[rows["source"] == "pinned"]
                expected = [COLD] if user in having else ["i5", COLD]
                assert pinned["item"].tolist() == expected
                assert pinned["rank"].tolist() == ([2] if user in having else [1, 2])

    def test_items_denied_to_a_user(self, model: Recommender) -> None:
        """They come out for others only, known users and new ones."""
        history = checkerboard().query("user == 'u6'").assign(user="new")
        rules = Rules(user_deny={"u2": ["i2", COLD], "new": ["i6"]})
        lists = model.recommend(["u2", "u4", "new"], k=10 * SIZE, history=history, rules=rules)
        whole = model.recommend(["u2", "u4", "new"], k=10 * SIZE, history=history)
        for user, denied in (("u2", {"i2", COLD}), ("u4", set()), ("new", {"i6"})):
            found = lists[lists["user"] == user]["item"].tolist()
            assert not denied & set(found)
            rest = [one for one in whole[whole["user"] == user]["item"] if one not in denied]
            assert found == rest or not rest  # then popular items

    def test_audit(self, model: Recommender) -> None:
        """Every item of the lists without rules is there, with the rule that dropped it."""
        rules = Rules(deny=["i0"], where="parity = 'even'", quota={"parity": 2}, pin={1: "i8"})
        users = ["u0", "u1", "u7"]
        audit = model.audit(users, k=4, rules=rules)
        before = audit[audit["rank"] > 0][["user", "item", "rank"]].reset_index(drop=True)
        plain = model.recommend(users, k=4)[["user", "item", "rank"]]
        pd.testing.assert_frame_equal(before, plain)
        lists = model.recommend(users, k=4, rules=rules)
        stays = audit[(audit["rule"] == "") | (audit["detail"] == "rank 1")]
        there = set(zip(lists["user"], lists["item"], strict=True))
        assert set(zip(stays["user"], stays["item"], strict=True)) <= there
        dropped = audit.drop(stays.index)
        assert not set(zip(dropped["user"], dropped["item"], strict=True)) & there
        assert set(dropped["rule"]) <= {"deny", "where", "quota", "pin"}

    # ---- score and similar --------------------------------------------------------------------

    def test_scores_agree_with_lists(self, model: Recommender) -> None:
        """`score` gives the numbers that `recommend` shows."""
        lists = model.recommend(["u2", "u5"], k=5)
        scored = model.score(lists[["user", "item"]])
        np.testing.assert_array_equal(scored["score"].to_numpy(), lists["score"].to_numpy())

    def test_similar_items(self, model: Recommender) -> None:
        """Items of one parity are more alike; an item is not similar to itself."""
        if not self.similar:
            with pytest.raises(ParameterError, match="similar"):
                model.similar_items(["i2"])
            return
        found = model.similar_items(["i2", "i3"], k=5)
        assert list(found.columns) == ["item", "similar", "score", "rank"]
        assert not (found["item"] == found["similar"]).any()
        warm = found[found["similar"] != COLD]
        for item, rows in warm.groupby("item"):
            assert {int(one[1:]) % 2 for one in rows["similar"]} == {int(str(item)[1:]) % 2}

    # ---- explanations -------------------------------------------------------------------------

    def test_explanations_sum_to_the_score(self, model: Recommender) -> None:
        """Parts, and features where there are any, sum to what lists show; JSON holds it all."""
        history = checkerboard().query("user == 'u6'").assign(user="new")
        for lists, given in (
            (model.recommend(["u2", "u5"], k=20), None),
            (model.recommend(history=history, k=5), history),
            (model.recommend(["nobody"], history=history, k=2), history),
        ):
            for row in lists.itertuples():
                told = model.explain(row.user, row.item, history=given, parts=3)
                assert (told.user, told.item, told.score) == (row.user, row.item, row.score)
                for parts in (told.parts, told.features):
                    if parts or parts is told.parts:
                        size = sum(abs(part.value) for part in parts)
                        total = sum(part.value for part in parts)
                        assert total == pytest.approx(row.score, abs=1e-5 * size)
                named = [part for part in told.parts if part.item is not None]
                assert len(named) <= 3
                assert all(part.kind == "history" for part in named)
                assert json.loads(json.dumps(told.to_json())) == told.to_json()

    def test_explanations_name_facts(self, model: Recommender, tmp_path: Path) -> None:
        """Paths lead from items of the history, over what both have; also after loading."""
        told = model.explain("u2", "i2")
        model.save(tmp_path / "model")
        assert load(tmp_path / "model", models=[type(model)]).explain("u2", "i2") == told
        assert model.explain("u2", "i2", paths=0).paths == ()
        seen = set(checkerboard().query("user == 'u2'")["item"])
        assert {path.item for path in told.paths} <= seen
        for path in told.paths:
            assert path.text == f"same parity (even) as {path.item}, which you had"
        if self.personal:
            assert len(told.paths) == 3
            assert told.parts[0].item in seen

    def test_explanations_of_the_unknown(self, model: Recommender) -> None:
        """Unknown ids, and items that the model cannot score, are errors."""
        with pytest.raises(UnknownIdError, match="u3x"):
            model.explain("u3x", "i1")
        with pytest.raises(UnknownIdError, match="i1x"):
            model.explain("u3", "i1x")
        with pytest.raises(ParameterError, match="parts"):
            model.explain("u3", "i1", parts=-1)
        model.update(pd.DataFrame({"user": ["u2"], "item": ["strange"]}))
        if not model.scorable_[model.items_.codes(["strange"])[0]]:
            with pytest.raises(DataError, match="strange"):
                model.explain("u2", "strange")

    # ---- storage, freshness, determinism ------------------------------------------------------

    def test_save_and_load(self, model: Recommender, tmp_path: Path) -> None:
        """A loaded model gives the same lists, folds in the same, and can be saved again."""
        model.save(tmp_path / "model")
        loaded = load(tmp_path / "model", models=[type(model)])
        assert type(loaded) is type(model)
        assert loaded.get_params() == model.get_params()
        pd.testing.assert_frame_equal(model.recommend(k=5), loaded.recommend(k=5))
        history = checkerboard().query("user == 'u6'").assign(user="new")
        pd.testing.assert_frame_equal(
            model.recommend(history=history), loaded.recommend(history=history)
        )
        rules = Rules(where="parity = 'odd'")
        pd.testing.assert_frame_equal(model.recommend(rules=rules), loaded.recommend(rules=rules))
        if self.uses_features:
            table = pd.DataFrame({"item": ["fresh"], "parity": ["odd"]})
            facts = KnowledgeGraph.from_item_table(table, {"parity": "parity"})
            for one in (model, loaded):
                one.add_items(table, knowledge=facts)
            pd.testing.assert_frame_equal(model.recommend(k=5), loaded.recommend(k=5))
        with pytest.raises(OutputError, match="exists"):
            loaded.save(tmp_path / "model")
        loaded.save(tmp_path / "model", overwrite=True)
        pd.testing.assert_frame_equal(
            loaded.recommend(k=5), load(tmp_path / "model", models=[type(model)]).recommend(k=5)
        )

    def test_second_fit_is_fresh(self, dataset: Dataset, model: Recommender) -> None:
        """Fitting again, also after other data, gives what a new model gives."""
        expected = model.recommend(k=5)
        other = checkerboard(8).assign(item=lambda rows: "x" + rows["item"])
        model.fit(Dataset.build(other, item_table=other[["item"]].drop_duplicates().assign(a="b")))
        assert isinstance(model.items_, IdMap)
        assert len(model.items_) == 8
        pd.testing.assert_frame_equal(model.fit(dataset).recommend(k=5), expected)

    def test_same_result_at_any_thread_count(self, dataset: Dataset) -> None:
        """The seed alone decides."""
        lists = [self.make().fit(dataset).recommend(k=5, num_threads=count) for count in (1, 2)]
        pd.testing.assert_frame_equal(*lists)
        params = self.make().get_params()
        if params.get("num_threads") == 0:  # models that are deterministic on all threads
            one = self.make(num_threads=1).fit(dataset).recommend(k=5)
            pd.testing.assert_frame_equal(one, lists[0])

    def test_input_is_not_changed(self, dataset: Dataset) -> None:
        """Neither the frame nor the dataset."""
        frame = checkerboard()
        before = dataset.matrix.copy()
        model = self.make().fit(dataset)
        model.recommend(history=frame)
        model.update(frame)
        pd.testing.assert_frame_equal(frame, checkerboard())
        assert (before != dataset.matrix).nnz == 0
        assert np.array_equal(before.indices, dataset.matrix.indices)

    def test_duplicate_events(self, dataset: Dataset) -> None:
        """Events that repeat are one pair: nothing comes out twice and nothing seen comes out."""
        frame = pd.concat([checkerboard(), checkerboard()], ignore_index=True)
        doubled = Dataset.build(frame, parity_knowledge(), item_table=parity_items())
        lists = self.make().fit(doubled).recommend(k=10 * SIZE)
        assert not lists.duplicated(["user", "item"]).any()
        assert not lists.merge(checkerboard(), on=["user", "item"]).shape[0]
