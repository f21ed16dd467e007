"""The items of a factor model in the order in which exact top-k looks at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH = 768  # items of a tile, a multiple of the lanes of a comparison


@dataclass(frozen=True, eq=False)
class ItemIndex:
    """Items in tiles, those first that can have the highest scores.

    By Cauchy and Schwarz no score exceeds ``|user| |item| + bias``. A user whose k-th best score
    so far is above this bound for all items that are left needs none of them. Trained factors are
    long for few items and short for most.

    Attributes
    ----------
    order : ndarray of int32, shape (m,)
        Items.
    place : ndarray of int32, shape (n_items,)
        Where each stands in ``order``; -1 for items that are not in it.
    tiles : ndarray of float32, shape (n_tiles, f, width)
        Factors of the items as columns, the bias a last factor if there is any; zeros after the
        last item.
    longest, top_bias : ndarray of float64, shape (n_tiles,)
        Length of the longest item, and the highest bias, of a tile and all after it.
    biased : bool
        Whether the bias is a factor.
    largest_bias : float
        Of all items, without its sign.
    """

    order: np.ndarray
    place: np.ndarray
    tiles: np.ndarray
    longest: np.ndarray
    top_bias: np.ndarray
    biased: bool
    largest_bias: float

    @classmethod
    def of(
        cls, factors: np.ndarray, bias: np.ndarray, items: np.ndarray, user_length: float
    ) -> ItemIndex:
        """Put items in order.

        Parameters
        ----------
        factors, bias : ndarray of float32, shapes (n_items, f) and (n_items,)
        items : ndarray of int, shape (m,)
            Items to take.
        user_length : float
            Length of a typical user's factors, to weigh the length of an item against its bias.
        """
        from hybridrec.kernels.lanes import LANES

        own, own_bias = factors[items], bias[items].astype(np.float64)
        lengths = row_lengths(own)
        by_bound = np.argsort(-(user_length * lengths + own_bias), kind="stable")
        order = items[by_bound].astype(np.int32)
        place = np.full(len(factors), -1, dtype=np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        biased = bool(own_bias.any())
        width = min(WIDTH, -(-len(order) // LANES) * LANES)
        n_tiles = -(-len(order) // max(width, 1))
        tiles = np.zeros((n_tiles, factors.shape[1] + biased, width), dtype=np.float32)
        longest, top_bias = np.zeros(n_tiles), np.zeros(n_tiles)
        for number, tile in enumerate(tiles):
            part = by_bound[number * width : (number + 1) * width]
            tile[: factors.shape[1], : len(part)] = own[part].T
            if biased:
                tile[-1, : len(part)] = own_bias[part]
            longest[number], top_bias[number] = lengths[part].max(), own_bias[part].max()
        for bound in (longest, top_bias):
            bound[:] = np.maximum.accumulate(bound[::-1])[::-1]
        largest = float(np.abs(own_bias).max(initial=0.0))
        return cls(order, place, tiles, longest, top_bias, biased, largest)

    def columns(self, tile: int) -> np.ndarray:
        """Return the items of a tile."""
        width = self.tiles.shape[2]
        return self.order[tile * width : (tile + 1) * width]

    def users(self, factors: np.ndarray) -> np.ndarray:
        """Return user factors as wide as the tiles: 1 for the bias."""
        if not self.biased:
            return factors
        return np.column_stack([factors, np.ones(len(factors), dtype=np.float32)])

    def bound(self, lengths: np.ndarray, tile: int = 0) -> np.ndarray:
        """Return what no score of users of some lengths exceeds in a tile and all after it."""
        if len(self.longest) == 0:
            return np.zeros(len(lengths))
        bound: np.ndarray = lengths * self.longest[tile] + self.top_bias[tile]
        return bound

    def error(self, lengths: np.ndarray) -> np.ndarray:
        """Return how far rounded scores can be from exact ones (Higham 2002, ch. 3).

        Twice the bound of a sum of products in any order: both are float32 numbers in the end.
        """
        longest = self.longest[0] if len(self.longest) else 0.0
        float32 = np.finfo(np.float32)
        terms = self.tiles.shape[1] + 2
        largest = lengths * longest + self.largest_bias
        error: np.ndarray = terms * (float(float32.eps) * largest + float(float32.tiny))
        return error


def row_lengths(factors: np.ndarray) -> np.ndarray:
    """Return the lengths of some rows, float64."""
    lengths: np.ndarray = np.sqrt(np.einsum("ij,ij->i", factors, factors, dtype=np.float64))
    return lengths
