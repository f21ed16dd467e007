"""``hybridrec simulate``: does exploration pay here? Policies before simulated users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.data import load_data
from hybridrec.cli.options import (
    COUNT,
    DataOptions,
    OutputOptions,
    data_options,
    examples,
    k_option,
    output_options,
    threads_option,
)
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format, working
from hybridrec.cli.policies import POLICY_HELP, ready_policy
from hybridrec.cli.tables import Alignment, print_table
from hybridrec.evaluation import random_split
from hybridrec.models.implicit_factors import ALS
from hybridrec.models.spec import ModelSpec
from hybridrec.online.exploration import Simulator
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation import Split
    from hybridrec.models.base import Recommender

_FORMATS = ("table", "json", "csv")
_DEFAULT = ("epsilon-greedy:epsilon=0", "epsilon-greedy", "thompson:draws=1", "lin-ucb")
_TASTES = ("held-out", "latent")


@click.command(
    "simulate",
    epilog=examples(
        "hybridrec simulate --dataset movielens-small --model als --users-per-round 100",
        "hybridrec simulate ratings.csv --policy epsilon-greedy:epsilon=0 --policy lin-ucb:alpha=1",
    ),
)
@data_options
@click.option(
    "--model", metavar="MODEL", default="hybrid-als", show_default=True, help="As in fit."
)
@click.option(
    "--policy", "policies", metavar="POLICY", multiple=True, default=_DEFAULT, show_default=True,
    help=f"{POLICY_HELP} Repeatable.",
)  # fmt: skip
@click.option(
    "--tastes",
    type=click.Choice(_TASTES),
    default=_TASTES[0],
    show_default=True,
    help="What users click on: held-out interactions alone, or what ALS, fitted on all data, says.",
)
@click.option("--rounds", type=COUNT, default=10, show_default=True, help="Lists a user.")
@click.option(
    "--users-per-round", type=COUNT, default=200, show_default=True, metavar="N",
    help="So many of the users, at random.",
)  # fmt: skip
@k_option
@click.option("--random-state", type=click.IntRange(min=0), default=0, metavar="SEED")
@threads_option
@output_options(*_FORMATS)
def command(
    data: DataOptions,
    model: str,
    policies: tuple[str, ...],
    tastes: str,
    rounds: int,
    users_per_round: int,
    k: int,
    random_state: int,
    threads: int,
    out: OutputOptions,
) -> None:
    """See what policies earn from simulated users.

    Half of the interactions are held out. Users come in rounds, look at rank r with probability
    1 / r, and click on what attracts them; clicks are learned from. "clicks" are expected ones a
    user over all rounds, "regret" is what the best lists would have earned more, "items" how many
    different ones were shown. Held-out tastes are pessimistic: what a user never came across
    counts as disliked.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    spec = ModelSpec.parse(model)
    dataset = load_data(data).dataset
    split = random_split(dataset, test_fraction=0.5, random_state=random_state)
    with working(f"fitting {model}"):
        fitted = spec.fit(split.train, random_state=random_state, threads=threads)
    simulator = _users(fitted, dataset, split, tastes, users_per_round, k, random_state, threads)
    rows = []
    for text in policies:
        policy = ready_policy(text, fitted)
        with working(text):
            played = list(simulator.rounds(policy, rounds))
        shown = np.unique(np.concatenate([one.slates.items.ravel() for one in played]))
        users = len(simulator.users)
        rows.append(
            {
                "policy": text,
                "clicks": sum(one.reward for one in played) / users,
                "regret": sum(one.best - one.reward for one in played) / users,
                "last round": played[-1].reward / users,
                "items": int((shown >= 0).sum()),
            }
        )
    with open_output(out, form, _show) as write:
        write({name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]})


def _users(
    model: Recommender,
    data: Dataset,
    split: Split,
    tastes: str,
    number: int,
    k: int,
    random_state: int,
    threads: int,
) -> Simulator:
    """Return simulated users of a split."""
    users = np.sort(random_stream(random_state, 0).permutation(split.test_users)[:number])
    options: dict[str, Any] = {"k": k, "random_state": random_state, "num_threads": threads}
    if tastes == "held-out":
        real = (split.test.matrix[users] > 0).astype(np.float64)
        return Simulator(model, users, real, **options)
    truth = ALS(factors=32, random_state=random_state, num_threads=1).fit(data)
    return Simulator.from_model(model, truth, users, **options)


def _show(screen: Console, columns: Columns) -> None:
    layout: dict[str, Alignment] = {
        name: "left" if name == "policy" else "right" for name in columns
    }
    rows = [
        [one if isinstance(one, str) else f"{one:.2f}".removesuffix(".00") for one in row]
        for row in zip(*columns.values(), strict=True)
    ]
    print_table(screen, layout, rows)
