"""Settings that did well on held-out interactions, and where: what "auto" chooses among.

Figures are NDCG@20 on ``ValidationCut.of(data, random_state=1)`` with the other parameters at
their defaults: of one list of known and new items; of amazon-book, read without facts, of known
items. ``choose_model(data, random_state=1, seconds=3600)`` gives them again. movielens-small is the
bundled data with ratings from 3.5 and all its facts, those after release included; lastfm and book
are the positives of the files that KGCN published, amazon-book KGAT's ``train.txt``, whose test was
not looked at; the other files have no test of their own. GraphFilter was tried as well: never
best on a cut before (lastfm .125, movielens-small .175, amazon-book .107) and slower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.evaluation.tuning.measure import common_params
from hybridrec.models.registry import make_model

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.models.base import Recommender


@dataclass(frozen=True)
class Shape:
    """The size of a training fold.

    Attributes
    ----------
    users, items : int
        With interactions.
    catalogue : int
        Items with and without interactions.
    pairs : int
        Distinct (user, item) pairs.
    walks : int
        Sum of the squares of the users' numbers of items: steps from item to user to item.
    facts : int
        Triples of the knowledge graph.
    """

    users: int
    items: int
    catalogue: int
    pairs: int
    walks: int
    facts: int

    @classmethod
    def of(cls, dataset: Dataset) -> Shape:
        """Measure a data set."""
        matrix = dataset.matrix
        per_user = np.diff(matrix.indptr).astype(np.int64)
        return cls(
            int((per_user > 0).sum()),
            int((matrix.getnnz(axis=0) > 0).sum()),
            matrix.shape[1],
            int(matrix.nnz),
            int((per_user**2).sum()),
            0 if dataset.knowledge is None else len(dataset.knowledge),
        )


@dataclass(frozen=True)
class Preset:
    """A model with parameters.

    Attributes
    ----------
    model : str
    seconds : callable
        From a `Shape` to about how long a fit takes on one core of a machine of today; right to a
        factor of three, which is enough to know what to try first and what not at all.
    found : str
        Where it was found good.
    params : mapping
        Those that differ from the defaults.
    suits : callable
        From a `Shape` to whether to try it at all.
    """

    model: str
    seconds: Callable[[Shape], float]
    found: str
    params: Mapping[str, Any] = field(default_factory=dict)
    suits: Callable[[Shape], bool] = lambda _shape: True

    @property
    def label(self) -> str:
        """The model as the command line writes it: ``hybrid-als:factors=128``."""
        listed = ",".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.model}:{listed}" if listed else self.model

    def make(self, random_state: int = 0, num_threads: int = 0) -> Recommender:
        """Return the unfitted model; 0 threads leave it its default."""
        common = common_params(self.model, random_state, num_threads)
        return make_model(self.model, **{**common, **self.params})


def _knn_seconds(shape: Shape) -> float:
    return 0.02 + 2e-5 * shape.items + 4e-8 * shape.walks


def _rp3_seconds(shape: Shape) -> float:
    return 0.02 + 5e-5 * shape.items + 6e-8 * shape.walks


def _ease_seconds(shape: Shape) -> float:
    return 0.05 + 3.7e-11 * shape.catalogue**3


def _als_seconds(shape: Shape) -> float:
    return 0.1 + 3e-5 * (shape.users + shape.items) + 1e-5 * shape.pairs + 2e-5 * shape.facts


def _walk_seconds(shape: Shape) -> float:
    return 0.1 + 7e-8 * shape.catalogue**2


def _blend_seconds(shape: Shape) -> float:
    """Fit its members twice."""
    return 2.3 * (_als_seconds(shape) + _walk_seconds(shape) + _rp3_seconds(shape))


_MOST_ITEMS = 12_000  # of a dense item-item matrix

PRESETS: tuple[Preset, ...] = (
    Preset(
        "popularity",
        lambda shape: 0.001 + 1e-7 * shape.pairs,
        "the floor: movielens-small .109, lastfm .054, book .019, amazon-book .019",
    ),
    Preset(
        "item-knn",
        _knn_seconds,
        "fast: movielens-small .171, lastfm .098, book .019, amazon-book .115",
    ),
    Preset(
        "rp3-beta",
        _rp3_seconds,
        "best on amazon-book .136 (walks .116); movielens-small .171, lastfm .121, book .028",
    ),
    Preset(
        "ease",
        _ease_seconds,
        "small catalogues: movielens-small .262, lastfm .124",
        suits=lambda shape: shape.catalogue <= _MOST_ITEMS,
    ),
    Preset(
        "hybrid-als",
        _als_seconds,
        "good all over: movielens-small .267, lastfm .143, book .038; amazon-book .105",
        {"factors": 64},
    ),
    Preset(
        "hybrid-als",
        lambda shape: 2.4 * _als_seconds(shape),
        "best on movielens-small .272, lastfm .145, book .040; amazon-book .121",
    ),
    Preset(
        "personalized-page-rank",
        _walk_seconds,
        "sparse data: book .038, known items .088; lastfm .117, movielens-small .146",
        {"restart": 0.5, "steps": 4},
    ),
    Preset(
        "blend",
        _blend_seconds,
        "best of known items on lastfm .281 and book .100; movielens-small .243",
    ),
)
