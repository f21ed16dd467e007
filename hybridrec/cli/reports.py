"""The report of an evaluation: what was measured, and what is needed to repeat it."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from hybridrec.cli.scores import describe_split
from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report import Report, to_html, to_latex, to_markdown
from hybridrec.runtime import resolve_threads

if TYPE_CHECKING:
    from hybridrec.cli.evaluate import Results
    from hybridrec.cli.rounds import Rounds

WRITERS: Mapping[str, Callable[[Report], str]] = {
    "markdown": to_markdown,
    "latex": to_latex,
    "html": to_html,
}
_PAGE_NEEDS = ("jinja2", "matplotlib")
_LIBRARIES = ("numpy", "scipy", "numba", "implicit")


def check_writer(form: str) -> None:
    """Refuse a page that could not be written, before any work.

    Raises
    ------
    MissingExtraError
    """
    for package in _PAGE_NEEDS:
        if form == "html" and find_spec(package) is None:
            raise MissingExtraError(package, "plot")


def make_report(found: Results, rounds: Rounds) -> Report:
    """Gather what a report holds."""
    train = found.split.train
    what = train.name or "Evaluation"
    if rounds.protocol is not None:
        what = f"{what}: {rounds.protocol.name}"
    findings = found.findings
    return Report(
        found.comparison,
        curves=found.wide,
        title=what,
        about=_about(found, rounds),
        commands=[shlex.join(["hybridrec", *click.get_current_context().obj])],
        knowledge=None if findings is None else findings.features,
        relations=None if findings is None else findings.relations,
        published=rounds.published,
        notes=rounds.notes,
        trade_offs=found.trade_offs,
        groups=found.groups,
    )


def _about(found: Results, rounds: Rounds) -> dict[str, str]:
    """Return in words what the numbers are of, and what they were computed with."""
    train, split = found.split.train, found.split
    rows = sum(len(part) for part in split.parts.values())
    facts = {
        "data": f"{len(train.users):,} users, {len(train.items):,} items, {rows:,} interactions",
        "split": describe_split(split),
        "fingerprint of the first split": split.fingerprint[:16],
    }
    if train.knowledge is not None:
        knowledge = train.knowledge
        facts["knowledge graph"] = (
            f"{len(knowledge.head):,} triples, {len(knowledge.entities):,} entities,"
            f" {len(knowledge.relations)} relations"
        )
    if rounds.protocol is not None:
        facts["protocol"] = f"{rounds.protocol.name}: {rounds.protocol.summary}"
    facts["software"] = ", ".join(f"{name} {version(name)}" for name in ("hybridrec", *_LIBRARIES))
    facts["machine"] = (
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" {resolve_threads(0)} CPUs"
    )
    return facts
