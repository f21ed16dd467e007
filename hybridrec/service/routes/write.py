"""/feedback and /reload: what changes the service; a token is needed."""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from hybridrec.online.event import LONGEST_KEY
from hybridrec.online.event_log import Event
from hybridrec.service import schemas
from hybridrec.service.answers import json_response
from hybridrec.service.core import Service
from hybridrec.service.errors import ApiError
from hybridrec.service.replies import OF_BODIES, FeedbackReply, ReloadReply, described

_BEARER = HTTPBearer(auto_error=False, description="The token in HYBRIDREC_TOKEN of the service.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
Key = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=LONGEST_KEY,
        description="Chosen by the sender: sent again with the same key, nothing is stored twice.",
    ),
]


def write_routes(service: Service) -> APIRouter:
    """Return the routes that write."""

    async def with_token(credentials: Credentials) -> None:
        _check_token(service.settings.token, credentials)

    router = APIRouter(tags=["writing"], dependencies=[Depends(with_token)])

    @router.post("/feedback", **described(FeedbackReply, 401, 403, *OF_BODIES))
    async def feedback(body: schemas.FeedbackRequest, idempotency_key: Key = None) -> Response:
        """Store what users did; it is on disk before the answer, and counts in their next list.

        "stored" is false where the key was there already: then nothing was added.
        """
        if not service.takes_feedback:
            raise ApiError(403, "feedback is off: start the service with --feedback FILE")
        service.check_count("events", len(body.events))
        events = [Event(**one.model_dump()) for one in body.events]
        _, live = service.choose(None)
        key = idempotency_key or body.key
        receipt = await service.writes.run(live.feedback, events, key)
        if receipt.stored:
            service.metrics.feedback.inc(len(events))
        return json_response({"stored": receipt.stored, "ids": list(receipt.ids)})

    @router.post("/reload", **described(ReloadReply, 401, 403, 409))
    async def reload() -> Response:
        """Load the folders of all models again; what cannot be loaded stays as it is."""
        found, broken = await service.reload()
        if broken:
            raise ApiError(409, "; ".join(broken))
        return json_response({"models": found})

    return router


def _check_token(token: str | None, credentials: HTTPAuthorizationCredentials | None) -> None:
    if token is None:
        raise ApiError(
            403,
            "feedback and reload are off: start the service with a token in the environment"
            " variable HYBRIDREC_TOKEN",
        )
    given = "" if credentials is None else credentials.credentials
    if not hmac.compare_digest(given.encode("latin-1"), token.encode()):  # as headers are read
        raise ApiError(
            401,
            "send the token of this service: Authorization: Bearer TOKEN",
            {"WWW-Authenticate": "Bearer"},
        )
