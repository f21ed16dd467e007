"""What privacy costs: ``python -m bench.privacy [--data DIR]``.

Accuracy of `private-als` over epsilon (a whole user is protected, delta 1e-5), beside models
without noise and popularity from noisy counts, on random splits by user of the bundled films and
Last.FM; a federation of three beside a central fit; and what forgetting a user costs and moves.
The defaults of `private-als` were chosen on validation parts of splits with other seeds of the
same data, which no epsilon counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.measure import DEFAULT_DATA, RESULTS, markdown, write_results
from hybridrec import ALS, HybridALS, ItemKNN, Popularity, clean, load_dataset, read_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.evaluate import evaluate
from hybridrec.evaluation.splits import Split, random_split
from hybridrec.models.base import Recommender
from hybridrec.privacy import (
    Party,
    PrivacyBudget,
    PrivateALS,
    PrivateParty,
    dataset_without,
    federated_fit,
    forget,
)
from hybridrec.privacy.federated import first_round, next_round
from hybridrec.privacy.private_als import PrivateItemSide, private_item_side

SEEDS = 5
EPSILONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
METRICS = (("ndcg", 10), ("recall", 20))
PARTIES, FORGOTTEN, LENGTH = 3, 5, 10
LIKED = 3.5  # least rating of a film that counts as an interaction
Rows = list[dict[str, Any]]


def main() -> None:
    """Measure, and write tables and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    options = parser.parse_args()
    sets = {"movielens-small": films(), "Last.FM": positives(options.data / "lastfm")}
    found: dict[str, dict[str, Rows]] = {}
    for name, dataset in sets.items():
        found[name] = {
            "accuracy": list(accuracy(dataset)),
            "federated": list(federated(dataset)),
            "forget": list(forgotten(dataset)),
        }
    texts = [f"**{name}**\n\n{tables(rows)}" for name, rows in found.items()]
    write_results("privacy", {"data": found}, "\n\n".join(texts))
    draw({name: rows["accuracy"] for name, rows in found.items()}, RESULTS / "privacy.svg")


def films() -> Dataset:
    """Return the bundled films somebody liked, without side information."""
    rows, _ = clean(load_dataset("movielens-small").interactions, min_weight=LIKED)
    return Dataset.build(rows)


def positives(path: Path) -> Dataset:
    """Return the positive pairs of labelled data."""
    rows, _ = clean(read_dataset(path).interactions)
    return Dataset.build(rows)


# ---- accuracy ------------------------------------------------------------------------------------


def accuracy(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Measure all models on one split a seed."""
    plain: dict[str, Callable[[], Recommender]] = {
        "popularity": Popularity,
        "als": lambda: ALS(num_threads=1),
        "hybrid-als": lambda: HybridALS(num_threads=1),
    }
    for seed in range(SEEDS):
        split = random_split(dataset, by="user", random_state=seed)
        for name, make in plain.items():
            yield measured(name, None, seed, make(), split)
        for epsilon in EPSILONS:
            for name, factors in (("private-als", 8), ("private-als:factors=0", 0)):
                model = private(epsilon, seed, factors)
                yield measured(name, epsilon, seed, model, split)
            side = of_parties(epsilon, seed, split)
            yield measured("private-als, three parties", epsilon, seed, side, split, fit=False)


def private(epsilon: float, seed: int, factors: int) -> PrivateALS:
    """Return an unfitted private model whose noise can be repeated."""
    return PrivateALS(
        epsilon=epsilon, factors=factors, noise="seeded", random_state=seed, num_threads=1
    )


def of_parties(epsilon: float, seed: int, split: Split) -> PrivateALS:
    """Return a private model trained by parties, each of which noises what it tells."""
    model, train = private(epsilon, seed, 8), split.train
    parties = []
    for one in range(PARTIES):
        matrix = train.matrix.copy()
        matrix.data[
            np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) % PARTIES != one
        ] = 0
        matrix.eliminate_zeros()
        budget = PrivacyBudget(epsilon, model.delta, random_state=PARTIES * seed + one)
        parties.append(PrivateParty(model, matrix, budget))
    side: PrivateItemSide = private_item_side(model, parties)
    return model.with_users(train, side)


def measured(
    name: str, epsilon: float | None, seed: int, model: Recommender, split: Split, fit: bool = True
) -> dict[str, Any]:
    """Return the metrics of a model on the test part."""
    found = evaluate(
        model.fit(split.train) if fit else model,
        split,
        metrics=tuple(metric for metric, _ in METRICS),
        k=tuple(k for _, k in METRICS),
    )
    values = {f"{metric}@{k}": found.mean(metric, k) for metric, k in METRICS}
    return {"model": name, "epsilon": epsilon, "seed": seed, **values}


# ---- a federation --------------------------------------------------------------------------------


def federated(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Compare three parties with a central fit, and weigh their messages."""
    frame = dataset.interactions.to_frame()
    group = dataset.interactions.user_codes % PARTIES
    for factors in (16, 32):
        model = HybridALS(factors=factors, num_threads=1)
        start = time.process_time()
        central = HybridALS(factors=factors, num_threads=1).fit(dataset)
        middle = time.process_time()
        parties = [Party(frame[group == one], dataset.items) for one in range(PARTIES)]
        side = federated_fit(parties, model)
        end = time.process_time()
        apart = np.abs(side.item_factors - central.scorer_.item_factors).max()  # type: ignore[attr-defined]
        side = first_round([party.summary() for party in parties], model)
        told = [party.statistics(side) for party in parties]
        yield {
            "factors": factors,
            "rounds": model.iterations,
            "difference": float(apart),
            "up": told[0].nbytes,
            "down": next_round(side, told).nbytes,
            "central": middle - start,
            "federated": end - middle,
        }
    users = PrivateALS(num_threads=1)
    party = PrivateParty(users, dataset.matrix, PrivacyBudget(8.0, 1e-5, 0))
    so_far = np.zeros((len(dataset.items), users.factors + 1), dtype=np.float32)
    message = party.statistics(so_far)
    yield {
        "factors": users.factors,
        "rounds": users.iterations,
        "difference": None,
        "up": message.gram.nbytes + message.cross.nbytes,
        "down": so_far.nbytes,
    }


# ---- forgetting ----------------------------------------------------------------------------------


def forgotten(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Forget users one by one, in every way; how far are the lists from those of a fit without."""
    ways: dict[str, tuple[Callable[[], Recommender], tuple[str, ...]]] = {
        "popularity": (Popularity, ("keep", "half-step", "refit")),
        "item-knn": (lambda: ItemKNN(num_threads=1), ("keep", "refit")),
        "hybrid-als": (lambda: HybridALS(num_threads=1), ("keep", "half-step")),
    }
    chosen = np.linspace(0, len(dataset.users) - 1, FORGOTTEN).astype(int)
    for name, (make, item_sides) in ways.items():
        model = make().fit(dataset)
        for user in dataset.users.ids[chosen].tolist():
            start = time.process_time()
            fresh = make().fit(dataset_without(dataset, [user]))
            fit_seconds = time.process_time() - start
            without = lists_of(fresh)
            found = {"fit without": (fit_seconds, 1.0)}
            for way in item_sides:
                start = time.process_time()
                left = forget(model, [user], item_side=way)
                seconds = time.process_time() - start
                found[way] = seconds, shared(lists_of(left), without)
            for way, (seconds, same) in found.items():
                yield {"model": name, "way": way, "user": user, "ms": 1000 * seconds, "same": same}


def lists_of(model: Recommender) -> np.ndarray:
    """Return the items of all users' lists."""
    users = np.arange(len(model.users_))
    return model.recommend_codes(users, LENGTH, num_threads=1).items


def shared(lists: np.ndarray, others: np.ndarray) -> float:
    """Return the part of some lists that others have as well; -1 is no entry."""
    pairs = zip(lists.tolist(), others.tolist(), strict=True)
    both = sum(len(set(one) & set(other) - {-1}) for one, other in pairs)
    return both / max(int((others >= 0).sum()), 1)


# ---- tables and the picture ----------------------------------------------------------------------


def tables(found: dict[str, Rows]) -> str:
    """Return the tables of a data set as Markdown."""
    return "\n\n".join(
        [
            accuracy_table(found["accuracy"]),
            better_from(found["accuracy"]),
            "A federation of three; private-als sends sums of another kind",
            federated_table(found["federated"]),
            f"Forgetting one of {FORGOTTEN} users; shared is the part of the other users' lists of"
            f" {LENGTH} that a fit without the user gives as well",
            forget_table(found["forget"]),
        ]
    )


def accuracy_table(rows: Rows) -> str:
    """Return mean and spread of the metrics over seeds."""
    names = [f"{metric}@{k}" for metric, k in METRICS]
    body = []
    for key in dict.fromkeys((row["model"], row["epsilon"]) for row in rows):
        group = [row for row in rows if (row["model"], row["epsilon"]) == key]
        cells = [spread([row[name] for row in group]) for name in names]
        body.append([key[0], "no noise" if key[1] is None else f"{key[1]:g}", *cells])
    return markdown(["model", "epsilon", *names], sorted(body, key=lambda row: row[0]))


def better_from(rows: Rows) -> str:
    """Tell from which epsilon on the mean is above that of popularity without noise."""
    texts = []
    for metric, k in METRICS:
        name = f"{metric}@{k}"
        level = mean(values_of(rows, "popularity", None, name))
        means = {one: mean(values_of(rows, "private-als", one, name)) for one in EPSILONS}
        above = [epsilon for epsilon, value in means.items() if value > level]
        texts.append(f"{name} from epsilon {min(above):g} on" if above else f"{name} never")
    return f"private-als is above popularity without noise in {', in '.join(texts)}"


def federated_table(rows: Rows) -> str:
    """Return differences, sizes and seconds."""
    body = [
        [
            "private-als" if row["difference"] is None else "hybrid-als",
            row["factors"],
            row["rounds"],
            "" if row["difference"] is None else f"{row['difference']:.1e}",
            f"{row['up'] / 1e6:.2f}",
            f"{row['down'] / 1e6:.2f}",
            f"{row['central']:.1f}" if "central" in row else "",
            f"{row['federated']:.1f}" if "federated" in row else "",
        ]
        for row in rows
    ]
    header = [
        *("model", "factors", "rounds", "largest difference to a central fit"),
        *("MB up, a party and round", "MB down", "CPU s, central", "CPU s, federated"),
    ]
    return markdown(header, body)


def forget_table(rows: Rows) -> str:
    """Return milliseconds, and how much of the lists is as it should be."""
    body = []
    for key in dict.fromkeys((row["model"], row["way"]) for row in rows):
        group = [row for row in rows if (row["model"], row["way"]) == key]
        body.append(
            [
                *key,
                f"{mean(row['ms'] for row in group):.1f}",
                f"{mean(row['same'] for row in group):.4f}",
                f"{min(row['same'] for row in group):.4f}",
            ]
        )
    return markdown(["model", "item side", "CPU ms", "shared", "shared, worst user"], body)


def spread(values: list[float]) -> str:
    """Return mean and standard deviation."""
    return f"{mean(values):.4f} ± {stdev(values):.4f}"


def draw(found: dict[str, Rows], path: Path) -> None:
    """Draw NDCG@10 over epsilon."""
    import matplotlib as mpl

    from bench.figures import FAINT, OTHERS, OURS, STYLE, TEXT, add_key, panels, save

    colours = {"private-als": OURS, "private-als:factors=0": OTHERS}
    with mpl.rc_context(STYLE):
        figure, axes = panels(1, len(found), 3.2)
        for axis, (name, rows) in zip(axes.flat, found.items(), strict=True):
            for model, colour in colours.items():
                ends = [values_of(rows, model, epsilon) for epsilon in EPSILONS]
                spreads = [stdev(values) for values in ends]
                style = {"color": colour, "marker": "o", "markersize": 4}
                axis.errorbar(EPSILONS, [mean(values) for values in ends], yerr=spreads, **style)
            for model in ("popularity", "als"):
                level = mean(values_of(rows, model, None))
                axis.axhline(level, color=TEXT, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
                axis.annotate(
                    *(f"{model}, no noise", (EPSILONS[0], level), (0, 3)),
                    textcoords="offset points",
                )
            axis.set_xscale("log", base=2)
            axis.set_xticks(EPSILONS, [f"{one:g}" for one in EPSILONS])
            axis.set_ylim(0, 1.15 * level)
            axis.set_title(name, loc="left")
            axis.set_xlabel("epsilon (a whole user is protected, delta 1e-5)")
            axis.grid(color=FAINT, linewidth=0.5)
        axes.flat[0].set_ylabel("NDCG@10")
        add_key(figure, {"private-als": OURS, "popularity from noisy counts": OTHERS})
        save(figure, path)


def values_of(
    rows: Rows, model: str, epsilon: float | None, metric: str = "ndcg@10"
) -> list[float]:
    """Return a metric of a model, one value a seed."""
    return [row[metric] for row in rows if (row["model"], row["epsilon"]) == (model, epsilon)]


if __name__ == "__main__":
    main()
