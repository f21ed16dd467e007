"""Feature blocks as something to choose: their names as one text, and their matrices kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.features.pipeline import FeaturePipeline, default_blocks, make_block
from hybridrec.models.side import blocks_by_side

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.models.base import Recommender

Blocks: TypeAlias = "tuple[str, ...] | None"  # None: what the data offers

OFFERED, NONE = "offered", "none"


def blocks_text(blocks: Sequence[str] | None) -> str:
    """Write names of blocks as "tokens+columns", "none", or "offered" for what the data offers.

    Raises
    ------
    ParameterError
        If there is no such block.
    """
    if blocks is None:
        return OFFERED
    for name in blocks:
        make_block(name)
    return "+".join(blocks) or NONE


def blocks_of(text: str) -> Blocks:
    """Read what `blocks_text` wrote.

    Raises
    ------
    ParameterError
        If there is no such block.
    """
    if text == OFFERED:
        return None
    names = () if text == NONE else tuple(text.split("+"))
    blocks_text(names)
    return names


def default_features(kind: type[Recommender], dataset: Dataset) -> str:
    """Return what a model uses if it is not told, "none" if the data offers nothing."""
    signed = not kind.links_features
    items = default_blocks(dataset, signed=signed) if kind.uses_item_features else []
    users = default_blocks(dataset, "user") if kind.uses_user_features else []
    if users and ("columns" not in items or "social" in users):  # no list of items' blocks says so
        return blocks_text(None)
    return blocks_text(items)


def feature_choices(kind: type[Recommender], dataset: Dataset) -> list[str]:
    """Return the sets of blocks worth a try: of facts near and far, and columns; the default first.

    Walk embeddings, which cost more than the others together, are not among them.
    """
    if not kind.uses_item_features:
        return []
    offered = default_blocks(dataset, signed=not kind.links_features)
    near_and_far = [("tokens",), ("tokens", "two-hop-tokens"), ("smooth-tokens",)]
    facts = [(), *near_and_far] if "tokens" in offered else [()]
    columns = [(), ("columns",)] if "columns" in offered else [()]
    rest = tuple(name for name in offered if name not in ("tokens", "columns"))
    given = [(), rest] if rest else [()]  # texts and vectors, all or none
    sets = [blocks_text([*one, *two, *more]) for one, two, more in product(facts, columns, given)]
    return list(dict.fromkeys([default_features(kind, dataset), *sets]))


def user_blocks(blocks: Blocks, dataset: Dataset) -> list[str] | None:
    """Return the blocks of users among some blocks; None: what the data offers."""
    return blocks_by_side(blocks, dataset)[1]


def side_text(kind: type[Recommender], dataset: Dataset) -> str:
    """Say in short what side information a model may use; "none" if it uses none."""
    if not kind.uses_item_features:
        return NONE
    facts = [] if dataset.knowledge is None else [f"{len(dataset.knowledge)} facts"]
    tables = {"item": dataset.item_table, "user": dataset.user_table}
    columns = [
        f"{side} {column}"
        for side, table in tables.items()
        if table is not None
        for column in table.columns
    ]
    vectors = [f"{one.side} vectors {one.name}" for one in dataset.vectors]
    return ", ".join([*facts, *columns, *vectors]) or NONE


class SideInformation:
    """The features of one training fold, each block made once however many trials use it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._blocks: dict[str, FeatureBlock] = {}
        self._users: dict[tuple[str, ...], Features] = {}

    def of_items(self, blocks: Blocks) -> Features | list[str]:
        """Return the blocks side by side, an empty list for none."""
        named = blocks_by_side(blocks, self._dataset)[0]
        names = default_blocks(self._dataset) if named is None else named
        for name in names:
            if name not in self._blocks:
                (self._blocks[name],) = FeaturePipeline([name]).fit(self._dataset).blocks
        return Features([self._blocks[name] for name in names]) if names else []

    def of_users(self, blocks: Blocks) -> Features | list[str]:
        """Return the blocks of users side by side, an empty list for none."""
        named = user_blocks(blocks, self._dataset)
        names = tuple(default_blocks(self._dataset, "user") if named is None else named)
        if names and names not in self._users:
            self._users[names] = FeaturePipeline(names, side="user").fit(self._dataset)
        return self._users[names] if names else []
