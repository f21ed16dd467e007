"""Texts of the command line -> models, splits and their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.evaluation import SERIES, SPLITS, Split
from hybridrec.features.pipeline import make_block
from hybridrec.models.base import Recommender
from hybridrec.models.registry import model_class

_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class ModelSpec:
    """A model as the command line names it, checked, before there is any data.

    Attributes
    ----------
    label : str
        As typed; its name in tables.
    kind : type of Recommender
    params : mapping
        Parameters that differ from the defaults.
    blocks : tuple of str or None
        Feature blocks, none of them if empty; None means what the data offers.
    """

    label: str
    kind: type[Recommender]
    params: Mapping[str, Any]
    blocks: tuple[str, ...] | None

    @classmethod
    def parse(
        cls, text: str, settings: Iterable[str] = (), features: str | None = None
    ) -> ModelSpec:
        """Read ``name`` or ``name:factors=32,features=none``.

        Parameters
        ----------
        text : str
        settings : iterable of str
            More ``parameter=value``.
        features : str, optional
            Feature blocks of a model that uses features and does not name its own.

        Raises
        ------
        ParameterError
            If a model, parameter, value or feature block makes no sense.
        """
        name, inline = _inline(text)
        kind = model_class(name)
        named = split_pairs([*inline, *settings], f"{name} parameter")
        own = named.pop("features", None)
        if own not in (None, "none") and not kind.uses_item_features:
            raise ParameterError(f"{name} does not use features")
        if own is None and kind.uses_item_features:
            own = features
        params = typed(named, kind.parameter_defaults(), name)
        return cls(text, kind, params, None if own is None else _blocks(own))

    def maker(self, threads: int) -> Callable[[int | None], Recommender]:
        """Return a function from a seed to an unfitted model.

        Seed and threads apply where the model has such a parameter.
        """
        known = self.kind.parameter_defaults()

        def make(random_state: int | None) -> Recommender:
            given = {"num_threads": threads or None, "random_state": random_state}
            common = {
                name: value for name, value in given.items() if name in known and value is not None
            }
            return self.kind().set_params(**{**common, **self.params})

        return make

    def fit(self, dataset: Dataset, *, random_state: int | None, threads: int) -> Recommender:
        """Make the model and fit it."""
        of_users = self.blocks
        if of_users is not None:  # the only block that users can have
            of_users = None if "columns" in of_users else ()
        model = self.maker(threads)(random_state)
        return model.fit(dataset, item_features=self.blocks, user_features=of_users)


@dataclass(frozen=True)
class SplitSpec:
    """A split, or a series of them, as the command line names it, before there is any data.

    Attributes
    ----------
    name : str
    make : callable
        Of `SPLITS` or `SERIES`.
    params : mapping
        Parameters that were given.
    seeded : bool
        Whether it has a ``random_state``.
    """

    name: str
    make: Callable[..., Any]
    params: Mapping[str, Any]
    seeded: bool

    @classmethod
    def parse(cls, text: str) -> SplitSpec:
        """Read ``name`` or ``name:test_fraction=0.1,by=user``.

        Raises
        ------
        ParameterError
            If the split, a parameter or a value makes no sense.
        """
        name, inline = _inline(text)
        known = {**SPLITS, **SERIES}
        if name not in known:
            raise ParameterError(
                f"unknown split {name!r}{did_you_mean(name, known)} (there are {', '.join(known)})"
            )
        defaults = {
            parameter.name: parameter.default
            for parameter in inspect.signature(known[name]).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        seeded = defaults.pop("random_state", None) is not None
        params = typed(split_pairs(inline, f"{name} parameter"), defaults, name)
        return cls(name, known[name], params, seeded)

    @property
    def is_series(self) -> bool:
        """Whether it makes several splits, such as the folds of cross-validation."""
        return self.name in SERIES

    @property
    def keeps_negatives(self) -> bool:
        """Whether rows of weight 0 are part of what is split."""
        return self.name == "labelled-pairs"

    def apply(self, dataset: Dataset, seed: int) -> Any:
        """Split a data set; a split without any randomness is the same for every seed."""
        seeding = {"random_state": seed} if self.seeded else {}
        return self.make(dataset, **self.params, **seeding)

    def cuts(self, dataset: Dataset, seeds: range) -> Iterator[tuple[int, Split]]:
        """Yield a split for every seed, or the numbered splits of a series.

        Raises
        ------
        ParameterError
            If several seeds are asked of a series.
        """
        if not self.is_series:
            for seed in seeds:
                yield seed, self.apply(dataset, seed)
            return
        if len(seeds) > 1:
            raise ParameterError(f"{self.name} makes several splits itself; leave out --seeds")
        yield from enumerate(self.apply(dataset, seeds[0]), 1)


def split_pairs(texts: Iterable[str], what: str) -> dict[str, str]:
    """Read texts such as ``factors=64``; the last of equal names counts.

    Raises
    ------
    ParameterError
        If a text has no ``=``.
    """
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name.strip() and equals):
            raise ParameterError(f"{what} {text!r} must look like name=value")
        pairs[name.strip()] = value.strip()
    return pairs


def typed(texts: Mapping[str, str], defaults: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Turn texts into values of the types that the defaults have.

    Raises
    ------
    ParameterError
        If there is no such parameter (suggests the nearest), or a value is of another type.
    """
    for name in texts:
        if name not in defaults:
            listed = ", ".join(defaults) or "none"
            raise ParameterError(
                f"{owner} has no parameter {name!r}{did_you_mean(name, defaults)}"
                f" (there are {listed})"
            )
    return {name: typed_value(name, text, type(defaults[name])) for name, text in texts.items()}


def typed_value(name: str, text: str, kind: type) -> Any:
    """Turn one text into an int, float, bool or str; into what it looks like for another kind.

    Raises
    ------
    ParameterError
        If it is none.
    """
    if kind not in _WANTED:  # the default is None
        return _guessed(text)
    try:
        return _BOOLS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ParameterError(f"{name} must be {_WANTED[kind]}, got {text!r}") from None


def _guessed(text: str) -> int | float | str:
    """Return a number if the text is one, else the text."""
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    return text


def _inline(text: str) -> tuple[str, list[str]]:
    """Split ``name:one=1,two=2``."""
    name, colon, rest = text.partition(":")
    return name, rest.split(",") if colon else []


def _blocks(text: str) -> tuple[str, ...]:
    """Read feature blocks, separated by "+" or a comma; "none" for no features."""
    names = tuple(name.strip() for name in text.replace("+", ",").split(","))
    if names == ("none",):
        return ()
    for name in names:
        if name == "none":
            raise ParameterError(f"'none' stands alone, got {first_few(names)}")
        make_block(name)
    return names
