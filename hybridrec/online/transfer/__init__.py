"""Transfer between scenarios and domains: one model of all, adapted to each."""

from __future__ import annotations

from hybridrec.online.transfer.adaptation import Alpha
from hybridrec.online.transfer.scenarios import Scenarios
from hybridrec.online.transfer.view import ScenarioView

__all__ = ["Alpha", "ScenarioView", "Scenarios"]
