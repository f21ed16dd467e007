"""``hybridrec pseudonymise``: a file with keyed pseudonyms in place of ids."""

from __future__ import annotations

import warnings
from pathlib import Path

import click

from hybridrec.cli.options import (
    EXISTING_FILE,
    OutputOptions,
    examples,
    overwrite_option,
)
from hybridrec.cli.output import check_output, resolve_format, say
from hybridrec.cli.whole_tables import read_table, write_table
from hybridrec.errors import ParameterError
from hybridrec.privacy.pseudonyms import KEY_VARIABLE, Pseudonyms


@click.command(
    "pseudonymise",
    epilog=examples(
        'python -c "import secrets; print(secrets.token_hex(32))" > key && chmod 600 key',
        "hybridrec pseudonymise ratings.csv --key-file key -o shared.csv",
    ),
)
@click.argument("table", type=EXISTING_FILE)
@click.option(
    "--key-file", type=EXISTING_FILE, help=f"By default the key is taken from {KEY_VARIABLE}."
)
@click.option("--key-check", metavar="VALUE", help="Refuse a key with another check value.")
@click.option("--user", metavar="COLUMN", help="Column of the users; recognised by name.")
@click.option("--items", is_flag=True, help="Pseudonyms for the items as well.")
@click.option("--item", metavar="COLUMN", help="Column of the items; says --items, too.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="CSV or Parquet file."
)
@overwrite_option
def command(
    table: Path,
    key_file: Path | None,
    key_check: str | None,
    user: str | None,
    items: bool,
    item: str | None,
    output: Path,
    overwrite: bool,
) -> None:
    """Replace the ids of users by keyed pseudonyms.

    TABLE is a file of interactions or any other table with a column of users; all other columns
    stay. The same key gives the same id the same pseudonym in every file. Keep the key apart
    from the data: who has it can tell who is who. Pseudonyms begin with the check value of their
    key, which is also printed.
    """
    out = OutputOptions(None, output, overwrite)
    form = resolve_format(out, "csv", "parquet")
    check_output(output, overwrite=overwrite)
    pseudonyms = _pseudonyms(key_file)
    if key_check is not None and key_check != pseudonyms.check:
        raise ParameterError(
            f"wrong key: its check value is {pseudonyms.check}, not {key_check}; nothing was done"
        )
    given = {"user": user, "item": item} if items or item else {"user": user}
    columns = pseudonyms.columns(read_table(table, "interactions"), given, where=str(table))
    write_table(out, form, columns)
    click.echo(f"key check value {pseudonyms.check}")


def _pseudonyms(key_file: Path | None) -> Pseudonyms:
    """Take the key; what makes it less safe is said."""
    if key_file is None:
        return Pseudonyms.from_environment()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pseudonyms = Pseudonyms.from_file(key_file)
    for one in caught:
        say(f"Warning: {one.message}")
    return pseudonyms
