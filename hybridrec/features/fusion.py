"""Several sources of features as one: the sum of their projections to a common space."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError
from hybridrec.features.text import main_directions
from hybridrec.graph.checks import check_whole
from hybridrec.runtime import check_random_state, random_stream, threads

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph
    from hybridrec.features.blocks import Features
    from hybridrec.features.pipeline import BlockBuilder, FeaturePipeline

FUSIONS = ("concat", "sum", "learned")

_SKETCH, _TURN = zlib.crc32(b"fusion"), zlib.crc32(b"fusion turn")


class SumFusion:
    """Blocks added up in a common space: ``z = sum_b w_b * f_b P_b``.

    Each block is brought to its main directions (truncated singular value decomposition), which
    are turned at random, each block's in its own way: the directions of two blocks have nothing
    to do with each other, and unturned the strongest of both would share an axis. So the product
    of two items is the sum of their products in each block, plus noise around 0.

    Parameters
    ----------
    blocks : sequence of str or block builders, optional
        As in `FeaturePipeline`; by default what the data offers.
    weights : mapping of block name to float, optional
    dimensions : int, default 64
    random_state : int, default 0
    side : {"item", "user"}, default "item"
    """

    name = "sum"
    opaque = True

    def __init__(
        self,
        blocks: Sequence[str | BlockBuilder] | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        dimensions: int = 64,
        random_state: int = 0,
        side: str = "item",
    ) -> None:
        self.blocks, self.weights, self.side = blocks, dict(weights or {}), side
        self.dimensions = check_whole("dimensions", dimensions, 1)
        self.random_state = check_random_state(random_state)

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn the blocks and their projections."""
        from hybridrec.features.pipeline import FeaturePipeline

        self.pipeline_ = FeaturePipeline(self.blocks, weights=self.weights, side=self.side)
        features = self.pipeline_.fit(dataset)
        if any(block.name == self.name for block in features.blocks):
            raise ParameterError("a sum of blocks cannot be part of a sum")
        self.projections_ = [
            self._projection(block.matrix, number) for number, block in enumerate(features.blocks)
        ]

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the sums of a dataset's items (users), float32 (rows, dimensions)."""
        pipeline: FeaturePipeline = copy(self.pipeline_)
        pipeline.knowledge_ = base
        features: Features = pipeline.transform(dataset)
        total = np.zeros((len(features), self.dimensions), dtype=np.float64)
        with threads():
            for block, projection in zip(features.blocks, self.projections_, strict=True):
                total += block.weight * (block.matrix @ projection)
        return total.astype(np.float32)

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the names of the dimensions."""
        return np.array([str(one) for one in range(self.dimensions)], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        config = {name: getattr(self, name) for name in ("dimensions", "random_state", "side")}
        inner, arrays = self.pipeline_.state()
        parts = {f"blocks/{name}": array for name, array in arrays.items()}
        for number, projection in enumerate(self.projections_):
            parts[f"projections/{number}"] = projection
        return {**config, "pipeline": inner}, parts

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> SumFusion:
        """Rebuild a fitted block."""
        from hybridrec.features.pipeline import FeaturePipeline

        config = dict(config)
        inner = config.pop("pipeline")
        block = cls(weights=inner["weights"], **config)
        start = "blocks/"
        parts = {name[len(start) :]: one for name, one in arrays.items() if name.startswith(start)}
        block.pipeline_ = FeaturePipeline.restore(inner, parts, None)
        count = len(block.pipeline_.builders_)
        block.projections_ = [arrays[f"projections/{number}"] for number in range(count)]
        return block

    def _projection(self, matrix: Any, number: int) -> np.ndarray:
        """Return the main directions of a block, turned: float32 (width, dimensions)."""
        directions = main_directions(
            matrix, self.dimensions, random_stream(self.random_state, _SKETCH, number)
        )
        axes = random_stream(self.random_state, _TURN, number)
        with threads():
            turn, _ = np.linalg.qr(axes.standard_normal((self.dimensions, len(directions))))
        return np.ascontiguousarray(directions.T @ turn.T, dtype=np.float32)
