"""``hybridrec fit``: interactions and knowledge -> a model folder."""

from __future__ import annotations

import time
from pathlib import Path

import click

from hybridrec.cli.data import load_data
from hybridrec.cli.describe import labels_of, show_knowledge
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
from hybridrec.cli.settings import ModelSpec
from hybridrec.models.base import Recommender
from hybridrec.models.registry import MODELS

_DEFAULT = "hybrid-als"


@click.command(
    "fit",
    epilog=examples(
        "hybridrec fit --dataset movielens-small -o films.model",
        "hybridrec fit ratings.csv --kg triples.tsv --items films.csv -o films.model",
    ),
)
@data_options
@click.option("--model", metavar="NAME", help=f"One of {', '.join(MODELS)}.  [default: {_DEFAULT}]")
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
    help="Side information to use: tokens or two-hop-tokens (facts), walks (embeddings), columns"
    " (of the tables), joined by commas; or none. By default tokens and columns, if there are any.",
)
@seed_option
@threads_option
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Model folder to write."
)
@overwrite_option
def command(
    data: DataOptions,
    model: str | None,
    params: Path | None,
    settings: tuple[str, ...],
    features: str | None,
    random_state: int | None,
    threads: int,
    output: Path,
    overwrite: bool,
) -> None:
    """Fit a model and save it.

    INTERACTIONS is a file, or a folder in the layout of RecBole, KGCN or KGAT: CSV, TSV,
    Parquet, JSON lines, ...; columns are recognised by their usual names, or named with options.
    """
    check_output(output, overwrite=overwrite)
    inline = [] if features is None else [f"features={features}"]
    if params is None:
        spec = ModelSpec.parse(model or _DEFAULT, [*inline, *settings])
    else:
        spec = tuned_spec(params, model, [*inline, *settings])
    with working("Reading"):
        clean = load_data(data)
    screen = console()
    for line in (*str(clean.report).splitlines(), *clean.notes):
        click.echo(line)
    if clean.dataset.knowledge is not None:
        click.echo()
        show_knowledge(screen, clean.dataset, labels_of(data.dataset))
    click.echo()
    start = time.perf_counter()
    with working(f"Fitting {spec.label}"):
        fitted = spec.fit(clean.dataset, random_state=random_state, threads=threads)
    seconds = time.perf_counter() - start
    fitted.save(output, overwrite=overwrite)
    click.echo(
        f"{spec.label} with {_features(fitted)} fitted in {seconds:.1f} s, saved to {output}"
    )


def _features(model: Recommender) -> str:
    """Return which side information a fitted model uses."""
    used = [
        f"{side} {' and '.join(builder.name for builder in pipeline.builders_)}"
        for side, pipeline in (("item", model.item_pipeline_), ("user", model.user_pipeline_))
        if pipeline is not None
    ]
    return ", ".join(used) or "no features"
