"""Scores of ensembles taken apart: each member tells of its own, brought to the common scale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from hybridrec.models.explain import Asked, leave_one_out
from hybridrec.models.kept import kept
from hybridrec.ranking.ensemble import BlendScorer, EnsembleScorer
from hybridrec.ranking.explanation import LEARNED, Shares, joined

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender
    from hybridrec.models.blend import Blend
    from hybridrec.models.members import Ensemble
    from hybridrec.models.stack import Stack

AVERAGE = "compared with an average item"
BESIDE = "what does not come from features of the item"
LEFT_OUT = 30  # items of a history that a stack is asked to do without


class Voice(NamedTuple):
    """A member, what it is asked, and where the user's scores lie, as `Members.standard` says.

    Where the member does not reach the item, its score is the one that `Members.filled` gives.
    """

    member: Recommender
    asked: Asked
    reached: bool
    mean: float
    spread: float


def voices(model: Ensemble, asked: Asked) -> list[Voice]:
    """Return what each member is asked; kept for the next question about the same pair."""
    return kept(model, "voices", (asked,), lambda: list(_voices(model.members_, asked)))


def _voices(members: tuple[Recommender, ...], asked: Asked) -> Iterator[Voice]:
    scorer = asked.scorer
    assert isinstance(scorer, EnsembleScorer)
    rows, measured = np.array([asked.row]), scorer.members.measured
    for number, member in enumerate(members):
        scores, reached = scorer.members.filled(number, rows)
        ruler = scores[0, measured].astype(np.float64)
        own = asked._replace(
            scorer=scorer.members.scorers[number],
            user=-1 if asked.folded else asked.user,  # as `Ensemble` folds in
            score=float(scores[0, asked.target]),
        )
        yield Voice(
            member,
            own,
            bool(reached[0, asked.target]),
            float(ruler.mean()) if ruler.size else 0.0,
            float(ruler.std()) if ruler.size else 0.0,
        )


def blend_shares(
    model: Blend, asked: Asked, take: Callable[[Voice], Shares | None]
) -> Shares | None:
    """Add up what members tell, times their weights over the spread of their scores.

    Parameters
    ----------
    model : Blend
    asked : Asked
    take : callable
        What a member that reaches the item tells; None where it tells nothing of the kind.

    Returns
    -------
    Shares or None
        None where no member tells anything of the kind.
    """
    scorer = asked.scorer
    assert isinstance(scorer, BlendScorer)
    group = int(scorer.group[asked.target]) if asked.target < len(scorer.group) else 0
    found, told = [Shares.nothing(**{AVERAGE: float(scorer.offsets[group])})], False
    for weight, voice in zip(scorer.weights[group], voices(model, asked), strict=True):
        if weight == 0 or voice.spread == 0:
            continue
        factor = float(weight) / voice.spread
        own = take(voice) if voice.reached else None
        told |= own is not None
        if own is None:
            name = BESIDE if voice.reached else AVERAGE
            own = Shares.nothing(**{name: voice.asked.score})
        found.append(own.scaled(factor))
        found.append(Shares.nothing(**{AVERAGE: -factor * voice.mean}))
    return joined(found) if told else None


def member_history(voice: Voice) -> Shares:
    """Return what the items of the history add to a member's score."""
    shares = voice.member._history_shares(voice.asked)
    return shares.completed(voice.asked.score, LEARNED)


def member_features(voice: Voice) -> Shares | None:
    """Return what the features of the item add to a member's score."""
    return voice.member._feature_shares(voice.asked)


def stack_shares(model: Stack, asked: Asked) -> Shares:
    """Leave those items out of the history that add most to the scores of the members."""
    told = joined(
        [
            member_history(voice).scaled(1 / voice.spread)
            for voice in voices(model, asked)
            if voice.reached and voice.spread
        ]
        or [Shares.nothing()]
    )
    chosen = told.codes[told.strongest(LEFT_OUT)]
    return leave_one_out(model, asked, np.flatnonzero(np.isin(asked.history.indices, chosen)))
