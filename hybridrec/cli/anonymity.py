"""``hybridrec anonymity``: is everybody in a table one of at least k who look alike."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from hybridrec.cli.options import COUNT, EXISTING_FILE, examples
from hybridrec.cli.whole_tables import read_table
from hybridrec.dataset.frames import make_frame
from hybridrec.privacy.anonymity import anonymity

EXPOSED = 1


@click.command(
    "anonymity",
    epilog=examples("hybridrec anonymity people.csv --column age --column city -k 5"),
)
@click.argument("table", type=EXISTING_FILE)
@click.option(
    "--column",
    "columns",
    metavar="NAME",
    multiple=True,
    required=True,
    help="By which somebody could be recognised. Repeatable.",
)
@click.option("-k", type=COUNT, default=5, show_default=True, help="The least group that is safe.")
@click.option("--person", metavar="COLUMN", help="Count distinct persons instead of rows.")
@click.option("--sensitive", metavar="COLUMN", help="What nobody should learn of a person.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def command(
    table: Path,
    columns: tuple[str, ...],
    k: int,
    person: str | None,
    sensitive: str | None,
    form: str,
) -> int:
    """Check that a table is k-anonymous before it is given away.

    The exit status is 0 if it is, and 1 if there are groups below k.
    """
    frame = make_frame(read_table(table, "users"))
    found = anonymity(frame, columns, k, person=person, sensitive=sensitive)
    if form == "json":
        click.echo(json.dumps(asdict(found) | {"holds": found.holds}, default=str))
    else:
        click.echo(str(found))
    return 0 if found.holds else EXPOSED
