from __future__ import annotations

import json

import pytest

from hybridrec.online import Event, EventLog
from hybridrec.online.exploration import parse_policy
from hybridrec.online.impressions import ImpressionLog


def explored(done, *more):
    options = ("--impressions", "shown.sqlite", "-k", 3, "--format", "json")
    return json.loads(done("explore", "films", "--all", *options, *more))


def test_lists_have_propensities_and_are_logged(done, films, files):
    rows = explored(done, "--policy", "epsilon-greedy:epsilon=0.5")
    assert set(rows[0]) == {"user", "item", "score", "rank", "propensity"}
    assert all(0 < row["propensity"] < 1 for row in rows)
    with ImpressionLog(files / "shown.sqlite") as log:
        lists = dict(log.all())
    assert [one.user for one in lists.values()] == list(range(1, 9))
    assert lists[1].policy == "epsilon-greedy:epsilon=0.5"
    first = [row for row in rows if row["user"] == 1]
    assert [one.item for one in lists[1].shown] == [row["item"] for row in first]
    assert [one.propensity for one in lists[1].shown] == [row["propensity"] for row in first]
    again = explored(done, "--policy", "epsilon-greedy:epsilon=0.5")
    assert again != rows  # other requests, other luck


def test_a_table_to_read_without_a_log(done, model, files):
    told = done("explore", model, "--user", 1, "--policy", "epsilon-greedy:epsilon=0")
    assert "user 1" in told
    assert "propensity" in told
    assert "1.0000" in told
    assert not list(files.glob("*.sqlite"))


def test_feedback_is_learned_from_and_policies_judged(done, films, files):
    for _ in range(10):
        explored(done, "--policy", "epsilon-greedy:epsilon=0.6")
    with (
        EventLog(files / "feedback.sqlite") as events,
        ImpressionLog(files / "shown.sqlite") as log,
    ):
        for _, one in log.all():
            events.append([Event(one.user, one.shown[0].item)])
    learned = explored(done, *("--policy", "lin-ucb", "--learn", "--feedback", "feedback.sqlite"))
    assert learned
    with ImpressionLog(files / "shown.sqlite") as log:
        lists = [one for _, one in log.all()]
    assert {entry.reward for one in lists[:80] for entry in one.shown} == {0.0, 1.0}
    assert all(entry.reward is None for entry in lists[80].shown)
    table = done("off-policy", "films", "shown.sqlite", "--policy", "lin-ucb", "--learn")
    assert "logged" in table
    options = ("--policy", "epsilon-greedy:epsilon=0.6", "--format", "json")
    rows = json.loads(done("off-policy", "films", "shown.sqlite", *options))
    own, *others = rows
    assert [row["method"] for row in others] == ["ips", "snips", "dr"]
    assert own["lists"] == 80
    for row in others:
        assert row["low"] <= row["value"] <= row["high"]


def test_a_saved_policy_is_taken(done, films, files):
    import hybridrec

    parse_policy("lin-ucb:epsilon=0").prepare(hybridrec.load(films)).save(files / "saved")
    rows = explored(done, "--policy", "saved")
    assert {round(row["propensity"], 6) for row in rows} == {1.0}


def test_little_to_go_by_is_a_warning(run, done, films):
    explored(done, "--policy", "epsilon-greedy:epsilon=0.6")
    (open_log := ImpressionLog("shown.sqlite")).credit([])
    open_log.close()
    result = run("off-policy", "films", "shown.sqlite", "--policy", "lin-ucb")
    assert result.code == 0
    assert "Warning: lin-ucb: the log tells as much" in result.err


def test_lists_of_a_user_are_forgotten(done, films, files):
    explored(done)
    told = done("forget", "films", "--user", 3, "--impressions", "shown.sqlite")
    assert "shown.sqlite: 1 lists removed" in told
    with ImpressionLog(files / "shown.sqlite") as log:
        assert 3 not in [one.user for _, one in log.all()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explore", "films"], "say for whom"),
        (["explore", "films", "--all", "--user", 1], "say for whom"),
        (["explore", "films", "--all", "--learn"], "add --impressions FILE"),
        (["explore", "films", "--all", "--policy", "greedy"], "unknown policy 'greedy'"),
        (["explore", "films", "--user", 99], "unknown user id 99"),
        (["explore", "films", "--all", "--impressions", "events.csv"], "cannot open the log"),
        (["off-policy", "films", "events.csv", "--policy", "lin-ucb"], "cannot open the log"),
        (["off-policy", "films", "nothing", "--policy", "lin-ucb"], "does not exist"),
        (["simulate", "events.csv", "--policy", "lin-ucb:alpha=-1"], "alpha must be a number"),
        (["simulate", "events.csv", "--model", "al"], "did you mean"),
    ],
)
def test_refused(refused, films, arguments, message):
    assert message in refused(*arguments)


def test_a_log_without_rewards_tells_nothing(refused, done, films):
    explored(done)
    message = refused("off-policy", "films", "shown.sqlite", "--policy", "lin-ucb")
    assert "no list of the log has its rewards" in message


@pytest.mark.parametrize("tastes", ["held-out", "latent"])
def test_policies_meet_simulated_users(done, files, tastes):
    options = ("--model", "als:factors=2", "--rounds", 2, "-k", 2, "--tastes", tastes)
    rows = json.loads(done("simulate", "events.csv", *options, "--format", "json"))
    assert [row["policy"] for row in rows][:2] == ["epsilon-greedy:epsilon=0", "epsilon-greedy"]
    assert all(row["clicks"] > 0 and row["regret"] >= 0 for row in rows)
    assert "policy" in done("simulate", "events.csv", *options, "--policy", "lin-ucb")
