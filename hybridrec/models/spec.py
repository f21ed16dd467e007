"""Texts that name a model and its parameters, as the command line and ensembles write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrec.errors import ParameterError, first_few
from hybridrec.features.pipeline import make_block
from hybridrec.models.base import Recommender
from hybridrec.models.registry import model_class
from hybridrec.models.side import blocks_by_side
from hybridrec.ranking.texts import inline_parts, split_pairs, typed

if TYPE_CHECKING:
    from hybridrec.dataset.dataset import Dataset


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
        of_items, of_users = blocks_by_side(self.blocks, dataset)
        model = self.maker(threads)(random_state)
        return model.fit(dataset, item_features=of_items, user_features=of_users)


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
