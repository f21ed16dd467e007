"""One event of feedback, and what makes sense in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybridrec.errors import DataError, ParameterError

LONGEST_KEY = 255
LARGEST_WEIGHT = 1e9  # so that sums stay finite

Row = tuple["int | str", "int | str", float, float, "str | None"]


@dataclass(frozen=True, slots=True)
class Event:
    """What a user did with an item.

    Attributes
    ----------
    user, item : int or str
        1 and "1" are two users.
    weight : float, default 1
        How much it tells that the user likes the item, on the scale of the weights that the model
        was fitted with. 0 or less: the user was there and wants no more of it; the item is not
        recommended again, and tells nothing else. Between -1e9 and 1e9.
    timestamp : float, optional
        Seconds since 1970-01-01 UTC; the log fills in the time of arrival.
    kind : str, optional
        Such as "view" or "buy"; kept, not interpreted.
    """

    user: int | str
    item: int | str
    weight: float = 1.0
    timestamp: float | None = None
    kind: str | None = None


def checked_row(event: Event, now: float) -> Row:
    """Return the fields of an event as SQLite can hold them.

    Raises
    ------
    DataError
        If one makes no sense.
    """
    if not isinstance(event, Event):
        raise DataError(f"feedback must be made of Event(user, item, ...), got {event!r}")
    user, item = checked_id("user", event.user), checked_id("item", event.item)
    if "" in (user, item):
        raise DataError(f"the user and the item of an event must not be empty text, got {event!r}")
    timestamp = now if event.timestamp is None else checked_number("timestamp", event.timestamp)
    return (
        user,
        item,
        checked_number("weight", event.weight, LARGEST_WEIGHT),
        timestamp,
        None if event.kind is None else _text("kind", event.kind),
    )


def checked_key(key: str) -> str:
    """Return an idempotency key.

    Raises
    ------
    ParameterError
        If it is not a text of 1 to 255 characters.
    """
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not _encodes(key):
        raise ParameterError(f"a key must be a text of 1 to {LONGEST_KEY} characters, got {key!r}")
    return key


def checked_id(name: str, value: Any) -> int | str:
    """Return an id of a user or item as a plain Python value.

    Raises
    ------
    DataError
        If it is neither text nor a 64-bit integer: True and 1.0 are not the id 1.
    """
    if isinstance(value, str) and _encodes(value):
        return str(value)
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        number = int(value)
        if -(2**63) <= number < 2**63:
            return number
    raise DataError(f"the {name} must be text or a 64-bit integer, got {value!r}")


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value or not _encodes(value):
        raise DataError(f"the {name} of an event must be text that is not empty, got {value!r}")
    return str(value)


def _encodes(text: str) -> bool:
    """Tell whether a text has a UTF-8 form: one with half a surrogate pair has none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def checked_number(name: str, value: Any, largest: float = math.inf) -> float:
    """Return a number as a float.

    Raises
    ------
    DataError
        If it is none, or not finite, or beyond ``largest`` on either side.
    """
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:  # a huge int
            number = math.inf
        if math.isfinite(number) and abs(number) <= largest:
            return number
    limit = "" if largest == math.inf else f" of at most {largest:g}"
    raise DataError(f"the {name} of an event must be a finite number{limit}, got {value!r}")
