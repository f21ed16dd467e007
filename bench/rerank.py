"""What re-ranking costs and brings: ``python -m bench.rerank``.

hybrid-als on the bundled data (ratings of at least 3.5) and on Last.FM, each re-ranker over its
weights: NDCG@10 against its aim, means over random splits with their standard deviation. The
default weights were chosen on validation parts (a fifth of the training rows), of splits with other
seeds than those whose tests are shown: the largest tenth that costs at most 3 % of NDCG@10 on
both data sets, and one tenth less for "calibrated", as Last.FM has no item table to try it on.

Milliseconds are of one CPU and of one user: 100 candidates to their full order, the best of some
runs over many users at once. ``--only`` measures a part anew and keeps all else.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.defaults import datasets
from bench.figures import OURS, SECOND, STYLE, TEXT, panels, save
from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import HybridALS
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation import Split, random_split
from hybridrec.evaluation.metrics import LOWER_IS_BETTER
from hybridrec.evaluation.trade_offs import trade_off
from hybridrec.evaluation.tuning.validation import validation_split
from hybridrec.ranking.rerank import parse_reranker
from hybridrec.runtime import threads

RERANKERS = ("mmr", "dpp", "calibrated:column=genres", "popularity-damping", "fair-exposure")
PARTS = {"validation": 0, "test": 200}  # first seeds
USERS, REPEATS = 512, 7
PLACE = ("value", "accuracy")
TITLES = {"arp": "average popularity", "exposure-fairness": "fairness of exposure"}
Row = dict[str, Any]


def main() -> None:
    """Measure, and write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", choices=[*PARTS, "times"])
    options = parser.parse_args()
    rows, timed = [], []
    if options.only:
        kept = json.loads((RESULTS / "rerank.json").read_text())
        rows = [row for row in kept["rows"] if row["part"] != options.only]
        timed = kept["times"] if options.only in PARTS else []
    with threads(1):
        for data in datasets(options.data):
            for part, first in PARTS.items():
                if options.only in (None, part):
                    for seed in range(first, first + options.seeds):
                        rows += curves(data, part, seed)
            if options.only in (None, "times"):
                timed += times(data)
    write_results("rerank", {"rows": rows, "times": timed}, tables(rows, timed))
    draw(rows)


def split_of(data: Dataset, part: str, seed: int) -> Split:
    """Return a split, or that of its training rows."""
    split = random_split(data, random_state=seed)
    return validation_split(split) if part == "validation" else split


def usable(data: Dataset) -> list[str]:
    """Return the re-rankers whose aim is about something that the data has."""
    return [one for one in RERANKERS if data.item_table is not None or "column" not in one]


def curves(data: Dataset, part: str, seed: int) -> list[Row]:
    """Return a row for each re-ranker and weight."""
    split = split_of(data, part, seed)
    model = HybridALS(random_state=seed, num_threads=1).fit(split.train)
    frame = trade_off(model, split, usable(data), num_threads=1).frame
    rows: list[Row] = frame.drop(columns=["model", "chosen"]).to_dict("records")
    return [{"data": data.name, "part": part, "seed": seed, **row} for row in rows]


def default_weight(text: str) -> float:
    """Return the default weight of a re-ranker."""
    reranker = parse_reranker(text)
    return float(getattr(reranker, reranker.counted_by))


def times(data: Dataset) -> list[Row]:
    """Return the milliseconds a user of each re-ranker."""
    split = split_of(data, "test", PARTS["test"])
    model = HybridALS(random_state=0, num_threads=1).fit(split.train)
    users = split.test_users[:USERS]
    lists = model.recommend_codes(users, 100, num_threads=1)
    given = (lists.items, lists.scores, model.history_[users])
    rows = []
    for text in usable(data):
        reorder = parse_reranker(text).prepared(model.catalogue)
        best = np.inf
        for _ in range(REPEATS):
            start = time.process_time()
            reorder(*given)
            best = min(best, time.process_time() - start)
        rows.append({"data": data.name, "rerank": text, "ms": 1000 * best / len(users)})
    return rows


def tables(rows: list[Row], times: list[Row]) -> str:
    """Return what the default weights do, and below it all weights."""
    seeds = [f"{len({row['seed'] for row in _of(rows, part=part)})} {part}" for part in PARTS]
    spread = f"means ± standard deviations over {' and '.join(seeds)} splits"
    parts = [f"Default weights; {spread}:", _defaults(rows, times)]
    for data in dict.fromkeys(row["data"] for row in rows):
        parts += [f"All weights, {data}, on the test splits:"]
        parts += [_weights(_of(rows, data=data, part="test"))]
    return "\n\n".join(parts)


def _defaults(rows: list[Row], times: list[Row]) -> str:
    body = []
    for one in times:
        shown = _of(rows, data=one["data"], rerank=one["rerank"])
        weights = (0.0, default_weight(one["rerank"]))
        before, after = (_of(shown, part="test", weight=weight) for weight in weights)
        changes = [_changes(_of(shown, part=part)) for part in PARTS]
        body.append(
            [
                *(one["data"], one["rerank"], f"{weights[1]:g}"),
                *(_spread([100 * change for change in part], "+.1f") for part in changes),
                *(_spread([row["accuracy"] for row in same], ".4f") for same in (before, after)),
                before[0]["aim"] + (" ↓" if before[0]["aim"] in LOWER_IS_BETTER else " ↑"),
                *(_spread([row["value"] for row in same], ".3f") for same in (before, after)),
                f"{one['ms']:.3f}",
            ]
        )
    header = [
        *("data", "re-ranking", "weight", "NDCG@10 change, %, validation", "the same, test"),
        *("NDCG@10, model alone", "re-ranked", "aim @10", "model alone", "re-ranked", "ms a user"),
    ]
    return markdown(header, body)


def _weights(rows: list[Row]) -> str:
    weights = sorted({row["weight"] for row in rows})
    body = []
    for text in dict.fromkeys(row["rerank"] for row in rows):
        own = _of(rows, rerank=text)
        for name, shown, form in (("accuracy", "NDCG", ".4f"), ("value", own[0]["aim"], ".3f")):
            values = [[row[name] for row in _of(own, weight=weight)] for weight in weights]
            body.append([text, shown, *(_spread(same, form) for same in values)])
    return markdown(["re-ranking", "@10", *(f"{weight:g}" for weight in weights)], body)


def _of(rows: Iterable[Row], **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def _changes(rows: list[Row]) -> list[float]:
    """Return by how much accuracy changes with the default weight, split by split."""
    before, after = (_of(rows, weight=one) for one in (0.0, default_weight(rows[0]["rerank"])))
    pairs = zip(before, after, strict=True)
    return [one["accuracy"] / other["accuracy"] - 1 for other, one in pairs]


def _spread(values: list[float], form: str) -> str:
    """Return mean and standard deviation."""
    deviation = f" ± {stdev(values):{form.lstrip('+')}}" if len(values) > 1 else ""
    return f"{mean(values):{form}}{deviation}"


def draw(rows: list[Row]) -> None:
    """Draw accuracy over the aim of every re-ranker on the tests."""
    import matplotlib as mpl

    tests = _of(rows, part="test")
    names = list(dict.fromkeys(row["data"] for row in tests))
    aims = list(dict.fromkeys(row["aim"] for row in tests))
    with mpl.rc_context(STYLE):
        figure, axes = panels(len(names), len(aims), 2.3 * len(names))
        for row, data in zip(axes, names, strict=True):
            for axis, aim in zip(row, aims, strict=True):
                _draw_panel(axis, _of(tests, data=data, aim=aim), aim)
            row[0].set_ylabel("NDCG@10")
            row[0].set_title(data)
        save(figure, RESULTS / "rerank.svg")


def _draw_panel(axis: Any, rows: list[Row], aim: str) -> None:
    """Draw a line for each re-ranker of an aim; the default weights are filled."""
    if not rows:
        axis.set_visible(False)
        return
    names = dict.fromkeys(row["rerank"] for row in rows)
    looks = ((SECOND, (-6, -11), "right"), (OURS, (5, 4), "left"))
    for text, (colour, shift, side) in zip(names, looks[-len(names) :], strict=True):
        own = _of(rows, rerank=text)
        chosen = default_weight(text)
        points = {
            weight: [mean(row[name] for row in _of(own, weight=weight)) for name in PLACE]
            for weight in sorted({row["weight"] for row in own})
        }
        line: dict[str, Any] = {"color": colour, "linewidth": 1.2, "marker": "."}
        axis.plot(*np.transpose(list(points.values())), label=text.partition(":")[0], **line)
        axis.plot(*points[chosen], color=colour, marker="o", markersize=7)
        label: dict[str, Any] = {"textcoords": "offset points", "color": colour, "ha": side}
        axis.annotate(f"{chosen:g}", points[chosen], shift, fontsize=7.5, **label)
    axis.set_xlabel(f"{TITLES.get(aim, aim)} {'↓' if aim in LOWER_IS_BETTER else '↑'}")
    if aim in LOWER_IS_BETTER:
        axis.invert_xaxis()
    low, high = axis.get_ylim()
    axis.set_ylim(bottom=min(low, 0.85 * high))
    axis.grid(color=TEXT, alpha=0.25, linewidth=0.5)
    axis.legend(frameon=False, loc="lower left", fontsize=7.5, handlelength=1)


if __name__ == "__main__":
    main()
