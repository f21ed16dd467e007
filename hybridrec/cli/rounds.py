"""The splits an evaluation goes through: cut from data, read from a folder, or of a protocol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.cli.data import load_data
from hybridrec.cli.options import (
    COUNT,
    DUPLICATES,
    EXISTING,
    EXISTING_FILE,
    Command,
    DataOptions,
    gathered,
)
from hybridrec.cli.output import working
from hybridrec.cli.settings import SplitSpec
from hybridrec.cli.sources import notes_on, with_sources
from hybridrec.errors import ParameterError
from hybridrec.evaluation import PROTOCOLS, SERIES, SPLITS, load_split, protocol, published_rows

if TYPE_CHECKING:
    from hybridrec.evaluation import Split
    from hybridrec.evaluation.protocols import Protocol, PublishedRow

_SPLIT = "random"
_ADDED = ("vectors", "user_vectors", "column_type")  # to the data of a stored split
_NOT_GIVEN = (None, (), 0, DUPLICATES)  # values of data options that are left out


@dataclass(frozen=True)
class SplitOptions:
    """What was given for the options of `split_options`."""

    data_dir: Path | None
    split: str | None
    test: Path | None
    validation: Path | None
    split_dir: Path | None
    protocol: str | None
    seeds: int
    random_state: int


_OPTIONS = (
    click.option("--data", "data_dir", type=EXISTING, help="The same as INTERACTIONS."),
    click.option(
        "--split",
        metavar="SPLIT",
        help=f"One of {', '.join([*SPLITS, *SERIES])}; with parameters as in"
        f" random:by=user,test_fraction=0.1.  [default: {_SPLIT}]",
    ),
    click.option(
        "--test", type=EXISTING_FILE, help="Held-out rows; INTERACTIONS are for learning then."
    ),
    click.option(
        "--validation", type=EXISTING_FILE, help="Rows beside --test, not learned from either."
    ),
    click.option(
        "--split-dir",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help='A split written by "hybridrec split", in place of data and --split.',
    ),
    click.option(
        "--protocol",
        metavar="NAME",
        help=f"Cut and measure as published; one of {', '.join(PROTOCOLS)}.",
    ),
    click.option(
        "--seeds", type=COUNT, default=1, show_default=True, metavar="N", help="Splits and fits."
    ),
    click.option(
        "--random-state",
        type=click.IntRange(min=0),
        default=0,
        metavar="SEED",
        help="The first seed.",
    ),
)


def split_options(command: Command) -> Command:
    """Give a command the options of its splits, as one `SplitOptions` called ``cutting``."""
    return gathered(command, "cutting", SplitOptions, _OPTIONS)


@dataclass(frozen=True)
class Rounds:
    """The splits of an evaluation.

    Attributes
    ----------
    splits : iterator of (int, Split)
        Numbered: by seed, or fold.
    protocol : Protocol or None
    published : tuple of PublishedRow
        Results of others on the same data.
    notes : tuple of str
        What was decided about the data without being asked for.
    """

    splits: Iterator[tuple[int, Split]]
    protocol: Protocol | None = None
    published: tuple[PublishedRow, ...] = ()
    notes: tuple[str, ...] = ()


def make_rounds(data: DataOptions, cutting: SplitOptions) -> Rounds:
    """Read the data and return the splits, which are cut one by one.

    Raises
    ------
    ParameterError
        If options contradict each other.
    """
    if cutting.data_dir is not None:
        if data.interactions is not None:
            raise ParameterError("--data is the same as INTERACTIONS; give one of them")
        data = replace(data, interactions=cutting.data_dir)
    _check(cutting)
    if cutting.split_dir is not None:
        return _stored(data, cutting.split_dir, cutting)
    seeds = range(cutting.random_state, cutting.random_state + cutting.seeds)
    if cutting.protocol is not None:
        return _published(data, protocol(cutting.protocol), seeds)
    held_out = {"test": cutting.test, "valid": cutting.validation}
    parts = {name: path for name, path in held_out.items() if path is not None}
    spec = SplitSpec.parse("predefined" if parts else cutting.split or _SPLIT)
    with working("Reading"):
        clean = load_data(data, keep_negatives=spec.keeps_negatives, parts=parts)
    return Rounds(spec.cuts(clean.dataset, seeds), notes=clean.notes)


def _check(cutting: SplitOptions) -> None:
    ways = {
        "--split": cutting.split,
        "--test": cutting.test,
        "--split-dir": cutting.split_dir,
        "--protocol": cutting.protocol,
    }
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        raise ParameterError(f"{' and '.join(given)} both say what is held out; give one of them")
    if cutting.validation is not None and cutting.test is None:
        raise ParameterError("--validation goes with --test")


def _stored(data: DataOptions, folder: Path, cutting: SplitOptions) -> Rounds:
    values = {name: value for name, value in asdict(data).items() if name not in _ADDED}
    given = [name for name, value in values.items() if value not in _NOT_GIVEN]
    if given:
        what = "the file" if given[0] == "interactions" else f"--{given[0].replace('_', '-')}"
        raise ParameterError(f"--split-dir holds the data, as it was split; leave out {what}")
    if cutting.seeds > 1:
        raise ParameterError("--split-dir holds one split; leave out --seeds")
    with working("Reading"):
        made = load_split(folder)
        made = replace(made, train=with_sources(made.train, data))
    notes = tuple(notes_on(made.train))
    return Rounds(iter([(cutting.random_state or made.seed or 0, made)]), notes=notes)


def _published(data: DataOptions, chosen: Protocol, seeds: range) -> Rounds:
    with working("Reading"):
        clean = load_data(data, keep_negatives=chosen.scores_pairs)
    known_as = clean.known_as
    published = () if known_as is None else published_rows(chosen.name, known_as)
    splits = ((seed, chosen.cut(clean.dataset, seed)) for seed in seeds)
    return Rounds(splits, chosen, published, clean.notes)
