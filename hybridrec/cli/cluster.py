"""Commands on a cluster: what `fit`, `recommend` and `evaluate` do with ``--cluster``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.options import (
    EXISTING_FILE,
    Command,
    DataOptions,
    OutputOptions,
    gathered,
)
from hybridrec.cli.output import open_output, say, working
from hybridrec.cli.settings import SplitSpec
from hybridrec.cli.sources import knowledge_of
from hybridrec.cli.tables import print_table
from hybridrec.dataset.labels import read_labels
from hybridrec.dataset.readers import read_items, read_knowledge, read_users
from hybridrec.dataset.readers.recognise import open_file
from hybridrec.errors import ParameterError
from hybridrec.models.side import blocks_by_side
from hybridrec.ranking.texts import split_pairs, typed_value

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.cli.measures import MeasureOptions
    from hybridrec.cli.output import Columns
    from hybridrec.cli.rounds import SplitOptions
    from hybridrec.dataset.knowledge import KnowledgeGraph
    from hybridrec.distributed import Cluster, ShardedDataset
    from hybridrec.models.base import Recommender
    from hybridrec.models.spec import ModelSpec
    from hybridrec.ranking.rules import Rules

_COLUMNS = ("user", "item", "weight", "timestamp", "event", "delimiter")
_NOT_SHARDED = (
    *("half_life", "session_gap", "vectors", "user_vectors", "column_type"),
    *("context", "timezone", "social"),
)
_K, _METRICS = (10, 20), ("recall", "ndcg", "coverage")


@dataclass(frozen=True)
class ClusterOptions:
    """What was given for the options of `cluster_options`."""

    cluster: str | None
    memory_limit: str | None
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None

    @property
    def given(self) -> bool:
        """Whether a cluster is asked for.

        Raises
        ------
        ParameterError
            If options are given that need one.
        """
        others = ("memory_limit", "tls_ca", "tls_cert", "tls_key")
        for name in others if self.cluster is None else ():
            if getattr(self, name) is not None:
                raise ParameterError(f"--{name.replace('_', '-')} goes with --cluster")
        return self.cluster is not None

    def connect(self) -> AbstractContextManager[Cluster]:
        """Connect to the cluster, or start it."""
        from hybridrec.distributed import Tls, connect

        assert self.cluster is not None
        paths = [self.tls_ca, self.tls_cert, self.tls_key]
        if any(paths) and not all(paths):
            raise ParameterError("tls:// needs all of --tls-ca, --tls-cert and --tls-key")
        tls = Tls(*map(str, paths)) if all(paths) else None
        return connect(self.cluster, memory_limit=self.memory_limit, tls=tls)


_OPTIONS = (
    click.option(
        "--cluster",
        metavar="ADDRESS",
        help="Work on a Dask cluster: local:N for N processes here, tcp://HOST:PORT or tls://.",
    ),
    click.option("--memory-limit", metavar="SIZE", help="Of each process of local:N, such as 4GB."),
    click.option("--tls-ca", type=EXISTING_FILE, help="Certificates of a tls:// cluster (PEM)."),
    click.option("--tls-cert", type=EXISTING_FILE, help="This machine's own certificate."),
    click.option("--tls-key", type=EXISTING_FILE, help="Its key."),
)


def cluster_options(command: Command) -> Command:
    """Give a command the options of a cluster, as one `ClusterOptions` called ``on``."""
    return gathered(command, "on", ClusterOptions, _OPTIONS)


def fit_on_cluster(
    on: ClusterOptions,
    data: DataOptions,
    spec: ModelSpec,
    random_state: int | None,
    checkpoint: Path | None,
    output: Path,
    *,
    overwrite: bool,
) -> None:
    """Fit a model and save it, as the command ``fit`` does."""
    from hybridrec.distributed import fit
    from hybridrec.distributed.fit import trainer_of

    model = spec.maker(0)(random_state)
    trainer_of(model, checkpoint is not None)
    with on.connect() as cluster:
        with working("Reading"):
            sharded = _sharded(cluster, data)
        for line in str(sharded.report).splitlines():
            click.echo(line)
        click.echo()
        start = time.perf_counter()
        with working(f"Fitting {spec.label}"):
            of_items, of_users = blocks_by_side(spec.blocks, sharded.described)
            fit(
                model,
                sharded,
                item_features=of_items,
                user_features=of_users,
                checkpoint=checkpoint,
            )
        seconds = time.perf_counter() - start
        workers = cluster.n_workers
        model.save(output, overwrite=overwrite)
    click.echo(f"{spec.label} fitted on {workers} workers in {seconds:.1f} s, saved to {output}")


def recommend_on_cluster(
    on: ClusterOptions,
    model: Recommender,
    k: int,
    rules: Rules | None,
    rerank: str | None,
    out: OutputOptions,
) -> None:
    """Write the lists of all users to a folder of Parquet files."""
    from hybridrec.distributed import recommend

    assert out.output is not None
    with on.connect() as cluster, working("Recommending"):
        told = recommend(
            cluster,
            model,
            out.output,
            k,
            rules=rules or None,
            rerank=rerank,
            overwrite=out.overwrite,
        )
    say(f"{told['rows']} rows in {len(told['files'])} files saved to {out.output}")


def evaluate_on_cluster(
    on: ClusterOptions,
    data: DataOptions,
    cutting: SplitOptions,
    specs: Sequence[ModelSpec],
    measuring: MeasureOptions,
    out: OutputOptions,
    form: str,
) -> None:
    """Compare models on held-out interactions, all of which stay on the workers."""
    from hybridrec.distributed import evaluate, fit
    from hybridrec.distributed.fit import trainer_of
    from hybridrec.distributed.splits import SPLITS

    spec = SplitSpec.parse(cutting.split or "random")
    if spec.name not in SPLITS:
        raise ParameterError(f"--split {spec.name} is not cut on a cluster ({', '.join(SPLITS)})")
    if form not in ("table", "json", "csv"):
        raise ParameterError(f"a cluster's results are tables, json or csv, not {form}")
    for one in specs:
        trainer_of(one.maker(0)(0))
    rows: list[dict[str, Any]] = []
    with on.connect() as cluster:
        with working("Reading"):
            sharded = _sharded(cluster, data, keep_times=spec.name == "leave-last-n")
        for seed in range(cutting.random_state, cutting.random_state + cutting.seeds):
            seeding = {"random_state": seed} if spec.seeded else {}
            made = SPLITS[spec.name](sharded, **spec.params, **seeding)
            for one in specs:
                with working(f"{one.label}, round {seed}"):
                    features = blocks_by_side(one.blocks, made.train.described)
                    model = fit(
                        one.maker(0)(seed),
                        made.train,
                        item_features=features[0],
                        user_features=features[1],
                    )
                    found = evaluate(
                        cluster,
                        model,
                        made,
                        metrics=measuring.metrics or _METRICS,
                        k=measuring.k or _K,
                        name=one.label,
                    )
                rows += [{**row, "seed": seed} for row in found]
    with open_output(out, form, _show) as write:
        write({name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]})


def _sharded(cluster: Cluster, data: DataOptions, *, keep_times: bool = False) -> ShardedDataset:
    """Read what the options name."""
    from hybridrec.distributed import read_sharded

    if data.interactions is None:
        raise ParameterError("a cluster reads files: give a folder or file of interactions")
    for name in _NOT_SHARDED:
        if getattr(data, name):
            raise ParameterError(f"--{name.replace('_', '-')} is not for --cluster")
    columns: dict[str, Any] = {
        name: getattr(data, name) for name in _COLUMNS if getattr(data, name) is not None
    }
    if data.event_weight:
        texts = split_pairs(data.event_weight, "event weight")
        columns["event_weights"] = {
            kind: typed_value(kind, text, float) for kind, text in texts.items()
        }
    return read_sharded(
        cluster,
        data.interactions,
        knowledge=_knowledge(data),
        item_table=None if data.items is None else read_items(data.items),
        user_table=None if data.users is None else read_users(data.users),
        cleaning=_cleaning(data),
        keep_times=keep_times,
        **columns,
    )


def _cleaning(data: DataOptions) -> Mapping[str, Any]:
    return {
        "duplicates": data.duplicates,
        "min_weight": data.min_weight,
        "min_user_interactions": data.min_user_interactions,
        "min_item_interactions": data.min_item_interactions,
    }


def _knowledge(data: DataOptions) -> KnowledgeGraph | None:
    if not data.kg:
        for name in ("link", "labels", "drop_relation"):
            if getattr(data, name):
                raise ParameterError(f"--{name.replace('_', '-')} needs --kg")
        return None
    given = knowledge_of(data)
    graph: KnowledgeGraph = given["knowledge"]
    if isinstance(given["knowledge"], Path):
        parts = {"head": data.head, "relation": data.relation, "tail": data.tail}
        graph = read_knowledge(given["knowledge"], link=given["link"], **parts)
    if data.drop_relation:
        graph = graph.without_relations(graph.relations.parse(data.drop_relation))
    if data.labels is not None:
        graph = graph.with_labels(read_labels(open_file(data.labels, "labels")))
    return graph


def _show(screen: Console, columns: Columns) -> None:
    """Print a table a slice: a row a model, metric and cut-off."""
    shown = ("model", "metric", "k", "value", "se", "n_users", "seed")
    for on in dict.fromkeys(columns["slice"]):
        chosen = columns["slice"] == on
        rows = [
            [_text(one) for one in row]
            for row in zip(*(columns[name][chosen] for name in shown), strict=True)
        ]
        print_table(screen, dict.fromkeys(shown, "left"), rows, f"Test items: {on}")
        screen.print()


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
