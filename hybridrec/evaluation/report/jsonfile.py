"""A report as JSON: every number of it, for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.report.content import LEVEL, Report
from hybridrec.evaluation.report.intervals import CONFIDENCE, intervals
from hybridrec.evaluation.report.summary import summary
from hybridrec.evaluation.report.tabulated import definitions
from hybridrec.evaluation.report.words import better
from hybridrec.evaluation.results import Comparison

if TYPE_CHECKING:
    from hybridrec.evaluation.relations import RelationContributions

FORMAT_VERSION = 1


def to_json(report: Report) -> str:
    """Return a report as a JSON object.

    ``means`` has a row per slice, model, metric and k: the mean over seeds, its standard error
    over users, its standard deviation over seeds, and the bounds of a 95 % bootstrap interval
    over users. ``rows`` are those of `Comparison.rows`, seed by seed; ``significance`` those of
    `Comparison.significance`, for every slice; ``curves`` and ``knowledge`` have the form of
    ``means``, ``trade_offs`` that of ``rows`` with "rerank" and "weight"; ``groups`` has the
    ``rows`` and ``gaps`` of a `GroupReport`; what there is not is null.

    Parameters
    ----------
    report : Report
    """
    content = {
        "format": "hybridrec report",
        "format_version": FORMAT_VERSION,
        "title": report.title,
        "summary": summary(report),
        "about": dict(report.about),
        "commands": list(report.commands),
        "notes": report.all_notes,
        "confidence": CONFIDENCE,
        "level": LEVEL,
        "metrics": {
            metric: {"better": better(metric), "definition": text}
            for metric, text in definitions(report).items()
        },
        "means": _means(report.comparison),
        "rows": report.comparison.rows(),
        "significance": [
            {"slice": on, **row} for on, tested in report.tests.items() for row in _rows(tested)
        ],
        "curves": report.curves and _means(report.curves),
        "knowledge": report.knowledge
        and {"verdict": report.verdict, "means": _means(report.knowledge)},
        "relations": report.relations and _relations(report.relations),
        "trade_offs": report.trade_offs and report.trade_offs.summary(),
        "groups": report.groups
        and {
            "rows": [asdict(row) for row in report.groups.rows],
            "gaps": [asdict(gap) for gap in report.groups.gaps],
        },
        "published": [asdict(row) for row in report.published],
    }
    return json.dumps(_plain(content), ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _means(comparison: Comparison) -> list[dict[str, Any]]:
    columns = comparison.evaluations[0].columns
    found = []
    for on in comparison.slices:
        bounds = intervals(comparison, columns, on, over_seeds=False)
        for model in comparison.by_model:
            for column in columns:
                low, high = bounds.get((model, column), (math.nan, math.nan))
                row = _mean(comparison, model, column, on)
                found.append({**row, "ci_low": low, "ci_high": high})
    return found


def _mean(comparison: Comparison, model: str, column: Column, on: str) -> dict[str, Any]:
    metric, k = column
    return {
        "slice": on,
        "model": model,
        "metric": metric,
        "k": k,
        "value": comparison.mean(model, metric, k, on),
        "se": comparison.standard_error(model, metric, k, on),
        "sd": comparison.spread(model, metric, k, on),
    }


def _relations(found: RelationContributions) -> dict[str, Any]:
    """Return the contributions without what is of no use outside Python."""
    content = asdict(found)
    del content["backend"]
    return content


def _rows(columns: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    names, lists = list(columns), [values.tolist() for values in columns.values()]
    return [dict(zip(names, row, strict=True)) for row in zip(*lists, strict=True)]


def _plain(value: Any) -> Any:
    """Return what JSON can hold: numpy's numbers as Python's, NaN as null."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
