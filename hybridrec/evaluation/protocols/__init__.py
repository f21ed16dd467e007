"""Published protocols by name, and what was published under them."""

from __future__ import annotations

from hybridrec.evaluation.protocols.protocol import PROTOCOLS, Protocol, protocol
from hybridrec.evaluation.protocols.published import PublishedRow, published_rows, recognise

__all__ = ["PROTOCOLS", "Protocol", "PublishedRow", "protocol", "published_rows", "recognise"]
