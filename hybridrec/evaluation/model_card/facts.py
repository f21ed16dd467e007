"""What a model tells of itself: parameters, sizes, knowledge, features, a sample of lists."""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.evaluation.metrics import METRICS, Context, Judgement
from hybridrec.models.frames import POPULAR
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from hybridrec.features.pipeline import FeaturePipeline
    from hybridrec.models.base import Recommender

SAMPLE, LENGTH = 1000, 10  # users whose lists are looked at, and items in each

_STREAM = zlib.crc32(b"sample of a model card")


def facts_of(model: Recommender, *, random_state: int = 0, num_threads: int = 0) -> dict[str, Any]:
    """Return what a fitted model is now, of JSON's types."""
    return {
        "fingerprint": fingerprint(model),
        "model": described(model),
        "users": len(model.users_),
        "items": len(model.items_),
        "interactions": int(model.history_.nnz),
        "knowledge": _knowledge(model),
        "item_features": _blocks(model.item_pipeline_),
        "user_features": _blocks(model.user_pipeline_),
        "user_columns": _user_columns(model.user_pipeline_),
        "places_new_items": model.item_pipeline_ is not None,
        "items_without_users": int((model.popularity_ == 0).sum()),
        "unscorable_items": int((~model.scorable_).sum()),
        "users_served_popular": int((model.user_sources_ == POPULAR).sum()),
        "lists": _lists(model, random_state, num_threads),
    }


def described(model: Recommender) -> dict[str, Any]:
    """Return the class and the parameters of a model, and of those it is made of."""
    params = {name: _plain(value) for name, value in model.get_params().items()}
    return {
        "name": model.model_name,
        "class": type(model).__name__,
        "about": (type(model).__doc__ or "").strip().partition("\n")[0],
        "params": params,
        "members": [described(member) for member in model.members_],
    }


def fingerprint(model: Recommender) -> str:
    """Return a short hash of the ids and interactions a model holds."""
    digest = hashlib.sha256()
    history = model.history_.sorted_indices()
    for ids in (model.users_.ids, model.items_.ids):
        texts = [str(one).encode() for one in ids.tolist()]
        digest.update(b"".join(b"%d:%b" % (len(one), one) for one in texts))
    for array in (history.indptr, history.indices):
        digest.update(array.astype("<i8").tobytes())
    digest.update(history.data.astype("<f4").tobytes())
    return digest.hexdigest()[:16]


def _knowledge(model: Recommender) -> dict[str, Any] | None:
    graph = model.knowledge_
    if graph is None:
        return None
    counts = {str(name): int(count) for name, count in graph.relation_counts().items() if count}
    return {
        "triples": len(graph),
        "entities": len(graph.entities),
        "sources": list(graph.sources),
        "relations": counts,
        "after_release": sorted(map(str, graph.after_release)),
        "linked_items": int((graph.entity_of(model.items_) >= 0).sum()),
    }


def _blocks(pipeline: FeaturePipeline | None) -> list[dict[str, Any]]:
    """Return the blocks of features, how wide they are and how much they count."""
    if pipeline is None:
        return []
    return [
        {
            "block": builder.name,
            "width": len(builder.feature_names(pipeline.knowledge_)),
            "weight": float(pipeline.weights.get(builder.name, 1.0)),
        }
        for builder in pipeline.builders_
    ]


def _user_columns(pipeline: FeaturePipeline | None) -> list[str]:
    """Return the columns of the user table that the model looks at."""
    if pipeline is None:
        return []
    used = [one for one in pipeline.builders_ if pipeline.weights.get(one.name, 1.0) > 0]
    return [str(column) for builder in used for column in getattr(builder, "kinds_", {})]


def _lists(model: Recommender, random_state: int, num_threads: int) -> dict[str, Any] | None:
    """Return how popular and how varied the lists of a sample of the users are."""
    from scipy.sparse import csr_matrix

    users = random_stream(random_state, _STREAM).permutation(len(model.users_))[:SAMPLE]
    if not len(users):
        return None
    users = np.sort(users).astype(np.int32)
    lists = model.recommend_codes(users, LENGTH, num_threads=num_threads).items.astype(np.int32)
    nothing = csr_matrix((len(users), len(model.items_)))
    context = Context(train=model.history_, tie=model.items_.tie_order)
    judged = Judgement(users, lists, nothing, (LENGTH,), model.scorable_, context)
    found = {name: METRICS[name](judged)[..., 0] for name in ("arp", "gini", "coverage")}
    histories = model.history_[users]
    rows = np.repeat(np.arange(len(users)), np.diff(histories.indptr))
    had = np.bincount(rows, model.popularity_[histories.indices], len(users))
    counts = np.diff(histories.indptr)
    return {
        "users": len(users),
        "k": LENGTH,
        "average_popularity": float(found["arp"].mean()),
        "average_popularity_of_histories": float((had[counts > 0] / counts[counts > 0]).mean())
        if counts.any()
        else 0.0,
        "gini": float(found["gini"]),
        "coverage": float(found["coverage"]),
        "empty": int((lists[:, 0] < 0).sum()) if lists.shape[1] else len(users),
    }


def _plain(value: Any) -> Any:
    """Return a parameter as JSON can hold it; what it cannot hold by its text."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)
