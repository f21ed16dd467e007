"""Rules from parsed JSON, as a service gets them: structured, never text of SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from reprlib import repr as short
from typing import Any

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.ranking.rules.condition import Condition
from hybridrec.ranking.rules.rules import Rules


def rules_from_json(data: Any) -> Rules:
    """Read rules from parsed JSON.

    Parameters
    ----------
    data : dict
        Any of ``allow`` and ``deny`` (lists of ids), ``where`` (a list of
        ``{"column", "operator", "value"}``, see `Condition`), ``quota`` (``{"genre": 3}``),
        ``pin`` (``{"1": id}``) and ``user_deny`` (a list of ``{"user", "items"}``). Null is as
        good as not given.

    Raises
    ------
    ParameterError
        If it has another form, or a value makes no sense.
    """
    given = _entry(data, "rules", tuple(_READERS))
    return Rules(**{name: _READERS[name](value) for name, value in given.items()})


def _entry(data: Any, what: str, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the entries of an object that are not null, if it has no others than ``keys``."""
    if not isinstance(data, Mapping):
        raise ParameterError(f"{what} must be an object with {', '.join(keys)}, got {short(data)}")
    for key in data:
        if key not in keys:
            raise ParameterError(
                f"{what} has no {key!r}{did_you_mean(key, keys)} (there are {', '.join(keys)})"
            )
    return {key: value for key, value in data.items() if value is not None}


def _entries(data: Any, what: str, *keys: str) -> Iterable[dict[str, Any]]:
    if not isinstance(data, list):
        raise ParameterError(f"{what} must be a list, got {short(data)}")
    return (_entry(one, f"an entry of {what}", keys) for one in data)


def _required(entry: Mapping[str, Any], key: str, what: str) -> Any:
    if key not in entry:
        raise ParameterError(f"an entry of {what} lacks {key!r}")
    return entry[key]


def _where(data: Any) -> list[Condition]:
    return [
        Condition(
            _required(one, "column", "where"),
            _required(one, "operator", "where"),
            one.get("value"),
        )
        for one in _entries(data, "where", "column", "operator", "value")
    ]


def _ids(data: Any, what: str) -> list[Any]:
    if not isinstance(data, list):
        raise ParameterError(f"{what} must be a list of ids, got {short(data)}")
    return [_id(one, what) for one in data]


def _id(data: Any, what: str) -> Any:
    if isinstance(data, bool) or not isinstance(data, (str, int)):
        raise ParameterError(f"{what}: an id must be a text or a whole number, got {short(data)}")
    return data


def _pin(data: Any) -> dict[int, Any]:
    if not isinstance(data, Mapping):
        raise ParameterError(f'pin must be an object such as {{"1": id}}, got {short(data)}')
    pins: dict[int, Any] = {}
    for text, item in data.items():
        rank = int(text) if str(text).isdecimal() and len(text) < 10 else 0
        if rank < 1 or rank in pins:
            wrong = "is there twice" if rank in pins else "must be a whole number of at least 1"
            raise ParameterError(f"pin: the rank {short(text)} {wrong}")
        pins[rank] = _id(item, "pin")
    return pins


def _user_deny(data: Any) -> dict[Any, list[Any]]:
    denied: dict[Any, list[Any]] = {}
    for one in _entries(data, "user_deny", "user", "items"):
        user = _id(_required(one, "user", "user_deny"), "user_deny")
        denied.setdefault(user, []).extend(_ids(_required(one, "items", "user_deny"), "user_deny"))
    return denied


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "allow": lambda data: _ids(data, "allow"),
    "deny": lambda data: _ids(data, "deny"),
    "where": _where,
    "quota": lambda data: data,  # `Rules` checks it
    "pin": _pin,
    "user_deny": _user_deny,
}
