"""What models made of other models share: their members, fitted side by side."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.composite import Composite
from hybridrec.models.registry import model_class
from hybridrec.models.side import has_entries
from hybridrec.models.spec import ModelSpec
from hybridrec.ranking.ensemble import BlendScorer, EnsembleScorer, Members
from hybridrec.ranking.scorer import Scorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MemberInput: TypeAlias = "str | tuple[str, Mapping[str, Any]]"


class Ensemble(Composite):
    """Base of models made of other models.

    All members learn from the same interactions and, where they use any, the same features;
    ``features=none`` in the text of a member keeps it from them.

    Attributes
    ----------
    measured_ : ndarray of bool, shape (n_items at the fit,)
        Items with interactions: over these, a member's scores are put on one scale.
    """

    members: Sequence[MemberInput]
    measured_: np.ndarray

    # ---- what an ensemble implements --------------------------------------------------------

    @abstractmethod
    def _combine(self, members: Members) -> EnsembleScorer:
        """Return the scorer of all members."""

    @property
    @abstractmethod
    def _shares(self) -> np.ndarray:
        """How much each member says about which items are alike, float64 (members,)."""

    # ---- fit --------------------------------------------------------------------------------

    def _learn(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        super()._learn(matrix, item_features, user_features)
        self.scorable_ = np.any([member.scorable_ for member in self.members_], axis=0)

    def _take_members(
        self,
        specs: Sequence[ModelSpec],
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> None:
        """Fit the members that are to stay."""
        self.members_ = tuple(
            fit_member(self, spec, matrix, item_features, user_features) for spec in specs
        )
        self.fed_ = np.array([spec.blocks != () for spec in specs])
        self.measured_ = matrix.getnnz(axis=0) > 0

    # ---- the contract of models -------------------------------------------------------------

    @property
    def scorer_(self) -> EnsembleScorer:
        """The scorers of the members, as they are now, put together."""
        if not self.members_:
            raise AttributeError(f"{type(self).__name__} is not fitted")
        members = self._members([member.scorer_ for member in self.members_])
        return self._combine(members)

    @scorer_.setter
    def scorer_(self, scorer: Scorer) -> None:
        assert isinstance(scorer, EnsembleScorer)
        for member, own in zip(self.members_, scorer.members.scorers, strict=True):
            member.scorer_ = own

    def _members(self, scorers: Sequence[Scorer], chosen: Sequence[int] | None = None) -> Members:
        """Return scorers of the members, or of those at ``chosen``, on one scale."""
        numbers = range(len(scorers)) if chosen is None else chosen
        scorable = np.stack([self.members_[number].scorable_ for number in numbers])
        return Members(tuple(scorers), scorable, padded(self.measured_, scorable.shape[1]))

    def _fold_in(self, history: csr_matrix) -> Scorer:
        members = self._members([member._fold_in(history) for member in self.members_])
        return self._combine(members)

    def _by_features(self, features: csr_matrix) -> Scorer | None:
        """As in `Recommender`; members that do not know the features see users without history."""
        from scipy.sparse import csr_matrix

        known = [
            member._by_features(features) if fed else None
            for member, fed in zip(self.members_, self.fed_, strict=True)
        ]
        if all(scorer is None for scorer in known):
            return None
        nothing = csr_matrix((features.shape[0], len(self.items_)), dtype=np.float32)
        pairs = zip(self.members_, known, strict=True)
        return self._combine(
            self._members([scorer or member._fold_in(nothing) for member, scorer in pairs])
        )

    def _place_items(self, items: np.ndarray, features: csr_matrix) -> bool:
        described = has_entries(features, len(items))
        for member, fed in zip(self.members_, self.fed_, strict=True):
            if fed and member.uses_item_features and member._place_items(items, features):
                member.scorable_ = member.scorable_.copy()
                member.scorable_[items] = described
        return any(member.scorable_[items].any() for member in self.members_)

    def _similarity(self, items: np.ndarray) -> Scorer:
        scorers, chosen = [], []
        for number, member in enumerate(self.members_):
            try:
                scorers.append(member._similarity(items))
            except ParameterError:  # a member without a notion of it takes no part
                continue
            chosen.append(number)
        if not chosen:
            raise ParameterError(f"no member of this {self.model_name} has similar items")
        members = self._members(scorers, chosen)
        group = np.zeros(len(members.measured), dtype=np.int8)
        return BlendScorer(members, group, self._shares[None, chosen], np.zeros(1))

    def _state(self) -> dict[str, np.ndarray]:
        return {"fed_": self.fed_, "measured_": self.measured_}

    # ---- members ----------------------------------------------------------------------------

    def member_specs(self) -> list[ModelSpec]:
        """Return the members as they were named, checked.

        Raises
        ------
        ParameterError
            If a member makes no sense, or is there twice.
        """
        if isinstance(self.members, str) or not self.members:
            raise ParameterError(f"members must be a sequence of models, got {self.members!r}")
        specs = [member_spec(one) for one in self.members]
        labels = [spec.label for spec in specs]
        for label in labels:
            if labels.count(label) > 1:
                raise ParameterError(f"the member {label!r} is there twice")
        return specs


def fit_member(
    ensemble: Composite,
    spec: ModelSpec,
    matrix: csr_matrix,
    item_features: csr_matrix | None,
    user_features: csr_matrix | None,
) -> Recommender:
    """Return a model fitted on arrays, with the features that it uses."""
    member = spec.maker(ensemble.num_threads)(ensemble.random_state)
    fed = spec.blocks != ()
    member._learn(
        matrix,
        item_features if fed and member.uses_item_features else None,
        user_features if fed and member.uses_user_features else None,
    )
    return member


def side_by_side(models: Sequence[Recommender], measured: np.ndarray) -> Members:
    """Return the scorers of fitted models, to be put on one scale over some items."""
    scorable = np.stack([model.scorable_ for model in models])
    return Members(tuple(model.scorer_ for model in models), scorable, measured)


def padded(values: np.ndarray, n_items: int) -> np.ndarray:
    """Return a new array with zeros for the items that came later."""
    return np.pad(values, (0, n_items - len(values)))


def member_spec(member: MemberInput) -> ModelSpec:
    """Return a member as a specification of a model."""
    if isinstance(member, str):
        spec = ModelSpec.parse(member)
    else:
        name, params = member
        spec = ModelSpec(f"{name}:{params}", model_class(name), params, None)
        spec.maker(0)(None)  # refuses unknown parameters
    if spec.blocks:
        raise ParameterError(
            f"{spec.label!r}: members share the features of the fit; they can only be without any"
            " (features=none)"
        )
    return spec
