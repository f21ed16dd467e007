"""/explain: why an item is recommended."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from hybridrec.service import schemas
from hybridrec.service.answers import explained, headed, json_response
from hybridrec.service.core import Service, id_of
from hybridrec.service.gathering import known_taste
from hybridrec.service.live import LiveRecommender
from hybridrec.service.replies import OF_BODIES, ExplainReply, described
from hybridrec.service.routes.recommend import history_of
from hybridrec.service.taste import Request


def explain_routes(service: Service) -> APIRouter:
    """Return the routes that explain."""
    router = APIRouter(tags=["explanations"])

    @router.get("/explain", **described(ExplainReply, 404, 422))
    async def explain_user(
        user: schemas.IdText, item: schemas.IdText, model: schemas.ModelName = None
    ) -> Response:
        """Say why an item is recommended to a user."""
        name, live = service.choose(model)
        wanted = Request(id_of(live.model.users_, user))
        one = id_of(live.model.items_, item)
        return json_response(await service.compute.run(_explain, name, live, wanted, one))

    @router.post("/explain", **described(ExplainReply, 404, *OF_BODIES))
    async def explain(body: schemas.ExplainRequest) -> Response:
        """Say why an item is recommended to a user or to a history."""
        name, live = service.choose(body.model)
        wanted = Request(body.user, history_of(body), context=body.context)
        return json_response(await service.compute.run(_explain, name, live, wanted, body.item))

    return router


def _explain(name: str, live: LiveRecommender, wanted: Request, item: Any) -> dict[str, Any]:
    snapshot = live.snapshot
    known_taste(live, snapshot, wanted)
    explanation = live.explain(wanted.user, item, history=wanted.history, context=wanted.context)
    return headed(name, snapshot, **explained(snapshot, explanation, wanted.user))
