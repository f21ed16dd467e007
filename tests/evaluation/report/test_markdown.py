from __future__ import annotations

import re
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrec.evaluation.report import Report, to_markdown
from hybridrec.evaluation.report.markdown import escaped

BAR = re.compile(r"(?<!\\)(?:\\\\)*\|")


def tables(text):
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [lines for lines in blocks if lines[0].startswith("| ")]


def test_all_but_the_figures(reports):
    text = to_markdown(reports())
    assert text.startswith("# A comparison\n\nNDCG@10 is highest for hybrid (")
    assert re.findall("^## (.*)$", text, re.MULTILINE) == [
        *("Results", "Does the side information help?", "What each relation adds"),
        *("What re-ranking brings and costs",),
        *("How it was measured", "Notes", "How to reproduce", "Setting"),
    ]
    assert "```sh\nhybridrec evaluate a.csv\n  -o report.html\n```" in text
    assert "**Differences on cold items**" in text
    assert re.search(
        r"^\| c \| hybrid \| \*\*0\.\d{4}\*\*<sup>ab</sup> ± 0\.\d{4} sd 0\.\d{4} \|",
        text,
        re.MULTILINE,
    )
    assert "- data: 60 users" in text


def test_rows_have_as_many_cells_as_the_heading(reports, comparisons):
    models = ("a|b", "two\nlines", "back\\|slash")
    found = tables(to_markdown(reports(comparison=comparisons(models=models))))
    assert len(found) >= 6
    for lines in found:
        assert len({len(BAR.findall(line)) for line in lines}) == 1


def test_a_fence_is_longer_than_what_it_holds(reports):
    text = to_markdown(reports(commands=["echo ````"]))
    assert "`````sh\necho ````\n`````" in text


@given(st.text())
@settings(max_examples=60)
def test_escaped_text_opens_nothing(text):
    found = escaped(text)
    assert "\n" not in found
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~$&]", found)
    assert re.sub(r"\\(.)", r"\1", found) == " ".join(text.split())


def test_it_needs_no_extra(reports, monkeypatch):
    for name in ("matplotlib", "jinja2"):
        monkeypatch.setitem(sys.modules, name, None)
    assert to_markdown(reports()) == to_markdown(reports())


def test_pairs_have_a_report(pairs):
    text = to_markdown(Report(pairs()))
    assert "| model | AUC ↑ | Log loss ↓ | users |" in text
    assert "| hybrid | **0.8230** sd 0.0030 | **0.4600** sd 0.0100 | 9/9 |" in text
