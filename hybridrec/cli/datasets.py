"""``hybridrec datasets``: the data sets that come with the package, and their terms."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from hybridrec.cli.output import console
from hybridrec.cli.tables import print_table
from hybridrec.dataset.named import DatasetInfo, dataset_names, describe_dataset


@click.command("datasets")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to print."
)
def command(form: str) -> None:
    """List the data sets that come with hybridrec.

    Any of them can stand for files: --dataset NAME.
    """
    found = [describe_dataset(name) for name in dataset_names()]
    if form == "json":
        rows = [{**asdict(info), "folder": str(info.folder)} for info in found]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    screen = console()
    for info in found:
        print_table(screen, {info.name: "left", info.title: "wrap"}, _described(info))


def _described(info: DatasetInfo) -> list[list[str]]:
    """Return what there is to know about a data set, as labels and texts."""
    known = {
        "interactions": f"{info.n_interactions:,} of {info.n_users:,} users with"
        f" {info.n_items:,} items",
        "knowledge": f"{info.n_triples:,} facts in {info.n_relations} relations on"
        f" {info.n_entities:,} entities; {info.n_linked_items:,} items linked",
        "terms": "NON-COMMERCIAL use only (the code is free)" if info.non_commercial else "",
        "licence": info.licence,
        "please cite": info.citation,
        "files": str(info.folder),
    }
    return [[label, text] for label, text in known.items() if text]
