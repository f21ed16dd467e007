"""Side information -> features: fitted once, stored with the model, applied to new items later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hybridrec.errors import NotFittedError, ParameterError, did_you_mean
from hybridrec.features.blocks import FeatureBlock, Features, full_names, scale_rows
from hybridrec.features.columns import TableColumns, usable_columns
from hybridrec.features.fusion import SumFusion
from hybridrec.features.sentences import SentenceColumns
from hybridrec.features.smooth import SmoothTokens
from hybridrec.features.social import SocialEdges
from hybridrec.features.text import TextColumns, declared_text
from hybridrec.features.tokens import KnowledgeTokens
from hybridrec.features.vectors import GivenVectors
from hybridrec.features.walks import WalkEmbedding

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph


class BlockBuilder(Protocol):
    """What a source of features does; ``base`` is the knowledge graph it was fitted with."""

    @property
    def name(self) -> str:
        """Name of the block."""
        ...

    @property
    def side(self) -> str:
        """What the rows are: "item" or "user"."""
        ...

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn vocabulary, vectors, bins."""
        ...

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix | np.ndarray:
        """Return one row per item (user) of a dataset."""
        ...

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return what the columns mean."""
        ...

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return configuration (JSON) and arrays."""
        ...


BLOCKS: Mapping[str, type[Any]] = {
    "tokens": KnowledgeTokens,
    "two-hop-tokens": KnowledgeTokens,
    "smooth-tokens": SmoothTokens,
    "walks": WalkEmbedding,
    "columns": TableColumns,
    "social": SocialEdges,
    "text": TextColumns,
    "sentences": SentenceColumns,
    "vectors": GivenVectors,
    "sum": SumFusion,
}


def kind_of(name: str) -> str:
    """Return the kind of a block, a key of `BLOCKS`: "tokens" of "tokens.freebase"."""
    return name.partition(".")[0]


def make_block(name: str, side: str = "item") -> BlockBuilder:
    """Return a feature block with its default parameters by its name.

    Parameters
    ----------
    name : str
        A kind of block, a key of `BLOCKS`. After a dot may stand, and for "vectors" must, what it
        is about: "tokens.SOURCE" of the knowledge graph, "text.COLUMN", "vectors.NAME".
    side : {"item", "user"}, default "item"

    Raises
    ------
    ParameterError
        If there is no such block.
    """
    kind, dot, about = name.partition(".")
    if kind not in BLOCKS:
        raise ParameterError(
            f"unknown feature block {name!r}{did_you_mean(name, BLOCKS)}"
            f" (there are {', '.join(BLOCKS)})"
        )
    if bool(dot) != bool(about) or (kind == "vectors" and not about):
        raise ParameterError(f"feature block {name!r}: say which, as in {kind}.NAME")
    if about and kind not in _ABOUT:
        raise ParameterError(f"feature block {name!r}: {kind!r} stands alone, without {about!r}")
    hops: dict[str, Any] = {"hops": 2} if kind == "two-hop-tokens" else {}
    sided: dict[str, Any] = {"side": side} if kind in _SIDED else {}
    given = [] if not about else [[about] if kind in ("text", "sentences") else about]
    builder: BlockBuilder
    if kind in _OF_SOURCE:
        builder = KnowledgeTokens(source=about or None, **hops)
    else:
        builder = BLOCKS[kind](*given, **sided)
    return builder


_OF_SOURCE = ("tokens", "two-hop-tokens")
_SIDED = ("columns", "text", "sentences", "vectors", "sum")
_ABOUT = (*_OF_SOURCE, "text", "sentences", "vectors")


class FeaturePipeline:
    """Feature blocks of items (or users), one beside the other.

    Parameters
    ----------
    blocks : sequence of str or block builders, optional
        Names (see `make_block`) or builders such as ``KnowledgeTokens(min_items=3)``. By default
        what the data offers: "tokens" if there is a knowledge graph, "columns" if the table has
        columns that can be features, "text" if columns are declared as text, "vectors.NAME" for
        all vectors that the dataset was given, "social" if there are edges between users.
    weights : mapping of block name to float, optional
        1 if not given; 0 switches a block off.
    side : {"item", "user"}, default "item"

    Notes
    -----
    Every block is scaled so that each row has length 1, then multiplied by its weight.
    """

    def __init__(
        self,
        blocks: Sequence[str | BlockBuilder] | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        side: str = "item",
    ) -> None:
        if side not in ("item", "user"):
            raise ParameterError(f"side must be 'item' or 'user', got {side!r}")
        if isinstance(blocks, str):
            raise ParameterError(f"blocks must be a list of names, got the text {blocks!r}")
        self.blocks, self.weights, self.side = blocks, dict(weights or {}), side

    def fit(self, dataset: Dataset) -> Features:
        """Learn all blocks from a dataset and return its features.

        Raises
        ------
        ParameterError
            If the dataset offers nothing for a block, a block is of the other side, or a weight
            names no block.
        """
        given = self.blocks if self.blocks is not None else default_blocks(dataset, self.side)
        named = list(given)
        if not named:
            raise ParameterError(
                f"the dataset has no side information about {self.side}s: give a knowledge graph"
                " or a table, or name the feature blocks"
            )
        self.builders_ = [
            make_block(one, self.side) if isinstance(one, str) else copy(one) for one in named
        ]
        names = [builder.name for builder in self.builders_]
        for builder in self.builders_:
            if builder.side != self.side:
                raise ParameterError(
                    f"the feature block {builder.name!r} describes {builder.side}s,"
                    f" not {self.side}s"
                )
        for name in self.weights:
            if name not in names:
                raise ParameterError(
                    f"weight for unknown block {name!r}{did_you_mean(name, names)}"
                )
        self.knowledge_ = dataset.knowledge
        for builder in self.builders_:
            builder.fit(dataset, self.knowledge_)
        return self.transform(dataset)

    def transform(self, dataset: Dataset) -> Features:
        """Return the features of any dataset's items (users), known before or not.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        if not hasattr(self, "builders_"):
            raise NotFittedError("the feature pipeline is not fitted yet; call fit first")
        base = self.knowledge_
        return Features(
            [
                FeatureBlock(
                    builder.name,
                    scale_rows(builder.transform(dataset, base)),
                    builder.feature_names(base),
                    self.weights.get(builder.name, 1.0),
                )
                for builder in self.builders_
            ]
        )

    @property
    def feature_names(self) -> np.ndarray:
        """Names of all columns that a fitted pipeline makes, as `Features.feature_names`."""
        base = self.knowledge_
        return full_names((one.name, one.feature_names(base)) for one in self.builders_)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return configuration (JSON) and arrays; the knowledge graph is kept by the caller.

        Raises
        ------
        ParameterError
            If a block is of a class of your own, which `restore` could not make again.
        """
        config: dict[str, Any] = {"side": self.side, "weights": self.weights, "blocks": []}
        arrays = {}
        for builder in self.builders_:
            if BLOCKS.get(kind_of(builder.name)) is not type(builder):
                raise ParameterError(
                    f"the feature block {builder.name!r} is of your own class"
                    f" {type(builder).__name__}, which cannot be saved"
                )
            block, parts = builder.state()
            config["blocks"].append({"name": builder.name, "config": block})
            arrays.update({f"{builder.name}.{key}": part for key, part in parts.items()})
        return config, arrays

    @classmethod
    def restore(
        cls,
        config: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray],
        knowledge: KnowledgeGraph | None,
    ) -> FeaturePipeline:
        """Rebuild a fitted pipeline from `state` and its knowledge graph."""
        pipeline = cls(weights=config["weights"], side=config["side"])
        pipeline.knowledge_ = knowledge
        pipeline.builders_ = []
        for block in config["blocks"]:
            prefix = f"{block['name']}."
            parts = {
                key[len(prefix) :]: part for key, part in arrays.items() if key.startswith(prefix)
            }
            kind = BLOCKS[kind_of(block["name"])]
            pipeline.builders_.append(kind.restore(block["config"], parts))
        return pipeline


def default_blocks(dataset: Dataset, side: str = "item", *, signed: bool = True) -> list[str]:
    """Return the blocks that a dataset has something for.

    Without ``signed`` those whose features may be negative (texts, given vectors) are left out.
    """
    table = dataset.item_table if side == "item" else dataset.user_table
    names = ["tokens"] if side == "item" and dataset.knowledge is not None else []
    names += ["columns"] if usable_columns(table, dataset.column_types) else []
    names += ["social"] if side == "user" and dataset.social is not None else []
    if not signed:
        return names
    names += ["text"] if declared_text(table, dataset.column_types) else []
    return [*names, *(f"vectors.{one.name}" for one in dataset.vectors if one.side == side)]
