"""The process around the application: its socket, its signals, its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from hybridrec.errors import ParameterError
from hybridrec.service.app import App
from hybridrec.service.protocol import PatientProtocol

_LOG = logging.getLogger(__name__)
KEEP_ALIVE_SECONDS = 15
END_SECONDS = 30  # that requests under way get once the end has come
BACKLOG = 2048


def bound_socket(host: str, port: int) -> socket.socket:
    """Take an address, without answering there yet.

    Raises
    ------
    ParameterError
        If it cannot be had.
    """
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, proto)
        try:
            if sys.platform != "win32":  # there it would share a port that is in use
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
        except BaseException:
            opened.close()
            raise
    except OSError as error:
        raise ParameterError(
            f"cannot serve on {host} port {port}: {error.strerror or error};"
            " choose others with --host and --port"
        ) from error
    return opened


def address_of(listening: socket.socket) -> str:
    """Return the URL of a socket, as seen from this machine."""
    host, port = listening.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def raise_open_files() -> None:
    """Let this process have as many connections as the system allows."""
    if sys.platform == "win32":
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class Server(uvicorn.Server):
    """uvicorn with our signals.

    SIGTERM and SIGINT end the service: no new connections, what runs is finished. SIGHUP loads
    the models again.

    Parameters
    ----------
    app : App
    """

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=PatientProtocol,
                ws="none",
                lifespan="off",
                log_level="error",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=END_SECONDS,
            )
        )
        self._service = app.service

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals as long as the service runs."""
        if sys.platform == "win32":
            with super().capture_signals():
                yield
            return
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self._end,
            signal.SIGINT: self._end,
            signal.SIGHUP: self._reload,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    def _end(self) -> None:
        self.force_exit = self.should_exit  # told twice: at once
        self.should_exit = True
        self._service.stopping = True

    def _reload(self) -> None:
        self._reloading = asyncio.get_running_loop().create_task(self._reload_and_tell())

    async def _reload_and_tell(self) -> None:
        found, broken = await self._service.reload()
        lines = broken or [f"{one['name']} is served as version {one['version']}" for one in found]
        for line in lines:
            _LOG.warning(line)
