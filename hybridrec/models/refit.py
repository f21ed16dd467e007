"""A model fitted again from what its folder holds: its parameters and the histories it knows."""

from __future__ import annotations

from dataclasses import replace

from hybridrec.errors import ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.catalogue import items_of
from hybridrec.models.record import Record


def refitted(model: Recommender, otherwise: str = "fit it on the data") -> Recommender:
    """Return a model fitted again on the histories it has, what it was told since included.

    Parameters
    ----------
    model : Recommender
        Fitted without features, or with item features by name; not changed.
    otherwise : str
        What to do if it cannot, for the message.

    Raises
    ------
    ParameterError
        If its folder does not hold all that a fit needs.
    """
    if model.members_ or not model.history_.nnz or model.user_pipeline_ is not None:
        raise ParameterError(
            f"this {model.model_name} cannot be fitted again from its folder alone; {otherwise}"
        )
    features = None
    if model.uses_item_features:
        if model.item_pipeline_ is None:
            raise ParameterError(
                f"this {model.model_name} was fitted without item features, or with a ready-made"
                f" matrix of them, and does not tell which; {otherwise}"
            )
        features = model.item_pipeline_.transform(items_of(model)).matrix()
    fresh = type(model)().set_params(**model.get_params())
    fresh._learn(model.history_, features, None)
    for name in (
        *("users_", "items_", "item_table_", "knowledge_", "backend_"),
        *("item_pipeline_", "user_pipeline_", "hidden_", "recency_"),
    ):
        setattr(fresh, name, getattr(model, name))
    if "texts_" in vars(model):
        vars(fresh)["texts_"] = vars(model)["texts_"]
    log = None if model.record_ is None else model.record_.log
    fresh.record_ = replace(Record.of(fresh), log=log)
    return fresh
