"""What the items, entities and features of a model are called, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import titles_of
from hybridrec.dataset.labels import labels_by_code, value_of_table
from hybridrec.features.pipeline import kind_of
from hybridrec.features.tokens import KnowledgeTokens
from hybridrec.models.kept import kept
from hybridrec.ranking.explanation import Shares, joined

if TYPE_CHECKING:
    from hybridrec.features.pipeline import BlockBuilder, FeaturePipeline
    from hybridrec.models.base import Recommender

# Blocks whose single columns mean nothing.
WHOLE = {
    "walks": "place in the knowledge graph (walks)",
    "sentences": "meaning of the text",
    "vectors": "given vector",
    "sum": "all side information",
}
# Blocks of tokens, and what stands before the relation.
TOKENS = {"tokens": "", "two-hop-tokens": "in two steps: ", "smooth-tokens": "near: "}


def title_of(model: Recommender, code: int) -> str:
    """Return the title of an item, its id where it has none."""
    titles = item_titles(model)
    title = None if titles is None else titles[code]
    return str(model.items_.ids[code]) if title is None else str(title)


def item_titles(model: Recommender) -> np.ndarray | None:
    """Return the title of every item (None where unknown), or None without such a column."""
    table = model.item_table_
    return kept(model, "titles", (table,), lambda: titles_of(table))


class EntityNames:
    """What the entities of a model's knowledge graph are called.

    Parameters
    ----------
    model : Recommender
        With a knowledge graph.
    """

    def __init__(self, model: Recommender) -> None:
        assert model.knowledge_ is not None
        self.model, self.knowledge = model, model.knowledge_
        knowledge, items, table = model.knowledge_, model.items_, model.item_table_
        self.labels = kept(
            model, "labels", (knowledge.labels,), lambda: labels_by_code(knowledge.labels)
        )
        self.item_of = kept(
            model, "entities", (knowledge, items, table), lambda: _titled_items(model)
        )

    def of(self, entity: int) -> str | None:
        """Return what an entity is called, None if only its id is known."""
        if entity in self.labels:
            return self.labels[entity]
        if entity in self.item_of:
            return title_of(self.model, self.item_of[entity])
        return value_of_table(self.knowledge.entities.ids[entity], self.knowledge.relations)


def _titled_items(model: Recommender) -> dict[int, int]:
    """Return the item of every entity whose item has a title; of several the first."""
    titles, knowledge = item_titles(model), model.knowledge_
    if titles is None or knowledge is None:
        return {}
    entities = knowledge.entity_of(model.items_)
    known = np.flatnonzero((entities >= 0) & np.array([one is not None for one in titles]))
    return dict(zip(entities[known][::-1].tolist(), known[::-1].tolist(), strict=True))


class FeatureNames:
    """What the columns of a model's item features are called.

    Parameters
    ----------
    model : Recommender
    """

    def __init__(self, model: Recommender) -> None:
        self.model, self.pipeline = model, model.item_pipeline_
        self.blocks: list[tuple[BlockBuilder, np.ndarray]] = []
        self.starts = np.zeros(1, dtype=np.int64)
        pipeline = self.pipeline
        if pipeline is not None:
            self.blocks = kept(model, "features", (pipeline,), lambda: _blocks(pipeline))
            widths = [len(names) for _, names in self.blocks]
            self.starts = np.concatenate([[0], np.cumsum(widths)])

    def merged(self, shares: Shares) -> Shares:
        """Return shares with the columns of blocks that are one thing added up."""
        if not any(_whole(builder) for builder, _ in self.blocks):
            return shares
        block = np.searchsorted(self.starts, shares.codes, side="right") - 1
        whole = np.array([bool(_whole(builder)) for builder, _ in self.blocks])[block]
        codes = np.where(whole, self.starts[block], shares.codes)
        return joined([shares._replace(codes=codes)])

    def of(self, column: int) -> str:
        """Return the name of a column, such as "film.film.directed_by = Quentin Tarantino"."""
        if self.pipeline is None:
            return f"feature {column}"
        number = int(np.searchsorted(self.starts, column, side="right")) - 1
        builder, names = self.blocks[number]
        name = str(names[column - self.starts[number]])
        kind, whole = kind_of(builder.name), _whole(builder)
        if whole:
            return whole
        if kind in TOKENS:
            return TOKENS[kind] + self._token(builder, column - self.starts[number])
        if kind == "text":
            return f"text like {name}"
        return name.replace("=", " = ", 1) if kind == "columns" else name

    def tokens(self) -> tuple[int, np.ndarray] | None:
        """Return the first column of the facts of items, and their sorted keys; None without.

        The key of a fact is ``relation * entities + entity``, with the relation as in
        `hybridrec.graph.item_paths.Trail`.
        """
        for (builder, names), start in zip(self.blocks, self.starts.tolist(), strict=False):
            if isinstance(builder, KnowledgeTokens) and builder.hops == 1 and len(names):
                return start, builder.keys_
        return None

    def _token(self, builder: Any, at: int) -> str:
        """Return "relation = entity" of a token, with the label of the entity."""
        knowledge = self.model.knowledge_
        assert knowledge is not None
        keys = getattr(builder, "tokens_", builder).keys_
        relation, entity = divmod(int(keys[at]), len(knowledge.entities))
        middle = "of = " if relation % 2 else "= "
        text = EntityNames(self.model).of(entity) or knowledge.entities.ids[entity]
        return f"{knowledge.relations.ids[relation // 2]} {middle}{text}"


def _whole(builder: BlockBuilder) -> str:
    """Return what a block is called whose single columns mean nothing, else nothing."""
    kind, _, about = builder.name.partition(".")
    if kind in WHOLE:
        return f"{WHOLE[kind]} {about}".rstrip()
    return builder.name if getattr(builder, "opaque", False) else ""


def _blocks(pipeline: FeaturePipeline) -> list[tuple[BlockBuilder, np.ndarray]]:
    return [(one, one.feature_names(pipeline.knowledge_)) for one in pipeline.builders_]
