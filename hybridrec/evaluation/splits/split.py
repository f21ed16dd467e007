"""The outcome of every split: what a model may learn from, and what it is asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, first_few
from hybridrec.evaluation.splits.pairs import Pairs

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class LabelledPairs(NamedTuple):
    """Distinct (user, item) pairs, by user, then item, and what is true of each.

    Attributes
    ----------
    users, items : ndarray of int32, shape (pairs,)
    labels : ndarray of bool, shape (pairs,)
        Whether a row of the pair has positive weight.
    """

    users: np.ndarray
    items: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, eq=False)
class Split:
    """A training fold and the held-out interactions, checked to be disjoint.

    All parts share the id maps of the data set that was split. Interactions of weight 0 are not
    positives: no list is to hold them; `test_pairs` has them as negatives.

    Attributes
    ----------
    name : str
        The kind of split, a key of `hybridrec.evaluation.splits.SPLITS` or ``SERIES``, or a name
        of your own.
    params : mapping
        The parameters it was made with.
    train : Dataset
        What models are fitted on.
    test : Interactions
        Held-out interactions.
    candidates : ndarray of bool, shape (n_items,), optional
        The items that may be recommended; all if not given. Every test item is one of them.
    support : Interactions, optional
        History of users without a row in ``train``, given only when recommendations are asked
        for.
    skipped_users : int
        Users with interactions who have too few to be tested.
    validation : Interactions, optional
        Held out as well, to choose parameters on: neither learned from nor asked for in the test.
    dropped_rows : int
        Rows that are in no part, such as later repeats of a training pair in a split by time.

    Raises
    ------
    DataError
        If id maps differ, nothing is held out, a (user, item) pair is in two parts, a user with
        support has rows in ``train``, or a test item is no candidate.
    """

    name: str
    params: Mapping[str, Any]
    train: Dataset
    test: Interactions
    candidates: np.ndarray | None = None
    support: Interactions | None = None
    skipped_users: int = 0
    validation: Interactions | None = None
    dropped_rows: int = 0

    def __post_init__(self) -> None:
        self._check_ids()
        for one, other in combinations(self.parts, 2):
            self._check_disjoint(one, other)
        if self.support is not None:
            self._check_support(self.support)
        if self.candidates is not None:
            self._check_candidates(self.candidates)

    @property
    def parts(self) -> dict[str, Interactions]:
        """The rows by part: "train", "support" and "validation" where given, "test"."""
        parts = {
            "train": self.train.interactions,
            "support": self.support,
            "validation": self.validation,
            "test": self.test,
        }
        return {name: rows for name, rows in parts.items() if rows is not None}

    @cached_property
    def test_users(self) -> np.ndarray:
        """Codes of the users with test items, ascending: those that every mean is over."""
        users: np.ndarray = np.flatnonzero(np.diff(self.test.matrix.indptr))
        return users.astype(np.int32)

    @cached_property
    def test_matrix(self) -> csr_matrix:
        """Test users x items, CSR: the test items of `test_users`, sorted."""
        return self.test.matrix[self.test_users]

    @cached_property
    def warm_items(self) -> np.ndarray:
        """Which items have a positive training row, bool (n_items,)."""
        warm: np.ndarray = self.train.matrix.getnnz(axis=0) > 0
        return warm

    @property
    def is_labelled(self) -> bool:
        """Whether the test is one of labelled pairs, to be told apart."""
        return self.name == "labelled-pairs" or not self.test_pairs.labels.all()

    @cached_property
    def test_pairs(self) -> LabelledPairs:
        """Every pair of the test with its label; all are positive unless negatives are held out."""
        pairs = Pairs.of(self.test, zeros=True)
        labels = np.zeros(len(pairs), dtype=bool)
        labels[pairs.of_row[self.test.weights > 0]] = True
        return LabelledPairs(pairs.users, pairs.items, labels)

    @cached_property
    def seen(self) -> csr_matrix:
        """Users x items, CSR: what is known of a user when recommendations are asked for."""
        train = self.train.matrix
        return train if self.support is None else train + self.support.matrix

    @property
    def seed(self) -> int | None:
        """The ``random_state`` of a random split, None for others."""
        return self.params.get("random_state")

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the content: ids, the rows of all parts, and candidates.

        Two splits with the same fingerprint give the same numbers for the same lists, whatever
        their names and parameters.
        """
        digest = hashlib.sha256()
        for part in self._content():
            digest.update(_as_bytes(part))
        return digest.hexdigest()

    def on_validation(self) -> Split:
        """Return the split that tests on the validation part, to choose parameters.

        Raises
        ------
        ParameterError
            If there is no such part; then split ``train`` once more instead.
        """
        if self.validation is None:
            raise ParameterError(
                f"split {self.name!r} has no validation part; split its train once more"
            )
        return replace(self, test=self.validation, validation=None)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Save the split with its data set to a folder; `load_split` reads it back.

        See `hybridrec.evaluation.splits.storage.save_split`.
        """
        from hybridrec.evaluation.splits.storage import save_split

        save_split(self, path, overwrite=overwrite)

    def __repr__(self) -> str:
        return (
            f"Split({self.name!r}: {len(self.train.interactions)} training rows,"
            f" {len(self.test)} test rows of {len(self.test_users)} users)"
        )

    def _content(self) -> Iterator[np.ndarray | None]:
        yield self.train.users.ids
        yield self.train.items.ids
        for rows in (self.train.interactions, self.test, self.support, self.validation):
            if rows is None:
                yield None
            else:
                yield from (rows.user_codes, rows.item_codes, rows.weights, rows.timestamps)
        yield self.candidates

    def _check_ids(self) -> None:
        for rows in self.parts.values():
            if rows.users != self.train.users or rows.items != self.train.items:
                raise DataError(
                    f"split {self.name!r}: all parts must have the same id maps; cut them from"
                    " one data set with interactions.take"
                )
        if len(self.test_users) == 0:
            raise DataError(f"split {self.name!r}: nothing is held out, there is nothing to test")

    def _check_disjoint(self, one: str, other: str) -> None:
        rows, others = self.parts[one], self.parts[other]
        shared = _among(_pair_keys(others), np.sort(_pair_keys(rows)))
        if shared.any():
            both = others.take(shared)
            pairs = zip(
                both.users.ids[both.user_codes], both.items.ids[both.item_codes], strict=True
            )
            listed = [f"({user}, {item})" for user, item in dict.fromkeys(pairs)]
            raise DataError(
                f"split {self.name!r}: (user, item) pairs are both in {one} and in {other}:"
                f" {first_few(listed)}"
            )

    def _check_support(self, support: Interactions) -> None:
        trained = np.intersect1d(support.user_codes, self.train.interactions.user_codes)
        if trained.size:
            raise DataError(
                f"split {self.name!r}: users with support must have no training row, but"
                f" {first_few(self.train.users.ids[trained])} have"
            )

    def _check_candidates(self, candidates: np.ndarray) -> None:
        if candidates.dtype != bool or candidates.shape != (len(self.train.items),):
            raise DataError(
                f"split {self.name!r}: candidates must be one bool per item"
                f" ({len(self.train.items)}), got {candidates.dtype} {candidates.shape}"
            )
        beyond = np.unique(self.test.item_codes[~candidates[self.test.item_codes]])
        if beyond.size:
            raise DataError(
                f"split {self.name!r}: test items that are no candidates cannot be found:"
                f" {first_few(self.train.items.ids[beyond])}"
            )


def _pair_keys(rows: Interactions) -> np.ndarray:
    keys: np.ndarray = rows.user_codes.astype(np.int64) * len(rows.items) + rows.item_codes
    return keys


def _among(keys: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Tell which keys are among the sorted ``known`` ones (np.isin hashes, which is slower)."""
    if len(known) == 0:
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: np.ndarray = known[place] == keys
    return found


def _as_bytes(part: np.ndarray | None) -> bytes:
    """Write an array so that no two different sequences of arrays read the same."""
    if part is None:
        return b"none;"
    if part.dtype == object:
        body = b"".join(b"%d:%b" % (len(one), one) for one in map(str.encode, part))
    else:
        body = part.astype(part.dtype.newbyteorder("<"), copy=False).tobytes()
    return b"%b %d;" % (part.dtype.kind.encode(), len(part)) + body
