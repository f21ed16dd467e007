"""Lists, items and explanations -> the JSON of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from starlette.responses import Response

from hybridrec.service.live import LiveRecommender
from hybridrec.service.snapshot import Snapshot
from hybridrec.service.taste import Recommendation

JSON = "application/json"


def json_bytes(content: Any) -> bytes:
    """Return plain values as JSON."""
    return json.dumps(content).encode()


def json_response(content: Any) -> Response:
    """Return plain values as an answer."""
    return Response(json_bytes(content), media_type=JSON)


def headed(name: str, snapshot: Snapshot, **content: Any) -> dict[str, Any]:
    """Return the content of an answer, with the model and version that it comes from."""
    return {"model": name, "version": snapshot.version, **content}


def entries(snapshot: Snapshot, found: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """Return the items of a list; the score of an item that was only pinned is null."""
    return [
        {
            "item": one.item,
            "title": title_of(snapshot, one.item),
            "score": one.score if isfinite(one.score) else None,
            "rank": one.rank,
            "source": one.source,
        }
        for one in found
    ]


class _EntryTexts(dict[Any, str]):
    """The beginnings of entries, by item: titles are turned into JSON once, not at each request."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self._titles, self._codes = snapshot.titles, snapshot.item_codes

    def __missing__(self, item: Any) -> str:
        title = json.dumps(self._titles[self._codes[item]])
        self[item] = text = f'{{"item": {json.dumps(item)}, "title": {title}, "score": '
        return text


_TEXTS: WeakKeyDictionary[Snapshot, _EntryTexts] = WeakKeyDictionary()


def list_bytes(name: str, snapshot: Snapshot, user: Any, found: Sequence[Recommendation]) -> bytes:
    """Return the JSON of a list: the same as by `headed` and `entries`, but faster."""
    texts = _TEXTS.get(snapshot)
    if texts is None:
        texts = _TEXTS[snapshot] = _EntryTexts(snapshot)
    rows = [
        f'{texts[one.item]}{one.score if isfinite(one.score) else "null"}, "rank": {one.rank},'
        f' "source": "{one.source}"}}'
        for one in found
    ]
    head = json.dumps(headed(name, snapshot, user=user))[:-1]
    return f'{head}, "items": [{", ".join(rows)}]}}'.encode()


def title_of(snapshot: Snapshot, item: Any) -> str | None:
    """Return the title of an item, None if it has none."""
    code = snapshot.item_codes.get(item, -1)
    title: str | None = snapshot.titles[code] if code >= 0 else None
    return title


def columns_of(live: LiveRecommender, item: Any) -> dict[str, Any]:
    """Return what the item table tells of an item."""
    columns = live.item(item)
    del columns["item"]
    found: dict[str, Any] = plain(columns)
    return found


def explained(snapshot: Snapshot, explanation: Any, user: Any) -> dict[str, Any]:
    """Return an explanation with the titles of its items; the user is None for a history alone."""
    found: dict[str, Any] = plain({**explanation.to_json(), "user": user})
    for path in found["paths"]:
        path["title"] = title_of(snapshot, path["item"])
    return {"title": title_of(snapshot, found["item"]), **found}


def reason(explanation: Mapping[str, Any]) -> str | None:
    """Return the one line of an explanation: its strongest path, else the item that tells most."""
    if explanation["paths"]:
        text: str = explanation["paths"][0]["text"]
        return text
    told = [part for part in explanation["parts"] if "item" in part and part["value"] > 0]
    return f"goes with {told[0]['name']}" if told else None


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: no numpy, no NaN, no dates."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)
