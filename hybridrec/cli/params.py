"""The file of chosen parameters, which ``hybridrec tune`` writes and ``hybridrec fit`` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.tuning.side import blocks_text
from hybridrec.models.spec import ModelSpec
from hybridrec.ranking.texts import value_text

_LARGEST = 2**31 - 1


def tuned_spec(path: Path, model: str | None, settings: Iterable[str]) -> ModelSpec:
    """Return the model of a parameter file.

    Parameters
    ----------
    path : Path
    model : str or None
        As the caller names it; must be that of the file.
    settings : iterable of str
        ``parameter=value``, and ``features=blocks``, that count more than those of the file.

    Raises
    ------
    DataError
        If the file cannot be used; says why.
    ParameterError
        If the file is about another model, or settings make no sense.
    """
    name, own = _read(path)
    if model is not None and model != name:
        raise ParameterError(
            f"{path} holds parameters of {name}, not of {model}; leave out --model"
        )
    try:
        ModelSpec.parse(name, own)
    except ParameterError as error:
        raise DataError(f"{path}: {error}") from error
    return ModelSpec.parse(name, [*own, *settings])


def settings_of(params: dict[str, Any], blocks: Iterable[str] | None) -> list[str]:
    """Write parameters and feature blocks as the command line does: ``name=value``."""
    features = [] if blocks is None else [f"features={blocks_text(list(blocks))}"]
    return [*features, *(f"{name}={value_text(value)}" for name, value in params.items())]


def _read(path: Path) -> tuple[str, list[str]]:
    """Return the model of a file and its settings."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON file: {error}") from error
    model = _entry(path, found, "model", str)
    params = _entry(path, found, "params", dict)
    blocks = _entry(path, found, "features", (list, type(None)))
    for name, value in params.items():
        several = value if isinstance(value, list) and value else [value]
        if not all(isinstance(one, (bool, int, float, str)) for one in several):
            raise DataError(
                f"{path}: {name} must be a number, a text or a boolean, or some of them"
            )
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise DataError(f"{path}: {name} is beyond {_LARGEST:,}")
    if blocks is not None and not all(isinstance(block, str) for block in blocks):
        raise DataError(f'{path}: "features" must be names of feature blocks')
    try:
        return model, settings_of(params, blocks)
    except ParameterError as error:
        raise DataError(f"{path}: {error}") from error


def _entry(path: Path, found: Any, name: str, kind: Any) -> Any:
    if not isinstance(found, dict) or name not in found:
        raise DataError(f'{path} has no "{name}"; "hybridrec tune" writes such files')
    if not isinstance(found[name], kind):
        raise DataError(f'{path}: "{name}" makes no sense: {found[name]!r}')
    return found[name]
