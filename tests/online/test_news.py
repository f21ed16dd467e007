"""Events of a log, folded in as a service that reads the log would serve them."""

from __future__ import annotations

import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.errors import DataError
from hybridrec.online import Event, EventLog
from hybridrec.online.news import fold_in, news_of_interactions, news_of_log
from hybridrec.service.live import LiveRecommender

ROWS = [(u, i) for u in range(40) for i in range(u % 2, 60, 2) if (u * 7 + i * 3) % 5]


@pytest.fixture
def model():
    return hr.ALS(factors=4, iterations=3).fit(pd.DataFrame(ROWS, columns=["user", "item"]))


@pytest.fixture
def log(tmp_path):
    with EventLog(tmp_path / "log.sqlite") as log:
        yield log


def test_a_service_lists_the_same_before_and_after(model, log, tmp_path):
    """New likes, a dislike of something had, one of something listed, and a mind changed twice."""
    had = int(model.history_[[0]].indices[0])
    top = int(model.recommend([2], k=1)["item"][0])
    log.append([Event(0, had, -1), Event(0, 1, 3), Event(0, 3, 1), Event(0, 3, 2)])
    log.append([Event(2, top, 0), Event(4, 5, -1), Event(4, 5, 2), Event(900, 6), Event(900, 8)])
    users = [0, 2, 4, 6, 900]
    model.save(tmp_path / "m")
    with LiveRecommender(tmp_path / "m", log=log) as live:
        before = {user: live.recommend(user, k=8) for user in users}
        fold_in(model, news_of_log(model, log))
        model.save(tmp_path / "m", overwrite=True)
        live.reload()
        for user in users:
            after = live.recommend(user, k=8)
            assert [one.item for one in after] == [one.item for one in before[user]], user
            assert [one.score for one in after] == pytest.approx(
                [one.score for one in before[user]], rel=1e-4
            )
    with LiveRecommender(tmp_path / "m") as alone:  # and without the log
        for user in users:
            assert [one.item for one in alone.recommend(user, k=8)] == [
                one.item for one in before[user]
            ]


def test_the_same_log_again_changes_nothing(model, log):
    log.append([Event(0, 1, 2), Event(0, 3, 2)])
    assert fold_in(model, news_of_log(model, log)).users == 1
    history = model.history_.copy()
    news = news_of_log(model, log)
    assert news.n_events == 0
    assert fold_in(model, news).users == 0
    assert (model.history_ != history).nnz == 0
    log.append([Event(0, 1, 1)])
    news = news_of_log(model, log)
    assert news.n_events == 1
    fold_in(model, news)
    assert model.history_[0, 1] == 3.0


def test_numbers_that_are_given_out_again(model, log):
    """After `forget`, SQLite gives the last numbers to new events; they must not be missed."""
    log.append([Event(0, 1, timestamp=1.0)])
    log.append([Event(901, 3, timestamp=2.0)])
    fold_in(model, news_of_log(model, log))
    log.forget([901])
    log.append([Event(0, 5, timestamp=3.0)])
    assert fold_in(model, news_of_log(model, log)).users == 1
    assert model.history_[0, 5] == 1.0
    assert model.history_[0, 1] == 1.0


def test_another_log_is_read_from_its_start(model, log, tmp_path):
    log.append([Event(0, 1), Event(0, 3)])
    fold_in(model, news_of_log(model, log))
    with EventLog(tmp_path / "other.sqlite") as other:
        other.append([Event(2, 1), Event(2, 3), Event(2, 5)])
        assert news_of_log(model, other).n_events == 3


def test_ids_of_another_type_are_left_out_and_named(model, log):
    log.append([Event(0, 1), Event("anna", 1), Event(0, "a")])
    news = news_of_log(model, log)
    assert news.left_out == ("anna", "a")
    assert fold_in(model, news).users == 1


def test_a_log_of_another_model(model, log):
    log.append([Event("anna", "a")])
    with pytest.raises(DataError, match="none of the 1 events has such ids: 'anna', 'a'"):
        news_of_log(model, log)


def test_only_dislikes(model, log):
    log.append([Event(0, 1, -1), Event(900, 1, 0), Event(0, 777, -2)])
    news = news_of_log(model, log)
    assert len(news.events) == 0
    told = fold_in(model, news)
    assert told.hidden == 3
    assert 1 not in set(model.recommend([0, 900], k=60)["item"])


def test_an_empty_log(model, log):
    assert fold_in(model, news_of_log(model, log)).users == 0


def test_nothing_in_a_table(model):
    rows = hr.Interactions.from_frame(pd.DataFrame({"user": [1], "item": [1]}))
    with pytest.raises(DataError, match="no events to fold in"):
        news_of_interactions(rows.take(slice(0, 0)))


def test_a_forgotten_user_is_not_in_the_record(model, log):
    from hybridrec.privacy import forget

    log.append([Event(900, 777), Event(900, 1), Event(0, 3, -1)])
    fold_in(model, news_of_log(model, log))
    left = forget(model, [900])
    assert left.record_.folded.tolist() == model.record_.folded[:40].tolist()
    assert left.hidden_.shape == (40, 61)
    assert (left.record_.popularity <= left.popularity_[:60]).all()
