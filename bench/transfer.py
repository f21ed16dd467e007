"""What transfer between scenarios brings: ``python -m bench.transfer [--data DIR]``.

One model for all (alpha 0), one model each, the shared model with what each scenario adds (alpha
chosen on interactions held out of the training data, and alpha 1), and popularity in the scenario;
by what the user has there: nothing (cold), less than 5 interactions, more. All models are
hybrid-als with 32 factors and else its defaults; SHRINKAGE, PULL and HALF_WAY were chosen
by seed 100 of the same splits.

- films: every rating, and ratings from 4.5 (liked), as browse and buy are; a fifth of the films of
  every user held out of both.
- film domains: ratings from 3.5 of films that are for children or animated, and of crime, horror
  and thriller films (films of both left out). Of a fifth of the users of both domains all of one
  is held out, of the others a fifth of their films.
- film domains, no user in both: every user keeps one domain, so that only facts connect the two;
  asked for is the other one.

With ``--data`` also, where they are there as published (neither is part of the project):

- phones and sport (Amazon): ``DIR/amazon/phone_sport/train.txt`` and ``sport_phone/train.txt``,
  from the folder ``dataset`` of github.com/cjx96/DisenCDR (Cao et al., SIGIR 2022); all users are
  in both domains; held out as for film domains.
- cart and buy (Taobao): ``DIR/taobao/cart.csv`` and ``buy.train.txt``, from the folder
  ``data/Taobao`` of github.com/chenchongthu/EHCF (Chen et al., AAAI 2020); 10,000 users a seed, a
  fifth of what each bought held out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from copy import copy
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import Dataset, HybridALS, Interactions, Popularity, clean, evaluate, load_dataset
from hybridrec.evaluation.splits.split import Split
from hybridrec.models.base import Recommender
from hybridrec.online.transfer import Alpha, Scenarios
from hybridrec.runtime import random_stream

SEEDS = 3
WORKERS = 8
FACTORS = 32
K = 20
HELD, COLD = 0.2, 0.2
FEW = 5
MOST_USERS = 10_000  # of Taobao
LIKED, GOOD = 4.5, 3.5
FAMILY, DARK = {"Animation", "Children"}, {"Crime", "Horror", "Thriller"}
GROUPS = ("all", "cold", "few", "many")
ONE, EACH, CHOSEN, FULL = "one for all", "one each", "alpha chosen", "alpha 1"
POPULAR = "popularity"
Rows = list[dict[str, Any]]


class Task(NamedTuple):
    """Rows of several scenarios cut in two, columns user, item and scenario."""

    train: pd.DataFrame
    test: pd.DataFrame
    data: Dataset | None = None
    """With the facts of the items."""
    params: dict[str, Any] = {}  # noqa: RUF012 (never changed)


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    folder = parser.parse_args().data
    names = list(tasks(folder))
    found: dict[str, Rows] = {name: [] for name in names}
    with ProcessPoolExecutor(WORKERS) as pool:  # accuracy only: nothing is timed
        asked = [(name, seed, folder) for seed in range(SEEDS) for name in reversed(names)]
        for (name, seed, _), rows in zip(asked, pool.map(run, asked), strict=True):
            found[name] += rows
            print(f"{name}, seed {seed}", file=sys.stderr)
    text = "\n\n".join(f"**{name}**\n\n{table(rows)}" for name, rows in found.items())
    header = f"NDCG@{K}; alpha as users/newcomers/items"
    write_results("transfer", {"data": found}, f"{header}\n\n{text}")


def tasks(folder: Path) -> dict[str, Callable[[int], Task]]:
    """Return what is measured, by name: from a seed to data."""
    found: dict[str, Callable[[int], Task]] = {
        "films, rated and liked": films,
        "film domains": lambda seed: domains(seed, facts=False),
        "film domains, with facts": lambda seed: domains(seed, facts=True),
        "film domains, no user in both": lambda seed: apart(seed, facts=False),
        "film domains, no user in both, with facts": lambda seed: apart(seed, facts=True),
    }
    if (folder / "amazon").is_dir():
        found["phones and sport (Amazon)"] = lambda seed: amazon(folder / "amazon", seed)
    if (folder / "taobao").is_dir():
        found["cart and buy (Taobao)"] = lambda seed: taobao(folder / "taobao", seed)
    return found


def run(asked: tuple[str, int, Path]) -> Rows:
    """Measure one task with one seed."""
    name, seed, folder = asked
    return list(measured(tasks(folder)[name](seed), seed))


# ---- data ----------------------------------------------------------------------------------------


def films(seed: int) -> Task:
    """Return all ratings and the best of them."""
    rows = ratings(0)
    held = random_stream(seed, 0).random(len(rows)) < HELD
    rows = pd.concat(
        [rows.assign(scenario="rated"), rows[rows["weight"] >= LIKED].assign(scenario="liked")]
    )
    test = held[rows.index]
    tested = test & (rows["scenario"] == "liked").to_numpy()
    return Task(rows[~test], rows[tested], params={"seen": "any"})


def ratings(least: float) -> pd.DataFrame:
    """Return the bundled ratings from some value on."""
    rows, _ = clean(load_dataset("movielens-small").interactions, min_weight=least)
    frame: pd.DataFrame = rows.to_frame()
    return frame


def of_domains() -> pd.DataFrame:
    """Return the good ratings of two kinds of films."""
    data = load_dataset("movielens-small")
    assert data.item_table is not None
    kinds = {}
    for item, genres in zip(data.items.ids.tolist(), data.item_table["genres"], strict=True):
        both = [not kind.isdisjoint(genres) for kind in (FAMILY, DARK)]
        if sum(both) == 1:
            kinds[item] = "family" if both[0] else "dark"
    rows = ratings(GOOD)
    rows["scenario"] = rows["item"].map(kinds)
    return rows.dropna(subset="scenario").reset_index(drop=True)


def domains(seed: int, *, facts: bool) -> Task:
    """Return films of two kinds."""
    train, test = cut(of_domains(), seed)
    return Task(train, test, load_dataset("movielens-small") if facts else None)


def apart(seed: int, *, facts: bool) -> Task:
    """Return films of two kinds, of which every user knows one."""
    rows = of_domains()
    home = random_stream(seed, 2).random(int(rows["user"].max()) + 1) < 0.5
    at_home = home[rows["user"]] == (rows["scenario"] == "family")
    known = rows["user"].isin(rows["user"][at_home]) & rows["item"].isin(rows["item"][at_home])
    return Task(
        rows[at_home], rows[~at_home & known], load_dataset("movielens-small") if facts else None
    )


def amazon(folder: Path, seed: int) -> Task:
    """Return what people bought in two departments."""
    parts = []
    for scenario, place in (("phones", "phone_sport"), ("sport", "sport_phone")):
        rows = pd.read_csv(folder / place / "train.txt", sep="\t", names=["user", "item", "label"])
        rows["item"] = scenario + rows["item"].astype(str)
        parts.append(rows.assign(scenario=scenario))
    return Task(*cut(pd.concat(parts, ignore_index=True), seed))


def taobao(folder: Path, seed: int) -> Task:
    """Return what people put into their cart and what they bought."""
    cart = pd.read_csv(folder / "cart.csv", sep="\t", skiprows=1, names=["user", "item", "event"])
    bought = pd.read_csv(folder / "buy.train.txt", sep="\t", skiprows=1, names=["user", "item"])
    rows = pd.concat(
        [cart.assign(scenario="cart"), bought.assign(scenario="buy")], ignore_index=True
    )
    stream = random_stream(seed, 0)
    users = stream.permutation(bought["user"].unique())[:MOST_USERS]
    rows = rows[rows["user"].isin(users)].reset_index(drop=True)
    held = (stream.random(len(rows)) < HELD) & (rows["scenario"] == "buy").to_numpy()
    train, test = rows[~held], rows[held]
    return Task(train, test[test["item"].isin(train["item"]) & test["user"].isin(train["user"])])


def cut(rows: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold out a domain of some users of both, and some items of the others."""
    stream = random_stream(seed, 1)
    counts = rows.groupby("user")["scenario"].nunique()
    both = counts.index[counts > 1].to_numpy()
    cold = stream.permutation(both)[: int(COLD * len(both))]
    names = rows["scenario"].unique()
    lost = dict(zip(cold.tolist(), names[stream.integers(len(names), size=len(cold))], strict=True))
    gone = (rows["user"].map(lost) == rows["scenario"]).to_numpy() | (
        (stream.random(len(rows)) < HELD) & ~rows["user"].isin(cold).to_numpy()
    )
    train, test = rows[~gone], rows[gone]
    known = test["item"].isin(train["item"]) & test["user"].isin(train["user"])
    return train, test[known]


# ---- measuring -----------------------------------------------------------------------------------


def measured(task: Task, seed: int) -> Iterator[dict[str, Any]]:
    """Measure all ways on one cut."""
    dataset, scenarios = with_ids(task)
    base = f"hybrid-als:factors={FACTORS}"
    model = Scenarios(base=base, random_state=seed, num_threads=1, **task.params).fit(dataset)
    ways = {CHOSEN: model, ONE: at(model, 0.0), FULL: at(model, 1.0)}
    for name in sorted(task.test["scenario"].unique()):
        split = split_of(task, dataset, scenarios, name, seed)
        own = HybridALS(factors=FACTORS, random_state=seed, num_threads=1).fit(split.train)
        models: dict[str, Recommender] = {way: one.scenario(name) for way, one in ways.items()}
        models |= {EACH: own, POPULAR: Popularity().fit(split.train)}
        for one in models.values():
            one.history_ = models[ONE].history_  # all leave out the same items
        for way, one in models.items():
            for group, value, users in by_history(one, split):
                yield {
                    "scenario": name,
                    "seed": seed,
                    "way": way,
                    "group": group,
                    f"ndcg@{K}": value,
                    "users": users,
                    "alpha": model.alpha_[name],
                }


def with_ids(task: Task) -> tuple[Dataset, np.ndarray]:
    """Return the training data, with the ids of all rows, and the scenario of every row."""
    every = pd.concat([task.train, task.test], ignore_index=True)[["user", "item", "scenario"]]
    rows = Interactions.from_frame(every, context=["scenario"])
    data = task.data
    if data is None:
        dataset = Dataset.build(rows)
    else:
        assert data.item_table is not None
        table = data.item_table.assign(item=data.items.ids)
        table = table[table["item"].isin(every["item"])]
        dataset = Dataset.build(rows, linked(data, table["item"]), item_table=table)
    train = dataset.interactions.take(np.arange(len(every)) < len(task.train))
    return dataset.with_interactions(train), every["scenario"].to_numpy()


def linked(data: Dataset, items: pd.Series) -> Any:
    """Return the facts, linked to some of the items only."""
    assert data.knowledge is not None
    assert data.knowledge.link is not None
    ids, entities = data.knowledge.link
    ours = np.isin(ids, items.to_numpy())
    return replace(data.knowledge, link=(ids[ours], entities[ours]))


def split_of(task: Task, dataset: Dataset, scenarios: np.ndarray, name: str, seed: int) -> Split:
    """Return the split of one scenario: items that it has are ranked."""
    rows = dataset.interactions
    own = rows.take(scenarios[: len(rows)] == name)
    tested = task.test[task.test["scenario"] == name]
    test = replace(
        rows.take(np.zeros(len(rows), dtype=bool)),
        user_codes=dataset.users.codes(tested["user"].to_numpy()),
        item_codes=dataset.items.codes(tested["item"].to_numpy()),
        weights=np.ones(len(tested), dtype=np.float32),
        context={},
    )
    others = rows.take(scenarios[: len(rows)] != name)
    apart = not np.intersect1d(own.item_codes, others.item_codes).size
    candidates = (own if apart else rows).matrix.getnnz(axis=0) > 0
    test = test.take(candidates[test.item_codes])
    return Split(
        "scenario", {"random_state": seed}, dataset.with_interactions(own), test, candidates
    )


def at(model: Scenarios, alpha: float) -> Scenarios:
    """Return the same model with other alphas."""
    other = copy(model)
    vars(other).pop("_kept", None)
    given = Alpha(alpha, alpha, alpha)
    other.scenarios_ = {name: replace(one, alpha=given) for name, one in model.scenarios_.items()}
    return other


def by_history(model: Recommender, split: Split) -> Iterator[tuple[str, float, int]]:
    """Yield the mean NDCG of test users, of all and by what they have in the scenario."""
    found = evaluate(model, split, metrics=("ndcg",), k=K, num_threads=1).slices["all"]
    values = found.values["ndcg", K]
    count = np.diff(split.train.matrix.indptr)[split.train.users.codes(found.users)]
    members = (count >= 0, count == 0, (count > 0) & (count < FEW), count >= FEW)
    for group, chosen in zip(GROUPS, members, strict=True):
        if chosen.any():
            yield group, float(values[chosen].mean()), int(chosen.sum())


# ---- tables --------------------------------------------------------------------------------------


def table(rows: Rows) -> str:
    """Return mean and spread over seeds, by scenario and way."""
    body = []
    for name in dict.fromkeys(row["scenario"] for row in rows):
        for way in (POPULAR, EACH, ONE, CHOSEN, FULL):
            cells = []
            for group in GROUPS:
                values = [
                    row[f"ndcg@{K}"]
                    for row in rows
                    if (row["scenario"], row["way"], row["group"]) == (name, way, group)
                ]
                cells.append(spread(values))
            alphas = dict.fromkeys(
                "/".join(f"{one:g}" for one in row["alpha"])
                for row in sorted(rows, key=lambda row: row["seed"])
                if row["scenario"] == name and way == CHOSEN
            )
            body.append([name, way, *cells, ", ".join(alphas)])
    users = {
        group: mean([row["users"] for row in rows if row["group"] == group] or [0])
        for group in GROUPS
    }
    header = [f"{group} ({count:.0f} users)" for group, count in users.items()]
    return markdown(["scenario", "model", *header, "alpha, over seeds"], body)


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    if len(values) < 2:
        return "".join(f"{one:.4f}" for one in values)
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


if __name__ == "__main__":
    main()
