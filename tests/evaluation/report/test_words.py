from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrec.evaluation.report.words import (
    better,
    column_label,
    counted,
    listed,
    metric_label,
    p_text,
    printable,
    shortened,
    signed,
    slice_label,
)


def test_metrics_are_called_as_in_papers():
    names = ["ndcg", "recall", "hit-rate", "map", "log-loss", "auc"]
    labels = ["NDCG", "Recall", "Hit rate", "MAP", "Log loss", "AUC"]
    assert [metric_label(name) for name in names] == labels
    assert column_label(("ndcg", 20)) == "NDCG@20"
    assert column_label(("auc", None)) == "AUC"
    assert (better("gini"), better("recall")) == ("lower", "higher")


@pytest.mark.parametrize(
    ("on", "label"),
    [
        ("all", "all test items"),
        ("cold", "cold items"),
        ("items:genres=Comedy", "items with genres = Comedy"),
        ("items:year=[1980,1995)", "items with year = [1980,1995)"),
        ("users:known", "known users"),
    ],
)
def test_slices_are_said(on, label):
    assert slice_label(on) == label


def test_sentences():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert (counted(1, "seed"), counted(1200, "user")) == ("1 seed", "1,200 users")
    assert (p_text(0.0321), p_text(0.0001)) == ("p = 0.032", "p < 0.001")
    assert (signed(0.5, 2), signed(-0.5, 2)) == ("+0.50", "\N{MINUS SIGN}0.50")


def test_long_names_lose_their_middle():
    assert shortened(["als", "hybrid-als:factors=64"], 11) == ["als", "hybri…rs=64"]
    same = shortened(["a" * 9 + str(at) + "z" * 9 for at in range(3)], 11)
    assert same == ["aaaaa…zzzzz (1)", "aaaaa…zzzzz (2)", "aaaaa…zzzzz (3)"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_printable_is_one_line_of_xml(text):
    found = printable(text)
    assert found.isprintable()
    assert found == found.strip()
