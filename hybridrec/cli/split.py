"""``hybridrec split``: files that any other system can train on."""

from __future__ import annotations

from pathlib import Path

import click

from hybridrec.cli.data import load_data
from hybridrec.cli.options import DataOptions, data_options, examples, overwrite_option
from hybridrec.cli.output import check_output, say, working
from hybridrec.cli.scores import describe_split
from hybridrec.cli.settings import SplitSpec
from hybridrec.errors import ParameterError
from hybridrec.evaluation.leakage import check_leakage
from hybridrec.evaluation.splits import SPLITS, Split, export_split


@click.command(
    "split",
    epilog=examples(
        "hybridrec split ratings.csv --kg triples.tsv --split cold-items -o cold",
        "hybridrec split --dataset movielens-small --split by-time:at=2012-01-01 -o late",
    ),
)
@data_options
@click.option(
    "--split",
    metavar="SPLIT",
    default="random",
    show_default=True,
    help=f"One of {', '.join(SPLITS)}; with parameters as in random:by=user,test_fraction=0.1.",
)
@click.option(
    "--random-state", type=click.IntRange(min=0), default=0, metavar="SEED", help="Of the split."
)
@click.option("--without-test", is_flag=True, help="Keep the answers back: leave out test.csv.")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="Folder to write."
)
@overwrite_option
def command(
    data: DataOptions,
    split: str,
    random_state: int,
    without_test: bool,
    output: Path,
    overwrite: bool,
) -> None:
    """Write a split as files that any other system can train on.

    The folder holds train.csv and test.csv (user, item, weight, timestamp), test_users.csv, all
    ids, the triples and link, and manifest.json with the fingerprint of the split. A system
    learns from train.csv and writes a list for every user of test_users.csv, as a table of user,
    item, and rank or score.
    """
    check_output(output, overwrite=overwrite)
    cutting = SplitSpec.parse(split)
    if cutting.is_series:
        raise ParameterError(f"{cutting.name} makes several splits; this command writes one")
    with working("Reading"):
        clean = load_data(data, keep_negatives=cutting.keeps_negatives)
    made = cutting.apply(clean.dataset, random_state)
    with working("Writing"):
        export_split(made, output, test=not without_test, overwrite=overwrite)
    for line in (*clean.notes, describe_split(made), *_left_out(made)):
        click.echo(line)
    click.echo(f"Written to {output}; fingerprint {made.fingerprint}")
    for warning in check_leakage(made):
        say(f"Warning: {warning}")


def _left_out(split: Split) -> list[str]:
    """Return what the split does not test or use."""
    told = {
        "users have too few interactions to be tested": split.skipped_users,
        "interactions are in no part": split.dropped_rows,
    }
    return [f"{count:,} {what}" for what, count in told.items() if count]
