"""hybridrec: hybrid recommendations from interactions and a knowledge graph, on a CPU.

The names below are loaded on first use, so that ``import hybridrec`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hybridrec.dataset.cleaning import CleaningReport, clean
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.dataset.knowledge import KnowledgeGraph
    from hybridrec.dataset.named import dataset_names, describe_dataset, load_dataset
    from hybridrec.dataset.readers import (
        read_dataset,
        read_interactions,
        read_items,
        read_knowledge,
        read_users,
        read_vectors,
    )
    from hybridrec.dataset.recency import Recency
    from hybridrec.dataset.social import SocialGraph
    from hybridrec.evaluation.evaluate import compare, evaluate
    from hybridrec.evaluation.groups.measure import group_report
    from hybridrec.evaluation.model_card.card import ModelCard, model_card
    from hybridrec.evaluation.selection.front import fit
    from hybridrec.evaluation.tuning.search import tune
    from hybridrec.features.blocks import FeatureBlock, Features
    from hybridrec.features.columns import TableColumns
    from hybridrec.features.fusion import SumFusion
    from hybridrec.features.pipeline import FeaturePipeline
    from hybridrec.features.sentences import SentenceColumns
    from hybridrec.features.social import SocialEdges
    from hybridrec.features.text import TextColumns
    from hybridrec.features.tokens import KnowledgeTokens
    from hybridrec.features.vectors import GivenVectors
    from hybridrec.features.walks import WalkEmbedding
    from hybridrec.models.base import Recommender
    from hybridrec.models.bias import BiasBaseline
    from hybridrec.models.blend import Blend
    from hybridrec.models.content import Content
    from hybridrec.models.contextual import Contextual
    from hybridrec.models.ease import EASE
    from hybridrec.models.graph_filter import GraphFilter
    from hybridrec.models.hybrid_als import HybridALS
    from hybridrec.models.implicit_factors import ALS, BPR, LogisticMF
    from hybridrec.models.item_knn import ItemKNN
    from hybridrec.models.lightfm import LightFM
    from hybridrec.models.personalized_page_rank import PersonalizedPageRank
    from hybridrec.models.popularity import Popularity
    from hybridrec.models.rp3_beta import RP3Beta
    from hybridrec.models.stack import Stack
    from hybridrec.models.storage import load
    from hybridrec.online.interest_drift import interest_drift
    from hybridrec.ranking.rules import Condition, Rules

_HOMES = {
    "dataset.cleaning": ("CleaningReport", "clean"),
    "dataset.dataset": ("Dataset",),
    "dataset.idmap": ("IdMap",),
    "dataset.interactions": ("Interactions",),
    "dataset.knowledge": ("KnowledgeGraph",),
    "dataset.named": ("dataset_names", "describe_dataset", "load_dataset"),
    "dataset.readers": (
        "read_dataset",
        "read_interactions",
        "read_items",
        "read_knowledge",
        "read_users",
        "read_vectors",
    ),
    "dataset.recency": ("Recency",),
    "dataset.social": ("SocialGraph",),
    "evaluation.evaluate": ("compare", "evaluate"),
    "evaluation.groups.measure": ("group_report",),
    "evaluation.model_card.card": ("ModelCard", "model_card"),
    "evaluation.selection.front": ("fit",),
    "evaluation.tuning.search": ("tune",),
    "features.blocks": ("FeatureBlock", "Features"),
    "features.columns": ("TableColumns",),
    "features.fusion": ("SumFusion",),
    "features.pipeline": ("FeaturePipeline",),
    "features.sentences": ("SentenceColumns",),
    "features.text": ("TextColumns",),
    "features.social": ("SocialEdges",),
    "features.tokens": ("KnowledgeTokens",),
    "features.vectors": ("GivenVectors",),
    "features.walks": ("WalkEmbedding",),
    "models.base": ("Recommender",),
    "models.bias": ("BiasBaseline",),
    "models.blend": ("Blend",),
    "models.content": ("Content",),
    "models.contextual": ("Contextual",),
    "models.ease": ("EASE",),
    "models.graph_filter": ("GraphFilter",),
    "models.hybrid_als": ("HybridALS",),
    "models.implicit_factors": ("ALS", "BPR", "LogisticMF"),
    "models.item_knn": ("ItemKNN",),
    "models.lightfm": ("LightFM",),
    "models.personalized_page_rank": ("PersonalizedPageRank",),
    "models.popularity": ("Popularity",),
    "models.rp3_beta": ("RP3Beta",),
    "models.stack": ("Stack",),
    "models.storage": ("load",),
    "online.interest_drift": ("interest_drift",),
    "ranking.rules": ("Condition", "Rules"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ALS",
    "BPR",
    "EASE",
    "BiasBaseline",
    "Blend",
    "CleaningReport",
    "Condition",
    "Content",
    "Contextual",
    "Dataset",
    "FeatureBlock",
    "FeaturePipeline",
    "Features",
    "GivenVectors",
    "GraphFilter",
    "HybridALS",
    "IdMap",
    "Interactions",
    "ItemKNN",
    "KnowledgeGraph",
    "KnowledgeTokens",
    "LightFM",
    "LogisticMF",
    "ModelCard",
    "PersonalizedPageRank",
    "Popularity",
    "RP3Beta",
    "Recency",
    "Recommender",
    "Rules",
    "SentenceColumns",
    "SocialEdges",
    "SocialGraph",
    "Stack",
    "SumFusion",
    "TableColumns",
    "TextColumns",
    "WalkEmbedding",
    "clean",
    "compare",
    "dataset_names",
    "describe_dataset",
    "evaluate",
    "fit",
    "group_report",
    "interest_drift",
    "load",
    "load_dataset",
    "model_card",
    "read_dataset",
    "read_interactions",
    "read_items",
    "read_knowledge",
    "read_users",
    "read_vectors",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("hybridrec")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hybridrec' has no attribute {name!r}")
    value = getattr(import_module(f"hybridrec.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
