"""Scores of factor models taken apart in closed form, by their normal equations.

A user who is folded in is ``x = A^-1 sum_j c_j y_j``, so item j adds ``c_j y_i' A^-1 y_j`` to the
score of item i (Hu, Koren & Volinsky 2008, section 5). What a trained user has beyond that is a
part of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec.models.factors import FixedSide
from hybridrec.models.hybrid_als_sides import penalties
from hybridrec.models.kept import kept
from hybridrec.ranking.explanation import OF_USER, POPULARITY, REST, Shares
from hybridrec.ranking.scorer import FactorScorer

if TYPE_CHECKING:
    from hybridrec.models.explain import Asked
    from hybridrec.models.hybrid_als import HybridALS
    from hybridrec.models.lightfm import LightFM

MEAN_USER = "what all users share (the mean user)"
NEW_ITEM = "what any new item gets"
OF_USERS = "what its users tell of the item"


def equations(
    side: FixedSide, entries: np.ndarray, confidence: np.ndarray, penalty: float
) -> np.ndarray:
    """Return the normal equations of one row, as in `FixedSide.fold_in`, float64 (d, d).

    Parameters
    ----------
    side : FixedSide
        Its basis is that of the equations.
    entries : ndarray of int, shape (n,)
        Positions in the side of what the row has.
    confidence : ndarray, shape (n,)
    penalty : float
        Ridge and pulls.
    """
    near = side.turned[entries].astype(np.float64)
    found: np.ndarray = (near.T * (confidence - side.unobserved[entries])) @ near
    found[np.diag_indices_from(found)] += side.spectrum + penalty
    return found


def fold_in_shares(
    side: FixedSide,
    asked: Asked,
    confidence: np.ndarray,
    ridge: float,
    pulls: dict[str, tuple[float, np.ndarray]] | None = None,
) -> Shares:
    """Return what each item of the history, and each pull, adds to a score.

    Parameters
    ----------
    side : FixedSide
        The items.
    asked : Asked
    confidence : ndarray, shape (n,)
        Of the items of the history.
    ridge : float
    pulls : dict of name to (strength, point), optional
        What the user is pulled to.
    """
    pulls, items = pulls or {}, asked.history.indices
    penalty = ridge + sum(strength for strength, _ in pulls.values())
    rows = equations(side, items, confidence, penalty)
    towards = np.linalg.solve(rows, side.turned[asked.target].astype(np.float64))
    values = confidence * (side.turned[items] @ towards)
    bias = {
        name: strength * float(point @ (side.basis @ towards))
        for name, (strength, point) in pulls.items()
    }
    return Shares(items, values, bias)


def hybrid_als_shares(model: HybridALS, asked: Asked, side: FixedSide) -> Shares:
    """Take a score of `HybridALS` apart by the items of the history and what pulls the user."""
    count = np.maximum(np.array([asked.history.nnz]), 1)
    prior = model.user_prior_
    told = prior is not None and 0 <= asked.user < len(prior)
    ridge, pull = (float(one[0]) for one in penalties(model, count, told))
    pulls = {MEAN_USER: (model.user_shrinkage / float(count[0]), model.mean_user_)}
    if prior is not None and told:
        pulls[OF_USER] = (pull, prior[asked.user])
    confidence = asked.history.data / float(model.mean_weight_)
    return fold_in_shares(side, asked, confidence, ridge, pulls)


def ranking_shares(
    scorer: FactorScorer, asked: Asked, side: FixedSide, power: float, usual: float
) -> Shares:
    """Take a score apart as `hybridrec.models.implicit_factors.fold_in_ranking` makes it.

    The user of the normal equations is made ``usual`` long, or as long as what a trained user has
    of that direction.
    """
    ones = np.ones(asked.history.nnz)
    user = side.fold_in(asked.history.astype(bool).astype(np.float32), ridge=power)[0]
    length = float(np.linalg.norm(user))
    if not asked.folded and length:
        usual = float(scorer.user_factors[asked.row] @ user) / length
    shares = fold_in_shares(side, asked, ones, power).scaled(usual / length if length else 0.0)
    return shares._replace(bias={POPULARITY: float(scorer.item_bias[asked.target])})


# ---- features of the item ---------------------------------------------------------------------


def hybrid_als_features(model: HybridALS, asked: Asked) -> Shares | None:
    """Take a score of `HybridALS` apart by the features of the item.

    An item without interactions is its prior, ``W^T f``, calibrated. One with interactions is
    pulled to its prior, and solves normal equations in which the pull is one term of the sum.
    """
    features, weights = model.features_, model.item_weights_
    if features is None or weights is None or asked.target >= features.shape[0]:
        return None
    assert isinstance(asked.scorer, FactorScorer)
    own = features[asked.target]
    told = own.data[:, None].astype(np.float64) * weights[own.indices]
    user = asked.scorer.user_factors[asked.row].astype(np.float64)
    rows = model._item_rows(own)
    assert rows is not None
    if np.allclose(rows[0][0], asked.scorer.item_factors[asked.target], rtol=1e-3, atol=1e-6):
        gain = 1.0 if model._item_map is None else model._item_map.gain
        return Shares(own.indices, gain * (told @ user), {}).completed(asked.score, NEW_ITEM)
    values = told @ _towards_item(model, asked.target, user)
    return Shares(own.indices, values, {}).completed(asked.score, OF_USERS)


def _towards_item(model: HybridALS, target: int, user: np.ndarray) -> np.ndarray:
    """Return what a unit of the prior of an item adds to a user's score, float64 (d,)."""
    scorer = model.scorer_
    assert isinstance(scorer, FactorScorer)
    factors, unobserved = scorer.user_factors, float(model.unobserved_)
    side = kept(model, "users", (factors,), lambda: FixedSide.of(factors, unobserved))
    entries = model.history_[: len(factors), [target]].tocoo()
    count = np.maximum(np.array([entries.nnz]), 1)
    ridge, pull = (float(one[0]) for one in penalties(model, count, True))
    rows = equations(side, entries.row, entries.data / float(model.mean_weight_), ridge + pull)
    found: np.ndarray = pull * (side.basis @ np.linalg.solve(rows, side.basis.T @ user))
    return found


def lightfm_features(model: LightFM, asked: Asked) -> Shares | None:
    """Take a score of `LightFM` apart by the features of the item, each with its bias."""
    features = model.training_.get("item.features")
    if features is None or asked.target >= features.shape[0]:
        return None
    assert isinstance(asked.scorer, FactorScorer)
    own, d = features[asked.target], asked.scorer.item_factors.shape[1]
    embedded = model.of_item_features_[own.indices].astype(np.float64)
    user = asked.scorer.user_factors[asked.row].astype(np.float64)
    values = own.data * (embedded[:, :d] @ user + embedded[:, d])
    return Shares(own.indices, values, {}).completed(asked.score, REST)
