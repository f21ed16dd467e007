from __future__ import annotations

import json
from pathlib import Path

from hybridrec import dataset_names


def test_machines_get_everything(done):
    rows = json.loads(done("datasets", "--format", "json"))
    assert [row["name"] for row in rows] == dataset_names()
    (films,) = [row for row in rows if row["name"] == "movielens-small"]
    assert films["non_commercial"] is True
    assert (films["n_interactions"], films["n_users"]) == (100_004, 671)
    assert Path(films["folder"], "LICENSE-movielens.txt").exists()


def test_people_see_terms_and_citation(done):
    out = done("datasets")
    assert "100,004 of 671 users" in out
    assert "NON-COMMERCIAL" in out
    assert "Harper" in out
    assert max(map(len, out.splitlines())) <= 80
