from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Interactions
from hybridrec.errors import DataError, ParameterError
from hybridrec.online.transfer.rows import (
    are_domains,
    column_of,
    histories_of,
    items_of_scenario,
    known_scenario,
    with_column,
)

ROWS = pd.DataFrame(
    {"user": [1, 1, 2, 2], "item": ["a", "b", "a", "a"], "kind": ["buy", "view", "buy", "view"]}
)


def test_every_scenario_has_its_own_rows():
    rows = Interactions.from_frame(ROWS, context=["kind"])
    found = histories_of(rows, "kind")
    assert list(found) == ["buy", "view"]
    assert found["buy"].toarray().tolist() == [[1, 0], [1, 0]]
    assert found["view"].toarray().tolist() == [[0, 1], [1, 0]]
    assert (sum(found.values()) != rows.matrix).nnz == 0
    assert list(histories_of(rows, None)) == ["all"]


def test_scenarios_may_be_numbers():
    rows = Interactions.from_frame(ROWS.assign(kind=[0.0, 1.0, 0.0, 1.0]), context=["kind"])
    assert list(histories_of(rows, "kind")) == ["0", "1"]


def test_rows_without_a_scenario_are_refused():
    rows = Interactions.from_frame(ROWS.assign(kind=["buy", None, "buy", ""]), context=["kind"])
    with pytest.raises(DataError, match=r"'kind' tells no scenario: rows 1 "):
        histories_of(rows, "kind")


def test_columns_are_found_or_missed():
    rows = with_column(ROWS.rename(columns={"kind": "scenario"}), None)
    assert column_of(rows, None) == "scenario"
    assert column_of(with_column(ROWS, None), None) is None
    kept = with_column(ROWS, "kind")
    assert column_of(kept, "kind") == "kind"
    with pytest.raises(DataError, match=r"no column 'kin' of scenarios; did you mean 'kind'"):
        column_of(kept, "kin")


def test_unknown_scenarios_are_named():
    assert known_scenario(3, ["3", "4"]) == "3"
    with pytest.raises(ParameterError, match=r"'bye'; did you mean 'buy'.*there are 'buy', 'view'"):
        known_scenario("bye", ["buy", "view"])


def test_domains_have_items_of_their_own(shop, domains):
    def histories(rows):
        return histories_of(Interactions.from_frame(rows, context=["scenario"]), "scenario")

    assert are_domains(histories(domains))
    assert not are_domains(histories(shop))
    assert not are_domains({"all": histories(shop)["buy"]})


def test_a_table_tells_which_items_a_scenario_has():
    table = pd.DataFrame({"shelf": ["book", None, "film"]})
    assert items_of_scenario(table, "shelf", "book").tolist() == [True, False, False]
    with pytest.raises(DataError, match=r"no column 'self'.*did you mean 'shelf'"):
        items_of_scenario(table, "self", "book")
    with pytest.raises(DataError, match="columns: none"):
        items_of_scenario(None, "shelf", "book")
    assert items_of_scenario(table, "shelf", "x").dtype == np.bool_
