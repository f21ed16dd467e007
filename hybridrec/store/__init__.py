"""Arrays, tables and a manifest <-> a folder on disk; knows nothing of models, uses no pickle."""

from __future__ import annotations

from hybridrec.store.arrays import read_arrays, write_arrays
from hybridrec.store.folder import Folder, read_folder, write_folder
from hybridrec.store.manifest import FORMAT_VERSION
from hybridrec.store.tables import read_table, write_table
from hybridrec.store.word2vec import read_word2vec, write_word2vec

__all__ = [
    "FORMAT_VERSION",
    "Folder",
    "read_arrays",
    "read_folder",
    "read_table",
    "read_word2vec",
    "write_arrays",
    "write_folder",
    "write_table",
    "write_word2vec",
]
