"""Arrays, tables and a manifest <-> a folder on disk; knows nothing of models, uses no pickle."""

from __future__ import annotations

from hybridrec.store.arrays import read_arrays, write_arrays
from hybridrec.store.folder import Folder, read_folder, write_folder
from hybridrec.store.manifest import FORMAT_VERSION
from hybridrec.store.tables import read_table, write_table

__all__ = [
    "FORMAT_VERSION",
    "Folder",
    "read_arrays",
    "read_folder",
    "read_table",
    "write_arrays",
    "write_folder",
    "write_table",
]
