"""What happens after the fit: the log of feedback that a service takes."""

from __future__ import annotations

from hybridrec.online.event_log import Event, EventLog, EventLogError, Receipt

__all__ = ["Event", "EventLog", "EventLogError", "Receipt"]
