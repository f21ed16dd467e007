from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.evaluation.selection import popularity_leaks
from hybridrec.evaluation.selection.guard import guarded_fit
from hybridrec.models.registry import make_model

ITEMS = 80


def films(after_release=(), seed: int = 0) -> Dataset:
    """Films whose awards grow with their users, and genres and a studio that do not."""
    rng = np.random.default_rng(seed)
    wanted = rng.integers(2, 60, ITEMS)
    rows = [(user, f"f{item}") for item in range(ITEMS) for user in range(wanted[item])]
    facts = [(f"f{item}", "made by", f"studio {rng.integers(5)}") for item in range(ITEMS)]
    for item in range(ITEMS):
        facts += [(f"f{item}", "won", f"award {n}") for n in range(wanted[item] // 12)]
        genres = rng.choice(8, rng.integers(1, 4), replace=False)
        facts += [(f"f{item}", "genre", f"genre {n}") for n in genres]
    head, relation, tail = zip(*facts, strict=True)
    graph = KnowledgeGraph.from_triples(head, relation, tail, after_release=after_release)
    return Dataset.build(pd.DataFrame(rows, columns=["user", "item"]), graph)


def test_awards_are_named_and_genres_are_not():
    dataset = films()
    (leak,) = popularity_leaks(dataset)
    users = dataset.matrix.getnnz(axis=0)
    awards = users // 12
    assert leak.relation == "won"
    assert leak.correlation == pytest.approx(spearmanr(awards, users).statistic)
    assert leak.items == (awards > 0).sum()
    assert 0.1 < leak.chance < 0.4
    assert not leak.after_release
    assert str(leak).startswith("won tells popularity: facts and users of an item correlate by 0.9")
    assert popularity_leaks(dataset) == (leak,)


def test_what_the_graph_marks_is_named_in_any_case():
    won, made = popularity_leaks(films(after_release=["made by", "won"]))
    assert (won.relation, made.relation) == ("won", "made by")
    assert made.correlation == 0.0  # one fact an item tells nothing
    assert "known only after release" in str(made)


def test_the_bound_can_be_moved():
    assert popularity_leaks(films(), least=1.0) == ()


def test_a_source_that_knows_popular_items_only_is_no_leak():
    dataset = films()
    users = dataset.matrix.getnnz(axis=0)
    known = dataset.items.ids[users > 30]
    second = KnowledgeGraph.from_triples(
        known, ["directed by"] * len(known), [f"d{n % 9}" for n in range(len(known))], name="second"
    )
    merged = dataset.with_knowledge(dataset.knowledge.merge(second))
    assert [leak.relation for leak in popularity_leaks(merged)] == ["won"]


def test_without_facts_or_with_few_items_there_is_none():
    dataset = films()
    assert popularity_leaks(dataset.with_knowledge(None)) == ()
    few = dataset.interactions.take(dataset.interactions.item_codes < 20)
    assert popularity_leaks(dataset.with_interactions(few)) == ()


def test_the_report_of_the_guard_names_them():
    model = make_model("hybrid-als", factors=4, iterations=2, num_threads=1)
    report = guarded_fit(model, films()).report
    assert [leak.relation for leak in report.leaks] == ["won"]
    assert "won tells popularity" in str(report)
