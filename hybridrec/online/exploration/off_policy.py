"""What another policy would have earned, from the log of the one that was shown.

A list of k slots is judged slot by slot. Two assumptions (Li et al., "Offline evaluation of
ranking policies with click models", KDD 2018) say what a reward depends on:

- "item-position": on the user, the item and its rank, not on what else is in the list. Weights are
  ratios of propensities at the rank (Open Bandit Pipeline calls this independent IPS);
- "position-based": the same, and the rank acts by how probable it is that the user looks there,
  which is taken to be `examination`. Weights are ratios of exposures. An item that changes its
  rank within the list still counts, so far less of a log is lost; a bias is the price where users
  look otherwise.

Open Bandit Pipeline (obp 0.5.7) has these and more estimators. It pins torch 1.12, numpy 1.23.5 and
Python below 3.11, so that it cannot stand beside this package; the tests hold IPS and SNIPS against
values that it gave.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hybridrec.errors import DataError, ParameterError, did_you_mean
from hybridrec.online.exploration.lists import Candidates, Slates
from hybridrec.online.exploration.posterior import LinearPosterior
from hybridrec.online.exploration.slots import examination

if TYPE_CHECKING:
    from hybridrec.online.exploration.policy import Policy
    from hybridrec.online.exploration.space import ItemSpace

ASSUMPTIONS = ("position-based", "item-position")
Assumption = Literal["position-based", "item-position"]
FEW = 50.0  # lists that weights leave; with fewer an estimate says little
Z = 1.959964  # of a normal interval of 95 %
REGULARIZATION = 10.0  # of the reward model


@dataclass(frozen=True)
class Estimate:
    """The reward of a list under a policy, estimated from the log of another.

    Attributes
    ----------
    method : {"ips", "snips", "dr"}
    value : float
        Sum of rewards of a list.
    low, high : float
        Interval of 95 %, of a normal distribution; lists of one user count as dependent.
    effective : float
        So many lists of the policy itself would tell as much (Kish's effective sample size, mean
        over ranks).
    covered : float
        Mean weight: about 1 if the log has all that the policy would show. Far less, and the
        estimate is of the rest only.
    """

    method: str
    value: float
    low: float
    high: float
    effective: float
    covered: float


def off_policy(
    policy: Policy,
    slates: Slates,
    candidates: Candidates,
    *,
    users: np.ndarray | None = None,
    assumption: Assumption = "position-based",
    clip: float = math.inf,
) -> list[Estimate]:
    """Estimate what a policy would have earned in the place of the one that was logged.

    Parameters
    ----------
    policy : Policy
    slates : Slates
        As logged; lists with a reward that is not known do not count.
    candidates : Candidates
        What the policy would choose from, one row a list. A shown item that is not among them has
        weight 0.
    users : ndarray of int, shape (n,), optional
        Who saw each list; every list is another user's if not given.
    assumption : {"position-based", "item-position"}, default "position-based"
    clip : float, default inf
        Largest weight: less noise, more bias.

    Returns
    -------
    list of Estimate
        By IPS (Horvitz & Thompson 1952), SNIPS, whose weights are divided by their mean at each
        rank (Swaminathan & Joachims 2015), and doubly robust (Dudik, Langford & Li 2011): a linear
        model of rewards on `ItemSpace.contexts`, corrected by IPS. The model is fitted on the
        half of the log in which a list is not.

    Raises
    ------
    DataError
        If a logged propensity is not above 0 and at most 1, or no reward is known.
    ParameterError
    """
    policy._check_ready()
    _check(slates, assumption, clip)
    rewards = np.where(slates.items >= 0, slates.rewards, 0.0)
    known = np.asarray(np.isfinite(rewards).all(axis=1))
    if not known.any():
        raise DataError("no list of the log has all its rewards; there is nothing to judge by")
    slates, candidates = slates.rows(known), candidates.rows(known)
    rewards = rewards[known]
    weights = np.minimum(_weights(policy, slates, candidates, assumption), clip)
    owners = np.arange(len(rewards)) if users is None else np.unique(users[known], False, True)[1]
    expected, residuals = _model(policy, slates, candidates, rewards)
    share = np.maximum(weights.mean(axis=0), 1e-12)
    ips = weights * rewards
    normed = ips.mean(axis=0) / share
    influences = {  # of every list, on the mean: for SNIPS to first order
        "ips": ips.sum(axis=1),
        "snips": normed.sum() + ((ips - weights * normed) / share).sum(axis=1),
        "dr": expected + (weights * residuals).sum(axis=1),
    }
    effective, covered = _told(weights)
    return [
        Estimate(method, *_mean_with_interval(each, owners), effective, covered)
        for method, each in influences.items()
    ]


def _check(slates: Slates, assumption: str, clip: float) -> None:
    if assumption not in ASSUMPTIONS:
        raise ParameterError(
            f"assumption must be one of {', '.join(ASSUMPTIONS)}, got {assumption!r}"
            f"{did_you_mean(assumption, ASSUMPTIONS)}"
        )
    if not clip > 0:
        raise ParameterError(f"clip must be a positive number, got {clip!r}")
    there = slates.items >= 0
    for name, values in (("propensity", slates.propensities), ("exposure", slates.exposures)):
        wrong = there & ~((values > 0) & (values <= 1 + 1e-9))
        if wrong.any():
            row, slot = np.argwhere(wrong)[0]
            raise DataError(
                f"the {name} of rank {slot + 1} of list {row} is {values[row, slot]:g}; it must be"
                " above 0 and at most 1"
            )


def _weights(policy: Policy, slates: Slates, candidates: Candidates, assumption: str) -> np.ndarray:
    """Return how much more often the policy would show what was shown, float64 (n, k)."""
    same = candidates.items[:, None, :] == slates.items[:, :, None]
    found = same.any(axis=2) & (slates.items >= 0)
    positions = np.where(found, same.argmax(axis=2), -1)
    propensities, exposures = policy.propensities(candidates, positions)
    if assumption == "position-based":
        ratio = exposures / slates.exposures
    else:
        ratio = propensities / slates.propensities
    weights: np.ndarray = np.where(found, ratio, 0.0)
    return weights


def _model(
    policy: Policy, slates: Slates, candidates: Candidates, rewards: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the modelled reward of each list under the policy, and what the log had above it."""
    space: ItemSpace = policy.space_
    shape = slates.items.shape
    looks = examination(shape[1])
    seen = space.contexts(slates.histories, slates.items, slates.relevance) * looks[:, None]
    halves = np.arange(shape[0]) % 2
    expected, residuals = np.zeros(shape[0]), np.zeros(shape)
    for half in (0, 1):
        own, other = halves == half, halves != half
        model = LinearPosterior(np.zeros(space.width), REGULARIZATION)
        model.add(seen[other].reshape(-1, space.width), rewards[other].reshape(-1))
        residuals[own] = rewards[own] - seen[own] @ model.mean
        theirs = candidates.rows(own)
        looked = policy.exposure(theirs, shape[1]) @ looks
        expected[own] = (looked * (space.contexts(*theirs) @ model.mean)).sum(axis=1)
    return expected, np.where(slates.items >= 0, residuals, 0.0)


def _told(weights: np.ndarray) -> tuple[float, float]:
    """Return effective sample size and mean weight, and warn if there is little to go by."""
    squares = (weights**2).sum(axis=0)
    kish = weights.sum(axis=0) ** 2 / np.where(squares > 0, squares, 1.0)
    effective, covered = float(kish.mean()), float(weights.mean())
    if effective < FEW:
        warnings.warn(
            f"the log tells as much about this policy as {effective:.0f} of its own lists would:"
            " too few to judge it; log more, or with more exploration",
            stacklevel=3,
        )
    return effective, covered


def _mean_with_interval(each: np.ndarray, owners: np.ndarray) -> tuple[float, float, float]:
    """Return the mean of parts, of which those of one owner depend on each other, and bounds."""
    mean = float(each.mean())
    sums = np.bincount(owners, each - mean)
    error = Z * math.sqrt(float((sums**2).sum())) / len(each)
    return mean, mean - error, mean + error
