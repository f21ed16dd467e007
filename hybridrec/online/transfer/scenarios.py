"""Scenarios: one model of all interactions, adapted to each scenario or domain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError, did_you_mean, first_few
from hybridrec.models.base import Recommender
from hybridrec.models.checks import at_least
from hybridrec.models.kept import kept
from hybridrec.models.side import FeatureInput
from hybridrec.models.spec import ModelSpec
from hybridrec.models.update import merged
from hybridrec.online.transfer.adaptation import Adaptation, Alpha, check_base
from hybridrec.online.transfer.around import AroundOne
from hybridrec.online.transfer.choice import Chosen, choose
from hybridrec.online.transfer.rows import (
    COLUMN,
    ONLY,
    are_domains,
    column_of,
    histories_of,
    items_of_scenario,
    known_scenario,
    with_column,
)
from hybridrec.online.transfer.view import ScenarioView
from hybridrec.ranking.scorer import Scorer
from hybridrec.runtime import check_random_state, random_stream

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from typing_extensions import Self

    from hybridrec.dataset.interactions import Interactions

AUTO = "auto"
SEEN = ("own", "any")
OWN, ALL = "own", "all"


class Scenarios(AroundOne):
    """A shared model, and what each scenario adds to it: theta_s = theta + alpha_s * delta_s.

    Interactions carry a scenario in a column of their context: browse and buy, or the domains
    movies and books. One model is fitted on all of them, so that a user known in one scenario is
    known in all, and items of different domains meet where they share users or, with features,
    entities of a knowledge graph. For every scenario its own interactions then tell, in closed
    form, how far items differ there (solved again for the scenario's users, pulled to their shared
    factors) and how far users do (from what they have there, pulled to the mean user of the
    scenario; who has nothing there yet is drawn to that mean alone).

    How much of it counts is alpha, found for every scenario on interactions held out of the
    training data: one for users who have something in the scenario, one for those who have not,
    one for items. It is 0, exactly the shared model, unless the gain in NDCG@20 is larger than its
    standard error, which it is not where a scenario has few interactions. Only newcomers to a
    domain start half-way to its mean user: the shared model takes it for dislike that they have
    none of its items.

    Without a context the model is the shared one. `scenario` or ``recommend(...,
    context={"scenario": "buy"})`` give that of a scenario.

    Parameters
    ----------
    base : str, default "hybrid-als"
        The shared model as on the command line: hybrid-als or als with parameters, such as
        "hybrid-als:factors=64".
    column : str, optional
        Column that tells the scenario. By default "scenario"; without such a column all
        interactions are of one scenario, "all".
    alpha : "auto" or float, default "auto"
        A number takes the place of all alphas; 0 is one model for all.
    seen : {"own", "any"}, default "own"
        Lists of a scenario leave out what the user has in that scenario: an item that was browsed
        can still be bought. "any" leaves out what the user has anywhere.
    items : str, default "auto"
        Which items the lists of a scenario hold: "own" those with interactions in it, "all"; or a
        column of the item table that names the scenario of every item, which places new items
        too. "auto" is "own" if scenarios are domains, with less than 5 % of the items in several.
    random_state : int, default 0
        Also of the shared model.
    num_threads : int, default 0
        0 means all; the result does not depend on it. Also of the shared model.

    Attributes
    ----------
    scenarios_ : dict of str to Adaptation
    histories_ : dict of str to csr_matrix, shape (n_users, n_items)
    chosen_ : dict of str to Chosen
        What the choice of alphas rests on; only after `fit`, it is not saved.

    References
    ----------
    T. Evgeniou & M. Pontil, "Regularized multi-task learning", KDD 2004. F. Zhu et al.,
    "Cross-domain recommendation: challenges, progress, and prospects", IJCAI 2021.
    """

    model_name = "scenarios"
    chosen_: dict[str, Chosen]
    scenarios_: dict[str, Adaptation]
    histories_: dict[str, csr_matrix]
    _given: dict[str, csr_matrix] | None = None

    def __init__(
        self,
        *,
        base: str = "hybrid-als",
        column: str | None = None,
        alpha: str | float = AUTO,
        seen: str = OWN,
        items: str = AUTO,
        random_state: int = 0,
        num_threads: int = 0,
    ) -> None:
        self.base, self.column, self.alpha = base, column, alpha
        self.seen, self.items = seen, items
        self.random_state, self.num_threads = random_state, num_threads

    @property
    def alpha_(self) -> dict[str, Alpha]:
        """How far every scenario moves away from the shared model."""
        return {name: one.alpha for name, one in self.scenarios_.items()}

    # ---- fit --------------------------------------------------------------------------------

    def fit(
        self,
        data: Any,
        *,
        item_features: FeatureInput = None,
        user_features: FeatureInput = None,
    ) -> Self:
        """Fit the shared model and its adaptations; see `Recommender.fit`.

        Raises
        ------
        DataError
            If a column is missing, or an interaction has no scenario.
        """
        spec = self._checked()
        rows = with_column(data, self.column)
        dataset = rows if isinstance(rows, Dataset) else Dataset.build(rows)
        column = column_of(dataset.interactions, self.column)
        self._given = histories_of(dataset.interactions, column)
        if self.items not in (AUTO, OWN, ALL):
            items_of_scenario(dataset.item_table, self.items, "")
        of_items = spec.blocks if item_features is None else item_features
        of_users = spec.blocks if user_features is None else user_features
        super().fit(
            dataset,
            item_features=of_items if spec.kind.uses_item_features else (),
            user_features=of_users if spec.kind.uses_user_features else (),
        )
        self._given = None
        return self

    def _checked(self) -> ModelSpec:
        """Check the parameters and return the shared model."""
        spec = ModelSpec.parse(self.base)
        check_base(spec.kind)
        if self.alpha != AUTO:
            alpha = _number(self.alpha)
            at_least(0, alpha=alpha)
            if alpha > 1:
                raise ParameterError(f"alpha must be at most 1, got {self.alpha!r}")
        if self.seen not in SEEN:
            raise ParameterError(
                f"seen must be one of {', '.join(SEEN)}, got {self.seen!r}"
                f"{did_you_mean(self.seen, SEEN)}"
            )
        return spec

    def _fit(
        self,
        matrix: csr_matrix,
        item_features: csr_matrix | None,
        user_features: csr_matrix | None,
    ) -> Scorer:
        spec = self._checked()
        histories = {ONLY: matrix} if self._given is None else self._given

        def fit(rows: csr_matrix) -> Recommender:
            model = spec.maker(self.num_threads)(self.random_state)
            model._learn(rows, item_features, user_features)
            return model

        self.domains_ = np.array(are_domains(histories))
        self.chosen_ = self._chosen(fit, histories)
        base = fit(matrix)
        self.members_ = (base,)
        self.histories_ = histories
        self.scenarios_ = {
            name: Adaptation.fit(base, history, self.chosen_[name].alpha)
            for name, history in histories.items()
        }
        return base.scorer_

    def _chosen(self, fit: Any, histories: dict[str, csr_matrix]) -> dict[str, Chosen]:
        """Return the alphas of all scenarios, and what they rest on."""
        if self.alpha != AUTO:
            return dict.fromkeys(histories, Chosen.given(_number(self.alpha)))
        if len(histories) == 1:
            return dict.fromkeys(histories, Chosen.given(0.0))
        return choose(
            *(fit, histories, random_stream(check_random_state(self.random_state), 3)),
            everywhere=self.seen == "any",
            own_items=self._own_items,
            num_threads=self.num_threads,
        )

    @property
    def _own_items(self) -> bool:
        """Whether the lists of a scenario hold only some of the items."""
        return bool(self.domains_) if self.items == AUTO else self.items != ALL

    # ---- scenarios --------------------------------------------------------------------------

    def in_context(self, context: Mapping[str, Any]) -> Recommender:
        """Return the model as a scenario sees it.

        Parameters
        ----------
        context : mapping
            The column of scenarios, or "scenario", and the name of one.

        Raises
        ------
        ParameterError
            If there is no such column or scenario.
        """
        self._check_fitted()
        columns = dict.fromkeys((self.column or COLUMN, COLUMN))
        for one in context:
            if one not in columns:
                raise ParameterError(
                    f"unknown context {one!r}{did_you_mean(one, columns)} (this model knows"
                    f" {first_few(columns)})"
                )
        if len(context) != 1:
            raise ParameterError(f"give one scenario, as {{{next(iter(columns))!r}: name}}")
        return self.scenario(next(iter(context.values())))

    def scenario(self, name: Any) -> ScenarioView:
        """Return the model as a scenario sees it, to recommend, score, explain and evaluate.

        Parameters
        ----------
        name : str
            A key of ``scenarios_``; other values are compared as text.

        Raises
        ------
        ParameterError
            If there is no such scenario.
        """
        self._check_fitted()
        name = known_scenario(name, list(self.scenarios_))
        own = self.histories_[name]
        made_of = (self.scorer_, self.history_, own, self.scorable_, self.item_table_)
        return kept(self, f"scenario {name}", made_of, partial(self._view, name))

    def _view(self, name: str) -> ScenarioView:
        own = self.histories_[name]
        if own.shape != self.history_.shape:  # users or items came later
            own = own.copy()
            own.resize(self.history_.shape)
        catalogue = None
        if self.items not in (AUTO, OWN, ALL):
            catalogue = items_of_scenario(self.item_table_, self.items, name)
        elif self._own_items:
            catalogue = own.getnnz(axis=0) > 0
        view = ScenarioView(name, self.members_[0], self.scenarios_[name])
        view.backend_ = self.backend_
        return view.of(own, self.history_ if self.seen == "any" else own, catalogue)

    def update(self, interactions: Any, *, duplicates: str = "sum") -> Self:
        """Take in new interactions; see `hybridrec.models.update.update_model`.

        Those with the column of scenarios count in theirs, others for the shared model alone.

        Raises
        ------
        DataError
            If a scenario is not known; it needs a fit.
        """
        self._check_fitted()
        rows = with_column(interactions, self.column)
        assert not isinstance(rows, Dataset)
        column = self.column or COLUMN
        fresh = histories_of(rows, column) if column in rows.context else {}
        new = [name for name in fresh if name not in self.scenarios_]
        if new:
            raise DataError(
                f"scenario {new[0]!r} was not there at the fit"
                f"{did_you_mean(new[0], self.scenarios_)}; fit again to add it"
            )
        super().update(rows, duplicates=duplicates)
        self._take_in(rows, fresh, duplicates)
        return self

    def _take_in(
        self, rows: Interactions, fresh: Mapping[str, csr_matrix], duplicates: str
    ) -> None:
        """Add new interactions to the histories of their scenarios."""
        from scipy.sparse import csr_matrix

        users = self.users_.codes(rows.users.ids)
        items = self.items_.codes(rows.items.ids)
        histories = dict(self.histories_)
        for name, matrix in fresh.items():
            entries = matrix.tocoo()
            places = users[entries.row], items[entries.col]
            more = csr_matrix((entries.data, places), shape=self.history_.shape, dtype=np.float32)
            grown = histories[name].copy()
            grown.resize(self.history_.shape)
            histories[name] = merged(grown, more, duplicates)
        self.histories_ = histories

    # ---- storage ----------------------------------------------------------------------------

    def _state(self) -> dict[str, np.ndarray]:
        names = json.dumps(list(self.scenarios_)).encode()
        state = {"names": np.frombuffer(names, dtype=np.uint8), "domains": self.domains_}
        for number, (name, one) in enumerate(self.scenarios_.items()):
            parts = {
                "alpha": np.array(one.alpha),
                "mean": one.mean,
                "items": one.items,
                "delta": one.delta,
            }
            state |= {f"scenario/{number}/{part}": value for part, value in parts.items()}
            state[f"users/{number}"] = self.histories_[name]
        return state

    def _set_state(self, state: dict[str, np.ndarray]) -> None:
        self.domains_ = state["domains"]
        self.scenarios_, self.histories_ = {}, {}
        for number, name in enumerate(json.loads(state["names"].tobytes())):
            alpha, mean, items, delta = (
                state[f"scenario/{number}/{part}"] for part in ("alpha", "mean", "items", "delta")
            )
            history: Any = state[f"users/{number}"]
            known = history.getnnz(axis=0)[items] > 0  # an item may have lost its users
            if not known.all():
                items, delta = items[known], delta[known]
            self.scenarios_[name] = Adaptation(Alpha(*alpha.tolist()), mean, items, delta)
            self.histories_[name] = history


def _number(alpha: str | float) -> float:
    """Return an alpha that was given as a number, or as the text of one."""
    try:
        return float(alpha)
    except (TypeError, ValueError):
        raise ParameterError(
            f"alpha must be a number from 0 to 1 or {AUTO!r}, got {alpha!r}"
        ) from None
