"""Lists for running programs: a thread-safe recommender to embed, and what serves it over HTTP."""

from __future__ import annotations

from hybridrec.service.live import LiveRecommender
from hybridrec.service.taste import Recommendation, Request

__all__ = ["LiveRecommender", "Recommendation", "Request"]
