"""The beginning of a file: is it there, is it packed, is it text."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from hybridrec.errors import DataError, did_you_mean, first_few

HEAD_BYTES = 2**20
TEXT_WIDTH = 100  # characters of a bad line in a message

NOT_UTF8 = "not UTF-8 text; convert the file, such as: iconv -f LATIN1 -t UTF-8 OLD > NEW"

_UNREADABLE = {
    b"PK\x03\x04": "a zip or Excel file; unpack it or export CSV",
    b"\xd0\xcf\x11\xe0": "an Excel file; export CSV",
    b"BZh": "packed with bzip2; unpack it",
    b"\xfd7zXZ": "packed with xz; unpack it",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it",
    b"SQLite format 3": "an SQLite database; export the table as CSV",
    b"\xff\xfe": "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW",
    b"\xfe\xff": "UTF-16 text; convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW",
}


@dataclass(frozen=True)
class FileHead:
    """The first bytes of a file, unpacked.

    Attributes
    ----------
    path : Path
    is_gzip : bool
    start : bytes
        At most `HEAD_BYTES`.
    """

    path: Path
    is_gzip: bool
    start: bytes

    @property
    def compression(self) -> str:
        """DuckDB's name of how the file is packed."""
        return "gzip" if self.is_gzip else "uncompressed"

    @property
    def plain_name(self) -> str:
        """The name of the file in lower case, without ``.gz``."""
        return self.path.name.lower().removesuffix(".gz")

    @property
    def text(self) -> str:
        """The beginning as text, without a byte order mark.

        Raises
        ------
        DataError
            If it is not UTF-8; names the line and how to convert the file.
        """
        try:
            # The last character may be cut in two, so the end is not final.
            return codecs.getincrementaldecoder("utf-8-sig")().decode(self.start)
        except UnicodeDecodeError as error:
            at = self.start.count(b"\n", 0, error.start)
            line = self.start.split(b"\n")[at].decode("utf-8", "replace")
            raise DataError(f"{self.path}:{at + 1}: {NOT_UTF8}: {shortened(line)}") from error

    @property
    def lines(self) -> list[str]:
        """The complete lines of the beginning (at least one, even if it is cut)."""
        lines = self.text.splitlines()
        cut = len(self.start) == HEAD_BYTES and len(lines) > 1
        return lines[:-1] if cut else lines


def read_head(path: str | os.PathLike[str]) -> FileHead:
    """Read the beginning of a file.

    Raises
    ------
    DataError
        If there is no such file (suggests the nearest name), it is a folder, empty, packed in a
        way that is not read, or cannot be opened.
    """
    found = existing_file(path)
    try:
        with found.open("rb") as handle:
            is_gzip = handle.read(2) == b"\x1f\x8b"
        with open_bytes(found, is_gzip=is_gzip) as handle:
            start = handle.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from error
    for magic, problem in _UNREADABLE.items():
        if start.startswith(magic):
            raise DataError(f"{path} is {problem}")
    if not start.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"{path} is empty")
    return FileHead(found, is_gzip, start)


def existing_file(path: str | os.PathLike[str]) -> Path:
    """Return the path of a file that exists.

    Raises
    ------
    DataError
        If it does not, or is a folder.
    """
    found = Path(path)
    if found.is_dir():
        raise DataError(f"{path} is a folder, not a file (it holds {first_few(_names_in(found))})")
    if not found.exists():
        guess = did_you_mean(found.name, _names_in(found.parent))
        where = "" if found.parent.is_dir() else f" (nor a folder {str(found.parent)!r})"
        raise DataError(f"there is no file {str(path)!r}{where}{guess}")
    return found


def open_bytes(path: Path, *, is_gzip: bool) -> IO[bytes]:
    """Open a file that may be packed with gzip."""
    if is_gzip:
        return cast(IO[bytes], gzip.open(path, "rb"))
    return path.open("rb")


def open_text(path: Path, *, is_gzip: bool) -> IO[str]:
    """Open a file as text of lines that end in a line feed, as they are counted in messages.

    What is not UTF-8 is replaced.
    """
    handle = open_bytes(path, is_gzip=is_gzip)
    return io.TextIOWrapper(handle, encoding="utf-8-sig", errors="replace", newline="\n")


def shortened(line: str) -> str:
    """Write a line for a message."""
    line = line.strip("\r\n")
    return repr(line if len(line) <= TEXT_WIDTH else line[:TEXT_WIDTH] + "...")


def _names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
