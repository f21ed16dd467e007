"""RecBole's atomic files: tab-separated, with a header of ``name:type``, no quotes.

Format: https://recbole.io/docs/user_guide/data/atomic_files.html
"""

from __future__ import annotations

import re

from hybridrec.dataset.frames import find_column
from hybridrec.dataset.readers.delimited import DelimitedSource, check_names
from hybridrec.dataset.readers.head import FileHead

_TYPES = {"float": "DOUBLE", "token_seq": "VARCHAR[]", "float_seq": "DOUBLE[]"}
_FIELD = re.compile(r"(.+):(token|token_seq|float|float_seq)")


def is_recbole(head: FileHead) -> bool:
    """Tell whether the first line is a header of ``name:type``."""
    return all(_FIELD.fullmatch(field) for field in head.lines[0].split("\t"))


def open_recbole(head: FileHead) -> DelimitedSource:
    """Open an atomic file.

    Numbers and sequences have the types of the header; tokens are ids, integers where all are. A
    sequence that is the title of an item, which RecBole splits into words, stays one text.
    """
    fields = [_FIELD.fullmatch(field) for field in head.lines[0].split("\t")]
    typed = {match[1]: match[2] for match in fields if match is not None}
    names = check_names(head, [match[1] for match in fields if match is not None])
    types = {name: _TYPES[kind] for name, kind in typed.items() if kind in _TYPES}
    types.pop(find_column(names, "title", None, where=str(head.path), required=False) or "", None)
    return DelimitedSource(head, names, "\t", quote="", types=types)
