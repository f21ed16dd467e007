"""Artefacts of labelled pairs: how much a score could gain from what is no preference at all.

Where a file of labelled pairs samples its negatives, some things that have nothing to do with
what a user likes tell the labels of the test:

user balance
    The user's training negatives minus positives. If negatives match positives one to one
    before the split, whoever has fewer positives left in training has more in the test.
item id
    Minus the id: ids are often given in the order of popularity, that of the test included.
popularity
    The number of training positives of the item, without the rule that more is better: if every
    item has a positive somewhere, one without any in training has it in the test.

`Stack` is given none of them. The audit says what each would have bought.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.evaluation.metrics.pairs import ScoredPairs, auc
from hybridrec.evaluation.sources import check_fitted_on_train
from hybridrec.ranking.trees import Trees, features_of_pairs, tell_apart

if TYPE_CHECKING:
    from hybridrec.dataset.idmap import IdMap
    from hybridrec.evaluation.splits.split import LabelledPairs, Split
    from hybridrec.models.labels import LabelledPairs as TrainingPairs
    from hybridrec.models.stack import Stack


@dataclass(frozen=True)
class Artefact:
    """What one artefact is worth.

    Attributes
    ----------
    name : str
    alone : float
        AUC of the artefact as the only score.
    together : float
        AUC of a stack that is given it beside the scores of its members.
    """

    name: str
    alone: float
    together: float


@dataclass(frozen=True)
class ArtefactAudit:
    """The AUC of a stack, and what artefacts would make of it; ``print`` shows a table.

    Attributes
    ----------
    stack : float
        AUC of the stack as it is, trained again on the same pairs.
    artefacts : tuple of Artefact
    """

    stack: float
    artefacts: tuple[Artefact, ...]

    def __str__(self) -> str:
        lines = [f"{'artefact':<14}{'alone':>8}{'in stack':>10}{'gain':>8}"]
        lines.append(f"{'(none)':<14}{'':>8}{self.stack:>10.4f}{'':>8}")
        for one in self.artefacts:
            gain = one.together - self.stack
            lines.append(f"{one.name:<14}{one.alone:>8.4f}{one.together:>10.4f}{gain:>+8.4f}")
        return "\n".join(lines)


def audit_artefacts(model: Stack, split: Split) -> ArtefactAudit:
    """Measure what the artefacts of labelled pairs would add to a stack.

    Parameters
    ----------
    model : Stack
        Just fitted on ``split.train``: a stack that was loaded no longer has the pairs it
        learned from.
    split : Split
        Of labelled pairs; to look at the validation pairs, ``split.on_validation()``.

    Raises
    ------
    ParameterError
        If the model was not fitted on the split, or loaded, or the test has one label only.
    """
    check_fitted_on_train(model, split)
    pairs, test = getattr(model, "labelled_", None), split.test_pairs
    if pairs is None:
        raise ParameterError("the audit needs the pairs a stack learned from; fit it again")
    if test.labels.all() or not test.labels.any():
        raise ParameterError("the audit needs a test of positive and negative pairs")
    given = features_of_pairs(model.scorer_.members, test.users, test.items)

    def measured(learned: np.ndarray, asked: np.ndarray) -> float:
        extra = learned.shape[1] - given.shape[1]
        monotone = np.append(np.ones(given.shape[1]), np.zeros(extra))
        booster = model.boost(learned, pairs.labels, monotone)
        return _auc(test, Trees.of(booster).predict(asked) + tell_apart(given))

    columns = _Columns(pairs, split.train.items)
    learned, asked = columns.out_of_fold(), columns.of(pairs.folds >= 0, test.users, test.items)
    artefacts = [
        Artefact(
            name,
            _auc(test, asked[name]),
            measured(
                np.column_stack([pairs.features, learned[name]]),
                np.column_stack([given, asked[name]]),
            ),
        )
        for name in learned
    ]
    return ArtefactAudit(measured(pairs.features, given), tuple(artefacts))


def _auc(test: LabelledPairs, scores: np.ndarray) -> float:
    return auc(ScoredPairs(test.users, test.labels.astype(np.float64), scores))


class _Columns:
    """The artefacts of pairs, from what a part of the training pairs tells."""

    def __init__(self, pairs: TrainingPairs, items: IdMap) -> None:
        self.pairs = pairs
        self.ids = np.arange(len(items)) if items.is_text else items.ids
        self.n_users = int(pairs.users.max()) + 1

    def of(self, known: np.ndarray, users: np.ndarray, items: np.ndarray) -> dict[str, np.ndarray]:
        """Return the artefacts of pairs where the training pairs in ``known`` count."""
        pairs, longest = self.pairs, max(self.n_users, int(users.max(initial=0)) + 1)
        signs = np.where(pairs.labels, -1.0, 1.0)
        balance = np.bincount(pairs.users[known], signs[known], minlength=longest)
        counts = np.bincount(pairs.items[known & pairs.labels], minlength=len(self.ids))
        return {
            "user balance": balance[users],
            "item id": -self.ids[items].astype(np.float64),
            "popularity": counts[items].astype(np.float64),
        }

    def out_of_fold(self) -> dict[str, np.ndarray]:
        """Return the artefacts of the training pairs, of each from the other folds."""
        pairs = self.pairs
        columns: dict[str, np.ndarray] = {}
        for fold in np.unique(pairs.folds):
            held = pairs.folds == fold
            for name, part in self.of(~held, pairs.users[held], pairs.items[held]).items():
                columns.setdefault(name, np.empty(len(held)))[held] = part
        return columns
