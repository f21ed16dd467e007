"""Contextual: any other model, and what time, place, device or other circumstances change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.context import context_columns
from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.models.checks import at_least, positive
from hybridrec.models.context_effects import (
    Effect,
    Given,
    Lifts,
    Observed,
    PostFilter,
    PreFilter,
    counted,
)
from hybridrec.models.context_factors import ContextFactors, fitted_factors
from hybridrec.models.context_search import ContextLists, search_strengths
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.in_context import InContext
from hybridrec.models.kept import kept
from hybridrec.models.members import fit_member, member_spec
from hybridrec.models.side import FeatureInput
from hybridrec.models.weights import hold_out
from hybridrec.ranking.scorer import Scorer
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.models.spec import ModelSpec

METHODS = ("post-filter", "pre-filter", "factors")
SHRINKAGE = {"post-filter": 10.0, "pre-filter": 1000.0}
NOT_AS_BASE = ("contextual", "private-als")
MOST_MODELS = 24  # values of a pre-filter that have a model of their own: those with most rows


class Contextual(InContext):
    """A model whose lists depend on the circumstances: time of day, place, device, ...

    ``recommend(..., context={"daypart": "evening"})`` asks for the lists under some of them;
    without, they are those of the base model. A value that no interaction of the fit had changes
    nothing: the list is the general one as to that column, and says so (a warning, and
    ``unknown_context_`` of `in_context`).

    Parameters
    ----------
    base : str, default "hybrid-als"
        The model, with parameters as on the command line ("hybrid-als:factors=64").
    context : sequence of str, optional
        Columns of the interactions' context, or "daypart", "hour", "weekday", "weekend", "month"
        and "season", which are made of the timestamps. By default all columns that there are.
    method : {"post-filter", "pre-filter", "factors"}, default "post-filter"
        After Adomavicius & Tuzhilin (2011), chapter 7 of the Recommender Systems Handbook:

        - post-filter: the score of an item rises with ``log P(item | context) / P(item)``,
          smoothed, in standard deviations of the user's scores;
        - pre-filter: for each value a model of the interactions under it, blended with the model
          of all; with few interactions more of the general one;
        - factors: a second `HybridALS`, beside the base, of users in contexts: its rows are what
          users have in a context (the micro-profiles of Baltrunas & Amatriain 2009), and user and
          context are their features, so that ``x_uc`` is near ``w_u + w_c`` and the more so the
          less the user has in the context. For base hybrid-als.

        Several columns add up.
    strength : float, optional
        How much the context counts. By default each column has its own, found on held-out
        interactions in their contexts (NDCG@20); 0 where it does not help there by more than
        twice the standard error.
    shrinkage : float, optional
        Interactions with which the context has half of its say: of an item (post-filter, 10 by
        default) or of a value (pre-filter, 1000). Factors have that of the base.
    timezone : str, default "UTC"
        For columns made of timestamps: a zone such as "Europe/Berlin", or "+02:00".
    validation_share : float, default 0.1
        Share of the interactions held out to find strengths.
    random_state : int, default 0
        Also of the base.
    num_threads : int, default 0
        0 means all. Also of the base.

    Attributes
    ----------
    values_ : dict of str to tuple of str
        The values of every context column.
    strengths_ : dict of str to float
        What every column is worth.
    unknown_context_ : dict of str to value
        Of `in_context`: what no interaction of the fit had.
    """

    model_name = "contextual"

    occurrences_: csr_matrix
    _observed: Observed | None = None

    def __init__(
        self,
        *,
        base: str = "hybrid-als",
        context: Sequence[str] = (),
        method: str = "post-filter",
        strength: float | None = None,
        shrinkage: float | None = None,
        timezone: str = "UTC",
        validation_share: float = 0.1,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.base, self.context, self.method = base, context, method
        self.strength, self.shrinkage, self.timezone = strength, shrinkage, timezone
        self.validation_share = validation_share
        self.random_state, self.num_threads = random_state, num_threads

    # ---- fit --------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        *,
        item_features: FeatureInput = None,
        user_features: FeatureInput = None,
    ) -> Self:
        """Fit the base and what the context changes; see `Recommender.fit`."""
        self._check_general("fitted")
        self._checked_base()
        dataset = data if isinstance(data, Dataset) else Dataset.build(data)
        rows = dataset.interactions
        columns = context_columns(rows, tuple(self.context) or tuple(rows.context), self.timezone)
        observed = Observed(rows.user_codes, rows.item_codes, rows.weights, tuple(columns))
        self._observed = observed.take(rows.weights > 0)
        try:
            return super().fit(dataset, item_features=item_features, user_features=user_features)
        finally:
            self._observed = None

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        spec, features = self._checked_base(), (item_features, user_features)
        observed = self._observed
        if observed is None:  # as a member of another model: there are no contexts
            nothing = np.zeros(0, dtype=np.int32)
            observed = Observed(nothing, nothing, nothing.astype(np.float32), ())
        self.values_ = {one.name: one.values for one in observed.columns}
        strengths = np.full(len(observed.columns), self.strength or 0.0)
        if self.strength is None and observed.columns:
            strengths = self._found_strengths(spec, matrix, observed, features)
        self.strengths_ = dict(zip(self.values_, strengths.tolist(), strict=True))
        self._take(spec, matrix, observed, features)
        return self.scorer_

    def _take(
        self,
        spec: ModelSpec,
        matrix: csr_matrix,
        observed: Observed,
        features: tuple[csr_matrix | None, csr_matrix | None],
    ) -> None:
        """Fit the base, and what the method adds to it."""
        from scipy.sparse import csr_matrix

        self.members_ = (fit_member(self, spec, matrix, *features),)
        self.measured_ = matrix.getnnz(axis=0) > 0
        self.places_, self.occurrences_ = np.zeros(0, dtype=np.int64), csr_matrix((0, 0))
        self.user_prior_, self.shifts_ = np.zeros((2, 0, 0), dtype=np.float32)
        if observed.columns:
            self.occurrences_ = observed.occurrences(*matrix.shape)
        if self.method == "factors" and observed.columns:
            local = spec.maker(self.num_threads)(self.random_state)
            assert isinstance(local, HybridALS)
            of_items = features[0] if spec.blocks != () else None
            self.user_prior_, self.shifts_ = fitted_factors(local, observed, matrix.shape, of_items)
            self.members_ += (local,)
        if self.method == "pre-filter" and observed.columns:
            sizes = np.asarray(self._counts().sum(axis=1)).ravel()
            largest = np.sort(np.argsort(-sizes, kind="stable")[:MOST_MODELS])
            self.places_ = largest[sizes[largest] > 0].astype(np.int64)
            parts = [observed.matrix(int(value), matrix.shape) for value in self.places_]
            self.members_ += tuple(fit_member(self, spec, one, *features) for one in parts)
        self.fed_ = np.full(len(self.members_), spec.blocks != ())

    def _found_strengths(
        self,
        spec: ModelSpec,
        matrix: csr_matrix,
        observed: Observed,
        features: tuple[csr_matrix | None, csr_matrix | None],
    ) -> np.ndarray:
        """Return what every column is worth on held-out interactions."""
        stream = random_stream(check_random_state(self.random_state), 1)
        nowhere = np.zeros(matrix.shape[1], dtype=bool)
        held_out = hold_out(matrix, self.validation_share, nowhere, stream)
        if held_out.rest.nnz == 0:
            return np.zeros(len(observed.columns))
        held = np.asarray(held_out.pairs[observed.users, observed.items]).ravel() > 0
        inner, rest = copy(self), observed.take(~held)
        inner.__dict__["_kept"] = {}
        inner._take(spec, held_out.rest, rest, features)
        inner._set_history(held_out.rest)
        base, effect = inner.members_[0], inner._effect()

        def scorer_of(given: Given) -> Scorer:
            if not given:
                return base.scorer_
            return effect.applied(base.scorer_, given, inner.measured_, inner._everyone())

        lists = ContextLists.of(observed.take(held), held_out.rest, stream)
        return search_strengths(lists, scorer_of, base.scorable_, self.num_threads)

    def _checked_base(self) -> ModelSpec:
        """Check the parameters and return the base."""
        if self.method not in METHODS:
            raise ParameterError(
                f"method must be one of {', '.join(METHODS)}, got {self.method!r}"
                f"{did_you_mean(self.method, METHODS)}"
            )
        if not isinstance(self.base, str):
            raise ParameterError(f"base must be the text of a model, got {self.base!r}")
        spec = member_spec(self.base)
        name = spec.kind.model_name
        if name in NOT_AS_BASE:
            raise ParameterError(f"{name} cannot be the base of {self.model_name}")
        if name == "popularity" and self.method == "pre-filter":
            raise ParameterError("for what is popular in a context choose method 'post-filter'")
        if name != "hybrid-als" and self.method == "factors":
            raise ParameterError(f"method 'factors' needs the base hybrid-als, got {name}")
        positive(validation_share=self.validation_share)
        if self.shrinkage is not None:
            positive(shrinkage=self.shrinkage)
        if self.validation_share > 0.5:
            raise ParameterError(
                f"validation_share must be at most 0.5, got {self.validation_share}"
            )
        if self.strength is not None:
            at_least(0, strength=self.strength)
        return spec

    @property
    def _shrinkage(self) -> float:
        return SHRINKAGE[self.method] if self.shrinkage is None else self.shrinkage

    def _counts(self) -> csr_matrix:
        """Return how many users have every item under every value."""
        made_of = (self.occurrences_,)
        return kept(self, "counts", made_of, lambda: counted(*made_of, int(self._starts[-1])))

    def _effect(self) -> Effect:
        """Return what contexts do to the scores of the base."""
        if self.method == "factors":
            local = self.members_[1]
            assert isinstance(local, HybridALS)
            return ContextFactors(local, self.user_prior_, self.shifts_, self.occurrences_)
        if self.method == "pre-filter":
            models = dict(zip(self.places_.tolist(), self.members_[1:], strict=True))
            sizes = np.asarray(self._counts().sum(axis=1), dtype=np.float64).ravel()
            return PreFilter(models, sizes, self._shrinkage)
        return PostFilter(Lifts(self._counts(), self._starts, self._shrinkage))

    # ---- storage and growth -----------------------------------------------------------------

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """As in `Recommender`."""
        self._check_general("saved")
        super().save(path, overwrite=overwrite)

    def update(self, interactions: Any, *, duplicates: str = "sum") -> Self:
        """As in `Recommender`; what contexts change stays as it was fitted."""
        self._check_general("updated")
        return super().update(interactions, duplicates=duplicates)

    def add_items(self, table: Any, *, knowledge: Any = None, item: str | None = None) -> Self:
        """As in `Recommender`."""
        self._check_general("given items")
        return super().add_items(table, knowledge=knowledge, item=item)

    def _state(self) -> dict[str, np.ndarray]:
        names = json.dumps({"values": self.values_, "strengths": self.strengths_})
        return {
            "names": np.frombuffer(names.encode(), dtype=np.uint8),  # a state holds arrays only
            "occurrences_": self.occurrences_,
            "user_prior_": self.user_prior_,
            "shifts_": self.shifts_,
            "places_": self.places_,
            "measured_": self.measured_,
            "fed_": self.fed_,
        }

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        names = json.loads(bytes(state.pop("names")))
        self.values_ = {name: tuple(values) for name, values in names["values"].items()}
        self.strengths_ = names["strengths"]
        super()._set_state(state)
