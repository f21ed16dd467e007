"""What a service allows: sizes, times and who may write."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Settings:
    """Limits and switches of a service.

    Parameters
    ----------
    token : str, optional
        What feedback and reload must present as ``Authorization: Bearer``; without it both are off.
    page : bool, default True
        Whether the page, and the lists of users and items that it needs, are served.
    max_k : int, default 200
        Longest list a request may ask for.
    max_batch : int, default 256
        Most requests in a batch, and most events in a post of feedback.
    max_body : int, default 1 MiB
        Bytes of a request body.
    body_seconds, request_seconds : float, default 10 and 30
        How long a client may take to send a request's body, and all of the request may take.
    """

    token: str | None = None
    page: bool = True
    max_k: int = 200
    max_batch: int = 256
    max_body: int = MEGABYTE
    body_seconds: float = 10.0
    request_seconds: float = 30.0
