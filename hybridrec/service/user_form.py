"""Columns of a new user -> the features that a model was fitted with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.features.columns import TableColumns
from hybridrec.features.social import SocialEdges
from hybridrec.models.side import FRIENDS, features_of_users

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

    from hybridrec.models.base import Recommender

VALUES = 10_000  # of columns that are remembered


class UserForm:
    """What a model asks of a new user: the columns of the user table it was fitted with.

    And "friends", a list of ids, if it was fitted with social edges.

    The feature pipeline works on tables, which takes a millisecond for a single row. Most values
    come again (an age, a country), so what each gives is remembered.

    Parameters
    ----------
    model : Recommender

    Attributes
    ----------
    columns : tuple of str
        Empty where the model cannot use features of new users.
    """

    def __init__(self, model: Recommender) -> None:
        self._model = model
        pipeline = model.user_pipeline_
        builders = [] if pipeline is None else pipeline.builders_
        self.columns: tuple[str, ...] = ()
        self._has_friends = any(isinstance(one, SocialEdges) for one in builders)
        if self._has_friends:
            kinds = (tuple(one.kinds_) for one in builders if isinstance(one, TableColumns))
            self.columns = (*chain.from_iterable(kinds), FRIENDS)
        if pipeline is not None and len(builders) == 1 and isinstance(builders[0], TableColumns):
            self._weight = pipeline.weights.get(builders[0].name, 1.0)
            self._width = len(pipeline.feature_names)
            self.columns = tuple(builders[0].kinds_) if self._weight else ()
        # By type too: 1 and True are equal, and may be two values of a column.
        self._entries = lru_cache(maxsize=VALUES, typed=True)(self._looked_up)

    def row(self, features: Mapping[str, Any]) -> csr_matrix | None:
        """Return the features of a user, csr_matrix (1, width); None where the model has none.

        Raises
        ------
        ParameterError
            If there is no such column.
        DataError
            If a number is none.
        """
        from scipy.sparse import csr_matrix

        if not self.columns:
            return None
        found: set[int] = set()
        if self._has_friends and set(features) <= set(self.columns):
            import pandas as pd

            cells = {column: [value] for column, value in features.items()}
            return features_of_users(self._model, pd.DataFrame(cells, index=[0]))
        for column, value in features.items():
            if column not in self.columns:
                raise ParameterError(
                    f"the model knows no column {column!r} of users"
                    f"{did_you_mean(column, self.columns)}"
                    f" (there are {first_few(self.columns, 10)})"
                )
            cell = tuple(value) if isinstance(value, (list, set, np.ndarray)) else value
            found.update(self._entries(column, cell))
        indices = np.array(sorted(found), dtype=np.int32)
        data = np.full(len(indices), 1 / np.sqrt(max(len(indices), 1)))
        data = data.astype(np.float32) * self._weight
        return csr_matrix((data, indices, [0, len(indices)]), shape=(1, self._width))

    def _looked_up(self, column: str, cell: Any) -> tuple[int, ...]:
        """Return the features that a value gives."""
        import pandas as pd

        value = list(cell) if isinstance(cell, tuple) else cell
        found = features_of_users(self._model, pd.DataFrame({column: [value]}))
        return () if found is None else tuple(found.indices.tolist())
