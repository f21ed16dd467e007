"""/items, /users and /models: what there is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from hybridrec.service import schemas
from hybridrec.service.answers import columns_of, headed, json_response, title_of
from hybridrec.service.core import Service, id_of
from hybridrec.service.describe import described_model
from hybridrec.service.replies import (
    ItemReply,
    ItemsReply,
    ModelsReply,
    UserReply,
    UsersReply,
    described,
)

Query = Annotated[
    str, Field(max_length=schemas.MAX_TEXT, description="Beginnings of words; none finds all.")
]
Limit = Annotated[int, Field(ge=1, le=100)]


def item_routes(service: Service) -> APIRouter:
    """Return the routes that every service has."""
    router = APIRouter(tags=["what there is"])

    @router.get("/items/{item:path}", **described(ItemReply, 404, 422))
    async def item(item: schemas.IdText, model: schemas.ModelName = None) -> Response:
        """Return the row of an item."""
        name, live = service.choose(model)
        snapshot = live.snapshot
        one = id_of(snapshot.model.items_, item)
        users = int(snapshot.model.popularity_[snapshot.known_item(one)])
        content = {"item": one, "title": title_of(snapshot, one), "users": users}
        return json_response(headed(name, snapshot, **content, columns=columns_of(live, one)))

    @router.get("/models", **described(ModelsReply))
    async def models() -> Response:
        """List the models with what can be asked of them."""
        found = [
            await service.compute.run(described_model, name, live.snapshot)
            for name, live in service.models.items()
        ]
        settings = service.settings
        return json_response(
            {
                "models": found,
                "max_k": settings.max_k,
                "max_batch": settings.max_batch,
                "feedback": service.takes_feedback,
            }
        )

    return router


def browse_routes(service: Service) -> APIRouter:
    """Return the routes that list users and items, for the page to pick from."""
    router = APIRouter(tags=["what there is"])

    @router.get("/items", **described(ItemsReply, 404, 422))
    async def items(
        query: Query = "", limit: Limit = 20, model: schemas.ModelName = None
    ) -> Response:
        """Find items by the beginnings of words of their titles or ids, popular ones first."""
        name, live = service.choose(model)
        found = await service.compute.run(live.items, query, limit)
        return json_response(headed(name, live.snapshot, items=found))

    @router.get("/users", **described(UsersReply, 404, 422))
    async def users(
        query: Query = "", limit: Limit = 20, model: schemas.ModelName = None
    ) -> Response:
        """Find users by the beginnings of their ids, those with most items first."""
        name, live = service.choose(model)
        found = await service.compute.run(live.users, query, limit)
        return json_response(headed(name, live.snapshot, users=found))

    @router.get("/users/{user:path}", **described(UserReply, 404, 422))
    async def user(user: schemas.IdText, model: schemas.ModelName = None) -> Response:
        """Return what a user has, with feedback so far, most first."""
        name, live = service.choose(model)
        snapshot = live.snapshot
        one = id_of(snapshot.model.users_, user)
        items: list[dict[str, Any]] = [
            {"item": item, "title": title_of(snapshot, item), "weight": weight}
            for item, weight in live.history(one)
        ]
        fitted = snapshot.user_code(one) >= 0
        return json_response(headed(name, snapshot, user=one, fitted=fitted, items=items))

    return router
