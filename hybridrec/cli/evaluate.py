"""``hybridrec evaluate``: the same split and metrics for several models and foreign runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from hybridrec.cli.cluster import ClusterOptions, cluster_options, evaluate_on_cluster
from hybridrec.cli.findings import featured, find_out, show_findings
from hybridrec.cli.groups import (
    check_groups,
    grouped_lists,
    groups_option,
    show_groups,
    with_groups,
)
from hybridrec.cli.measures import Measure, MeasureOptions, measure_options
from hybridrec.cli.options import (
    EXISTING_FILE,
    Command,
    DataOptions,
    OutputOptions,
    data_options,
    examples,
    gathered,
    output_options,
    threads_option,
)
from hybridrec.cli.output import (
    check_output,
    open_output,
    resolve_format,
    say,
    working,
    write_text,
)
from hybridrec.cli.reports import WRITERS, check_writer, make_report
from hybridrec.cli.rounds import Rounds, SplitOptions, make_rounds, split_options
from hybridrec.cli.scores import describe_split, show_comparison, show_intervals, show_significance
from hybridrec.cli.trade_offs import (
    check_reranks,
    parse_reranks,
    reranks_option,
    show_trade_offs,
    traded,
)
from hybridrec.errors import ParameterError
from hybridrec.evaluation import Comparison, Evaluation, Split, check_leakage
from hybridrec.evaluation.groups import GroupReport
from hybridrec.evaluation.significance import TESTS
from hybridrec.evaluation.trade_offs import TradeOffs
from hybridrec.models.registry import MODELS
from hybridrec.models.spec import ModelSpec

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrec.cli.findings import Findings
    from hybridrec.cli.output import Columns
    from hybridrec.ranking.rerank import Reranker

_FORMATS = ("table", "json", "csv", *WRITERS)
_COMPARED = ("popularity", "als", "hybrid-als")
WARNINGS = 3  # of possible leakage that are shown
CONFIDENCE = 0.95


@dataclass(frozen=True)
class TestOptions:
    """What was given for the options about how sure the results are."""

    ci: bool
    significance: str
    baseline: str | None
    compare_features: bool
    compare_relations: bool

    @property
    def compares_sides(self) -> bool:
        """Whether a model is to be compared with itself without side information."""
        return self.compare_features or self.compare_relations

    @property
    def beyond_rows(self) -> list[str]:
        """The options given whose results are no rows of models and metrics."""
        given = {
            "--baseline": self.baseline,
            "--compare-features": self.compare_features,
            "--compare-relations": self.compare_relations,
        }
        return [name for name, value in given.items() if value]


_TEST_OPTIONS = (
    click.option("--ci", is_flag=True, help="Add bootstrap confidence intervals over users."),
    click.option(
        "--significance",
        type=click.Choice([*TESTS, "none"]),
        default=TESTS[0],
        show_default=True,
        help="Test of the differences between models, paired by user.",
    ),
    click.option("--baseline", metavar="MODEL", help="Also show the differences from this model."),
    click.option(
        "--compare-features",
        is_flag=True,
        help="Also fit the first model that uses features without them, and with them shuffled.",
    ),
    click.option(
        "--compare-relations",
        is_flag=True,
        help="Also fit it without each relation of the knowledge graph, and with each alone.",
    ),
)


def _test_options(command: Command) -> Command:
    return gathered(command, "testing", TestOptions, _TEST_OPTIONS)


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Attributes
    ----------
    comparison : Comparison
        What was asked for.
    wide : Comparison
        The same with more cut-offs and metrics, where there are figures.
    split : Split
        The first one.
    findings : Findings or None
    trade_offs : TradeOffs or None
        Of the re-rankers.
    groups : GroupReport or None
    notes : tuple of str
    """

    comparison: Comparison
    wide: Comparison
    split: Split
    findings: Findings | None
    trade_offs: TradeOffs | None
    groups: GroupReport | None
    notes: tuple[str, ...]


@click.command(
    "evaluate",
    epilog=examples(
        "hybridrec evaluate --dataset movielens-small --split cold-items --seeds 3 \\",
        "    --model hybrid-als --model hybrid-als:features=columns -o report.html",
        "hybridrec evaluate --dataset movielens-small --model hybrid-als --rerank mmr \\",
        "    --rerank calibrated:column=genres -o report.html",
        "hybridrec evaluate --dataset movielens-small --group users:activity \\",
        "    --group items:genres -o report.html",
        "hybridrec evaluate --protocol kgcn-ctr --data lastfm --seeds 5",
    ),
)
@data_options
@split_options
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    help=f"One of {', '.join(MODELS)}; with parameters as in"
    " hybrid-als:features=tokens+columns,factors=32. Repeatable.  [default:"
    f" {', '.join(_COMPARED)}]",
)
@click.option(
    "--features", metavar="BLOCKS", help="Of models that do not say features= themselves, or none."
)
@click.option(
    "--run",
    "runs",
    type=EXISTING_FILE,
    multiple=True,
    help="Lists of another system: a table of user, item, and rank or score, or a TREC run."
    " Repeatable.",
)
@reranks_option
@groups_option
@measure_options
@_test_options
@threads_option
@output_options(*_FORMATS)
@cluster_options
def command(
    data: DataOptions,
    cutting: SplitOptions,
    models: tuple[str, ...],
    features: str | None,
    runs: tuple[Path, ...],
    reranks: tuple[str, ...],
    grouped: tuple[str, ...],
    measuring: MeasureOptions,
    testing: TestOptions,
    threads: int,
    out: OutputOptions,
    on: ClusterOptions,
) -> None:
    """Compare models on held-out interactions.

    Part of the data is held out, the models are fitted on the rest, and their lists are measured
    on what was held out. Means are over all users with something held out.
    """
    form = resolve_format(out, *_FORMATS)
    check_output(out.output, overwrite=out.overwrite)
    check_writer(form)
    if runs and cutting.seeds > 1:
        raise ParameterError("a --run belongs to one split; leave out --seeds")
    named = models or (() if runs else _COMPARED)
    if cutting.protocol is not None:  # without it, nobody knows what the others are worth
        named = ("popularity", *named)
    specs = [ModelSpec.parse(text, features=features) for text in dict.fromkeys(named)]
    if on.given:
        _check_for_cluster(cutting, measuring, testing, runs, reranks)
        evaluate_on_cluster(on, data, cutting, specs, measuring, out, form)
        return
    sources: dict[str, ModelSpec | Any] = {spec.label: spec for spec in specs}
    for path in map(str, runs):
        if path in sources:
            raise ParameterError(f"two sources are called {path!r}; rename the file of the run")
        sources[path] = path
    rerankers = parse_reranks(reranks, specs)
    _check_tests(testing, list(sources), form)
    compared = featured(specs) if testing.compares_sides else None
    rounds = make_rounds(data, cutting)
    for_figures = form == "html"
    found = _evaluated(
        rounds, sources, compared, rerankers, grouped, measuring, testing, for_figures, threads
    )
    if form in WRITERS:
        report = make_report(found, rounds)
        write_text(out, WRITERS[form](report))
        _tell(found.notes)
    else:
        _write(out, form, found, rounds, testing)


def _check_for_cluster(
    cutting: SplitOptions,
    measuring: MeasureOptions,
    testing: TestOptions,
    runs: Sequence[Path],
    reranks: Sequence[str],
) -> None:
    """Refuse options that only an evaluation on one machine has."""
    given = {
        "--protocol": cutting.protocol,
        "--split-dir": cutting.split_dir,
        "--test": cutting.test,
        "--data": cutting.data_dir,
        "--slice": measuring.slices,
        "--candidates": measuring.candidates,
        "--run": runs,
        "--rerank": reranks,
        "--ci": testing.ci,
    }
    refused = [*(name for name, value in given.items() if value), *testing.beyond_rows]
    if refused:
        raise ParameterError(f"{refused[0]} is not for --cluster")


def _check_tests(testing: TestOptions, sources: list[str], form: str) -> None:
    """Refuse what could not be tested, or not be shown."""
    if testing.baseline is not None and testing.baseline not in sources:
        raise ParameterError(
            f"--baseline {testing.baseline!r} is not evaluated (there are {', '.join(sources)})"
        )
    if testing.baseline is not None and len(sources) == 1:
        raise ParameterError("--baseline needs another model to be compared with it")
    if form in ("json", "csv") and testing.beyond_rows:
        raise ParameterError(f"{testing.beyond_rows[0]} is shown in tables and reports, not {form}")


def _check_per_user(testing: TestOptions, measured: Evaluation) -> None:
    """Refuse tests of metrics with one value for all users together."""
    if testing.beyond_rows and not measured.user_columns:
        raise ParameterError(
            f"{testing.beyond_rows[0]} needs a metric with a value for every user, such as recall"
        )


def _evaluated(
    rounds: Rounds,
    sources: Mapping[str, ModelSpec | Any],
    compared: ModelSpec | None,
    rerankers: Sequence[Reranker],
    grouped: Sequence[str],
    measuring: MeasureOptions,
    testing: TestOptions,
    for_figures: bool,
    threads: int,
) -> Results:
    """Fit and measure everything on every split."""
    evaluations: list[Evaluation] = []
    trades: list[TradeOffs] = []
    groups: list[GroupReport] = []
    first: Split | None = None
    splits: dict[int, Split] = {}
    for seed, made in rounds.splits:
        if first is None:
            first = made
            measure = Measure.resolve(
                measuring, made, rounds.protocol, for_figures=for_figures, threads=threads
            )
            check_reranks(rerankers, measure, made)
            check_groups(grouped, measure, made)
            _warn_of_leakage(made)
            _warn_of_strangers(made)
        if compared is not None:
            splits[seed] = made
        context = measure.context(made.train)
        for label, source in sources.items():
            with working(f"{label}, round {seed}"):
                fitted = _fitted(source, made, seed, threads)
                evaluations.append(measure(fitted, made, context, label, seed))
                groups += grouped_lists(grouped, fitted, made, measure, context, label, seed)
                if isinstance(source, ModelSpec):
                    trades += traded(rerankers, fitted, made, measure, label, seed)
            _check_per_user(testing, evaluations[0])
    assert first is not None
    wide = Comparison(evaluations)
    findings = find_out(
        compared,
        splits,
        measure.options,
        features=testing.compare_features,
        relations=testing.compare_relations,
        threads=threads,
    )
    said = dict.fromkeys(f"{one.model}: {note}" for one in evaluations for note in one.notes)
    notes = (*rounds.notes, describe_split(first), *said)
    trade_offs = TradeOffs.over(trades) if trades else None
    by_group = GroupReport.over(groups) if groups else None
    return Results(measure.asked(wide), wide, first, findings, trade_offs, by_group, notes)


def _warn_of_leakage(made: Split) -> None:
    """Tell the strongest signs that the side information knows what is held out."""
    found = check_leakage(made)
    for warning in found[:WARNINGS]:
        say(f"Warning: {warning}")
    if len(found) > WARNINGS:
        say(f'... and {len(found) - WARNINGS} more such warnings; "hybridrec split" lists all')


def _warn_of_strangers(made: Split) -> None:
    """Tell if the test has nothing to do with what is learned from."""
    trained = made.seen.getnnz(axis=1)[made.test_users]
    if not trained.any() and not made.warm_items[made.test_matrix.indices].any():
        say("Warning: no user and no item of the test is among the training rows; same ids?")


def _fitted(source: ModelSpec | Any, made: Split, seed: int, threads: int) -> Any:
    """Fit a model on what may be learned; a run is ready as it is."""
    if isinstance(source, ModelSpec):
        return source.fit(made.train, random_state=seed, threads=threads)
    return source


def _write(
    out: OutputOptions, form: str, found: Results, rounds: Rounds, testing: TestOptions
) -> None:
    """Write tables to read, which notes belong to, or rows for machines."""
    test = None if testing.significance == "none" else testing.significance

    def show(screen: Console, _columns: Columns) -> None:
        comparison = found.comparison
        show_comparison(screen, comparison, test=test, published=rounds.published)
        if testing.ci:
            show_intervals(screen, comparison, CONFIDENCE)
        if testing.baseline is not None:
            show_significance(screen, comparison, test or TESTS[0], testing.baseline)
        if found.findings is not None:
            show_findings(screen, found.findings)
        if found.trade_offs is not None:
            show_trade_offs(screen, found.trade_offs)
        if found.groups is not None:
            show_groups(screen, found.groups)
        for note in found.notes:
            screen.print(note)

    rows = [] if form == "table" else _rows(found, rounds, testing.ci)
    names = rows[0] if rows else ()
    with open_output(out, form, show) as write:
        write({name: np.array([row[name] for row in rows], dtype=object) for name in names})
    if form != "table":
        _tell(found.notes)


def _rows(found: Results, rounds: Rounds, intervals: bool) -> list[dict[str, Any]]:
    """Return a row a model, metric, slice and seed, and one more a weight of each re-ranker.

    Under a protocol the published ones too.
    """
    confidence = CONFIDENCE if intervals else None
    measured = found.comparison.rows(confidence)
    if found.trade_offs is not None:
        measured = [{**row, "rerank": None, "weight": None} for row in measured]
        measured += found.trade_offs.summary(confidence)
    if found.groups is not None:
        measured = with_groups(measured, found.groups)
    rows = [{name: _finite(value) for name, value in row.items()} for row in measured]
    if rounds.protocol is None:
        return rows
    empty = dict.fromkeys(rows[0])
    ours = [{**row, "published": False, "source": None, "note": None} for row in rows]
    theirs = [
        {
            **empty,
            "model": row.model,
            "metric": row.metric,
            "k": row.k,
            "value": row.value,
            "slice": "all",
            "published": True,
            "source": row.source,
            "note": row.note,
        }
        for row in rounds.published
    ]
    return ours + theirs


def _finite(value: Any) -> Any:
    """Return None in place of NaN and infinity, which JSON does not have."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _tell(notes: tuple[str, ...]) -> None:
    for note in notes:
        say(note)
