"""Keyed pseudonyms: ids that tell nothing without the key, and are the same in every file."""

from __future__ import annotations

import hmac
import os
import re
import stat
import warnings
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from hybridrec.dataset.frames import find_column, make_frame, open_frame
from hybridrec.dataset.idmap import IdMap, as_ids
from hybridrec.dataset.interactions import Interactions
from hybridrec.errors import DataError, ParameterError, first_few

KEY_VARIABLE = "HYBRIDREC_PSEUDONYM_KEY"
SHORTEST_KEY = 32  # bytes; 128 bits, should they be written as hexadecimal digits
CHECK, DIGITS = 6, 32  # hexadecimal digits of the key check value, and of a pseudonym
_PSEUDONYM = re.compile(rf"([0-9a-f]{{{CHECK}}})-[0-9a-f]{{{DIGITS}}}")
_VERSION = b"hybridrec pseudonym 1"


class Pseudonyms:
    """Pseudonyms under one key: HMAC-SHA256 of the id, cut to 128 bits.

    A pseudonym reads ``3f09ab-5e0c...``: the key check value, the same for all pseudonyms of a key,
    and 32 hexadecimal digits. The same id always gets the same one, so files that were done apart
    still fit together; 7 and "7" are the same id. A user and an item of the same id get different
    ones. Without the key nobody can tell whose it is, or find that out by trying all ids; with it
    anybody can. Pseudonyms hide ids, not behaviour: a history may still be somebody's.

    Parameters
    ----------
    key : bytes
        At least 32, from a source of secrets: ``python -c "import secrets;
        print(secrets.token_hex(32))"``. Keep it apart from the data.

    Attributes
    ----------
    check : str
        The key check value: tells keys apart, and nothing else about them.

    Raises
    ------
    ParameterError
        If the key is too short.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < SHORTEST_KEY or len(set(key)) < 8:
            raise ParameterError(
                f"a key needs at least {SHORTEST_KEY} random characters, got {len(key)}"
                f" ({len(set(key))} different); make one with: python -c"
                ' "import secrets; print(secrets.token_hex(32))"'
            )
        self._key = hmac.new(key, _VERSION, sha256)
        self.check = self._digits("check", "")[:CHECK]

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Pseudonyms:
        """Take the key from a file, blanks and line ends around it left out.

        Warns if other users of the machine may read the file.

        Raises
        ------
        ParameterError
            If there is no such file, or the key is too short.
        """
        path = Path(path)
        try:
            key, mode = path.read_bytes().strip(), path.stat().st_mode
        except OSError as error:
            raise ParameterError(f"cannot read the key from {path}: {error.strerror}") from error
        if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
            warnings.warn(
                f"others may read the key in {path}: chmod 600 {path}", UserWarning, stacklevel=2
            )
        return cls(key)

    @classmethod
    def from_environment(cls, variable: str = KEY_VARIABLE) -> Pseudonyms:
        """Take the key from an environment variable.

        Raises
        ------
        ParameterError
            If the variable is not set, or the key is too short.
        """
        if not os.environ.get(variable):
            raise ParameterError(f"the environment variable {variable} holds no key")
        return cls(os.environ[variable].strip().encode())

    def of(self, ids: Any, kind: str = "user") -> np.ndarray:
        """Return the pseudonyms of ids, an object array of str.

        Parameters
        ----------
        ids : sequence of int or str
        kind : str, default "user"
            "user", "item" or any other: the pseudonyms of one kind tell nothing about another.

        Raises
        ------
        DataError
            If ids are pseudonyms already, or, which is all but impossible, two ids would get the
            same one.
        """
        known, codes = IdMap.from_values(ids, kind)
        texts = [str(one) for one in known.ids.tolist()]
        again = [text for text in texts if _PSEUDONYM.fullmatch(text)]
        if again:
            raise DataError(f"{kind} ids {first_few(again)} are pseudonyms already")
        made = [f"{self.check}-{self._digits(kind, text)}" for text in texts]
        _refuse_collisions(texts, made)
        pseudonyms: np.ndarray = np.array(made, dtype=object)[codes]
        return pseudonyms

    def verify(self, pseudonyms: Iterable[Any]) -> None:
        """Check that pseudonyms were made with this key.

        Raises
        ------
        DataError
            If some are no pseudonyms, or were made with another key.
        """
        texts = [str(one) for one in pseudonyms]
        found = [_PSEUDONYM.fullmatch(text) for text in texts]
        if not all(found):
            wrong = [text for text, match in zip(texts, found, strict=True) if match is None]
            raise DataError(f"{first_few(wrong)} are no pseudonyms")
        others = {match[1] for match in found if match} - {self.check}
        if others:
            raise DataError(
                f"wrong key: the pseudonyms were made with the key of check value"
                f" {first_few(sorted(others))}, this one has {self.check!r}"
            )

    def frame(
        self, data: Any, *, user: str | None = None, item: str | None = None, items: bool = False
    ) -> Any:
        """Return a data frame, of the library it came in, with pseudonyms for the users.

        Parameters
        ----------
        data : data frame
            Not changed; all other columns stay as they are.
        user, item : str, optional
            Id columns, recognised by name if not given.
        items : bool, default False
            Whether the items get pseudonyms as well; also if ``item`` is given.
        """
        frame, backend = open_frame(data)
        columns = {name: frame.get_column(name).to_numpy() for name in frame.columns}
        given = {"user": user, "item": item} if items or item else {"user": user}
        return make_frame(self.columns(columns, given, where="data frame"), backend)

    def columns(
        self, columns: dict[str, np.ndarray], given: dict[str, str | None], *, where: str
    ) -> dict[str, np.ndarray]:
        """Return columns with pseudonyms in place of some ids.

        Parameters
        ----------
        columns : dict of str to ndarray
        given : dict of {"user", "item"} to str or None
            What to replace, and the name of its column; None recognises it.
        where : str
            The file or frame, for messages.
        """
        done = dict(columns)
        for kind, name in given.items():
            found = str(find_column(list(columns), kind, name, where=where))
            done[found] = self.of(as_ids(columns[found], kind), kind)
        return done

    def interactions(self, data: Interactions, *, items: bool = False) -> Interactions:
        """Return interactions with pseudonyms for the users and, if wanted, the items."""
        users = IdMap(self.of(data.users.ids, "user"), "user")
        renamed = IdMap(self.of(data.items.ids, "item"), "item") if items else data.items
        return replace(data, users=users, items=renamed)

    def _digits(self, kind: str, text: str) -> str:
        """Return the hexadecimal digits for an id of a kind."""
        code = self._key.copy()
        code.update(b"\0" + kind.encode() + b"\0" + text.encode())
        return code.hexdigest()[:DIGITS]


def _refuse_collisions(texts: list[str], made: list[str]) -> None:
    if len(set(made)) < len(made):
        first: dict[str, str] = {}
        pairs = [
            (first[one], text)
            for text, one in zip(texts, made, strict=True)
            if first.setdefault(one, text) != text
        ]
        raise DataError(f"ids {first_few(pairs)} would get the same pseudonym; use another key")
