"""What faiss and RecTools do for ``bench.topk``, in environments of their own.

``PYTHON bench/topk_peers.py NAME FOLDER K`` reads ``data.npz`` there; then, for every number of
threads that comes in as a line, it runs and prints the seconds. Nothing of hybridrec is imported.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

_USERS = 1024  # asked for at a time where lists are filtered


def faiss(users: np.ndarray, items: np.ndarray, _seen: csr_matrix, k: int) -> Callable[[int], Any]:
    """Search an exact index; seen items stay."""
    import faiss

    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)

    def work(threads: int) -> None:
        faiss.omp_set_num_threads(threads)
        index.search(users, k)

    return work


def faiss_filtered(
    users: np.ndarray, items: np.ndarray, seen: csr_matrix, k: int
) -> Callable[[int], Any]:
    """Ask for as many more as any user of a block has seen, then drop the seen ones."""
    import faiss

    index = faiss.IndexFlatIP(items.shape[1])
    index.add(items)
    order = np.argsort(np.diff(seen.indptr))  # so that long histories share a block

    def work(threads: int) -> None:
        faiss.omp_set_num_threads(threads)
        for start in range(0, len(users), _USERS):
            part = order[start : start + _USERS]
            hidden = seen[part]
            _, found = index.search(users[part], k + int(np.diff(hidden.indptr).max()))
            mask = np.zeros((len(part), len(items)), dtype=bool)
            mask[np.repeat(np.arange(len(part)), np.diff(hidden.indptr)), hidden.indices] = True
            known = np.take_along_axis(mask, found, axis=1)
            first = np.argsort(known, axis=1, kind="stable")[:, :k]
            np.take_along_axis(found, first, axis=1)

    return work


def rectools(
    users: np.ndarray, items: np.ndarray, seen: csr_matrix, k: int
) -> Callable[[int], Any]:
    """Rank with the ranker of its vector models."""
    from rectools.models.rank import Distance, ImplicitRanker

    rows = np.arange(len(users))
    rankers = {count: ImplicitRanker(Distance.DOT, users, items, count) for count in (1, 2)}
    return lambda threads: rankers[threads].rank(rows, k, filter_pairs_csr=seen)


def main() -> None:
    """Serve runs until the input ends."""
    name, folder, k = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    data = np.load(folder / "data.npz")
    users, items = data["users"], data["items"]
    parts = np.ones(len(data["indices"]), dtype=np.float32), data["indices"], data["indptr"]
    seen = csr_matrix(parts, shape=(len(users), len(items)))
    peers = {"faiss": faiss, "faiss-filtered": faiss_filtered, "rectools": rectools}
    work = peers[name](users, items, seen, k)
    for line in sys.stdin:
        start = time.perf_counter()
        work(int(line))
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
