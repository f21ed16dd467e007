"""What each relation of the knowledge graph contributes: a model with and without it, and alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.frames import DEFAULT_BACKEND, Backend, make_frame
from hybridrec.errors import ParameterError, first_few
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.knowledge import KNOWLEDGE_BLOCKS, MakeModel, is_knowledge, model_maker
from hybridrec.evaluation.measured import Evaluation, column_name
from hybridrec.evaluation.results import by_user
from hybridrec.evaluation.significance import bootstrap_interval
from hybridrec.evaluation.splits.pairs import check_count
from hybridrec.evaluation.splits.split import Split
from hybridrec.features.blocks import Features
from hybridrec.features.pipeline import FeaturePipeline

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.dataset.knowledge import KnowledgeGraph
    from hybridrec.models.side import FeatureInput


@dataclass(frozen=True)
class RelationContribution:
    """What one relation contributes, or several together.

    Attributes
    ----------
    relation : str
        Its name, or "other (n relations)".
    triples : int
        How many triples it has.
    items : int
        How many items of the catalogue are the head or tail of one.
    without : float
        The metric when the relation is left out.
    change : float
        What the relation adds to all others: the metric with all less the one without it.
    low, high : float
        The 95 % bootstrap interval of the change, paired by user.
    only : float or None
        The metric with no other relation, None if it was not asked for.
    after_release : bool
        Whether the graph says that it is known only after an item succeeds.
    """

    relation: str
    triples: int
    items: int
    without: float
    change: float
    low: float
    high: float
    only: float | None
    after_release: bool = False


@dataclass(frozen=True)
class RelationContributions:
    """What every relation contributes to a model; the result of `relation_contributions`.

    Attributes
    ----------
    model, metric : str
    k : int or None
        None for a metric without cut-offs.
    on : str
        The slice of the test.
    full, none : float
        The metric with all relations, and with none.
    rows : tuple of RelationContribution
        By their change, largest first.
    """

    model: str
    metric: str
    k: int | None
    on: str
    full: float
    none: float
    rows: tuple[RelationContribution, ...]
    backend: Backend = field(default=DEFAULT_BACKEND, repr=False)

    @property
    def frame(self) -> Any:
        """The rows as a data frame, of the library of the split's interactions."""
        listed = [asdict(row) for row in self.rows]
        return make_frame({name: [row[name] for row in listed] for name in listed[0]}, self.backend)

    def __str__(self) -> str:
        import pandas as pd

        cells = [
            {
                "relation": row.relation + "*" * row.after_release,
                "triples": f"{row.triples:,}",
                "items": f"{row.items:,}",
                "without": f"{row.without:.4f}",
                "change": f"{row.change:+.4f}",
                "95 % interval": f"{row.low:+.4f} to {row.high:+.4f}",
                "alone": "" if row.only is None else f"{row.only:.4f}",
            }
            for row in self.rows
        ]
        table = pd.DataFrame(cells)
        if all(row.only is None for row in self.rows):
            del table["alone"]
        lines = [
            f"{column_name(self.metric, self.k)} ({self.on}) of {self.model}: {self.full:.4f} with"
            f" all relations, {self.none:.4f} with none",
            table.to_string(index=False),
            "change: with all relations less without this one; interval over users",
        ]
        if any(row.after_release for row in self.rows):
            lines.append("*: known only after an item succeeds, and so tells its popularity")
        return "\n".join(lines)


def relation_contributions(
    model: str | MakeModel,
    split: Split | Callable[[int], Split],
    *,
    params: Mapping[str, Any] | None = None,
    item_features: FeaturePipeline | Sequence[str] | None = None,
    metric: str = "ndcg",
    k: int = 20,
    on: str | None = None,
    seeds: Sequence[int] = (0,),
    top: int = 12,
    only: bool = True,
    num_threads: int = 0,
) -> RelationContributions:
    """Fit a model without each relation of the knowledge graph, and with each alone.

    Every fit makes the features anew from what is left of the graph, so a relation is missed
    wherever the features use it: two hops away and on random walks as well. A model is fitted
    ``2 * (top + 1) + 2`` times for a seed, ``top + 3`` times without ``only``.

    Parameters
    ----------
    model : str or callable
        A name in `hybridrec.models.registry.MODELS`, or a function from a seed to an unfitted
        model.
    split : Split or callable
        One split, or a function from a seed to a split, such as
        ``lambda seed: cold_items(data, random_state=seed)``.
    params : mapping, optional
        Parameters of a model given by name.
    item_features : FeaturePipeline or sequence of str, optional
        All features of the model; by default what the dataset offers. Blocks that do not come
        from the graph are there in every fit.
    metric : str, default "ndcg"
        One with a value per user.
    k : int, default 20
        Cut-off, for metrics that have one.
    on : str, optional
        The slice; by default "cold" if there is one, else "all".
    seeds : sequence of int, default (0,)
        A seed is that of the model, and of the split if it is a function. Values are means over
        them.
    top : int, default 12
        The relations with most triples about items have a row each, the others one together.
    only : bool, default True
        Whether to fit with each relation alone.
    num_threads : int, default 0

    Returns
    -------
    RelationContributions
        ``print`` shows it as a table.

    Raises
    ------
    ParameterError
        If there is no knowledge graph, the model or its features do not use it, the metric or
        slice is unknown, or a parameter has another value.

    Notes
    -----
    Changes do not sum to what the graph adds: what several relations say (a director and the
    actors they work with, say) is missed only when all are left out. A relation with no change
    may so be worth much alone.

    A relation whose facts appear after an item succeeds, such as awards or sequels, can look
    useful because it tells the item's popularity; for new items it will be empty. Where the graph
    names such relations (``after_release``), leave them out of the data before splitting:
    ``data.with_knowledge(data.knowledge.without_after_release())``.
    """
    if not len(seeds):
        raise ParameterError("relation_contributions needs at least one seed")
    check_count("top", top, 1)
    measure = _Measure(
        model_maker(model, params), _pipeline(item_features), metric, k, on, num_threads
    )
    cuts = [split(seed) if callable(split) else split for seed in seeds]
    groups = _groups(cuts[0].train, top)
    found = [
        [measure(cut, graph, seed) for graph in _graphs(cut.train, groups, only)]
        for cut, seed in zip(cuts, seeds, strict=True)
    ]
    (column,), where = found[0][0].columns, _slice(found[0][0], on)
    values = [np.column_stack([one.values(*column, where) for one in parts]) for parts in found]
    of_users = by_user(values, found, where)
    full, none = of_users[:, :2].mean(axis=0).tolist()
    rows = sorted(_rows(of_users, groups, num_threads), key=lambda row: -row.change)
    return RelationContributions(
        found[0][0].model, *column, where, full, none, tuple(rows), cuts[0].test.backend
    )


@dataclass(frozen=True)
class _Group:
    """Relations that are left out, and kept, together."""

    name: str
    relations: tuple[Any, ...]
    triples: int
    items: int
    after_release: bool


def _groups(train: Dataset, top: int) -> list[_Group]:
    """Put the relations with most triples about items in a group each, the others in one."""
    knowledge = _knowledge_of(train)
    ends = np.stack([knowledge.head, knowledge.tail])
    about = np.isin(ends, train.item_entities).any(axis=0)
    counts = np.bincount(knowledge.relation[about], minlength=len(knowledge.relations))
    order = np.argsort(-counts, kind="stable")
    used = order[np.isin(order, knowledge.relation)]
    shares = [used[at : at + 1] for at in range(min(top, len(used)))]
    shares += [used[top:]] if len(used) > top else []
    groups = []
    for codes in shares:
        names = tuple(knowledge.relations.ids[codes].tolist())
        rows = np.isin(knowledge.relation, codes)
        groups.append(
            _Group(
                str(names[0]) if len(names) == 1 else f"other ({len(names)} relations)",
                names,
                int(rows.sum()),
                int(np.isin(train.item_entities, ends[:, rows]).sum()),
                not knowledge.after_release.isdisjoint(names),
            )
        )
    return groups


def _graphs(
    train: Dataset, groups: Sequence[_Group], only: bool
) -> Iterator[KnowledgeGraph | None]:
    """Yield the whole graph, none, that without each group and, if asked for, with each alone."""
    knowledge = _knowledge_of(train)
    yield knowledge
    yield None
    for group in groups:
        yield knowledge.without_relations(group.relations)
    for group in groups if only else ():
        others = [name for one in groups if one is not group for name in one.relations]
        yield knowledge.without_relations(others)


@dataclass(frozen=True)
class _Measure:
    """Fits and evaluates with some of the knowledge graph."""

    make: MakeModel
    pipeline: FeaturePipeline
    metric: str
    k: int
    on: str | None
    num_threads: int

    def __call__(self, split: Split, knowledge: KnowledgeGraph | None, seed: int) -> Evaluation:
        train = split.train.with_knowledge(knowledge)
        fitted = self.make(seed).fit(train, item_features=self._features(split.train, knowledge))
        measured = evaluate(
            fitted,
            split,
            metrics=[self.metric],
            k=self.k,
            seed=seed,
            num_threads=self.num_threads,
        )
        (column,) = measured.columns
        if measured.values(*column, _slice(measured, self.on)).ndim == 0:
            raise ParameterError(f"{self.metric} has one value for all users: nothing to pair")
        return measured

    def _features(self, train: Dataset, knowledge: KnowledgeGraph | None) -> FeatureInput:
        """Make the features anew; without a graph, leave out the blocks that need one."""
        if knowledge is not None:
            return self.pipeline.fit(train.with_knowledge(knowledge))
        blocks = self.pipeline.fit(train).blocks
        rest = [block for block in blocks if not is_knowledge(block.name)]
        if len(rest) == len(blocks):
            raise ParameterError(
                "no feature block comes from the knowledge graph, only"
                f" {first_few(block.name for block in rest)};"
                f" name one of {first_few(KNOWLEDGE_BLOCKS)}"
            )
        return Features(rest) if rest else []


def _rows(
    by_user: np.ndarray, groups: Sequence[_Group], num_threads: int
) -> Iterator[RelationContribution]:
    """Sum up what was measured with every graph of `_graphs`, a column each."""
    full, _, *means = by_user.mean(axis=0).tolist()
    without, alone = means[: len(groups)], means[len(groups) :] or [None] * len(groups)
    changes = by_user[:, :1] - by_user[:, 2 : 2 + len(groups)]
    low, high = bootstrap_interval(changes, num_threads=num_threads)
    for at, group in enumerate(groups):
        yield RelationContribution(
            group.name,
            group.triples,
            group.items,
            without[at],
            full - without[at],
            float(low[at]),
            float(high[at]),
            alone[at],
            group.after_release,
        )


def _knowledge_of(train: Dataset) -> KnowledgeGraph:
    if train.knowledge is None or len(train.knowledge) == 0:
        raise ParameterError(
            "the split's data has no knowledge graph; give the dataset one before splitting it"
        )
    return train.knowledge


def _pipeline(given: FeatureInput) -> FeaturePipeline:
    if isinstance(given, Features):
        raise ParameterError(
            "features must be made anew without each relation: give a FeaturePipeline or the"
            " names of blocks, not ready Features"
        )
    return copy(given) if isinstance(given, FeaturePipeline) else FeaturePipeline(given)


def _slice(measured: Evaluation, on: str | None) -> str:
    return on or ("cold" if "cold" in measured.slices else "all")
