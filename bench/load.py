"""Load and clean a large synthetic file: ``python -m bench.load [--rows N]``.

Writes CSV files of power-law users and items, with integer and with text ids, and their Parquet
twins to a temporary folder (about 2.7 GB for 25 million rows), and loads and cleans each in a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.measure import markdown, run, write_results

USERS, ITEMS = 200_000, 60_000
IDS = {
    "integer": ("7 * u + 1", "3 * i + 2"),
    "text": ("'U' || lpad(u::VARCHAR, 9, '0')", "'https://example.org/item/' || i"),
}
FORMS = {"csv": "format csv, header", "parquet": "format parquet"}


def main() -> None:
    """Measure every file, or do one step in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=25_000_000)
    parser.add_argument("--write", type=Path, help="only write the files to this folder")
    parser.add_argument("--load", type=Path, help="only load this file and print the figures")
    options = parser.parse_args()
    if options.write:
        write_files(options.write, options.rows)
    elif options.load:
        print(json.dumps(load_and_clean(options.load)))
    else:
        measure(options.rows)


def measure(rows: int) -> None:
    """Write the files, load and clean each, and write the results.

    This process stays small: on Linux a new process begins with the peak memory of its parent.
    """
    step = [sys.executable, "-m", "bench.load"]
    with tempfile.TemporaryDirectory() as folder:
        run([*step, "--write", folder, "--rows", str(rows)])
        runs = [
            {"ids": path.stem, "format": path.suffix[1:]}
            | json.loads(run([*step, "--load", str(path)]).stdout)
            for path in sorted(Path(folder).iterdir())
        ]
    header = {
        "ids": "ids",
        "format": "format",
        "file_mb": "file (MB)",
        "load_s": "load (s)",
        "clean_s": "clean (s)",
        "arrays_mb": "arrays (MB)",
        "load_peak_mb": "peak, load (MB)",
        "peak_mb": "peak, load and clean (MB)",
        "peak_to_arrays": "peak / arrays",
    }
    table = markdown(list(header.values()), [[one[key] for key in header] for one in runs])
    title = f"{rows:,} rows, {USERS:,} users, {ITEMS:,} items; peaks are of the process"
    write_results("load", {"rows": rows, "runs": runs}, f"{title}\n\n{table}")


def write_files(folder: Path, rows: int) -> None:
    """Write a file for each kind of ids and each format."""
    import duckdb

    with duckdb.connect() as database:
        draws = ", ".join(f"hash(4 * n + {k}) / 2.0 ** 64 as r{k}" for k in range(1, 5))
        database.execute(
            f"""create table events as
            select floor({USERS} * pow(r1, 2.5))::BIGINT as u,
                floor({ITEMS} * pow(r2, 3))::BIGINT as i,
                (1 + floor(10 * r3)) / 2 as rating,
                1000000000 + floor(7e8 * r4)::BIGINT as time
            from (select {draws} from range({rows}) as numbers(n))"""
        )
        for ids, (user, item) in IDS.items():
            for form, written in FORMS.items():
                path = folder / f"{ids}.{form}"
                database.execute(
                    f"copy (select {user} as user_id, {item} as item_id, rating, time from events)"
                    f" to '{path}' ({written})"
                )


def load_and_clean(path: Path) -> dict[str, Any]:
    """Return seconds and peak memory of reading a file and of cleaning what was read."""
    import hybridrec

    start = time.perf_counter()
    rows = hybridrec.read_interactions(path)
    loaded = time.perf_counter()
    load_peak = peak_mb()
    clean, _ = hybridrec.clean(rows, min_user_interactions=5, min_item_interactions=5)
    cleaned = time.perf_counter()
    columns = (rows.user_codes, rows.item_codes, rows.weights, rows.timestamps)
    arrays = sum(column.nbytes for column in columns if column is not None) / 2**20
    return {
        "file_mb": round(path.stat().st_size / 2**20),
        "load_s": round(loaded - start, 1),
        "clean_s": round(cleaned - loaded, 1),
        "arrays_mb": round(arrays),
        "load_peak_mb": round(load_peak),
        "peak_mb": round(peak_mb()),
        "peak_to_arrays": round(peak_mb() / arrays, 1),
        "rows_after": len(clean),
    }


def peak_mb() -> float:
    """Return the peak resident memory of this program so far.

    Not ``ru_maxrss``, which a child process takes over from the one that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
