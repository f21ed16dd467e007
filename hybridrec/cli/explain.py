"""``hybridrec explain``: why a fitted model recommends an item to a user."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.context import in_context
from hybridrec.cli.ids import load_model, read_history
from hybridrec.cli.options import (
    COUNT,
    EXISTING_FILE,
    OutputOptions,
    context_option,
    examples,
    output_options,
)
from hybridrec.cli.output import check_output, console, resolve_format, write_text
from hybridrec.cli.tables import Alignment, print_table, print_title
from hybridrec.models.names import title_of

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.models.base import Recommender
    from hybridrec.ranking.explanation import Explanation, Part

_FORMATS = ("table", "json")
_COLUMNS: dict[str, Alignment] = {"kind": "left", "what": "wrap", "adds": "right"}


@click.command("explain", epilog=examples("hybridrec explain films.model --user 1 --item 2"))
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.option("--user", metavar="ID", help="By default the only user of --history.")
@click.option("--item", metavar="ID", required=True)
@click.option("--history", type=EXISTING_FILE, help="Interactions of the user, in place of known.")
@context_option
@click.option(
    "--parts", type=COUNT, default=10, show_default=True, help="Items, and features, to name."
)
@click.option("--paths", type=COUNT, default=3, show_default=True, help="Reasons to give.")
@output_options(*_FORMATS)
def command(
    folder: Path,
    user: str | None,
    item: str,
    history: Path | None,
    context: tuple[str, ...],
    parts: int,
    paths: int,
    out: OutputOptions,
) -> None:
    """Tell why a user is recommended an item.

    Shown is what the items of the user's history add to the score, what the features of the item
    add (where the model uses any), and what the knowledge graph says that joins the two. Both
    columns of numbers sum to the score.
    """
    if user is None and history is None:
        raise click.UsageError("say for whom: --user ID or --history FILE")
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = in_context(load_model(folder), context)
    given = None if history is None else read_history(history, model.items_)
    known = model.users_ if given is None else given.users
    told = model.explain(
        None if user is None else known.parse([user]).tolist()[0],
        model.items_.parse([item]).tolist()[0],
        history=given,
        parts=parts,
        paths=paths,
    )
    if form == "json":
        write_text(out, json.dumps(told.to_json(), ensure_ascii=False, indent=1))
    elif out.output is None:
        _show(console(), model, told)
    else:
        text = io.StringIO()
        _show(console(text), model, told)
        write_text(out, text.getvalue())


def _show(screen: Console, model: Recommender, told: Explanation) -> None:
    title = title_of(model, int(model.items_.codes([told.item])[0]))
    named = "" if title == str(told.item) else f" ({title})"
    print_title(screen, f"user {told.user}, item {told.item}{named}: score {told.score:.4g}")
    for path in told.paths:
        screen.print(f"  {path.text}")
    screen.print()
    _show_parts(screen, "What the history adds", told.parts, told.score)
    if told.features:
        screen.print()
        _show_parts(screen, "What features of the item add", told.features, told.score)


def _show_parts(screen: Console, title: str, parts: Sequence[Part], score: float) -> None:
    rows = [[part.kind, part.name, f"{part.value:+.4g}"] for part in parts]
    print_table(screen, _COLUMNS, [*rows, ["", "score", f"{score:.4g}"]], title)
