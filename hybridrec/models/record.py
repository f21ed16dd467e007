"""What a model was when it was fitted, and what it has taken in since."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.models.frames import MODEL

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender


class LogPosition(NamedTuple):
    """How far a log of feedback was read, told by three numbers that name nobody.

    A log whose event of that number has another time, or that holds another count of events up to
    it, is another log, or one that users were removed from.
    """

    number: int
    timestamp: float
    events: int


class Level(NamedTuple):
    """How well new events agreed with the scores that a model had before them.

    Mean, variance and number of the users' mean percentiles.
    """

    mean: float
    variance: float
    n_users: int


@dataclass(frozen=True, eq=False)
class Record:
    """The state of a model at its fit, and what came later.

    Attributes
    ----------
    fitted_at : float
        Seconds since 1970-01-01 UTC.
    popularity : ndarray of float32, shape (n_items at the fit,)
        Number of users of each item.
    trained : ndarray of bool, shape (n_users at the fit,)
        Which users the model learned from.
    folded : ndarray of bool, shape (n_users,)
        Users whose rows come from an update rather than the fit.
    log : LogPosition or None
        Where the last update from a log of feedback ended.
    level : Level or None
        Of the first events after the fit.
    """

    fitted_at: float
    popularity: np.ndarray
    trained: np.ndarray
    folded: np.ndarray
    log: LogPosition | None = None
    level: Level | None = None

    @classmethod
    def of(cls, model: Recommender) -> Record:
        """Return the record of a model that was fitted now."""
        trained = model.user_sources_ == MODEL
        return cls(time.time(), model.popularity_.copy(), trained, np.zeros_like(trained))

    def fits(self, n_users: int, n_items: int) -> bool:
        """Tell whether it can be of a model with so many users and items."""
        return len(self.folded) == n_users >= len(self.trained) and len(self.popularity) <= n_items

    def trained_items(self, n_items: int) -> np.ndarray:
        """Return which of the items had users at the fit, bool (n_items,)."""
        return np.pad(self.popularity > 0, (0, n_items - len(self.popularity)))

    def trained_users(self) -> np.ndarray:
        """Return which of the users of now the model learned from at the fit."""
        return np.pad(self.trained, (0, len(self.folded) - len(self.trained)))

    def with_folded(self, users: np.ndarray, n_users: int) -> Record:
        """Return the record after users, perhaps new ones, were folded in."""
        folded = np.pad(self.folded, (0, n_users - len(self.folded)))
        folded[users] = True
        return replace(self, folded=folded)

    def without(self, kept: np.ndarray, popularity: np.ndarray) -> Record:
        """Return the record with the users at ``kept`` only, and what others had taken away."""
        trained = self.trained[kept[kept < len(self.trained)]]
        left = np.minimum(self.popularity, popularity[: len(self.popularity)])
        return replace(self, popularity=left, trained=trained, folded=self.folded[kept])

    def parts(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return what a model folder holds of it: values for the manifest, and arrays."""
        about = {
            "fitted_at": self.fitted_at,
            "log": None if self.log is None else list(self.log),
            "level": None if self.level is None else list(self.level),
        }
        names = ("popularity", "trained", "folded")
        return about, {name: getattr(self, name) for name in names}

    @classmethod
    def from_parts(cls, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Record:
        """Take back what `parts` returned."""
        log, level = about["log"], about["level"]
        return cls(
            float(about["fitted_at"]),
            arrays["popularity"],
            arrays["trained"],
            arrays["folded"],
            None if log is None else LogPosition(*log),
            None if level is None else Level(*level),
        )
