"""/ and /page/...: the page and its files, read once."""

from __future__ import annotations

import gzip
from hashlib import sha256
from importlib import resources

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from hybridrec.service.errors import ApiError

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


def page_routes() -> APIRouter:
    """Return the routes of the page; a request only picks one of the files by its name."""
    router = APIRouter(include_in_schema=False)
    files = {
        file.name: file.read_bytes()
        for file in resources.files("hybridrec.service").joinpath("page").iterdir()
        if file.name.rpartition(".")[2] in _TYPES
    }
    packed = {name: gzip.compress(content, mtime=0) for name, content in files.items()}
    tags = {name: f'W/"{sha256(content).hexdigest()[:16]}"' for name, content in files.items()}

    def serve(name: str, request: Request) -> Response:
        if name not in files:
            raise ApiError(404, "the page has no such file")
        headers = {"ETag": tags[name], "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if request.headers.get("if-none-match") == tags[name]:
            return Response(status_code=304, headers=headers)
        content = files[name]
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = packed[name], "gzip"
        return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])

    @router.get("/")
    async def page(request: Request) -> Response:
        return serve("index.html", request)

    @router.get("/page/{name}")
    async def page_file(name: str, request: Request) -> Response:
        return serve(name, request)

    return router
