"""``hybridrec off-policy``: what other policies would have earned, from a log of impressions."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.ids import load_model
from hybridrec.cli.options import OutputOptions, examples, output_options, threads_option
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format, say
from hybridrec.cli.policies import EXISTING_LOG, POLICY_HELP, read_log, ready_policy
from hybridrec.cli.tables import Alignment, print_table
from hybridrec.errors import DataError
from hybridrec.online.exploration import ASSUMPTIONS, LoggedLists, candidates_of, off_policy

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.models.base import Recommender

_FORMATS = ("table", "json", "csv")
_LEFT: tuple[str, ...] = ("policy", "method")


@click.command(
    "off-policy",
    epilog=examples(
        "hybridrec off-policy films.model shown.sqlite --policy epsilon-greedy:epsilon=0"
        " --policy lin-ucb --learn",
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.argument("impressions", metavar="LOG", type=EXISTING_LOG)
@click.option(
    "--policy", "policies", metavar="POLICY", multiple=True, required=True,
    help=f"{POLICY_HELP} Repeatable.",
)  # fmt: skip
@click.option(
    "--learn", is_flag=True, help="Policies learn from the first half, and the second judges them."
)
@click.option(
    "--assumption",
    type=click.Choice(ASSUMPTIONS),
    default=ASSUMPTIONS[0],
    show_default=True,
    help="What a reward depends on beside user and item: on how likely users look at its rank, or"
    " on the rank in any way, which needs far larger logs.",
)
@click.option(
    "--clip", type=click.FloatRange(min=0, min_open=True), metavar="W", help="Largest weight."
)
@threads_option
@output_options(*_FORMATS)
def command(
    folder: Path,
    impressions: Path,
    policies: tuple[str, ...],
    learn: bool,
    assumption: Any,
    clip: float | None,
    threads: int,
    out: OutputOptions,
) -> None:
    """Estimate from a log what other policies would have earned.

    LOG is a log of impressions ("hybridrec explore --impressions") with rewards; "logged" is what
    its own lists earned. Nobody has to be shown a list of the others: "value" is the reward of
    their lists, by three methods that should agree, with an interval of 95 %. "lists" says how
    many lists of the policy itself would tell as much; "covered" should be near 1: the share of
    what it would show that the log has seen.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = load_model(folder)
    logged = read_log(impressions, model)
    lesson = logged
    if learn:
        half = len(logged.users) // 2
        if half == 0:
            raise DataError(f"{impressions} has too few lists to learn from and to judge by")
        lesson, logged = _part(logged, slice(None, half)), _part(logged, slice(half, None))
    rows = [_own(logged)]
    for text in policies:
        policy = ready_policy(text, model)
        if learn:
            policy.learn(lesson.slates)
        candidates = candidates_of(
            *(model, logged.users, policy.candidates),
            history=logged.slates.histories,
            num_threads=threads,
        )
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = off_policy(
                *(policy, logged.slates, candidates),
                users=_owners(logged, model),
                assumption=assumption,
                clip=float("inf") if clip is None else clip,
            )
        for warning in said:
            say(f"Warning: {text}: {warning.message}")
        rows += [{"policy": text, **_named(asdict(one))} for one in found]
    with open_output(out, form, _show) as write:
        write({name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]})


def _owners(logged: LoggedLists, model: Recommender) -> np.ndarray:
    """Return who saw each list; each of those whom the model does not know counts as another."""
    strangers = len(model.users_) + np.arange(len(logged.users))
    return np.where(logged.users >= 0, logged.users, strangers)


def _part(logged: LoggedLists, rows: slice) -> LoggedLists:
    return LoggedLists(logged.users[rows], logged.slates.rows(rows))


def _own(logged: LoggedLists) -> dict[str, Any]:
    """Return what the lists of a log earned themselves."""
    rewards = np.where(logged.slates.items >= 0, logged.slates.rewards, 0.0).sum(axis=1)
    known = rewards[np.isfinite(rewards)]
    if not len(known):
        raise DataError(
            "no list of the log has its rewards; tell them with hybridrec explore --feedback, or"
            " ImpressionLog.reward"
        )
    error = 1.96 * float(known.std()) / np.sqrt(len(known))
    mean = float(known.mean())
    numbers = {
        "low": mean - error,
        "high": mean + error,
        "lists": float(len(known)),
        "covered": 1.0,
    }
    return {"policy": "logged", "method": "mean", "value": mean, **numbers}


def _named(estimate: dict[str, Any]) -> dict[str, Any]:
    estimate["lists"] = estimate.pop("effective")
    order = ("method", "value", "low", "high", "lists", "covered")
    return {name: estimate[name] for name in order}


def _show(screen: Console, columns: Columns) -> None:
    layout: dict[str, Alignment] = {name: "left" if name in _LEFT else "right" for name in columns}
    rows = [
        [_text(name, one) for name, one in zip(columns, row, strict=True)]
        for row in zip(*columns.values(), strict=True)
    ]
    print_table(screen, layout, rows)


def _text(name: str, value: Any) -> str:
    if name in _LEFT:
        return str(value)
    return f"{value:.0f}" if name == "lists" else f"{value:.3f}"
