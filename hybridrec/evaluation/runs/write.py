"""Runs and judgements out, for other tools of evaluation."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import DataError, OutputError, ParameterError, did_you_mean, first_few
from hybridrec.evaluation.runs.read import Run, take_run
from hybridrec.evaluation.splits.split import Split
from hybridrec.store.tables import write_table

TREC_SUFFIXES = (".run", ".trec")
SUFFIXES = (".csv", ".tsv", ".parquet", ".jsonl", *TREC_SUFFIXES)


def write_run(
    data: Any,
    path: str | os.PathLike[str],
    *,
    tag: str = "hybridrec",
    overwrite: bool = False,
) -> None:
    """Write lists to a file; its suffix says in which format.

    Parameters
    ----------
    data : data frame or path
        A run, see `hybridrec.evaluation.runs.read_run`; ``model.recommend(...)`` gives one.
    path : path
        ``.csv``, ``.tsv``, ``.parquet`` and ``.jsonl`` hold user, item, and score and rank where
        given, in the order of the rows. ``.run`` or ``.trec`` is a TREC run: users in the order
        of their ids, items by rank from 1. Its scores are those given, or minus the rank where
        ranks are given: tools order by score, and break ties each in their own way.
    tag : str, default "hybridrec"
        Name of the run in a TREC file.
    overwrite : bool, default False

    Raises
    ------
    ParameterError
        If the suffix says nothing.
    DataError
        If the run cannot be used, or an id with blanks is to go to a TREC file.
    OutputError
        If ``path`` exists and may not be replaced, or cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(
            f"cannot tell the format of {target}{did_you_mean(suffix, SUFFIXES)} (suffixes are"
            f" {', '.join(SUFFIXES)})"
        )
    run = take_run(data)
    if suffix in TREC_SUFFIXES:
        lines = list(_trec_lines(run, tag))
        with _staged(target, overwrite) as stage:
            stage.write_text("".join(lines), encoding="utf-8")
        return
    with _staged(target, overwrite) as stage:
        _write_table(stage, suffix, run.columns)


def write_qrels(split: Split, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write the test of a split as judgements of TREC: "user 0 item relevance".

    The relevance is 1 for a positive pair, as our metrics see it, and 0 for a held-out negative.

    Raises
    ------
    DataError
        If an id has blanks.
    OutputError
        If ``path`` exists and may not be replaced, or cannot be written.
    """
    pairs = split.test_pairs
    users, items = _words(split.train.users)[pairs.users], _words(split.train.items)[pairs.items]
    lines = [
        f"{user} 0 {item} {label:d}\n"
        for user, item, label in zip(users, items, pairs.labels.tolist(), strict=True)
    ]
    with _staged(Path(path), overwrite) as stage:
        stage.write_text("".join(lines), encoding="utf-8")


def _trec_lines(run: Run, tag: str) -> Iterator[str]:
    if not tag or tag.split() != [tag]:
        raise ParameterError(f"tag must be one word, got {tag!r}")
    users, items = _words(run.users), _words(run.items)
    order = np.lexsort((run.items.tie_order[run.item_codes], run.keys, run.user_codes))
    scores = -run.keys if run.scores is None or run.ranks is not None else run.scores
    before, rank = -1, 0
    for row in order.tolist():
        user = run.user_codes[row]
        before, rank = user, rank + 1 if user == before else 1
        score = scores[row]
        yield f"{users[user]} Q0 {items[run.item_codes[row]]} {rank} {score!s} {tag}\n"


def _words(ids: IdMap) -> np.ndarray:
    """Return ids as words."""
    words = np.array([str(one) for one in ids.ids.tolist()], dtype=object)
    bad = [one for one in words if one.split() != [one]]
    if bad:
        raise DataError(
            f"{ids.name} ids with blanks cannot be written to a TREC file: {first_few(bad)}"
        )
    return words


def _write_table(path: Path, suffix: str, columns: dict[str, np.ndarray]) -> None:
    import pandas as pd

    if suffix == ".parquet":
        write_table(path, columns)
    elif suffix == ".jsonl":
        listed = zip(*(_plain(values) for values in columns.values()), strict=True)
        with path.open("w", encoding="utf-8") as file:
            for row in listed:
                record = dict(zip(columns, row, strict=True))
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
    else:
        separator = "\t" if suffix == ".tsv" else ","
        pd.DataFrame(columns).to_csv(path, sep=separator, index=False, lineterminator="\n")


def _plain(values: np.ndarray) -> list[Any]:
    if values.dtype == np.float32:  # the shortest text that is this number
        return [float(str(value)) for value in values]
    listed: list[Any] = values.tolist()
    return listed


@contextmanager
def _staged(path: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary name beside ``path`` to write to; on success it takes its place."""
    if path.exists() and not overwrite:
        raise OutputError(f"{path} already exists; choose another name, or say overwrite")
    stage = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield stage
        stage.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        stage.unlink(missing_ok=True)
