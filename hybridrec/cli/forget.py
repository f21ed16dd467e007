"""``hybridrec forget``: users out of a model, a file of interactions and a feedback log."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np

from hybridrec.cli.ids import load_model
from hybridrec.cli.options import EXISTING_FILE, OutputOptions, examples, overwrite_option
from hybridrec.cli.output import check_output, resolve_format
from hybridrec.cli.whole_tables import id_column, read_table, write_table
from hybridrec.dataset.idmap import as_ids
from hybridrec.errors import ParameterError, UnknownIdError, first_few
from hybridrec.models.base import Recommender
from hybridrec.online import EventLog
from hybridrec.online.impressions import ImpressionLog
from hybridrec.privacy.private_als import PrivateALS
from hybridrec.privacy.removal import ITEM_SIDES, forget

_INTEGER = re.compile("-?[0-9]{1,19}")


@click.command(
    "forget",
    epilog=examples(
        "hybridrec forget films.model --user 7",
        "hybridrec forget films.model --user 7 --item-side refit --interactions ratings.csv"
        " -o rest.csv",
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--user", "users", metavar="ID", multiple=True, required=True, help="A user. Repeatable."
)
@click.option(
    "--item-side",
    type=click.Choice(ITEM_SIDES),
    default=ITEM_SIDES[0],
    show_default=True,
    help="What becomes of all that was learned from all users together: it stays, the items are"
    " solved once more for the users that are left, or the model is fitted again on these.",
)
@click.option("--interactions", type=EXISTING_FILE, help="File to remove the users' rows from.")
@click.option("--log", type=EXISTING_FILE, help="Feedback log to remove the users' events from.")
@click.option(
    "--impressions", type=EXISTING_FILE, help="Log of impressions to remove the users' lists from."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="CSV or Parquet file for the rows of --interactions that are left.",
)
@overwrite_option
def command(
    folder: Path,
    users: tuple[str, ...],
    item_side: str,
    interactions: Path | None,
    log: Path | None,
    impressions: Path | None,
    output: Path | None,
    overwrite: bool,
) -> None:
    """Remove users from a model, a file and a feedback log.

    The folder of the model is replaced in one step; what stays is told. A service that runs has
    its own copy until it reloads; backups and other files are yours to clean.
    """
    if (interactions is None) != (output is None):
        raise ParameterError("--interactions FILE and -o OUT go together")
    model = load_model(folder)
    events = None if log is None else EventLog(log)  # refuses another file before anything is done
    lists = None if impressions is None else ImpressionLog(impressions)
    found = _known(model, users)
    left = forget(model, found, item_side=item_side) if found else None
    rest, removed = None, 0
    if interactions is not None and output is not None:
        out = OutputOptions(None, output, overwrite)
        form = resolve_format(out, "csv", "parquet")
        check_output(output, overwrite=overwrite)
        rest, removed = _rows_without(interactions, users)
    if left is None and not removed and events is None and lists is None:
        raise UnknownIdError(f"unknown user {first_few(users)}: nothing was removed")
    if rest is not None:
        write_table(out, form, rest)
        click.echo(f"{interactions}: {removed} rows removed, the others written to {output}")
    click.echo(_replaced(folder, model, left, item_side))
    if events is not None:
        with events:
            click.echo(f"{log}: {events.forget(_both_types(users))} events removed")
    if lists is not None:
        with lists:
            click.echo(f"{impressions}: {lists.forget(_both_types(users))} lists removed")


def _known(model: Recommender, users: tuple[str, ...]) -> list[Any]:
    """Return the users that the model knows, as its own ids."""
    try:
        ids = model.users_.parse(dict.fromkeys(users)).tolist()
    except UnknownIdError:  # text, where all ids are integers
        ids = _integers(dict.fromkeys(users))
    return [one for one in ids if one in model.users_]


def _replaced(folder: Path, model: Recommender, left: Recommender | None, item_side: str) -> str:
    """Save what is left of a model in its place, and tell what was removed."""
    if left is None:
        return f"{folder}: knows none of them, and stays as it is"
    left.save(folder, overwrite=True)
    number = len(model.users_) - len(left.users_)
    rows = model.history_.nnz - left.history_.nnz
    named = "1 user" if number == 1 else f"{number} users"
    told = f"{folder}: {named} with {rows} interactions removed"
    if isinstance(left, PrivateALS):
        return f"{told}; the item side was private from the start, and stays"
    if item_side == "refit":
        return f"{told}; fitted again on the {len(left.users_)} that are left"
    learned = "items solved once more; " if item_side == "half-step" else ""
    return f"{told}; {learned}a trace stays in what was learned from all users together"


def _rows_without(path: Path, users: tuple[str, ...]) -> tuple[dict[str, np.ndarray], int]:
    """Return the columns of a file without the rows of some users, and the number of these."""
    columns = read_table(path, "interactions")
    owner = as_ids(columns[id_column(columns, "user", None, path)], "user").astype(str)
    gone = np.isin(owner, np.array(users, dtype=str))
    return {name: values[~gone] for name, values in columns.items()}, int(gone.sum())


def _both_types(users: tuple[str, ...]) -> list[int | str]:
    """Return users as texts and, where they can be, as integers: a log may hold either."""
    return [*users, *_integers(users)]


def _integers(users: Iterable[str]) -> list[int]:
    """Return those that are 64-bit integers."""
    numbers = (int(one) for one in users if _INTEGER.fullmatch(one))
    return [one for one in numbers if -(2**63) <= one < 2**63]
