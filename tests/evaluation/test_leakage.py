from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.leakage import check_leakage, partial_correlation
from hybridrec.evaluation.splits import cold_items, random_split


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Interactions whose items differ much in popularity, and what a good catalogue knows."""
    rng = np.random.default_rng(0)
    liking = rng.gamma(0.7, size=300)
    chosen = rng.random((150, 300)) < np.minimum(0.1 * liking, 0.9)
    users, items = np.nonzero(chosen)
    frame = pd.DataFrame({"user": users, "item": [f"i{one:03}" for one in items]})
    return Dataset.build(frame)


def with_column(dataset: Dataset, values: np.ndarray, name: str = "x") -> Dataset:
    return replace(dataset, item_table=pd.DataFrame({name: values}))


def with_facts(dataset: Dataset, counts: np.ndarray, relation: str = "fact") -> Dataset:
    heads = np.repeat(dataset.items.ids, counts)
    tails = np.concatenate([[f"t{one}" for one in range(count)] for count in counts])
    return dataset.with_knowledge(
        KnowledgeGraph.from_triples(heads, [relation] * len(heads), tails)
    )


def popularity(dataset: Dataset) -> np.ndarray:
    return dataset.matrix.getnnz(axis=0)


def sources(found: list) -> list[str]:
    return [one.source for one in found]


@pytest.mark.parametrize("make", [random_split, cold_items])
def test_a_count_of_all_interactions_is_found(data, make):
    split = make(with_column(data, popularity(data), "votes"))
    (found,) = check_leakage(split)
    assert (found.kind, found.source) == ("popularity", "item column 'votes'")
    assert found.strength > 0.5
    assert found.p_value < 1e-10
    assert "tells how popular held-out items are" in str(found)


def test_what_falls_with_popularity_is_found_too(data):
    split = random_split(with_column(data, -np.sqrt(popularity(data))))
    (found,) = check_leakage(split)
    assert found.strength < -0.5


def test_counts_of_training_are_known_to_all(data):
    split = random_split(data)
    trained = popularity(split.train)
    columns = {"n": trained, "log": np.log1p(trained), "bin": trained // 5}
    split = replace(split, train=replace(split.train, item_table=pd.DataFrame(columns)))
    assert check_leakage(split, min_correlation=0.1) == []


def test_a_relation_whose_degree_follows_popularity_is_found(data):
    split = cold_items(with_facts(data, popularity(data) // 3 + 1, "award"))
    (found,) = check_leakage(split)
    assert found.source == "the number of facts of relation 'award'"
    # only the items that are asked for were looked at
    assert f"on {split.candidates.sum()} items" in found.message


def test_being_in_the_graph_at_all_may_tell(data):
    counts = (popularity(data) > np.median(popularity(data))).astype(int)
    found = check_leakage(cold_items(with_facts(data, counts)))
    assert sources(found) == ["being covered by the knowledge graph 'knowledge'"]


def test_the_length_of_a_list_is_a_feature(data):
    tags = [[f"t{one}" for one in range(count)] for count in popularity(data)]
    (found,) = check_leakage(cold_items(with_column(data, pd.Series(tags), "tags")))
    assert found.source == "the length of item column 'tags'"


def test_missing_values_are_passed_over(data):
    values = popularity(data).astype(float)
    values[::2] = np.nan
    split = random_split(with_column(data, values))
    (found,) = check_leakage(split)
    asked = popularity(data) > 0
    assert f"on {(asked & ~np.isnan(values)).sum()} items" in found.message


@pytest.mark.parametrize("prefix", ["", "user:", "user_"])
@pytest.mark.parametrize("backwards", [False, True])
def test_edges_that_repeat_held_out_pairs_are_found(data, prefix, backwards):
    split = random_split(data, random_state=1)
    shown = split.test.take(np.arange(0, len(split.test), 3))
    users = [f"{prefix}{one}" for one in shown.users.ids[shown.user_codes]]
    items = shown.items.ids[shown.item_codes]
    ends = (items, users) if backwards else (users, items)
    graph = KnowledgeGraph.from_triples(ends[0], ["likes"] * len(shown), ends[1])
    found = check_leakage(replace(split, train=split.train.with_knowledge(graph)))
    assert found[0].kind == "duplicates"
    assert found[0].source == "relation 'likes'"
    assert found[0].strength == pytest.approx(1 / 3, abs=0.01)
    assert f"{len(shown)} of {len(split.test)} held-out pairs" in found[0].message


def test_edges_that_repeat_training_are_no_leak(data):
    split = random_split(data)
    rows = split.train.interactions
    graph = KnowledgeGraph.from_triples(
        rows.users.ids[rows.user_codes], ["saw"] * len(rows), rows.items.ids[rows.item_codes]
    )
    found = check_leakage(split, split.train.with_knowledge(graph))
    assert [one.kind for one in found] == []


def test_an_entity_that_is_an_item_is_no_user():
    """Users and items may have the same numbers, as in the files of KGCN."""
    rng = np.random.default_rng(1)
    rows = np.unique(rng.integers(0, 30, (200, 2)), axis=0)
    data = Dataset.build(pd.DataFrame(rows, columns=["user", "item"]))
    split = random_split(data)
    graph = KnowledgeGraph.from_triples(
        split.test.user_codes, ["sequel"] * len(split.test), split.test.item_codes
    )
    assert check_leakage(split, split.train.with_knowledge(graph)) == []


def test_chance_hits_are_no_leak(data):
    """Edges of random users and popular items hit held-out pairs as often as chance has it."""
    split = random_split(data)
    rng = np.random.default_rng(2)
    items = rng.permutation(data.interactions.item_codes)
    graph = KnowledgeGraph.from_triples(
        [f"user:{one}" for one in data.interactions.user_codes],
        ["follows"] * len(items),
        data.items.ids[items],
    )
    found = check_leakage(split, split.train.with_knowledge(graph), alpha=0.05)
    assert "duplicates" not in {one.kind for one in found}


def test_marked_relations_are_named(data):
    graph = KnowledgeGraph.from_triples(
        data.items.ids[:3],
        ["award", "genre", "award"],
        list("xyz"),
        after_release=["award", "prize"],
    )
    split = random_split(data.with_knowledge(graph))
    (found,) = check_leakage(split)
    assert (found.kind, found.source) == ("after-release", "relation 'award'")
    assert "2 facts" in found.message
    assert check_leakage(split, data.with_knowledge(graph.without_relations(["award"]))) == []


def test_order_is_by_kind_and_strength(data):
    rng = np.random.default_rng(3)
    noisy = popularity(data) + rng.normal(0, 8, len(data.items))
    table = pd.DataFrame({"noisy": noisy, "exact": popularity(data)})
    graph = KnowledgeGraph.from_triples(
        data.items.ids[:2], ["award"] * 2, list("xy"), after_release=["award"]
    )
    split = cold_items(replace(data, item_table=table, knowledge=graph))
    assert sources(check_leakage(split)) == [
        "item column 'exact'",
        "item column 'noisy'",
        "relation 'award'",
    ]


@pytest.mark.parametrize("make", [random_split, cold_items])
def test_false_alarms_on_shuffled_features_are_as_rare_as_promised(data, make):
    """Features of all kinds, dealt to other items: of 150 checks at alpha = .05, 7.5 may alarm."""
    split = make(data)
    counts = popularity(data)
    alarms, tests = 0, []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        dealt = rng.permutation(counts)
        table = {"count": dealt, "cube": dealt**3.0, "rare": rng.permutation(len(counts)) < 25}
        shuffled = with_facts(replace(split.train, item_table=pd.DataFrame(table)), dealt // 4)
        alarms += bool(check_leakage(split, shuffled, alpha=0.05, min_correlation=0))
        trained, held_out = popularity(split.train), split.test.matrix.getnnz(axis=0)
        tests.append(partial_correlation(dealt.astype(float), held_out, trained)[1])
    assert alarms <= stats.binom.ppf(0.999, 150, 0.05)
    # each test alone is exact: its p-values are uniform
    assert stats.kstest(tests, "uniform").pvalue > 0.001


def test_partial_correlation_is_that_of_residuals():
    """Against plain numpy: least squares on the same spline, written out."""
    rng = np.random.default_rng(4)
    trained = rng.poisson(rng.gamma(1, 5, 500))
    held_out = rng.poisson(1 + trained / 4)
    values = trained + rng.normal(0, 5, 500) + held_out
    x = np.log1p(trained)
    knots = np.unique([*np.unique(x)[:4], *np.quantile(x, np.linspace(0, 1, 12), method="nearest")])
    design = np.column_stack([np.ones(500), x, *(np.maximum(x - knot, 0) for knot in knots[1:-1])])

    def rest(y: np.ndarray) -> np.ndarray:
        return y - design @ np.linalg.lstsq(design, y, rcond=None)[0]

    one, other = rest(stats.rankdata(values) / 500), rest(np.log1p(held_out))
    variance = np.maximum(other**2 - rest(other**2), 0)
    z = (one @ other) / np.sqrt(one**2 @ variance)
    correlation, p_value = partial_correlation(values, held_out, trained)
    assert correlation == pytest.approx(np.corrcoef(one, other)[0, 1])
    assert p_value == pytest.approx(2 * stats.norm.sf(abs(z)))


@pytest.mark.parametrize("constant", ["values", "held_out"])
def test_what_does_not_vary_tells_nothing(constant):
    rng = np.random.default_rng(5)
    columns = {name: rng.poisson(3, 100) for name in ("values", "held_out", "trained")}
    columns[constant] = columns["trained"] * 0 + 2
    assert partial_correlation(**columns) == (0.0, 1.0)


def test_few_different_values_are_not_tested(data):
    counts = popularity(data)
    famous = counts >= np.sort(counts)[-19]
    split = cold_items(with_column(data, famous))
    assert check_leakage(split, min_correlation=0, alpha=1) == []


def test_refusals(data):
    split = random_split(data)
    other = Dataset.build(pd.DataFrame({"user": [1], "item": ["x"]}))
    with pytest.raises(ParameterError, match="items of the split"):
        check_leakage(split, other)
    for name in ("alpha", "min_correlation"):
        with pytest.raises(ParameterError, match=f"{name} must be between 0 and 1"):
            check_leakage(split, **{name: 1.5})


def test_nothing_to_check(data):
    assert check_leakage(random_split(data)) == []
