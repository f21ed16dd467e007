"""Exploration: lists that show what is not known yet, and what can be learned from them.

==================== ============================================ ==========================
name                 order of the candidates                      paper
==================== ============================================ ==========================
epsilon-greedy       the model's                                  Sutton & Barto
thompson             a linear reward drawn from what is believed  Agrawal & Goyal 2013
lin-ucb              an optimistic linear reward                  Li et al. 2010
q-learning           score, and a table of states and actions     Watkins & Dayan 1992
==================== ============================================ ==========================
"""

from __future__ import annotations

from hybridrec.online.exploration.epsilon_greedy import EpsilonGreedy
from hybridrec.online.exploration.linear import LinUCB, ThompsonSampling
from hybridrec.online.exploration.lists import Candidates, Slates, candidates_of
from hybridrec.online.exploration.log import LoggedLists, impressions_of, logged_lists
from hybridrec.online.exploration.off_policy import ASSUMPTIONS, Estimate, off_policy
from hybridrec.online.exploration.parse import POLICIES, parse_policy
from hybridrec.online.exploration.policy import Policy
from hybridrec.online.exploration.q_learning import QLearning
from hybridrec.online.exploration.simulator import Round, Simulator
from hybridrec.online.exploration.storage import load_policy

__all__ = [
    "ASSUMPTIONS",
    "POLICIES",
    "Candidates",
    "EpsilonGreedy",
    "Estimate",
    "LinUCB",
    "LoggedLists",
    "Policy",
    "QLearning",
    "Round",
    "Simulator",
    "Slates",
    "ThompsonSampling",
    "candidates_of",
    "impressions_of",
    "load_policy",
    "logged_lists",
    "off_policy",
    "parse_policy",
]
