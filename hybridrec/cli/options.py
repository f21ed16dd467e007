"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from hybridrec.dataset.cleaning import DUPLICATE_POLICIES

Command = Callable[..., None]
Decorator = Callable[[Command], Command]

EXISTING = click.Path(exists=True, path_type=Path)


class PathOrUrl(click.Path):
    """A path that exists, or a URL, which workers of a cluster read."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check a path; a URL is left to those who read it."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
COUNT = click.IntRange(min=1, max=2**31 - 1)
DUPLICATES = "last"  # the policy where none is asked for


@dataclass(frozen=True)
class DataOptions:
    """The data a command works on: what was given for the options of `data_options`."""

    interactions: Path | None
    dataset: str | None
    kg: Path | None
    link: Path | None
    labels: Path | None
    items: Path | None
    users: Path | None
    drop_relation: tuple[str, ...]
    user: str | None
    item: str | None
    weight: str | None
    timestamp: str | None
    event: str | None
    event_weight: tuple[str, ...]
    head: str | None
    relation: str | None
    tail: str | None
    delimiter: str | None
    min_weight: float | None
    min_user_interactions: int
    min_item_interactions: int
    duplicates: str


@dataclass(frozen=True)
class OutputOptions:
    """Where a result goes: what was given for the options of `output_options`."""

    format: str | None
    output: Path | None
    overwrite: bool


def column_option(name: str, what: str) -> Decorator:
    """Return the option that names a column."""
    return click.option(f"--{name}", metavar="COLUMN", help=f"Column of the {what}.")


drop_option = click.option(
    "--drop-relation", metavar="NAME", multiple=True, help="Relation to leave out. Repeatable."
)
seed_option = click.option(
    "--random-state", type=click.IntRange(min=0), metavar="SEED", help="The same gives the same."
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=0), default=0, metavar="N", help="0 means all CPUs."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace what is there.")
k_option = click.option("-k", type=COUNT, default=10, show_default=True, help="Length of lists.")


_DATA = (
    click.argument(
        "interactions", required=False, type=PathOrUrl(exists=True, path_type=Path)
    ),
    click.option("--dataset", metavar="NAME", help='A data set by name; see "hybridrec datasets".'),
    click.option("--kg", type=EXISTING_FILE, help="Triples: head, relation, tail."),
    click.option("--link", type=EXISTING_FILE, help="Which item is which entity of the triples."),
    click.option("--labels", type=EXISTING_FILE, help="Texts of the triples' entities."),
    click.option("--items", type=EXISTING_FILE, help="Item table: title, year, genres, ..."),
    click.option("--users", type=EXISTING_FILE, help="User table."),
    drop_option,
    column_option("user", "users"),
    column_option("item", "items"),
    column_option("weight", "weights, such as ratings"),
    column_option("timestamp", "times"),
    column_option("event", "event types"),
    click.option(
        "--event-weight",
        metavar="TYPE=WEIGHT",
        multiple=True,
        help="Weight of an event type, such as buy=5. Repeatable.",
    ),
    column_option("head", "triples' heads"),
    column_option("relation", "triples' relations"),
    column_option("tail", "triples' tails"),
    click.option("--delimiter", metavar="TEXT", help="Between the fields of a text file."),
    click.option(
        "--min-weight", type=float, metavar="W", help="Weights below are no interactions."
    ),
    click.option(
        "--min-user-interactions", type=click.IntRange(min=0), default=0, metavar="N",
        help="Drop users with fewer.",
    ),
    click.option(
        "--min-item-interactions", type=click.IntRange(min=0), default=0, metavar="N",
        help="Drop the interactions of items with fewer.",
    ),
    click.option(
        "--duplicates", type=click.Choice(DUPLICATE_POLICIES), default=DUPLICATES,
        show_default=True,
        help="Which of repeated interactions counts, or what becomes of their weights.",
    ),
)  # fmt: skip


def data_options(command: Command) -> Command:
    """Give a command the options of its data, as one `DataOptions` called ``data``."""
    return gathered(command, "data", DataOptions, _DATA)


def output_options(*formats: str) -> Decorator:
    """Give a command the options of its output, as one `OutputOptions` called ``out``."""
    chosen = (
        click.option(
            "--format",
            type=click.Choice(formats),
            help="By default a table, or what the suffix of the output says.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            help="File to write; by default standard output.",
        ),
        overwrite_option,
    )
    return lambda command: gathered(command, "out", OutputOptions, chosen)


def examples(*lines: str) -> str:
    """Return the end of a command's help: lines that are shown as they are."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


def gathered(command: Command, name: str, kind: type, options: Sequence[Decorator]) -> Command:
    """Decorate a command so that it gets the values of some options as one object."""
    own = [field.name for field in fields(kind)]

    @functools.wraps(command)
    def run(**values: Any) -> None:
        gathered = kind(**{one: values.pop(one) for one in own})
        command(**{name: gathered}, **values)

    return _decorated(run, options)


def _decorated(command: Command, options: Sequence[Decorator]) -> Command:
    """Apply decorators so that the help lists them in the order given."""
    for option in reversed(options):
        command = option(command)
    return command
