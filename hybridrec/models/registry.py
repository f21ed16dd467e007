"""Model names -> classes; a model's module is imported only when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.base import Recommender

MODELS: Mapping[str, tuple[str, str, str]] = {
    "popularity": ("popularity", "Popularity", "the popular items for everyone"),
    "bias-baseline": ("bias", "BiasBaseline", "user mean + item mean - global mean, for ratings"),
    "item-knn": ("item_knn", "ItemKNN", "items similar to those of the history"),
    "rp3-beta": ("rp3_beta", "RP3Beta", "walks of three steps, popular items held back"),
    "ease": ("ease", "EASE", "every item as a ridge regression on all others, small catalogues"),
    "graph-filter": ("graph_filter", "GraphFilter", "low-pass filter on the graph, GF-CF"),
    "personalized-page-rank": (
        *("personalized_page_rank", "PersonalizedPageRank"),
        "walks with restart over users, items and features",
    ),
    "als": ("implicit_factors", "ALS", "weighted matrix factorisation, implicit inside"),
    "bpr": ("implicit_factors", "BPR", "Bayesian personalised ranking, implicit inside"),
    "logistic-mf": ("implicit_factors", "LogisticMF", "logistic factorisation, implicit inside"),
    "lightfm": ("lightfm", "LightFM", "embeddings of features on a ranking loss"),
    "content": ("content", "Content", "items whose features match those of the history"),
    "hybrid-als": ("hybrid_als", "HybridALS", "ALS with item features as priors: cold items too"),
    "blend": ("blend", "Blend", "other models weighed, weights found on held-out interactions"),
    "stack": ("stack", "Stack", "trees over the scores of other models, for labelled pairs"),
    "contextual": ("contextual", "Contextual", "any other model, by time, place or device"),
    "private-als": (  # by its place in the package: it lives above this room
        *("privacy.private_als", "PrivateALS"),
        "ALS whose item side is differentially private",
    ),
    "scenarios": (
        *("online.transfer.scenarios", "Scenarios"),
        "hybrid-als or als, adapted to scenarios or domains",
    ),
}


def model_class(name: str) -> type[Recommender]:
    """Return the class of a model by its name.

    Raises
    ------
    ParameterError
        If there is no such model; suggests the nearest name.
    """
    if name not in MODELS:
        raise ParameterError(
            f"unknown model {name!r}{did_you_mean(name, MODELS)} (there are {', '.join(MODELS)})"
        )
    module, attribute, _ = MODELS[name]
    place = module if "." in module else f"models.{module}"
    found: type[Recommender] = getattr(import_module(f"hybridrec.{place}"), attribute)
    return found


def make_model(name: str, **params: Any) -> Recommender:
    """Return an unfitted model by its name.

    Raises
    ------
    ParameterError
        If there is no such model or parameter.
    """
    return model_class(name)().set_params(**params)
