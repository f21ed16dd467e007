"""Everything meets everything: what tasks have for each of many others is brought there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future

DIRECT = 1 << 14  # pieces, each a task, that one scheduler should bear at a time


def shuffle(
    cluster: Cluster,
    lists: Sequence[Future],
    number: int,
    function: Callable[..., Any],
    *columns: Sequence[Any],
    **common: Any,
) -> list[Future]:
    """Run a function on what all lists have at a place, for every place.

    Many lists of many pieces go by way of meeting points, where what some of the lists have for
    some of the places is put together: every piece moves twice, but most of the tasks, which one
    scheduler gives out, are saved (512 lists of 512 pieces: 25 thousand tasks, not 262 thousand).

    Parameters
    ----------
    cluster : Cluster
    lists : sequence of Future of sequence
        All of the same length.
    number : int
        Their length.
    function : callable
        Takes the pieces of a place as a list in the order of the lists, the place's entries of
        ``columns``, and ``common``.
    """
    if len(lists) * number <= DIRECT:
        return cluster.map(function, cluster.split(lists, range(number)), *columns, **common)
    places = [slice(*ends) for ends in pairwise(_cuts(number))]
    groups = list(pairwise(_cuts(len(lists))))
    met: list[list[Future]] = []
    for place, bundles in zip(places, cluster.split(lists, places), strict=True):
        those = [bundles[begin:end] for begin, end in groups]
        met += cluster.split(cluster.map(_met, those), range(place.stop - place.start))
    return cluster.map(_flat, met, *columns, _function=function, **common)


def shuffle_tasks(lists: float, number: float) -> float:
    """Return the number of tasks that a shuffle takes, about."""
    if lists * number <= DIRECT:
        return lists * number + number
    places, groups = ceil(sqrt(number)), ceil(sqrt(lists))
    return lists * places + groups * places + groups * number + number


def _cuts(number: int) -> list[int]:
    """Return where about as many groups as each has members begin; the last entry is the number."""
    cuts: list[int] = np.linspace(0, number, ceil(sqrt(number)) + 1).astype(int).tolist()
    return cuts


def _met(bundles: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return for each of some places what some lists have there."""
    return [list(pieces) for pieces in zip(*bundles, strict=True)]


def _flat(parts: Sequence[Sequence[Any]], *columns: Any, _function: Any, **common: Any) -> Any:
    return _function([piece for part in parts for piece in part], *columns, **common)
