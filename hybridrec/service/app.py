"""The HTTP service: models -> an ASGI application.

The way of a request: `protocol` reads it, `guard` counts it, `express` answers it at once if it
is the plainest of all; if not, `limits` reads the body and keeps the deadline, FastAPI checks it
against `schemas` and calls its function in `routes`. That function finds its model in
`core.Service`, gets lists by `gathering`, and writes JSON by `answers`. Whatever goes wrong
becomes JSON in `errors`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Depends, FastAPI

import hybridrec
from hybridrec.service.core import Service
from hybridrec.service.errors import add_error_handlers, refuse_unknown_parameters
from hybridrec.service.express import Express
from hybridrec.service.guard import Guard
from hybridrec.service.limits import Limits
from hybridrec.service.live import LiveRecommender
from hybridrec.service.routes.browse import browse_routes, item_routes
from hybridrec.service.routes.explain import explain_routes
from hybridrec.service.routes.operate import operate_routes
from hybridrec.service.routes.page import page_routes
from hybridrec.service.routes.recommend import recommend_routes
from hybridrec.service.routes.write import write_routes
from hybridrec.service.settings import Settings


class App(Guard):
    """The ASGI application of a service.

    Parameters
    ----------
    models : mapping of str to LiveRecommender
        By the names that requests choose by; the first is the default. They stay the caller's,
        who closes them.
    settings : Settings, optional

    Attributes
    ----------
    service : Service
    api : FastAPI
    """

    def __init__(
        self, models: Mapping[str, LiveRecommender], settings: Settings | None = None
    ) -> None:
        self.service = Service(models, settings or Settings())
        self.api = _api(self.service)
        limited = Limits(self.api, self.service.settings)
        super().__init__(Express(limited, self.service), self.service.metrics)


def _api(service: Service) -> FastAPI:
    api = FastAPI(
        title="hybridrec",
        version=hybridrec.__version__,
        description=(
            "Lists of recommendations, explanations and feedback. Every error is"
            ' {"error": {"code", "message"}}.'
        ),
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    add_error_handlers(api)
    asking = [recommend_routes(service), explain_routes(service), item_routes(service)]
    if service.settings.page:
        api.include_router(page_routes())
        asking.insert(2, browse_routes(service))
    for routes in asking:
        api.include_router(routes, dependencies=[Depends(refuse_unknown_parameters)])
    api.include_router(write_routes(service))
    api.include_router(operate_routes(service))
    _limit_k(api, service.settings.max_k)
    return api


def _limit_k(api: FastAPI, most: int) -> None:
    """Say in the OpenAPI description how long lists may be here."""
    described = api.openapi()  # FastAPI keeps and serves what this returned
    for path in described["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "k":
                    parameter["schema"]["maximum"] = most
    for schema in described["components"]["schemas"].values():
        if "k" in schema.get("properties", {}):
            schema["properties"]["k"]["maximum"] = most
