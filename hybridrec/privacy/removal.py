"""A user is forgotten: out of a fitted model, or out of data."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.social import SocialEdges
from hybridrec.models.base import Recommender
from hybridrec.models.frames import distinct_ids
from hybridrec.models.refit import refitted
from hybridrec.privacy.kept_counts import KeptCounts
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

ITEM_SIDES = ("keep", "half-step", "refit")
USER_ROWS = (  # what models keep beside the scorer with a row for every user of the fit
    *(
        "user_prior_",
        "occurrences_",
        "training.user.squares",
        "training.user.moves",
        "training.user.features",
    ),
)
NOT_SAVED = ("_kept", "labelled_")  # made of all users, or of their pairs


def forget(model: Recommender, users: Sequence[Any], *, item_side: str = "keep") -> Recommender:
    """Return a fitted model without some users.

    Gone, whatever ``item_side`` says: their ids, histories, factors and sources, their part in
    popularity, and what is known of items that nobody else has (they are no longer recommended,
    until a next fit). Codes of other users close the gaps; their lists stay the same, where no
    item was lost.

    What was learned from all users together still holds a trace: item factors, weights between
    items, the mean user, maps from features, the weights and trees of ensembles. How much of it
    goes is for ``item_side`` to say. `PrivateALS` was made so that there is hardly a trace.

    Parameters
    ----------
    model : Recommender
        Fitted; not changed.
    users : sequence of ids
    item_side : {"keep", "half-step", "refit"}, default "keep"
        "keep" changes nothing more, and takes no time. "half-step" solves the items once more for
        the users that are left (als, hybrid-als; popularity and bias-baseline become exact):
        what stays is what those users' own factors owe to the one who left. "refit" fits
        again, with the model's parameters, on the histories that are left: the model that would
        be, had the user never been there. It costs a fit and needs a model without features, or
        with item features by name.

    Raises
    ------
    UnknownIdError
        If the model does not know a user.
    ParameterError
        If the model cannot do what ``item_side`` says, or nobody would be left, of whose items a
        model that is not private could still say something.
    """
    model._check_fitted()
    if item_side not in ITEM_SIDES:
        raise ParameterError(
            f"item_side must be one of {', '.join(ITEM_SIDES)}, got {item_side!r}"
            f"{did_you_mean(item_side, ITEM_SIDES)}"
        )
    kept, ids = _others(model.users_, users)
    if not len(kept) and not isinstance(model, KeptCounts):
        raise ParameterError(
            "these are all users, and all that the model knows comes from them; delete the model"
        )
    left = _without(model, kept, model.history_[kept])
    left.users_, left.user_sources_ = ids, model.user_sources_[kept]
    left.user_pipeline_ = _without_friends(model.user_pipeline_, users)
    left.hidden_ = None if model.hidden_ is None else model.hidden_[kept]
    if model.record_ is not None:
        left.record_ = model.record_.without(kept, left.popularity_)
    if isinstance(left, KeptCounts):  # what is given away has no exact counts of the fit
        vars(left).pop("texts_", None)
    left.share()
    if item_side == "half-step":
        _solve_items(left)
    return _refitted(left) if item_side == "refit" else left


def interactions_without(data: Interactions, users: Sequence[Any]) -> Interactions:
    """Return interactions without the rows and ids of some users.

    Raises
    ------
    UnknownIdError
        If a user is not known.
    """
    kept, ids = _others(data.users, users)
    codes = np.full(len(data.users), -1, dtype=np.int32)
    codes[kept] = np.arange(len(kept), dtype=np.int32)
    rows = data.take(codes[data.user_codes] >= 0)
    return replace(rows, users=ids, user_codes=codes[rows.user_codes])


def dataset_without(data: Dataset, users: Sequence[Any]) -> Dataset:
    """Return a data set without the rows, ids and descriptions of some users.

    Raises
    ------
    UnknownIdError
        If a user is not known.
    """
    kept, _ = _others(data.users, users)
    rows, table = interactions_without(data.interactions, users), data.user_table
    if table is not None:
        table = table.iloc[kept].reset_index(drop=True)
    social = None if data.social is None else data.social.without(users)
    return replace(data, interactions=rows, user_table=table, social=social)


def _others(known: IdMap, users: Sequence[Any]) -> tuple[np.ndarray, IdMap]:
    """Return the codes and the ids of all users but some."""
    gone = known.codes(distinct_ids(users, "user"))
    kept = np.setdiff1d(np.arange(len(known)), gone)
    return kept, IdMap(known.ids[kept], known.name)


def _without(model: Recommender, kept: np.ndarray, history: csr_matrix) -> Recommender:
    """Return a model, or the member of one, with the users at ``kept`` and their histories."""
    left = copy(model)
    for name in NOT_SAVED:
        vars(left).pop(name, None)
    left.members_ = tuple(_without(member, kept, history) for member in model.members_)
    if not left.members_:
        left.scorer_ = _of_users(model.scorer_, kept, model.history_, history)
    left._set_history(history)
    state = left._state()
    for name in state:
        if name in USER_ROWS or name.startswith("users/"):
            state[name] = state[name][kept[kept < state[name].shape[0]]]
    left._set_state(state)
    lost = np.flatnonzero((model.popularity_ > 0) & (left.popularity_ == 0))
    left.scorable_ = model.scorable_.copy()
    left.scorable_[lost] = False
    if not left.members_:
        left.scorer_ = _blank_items(left.scorer_, lost)
    return left


def _without_friends(
    pipeline: FeaturePipeline | None, users: Sequence[Any]
) -> FeaturePipeline | None:
    """Return a pipeline that no longer knows some users as friends of others."""
    if pipeline is None:
        return None
    left = copy(pipeline)
    left.builders_ = [
        one.without(users) if isinstance(one, SocialEdges) else one for one in pipeline.builders_
    ]
    return left


def _of_users(scorer: Scorer, kept: np.ndarray, before: csr_matrix, history: csr_matrix) -> Scorer:
    """Return a scorer of some of its users; histories that were shared stay so."""
    if isinstance(scorer, FactorScorer):
        return scorer.for_users(scorer.user_factors[kept])
    assert isinstance(scorer, HistoryScorer)
    shared = scorer.profiles is before
    return scorer.for_users(history if shared else scorer.profiles[kept])


def _blank_items(scorer: Scorer, items: np.ndarray) -> Scorer:
    """Return a scorer that knows nothing of some items."""
    from scipy.sparse import diags

    if not items.size:
        return scorer
    if isinstance(scorer, FactorScorer):
        nothing = np.zeros(len(items), dtype=np.float32)
        return scorer.with_items(items, nothing[:, None], nothing)
    assert isinstance(scorer, HistoryScorer)
    known = np.ones(scorer.n_items, dtype=np.float32)
    known[items] = 0.0
    weights, background = scorer.weights, scorer.background
    if isinstance(weights, np.ndarray):
        weights = weights * known
        if scorer.over_items:
            weights[items] = 0.0
    else:
        weights = (weights @ diags(known)).tocsr()
        if scorer.over_items:
            weights = (diags(known) @ weights).tocsr()
        weights.eliminate_zeros()
        weights.sort_indices()
    background = None if background is None else background * known
    return replace(scorer, weights=weights, background=background)


def _solve_items(model: Recommender) -> None:
    """Solve the items of a model once more for the users it has."""
    scorer = model.scorer_
    items = np.flatnonzero(model.popularity_ > 0)
    rows = None
    if isinstance(scorer, FactorScorer) and not isinstance(model, KeptCounts):
        rows = model._fold_in_items(model.history_[:, items].T.tocsr())
    if rows is None:
        raise ParameterError(
            f"{model.model_name} has no half-step of its items; choose item_side 'refit' or 'keep'"
        )
    assert isinstance(scorer, FactorScorer)
    model.scorer_ = scorer.with_items(items, *rows)


def _refitted(model: Recommender) -> Recommender:
    """Return the model fitted again on the histories it has."""
    otherwise = "remove the user from the data (dataset_without) and fit it on those"
    if isinstance(model, KeptCounts):
        raise ParameterError(
            f"this {model.model_name} cannot be fitted again from its folder alone; {otherwise}"
        )
    return refitted(model, otherwise)
