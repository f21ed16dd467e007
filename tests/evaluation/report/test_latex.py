from __future__ import annotations

import re
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.evaluation.report import Report, to_latex
from hybridrec.evaluation.report.latex import escaped

NAME = r"50% & _x_ #1 $y$ \end{table*} {~^}"


def depth(text: str) -> int:
    """Braces left open; a negative number at any point fails."""
    level = 0
    for sign in re.sub(r"\\.", "", text):
        level += (sign == "{") - (sign == "}")
        assert level >= 0
    return level


def tabulars(text: str) -> list[tuple[str, list[str]]]:
    found = re.findall(r"\\begin\{tabular\}\{([^\n]*)\}\n(.*?)\\end\{tabular\}", text, re.DOTALL)
    return [(layout, body.splitlines()) for layout, body in found]


def test_a_table_for_every_slice(reports):
    text = to_latex(reports())
    captions = re.findall(r"\\caption\{(.*)\}", text)
    assert captions == [
        "Results on all test items",
        "Results on warm items",
        "Results on cold items",
        "The knowledge graph, all test items",
        "The knowledge graph, warm items",
        "The knowledge graph, cold items",
        "What each relation adds to NDCG@10 of hybrid on cold items",
        "hybrid: NDCG@10 and diversity",
        "hybrid: NDCG@10 and ARP",
    ]
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels)) == 9
    assert text.startswith("% A comparison\n% hybridrec evaluate a.csv\n%   -o report.html\n")
    assert r"\textbf{0." in text
    assert r"\textsuperscript{ab}" in text
    assert r"$\pm$ 0.0" in text
    assert r"KGCN (published)\textsuperscript{1,2,3}" in text


def test_cells_fill_the_columns(reports, comparisons):
    models = (NAME, "short", "hybrid-als:features=tokens+columns,factors=32")
    text = to_latex(reports(comparison=comparisons(models=models)))
    assert depth(text) == 0
    assert text.count(r"\begin{table*}") == text.count(r"\end{table*}") == 9
    found = tabulars(text)
    assert len(found) > 7  # some in parts
    for layout, lines in found:
        columns = len(re.findall("[rl]", layout))
        for line in lines:
            if "&" in line and r"\multicolumn" not in line:
                assert len(re.findall(r"(?<!\\)&", line)) == columns - 1
        assert columns <= 2 + 2 * 8


def test_names_are_escaped(reports, comparisons):
    text = to_latex(reports(comparison=comparisons(models=(NAME, "b"))))
    plain = text.replace(r"\allowbreak{}", "")
    assert (
        r"50\% \& \_x\_ \#1 \$y\$ \textbackslash{}end\{table*\}"
        r" \{\textasciitilde{}\textasciicircum{}\}"
    ) in plain
    assert r"\smash{\parbox[t]" in text


@given(st.text())
@settings(max_examples=60)
def test_escaped_text_is_text(text):
    found = escaped(text)
    assert depth(found) == 0
    assert "\n" not in found
    bare = re.sub(r"\\(?:text\w+\{\}|[&%$#_{}])", "", found)
    bare = re.sub(r"\$(?:\\pm|-|\\le|\\uparrow|\\downarrow)\$|\\dots\{\}|\\phantom\{0\}", "", bare)
    assert not re.search(r"[&%$#_{}\\~^]", bare)


def test_a_title_cannot_leave_its_comment(reports):
    text = to_latex(reports(title="a\n\\input{x}\r\\input{y}", commands=["b\n\\input{z}"]))
    for name in "xyz":
        assert re.search(rf"^% \\input\{{{name}\}}$", text, re.MULTILINE)


def test_it_needs_no_extra(pairs, monkeypatch):
    for name in ("matplotlib", "jinja2"):
        monkeypatch.setitem(sys.modules, name, None)
    text = to_latex(Report(pairs()))
    assert r"AUC $\uparrow$" in text
    assert r"Log loss $\downarrow$" in text
