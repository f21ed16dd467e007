"""FastRP: a random projection of the first powers of the transition matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError
from hybridrec.graph.run import Run
from hybridrec.graph.spectral import adjacency, inverse, row_sums, scale, unit_rows

if TYPE_CHECKING:
    from hybridrec.graph.csr import Graph

_PROJECTION = 1  # what a random stream is for


def fast_rp(
    graph: Graph, dimensions: int, run: Run, *, weights: tuple[float, ...], degree_power: float
) -> np.ndarray:
    """Embed as Chen et al. do (CIKM 2019); see `node_embeddings`.

    As in the authors' code, the rows of each power are scaled to length 1 before they are added;
    its last step, which centres the columns, is left out, so that isolated nodes stay at 0.
    """
    edges = adjacency(graph)
    degree = row_sums(edges)
    steps = scale(edges, inverse(degree))
    alive = degree > 0
    power = projection(graph.num_nodes, dimensions, run.seed)
    total = np.zeros_like(power)
    with np.errstate(over="ignore", invalid="ignore"):
        share = inverse(degree / max(degree.sum(), 1e-300), -degree_power)
        power *= share.astype(np.float32)[:, None]
        for weight in weights:
            power = steps @ power
            total += np.float32(weight) * unit_rows(power, alive)
    if not np.isfinite(total).all():
        raise ParameterError(
            f"weights={weights} and degree_power={degree_power} lead beyond float32;"
            " take some nearer to 0"
        )
    return total


def projection(nodes: int, dimensions: int, seed: int) -> np.ndarray:
    """Return the very sparse projection of Achlioptas (2003): sqrt(3) times 1, 0 or -1.

    Their probabilities are 1/6, 2/3, 1/6; float32 (nodes, dimensions).
    """
    draws = runtime.random_stream(seed, _PROJECTION).integers(6, size=(nodes, dimensions))
    signs: np.ndarray = (draws == 0).astype(np.float32) - (draws == 1)
    signs *= np.float32(np.sqrt(3))
    return signs
