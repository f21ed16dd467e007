"""Epsilon-greedy: the model's own order, and now and then any candidate."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hybridrec.online.exploration.lists import Candidates
from hybridrec.online.exploration.policy import Policy


class EpsilonGreedy(Policy):
    """The model's order; each slot is filled by chance with probability epsilon.

    It learns nothing, and its propensities are exact: the plainest way to a log from which other
    policies can be judged. With ``epsilon=0`` it is the model alone. (Sutton & Barto,
    "Reinforcement learning", section 2.2.)

    Parameters
    ----------
    epsilon : float, default 0.1
    candidates : int, default 100
    random_state : int, default 0
    """

    model_name: ClassVar[str] = "epsilon-greedy"

    def __init__(
        self, *, epsilon: float = 0.1, candidates: int = 100, random_state: int = 0
    ) -> None:
        self.epsilon = epsilon
        self.candidates = candidates
        self.random_state = random_state

    def _values(self, candidates: Candidates) -> np.ndarray:
        return candidates.relevance
