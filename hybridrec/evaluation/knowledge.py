"""Does the knowledge graph help? One model with its features, without them, and with wrong ones."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.measured import column_name
from hybridrec.evaluation.metrics import LOWER_IS_BETTER
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.splits.split import Split
from hybridrec.features.blocks import FeatureBlock, Features
from hybridrec.features.pipeline import FeaturePipeline, kind_of
from hybridrec.models.registry import make_model, model_class
from hybridrec.runtime import random_stream

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput

WITH, WITHOUT, SHUFFLED = "with", "without", "shuffled"
KNOWLEDGE_BLOCKS = ("tokens", "two-hop-tokens", "smooth-tokens", "walks")

MakeModel: TypeAlias = "Callable[[int], Recommender]"

_LEVEL = 0.05
_STREAM = zlib.crc32(b"shuffled features")


@dataclass(frozen=True, eq=False)
class FeatureComparison(Comparison):
    """A model "with" some features, "without" them, and with them "shuffled".

    Attributes
    ----------
    about : str
        What the features are, as the subject of a sentence.
    cold_only : bool
        Whether all test items are cold.
    """

    about: str = "side information"
    cold_only: bool = False

    def verdict(
        self,
        metric: str | None = None,
        k: int | None = None,
        on: str | None = None,
        *,
        test: str = "randomisation",
        **options: Any,
    ) -> str:
        """Say in a sentence whether the features help.

        They do if the model is significantly better with them than without, and than with them
        shuffled: at 0.05, after Holm's correction for the three pairs.

        Parameters
        ----------
        metric : str, optional
            By default the first with a value per user.
        k : int, optional
            By default the largest.
        on : str, optional
            The slice; by default "cold" if there is one, else "all".
        test, **options
            As in `Comparison.significance`.
        """
        metric, _ = self._columns(metric, k)[0]
        k = self._columns(metric, k)[-1][1]
        on = on or ("cold" if "cold" in self.slices else "all")
        tested = self.tested([(metric, k)], on, test, **options)  # with-without comes first
        gain, p_gain, p_shuffled = tested["difference"][0], *tested["p_holm"][:2]
        sign = -1 if metric in LOWER_IS_BETTER else 1
        if not p_gain < _LEVEL:
            found = "makes no difference that this test can tell"
        elif gain * sign < 0:
            found = "hurts"
        elif p_shuffled < _LEVEL and tested["difference"][1] * sign > 0:
            found = "helps"
        else:
            found = "helps no more than shuffled features"
        means = {model: self.mean(model, metric, k, on) for model in self.by_model}
        return (
            f"{self.about[0].upper()}{self.about[1:]} {found}:"
            f" {column_name(metric, k)}{self._where(on)} is {means[WITH]:.4f} with it,"
            f" {means[WITHOUT]:.4f} without ({gain:+.4f}, {_p_text(p_gain)}) and"
            f" {means[SHUFFLED]:.4f} with shuffled features ({_p_text(p_shuffled)})."
        )

    def __str__(self) -> str:
        return f"{super().__str__()}\n\n{self.verdict()}"

    def _where(self, on: str) -> str:
        if on == "all":
            return " on cold items" if self.cold_only else ""
        return f" on {on} items" if on in ("warm", "cold") else f" on {on}"


def compare_features(
    model: str | MakeModel,
    split: Split | Callable[[int], Split],
    *,
    params: Mapping[str, Any] | None = None,
    item_features: FeatureInput = None,
    blocks: Sequence[str] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    metrics: Sequence[str] = ("recall", "ndcg"),
    k: int | Sequence[int] = 20,
    slices: Sequence[str] = (),
    num_threads: int = 0,
) -> FeatureComparison:
    """Fit a model with some item features, without them, and with them shuffled.

    Shuffled features are the same rows, dealt at random among the items that have any: the same
    values, sparsity and number of items with features, and no meaning. What a model gains from
    these it does not owe to what the features say.

    Parameters
    ----------
    model : str or callable
        A name in `hybridrec.models.registry.MODELS`, or a function from a seed to an unfitted
        model.
    split : Split or callable
        One split, or a function from a seed to a split, such as
        ``lambda seed: cold_items(data, random_state=seed)``. The latter also tells how much the
        result depends on the split, above all for cold items.
    params : mapping, optional
        Parameters of a model given by name.
    item_features : FeaturePipeline, Features or sequence of str, optional
        All features of the model; by default what the dataset offers.
    blocks : sequence of str, optional
        The blocks in question; the others are there in every variant. By default those that come
        from the knowledge graph, or all if none does.
    seeds : sequence of int, default (0, 1, 2)
        A seed is that of the model, of the shuffling, and of the split if it is a function.
    metrics, k, slices, num_threads
        As in `hybridrec.evaluation.evaluate`.

    Returns
    -------
    FeatureComparison
        Its `verdict` is one sentence, ``print`` shows everything.

    Raises
    ------
    ParameterError
        If a name is unknown, there are no seeds, or the model does not use item features.
    """
    make = model_maker(model, params)
    if not len(seeds):
        raise ParameterError("compare_features needs at least one seed")
    asked: dict[str, Any] = {"metrics": metrics, "k": k, "slices": slices}
    found = []
    cold_only = True
    for seed in seeds:
        cut = split(seed) if callable(split) else split
        whole = _features(item_features, cut)
        tested = _tested_blocks(whole, blocks)
        for name, features in _variants(whole, tested, seed):
            fitted = make(seed).fit(cut.train, item_features=features)
            found.append(
                evaluate(fitted, cut, name=name, seed=seed, num_threads=num_threads, **asked)
            )
        cold_only = cold_only and not cut.train.matrix.getnnz(axis=0)[cut.test.item_codes].any()
    return FeatureComparison(found, _subject(tested), cold_only)


def is_knowledge(block: str) -> bool:
    """Tell whether a block of this name comes from the knowledge graph."""
    return kind_of(block) in KNOWLEDGE_BLOCKS


def shuffled(features: Features, blocks: Sequence[str], random_state: int = 0) -> Features:
    """Deal the rows of some blocks at random among the items that have an entry in any of them.

    The rows of one item in several blocks stay together.
    """
    chosen = [block for block in features.blocks if block.name in blocks]
    described = np.any([_has_entries(block) for block in chosen], axis=0)
    rows = np.arange(len(features))
    rows[described] = random_stream(random_state, _STREAM).permutation(rows[described])
    return Features(
        [
            replace(block, matrix=block.matrix[rows]) if block in chosen else block
            for block in features.blocks
        ]
    )


def _variants(
    whole: Features, tested: Sequence[str], seed: int
) -> Iterator[tuple[str, FeatureInput]]:
    rest = [block for block in whole.blocks if block.name not in tested]
    yield WITH, whole
    yield WITHOUT, Features(rest) if rest else []
    yield SHUFFLED, shuffled(whole, tested, seed)


def model_maker(model: str | MakeModel, params: Mapping[str, Any] | None = None) -> MakeModel:
    """Return the function from a seed to an unfitted model that a name and parameters stand for.

    Raises
    ------
    ParameterError
        If there is no such model, or parameters come with a function.
    """
    if not isinstance(model, str):
        if params:
            raise ParameterError("params belong to a model given by name")
        return model
    given = dict(params or {})
    seeded = "random_state" in model_class(model).parameter_defaults()
    return lambda seed: make_model(model, **({"random_state": seed} if seeded else {}) | given)


def _features(given: FeatureInput, split: Split) -> Features:
    if isinstance(given, Features):
        return given
    pipeline = given if isinstance(given, FeaturePipeline) else FeaturePipeline(given)
    return pipeline.fit(split.train)


def _tested_blocks(whole: Features, blocks: Sequence[str] | None) -> list[str]:
    names = [block.name for block in whole.blocks]
    if blocks is None:
        return [name for name in names if is_knowledge(name)] or names
    for name in blocks:
        if name not in names:
            raise ParameterError(
                f"there is no feature block {name!r}{did_you_mean(name, names)}"
                f" (blocks: {first_few(names)})"
            )
    if not blocks:
        raise ParameterError("blocks must name at least one feature block")
    return list(blocks)


def _subject(tested: Sequence[str]) -> str:
    if all(map(is_knowledge, tested)):
        return "the knowledge graph"
    return f"side information ({', '.join(tested)})"


def _has_entries(block: FeatureBlock) -> np.ndarray:
    filled: np.ndarray = np.asarray((block.matrix != 0).sum(axis=1)).ravel() > 0
    return filled


def _p_text(p_value: float) -> str:
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.4f}"
