"""``hybridrec explore``: lists that show what is not known yet, with propensities, logged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from hybridrec.cli.ids import load_model, wanted_users
from hybridrec.cli.lists import item_titles, show_lists, with_titles
from hybridrec.cli.options import (
    EXISTING_FILE,
    OutputOptions,
    examples,
    k_option,
    output_options,
    threads_option,
)
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format
from hybridrec.cli.policies import EXISTING_LOG, POLICY_HELP, read_log, ready_policy
from hybridrec.errors import ParameterError
from hybridrec.online.event_log import EventLog
from hybridrec.online.exploration import candidates_of, impressions_of
from hybridrec.online.impressions import ImpressionLog

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS = ("table", "json", "csv", "parquet")


@click.command(
    "explore",
    epilog=examples(
        "hybridrec explore films.model --all --policy epsilon-greedy:epsilon=0.2"
        " --impressions shown.sqlite -o lists.csv",
        "hybridrec explore films.model --user 1 --policy lin-ucb --learn"
        " --impressions shown.sqlite --feedback feedback.sqlite",
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.option("--user", "named", metavar="ID", multiple=True, help="A user. Repeatable.")
@click.option("--users", type=EXISTING_FILE, help="File of users, one a line or a table.")
@click.option("--all", "everyone", is_flag=True, help="All users.")
@click.option(
    "--policy", metavar="POLICY", default="epsilon-greedy", show_default=True, help=POLICY_HELP
)
@click.option(
    "--impressions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Log of what was shown; made if there is none.",
)
@click.option(
    "--feedback",
    type=EXISTING_LOG,
    help="Feedback log: its events reward what was shown at most a day before, and all else that"
    " was shown so far gets 0.",
)
@click.option("--learn", is_flag=True, help="Learn from the log first.")
@k_option
@threads_option
@output_options(*_FORMATS)
def command(
    folder: Path,
    named: tuple[str, ...],
    users: Path | None,
    everyone: bool,
    policy: str,
    impressions: Path | None,
    feedback: Path | None,
    learn: bool,
    k: int,
    threads: int,
    out: OutputOptions,
) -> None:
    """Make lists that explore, and log their propensities.

    The policy orders the model's best candidates and fills some slots by chance. "propensity" is
    how probable the item was at its rank; with it, "hybridrec off-policy" tells from the log what
    other policies would have earned. "score" is the model's, beside the user's other candidates.
    """
    if sum([bool(named), users is not None, everyone]) != 1:
        raise ParameterError("say for whom: one of --user ID, --users FILE and --all")
    if impressions is None and (feedback is not None or learn):
        raise ParameterError("--feedback and --learn need the log: add --impressions FILE")
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = load_model(folder)
    wanted = wanted_users(model.users_, named, users)
    chooser = ready_policy(policy, model)
    number = 0
    if impressions is not None:
        with ImpressionLog(impressions) as log:
            if feedback is not None:
                with EventLog(feedback) as events:
                    log.credit(event for _, event in events.all())
            number = log.next_number()
        if learn:
            chooser.learn(read_log(impressions, model).slates)
    codes = model.users_.codes(wanted)
    ready = candidates_of(model, codes, chooser.candidates, num_threads=threads)
    slates = chooser.choose(ready, k, request=number)
    ids = model.users_.ids[codes]
    row, slot = np.nonzero(slates.items >= 0)
    columns = {
        "user": ids[row],
        "item": model.items_.ids[slates.items[row, slot]],
        "score": slates.relevance[row, slot],
        "rank": slot + 1,
        "propensity": slates.propensities[row, slot],
    }
    titles = item_titles(model) if form in ("table", "csv") else None
    with open_output(out, form, _show) as write:
        write(with_titles(columns, "item", model.items_, titles))
        if impressions is not None:
            with ImpressionLog(impressions) as log:
                log.append(impressions_of(slates, ids, model.items_, policy))


def _show(screen: Console, columns: Columns) -> None:
    show_lists(screen, columns, "user")
