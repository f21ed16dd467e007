"""Who is served worse, who is shown less: groups of users and of items."""

from __future__ import annotations

from hybridrec.evaluation.groups.found import FEWEST, GroupReport, GroupRow, ModelGap
from hybridrec.evaluation.groups.grouping import DEFAULT_GROUPS, Grouping, group_by
from hybridrec.evaluation.groups.measure import group_report, measure_groups

__all__ = [
    "DEFAULT_GROUPS",
    "FEWEST",
    "GroupReport",
    "GroupRow",
    "Grouping",
    "ModelGap",
    "group_by",
    "group_report",
    "measure_groups",
]
