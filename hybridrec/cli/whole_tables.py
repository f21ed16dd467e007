"""Files of which all columns are kept: read, changed in some places, and written again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hybridrec.cli.options import OutputOptions
from hybridrec.cli.output import open_output
from hybridrec.dataset.frames import find_column
from hybridrec.dataset.readers.recognise import open_file


def read_table(path: Path, kind: str) -> dict[str, np.ndarray]:
    """Read all columns of a file, in order; see `hybridrec.dataset.readers.recognise.open_file`."""
    source = open_file(path, kind)
    with source.read(source.names) as columns:
        return {name: columns.values(name) for name in source.names}


def id_column(columns: dict[str, np.ndarray], role: str, given: str | None, path: Path) -> str:
    """Return the name of the column that plays a role, as given or recognised."""
    return str(find_column(list(columns), role, given, where=str(path)))


def write_table(out: OutputOptions, form: str, columns: dict[str, np.ndarray]) -> None:
    """Write columns to a file that appears whole."""
    with open_output(out, form) as write:
        write({name: _with_gaps(values, form) for name, values in columns.items()})


def _with_gaps(values: np.ndarray, form: str) -> np.ndarray:
    """Return a column as it is written: in a CSV file, what is missing is empty."""
    if form != "csv" or values.dtype.kind not in "fM":
        return values
    missing = np.isnan(values) if values.dtype.kind == "f" else np.isnat(values)
    if not missing.any():
        return values
    cells = np.array(values.tolist(), dtype=object)
    cells[missing] = None
    return cells
