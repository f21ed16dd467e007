"""All definitions in one table, read from the docstrings, where each is written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hybridrec.evaluation.metrics.registry import (
    LOWER_IS_BETTER,
    METRICS,
    PAIR_METRICS,
    PLACEMENT_METRICS,
)

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = ("RecTools", "implicit", "LensKit", "RecBole", "ranx")
_HEADING = "\nDiffers from\n------------\n"
_ENTRY = re.compile(r"^(\w+) : ", re.MULTILINE)


def metric_table() -> pd.DataFrame:
    """Return a table of all metrics: what they judge, their formula, and how others differ.

    A row per metric with its name as index; columns ``judges`` ("lists", "all candidates" or
    "pairs"), ``better`` ("higher" or "lower"), ``definition``, and one for each of `LIBRARIES`.
    """
    import pandas as pd

    kinds: dict[str, Mapping[str, Callable[..., Any]]] = {
        "lists": METRICS,
        "all candidates": PLACEMENT_METRICS,
        "pairs": PAIR_METRICS,
    }
    rows = [
        {
            "metric": name,
            "judges": kind,
            "better": "lower" if name in LOWER_IS_BETTER else "higher",
            **definition(function),
        }
        for kind, metrics in kinds.items()
        for name, function in metrics.items()
    ]
    return pd.DataFrame(rows).set_index("metric")


def definition(function: Callable[..., Any]) -> dict[str, str]:
    """Return the formula of a metric and its notes on `LIBRARIES`, empty where there are none."""
    text, _, notes = (inspect.getdoc(function) or "").partition(_HEADING)
    names_and_notes = _ENTRY.split(notes)[1:]
    said = {
        name: " ".join(note.split())
        for name, note in zip(names_and_notes[::2], names_and_notes[1::2], strict=True)
    }
    formula = " ".join(text.split("\n\n")[0].split())
    return {"definition": formula, **{name: said.get(name, "") for name in LIBRARIES}}
