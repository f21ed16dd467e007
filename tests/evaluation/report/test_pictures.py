from __future__ import annotations

import sys

import numpy as np
import pytest

from hybridrec.errors import MissingExtraError
from hybridrec.evaluation.report.pictures import (
    Labels,
    Picture,
    new_figure,
    picture_style,
    short_labels,
)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["genre:Drama", "genre:Crime"], ["Drama", "Crime"]),
        (["http://x.org/a#b1", "http://x.org/a#b2"], ["b1", "b2"]),
        (["action", "acting"], ["action", "acting"]),  # no separator: not cut within a word
        (["a:b", "c:d"], ["a:b", "c:d"]),
        ([1, 2], ["1", "2"]),
        (["genre:Drama"], ["Drama"]),
        (["a:", "a:b"], ["a:", "b"]),
        (["x" * 40, "y\n"], ["x" * 14 + "…" + "x" * 13, "y"]),
    ],
)
def test_what_all_ids_begin_with_is_left_out(ids, expected):
    assert short_labels(ids, None) == expected


def test_given_labels_stand_for_ids():
    assert short_labels(["g:a", "g:b"], {"g:a": "Ah"}) == ["Ah", "b"]


def test_style_is_put_back():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with picture_style():
        assert matplotlib.rcParams["svg.fonttype"] == "path"
    assert dict(matplotlib.rcParams) == before


def test_labels_keep_off_what_is_drawn_and_off_each_other():
    with picture_style():
        figure = new_figure(3, 3)
        axes = figure.add_axes((0, 0, 1, 1))
        middle = axes.transData.transform((0.5, 0.5))
        wall = middle + np.stack([np.arange(5, 60, 4), np.zeros(14)], axis=1)  # to the right
        labels = Labels(axes, np.array([middle, *wall]), wall[:0])
        for _ in range(4):
            labels.write("some text", middle)
        boxes = [text.get_window_extent() for text in axes.texts]
    for at, one in enumerate(boxes):
        assert not one.count_overlaps(boxes[at + 1 :])
        assert not any(one.contains(*pixel) for pixel in wall)
        assert np.hypot(*(np.array([one.x0 + one.x1, one.y0 + one.y1]) / 2 - middle)) < 60


class Empty(Picture):
    def _draw(self):
        return new_figure(1, 1)


def test_svg_has_neither_date_nor_trailing_blanks():
    text = Empty().svg()
    assert "dc:date" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert Empty().figure().get_size_inches().tolist() == [1, 1]


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in (Empty().figure, Empty().svg):
        with pytest.raises(MissingExtraError, match=r"hybridrec\[plot\]"):
            draw()
