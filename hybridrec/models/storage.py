"""A fitted model <-> its folder: configuration, arrays, ids; no code, no pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.dataset.knowledge_parts import KnowledgeParts
from hybridrec.dataset.recency import Recency
from hybridrec.errors import DataError, ModelFolderError, ParameterError, first_few
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.base import Recommender
from hybridrec.models.record import Record
from hybridrec.models.registry import MODELS, model_class
from hybridrec.models.tables import from_parts, to_parts
from hybridrec.models.texts import attach_texts, texts_to_save
from hybridrec.ranking.scorer import FactorScorer, HistoryScorer, Scorer
from hybridrec.store.folder import Folder, read_folder, write_folder

Parts = dict[str, Any]


def save_model(model: Recommender, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a fitted model to a folder, whole or not at all.

    Raises
    ------
    OutputError
        See `hybridrec.store.write_folder`.
    """
    manifest, arrays = _model_parts(model)
    manifest["backend"] = model.backend_
    manifest["data"] = {
        "users": len(model.users_),
        "items": len(model.items_),
        "interactions": int(model.history_.nnz),
    }
    if model.recency_ is not None:
        manifest["recency"] = model.recency_.to_dict()
    arrays |= {"history": model.history_, "user_sources": model.user_sources_}
    if model.hidden_ is not None:
        arrays["hidden"] = model.hidden_
    if model.record_ is not None:
        manifest["record"], parts = model.record_.parts()
        arrays.update(_prefixed("record", parts))
    tables: Parts = {
        "ids/users": {"id": model.users_.ids},
        "ids/items": {"id": model.items_.ids},
    }
    if model.item_table_ is not None:
        manifest["item_columns"], columns = to_parts(model.item_table_)
        if columns:
            tables["items"] = columns
    for side, pipeline in (("item", model.item_pipeline_), ("user", model.user_pipeline_)):
        if pipeline is not None:
            manifest[f"{side}_features"], parts = pipeline.state()
            arrays.update(_prefixed(f"{side}_features", parts))
    if model.knowledge_ is not None:
        knowledge = KnowledgeParts.of(model.knowledge_)
        manifest["knowledge"] = knowledge.about
        arrays.update(_prefixed("knowledge", knowledge.arrays))
        tables.update({f"ids/{name}": {"id": ids} for name, ids in knowledge.ids.items()})
    write_folder(
        path,
        manifest=manifest,
        arrays=arrays,
        tables=tables,
        texts=texts_to_save(model),
        overwrite=overwrite,
    )


def load(path: str | Path, *, models: Sequence[type[Recommender]] = ()) -> Recommender:
    """Load a model folder.

    Everything is checked, nothing in the folder is run, and arrays stay memory-mapped, so that
    many processes can serve one folder.

    Parameters
    ----------
    path : str or Path
    models : sequence of classes, optional
        Model classes of your own that the folder may hold.

    Raises
    ------
    ModelFolderError
        If the folder is missing, half-written, altered, of a newer format, or of a model that is
        not known here.
    """
    folder = read_folder(path)
    try:
        model = _rebuild(folder, {one.model_name: one for one in models})
        _check_sizes(model)
    except ModelFolderError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ModelFolderError(
            f"{path} is not a complete hybridrec model ({type(error).__name__}: {error});"
            " save it again"
        ) from error
    return model


def _rebuild(folder: Folder, own: Mapping[str, type[Recommender]]) -> Recommender:
    manifest, arrays, tables = folder.manifest, folder.arrays, folder.tables
    model = _model(manifest, arrays, arrays["history"], own)
    model.users_ = IdMap(tables["ids/users"]["id"], "user")
    model.items_ = IdMap(tables["ids/items"]["id"], "item")
    model.backend_ = manifest["backend"]
    model.user_sources_ = arrays["user_sources"]
    model.hidden_ = arrays.get("hidden")
    if "record" in manifest:
        model.record_ = Record.from_parts(manifest["record"], _under("record", arrays))
    if "recency" in manifest:
        model.recency_ = Recency(**manifest["recency"])
    model.item_table_ = None
    if "item_columns" in manifest:
        columns = manifest["item_columns"]
        model.item_table_ = from_parts(columns, tables.get("items", {}), len(model.items_))
    model.knowledge_ = _knowledge(manifest, arrays, tables)
    for side in ("item", "user"):
        setattr(model, f"{side}_pipeline_", _pipeline(side, manifest, arrays, model.knowledge_))
    model.share()
    attach_texts(model, folder.texts)
    return model


# ---- a model, and the models it is made of ----------------------------------------------------


def _model_parts(model: Recommender) -> tuple[Parts, Parts]:
    """Return manifest and arrays of what a model does not share with its members."""
    kind, arrays = _scorer_parts(model)
    manifest: Parts = {
        "model": model.model_name,
        "params": _plain(model.get_params()),
        "scorer": kind,
    }
    arrays = {
        "scorable": model.scorable_,
        **_prefixed("scorer", arrays),
        **_prefixed("state", model._state()),
    }
    if model.from_users_ is not None:
        arrays["placed"] = model.from_users_
    if model.members_:
        manifest["members"] = []
    for number, member in enumerate(model.members_):
        parts, member_arrays = _model_parts(member)
        manifest["members"].append(parts)
        arrays |= _prefixed(f"members/{number}", member_arrays)
    return manifest, arrays


def _model(
    manifest: Parts, arrays: Parts, history: Any, own: Mapping[str, type[Recommender]]
) -> Recommender:
    """Rebuild a model from its parts, all but what it shares with its members."""
    name = manifest["model"]
    if name not in own and name not in MODELS:
        raise ModelFolderError(
            f"the folder holds a model {name!r}, which is not known here; pass its class to"
            f" load(..., models=[...]) (there are {first_few(MODELS, 20)})"
        )
    found = own[name] if name in own else model_class(name)
    try:
        params = {key: _unlisted(value) for key, value in manifest["params"].items()}
        model = found().set_params(**params)
    except ParameterError as error:
        raise ModelFolderError(f"the folder does not fit this version: {error}") from error
    model.members_ = tuple(
        _model(member, _under(f"members/{number}", arrays), history, own)
        for number, member in enumerate(manifest.get("members", []))
    )
    model._set_history(history)
    model.scorable_ = arrays["scorable"]
    model.from_users_ = arrays.get("placed")
    if not model.members_:
        model.scorer_ = _scorer(manifest["scorer"], _under("scorer", arrays), model)
    model._set_state(_under("state", arrays))
    return model


def _check_sizes(model: Recommender) -> None:
    """Refuse parts that do not belong together: kernels would read past the end of an array."""
    users, items = len(model.users_), len(model.items_)
    for member in model.members_:
        _check_sizes(member)
    scorer = model.scorer_
    found = {
        "history": model.history_.shape == (users, items),
        "scorable": model.scorable_.shape == (items,),
        "user_sources": model.user_sources_.shape == (users,),
        "hidden": model.hidden_ is None or model.hidden_.shape == (users, items),
        "placed": model.from_users_ is None or len(model.from_users_) <= items,
        "record": model.record_ is None or model.record_.fits(users, items),
        "scorer": (scorer.n_users, scorer.n_items) == (users, items),
    }
    wrong = [name for name, fits in found.items() if not fits]
    if wrong:
        raise DataError(f"{', '.join(wrong)} of other sizes than {users} users and {items} items")


# ---- scorer -----------------------------------------------------------------------------------


def _scorer_parts(model: Recommender) -> tuple[str, Parts]:
    if model.members_:
        return "members", {}
    scorer = model.scorer_
    if isinstance(scorer, FactorScorer):
        return "factors", {
            "user_factors": scorer.user_factors,
            "item_factors": scorer.item_factors,
            "item_bias": scorer.item_bias,
        }
    assert isinstance(scorer, HistoryScorer)
    parts = {"weights": scorer.weights}
    kind = "history" if scorer.over_items else "profile"
    if scorer.profiles is not model.history_:
        parts["profiles"] = scorer.profiles
    if scorer.background is not None:
        parts["background"] = scorer.background
    return kind, parts


def _scorer(kind: str, parts: Parts, model: Recommender) -> Scorer:
    if kind == "factors":
        return FactorScorer(parts["user_factors"], parts["item_factors"], parts["item_bias"])
    profiles = parts.get("profiles", model.history_)
    over_items, background = kind == "history", parts.get("background")
    return HistoryScorer(profiles, parts["weights"], over_items, background)


# ---- features and knowledge -------------------------------------------------------------------


def _pipeline(
    side: str, manifest: Parts, arrays: Parts, knowledge: KnowledgeGraph | None
) -> FeaturePipeline | None:
    config = manifest.get(f"{side}_features")
    if config is None:
        return None
    return FeaturePipeline.restore(config, _under(f"{side}_features", arrays), knowledge)


def _knowledge(manifest: Parts, arrays: Parts, tables: Parts) -> KnowledgeGraph | None:
    if "knowledge" not in manifest:
        return None
    ids = {name: columns["id"] for name, columns in _under("ids", tables).items()}
    return KnowledgeParts(manifest["knowledge"], ids, _under("knowledge", arrays)).graph()


# ---- parts of a folder ------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """Turn numpy scalars among the parameters into what JSON holds."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _unlisted(value: Any) -> Any:
    """Turn the lists that JSON made of sequences among the parameters back into tuples."""
    return tuple(_unlisted(one) for one in value) if isinstance(value, list) else value


def _prefixed(prefix: str, parts: Mapping[str, Any]) -> Parts:
    return {f"{prefix}/{name}": part for name, part in parts.items()}


def _under(prefix: str, parts: Mapping[str, Any]) -> Parts:
    start = f"{prefix}/"
    return {name[len(start) :]: part for name, part in parts.items() if name.startswith(start)}
