"""Requests that come at the same time, answered in one call of the model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from hybridrec.errors import HybridRecError, ParameterError, UnknownIdError
from hybridrec.service.lists import answer
from hybridrec.service.live import LiveRecommender
from hybridrec.service.snapshot import Snapshot
from hybridrec.service.taste import Recommendation, Request, Taste, taste_of

MOST = 128  # requests in one call, so that others get their turn in between


class Found(NamedTuple):
    """A list, and the snapshot that it is from."""

    snapshot: Snapshot
    entries: list[Recommendation]


class Gathering:
    """Gathers the requests for one model that the event loop has read in one round.

    Nobody waits for others to come: while one call of the model runs, the next requests pile up
    in their sockets, and all of them are in the next call. In company a list costs a fraction of
    what it costs alone.
    """

    def __init__(self, live: LiveRecommender) -> None:
        self._live = live
        self._waiting: list[tuple[Request, asyncio.Future[Found]]] = []

    async def ask(self, request: Request) -> Found:
        """Return the list of a request for a user or a history, without rules and the like.

        Raises
        ------
        HybridRecError
            As `find`, but for this request alone.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        future: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((request, future))
        return await future

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        try:
            every = self._found([request for request, _ in waiting])
        except Exception as error:  # noqa: BLE001, belongs to those who wait
            every = [error] * len(waiting)
        for (_, future), found in zip(waiting, every, strict=True):
            if future.cancelled():
                continue
            if isinstance(found, Exception):
                future.set_exception(found)
            else:
                future.set_result(found)

    def _found(self, requests: Sequence[Request]) -> list[Found | Exception]:
        """Return what each request gets; one that is wrong does not spoil the others."""
        snapshot = self._live.snapshot
        told = [_taste_or_error(self._live, snapshot, one) for one in requests]
        tastes = [one for one in told if isinstance(one, Taste)]
        good = [one for one, taste in zip(requests, told, strict=True) if isinstance(taste, Taste)]
        lists = iter(answer(snapshot, good, tastes))
        return [Found(snapshot, next(lists)) if isinstance(one, Taste) else one for one in told]


def find(
    live: LiveRecommender, requests: Sequence[Request]
) -> tuple[Snapshot, list[list[Recommendation]]]:
    """Return the lists of some requests, and the snapshot that all of them are from.

    Raises
    ------
    UnknownIdError
        If a request gives nothing but a user who was never seen.
    ParameterError
        If it gives nothing at all, or something that makes no sense.
    """
    snapshot = live.snapshot
    tastes = [known_taste(live, snapshot, one) for one in requests]
    return snapshot, answer(snapshot, requests, tastes)


def known_taste(live: LiveRecommender, snapshot: Snapshot, request: Request) -> Taste:
    """Return what is known of the user of a request; refuse one who was never seen."""
    if request.history is None and request.features is None:
        if request.user is None:
            raise ParameterError("say for whom: user, history or features")
        if not snapshot.is_user_id(request.user):
            kind = "text" if snapshot.model.users_.is_text else "integers"
            raise UnknownIdError(f"user ids are {kind} here, got {request.user!r}")
        if snapshot.user_code(request.user) < 0 and not _gave_feedback(live, request.user):
            raise UnknownIdError(
                f"user {request.user!r} was never seen; give a history, or send feedback first"
            )
    return taste_of(request, snapshot, live.log)


def _gave_feedback(live: LiveRecommender, user: int | str) -> bool:
    return live.log is not None and bool(live.log.weights_of(user))


def _taste_or_error(
    live: LiveRecommender, snapshot: Snapshot, request: Request
) -> Taste | HybridRecError:
    try:
        return known_taste(live, snapshot, request)
    except HybridRecError as error:
        return error
