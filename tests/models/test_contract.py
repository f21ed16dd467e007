"""Every model passes the contract that hybridrec ships."""

from __future__ import annotations

import pytest

from hybridrec import (
    ALS,
    BPR,
    EASE,
    BiasBaseline,
    Blend,
    Content,
    Contextual,
    GraphFilter,
    HybridALS,
    ItemKNN,
    LightFM,
    LogisticMF,
    PersonalizedPageRank,
    Popularity,
    RP3Beta,
    Stack,
)
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.models.registry import MODELS, model_class
from hybridrec.online.transfer import Scenarios
from hybridrec.privacy import PrivateALS
from hybridrec.testing import RecommenderContract
from hybridrec.testing.contract import checkerboard, parity_items, parity_knowledge


class TestPopularity(RecommenderContract):
    personal = False
    similar = False

    def make(self, **params):
        return Popularity(**params)


class TestBiasBaseline(RecommenderContract):
    personal = False
    similar = False

    def make(self, **params):
        return BiasBaseline(**params)


class TestItemKNN(RecommenderContract):
    def make(self, **params):
        return ItemKNN(**params)


class TestItemKNNByJaccard(RecommenderContract):
    def make(self, **params):
        return ItemKNN(similarity="jaccard", **params)


class TestRP3Beta(RecommenderContract):
    def make(self, **params):
        return RP3Beta(**params)


class TestPersonalizedPageRank(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return PersonalizedPageRank(**params)


class TestEASE(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return EASE(regularization=5.0, **params)


class TestGraphFilter(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return GraphFilter(factors=2, **params)


class TestSparseGraphFilter(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return GraphFilter(alpha=0.0, **params)


class TestALS(RecommenderContract):
    def make(self, **params):
        return ALS(factors=2, regularization=0.1, **params)


class TestBPR(RecommenderContract):
    def make(self, **params):
        return BPR(factors=8, iterations=500, **params)


class TestLogisticMF(RecommenderContract):
    def make(self, **params):
        return LogisticMF(factors=2, iterations=100, **params)


class TestContent(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return Content(**params)


class TestContentOfNeighbours(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return Content(neighbors=60, **params)


class TestHybridALS(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return HybridALS(factors=4, **params)


class TestBlend(RecommenderContract):
    uses_features = True

    def make(self, **params):
        members = ("hybrid-als:factors=4", "personalized-page-rank", "item-knn")
        return Blend(members=members, calibration=1.0, **params)


class TestContextual(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return Contextual(base="hybrid-als:factors=4", **params)


class TestStack(RecommenderContract):
    uses_features = True

    def make(self, **params):
        members = ("content", "item-knn")
        return Stack(members=members, **params)


class TestPrivateALS(RecommenderContract):
    def make(self, **params):
        return PrivateALS(epsilon=1e7, noise="seeded", factors=2, **params)


class TestScenarios(RecommenderContract):
    uses_features = True

    @pytest.fixture
    def dataset(self):
        rows = checkerboard()
        rows["scenario"] = ["buy" if one % 3 else "browse" for one in range(len(rows))]
        rows = Interactions.from_frame(rows, context=["scenario"])
        return Dataset.build(rows, parity_knowledge(), item_table=parity_items())

    def make(self, **params):
        return Scenarios(base="hybrid-als:factors=4", **params)


class TestLightFM(RecommenderContract):
    uses_features = True

    def make(self, **params):
        return LightFM(factors=8, epochs=60, **params)


class TestLightFMPackage(RecommenderContract):
    uses_features = True

    @pytest.fixture(autouse=True)
    def _package(self):
        pytest.importorskip("lightfm")

    def make(self, **params):
        return LightFM(engine="lightfm", factors=8, epochs=60, **params)


def test_every_model_is_under_contract():
    covered = {
        type(suite().make())
        for suite in RecommenderContract.__subclasses__()
        if "make" in vars(suite)
    }
    assert covered >= {model_class(name) for name in MODELS}  # other rooms' suites are there too
