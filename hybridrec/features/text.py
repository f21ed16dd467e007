"""Text columns of the item (or user) table: TF-IDF and its main directions."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.knowledge import as_list
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.features.columns import TEXT, free_text
from hybridrec.features.packed import pack_texts, unpack_texts
from hybridrec.graph.checks import check_whole
from hybridrec.runtime import check_random_state, random_stream, threads

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph

VECTORIZERS = ("tfidf", "hashing")
MOST_WORDS = 50_000
BUCKETS = 2**14  # of hashed words
NAMED = 3  # words that tell what a direction is

_SKETCH = zlib.crc32(b"text")


class TextColumns:
    """What titles, plots and descriptions say: words weighted by rarity, in few dimensions.

    Words are counted and weighted, ``(1 + log tf) * idf``, rows scaled to length 1, and brought
    to the directions of the largest singular values (latent semantic analysis, Deerwester et al.
    1990), so that texts are alike which use words of the same texts.

    Parameters
    ----------
    columns : sequence of str, optional
        By default those declared as text (`Dataset.with_column_types`), or, if there are none,
        titles and other columns of several words.
    vectorizer : {"tfidf", "hashing"}, default "tfidf"
        "hashing" keeps no vocabulary: words fall into 16,384 buckets. Words that no item of the
        fit has then still count, but the directions have no names.
    dimensions : int, default 100
        0 leaves every word its own column.
    min_items : int, default 2
        Words of fewer items are dropped; only for "tfidf".
    random_state : int, default 0
    side : {"item", "user"}, default "item"
    """

    def __init__(
        self,
        columns: Sequence[str] | None = None,
        *,
        vectorizer: str = "tfidf",
        dimensions: int = 100,
        min_items: int = 2,
        random_state: int = 0,
        side: str = "item",
    ) -> None:
        self.columns = checked_columns(columns)
        if vectorizer not in VECTORIZERS:
            raise ParameterError(
                f"vectorizer must be one of {', '.join(VECTORIZERS)}, got {vectorizer!r}"
            )
        self.vectorizer, self.side = vectorizer, side
        self.dimensions = check_whole("dimensions", dimensions, 0)
        self.min_items = check_whole("min_items", min_items, 1)
        self.random_state = check_random_state(random_state)

    @property
    def name(self) -> str:
        """Name of the block: "text", or "text.plot" for one column."""
        return block_name("text", self.columns)

    @property
    def opaque(self) -> bool:
        """Whether single columns mean nothing."""
        return self.vectorizer == "hashing"

    def fit(self, dataset: Dataset, base: KnowledgeGraph | None) -> None:
        """Learn words, their rarity and the main directions."""
        from sklearn.feature_extraction.text import TfidfTransformer

        self.columns_ = text_columns(dataset, self.side, self.columns, self.name)
        texts = texts_of(dataset, self.side, self.columns_)
        self.words_ = self._frequent(texts)
        counts = self._counts(texts)
        tfidf = TfidfTransformer(sublinear_tf=True).fit(counts)
        self.idf_ = tfidf.idf_.astype(np.float32)
        self.directions_ = self._directions(self._weighted(counts))

    def transform(self, dataset: Dataset, base: KnowledgeGraph | None) -> csr_matrix | np.ndarray:
        """Return the texts of a dataset's items (users), float32 (rows, dimensions or words)."""
        weighted = self._weighted(self._counts(texts_of(dataset, self.side, self.columns_)))
        if self.directions_ is None:
            return weighted
        return np.asarray(weighted @ self.directions_.T, dtype=np.float32)

    def feature_names(self, base: KnowledgeGraph | None) -> np.ndarray:
        """Return the words, or for every direction those it is most about."""
        if self.directions_ is None:
            return np.array([str(one) for one in self.words_], dtype=object)
        if self.opaque:
            return np.array([str(one) for one in range(len(self.directions_))], dtype=object)
        strongest = np.argsort(-np.abs(self.directions_), axis=1, kind="stable")[:, :NAMED]
        return np.array([", ".join(self.words_[row]) for row in strongest], dtype=object)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return parameters and arrays from which `restore` makes the same block."""
        names = ("vectorizer", "dimensions", "min_items", "random_state", "side")
        config = {name: getattr(self, name) for name in names}
        config |= {"columns": self.columns, "used": self.columns_}
        arrays = {"idf": self.idf_}
        if not self.opaque:
            arrays |= pack_texts("words", self.words_)
        if self.directions_ is not None:
            arrays["directions"] = self.directions_
        return config, arrays

    @classmethod
    def restore(cls, config: dict[str, Any], arrays: dict[str, np.ndarray]) -> TextColumns:
        """Rebuild a fitted block."""
        config = dict(config)
        used = config.pop("used")
        block = cls(**config)
        block.columns_, block.idf_ = used, arrays["idf"]
        block.words_ = np.arange(BUCKETS) if block.opaque else unpack_texts("words", arrays)
        block.directions_ = arrays.get("directions")
        return block

    def _frequent(self, texts: list[str]) -> np.ndarray:
        """Return the words that count, sorted; numbers of buckets where words are hashed."""
        from sklearn.feature_extraction.text import CountVectorizer

        if self.opaque:
            return np.arange(BUCKETS)
        counter = CountVectorizer(strip_accents="unicode")
        try:
            counts = counter.fit_transform(texts)
        except ValueError:  # no word at all
            words, items = np.empty(0, dtype=object), np.empty(0)
        else:
            words, items = counter.get_feature_names_out(), counts.getnnz(axis=0)
        kept = np.flatnonzero(items >= self.min_items)
        if not len(kept):
            raise ParameterError(
                f"the feature block {self.name!r}: no word is in {self.min_items} or more texts of"
                f" {', '.join(self.columns_)}"
            )
        most = kept[np.argsort(-items[kept], kind="stable")[:MOST_WORDS]]
        found: np.ndarray = np.sort(words[most].astype(object))
        return found

    def _counts(self, texts: list[str]) -> csr_matrix:
        from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

        if self.opaque:
            hashing = HashingVectorizer(
                n_features=BUCKETS, alternate_sign=False, norm=None, strip_accents="unicode"
            )
            return hashing.transform(texts)
        return CountVectorizer(vocabulary=self.words_, strip_accents="unicode").transform(texts)

    def _weighted(self, counts: csr_matrix) -> csr_matrix:
        """Return rows of length 1 of ``(1 + log tf) * idf``."""
        from scipy.sparse import csr_matrix
        from sklearn.preprocessing import normalize

        weighted = csr_matrix(counts, dtype=np.float32)
        weighted.data = (1 + np.log(weighted.data)) * self.idf_[weighted.indices]
        return normalize(weighted, copy=False)

    def _directions(self, weighted: csr_matrix) -> np.ndarray | None:
        """Return the right singular vectors of the largest singular values, float32."""
        if self.dimensions == 0:
            return None
        return main_directions(weighted, self.dimensions, random_stream(self.random_state, _SKETCH))


def main_directions(matrix: Any, dimensions: int, stream: np.random.Generator) -> np.ndarray:
    """Return the right singular vectors of the largest singular values, float32 (found, width).

    By a random sketch (Halko, Martinsson & Tropp, SIAM Review 2011); fewer than ``dimensions``
    where the matrix has no more.
    """
    from sklearn.utils.extmath import randomized_svd

    with threads():
        _, sizes, right = randomized_svd(
            matrix,
            min(dimensions, *matrix.shape),
            n_iter=5,
            random_state=int(stream.integers(2**31)),
        )
    found: np.ndarray = right[sizes > 1e-5 * max(sizes.max(initial=0), 1e-30)].astype(np.float32)
    return found


def block_name(kind: str, columns: Sequence[str] | None) -> str:
    """Return "text", or "text.plot" for one column, "text.plot-title" for two."""
    return kind if columns is None else f"{kind}.{'-'.join(columns)}"


def checked_columns(columns: Sequence[str] | None) -> list[str] | None:
    """Return the columns a block was asked to read, as a list.

    Raises
    ------
    ParameterError
        If they are a text, or none.
    """
    if isinstance(columns, str):
        raise ParameterError(f"columns must be a list of names, got the text {columns!r}")
    if columns is not None and not len(columns):
        raise ParameterError("columns must name at least one column")
    return None if columns is None else list(columns)


def text_columns(dataset: Dataset, side: str, given: Sequence[str] | None, block: str) -> list[str]:
    """Return the columns whose text a block reads.

    Raises
    ------
    ParameterError
        If there is no table, or no such column in it.
    """
    table = dataset.item_table if side == "item" else dataset.user_table
    if table is None:
        raise ParameterError(f"the feature block {block!r} needs a table of {side}s")
    for name in given or ():
        if name not in table.columns:
            guess = did_you_mean(name, table.columns)
            raise ParameterError(f"the {side} table has no column {name!r}{guess}")
    found = list(given or declared_text(table, dataset.column_types) or free_text(table))
    if not found:
        raise ParameterError(
            f"the feature block {block!r}: no column of the {side} table looks like text; declare"
            " one (--column-type NAME=text), or name it"
        )
    return found


def declared_text(table: pd.DataFrame | None, types: Any) -> list[str]:
    """Return the columns of a table that are declared as text."""
    return [] if table is None else [name for name in table.columns if types.get(name) == TEXT]


def texts_of(dataset: Dataset, side: str, columns: Sequence[str]) -> list[str]:
    """Return the text of every item (user): its columns, one after another; "" without any."""
    table = dataset.item_table if side == "item" else dataset.user_table
    n = len(dataset.items if side == "item" else dataset.users)
    present = [] if table is None else [name for name in columns if name in table.columns]
    if table is None or not present:
        return [""] * n
    cells = table[present].astype(object)
    return [
        ". ".join(" ".join(map(str, as_list(cell))) for cell in row if len(as_list(cell)))
        for row in cells.to_numpy()
    ]
