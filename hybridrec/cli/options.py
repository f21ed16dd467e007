"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from hybridrec.dataset.cleaning import DUPLICATE_POLICIES
from hybridrec.dataset.dataset import COLUMN_TYPES

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
    kg: tuple[str, ...]
    link: tuple[str, ...]
    labels: Path | None
    items: Path | None
    users: Path | None
    social: Path | None
    drop_relation: tuple[str, ...]
    user: str | None
    item: str | None
    weight: str | None
    timestamp: str | None
    event: str | None
    event_weight: tuple[str, ...]
    context: tuple[str, ...]
    timezone: str | None
    head: str | None
    relation: str | None
    tail: str | None
    friend: str | None
    delimiter: str | None
    min_weight: float | None
    min_user_interactions: int
    min_item_interactions: int
    duplicates: str
    half_life: float | None
    session_gap: float | None
    vectors: tuple[str, ...]
    user_vectors: tuple[str, ...]
    column_type: tuple[str, ...]


@dataclass(frozen=True)
class OutputOptions:
    """Where a result goes: what was given for the options of `output_options`."""

    format: str | None
    output: Path | None
    overwrite: bool


def named_file(text: str) -> tuple[str | None, Path]:
    """Read ``NAME=FILE``, or ``FILE`` alone, whose name may have an "=" in it."""
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        return None, Path(text)
    return name, Path(path)


def _existing_files(
    _ctx: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    for text in texts:
        _, path = named_file(text)
        if not path.is_file():
            what = "is a directory" if path.is_dir() else "does not exist"
            raise click.BadParameter(f"File '{path}' {what}.")
    return texts


def files_option(name: str, what: str) -> Decorator:
    """Return the repeatable option that names files, each perhaps as NAME=FILE."""
    return click.option(
        f"--{name}", multiple=True, metavar="[NAME=]FILE", callback=_existing_files, help=what
    )


def column_option(name: str, what: str) -> Decorator:
    """Return the option that names a column."""
    return click.option(f"--{name}", metavar="COLUMN", help=f"Column of the {what}.")


drop_option = click.option(
    "--drop-relation", metavar="NAME", multiple=True, help="Relation to leave out. Repeatable."
)
context_option = click.option(
    "--context",
    metavar="COLUMN=VALUE",
    multiple=True,
    help="Circumstances, such as daypart=evening, for a model that knows such. Repeatable.",
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
    files_option(
        "kg",
        "Triples: head, relation, tail. Repeatable; NAME, by default that of the file, is the"
        " source, whose facts alone are the block tokens.NAME.",
    ),
    files_option(
        "link", "Which item is which entity of the triples, of all or of the --kg of this NAME."
    ),
    click.option("--labels", type=EXISTING_FILE, help="Texts of the triples' entities."),
    click.option("--items", type=EXISTING_FILE, help="Item table: title, year, genres, ..."),
    click.option("--users", type=EXISTING_FILE, help="User table."),
    click.option("--social", type=EXISTING_FILE, help="Edges between users: user, friend."),
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
    click.option(
        "--context", metavar="COLUMN", multiple=True,
        help="Column of circumstances, such as the device; daypart, hour, weekday, weekend, month"
        " and season are made of the times. Repeatable.",
    ),
    click.option(
        "--timezone", metavar="ZONE",
        help="Of these, such as Europe/Berlin or +02:00.  [default: UTC]",
    ),
    column_option("head", "triples' heads"),
    column_option("relation", "triples' relations"),
    column_option("tail", "triples' tails"),
    column_option("friend", "friends of users"),
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
    click.option(
        "--half-life", type=float, metavar="DAYS",
        help="Weights halve with every so many days before the user's newest interaction.",
    ),
    click.option(
        "--session-gap", type=float, metavar="MINUTES",
        help="A longer pause begins a session; the more in a session, the less each tells.",
    ),
    files_option(
        "vectors",
        "Vectors by item id, the block vectors.NAME: .npy with NAME.ids.txt beside it, .npz, or a"
        " table. Repeatable.",
    ),
    files_option("user-vectors", "The same by user id."),
    click.option(
        "--column-type",
        metavar="COLUMN=TYPE",
        multiple=True,
        help=f"What a column of a table is: {', '.join(COLUMN_TYPES)}. Repeatable.",
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
