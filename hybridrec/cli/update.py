"""``hybridrec update``: new events into a fitted model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.events import EventOptions, event_options, read_news
from hybridrec.cli.ids import load_model
from hybridrec.cli.options import EXISTING_FILE, examples, overwrite_option
from hybridrec.cli.output import check_output, say, working
from hybridrec.errors import ParameterError, first_few
from hybridrec.privacy.kept_counts import KeptCounts

if TYPE_CHECKING:
    from hybridrec.models.update import Updated
    from hybridrec.online.news import News


@click.command(
    "update",
    epilog=examples(
        "hybridrec update films.model new.csv -o films2.model",
        "hybridrec update films.model feedback.sqlite --in-place",
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("events", metavar="EVENTS", type=EXISTING_FILE)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder of the new model.")
@overwrite_option
@click.option("--in-place", is_flag=True, help="Replace the model, in one step.")
@click.option("--refit", is_flag=True, help="Fit again on all the model then knows.")
@event_options
def command(
    folder: Path,
    events: Path,
    output: Path | None,
    overwrite: bool,
    in_place: bool,
    refit: bool,
    how: EventOptions,
) -> None:
    """Fold new events, users and items into a model.

    EVENTS is a file of interactions, or a feedback log (of "hybridrec serve --feedback"), of which
    the events since the last update are taken. Users with new events are folded in from their
    whole history, new items get factors from their users where the model can do that, and all
    other rows stay as they are. What is hidden in a log (weights that add up to 0 or less) is not
    recommended to that user again. Then it is told whether a refit is due.
    """
    from hybridrec.models.refit import refitted
    from hybridrec.online.news import fold_in
    from hybridrec.online.staleness import should_refit

    if in_place == (output is not None):
        raise ParameterError("say where the model goes: -o FOLDER, or --in-place")
    check_output(output, overwrite=overwrite)
    model = load_model(folder)
    if refit and isinstance(model, KeptCounts):
        raise ParameterError(
            f"another fit of {model.model_name} spends the privacy of its users again: do it with"
            ' "hybridrec fit", knowing that'
        )
    news = read_news(model, events, how)
    if news.left_out:
        say(f"Left out: events with ids of another type than the model's: {_few(news)}")
    stale = should_refit(model, news.events)
    with working("Folding in"):
        updated = fold_in(model, news)
    click.echo(told(news, updated))
    if refit:
        with working("Fitting"):
            model = refitted(model, 'fit it on the data with "hybridrec fit"')
        click.echo(f"Fitted again on {model.history_.nnz} interactions")
    else:
        click.echo(stale.advice)
    target = folder if output is None else output
    model.save(target, overwrite=in_place or overwrite)
    say(f"Saved to {target}")


def told(news: News, updated: Updated) -> str:
    """Return what an update did, in a sentence."""
    if not news.n_events:
        return "No event since the last update"
    parts = [f"{_count(updated.users, 'user')} folded in ({updated.new_users} new)"]
    if updated.new_items:
        parts.append(_count(updated.new_items, "new item"))
    if updated.placed:
        parts.append(f"{_count(updated.placed, 'item')} placed")
    if updated.waiting:
        parts.append(f"{_count(updated.waiting, 'item')} waiting for the next fit")
    if updated.hidden:
        parts.append(f"{_count(updated.hidden, 'pair')} hidden")
    return f"{_count(news.n_events, 'event')}: {', '.join(parts)}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _few(news: News) -> str:
    return first_few(news.left_out)
