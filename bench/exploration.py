"""When exploration pays, and what can be learned of it from a log: ``python -m bench.exploration``.

Simulated users of movielens-small (ratings of at least 3.5; `Simulator`): half of all interactions,
and a fifth of the items with all of theirs, are held out; 100 users come in rounds, and every
policy re-ranks the best 100 items of the model that was fitted on the rest. Three worlds:

- hybrid-als, held out: a held-out interaction is a click (pessimistic);
- hybrid-als, latent: ALS with 32 factors, fitted on all data, says how much users like items;
- popularity, held out: the model knows nothing of the user.

Users look at rank r with probability 1 / r; the policies take it to be 1 / log2(r + 1). Parameters
are the defaults, with ``alpha`` and ``weight`` chosen on a split of another seed (100). "trust" is
LinUCB with ``alpha=0, epsilon=0``: it learns, and explores nothing.

Then logs of an epsilon-greedy policy (epsilon 0.3), for users drawn with return: how far the
estimates for other policies are from their true value in the latent world, over the size of a log.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Iterable
from dataclasses import asdict
from statistics import mean, stdev
from typing import Any

import numpy as np

from bench.figures import OTHERS, OURS, SECOND, STYLE, TEXT, panels, save
from bench.measure import RESULTS, markdown, write_results
from hybridrec import ALS, HybridALS, Popularity, clean, load_dataset
from hybridrec.dataset.dataset import Dataset
from hybridrec.evaluation.splits import warm_and_cold
from hybridrec.online.exploration import EpsilonGreedy, Simulator, off_policy, parse_policy
from hybridrec.runtime import random_stream, threads

POLICIES = {
    "greedy": "epsilon-greedy:epsilon=0",
    "epsilon-greedy": "epsilon-greedy",
    "trust": "lin-ucb:alpha=0,epsilon=0",
    "thompson": "thompson:draws=1",  # no propensities are needed here
    "lin-ucb": "lin-ucb",
    "q-learning": "q-learning",
}
WORLDS = ("hybrid-als, held out", "hybrid-als, latent", "popularity, held out")
TARGETS = {
    "greedy": "epsilon-greedy:epsilon=0",
    "uniform": "epsilon-greedy:epsilon=1",
    "lin-ucb": "lin-ucb:epsilon=0",
    "thompson": "thompson:draws=50",
    "q-learning": "q-learning:epsilon=0",
}
FINDINGS = """
Where it pays: when the model misses something that clicks tell. On a popularity model learning
alone ("trust") brings 6 %, with the exploration of LinUCB or Thompson sampling 10 %; on hybrid-als
with real held-out tastes learning brings 4 % (no more than its spread), and exploration adds
nothing to it. Where not: in the latent world, where the model is near the truth already, every
policy costs 1 to 4 %. Epsilon-greedy never pays for itself within these rounds: what it buys is a
log from which other policies can be judged. Q-learning's table is no better than that, as it keeps
12 kinds of users and 24 of items where the linear policies know every item's features. Exploration
shows a fifth to a quarter more different items (more than twice as many on popularity) and, of the
items nobody had, users click on 2 to 7 more where tastes are real; popularity has no such
candidates. All this is of 8 lists a user, and of users whose tastes and visits do not change.

Of the estimates, those of the position-based assumption are within 2 to 4 % from 3200 lists, though
users look otherwise than it assumes; exact ranks need far larger logs for a policy that reorders
the list (an effective sample of 6 to 100 lists of 3200), and intervals are then often too narrow.
"""
LOGGED = 0.3
SIZES = (200, 800, 3200)
USERS, ROUNDS = 100, 8
Row = dict[str, Any]


def main() -> None:
    """Measure, and write tables and picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--draw", action="store_true", help="Measure nothing: tables and picture.")
    options = parser.parse_args()
    if options.draw:
        kept = json.loads((RESULTS / "exploration.json").read_text())
        found = {name: kept[name] for name in ("rounds", "estimates")}
        write_results("exploration", found, tables(**found))
        draw(kept["rounds"])
        return
    liked, _ = clean((data := load_dataset("movielens-small")).interactions, min_weight=3.5)
    data = data.with_interactions(liked)
    rounds: list[Row] = []
    estimates: list[Row] = []
    with threads(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of logs that are too small: they are here on purpose
        for seed in range(options.seeds):
            for world, simulator in worlds(data, seed).items():
                for name in POLICIES:
                    rounds += played(simulator, world, name, seed)
                if world == WORLDS[1]:
                    estimates += judged(simulator, seed)
            found = {"rounds": rounds, "estimates": estimates}
            write_results("exploration", found, tables(rounds, estimates))
    draw(rounds)


def worlds(data: Dataset, seed: int) -> dict[str, Simulator]:
    """Return the simulated users of a seed, by world."""
    split = warm_and_cold(data, cold_fraction=0.2, warm_fraction=0.5, random_state=seed)
    model = HybridALS(factors=32, random_state=seed, num_threads=1).fit(split.train)
    truth = ALS(factors=32, random_state=seed, num_threads=1).fit(data)
    users = np.sort(random_stream(seed, USERS).permutation(split.test_users)[:USERS])
    real = (split.test.matrix[users] > 0).astype(np.float64)
    options: dict[str, Any] = {"random_state": seed, "num_threads": 1}
    return {
        WORLDS[0]: Simulator(model, users, real, **options),
        WORLDS[1]: Simulator.from_model(model, truth, users, **options),
        WORLDS[2]: Simulator(Popularity().fit(split.train), users, real, **options),
    }


def played(simulator: Simulator, world: str, name: str, seed: int) -> list[Row]:
    """Return a row for each round of a policy."""
    policy = parse_policy(POLICIES[name]).set_params(random_state=seed).prepare(simulator.model)
    unknown = simulator.model.popularity_ == 0
    seen: set[int] = set()
    liked: set[int] = set()
    rows = []
    for one in simulator.rounds(policy, ROUNDS):
        items, clicks = one.slates.items, one.slates.rewards > 0
        seen.update(items[items >= 0].tolist())
        liked.update(items[clicks].tolist())
        rows.append(
            {
                "world": world,
                "policy": name,
                "seed": seed,
                "round": one.number,
                "reward": one.reward / USERS,
                "regret": (one.best - one.reward) / USERS,
                "shown": len(seen),
                "new": sum(unknown[one] for one in liked).item() if liked else 0,
            }
        )
    return rows


def judged(simulator: Simulator, seed: int) -> list[Row]:
    """Return the errors of estimates for each policy and size of the log."""
    logging = EpsilonGreedy(epsilon=LOGGED, random_state=seed).prepare(simulator.model)
    everyone = simulator.candidates(logging, simulator.model.history_[simulator.users])
    policies = {name: parse_policy(text).prepare(simulator.model) for name, text in TARGETS.items()}
    lesson = next(iter(simulator.rounds(logging, 1))).slates
    rows = []
    for size in SIZES:
        users = random_stream(seed, size).integers(0, USERS, size)
        own = everyone.rows(users)
        slates = logging.choose(own, simulator.k, request=10_000)
        slates = slates._replace(rewards=simulator.clicks(users, slates.items, size))
        for name, policy in policies.items():
            if size == SIZES[0]:
                policy.learn(lesson)
            true = simulator.value(policy)
            for assumption in ("position-based", "item-position"):
                found = off_policy(policy, slates, own, users=users, assumption=assumption)
                rows += [
                    {
                        "policy": name,
                        "seed": seed,
                        "size": size,
                        "assumption": assumption,
                        "true": true,
                        "inside": bool(one.low <= true <= one.high),
                        **asdict(one),
                    }
                    for one in found
                ]
    return rows


# ---- tables and picture --------------------------------------------------------------------------


def tables(rounds: list[Row], estimates: list[Row]) -> str:
    """Return what policies earned, and how far estimates were off."""
    seeds = len({row["seed"] for row in rounds})
    parts = [
        f"Clicks a user over {ROUNDS} rounds, expected from what was shown; means ± standard"
        f" deviations over {seeds} splits. Regret is against the best lists of what a user did not"
        " have yet; new items are those that nobody had in training:",
        _earned(rounds),
        "Against greedy, split by split (the same users, looks and tastes):",
        _gains(rounds),
        f"Off-policy: mean error of estimates, % of the true value (relative RMSE over {seeds}"
        f" logs), for logs of epsilon-greedy with epsilon {LOGGED}; in brackets how many of the"
        " 95 % intervals hold the true value:",
        _errors(estimates),
        FINDINGS.strip(),
    ]
    return "\n\n".join(parts)


def _earned(rounds: list[Row]) -> str:
    body = []
    for world in WORLDS:
        for name in POLICIES:
            sums = [sum(row["reward"] for row in one) for one in _by_seed(rounds, world, name)]
            lost = [sum(row["regret"] for row in one) for one in _by_seed(rounds, world, name)]
            last = [one[-1] for one in _by_seed(rounds, world, name)]
            body.append(
                [
                    *(world, name, _spread(sums), _spread(lost)),
                    _spread([row["reward"] for row in last]),
                    *(_spread([row[what] for row in last], ".0f") for what in ("shown", "new")),
                ]
            )
    header = ["model, users", "policy", "clicks ↑", "regret ↓", "clicks, last round"]
    return markdown([*header, "items shown", "new items clicked"], body)


def _gains(rounds: list[Row]) -> str:
    body = []
    for name in [name for name in POLICIES if name != "greedy"]:
        cells = []
        for world in WORLDS:
            pairs = zip(
                _by_seed(rounds, world, name), _by_seed(rounds, world, "greedy"), strict=True
            )
            cells.append(
                _spread([100 * (_total(one) / _total(other) - 1) for one, other in pairs], "+.1f")
            )
        body.append([name, *cells])
    return markdown(["clicks, %", *WORLDS], body)


def _errors(rows: list[Row]) -> str:
    body = []
    for name in TARGETS:
        for assumption in ("position-based", "item-position"):
            for method in ("ips", "snips", "dr"):
                own = _of(rows, policy=name, assumption=assumption, method=method)
                cells = []
                for size in SIZES:
                    same = _of(own, size=size)
                    errors = [one["value"] / one["true"] - 1 for one in same]
                    inside = sum(one["inside"] for one in same)
                    rmse = 100 * float(np.sqrt(mean(e * e for e in errors)))
                    cells.append(f"{rmse:.0f} ({inside}/{len(same)})")
                largest = _of(own, size=SIZES[-1])
                told = f"{mean(one['effective'] for one in largest):.0f}"
                true = f"{mean(one['true'] for one in largest):.2f}"
                body.append([name, true, assumption, method, *cells, told])
    header = ["policy", "true value", "assumption", "method", *(f"{size} lists" for size in SIZES)]
    return markdown([*header, f"effective of {SIZES[-1]}"], body)


def _by_seed(rows: list[Row], world: str, name: str) -> list[list[Row]]:
    own = _of(rows, world=world, policy=name)
    return [_of(own, seed=seed) for seed in dict.fromkeys(row["seed"] for row in own)]


def _total(rows: list[Row]) -> float:
    return float(sum(row["reward"] for row in rows))


def _of(rows: Iterable[Row], **wanted: Any) -> list[Row]:
    return [row for row in rows if all(row[name] == value for name, value in wanted.items())]


def _spread(values: list[float], form: str = ".2f") -> str:
    deviation = f" ± {stdev(values):{form.lstrip('+')}}" if len(values) > 1 else ""
    return f"{mean(values):{form}}{deviation}"


def draw(rounds: list[Row]) -> None:
    """Draw the clicks so far against those of greedy, over the rounds."""
    import matplotlib as mpl

    looks = {
        "epsilon-greedy": (OTHERS, "-"),
        "trust": (TEXT, (0, (3, 2))),
        "thompson": (OURS, "-"),
        "lin-ucb": (OURS, (0, (3, 2))),
        "q-learning": (SECOND, "-"),
    }
    with mpl.rc_context(STYLE):
        figure, axes = panels(1, len(WORLDS), 2.8)
        for axis, world in zip(axes.flat, WORLDS, strict=True):
            base = _mean_curve(rounds, world, "greedy")
            for name, (colour, line) in looks.items():
                curve = 100 * (_mean_curve(rounds, world, name) / base - 1)
                style: dict[str, Any] = {"color": colour, "linestyle": line, "linewidth": 1.4}
                axis.plot(range(1, len(curve) + 1), curve, label=name, **style)
            axis.axhline(0, color=TEXT, linewidth=0.8)
            axis.set_title(world)
            axis.set_xlabel("round")
        axes[0, 0].set_ylabel("clicks so far against greedy, %")
        handles, names = axes[0, 0].get_legend_handles_labels()
        place: dict[str, Any] = {"loc": "outside lower center", "ncols": len(names)}
        figure.legend(handles, names, frameon=False, **place)
        save(figure, RESULTS / "exploration.svg")


def _mean_curve(rounds: list[Row], world: str, name: str) -> np.ndarray:
    curves = [[row["reward"] for row in one] for one in _by_seed(rounds, world, name)]
    mean_curve: np.ndarray = np.cumsum(np.mean(curves, axis=0))
    return mean_curve


if __name__ == "__main__":
    main()
