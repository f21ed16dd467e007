"""Texts that name a model and its parameters, as the command line and ensembles write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ParameterError, did_you_mean, first_few
from hybridrec.features.pipeline import make_block
from hybridrec.models.base import Recommender
from hybridrec.models.registry import model_class

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset

_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
_BOOLS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class ModelSpec:
    """A model as a text names it, checked, before there is any data.

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
        name, inline = inline_parts(text)
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

    Sequences are written with "+" between their parts.

    Raises
    ------
    ParameterError
        If it is none.
    """
    if kind is tuple:
        return tuple(text.split("+"))
    if kind not in _WANTED:  # the default is None
        return _guessed(text)
    try:
        return _BOOLS[text.lower()] if kind is bool else kind(text)
    except (KeyError, ValueError):
        raise ParameterError(f"{name} must be {_WANTED[kind]}, got {text!r}") from None


def value_text(value: Any) -> str:
    """Write a value as `typed_value` reads it."""
    if isinstance(value, (list, tuple)):
        return "+".join(map(value_text, value))
    return str(value)


def _guessed(text: str) -> int | float | str | tuple[float, ...]:
    """Return a number or a sequence of numbers if the text is one, else the text."""
    with suppress(ValueError):
        return int(text)
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return tuple(float(part) for part in text.split("+"))
    return text


def inline_parts(text: str) -> tuple[str, list[str]]:
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
