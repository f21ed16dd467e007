"""A fitted model in parts: all about its items to every worker, its users block by block."""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.distributed.blocks import own
from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.frames import POPULAR, Lists
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer
from hybridrec.ranking.topk import top_k

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scipy.sparse import csr_matrix

    from hybridrec.distributed.cluster import Cluster, Future

M = TypeVar("M", bound=Recommender)

ITEM_BYTES = 1 << 30  # of item factors that a worker holds at a time
BY_USER = ("user_prior_",)  # what models keep of their users beside the scorer


class Users(NamedTuple):
    """Some users of a model."""

    ids: np.ndarray
    rows: Any
    """Their rows of the scorer: factors, or profiles."""
    history: csr_matrix
    sources: np.ndarray
    """int8, as ``user_sources_``."""


class ItemBlock(NamedTuple):
    """Items of a factor model that a worker looks at in one go."""

    first: int
    scorer: FactorScorer
    scorable: np.ndarray
    tie: np.ndarray


def without_users(model: M) -> M:
    """Return a fitted model without its users: what every worker gets of it.

    Raises
    ------
    ParameterError
        If the model is made of others.
    """
    if model.members_:
        raise ParameterError(
            f"{model.model_name} is made of other models, whose users cannot be told apart; run"
            " without a cluster"
        )
    bare = copy(model)
    vars(bare).pop("_kept", None)
    none = np.zeros(0, dtype=np.int64)
    scorer: Any = model.scorer_
    bare.scorer_ = scorer.for_users(_rows(model, 0, 0))
    vars(bare.scorer_).pop("_origin", None)
    for name in ("item_index", "_floor", "by_background", "lack"):
        vars(bare.scorer_).pop(name, None)
    bare.history_ = model.history_[:0]
    bare.users_, bare.user_sources_ = IdMap(none, "user"), none.astype(np.int8)
    bare.knowledge_ = bare.user_pipeline_ = None
    for name in BY_USER:
        if hasattr(bare, name):
            setattr(bare, name, None)
    return bare


def users_of(model: Recommender, begin: int, end: int) -> Users:
    """Return a block of users of a fitted model."""
    sources = model.user_sources_[begin:end]
    history = model.history_[begin:end]
    return Users(model.users_.ids[begin:end], _rows(model, begin, end), history, np.array(sources))


def with_users(bare: M, users: Users) -> M:
    """Return a model that knows just these users; their codes count from 0."""
    model = copy(bare)
    scorer: Any = bare.scorer_
    model.scorer_ = scorer.for_users(_own(users.rows))
    model.history_, model.user_sources_ = own(users.history), users.sources
    model.users_ = IdMap(users.ids, "user")
    return model


def item_blocks(model: Recommender, number: int | None = None) -> list[ItemBlock] | None:
    """Cut the items of a factor model that are too many for one worker; None if they are not.

    ``number`` of blocks is for tests.
    """
    scorer = model.scorer_
    if not isinstance(scorer, FactorScorer):
        return None
    count = number or -(-scorer.item_factors.nbytes // ITEM_BYTES)
    if count < 2:
        return None
    bounds = np.linspace(0, scorer.n_items, count + 1).astype(int)
    nobody, tie = scorer.user_factors[:0], model.items_.tie_order
    return [
        ItemBlock(
            begin,
            FactorScorer(nobody, scorer.item_factors[begin:end], scorer.item_bias[begin:end]),
            model.scorable_[begin:end],
            tie[begin:end],
        )
        for begin, end in pairwise(bounds.tolist())
    ]


class Lister:
    """Gives the lists of users to the workers: of all items, or block by block of items.

    Parameters
    ----------
    cluster : Cluster
    model : Recommender
        Fitted.
    number : int, optional
        Blocks of items, by default as many as memory asks for.
    """

    def __init__(self, cluster: Cluster, model: Recommender, number: int | None = None) -> None:
        self.cluster = cluster
        blocks = item_blocks(model, number)
        bare = without_users(model)
        if blocks is not None:
            bare.scorer_ = blocks[0].scorer  # its width is all that is asked of it
        self.model = cluster.share(bare)
        self.blocks = None if blocks is None else [cluster.share(one) for one in blocks]

    def lists(self, users: Future, k: int) -> Future:
        """Return the `Lists` of some users."""
        if self.blocks is None:
            return self.cluster.one(lists_of_all, self.model, users, k)
        parts = self.cluster.map(best_of_block, self.blocks, users=users, k=k)
        return self.cluster.one(merged, self.model, users, parts, k)


def lists_of_all(bare: Recommender, users: Users, k: int) -> Lists:
    """Return lists as the model itself makes them."""
    model = with_users(bare, users)
    return model.recommend_codes(np.arange(len(users.ids)), k, num_threads=1)


def best_of_block(block: ItemBlock, users: Users, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the best items of a block and their scores, exactly."""
    end = block.first + block.scorer.n_items
    items, scores = top_k(
        block.scorer.for_users(_own(users.rows)),
        np.arange(len(users.ids)),
        k,
        exclude=users.history[:, block.first : end],
        allowed=block.scorable,
        tie=block.tie,
        num_threads=1,
    )
    return np.where(items >= 0, items + np.int32(block.first), items), scores


def merged(
    bare: Recommender,
    users: Users,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    k: int,
) -> Lists:
    """Return the best of all blocks; who has nothing there, and strangers, get what is popular."""
    items = np.hstack([one for one, _ in parts])
    scores = np.hstack([one for _, one in parts])
    tie = np.where(items >= 0, bare.items_.tie_order[items], np.iinfo(np.int32).max)
    order = np.lexsort((tie, -scores), axis=1)[:, : min(k, len(bare.items_))]
    items, scores = (np.take_along_axis(one, order, axis=1) for one in (items, scores))
    sources = users.sources.copy()
    strangers = (sources == POPULAR) | (items[:, 0] < 0)
    sources[strangers] = POPULAR
    left = np.flatnonzero(strangers)
    if left.size:
        items[left], scores[left] = top_k(
            bare.popular_scorer,
            np.zeros(len(left), dtype=np.int64),
            k,
            exclude=users.history[left],
            allowed=bare.scorable_,
            tie=bare.items_.tie_order,
            num_threads=1,
        )
    return Lists(items, scores, sources)


def blocks_of(model: Recommender, size: int) -> Iterator[tuple[int, int]]:
    """Yield where blocks of so many users begin and end."""
    for begin in range(0, len(model.users_), size):
        yield begin, min(begin + size, len(model.users_))


def _own(rows: Any) -> Any:
    """Return rows of a scorer that may be written to; see `own`."""
    return np.require(rows, requirements="W") if isinstance(rows, np.ndarray) else own(rows)


def _rows(model: Recommender, begin: int, end: int) -> Any:
    scorer = model.scorer_
    if isinstance(scorer, FactorScorer):
        return np.array(scorer.user_factors[begin:end])
    assert isinstance(scorer, HistoryScorer)
    return scorer.profiles[begin:end]
