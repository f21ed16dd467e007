"""The guard: side information that does not help on held-out interactions is switched off."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import DataError
from hybridrec.evaluation.knowledge import is_knowledge
from hybridrec.evaluation.selection.bench import Bench, Clock, OutOfTimeError
from hybridrec.evaluation.selection.cut import OVERALL, WARM, ValidationCut
from hybridrec.evaluation.selection.leaks import popularity_leaks
from hybridrec.evaluation.selection.report import BlockVerdict, GuardReport, own_view
from hybridrec.evaluation.selection.sides import Block, Weights, sides_of
from hybridrec.features.pipeline import default_blocks
from hybridrec.models.checks import at_least

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput

FEWEST_USERS, FEWEST_ITEMS = 50, 20  # held out; with less the guard does not judge

_SMALLER = (0.5, 0.25)  # weights tried of a block that both helps and hurts


@dataclass(frozen=True, eq=False)
class GuardedFit:
    """A fitted model, and what its side information was found to do.

    Attributes
    ----------
    model : Recommender
    report : GuardReport or None
        None where there is no side information, or the model uses none.
    """

    model: Recommender
    report: GuardReport | None


def guarded_fit(
    model: Recommender,
    data: Dataset | Any,
    *,
    item_features: FeatureInput = None,
    user_features: FeatureInput = None,
    switch: bool = True,
    seconds: float | None = None,
    cut: ValidationCut | None = None,
    random_state: int = 0,
    num_threads: int = 0,
    clock: Clock = time.monotonic,
) -> GuardedFit:
    """Fit a model on all data with the side information that helps on held-out interactions.

    A part of the data is held out, see `ValidationCut`. The model is fitted on the rest with all
    blocks of features, and for each block, the widest first, without it and with it shuffled. A
    block is used if NDCG@20 of warm items, or that of new ones (for a block of users, that of new
    users), is better with it by two standard errors than both without it and with its rows dealt
    at random; else it is switched off, before the next is judged. One that helps but makes warm
    items or the mixed list worse by two standard errors is tried at smaller weights. Standard
    errors count users and items as drawn.

    With fewer than 50 users or 20 new items held out nothing can be told: the block is used.

    Parameters
    ----------
    model : Recommender
        Is fitted; judged are fits of its class and parameters, with a third of the iterations.
    data : Dataset, Interactions or data frame
    item_features, user_features
        As in `Recommender.fit`.
    switch : bool, default True
        Whether to switch blocks off; False only reports.
    seconds : float, optional
        Time for judging: no fit begins that would take longer than what is left, as the slowest
        so far tells, and blocks that are not judged are used. By default as long as it takes:
        3 short fits for one block, 6 for two.
    cut : ValidationCut, optional
        By default `ValidationCut.of` the data with ``random_state``.
    random_state : int, default 0
        Of what is held out and of the shuffling; the same gives the same, unless time decides.
    num_threads : int, default 0
        Of measuring; the model has its own.
    clock : callable
        Returns seconds.

    Raises
    ------
    ParameterError, DataError
        As `Recommender.fit`.
    """
    dataset = data if isinstance(data, Dataset) else Dataset.build(data)
    if seconds is not None:
        at_least(0, seconds=seconds)
    started = clock()
    given: dict[str, FeatureInput] = {
        "item_features": item_features,
        "user_features": user_features,
    }
    cut = cut or _cut(model, dataset, user_features, random_state)
    sides = sides_of(model, dataset if cut is None else cut.train, item_features, user_features)
    if not sides:
        return GuardedFit(model.fit(dataset, **given), None)
    bench = Bench(model, cut, sides, random_state, num_threads, seconds, clock)
    report = judge(bench, switch=switch)
    if any(is_knowledge(block.name) for block in report.weights):
        report = replace(report, leaks=popularity_leaks(dataset, random_state=random_state))
    if set(report.weights.values()) != {1.0}:
        given |= {f"{side.name}_features": side.on_all_data(report.weights) for side in sides}
    report = replace(report, seconds=clock() - started)
    return GuardedFit(model.fit(dataset, **given), report)


def judge(bench: Bench, *, switch: bool = True) -> GuardReport:
    """Judge the side information of a bench, block by block; see `guarded_fit`."""
    weights = dict.fromkeys(bench.blocks, 1.0)
    judged = [block for block in bench.blocks if _enough(block, bench.cut)]
    verdicts: list[BlockVerdict] = []
    notes = _left(weights, judged, "too little is held out to judge")
    try:
        for block in judged:
            verdict = _verdict(bench, weights, block)
            verdicts.append(verdict)
            if switch:
                weights[block] = _weight(bench, weights, verdict)
        if judged:
            bench.measure(dict.fromkeys(weights, 0.0))
    except OutOfTimeError:
        notes += _left(judged, [one.block for one in verdicts], "no time was left to judge")
    return GuardReport(
        bench.model.model_name,
        {
            label: {view: gains.mean for view, gains in found.items()}
            for label, found in bench.log.items()
        },
        tuple(verdicts),
        weights,
        switch,
        0 if bench.cut is None else len(bench.cut.views[OVERALL].test_users),
        tuple(notes),
    )


def _cut(
    model: Recommender, dataset: Dataset, user_features: FeatureInput, random_state: int
) -> ValidationCut | None:
    """Hold out a part of the data, None where there is too little."""
    new_users = model.uses_user_features and (
        bool(default_blocks(dataset, "user"))
        if user_features is None
        else not (isinstance(user_features, Sequence) and len(user_features) == 0)
    )
    try:
        return ValidationCut.of(dataset, new_users=new_users, random_state=random_state)
    except DataError:
        return None


def _enough(block: Block, cut: ValidationCut | None) -> bool:
    """Tell whether enough is held out to judge a block."""
    views = (WARM, own_view(block))
    if cut is None or any(view not in cut.views for view in views):
        return False
    new = cut.views[own_view(block)].test
    rows = [cut.views[view].test_users for view in views]
    return min(map(len, rows)) >= FEWEST_USERS and len(np.unique(new.item_codes)) >= FEWEST_ITEMS


def _left(blocks: Iterable[Block], judged: Sequence[Block], why: str) -> list[str]:
    """Return a note on the blocks that were not judged, if there are any."""
    left = " and ".join(str(block) for block in blocks if block not in judged)
    return [f"{left}: used; {why}"] if left else []


def _verdict(bench: Bench, weights: Weights, block: Block) -> BlockVerdict:
    """Compare a block with its absence, and with its rows dealt at random."""
    found = bench.measure(weights)
    dealt = bench.measure(weights, block)
    without = bench.measure({**weights, block: 0.0})
    return BlockVerdict(
        block,
        {view: gains.less(without[view]) for view, gains in found.items()},
        {view: gains.less(dealt[view]) for view, gains in found.items()},
    )


def _weight(bench: Bench, weights: Weights, verdict: BlockVerdict) -> float:
    """Return the weight that a block gets after its verdict."""
    if not verdict.helps:
        return 0.0
    if not verdict.hurts:
        return 1.0
    for smaller in _SMALLER:
        tried = _verdict(bench, {**weights, verdict.block: smaller}, verdict.block)
        if tried.helps and not tried.hurts:
            return smaller
    return 0.0 if OVERALL in verdict.hurts else 1.0
