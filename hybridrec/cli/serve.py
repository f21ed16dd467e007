"""``hybridrec serve``: model folders -> answers over HTTP."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from hybridrec.cli.options import COUNT, examples
from hybridrec.cli.output import say
from hybridrec.errors import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from hybridrec.online.event_log import EventLog
    from hybridrec.service.live import LiveRecommender

TOKEN = "HYBRIDREC_TOKEN"


@click.command(
    "serve",
    epilog=examples(
        "hybridrec serve films.model",
        f"{TOKEN}=secret hybridrec serve films.model --feedback feedback.sqlite",
    ),
)
@click.argument(
    "folders", metavar="MODEL...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0: for other machines.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one."
)
@click.option(
    "--feedback", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="SQLite file to store feedback in; made if there is none.",
)  # fmt: skip
@click.option(
    "--page/--no-page",
    default=True,
    show_default=True,
    help="The page at /, and lists of users and items for it.",
)
@click.option(
    "--max-k",
    type=COUNT,
    default=200,
    show_default=True,
    help="Longest list that can be asked for.",
)
def command(
    folders: tuple[Path, ...],
    host: str,
    port: int,
    feedback: Path | None,
    page: bool,
    max_k: int,
) -> None:
    """Answer over HTTP: lists, explanations, feedback, a page.

    Requests choose among several models by the names of their folders; the first is the default.
    Feedback and reload need the token that the environment variable HYBRIDREC_TOKEN holds, and
    are off without one. SIGHUP loads the models again; SIGTERM and Ctrl-C finish what runs, and
    end.
    """
    named = _named(folders)
    token = _token()
    try:
        from hybridrec.service import server
        from hybridrec.service.app import App
        from hybridrec.service.core import settle_memory
        from hybridrec.service.settings import Settings
    except ImportError as error:
        raise MissingExtraError(error.name or "fastapi", "serve", error) from error
    server.raise_open_files()
    with ExitStack() as stack:
        listening = stack.enter_context(server.bound_socket(host, port))
        log = None if feedback is None else stack.enter_context(_log(feedback))
        models = _loaded(named, log)
        app = App(models, Settings(token=token, page=page, max_k=max_k))
        stack.callback(app.service.close)
        settle_memory()
        listening.listen(server.BACKLOG)  # from here on the address answers
        _tell(models, server.address_of(listening), page, feedback if token is None else None)
        server.Server(app).run([listening])


def _named(folders: tuple[Path, ...]) -> dict[str, Path]:
    """Return the folders by the names of the models."""
    named: dict[str, Path] = {}
    for folder in folders:
        name = folder.absolute().name.removesuffix(".model")
        if name in named:
            raise ParameterError(
                f"{named[name]} and {folder} would both be called {name}; rename one of them"
            )
        named[name] = folder
    return named


def _token() -> str | None:
    token = os.environ.get(TOKEN)
    if token is not None and not token.strip():
        raise ParameterError(f"the environment variable {TOKEN} is empty; set it, or remove it")
    return token


def _log(path: Path) -> EventLog:
    from hybridrec.online.event_log import EventLog

    return EventLog(path)


def _loaded(named: dict[str, Path], log: EventLog | None) -> dict[str, LiveRecommender]:
    from hybridrec.service.live import LiveRecommender

    models = {name: LiveRecommender(path, log=log) for name, path in named.items()}
    if log is not None:
        kinds = {(one.model.users_.is_text, one.model.items_.is_text) for one in models.values()}
        if len(kinds) > 1:
            raise ParameterError(
                "one feedback log cannot be shared by models with ids of different types"
                " (numbers and text); serve them apart"
            )
    return models


def _tell(models: dict[str, LiveRecommender], address: str, page: bool, deaf: Path | None) -> None:
    """Say what is served and how to try it."""
    for name, live in models.items():
        model = live.model
        size = f"{len(model.users_):,} users, {len(model.items_):,} items"
        say(f"{name}: {model.model_name}, {size}, version {live.version}")
    if deaf is not None:
        say(f"Feedback is off: the environment variable {TOKEN} is not set")
    say(f"Serving on {address}{' (open it in a browser)' if page else ''}; Ctrl-C ends it")
    users = next(iter(models.values())).model.users_.ids
    user = quote(str(users[0]), safe="") if len(users) else "ID"
    say(f"Try: curl {shlex.quote(f'{address}/recommend?user={user}&k=5')}")
