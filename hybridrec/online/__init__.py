"""What happens after the fit: the log of feedback, and interests over time (`interest_drift`)."""

from __future__ import annotations

from hybridrec.online.event_log import Event, EventLog, EventLogError, Receipt

__all__ = ["Event", "EventLog", "EventLogError", "Receipt"]
