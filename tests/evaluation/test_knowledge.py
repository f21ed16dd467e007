from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.knowledge import FeatureComparison, compare_features, shuffled
from hybridrec.evaluation.measured import Evaluation, Slice
from hybridrec.evaluation.splits.cold import cold_items
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.models.hybrid_als import HybridALS

TASTES, PER_TASTE, USERS = 4, 10, 60


@pytest.fixture(scope="module")
def data() -> Dataset:
    """Users like items of one genre, which the graph knows; the colour of an item means nothing."""
    rng = np.random.default_rng(0)
    genre = np.repeat(np.arange(TASTES), PER_TASTE)
    rows = [
        (user, int(item))
        for user in range(USERS)
        for item in rng.choice(np.flatnonzero(genre == user % TASTES), 6, replace=False)
    ]
    items = np.arange(len(genre))
    knowledge = KnowledgeGraph.from_triples(
        items.astype(str), np.full(len(items), "genre"), [f"g{one}" for one in genre],
        link=(items, items.astype(str)),
    )  # fmt: skip
    table = pd.DataFrame({"item": items, "colour": rng.choice(["red", "blue"], len(items))})
    frame = pd.DataFrame(rows, columns=["user", "item"])
    return Dataset.build(Interactions.from_frame(frame), knowledge, item_table=table)


class Profiles:
    """A model that scores items by how their features match those of the user's items."""

    def __init__(self, score_table, seed: int) -> None:
        self.score_table, self.seed = score_table, seed
        self.given: list = []

    def fit(self, train, *, item_features):
        features = np.zeros((len(train.items), 1))
        if len(item_features):
            features = item_features.matrix().toarray()
        self.given.append(item_features)
        scores = train.matrix.toarray() @ features @ features.T
        return self.score_table(train, scores + 1e-6 * self.seed)


@pytest.fixture
def profiles(score_table):
    made = []

    def make(seed: int) -> Profiles:
        made.append(Profiles(score_table, seed))
        return made[-1]

    make.made = made
    return make


def test_a_graph_that_helps(data, profiles):
    found = compare_features(profiles, lambda seed: cold_items(data, random_state=seed), k=2)
    assert found.seeds == (0, 1, 2)
    assert list(found.by_model) == ["with", "without", "shuffled"]
    means = {model: found.mean(model, "recall", 2) for model in found.by_model}
    assert means["with"] > means["without"] + 0.3
    assert means["with"] > means["shuffled"] + 0.3
    row = found.significance("recall", 2).iloc[0]
    verdict = found.verdict()
    assert verdict.startswith(
        f"The knowledge graph helps: recall@2 on cold items is {means['with']:.4f} with it,"
        f" {means['without']:.4f} without ({row['difference']:+.4f}, p = {row['p_holm']:.4f}) and"
        f" {means['shuffled']:.4f} with shuffled features (p = "
    )
    assert str(found).endswith(verdict)
    assert "ndcg@2" in found.verdict("ndcg")


def test_features_that_do_not_help(data, profiles):
    cut = cold_items(data)
    found = compare_features(profiles, cut, item_features=["columns"], seeds=[3, 4], k=2)
    assert found.seeds == (3, 4)
    assert found.verdict().startswith(
        "Side information (columns) makes no difference that this test can tell: recall@2 on cold"
    )


def test_blocks_in_question(data, profiles):
    """The graph is the question; the columns are there in every variant."""
    compare_features(profiles, cold_items(data), seeds=[0])
    whole, rest, dealt = (made.given[0] for made in profiles.made)
    assert [block.name for block in whole.blocks] == ["tokens", "columns"]
    assert [block.name for block in rest.blocks] == ["columns"]
    assert [block.name for block in dealt.blocks] == ["tokens", "columns"]
    colours = [some.blocks[-1].matrix for some in (whole, rest, dealt)]
    assert all((one != colours[0]).nnz == 0 for one in colours)
    tokens, moved = whole.blocks[0].matrix, dealt.blocks[0].matrix
    assert (tokens != moved).nnz > 0
    assert np.array_equal(np.sort(tokens.toarray(), axis=0), np.sort(moved.toarray(), axis=0))


def test_no_other_blocks(data, profiles):
    cut = cold_items(data)
    compare_features(profiles, cut, seeds=[0], blocks=["tokens", "columns"])
    assert profiles.made[1].given == [[]]
    profiles.made.clear()
    compare_features(profiles, cut, seeds=[0], item_features=["columns"])
    assert profiles.made[1].given == [[]]


def test_given_features(data, profiles):
    vectors = np.random.default_rng(0).random((len(data.items), 3)).astype(np.float32)
    given = Features([FeatureBlock("mine", vectors, np.array(list("xyz"), dtype=object))])
    found = compare_features(profiles, cold_items(data), item_features=given, seeds=[0])
    assert profiles.made[0].given == [given]
    assert found.about == "side information (mine)"


def test_seeds_are_those_of_model_split_and_shuffling(data, profiles):
    asked = []

    def cut(seed):
        asked.append(seed)
        return cold_items(data, random_state=seed)

    compare_features(profiles, cut, seeds=[5, 6])
    assert asked == [5, 6]
    assert [made.seed for made in profiles.made] == [5, 5, 5, 6, 6, 6]


def test_slices_and_rows(data, profiles):
    found = compare_features(
        profiles, cold_items(data), seeds=[1], k=[2, 4], slices=["items:colour"]
    )
    assert found.slices == ("all", "items:colour=blue", "items:colour=red")
    assert {row["seed"] for row in found.rows()} == {1}
    assert "recall@4 on items:colour=red is" in found.verdict(on="items:colour=red")
    assert "recall@2 on cold items is" in found.verdict(k=2)


def test_a_model_by_name(data):
    params = {"factors": 4, "iterations": 3}
    found = compare_features(
        "hybrid-als", cold_items(data), params=params, seeds=[0], k=2, blocks=["tokens"]
    )
    assert found.mean("with", "recall", 2) > found.mean("shuffled", "recall", 2) + 0.2
    model = HybridALS(random_state=0, **params)
    same = compare_features(lambda seed: model, cold_items(data), seeds=[0], k=2)
    assert same.rows() == found.rows()


def test_wrong_parameters(data, profiles):
    cut = cold_items(data)
    with pytest.raises(ParameterError, match=r"no feature block 'token'; did you mean 'tokens'\?"):
        compare_features(profiles, cut, blocks=["token"])
    with pytest.raises(ParameterError, match="at least one feature block"):
        compare_features(profiles, cut, blocks=[])
    with pytest.raises(ParameterError, match="at least one seed"):
        compare_features(profiles, cut, seeds=[])
    with pytest.raises(ParameterError, match="params belong to a model given by name"):
        compare_features(profiles, cut, params={"factors": 2})
    with pytest.raises(ParameterError, match="unknown model 'hybrid'"):
        compare_features("hybrid", cut)
    with pytest.raises(ParameterError, match="als does not use item features"):
        compare_features("als", cut)


# ---- verdicts -------------------------------------------------------------------------------


def verdict_of(with_it, without, dealt, metric="recall", **more) -> str:
    values = {"with": with_it, "without": without, "shuffled": dealt}
    users = np.arange(len(with_it))
    parts = [
        Evaluation(name, 0, {"all": Slice(users, 1, {(metric, 5): np.array(one)})})
        for name, one in values.items()
    ]
    return FeatureComparison(parts, **more).verdict()


LOW, HIGH = np.linspace(0.1, 0.3, 30), np.linspace(0.4, 0.9, 30)


def test_verdicts():
    assert "side information helps: recall@5 is 0.65" in verdict_of(HIGH, LOW, LOW).lower()
    assert "hurts: recall@5" in verdict_of(LOW, HIGH, LOW)
    assert "helps no more than shuffled features: " in verdict_of(HIGH, LOW, HIGH)
    assert "helps no more than shuffled features: " in verdict_of(HIGH, LOW, HIGH + 0.1)
    assert "makes no difference that this test can tell: " in verdict_of(LOW, LOW, LOW)
    text = verdict_of(HIGH, LOW, LOW, about="the knowledge graph", cold_only=True)
    assert text == (
        "The knowledge graph helps: recall@5 on cold items is 0.6500 with it, 0.2000 without"
        " (+0.4500, p = 0.0003) and 0.2000 with shuffled features (p = 0.0003)."
    )


def test_verdict_of_errors():
    assert "helps: rmse@5" in verdict_of(LOW, HIGH, HIGH, "rmse")
    assert "hurts: rmse@5" in verdict_of(HIGH, LOW, LOW, "rmse")


# ---- shuffling ------------------------------------------------------------------------------


def features_of(tokens, vectors) -> Features:
    return Features(
        [
            FeatureBlock("tokens", csr_matrix(tokens), np.arange(tokens.shape[1]).astype(str)),
            FeatureBlock("vectors", vectors, np.arange(vectors.shape[1]).astype(str)),
        ]
    )


def test_shuffled_rows_stay_whole_and_empty_ones_where_they_are():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 2, (40, 3)).astype(np.float32)
    vectors = rng.random((40, 2)).astype(np.float32)
    tokens[:8] = vectors[:8] = 0
    tokens[8:12] = 0  # described by vectors alone
    found = shuffled(features_of(tokens, vectors), ["tokens", "vectors"], 0)
    dealt = np.hstack([found.blocks[0].matrix.toarray(), found.blocks[1].matrix])
    before = np.hstack([tokens, vectors])
    assert (dealt[:8] == 0).all()
    assert not np.array_equal(dealt, before)
    assert sorted(map(tuple, dealt)) == sorted(map(tuple, before))


def test_shuffling_some_blocks():
    rng = np.random.default_rng(1)
    whole = features_of(rng.random((30, 2)), rng.random((30, 2)))
    found = shuffled(whole, ["vectors"], 0)
    assert found.blocks[0] is whole.blocks[0]
    assert not np.array_equal(found.blocks[1].matrix, whole.blocks[1].matrix)
    same, other = shuffled(whole, ["vectors"], 0), shuffled(whole, ["vectors"], 1)
    assert np.array_equal(found.blocks[1].matrix, same.blocks[1].matrix)
    assert not np.array_equal(found.blocks[1].matrix, other.blocks[1].matrix)


def test_every_deal_is_as_likely():
    tokens = np.eye(4, dtype=np.float32)
    whole = features_of(tokens, np.zeros((4, 1), dtype=np.float32))
    places = np.array(
        [shuffled(whole, ["tokens"], seed).blocks[0].matrix.toarray() for seed in range(600)]
    ).mean(axis=0)
    assert places == pytest.approx(np.full((4, 4), 0.25), abs=0.07)
