"""What relations that tell popularity buy: cold-start figures with them and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ParameterError
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.knowledge import MakeModel, is_knowledge, model_maker
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.selection.leaks import popularity_leaks
from hybridrec.features.pipeline import default_blocks

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.splits import Split

ALL, WITHOUT_LEAKS, NONE = "all relations", "without leaks", "no relations"


def compare_leaks(
    model: str | MakeModel,
    split: Split | Callable[[int], Split],
    *,
    params: Mapping[str, Any] | None = None,
    item_features: Sequence[str] | None = None,
    relations: Sequence[Any] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    metrics: Sequence[str] = ("recall", "ndcg"),
    k: int | Sequence[int] = 20,
    num_threads: int = 0,
) -> Comparison:
    """Fit a model with all relations, without those that tell popularity, and with none.

    A new item has no awards yet: what a model owes to such facts on held-out items it will not
    have on items that are really new. The honest figure is the second.

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
    item_features : sequence of str, optional
        Feature blocks; by default what the dataset offers. Without any relation those that do not
        come from the knowledge graph are left.
    relations : sequence, optional
        What to leave out; by default what `popularity_leaks` names in the first training fold,
        held-out interactions not counted.
    seeds : sequence of int, default (0, 1, 2)
        A seed is that of the model, and of the split if it is a function.
    metrics, k, num_threads
        As in `hybridrec.evaluation.evaluate`.

    Returns
    -------
    Comparison
        Of "all relations", "without leaks" and "no relations".

    Raises
    ------
    ParameterError
        If there is no knowledge graph, no relation to leave out, no seed, or a name is unknown.
    """
    make = model_maker(model, params)
    if not len(seeds):
        raise ParameterError("compare_leaks needs at least one seed")
    found = []
    for seed in seeds:
        cut = split(seed) if callable(split) else split
        if relations is None:
            relations = _leaks(cut.train)
        for name, train, blocks in _variants(cut.train, item_features, relations):
            fitted = make(seed).fit(train, item_features=blocks)
            asked: dict[str, Any] = {"metrics": metrics, "k": k, "num_threads": num_threads}
            found.append(evaluate(fitted, cut, name=name, seed=seed, **asked))
    return Comparison(found)


def _leaks(train: Dataset) -> list[Any]:
    named = [leak.relation for leak in popularity_leaks(train)]
    if not named:
        raise ParameterError("no relation tells popularity; name some with relations=")
    return named


def _variants(
    train: Dataset, blocks: Sequence[str] | None, relations: Sequence[Any]
) -> Iterator[tuple[str, Dataset, list[str]]]:
    if train.knowledge is None:
        raise ParameterError("the split's data has no knowledge graph")
    named = list(default_blocks(train) if blocks is None else blocks)
    yield ALL, train, named
    yield WITHOUT_LEAKS, train.with_knowledge(train.knowledge.without_relations(relations)), named
    rest = [name for name in named if not is_knowledge(name)]
    yield NONE, train.with_knowledge(None), rest
