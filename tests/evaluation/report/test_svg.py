from __future__ import annotations

import re
import sys
from xml.etree import ElementTree

import pytest

from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report.charts import (
    Curve,
    Curves,
    Entry,
    Path,
    Paths,
    Point,
    Rows,
    Scatter,
    Strips,
    Value,
)
from hybridrec.evaluation.report.figures import COLOURS, draw, style
from hybridrec.evaluation.report.svg import drawing

SVG = "{http://www.w3.org/2000/svg}"
ODD = ["_hidden", "<script>alert(1)</script>", "$x^2$ --> \x00\n&amp;", "数据 " + "long" * 30]
VALUE = Value(0.2, 0.1, 0.3)


def curves(names) -> Curves:
    lines = [Curve(name, at, (VALUE, VALUE, VALUE)) for at, name in enumerate(names)]
    return Curves("NDCG@k", (1, 5, 10), tuple(lines))


def scatter(names) -> Scatter:
    points = [Point(name, at, VALUE, VALUE) for at, name in enumerate(names)]
    return Scatter("NDCG and novelty", "Novelty@10", "NDCG@10", tuple(points))


def rows(names, **more) -> Rows:
    entries = tuple(Entry(name, at, VALUE) for at, name in enumerate(names))
    return Rows("By slice", "NDCG@10", (("all", entries), ("<cold>", entries)), **more)


def strips(names) -> Strips:
    entries = tuple(Entry(name, at, VALUE) for at, name in enumerate(names))
    return Strips("By genre", "NDCG@10", tuple((f"genre {at}", entries) for at in range(20)))


def paths(names, falling=False) -> Paths:
    places = {0.0: (0.1, 0.4), 0.5: (0.2, 0.35), 1.0: (0.3, 0.2)}
    lines = [Path(name, at, places, 0.5) for at, name in enumerate(names)]
    return Paths("NDCG and diversity", "Diversity@10", "NDCG@10", falling, tuple(lines))


KINDS = [curves, scatter, rows, strips, paths]


def written(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_chart_gives_the_same_text(kind):
    assert drawing(kind(["als", "bpr"]), "one") == drawing(kind(["als", "bpr"]), "one")


@pytest.mark.parametrize("kind", KINDS)
def test_ids_are_its_own_and_all_referred_to(kind):
    drawn = drawing(kind(["als", "bpr"]), "key-1").alone
    ids = re.findall(r'\bid="([^"]+)"', drawn)
    referred = set(re.findall(r"url\(#([^)]+)\)", drawn)) | set(
        re.findall(r'xlink:href="#([^"]+)"', drawn)
    )
    assert len(ids) == len(set(ids))
    assert all(one.startswith("key-1-") for one in ids)
    assert set(ids) == referred | {"key-1-title", "key-1-desc"}


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_text_whatever_they_are(kind):
    drawn = drawing(kind(ODD), "odd").alone
    texts = [text.strip() for text in written(drawn)]
    assert "_hidden" in texts
    assert sum(text.startswith("<script>a") for text in texts) >= 1
    assert sum(text.startswith("$x^2$ -") for text in texts) >= 1
    assert sum(text.startswith("数据 long") for text in texts) >= 1
    assert "<script" not in drawn
    assert "<!--" not in drawn


def test_figures_say_what_they_are():
    root = ElementTree.fromstring(drawing(rows(["als"]), "f").alone)
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "f-title f-desc"
    assert [child.text for child in root[:2]] == [
        "By slice",
        "Intervals of NDCG@10. all: als 0.2000; <cold>: als 0.2000.",
    ]


def test_colours_are_the_page_s_within_and_fixed_alone():
    drawn = drawing(curves(["als", "bpr"]), "f")
    assert "var(--series-0)" in drawn.inline
    assert "var(--ink)" in drawn.inline
    assert not set(re.findall("#[0-9a-f]{6}", drawn.inline))
    assert "var(" not in drawn.alone
    assert {COLOURS[0], COLOURS[1]} <= set(re.findall("#[0-9a-f]{6}", drawn.alone))
    assert "<style" not in drawn.inline
    assert "width=" not in drawn.inline.partition(">")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_cut_off(kind):
    with style():
        figure = draw(kind(["als", "x" * 60, "hybrid-als:features=tokens+columns,factors=32"]))
        renderer = figure.canvas.get_renderer()
        figure.draw(renderer)
        inside = figure.get_tightbbox(renderer)
    assert (figure.get_figwidth(), inside.x0 >= 0, inside.y0 >= 0) == (3.4, True, True)
    assert inside.x1 <= figure.get_figwidth()
    assert inside.y1 <= figure.get_figheight()


def test_bars_start_at_zero_and_dots_do_not():
    near = Value(0.8, 0.79, 0.81)
    with style():
        bars, dots = (
            draw(Rows("t", "AUC", (("", (Entry("als", 0, near),)),), bars=bars)).axes[0]
            for bars in (True, False)
        )
    assert bars.get_xlim()[0] == 0
    assert dots.get_xlim()[0] > 0.7


def test_better_is_right_and_the_chosen_weight_is_large_and_named():
    with style():
        rising, falling = (draw(paths(["mmr"], falling)).axes[0] for falling in (False, True))
    assert rising.get_xlim()[0] < rising.get_xlim()[1]
    assert falling.get_xlim()[0] > falling.get_xlim()[1]
    line, chosen = rising.get_lines()
    assert chosen.get_xydata().tolist() == [[0.2, 0.35]]
    assert chosen.get_markersize() > line.get_markersize()
    assert {text.get_text() for text in rising.texts} == {"0", "0.5", "1"}
    (bold,) = (text for text in rising.texts if text.get_fontweight() == "bold")
    assert bold.get_text() == "0.5"


def test_a_small_loss_looks_small():
    places = {0.0: (0.1, 0.4), 0.5: (0.2, 0.3999), 1.0: (0.3, 0.3998)}
    with style():
        axes = draw(Paths("t", "x", "y", False, (Path("mmr", 0, places, 0.5),))).axes[0]
    low, high = axes.get_ylim()
    assert (low < 0.36, high > 0.4) == (True, True)


def test_weights_without_room_are_left_out_but_the_chosen_ones():
    near = {at / 10: (0.1 + at / 1e5, 0.4) for at in range(10)} | {1.0: (0.3, 0.2)}
    with style():
        axes = draw(Paths("t", "x", "y", False, (Path("mmr", 0, near, 0.5),))).axes[0]
    assert {text.get_text() for text in axes.texts} == {"0.5", "1"}


def test_intervals_that_leave_out_their_value_are_drawn():
    beside = Value(0.2, 0.25, 0.3)
    assert drawing(Rows("t", "x", (("", (Entry("als", 0, beside),)),)), "f").alone


def test_more_models_than_colours_still_differ():
    names = [f"m{at}" for at in range(2 * len(COLOURS))]
    with style():
        lines = draw(curves(names)).axes[0].get_lines()
    assert len({(one.get_color(), one.get_marker()) for one in lines}) == len(names)
    twice = [one.get_linestyle() for one in lines if one.get_color() == COLOURS[0]]
    assert twice == ["-", "--"]


def test_the_process_s_style_neither_leaks_in_nor_out(monkeypatch):
    import matplotlib

    def kept():
        return {
            name: matplotlib.rcParams[name] for name in matplotlib.rcParams if name != "backend"
        }

    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # an import would fail

    plain = drawing(curves(["als"]), "f")
    with matplotlib.rc_context({"font.size": 30, "text.usetex": True, "axes.grid": True}):
        before = kept()
        assert drawing(curves(["als"]), "f") == plain
        assert kept() == before


def test_matplotlib_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hybridrec\[plot\]'"):
        drawing(curves(["als"]), "f")
