"""What RecTools and cmfrec do for ``bench.hybrid_als``, in environments of their own.

``PYTHON bench/hybrid_als_peers.py rectools FOLDER ITERATIONS FEATURES``: reads ``train.npz`` (CSR)
and ``features.npy`` there, fits for so many iterations on one thread, with the features or not,
writes ``factors.npz`` and prints the seconds as JSON. Nothing of hybridrec is imported.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_matrix, load_npz
from threadpoolctl import threadpool_limits

# Found for implicit on a validation part of the training file.
FACTORS = 64
ALPHA, RIDGE = 100.0, 200.0
IMPLICIT = {"factors": FACTORS, "regularization": RIDGE, "num_threads": 1, "random_state": 0}
CMFREC = {"k": FACTORS, "lambda_": RIDGE, "alpha": ALPHA, "nthreads": 1}

Fitted = tuple[float, np.ndarray, np.ndarray]


def rectools(train: Any, features: np.ndarray | None, iterations: int) -> Fitted:
    """Fit ALS with features beside the factors, fitted together."""
    from implicit.cpu.als import AlternatingLeastSquares
    from rectools.dataset import DenseFeatures
    from rectools.models.implicit_als import (
        fit_als_with_features_together_inplace,
        get_items_vectors,
        get_users_vectors,
    )

    dense = None
    if features is not None:
        dense = DenseFeatures(features, tuple(range(features.shape[1])))
    model = AlternatingLeastSquares(alpha=ALPHA, iterations=iterations, **IMPLICIT)
    start = time.process_time()
    fit_als_with_features_together_inplace(model, train, None, dense, iterations)
    seconds = time.process_time() - start
    return seconds, get_users_vectors(model), get_items_vectors(model)


def cmfrec(train: Any, features: np.ndarray | None, iterations: int) -> Fitted:
    """Fit collective factorisation, by conjugate gradients as is its default."""
    from cmfrec import CMF_implicit

    model = CMF_implicit(niter=iterations, precompute_for_predictions=False, **CMFREC)
    start = time.process_time()
    model.fit(coo_matrix(train), I=features)
    return time.process_time() - start, model.A_, model.B_


def main() -> None:
    """Fit one peer once."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    iterations, with_features = int(sys.argv[3]), sys.argv[4] == "True"
    features = np.load(folder / "features.npy") if with_features else None
    fit = {"rectools": rectools, "cmfrec": cmfrec}[name]
    with threadpool_limits(1):
        seconds, users, items = fit(load_npz(folder / "train.npz"), features, iterations)
    np.savez(folder / "factors.npz", users=users, items=items)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
