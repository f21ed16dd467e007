"""What all benchmarks share: facts of the machine, measured commands, written results."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).parent / "results"
DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PACKAGES = ("hybridrec", "numpy", "scipy", "numba", "implicit", "duckdb", "pandas")


def machine() -> dict[str, Any]:
    """Return what a reader needs to judge the figures."""
    model = "unknown"
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


class Run(NamedTuple):
    """One measured command."""

    seconds: float
    peak_mb: float
    stdout: str


def run(command: Sequence[str]) -> Run:
    """Run a command to its end; wall-clock seconds and peak resident memory of the process."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        start = time.perf_counter()
        process = subprocess.Popen(list(command), stdout=out, stderr=err, text=True)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{err.read()}")
        return Run(seconds, usage.ru_maxrss / 1024, out.read())


def write_results(name: str, data: dict[str, Any], table: str) -> None:
    """Write ``bench/results/NAME.json`` and ``NAME.md``, and print the table."""
    facts = machine()
    RESULTS.mkdir(exist_ok=True)
    module = f"{Path(sys.argv[0]).parent.name}.{Path(sys.argv[0]).stem}"
    # what was asked for belongs to the figures, where it lay on this machine does not
    given = ["PATH" if os.sep in one else one for one in sys.argv[1:]]
    command = " ".join(["python -m", module, *given])
    content = {"command": command, "machine": facts, **data}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    stated = ", ".join(f"{key} {value}" for key, value in facts.items())
    (RESULTS / f"{name}.md").write_text(f"{table}\n\n`{command}`; {stated}\n")
    print(table)


def markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)
