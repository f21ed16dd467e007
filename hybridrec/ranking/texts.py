"""Texts such as ``name:one=1,two=2``: how models, splits and re-rankers are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from hybridrec.errors import ParameterError, did_you_mean

_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def split_pairs(texts: Iterable[str], what: str) -> dict[str, str]:
    """Read texts such as ``factors=64``; the last of equal names counts.

    Raises
    ------
    ParameterError
        If a text has no ``=``.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise ParameterError(f"{what} {text!r} must look like name=value")
        pairs[name.strip()] = value.strip()
    return pairs


def typed(texts: Mapping[str, str], defaults: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Turn texts into values of the types that the defaults have.

    Raises
    ------
    ParameterError
        If there is no such parameter (suggests the nearest), or a value is of another type.
    """
    for name in texts:
        if name not in defaults:
            listed = ", ".join(defaults) or "none"
            raise ParameterError(
                f"{owner} has no parameter {name!r}{did_you_mean(name, defaults)}"
                f" (there are {listed})"
            )
    return {name: typed_value(name, text, type(defaults[name])) for name, text in texts.items()}


def typed_value(name: str, text: str, kind: type) -> Any:
    """Turn one text into an int, float, bool or str; into what it looks like for another kind.

    Sequences are written with "+" between their parts.

    Raises
    ------
    ParameterError
        If it is none.
    """
    if kind is tuple:
        return tuple(text.split("+"))
    if kind not in _WANTED:  # the default is None
        return _guessed(text)
    try:
        return _BOOLS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ParameterError(f"{name} must be {_WANTED[kind]}, got {text!r}") from None


def value_text(value: Any) -> str:
    """Write a value as `typed_value` reads it."""
    if isinstance(value, (list, tuple)):
        return "+".join(map(value_text, value))
    return str(value)


def _guessed(text: str) -> int | float | str | tuple[float, ...]:
    """Return a number or a sequence of numbers if the text is one, else the text."""
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return tuple(float(part) for part in text.split("+"))
    return text


def inline_parts(text: str) -> tuple[str, list[str]]:
    """Split ``name:one=1,two=2``."""
    name, colon, rest = text.partition(":")
    return name, rest.split(",") if colon else []
