"""Answers over HTTP: `hybridrec serve` and implicit behind Flask, with the same ALS factors.

amazon-book (KGAT's training file: 70,679 users, 24,915 items), 64 factors, lists of 10, seen items
left out. Each service is one process on core 0, the load is wrk on core 1: random users,
connections kept alive where the service does so. Needs wrk (Debian's package), and flask and
gunicorn in the environment.

    python -m bench.http [--data DIR] [--seconds 3] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import ALS, read_dataset
from hybridrec.evaluation.protocols import protocol

CONNECTIONS = (1, 16, 64)
TOKEN = "bench"
OURS, WRITING = "hybridrec serve", "hybridrec serve --feedback"
KEYS = ("requests_per_second", "p50_ms", "p99_ms", "errors")
RANDOM_USER = """
math.randomseed({seed})
local headers = {{["Content-Type"] = "application/json", ["Authorization"] = "Bearer {token}"}}
function request()
  local user = math.random(0, {users} - 1)
  if math.random() < {writes} then
    local event = '{{"user":' .. user .. ',"item":' .. math.random(0, {items} - 1) .. '}}'
    return wrk.format("POST", "/feedback", headers, '{{"events":[' .. event .. ']}}')
  end
  return wrk.format("GET", "/recommend?user=" .. user .. "&k=10")
end
"""


def prepare(data: Path, folder: Path) -> dict[str, int]:
    """Fit the model, and write it for both sides."""
    split = protocol("full-ranking").cut(read_dataset(data / "amazon-book"), 0)
    model = ALS(factors=64, num_threads=1).fit(split.train)
    model.save(folder / "book.model")
    np.savez(
        folder / "factors.npz", users=model.scorer_.user_factors, items=model.scorer_.item_factors
    )
    sparse.save_npz(folder / "history.npz", model.history_)
    return {"users": len(model.users_), "items": len(model.items_)}


def services(folder: Path) -> dict[str, list[str]]:
    """Return the command of each service; ``PORT`` stands for its port."""
    python, own = sys.executable, Path(sys.executable).parent
    peer = f"bench.http_flask:app_of('{folder}')"
    gunicorn = [str(own / "gunicorn"), peer, "--bind", "127.0.0.1:PORT", "--log-level", "error"]
    ours = [python, "-m", "hybridrec.cli.main", "serve", str(folder / "book.model")]
    return {
        OURS: [*ours, "--port", "PORT"],
        WRITING: [*ours, "--port", "PORT", "--feedback", str(folder / "feedback-PORT.sqlite")],
        "Flask, app.run(threaded=True)": [python, "-m", "bench.http_flask", str(folder), "PORT"],
        "Flask, gunicorn, 1 sync worker": [*gunicorn, "--workers", "1"],
        "Flask, gunicorn, 4 threads": [*gunicorn, "--worker-class", "gthread", "--threads", "4"],
    }


@contextmanager
def running(command: list[str]) -> Iterator[str]:
    """Run a service on core 0 until the block ends; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["taskset", "-c", "0", *(one.replace("PORT", str(port)) for one in command)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "HYBRIDREC_TOKEN": TOKEN}
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=silent, stderr=silent)
    try:
        for _ in range(300):
            try:
                answer(f"http://127.0.0.1:{port}", 0)
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit(f"{shlex.join(command)} does not answer")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def answer(address: str, user: int) -> list[int]:
    """Return the items of a user's list."""
    with urllib.request.urlopen(f"{address}/recommend?user={user}&k=10", timeout=5) as found:
        return [one["item"] for one in json.load(found)["items"]]


def load(address: str, connections: int, seconds: float, script: Path) -> dict[str, float]:
    """Ask as fast as answers come; requests a second, milliseconds, and answers that were none."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s"]
    command += ["--latency", "-s", str(script), address]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said
    )
    errors = sum(map(int, broken.groups())) if broken else 0
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    values = (
        float(rate[1]),
        _ms(said, 50),
        _ms(said, 99),
        errors + (int(wrong[1]) if wrong else 0),
    )
    return dict(zip(KEYS, values, strict=True))


def _ms(said: str, percent: int) -> float:
    number, unit = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s)\s", said).groups()
    return round(float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit], 3)


def measured(
    commands: dict[str, list[str]], sizes: dict[str, int], options: argparse.Namespace, folder: Path
) -> tuple[list[dict[str, Any]], float]:
    """Load every service in turn, and again; its best rounds, and the share of equal lists."""
    runs: dict[tuple[str, str, int], dict[str, float]] = {}
    lists: dict[str, list[list[int]]] = {}
    for number in range(options.rounds):
        for name, command in commands.items():
            kinds = {"recommend": 0.0}
            if name == WRITING:
                kinds |= {"recommend, 1 in 10 feedback": 0.1, "feedback": 1.0}
            with running(command) as address:
                lists[name] = [answer(address, user) for user in range(0, sizes["users"], 500)]
                for kind, writes in kinds.items():
                    script = folder / "load.lua"
                    script.write_text(
                        RANDOM_USER.format(seed=number, token=TOKEN, writes=writes, **sizes)
                    )
                    for connections in CONNECTIONS:
                        found = load(address, connections, options.seconds, script)
                        key = (name, kind, connections)
                        if key not in runs or found[KEYS[0]] > runs[key][KEYS[0]]:
                            runs[key] = found
    same = [
        mine == theirs
        for name in lists
        for mine, theirs in zip(lists[OURS], lists[name], strict=True)
        if name != OURS
    ]
    rows = [
        {"service": name, "requests": kind, "connections": connections, **found}
        for (name, kind, connections), found in runs.items()
    ]
    return rows, sum(same) / len(same)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table of the results, with ratios to ours."""
    ours = {row["connections"]: row[KEYS[0]] for row in rows if row["service"] == OURS}
    cells = [
        [
            row["service"],
            row["requests"],
            row["connections"],
            f"{row[KEYS[0]]:,.0f}",
            f"{row['p50_ms']:.2f}",
            f"{row['p99_ms']:.2f}",
            row["errors"],
            ""
            if row["service"] in (OURS, WRITING)
            else f"{ours[row['connections']] / row[KEYS[0]]:.1f}x",
        ]
        for row in rows
    ]
    header = ["service", "requests", "connections", "a second", "p50, ms", "p99, ms", "errors"]
    return markdown([*header, "ours is faster by"], cells)


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing: apt-get install wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = prepare(options.data, folder)
        rows, same = measured(services(folder), sizes, options, folder)
    versions = {
        name: metadata.version(name) for name in ("flask", "gunicorn", "fastapi", "uvicorn")
    }
    text = (
        f"amazon-book, {sizes['users']:,} users x {sizes['items']:,} items, ALS with 64 factors,"
        f" lists of 10; one process on one core, load from the other; best of {options.rounds}"
        f" rounds of {options.seconds:g} s; {same:.1%} of the lists equal implicit's"
        f"\n\n{table(rows)}"
    )
    found = {**sizes, "versions": versions, "equal_lists": same, "rows": rows}
    write_results("http", found, text)


if __name__ == "__main__":
    main()
