"""Folders that hold a data set in the layout of RecBole, KGCN or KGAT."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hybridrec.errors import DataError, first_few


@dataclass(frozen=True)
class FolderParts:
    """The files of a data set.

    Attributes
    ----------
    interactions : tuple of Path
        One file, or the parts of one (KGAT's train and test).
    knowledge, link, items, users, social : Path or None
    """

    interactions: tuple[Path, ...]
    knowledge: Path | None = None
    link: Path | None = None
    items: Path | None = None
    users: Path | None = None
    social: Path | None = None


def find_parts(folder: Path) -> FolderParts:
    """Find the files of a data set in a folder.

    RecBole: ``NAME.inter``, and ``.kg``, ``.link``, ``.item``, ``.user``, ``.net`` where they
    are. KGCN: ``ratings_final.txt`` and ``kg_final.txt``. KGAT: ``train.txt``, ``test.txt`` and
    ``kg_final.txt``. Any text file may be packed with gzip.

    Raises
    ------
    DataError
        If the folder has no such file, or several ``.inter`` files.
    """
    files = {path.name.removesuffix(".gz"): path for path in sorted(folder.iterdir())}
    atomic = [name for name in files if name.endswith(".inter")]
    if len(atomic) > 1:
        raise DataError(f"{folder} holds several data sets, name one file: {first_few(atomic)}")
    if atomic:
        stem = atomic[0].removesuffix(".inter")
        found = {
            part: files.get(f"{stem}.{suffix}")
            for part, suffix in {
                "knowledge": "kg", "link": "link", "items": "item", "users": "user",
                "social": "net",
            }.items()
        }  # fmt: skip
        return FolderParts((files[atomic[0]],), **found)
    for layout in (("ratings_final.txt",), ("train.txt", "test.txt")):
        present = tuple(files[name] for name in layout if name in files)
        if present:
            return FolderParts(present, files.get("kg_final.txt"))
    raise DataError(
        f"{folder} holds no data set that is recognised: NAME.inter (RecBole), ratings_final.txt"
        f" (KGCN) or train.txt (KGAT); name the files (there are {first_few(files)})"
    )
