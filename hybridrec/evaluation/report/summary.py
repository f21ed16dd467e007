"""The results in words, and no more than the tests allow to say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.metrics import LOWER_IS_BETTER
from hybridrec.evaluation.report.content import LEVEL, Report
from hybridrec.evaluation.report.words import column_label, counted, listed, p_text, slice_label
from hybridrec.evaluation.tables import DECIMALS, beaten_models


def summary(report: Report) -> str:
    """Return a paragraph: the best model by the headline metrics, and whether that is certain."""
    return " ".join(_sentences(report))


def _sentences(report: Report) -> Iterator[str]:
    for column in report.headlines:
        yield _leader(report, column, "all")
    if "cold" in report.comparison.slices:
        yield _leader(report, report.headlines[0], "cold")
    if len(report.models) > 1:
        yield _basis(report)
    if report.verdict:
        yield report.verdict


def _leader(report: Report, column: Column, on: str) -> str:
    """Say which model is best in a column, and than which models it is significantly better."""
    ranked = sorted(
        report.models,
        key=lambda model: report.comparison.mean(model, *column, on),
        reverse=column[0] not in LOWER_IS_BETTER,
    )
    where = "" if on == "all" else f" on {slice_label(on)}"
    label, best = f"{column_label(column)}{where}", _named(report, ranked[0], column, on)
    if len(ranked) == 1:
        return f"{label} of {best}."
    texts = {f"{report.comparison.mean(one, *column, on):.{DECIMALS}f}" for one in ranked}
    if len(texts) == 1:
        return f"{label} is {texts.pop()} for all models."
    extreme = "lowest" if column[0] in LOWER_IS_BETTER else "highest"
    certainty = _certainty if column in report.user_columns else _lead
    return f"{label} is {extreme} for {best}, {certainty(report, column, on, ranked)}."


def _certainty(report: Report, column: Column, on: str, ranked: list[str]) -> str:
    """Return which models the best is significantly better than, and how near the next is."""
    best, *others = ranked
    beaten = beaten_models(report.tests[on], LEVEL).get((best, column), set())
    worse = [model for model in others if model in beaten]
    equal = [model for model in others if model not in beaten]
    if not equal:
        return f"significantly better than {_all(others)}"
    nearest = _difference(report, column, on, best, equal)
    if not worse:
        return f"but not significantly better than {_all(equal)} ({nearest})"
    return f"significantly better than {listed(worse)}, but not than {listed(equal)} ({nearest})"


def _all(others: list[str]) -> str:
    return f"the {len(others)} others" if len(others) > 3 else listed(others)


def _difference(report: Report, column: Column, on: str, best: str, others: list[str]) -> str:
    """Return how far the best is ahead of the nearest other, and how likely that is chance."""
    tested = report.tests[on]
    pair = [best, others[0]]
    row = np.flatnonzero(
        (tested["metric"] == column[0])
        & (tested["k"] == column[1])
        & np.isin(tested["model"], pair)
        & np.isin(tested["baseline"], pair)
    )[0]
    name = f"{others[0]}: " if len(others) > 1 else ""
    difference = abs(tested["difference"][row])
    return f"{name}{difference:.{DECIMALS}f} apart, {p_text(tested['p_holm'][row])}"


def _lead(report: Report, column: Column, on: str, ranked: list[str]) -> str:
    """Return how far the best is ahead of the next where there is nothing to test."""
    best, second = (
        np.array([one.mean(*column, on) for one in report.comparison.by_model[model]])
        for model in ranked[:2]
    )
    ahead = f"{abs(best.mean() - second.mean()):.{DECIMALS}f} ahead of {ranked[1]}"
    if len(best) == 1:
        return ahead
    wins = int(((best < second) if column[0] in LOWER_IS_BETTER else (best > second)).sum())
    return f"{ahead} and better in {wins} of {len(best)} seeds"


def _named(report: Report, model: str, column: Column, on: str) -> str:
    """Return a model with its value in brackets."""
    error = report.comparison.standard_error(model, *column, on)
    spread = report.comparison.spread(model, *column, on)
    text = f"{report.comparison.mean(model, *column, on):.{DECIMALS}f}"
    if not np.isnan(error):
        return f"{model} ({text} ± {error:.{DECIMALS}f})"
    return (
        f"{model} ({text})" if np.isnan(spread) else f"{model} ({text}, sd {spread:.{DECIMALS}f})"
    )


def _basis(report: Report) -> str:
    """Say what the judgement rests on."""
    seeds = counted(len(report.comparison.seeds), "seed")
    if not report.user_columns:
        return (
            f"Means are over {seeds}; with one value for all users together, differences cannot be"
            " tested user by user, only be compared with their spread over the seeds."
        )
    parts = [one.slices["all"] for one in report.comparison.by_model[report.models[0]]]
    users = round(np.mean([len(part.users) for part in parts]))
    return (
        f"Means ± standard errors are over {counted(users, 'user')}"
        f"{f' and {seeds}' if len(report.comparison.seeds) > 1 else ''}; significant is"
        f" p < {LEVEL} in a paired randomisation test after Holm's correction."
    )
