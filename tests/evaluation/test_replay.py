"""Windows of time: what is tested, what is learned, and when."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec as hr
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.replay import copied, replay
from hybridrec.evaluation.report import Report, to_html, to_markdown
from hybridrec.evaluation.report.charts import over_windows


def data(rows):
    frame = pd.DataFrame(rows, columns=["user", "item", "timestamp"])
    return Dataset.build(frame)


@pytest.fixture(scope="module")
def waves():
    """Twelve users with the items of their parity, one an hour; item 40 comes in the last third."""
    draw, rows = np.random.default_rng(0), []
    for user in range(12):
        items = draw.permutation(np.arange(user % 2, 24, 2))
        rows += [(user, int(item), 3600.0 * at + user) for at, item in enumerate(items)]
        rows.append((user, 40 + user % 2, 3600.0 * 8 + 60 * user))
    return data(rows)


def fit_knn(past):
    return hr.ItemKNN().fit(past)


class TestByHand:
    """Four users; popularity is easy to follow."""

    ROWS = (
        (1, "a", 1.0), (2, "a", 2.0), (2, "b", 3.0), (3, "c", 4.0),
        (1, "b", 5.0), (4, "a", 6.0), (3, "d", 7.0), (1, "a", 8.0),
        (1, "c", 9.0), (3, "b", 10.0), (4, "d", 11.0), (2, "d", 12.0),
    )  # fmt: skip

    @pytest.fixture
    def found(self):
        return replay(
            data(self.ROWS),
            lambda past: hr.Popularity().fit(past),
            strategies=["static", "update", "refit"],
            windows=2,
            first=0.37,
            metrics=["hit-rate"],
            k=1,
        )

    def test_windows(self, found):
        one, two = found.windows
        assert (one.start, one.end, one.events, one.unheard) == (5.0, 7.0, 3, 1)
        assert (two.start, two.end, two.events, two.unheard) == (9.0, 12.0, 4, 0)

    def test_who_is_tested(self, found):
        """The repeated (1, a) is no test; user 4 is new in the first window; d was unheard of."""
        users = {
            part: [one.slices["all"].users.tolist() for one in own.by_model["static"]]
            for part, own in found.parts.items()
        }
        assert users == {
            "returning": [[1], [1, 2, 3, 4]],
            "new users": [[4]],
            "recent items": [[2, 4]],
        }

    def test_values(self, found):
        own = found.parts["returning"]
        hits = {
            name: [one.values("hit-rate", 1).tolist() for one in some]
            for name, some in own.by_model.items()
        }
        assert hits["update"] == hits["refit"]
        assert hits["static"][0] == hits["update"][0]
        # Users 1 and 2 have a and b. For who did not learn of d, only c is left, which user 1
        # chose; else c and d are equal. Users 3 and 4 chose what is less popular than a or b.
        assert hits["static"][1] == [1.0, 0.0, 0.0, 0.0]
        assert sum(hits["update"][1][:2]) == 1.0
        assert hits["update"][1][2:] == [0.0, 0.0]

    def test_rows_and_costs(self, found):
        frame = found.frame
        assert len(frame) == 3 * (2 + 1 + 1)
        assert frame["refit"].sum() == 4
        assert found.cost("static")[0] == found.cost("update")[0] == 0
        assert found.cost("refit")[0] == 2


class TestStrategies:
    def test_refit_is_best_on_recent_items(self, waves):
        found = replay(waves, fit_knn, strategies=["static", "update", "refit"], windows=4)
        recent = found.parts["recent items"]
        assert recent.mean("static", "ndcg", 10) == recent.mean("update", "ndcg", 10) == 0
        assert recent.mean("refit", "ndcg", 10) > 0.1

    def test_every_second_window(self, waves):
        found = replay(waves, fit_knn, strategies=["refit:2"], windows=5)
        assert [step.window for step in found.steps if step.refit] == [2, 4]

    def test_advised(self, waves):
        seen = []

        def advise(model, events):
            seen.append((model.history_.nnz, len(events)))
            return len(seen) == 2

        found = replay(waves, fit_knn, strategies=["update", "advised"], windows=3, advise=advise)
        assert [step.window for step in found.steps if step.refit] == [2]
        known, new = zip(*seen, strict=True)
        assert list(known[1:]) == [known[0] + new[0], known[1] + new[1]]

    def test_what_is_had_is_not_listed(self, waves):
        """Also by a model that never learned of it: all are asked for the same."""
        found = replay(waves, fit_knn, strategies=["static"], windows=4, k=24, metrics=["recall"])
        last = found.parts["returning"].by_model["static"][-1]
        assert last.mean("recall", 24) > 0.5

    @pytest.mark.parametrize("kind", [
        hr.ItemKNN,
        lambda: hr.Blend(members=("als:factors=4", "item-knn"), weights=(0.5, 0.5)),
    ])  # fmt: skip
    def test_a_copy_is_updated_alone(self, waves, kind):
        model = kind().fit(waves)
        before = model.recommend(k=3)
        copied(model).update(pd.DataFrame({"user": [1, 99], "item": [2, 4]}))
        pd.testing.assert_frame_equal(model.recommend(k=3), before)


class TestReport:
    def test_pages_and_curves(self, waves):
        found = replay(waves, fit_knn, windows=4)
        report = Report(found.parts["returning"], title="waves", replay=found)
        (first, *_) = over_windows(report)
        assert (first.k, first.over) == ((1, 2, 3, 4), "window")
        assert [curve.name for curve in first.curves] == ["static", "update", "refit"]
        text = to_markdown(report)
        assert "NDCG@10 of the strategies, mean over the windows" in text
        page = to_html(report)
        assert "Over time" in page
        assert "±" in page


class TestRefused:
    def test_parameters(self, waves):
        for options, message in (
            ({"strategies": ["udpate"]}, "unknown strategy 'udpate'; did you mean 'update'"),
            ({"strategies": ["update:3"]}, "unknown strategy 'update:3'"),
            ({"strategies": ["refit:0"]}, "'refit:0': after refit: stands"),
            ({"strategies": ["advised"]}, "'advised' needs advise="),
            ({"strategies": []}, "needs a strategy"),
            ({"windows": 0}, "windows"),
            ({"first": 1.5}, "first"),
            ({"days": -1.0}, "days must be a positive number"),
        ):
            with pytest.raises(ParameterError, match=message):
                replay(waves, fit_knn, **options)

    def test_data(self, waves):
        with pytest.raises(DataError, match="with a timestamp column"):
            replay(Dataset.build(pd.DataFrame({"user": [1], "item": [1]})), fit_knn)
        with pytest.raises(DataError, match="ask for fewer or longer ones"):
            replay(waves, fit_knn, windows=1000)
        at_once = data([(user, item, 5.0) for user in range(3) for item in range(3)])
        with pytest.raises(DataError, match="different times"):
            replay(at_once, fit_knn)
