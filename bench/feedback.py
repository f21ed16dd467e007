"""Does it pay to update, and when to fit again? ``python -m bench.feedback [--ml-100k DIR]``.

Replays in the order of time: half of the events are fitted on, the others come in windows, each
first a test (NDCG@10 of users who had something before it), then something to learn from. In
movielens-small a user comes once, in one session of ratings: hardly anybody returns, so a window
has few users to test, most of them amid their session. ml-100k (RecBole's file, ``ml-100k.inter``
in DIR; results of their own) is like that, too, with longer stays. Ratings from 3.5 (4 in ml-100k)
count; no model is given facts. The alarm of "agreement" is off here: its level is told, but not
kept from window to window. Seconds are of the CPU, on a machine that others used: their order says
something, their size little.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.measure import markdown, write_results
from hybridrec import clean, load_dataset, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.interactions import Interactions
from hybridrec.evaluation.replay import Replay, replay
from hybridrec.models.base import Recommender
from hybridrec.models.spec import ModelSpec
from hybridrec.online.staleness import Staleness, should_refit
from hybridrec.runtime import threads

MODELS = ("popularity", "item-knn", "hybrid-als:factors=64", "personalized-page-rank", "ease")
STRATEGIES = ("static", "update", "advised", "refit:5", "refit")
WINDOWS = 10
METRIC, K = "ndcg", 10


def main() -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ml-100k", type=Path, help="folder of ml-100k.inter")
    options = parser.parse_args()
    if options.ml_100k is None:
        name, dataset = "movielens-small", liked(load_dataset("movielens-small"), 3.5)
    else:
        name, dataset = "ml-100k", liked(read_dataset(options.ml_100k / "ml-100k.inter"), 4)
    rows: list[dict[str, Any]] = []
    for model in MODELS:
        with threads(1):
            rows += measured(name, dataset, model)
        stem = "feedback" if options.ml_100k is None else "feedback_ml_100k"
        write_results(stem, {"rows": rows}, tables(rows))


def liked(data: Dataset, least: float) -> Dataset:
    """Return the ratings that count as liking, without facts: what feedback alone teaches."""
    rows, _ = clean(data.interactions, min_weight=least, min_item_interactions=1)
    return Dataset.build(rows.to_frame())


def measured(name: str, data: Dataset, model: str) -> list[dict[str, Any]]:
    """Return a row for every strategy of a model."""
    spec, told = ModelSpec.parse(model), list[Staleness]()

    def fit(train: Dataset) -> Recommender:
        return spec.fit(train, random_state=0, threads=1)

    def advise(fitted: Recommender, events: Interactions) -> bool:
        told.append(should_refit(fitted, events))
        return told[-1].refit

    found = replay(
        data, fit, strategies=STRATEGIES, windows=WINDOWS, advise=advise, metrics=(METRIC,), k=K,
        num_threads=1,
    )  # fmt: skip
    return [row(name, model, strategy, found, told) for strategy in STRATEGIES]


def row(
    name: str, model: str, strategy: str, found: Replay, told: list[Staleness]
) -> dict[str, Any]:
    """Return the figures of a strategy."""
    own = found.parts["returning"]
    refits, seconds = found.cost(strategy)
    gain, error, p_value = 0.0, 0.0, 1.0
    if strategy != "static":
        tests = own.significance(METRIC, K, baseline="static")
        tested = tests[tests["model"] == strategy].iloc[0]
        gain, error, p_value = tested["difference"], tested["se"], tested["p_holm"]
    return {
        "data": name,
        "model": model,
        "strategy": strategy,
        "tested": [len(one.slices["all"].users) for one in own.by_model[strategy]],
        "windows": [one.mean(METRIC, K) for one in own.by_model[strategy]],
        **{part: one.mean(strategy, METRIC, K) for part, one in found.parts.items()},
        "gain": float(gain),
        "se": float(error),
        "p": float(p_value),
        "refits": refits,
        "refit_after": [s.window for s in found.steps if s.strategy == strategy and s.refit],
        "seconds": seconds,
        "first_fit_seconds": found.fit_seconds,
        "advice": [one.to_dict() for one in told] if strategy == "advised" else [],
    }


def tables(rows: list[dict[str, Any]]) -> str:
    """Return the tables as Markdown."""
    parts = []
    for name in dict.fromkeys(one["data"] for one in rows):
        own = [one for one in rows if one["data"] == name]
        tested = own[0]["tested"]
        parts += [
            f"**{name}**, {len(tested)} windows of {min(tested)} to {max(tested)} returning users",
            markdown(
                ["model", "strategy", "NDCG@10, returning users", "gain over static (p, Holm)",
                 "new users", "recent items", "refits after window", "CPU s of learning"],
                [cells(one) for one in own],
            ),
            "Measures of staleness before each window was learned, `advised`:",
            markdown(["model", "measure", *map(str, range(1, WINDOWS + 1))], list(advice(own))),
        ]  # fmt: skip
    return "\n\n".join(parts)


def cells(one: dict[str, Any]) -> list[str]:
    """Return the cells of a row."""
    gain = f"{one['gain']:+.4f} ± {one['se']:.4f} ({one['p']:.3f})"
    return [
        one["model"],
        one["strategy"],
        f"{one['returning']:.4f}",
        "" if one["strategy"] == "static" else gain,
        f"{one['new users']:.4f}" if "new users" in one else "",
        f"{one['recent items']:.4f}" if "recent items" in one else "",
        ", ".join(map(str, one["refit_after"])) or "none",
        f"{one['seconds']:.1f}",
    ]  # fmt: skip


def advice(rows: list[dict[str, Any]]) -> Any:
    """Yield the measures, an alarm in bold."""
    for one in rows:
        for at, measure in enumerate(one["advice"][0]["measures"] if one["advice"] else ()):
            if measure["name"] == "age":
                continue
            values = [told["measures"][at] for told in one["advice"]]
            shown = ["" if v["value"] is None else f"{v['value']:.2f}" for v in values]
            bold = [f"**{s}**" if v["alarm"] else s for s, v in zip(shown, values, strict=True)]
            yield [one["model"], measure["name"], *bold]


if __name__ == "__main__":
    main()
