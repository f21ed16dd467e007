"""/health, /ready and /metrics: for those who run the service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from hybridrec.service.answers import json_response
from hybridrec.service.core import Service
from hybridrec.service.errors import ApiError
from hybridrec.service.replies import StateReply, described


def operate_routes(service: Service) -> APIRouter:
    """Return the routes that tell how the service is."""
    router = APIRouter(tags=["operation"])

    @router.get("/health", **described(StateReply))
    async def health() -> Response:
        """Tell that the process lives."""
        return json_response({"status": "ok"})

    @router.get("/ready", **described(StateReply))
    async def ready() -> Response:
        """Tell whether requests are welcome: models are loaded and the end has not begun."""
        if service.stopping:
            raise ApiError(503, "the service is shutting down")
        return json_response({"status": "ok"})

    text = {"text/plain": {"schema": {"type": "string"}}}
    figures: dict[int | str, Any] = {200: {"content": text}}

    @router.get("/metrics", response_class=Response, responses=figures)
    async def metrics() -> Response:
        """Return figures for Prometheus."""
        versions = {name: live.version for name, live in service.models.items()}
        return Response(service.metrics.show(versions), media_type=CONTENT_TYPE_LATEST)

    return router
