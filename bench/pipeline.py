"""The whole pipeline through the command line on real data: ``python -m bench.pipeline``.

Bundled data, Last.FM and Book-Crossing (``--data``), and RecBole's ml-100k atomic files if its
folder is given (``--ml-100k DIR``, from the ``recbole`` wheel). Seconds and peak memory of every
command, each a process of its own, and the tables of ``evaluate``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.measure import DEFAULT_DATA, markdown, run, write_results

MODELS = ("popularity", "item-knn", "als", "content", "hybrid-als:features=none", "hybrid-als")
SEEDS = 5


def command(*arguments: str) -> list[str]:
    """Return the command line of hybridrec."""
    return [sys.executable, "-m", "hybridrec.cli.main", *arguments]


def sources(data: Path, ml_100k: Path | None) -> dict[str, list[str]]:
    """Return the arguments that name each data set."""
    found = {
        "movielens-small": ["--dataset", "movielens-small"],
        "lastfm": [str(data / "lastfm")],
        "book": [str(data / "book")],
    }
    if ml_100k is not None:
        files = {suffix: str(ml_100k / f"ml-100k.{suffix}") for suffix in ("inter", "item", "user")}
        # without .kg and .link: the link's ids are not those of .item (see data/README.md)
        found["ml-100k"] = [
            *(files["inter"], "--items", files["item"], "--users", files["user"]),
            *("--min-weight", "4"),
        ]
    return {
        name: given for name, given in found.items() if Path(given[0]).exists() or "--" in given[0]
    }


def steps(source: list[str], folder: Path) -> dict[str, list[str]]:
    """Return the commands to measure on one data set."""
    model, lists = str(folder / "model"), str(folder / "lists.parquet")
    models = [part for name in MODELS for part in ("--model", name)]
    common = ["--seeds", str(SEEDS), "--format", "json", "-k", "10", "-k", "20"]
    return {
        "fit": command("fit", *source, "--model", "hybrid-als", "-o", model),
        "recommend --all": command("recommend", model, "--all", "-k", "20", "-o", lists),
        "evaluate warm": command("evaluate", *source, "--split", "random", *models, *common),
        "evaluate cold": command("evaluate", *source, "--split", "cold-items", *models, *common),
    }


def summary(rows: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Return "mean ± standard deviation over seeds" of every model and metric@k."""
    values = defaultdict(list)
    for row in rows:
        if row["slice"] == "all":
            values[row["model"], f"{row['metric']}@{row['k']}"].append(row["value"])
    return {key: f"{mean(seen):.4f} ± {stdev(seen):.4f}" for key, seen in values.items()}


def main() -> None:
    """Measure all data sets and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--ml-100k", type=Path)
    options = parser.parse_args()
    costs: list[dict[str, Any]] = []
    quality: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, source in sources(options.data, options.ml_100k).items():
            folder = Path(scratch) / name
            folder.mkdir()
            for step, call in steps(source, folder).items():
                done = run(call)
                cost = {"data": name, "step": step, "seconds": done.seconds, "MB": done.peak_mb}
                costs.append(cost)
                if step.startswith("evaluate"):
                    cells = summary(json.loads(done.stdout))
                    quality += [
                        {"data": name, "split": step.split()[1], "model": model, "metric": metric}
                        | {"value": value}
                        for (model, metric), value in cells.items()
                    ]
    write_results("pipeline", {"costs": costs, "quality": quality}, tables(costs, quality))


def tables(costs: list[dict[str, Any]], quality: list[dict[str, Any]]) -> str:
    """Return the costs and the quality as Markdown."""
    cost_rows = [(c["data"], c["step"], f"{c['seconds']:.1f}", f"{c['MB']:.0f}") for c in costs]
    shown = ("recall@20", "ndcg@20")
    grouped: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for cell in quality:
        if cell["metric"] in shown:
            grouped[cell["data"], cell["split"], cell["model"]][cell["metric"]] = cell["value"]
    quality_rows = [(*key, *(cells[m] for m in shown)) for key, cells in grouped.items()]
    return "\n\n".join(
        [
            markdown(["data", "command", "seconds", "peak MB"], cost_rows),
            f"Mean ± standard deviation over {SEEDS} splits; cold items rank among themselves.",
            markdown(["data", "split", "model", *shown], quality_rows),
        ]
    )


if __name__ == "__main__":
    main()
