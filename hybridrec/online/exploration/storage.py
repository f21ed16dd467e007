"""A policy <-> its folder: parameters and arrays; no code, no pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ModelFolderError
from hybridrec.online.exploration.parse import policy_class
from hybridrec.online.exploration.space import ItemSpace
from hybridrec.store.folder import read_folder, write_folder

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.online.exploration.policy import Policy

SPACE = ("basis", "vectors", "novelty")


def save_policy(policy: Policy, path: str | Path, *, overwrite: bool = False) -> None:
    """Write a policy to a folder, whole or not at all; see `Policy.save`."""
    space = {f"space/{name}": getattr(policy.space_, name) for name in SPACE}
    learned = {f"learned/{name}": value for name, value in policy._state().items()}
    write_folder(
        path,
        manifest={"policy": policy.model_name, "params": policy.get_params()},
        arrays={**space, **learned},
        tables={"ids/items": {"id": policy.space_.items.ids}},
        overwrite=overwrite,
    )


def load_policy(path: str | Path, model: Recommender | None = None) -> Policy:
    """Load a policy.

    Parameters
    ----------
    path : str or Path
    model : Recommender, optional
        That it is to choose for: its new items are taken in, and it is refused if its items have
        other vectors than those that the policy has learned on.

    Raises
    ------
    ModelFolderError
        If the folder is missing, half-written, altered, or holds no policy.
    ParameterError
        If the model does not fit.
    """
    folder = read_folder(path)
    try:
        manifest, arrays = folder.manifest, folder.arrays
        policy = policy_class(manifest["policy"])()
        policy.set_params(**manifest["params"])
        policy._check_params()
        items = IdMap(folder.tables["ids/items"]["id"], "item")
        policy.space_ = ItemSpace(items, *(np.asarray(arrays[f"space/{name}"]) for name in SPACE))
        policy._set_state(
            {
                name.partition("/")[2]: np.asarray(value)
                for name, value in arrays.items()
                if name.startswith("learned/")
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(
            f"{path} is not a saved policy ({type(error).__name__}: {error}); save it again"
        ) from error
    return policy if model is None else policy.on(model)
