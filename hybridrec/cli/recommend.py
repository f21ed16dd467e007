"""``hybridrec recommend``: a model folder -> ranked lists."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from hybridrec.cli.cluster import ClusterOptions, cluster_options, recommend_on_cluster
from hybridrec.cli.context import in_context
from hybridrec.cli.ids import load_model, read_history, wanted_users
from hybridrec.cli.lists import item_titles, show_lists, with_titles
from hybridrec.cli.options import (
    EXISTING_FILE,
    OutputOptions,
    context_option,
    examples,
    k_option,
    output_options,
    threads_option,
)
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format, say
from hybridrec.cli.rules import RuleOptions, rerank_option, rule_options
from hybridrec.cli.scenarios import in_scenario, scenario_option
from hybridrec.errors import ParameterError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.ranking.rules import CompiledRules

_FORMATS = ("table", "json", "csv", "parquet")
_FOR_MACHINES = ("json", "parquet")  # without titles
_BLOCK = 4096  # users whose lists are in memory at once


@click.command(
    "recommend",
    epilog=examples(
        "hybridrec recommend films.model --user 1 --user 2",
        "hybridrec recommend films.model --all -k 20 -o lists.parquet",
        "hybridrec recommend evenings.model --user 1 --context daypart=evening",
        'hybridrec recommend films.model --user 1 --where "year >= 1990" --quota genres=3 --audit',
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.option("--user", "named", metavar="ID", multiple=True, help="A user. Repeatable.")
@click.option("--users", type=EXISTING_FILE, help="File of users, one a line or a table.")
@click.option("--all", "everyone", is_flag=True, help="All users.")
@click.option(
    "--history",
    type=EXISTING_FILE,
    help="Interactions of new users, or newer ones of known users; by default for all of them.",
)
@scenario_option
@context_option
@k_option
@rule_options
@rerank_option
@click.option(
    "--audit", is_flag=True, help="In place of the lists: which rule dropped what from them."
)
@threads_option
@output_options(*_FORMATS)
@cluster_options
def command(
    folder: Path,
    named: tuple[str, ...],
    users: Path | None,
    everyone: bool,
    history: Path | None,
    scenario: str | None,
    context: tuple[str, ...],
    k: int,
    asked: RuleOptions,
    rerank: str | None,
    audit: bool,
    threads: int,
    out: OutputOptions,
    on: ClusterOptions,
) -> None:
    """Recommend items to users, old and new.

    Items that a user is known to have never come out; a list is shorter than -k where there are
    no more. "source" says how an item was found: by the fitted model, by folding in a --history,
    by features alone (new items), as a popular one (the last resort), or by --pin.

    With --audit every item is listed that would stand in a list without rules, with its rank
    there and the rule that dropped it, and every pinned item with its rank or why it is left out.
    """
    if sum([bool(named), users is not None, everyone]) > 1:
        raise ParameterError("give only one of --user, --users and --all")
    if not (named or users or everyone or history):
        raise ParameterError("say for whom: --user ID, --users FILE, --all or --history FILE")
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = in_context(in_scenario(load_model(folder), scenario), context)
    given = None if history is None else read_history(history, model.items_)
    known = model.users_ if given is None else given.users
    wanted = wanted_users(known, named, users)
    rules = asked.rules(model.items_, known)
    if on.given:
        if not everyone or audit or given is not None or form != "parquet":
            raise ParameterError("--cluster is for --all, and writes parquet: -o FOLDER.parquet")
        recommend_on_cluster(on, model, k, rules, rerank, out)
        return
    if audit:
        _say_effects(rules.compile(model.items_, model.item_table_, known))
    titles = None if form in _FOR_MACHINES else item_titles(model)
    make = partial(
        model.audit if audit else model.recommend,
        k=k,
        history=given,
        rules=rules,
        rerank=rerank,
        num_threads=threads,
    )
    with open_output(out, form, _show) as write:
        for start in range(0, len(wanted), _BLOCK):
            lists = make(wanted[start : start + _BLOCK])
            columns = {name: lists[name].to_numpy() for name in lists.columns}
            write(with_titles(columns, "item", model.items_, titles))


def _show(screen: Console, columns: Columns) -> None:
    ranks = columns["rank"]
    shown = {**columns, "rank": np.where(ranks > 0, ranks.astype(str), "-")}  # only pinned
    show_lists(screen, shown, "user")


def _say_effects(rules: CompiledRules) -> None:
    """Tell people how much of the catalogue each rule drops."""
    for one in rules.summary:
        say(
            f"{f'{one.rule} {one.detail}'.strip()}: drops {one.items} of {len(rules.allowed)} items"
        )
