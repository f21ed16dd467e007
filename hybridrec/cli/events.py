"""New events for a model, out of a file of interactions or a feedback log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.options import Command, Decorator, column_option, gathered
from hybridrec.dataset.cleaning import DUPLICATE_POLICIES
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.readers import read_interactions
from hybridrec.errors import DataError, ParameterError, first_few

if TYPE_CHECKING:
    from hybridrec.dataset.interactions import Interactions
    from hybridrec.models.base import Recommender
    from hybridrec.online.news import News

_SQLITE = b"SQLite format 3\0"
_LAST = "last"


@dataclass(frozen=True)
class EventOptions:
    """How a file of events is read: what was given for the options of `event_options`."""

    user: str | None
    item: str | None
    weight: str | None
    timestamp: str | None
    min_weight: float | None
    duplicates: str | None


_EVENTS: tuple[Decorator, ...] = (
    column_option("user", "users"),
    column_option("item", "items"),
    column_option("weight", "weights, such as ratings"),
    column_option("timestamp", "times"),
    click.option(
        "--min-weight", type=float, metavar="W", help="Weights below are no interactions."
    ),
    click.option(
        "--duplicates",
        type=click.Choice(DUPLICATE_POLICIES),
        help="Which weight of a pair counts, of those in the file and the one the model knows; by"
        f" default the {_LAST}.",
    ),
)


def event_options(command: Command) -> Command:
    """Give a command the options of a file of events, as one `EventOptions` called ``how``."""
    return gathered(command, "how", EventOptions, _EVENTS)


def read_news(model: Recommender, path: Path, how: EventOptions) -> News:
    """Read the events that a model has not learned from.

    Parameters
    ----------
    model : Recommender
    path : Path
        A feedback log, of which only what came after the last update is read, or a file of
        interactions, in any format that `fit` takes.
    how : EventOptions
        Of a file.

    Raises
    ------
    DataError, UnknownIdError
        If the file cannot be read, holds no event, or ids are not of the model's types.
    EventLogError
        If a log cannot be read.
    ParameterError
        If options of files are given for a log.
    """
    from hybridrec.online.event_log import EventLog
    from hybridrec.online.news import news_of_interactions, news_of_log

    with path.open("rb") as file:
        is_log = file.read(len(_SQLITE)) == _SQLITE
    given = {name: value for name, value in vars(how).items() if value is not None}
    if is_log:
        if given:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ParameterError(f"{path} is a feedback log; {named} is for files of interactions")
        with EventLog(path) as log:
            return news_of_log(model, log)
    rows = _typed(model, _rows(path, given), path)
    return news_of_interactions(rows, duplicates=how.duplicates or _LAST)


def _rows(path: Path, given: Mapping[str, Any]) -> Interactions:
    names = ("user", "item", "weight", "timestamp")
    rows = read_interactions(path, **{name: given[name] for name in names if name in given})
    if not len(rows):
        raise DataError(f"{path} holds no event")
    least = given.get("min_weight")
    if least is not None:
        kept = rows.weights >= least
        if not kept.any():
            raise DataError(f"{path}: all {len(rows)} events weigh less than {least:g}")
        rows = rows.take(kept)
    return rows


def _typed(model: Recommender, rows: Interactions, path: Path) -> Interactions:
    """Return rows whose ids have the types of the model's."""
    changed: dict[str, Any] = {}
    for name, known in (("users", model.users_), ("items", model.items_)):
        ids: IdMap = getattr(rows, name)
        if ids.is_text == known.is_text:
            continue
        texts = np.array([str(one) for one in ids.ids.tolist()], dtype=object)
        if not known.is_text:
            raise DataError(
                f"{path}: {known.name} ids of the model are integers, like"
                f" {first_few(known.ids, 3)}; these are not: {first_few(_no_integers(texts))}"
            )
        changed[name] = IdMap(texts, known.name)
    return replace(rows, **changed)


def _no_integers(texts: np.ndarray) -> list[str]:
    return [one for one in texts.tolist() if not one.lstrip("-").isdecimal()] or texts.tolist()
