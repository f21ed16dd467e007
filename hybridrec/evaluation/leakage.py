"""Leakage: does the knowledge graph, or the item table, tell what was held out.

Side information that was derived from the interactions, held-out ones included, or that exists
only because an item succeeded, makes numbers that no new item will ever see. Three checks, none
of which needs a model:

duplicates
    Edges of a relation that join a user's entity and an item's are compared with the held-out
    pairs. If the relation knew nothing of them, the number K of pairs that are edges would be
    what a random pairing of the same users with the same items gives: nearly Poisson, with mean
    ``sum over edges (u, i) of d_u * d_i / m`` (d: held-out pairs of u and of i, m: all of them).
    The p-value is P(Poisson >= K).

popularity
    A feature x of the items (a numeric column, the length of a list, the number of an item's
    triples of one relation, being covered by a source of triples at all) is to be independent of
    held-out popularity H given training popularity T, which every model knows anyway. With the
    residuals e of the ranks of x and h of log(1 + H) after regression on log(1 + T) (a linear
    spline), and v(T) the variance of h, the statistic ``z = sum e h / sqrt(sum e^2 v)`` is
    standard normal under that hypothesis: the generalised covariance measure of Shah & Peters
    (2020) with the variance of the null. Features that differ from their most frequent value on
    fewer than 20 items are not tested.

after-release
    Relations marked ``after_release`` in the graph are named, as their facts follow success.

The p-values are corrected for the number of tests (Bonferroni), so that the chance of any
warning of the first two kinds is about ``alpha`` at most where features have nothing to do with
what was held out (measured with features dealt to other items, 20 tests, alpha = .01: .01-.02;
single tests .009-.011). As significance comes cheap with many items, popularity is only warned
of when the partial correlation of ranks reaches ``min_correlation``. On random splits, counts
over all interactions reach .7, and the facts of three real graphs .07. On cold items, where
training popularity is no rival, facts that merely go with fame reach .3, awards .6: the warning
says that part of a result is popularity, and the reader judges whether it was known in time.

References
----------
R. Shah and J. Peters, "The hardness of conditional independence testing and the generalised
covariance measure", Annals of Statistics 48(3), 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ParameterError
from hybridrec.evaluation.splits.split import Split

LEAST_DIFFERENT = 20
KNOTS = 12
_USER_PREFIXES = tuple(f"user{mark}" for mark in ":_/#-")


@dataclass(frozen=True)
class LeakageWarning:
    """One thing that may tell what was held out.

    Attributes
    ----------
    kind : {"duplicates", "popularity", "after-release"}
    source : str
        What tells, such as "relation 'award'" or "item column 'votes'".
    strength : float
        Of duplicates, the share of the held-out pairs that are edges; of popularity, the partial
        correlation of ranks; NaN of a mark.
    p_value : float
        Corrected for the number of tests; NaN of a mark.
    message : str
        One sentence for the reader.
    """

    kind: Literal["duplicates", "popularity", "after-release"]
    source: str
    strength: float
    p_value: float
    message: str

    def __str__(self) -> str:
        return self.message


def check_leakage(
    split: Split,
    dataset: Dataset | None = None,
    *,
    alpha: float = 0.01,
    min_correlation: float = 0.2,
) -> list[LeakageWarning]:
    """Look for side information that tells what a split holds out.

    Parameters
    ----------
    split : Split
    dataset : Dataset, optional
        The knowledge graph and item table to check, with the split's items; by default those of
        ``split.train``.
    alpha : float, default 0.01
        Chance of any false alarm by a test.
    min_correlation : float, default 0.2
        Partial correlation with held-out popularity below which a feature is passed over.

    Returns
    -------
    list of LeakageWarning
        Duplicates first, then popularity, then marks; the strongest of each first. Empty if
        there is nothing to warn of, which proves nothing: only these three ways are looked for.

    Raises
    ------
    ParameterError
        If the data set has other items, or a parameter is not between 0 and 1.
    """
    data = split.train if dataset is None else dataset
    if data.items != split.train.items:
        raise ParameterError("check_leakage needs a data set with the items of the split")
    for name, value in {"alpha": alpha, "min_correlation": min_correlation}.items():
        if not 0 <= value <= 1:
            raise ParameterError(f"{name} must be between 0 and 1, got {value!r}")
    found = [*_duplicates(split, data), *_popularity(split, data)]
    tests = [
        LeakageWarning(one.kind, one.source, one.strength, p_value, one.message)
        for one in found
        if (p_value := min(1.0, one.p_value * len(found))) <= alpha
        and (one.kind == "duplicates" or abs(one.strength) >= min_correlation)
    ]
    tests.sort(key=lambda one: (one.kind, -abs(one.strength)))
    return [*tests, *_marks(data.knowledge)]


# ---- duplicates -------------------------------------------------------------------------------


def _duplicates(split: Split, data: Dataset) -> Iterator[LeakageWarning]:
    """Test every relation that joins users with items."""
    from scipy.special import gammainc

    if data.knowledge is None:
        return
    held_out = split.test_pairs
    users, items = (part[held_out.labels] for part in (held_out.users, held_out.items))
    of_user = np.bincount(users, minlength=len(data.users))
    of_item = np.bincount(items, minlength=len(data.items))
    pairs = users.astype(np.int64) * len(data.items) + items
    for relation, edges in _user_item_edges(data, data.knowledge):
        hits = int(np.isin(edges, pairs).sum())
        edge_users, edge_items = np.divmod(edges, len(data.items))
        expected = float((of_user[edge_users] * of_item[edge_items]).sum()) / len(pairs)
        yield LeakageWarning(
            "duplicates",
            f"relation {relation!r}",
            hits / len(pairs),
            float(gammainc(hits, expected)) if hits else 1.0,
            f"relation {relation!r} repeats what is tested: {hits:,} of {len(pairs):,} held-out"
            f" pairs are edges of it, {expected:.1f} would be by chance",
        )


def _user_item_edges(data: Dataset, graph: KnowledgeGraph) -> Iterator[tuple[Any, np.ndarray]]:
    """Yield the relations that join entities of users and of items, with the pairs they join."""
    item_of = np.full(len(graph.entities), -1, dtype=np.int64)
    linked = np.flatnonzero(data.item_entities >= 0)
    item_of[data.item_entities[linked]] = linked
    user_of = np.where(item_of < 0, _users_of_entities(data, graph), -1)
    for ends in ((graph.head, graph.tail), (graph.tail, graph.head)):
        users, items = user_of[ends[0]], item_of[ends[1]]
        joined = (users >= 0) & (items >= 0)
        pairs = users * len(data.items) + items
        for code in np.unique(graph.relation[joined]):
            yield (
                _plain(graph.relations.ids[code]),
                np.unique(pairs[joined & (graph.relation == code)]),
            )


def _users_of_entities(data: Dataset, graph: KnowledgeGraph) -> np.ndarray:
    """Return the user whose id is that of an entity, as it is or after "user:", else -1."""
    import pandas as pd

    entities = [str(one) for one in graph.entities.ids.tolist()]
    names = [one[5:] if one.startswith(_USER_PREFIXES) else one for one in entities]
    known = pd.Index([str(one) for one in data.users.ids.tolist()], dtype=object)
    codes: np.ndarray = known.get_indexer(pd.Index(names, dtype=object))
    return codes


# ---- popularity -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Feature:
    """A number for every item, NaN where it has none."""

    source: str
    values: np.ndarray


def _popularity(split: Split, data: Dataset) -> Iterator[LeakageWarning]:
    """Test every feature of the items that is a number."""
    trained = split.train.matrix.getnnz(axis=0)
    held_out = split.test.matrix.getnnz(axis=0)
    asked = trained + held_out > 0
    if split.candidates is not None:
        asked &= split.candidates
    for feature in (*_columns(data), *_degrees(data)):
        known = asked & ~np.isnan(feature.values)
        values = feature.values[known]
        if _n_different(values) < LEAST_DIFFERENT:
            continue
        correlation, p_value = partial_correlation(values, held_out[known], trained[known])
        yield LeakageWarning(
            "popularity",
            feature.source,
            correlation,
            p_value,
            f"{feature.source} tells how popular held-out items are: rank correlation"
            f" {correlation:.2f} beyond training popularity on {len(values):,} items; was it known"
            " before the interactions it is to predict?",
        )


def partial_correlation(
    values: np.ndarray, held_out: np.ndarray, trained: np.ndarray
) -> tuple[float, float]:
    """Correlate a feature with held-out popularity, given training popularity.

    Parameters
    ----------
    values : ndarray of float, shape (items,)
        Only their order counts.
    held_out, trained : ndarray of int, shape (items,)
        Numbers of interactions.

    Returns
    -------
    correlation : float
        Between -1 and 1; 0 if one of the two is determined by training popularity.
    p_value : float
        Two-sided, for "independent given training popularity"; see the module's text.
    """
    basis = _spline(np.log1p(trained))
    ranks = _residual(basis, _ranks(values))
    popularity = _residual(basis, np.log1p(held_out))
    variance = np.maximum(popularity**2 - _residual(basis, popularity**2), 0)
    product = float(ranks @ popularity)
    spread = math.sqrt(float(ranks**2 @ variance))
    size = math.sqrt(float(ranks @ ranks) * float(popularity @ popularity))
    if min(spread, size) < 1e-9 * len(values):
        return 0.0, 1.0
    return product / size, math.erfc(abs(product) / spread / math.sqrt(2))


def _spline(x: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the linear splines on ``x``, with knots at its quantiles.

    The smallest four values are knots too, as many items share them. All knots are values of
    ``x``, so that no column of the basis is empty.
    """
    quantiles = np.quantile(x, np.linspace(0, 1, KNOTS), method="nearest")
    knots = np.unique(np.concatenate([np.unique(x)[:4], quantiles]))
    hats = np.stack([np.interp(x, knots, row) for row in np.eye(len(knots))], axis=1)
    basis: np.ndarray = np.linalg.qr(hats)[0]
    return basis


def _residual(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    rest: np.ndarray = values - basis @ (basis.T @ values)
    return rest


def _ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks between 0 and 1, the mean of them where values are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: np.ndarray = ((np.cumsum(counts) - (counts - 1) / 2) / len(values))[inverse]
    return ranks


def _n_different(values: np.ndarray) -> int:
    """Return how many values are not the most frequent one."""
    counts = np.unique(values, return_counts=True)[1]
    return len(values) - int(counts.max(initial=0))


def _columns(data: Dataset) -> Iterator[_Feature]:
    """Yield numeric columns of the item table, and the lengths of its lists."""
    if data.item_table is None:
        return
    for name in data.item_table.columns:
        column = data.item_table[name]
        if column.dtype.kind in "iufb":
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            yield _Feature(f"item column {name!r}", values)
        elif any(isinstance(cell, list) for cell in column):
            lengths = [len(cell) if isinstance(cell, list) else np.nan for cell in column]
            yield _Feature(f"the length of item column {name!r}", np.array(lengths))


def _degrees(data: Dataset) -> Iterator[_Feature]:
    """Yield which items each source covers, and how many facts of each relation those have."""
    graph = data.knowledge
    if graph is None:
        return
    linked = data.item_entities >= 0
    for number, name in enumerate(graph.sources):
        of_source = graph.source == number
        covered = linked & (_facts(graph, of_source)[data.item_entities] > 0)
        yield _Feature(f"being covered by the knowledge graph {name!r}", covered.astype(float))
        for code in np.unique(graph.relation[of_source]):
            facts = _facts(graph, of_source & (graph.relation == code))[data.item_entities]
            yield _Feature(
                f"the number of facts of relation {_plain(graph.relations.ids[code])!r}",
                np.where(covered, facts, np.nan),
            )


def _facts(graph: KnowledgeGraph, rows: np.ndarray) -> np.ndarray:
    """Return how many of some triples every entity is in."""
    ends = np.concatenate([graph.head[rows], graph.tail[rows]])
    return np.bincount(ends, minlength=len(graph.entities))


# ---- marks ------------------------------------------------------------------------------------


def _marks(graph: KnowledgeGraph | None) -> Iterator[LeakageWarning]:
    """Name relations that are marked as facts from after release."""
    if graph is None:
        return
    counts = graph.relation_counts()
    for relation in sorted(graph.after_release, key=str):
        if counts.get(relation):
            yield LeakageWarning(
                "after-release",
                f"relation {relation!r}",
                math.nan,
                math.nan,
                f"relation {relation!r} is marked as known only after release: a new item would"
                f" have none of its {counts[relation]:,} facts",
            )


def _plain(one: Any) -> Any:
    """Return an id as Python writes it."""
    return one.item() if isinstance(one, np.generic) else one
