"""Choices that a fit makes by itself, on held-out interactions: the model, its side information."""

from __future__ import annotations

from hybridrec.evaluation.selection.auto import Choice, choose_model
from hybridrec.evaluation.selection.block_weights import BlockWeights, learn_block_weights
from hybridrec.evaluation.selection.cut import ValidationCut
from hybridrec.evaluation.selection.front import AUTO, FitResult, fit
from hybridrec.evaluation.selection.guard import GuardedFit, guarded_fit
from hybridrec.evaluation.selection.leak_table import compare_leaks
from hybridrec.evaluation.selection.leaks import RelationLeak, popularity_leaks
from hybridrec.evaluation.selection.presets import PRESETS, Preset
from hybridrec.evaluation.selection.relation_weights import RelationWeights, learn_relation_weights
from hybridrec.evaluation.selection.report import BlockVerdict, GuardReport

__all__ = [
    "AUTO",
    "PRESETS",
    "BlockVerdict",
    "BlockWeights",
    "Choice",
    "FitResult",
    "GuardReport",
    "GuardedFit",
    "Preset",
    "RelationLeak",
    "RelationWeights",
    "ValidationCut",
    "choose_model",
    "compare_leaks",
    "fit",
    "guarded_fit",
    "learn_block_weights",
    "learn_relation_weights",
    "popularity_leaks",
]
