"""Limits of a request: the size of its body, the time for the body and for all of it."""

from __future__ import annotations

import asyncio

from hybridrec.service.asgi import App, Message, Receive, Scope, Send, send_json
from hybridrec.service.errors import ApiError, error_body
from hybridrec.service.settings import Settings

_OF_BODIES = (b"content-length", b"transfer-encoding")


class Limits:
    """Stands before an app: reads bodies within limits, and keeps the deadline.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    """

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what breaks a limit gets an error, and its connection is closed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        deadline = _Deadline(self._settings.request_seconds)
        try:
            receive = await self._body(scope, receive)
            await self._app(scope, receive, watched)
        except ApiError as error:  # of the body: the rest of it is not read any more
            await _refuse(send, error.status_code, error.detail)
        except asyncio.CancelledError:
            if not deadline.passed():
                raise
            if not begun:
                await _refuse(send, 503, "the request took too long")
        finally:
            deadline.end()

    async def _body(self, scope: Scope, receive: Receive) -> Receive:
        """Read the body of a request, if it has one; return a source that has it whole."""
        if not any(name in _OF_BODIES for name, _ in scope["headers"]):
            return receive
        deadline = _Deadline(self._settings.body_seconds)
        try:
            body = await _read(scope, receive, self._settings.max_body)
        except asyncio.CancelledError:
            if not deadline.passed():
                raise
            raise ApiError(408, "the body of the request came too slowly") from None
        finally:
            deadline.end()

        async def whole() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        return whole


async def _read(scope: Scope, receive: Receive, most: int) -> bytes:
    told = [value for name, value in scope["headers"] if name == b"content-length"]
    size = int(told[0]) if told and told[0].isdigit() else 0
    parts: list[bytes] = []
    more = True
    while more and size <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        size = sum(map(len, parts))
    if size > most:
        raise ApiError(413, f"a body may have up to {most} bytes")
    return b"".join(parts)


async def _refuse(send: Send, status: int, message: str) -> None:
    await send_json(send, status, error_body(status, message), (b"connection", b"close"))


class _Deadline:
    """Cancels the task that made it after some seconds, unless it is ended before."""

    def __init__(self, seconds: float) -> None:
        self._task = asyncio.current_task()
        self._cancelled = False
        self._timer = asyncio.get_running_loop().call_later(seconds, self._cancel)

    def _cancel(self) -> None:
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()

    def passed(self) -> bool:
        """Tell whether it was this deadline that cancelled the task, which may then go on."""
        if self._cancelled and self._task is not None and hasattr(self._task, "uncancel"):
            self._task.uncancel()
        return self._cancelled

    def end(self) -> None:
        """Let the task go on."""
        self._timer.cancel()
