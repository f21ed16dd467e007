"""The contract suite that every model passes, for authors of their own models (needs pytest)."""

from __future__ import annotations

from hybridrec.testing.contract import RecommenderContract, checkerboard

__all__ = ["RecommenderContract", "checkerboard"]
