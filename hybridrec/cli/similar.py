"""``hybridrec similar``: the neighbours of items in a fitted model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.ids import load_model
from hybridrec.cli.lists import item_titles, show_lists, with_titles
from hybridrec.cli.options import OutputOptions, examples, k_option, output_options, threads_option
from hybridrec.cli.output import Columns, check_output, open_output, resolve_format

if TYPE_CHECKING:
    from rich.console import Console

_FORMATS = ("table", "json", "csv")


@click.command("similar", epilog=examples("hybridrec similar films.model --item 1"))
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--item", "items", metavar="ID", multiple=True, required=True, help="An item. Repeatable."
)
@k_option
@threads_option
@output_options(*_FORMATS)
def command(folder: Path, items: tuple[str, ...], k: int, threads: int, out: OutputOptions) -> None:
    """List the items most like given ones."""
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    model = load_model(folder)
    wanted = model.items_.parse(dict.fromkeys(items)).tolist()
    found = model.similar_items(wanted, k, num_threads=threads)
    columns = {name: found[name].to_numpy() for name in found.columns}
    titles = None if form == "json" else item_titles(model)
    with open_output(out, form, _show) as write:
        write(with_titles(columns, "similar", model.items_, titles))


def _show(screen: Console, columns: Columns) -> None:
    show_lists(screen, columns, "item")
