"""What only the fit knew: the data, what was measured, when."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.named import dataset_names, describe_dataset

if TYPE_CHECKING:
    from hybridrec.dataset.cleaning import CleaningReport
    from hybridrec.dataset.dataset import Dataset
    from hybridrec.evaluation.groups import GroupReport
    from hybridrec.evaluation.results import Comparison
    from hybridrec.evaluation.selection import Choice, GuardReport
    from hybridrec.evaluation.selection.front import FitResult

_SHOWN = ("all", "warm", "cold")


def empty_record(fingerprint: str) -> dict[str, Any]:
    """Return a record of a fit of which nothing is known."""
    return {
        "created": None,
        "version": None,
        "fingerprint": fingerprint,
        "data": None,
        "cleaning": None,
        "measured": [],
        "leaks": [],
        "groups": None,
        "notes": "",
    }


def record_of(
    fingerprint: str, data: Dataset, cleaning: CleaningReport | None, found: FitResult | None
) -> dict[str, Any]:
    """Return the record of a fit that was just made."""
    choice, guard = (None, None) if found is None else (found.choice, found.guard)
    measured = []
    if choice is not None:
        measured.append(_of_choice(choice, fingerprint))
    if guard is not None and guard.rows:
        measured.append(_of_guard(guard, fingerprint))
    return {
        **empty_record(fingerprint),
        "created": _now(),
        "version": _version(),
        "data": _of_data(data),
        "cleaning": None if cleaning is None else cleaning.to_dict(),
        "measured": measured,
        "leaks": [] if guard is None else [str(leak) for leak in guard.leaks],
    }


def results_of(results: Comparison, fingerprint: str) -> dict[str, Any]:
    """Return held-out results as a measurement."""
    slices = [on for on in results.slices if on in _SHOWN]
    columns = results.evaluations[0].columns
    rows = {
        f"{model}, {on}" if len(slices) > 1 else model: {
            f"{metric}@{k}" if k is not None else metric: _or_none(
                results.mean(model, metric, k, on)
            )
            for metric, k in columns
        }
        for on in slices
        for model in results.by_model
    }
    first = results.evaluations[0]
    about = f"Held-out interactions of {len(first.slices['all'].users):,} users"
    if len(results.seeds) > 1:
        about += f", means over {len(results.seeds)} splits"
    return _measurement(about, rows, (), fingerprint, then_all=False)


def groups_of(groups: GroupReport, fingerprint: str) -> dict[str, Any]:
    """Return results by groups as a measurement."""
    return {
        "date": _now(),
        "fingerprint": fingerprint,
        "rows": [_finite(asdict(row)) for row in groups.rows],
        "gaps": [_finite(asdict(gap)) for gap in groups.gaps],
    }


def _of_choice(choice: Choice, fingerprint: str) -> dict[str, Any]:
    rows = {one.preset.label: dict(one.means) for one in choice.tried if one.means}
    about = f"Choice of the model: NDCG@20 on held-out interactions of {choice.n_users:,} users"
    return _measurement(about, rows, choice.lines, fingerprint, then_all=True)


def _of_guard(guard: GuardReport, fingerprint: str) -> dict[str, Any]:
    rows = {label: dict(means) for label, means in guard.rows.items()}
    about = (
        f"Side information: NDCG@20 of {guard.model} on held-out interactions of"
        f" {guard.n_users:,} users, by shorter fits on the rest of the data"
    )
    return _measurement(about, rows, guard.lines, fingerprint, then_all=True)


def _measurement(
    about: str,
    rows: dict[str, dict[str, Any]],
    findings: tuple[str, ...],
    fingerprint: str,
    *,
    then_all: bool,
) -> dict[str, Any]:
    """Return results in a table; ``then_all`` says that the model was fitted on all data after."""
    plain = {
        label: {name: None if one is None else float(one) for name, one in means.items()}
        for label, means in rows.items()
    }
    return {
        "about": about,
        "date": _now(),
        "fingerprint": fingerprint,
        "rows": plain,
        "findings": list(findings),
        "then_all": then_all,
    }


def _of_data(data: Dataset) -> dict[str, Any]:
    first, last = _time_span(data.interactions.timestamps)
    found: dict[str, Any] = {
        "name": data.name,
        "users": len(data.users),
        "items": len(data.items),
        "interactions": int(data.matrix.nnz),
        "first": first,
        "last": last,
        "licence": None,
        "non_commercial": False,
        "citation": None,
    }
    if data.name in dataset_names():
        info = describe_dataset(data.name)
        found |= {"licence": info.licence, "non_commercial": info.non_commercial}
        found["citation"] = info.citation
    return found


def _time_span(timestamps: np.ndarray | None) -> tuple[str | None, str | None]:
    """Return the days of the first and the last interaction, as far as they are known."""
    known = np.empty(0) if timestamps is None else timestamps[np.isfinite(timestamps)]
    if not known.size:
        return None, None
    try:
        ends = [
            datetime.fromtimestamp(float(one), timezone.utc) for one in (known.min(), known.max())
        ]
    except (OverflowError, OSError, ValueError):  # no seconds since 1970
        return None, None
    return ends[0].date().isoformat(), ends[1].date().isoformat()


def _now() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def _version() -> str | None:
    try:
        return version("hybridrec")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return None


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _or_none(value) for name, value in row.items()}


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
