from __future__ import annotations

import base64
import re
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest

from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report import Report, WalkPicture, to_html

EVIL = '<script>alert("x")</script>'
VOID = {"meta", "wbr", "img"}


class Page(HTMLParser):
    """What a browser sees: elements in order, their texts, and whether all are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return "".join(self.texts)


@pytest.fixture(scope="module")
def whole(reports) -> str:
    return to_html(reports())


def sections(page: Page) -> list[str]:
    return [one["id"] for one in page.all("section")]


def test_everything_is_there(whole):
    page = Page(whole)
    assert sections(page) == [
        *("summary", "results", "curves", "trade-off", "slices", "knowledge", "relations"),
        *("re-ranking", "method", "notes", "reproduce", "about"),
    ]
    assert len(page.all("svg")) == len(page.all("figure")) == 6 + 2 + 2 + 1 + 1 + 2
    for said in (
        "A comparison",
        "KGCN (published)",
        "1: Wang, WWW 2019 (book, full-ranking).",
        "hybridrec evaluate a.csv\n  -o report.html",
        "Ratings from 3.5 count.",
        "The knowledge graph helps",
        "NDCG@k = DCG@k / IDCG@k",
        "60 users",
    ):
        assert said in page.text


def test_a_part_without_data_is_absent(comparisons, pairs):
    found = Page(to_html(Report(comparisons(metrics=["ndcg"], slices=["all"], cutoffs=[10]))))
    assert sections(found) == ["summary", "results", "method"]
    assert not found.all("svg")
    click_through = Page(to_html(Report(pairs())))
    assert sections(click_through) == ["summary", "results", "values", "method"]
    assert not click_through.all("details")
    one = Page(to_html(Report(comparisons(models=["als"], seeds=[0]))))
    assert sections(one) == ["summary", "results", "curves", "slices", "method"]


def test_pictures_have_a_caption_and_can_be_saved(comparisons):
    knowledge = KnowledgeGraph.from_frame(
        pd.DataFrame({"head": ["a", "b"], "relation": "r", "tail": ["x", "x"]})
    )
    walk = knowledge.entities.codes(["a", "x", "b"])
    picture = WalkPicture.of(knowledge, walk)
    page = Page(to_html(Report(comparisons(seeds=[0]), pictures={f"A walk {EVIL}": picture})))
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert image["alt"] == f"A walk {EVIL}"
    encoded = image["src"].removeprefix("data:image/svg+xml;base64,")
    assert base64.b64decode(encoded).decode() == picture.svg()
    saved = {attributes.get("download"): attributes for tag, attributes in page.tags if tag == "a"}
    assert saved["pictures-1.svg"]["href"] == image["src"]
    assert f"A walk {EVIL}" in page.texts


def test_one_file_without_network_or_scripts(whole):
    page = Page(whole)
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/svg+xml;base64,"))
    assert not re.search(r"@import|url\((?!#)", whole)


def test_ids_are_unique_and_links_lead_to_them(whole):
    page = Page(whole)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [one["href"] for one in page.all("a") if one["href"].startswith("#")]
    assert len(links) == 11
    assert {link[1:] for link in links} <= set(ids)


def test_the_same_report_gives_the_same_page(whole, reports):
    assert to_html(reports()) == whole


def test_texts_are_harmless(reports, comparisons, relations, published):
    models = (EVIL, "a & b", "--><b>")
    slices = ["all", f"items:genre={EVIL}", "items:genre=]]>"]
    report = reports(
        comparison=comparisons(models=models, slices=slices),
        title=EVIL,
        about={EVIL: EVIL},
        commands=[EVIL],
        relations=relations((EVIL, "x")),
        published=(published(EVIL, note=EVIL),),
        notes=(EVIL,),
    )
    page = Page(to_html(report))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(EVIL) > 10
    assert len(page.all("wbr")) > 0


def test_numbers_stand_below_numbers(whole):
    results = whole[whole.index('id="results"') : whole.index("<details")]
    first = results[: results.index("</table>")]
    spaces = re.findall(r'<sup class="marks" style="width:([\d.]+)em">', first)
    assert len(set(spaces)) == 1
    assert '<td class="number"><b>' in first
    assert "<small>± 0.0" in first


def test_wide_tables_come_in_parts(comparisons):
    found = comparisons(cutoffs=range(1, 12), slices=["all"], seeds=[0])
    page = Page(to_html(Report(found)))
    assert len(page.all("table")) > 5
    assert page.text.count("hybrid") > 5


def test_light_dark_print_and_narrow(whole):
    text = whole
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 34rem"):
        assert rule in text
    assert 'name="viewport"' in text
    assert 'lang="en"' in text
    used = set(re.findall(r"var\((--[\w-]+)\)", text))
    assert used <= set(re.findall(r"(--[\w-]+):", text))


def test_jinja_is_an_extra(reports, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"jinja2.*pip install 'hybridrec\[plot\]'"):
        to_html(reports())
