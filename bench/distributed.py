"""The cluster beside the plain path: ``python -m bench.distributed [--section NAME ...]``.

Sections: ``overhead`` (local:1 against a fit in this process, one thread each), ``speedup`` (1 to
2 workers), ``recommend`` (lists of all users), ``short`` (a worker with less memory than the shards
take), ``large`` (ten times as many interactions, workers of 4 GB). Bytes that workers send each
other and the peak memory of every worker are told of each fit. Every run is a process of its own;
logs are synthetic, made once in ``--work`` and kept there. What was measured before at the same
scale stays in the results until it is measured again. ``--scale 0.01`` tries everything on a
hundredth of the interactions.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import RESULTS, markdown, run, write_results

MIDDLE, LARGE = 20_000_000, 200_000_000  # interactions
PER_USER, PER_ITEM = 100, 1000
PARTITION = 2_000_000  # rows of a file
FACTORS, ITERATIONS = 64, 3
LIMITED = {"short": (MIDDLE, "local:1", "700MB"), "large": (LARGE, "local:2", "4GB")}
SECTIONS = ("overhead", "speedup", "recommend", *LIMITED)


def main() -> None:
    """Measure sections and write the results, or be one of the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--section", action="append", choices=SECTIONS)
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of interactions")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "hybridrec-logs"))
    parser.add_argument("--run", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run is not None:
        print(json.dumps(RUNS[json.loads(options.run)["what"]](**json.loads(options.run))))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    sections = options.section or SECTIONS
    found: dict[str, Any] = {
        "scale": options.scale,
        "factors": FACTORS,
        "iterations": ITERATIONS,
        "runs": _measured_before(options.scale),
    }
    try:
        run_sections(found, sections, options.work, options.scale)
    finally:
        write_results("distributed", found, _table(found))  # what was measured till then


def run_sections(found: dict[str, Any], sections: Sequence[str], work: Path, scale: float) -> None:
    """Measure sections."""
    middle = made_log(work, int(MIDDLE * scale))
    if {"overhead", "speedup", "recommend"}.intersection(sections):
        measured(found, what="warm-up", log=str(middle))
    if {"overhead", "recommend"}.intersection(sections):
        measured(found, what="plain", log=str(middle), model=str(work / "plain.model"))
    if {"overhead", "speedup"}.intersection(sections):
        measured(found, what="cluster", log=str(middle), address="local:1")
    if "speedup" in sections:
        measured(found, what="cluster", log=str(middle), address="local:2")
    if "recommend" in sections:
        for address in (None, "local:1", "local:2"):
            measured(found, what="lists", model=str(work / "plain.model"), address=address)
    for section, (size, address, limit) in LIMITED.items():
        if section in sections:
            log = made_log(work, int(size * scale))
            measured(found, what="cluster", log=str(log), address=address, limit=limit)


def made_log(work: Path, n: int) -> Path:
    """Return a folder of partitions with ``n`` synthetic interactions, made if it is not there.

    Activity of users and popularity of items are skewed; tastes are of 32 groups of either.
    """
    folder = work / f"log-{n}"
    if folder.exists():
        return folder
    import pyarrow as pa
    import pyarrow.parquet as pq

    stage = work / f".log-{n}"
    stage.mkdir(exist_ok=True)
    n_users, n_items = max(n // PER_USER, 100), max(n // PER_ITEM, 100)
    for number, start in enumerate(range(0, n, PARTITION)):
        rng = np.random.default_rng(number)
        count = min(PARTITION, n - start)
        users = (rng.random(count) ** 1.5 * n_users).astype(np.int64)
        items = (rng.random(count) ** 2.5 * n_items).astype(np.int64)
        own = rng.random(count) < 0.7  # of the user's group
        items[own] += (users[own] - items[own]) % 32
        columns = {"user": users, "item": np.minimum(items, n_items - 1), "rating": np.ones(count)}
        pq.write_table(pa.table(columns), stage / f"part-{number:05d}.parquet")
    stage.rename(folder)
    return folder


def measured(found: dict[str, Any], **asked: Any) -> None:
    """Run one measurement in a process of its own, and keep what it tells."""
    command = [sys.executable, "-m", "bench.distributed", "--run", json.dumps(asked)]
    told = json.loads(run(command).stdout.splitlines()[-1])
    if asked["what"] != "warm-up":
        places = {name: Path(asked[name]).name for name in ("log", "model") if name in asked}
        asked |= places
        others = [one for one in found["runs"] if not asked.items() <= one.items()]
        found["runs"] = [*others, {**asked, **told}]
        print(json.dumps(found["runs"][-1]), file=sys.stderr)


def _measured_before(scale: float) -> list[dict[str, Any]]:
    path = RESULTS / "distributed.json"
    before = json.loads(path.read_text()) if path.exists() else {"scale": None}
    return list(before["runs"]) if before["scale"] == scale else []


def _model(threads: int = 1) -> Any:
    from hybridrec import HybridALS

    return HybridALS(factors=FACTORS, iterations=ITERATIONS, num_threads=threads)


def warm_up(log: str | None = None, **_: Any) -> dict[str, Any]:
    """Compile all kernels, or load them from the cache on disk: in every process that is timed."""
    from hybridrec import Interactions

    rng = np.random.default_rng(0)
    columns = {"user": rng.integers(0, 500, 60_000), "item": rng.integers(0, 300, 60_000)}
    import pandas as pd

    model = _model().fit(Interactions.from_frame(pd.DataFrame(columns)))
    model.recommend_codes(np.arange(100), 20, num_threads=1)
    return {}


def plain(log: str, model: str, **_: Any) -> dict[str, Any]:
    """Read, clean and fit in this process, on one thread."""
    import pandas as pd

    from hybridrec import Interactions, clean

    warm_up()
    start = time.perf_counter()
    rows, _ = clean(Interactions.from_frame(pd.read_parquet(log)))
    read = time.perf_counter()
    fitted = _model().fit(rows)
    done = time.perf_counter()
    fitted.save(model, overwrite=True)
    return {
        "read": read - start,
        "fit": done - read,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "interactions": int(fitted.history_.nnz),
    }


def cluster(log: str, address: str, limit: str | None = None, **_: Any) -> dict[str, Any]:
    """Read, clean and fit on a local cluster."""
    from hybridrec import distributed as hd
    from hybridrec.distributed.exchange import needs_names

    with hd.connect(address, memory_limit=limit) as workers:
        workers.client.run(warm_up)
        start = time.perf_counter()
        data = hd.read_sharded(workers, log)
        _ = data.columns  # the second shuffle: the plain path has it in its fit
        read = time.perf_counter()
        with _sent_by_step(workers) as sent:
            fitted = hd.fit(_model(), data)
        done = time.perf_counter()
        first, last = sent[1], sent[-1]  # from the end of the first iteration on
        moved = (last[0] - first[0]) / (ITERATIONS - 1)
        with tempfile.TemporaryDirectory() as folder:
            fitted.save(Path(folder) / "model")
        saved = time.perf_counter()
        width = FACTORS * 4 * (len(data.users) + len(data.items))
        by_name = needs_names(len(data.users), FACTORS, workers.memory)
        return {
            "factors": "by name" if by_name else "all",
            "read": read - start,
            "fit": done - read,
            "save": saved - done,
            "interactions": data.nnz,
            "users": len(data.users),
            "items": len(data.items),
            "user_spread": float(np.log(data.user_counts[data.user_counts > 0]).std()),
            "item_spread": float(np.log(data.item_counts[data.item_counts > 0]).std()),
            "seconds_per_iteration": (last[1] - first[1]) / (ITERATIONS - 1),
            "sent_mb_per_iteration": moved / 2**20,
            "whole_mb_per_iteration": (workers.n_workers - 1) * width / 2**20,
            "worker_peak_mb": sorted(workers.client.run(_peak).values()),
            "spilled_mb": sorted(workers.client.run(_spilled).values()),
            "client_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def lists(model: str, address: str | None, **_: Any) -> dict[str, Any]:
    """Make the lists of all users: in this process on one thread, or on a local cluster."""
    from hybridrec import distributed as hd
    from hybridrec import load

    fitted = load(model)
    n = len(fitted.users_)
    if address is None:
        fitted.recommend_codes(np.arange(min(n, 100)), 20, num_threads=1)
        start = time.perf_counter()
        for begin in range(0, n, 1 << 15):
            fitted.recommend_codes(np.arange(begin, min(n, begin + (1 << 15))), 20, num_threads=1)
        codes = time.perf_counter() - start
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for begin in range(0, n, 1 << 15):
                ids = fitted.users_.ids[begin : begin + (1 << 15)]
                frame = fitted.recommend(ids, 20, num_threads=1)
                frame.to_parquet(Path(folder) / f"{begin}.parquet")
        seconds = time.perf_counter() - start
        return {"users_per_second": n / seconds, "without_writing": n / codes, "users": n}
    with hd.connect(address) as workers, tempfile.TemporaryDirectory() as folder:
        hd.recommend(workers, fitted, Path(folder) / "first", 20, block=max(n // 8, 1))
        start = time.perf_counter()
        hd.recommend(workers, fitted, Path(folder) / "lists", 20)
        return {"users_per_second": n / (time.perf_counter() - start), "users": n}


@contextmanager
def _sent_by_step(workers: Any) -> Iterator[list[tuple[int, float]]]:
    """Note what the workers have sent, in all, and the time, after every half-iteration."""
    from hybridrec.distributed.checkpoint import Journal

    write, sent = Journal.write, []

    def noting(journal: Journal, side: Any) -> None:
        write(journal, side)
        sent.append((sum(workers.client.run(_sent).values()), time.perf_counter()))

    Journal.write = noting  # type: ignore[method-assign]
    try:
        yield sent
    finally:
        Journal.write = write  # type: ignore[method-assign]


def _sent(dask_worker: Any) -> int:
    """Return the bytes that a worker has sent to others."""
    return int(dask_worker.transfer_outgoing_bytes_total)


def _peak() -> float:
    """Return the most memory since the program began, MB; getrusage counts its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return float(status.split("VmHWM:")[1].split()[0]) / 1024


def _spilled(dask_worker: Any) -> float:
    """Return the megabytes that a worker holds on disk at the end."""
    data = dask_worker.data
    return float(getattr(getattr(data, "spilled_total", None), "disk", 0)) / 2**20


RUNS = {"warm-up": warm_up, "plain": plain, "cluster": cluster, "lists": lists}


def _table(found: dict[str, Any]) -> str:
    """Return tables of all fits, of their ratios, and of the lists."""
    fits = [one for one in found["runs"] if one["what"] in ("plain", "cluster")]
    fits.sort(key=lambda one: (one["interactions"], one["what"] != "plain", one.get("address")))
    parts = [
        f"HybridALS, {FACTORS} factors, {ITERATIONS} iterations, one thread a process;"
        f" scale {found['scale']:g}."
    ]
    header = ["where", "interactions", "read s", "fit s", "save s", "peak MB a process"]
    header += ["on disk MB", "factors sent", "MB sent an iteration", "MB of all factors"]
    rows = [
        [
            _place(one),
            f"{one['interactions']:,}",
            *(f"{one[name]:.1f}" if name in one else "" for name in ("read", "fit", "save")),
            ", ".join(f"{peak:.0f}" for peak in one.get("worker_peak_mb", [one.get("peak_mb", 0)])),
            ", ".join(f"{size:.0f}" for size in one.get("spilled_mb", [])),
            one.get("factors", ""),
            *(
                f"{one[name]:.1f}" if name in one else ""
                for name in ("sent_mb_per_iteration", "whole_mb_per_iteration")
            ),
        ]
        for one in fits
    ]
    if rows:
        parts.append(markdown(header, rows))
    places = {_place(one): one for one in reversed(fits)}
    ratios = [
        [f"{slow} / {fast}"]
        + [f"{places[slow][part] / places[fast][part]:.2f}" for part in ("read", "fit")]
        + [f"{_whole(places[slow]) / _whole(places[fast]):.2f}"]
        for slow, fast in (("local:1", "this process"), ("local:1", "local:2"))
        if slow in places and fast in places
    ]
    if ratios:
        parts.append(markdown(["ratio of seconds", "read", "fit", "both"], ratios))
    listed = [
        [_place(one), f"{one['users']:,}", f"{one['users_per_second']:,.0f}"]
        for one in found["runs"]
        if one["what"] == "lists"
    ]
    if listed:
        parts.append(markdown(["lists of 20, written", "users", "users a second"], listed))
    return "\n\n".join(parts)


def _place(one: dict[str, Any]) -> str:
    if one.get("address") is None:
        return "this process"
    limit = one.get("limit")
    return str(one["address"]) if limit is None else f"{one['address']}, {limit} each"


def _whole(one: dict[str, Any]) -> float:
    return float(one["read"] + one["fit"])


if __name__ == "__main__":
    main()
