"""Every error hybridrec raises on purpose.

A message says what is wrong, where (file and line, column, or the first few ids) and what to
do. Each class also derives from the built-in exception a caller would expect.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class HybridRecError(Exception):
    """Base of all errors raised by hybridrec."""


class DataError(HybridRecError, ValueError):
    """The content of a file, frame or array cannot be used."""


class ParameterError(HybridRecError, ValueError):
    """An argument or option has a value that makes no sense."""


class UnknownIdError(HybridRecError, KeyError):
    """A user, item, entity or relation id that is not known here."""

    def __str__(self) -> str:  # KeyError would print the message quoted
        return str(self.args[0]) if self.args else ""


class NotFittedError(HybridRecError, ValueError, AttributeError):
    """A fitted attribute or method was used before ``fit``."""


class ModelFolderError(HybridRecError, ValueError):
    """A model folder is missing, half-written, altered or of a newer format."""


class OutputError(HybridRecError, OSError):
    """A result cannot be written where it was asked for."""


class ClusterError(HybridRecError, RuntimeError):
    """A cluster cannot be reached or used, or lost its workers over and over."""


class MissingExtraError(HybridRecError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, cause: Exception | None = None) -> None:
        because = f" ({cause})" if cause is not None else ""
        super().__init__(
            f"{package} cannot be imported{because}; install it with:"
            f" pip install 'hybridrec[{extra}]'"
        )


def first_few(values: Iterable[Any], limit: int = 5) -> str:
    """Write the first ``limit`` of ``values`` for a message, and how many follow."""
    listed = list(values)
    shown = ", ".join(repr(_plain(value)) for value in listed[:limit])
    more = len(listed) - limit
    return f"{shown} and {more} more" if more > 0 else shown


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known name, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(one) for one in known], n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def _plain(value: Any) -> Any:
    """Turn a numpy scalar into the Python value a message should show."""
    return value.item() if hasattr(value, "item") else value
