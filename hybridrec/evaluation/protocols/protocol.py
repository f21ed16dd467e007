"""Protocols by name: how papers cut, rank and measure, so that numbers can stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.measured import Evaluation
from hybridrec.evaluation.pairs import evaluate_pairs
from hybridrec.evaluation.splits import (
    Split,
    cold_items,
    labelled_pairs,
    predefined,
    random_split,
    warm_and_cold,
)


@dataclass(frozen=True)
class Protocol:
    """A split, what is ranked or scored, and what is measured.

    Attributes
    ----------
    name : str
    summary : str
        One line for people.
    cut : callable
        From a `Dataset` and a seed to a `Split`.
    metrics : tuple of str
    k : tuple of int
        Cut-offs; empty where pairs are scored.
    """

    name: str
    summary: str
    cut: Callable[[Dataset, int], Split]
    metrics: tuple[str, ...]
    k: tuple[int, ...] = ()

    @property
    def scores_pairs(self) -> bool:
        """Whether labelled pairs are scored; then rows of weight 0 are negatives to be kept."""
        return not self.k

    def measure(self, source: Any, split: Split, **options: Any) -> Evaluation:
        """Evaluate a fitted model or a run on one of the protocol's splits.

        Parameters
        ----------
        source, split
            As in `hybridrec.evaluation.evaluate` or `hybridrec.evaluation.evaluate_pairs`.
        **options
            Others of theirs, such as ``name`` and ``seed``.
        """
        if self.scores_pairs:
            return evaluate_pairs(source, split, metrics=self.metrics, **options)
        return evaluate(source, split, metrics=self.metrics, k=self.k, **options)


def protocol(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises
    ------
    ParameterError
        If there is none; suggests the nearest.
    """
    if name not in PROTOCOLS:
        raise ParameterError(
            f"unknown protocol {name!r}{did_you_mean(name, PROTOCOLS)}"
            f" (there are {', '.join(PROTOCOLS)})"
        )
    return PROTOCOLS[name]


def _given_or_random(dataset: Dataset, seed: int) -> Split:
    """Use the parts that come with the data, such as KGAT's train.txt and test.txt."""
    if "part" in dataset.interactions.context:
        return predefined(dataset)
    return random_split(dataset, random_state=seed)


def _seeded(make: Callable[..., Split]) -> Callable[[Dataset, int], Split]:
    return lambda dataset, seed: make(dataset, random_state=seed)


_RANKING = ("recall", "ndcg"), (20,)

PROTOCOLS: Mapping[str, Protocol] = {
    one.name: one
    for one in (
        Protocol(
            "kgcn-ctr",
            "click-through: random 6:2:2 of labelled pairs, as RippleNet, KGCN and followers",
            _seeded(labelled_pairs),
            ("auc", "f1"),
        ),
        Protocol(
            "full-ranking",
            "all unseen items ranked: the data's own train and test (KGAT), or a random fifth",
            _given_or_random,
            *_RANKING,
        ),
        Protocol(
            "cold-items",
            "a fifth of the items with all their interactions, ranked among each other",
            _seeded(cold_items),
            *_RANKING,
        ),
        Protocol(
            "warm-and-cold",
            "a fifth of the items, and interactions of the others, ranked in one list",
            _seeded(warm_and_cold),
            *_RANKING,
        ),
    )
}
