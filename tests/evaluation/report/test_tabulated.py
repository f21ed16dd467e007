from __future__ import annotations

import pytest

from hybridrec.evaluation.metrics.registry import METRICS
from hybridrec.evaluation.report import Report
from hybridrec.evaluation.report.tabulated import (
    definitions,
    definitions_table,
    knowledge_table,
    main_table,
    published_tables,
    relations_table,
    significance_table,
    trade_off_table,
)
from hybridrec.evaluation.tables import beaten_models

DASH = "\N{EN DASH}"


def texts(rows):
    return [[cell.text for cell in row] for row in rows]


def test_main_table_has_labels_arrows_and_bold(reports):
    table = main_table(reports(published=()), "all")
    headings = [(heading.group, heading.name) for heading in table.headings]
    assert headings == [
        ("", "#"), ("", "model"), ("NDCG ↑", "@5"), ("NDCG ↑", "@10"), ("Recall ↑", "@5"),
        ("Recall ↑", "@10"), ("Coverage ↑", "@5"), ("Coverage ↑", "@10"), ("Novelty ↑", "@5"),
        ("Novelty ↑", "@10"), ("", "users"),
    ]  # fmt: skip
    assert [row[0].text for row in table.rows] == ["a", "b", "c"]
    assert [row[2].best for row in table.rows] == [False, False, True]
    assert [row[2].marks for row in table.rows] == ["", "a", "ab"]
    assert [row[-1].text for row in table.rows] == ["60/60", "59/60", "58/60"]
    assert table.published == ()
    assert "Holm's correction for 18 tests" in table.notes[0]
    assert main_table(reports(), "cold").notes == ()


def test_lower_is_better_has_the_other_arrow(pairs):
    table = main_table(Report(pairs()), "all")
    assert [heading.name for heading in table.headings] == [
        *("model", "AUC ↑", "Log loss ↓", "users")
    ]
    assert [row[2].best for row in table.rows] == [False, True]
    assert table.rows[0][1].errors == ("sd 0.0030",)
    assert table.notes[0].endswith("those with scored pairs, of all with test pairs.")


def test_three_letters_in_a_row_are_joined(comparisons):
    found = comparisons(models=[f"m{at}" for at in range(5)], seeds=[0], slices=["all"])
    report = Report(found)
    last = main_table(report, "all").rows[-1][2].marks
    beaten = beaten_models(report.tests["all"], 0.05)["m4", ("ndcg", 1)]
    assert beaten == {"m0", "m1", "m2", "m3"}
    assert last == f"a{DASH}d"


def test_published_rows_stand_apart_with_numbered_notes(reports, published):
    rows = (
        published(),
        published(metric="recall", value=0.4567),
        published("KGAT", note="Own code."),
        published("KGIN", k=99, value=0.1),
    )
    report = reports(published=rows)
    table = main_table(report, "all")
    dash, space = DASH, "\N{FIGURE SPACE}"
    assert texts(table.published) == [
        ["", "KGCN (published)", dash, f"0.42{space * 2}", dash, "0.4567", *[dash] * 5],
        ["", "KGAT (published)", dash, f"0.42{space * 2}", *[dash] * 7],
    ]
    assert [row[1].marks for row in table.published] == ["1,2,3", "1,3"]
    assert table.notes[1:] == (
        "1: Wang, WWW 2019 (book, full-ranking).",
        "2: Other split.",
        "3: Own code.",
    )
    (others,) = published_tables(report)
    assert others.rows == ()
    assert texts(others.published)[0][:3] == ["KGIN", "NDCG@99", f"0.1{space * 3}"]
    assert published_tables(reports()) == []


def test_every_test_is_listed_metric_by_metric(reports):
    report = reports()
    table = significance_table(report, "cold")
    assert len(table.rows) == 18
    assert [row[0].text for row in table.rows][:6] == ["NDCG@5"] * 3 + ["NDCG@10"] * 3
    first = table.rows[0]
    assert [cell.text for cell in first[1:3]] == ["popularity", "als"]
    tested = report.tests["cold"]
    assert first[3].text == f"{tested['difference'][0]:+.4f}".replace("-", "\N{MINUS SIGN}")
    assert first[3].errors == (f"± {tested['se'][0]:.4f}",)
    assert sum(int(cell.text) for cell in first[4:7]) == 60
    assert [cell.text for cell in first[7:]] == [
        "<0.0001" if p < 0.0001 else f"{p:.4f}" for p in (tested["p_value"][0], tested["p_holm"][0])
    ]


def test_knowledge_is_tested_too(reports):
    table = knowledge_table(reports(), "cold")
    assert table.caption == "The knowledge graph, cold items"
    assert [row[1].text for row in table.rows] == ["with", "without", "shuffled"]
    assert table.rows[0][2].marks == "bc"


def test_relations(relations):
    table = relations_table(relations())
    minus = "\N{MINUS SIGN}"
    assert texts(table.rows) == [
        ["genre", "1,200", "30", "0.2000", "+0.0500", "+0.0400 to +0.0600", "0.1000"],
        ["actor", "1,200", "30", "0.1900", f"{minus}0.0100", f"{minus}0.0200 to +0.0000", "0.1000"],
    ]
    assert [row[0].marks for row in table.rows] == ["", "*"]
    assert table.caption == "What each relation adds to NDCG@10 of hybrid on cold items"
    assert "0.2500 with all relations and 0.0500 without any" in table.notes[1]


@pytest.mark.parametrize("metric", ["ndcg", "coverage"])
def test_definitions_are_those_of_the_docstrings(reports, metric):
    said = definitions(reports())[metric]
    first = (METRICS[metric].__doc__ or "").split("\n\n")[0]
    assert said == " ".join(first.split()).replace("``", "")


def test_definitions_are_of_what_was_judged(pairs):
    found = definitions(Report(pairs()))
    assert list(found) == ["auc", "log-loss"]
    assert "all candidates" not in found["auc"]
    rows = texts(definitions_table(Report(pairs())).rows)
    assert [row[:2] for row in rows] == [["AUC", "higher ↑"], ["Log loss", "lower ↓"]]


def test_trade_offs_weight_by_weight(trade_offs):
    found = trade_offs()
    table = trade_off_table(found, "a title", found.curves[:2])
    names = ["re-ranking", "weight", "NDCG@10 ↑", "change", "Diversity@10 ↑"]
    assert [heading.name for heading in table.headings] == names
    texts = [tuple(cell.text for cell in row) for row in table.rows]
    assert texts[:3] == [
        ("mmr", "0", "0.4050", "+0.0 %", "20.000"),
        ("mmr", "0.5 chosen", "0.3550", "\N{MINUS SIGN}12.3 %", "20.500"),
        ("mmr", "1", "0.3050", "\N{MINUS SIGN}24.7 %", "21.000"),
    ]
    assert [row[0].text for row in table.rows[3:]] == ["dpp"] * 3
    assert table.rows[0][2].errors == ("sd 0.0071",)
    alone = trade_offs(seeds=(0,))
    assert trade_off_table(alone, "t", alone.curves[:1]).rows[0][2].errors == ()
