"""What happens after the fit: feedback, updates from it, when to fit again, interests over time."""

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
