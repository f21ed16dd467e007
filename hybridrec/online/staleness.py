"""How far a model is behind what its users do, and whether a refit is due.

An update serves users by what they did last; what it cannot do is learn what items are like from
it. So the measures are about what has come since the *fit*, whether it was folded in or not.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hybridrec.dataset.interactions import Interactions
from hybridrec.dataset.recency import SECONDS_PER_DAY
from hybridrec.errors import DataError, first_few
from hybridrec.models.frames import MODEL
from hybridrec.models.record import Level, Record
from hybridrec.online.distance import jensen_shannon
from hybridrec.runtime import random_stream, threads

if TYPE_CHECKING:
    from hybridrec.models.base import Recommender

# What calls for a refit. In replays (bench/feedback.py) these fired after 2 or 3 of 10 windows and
# kept most of what a refit after every window brought on movielens-small (NDCG@10 of item-knn: .108
# of .112, updates alone .090; hybrid-als: .112 of .115, .100). On ml-100k hardly a model gained by
# refits. Below LEAST_PAIRS new pairs nothing calls for one.
GROWTH = 0.25
WAITING = 0.2
UNTRAINED = 0.25
SHIFT = 0.4
FALL = 0.03
LEAST_PAIRS = 100

NULL_DRAWS, NULL_LEVEL = 200, 0.99
LEAST_USERS, MOST_USERS = 20, 1000  # with new events, for a level
SURE = 3.0  # standard errors
ROWS = 64  # users scored at a time


class Measure(NamedTuple):
    """One measure of staleness.

    Attributes
    ----------
    name : str
    value : float or None
        None where there is nothing to measure.
    threshold : float or None
        Of an alarm; None for what is only told.
    alarm : bool
    text : str
        What it says.
    """

    name: str
    value: float | None
    threshold: float | None
    alarm: bool
    text: str


@dataclass(frozen=True)
class Staleness:
    """The verdict of `should_refit`.

    Attributes
    ----------
    measures : tuple of Measure
    refit : bool
        Whether a refit is likely to pay.
    advice : str
        One sentence.
    """

    measures: tuple[Measure, ...]
    refit: bool
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """Return all values as a dictionary for JSON."""
        return {
            "refit": self.refit,
            "advice": self.advice,
            "measures": [measure._asdict() for measure in self.measures],
        }

    def __getitem__(self, name: str) -> Measure:
        return next(one for one in self.measures if one.name == name)


def should_refit(
    model: Recommender, events: Interactions | None = None, *, now: float | None = None
) -> Staleness:
    """Tell how far a model is behind, and whether to fit it again.

    Parameters
    ----------
    model : Recommender
        Fitted, and perhaps updated since.
    events : Interactions, optional
        That the model has not learned from yet.
    now : float, optional
        Seconds since 1970-01-01 UTC, for the age; by default the time of now.

    Returns
    -------
    Staleness
        With these measures. "growth": pairs of user and item since the fit, as a share of those it
        was fitted on. "new users": share of the users with such pairs who were not in the fit.
        "folded users": share of all users whose row comes from an update. "untrained items": share
        of these pairs whose item had no user at the fit. "waiting items": share of them whose item
        cannot be recommended before the next fit. "popularity shift": Jensen-Shannon distance, 0 to
        1, of the popularity at the fit and in the pairs since, less what chance gives so few.
        "agreement": mean percentile of new pairs of known users among the scores of the items they
        do not have, before they were folded in; its alarm is a fall since the first events after
        the fit. "age" in days.

    Raises
    ------
    DataError
        If ids of the events are integers where the model has text, or the other way round.
    """
    model._check_fitted()
    record = model.record_ or Record.of(model)
    since = _since(model, record, events)
    measures = (
        *_shares(model, record, since),
        _shift(record, since),
        _agreement(model, record, events),
        _age(record, time.time() if now is None else now),
    )
    return _verdict(measures, since)


def with_level(model: Recommender, events: Interactions) -> Record:
    """Return the record of a model, with the level of the first events after its fit in it."""
    record = model.record_ or Record.of(model)
    if record.level is not None:
        return record
    return replace(record, level=_level(model, events))


# ---- what came since the fit ------------------------------------------------------------------


class _Since(NamedTuple):
    """New pairs of user and item.

    Attributes
    ----------
    by_item : ndarray of float64, shape (n_items + 1,)
        Their number for every item; the last is for items that are not known.
    users : int
        Users with such a pair.
    new_users : int
        Of these, those who were not in the fit.
    """

    by_item: np.ndarray
    users: int
    new_users: int

    @property
    def pairs(self) -> float:
        return float(self.by_item.sum())


def _since(model: Recommender, record: Record, events: Interactions | None) -> _Since:
    n_items = len(model.items_)
    at_fit = np.pad(record.popularity, (0, n_items - len(record.popularity)))
    now = model.popularity_  # of a private model, what was told at the fit
    by_item = np.zeros(n_items + 1)
    by_item[:-1] = np.maximum(now - at_fit, 0)
    touched = record.folded.copy()
    strangers = 0
    if events is not None and len(events):
        users, items = _coded(model, events)
        known = np.zeros(len(users), dtype=bool)
        both = (users >= 0) & (items >= 0)
        known[both] = _has(model, users[both], items[both])
        pairs = np.unique(np.stack([events.user_codes[~known], events.item_codes[~known]]), axis=1)
        codes = _codes(model, events)
        by_item += np.bincount(codes[1][pairs[1]] % (n_items + 1), minlength=n_items + 1)
        came = np.unique(codes[0][pairs[0]])
        touched[came[came >= 0]] = True
        strangers = len(np.unique(pairs[0][codes[0][pairs[0]] < 0]))
    new = np.count_nonzero(touched & ~record.trained_users()) + strangers
    return _Since(by_item, int(np.count_nonzero(touched)) + strangers, int(new))


def _codes(model: Recommender, events: Interactions) -> tuple[np.ndarray, np.ndarray]:
    """Return the model's code of every id of the events, -1 for unknown ones.

    Raises
    ------
    DataError
        If ids have another type than those of the model.
    """
    found = []
    for known, given in ((model.users_, events.users), (model.items_, events.items)):
        if len(given) and given.is_text != known.is_text:
            kind = "text" if known.is_text else "integers"
            raise DataError(
                f"{known.name} ids of the model are {kind}, like {first_few(known.ids, 3)}, the"
                f" events have {first_few(given.ids)}"
            )
        found.append(known.codes(given.ids, unknown="skip"))
    return found[0], found[1]


def _coded(model: Recommender, events: Interactions) -> tuple[np.ndarray, np.ndarray]:
    users, items = _codes(model, events)
    return users[events.user_codes], items[events.item_codes]


def _has(model: Recommender, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return which pairs are in a history of the model."""
    if len(users) == 0:
        return np.zeros(0, dtype=bool)
    found: np.ndarray = np.asarray(model.history_[users, items]).ravel() != 0
    return found


# ---- measures ---------------------------------------------------------------------------------


def _shares(model: Recommender, record: Record, since: _Since) -> list[Measure]:
    pairs, at_fit = max(since.pairs, 1.0), max(float(record.popularity.sum()), 1.0)
    trained = np.append(record.trained_items(len(model.items_)), False)
    ready = np.append(model.scorable_, False)
    untrained = float(since.by_item[~trained].sum()) / pairs
    waiting = float(since.by_item[~ready].sum()) / pairs
    folded = float(record.folded.mean()) if len(record.folded) else 0.0
    enough = since.pairs >= LEAST_PAIRS

    def share(name: str, value: float, threshold: float | None, text: str) -> Measure:
        alarm = threshold is not None and enough and value > threshold
        return Measure(name, value, threshold, alarm, text)

    return [
        share(
            "growth",
            since.pairs / at_fit,
            GROWTH,
            f"{since.pairs:.0f} new pairs since the fit on {at_fit:.0f}",
        ),
        share(
            "new users",
            since.new_users / max(since.users, 1),
            None,
            f"{since.new_users} of {since.users} users with new pairs were not in the fit",
        ),
        share("folded users", folded, None, "of all users have a row from an update"),
        share(
            "untrained items",
            untrained,
            UNTRAINED,
            "of the new pairs are with items that had no user at the fit",
        ),
        share(
            "waiting items",
            waiting,
            WAITING,
            "of the new pairs are with items that wait for the next fit",
        ),
    ]


def _shift(record: Record, since: _Since) -> Measure:
    """Compare the popularity at the fit and since, on the items that were trained."""
    n = len(record.popularity)
    before, after = record.popularity.astype(np.float64), since.by_item[:n]
    trained = before > 0
    before, after = before[trained], after[trained]
    if after.sum() < 1 or before.sum() < 1:
        return Measure("popularity shift", None, SHIFT, False, "no new pair with a trained item")
    found = _divergence(before, after)
    shares = (before + after) / (before.sum() + after.sum())
    stream, drawn = random_stream(0), []
    for _ in range(NULL_DRAWS):
        one = stream.multinomial(int(before.sum()), shares)
        other = stream.multinomial(int(after.sum()), shares)
        drawn.append(_divergence(one, other))
    excess = float(np.sqrt(max(found - float(np.mean(drawn)), 0.0)))
    certain = found > float(np.quantile(drawn, NULL_LEVEL)) and after.sum() >= LEAST_PAIRS
    text = "of 1, beyond chance" if certain else "of 1, which chance may explain"
    return Measure("popularity shift", excess, SHIFT, certain and excess > SHIFT, text)


def _divergence(one: np.ndarray, other: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of two arrays of counts: the distance squared."""
    return float(jensen_shannon(one / one.sum(), other / other.sum()) ** 2)


def _agreement(model: Recommender, record: Record, events: Interactions | None) -> Measure:
    name = "agreement"
    now = None if events is None else _level(model, events)
    if now is None:
        text = f"needs new events of {LEAST_USERS} users whom the model knows"
        return Measure(name, None, None, False, text)
    first = record.level
    if first is None:
        return Measure(name, now.mean, None, False, "the first level since the fit, to compare to")
    error = np.sqrt(first.variance / first.n_users + now.variance / now.n_users)
    fall = first.mean - now.mean
    alarm = fall > FALL and fall > SURE * error
    text = f"mean percentile of new pairs; {first.mean:.3f} right after the fit"
    return Measure(name, now.mean, first.mean - FALL, bool(alarm), text)


def _level(model: Recommender, events: Interactions) -> Level | None:
    """Return how high a model scores what its users chose next, None for too few users."""
    if len(events) == 0:
        return None
    users, items = _coded(model, events)
    usable = (users >= 0) & (items >= 0)
    usable[usable] &= model.user_sources_[users[usable]] == MODEL
    usable[usable] &= model.scorable_[items[usable]]
    users, items = users[usable], items[usable]
    new = ~_has(model, users, items)
    users, items = np.unique(np.stack([users[new], items[new]]), axis=1)
    everyone = np.unique(users)
    if len(everyone) < LEAST_USERS:
        return None
    if len(everyone) > MOST_USERS:
        everyone = np.sort(random_stream(0).choice(everyone, MOST_USERS, replace=False))
    values = np.concatenate(
        [
            _percentiles(model, everyone[start : start + ROWS], users, items)
            for start in range(0, len(everyone), ROWS)
        ]
    )
    return Level(float(values.mean()), float(values.var(ddof=1)), len(values))


def _percentiles(
    model: Recommender, some: np.ndarray, users: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """Return the mean percentile of the new items of some users among those they do not have."""
    with threads():
        scores = model.scorer_.block(some)
    found = np.empty(len(some))
    for at, (user, own) in enumerate(zip(some.tolist(), scores, strict=True)):
        history = model.history_
        others = model.scorable_.copy()
        others[history.indices[history.indptr[user] : history.indptr[user + 1]]] = False
        first, last = np.searchsorted(users, [user, user + 1])
        field = np.sort(own[others])
        asked = own[items[first:last]]
        below, upto = (np.searchsorted(field, asked, side=side) for side in ("left", "right"))
        rank = (below + upto - 1) / 2  # ties half, itself not
        found[at] = float(np.mean(rank / max(len(field) - 1, 1)))
    return found


def _age(record: Record, now: float) -> Measure:
    days = max(now - record.fitted_at, 0.0) / SECONDS_PER_DAY
    return Measure("age", days, None, False, "days since the fit")


def _verdict(measures: Sequence[Measure], since: _Since) -> Staleness:
    alarms = [one.name for one in measures if one.alarm]
    if alarms:
        advice = f"A refit is due: {' and '.join(alarms)} beyond what an update can follow."
    elif since.pairs < LEAST_PAIRS:
        advice = f"No refit yet: {since.pairs:.0f} new pairs are too few to tell anything."
    else:
        advice = "No refit needed: updates keep up."
    return Staleness(tuple(measures), bool(alarms), advice)
