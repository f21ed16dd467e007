"""``hybridrec fit``: interactions and knowledge -> a model folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.card import notes_option, read_notes
from hybridrec.cli.choice import show_choice, show_guard
from hybridrec.cli.cluster import ClusterOptions, cluster_options, fit_on_cluster
from hybridrec.cli.data import CleanData, load_data
from hybridrec.cli.describe import labels_of, show_knowledge
from hybridrec.cli.fusion import Fused
from hybridrec.cli.options import (
    EXISTING_FILE,
    DataOptions,
    data_options,
    examples,
    overwrite_option,
    seed_option,
    threads_option,
)
from hybridrec.cli.output import check_output, console, working
from hybridrec.cli.params import tuned_spec
from hybridrec.cli.scenarios import ScenarioOptions, scenario_options, show_scenarios
from hybridrec.errors import ParameterError
from hybridrec.evaluation.model_card import model_card
from hybridrec.evaluation.selection import AUTO, fit
from hybridrec.features.fusion import FUSIONS
from hybridrec.models.base import Recommender
from hybridrec.models.registry import MODELS
from hybridrec.models.spec import ModelSpec

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.evaluation.selection.front import FitResult

_DEFAULT = "hybrid-als"


@click.command(
    "fit",
    epilog=examples(
        "hybridrec fit --dataset movielens-small -o films.model",
        "hybridrec fit ratings.csv --kg triples.tsv --items films.csv -o films.model",
    ),
)
@data_options
@click.option(
    "--model",
    metavar="NAME",
    help=f"One of {', '.join(MODELS)}; or {AUTO}: the best of some on held-out interactions."
    f"  [default: {_DEFAULT}]",
)
@click.option(
    "--params",
    type=EXISTING_FILE,
    help='Model, parameters and features that "hybridrec tune" chose; --set and --features change'
    " them.",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Parameter of the model, such as factors=32. Repeatable.",
)
@click.option(
    "--features",
    metavar="BLOCKS",
    help="Side information to use: tokens, two-hop-tokens, smooth-tokens (facts; tokens.NAME of"
    " one --kg), walks (embeddings), columns (of the tables), text, sentences (of their text),"
    " vectors.NAME, social (friends of users), joined by commas; or none. By default tokens,"
    " columns, declared text, given vectors and social, if there are any and as far as they help.",
)
@click.option(
    "--fusion",
    type=click.Choice(FUSIONS),
    default=FUSIONS[0],
    show_default=True,
    help="Of several kinds of side information: side by side, added up in a common space, or side"
    " by side with weights found on held-out interactions, in place of the guard.",
)
@click.option(
    "--guard/--no-guard",
    default=True,
    show_default=True,
    help="Compare with, without and shuffled side information on held-out interactions, and switch"
    " off what does not help unless --features names it.",
)
@click.option(
    "--time-budget",
    type=click.FloatRange(min=0, min_open=True),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help=f"For the guard and --model {AUTO}; the fit itself comes after.",
)
@scenario_options
@notes_option
@seed_option
@threads_option
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Model folder to write."
)
@overwrite_option
@cluster_options
@click.option(
    "--checkpoint",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Of a fit with --cluster: keep its state here, and go on from what is here.",
)
def command(
    data: DataOptions,
    model: str | None,
    params: Path | None,
    settings: tuple[str, ...],
    features: str | None,
    fusion: str,
    guard: bool,
    time_budget: float,
    scenarios: ScenarioOptions,
    card_notes: Path | None,
    random_state: int | None,
    threads: int,
    output: Path,
    overwrite: bool,
    on: ClusterOptions,
    checkpoint: Path | None,
) -> None:
    """Fit a model and save it.

    INTERACTIONS is a file, or a folder in the layout of RecBole, KGCN or KGAT: CSV, TSV,
    Parquet, JSON lines, ...; columns are recognised by their usual names, or named with options.

    With --cluster it is a folder or URL of Parquet partitions, or a file; side information is used
    as it is named, without the guard.
    """
    check_output(output, overwrite=overwrite)
    if model == AUTO and scenarios.scenario_column is not None:
        raise ParameterError(f"--model {AUTO} knows no scenarios; name als or hybrid-als")
    spec = scenarios.spec(_spec(model, params, settings, features))
    notes = read_notes(card_notes)
    if on.given:
        if model == AUTO or fusion != FUSIONS[0] or scenarios.scenario_column is not None:
            raise ParameterError(
                f"--model {AUTO}, --fusion and scenarios are not for --cluster: name a model"
            )
        fit_on_cluster(on, data, spec, random_state, checkpoint, output, overwrite=overwrite)
        return
    if checkpoint is not None:
        raise ParameterError("--checkpoint goes with --cluster")
    with working("Reading"):
        clean = load_data(data, scenarios=scenarios)
    screen = console()
    _show_data(screen, clean, data)
    start = time.perf_counter()
    made = AUTO if model == AUTO else spec.maker(threads)(random_state)
    fused = Fused.of(
        fusion, spec.blocks, clean.dataset, made, time_budget, random_state or 0, threads
    )
    with working(f"Fitting {model or spec.label}"):
        found = fit(
            clean.dataset,
            made,
            item_features=fused.item_features,
            user_features=fused.user_features,
            guard=guard and fused.weights is None,
            seconds=time_budget,
            random_state=random_state or 0,
            num_threads=threads,
        )
    seconds = time.perf_counter() - start
    model_card(
        found, clean.dataset, cleaning=clean.report, notes=notes, num_threads=threads
    ).attach(found.model)
    found.model.save(output, overwrite=overwrite)
    _show_found(screen, found, fused, data)
    name = spec.label if found.choice is None else found.choice.preset.label
    click.echo(f"{name} with {_features(found.model)} fitted in {seconds:.1f} s, saved to {output}")


def _show_data(screen: Console, clean: CleanData, data: DataOptions) -> None:
    """Tell what the model is to be fitted on."""
    for line in (*str(clean.report).splitlines(), *clean.notes):
        click.echo(line)
    if clean.dataset.knowledge is not None:
        click.echo()
        show_knowledge(screen, clean.dataset, labels_of(data.dataset))
    if clean.dataset.social is not None:
        click.echo(f"\n{clean.dataset.social}")
    click.echo()


def _show_found(screen: Console, found: FitResult, fused: Fused, data: DataOptions) -> None:
    """Tell what was found on the way to the model."""
    if found.choice is not None:
        show_choice(screen, found.choice)
        click.echo()
    if fused.weights is not None:
        click.echo(f"{fused.weights}\n")
    if found.guard is not None:
        show_guard(screen, found.guard, labels_of(data.dataset))
        click.echo()
    show_scenarios(screen, found.model)


def _spec(
    model: str | None, params: Path | None, settings: tuple[str, ...], features: str | None
) -> ModelSpec:
    """Return the model that is asked for; the default one in place of "auto".

    Raises
    ------
    ParameterError
        If it makes no sense, or parameters are given of a model that is yet to be chosen.
    """
    if model == AUTO:
        if settings or params is not None:
            raise ParameterError(
                f"--model {AUTO} chooses the parameters; leave out --set and --params, or name a"
                " model"
            )
        model = None
    inline = [] if features is None else [f"features={features}"]
    if params is None:
        return ModelSpec.parse(model or _DEFAULT, [*inline, *settings])
    return tuned_spec(params, model, [*inline, *settings])


def _features(model: Recommender) -> str:
    """Return which side information a fitted model uses."""
    used = [
        f"{side} {' and '.join(builder.name for builder in pipeline.builders_)}"
        for side, pipeline in (("item", model.item_pipeline_), ("user", model.user_pipeline_))
        if pipeline is not None
    ]
    return ", ".join(used) or "no features"
