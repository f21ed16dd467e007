"""Texts for the entities of a knowledge graph, so that people can read its facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hybridrec.dataset.frames import as_source, find_column
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, first_few

Labels = tuple[np.ndarray, np.ndarray]  # entity codes, ascending, and their texts


def code_labels(entities: IdMap, labels: Mapping[Any, str], known: Labels | None) -> Labels:
    """Return the texts of entities that a graph has; new ones take the place of known ones.

    Raises
    ------
    DataError
        If the graph has none of the entities.
    """
    ids = list(labels)
    if entities.is_text:
        ids = [str(one) for one in ids]
    codes = entities.codes(ids, unknown="skip") if ids else np.zeros(0, dtype=np.int32)
    if ids and (codes < 0).all():
        raise DataError(
            f"no labelled entity is in the knowledge graph: labels are for {first_few(ids, 3)},"
            f" entities look like {first_few(entities.ids, 3)}"
        )
    texts = dict(labels_by_code(known))
    texts.update(
        (code, str(text))
        for code, text in zip(codes.tolist(), labels.values(), strict=True)
        if code >= 0
    )
    ordered = sorted(texts)
    return (
        np.array(ordered, dtype=np.int32),
        np.array([texts[code] for code in ordered], dtype=object),
    )


def labels_by_code(labels: Labels | None) -> dict[int, str]:
    """Return the text of every entity code that has one."""
    return {} if labels is None else dict(zip(labels[0].tolist(), labels[1].tolist(), strict=True))


def read_labels(
    data: Any, *, entity: str | None = None, label: str | None = None
) -> dict[Any, str]:
    """Return the texts of a table of entities and labels, a data frame or a `Source`.

    Columns are recognised by their usual names unless named; rows without a text are left out.

    Raises
    ------
    DataError
        If a column or an id is missing, or an entity is there twice.
    """
    source = as_source(data, "labels")
    of_entity = str(find_column(source.names, "entity", entity, where=source.where))
    rest = [name for name in source.names if name != of_entity]
    of_text = str(find_column(rest, "title", label, where=source.where))
    with source.read([of_entity, of_text]) as columns:
        ids = columns.ids(of_entity, "entity", distinct=True)
        texts = columns.values(of_text)
    pairs = zip(ids.tolist(), texts.tolist(), strict=True)
    return {one: str(text) for one, text in pairs if text is not None and text == text}


def value_of_table(entity: Any, relations: IdMap) -> str | None:
    """Return "Comedy" of "genre:Comedy", an entity that was made of a value in a table."""
    text = str(entity)
    at = text.find(":")
    while at >= 0:
        if text[:at] in relations:
            return text[at + 1 :]
        at = text.find(":", at + 1)
    return None
