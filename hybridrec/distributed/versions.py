"""Client and workers must run the same versions: kernels that differ give lists that differ."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from hybridrec.errors import ClusterError

if TYPE_CHECKING:
    from distributed import Client

PACKAGES = ("hybridrec", "numpy", "scipy", "numba", "dask", "distributed")


def versions() -> dict[str, str]:
    """Return the versions of this process that results depend on."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **{name: _version(name) for name in PACKAGES}}


def check_versions(client: Client) -> None:
    """Refuse workers that run other versions than this process.

    Raises
    ------
    ClusterError
        Naming the worker, the package and both versions.
    """
    try:
        found = client.run(versions)
    except (ImportError, AttributeError) as error:
        raise ClusterError(
            f"a worker of {client.scheduler.address} cannot import this hybridrec ({error});"
            " install the same version on all workers"
        ) from error
    compare(versions(), found)


def compare(here: Mapping[str, str], workers: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse the first worker whose versions differ; see `check_versions`."""
    for address, there in workers.items():
        for name, ours in here.items():
            if there.get(name) != ours:
                raise ClusterError(
                    f"worker {address} runs {name} {there.get(name, 'unknown')}, this process"
                    f" {name} {ours}; install the same versions on both"
                )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"
