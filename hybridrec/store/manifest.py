"""The manifest of a folder: which version wrote it, and what each of its files must be.

``manifest.json`` is written last and lists every other file with its size and sha256, so a
folder that agrees with its manifest is whole. The manifest's own checksum covers its content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hybridrec.errors import DataError, ModelFolderError, ParameterError, first_few

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
RESERVED = frozenset({"format_version", "library_version", "created", "files", "checksum"})
_REPAIR = "copy the folder again from where it was made, or save again"


def check_keys(keys: Mapping[str, Any]) -> None:
    """Refuse manifest keys of a caller that are reserved or have no form in JSON.

    Raises
    ------
    ParameterError
        If a key is one that the manifest sets itself.
    DataError
        If a value is not made of JSON's types (NaN and infinity are not).
    """
    taken = sorted(RESERVED.intersection(keys))
    if taken:
        raise ParameterError(f"these manifest keys are set by the store: {first_few(taken)}")
    try:
        json.dumps(dict(keys), allow_nan=False, sort_keys=True)
    except (RecursionError, TypeError, ValueError) as error:
        raise DataError(f"the manifest cannot be written as JSON: {error}") from error


def write_manifest(folder: Path, keys: Mapping[str, Any]) -> None:
    """Describe all files that ``folder`` holds in its ``manifest.json``, with the caller's keys."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = {
        "format_version": FORMAT_VERSION,
        "library_version": _library_version(),
        "created": datetime.now(timezone.utc).isoformat(),
        **keys,
        "files": {path.relative_to(folder).as_posix(): _described(path) for path in files},
    }
    manifest = json.loads(json.dumps(entries))  # keys and tuples as a reader will see them
    manifest["checksum"] = checksum(manifest)
    text = json.dumps(manifest, indent=2, allow_nan=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="ascii")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder, once it is known to be ours, readable here and unaltered.

    Raises
    ------
    ModelFolderError
        If it is not.
    """
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise ModelFolderError(f"{folder} {found}; give a folder that hybridrec saved")
    try:
        text = _inside(folder, MANIFEST).read_bytes()
    except FileNotFoundError:
        raise ModelFolderError(
            f"{folder} has no {MANIFEST}: it is not a folder that hybridrec saved"
        ) from None
    except OSError as error:
        raise ModelFolderError(f"{folder / MANIFEST} cannot be read: {error.strerror}") from error
    try:
        manifest: dict[str, Any] = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise ModelFolderError(f"{folder / MANIFEST} is damaged ({error}); {_REPAIR}") from error
    if not _is_ours(manifest):
        raise ModelFolderError(f"{folder / MANIFEST} is not one of hybridrec; {_REPAIR}")
    _check_version(folder, manifest)
    files, seal = manifest.get("files"), manifest.get("checksum")
    if not isinstance(files, dict) or seal != checksum(manifest):
        raise ModelFolderError(f"{folder / MANIFEST} was altered after it was saved; {_REPAIR}")
    return manifest


def verify_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Check that each listed file is inside the folder, with the size and sha256 listed.

    Raises
    ------
    ModelFolderError
        Naming the first file that is not.
    """
    for name, listed in manifest["files"].items():
        path = _inside(folder, name)
        try:
            found = _described(path)
        except FileNotFoundError:
            raise ModelFolderError(f"{folder} lacks its file {name!r}; {_REPAIR}") from None
        except OSError as error:
            raise ModelFolderError(f"{path} cannot be read: {error.strerror}") from error
        if found != listed:
            raise ModelFolderError(
                f"{path} was cut short or altered after it was saved (found {found},"
                f" {MANIFEST} lists {listed}); {_REPAIR}"
            )


def has_manifest(folder: Path) -> bool:
    """Tell whether a folder was written by hybridrec, in this or a newer format, whole or not."""
    try:
        return _is_ours(json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, RecursionError, ValueError):
        return False


def checksum(manifest: Mapping[str, Any]) -> str:
    """Return the sha256 of a manifest's content, its own ``checksum`` left out."""
    content = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()


def _library_version() -> str:
    """Return the version of the running hybridrec."""
    try:
        return version("hybridrec")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"


def _is_ours(manifest: Any) -> bool:
    """Tell our manifests, of any format, from those of other programs under the same name."""
    return (
        isinstance(manifest, dict)
        and type(manifest.get("format_version")) is int
        and "library_version" in manifest
    )


def _check_version(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Refuse a format that this version does not read."""
    found = manifest["format_version"]
    if found > FORMAT_VERSION:
        raise ModelFolderError(
            f"{folder} was written by hybridrec {manifest['library_version']} in format {found}"
            f" ({MANIFEST}); hybridrec {_library_version()} reads formats up to {FORMAT_VERSION}:"
            " upgrade with pip install --upgrade hybridrec"
        )
    if found < 1:
        raise ModelFolderError(f"{folder} has the unknown format {found} ({MANIFEST}); {_REPAIR}")


def _inside(folder: Path, name: str) -> Path:
    """Return the path of a listed file; refuse one that leads out of the folder."""
    try:
        path = (folder / name).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links, or no possible path at all
        inside = False
    if not inside:
        raise ModelFolderError(f"{folder} lists {name!r}, which is outside of it; {_REPAIR}")
    return folder / name


def _described(path: Path) -> dict[str, Any]:
    """Return the size and the sha256 of a file, read in pieces."""
    if not path.is_file():
        raise FileNotFoundError(path)
    digest, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(1 << 20))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return {"sha256": digest.hexdigest(), "bytes": size}
