"""Node embeddings: one call for all methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hybridrec import runtime
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.graph.checks import check_memory, check_number, check_positive, check_whole
from hybridrec.graph.csr import Graph, check_graph
from hybridrec.graph.fast_rp import fast_rp
from hybridrec.graph.node2vec import node2vec
from hybridrec.graph.ppmi import ppmi_svd
from hybridrec.graph.prone import prone
from hybridrec.graph.run import Run

_WALKS = ("num_walks", "walk_length", "p", "q", "window")
_METHODS: Mapping[str, tuple[Callable[..., np.ndarray], tuple[str, ...]]] = {
    "node2vec": (node2vec, (*_WALKS, "negatives", "epochs", "learning_rate", "hogwild")),
    "ppmi-svd": (ppmi_svd, (*_WALKS, "shift", "transitions")),
    "prone": (prone, ("order", "mu", "theta")),
    "fast-rp": (fast_rp, ("weights", "degree_power")),
}
_TRANSITIONS = ("auto", "exact", "walks")
_TABLES = 4  # of the size of the result that a method holds at a time


def node_embeddings(
    graph: Graph,
    method: str = "node2vec",
    dimensions: int = 64,
    *,
    num_walks: int = 10,
    walk_length: int = 20,
    p: float = 1.0,
    q: float = 1.0,
    window: int = 5,
    negatives: int = 5,
    epochs: int = 1,
    learning_rate: float = 0.025,
    hogwild: bool = False,
    shift: float = 1.0,
    transitions: str = "auto",
    order: int = 10,
    mu: float = 0.2,
    theta: float = 0.5,
    weights: tuple[float, ...] = (0.0, 1.0, 1.0),
    degree_power: float = 0.5,
    random_state: int = 0,
    num_threads: int = 0,
    progress: bool = False,
) -> np.ndarray:
    """Embed the nodes of a graph: nodes that share neighbourhoods get similar vectors.

    ``node2vec``
        Skip-gram with negative sampling (Mikolov et al., NeurIPS 2013) on random walks (Grover &
        Leskovec, KDD 2016; with p = q = 1 also known as DeepWalk). Training is one sequence of
        steps on one thread, unless ``hogwild``; the walks use all threads.
    ``ppmi-svd``
        Truncated SVD of the shifted positive pointwise mutual information of nodes near each
        other on walks (Levy & Goldberg, NeurIPS 2014), exact for small graphs (NetMF: Qiu et
        al., WSDM 2018).
    ``prone``
        SVD of the edges, then spectral propagation (ProNE: Zhang et al., IJCAI 2019).
    ``fast-rp``
        Random projection of the first powers of the transition matrix (FastRP: Chen et al.,
        CIKM 2019): the fastest.

    The last two and exact ``ppmi-svd`` take a directed graph both ways. The same graph and
    ``random_state`` give the same vectors at any ``num_threads``. For nodes that join later see
    `extend_embeddings`.

    Parameters
    ----------
    graph : Graph
    method : {"node2vec", "ppmi-svd", "prone", "fast-rp"}
    dimensions : int
    num_walks, walk_length, p, q
        node2vec, ppmi-svd. As in `random_walks`; walks start at every node that has an edge to
        leave by.
    window : int
        node2vec, ppmi-svd. Nodes up to this many steps apart in a walk are drawn together.
    negatives : int
        node2vec. Noise nodes per pair, drawn by visits to the power of 0.75.
    epochs : int
        node2vec. Passes over the walks.
    learning_rate : float
        node2vec. At the start; it falls linearly to nearly 0.
    hogwild : bool
        node2vec. Train on all threads without locks (Recht et al., NeurIPS 2011). With more than
        one thread the vectors then differ a little from call to call.
    shift : float
        ppmi-svd. Pairs count from so many times chance on; skip-gram has ``negatives`` here.
    transitions : {"auto", "exact", "walks"}
        ppmi-svd. Computed, which takes 16 bytes per pair of nodes, or counted on walks, at most
        24 bytes per pair met; "auto" computes those of up to 5000 nodes, where p = q = 1.
    order : int
        prone. Terms of the Chebyshev series.
    mu, theta : float
        prone. Centre and width of the band of the filter.
    weights : tuple of float
        fast-rp. Of the first power of the transition matrix, the second, and so on. A graph
        without odd cycles needs an even and an odd power.
    degree_power : float
        fast-rp. Nodes enter the projection by their degree to this power: below 0, hubs count
        less. The paper looks between -1 and 0; knowledge graphs were better told at 0.5.
    random_state : int
    num_threads : int
        0 means all.
    progress : bool
        Show a bar on a terminal, with the methods that walk.

    Returns
    -------
    ndarray
        float32 (num_nodes, dimensions). Isolated nodes, ``graph.degrees == 0`` (and no edge into
        them), have the zero vector.

    Raises
    ------
    ParameterError
        If a parameter is out of range or not one of the method's, the training diverged, or
        there is not enough memory available.
    """
    check_graph(graph)
    if not isinstance(method, str) or method not in _METHODS:
        raise ParameterError(
            f"unknown method {method!r}{did_you_mean(method, _METHODS)};"
            f" known: {', '.join(_METHODS)}"
        )
    embed, names = _METHODS[method]
    dimensions = check_whole("dimensions", dimensions, 1)
    settings = {
        "num_walks": check_whole("num_walks", num_walks, 1),
        "walk_length": check_whole("walk_length", walk_length, 2),
        "p": check_positive("p", p),
        "q": check_positive("q", q),
        "window": check_whole("window", window, 1),
        "negatives": check_whole("negatives", negatives, 1),
        "epochs": check_whole("epochs", epochs, 1),
        "learning_rate": check_positive("learning_rate", learning_rate),
        "hogwild": bool(hogwild),
        "shift": check_positive("shift", shift),
        "transitions": _check_transitions(transitions),
        "order": check_whole("order", order, 2),
        "mu": check_number("mu", mu),
        "theta": check_positive("theta", theta),
        "weights": _check_weights(weights),
        "degree_power": check_number("degree_power", degree_power),
    }
    _refuse_foreign(method, settings)
    seed = runtime.check_random_state(random_state)
    check_memory(
        _TABLES * 4 * graph.num_nodes * dimensions,
        f"{dimensions} dimensions of {graph.num_nodes} nodes",
        "take fewer dimensions",
    )
    if graph.indices.size == 0:
        return np.zeros((graph.num_nodes, dimensions), np.float32)
    with runtime.threads(num_threads) as count:
        run = Run(seed, count, progress)
        return embed(graph, dimensions, run, **{name: settings[name] for name in names})


def _refuse_foreign(method: str, settings: dict[str, Any]) -> None:
    """Refuse a parameter that was set, and is another method's."""
    defaults = inspect.signature(node_embeddings).parameters
    for name, value in settings.items():
        if name not in _METHODS[method][1] and value != defaults[name].default:
            owners = [other for other, (_, names) in _METHODS.items() if name in names]
            raise ParameterError(
                f"the method {method!r} has no parameter {name}; {' and '.join(owners)} "
                f"{'has' if len(owners) == 1 else 'have'} it"
            )


def _check_transitions(value: object) -> str:
    if value not in _TRANSITIONS:
        raise ParameterError(f"transitions must be one of {', '.join(_TRANSITIONS)}, got {value!r}")
    return str(value)


def _check_weights(values: Any) -> tuple[float, ...]:
    """Return the weights of the powers of a matrix."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ParameterError(f"weights must be a sequence of numbers, got {values!r}")
    weights = tuple(check_number("a weight", one) for one in values)
    if not any(weights):
        raise ParameterError("weights must not all be 0")
    return weights
