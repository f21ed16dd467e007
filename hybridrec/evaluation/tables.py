"""Comparisons as tables for reading: means, their errors, and what differs significantly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hybridrec.evaluation.metrics import LOWER_IS_BETTER

if TYPE_CHECKING:
    import pandas as pd

    from hybridrec.evaluation.results import Comparison

# The letters that exist raised; models beyond the last have none.
LETTERS = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))


def comparison_table(
    comparison: Comparison, on: str, tested: Mapping[str, np.ndarray] | None, level: float
) -> pd.DataFrame:
    """Return a row per model and a column per metric and k; see `Comparison.table`.

    ``tested`` are the columns of `Comparison.significance`; with them, the first column gives
    each model its letter.
    """
    import pandas as pd

    letter_of = dict(zip(comparison.by_model, LETTERS, strict=False))
    beaten = {} if tested is None else _beaten(tested, level)
    rows: dict[str, dict[str, str]] = {}
    for model, parts in comparison.by_model.items():
        row = {} if tested is None else {"#": letter_of.get(model, "")}
        for metric, k in parts[0].columns:
            losers = [letter_of.get(one, "") for one in beaten.get((model, metric, k), ())]
            marks = "".join(LETTERS[one] for one in sorted(filter(None, losers)))
            row[f"{metric}@{k}"] = _cell(comparison, model, metric, k, on) + marks
        covered, users = np.mean(
            [(one.slices[on].covered_users, len(one.slices[on].users)) for one in parts], axis=0
        )
        rows[model] = row | {"users": f"{covered:.0f}/{users:.0f}"}
    return pd.DataFrame.from_dict(rows, orient="index")


def comparison_text(comparison: Comparison) -> str:
    """Return the tables of all slices, and below them what the signs in them mean."""
    tables = [f"{on}\n{comparison.table(on).to_string()}" for on in comparison.slices]
    return "\n\n".join([*tables, "\n".join(_legend(comparison))])


def _beaten(tested: Mapping[str, np.ndarray], level: float) -> dict[tuple[str, str, int], set[str]]:
    """Return, for each model and column, the models whose values are significantly worse."""
    beaten = defaultdict(set)
    names = ("model", "baseline", "metric", "k", "difference", "p_holm")
    rows = zip(*(tested[name] for name in names), strict=True)
    for one, other, metric, k, difference, p_value in rows:
        if p_value < level:
            better = (difference > 0) != (metric in LOWER_IS_BETTER)
            winner, loser = (one, other) if better else (other, one)
            beaten[winner, metric, k].add(loser)
    return beaten


def _cell(comparison: Comparison, model: str, metric: str, k: int, on: str) -> str:
    error = comparison.standard_error(model, metric, k, on)
    spread = comparison.spread(model, metric, k, on)
    return (
        f"{comparison.mean(model, metric, k, on):.4f}"
        + ("" if np.isnan(error) else f" ± {error:.4f}")
        + ("" if np.isnan(spread) else f" (sd {spread:.4f})")
    )


def _legend(comparison: Comparison) -> Iterator[str]:
    yield "±: standard error over users"
    if len(comparison.seeds) > 1:
        yield f"sd: standard deviation over {len(comparison.seeds)} seeds"
    models, columns = len(comparison.by_model), len(comparison.evaluations[0].user_columns)
    tests = models * (models - 1) // 2 * columns
    if tests:
        yield (
            f"{LETTERS['a']}: better than model a, p < 0.05 in a randomisation test over users"
            f" (Holm's correction for m = {tests} in each table)"
        )
