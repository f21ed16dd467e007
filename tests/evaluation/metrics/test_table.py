from __future__ import annotations

import pytest

from hybridrec.evaluation.metrics import (
    LOWER_IS_BETTER,
    METRICS,
    PAIR_METRICS,
    PLACEMENT_METRICS,
    metric_table,
)
from hybridrec.evaluation.metrics.table import LIBRARIES, definition

KINDS = (METRICS, PLACEMENT_METRICS, PAIR_METRICS)


@pytest.mark.parametrize(
    ("name", "metric"), [pair for kind in KINDS for pair in kind.items()], ids=lambda x: str(x)[:12]
)
def test_every_metric_is_defined_and_compared(name, metric):
    found = definition(metric)
    assert "=" in found["definition"]
    assert all(found[library] for library in LIBRARIES), f"{name}: {found}"


def test_table():
    table = metric_table()
    assert len(table) == sum(map(len, KINDS))
    assert list(table.columns) == ["judges", "better", "definition", *LIBRARIES]
    assert table.loc["recall", "LensKit"] == "divides by min(k, |test|)."
    assert set(table.index[table["better"] == "lower"]) == LOWER_IS_BETTER


def test_a_metric_of_your_own_needs_no_docstring():
    assert definition(lambda judged: judged) == dict.fromkeys(("definition", *LIBRARIES), "")
