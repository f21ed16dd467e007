"""What is searched: a default space for every model, and the wishes of the caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.evaluation.tuning.ranges import Choice, Domain, Point, Range, Space, as_domain
from hybridrec.evaluation.tuning.side import (
    NONE,
    blocks_of,
    blocks_text,
    default_features,
    feature_choices,
)
from hybridrec.models.registry import model_class

if TYPE_CHECKING:
    from hybridrec.evaluation.splits import Split
    from hybridrec.models.base import Recommender

FEATURES = "features"  # the choice of feature blocks, in a space beside the parameters

_FACTORS = Range(16, 256, log=True)

# Around the defaults. The number of iterations is left alone: more cost more, and gain little.
DEFAULT_SPACES: Mapping[str, Space] = {
    "popularity": {},
    "bias-baseline": {"damping": Range(0.5, 100.0, log=True)},
    "item-knn": {
        "neighbors": Range(10, 2000, log=True),
        "similarity": Choice(("tfidf", "cosine", "bm25", "jaccard")),
    },
    "rp3-beta": {
        "neighbors": Range(20, 1000, log=True),
        "alpha": Range(0.2, 2.0),
        "beta": Range(0.0, 1.0),
    },
    "personalized-page-rank": {
        "restart": Range(0.05, 0.8),
        "feature_weight": Range(0.1, 10.0, log=True),
        "neighbors": Range(50, 2000, log=True),
    },
    "ease": {
        "regularization": Range(10.0, 2000.0, log=True),
        "feature_weight": Range(0.1, 20.0, log=True),
        "calibration": Range(0.2, 1.2),
    },
    "graph-filter": {
        "factors": Range(16, 512, log=True),
        "alpha": Range(0.0, 2.0),
        "feature_weight": Range(0.03, 10.0, log=True),
        "calibration": Range(0.2, 1.2),
    },
    "als": {
        "factors": _FACTORS,
        "regularization": Range(1.0, 400.0, log=True),
        "alpha": Range(1.0, 100.0, log=True),
    },
    "bpr": {
        "factors": _FACTORS,
        "learning_rate": Range(0.002, 0.1, log=True),
        "regularization": Range(0.001, 0.2, log=True),
    },
    "logistic-mf": {
        "factors": Range(8, 128, log=True),
        "learning_rate": Range(0.1, 3.0, log=True),
        "regularization": Range(0.1, 20.0, log=True),
        "negatives": Range(5, 60, log=True),
    },
    "lightfm": {
        "factors": _FACTORS,
        "loss": Choice(("warp", "bpr")),
        "learning_rate": Range(0.005, 0.2, log=True),
        "regularization": Choice((0.0, 1e-7, 1e-6, 1e-5, 1e-4)),
        "max_sampled": Range(5, 50, log=True),
    },
    "content": {},
    "hybrid-als": {
        "factors": _FACTORS,
        "regularization": Range(0.1, 10.0, log=True),
        "frequency_exponent": Range(0.0, 1.0),
        "alpha": Range(0.1, 10.0, log=True),
        "prior_share": Range(0.0, 0.9),
        "feature_regularization": Range(0.1, 30.0, log=True),
        "user_shrinkage": Range(0.3, 10.0, log=True),
        "calibration": Range(0.2, 1.2),
    },
    "blend": {
        "validation_share": Range(0.05, 0.3, log=True),
        "calibration": Range(0.2, 1.2),
    },
    "stack": {
        "iterations": Range(30, 300, log=True),
        "learning_rate": Range(0.02, 0.2, log=True),
    },
    "contextual": {"validation_share": Range(0.05, 0.3, log=True)},
    "scenarios": {},
    "private-als": {  # every trial costs privacy that the model does not count: on public data
        "factors": Range(2, 64, log=True),
        "iterations": Range(1, 6),
        "regularization": Range(0.3, 30.0, log=True),
    },
}

# Without features these change nothing, and without lists of old and new items neither does
# the last: searching them would only put a random number into the result.
_OF_FEATURES = ("prior_share", "feature_regularization", "feature_weight", "calibration")
_OF_MIXED_LISTS = ("calibration",)
_MIXED = (0.05, 0.95)  # share of new items in the validation


def search_space(
    model: str, splits: Sequence[Split], given: Mapping[str, Any] | None, fixed: Point
) -> dict[str, Domain]:
    """Return what is searched for a model.

    Parameters
    ----------
    model : str
        A key of `hybridrec.models.registry.MODELS`.
    splits : sequence of Split
        What is validated on: not all of a default space makes a difference there.
    given : mapping, optional
        Replaces entries of the default space, or adds some; see `as_domain`. "features" lists
        sets of feature blocks.
    fixed : mapping of str to value
        Is not searched; "features" as a text.

    Raises
    ------
    ParameterError
        If a name or a domain makes no sense, or nothing is left to search.
    """
    kind = model_class(model)
    known = {**kind.parameter_defaults(), **({FEATURES: ""} if kind.uses_item_features else {})}
    wanted = dict(given or {})
    for name in (*wanted, *fixed):
        if name not in known:
            raise ParameterError(
                f"{model} has no parameter {name!r}{did_you_mean(name, known)}"
                f" (there are {', '.join(known) or 'none'})"
            )
        if name in wanted and name in fixed:
            raise ParameterError(f"{name} cannot both be fixed and have a space")
    space = _default_space(model, kind, splits, fixed)
    space |= {name: _domain(name, one, known[name]) for name, one in wanted.items()}
    space = {name: domain for name, domain in space.items() if name not in fixed}
    if all(domain.size == 1 for domain in space.values()):
        raise ParameterError(
            f"{model} has nothing to tune here; give a space of {', '.join(known)}"
            if known
            else f"{model} has nothing to tune: it has no parameters"
        )
    return space


def default_point(model: str, splits: Sequence[Split], space: Space) -> dict[str, Any]:
    """Return the defaults of what is searched, in the space or not."""
    kind = model_class(model)
    defaults = kind.parameter_defaults() | {FEATURES: default_features(kind, splits[0].train)}
    return {name: defaults[name] for name in space}


def _default_space(
    model: str, kind: type[Recommender], splits: Sequence[Split], fixed: Point
) -> dict[str, Domain]:
    """Return the default space without what makes no difference on these splits."""
    space = dict(DEFAULT_SPACES.get(model, {}))
    new = _share_of_new_items(splits)
    features = feature_choices(kind, splits[0].train)
    if len(features) > 1 and (model == "content" or new == 1):
        features.remove(NONE)  # nothing could be recommended
    if fixed.get(FEATURES) == NONE or features in ([], [NONE]):
        _leave_out(space, _OF_FEATURES)
    if not _MIXED[0] <= new <= _MIXED[1]:
        _leave_out(space, _OF_MIXED_LISTS)
    if len(features) > 1:
        space[FEATURES] = Choice(tuple(features))
    return space


def _leave_out(space: dict[str, Domain], names: Sequence[str]) -> None:
    for name in names:
        space.pop(name, None)


def _share_of_new_items(splits: Sequence[Split]) -> float:
    """Return the share of the held-out rows whose items have no training row."""
    new = held_out = 0
    for split in splits:
        known = split.warm_items
        new += int((~known[split.test.item_codes]).sum())
        held_out += len(split.test)
    return new / held_out


def _domain(name: str, given: Any, default: Any) -> Domain:
    if name != FEATURES:
        return as_domain(name, given, default)
    sets = [one if isinstance(one, str) else blocks_text(one) for one in given]
    for one in sets:
        blocks_of(one)
    return as_domain(name, sets, default)
