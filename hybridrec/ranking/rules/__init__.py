"""Business rules: which items may stand in a list, and where."""

from __future__ import annotations

from hybridrec.ranking.rules.compiled import CompiledRules
from hybridrec.ranking.rules.condition import Condition
from hybridrec.ranking.rules.groups import ItemGroups, item_groups
from hybridrec.ranking.rules.rules import Rules

__all__ = ["CompiledRules", "Condition", "ItemGroups", "Rules", "item_groups"]
