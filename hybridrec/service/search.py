"""Search by the beginnings of words, for lists to pick from."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterable

import numpy as np

MOST_CHARACTERS, MOST_WORDS = 256, 8  # of a query; the others are not looked at
LAST = chr(0x10FFFF)  # sorts behind every character that a word can go on with


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters without accents."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(one for one in parts if not unicodedata.combining(one))
    folded = text.casefold()
    return "".join(one if one.isalnum() else " " for one in folded).split()


class SearchIndex:
    """Texts to be found by the beginnings of their words, case and accents aside.

    Parameters
    ----------
    texts : iterable of str
        One for each entry; its number is its code.
    importance : ndarray, shape (n,)
        The larger, the earlier an entry comes out.
    """

    def __init__(self, texts: Iterable[str], importance: np.ndarray) -> None:
        self._order = np.argsort(-importance, kind="stable").astype(np.int32)
        rank = np.empty_like(self._order)
        rank[self._order] = np.arange(len(rank), dtype=np.int32)
        entries_of: dict[str, list[int]] = {}
        for place, text in zip(rank.tolist(), texts, strict=True):
            for word in set(words_of(text)):
                entries_of.setdefault(word, []).append(place)
        self._words = sorted(entries_of)
        counts = [len(entries_of[word]) for word in self._words]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        self._entries = np.fromiter(
            (place for word in self._words for place in entries_of[word]),
            dtype=np.int32,
            count=int(self._starts[-1]),
        )

    def find(self, query: str, limit: int) -> np.ndarray:
        """Return codes of entries in which every word of the query begins a word, int32.

        The most important first, at most ``limit``; an empty query finds all.
        """
        found = np.ones(len(self._order), dtype=np.bool_)
        for word in set(words_of(query[:MOST_CHARACTERS])[:MOST_WORDS]):
            first = bisect_left(self._words, word)
            end = bisect_left(self._words, word + LAST, lo=first)
            begins = np.zeros_like(found)
            begins[self._entries[self._starts[first] : self._starts[end]]] = True
            found &= begins
        codes: np.ndarray = self._order[np.flatnonzero(found)[:limit]]
        return codes
