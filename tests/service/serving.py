"""A service to ask: in this process, or in one of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

import httpx

from hybridrec.service.app import App
from hybridrec.service.live import LiveRecommender
from hybridrec.service.settings import Settings

TOKEN = "a token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Client:
    """Asks an ASGI application, without a network."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self._loop = asyncio.new_event_loop()
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://service")

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        return self._loop.run_until_complete(self._client.request(method, url, **options))

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def post(self, url: str, body: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", url, json=body, **options)

    def at_once(self, *urls: str) -> list[httpx.Response]:
        """Ask for several addresses at the same time."""

        async def all_of_them() -> list[httpx.Response]:
            return list(await asyncio.gather(*(self._client.get(url) for url in urls)))

        return self._loop.run_until_complete(all_of_them())

    def json(self, url: str, body: Any = None) -> Any:
        """Return what a good answer holds: to a GET, or to a POST of a body."""
        answer = self.get(url) if body is None else self.post(url, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, status: int, method: str, url: str, **options: Any) -> str:
        """Return the message of an error."""
        answer = self.request(method, url, **options)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        assert set(error) == {"code", "message"}
        return error["message"]

    def close(self) -> None:
        if isinstance(self.app, App):
            self.app.service.close()
        self._loop.run_until_complete(self._client.aclose())
        self._loop.close()


def client_of(models: dict[str, LiveRecommender], **settings: Any) -> Client:
    return Client(App(models, Settings(**settings)))


class Served:
    """``hybridrec serve`` in a process of its own, at a free port."""

    def __init__(self, *arguments: Any, limit: str = "") -> None:
        command = [sys.executable, "-m", "hybridrec.cli.main", "serve", "--port", "0"]
        command += [str(one) for one in arguments]
        if limit:  # such as "ulimit -f 100"
            command = ["bash", "-c", f'{limit}; exec "$@"', "serve", *command]
        environment = {**os.environ, "HYBRIDREC_TOKEN": TOKEN}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        port = re.search(r"http://127\.0\.0\.1:(\d+)", self.wait_for("Serving on"))
        assert port is not None
        self.port = int(port[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._client = httpx.Client(base_url=self.url, timeout=20)

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.said.extend(iter(self.process.stderr.readline, ""))  # as the lines come

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Return the first line on standard error that holds a text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in list(self.said):
                if text in line:
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"{text!r} was not said, but: {self.said}")

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self._client.get(path, **options)

    def feedback(self, user: int, item: int, key: str | None = None) -> httpx.Response:
        headers = BEARER if key is None else {**BEARER, "Idempotency-Key": key}
        body = {"events": [{"user": user, "item": item}]}
        return self._client.post("/feedback", json=body, headers=headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def is_open(self) -> bool:
        """Tell whether connections are taken."""
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self._reader.join(5)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self.end(signal.SIGKILL)


def answer_of(connection: socket.socket) -> tuple[int, Any]:
    """Read an answer with JSON from a socket: the status, and what it holds."""
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        lines = dict(line.lower().split(b": ", 1) for line in iter(file.readline, b"\r\n"))
        return status, json.loads(file.read(int(lines[b"content-length"])))
