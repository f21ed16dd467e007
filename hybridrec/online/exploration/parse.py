"""Policies by name: from texts, as the command line has them."""

from __future__ import annotations

from collections.abc import Mapping

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.online.exploration.epsilon_greedy import EpsilonGreedy
from hybridrec.online.exploration.linear import LinUCB, ThompsonSampling
from hybridrec.online.exploration.policy import Policy
from hybridrec.online.exploration.q_learning import QLearning
from hybridrec.ranking.texts import inline_parts, split_pairs, typed

POLICIES: Mapping[str, type[Policy]] = {
    kind.model_name: kind for kind in (EpsilonGreedy, ThompsonSampling, LinUCB, QLearning)
}


def parse_policy(text: str) -> Policy:
    """Read ``lin-ucb`` or ``lin-ucb:alpha=0.3,epsilon=0.1``.

    Raises
    ------
    ParameterError
        If there is no such policy, or a parameter or value makes no sense.
    """
    name, inline = inline_parts(text)
    kind = policy_class(name)
    given = typed(split_pairs(inline, f"{name} parameter"), kind.parameter_defaults(), name)
    policy = kind()
    policy.set_params(**given)
    policy._check_params()
    return policy


def policy_class(name: str) -> type[Policy]:
    """Return the class of a policy.

    Raises
    ------
    ParameterError
        If there is none of that name (suggests the nearest).
    """
    if name not in POLICIES:
        raise ParameterError(
            f"unknown policy {name!r}{did_you_mean(name, POLICIES)}"
            f" (there are {', '.join(POLICIES)})"
        )
    return POLICIES[name]
