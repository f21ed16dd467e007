"""What each block of features should weigh beside the others, found on held-out interactions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection.bench import Bench, Clock, Measured, OutOfTimeError
from hybridrec.evaluation.selection.cut import OVERALL, ValidationCut
from hybridrec.evaluation.selection.gains import Difference
from hybridrec.evaluation.selection.sides import Block, Side, sides_of
from hybridrec.models.checks import at_least

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput

FACTORS = (0.0, 0.5, 2.0)  # by which a weight is changed
MOST_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """Weights of feature blocks, and how they were found; ``print`` shows them.

    Attributes
    ----------
    weights : dict of Block to float
    tried : dict of str to dict of view to float
        NDCG@20 on the validation cut, by what differs from weights of 1.
    steps : tuple of str
        What was changed, in order, and what it brought.
    n_users : int
        How many users were measured.
    seconds : float
    out_of_time : bool
        Whether time ended the search: with more of it the weights may differ.
    """

    weights: dict[Block, float]
    tried: dict[str, dict[str, float]]
    steps: tuple[str, ...]
    n_users: int
    seconds: float
    out_of_time: bool
    sides: tuple[Side, ...]

    def features(self, side: str = "item") -> FeatureInput:
        """Return what to fit with on all data: a pipeline with the weights, or an empty list."""
        return next((one.on_all_data(self.weights) for one in self.sides if one.name == side), None)

    @property
    def lines(self) -> tuple[str, ...]:
        """What was found, in sentences."""
        listed = ", ".join(f"{block} {weight:g}" for block, weight in self.weights.items())
        steps = self.steps or ("No change of a weight was better than weights of 1.",)
        late = ("Time ended the search: with more of it the weights may differ.",)
        return (*steps, f"Weights: {listed}.", *(late if self.out_of_time else ()))

    @property
    def title(self) -> str:
        """What the table shows."""
        return f"NDCG@20 on held-out interactions of {self.n_users:,} users ({self.seconds:.1f} s)"

    def __str__(self) -> str:
        width = max(map(len, self.tried))
        views = list(next(iter(self.tried.values())))
        rows = [
            f"{label:<{width}}" + "".join(f"{means[view]:11.4f}" for view in views)
            for label, means in self.tried.items()
        ]
        head = "".join(f"{view:>11}" for view in views)
        return "\n".join([self.title, f"{'':<{width}}{head}", *rows, *self.lines])


def learn_block_weights(
    model: Recommender,
    data: Dataset | Any,
    *,
    item_features: FeatureInput = None,
    user_features: FeatureInput = None,
    factors: Sequence[float] = FACTORS,
    seconds: float | None = None,
    random_state: int = 0,
    num_threads: int = 0,
    clock: Clock = time.monotonic,
) -> BlockWeights:
    """Find the weights of feature blocks with which a model is better on held-out interactions.

    A part of the data is held out, see `ValidationCut`, and the model is fitted on the rest, with
    a third of the iterations. From weights of 1 on, the weight of one block after the other, the
    widest first, is multiplied by each of ``factors``; the change that is best in lists of known
    and new items is kept if it is better by more than a standard error, and not worse by two among
    known, new or both. A block may also go where this costs nothing: if the mean is
    no lower without it. That is repeated until nothing changes, at most three times.

    Parameters
    ----------
    model : Recommender
        Unfitted; one that uses item features.
    data : Dataset, Interactions or data frame
        Nothing else is looked at.
    item_features, user_features
        As in `Recommender.fit`; weights in a pipeline are multiplied.
    factors : sequence of float, default (0, 0.5, 2)
        0 switches a block off.
    seconds : float, optional
        No fit begins that would end later; by default as long as it takes.
    random_state : int, default 0
        Of what is held out.
    num_threads : int, default 0
        Of measuring; the model has its own.
    clock : callable
        Returns seconds.

    Raises
    ------
    ParameterError
        If the model uses no features, there are none, or a factor is negative.
    DataError
        If there are too few interactions to hold any out.

    Examples
    --------
    >>> found = learn_block_weights(HybridALS(), data, item_features=["tokens", "walks"])
    >>> model = HybridALS().fit(data, item_features=found.features())
    """
    at_least(0, **{f"factor {one}": one for one in factors})
    if not model.uses_item_features:
        raise ParameterError(f"{model.model_name} does not use features, so they have no weights")
    dataset = data if isinstance(data, Dataset) else Dataset.build(data)
    started = clock()
    cut = ValidationCut.of(dataset, random_state=random_state)
    sides = sides_of(model, cut.train, item_features, user_features)
    if not sides:
        raise ParameterError("there is no side information whose weights could be found")
    bench = Bench(model, cut, sides, random_state, num_threads, seconds, clock)
    search = _Search(bench, tuple(dict.fromkeys(factors)))
    late = search.run()
    return BlockWeights(
        search.weights,
        {
            label: {view: gains.mean for view, gains in found.items()}
            for label, found in bench.log.items()
        },
        tuple(search.steps),
        len(cut.views[OVERALL].test_users),
        clock() - started,
        late,
        tuple(sides),
    )


class _Search:
    """Coordinate search over the weights of a bench's blocks."""

    def __init__(self, bench: Bench, factors: Sequence[float]) -> None:
        self.bench, self.factors = bench, factors
        self.weights = dict.fromkeys(bench.blocks, 1.0)
        self.steps: list[str] = []

    def run(self) -> bool:
        """Change weights as long as it helps; return whether time ended it."""
        try:
            for _ in range(MOST_ROUNDS):
                before = dict(self.weights)
                for block in self.bench.blocks:
                    self._improve(block)
                if self.weights == before:
                    break
        except OutOfTimeError:
            return True
        return False

    def _improve(self, block: Block) -> None:
        """Take the best change of one weight, if any is worth it."""
        now = self.bench.measure(self.weights)
        best: tuple[float, float, str] | None = None
        for factor in self.factors if self.weights[block] else ():
            weight = self.weights[block] * factor
            change = _changes(self.bench.measure({**self.weights, block: weight}), now)
            gain = change[OVERALL].mean
            if _worth(change, dropped=weight == 0) and (best is None or gain > best[0]):
                best = gain, weight, str(change[OVERALL])
        if best is not None:
            _, weight, said = best
            self.steps.append(f"{block}: {self.weights[block]:g} -> {weight:g} ({OVERALL} {said})")
            self.weights[block] = weight


def _changes(found: Measured, now: Measured) -> dict[str, Difference]:
    return {view: gains.less(now[view]) for view, gains in found.items()}


def _worth(change: dict[str, Difference], *, dropped: bool) -> bool:
    """Tell whether a change helps and hurts nowhere; to drop a block it need only cost nothing."""
    if any(one.below for one in change.values()):
        return False
    overall = change[OVERALL]
    return overall.mean >= 0 if dropped else overall.mean > overall.error
