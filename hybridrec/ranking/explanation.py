"""Why an item is recommended: parts that sum to its score, and paths of facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

Kind = Literal["history", "feature", "bias"]

POPULARITY = "popularity of the item"
OF_USER = "features of the user"
OTHER_ITEMS = "other items of the history"
OTHER_FEATURES = "other features"
LEARNED = "what training learned beyond the history"
TOGETHER = "what the items tell together"
REST = "what is learned about the item itself"


@dataclass(frozen=True)
class Part:
    """What one thing adds to a score.

    Attributes
    ----------
    kind : {"history", "feature", "bias"}
    name : str
        For people: the title of an item, a feature and its value, what a bias is.
    value : float
        Negative where it speaks against the item.
    item : id, optional
        The item of the history.
    """

    kind: Kind
    name: str
    value: float
    item: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds."""
        found: dict[str, Any] = {"kind": self.kind, "name": self.name, "value": self.value}
        return found if self.item is None else {**found, "item": self.item}


@dataclass(frozen=True)
class PathStep:
    """One step of a path: along a fact, from the entity before to this one.

    Attributes
    ----------
    entity, relation : id
        As the knowledge graph has them.
    label : str or None
        The entity for people; None if nothing is known but its id.
    direction : {"forward", "backward"}
        "backward" where the fact is told of this entity, not of the one before.
    """

    entity: Any
    label: str | None
    relation: Any
    direction: Literal["forward", "backward"]

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return dict(vars(self))


@dataclass(frozen=True)
class Path:
    """Facts that lead from an item of the history to the recommended one.

    Attributes
    ----------
    item : id
        The item of the history at which the path begins.
    steps : tuple of PathStep
        The last one comes to the recommended item; none where both items are one entity.
    text : str
        Such as "same director as Pulp Fiction, which you rated 5".
    weight : float
        What the item of the history adds to the score, times the rarity of the entities between,
        0 to 1 each.
    """

    item: Any
    steps: tuple[PathStep, ...]
    text: str
    weight: float

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds."""
        steps = [step.to_json() for step in self.steps]
        return {"text": self.text, "weight": self.weight, "item": self.item, "steps": steps}


@dataclass(frozen=True)
class Explanation:
    """Why a user is recommended an item.

    Attributes
    ----------
    user : id or None
        None for a user who is known by a history alone.
    item : id
    score : float
        As in a list of recommendations.
    parts : tuple of Part
        What the items of the history, and all else, add to the score; they sum to it.
    features : tuple of Part
        What the features of the item add; they sum to the score, too. Empty where the model does
        not use features, or cannot tell them apart for this item.
    paths : tuple of Path
        The strongest first.
    """

    user: Any
    item: Any
    score: float
    parts: tuple[Part, ...]
    features: tuple[Part, ...] = ()
    paths: tuple[Path, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {
            "user": self.user,
            "item": self.item,
            "score": self.score,
            "parts": [part.to_json() for part in self.parts],
            "features": [part.to_json() for part in self.features],
            "paths": [path.to_json() for path in self.paths],
        }


class Shares(NamedTuple):
    """A score taken apart, in codes.

    Attributes
    ----------
    codes : ndarray of int
        Items of the history, or columns of the features.
    values : ndarray of float64
        What each of them adds.
    bias : dict of str to float
        What else there is, by name.
    """

    codes: np.ndarray
    values: np.ndarray
    bias: dict[str, float]

    @classmethod
    def nothing(cls, **bias: float) -> Shares:
        """Return the shares of a score to which no item and no feature adds anything."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0), bias)

    def scaled(self, factor: float) -> Shares:
        """Return all shares times a factor."""
        bias = {name: factor * value for name, value in self.bias.items()}
        return Shares(self.codes, factor * self.values, bias)

    def completed(self, score: float, name: str) -> Shares:
        """Return shares that sum to a score: what is missing is a bias of that name."""
        missing = score - float(self.values.sum()) - sum(self.bias.values())
        bias = {**self.bias, name: self.bias.get(name, 0.0) + missing}
        return self._replace(bias=bias)

    def strongest(self, count: int) -> np.ndarray:
        """Return the positions of the largest shares that are not 0, in absolute value."""
        order: np.ndarray = np.argsort(-np.abs(self.values), kind="stable")[:count]
        found: np.ndarray = order[self.values[order] != 0]
        return found


def joined(shares: list[Shares]) -> Shares:
    """Return the sum of shares: equal codes and equal names are added up."""
    codes, place = np.unique(np.concatenate([one.codes for one in shares]), return_inverse=True)
    values = np.bincount(
        place, weights=np.concatenate([one.values for one in shares]), minlength=len(codes)
    )
    bias: dict[str, float] = {}
    for one in shares:
        for name, value in one.bias.items():
            bias[name] = bias.get(name, 0.0) + value
    return Shares(codes, values, bias)
