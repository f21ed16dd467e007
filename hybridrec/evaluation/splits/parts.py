"""A split taken apart into lists of ids and columns of codes, and put together again.

Both forms on disk, the saved folder and the exported files, are written from this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.knowledge_parts import KnowledgeParts
from hybridrec.dataset.recency import Recency
from hybridrec.dataset.social import SocialGraph
from hybridrec.errors import ModelFolderError
from hybridrec.evaluation.splits.split import Split
from hybridrec.models.tables import from_parts, plain_table, to_parts

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, np.ndarray]

# The list of ids that the codes of a column point into.
IDS_OF = {
    "user": "users",
    "friend": "users",
    "item": "items",
    "head": "entities",
    "relation": "relations",
    "tail": "entities",
    "entity": "entities",
    "linked_item": "linked_items",
}
INTERACTIONS = ("train", "support", "validation", "test")


@dataclass(frozen=True)
class SplitParts:
    """All of a split, in a form that folders hold.

    Attributes
    ----------
    about : dict
        What JSON holds: name, parameters, fingerprint, counts, sources of the knowledge graph.
    ids : dict of str to ndarray
        "users" and "items", and with a knowledge graph "entities", "relations" and, where there
        is a link, "linked_items"; in the order of the codes.
    rows : dict of str to dict of str to ndarray
        Tables by name: "train", "test", ... of user, item, weight and perhaps timestamp;
        "candidates" of item; "social" of user, friend and weight; "triples" of head, relation,
        tail and source; "link" of linked_item and entity. Columns named in `IDS_OF` hold codes.
    tables : dict of str to dict of str to ndarray
        "items" and "users": the columns of the tables, as `hybridrec.models.tables` keeps them.
    """

    about: dict[str, Any]
    ids: dict[str, np.ndarray]
    rows: dict[str, dict[str, np.ndarray]]
    tables: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)


def take_apart(split: Split) -> SplitParts:
    """Return the parts of a split; context columns of its interactions are not among them."""
    train = split.train
    about: dict[str, Any] = {
        "split": split.name,
        "params": dict(split.params),
        "fingerprint": split.fingerprint,
        "skipped_users": split.skipped_users,
        "dropped_rows": split.dropped_rows,
        "dataset": train.name,
        "backend": split.test.backend,
    }
    if train.interactions.recency is not None:
        about["recency"] = train.interactions.recency.to_dict()
    ids = {"users": train.users.ids, "items": train.items.ids}
    rows = {name: _columns(part) for name, part in split.parts.items()}
    if split.candidates is not None:
        rows["candidates"] = {"item": np.flatnonzero(split.candidates).astype(np.int32)}
    if train.knowledge is not None:
        _add_knowledge(train.knowledge, about, ids, rows)
    if train.social is not None:
        _add_social(train.social, train.users, about, rows)
    tables = {}
    for side, table in (("items", train.item_table), ("users", train.user_table)):
        if table is not None:
            about[f"{side}_columns"], tables[side] = to_parts(plain_table(table))
    return SplitParts(about, ids, rows, tables)


def put_together(parts: SplitParts) -> Split:
    """Return the split that was taken apart.

    Raises
    ------
    ModelFolderError
        If its fingerprint is another.
    """
    about = parts.about
    users, items = IdMap(parts.ids["users"], "user"), IdMap(parts.ids["items"], "item")
    rows = {
        name: _interactions(parts.rows[name], users, items, about)
        for name in INTERACTIONS
        if name in parts.rows
    }
    candidates = None
    if "candidates" in parts.rows:
        candidates = np.zeros(len(items), dtype=bool)
        candidates[parts.rows["candidates"]["item"]] = True
    train = Dataset(
        rows["train"],
        _knowledge(parts),
        _table(parts, "items", len(items)),
        _table(parts, "users", len(users)),
        about["dataset"],
        _social(parts, users),
    )
    split = Split(
        about["split"],
        about["params"],
        train,
        rows["test"],
        candidates,
        rows.get("support"),
        about["skipped_users"],
        rows.get("validation"),
        about["dropped_rows"],
    )
    if split.fingerprint != about["fingerprint"]:
        raise ModelFolderError(
            f"the split has the fingerprint {split.fingerprint}, not {about['fingerprint']} as"
            " when it was saved; save it again"
        )
    return split


def _columns(rows: Interactions) -> dict[str, np.ndarray]:
    columns = {"user": rows.user_codes, "item": rows.item_codes, "weight": rows.weights}
    return columns if rows.timestamps is None else columns | {"timestamp": rows.timestamps}


def _interactions(
    columns: Columns, users: IdMap, items: IdMap, about: Mapping[str, Any]
) -> Interactions:
    recency = Recency(**about["recency"]) if "recency" in about else None
    return Interactions(
        users,
        items,
        columns["user"],
        columns["item"],
        columns["weight"],
        columns.get("timestamp"),
        backend=about["backend"],
        recency=recency,
    )


def _add_social(
    social: SocialGraph,
    users: IdMap,
    about: dict[str, Any],
    rows: dict[str, dict[str, np.ndarray]],
) -> None:
    codes = users.codes(social.users.ids)
    ends = {"user": codes[social.sources], "friend": codes[social.targets]}
    rows["social"] = ends | {"weight": social.weights}
    about["social_dropped"] = dict(social.dropped)


def _social(parts: SplitParts, users: IdMap) -> SocialGraph | None:
    if "social" not in parts.rows:
        return None
    rows = parts.rows["social"]
    ends = (rows["user"], rows["friend"], rows["weight"])
    return SocialGraph(users, *ends, parts.about["social_dropped"]).among(users)


def _add_knowledge(
    knowledge: KnowledgeGraph,
    about: dict[str, Any],
    ids: dict[str, np.ndarray],
    rows: dict[str, dict[str, np.ndarray]],
) -> None:
    parts = KnowledgeParts.of(replace(knowledge, labels=None))  # for people; no part of a split
    about.update(parts.about)
    ids.update(parts.ids)
    triples = dict(parts.arrays)
    link = triples.pop("link", None)
    rows["triples"] = triples
    if link is not None:
        numbers = np.arange(len(link), dtype=np.int32)
        rows["link"] = {"linked_item": numbers, "entity": link}


def _knowledge(parts: SplitParts) -> KnowledgeGraph | None:
    if "triples" not in parts.rows:
        return None
    ids, arrays = dict(parts.ids), dict(parts.rows["triples"])
    if "link" in parts.rows:
        link = parts.rows["link"]
        ids["linked_items"] = ids["linked_items"][link["linked_item"]]
        arrays["link"] = link["entity"]
    return KnowledgeParts(parts.about, ids, arrays).graph()


def _table(parts: SplitParts, side: str, n: int) -> pd.DataFrame | None:
    if f"{side}_columns" not in parts.about:
        return None
    return from_parts(parts.about[f"{side}_columns"], parts.tables.get(side, {}), n)
