"""Import time, time of the help page, and installed size: ``python -m bench.startup``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measure import markdown, run, write_results

REPEATS = 7


def seconds(command: list[str]) -> float:
    """Return the median wall-clock time of a command, after one run to warm the disk cache."""
    run(command)
    return statistics.median(run(command).seconds for _ in range(REPEATS))


def installed_mb(*options: str) -> float:
    """Return the size of a fresh environment with hybridrec in it, without pip's own."""
    root = Path(__file__).resolve().parents[1]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "site"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(target)]
        subprocess.run([*command, *options, str(root)], check=True)
        return sum(f.stat().st_size for f in target.rglob("*") if f.is_file()) / 2**20


def main() -> None:
    """Measure and write the results."""
    script = str(Path(sys.executable).with_name("hybridrec"))
    values = {
        "python -c pass (s)": seconds([sys.executable, "-c", "pass"]),
        "import hybridrec (s, whole process)": seconds([sys.executable, "-c", "import hybridrec"]),
        "hybridrec --help (s)": seconds([script, "--help"]),
        "installed, hybridrec alone (MB)": installed_mb("--no-deps"),
        "installed, with all dependencies (MB)": installed_mb(),
    }
    rows = [(name, f"{value:.2f}") for name, value in values.items()]
    write_results("startup", {"values": values}, markdown(["what", "value"], rows))


if __name__ == "__main__":
    main()
