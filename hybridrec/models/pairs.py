"""Scores of pairs: of users and items, and of items that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import column_values, find_column, make_frame, open_frame
from hybridrec.errors import DataError, first_few
from hybridrec.models.frames import ranked_frame
from hybridrec.ranking.topk import top_k

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender


def score_pairs(model: Recommender, pairs: Any, user: str | None, item: str | None) -> Any:
    """Score pairs of known users and items; see `Recommender.score`."""
    frame, backend = open_frame(pairs)
    named = [
        find_column(frame.columns, role, given, where="pairs")
        for role, given in (("user", user), ("item", item))
    ]
    user_ids, item_ids = (column_values(frame, str(name)) for name in named)
    rows, items = model.users_.codes(user_ids), model.items_.codes(item_ids)
    scores = model.score_codes(model.scorer_, rows, items)
    return make_frame({"user": user_ids, "item": item_ids, "score": scores}, backend)


def similar_items(model: Recommender, items: Sequence[Any], k: int, num_threads: int) -> Any:
    """Rank the items most like some items; see `Recommender.similar_items`."""
    codes = model.items_.codes(items)
    found, scores = similar_codes(model, codes, k, num_threads)
    return ranked_frame(
        *("item", model.items_.ids[codes], "similar", model.items_.ids),
        *(found, scores, model.backend_),
    )


def similar_codes(
    model: Recommender, codes: np.ndarray, k: int, num_threads: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the items most like each of some, as codes, and how alike they are.

    Raises
    ------
    DataError
        If the model knows nothing of an item.
    ParameterError
        If the model has no notion of similar items.
    """
    unscored = codes[~model.scorable_[codes]]
    if unscored.size:
        raise DataError(
            f"items {first_few(model.items_.ids[unscored])} have neither interactions nor"
            f" features, so {model.model_name} knows nothing of them"
        )
    return top_k(
        model._similarity(codes),
        np.arange(len(codes)),
        k,
        exclude=one_item_each(codes, len(model.items_)),
        allowed=model.scorable_,
        tie=model.items_.tie_order,
        num_threads=num_threads,
    )


def one_item_each(items: np.ndarray, n_items: int) -> csr_matrix:
    """Return a row for each of some items that holds it alone, float32."""
    from scipy.sparse import csr_matrix

    ones, starts = np.ones(len(items), dtype=np.float32), np.arange(len(items) + 1)
    return csr_matrix((ones, items, starts), shape=(len(items), n_items))
