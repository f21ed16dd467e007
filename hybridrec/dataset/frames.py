"""The caller's data frames in, frames of the same library out (through narwhals)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np

from hybridrec.dataset.columns import Source, check_weights
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.timestamps import to_epoch_seconds
from hybridrec.errors import DataError, did_you_mean, first_few

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd

Backend = Literal["pandas", "polars", "pyarrow"]
DEFAULT_BACKEND: Backend = "pandas"

# The spellings under which a role is recognised, the first found wins; lower case, no separators.
ROLE_NAMES: Mapping[str, tuple[str, ...]] = {
    "user": ("user", "userid", "uid", "customer", "customerid", "visitorid", "reviewerid"),
    "item": (
        "item", "itemid", "iid", "movieid", "artistid", "bookid", "productid", "asin", "isbn",
        "trackid", "songid", "articleid", "product",
    ),
    "weight": ("weight", "rating", "label", "score", "count", "plays", "playcount", "value"),
    "timestamp": ("timestamp", "time", "datetime", "date", "ts", "unixtime"),
    "event": ("event", "eventtype", "action", "behavior", "behaviour"),
    "head": ("head", "headid", "subject", "source"),
    "relation": ("relation", "relationid", "predicate", "edge"),
    "tail": ("tail", "tailid", "object", "target"),
    "entity": ("entity", "entityid", "node"),
    "follower": ("follower", "source", "sourceid", "from", "user1", "userid1", "truster"),
    "friend": (
        "friend", "friendid", "target", "targetid", "to", "user2", "userid2", "trustee", "followee",
    ),
    "title": ("title", "name", "label", "itemname", "movietitle", "booktitle"),
}  # fmt: skip


def open_frame(data: Any) -> tuple[nw.DataFrame[Any], Backend]:
    """Return any narwhals-compatible frame as an eager narwhals frame, and its library's name.

    Lazy frames (Polars ``LazyFrame``, DuckDB relations) are collected.

    Raises
    ------
    DataError
        If ``data`` is not a data frame.
    """
    frame, backend = _wrapped(data)
    return _collected(frame, backend), backend


def _wrapped(data: Any) -> tuple[nw.DataFrame[Any] | nw.LazyFrame[Any], Backend]:
    import narwhals as nw

    try:
        frame = nw.from_native(data)
    except TypeError as error:
        raise DataError(
            f"expected a data frame (pandas, polars, pyarrow, DuckDB, ...),"
            f" got {type(data).__name__}"
        ) from error
    library = frame.implementation.name.lower()
    return frame, cast(Backend, library) if library in get_args(Backend) else DEFAULT_BACKEND


def _collected(frame: nw.DataFrame[Any] | nw.LazyFrame[Any], backend: Backend) -> nw.DataFrame[Any]:
    import narwhals as nw

    return frame.collect(backend=backend) if isinstance(frame, nw.LazyFrame) else frame


def make_frame(columns: Mapping[str, Any], backend: Backend = DEFAULT_BACKEND) -> Any:
    """Build a native data frame of the library called ``backend`` from equally long columns."""
    if backend == "pandas":
        import pandas as pd

        return pd.DataFrame(dict(columns))
    import narwhals as nw

    lists = {name: np.asarray(values).tolist() for name, values in columns.items()}
    return nw.from_dict(lists, backend=backend).to_native()


def to_pandas(data: Any) -> pd.DataFrame:
    """Return any data frame as a new pandas frame with a plain index."""
    frame, _ = open_frame(data)
    return frame.to_pandas().reset_index(drop=True).copy()


def column_values(frame: nw.DataFrame[Any], name: str) -> np.ndarray:
    """Return one column as a numpy array that the caller may keep (never a view to write to)."""
    values: np.ndarray = frame.get_column(name).to_numpy()
    return values


def find_column(
    names: Sequence[str], role: str, given: str | None, *, where: str, required: bool = True
) -> str | None:
    """Find the column that plays ``role``.

    Parameters
    ----------
    names : sequence of str
        The columns there are.
    role : str
        A key of `ROLE_NAMES`.
    given : str or None
        The column the caller named; None recognises the usual spellings, with any separators
        and upper or lower case.
    where : str
        The file or frame, for the message.
    required : bool, default True
        Whether not finding the role is an error; otherwise None is returned.

    Raises
    ------
    DataError
        If the named column does not exist, or a required role is not recognised.
    """
    if given is not None:
        if given in names:
            return given
        raise DataError(
            f"{where}: no column {given!r} for the {role}{did_you_mean(given, names)}"
            f" (columns: {first_few(names, 10)})"
        )
    plain = {"".join(filter(str.isalnum, name.lower())): name for name in reversed(names)}
    for spelling in ROLE_NAMES[role]:
        if spelling in plain:
            return plain[spelling]
    if not required:
        return None
    raise DataError(
        f"{where}: no column looks like the {role} (columns: {first_few(names, 10)});"
        f" name it with {role}=... in Python or --{role} on the command line"
    )


class FrameSource(Source):
    """Any data frame as a source of columns.

    Parameters
    ----------
    data : data frame
        Not changed; of a lazy frame only the columns read are collected.
    where : str
        What the frame is, for messages.
    """

    def __init__(self, data: Any, where: str) -> None:
        self._frame, self.backend = _wrapped(data)
        self.where = where
        self.names = self._frame.collect_schema().names()

    @contextmanager
    def read(self, names: Sequence[str]) -> Iterator[FrameColumns]:
        """Read some of the columns."""
        yield FrameColumns(_collected(self._frame.select(list(names)), self.backend))


class FrameColumns:
    """Columns of an eager frame; see `hybridrec.dataset.columns.Columns`."""

    def __init__(self, frame: nw.DataFrame[Any]) -> None:
        self._frame = frame

    def __len__(self) -> int:
        return len(self._frame)

    def ids(self, name: str, role: str, *, distinct: bool = False) -> np.ndarray:
        """Return a checked column of ids."""
        ids = as_ids(self.values(name), role)
        return IdMap(ids, role).ids if distinct else ids

    def coded_ids(self, name: str, role: str) -> tuple[IdMap, np.ndarray]:
        """Return the distinct ids of a column and the code of every row."""
        return IdMap.from_values(self.values(name), role)

    def weights(self, name: str) -> np.ndarray:
        """Return a checked column of weights."""
        return check_weights(self.values(name), name)

    def times(self, name: str) -> np.ndarray:
        """Return a column of times as seconds."""
        return to_epoch_seconds(self.values(name), name)

    def values(self, name: str) -> np.ndarray:
        """Return a column as it is."""
        return column_values(self._frame, name)


def as_source(data: Any, where: str) -> Source:
    """Return ``data`` itself if it is a source, else the data frame as one."""
    return data if isinstance(data, Source) else FrameSource(data, where)
