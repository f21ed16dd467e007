from __future__ import annotations

import itertools
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
import pytest

import hybridrec
from hybridrec.errors import DataError, ModelFolderError, ParameterError, UnknownIdError
from hybridrec.online import Event, EventLog, EventLogError
from hybridrec.ranking.rules import Condition, Rules
from hybridrec.service import LiveRecommender, Request

NAMES = ["hybrid-als", "als", "lightfm", "rp3-beta", "personalized-page-rank", "blend"]
NEW = 1000  # a user whom no model knows


@pytest.fixture
def live(folders, tmp_path):
    with LiveRecommender(folders["hybrid-als"], log=tmp_path / "feedback.sqlite") as opened:
        yield opened


def listed(frame):
    """Return the lists of a model in the form of a live recommender."""
    columns = (frame[name].tolist() for name in ("item", "score", "rank", "source"))
    return list(zip(*columns, strict=True))


def plain(recommendations):
    return [(one.item, one.score, one.rank, one.source) for one in recommendations]


# ---- lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_lists_are_those_of_the_model(folders, name):
    model = hybridrec.load(folders[name])
    with LiveRecommender(folders[name]) as live:
        for user in (0, 7, 40):
            assert plain(live.recommend(user, k=7)) == listed(model.recommend([user], 7))
        history = pd.DataFrame({"user": NEW, "item": [1, 3, 4], "weight": [5.0, 1.0, 2.0]})
        expected = listed(model.recommend(history=history, k=7))
        assert plain(live.recommend(history={1: 5, 3: 1, 4: 2}, k=7)) == expected
        assert plain(live.recommend(NEW, history={4: 2, 3: 1, 1: 5}, k=7)) == expected
        assert {entry[3] for entry in expected} <= {"fold-in", "features"}
        alike = model.similar_items([5], 4)
        found = [(one.item, one.score) for one in live.similar(5, 4)]
        assert found == list(zip(alike["similar"], alike["score"], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_who_is_not_known_gets_the_popular_items(folders, name):
    model = hybridrec.load(folders[name])
    with LiveRecommender(folders[name]) as live:
        lists = [live.recommend(**asked, k=5) for asked in ({}, {"user": NEW}, {"history": [777]})]
        assert plain(lists[0]) == plain(lists[1]) == plain(lists[2])
        assert {one.source for one in lists[0]} <= {"popular", "features"}
        assert len(lists[0]) == 5
        scores = model.popular_scorer.item_factors[:, 0]
        assert lists[0][0].item == model.items_.ids[scores.argmax()]


@pytest.mark.parametrize("name", ["hybrid-als", "lightfm", "blend"])
def test_features_place_a_new_user_as_those_of_the_fit(folders, name):
    """User 40 has features and no interaction: a new user with the same ones gets the same."""
    with LiveRecommender(folders[name]) as live:
        features = {"taste": "even", "age": 20 + 40 % 17}
        found = live.recommend(features=features, k=8)
        known = live.recommend(40, k=8)
        assert [one.item for one in found] == [one.item for one in known]
        np.testing.assert_allclose(*([x.score for x in y] for y in (found, known)), rtol=1e-5)
        assert {one.source for one in found} == {"features"}
        other = live.recommend(features={"taste": "odd"}, k=8)
        assert [one.item for one in other] != [one.item for one in found]


def test_features_count_beside_a_history_where_the_model_can(folders):
    with LiveRecommender(folders["hybrid-als"]) as live:
        plainly = live.recommend(history=[1, 2], k=5)
        pulled = live.recommend(history=[1, 2], features={"taste": "odd"}, k=5)
        assert [one.score for one in plainly] != [one.score for one in pulled]
        assert {one.source for one in pulled} <= {"fold-in", "features"}
        # As if user 1, who has these features, had this history now.
        same = live.recommend(1, history=[1, 2], k=5)
        features = {"taste": "odd", "age": 21}
        again = live.recommend(history=[1, 2], features=features, k=5)
        assert [one.item for one in same] == [one.item for one in again]


@pytest.mark.parametrize("name", ["als", "rp3-beta"])
def test_models_without_user_features_give_the_popular_items(folders, name):
    with LiveRecommender(folders[name]) as live:
        assert plain(live.recommend(features={"what": "ever"})) == plain(live.recommend())


def test_unknown_items_of_a_history_are_skipped(live):
    known = live.recommend(history={1: 2.0, 5: 1.0})
    assert live.recommend(history={1: 2.0, 777: 9.0, "x": 1.0, 5: 1.0}) == known


@pytest.mark.parametrize("user", [True, 1.0, 2**70, "\ud800", [1], {}])
def test_what_is_no_id_is_refused(live, user):
    live.feedback([Event(1, 5)])
    for ask in (live.recommend, live.history, lambda one: live.explain(one, 5)):
        with pytest.raises(DataError, match="user must be"):
            ask(user)


def test_integers_of_numpy_are_ids(live):
    live.feedback([Event(np.int64(NEW), 5, 3.0)])
    assert live.recommend(np.int64(NEW)) == live.recommend(NEW)
    assert live.history(np.int32(NEW)) == [(5, 3.0)]
    rules = Rules(user_deny={NEW: [live.recommend(NEW)[0].item]})
    assert live.recommend(np.int64(NEW), rules=rules) == live.recommend(NEW, rules=rules)
    assert type(live.item(np.int64(5))["item"]) is int
    assert live.items("thing", np.int64(3)) == live.items("thing", 3)


@pytest.mark.parametrize(
    "history",
    [[(1, 2.0)], {(1, 2): 1.0}, {1: 10**400}, {1: "much"}, [True], pd.DataFrame({"item": [1]})],
)
def test_a_history_in_another_form_is_refused(live, history):
    with pytest.raises(DataError, match="history must be"):
        live.recommend(history=history)


def test_items_of_no_weight_are_hidden_and_tell_nothing(live):
    whole = live.recommend(history=[1, 5], k=20)
    worst = whole[0].item
    hidden = live.recommend(history={1: 1, 5: 1, worst: 0, 777: -1}, k=20)
    assert [(one.item, one.score) for one in hidden[:19]] == [
        (one.item, one.score) for one in whole[1:]
    ]


def test_rules_and_reranking_go_to_the_model(live):
    rules = Rules(where=Condition("group", "==", "odd"), pin={2: 7}, quota={"year": 1})
    found = live.recommend(0, k=5, rules=rules)
    assert plain(found) == listed(live.model.recommend([0], 5, rules=rules))
    assert {live.item(one.item)["group"] for one in found} == {"odd"}
    diverse = live.recommend(0, k=5, rerank="mmr:weight=0.9")
    assert plain(diverse) == listed(live.model.recommend([0], 5, rerank="mmr:weight=0.9"))
    assert [one.item for one in diverse] != [one.item for one in live.recommend(0, k=5)]


def test_items_denied_to_a_user_are_denied_to_new_ones_too(live):
    first = live.recommend(NEW, k=1)[0].item
    rules = Rules(user_deny={NEW: [first], 3: [5]})
    lists = live.recommend_many(
        [Request(one, k=62, rules=rules) for one in (NEW, NEW + 1, 3, None)]
    )
    items = [{entry.item for entry in one} for one in lists]
    assert first not in items[0]
    assert first in items[1]
    assert 5 not in items[2]
    assert first in items[3]


@pytest.mark.parametrize("name", NAMES)
def test_many_requests_are_answered_as_one_by_one(folders, tmp_path, name):
    with LiveRecommender(folders[name], log=tmp_path / "log.sqlite") as live:
        live.feedback([Event(2, 5), Event(2, 1, 0.0), Event(NEW, 6)])
        rules = Rules(deny=[1, 2])
        requests = [
            *(Request(user, k=k) for user in (0, 1, 2, NEW, 555, 40) for k in (3, 6)),
            *(Request(history=one) for one in ([1], [1, 2], {}, {3: 0.0}, [4])),
            *(Request(features={"taste": one}) for one in ("odd", "even")),
            Request(history=[1], features={"taste": "odd"}),
            *(Request(one, rules=rules) for one in (0, 1, NEW)),
        ]
        together = live.recommend_many(requests)
        assert together == [live.recommend_many([one])[0] for one in requests]
        assert live.recommend_many([]) == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"k": 0}, ParameterError),
        ({"k": "3"}, ParameterError),
        ({"history": "abc"}, DataError),
        ({"history": {1: float("nan")}}, DataError),
        ({"history": {1: "much"}}, DataError),
        ({"history": [[1]]}, DataError),
        ({"history": 3}, DataError),
        ({"features": {"colour": 1}}, ParameterError),
        ({"rerank": "magic"}, ParameterError),
        ({"rules": Rules(pin={1: 777})}, ParameterError),
        ({"rules": Rules(deny=["7"])}, DataError),
    ],
)
def test_what_makes_no_sense_is_refused(live, wrong, error):
    with pytest.raises(error):
        live.recommend(0 if "rules" in wrong else None, **wrong)


# ---- what is known ----------------------------------------------------------------------------


def test_an_item_is_its_row(live):
    assert live.item(5) == {"item": 5, "group": "odd", "title": "Thing 5 of Été", "year": 1995}
    assert live.item(3)["year"] is None
    assert (live.title(5), live.title(777), live.title("5")) == ("Thing 5 of Été", None, None)
    with pytest.raises(UnknownIdError, match="777"):
        live.item(777)
    with pytest.raises(UnknownIdError):
        live.similar("5")


def test_items_and_users_are_found(live):
    popularity = live.model.popularity_
    found = live.items("ete", 3)
    assert len(found) == 3
    assert all("Été" in one["title"] for one in found)
    counts = [one["users"] for one in found]
    assert counts == sorted(popularity[1::2].astype(int), reverse=True)[:3]
    assert live.items("thing 61")[0]["item"] == 61
    assert live.items("61")[0] == {"item": 61, "title": "Thing 61 of Été", "users": 0}
    users = live.users("3")
    assert {one["user"] for one in users} == {3, *range(30, 40)}
    assert users[0]["user"] == 3
    counts = [one["items"] for one in users[1:]]
    assert counts == sorted(counts, reverse=True)
    with pytest.raises(ParameterError, match="limit"):
        live.items("x", -1)


def test_the_history_of_a_user(live):
    stored = dict(live.history(3))
    row = live.model.history_[3]
    assert stored == dict(zip(live.model.items_.ids[row.indices], row.data, strict=True))
    first = live.history(3)[0][0]
    fresh = next(item for item in range(60) if item not in stored)
    live.feedback([Event(3, fresh, 9.0), Event(3, first, -1), Event(3, 777, 1.0)])
    del stored[first]
    assert live.history(3)[0] == (fresh, 9.0)
    assert dict(live.history(3)) == {**stored, fresh: 9.0}
    with pytest.raises(UnknownIdError):
        live.history(NEW)


def test_explanations_know_of_feedback(live):
    item = live.recommend(history=[1, 2], k=1)[0]
    told = live.explain(item=item.item, history=[1, 2], parts=2)
    assert told.score == pytest.approx(item.score, rel=1e-5)
    assert sum(part.value for part in told.parts) == pytest.approx(told.score, rel=1e-4)
    live.feedback([Event(NEW, 1), Event(NEW, 2)])
    assert live.explain(NEW, item.item).score == pytest.approx(item.score, rel=1e-5)
    assert live.explain(0, item.item).user == 0
    with pytest.raises(UnknownIdError):
        live.explain(0, 777)


# ---- feedback ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_next_list_knows_of_feedback(folders, tmp_path, name):
    model = hybridrec.load(folders[name])
    with LiveRecommender(folders[name], log=tmp_path / "log.sqlite") as live:
        assert live.feedback([Event(NEW, 4, 2.0), Event(NEW, 6, 3.0)], "a").stored
        assert not live.feedback([Event(NEW, 4, 2.0), Event(NEW, 6, 3.0)], "a").stored
        assert plain(live.recommend(NEW)) == plain(live.recommend(history={4: 2.0, 6: 3.0}))
        before = live.recommend(7, k=5)
        live.feedback([Event(7, before[0].item, 5.0)])
        stored = model.history_[7]
        rows = pd.DataFrame({"item": model.items_.ids[stored.indices], "weight": stored.data})
        rows.loc[len(rows)] = [before[0].item, 5.0]
        expected = model.recommend(history=rows.assign(user=7).astype({"item": int}), k=5)
        assert plain(live.recommend(7, k=5)) == listed(expected)


def test_feedback_comes_from_any_process_and_outlives_it(folders, tmp_path):
    path = tmp_path / "log.sqlite"
    with LiveRecommender(folders["als"], log=path) as one, EventLog(path) as log:
        with LiveRecommender(folders["als"], log=log) as other:
            before = one.recommend(NEW)
            other.feedback([Event(NEW, 4)])
            after = one.recommend(NEW)
            assert before != after == other.recommend(NEW)
        assert log.count() == 1  # a log that was given stays open
    with LiveRecommender(folders["als"], log=path) as again:
        assert again.recommend(NEW) == after


def test_an_item_that_was_disliked_is_only_hidden(live):
    whole = live.recommend(5, k=20)
    live.feedback([Event(5, whole[0].item, 0.0), Event(5, whole[2].item, -3.0)])
    found = live.recommend(5, k=18)
    assert [(one.item, one.score) for one in found] == [
        (one.item, one.score) for one in [whole[1], *whole[3:]]
    ]
    assert {one.source for one in found} <= {"model", "features"}


def test_a_dislike_takes_a_stored_item_out_of_the_taste(live):
    heaviest, _ = live.history(5)[0]
    rest = {item: weight for item, weight in live.history(5) if item != heaviest}
    live.feedback([Event(5, heaviest, -1.0)])
    found = live.recommend(5)
    assert heaviest not in {one.item for one in found}
    expected = live.recommend(5, history={**rest, heaviest: 0.0})
    assert found == expected


def test_events_that_a_later_fit_has_learned_from_are_not_counted_twice(live):
    item, weight = live.history(5)[0]
    before = live.recommend(5)
    live.feedback([Event(5, item, weight / 2), Event(5, item, weight / 2)])
    assert live.recommend(5) == before  # the model knows as much
    live.feedback([Event(5, item, 1.0)])
    assert live.recommend(5) != before
    assert dict(live.history(5))[item] == weight + 1.0


def test_events_of_items_that_are_not_known_wait_for_a_model_that_does(live):
    before = live.recommend(5)
    live.feedback([Event(5, 777, 5.0)])
    assert live.recommend(5) == before
    assert live.log.weights_of(5) == {777: 5.0}


def test_a_dislike_leaves_a_user_who_is_known_by_features_alone_as_they_are(live):
    whole = live.recommend(40, k=5)
    live.feedback([Event(40, whole[0].item, -1.0), Event(40, 777)])
    found = live.recommend(40, k=4)
    assert [(one.item, one.score) for one in found] == [(one.item, one.score) for one in whole[1:]]
    assert found[0].source == "features"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weight", [1e-300, 1e9])
def test_weights_beyond_all_measure_do_no_harm(folders, tmp_path, name, weight):
    with LiveRecommender(folders[name], log=tmp_path / "log.sqlite") as live:
        live.feedback([Event(3, item, weight) for item in (1, 2, 5)])
        for found in (live.recommend(3), live.recommend(history={1: weight, 2: 1.0})):
            assert len(found) == 10
            assert np.isfinite([one.score for one in found]).all()


def test_feedback_is_checked(live, folders):
    with pytest.raises(DataError, match="user ids are integers"):
        live.feedback([Event("5", 1)])
    with pytest.raises(DataError, match="item ids are integers"):
        live.feedback([Event(5, 1), Event(5, "1")])
    assert live.log.count() == 0
    with LiveRecommender(folders["als"]) as without, pytest.raises(ParameterError, match="log"):
        without.feedback([Event(5, 1)])


def test_a_log_that_cannot_be_read_is_told(live):
    live.recommend(5)
    live.log.close()
    with pytest.raises(EventLogError):
        live.recommend(5)
    assert live.recommend(history=[1])  # who needs no log is served


# ---- reload -----------------------------------------------------------------------------------


def test_an_id_is_found_first(live):
    assert live.users("1", 3)[0]["user"] == 1
    assert live.items(" 1 ", 3)[0]["item"] == 1
    assert live.items("1", 0) == []
    for found in (live.users("1", 30), live.items("1", 30)):
        ids = [one.get("user", one.get("item")) for one in found]
        assert len(set(ids)) == len(ids)


def test_what_is_frozen_stays_with_its_version(live, folders):
    frozen = live.frozen()
    before, version = frozen.recommend(3), frozen.version
    assert live.reload(folders["rp3-beta"]) != version
    assert (frozen.version, frozen.recommend(3)) == (version, before)
    frozen.feedback([Event(3, before[0].item)])
    frozen.close()
    assert before[0].item in dict(live.history(3))  # one log, still open


def test_reload_serves_another_folder(live, folders):
    before = live.version
    assert live.reload() == before
    version = live.reload(folders["rp3-beta"])
    assert version == live.version != before
    assert live.model.model_name == "rp3-beta"
    assert live.reload() == version  # the folder it serves now


@pytest.mark.parametrize("harm", ["gone", "cut", "empty", "other"])
def test_a_broken_folder_leaves_the_old_one_in_service(folders, tmp_path, harm):
    folder = shutil.copytree(folders["als"], tmp_path / "model")
    with LiveRecommender(folder) as live:
        before, version = live.recommend(3), live.version
        # Replaced, not written over: the old file is mapped.
        moved = folder.rename(tmp_path / "old")
        if harm == "cut":
            shutil.copytree(moved, folder)
            arrays = folder / "arrays.safetensors"
            arrays.write_bytes(arrays.read_bytes()[:-100])
        elif harm == "empty":
            folder.mkdir()
        elif harm == "other":
            folder.write_text("a file")
        with pytest.raises(ModelFolderError):
            live.reload()
        assert (live.recommend(3), live.version) == (before, version)
        shutil.rmtree(moved)  # mapped files live on
        assert live.recommend(3) == before


def asks(live):
    """Return what many threads ask at once, by name."""
    return {
        "user": lambda: plain(live.recommend(3)),
        "history": lambda: plain(live.recommend(history={1: 2.0, 4: 1.0})),
        "nobody": lambda: plain(live.recommend()),
        "similar": lambda: plain(live.similar(5)),
        "many": lambda: [plain(x) for x in live.recommend_many([Request(3), Request(7)])],
    }


def gives_feedback(live, user):
    """Store events, use all else of a live recommender, and check that the next list knows."""
    live.feedback([Event(user, 4), Event(user, 6)])
    assert not {one.item for one in live.recommend(user)} & {4, 6}
    assert live.items("thing")
    assert live.users("1")
    assert {item for item, _ in live.history(user)} == {4, 6}
    assert live.item(5)["item"] == 5


def again_and_again(work, stop):
    """Do something until told to stop; return how often it was done."""
    count = 0
    while not stop.is_set():
        work()
        count += 1
    return count


def is_among(ask, answers):
    found = ask()
    assert found in answers, found


def test_all_at_once_while_it_reloads(folders, tmp_path):
    """Every answer is whole, and of one version or the other."""
    target, sources = tmp_path / "model", [folders["als"], folders["rp3-beta"]]
    expected = []
    for source in sources:
        with LiveRecommender(source) as one:
            expected.append({name: ask() for name, ask in asks(one).items()})
    shutil.copytree(sources[0], target)
    stop, versions = threading.Event(), set()
    with (
        LiveRecommender(target, log=tmp_path / "log.sqlite") as live,
        ThreadPoolExecutor(8) as pool,
    ):
        works = [
            partial(is_among, ask, [one[name] for one in expected])
            for name, ask in asks(live).items()
        ]
        works += [partial(gives_feedback, live, NEW + number) for number in range(2)]
        running = [pool.submit(again_and_again, work, stop) for work in works]
        until = time.monotonic() + 2
        for number in itertools.count(1):
            if time.monotonic() > until:
                break
            new = shutil.copytree(sources[number % 2], tmp_path / f"new{number}")
            target.rename(tmp_path / f"old{number}")
            if number % 3 == 0:
                with pytest.raises(ModelFolderError):  # between the names there is no folder
                    live.reload()
            new.rename(target)
            versions.add(live.reload())
        stop.set()
        counts = [one.result(timeout=30) for one in running]  # raises what failed in a thread
    assert len(versions) == 2
    assert min(counts) > 3


def test_threads_get_what_one_gets(live):
    users = list(range(40)) * 3
    alone = [live.recommend(user) for user in users]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(live.recommend, users)) == alone


def test_a_model_of_ones_own(tmp_path, world):
    class Mine(hybridrec.Popularity):
        model_name = "mine"

    Mine().fit(world).save(tmp_path / "m")
    with pytest.raises(ModelFolderError, match="mine"):
        LiveRecommender(tmp_path / "m")
    with LiveRecommender(tmp_path / "m", models=[Mine]) as live:
        assert live.recommend(0)
        live.reload()
