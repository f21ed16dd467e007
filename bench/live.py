"""One user at a time in process, feedback on disk, and reload: ``python -m bench.live``.

Microseconds of `LiveRecommender` on Amazon-Book's 25 thousand items and on the bundled data, and of
implicit's `recommend` with the same factors, call by call by turns in one process and one thread.
"history" is five items of a new user, "fresh feedback" a user of the fit with three events since,
"features" two columns of a new user (made up: these data describe no users). Models are fitted
once and kept in ``--models``.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

import hybridrec
from bench.measure import DEFAULT_DATA, markdown, write_results
from hybridrec import HybridALS, PersonalizedPageRank, RP3Beta
from hybridrec.dataset.dataset import Dataset
from hybridrec.models.implicit_factors import ALS
from hybridrec.online import Event, EventLog
from hybridrec.service import LiveRecommender

K = 10
CALLS = 400  # of each kind
ROUNDS = 4  # they are cut into
SECONDS = 3.0  # of each measurement of feedback and of reload
THREADS = 32
MODELS: dict[str, Callable[[], Any]] = {
    "als, 64": lambda: ALS(factors=64),
    "als, 128": lambda: ALS(factors=128),
    "hybrid-als, 64": lambda: HybridALS(factors=64),
    "hybrid-als, 128": lambda: HybridALS(factors=128),
    "rp3-beta": RP3Beta,
    "personalized-page-rank": PersonalizedPageRank,
}
KINDS = ("user", "history", "fresh feedback", "features", "similar", "explain")
Row = dict[str, Any]


def main() -> None:
    """Fit what is not there yet, measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--models", type=Path, default=Path(tempfile.gettempdir()) / "bench_live")
    parser.add_argument("--only-fit", action="store_true")
    options = parser.parse_args()
    for name in ("amazon-book", "movielens-small"):
        fit_all(name, options)
    if options.only_fit:
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=options.models) as scratch, threadpool_limits(1):
        for name in ("amazon-book", "movielens-small"):
            for model in MODELS:
                rows += latencies(options.models / name / model, Path(scratch) / f"{name} {model}")
        feedback = durable(Path(scratch))
        reload = reloads(options.models / "amazon-book" / "als, 64")
    content = {"latency_us": rows, "feedback": feedback, "reload": reload}
    write_results("live", content, tables(rows, feedback, reload))


def fit_all(name: str, options: argparse.Namespace) -> None:
    """Save the models of one data set, those that are not there."""
    missing = [one for one in MODELS if not (options.models / name / one).exists()]
    if not missing:
        return
    if name == "movielens-small":
        data = hybridrec.load_dataset(name)
    else:
        data = hybridrec.read_dataset(options.data / name)
    (options.models / name).mkdir(parents=True, exist_ok=True)
    stream = np.random.default_rng(0)
    people = pd.DataFrame({"user": data.users.ids})
    people["age"] = stream.integers(15, 80, len(people))
    people["country"] = stream.choice(list("abcdefgh"), len(people))
    described = Dataset.build(data.interactions, user_table=people)
    for one in missing:
        start = time.perf_counter()
        MODELS[one]().fit(described).save(options.models / name / one)
        print(f"{name}: {one} fitted in {time.perf_counter() - start:.0f} s", flush=True)


# ---- latency ----------------------------------------------------------------------------------


def latencies(folder: Path, log: Path) -> list[Row]:
    """Return p50 and p99 in microseconds of every kind of call to one model."""
    with LiveRecommender(folder, log=log) as live:
        calls = asked(live) | asked_of_implicit(live)
        times: dict[str, list[float]] = {kind: [] for kind in calls}
        for one in calls.values():
            for ask in one[:20]:
                ask()
        step = CALLS // ROUNDS
        for number in range(ROUNDS):
            for kind, one in calls.items():
                for ask in one[number * step : (number + 1) * step]:
                    start = time.perf_counter()
                    ask()
                    times[kind].append(time.perf_counter() - start)
    where = {"data": folder.parent.name, "model": folder.name}
    return [
        {**where, "kind": kind, **dict(zip(("p50", "p99"), percentiles(one), strict=True))}
        for kind, one in times.items()
    ]


def percentiles(seconds: Sequence[float]) -> list[float]:
    """Return the median and the 99th percentile in microseconds."""
    return [round(float(one) * 1e6, 1) for one in np.percentile(seconds, [50, 99])]


def asked(live: LiveRecommender) -> dict[str, list[Callable[[], Any]]]:
    """Return what is asked of a live recommender, many calls of each kind."""
    stream = np.random.default_rng(1)
    model = live.model
    users = stream.choice(np.flatnonzero(np.diff(model.history_.indptr)), 2 * CALLS)
    known, fresh = np.array_split(model.users_.ids[users], 2)
    share = model.popularity_ / model.popularity_.sum()
    tastes = [
        model.items_.ids[stream.choice(len(share), 5, replace=False, p=share)].tolist()
        for _ in range(CALLS)
    ]
    for user, taste in zip(fresh.tolist(), tastes, strict=True):
        live.feedback([Event(user, item) for item in taste[:3]])
    best = [live.recommend(user, k=1)[0].item for user in known.tolist()]
    kinds: dict[str, list[Callable[[], Any]]] = {
        "user": [lambda user=user: live.recommend(user, k=K) for user in known.tolist()],
        "history": [lambda taste=taste: live.recommend(history=taste, k=K) for taste in tastes],
        "fresh feedback": [lambda user=user: live.recommend(user, k=K) for user in fresh.tolist()],
        "similar": [lambda taste=taste: live.similar(taste[0], K) for taste in tastes],
        "explain": [
            lambda user=user, item=item: live.explain(user, item)
            for user, item in zip(known.tolist(), best, strict=True)
        ],
    }
    if live.snapshot.user_form.columns:
        ages = stream.integers(15, 80, CALLS).tolist()
        kinds["features"] = [
            lambda age=age: live.recommend(features={"age": age, "country": "abcdefgh"[age % 8]})
            for age in ages
        ]
    return kinds


def asked_of_implicit(live: LiveRecommender) -> dict[str, list[Callable[[], Any]]]:
    """Return the same users and histories, asked of implicit with the factors of an ALS."""
    model = live.model
    if not isinstance(model, ALS):
        return {}
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    peer = AlternatingLeastSquares(
        factors=model.factors,
        regularization=model.regularization,
        alpha=model.alpha,
        num_threads=1,
    )
    peer.user_factors = np.array(model.scorer_.user_factors)
    peer.item_factors = np.array(model.scorer_.item_factors)
    history = csr_matrix(model.history_ / float(model.mean_weight_))
    stream = np.random.default_rng(1)
    users = stream.choice(np.flatnonzero(np.diff(history.indptr)), 2 * CALLS)[:CALLS]
    share = model.popularity_ / model.popularity_.sum()

    def of_user(user: int) -> Any:
        return peer.recommend(user, history[user], N=K)

    def of_history(codes: np.ndarray) -> Any:
        row = csr_matrix((np.ones(5, np.float32), codes, [0, 5]), shape=(1, history.shape[1]))
        return peer.recommend(0, row, N=K, recalculate_user=True)

    tastes = [np.sort(stream.choice(len(share), 5, replace=False, p=share)) for _ in range(CALLS)]
    return {
        "implicit: user": [lambda user=user: of_user(user) for user in users.tolist()],
        "implicit: history": [lambda codes=codes: of_history(codes) for codes in tastes],
    }


# ---- feedback and reload ----------------------------------------------------------------------


def durable(scratch: Path) -> list[Row]:
    """Return events a second, each on disk before it is acknowledged."""
    rows = []
    for name, count, turn in (
        ("one writer", 1, nullcontext()),
        (f"{THREADS} threads", THREADS, nullcontext()),
        (f"{THREADS} threads, a transaction each", THREADS, threading.Lock()),
    ):
        with EventLog(scratch / f"{name}.sqlite") as log:
            times = at_once(writer(log, turn), count, SECONDS)
            assert log.count() == len(times)
        half, most = percentiles(times)
        rows.append({"way": name, "per_second": len(times) / SECONDS, "p50": half, "p99": most})
    return rows


def writer(log: EventLog, turn: AbstractContextManager[Any]) -> Callable[[int], float]:
    """Return what stores an event and tells how long that took."""

    def write(number: int) -> float:
        start = time.perf_counter()
        with turn:
            log.append([Event(number, number)], str(number))
        return time.perf_counter() - start

    return write


def reloads(folder: Path) -> Row:
    """Return how long reloads take under load, and how requests fare meanwhile."""
    failed: list[Exception] = []
    with LiveRecommender(folder) as live:
        users = live.model.users_.ids.tolist()

        def ask(number: int) -> float:
            start = time.perf_counter()
            try:
                assert len(live.recommend(users[number % len(users)], k=K)) == K
            except Exception as error:  # noqa: BLE001 - whatever it is, it counts
                failed.append(error)
            return time.perf_counter() - start

        before = at_once(ask, 4, SECONDS)
        took: list[float] = []
        with in_background(lambda: took.append(timed(live.reload))):
            during = at_once(ask, 4, 2 * SECONDS)
    return {
        "reloads": len(took),
        "seconds": float(np.median(took)),
        "requests": len(before) + len(during),
        "failed": len(failed),
        "before": percentiles(before),
        "during": percentiles(during),
    }


def at_once(work: Callable[[int], float], count: int, seconds: float) -> list[float]:
    """Let threads work for some seconds; return how long each piece of work took."""
    times: list[list[float]] = [[] for _ in range(count)]
    until = time.perf_counter() + seconds

    def run(number: int) -> None:
        while time.perf_counter() < until:
            times[number].append(work(number + count * len(times[number])))

    workers = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [one for each in times for one in each]


@contextmanager
def in_background(work: Callable[[], Any]) -> Iterator[None]:
    """Do something again and again while a block runs."""
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            work()

    worker = threading.Thread(target=run)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


# ---- tables -----------------------------------------------------------------------------------


def tables(rows: Sequence[Row], feedback: Sequence[Row], reload: Row) -> str:
    """Return the results in Markdown."""
    cells = {(one["data"], one["model"], one["kind"]): one for one in rows}
    parts = []
    for data in dict.fromkeys(one["data"] for one in rows):
        body = []
        for model in MODELS:
            found = [cells.get((data, model, kind)) for kind in KINDS]
            body.append([model, *(cell(one) for one in found)])
            peers = [cells.get((data, model, f"implicit: {kind}")) for kind in KINDS]
            if any(peers):
                body.append([f"implicit, {model}", *(cell(one) for one in peers)])
        parts.append(f"{data}, microseconds, p50 / p99\n\n" + markdown(["model", *KINDS], body))
    body = [
        [one["way"], f"{one['per_second']:,.0f}", f"{one['p50']:,.0f} / {one['p99']:,.0f}"]
        for one in feedback
    ]
    header = ["feedback", "events a second on disk", "microseconds, p50 / p99"]
    parts.append(markdown(header, body))
    parts.append(
        f"{reload['reloads']} reloads of als, 64 on amazon-book while four threads ask:"
        f" {reload['seconds']:.2f} s each, {reload['failed']} of {reload['requests']:,} requests"
        f" failed; a request takes {reload['before'][0]:,.0f} / {reload['before'][1]:,.0f}"
        f" microseconds before and {reload['during'][0]:,.0f} / {reload['during'][1]:,.0f}"
        " during the reloads (p50 / p99)."
    )
    return "\n\n".join(parts)


def cell(row: Row | None) -> str:
    """Return the two figures of a cell."""
    return "" if row is None else f"{row['p50']:,.0f} / {row['p99']:,.0f}"


if __name__ == "__main__":
    main()
