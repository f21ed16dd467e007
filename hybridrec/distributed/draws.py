"""Factors to start from: one random stream for all blocks, drawn from on the workers in turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future

Draw = Callable[[np.random.Generator, int, int], np.ndarray]


def drawn(
    cluster: Cluster, stream: Future, sizes: Sequence[int], width: int, draw: Draw
) -> tuple[list[Future], Future]:
    """Return blocks of rows as one draw on this process would make them, and the stream after.

    The stream goes from task to task, so that no block passes through this process.

    Parameters
    ----------
    cluster : Cluster
    stream : Future of Generator
    sizes : sequence of int
        Rows of the blocks.
    width : int
    draw : callable
        Takes a stream, rows and width.
    """
    blocks = []
    for size in sizes:
        both = cluster.one(_drawn, stream, size, width, draw)
        (block,), (stream,) = cluster.split([both], range(2))
        blocks.append(block)
    return blocks, stream


def _drawn(
    stream: np.random.Generator, size: int, width: int, draw: Draw
) -> tuple[np.ndarray, np.random.Generator]:
    own = deepcopy(stream)  # what is given stays as it is, should the task run again
    return draw(own, size, width), own
