"""Lists of all users, written by the workers to a folder of Parquet files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrec.distributed.serving import Lister, Users, blocks_of, users_of, with_users
from hybridrec.errors import HybridRecError, OutputError, ParameterError
from hybridrec.models.base import Recommender
from hybridrec.models.frames import Lists, ranked_frame, source_names
from hybridrec.ranking.topk import check_k
from hybridrec.store.staging import clean_leftovers, staged_folder

if TYPE_CHECKING:
    from hybridrec.distributed.cluster import Cluster, Future
    from hybridrec.ranking.rerank import Reranker
    from hybridrec.ranking.rules import Rules

USERS = 1 << 15  # of a file
MANIFEST = "_manifest.json"  # readers of Parquet folders pass over such names


def recommend(
    cluster: Cluster,
    model: Recommender,
    path: str | os.PathLike[str],
    k: int = 10,
    *,
    rules: Rules | None = None,
    rerank: Reranker | str | None = None,
    overwrite: bool = False,
    block: int = USERS,
    n_item_blocks: int | None = None,
) -> dict[str, Any]:
    """Write the lists of all users of a model: those that ``model.recommend(k=k)`` gives.

    Every worker holds the items, or a block of them at a time where they are many; users go to
    the workers in blocks, each of which becomes a file ``part-00000.parquet`` of the columns
    user, item, score, rank and source. The folder appears whole, at the end.

    Parameters
    ----------
    cluster : Cluster
        Its workers must see the folder.
    model : Recommender
        Fitted or loaded.
    path : path
        The folder to write.
    k : int, default 10
    rules, rerank : optional
        As in `Recommender.recommend`.
    overwrite : bool, default False
        Replace the lists that are there.
    block : int
        Users of a file.
    n_item_blocks : int, optional
        By default as many as memory asks for.

    Returns
    -------
    dict
        What the folder's ``_manifest.json`` tells: users, rows, k, files.

    Raises
    ------
    OutputError
        If the folder exists or cannot be written.
    ParameterError
        If the model is made of others, or rules are given where items come in blocks.
    """
    model._check_fitted()
    check_k(k)
    lister = Lister(cluster, model, n_item_blocks)
    ruled = rules is not None or rerank is not None
    if ruled and lister.blocks is not None:
        raise ParameterError("rules and re-ranking need all items on a worker; there are too many")
    target = Path(path).resolve()

    def submitted(stage: Path) -> Iterator[Future]:
        for number, (begin, end) in enumerate(blocks_of(model, block)):
            users = cluster.share(users_of(model, begin, end))
            file = str(stage / f"part-{number:05d}.parquet")
            if ruled:
                common = {"k": k, "rules": rules, "rerank": rerank}
                yield cluster.one(_write_ruled, lister.model, users, file, **common)
            else:
                lists = lister.lists(users, k)
                yield cluster.one(_write, lister.model, users, lists, file)

    try:
        if not target.parent.is_dir():
            raise OutputError(f"{target.parent} is not a folder; make it first")
        clean_leftovers(target)
        with staged_folder(target, replace=_may_replace(target, overwrite)) as stage:
            rows = sum(cluster.in_turn(submitted(stage)))
            files = sorted(one.name for one in stage.iterdir())
            about = {"users": len(model.users_), "rows": rows, "k": k, "files": files}
            (stage / MANIFEST).write_text(json.dumps(about, indent=1), encoding="utf-8")
    except HybridRecError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    return about


def _may_replace(target: Path, overwrite: bool) -> bool:
    if not target.exists():
        return False
    if not overwrite:
        raise OutputError(f"{target} already exists; choose another name or say overwrite")
    if not target.is_dir() or (any(target.iterdir()) and not (target / MANIFEST).is_file()):
        raise OutputError(
            f"{target} holds no lists of hybridrec, and overwrite replaces nothing else; choose"
            " another name, or remove it yourself"
        )
    return True


def _write(bare: Recommender, users: Users, lists: Lists, file: str) -> int:
    """Write the lists of a block of users, and return the number of rows."""
    frame = ranked_frame(
        *("user", users.ids, "item", bare.items_.ids),
        *(lists.items, lists.scores, "pandas"),
        source_names(lists, bare.popularity_),
    )
    return _write_frame(frame, file)


def _write_ruled(bare: Recommender, users: Users, file: str, **wish: Any) -> int:
    model = with_users(bare, users)
    model.backend_ = "pandas"
    return _write_frame(model.recommend(num_threads=1, **wish), file)


def _write_frame(frame: Any, file: str) -> int:
    """Write a file whole: a block that runs twice leaves one."""
    from pyarrow import Table
    from pyarrow.parquet import write_table

    path = Path(file)
    own = path.with_name(f".{path.name}.{os.getpid()}")
    write_table(Table.from_pandas(frame, preserve_index=False), own)
    own.replace(path)
    return len(frame)
