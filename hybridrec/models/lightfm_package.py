"""LightFM with the lightfm package inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, MissingExtraError
from hybridrec.ranking.scorer import FactorScorer

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def fit_package(
    matrix: csr_matrix,
    item_features: csr_matrix | None,
    user_features: csr_matrix | None,
    *,
    epochs: int,
    num_threads: int,
    **params: Any,
) -> tuple[FactorScorer, np.ndarray, np.ndarray]:
    """Fit the package's model.

    Parameters
    ----------
    matrix : csr_matrix, shape (n_users, n_items)
    item_features, user_features : csr_matrix or None
    epochs, num_threads : int
    **params
        Those of the package's class.

    Returns
    -------
    (FactorScorer, ndarray of float32, ndarray of float32)
        The scorer, the factors and bias of every item feature, (features, factors + 1), and the
        factors of every user feature.

    Raises
    ------
    MissingExtraError
        If the package cannot be imported.
    DataError
        If the fit diverged.
    """
    try:
        from lightfm import LightFM
    except ImportError as error:
        raise MissingExtraError("lightfm", "lightfm", error) from error
    model = LightFM(**params)
    users = with_identity(matrix.getnnz(axis=1) > 0, user_features)
    items = with_identity(matrix.getnnz(axis=0) > 0, item_features)
    weights = matrix.tocoo()
    ones = weights.copy()
    ones.data = np.ones_like(weights.data)
    weighted = None
    if params["loss"] != "warp-kos":  # which takes no weights
        weighted = (weights / weights.data.mean()).tocoo()
    try:
        model.fit(
            ones,
            user_features=users,
            item_features=items,
            sample_weight=weighted,
            epochs=epochs,
            num_threads=num_threads,
        )
    except ValueError as error:
        if "finite" not in str(error):
            raise
        raise DataError(f"the fit diverged ({error}); lower the learning rate") from error
    tables = np.column_stack([model.item_embeddings, model.item_biases])
    scorer = FactorScorer(
        users @ model.user_embeddings, items @ model.item_embeddings, items @ model.item_biases
    )
    return scorer, tables[matrix.shape[1] :], model.user_embeddings[matrix.shape[0] :]


def with_identity(warm: np.ndarray, features: csr_matrix | None) -> csr_matrix:
    """Return [identity of the rows with interactions | features], CSR float32."""
    from scipy.sparse import csr_matrix, hstack

    n = len(warm)
    rows = np.flatnonzero(warm)
    own = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, rows)), shape=(n, n))
    if features is None:
        return own
    return csr_matrix(hstack([own, features], format="csr", dtype=np.float32))
