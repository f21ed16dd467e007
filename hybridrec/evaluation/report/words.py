"""How metrics, slices and numbers are called in a report."""

from __future__ import annotations

from collections.abc import Sequence

from hybridrec.evaluation.measured import Column
from hybridrec.evaluation.metrics import LOWER_IS_BETTER

_CAPITALS = frozenset({"ndcg", "map", "mrr", "f1", "auc", "gauc", "arp", "rmse", "mae"})


def metric_label(metric: str) -> str:
    """Return the name of a metric as papers write it, such as "NDCG" or "Hit rate"."""
    if metric in _CAPITALS:
        return metric.upper()
    return (metric[:1].upper() + metric[1:]).replace("-", " ")


def column_label(column: Column) -> str:
    """Return the name of a metric at its cut-off, such as "NDCG@20"."""
    metric, k = column
    return metric_label(metric) if k is None else f"{metric_label(metric)}@{k}"


def better(metric: str) -> str:
    """Return "higher" or "lower"."""
    return "lower" if metric in LOWER_IS_BETTER else "higher"


def slice_label(on: str) -> str:
    """Return what a slice of the test holds, such as "cold items"."""
    if on == "all":
        return "all test items"
    if on in ("warm", "cold"):
        return f"{on} items"
    side, _, part = on.partition(":")
    return f"{side} with {part.replace('=', ' = ')}" if "=" in part else f"{part} {side}"


def listed(names: Sequence[str]) -> str:
    """Return names as part of a sentence: "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int, thing: str) -> str:
    """Return "1 seed" or "3 seeds"."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def p_text(p_value: float) -> str:
    """Return a p-value as it is written: "p = 0.032", "p < 0.001"."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign, which is as wide for - as for +."""
    return f"{value:+.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def printable(text: str) -> str:
    """Return text on one line, without characters that XML cannot hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def shortened(names: Sequence[str], longest: int) -> list[str]:
    """Return names for figures: long ones without their middle, and still all different."""
    half = (longest - 1) // 2
    whole = map(printable, names)
    short = [n if len(n) <= longest else f"{n[: longest - half - 1]}…{n[-half:]}" for n in whole]
    return [
        name if short.count(name) == 1 else f"{name} ({at + 1})" for at, name in enumerate(short)
    ]
