"""More training of a fitted LightFM, with users, items and features it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError, ParameterError
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.frames import FEATURES, MODEL, POPULAR
from hybridrec.models.record import Record
from hybridrec.models.side import has_entries
from hybridrec.models.tables import plain_table
from hybridrec.ranking.scorer import FactorScorer

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.features.blocks import Features
    from hybridrec.models.lightfm import LightFM


def fit_partial(
    model: LightFM,
    data: Any,
    epochs: int,
    item_features: Features | None,
    user_features: Features | None,
) -> None:
    """Train on; see `hybridrec.models.lightfm.LightFM.fit_partial`.

    The model is changed only once all went well.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.build(data)
    if dataset.matrix.nnz == 0:
        raise DataError("there is no interaction to fit on (all were dropped or weigh 0)")
    scorer = model.scorer_
    assert isinstance(scorer, FactorScorer)
    if scorer.item_factors.shape[1] != model.factors:
        raise ParameterError(
            f"the model was fitted with {scorer.item_factors.shape[1]} factors, now it has"
            f" factors={model.factors}; set them back or fit anew"
        )
    if ("user.moves" in model.training_) != (model.optimizer == "adadelta"):
        raise ParameterError(
            f"the model was fitted with another optimizer than {model.optimizer!r}; set it back or"
            " fit anew"
        )
    users, items = model.users_.extend(dataset.users.ids), model.items_.extend(dataset.items.ids)
    codes = users.codes(dataset.users.ids), items.codes(dataset.items.ids)
    shape = len(users), len(items)
    matrix = _placed(dataset.matrix, codes, shape)
    history = model.history_.copy()
    history.resize(shape)
    history = history.maximum(matrix).tocsr()
    given = (
        _features(model, "user", dataset, user_features, codes[0], len(users)),
        _features(model, "item", dataset, item_features, codes[1], len(items)),
    )
    before = model.training_ | {
        "user.values": scorer.user_factors,
        "item.values": np.column_stack([scorer.item_factors, scorer.item_bias]),
    }
    model.scorer_ = model._train(matrix, history, given, before, epochs)
    table = model.item_table_
    if table is not None:
        model.item_table_ = _table(table, dataset.item_table, codes[1], len(items))
    model.users_, model.items_ = users, items
    model._set_history(history)
    model.scorable_ = _either(model.scorable_, matrix.getnnz(axis=0) > 0, given[1])
    learned = _either(model.user_sources_ == MODEL, matrix.getnnz(axis=1) > 0, None)
    told = np.where(has_entries(given[0], len(users)), FEATURES, POPULAR)
    model.user_sources_ = np.where(learned, MODEL, told).astype(np.int8)
    model.record_ = Record.of(model)
    if model.hidden_ is not None:
        hidden = model.hidden_.copy()
        hidden.resize(shape)
        model.hidden_ = hidden


def _placed(matrix: csr_matrix, codes: tuple[Any, Any], shape: tuple[int, int]) -> csr_matrix:
    """Return a matrix with its rows and columns at other codes."""
    from scipy.sparse import csr_matrix

    entries = matrix.tocoo()
    where = codes[0][entries.row], codes[1][entries.col]
    placed = csr_matrix((entries.data, where), shape=shape)
    placed.sort_indices()
    return placed


def _features(
    model: LightFM, side: str, dataset: Dataset, given: Features | None, codes: np.ndarray, n: int
) -> csr_matrix | None:
    """Return the features of all users or items: new where the data tells them, else as known."""
    known = model.training_.get(f"{side}.features")
    pipeline = model.item_pipeline_ if side == "item" else model.user_pipeline_
    new = _told(side, pipeline, dataset, given, known)
    if known is None or new is None:
        return known
    from scipy.sparse import csr_matrix, diags

    entries = new.tocoo()
    told = csr_matrix((entries.data, (codes[entries.row], entries.col)), shape=(n, new.shape[1]))
    kept = known.copy()
    kept.resize(told.shape)
    silent = (np.diff(told.indptr) == 0).astype(np.float32)
    joined = csr_matrix(diags(silent) @ kept + told, dtype=np.float32)
    joined.eliminate_zeros()
    joined.sort_indices()
    return joined


def _told(
    side: str,
    pipeline: FeaturePipeline | None,
    dataset: Dataset,
    given: Features | None,
    known: csr_matrix | None,
) -> csr_matrix | None:
    """Return what the data tells of the features of its own users or items."""
    if given is None:
        return None if pipeline is None else pipeline.transform(dataset).matrix()
    if known is None or pipeline is not None:
        fitted = "without" if known is None else "with a pipeline of"
        raise ParameterError(
            f"the model was fitted {fitted} {side} features, so fit_partial takes none;"
            " fit anew with them"
        )
    told, rows = given.matrix(), len(dataset.items if side == "item" else dataset.users)
    if told.shape[0] != rows or told.shape[1] < known.shape[1]:
        raise DataError(
            f"{side} features have shape {told.shape}: there must be {rows} rows, as many as"
            f" {side}s in the data, and the {known.shape[1]} columns of before (new ones after)"
        )
    return told


def _table(
    table: pd.DataFrame, told: pd.DataFrame | None, codes: np.ndarray, n: int
) -> pd.DataFrame:
    """Return the item table with the rows of new items, its columns as they were."""
    grown = table.reindex(range(n))
    if told is not None:
        told = told.set_axis(codes, axis=0).reindex(columns=table.columns)
        grown = grown.combine_first(plain_table(told)).reindex(columns=table.columns)
    return plain_table(grown)


def _either(known: np.ndarray, now: np.ndarray, features: csr_matrix | None) -> np.ndarray:
    """Return what was true, is true by now or has features."""
    found: np.ndarray = now | has_entries(features, len(now))
    found[: len(known)] |= known
    return found
