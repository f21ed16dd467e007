from __future__ import annotations

from dataclasses import replace

from hybridrec.evaluation.report import Report
from hybridrec.evaluation.report.charts import (
    Rows,
    Strips,
    described,
    knowledge_bars,
    metric_curves,
    relation_dots,
    rerank_paths,
    single_values,
    slice_bars,
    trade_off,
)


def test_a_curve_for_every_metric_and_the_first_for_cold_items(reports):
    report = reports()
    charts = list(metric_curves(report))
    assert [chart.title for chart in charts] == [
        *("NDCG@k", "Recall@k", "Coverage@k", "Novelty@k"),
        *("NDCG@k, cold items", "Recall@k, cold items"),
    ]
    first = charts[0]
    assert first.k == (1, 5, 10)
    assert [curve.name for curve in first.curves] == ["popularity", "als", "hybrid"]
    value = first.curves[1].values[2]
    assert value.value == report.comparison.mean("als", "ndcg", 10)
    assert value.low < value.value < value.high
    cold = charts[4].curves[1].values[2]
    assert cold.value == report.comparison.mean("als", "ndcg", 10, "cold")


def test_one_cutoff_is_no_curve(comparisons, pairs):
    assert list(metric_curves(Report(comparisons(cutoffs=[10])))) == []
    assert list(metric_curves(Report(pairs()))) == []


def test_trade_off_has_a_point_for_each_model(reports, comparisons):
    report = reports()
    coverage, novelty = trade_off(report)
    assert coverage.x_label == "Coverage@10 (higher is better)"
    assert coverage.y_label == novelty.y_label == "NDCG@10 (higher is better)"
    point = novelty.points[2]
    assert (point.name, point.series) == ("hybrid", 2)
    assert point.x.value == report.comparison.mean("hybrid", "novelty", 10)
    assert point.y.value == report.comparison.mean("hybrid", "ndcg", 10)
    spread = report.comparison.spread("als", "coverage", 10)
    of_als = coverage.points[1].x
    assert (of_als.low, of_als.high) == (of_als.value - spread, of_als.value + spread)


def test_no_trade_off_without_beyond_accuracy_or_with_one_model(comparisons, pairs):
    assert list(trade_off(Report(comparisons(metrics=["ndcg"])))) == []
    assert list(trade_off(Report(comparisons(models=["als"])))) == []
    assert list(trade_off(Report(pairs()))) == []


def test_slices_are_bars_with_intervals(reports):
    ndcg, recall = slice_bars(reports())
    assert (ndcg.title, recall.title) == (
        "NDCG@10 on parts of the test",
        "Recall@10 on parts of the test",
    )
    assert [name for name, _ in ndcg.groups] == ["all test items", "warm items", "cold items"]
    assert ndcg.bars
    entry = ndcg.groups[2][1][0]
    assert entry.name == "popularity"
    assert entry.value.low < entry.value.value < entry.value.high


def test_further_slices_have_charts_of_their_own(comparisons):
    genres = [f"items:genre=g{at}" for at in range(3)]
    found = comparisons(slices=["all", *genres])
    (chart,) = slice_bars(Report(found))
    assert isinstance(chart, Rows)
    assert chart.title == "NDCG@10 by genre of items"
    assert [name for name, _ in chart.groups] == ["g0", "g1", "g2"]
    many = comparisons(slices=["all", *(f"users:age={at}" for at in range(16))])
    (chart,) = slice_bars(Report(many))
    assert isinstance(chart, Strips)
    assert chart.title == "NDCG@10 by age of users"
    assert list(slice_bars(Report(comparisons(slices=["all"])))) == []


def test_metrics_without_cutoffs_are_dots(pairs):
    auc, loss = single_values(Report(pairs()))
    assert (auc.title, auc.bars) == ("AUC", False)
    assert loss.label == "Log loss (lower is better)"
    value = auc.groups[0][1][0].value
    assert (round(value.low, 4), value.value, round(value.high, 4)) == (0.8, 0.803, 0.806)


def test_side_information(reports):
    report = reports()
    (bars,) = knowledge_bars(report)
    assert bars.title == "NDCG@10, the knowledge graph"
    assert [entry.name for entry in bars.groups[0][1]] == ["with", "without", "shuffled"]
    (dots,) = relation_dots(report)
    assert (dots.signed, dots.bars) == (True, False)
    assert [(one.name, one.value.low) for one in dots.groups[0][1]] == [
        ("genre", 0.04),
        ("actor", -0.06 + 0.04),
    ]
    nothing = replace(report, knowledge=None, relations=None)
    assert list(knowledge_bars(nothing)) == list(relation_dots(nothing)) == []


def test_re_rankers_are_lines_over_their_weights(reports, trade_offs):
    report = reports(trade_offs=trade_offs(("als", "hybrid")))
    charts = list(rerank_paths(report))
    assert [chart.title for chart in charts] == [
        *("als: NDCG@10 and diversity", "als: NDCG@10 and ARP"),
        *("hybrid: NDCG@10 and diversity", "hybrid: NDCG@10 and ARP"),
    ]
    both, popular = charts[:2]
    assert [(path.name, path.series) for path in both.paths] == [("mmr", 0), ("dpp", 1)]
    assert (both.falling, popular.falling) == (False, True)
    assert popular.x_label == "ARP@10 (lower is better, to the right)"
    (path,) = popular.paths
    assert (path.series, path.chosen) == (2, 0.5)
    places = [(weight, round(x, 6), round(y, 6)) for weight, (x, y) in path.places.items()]
    assert places == [(0.0, 20.0, 0.405), (0.5, 15.5, 0.355), (1.0, 11.0, 0.305)]  # over two seeds
    told = "damping weight 0: 20, 0.405, chosen weight 0.5: 15.5, 0.355, largest weight 1: 11"
    assert told in described(popular)
    assert list(rerank_paths(replace(report, trade_offs=None))) == []


def test_figures_are_told_in_words(reports, pairs):
    report = reports()
    curves = next(metric_curves(report))
    last = report.comparison.mean("als", "ndcg", 10)
    assert described(curves).startswith("Curves over k from 1 to 10. At the end: popularity 0.")
    assert f"als {last:.4f}" in described(curves)
    assert "hybrid: 0.3" in described(next(trade_off(report)))
    assert "cold items: popularity 0." in described(next(slice_bars(report)))
    said = described(next(single_values(Report(pairs()))))
    assert said == "Intervals of AUC (higher is better). als 0.8030, hybrid 0.8230."
