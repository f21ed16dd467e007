"""Seconds of fit beside accuracy: ``python -m bench.time_to_accuracy [--peer NAME=PYTHON ...]``.

Every model of the library and of its peers learns from the same training rows of Last.FM, from
which a fifth of the items and a fifth of the other interactions are held out, and makes lists of
20 for the same users; NDCG@20 of all lists is computed by `hybridrec.evaluate`. Everything has
its defaults and one thread. Seconds are of the CPU, means over the seeds, without compilation:
our first fit in a process with an empty cache is stated beside them. Peers run by
``bench/time_to_accuracy_peers.py``: implicit and LightFM in this environment, the others in
environments of their own (``--peer rectools=VENV/bin/python``; cmfrec, lenskit, recbole).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.accuracy import cell, films, positives
from bench.measure import DEFAULT_DATA, markdown, write_results
from bench.time_to_accuracy_peers import SYSTEMS
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation import evaluate
from hybridrec.evaluation.splits import Split, export_split, warm_and_cold
from hybridrec.models.registry import MODELS
from hybridrec.models.spec import ModelSpec

K = 20
OURS = "hybridrec"
SLICES = ("warm", "cold", "all")
HERE = {"implicit": sys.executable, "lightfm": sys.executable}
ONE_THREAD = {
    f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA", "HYBRIDREC")
}

NOTES = (
    "Facts of the knowledge graph are given to peers as 0/1 tokens (relation, entity) of items.",
    "Our als and bpr are implicit's, with our defaults; the defaults of packages are often no good"
    " settings for so few data, so the figures of peers are no upper bounds.",
    "RecBole stops early, as is its default, on a tenth of the training rows that we take from it,"
    " or when the seconds of the cap are over; its evaluations on the way count as fit.",
    "RecBole's KGIN is not measured, as it needs torch_scatter, which is built from source; nor is"
    " RippleNet, of which a single evaluation takes minutes; KGAT runs with dgl 1.1.3.",
)

Rows = list[dict[str, Any]]


def main() -> None:
    """Fit all models and write the results, or fit one of ours in its own process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA / "lastfm")
    parser.add_argument("--films", action="store_true", help="the bundled films in its place")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", nargs="+", default=list(MODELS), help="ours; by default all")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--cap", type=float, default=300.0, help="CPU seconds of a RecBole model")
    parser.add_argument("--fit", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not (options.films or options.data.exists()):
        sys.exit(f"{options.data} is missing: name the folder of Last.FM with --data")
    dataset = films() if options.films else positives(options.data)
    if options.fit:
        fit_ours(dataset, options.model[0], options.fit, options.seeds)
        return
    peers = HERE | dict(one.split("=", 1) for one in options.peer)
    for peer, python in peers.items():
        if peer not in SYSTEMS or shutil.which(python) is None:
            sys.exit(f"--peer {peer}={python}: no such peer ({', '.join(SYSTEMS)}) or interpreter")
    rows: Rows = []
    failed: list[str] = []
    for row in measured(dataset, options, peers, failed):
        print(json.dumps(row), flush=True)
        rows.append(row)
    write(dataset, options, rows, failed)


def measured(
    dataset: Dataset, options: argparse.Namespace, peers: dict[str, str], failed: list[str]
) -> Iterator[dict[str, Any]]:
    """Fit and judge every model on the split of every seed."""
    with tempfile.TemporaryDirectory() as name:
        splits = [warm_and_cold(dataset, random_state=seed) for seed in range(options.seeds)]
        folders = [Path(name) / str(seed) for seed in range(options.seeds)]
        for split, folder in zip(splits, folders, strict=True):
            export_split(split, folder, test=False)
        given = ["--films"] if options.films else ["--data", str(options.data)]
        for model in options.model:
            ours = [sys.executable, "-m", "bench.time_to_accuracy", *given]
            ours += ["--model", model, "--seeds", str(options.seeds), "--fit", name]
            for row in lines_of(ours, failed, cache=Path(name) / "compiled" / model):
                path = folders[row["seed"]] / row.pop("run")
                yield {"system": OURS, **row, **judged(path, splits[row["seed"]])}
        script = str(Path(__file__).with_name("time_to_accuracy_peers.py"))
        for peer, python in peers.items():
            for seed, folder in enumerate(folders):
                theirs = [python, script, peer, str(folder), str(seed), str(options.cap)]
                for row in lines_of(theirs, failed):
                    path = folder / row.pop("run")
                    yield {"system": peer, "seed": seed, **row, **judged(path, splits[seed])}


def lines_of(
    command: list[str], failed: list[str], cache: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Run a command on one thread; yield the JSON lines that it prints, note how it failed."""
    env = os.environ | ONE_THREAD | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        of = command[2] if cache is None else command[command.index("--model") + 1]
        failed.append(f"{of}: {last}")
        print(f"failed: {failed[-1]}", file=sys.stderr, flush=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def fit_ours(dataset: Dataset, model: str, folder: Path, seeds: int) -> None:
    """Fit one of our models for every seed after a first fit that compiles; write its lists."""
    spec = ModelSpec.parse(model)
    first = None
    for seed in range(seeds):
        split = warm_and_cold(dataset, random_state=seed)
        if first is None:
            first = fit_seconds(spec, split, seed)[0]
        seconds, fitted = fit_seconds(spec, split, seed)
        run = f"{model.replace(':', ' ')}.csv"
        lists = fitted.recommend(split.train.users.ids[split.test_users], k=K, num_threads=1)
        lists.to_csv(folder / str(seed) / run, index=False)
        row = {"model": model, "seed": seed, "seconds": seconds, "first_fit": first, "notes": []}
        print(json.dumps({**row, "run": run}), flush=True)


def fit_seconds(spec: ModelSpec, split: Split, seed: int) -> tuple[float, Any]:
    """Fit a model; CPU seconds, features included."""
    start = time.process_time()
    fitted = spec.fit(split.train, random_state=seed, threads=1)
    return time.process_time() - start, fitted


def judged(run: Path, split: Split) -> dict[str, float]:
    """Return NDCG@20 of lists by slice."""
    found = evaluate(run, split, metrics=["ndcg"], k=K, num_threads=1)
    return {f"ndcg@{K}, {on}": found.mean("ndcg", K, on=on) for on in SLICES}


def write(dataset: Dataset, options: argparse.Namespace, rows: Rows, failed: list[str]) -> None:
    """Write means and standard deviations over seeds, the best first."""
    of: dict[tuple[str, str], Rows] = defaultdict(list)
    for row in rows:
        of[row["system"], row["model"]].append(row)
    ordered = sorted(of.values(), key=lambda found: -mean(row[keys()[-1]] for row in found))
    means = [summary(found) for found in ordered]
    body = [
        [
            *(row["system"], row["model"], f"{row['seconds']:.2f}"),
            f"{row['first_fit']:.1f}" if row["first_fit"] else "",
            *(cell([one[key] for one in found]) for key in keys()),
            "; ".join(row["notes"]),
        ]
        for row, found in zip(means, ordered, strict=True)
    ]
    header = ["system", "model", "fit, CPU s", "first fit, with compilation", *keys(), "notes"]
    size = f"{len(dataset.users):,} users, {len(dataset.items):,} items"
    title = (
        f"{dataset.name}, {size}, {len(dataset.interactions):,} interactions; a fifth of the items"
        f" and of the other interactions held out; seeds: {options.seeds}; defaults; one thread"
    )
    notes = [*NOTES, *(f"Not finished: {one}" for one in dict.fromkeys(failed))]
    texts = [title, markdown(header, body), "\n".join(f"- {note}" for note in notes)]
    name = "time_to_accuracy_films" if options.films else "time_to_accuracy"
    data = {"title": title, "seeds": options.seeds, "cap": options.cap, "notes": notes}
    write_results(name, {**data, "rows": means, "runs": rows}, "\n\n".join(texts))


def summary(rows: Rows) -> dict[str, Any]:
    """Return the means of a model over the seeds, and standard deviations of its accuracy."""
    named = {key: rows[0][key] for key in ("system", "model")}
    row = {**named, "seconds": mean(one["seconds"] for one in rows)}
    for key in keys():
        values = [one[key] for one in rows]
        row[key] = mean(values)
        row[f"{key}, sd"] = stdev(values) if len(values) > 1 else 0.0
    notes = list(dict.fromkeys(note for one in rows for note in one["notes"]))
    return {**row, "first_fit": rows[0].get("first_fit"), "notes": notes}


def keys() -> list[str]:
    """Return the names of the figures of accuracy."""
    return [f"ndcg@{K}, {on}" for on in SLICES]


if __name__ == "__main__":
    main()
