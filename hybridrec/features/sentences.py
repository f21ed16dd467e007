"""What texts mean, by a sentence encoder (extra "text")."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, MissingExtraError
from hybridrec.features.text import block_name, checked_columns, text_columns, texts_of

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


class SentenceColumns:
    """Sentence embeddings of text columns (Reimers & Gurevych 2019), one vector an item.

    The encoder is not stored with the model: placing new items needs it again, under the same
    name or path.

    Parameters
    ----------
    columns : sequence of str, optional
        As in `TextColumns`.
    model : str, default "sentence-transformers/all-MiniLM-L6-v2"
        A folder, or a name that sentence-transformers knows.
    side : {"item", "user"}, default "item"
    """

    opaque = True

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        *,
        model: str = DEFAULT_MODEL,
        side: str = "item",
    ) -> None:
        self.columns, self.model, self.side = checked_columns(columns), str(model), side

    @property
    def name(self) -> str:
        """Name of the block: "sentences", or "sentences.plot" for one column."""
        return block_name("sentences", self.columns)

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Find the columns, and the encoder."""
        self.columns_ = text_columns(dataset, self.side, self.columns, self.name)
        self.width_ = _encoder(self.model).width

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the embeddings of a dataset's items (users), 0 where there is no text."""
        texts = texts_of(dataset, self.side, self.columns_)
        found = np.zeros((len(texts), self.width_), dtype=np.float32)
        present = [at for at, text in enumerate(texts) if text]
        if present:
            found[present] = _encoder(self.model).encode([texts[at] for at in present])
        return found

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the names of the dimensions."""
        return np.array([str(one) for one in range(self.width_)], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters from which `restore` makes the same block."""
        config = {"columns": self.columns, "model": self.model, "side": self.side}
        return {**config, "used": self.columns_, "width": self.width_}, {}

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> SentenceColumns:
        """Rebuild a fitted block; the encoder is loaded when it is needed."""
        block = cls(config["columns"], model=config["model"], side=config["side"])
        block.columns_, block.width_ = config["used"], config["width"]
        return block


class _Encoder:
    """A sentence encoder that remembers the texts of its last call: a fit asks several times."""

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtraError("sentence-transformers", "text", error) from error
        try:
            self._model = SentenceTransformer(name, device="cpu")
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"no sentence encoder can be loaded from {name!r}: {reason}") from error
        self._known: dict[str, np.ndarray] = {}

    @property
    def width(self) -> int:
        """Length of the vectors."""
        return int(self.encode(["width"]).shape[1])

    def encode(self, texts: list[str]) -> np.ndarray:
        """Return one vector a text, float32."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            vectors = self._model.encode(new, show_progress_bar=False, convert_to_numpy=True)
            fresh = dict(zip(new, vectors.astype(np.float32), strict=True))
            self._known = {
                text: fresh[text] if text in fresh else self._known[text] for text in texts
            }
        return np.stack([self._known[text] for text in texts])


@lru_cache(maxsize=2)
def _encoder(name: str) -> _Encoder:
    return _Encoder(name)
