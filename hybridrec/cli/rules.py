"""Options of business rules and re-ranking, shared by commands that make lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short
from typing import Any

import click

from hybridrec.cli.ids import read_ids, read_pairs
from hybridrec.cli.options import EXISTING_FILE, Command, gathered
from hybridrec.dataset.idmap import IdMap
from hybridrec.errors import ParameterError
from hybridrec.ranking.rules import Rules

MOST_DIGITS = 100  # Python reads no number of thousands of them


@dataclass(frozen=True)
class RuleOptions:
    """What was given for the options of `rule_options`."""

    where: tuple[str, ...]
    allow: Path | None
    deny: Path | None
    deny_for: Path | None
    quota: tuple[str, ...]
    pin: tuple[str, ...]

    def rules(self, items: IdMap, users: IdMap) -> Rules:
        """Read the rules, with ids in the types of a model's.

        Parameters
        ----------
        items : IdMap
        users : IdMap
            Those for whom lists can be made; what is denied to others is left out.

        Raises
        ------
        ParameterError, DataError, UnknownIdError
        """
        quotas: dict[str, int] = {}
        for column, text in _pairs(self.quota, "quota", "genre=3", str.rpartition):
            limit = _whole(text, f"--quota of {column!r}")
            quotas[column] = min(limit, quotas.get(column, limit))
        return Rules(
            allow=None if self.allow is None else read_ids(self.allow, items),
            deny=None if self.deny is None else read_ids(self.deny, items),
            where=self.where,
            quota=quotas,
            pin=_pins(self.pin, items),
            user_deny=None if self.deny_for is None else _denied(self.deny_for, items, users),
        )


_RULES = (
    click.option(
        "--where", metavar="CONDITION", multiple=True,
        help='On item columns, such as "year >= 2000". Repeatable: all must hold.',
    ),
    click.option("--allow", type=EXISTING_FILE, help="File of items: only these."),
    click.option("--deny", type=EXISTING_FILE, help="File of items: none of these."),
    click.option(
        "--deny-for", type=EXISTING_FILE,
        help="Table of users and items: these items not for these users.",
    ),
    click.option(
        "--quota", metavar="COLUMN=N", multiple=True,
        help="At most N items of any one value of a column in a list, such as genre=3. Repeatable.",
    ),
    click.option(
        "--pin", metavar="RANK=ITEM", multiple=True,
        help="This item at this rank, for all who do not have it. Repeatable.",
    ),
)  # fmt: skip

rerank_option = click.option(
    "--rerank",
    metavar="NAME[:PARAMETER=VALUE,...]",
    help="Another order of the best items: mmr, dpp, calibrated, popularity-damping,"
    ' fair-exposure; such as "mmr:weight=0.3".',
)


def rule_options(command: Command) -> Command:
    """Give a command the options of its rules, as one `RuleOptions` called ``asked``."""
    return gathered(command, "asked", RuleOptions, _RULES)


def _pairs(
    texts: Iterable[str],
    option: str,
    example: str,
    cut: Callable[[str, str], tuple[str, str, str]],
) -> Iterable[tuple[str, str]]:
    for text in texts:
        name, equals, value = cut(text, "=")
        if not (name and equals and value):
            raise ParameterError(f"--{option} {text!r} must look like {example}")
        yield name, value


def _whole(text: str, what: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise ParameterError(f"{what} must be a whole number, got {short(text)}")
    return int(text)


def _pins(texts: Iterable[str], items: IdMap) -> dict[int, Any]:
    pins: dict[int, Any] = {}
    for text, item in _pairs(texts, "pin", "1=ITEM", str.partition):
        rank = _whole(text, "the rank of --pin")
        if rank in pins:
            raise ParameterError(f"--pin names rank {rank} twice")
        pins[rank] = items.parse([item]).tolist()[0]
    return pins


def _denied(path: Path, items: IdMap, users: IdMap) -> dict[Any, list[Any]]:
    denied: dict[Any, list[Any]] = {}
    for user, item in read_pairs(path, users, items):
        if user in users:
            denied.setdefault(user, []).append(item)
    return denied
