"""A small folder for the tests of the store, in which every part says which save it is from."""

from __future__ import annotations

import numpy as np
from scipy import sparse


def content(number=0):
    """A small folder in which every file says which save it is from."""
    return {
        "manifest": {"model": {"class": "ALS", "factors": 3}, "number": number},
        "arrays": {
            "P": np.full((4, 3), number, dtype=np.float32),
            "W": sparse.csr_matrix(np.full((2, 2), number + 1, dtype=np.float32)),
        },
        "tables": {
            "ids/users": {"id": np.array(["ü", "b"], dtype=object)},
            "items": {"id": np.array([number, 5]), "year": np.array([1995.0, np.nan])},
        },
    }


def number_of(folder):
    """Return the save a folder is from, after checking that all of its parts agree on it."""
    number = folder.manifest["number"]
    assert (folder.arrays["P"] == number).all()
    assert (folder.arrays["W"].toarray() == number + 1).all()
    assert folder.tables["items"]["id"].tolist() == [number, 5]
    assert folder.tables["ids/users"]["id"].tolist() == ["ü", "b"]
    return number


def names(folder):
    return sorted(path.name for path in folder.iterdir())
