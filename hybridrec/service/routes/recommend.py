"""/recommend, /recommend/batch and /similar: lists."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from hybridrec.ranking.rerank import Reranker, reranker_from_json
from hybridrec.ranking.rules import Rules
from hybridrec.service import schemas
from hybridrec.service.answers import (
    JSON,
    columns_of,
    entries,
    explained,
    headed,
    json_response,
    list_bytes,
    reason,
    title_of,
)
from hybridrec.service.core import Service, id_of
from hybridrec.service.errors import ApiError
from hybridrec.service.gathering import Found, find
from hybridrec.service.lists import model_for
from hybridrec.service.live import LiveRecommender
from hybridrec.service.replies import OF_BODIES, BatchReply, ListReply, SimilarReply, described
from hybridrec.service.snapshot import Snapshot
from hybridrec.service.taste import Request

MAX_EXPLAINED = 50  # items of a list, each of which takes longer than the list


def recommend_routes(service: Service) -> APIRouter:
    """Return the routes that make lists."""
    router = APIRouter(tags=["lists"])

    @router.get("/recommend", **described(ListReply, 404, 422))
    async def recommend_user(
        user: schemas.IdText, k: schemas.K = schemas.DEFAULT_K, model: schemas.ModelName = None
    ) -> Response:
        """Recommend items to a user of the model or of feedback."""
        return Response(await list_of_user(service, user, k, model), media_type=JSON)

    @router.post("/recommend", **described(ListReply, 404, *OF_BODIES))
    async def recommend(body: schemas.RecommendRequest) -> Response:
        """Recommend items to a user, to a history, or to a new user with features.

        Items of a history that are not known are passed over. Somebody of whom nothing is known
        (an empty history) gets the popular items; a user who was never seen is an error.
        """
        name, live = service.choose(body.model)
        service.check_k(body.k)
        if body.explain:
            _check_explained(body)
        wanted = as_request(body)
        more = (body.explain, body.columns, body.rules, body.rerank, body.features, body.context)
        if not any(more):
            return Response(await _quick_list(service, name, wanted), media_type=JSON)
        content = await service.compute.run(_costly_list, name, live, wanted, body)
        return json_response(content)

    @router.post("/recommend/batch", **described(BatchReply, 404, *OF_BODIES))
    async def recommend_batch(body: schemas.BatchRequest) -> Response:
        """Make many lists at once; one wrong request is an error of all."""
        name, live = service.choose(body.model)
        service.check_count("requests", len(body.requests))
        for one in body.requests:
            service.check_k(one.k)
        return json_response(await service.compute.run(_batch, name, live, body.requests))

    @router.get("/similar", **described(SimilarReply, 404, 422))
    async def similar(
        item: schemas.IdText, k: schemas.K = schemas.DEFAULT_K, model: schemas.ModelName = None
    ) -> Response:
        """List the items most like an item."""
        name, live = service.choose(model)
        service.check_k(k)
        snapshot = live.snapshot
        one = id_of(snapshot.model.items_, item)
        found = await service.compute.run(live.similar, one, k)
        title = title_of(snapshot, one)
        return json_response(
            headed(name, snapshot, item=one, title=title, items=entries(snapshot, found))
        )

    return router


def _check_explained(body: schemas.RecommendRequest) -> None:
    if body.features is not None:
        raise ApiError(422, "explain: only what comes from a history can be explained")
    if body.k > MAX_EXPLAINED:
        raise ApiError(422, f"k: at most {MAX_EXPLAINED} with explain, got {body.k}")


async def list_of_user(service: Service, user: str, k: int, model: str | None) -> bytes:
    """Return the answer of GET /recommend."""
    name, live = service.choose(model)
    service.check_k(k)
    return await _quick_list(service, name, Request(id_of(live.model.users_, user), k=k))


async def _quick_list(service: Service, name: str, wanted: Request) -> bytes:
    found = await service.gatherings[name].ask(wanted)
    return list_bytes(name, found.snapshot, wanted.user, found.entries)


def as_request(wish: schemas.Wish) -> Request:
    """Return what `LiveRecommender` understands of a request."""
    return Request(
        user=wish.user,
        history=history_of(wish),
        features=wish.features,
        context=wish.context,
        k=wish.k,
        rules=None if wish.rules is None else Rules.from_json(wish.rules.plain()),
        rerank=_reranker(wish.rerank),
    )


def history_of(person: schemas.Person) -> dict[Any, float] | None:
    """Return the history that a request gives."""
    if person.history is None:
        return None
    return {one.item: one.weight for one in person.history}


def _reranker(given: schemas.Rerank | None) -> Reranker | None:
    return None if given is None else reranker_from_json(given.plain())


def _list(name: str, wanted: Request, found: Found) -> dict[str, Any]:
    items = entries(found.snapshot, found.entries)
    list_of_user = {"user": wanted.user, "items": items, **_unknown(found.snapshot, wanted)}
    return headed(name, found.snapshot, **list_of_user)


def _unknown(snapshot: Snapshot, wanted: Request) -> dict[str, Any]:
    """Return which columns of a context have values that are not known, if there are any."""
    if not wanted.context:
        return {}
    unknown = list(model_for(snapshot, wanted).unknown_context_)
    return {"unknown_context": unknown} if unknown else {}


def _costly_list(
    name: str, live: LiveRecommender, wanted: Request, body: schemas.RecommendRequest
) -> dict[str, Any]:
    snapshot, (found,) = find(live, [wanted])
    content = _list(name, wanted, Found(snapshot, found))
    for entry in content["items"] if body.columns else ():
        entry["columns"] = columns_of(live, entry["item"])
    for entry in content["items"] if body.explain else ():
        explanation = live.explain(
            wanted.user, entry["item"], history=wanted.history, context=wanted.context
        )
        entry["explanation"] = explained(snapshot, explanation, wanted.user)
        entry["reason"] = reason(entry["explanation"])
    return content


def _batch(name: str, live: LiveRecommender, wishes: list[schemas.Wish]) -> dict[str, Any]:
    wanted = [as_request(one) for one in wishes]
    snapshot, found = find(live, wanted)
    answers = [
        {"user": request.user, "items": entries(snapshot, one), **_unknown(snapshot, request)}
        for request, one in zip(wanted, found, strict=True)
    ]
    return headed(name, snapshot, answers=answers)
