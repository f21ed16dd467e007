"""How a fit puts several kinds of side information together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrec.cli.output import working
from hybridrec.errors import ParameterError
from hybridrec.evaluation.selection import BlockWeights, learn_block_weights
from hybridrec.features.fusion import SumFusion
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.models.base import Recommender
from hybridrec.models.side import blocks_by_side

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.tuning.side import Blocks
    from hybridrec.models.side import FeatureInput


@dataclass(frozen=True, eq=False)
class Fused:
    """What a model is fitted with.

    Attributes
    ----------
    item_features, user_features
        As in `hybridrec.fit`.
    weights : BlockWeights or None
        Where they were to be found.
    """

    item_features: FeatureInput
    user_features: FeatureInput
    weights: BlockWeights | None = None

    @classmethod
    def of(
        cls,
        fusion: str,
        blocks: Blocks,
        dataset: Dataset,
        model: Recommender | str,
        seconds: float,
        random_state: int,
        threads: int,
    ) -> Fused:
        """Fuse blocks (None: what the data offers) as asked for, one of `FUSIONS`.

        Raises
        ------
        ParameterError
            If weights are to be found for a model that is not known yet, or there are no features.
        """
        of_items, of_users = blocks_by_side(blocks, dataset)
        if fusion == "sum":
            if blocks == ():
                raise ParameterError("--fusion sum needs features; leave out --features none")
            fused = FeaturePipeline([SumFusion(of_items, random_state=random_state)])
            return cls(fused, of_users)
        if fusion != "learned":
            return cls(of_items, of_users)
        if isinstance(model, str):
            raise ParameterError(f"--fusion learned needs a model by name, not --model {model}")
        with working("Weighing side information"):
            found = learn_block_weights(
                model,
                dataset,
                item_features=of_items,
                user_features=of_users,
                seconds=seconds,
                random_state=random_state,
                num_threads=threads,
            )
        return cls(found.features("item"), found.features("user"), found)
