"""A model as /models tells of it: its size, the columns for rules, the ways of re-ranking."""

from __future__ import annotations

from collections import Counter
from dataclasses import MISSING, fields
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from hybridrec.ranking.rerank import RERANKERS
from hybridrec.service.answers import plain
from hybridrec.service.snapshot import Snapshot

MOST_VALUES = 50  # that are told of a column
MOST_DISTINCT = 1000  # a column with more is not for picking a value

_COLUMNS: WeakKeyDictionary[Snapshot, list[dict[str, Any]]] = WeakKeyDictionary()


def described_model(name: str, snapshot: Snapshot) -> dict[str, Any]:
    """Return what a client needs to know of a model."""
    model = snapshot.model
    if snapshot not in _COLUMNS:
        _COLUMNS[snapshot] = _columns(model.item_table_)
    return {
        "name": name,
        "version": snapshot.version,
        "kind": model.model_name,
        "users": len(model.users_),
        "items": len(model.items_),
        "knowledge": getattr(model, "knowledge_", None) is not None,
        "columns": _COLUMNS[snapshot],
        "weights": _weights(model.history_.data),
        "context": {name: list(values) for name, values in model.context_values.items()},
        "rerankers": [
            {"name": one, "parameters": _parameters(kind)} for one, kind in RERANKERS.items()
        ],
    }


def _weights(weights: np.ndarray) -> dict[str, float] | None:
    """Return how much items of histories count, for clients that let people rate."""
    if not len(weights):
        return None
    ends = {"smallest": float(weights.min()), "largest": float(weights.max())}
    return {**ends, "usual": float(np.median(weights))}


def _columns(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if table is None else [_column(str(one), table[one]) for one in table.columns]


def _column(name: str, cells: pd.Series) -> dict[str, Any]:
    known = cells[cells.notna()]
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        ends = [plain(known.min()), plain(known.max())] if len(known) else [None, None]
        return _described(name, "number", [], *ends)
    first = known.iloc[0] if len(known) else None
    if isinstance(first, (list, tuple, np.ndarray)):
        return _described(name, "list", _frequent(known.explode().dropna()))
    return _described(name, "text" if isinstance(first, str) else "other", _frequent(known))


def _frequent(cells: pd.Series) -> list[str]:
    counts = Counter(map(str, cells.to_numpy().tolist()))
    if len(counts) > MOST_DISTINCT:
        return []
    return [value for value, _ in counts.most_common(MOST_VALUES)]


def _described(
    name: str, kind: str, values: list[str], smallest: Any = None, largest: Any = None
) -> dict[str, Any]:
    return {
        "name": name, "kind": kind, "values": values, "smallest": smallest, "largest": largest
    }  # fmt: skip


def _parameters(kind: Any) -> dict[str, Any]:
    return {
        one.name: None if one.default is MISSING else plain(one.default) for one in fields(kind)
    }
