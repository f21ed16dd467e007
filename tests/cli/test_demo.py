from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hybridrec.cli import demo
from hybridrec.dataset.dataset import Dataset


@pytest.fixture
def smaller(monkeypatch):
    """The demo without actors, on a third of the users and the films with Freebase facts."""
    data = demo.load_dataset(demo.NAME)
    films = np.flatnonzero(demo._in_freebase(data) | np.isin(data.titles, demo.NEW_USER))
    ids, rows = data.items.ids[films], data.interactions
    graph = replace(
        data.knowledge.without_relations(["film.film.actor"]),
        link=(ids, data.item_entities[films]),
    )
    small = Dataset.build(
        rows.take(np.isin(rows.item_codes, films) & (rows.user_codes % 3 == 0)).to_frame(),
        graph,
        item_table=data.item_table.iloc[films].assign(item=ids),
    )
    monkeypatch.setattr(demo, "load_dataset", lambda _: small)
    monkeypatch.setattr(demo, "COLD_SEEDS", 1)


def test_the_demo_tells_its_story(done, smaller):
    out = done("demo")
    steps = [line for line in out.splitlines() if line[:2] in {f"{one}." for one in range(1, 8)}]
    assert len(steps) == 7
    assert max(map(len, out.splitlines())) <= 80
    assert "known only after release" in out
    assert "Star Wars: Episode V" in out  # the neighbour of the film in the embedding
    assert "fold-in" in out
    assert "non-commercial" in out

    known, new = (
        out.split(step)[1].split(end)[0] for step, end in (("4. ", "5. "), ("5. ", "6. "))
    )
    assert scores(known, "als") > scores(known, "popularity")
    assert scores(new, demo.GRAPH) > scores(new, demo.NO_GRAPH) > scores(new, "random order") > 0
    assert scores(new, demo.GRAPH) > scores(new, demo.NO_AWARDS)
    assert scores(new, "popularity") == scores(new, "als") == 0


def scores(text: str, model: str) -> float:
    """Return the first number in the row of a model."""
    (row,) = [line for line in text.splitlines() if line.startswith(f"{model}  ")]
    return float(row.removeprefix(model).split()[0].rstrip("*"))


def test_films_of_the_new_user_and_the_taste_are_there():
    data = demo.load_dataset(demo.NAME)
    codes = demo._codes_of(data, [demo.TASTE, *demo.NEW_USER])
    assert len(np.unique(codes)) == 4
