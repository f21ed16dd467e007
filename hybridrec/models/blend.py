"""Blend: a weighted sum of the scores of other models, weights found on held-out interactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.checks import at_least, positive
from hybridrec.models.members import Ensemble, MemberInput, fit_member, padded, side_by_side
from hybridrec.models.side import has_entries
from hybridrec.models.spec import ModelSpec
from hybridrec.models.weights import HeldOutLists, Reference, hold_out, search_weights
from hybridrec.ranking.ensemble import BlendScorer, Members
from hybridrec.ranking.explanation import Shares
from hybridrec.ranking.scorer import Scorer
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.explain import Asked

WARM, COLD = 0, 1  # items with interactions at the fit or later; items that had only features


class Blend(Ensemble):
    """Weigh the scores of other models, put on one scale for every user.

    The scale: standard deviations from the mean of the user's scores of items that had
    interactions at the fit; an item that a member does not reach counts as 0, or as the user's
    lowest score if that is lower. If no weights are given, a share of the interactions and,
    where members use features, of the items with all their interactions is held out, every
    member is trained on the rest, and weights are searched for that rank the held-out items best
    (NDCG@20): one set for items with interactions and one for those without. Then the members
    are trained again on everything; those of weight 0 are left out.

    Parameters
    ----------
    members : sequence of str or (str, mapping)
        Models by name, with parameters as on the command line ("hybrid-als:factors=128") or as
        a mapping.
    weights : sequence of float, optional
        One for each member, at least 0; for items with and without interactions alike.
    validation_share : float, default 0.1
        Share of the interactions, and of the items, held out to find weights.
    calibration : float, default 0.5
        How items without interactions compete in a list with the others; their order among
        themselves stays the same. 1 gives them the mean and spread that the blended scores of
        the others have; smaller values draw them to one standard deviation below the mean. Raise
        it where new items matter more than old ones.
    random_state : int, default 0
        Also of the members.
    num_threads : int, default 0
        0 means all; the result does not depend on it. Also of the members.

    Attributes
    ----------
    weights_, cold_weights_ : dict of str to float
        The weight of every member, for items with interactions and for those without; each sums
        to 1 (or is 0 where no member scores items without interactions).
    """

    model_name = "blend"

    def __init__(
        self,
        *,
        members: Sequence[MemberInput] = ("hybrid-als", "personalized-page-rank", "rp3-beta"),
        weights: Sequence[float] | None = None,
        validation_share: float = 0.1,
        calibration: float = 0.5,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.members, self.weights = members, weights
        self.validation_share, self.calibration = validation_share, calibration
        self.random_state, self.num_threads = random_state, num_threads

    @property
    def weights_(self) -> dict[str, float]:
        """The weight of every member for items with interactions."""
        return self._labelled(WARM)

    @property
    def cold_weights_(self) -> dict[str, float]:
        """The weight of every member for items without interactions."""
        return self._labelled(COLD)

    def _labelled(self, row: int) -> dict[str, float]:
        labels = [spec.label for spec in self.member_specs()]
        return dict(zip(labels, self.table_[row].tolist(), strict=True))

    # ---- fit --------------------------------------------------------------------------------

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        specs = self._checked_specs()
        features = (item_features, user_features)
        reference = None
        if self.weights is None:
            table, reference = self._searched(specs, matrix, *features)
        else:
            table = np.tile(np.asarray(self.weights, dtype=np.float64), (2, 1))
            table[COLD, ~_by_features(specs, item_features)] = 0.0
        table /= np.maximum(table.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        kept = np.flatnonzero(table.any(axis=0))
        self._take_members([specs[one] for one in kept], matrix, *features)
        self.table_ = table
        self.coefficients_, self.offsets_ = table[:, kept], np.zeros(2)
        cold = ~self.measured_ & has_entries(item_features, matrix.shape[1])
        self.group_ = np.where(cold, COLD, WARM).astype(np.int8)
        members = side_by_side(self.members_, self.measured_)
        if cold.any():
            reference = Reference(members, cold)
        elif reference is not None:
            reference = Reference(reference.members.chosen(kept), reference.cold)
        if reference is not None:
            stream = random_stream(check_random_state(self.random_state), 2)
            self.coefficients_[COLD], self.offsets_[COLD] = reference.calibrated(
                self.coefficients_, self.calibration, stream
            )
        return self._combine(members)

    def _checked_specs(self) -> list[ModelSpec]:
        """Check the parameters and return the members."""
        specs = self.member_specs()
        positive(calibration=self.calibration, validation_share=self.validation_share)
        if self.validation_share > 0.5:
            raise ParameterError(
                f"validation_share must be at most 0.5, got {self.validation_share}"
            )
        if self.weights is not None:
            if len(self.weights) != len(specs):
                raise ParameterError(
                    f"weights must be one number for each of {len(specs)} members, got"
                    f" {self.weights!r}"
                )
            for weight in self.weights:
                at_least(0, weights=weight)
            if not sum(self.weights) > 0:
                raise ParameterError("at least one of the weights must be above 0")
        return specs

    def _searched(
        self,
        specs: Sequence[ModelSpec],
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> tuple[np.ndarray, Reference | None]:
        """Return the weights that rank held-out items best, float64 (2, members).

        Beside them the scores of the items that were held out entirely, if any.
        """
        stream = random_stream(check_random_state(self.random_state), 1)
        able = _by_features(specs, item_features)
        describable = has_entries(item_features, matrix.shape[1]) & able.any()
        held_out = hold_out(matrix, self.validation_share, describable, stream)
        if held_out.rest.nnz == 0:
            return np.stack([np.ones(len(specs)), able]), None
        fitted = [
            fit_member(self, spec, held_out.rest, item_features, user_features) for spec in specs
        ]
        members = side_by_side(fitted, held_out.rest.getnnz(axis=0) > 0)
        warm, cold = (
            HeldOutLists.of(members, held_out, allowed, stream, self.num_threads)
            for allowed in (members.measured, held_out.cold)
        )
        table = np.stack(
            [
                search_weights(warm, np.ones(len(specs), dtype=bool)),
                search_weights(cold.scaled(), able),
            ]
        )
        return table, Reference(members, held_out.cold) if held_out.cold.any() else None

    # ---- the contract of models -------------------------------------------------------------

    def _combine(self, members: Members) -> BlendScorer:
        return BlendScorer(members, self.group_, self.coefficients_, self.offsets_)

    @property
    def _shares(self) -> np.ndarray:
        shares: np.ndarray = self.coefficients_[WARM]
        return shares

    def _history_shares(self, asked: Asked) -> Shares:
        from hybridrec.models.explain_members import blend_shares, member_history

        return blend_shares(self, asked, member_history) or Shares.nothing()

    def _feature_shares(self, asked: Asked) -> Shares | None:
        from hybridrec.models.explain_members import blend_shares, member_features

        return blend_shares(self, asked, member_features)

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        if not super()._place_items(items, features):
            return False
        self.group_ = padded(self.group_, len(self.items_))
        self.group_[items] = COLD
        return True

    def _state(self) -> dict[str, np.ndarray]:
        return {
            **super()._state(),
            "table_": self.table_,
            "coefficients_": self.coefficients_,
            "offsets_": self.offsets_,
            "group_": self.group_,
        }


def _by_features(specs: Sequence[ModelSpec], item_features: csr_matrix | None) -> np.ndarray:
    """Return which members score items without interactions, bool (members,)."""
    return np.array(
        [
            item_features is not None and spec.kind.uses_item_features and spec.blocks != ()
            for spec in specs
        ]
    )
