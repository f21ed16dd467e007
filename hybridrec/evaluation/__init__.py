"""Splits, metrics, and the same evaluation for models and foreign runs."""

from __future__ import annotations

from hybridrec.evaluation.evaluate import compare, evaluate
from hybridrec.evaluation.groups import GroupReport, group_report
from hybridrec.evaluation.in_context import compare_in_context
from hybridrec.evaluation.knowledge import FeatureComparison, compare_features
from hybridrec.evaluation.leakage import check_leakage
from hybridrec.evaluation.measured import Evaluation
from hybridrec.evaluation.metrics import METRICS
from hybridrec.evaluation.model_card import ModelCard, model_card
from hybridrec.evaluation.pairs import evaluate_pairs
from hybridrec.evaluation.protocols import PROTOCOLS, protocol, published_rows
from hybridrec.evaluation.relations import RelationContributions, relation_contributions
from hybridrec.evaluation.replay import Replay, replay
from hybridrec.evaluation.results import Comparison
from hybridrec.evaluation.runs import read_qrels, read_run, write_qrels, write_run
from hybridrec.evaluation.slices import slice_names
from hybridrec.evaluation.splits import (
    SERIES,
    SPLITS,
    Split,
    by_time,
    cold_items,
    cold_users,
    export_split,
    k_fold,
    labelled_pairs,
    leave_last_n,
    load_split,
    predefined,
    random_split,
    read_predefined,
    sliding_windows,
    warm_and_cold,
)
from hybridrec.evaluation.trade_offs import TradeOffs, trade_off
from hybridrec.evaluation.tuning import TuningResult, tune

__all__ = [
    "METRICS",
    "PROTOCOLS",
    "SERIES",
    "SPLITS",
    "Comparison",
    "Evaluation",
    "FeatureComparison",
    "GroupReport",
    "ModelCard",
    "RelationContributions",
    "Replay",
    "Split",
    "TradeOffs",
    "TuningResult",
    "by_time",
    "check_leakage",
    "cold_items",
    "cold_users",
    "compare",
    "compare_features",
    "compare_in_context",
    "evaluate",
    "evaluate_pairs",
    "export_split",
    "group_report",
    "k_fold",
    "labelled_pairs",
    "leave_last_n",
    "load_split",
    "model_card",
    "predefined",
    "protocol",
    "published_rows",
    "random_split",
    "read_predefined",
    "read_qrels",
    "read_run",
    "relation_contributions",
    "replay",
    "slice_names",
    "sliding_windows",
    "trade_off",
    "tune",
    "warm_and_cold",
    "write_qrels",
    "write_run",
]
