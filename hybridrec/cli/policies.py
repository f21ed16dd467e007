"""Policies of exploration as commands name them, and what they learn from a log of impressions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridrec.errors import DataError
from hybridrec.online.exploration import (
    POLICIES,
    LoggedLists,
    Policy,
    load_policy,
    logged_lists,
    parse_policy,
)
from hybridrec.online.impressions import ImpressionLog

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

POLICY_HELP = (
    f"One of {', '.join(POLICIES)}, with parameters as in lin-ucb:alpha=0.3,epsilon=0.1,"
    " or the folder of a saved policy."
)
EXISTING_LOG = click.Path(exists=True, dir_okay=False, path_type=Path)


def ready_policy(text: str, model: Recommender) -> Policy:
    """Return a policy for a model: saved before, or with nothing learned."""
    if Path(text).is_dir():
        return load_policy(text, model)
    return parse_policy(text).prepare(model)


def read_log(path: Path, model: Recommender) -> LoggedLists:
    """Return all lists of a log, in the order in which they were shown."""
    with ImpressionLog(path) as log:
        found = [one for _, one in log.all()]
    if not found:
        raise DataError(f"{path} holds no list yet; hybridrec explore --impressions fills it")
    return logged_lists(found, model)
