"""Errors as JSON: ``{"error": {"code", "message"}}`` for whatever goes wrong."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hybridrec.errors import HybridRecError, UnknownIdError, first_few
from hybridrec.online.event_log import EventLogError

_LOG = logging.getLogger(__name__)
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    409: "conflict",
    413: "too_large",
    422: "invalid",
    431: "headers_too_large",
    500: "internal",
    503: "unavailable",
}


class ApiError(HTTPException):
    """An answer other than the one that was asked for: a status and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, message, headers)


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse an address with a parameter that nobody would look at.

    Raises
    ------
    ApiError
        422, with what there is.
    """
    known = {one.alias for one in request.scope["route"].dependant.query_params}
    unknown = [name[:50] for name in request.query_params if name not in known]
    if unknown:
        there = f"there are {', '.join(sorted(known))}" if known else "there are none"
        raise ApiError(
            422,
            f"no parameter {first_few(unknown)} at this address ({there}); rules, rerank, history"
            " and the like go into the body of a POST",
        )


def error_body(status: int, message: str) -> bytes:
    """Return the JSON of an error."""
    return json.dumps({"error": {"code": CODES.get(status, "error"), "message": message}}).encode()


def error_response(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error as an answer."""
    return Response(error_body(status, message), status, headers, "application/json")


def add_error_handlers(app: FastAPI) -> None:
    """Make every error of an app an answer in JSON; no traceback leaves the process."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HybridRecError, _of_library)
    app.add_exception_handler(EventLogError, _of_feedback_log)
    app.add_exception_handler(Exception, _unexpected)


async def _http(request: Request, error: Any) -> Response:
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = "there is nothing at this address; /openapi.json lists what there is"
    elif error.status_code == 405:
        message = f"this address does not take {request.method}"
    return error_response(error.status_code, message, error.headers)


async def _invalid(request: Request, error: Any) -> Response:
    problems = error.errors()
    malformed = any(one["type"] == "json_invalid" for one in problems)
    said = [_problem(one) for one in problems[:5]]
    more = len(problems) - len(said)
    if more > 0:
        said.append(f"and {more} more")
    return error_response(400 if malformed else 422, "; ".join(said))


def _problem(problem: Mapping[str, Any]) -> str:
    """Say where a value is wrong and why, without repeating the value."""
    if problem["type"] == "json_invalid":
        return "the body is not JSON"
    where = _place(problem["loc"])
    if where == "body":
        return "the body must be a JSON object, sent with Content-Type: application/json"
    return f"{where}: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _place(location: Sequence[Any]) -> str:
    names = [str(part)[:50] for part in location[1:]]
    return ".".join(names) or str(location[0])


async def _of_library(request: Request, error: Any) -> Response:
    return error_response(404 if isinstance(error, UnknownIdError) else 422, str(error))


async def _of_feedback_log(request: Request, error: Any) -> Response:
    _LOG.error("%s", error)
    return error_response(503, "feedback cannot be used now; the log of the service says why")


async def _unexpected(request: Request, error: Any) -> Response:
    return error_response(500, "something went wrong here; the log of the service says what")
