"""``hybridrec card``: the model card of a folder."""

from __future__ import annotations

from pathlib import Path

import click

from hybridrec.cli.ids import load_model
from hybridrec.cli.options import (
    EXISTING_FILE,
    OutputOptions,
    examples,
    output_options,
)
from hybridrec.cli.output import check_output, resolve_format, working, write_text
from hybridrec.errors import DataError
from hybridrec.evaluation.model_card import model_card

_FORMATS = ("markdown", "html", "json")

notes_option = click.option(
    "--card-notes",
    type=EXISTING_FILE,
    metavar="FILE",
    help="Markdown for the model card: intended use, whom it concerns, what else to know.",
)


@click.command(
    "card",
    epilog=examples(
        "hybridrec card films.model",
        "hybridrec card films.model --card-notes use.md -o card.html",
    ),
)
@click.argument("folder", metavar="MODEL", type=click.Path(path_type=Path))
@notes_option
@output_options(*_FORMATS)
def command(folder: Path, card_notes: Path | None, out: OutputOptions) -> None:
    """Print the model card: data, what was measured, limits.

    Sizes, features and lists are those of the model as it is; measurements are those of the fit,
    with their date.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    notes = read_notes(card_notes)
    model = load_model(folder)
    with working("Looking at lists"):
        card = model_card(model, notes=notes)
    writers = {"markdown": card.to_markdown, "html": card.to_html, "json": card.to_json}
    write_text(out, writers[form]())


def read_notes(path: Path | None) -> str | None:
    """Read the notes of a card.

    Raises
    ------
    DataError
        If the file is no text.
    """
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not text in UTF-8 (byte {error.start})") from error
