"""The journal of a fit: factors as they were after the last finished half-iteration.

Workers write the blocks, so all of them and the client must see the folder. ``state.json`` names
what belongs together and is replaced last, in one step: whatever interrupts a fit, the folder
holds a whole state.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hybridrec.errors import OutputError, ParameterError

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.distributed.dataset import ShardedDataset
    from hybridrec.models.base import Recommender

STATE = "state.json"


class Side(Protocol):
    """Users or items of a fit: what of them a journal keeps and gives back."""

    name: str
    state: dict[str, list[Future]]


class Journal:
    """Counts half-iterations, and keeps the state after each if there is a folder.

    Parameters
    ----------
    cluster : Cluster
    folder : path, optional
    about : mapping
        What a state must have in common with this fit: parameters and data.

    Raises
    ------
    ParameterError
        If the folder holds the state of another fit.
    OutputError
        If it cannot be written.
    """

    def __init__(
        self, cluster: Cluster, folder: str | os.PathLike[str] | None, about: Mapping[str, Any]
    ) -> None:
        self.cluster, self.about = cluster, json.loads(json.dumps(about))
        self.folder = None if folder is None else Path(folder).absolute()
        self.step = 0
        self.sides: dict[str, dict[str, Any]] = {}
        if self.folder is not None:
            self._open(self.folder)
        self.done = self._state["step"] if self._state else 0

    _state: Mapping[str, Any] | None = None

    def _open(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if (folder / STATE).exists():
                self._state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        except OSError as error:
            raise OutputError(f"cannot use the checkpoint {folder}: {error.strerror}") from error
        except ValueError:
            raise ParameterError(
                f"{folder / STATE} is not a checkpoint of hybridrec; name another folder"
            ) from None
        if self._state is None:
            return
        there, here = self._state["about"], self.about
        other = [name for name in here if there.get(name) != here[name]]
        if other:
            name = other[0]
            raise ParameterError(
                f"the checkpoint {folder} belongs to another fit: {name} is"
                f" {there.get(name)!r} there and {here[name]!r} here; name another folder, or"
                " remove it"
            )
        self.sides = dict(self._state["sides"])

    def _restore(self, side: Side) -> None:
        """Give a side the state that the folder holds of it, if it holds any."""
        if side.name in self.sides:
            parts = {
                name: self.cluster.map(_read, [str(self._path(one)) for one in files])
                for name, files in self.sides[side.name].items()
            }
            side.state = parts

    def passes(self, *sides: Side) -> bool:
        """Tell whether the next half-iteration is done already, and count it if so.

        After the last of them the sides are as the folder says.
        """
        if self.step >= self.done:
            return False
        self.step += 1
        if self.step == self.done:
            for side in sides:
                self._restore(side)
        return True

    def write(self, side: Side) -> None:
        """Count a half-iteration, and keep the state of the side that it changed."""
        self.step += 1
        if self.folder is None:
            return
        name = f"{side.name}-{self.step:06d}"
        (self.folder / name).mkdir(exist_ok=True)
        files: dict[str, list[str]] = {}
        written: list[Future] = []
        for part, blocks in side.state.items():
            files[part] = [f"{name}/{part}-{at:05d}.npy" for at in range(len(blocks))]
            paths = [str(self._path(one)) for one in files[part]]
            written += self.cluster.map(_write, blocks, paths)
        self.cluster.wait(written)
        self.sides[side.name] = files
        state = {"about": self.about, "step": self.step, "sides": self.sides}
        stage = self.folder / f".{STATE}"
        stage.write_text(json.dumps(state, indent=1), encoding="utf-8")
        stage.replace(self.folder / STATE)
        for old in self.folder.glob(f"{side.name}-*"):
            if old.name != name:
                shutil.rmtree(old, ignore_errors=True)

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / name


def about_fit(model: Recommender, data: ShardedDataset) -> dict[str, Any]:
    """Return what a state must have in common with a fit of a model on some data."""
    params = {name: value for name, value in model.get_params().items() if name != "num_threads"}
    counts = (np.array([data.weight]), data.user_counts, data.item_counts)
    return {
        "model": model.model_name,
        **params,
        "users": len(data.users),
        "items": len(data.items),
        "interactions": data.nnz,
        "ids": fingerprint(data.users.ids, data.items.ids),
        "weights and counts": fingerprint(*counts),
    }


def fingerprint(*arrays: np.ndarray) -> str:
    """Return a short digest of the content of arrays."""
    digest = hashlib.sha256()
    for one in arrays:
        if one.dtype == object:
            digest.update("\0".join(one.tolist()).encode())
        else:
            digest.update(np.ascontiguousarray(one).tobytes())
    return digest.hexdigest()[:16]


def _write(block: np.ndarray, path: str) -> None:
    with open(path, "wb") as file:  # noqa: PTH123  np.save adds suffixes to names
        np.save(file, block)
        file.flush()
        os.fsync(file.fileno())


def _read(path: str) -> np.ndarray:
    try:
        found: np.ndarray = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise OutputError(f"the checkpoint lacks {path}, or it is damaged: {error}") from error
    return found
