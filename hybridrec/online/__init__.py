"""What happens after the fit: the log of feedback, updates from it, and when to fit again."""

from __future__ import annotations

from hybridrec.online.event_log import Event, EventLog, EventLogError, Receipt
from hybridrec.online.news import News, fold_in, news_of_interactions, news_of_log
from hybridrec.online.staleness import Measure, Staleness, should_refit

__all__ = [
    "Event",
    "EventLog",
    "EventLogError",
    "Measure",
    "News",
    "Receipt",
    "Staleness",
    "fold_in",
    "news_of_interactions",
    "news_of_log",
    "should_refit",
]
