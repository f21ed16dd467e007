"""People who are known by several ids: tables that link them, and data in which each has one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.frames import as_source, find_column
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, did_you_mean, first_few

if TYPE_CHECKING:
    import pandas as pd

SCENARIO_NAMES = ("scenario", "domain")
PERSON_NAMES = ("global", "globalid", "globaluser", "person", "personid", "account", "accountid")
_ID = "hybridrec id"  # a column name that no table has


@dataclass(frozen=True)
class LinkReport:
    """What linking did.

    Attributes
    ----------
    linked : int
        Ids of users with interactions that the table links.
    persons : int
        Whom they are.
    unlinked : int
        Other users with interactions; they stay who they are.
    unused : int
        Linked ids without any interaction.
    """

    linked: int
    persons: int
    unlinked: int
    unused: int

    def __str__(self) -> str:
        return (
            f"{self.linked:,} linked user ids are {self.persons:,} people; {self.unlinked:,} users"
            f" are not linked, {self.unused:,} linked ids have no interactions"
        )


@dataclass(frozen=True, eq=False)
class UserLinks:
    """Which ids are which person.

    Attributes
    ----------
    users, persons : ndarray
        An id, and the id of the person.
    scenarios : ndarray of str, or None
        Where the id belongs to; None if ids mean the same everywhere.
    where : str
        The file, or what the frame is, for messages.
    """

    users: np.ndarray
    persons: np.ndarray
    scenarios: np.ndarray | None
    where: str = "user links"

    @classmethod
    def from_frame(cls, data: Any) -> UserLinks:
        """Take links from a data frame or a `Source`.

        Parameters
        ----------
        data : data frame or Source
            Either the columns scenario (or domain), user and person (or global id): what the id of
            a scenario stands for. Or two columns of ids, a row for each two of the same person,
            wherever they appear; chains are one person, whose id is the one mentioned first.

        Raises
        ------
        DataError
            If the columns are others, an id is missing, or an id of a scenario stands for two
            people.
        """
        source = as_source(data, "user links")
        scenario, person = (_named(source.names, one) for one in (SCENARIO_NAMES, PERSON_NAMES))
        if scenario is not None and person is not None:
            rest = [name for name in source.names if name not in (scenario, person)]
            user = str(find_column(rest, "user", None, where=source.where))
            with source.read([scenario, user, person]) as columns:
                places = columns.values(scenario).astype(str).astype(object)
                ids, persons = columns.ids(user, "user"), columns.ids(person, "person")
            _check_one_person(places, ids, persons, source.where)
            return cls(ids, persons, places, source.where)
        if len(source.names) != 2:
            raise DataError(
                f"{source.where}: user links have the columns scenario, user and person, or two"
                f" columns of ids; there are {first_few(source.names)}"
            )
        with source.read(source.names) as columns:
            one, other = (columns.ids(name, "user") for name in source.names)
        return cls(*_resolved(one, other, source.where), None, source.where)

    def join(
        self, interactions: Interactions, column: str | None = None
    ) -> tuple[Interactions, LinkReport]:
        """Return interactions in which every person has one id.

        Parameters
        ----------
        interactions : Interactions
            Not changed.
        column : str, optional
            Column of the context that tells the scenario, for links by scenario. There, an id
            that is not linked becomes the text "scenario:id", because the same id may be somebody
            else elsewhere; then all ids are text.

        Raises
        ------
        DataError
            If there is no such column, a scenario of the links does not occur, or none of the
            linked ids does.
        """
        if self.scenarios is None:
            return self._joined_everywhere(interactions)
        if column is None or column not in interactions.context:
            raise DataError(
                f"{self.where} links users by scenario: name the column of the interactions that"
                " tells it (--scenario-column)"
            )
        return self._joined_by_scenario(interactions, column)

    def _joined_everywhere(self, rows: Interactions) -> tuple[Interactions, LinkReport]:
        known = rows.users
        codes = known.codes(self._typed(known), unknown="skip")
        self._check_any(codes >= 0, known)
        names = known.ids.astype(object)
        persons = as_ids([str(one) for one in self.persons]) if known.is_text else self.persons
        names[codes[codes >= 0]] = persons[codes >= 0]
        users, renamed = IdMap.from_values(as_ids(names.tolist(), "user"), "user")
        has_rows = np.bincount(rows.user_codes, minlength=len(known)) > 0
        linked = np.zeros(len(known), dtype=bool)
        linked[codes[codes >= 0]] = True
        report = LinkReport(
            linked=int((linked & has_rows).sum()),
            persons=len(np.unique(renamed[linked & has_rows])),
            unlinked=int((~linked & has_rows).sum()),
            unused=len(codes) - int((linked & has_rows).sum()),
        )
        return replace(rows, users=users, user_codes=renamed[rows.user_codes]), report

    def _joined_by_scenario(
        self, rows: Interactions, column: str
    ) -> tuple[Interactions, LinkReport]:
        import pandas as pd

        assert self.scenarios is not None
        places = np.asarray(rows.context[column]).astype(str).astype(object)
        there = sorted(set(places.tolist()))
        for name in dict.fromkeys(self.scenarios.tolist()):
            if name not in there:
                raise DataError(
                    f"{self.where}: no interaction is of scenario {name!r}"
                    f"{did_you_mean(name, there)} (there are {first_few(there)})"
                )
        pair = pd.MultiIndex.from_arrays([places, rows.user_codes])
        which, distinct = pd.factorize(pair)
        codes = rows.users.codes(self._typed(rows.users), unknown="skip")
        table = dict(
            zip(
                zip(self.scenarios.tolist(), codes.tolist(), strict=True), self.persons, strict=True
            )
        )
        found = [table.get(one) for one in distinct.tolist()]
        known = np.array([one is not None for one in found], dtype=bool)
        self._check_any(known, rows.users)
        names = _with_others(found, distinct.tolist(), rows.users)
        users, renamed = IdMap.from_values(names, "user")
        linked = int(known.sum())
        report = LinkReport(
            linked, len(np.unique(renamed[known])), int((~known).sum()), len(table) - linked
        )
        return replace(rows, users=users, user_codes=renamed[which].astype(np.int32)), report

    def _typed(self, known: IdMap) -> np.ndarray:
        """Return the linked ids, as text where the users' ids are."""
        if known.is_text and self.users.dtype != object:
            return self.users.astype(str).astype(object)
        return self.users

    def _check_any(self, found: np.ndarray, known: IdMap) -> None:
        if not found.any():
            raise DataError(
                f"{self.where}: none of the linked ids is a user here: they are"
                f" {first_few(self.users, 3)}, users look like {first_few(known.ids, 3)}"
            )


def with_links(
    dataset: Dataset, links: UserLinks, column: str | None = None
) -> tuple[Dataset, LinkReport]:
    """Return a data set in which every person has one id; see `UserLinks.join`.

    Rows of a user table are of people if links are by scenario; else the first known value of a
    person's ids counts.
    """
    rows, report = links.join(dataset.interactions, column)
    users = dataset.user_table
    if users is not None:
        users = _table_of_people(users.assign(**{_ID: dataset.users.ids}), links)
    items = dataset.item_table
    if items is not None:
        items = items.assign(**{_ID: dataset.items.ids})
    built = Dataset.build(
        rows,
        dataset.knowledge,
        item_table=items,
        user_table=users,
        item=_ID,
        user=_ID,
        name=dataset.name,
    )
    return built, report


def _table_of_people(table: pd.DataFrame, links: UserLinks) -> pd.DataFrame:
    """Return a user table, with an id column, that has one row a person."""
    table = table[table.drop(columns=_ID).notna().any(axis=1)]
    if links.scenarios is None:
        names = dict(zip(map(str, links.users), links.persons, strict=True))
        table[_ID] = [names.get(str(one), one) for one in table[_ID]]
    people: pd.DataFrame = table.groupby(_ID, sort=False).first().reset_index()
    return people


def _named(names: Sequence[str], spellings: Sequence[str]) -> str | None:
    """Return the column with one of some names, separators and case aside."""
    plain = {"".join(filter(str.isalnum, name.lower())): name for name in reversed(names)}
    return next((plain[one] for one in spellings if one in plain), None)


def _check_one_person(
    scenarios: np.ndarray, users: np.ndarray, persons: np.ndarray, where: str
) -> None:
    """Refuse an id of a scenario that stands for two people."""
    seen: dict[tuple[Any, Any], Any] = {}
    for scenario, user, person in zip(
        scenarios.tolist(), users.tolist(), persons.tolist(), strict=True
    ):
        other = seen.setdefault((scenario, user), person)
        if other != person:
            raise DataError(
                f"{where}: user {user!r} of scenario {scenario!r} is linked twice, to {other!r} and"
                f" to {person!r}"
            )


def _resolved(one: np.ndarray, other: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return distinct ids, and for each the first id of those it is linked to over any chain."""
    import pandas as pd
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if (one.dtype == object) != (other.dtype == object):
        raise DataError(
            f"{where}: one column of ids is text, the other integers ({first_few(one, 2)};"
            f" {first_few(other, 2)}); give all as text or all as integers"
        )
    codes, ids = pd.factorize(np.stack([one, other], axis=1).ravel())
    pairs = codes.reshape(-1, 2)
    shape = (len(ids), len(ids))
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=shape)
    _, group = connected_components(graph, directed=False)
    _, first = np.unique(group, return_index=True)
    return np.asarray(ids), np.asarray(ids)[first[group]]


def _with_others(found: list[Any], pairs: Sequence[tuple[str, int]], users: IdMap) -> np.ndarray:
    """Return the ids of people, and "scenario:id" of those that are not linked."""
    if all(one is not None for one in found):
        return as_ids(found, "user")
    names = [
        f"{scenario}:{users.ids[code]}" if one is None else str(one)
        for one, (scenario, code) in zip(found, pairs, strict=True)
    ]
    return np.array(names, dtype=object)
