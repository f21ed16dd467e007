"""Events that a model has not learned from, out of a log or a file, and how they are folded in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, first_few
from hybridrec.models.record import LogPosition, Record
from hybridrec.models.update import Updated, update_model
from hybridrec.online.staleness import with_level

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.online.event import Event
    from hybridrec.online.event_log import EventLog

WEIGHTS = (1e-6, 1e6)  # of a pair: with more or less, float32 factors could not be solved for


@dataclass(frozen=True, eq=False)
class News:
    """Events to fold in.

    Attributes
    ----------
    events : Interactions
        The events themselves, but for those of weight 0 or less: what staleness is measured on.
    histories : Interactions
        What they make of the pairs of their users and items.
    duplicates : str
        How `histories` join what the model knows.
    hidden : Interactions or None
        Pairs that are not to be recommended again.
    n_events : int
        All of them.
    left_out : tuple of ids
        Users and items that no id of the model can be like; their events are not in.
    position : LogPosition or None
        Where they end in their log.
    """

    events: Interactions
    histories: Interactions
    duplicates: str
    hidden: Interactions | None
    n_events: int
    left_out: tuple[int | str, ...] = ()
    position: LogPosition | None = None


def news_of_interactions(interactions: Interactions, *, duplicates: str = "last") -> News:
    """Return the events of a table; rows of weight 0 tell nothing.

    ``duplicates`` is as in `Recommender.update`; with "last", "first" and "max" a table that is
    folded in twice changes nothing the second time.

    Raises
    ------
    DataError
        If there is no event.
    """
    if len(interactions) == 0:
        raise DataError("there are no events to fold in")
    liked = interactions.take(interactions.weights > 0)
    return News(liked, interactions, duplicates, None, len(interactions))


def news_of_log(model: Recommender, log: EventLog) -> News:
    """Return the events of a log since the last update from it, and the histories they lead to.

    As in a service that reads the log: a pair counts with the sum of all its events, or as the
    model knows it if that is more, so that events that went into a fit, or into an earlier update,
    are not counted twice. Where the sum is 0 or less, the item is hidden from the user. Events
    whose ids are integers where the model has text, or the other way round, are left out, as in
    the service.

    Raises
    ------
    DataError
        If none of the events has ids like the model.
    EventLogError
        If the log cannot be read.
    """
    after = _start(model.record_, log)
    fresh = list(log.all(after))
    fits, left_out = _fitting(model, fresh)
    if fresh and not fits:
        raise DataError(
            f"{log.path}: users and items of the model are like {first_few(model.users_.ids, 2)}"
            f" and {first_few(model.items_.ids, 2)}, none of the {len(fresh)} events has such ids:"
            f" {first_few(left_out)}"
        )
    position = None if not fresh else _position(log, *fresh[-1])
    users = dict.fromkeys(event.user for event in fits)
    sums = {
        (user, item): weight
        for user in users
        for item, weight in log.weights_of(user).items()
        if isinstance(item, str) == model.items_.is_text
    }
    liked = {pair: weight for pair, weight in sums.items() if weight > 0}
    hidden = {pair: 1.0 for pair, weight in sums.items() if weight <= 0}
    return News(
        _events(model, [event for event in fits if event.weight > 0]),
        _pairs(model, liked),
        "max",
        _pairs(model, hidden),
        len(fresh),
        left_out,
        position,
    )


def fold_in(model: Recommender, news: News) -> Updated:
    """Fold events into a model, which remembers where they end in their log.

    See `hybridrec.models.update.update_model`.
    """
    record = with_level(model, news.events)
    updated = update_model(model, news.histories, duplicates=news.duplicates, hidden=news.hidden)
    assert model.record_ is not None
    position = news.position or model.record_.log
    model.record_ = replace(model.record_, level=record.level, log=position)
    return updated


def _start(record: Record | None, log: EventLog) -> int:
    """Return the number of the last event that was folded in, 0 if that is not sure.

    Numbers of removed events can be given out again; then everything is read again, which
    changes nothing that was right.
    """
    if record is None or record.log is None:
        return 0
    known = record.log
    at = next(iter(log.all(known.number - 1)), None)
    same = at is not None and _position(log, *at) == known
    return known.number if same else 0


def _position(log: EventLog, number: int, event: Event) -> LogPosition:
    assert event.timestamp is not None
    return LogPosition(number, event.timestamp, log.count(number))


def _fitting(
    model: Recommender, fresh: Iterable[tuple[int, Event]]
) -> tuple[list[Event], tuple[int | str, ...]]:
    """Return the events whose ids are of the model's types, and the ids that are not."""
    fits: list[Event] = []
    others: dict[int | str, None] = {}
    text = model.users_.is_text, model.items_.is_text
    for _, event in fresh:
        if (isinstance(event.user, str), isinstance(event.item, str)) == text:
            fits.append(event)
            continue
        for one, is_text in zip((event.user, event.item), text, strict=True):
            if isinstance(one, str) != is_text:
                others[one] = None
    return fits, tuple(others)


def _pairs(
    model: Recommender, weights: Mapping[tuple[int | str, int | str], float]
) -> Interactions:
    """Return pairs with their weights as interactions."""
    values = np.clip(np.array(list(weights.values()), dtype=np.float64), *WEIGHTS)
    return _interactions(
        model, [user for user, _ in weights], [item for _, item in weights], values
    )


def _events(model: Recommender, events: list[Event]) -> Interactions:
    times = np.array([event.timestamp for event in events], dtype=np.float64)
    weights = np.clip([event.weight for event in events], *WEIGHTS)
    users, items = [event.user for event in events], [event.item for event in events]
    return replace(_interactions(model, users, items, weights), timestamps=times)


def _interactions(
    model: Recommender, users: list[int | str], items: list[int | str], weights: np.ndarray
) -> Interactions:
    sides = []
    for values, known in ((users, model.users_), (items, model.items_)):
        kind = object if known.is_text else np.int64
        sides.append(IdMap.from_values(np.array(values, dtype=kind), known.name))
    (user_map, user_codes), (item_map, item_codes) = sides
    weights = np.asarray(weights, dtype=np.float32)
    return Interactions(user_map, item_map, user_codes, item_codes, weights)
