"""Ids from files and ids of a model: lists of users and items, histories."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import find_column
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.readers import read_interactions
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.errors import DataError

if TYPE_CHECKING:
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.models.base import Recommender

_SEPARATORS = (b",", b";", b"\t", b"|", b"{", b"PAR1")


def load_model(path: Path) -> Recommender:
    """Load a model whose results are pandas frames, whatever it was fitted on."""
    from hybridrec.models.storage import load

    model = load(path)
    model.backend_ = "pandas"
    return model


def read_ids(path: Path, known: IdMap) -> Sequence[Any]:
    """Read the ids of a file: one a line, or the id column of a table with a header.

    Returns
    -------
    sequence of int or str
        In the order of the file, each once, in the type of ``known``'s ids; unchecked.

    Raises
    ------
    DataError
        If the file cannot be read, or holds no id.
    UnknownIdError
        If an id has not the type of the known ones.
    """
    with path.open("rb") as file:
        first = file.readline(65536).strip()
    header = [first.decode("utf-8-sig", errors="replace")]
    named = find_column(header, known.name, None, where=str(path), required=False)
    if named is not None or any(one in first for one in _SEPARATORS):
        (column,) = _columns(path, known.name, kind=f"{known.name}s")
        texts: Iterable[str] = map(str, column.tolist())
    else:
        texts = _lines(path)
    ids: list[Any] = known.parse(dict.fromkeys(texts)).tolist()
    if not ids:
        raise DataError(f"{path} holds no {known.name} id")
    return ids


def read_history(path: Path, items: IdMap) -> Interactions:
    """Read interactions with items of a model, their ids in the type of the model's."""
    history = read_interactions(path)
    if history.items.is_text == items.is_text:
        return history
    return replace(history, items=IdMap(items.parse(map(str, history.items.ids.tolist())), "item"))


def read_pairs(path: Path, users: IdMap, items: IdMap) -> list[tuple[Any, Any]]:
    """Read a table of users and items, their ids in the types of the known ones; unchecked."""
    ids = _columns(path, users.name, items.name, kind="interactions")
    typed = (
        known.parse(map(str, one.tolist())).tolist()
        for known, one in zip((users, items), ids, strict=True)
    )
    return list(zip(*typed, strict=True))


def _columns(path: Path, *roles: str, kind: str) -> list[np.ndarray]:
    source = open_file(path, kind)
    names = [str(find_column(source.names, role, None, where=str(path))) for role in roles]
    with source.read(names) as columns:
        return [columns.ids(name, role) for name, role in zip(names, roles, strict=True)]


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 text: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def wanted_users(known: IdMap, named: tuple[str, ...], users: Path | None) -> Sequence[Any]:
    """Return the ids of the users to serve, checked before anything is written."""
    wanted: Sequence[Any]
    if users is not None:
        wanted = read_ids(users, known)
    elif named:
        wanted = known.parse(dict.fromkeys(named)).tolist()
    else:
        wanted = known.ids.tolist()
    known.codes(wanted)
    return wanted
