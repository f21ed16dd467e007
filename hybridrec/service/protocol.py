"""HTTP/1.1 with patience for nobody who sends or reads one byte at a time."""

from __future__ import annotations

from asyncio import TimerHandle, Transport

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from hybridrec.service.errors import error_body

HEAD_SECONDS = 10.0
MOST_HEAD = 1 << 16  # bytes
READ_SECONDS = 30.0  # without any progress, while more than the buffers hold waits to be read


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which by itself waits for the head of a request forever.

    The head has to come within some seconds and bytes, and answers have to be read; bodies are
    watched by `Limits`. What is not HTTP gets an error in JSON, as every other error.
    """

    _head_timer: TimerHandle | None = None
    _read_timer: TimerHandle | None = None
    _in_head = False
    _head_size = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._forget_head()
        self._forget_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; where the head is not complete with them, the time for it runs."""
        super().data_received(data)
        if not self._in_head:
            return
        self._head_size += len(data)
        if self._head_size > MOST_HEAD:
            self._refuse(431, f"the head of a request may have up to {MOST_HEAD} bytes")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_is_late)

    def on_message_begin(self) -> None:
        """Take the first byte of a request."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Take the end of a head."""
        self._in_head = False
        self._forget_head()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request, unless the body of this one has not come and was not read."""
        if self.cycle.more_body and not self.pipeline:
            self.transport.close()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Begin to wait for a client that does not read."""
        super().pause_writing()
        self._read_timer = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on with a client that has read."""
        self._forget_read()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(400, "this is not an HTTP request")

    def _head_is_late(self) -> None:
        if self._in_head:
            self._refuse(408, "the head of the request came too slowly")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        self._in_head = False
        if self.transport.is_closing():
            return
        body = error_body(status, message)
        head = STATUS_LINE[status] + b"content-type: application/json\r\nconnection: close\r\n"
        self.transport.write(b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body))
        self.transport.close()

    def _forget_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _forget_read(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
