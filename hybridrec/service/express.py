"""The address that is asked for most, answered without the framework.

FastAPI takes several times as long over a request as finding its list does. `GET /recommend` in
its plainest form is answered here; whatever is not plain, or goes wrong, goes on to the route of
the same address, which gives the same answers.
"""

from __future__ import annotations

import re

from hybridrec.errors import HybridRecError
from hybridrec.service.asgi import App, Receive, Scope, Send, send_json
from hybridrec.service.core import Service
from hybridrec.service.errors import ApiError
from hybridrec.service.routes.recommend import list_of_user
from hybridrec.service.schemas import DEFAULT_K

_NAME = rb"[A-Za-z0-9_.~-]{1,200}"
_PLAIN = re.compile(rb"user=(%s)(?:&k=([1-9][0-9]{0,5}))?(?:&model=(%s))?" % (_NAME, _NAME))


class Express:
    """Stands before the framework.

    Parameters
    ----------
    app : ASGI application
        The framework.
    service : Service
    """

    path = "/recommend"

    def __init__(self, app: App, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        body = await self._answer(scope)
        if body is None:
            await self._app(scope, receive, send)
        else:
            scope["route"] = self  # it is counted by its path
            await send_json(send, 200, body)

    async def _answer(self, scope: Scope) -> bytes | None:
        """Return the list that is asked for, None if this is not for us."""
        if scope["type"] != "http" or scope["path"] != self.path or scope["method"] != "GET":
            return None
        plain = _PLAIN.fullmatch(scope["query_string"])
        if plain is None:
            return None
        user, k, model = plain.groups()
        name = None if model is None else model.decode()
        try:
            return await list_of_user(self._service, user.decode(), int(k or DEFAULT_K), name)
        except (HybridRecError, ApiError):
            return None
