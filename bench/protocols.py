"""Our models beside published numbers, same protocol: ``python -m bench.protocols --data DIR``.

Every protocol on every data set it was published for, through the command line, five seeds each.
No parameter is tuned: all models have their defaults, which were found on validation splits of
other protocols (``bench/defaults``).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from bench.measure import DEFAULT_DATA, markdown, run, write_results
from bench.pipeline import command

SEEDS = 5
WITHOUT_KG = ("popularity", "item-knn", "rp3-beta", "als", "lightfm:features=none")
WITH_KG = ("content", "personalized-page-rank", "hybrid-als:features=none", "hybrid-als")
TASKS = (
    ("kgcn-ctr", "lastfm", (*WITHOUT_KG, *WITH_KG)),
    ("kgcn-ctr", "book", (*WITHOUT_KG, *WITH_KG)),
    ("full-ranking", "lastfm", (*WITHOUT_KG, *WITH_KG)),
    ("full-ranking", "book", (*WITHOUT_KG, *WITH_KG)),
    ("full-ranking", "amazon-book", ("popularity", "item-knn", "rp3-beta", "als", "hybrid-als")),
    ("cold-items", "lastfm", WITH_KG),
    ("cold-items", "book", WITH_KG),
)


def main() -> None:
    """Evaluate everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    options = parser.parse_args()
    results: list[dict[str, Any]] = []
    for protocol, data, models in TASKS:
        named = [part for model in models for part in ("--model", model)]
        done = run(
            command(
                *("evaluate", "--protocol", protocol, "--data", str(options.data / data)),
                *("--seeds", str(SEEDS), *named, "--format", "json"),
            )
        )
        print(f"{protocol} on {data}: {done.seconds:.0f} s, {done.peak_mb:.0f} MB", flush=True)
        shared = {"protocol": protocol, "data": data}
        results += [shared | row for row in json.loads(done.stdout)]
    tables = [table(results, protocol, data) for protocol, data, _ in TASKS]
    write_results("protocols", {"rows": results}, "\n\n".join(tables))


def table(results: list[dict[str, Any]], protocol: str, data: str) -> str:
    """Return one protocol on one data set as Markdown: ours, then the published."""
    rows = [row for row in results if (row["protocol"], row["data"]) == (protocol, data)]
    slices = list(dict.fromkeys(row["slice"] for row in rows if not row["published"]))
    metrics = list(dict.fromkeys((row["metric"], row["k"]) for row in rows))
    columns = [(on, *metric) for on in slices for metric in metrics]
    values: dict[tuple[str, str], dict[Any, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        who = row["model"], row["source"] or ""
        values[who][row["slice"], row["metric"], row["k"]].append(row["value"])
    header = [
        "model",
        *(f"{metric}{'' if k is None else f'@{k}'}, {on}" for on, metric, k in columns),
        "published in",
    ]
    body = [
        [model, *(cell(found.get(column, [])) for column in columns), source]
        for (model, source), found in values.items()
    ]
    return f"**{protocol}, {data}**\n\n{markdown(header, body)}"


def cell(values: list[float]) -> str:
    """Return the mean, of several seeds with the standard deviation."""
    if len(values) > 1:
        return f"{mean(values):.4f} ± {stdev(values):.4f}"
    return f"{values[0]:.4f}" if values else ""


if __name__ == "__main__":
    main()
