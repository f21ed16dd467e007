"""Texts of the command line -> splits and their parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hybridrec.dataset.dataset import Dataset
from hybridrec.errors import ParameterError, did_you_mean
from hybridrec.evaluation import SERIES, SPLITS, Split
from hybridrec.ranking.texts import inline_parts, split_pairs, typed


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
        name, inline = inline_parts(text)
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
