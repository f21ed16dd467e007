"""``hybridrec doctor``: does this installation work, and with what."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module, metadata
from pathlib import Path

import click

from hybridrec.cli.output import console
from hybridrec.cli.tables import print_table
from hybridrec.runtime import available_cpus

PACKAGES = (
    "hybridrec", "numpy", "scipy", "numba", "llvmlite", "pandas", "narwhals", "duckdb",
    "implicit", "scikit-learn", "networkx", "safetensors", "threadpoolctl", "click", "rich",
)  # fmt: skip
EXTRAS = {"lightfm": ("lightfm", "lightfm-next")}  # extra -> module and package


@click.command("doctor")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Check this installation.

    Prints versions, CPUs, what numba does, and which extras can be imported; fits a tiny model
    and asks it for recommendations. Exits with 0 if that works and 1 if not.
    """
    problem = self_test()
    found = {
        "python": f"{platform.python_version()} on {platform.platform()}",
        **{name: _version(name) for name in PACKAGES},
        "CPUs": f"{os.cpu_count()} seen, {available_cpus()} used",
        "numba threads": _threading_layer(),
        "numba cache": _kernel_cache(),
        **{f"extra {name}": _extra(name) for name in EXTRAS},
        "self-test": problem or "passed: fitted a tiny model, its recommendations are right",
    }
    rows = [[name, text] for name, text in found.items()]
    print_table(console(), {"what": "left", "found": "wrap"}, rows)
    if problem:
        ctx.exit(1)


def self_test() -> str:
    """Fit a model on a checkerboard and return what is wrong with its lists, "" if nothing.

    Even users have even items and odd users odd ones, each all but one of its colour: that one
    must be recommended first.
    """
    try:
        import numpy as np
        import pandas as pd

        from hybridrec.models.registry import make_model

        users, items = np.divmod(np.arange(64), 8)
        kept = ((users + items) % 2 == 0) & (users != items)
        data = pd.DataFrame({"user": users[kept], "item": items[kept]})
        model = make_model("hybrid-als", factors=4).fit(data)
        first = model.recommend(k=1)["item"].tolist()
    except Exception as error:  # noqa: BLE001 (whatever it is, it is the finding)
        return f"FAILED: {type(error).__name__}: {error}"
    return "" if first == list(range(8)) else f"FAILED: recommends {first}, not 0 to 7"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _threading_layer() -> str:
    """Return what numba runs its threads with; known once a kernel has run in parallel."""
    numba = sys.modules.get("numba")
    try:
        return f"{numba.threading_layer()}, {numba.get_num_threads()} threads" if numba else "none"
    except ValueError:
        return "not started"


def _kernel_cache() -> str:
    """Return where compiled kernels are kept, and whether they can be."""
    from hybridrec.kernels.als import solve_rows

    folder = Path(str(solve_rows.stats.cache_path))
    where = next(one for one in (folder, *folder.parents) if one.exists())
    note = "" if os.access(where, os.W_OK) else " (not writable: every start compiles again)"
    return f"{folder}{note}"


def _extra(name: str) -> str:
    """Tell whether the package of an extra can be imported, not only whether it is there."""
    module, package = EXTRAS[name]
    try:
        import_module(module)
    except ImportError as error:
        installed = _version(package)
        if installed == "not installed":
            return f"not installed (pip install 'hybridrec[{name}]')"
        return f"{package} {installed} cannot be imported: {error}"
    return f"{package} {_version(package)}, importable"
