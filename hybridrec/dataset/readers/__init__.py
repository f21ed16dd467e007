"""Files in: any recognised format becomes interactions, knowledge, tables or a data set."""

from hybridrec.dataset.readers.files import (
    read_dataset,
    read_interactions,
    read_items,
    read_knowledge,
    read_users,
)
from hybridrec.dataset.readers.vectors import read_vectors

__all__ = [
    "read_dataset",
    "read_interactions",
    "read_items",
    "read_knowledge",
    "read_users",
    "read_vectors",
]
