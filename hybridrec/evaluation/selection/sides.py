"""The feature blocks of items and of users as something to weigh, leave out or shuffle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from hybridrec.evaluation.knowledge import shuffled
from hybridrec.features.blocks import Features
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.side import resolve_features

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.models.base import Recommender
    from hybridrec.models.side import FeatureInput


class Block(NamedTuple):
    """A feature block by its name, and what it describes: "item" or "user"."""

    side: str
    name: str

    def __str__(self) -> str:
        return f"{self.side} {self.name}"


Weights = Mapping[Block, float]


@dataclass(frozen=True, eq=False)
class Side:
    """The features of items, or of users.

    Attributes
    ----------
    name : {"item", "user"}
    pipeline : FeaturePipeline or None
        Fitted on a training fold; None where ready features were given.
    features : Features
        Of the fold.
    """

    name: str
    pipeline: FeaturePipeline | None
    features: Features

    def weighed(
        self, weights: Weights, dealt: Block | None = None, random_state: int = 0
    ) -> Features | list[str]:
        """Return the features with other weights; the rows of one block perhaps dealt at random.

        Weights multiply what was given; blocks of weight 0 are left out.
        """
        blocks = [
            replace(block, weight=block.weight * weights[Block(self.name, block.name)])
            for block in self.features.blocks
            if weights[Block(self.name, block.name)]
        ]
        if not blocks:
            return []
        found = Features(blocks)
        if dealt is None or dealt.side != self.name:
            return found
        return shuffled(found, [dealt.name], random_state)

    def on_all_data(self, weights: Weights) -> FeatureInput:
        """Return what to fit the final model with: `weighed`, to be made anew from all data."""
        found = self.weighed(weights)
        if self.pipeline is None or not isinstance(found, Features):
            return found
        weight = {block.name: block.weight for block in found.blocks}
        kept = [one for one in self.pipeline.builders_ if one.name in weight]
        return FeaturePipeline(kept, weights=weight, side=self.name)


def sides_of(
    model: Recommender, train: Dataset, item_features: FeatureInput, user_features: FeatureInput
) -> list[Side]:
    """Return the side information that a model would use, made from a training fold.

    Raises
    ------
    ParameterError, DataError
        As `Recommender.fit`.
    """
    sides = []
    for name, given in (("item", item_features), ("user", user_features)):
        pipeline, matrix = resolve_features(model, given, train, name)
        if matrix is not None:
            ready = given if isinstance(given, Features) else None
            if ready is None:
                assert pipeline is not None
                ready = pipeline.transform(train)
            sides.append(Side(name, pipeline, ready))
    return sides
