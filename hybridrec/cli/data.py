"""The data a command works on: read or loaded by name, cleaned, aligned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.cli.options import DataOptions
from hybridrec.cli.scenarios import ScenarioOptions
from hybridrec.cli.sources import knowledge_of, notes_on, with_sources
from hybridrec.dataset.cleaning import CleaningReport, clean
from hybridrec.dataset.context import with_context
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.idmap import IdMap
from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.labels import read_labels
from hybridrec.dataset.named import load_dataset
from hybridrec.dataset.readers import read_dataset
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.dataset.recency import Recency
from hybridrec.errors import ParameterError
from hybridrec.evaluation.protocols import recognise
from hybridrec.evaluation.splits import predefined, read_parts
from hybridrec.ranking.texts import split_pairs, typed_value

if TYPE_CHECKING:
    import pandas as pd

# Where weights are ratings: the least that counts as liking, unless --min-weight says otherwise.
LIKED: Mapping[str, float] = {"movielens-small": 3.5}

_FILES = ("kg", "link", "items", "users", "social")
_COLUMNS = (
    "user", "item", "weight", "timestamp", "event", "head", "relation", "tail", "friend",
    "delimiter",
)  # fmt: skip
_ID = "hybridrec id"  # a column name that no table has


@dataclass(frozen=True)
class CleanData:
    """A cleaned data set.

    Attributes
    ----------
    dataset : Dataset
    report : CleaningReport
    notes : tuple of str
        What was decided without being asked for.
    known_as : str or None
        The name under which numbers on the data were published.
    """

    dataset: Dataset
    report: CleaningReport
    notes: tuple[str, ...]
    known_as: str | None


def load_data(
    options: DataOptions,
    *,
    keep_negatives: bool = False,
    parts: Mapping[str, Path] | None = None,
    scenarios: ScenarioOptions | None = None,
) -> CleanData:
    """Read and clean what the options of a command name.

    Parameters
    ----------
    options : DataOptions
    keep_negatives : bool, default False
        Whether rows of weight 0 stay.
    parts : mapping of str to path, optional
        Files of held-out rows by part, "test" and perhaps "valid"; then the file of the options
        is "train", and every row has its part in the context.
    scenarios : ScenarioOptions, optional
        Rows of different scenarios are no repeats; users are linked.

    Raises
    ------
    ParameterError
        If the options contradict each other.
    DataError
        If a file cannot be used.
    """
    _check(options)
    column = None if scenarios is None else scenarios.scenario_column
    if options.dataset is not None:
        if parts:
            raise ParameterError(f"{options.dataset!r} has no test file of its own")
        dataset = load_dataset(options.dataset)
        rows = with_context(dataset.interactions, options.context, options.timezone or "UTC")
        dataset = dataset.with_interactions(rows)
    else:
        dataset = _read(options, parts or {}, column)
    notes: list[str] = []
    if scenarios is not None:
        dataset, notes = scenarios.linked(dataset)
    known_as = recognise(dataset)
    if options.drop_relation:
        if dataset.knowledge is None:
            raise ParameterError("--drop-relation needs a knowledge graph; there is none")
        dropped = dataset.knowledge.relations.parse(options.drop_relation)
        dataset = dataset.with_knowledge(dataset.knowledge.without_relations(dropped))
    if options.labels is not None:
        if dataset.knowledge is None:
            raise ParameterError("--labels needs a knowledge graph; there is none")
        texts = read_labels(open_file(options.labels, "labels"))
        dataset = dataset.with_knowledge(dataset.knowledge.with_labels(texts))
    min_weight = options.min_weight
    if min_weight is None and options.dataset is not None and options.dataset in LIKED:
        min_weight = LIKED[options.dataset]
        notes.append(f"ratings from {min_weight} count as liked; --min-weight changes that")
    interactions, report = clean(
        dataset.interactions,
        duplicates=options.duplicates,
        min_weight=min_weight,
        min_user_interactions=options.min_user_interactions,
        min_item_interactions=options.min_item_interactions,
        keep_negatives=keep_negatives,
        within=column,
    )
    interactions = interactions.weighted_by(_recency(options))
    dataset = with_sources(_with_rows(dataset, interactions), options)
    return CleanData(dataset, report, (*notes, *notes_on(dataset)), known_as)


def _check(options: DataOptions) -> None:
    """Refuse options that do not go together."""
    if (options.interactions is None) == (options.dataset is None):
        raise ParameterError("give either a file of interactions or --dataset NAME")
    if options.dataset is not None:
        for name in (*_FILES, *_COLUMNS, "event_weight"):
            if getattr(options, name):
                raise ParameterError(
                    f"--{name.replace('_', '-')} is for files; {options.dataset!r} has all it needs"
                )


def _recency(options: DataOptions) -> Recency | None:
    """Return what age and sessions do to the weights, if they do anything."""
    if options.half_life is None and options.session_gap is None:
        return None
    return Recency(options.half_life, options.session_gap)


def _read(options: DataOptions, parts: Mapping[str, Path], scenario: str | None) -> Dataset:
    """Read the files."""
    columns: dict[str, Any] = {
        name: getattr(options, name) for name in _COLUMNS if getattr(options, name) is not None
    }
    if scenario is not None:
        columns["context"] = [scenario]
    if options.event_weight:
        texts = split_pairs(options.event_weight, "event weight")
        columns["event_weights"] = {
            kind: typed_value(kind, text, float) for kind, text in texts.items()
        }
    if options.context:
        columns |= {"context": options.context, "timezone": options.timezone or "UTC"}
    columns |= {
        **knowledge_of(options),
        "items": options.items,
        "users": options.users,
        "social": options.social,
    }
    if not parts:
        return read_dataset(options.interactions, **columns)
    dataset = read_parts({"train": options.interactions, **parts}, **columns)
    predefined(dataset)  # refuses a pair in two parts, one of which cleaning would drop
    return dataset


def _with_rows(dataset: Dataset, interactions: Interactions) -> Dataset:
    """Return a data set with other interactions, whose id maps may have lost ids.

    Items that are in the item table or linked to the knowledge graph stay known.
    """
    if interactions.users == dataset.users and interactions.items == dataset.items:
        return dataset.with_interactions(interactions)
    return Dataset.build(
        interactions,
        dataset.knowledge,
        item_table=_with_ids(dataset.item_table, dataset.items),
        user_table=_with_ids(dataset.user_table, dataset.users),
        item=_ID,
        user=_ID,
        social=dataset.social,
        name=dataset.name,
    )


def _with_ids(table: pd.DataFrame | None, ids: IdMap) -> pd.DataFrame | None:
    """Return the rows of an aligned table that tell anything, with their ids as a column."""
    if table is None:
        return None
    return table.assign(**{_ID: ids.ids})[table.notna().any(axis=1)]
