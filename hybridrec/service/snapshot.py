"""All that requests need of one version of a model, made once and never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ModelFolderError, UnknownIdError
from hybridrec.models.names import item_titles
from hybridrec.models.storage import load
from hybridrec.service.search import SearchIndex
from hybridrec.service.user_form import UserForm
from hybridrec.store.manifest import read_manifest

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

ATTEMPTS = 10  # at a folder that is replaced while it is read
VERSION_LENGTH = 16  # of the checksum's 64 hexadecimal digits


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A fitted model, and tables to look up in.

    Attributes
    ----------
    path : Path
    version : str
        The same for the same folder, wherever it was copied to.
    model : Recommender
    user_codes, item_codes : dict
        Code of every id.
    titles : ndarray of object, shape (n_items,)
        Title of every item, None where unknown.
    """

    path: Path
    version: str
    model: Recommender
    user_codes: dict[Any, int]
    item_codes: dict[Any, int]
    titles: np.ndarray
    item_search: SearchIndex
    user_search: SearchIndex
    user_form: UserForm

    @classmethod
    def load(cls, path: str | Path, models: Sequence[type[Recommender]] = ()) -> Snapshot:
        """Load a model folder, and make ready what the first request would else wait for.

        Raises
        ------
        ModelFolderError
            See `hybridrec.load`.
        """
        path = Path(path).absolute()
        for _ in range(ATTEMPTS):
            before = read_manifest(path)
            model = load(path, models=models)
            if read_manifest(path) == before:
                return cls.of(model, path, before["checksum"][:VERSION_LENGTH])
        raise ModelFolderError(f"{path} is being replaced over and over; load it when that is done")

    @classmethod
    def of(cls, model: Recommender, path: Path, version: str) -> Snapshot:
        """Make a snapshot of a fitted model."""
        users, items = model.users_, model.items_
        titles = _titles(model)
        texts = (
            str(one) if title is None else f"{title} {one}"
            for title, one in zip(titles, items.ids, strict=True)
        )
        snapshot = cls(
            path,
            version,
            model,
            _codes(users),
            _codes(items),
            titles,
            SearchIndex(texts, model.popularity_),
            SearchIndex(map(str, users.ids), np.diff(model.history_.indptr)),
            UserForm(model),
        )
        snapshot._warm_up()
        return snapshot

    def _warm_up(self) -> None:
        """Compute what the model keeps once it is asked: later requests only read."""
        from scipy.sparse import csr_matrix

        model, nobody = self.model, np.array([-1], dtype=np.int32)
        model.recommend_codes(np.zeros(1, dtype=np.int32), 1)
        for row in (model.history_[:1], csr_matrix((1, len(model.items_)), dtype=np.float32)):
            model.recommend_codes(nobody, 1, history=row)

    def user_code(self, user: Any) -> int:
        """Return the code of a user, -1 if unknown."""
        return self.user_codes.get(user, -1) if self.is_user_id(user) else -1

    def item_code(self, item: Any) -> int:
        """Return the code of an item, -1 if unknown."""
        return self.item_codes.get(item, -1) if _fits(item, self.model.items_) else -1

    def is_user_id(self, user: Any) -> bool:
        """Tell whether something is of the type that ids of users have."""
        return _fits(user, self.model.users_)

    def known_item(self, item: Any) -> int:
        """Return the code of an item.

        Raises
        ------
        UnknownIdError
        """
        code = self.item_code(item)
        if code < 0:
            raise UnknownIdError(f"unknown item {item!r}")
        return code

    def stored(self, code: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the items and the weights of a user that the model was fitted on; -1: none."""
        history = self.model.history_
        part = slice(*history.indptr[code : code + 2]) if code >= 0 else slice(0)
        return history.indices[part], history.data[part]


def _titles(model: Recommender) -> np.ndarray:
    found = item_titles(model)
    texts = [None if one is None else str(one) for one in (() if found is None else found)]
    return np.array(texts or [None] * len(model.items_), dtype=object)


def _fits(one: Any, ids: IdMap) -> bool:
    """Tell whether an id is of the type that a map has: True and 1.0 are not the id 1."""
    if ids.is_text:
        return isinstance(one, str)
    return isinstance(one, (int, np.integer)) and not isinstance(one, bool)


def _codes(ids: IdMap) -> dict[Any, int]:
    return dict(zip(ids.ids.tolist(), range(len(ids)), strict=True))
