"""What every embedding method is called with beside the graph and its own parameters."""

from __future__ import annotations

from typing import NamedTuple


class Run(NamedTuple):
    """One call of `node_embeddings`.

    Attributes
    ----------
    seed : int
    threads : int
        At least 1.
    progress : bool
        Show a bar on a terminal.
    """

    seed: int
    threads: int
    progress: bool
