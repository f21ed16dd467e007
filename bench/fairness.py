"""Who is served worse, who is shown less: ``python -m bench.fairness``.

Five models on the bundled data (ratings of at least 3.5) and on Last.FM, and hybrid-als with three
re-rankers at their default weights, over random splits: NDCG@10 of groups of users, exposure and
recall@10 of groups of items, pooled over the splits (a user is one user). Intervals are of 95 %,
over users. Nothing is tuned here.

``--ml-100k DIR`` adds groups by gender and age, of MovieLens-100K (ratings of at least 4): a folder
with ``ml-100k.inter`` and ``ml-100k.user`` as in ``dataset/ml-100k`` of
https://github.com/RUCAIBox/RecBole. Its terms do not allow to pass it on. No model sees these
columns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.defaults import datasets
from bench.figures import OTHERS, OURS, SECOND, STYLE, TEXT, panels, save
from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import clean, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation import Split, random_split
from hybridrec.evaluation.groups import GroupReport, GroupRow, measure_groups
from hybridrec.evaluation.tuning.measure import common_params
from hybridrec.models.registry import make_model
from hybridrec.runtime import threads

MODELS = ("popularity", "als", "hybrid-als", "ease", "personalized-page-rank")
RERANKED = "hybrid-als"
RERANKERS = ("popularity-damping", "fair-exposure", "calibrated:column=genres")
GROUPS = ("users:activity", "items:popularity", "items:genres", "items:decade")
DEMOGRAPHICS = ("users:gender", "users:age", "users:activity")
K = 10


def main() -> None:
    """Measure, and write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ml-100k", type=Path)
    options = parser.parse_args()
    found: dict[str, GroupReport] = {}
    with threads(1):
        for data in datasets(options.data):
            found[data.name] = measured(data, options.seeds)
        if options.ml_100k is not None:
            found["ml-100k"] = measured(people(options.ml_100k), options.seeds, DEMOGRAPHICS)
    content = {
        "seeds": options.seeds,
        "k": K,
        "rows": [{"data": name, **asdict(row)} for name, one in found.items() for row in one.rows],
        "gaps": [{"data": name, **asdict(gap)} for name, one in found.items() for gap in one.gaps],
    }
    write_results("fairness", content, tables(found, options.seeds))
    draw(found["movielens-small"])


def people(folder: Path) -> Dataset:
    """Return MovieLens-100K, films that were liked."""
    data = read_dataset(folder)
    kept, _ = clean(data.interactions, min_weight=4)
    table = data.user_table
    assert table is not None
    return replace(data.with_interactions(kept), user_table=table[["age", "gender"]])


def measured(data: Dataset, seeds: int, groups: tuple[str, ...] = GROUPS) -> GroupReport:
    """Return what all models and re-rankers do for the groups that the data has."""
    return GroupReport.over(one for seed in range(seeds) for one in of_seed(data, seed, groups))


def of_seed(data: Dataset, seed: int, groups: tuple[str, ...]) -> Iterator[GroupReport]:
    """Yield the groups of each model and re-ranker on a split."""
    split = random_split(replace(data, user_table=None), random_state=seed)
    shown = described(split, data)
    names = [one for one in groups if known(shown.train, one)]
    for name in MODELS:
        model = make_model(name, **common_params(name, random_state=seed, num_threads=1))
        model.fit(split.train)
        yield measure_groups(model, shown, names, k=K, name=name, seed=seed)
        if name != RERANKED:
            continue
        for text in RERANKERS:
            _, _, column = text.partition("column=")
            if not column or known(data, f"items:{column}"):
                users = split.train.users.ids[split.test_users]
                lists = model.recommend(users, K, rerank=text).drop(columns=["score", "source"])
                label = f"{RERANKED}, {text.partition(':')[0]}"
                yield measure_groups(lists, shown, names, k=K, name=label, seed=seed)


def described(split: Split, data: Dataset) -> Split:
    """Return the split with the tables that groups are of, which models did not see."""
    items = data.item_table
    if items is not None and "year" in items:
        items = items.assign(decade=[f"{year // 10 * 10:.0f}s" for year in items["year"]])
        items["decade"] = items["decade"].where(items["year"].notna())
    train = replace(split.train, item_table=items, user_table=data.user_table)
    return replace(split, train=train)


def known(data: Dataset, grouping: str) -> bool:
    """Tell whether a data set has what a grouping is by."""
    side, _, column = grouping.partition(":")
    table = data.item_table if side == "items" else data.user_table
    return column in ("activity", "popularity") or (table is not None and column in table)


# ---- tables --------------------------------------------------------------------------------------


def tables(found: dict[str, GroupReport], seeds: int) -> str:
    """Return a table a data set and grouping, and one of the ranges."""
    parts = [
        f"Pooled over {seeds} random splits; intervals of 95 % over users; ↓ ↑: significantly below"
        " or above the rest (t-test over users, Holm), † too few users to test."
    ]
    for data, report in found.items():
        for grouping in report.groupings:
            side, _, by = grouping.partition(":")
            parts += [f"**{data}: {side} by {by}**"]
            parts += [_groups(report, grouping)]
    parts += ["**How far apart the groups are**", _ranges(found)]
    return "\n\n".join(parts)


def _groups(report: GroupReport, grouping: str) -> str:
    of_items = grouping.startswith("items:")
    rows = report.rows_of(grouping)
    header = ["group", "size", "of interactions", *(["of held-out"] if of_items else [])]
    header += report.models
    body = []
    for group, of_model in rows.items():
        first = of_model[report.models[0]]
        line = [group, f"{first.members:,.0f}", f"{first.interactions_share:.1%}"]
        line += [f"{first.relevant_share:.1%}"] if of_items else []
        body.append([*line, *(_cell(of_model[model], of_items) for model in report.models)])
    what = (
        "exposure over held-out share [interval]; recall@10"
        if of_items
        else "NDCG@10 [interval], and the gap to all others"
    )
    return f"{what}\n\n{markdown(header, body)}"


def _cell(row: GroupRow, of_items: bool) -> str:
    mark = "†" if not row.testable else "" if row.p_holm >= 0.05 else "↓" if row.gap < 0 else "↑"
    if of_items:
        shown = f"{row.ratio:.2f} [{row.ratio_low:.2f}, {row.ratio_high:.2f}]"
        return f"{shown}; {row.value:.3f}{mark}"
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}] {row.gap:+.3f}{mark}"


def _ranges(found: dict[str, GroupReport]) -> str:
    header = ["data", "groups", "model", "metric", "worst", "", "best", "", "range"]
    header += ["exposure fairness ↑", "least shown", "ratio", "most shown", "ratio"]
    body = [
        [
            *(data, gap.grouping, gap.model, f"{gap.metric}@{gap.k}"),
            *(gap.worst, f"{gap.worst_value:.3f}", gap.best, f"{gap.best_value:.3f}"),
            f"{gap.gap:.3f}",
            *(
                [f"{gap.exposure_fairness:.3f}", gap.least, f"{gap.least_ratio:.2f}"]
                if gap.least
                else ["", "", ""]
            ),
            *([gap.most, f"{gap.most_ratio:.2f}"] if gap.most else ["", ""]),
        ]
        for data, report in found.items()
        for gap in report.gaps
    ]
    return markdown(header, body)


# ---- picture -------------------------------------------------------------------------------------


def draw(report: GroupReport) -> None:
    """Draw exposure by popularity and accuracy by activity on the bundled data."""
    import matplotlib as mpl

    shown = [one for one in report.models if one.startswith(RERANKED) or one == "popularity"]
    looks = dict(
        zip(
            shown,
            ((OTHERS, "o"), (OURS, "s"), (SECOND, "^"), (TEXT, "D"), ("#5aa469", "v")),
            strict=False,
        )
    )
    with mpl.rc_context(STYLE):
        figure, axes = panels(1, 2, 2.7)
        _panel(axes[0, 0], report, "items:popularity", ("ratio", "ratio_low", "ratio_high"), looks)
        axes[0, 0].set_title("items: exposure over share of held-out")
        axes[0, 0].axvline(1, color=TEXT, linewidth=0.8)
        _panel(axes[0, 1], report, "users:activity", ("value", "low", "high"), looks)
        axes[0, 1].set_title(f"users: NDCG@{K}")
        handles, names = axes[0, 1].get_legend_handles_labels()
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": len(names)}
        figure.legend(handles, names, frameon=False, fontsize=7, handletextpad=0.2, **place)
        save(figure, RESULTS / "fairness.svg")


def _panel(
    axis: Any,
    report: GroupReport,
    grouping: str,
    columns: tuple[str, str, str],
    looks: dict[str, tuple[str, str]],
) -> None:
    """Draw a dot and its interval for each group and model."""
    groups = report.rows_of(grouping)
    for at, of_model in enumerate(groups.values()):
        for number, (model, (colour, marker)) in enumerate(looks.items()):
            value, low, high = (getattr(of_model[model], name) for name in columns)
            axis.errorbar(
                value,
                at + (number - (len(looks) - 1) / 2) / (len(looks) + 2),
                xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                fmt=marker,
                color=colour,
                markersize=4,
                elinewidth=0.9,
                label=None if at else model,
            )
    axis.set_yticks(range(len(groups)), list(groups))
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.grid(axis="x", color=TEXT, alpha=0.25, linewidth=0.5)
    axis.set_xlim(left=min(0, axis.get_xlim()[0]))


if __name__ == "__main__":
    main()
