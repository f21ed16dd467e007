"""Business rules as people give them, and how they become arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.errors import DataError, ParameterError, UnknownIdError, first_few
from hybridrec.ranking.rules import checks, sql
from hybridrec.ranking.rules.checks import Where
from hybridrec.ranking.rules.compiled import CompiledRules, Mask, Quota
from hybridrec.ranking.rules.groups import ItemGroups, groups_of
from hybridrec.ranking.rules.table import table_column

if TYPE_CHECKING:
    import pandas as pd
    from scipy.sparse import csr_matrix

    from hybridrec.dataset.idmap import IdMap


@dataclass(frozen=True)
class Rules:
    """Which items may be recommended, and where; all given rules must hold.

    Two sets of rules are joined by ``&``: both hold. A list that the rules leave empty stays
    empty.

    Attributes
    ----------
    allow : sequence of item ids, optional
        Only these. An empty sequence allows nothing.
    deny : sequence of item ids, optional
        None of these.
    where : str, Condition or sequence of them, optional
        What must be true of an item. A text is an SQL condition over the columns of the item
        table, such as ``"year >= 1990"``, evaluated without access to files or the network; an
        item for which it is unknown (a missing value) does not pass.
    quota : mapping of column to int, optional
        ``{"genre": 3}``: at most 3 items of any one genre in a list. An item of several values
        counts for each of them, an item without a value for none.
    pin : mapping of int to item id, optional
        ``{1: "x"}``: item x stands at rank 1. The other rules hold for pinned items too, and
        nobody gets a pinned item they are known to have: then the list closes up. Quotas count
        pinned items first. A pinned item never stands elsewhere, so that a list of k is the
        beginning of any longer one; in a list that ends before its rank it is the last.
    user_deny : mapping of user id to sequence of item ids, optional
        Items that single users do not get. Users of whom no list is made do not matter.

    Raises
    ------
    ParameterError
        If a value makes no sense: a quota below 0, a rank below 1, an item pinned twice, ...
    """

    allow: Sequence[Any] | None = None
    deny: Sequence[Any] | None = None
    where: Where | Sequence[Where] | None = None
    quota: Mapping[str, int] | None = None
    pin: Mapping[int, Any] | None = None
    user_deny: Mapping[Any, Sequence[Any]] | None = None

    def __post_init__(self) -> None:
        checked = {
            "allow": None if self.allow is None else checks.ids(self.allow, "allow"),
            "deny": None if self.deny is None else checks.ids(self.deny, "deny"),
            "where": checks.conditions(self.where),
            "quota": dict(checks.quotas(self.quota)),
            "pin": dict(sorted(checks.pins(self.pin))),
            "user_deny": dict(checks.of_users(self.user_deny)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value or (value if name == "allow" else None))

    @classmethod
    def from_json(cls, data: Any) -> Rules:
        """Read rules from parsed JSON; see `hybridrec.ranking.rules.from_json.rules_from_json`."""
        from hybridrec.ranking.rules.from_json import rules_from_json

        return rules_from_json(data)

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return any(getattr(self, one.name) is not None for one in fields(self))

    def __and__(self, other: Rules) -> Rules:
        """Return rules that hold where both do.

        Raises
        ------
        ParameterError
            If they pin different items to one rank, or one item to different ranks.
        """
        if not isinstance(other, Rules):
            return NotImplemented
        allow = self.allow if other.allow is None else other.allow
        if self.allow is not None and other.allow is not None:
            both = set(other.allow)
            allow = [item for item in self.allow if item in both]
        pins, others = dict(self.pin or {}), dict(other.pin or {})
        for rank in pins.keys() & others.keys():
            if pins[rank] != others[rank]:
                raise ParameterError(
                    f"rank {rank} is pinned twice, to {first_few([pins[rank], others[rank]])}"
                )
        quotas, denied = dict(self.quota or {}), dict(self.user_deny or {})
        for column, limit in (other.quota or {}).items():
            quotas[column] = min(limit, quotas.get(column, limit))
        for user, items in (other.user_deny or {}).items():
            denied[user] = (*denied.get(user, ()), *items)
        return Rules(
            allow=allow,
            deny=[*(self.deny or ()), *(other.deny or ())],
            where=[*checks.conditions(self.where), *checks.conditions(other.where)],
            quota=quotas,
            pin=pins | others,
            user_deny=denied,
        )

    def known_to(self, items: IdMap) -> Rules:
        """Return the rules without allowed and denied items that a catalogue does not know.

        Raises
        ------
        DataError
            If ids are of another type than those of the catalogue.
        """

        def known(ids: Sequence[Any]) -> list[Any]:
            wrong = [one for one in ids if isinstance(one, str) != items.is_text]
            if wrong:
                kind = "text" if items.is_text else "integers"
                raise DataError(f"item ids are {kind} here, got {first_few(wrong)}")
            codes = items.codes(ids, unknown="skip") if ids else ()
            return [one for one, code in zip(ids, codes, strict=True) if code >= 0]

        return replace(
            self,
            allow=None if self.allow is None else known(self.allow),
            deny=None if self.deny is None else known(self.deny),
            user_deny={user: known(ids) for user, ids in (self.user_deny or {}).items()},
        )

    def compile(
        self,
        items: IdMap,
        table: pd.DataFrame | None = None,
        users: IdMap | None = None,
        *,
        groups: Callable[[str], ItemGroups] | None = None,
    ) -> CompiledRules:
        """Check the rules against a catalogue and turn them into arrays.

        Parameters
        ----------
        items : IdMap
        table : pandas.DataFrame, optional
            One row an item, in the order of ``items``.
        users : IdMap, optional
            Those whose lists are to be made; needed for ``user_deny``.
        groups : callable, optional
            From a column of the table to its groups, such as ``model.catalogue.groups``, where
            they are already made; by default they are made here.

        Raises
        ------
        UnknownIdError
            If a rule names an item that is not known.
        ParameterError
            If there is no such column, or a condition cannot be evaluated.
        """
        masks = tuple(self._masks(items, table))
        allowed = np.ones(len(items), dtype=np.bool_)
        for one in masks:
            allowed &= one.passes
        quotas = []
        for column, limit in (self.quota or {}).items():
            cells = table_column(table, column, f"quota {column}={limit}")
            of_column = groups_of(cells) if groups is None else groups(column)
            quotas.append(Quota(column, limit, of_column))
        pins = self.pin or {}
        return CompiledRules(
            allowed,
            masks,
            tuple(quotas),
            np.array(list(pins), dtype=np.int64),
            _codes(items, list(pins.values()), "pin"),
            None if self.user_deny is None else _denied(self.user_deny, items, users),
        )

    def _masks(self, items: IdMap, table: pd.DataFrame | None) -> Iterable[Mask]:
        """Yield the rules that are the same for every user."""
        for rule, ids in (("allow", self.allow), ("deny", self.deny)):
            if ids is not None:
                named = np.zeros(len(items), dtype=np.bool_)
                named[_codes(items, ids, rule)] = True
                yield Mask(rule, "", named if rule == "allow" else ~named)
        conditions = checks.conditions(self.where)
        texts = [one for one in conditions if isinstance(one, str)]
        found = dict(zip(texts, sql.passing(texts, table), strict=True))
        for one in conditions:
            passes = found[one] if isinstance(one, str) else one.passes(table)
            yield Mask("where", str(one), passes)


def _codes(items: IdMap, ids: Sequence[Any], rule: str) -> np.ndarray:
    """Return the codes of items; an error names the rule."""
    try:
        return items.codes(ids)
    except (UnknownIdError, UnicodeError) as error:  # text that is not UTF-8 is no id
        raise UnknownIdError(f"{rule}: {error}") from None
    except DataError as error:
        raise ParameterError(f"{rule}: {error}") from None


def _denied(
    user_deny: Mapping[Any, Sequence[Any]], items: IdMap, users: IdMap | None
) -> csr_matrix:
    """Return the items denied to each user, and a last row of nothing for everybody else."""
    from scipy.sparse import csr_matrix

    if users is None:
        raise ParameterError("user_deny needs to know the users; compile the rules with them")
    named = _users(users, list(user_deny))
    codes = _codes(items, list(chain.from_iterable(user_deny.values())), "user_deny")
    rows = np.repeat(named, [len(ids) for ids in user_deny.values()])
    asked = rows >= 0
    return csr_matrix(
        (np.ones(asked.sum(), dtype=np.bool_), (rows[asked], codes[asked])),
        shape=(len(users) + 1, len(items)),
    )


def _users(users: IdMap, named: list[Any]) -> np.ndarray:
    """Return the codes of users, -1 for those whose lists are not made."""
    texts = {isinstance(one, str) for one in named}
    if len(users) and texts != {users.is_text}:
        raise UnknownIdError(
            f"user_deny: user ids are {'text' if users.is_text else 'integers'} here, like"
            f" {first_few(users.ids, 3)}, got {first_few(named)}"
        )
    try:
        return users.codes(named, unknown="skip")
    except (DataError, UnicodeError) as error:
        raise ParameterError(f"user_deny: {error}") from None
