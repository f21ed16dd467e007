"""Items in few dimensions, and what a policy sees of a user and an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

SAME = 1e-3  # by which coordinates of an item may differ and still mean the same


@dataclass(frozen=True, eq=False)
class ItemSpace:
    """The main directions in which the items of a model differ, and where each item is.

    They are those of its feature vectors (`Catalogue.vectors`): a truncated SVD, with rows of
    length 1, or 0 for an item of which nothing is known.

    Attributes
    ----------
    items : IdMap
    basis : ndarray of float64, shape (width, dimensions)
    vectors : ndarray of float64, shape (n_items, dimensions)
    novelty : ndarray of float64, shape (n_items,)
        1 / sqrt(1 + users of the item): 1 for an item that nobody has.
    """

    items: IdMap
    basis: np.ndarray
    vectors: np.ndarray
    novelty: np.ndarray

    @classmethod
    def of(cls, model: Recommender, dimensions: int) -> ItemSpace:
        """Make the space of a fitted model."""
        from sklearn.utils.extmath import randomized_svd

        from hybridrec.runtime import threads

        given = model.catalogue.vectors()
        with threads(1):  # the same to the last bit, however many there are
            size = min(dimensions, *given.shape)
            _, _, right = randomized_svd(given.astype(np.float64), size, random_state=0)
            basis = np.zeros((given.shape[1], dimensions))
            basis[:, :size] = right.T
        return cls(model.items_, basis, _placed(given, basis), _novelty(model.popularity_))

    def on(self, model: Recommender) -> ItemSpace:
        """Return the space with the items that a model has now: new ones take their places in it.

        Raises
        ------
        ParameterError
            If items have moved, as after another fit: what was learned of directions would be
            wrong.
        """
        given = model.catalogue.vectors()
        codes = model.items_.codes(self.items.ids, unknown="skip")
        there = codes >= 0
        if given.shape[1] == len(self.basis) and there.any():
            vectors = _placed(given, self.basis)
            moved = np.abs(vectors[codes[there]] - self.vectors[there]).max() > SAME
            if not moved:
                return ItemSpace(model.items_, self.basis, vectors, _novelty(model.popularity_))
        raise ParameterError(
            "the item vectors of this model are not those the policy has learned on; start a new"
            " policy, and let it learn from the log of impressions"
        )

    def profiles(self, histories: csr_matrix) -> np.ndarray:
        """Return the mean direction of each user's items, length 1 or 0, float64 (n, d)."""
        present = histories.astype(bool).astype(np.float64)
        profiles: np.ndarray = _unit(present @ self.vectors)
        return profiles

    def contexts(
        self, histories: csr_matrix, items: np.ndarray, relevance: np.ndarray
    ) -> np.ndarray:
        """Return what a policy sees of each user and item.

        Parameters
        ----------
        histories : csr_matrix, shape (n, n_items)
        items : ndarray of int, shape (n, m)
        relevance : ndarray of float64, shape (n, m)

        Returns
        -------
        ndarray of float64, shape (n, m, 3 + 2 d)
            1, the model's (standardised) score, the novelty, the item's vector, and its product
            with the user's profile, number by number; all 0 where there is no item.
        """
        there = items >= 0
        own = self.vectors[items]
        alike = own * self.profiles(histories)[:, None, :]
        plain = [np.ones(items.shape), np.where(there, relevance, 0.0), self.novelty[items]]
        seen = np.concatenate([np.stack(plain, axis=-1), own, alike], axis=-1)
        seen[~there] = 0.0
        return seen

    @property
    def width(self) -> int:
        """How many numbers a context has."""
        return 3 + 2 * int(self.basis.shape[1])


SCORE = 1  # the place of the model's score in a context


def _placed(given: csr_matrix | np.ndarray, basis: np.ndarray) -> np.ndarray:
    return _unit(np.asarray(given.astype(np.float64) @ basis))


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    unit: np.ndarray = rows / np.where(lengths > 1e-12, lengths, 1.0)
    return unit


def _novelty(popularity: np.ndarray) -> np.ndarray:
    novelty: np.ndarray = 1.0 / np.sqrt(1.0 + popularity.astype(np.float64))
    return novelty
