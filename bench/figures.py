"""The pictures of the README: ``python -m bench.figures``.

Draws, into ``bench/results``, ``accuracy.svg`` and ``cold_start.svg`` from ``accuracy.json``, and
``time_to_accuracy.svg`` from ``time_to_accuracy.json``. The same results give the same files.
``embedding.svg`` and ``walk.svg`` show the bundled knowledge graph: vectors of films, and a walk.
Letters are paths, so that labels stay where they were put, and
colours are read on white and on black.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.measure import RESULTS
from hybridrec.dataset.named import load_dataset, relation_labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.33  # inches: 800 pixels
LEAST = 0.01  # seconds: what is faster is drawn there

TEXT, FAINT, OTHERS, OURS, SECOND = "#767d87", "#767d8755", "#a2a9b2", "#2b87c8", "#d9822b"
STYLE: dict[str, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "hybridrec",
    "figure.dpi": 72,  # a pixel is a point
    "text.hinting": "none",  # so that labels are measured as they are drawn
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8.5,
    "text.color": TEXT,
    "axes.labelcolor": TEXT,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": TEXT,
    "ytick.color": TEXT,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
}

DATA = ("Last.FM", "Book-Crossing")
PAPER = "MCCLK, SIGIR 2022"  # whose table has every published model, on the same footing
FILMS = "new films, movielens-small"
FACTS = {
    "genres and years": "genres, years",
    "KG without facts from after release": "KG, without facts\nfrom after release",
    "the same, genres and years": "the same and\ngenres, years",
    "KG": "whole KG",
    "KG, genres and years": "whole KG and\ngenres, years",
}
FILM_MODELS = {"content": OTHERS, "hybrid-als": OURS, "personalized-page-rank": SECOND}
COLD = (
    *("content", "hybrid-als:prior_share=0"),
    *("hybrid-als", "personalized-page-rank", "blend"),
)
COLD_BASELINES = COLD[:2]
NAMES = {"hybrid-als:prior_share=0": "hybrid-als, no prior"}

COUNTRIES = {
    "m.09c7w0": "United States",
    "m.07ssc": "United Kingdom",
    "m.0f8l9c": "France",
    "m.0345h": "Germany",
    "m.03rjj": "Italy",
    "m.0d060g": "Canada",
}
CREDITS = ("film.film.actor", "film.film.directed_by")
PEOPLE = {
    "m.0f5xn": "Samuel L. Jackson",
    "m.016fjj": "Christopher Walken",
    "m.0h7pj": "Bruce Willis",
    "m.06cgy": "Robert De Niro",
    "m.04sry": "Martin Scorsese",
    "m.0klh7": "Harvey Keitel",
}
START, STEPS, TRIES = "Pulp Fiction", 6, 100_000

TITLES = {
    "implicit": "implicit",
    "lightfm": "LightFM",
    "cmfrec": "cmfrec",
    "rectools": "RecTools",
    "lenskit": "LensKit",
    "recbole": "RecBole",
}

Values = dict[str, list[float]]


class Bar(NamedTuple):
    """One line of a panel of bars."""

    name: str
    values: list[float]
    ours: bool


def main() -> None:
    """Draw what there are results for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    try:
        import matplotlib as mpl
    except ImportError:
        sys.exit('matplotlib is missing: pip install "hybridrec[plot]"')
    pictures: dict[str, tuple[str, Callable[[Any], Figure]]] = {
        "accuracy": ("accuracy", lambda found: accuracy(found["tables"])),
        "cold_start": ("accuracy", lambda found: cold_start(found["tables"])),
        "time_to_accuracy": ("time_to_accuracy", lambda found: time_to_accuracy(found["rows"])),
    }
    with mpl.rc_context(STYLE):
        for picture, (results, draw) in pictures.items():
            path = options.results / f"{results}.json"
            if not path.exists():
                sys.exit(f"{path} is missing: run python -m bench.{results}")
            save(draw(json.loads(path.read_text())), options.output / f"{picture}.svg")
    write(embedding_map(), options.output / "embedding.svg")
    write(walk_picture(), options.output / "walk.svg")


def save(figure: Figure, path: Path) -> None:
    """Write a picture without a date."""
    text = io.StringIO()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(text, format="svg", transparent=True, metadata=metadata)
    write("\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n", path)


def write(text: str, path: Path) -> None:
    """Write a picture and say where."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    print(path)


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, Any]:
    """Return a figure of the README's width and its panels."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(wspace=0.05)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def add_key(figure: Figure, colours: dict[str, str]) -> None:
    """Say below the panels what colours mean."""
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in colours.items()]
    place: dict[str, Any] = {"loc": "outside lower center", "ncols": len(handles)}
    figure.legend(handles=handles, frameon=False, handlelength=1, handleheight=0.8, **place)


def values_of(rows: Iterable[dict[str, Any]], metric: str) -> Values:
    """Return the values of our models, one a seed."""
    found: Values = defaultdict(list)
    for row in rows:
        if row["metric"] == metric and row["slice"] == "all" and not row["published"]:
            found[row["model"]].append(row["value"])
    return found


# ---- bars ----------------------------------------------------------------------------------------


def accuracy(tables: dict[str, Any]) -> Figure:
    """Click-through AUC beside that of published models."""
    figure, axes = panels(1, 2, 3.6)
    for axis, data in zip(axes.flat, DATA, strict=True):
        rows = tables[f"click-through, {data}"]
        ours = values_of(rows, "auc")
        bars = [
            Bar(row["model"], [row["value"]], False)
            for row in rows
            if row["published"] and row["metric"] == "auc" and row["source"].endswith(PAPER)
        ]
        names = ("stack", "personalized-page-rank", "hybrid-als")
        bars += [Bar(name, ours[name], True) for name in names if name in ours]
        bars.sort(key=lambda bar: mean(bar.values))
        draw_bars(axis, bars, start=0.5)
        axis.set_title(f"{data}\n", loc="left")
        line = mean(ours["popularity"])
        axis.axvline(line, color=TEXT, linewidth=1, linestyle=(0, (3, 2)), zorder=0)
        axis.text(
            *(line, len(bars) - 0.35, f"popularity {line:.3f}"),
            ha="center",
            va="bottom",
            fontsize=8,
        )
        axis.set_xlabel("click-through AUC (chance: 0.5)")
    add_key(figure, {"hybridrec": OURS, "published, as printed in the MCCLK paper": OTHERS})
    return figure


def cold_start(tables: dict[str, Any]) -> Figure:
    """Recall of new items, and of new films by what is known of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    figure.get_layout_engine().set(wspace=0.05)
    axes = figure.subplot_mosaic(
        [["Last.FM", "films"], ["Book-Crossing", "films"]], width_ratios=(1, 1.1)
    )
    for data in DATA:
        axis = axes[data]
        found = values_of(tables[f"cold items, {data}"], "recall")
        bars = [
            Bar(NAMES.get(name, name), found[name], name not in COLD_BASELINES) for name in COLD
        ]
        bars = sorted((bar for bar in bars if bar.values), key=lambda bar: mean(bar.values))
        draw_bars(axis, bars, start=0.0)
        axis.set_title(f"new items, {data}", loc="left")
        axis.set_xlabel("recall@20" if data == DATA[-1] else "")
    add_key(figure, {"hybridrec": OURS, "baselines": OTHERS})
    draw_films(axes["films"], values_of(tables[FILMS], "recall"))
    return figure


def draw_bars(axis: Axes, bars: list[Bar], start: float) -> None:
    """Draw sorted bars, their values in a column; a thin line is the deviation over seeds."""
    ends = [mean(bar.values) for bar in bars]
    spreads = [stdev(bar.values) if len(bar.values) > 1 else 0.0 for bar in bars]
    colours = [OURS if bar.ours else OTHERS for bar in bars]
    axis.barh(
        range(len(bars)), [end - start for end in ends], left=start, height=0.64, color=colours
    )
    for at, (bar, end, spread) in enumerate(zip(bars, ends, spreads, strict=True)):
        if spread:
            axis.plot([end - spread, end + spread], [at, at], color=TEXT, linewidth=1.4)
        axis.text(
            *(1, at, f"{end:.3f}"[1:]),
            transform=axis.get_yaxis_transform(),
            ha="right",
            va="center",
            color=OURS if bar.ours else TEXT,
            weight="bold" if bar.ours else "normal",
        )
    axis.set_yticks(range(len(bars)), [bar.name for bar in bars])
    for label, bar in zip(axis.get_yticklabels(), bars, strict=True):
        if bar.ours:
            label.set(color=OURS, weight="bold")
    axis.spines["left"].set_visible(False)
    longest = max(map(sum, zip(ends, spreads, strict=True)))
    axis.set_xlim(start, start + (longest - start) * 1.18)
    axis.set_ylim(-0.6, len(bars) - 0.4)
    axis.locator_params(axis="x", nbins=4)


def draw_films(axis: Axes, found: Values) -> None:
    """Draw a line for each kind of facts, and on it the models."""
    for at, facts in enumerate(reversed(FACTS)):
        axis.axhline(at, color=FAINT, linewidth=0.8, zorder=0)
        for step, (model, colour) in enumerate(FILM_MODELS.items()):
            values = found[f"{model}, {facts}"]
            axis.errorbar(
                *(mean(values), at + (1 - step) * 0.2),
                xerr=stdev(values) if len(values) > 1 else None,
                fmt="o",
                color=colour,
                ecolor=colour,
                markersize=5,
                elinewidth=1.4,
            )
    for step, (name, colour) in enumerate(FILM_MODELS.items()):
        axis.annotate(
            *(name, (1, 1), (0, -12 * step)),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="top",
            color=colour,
            weight="bold",
        )
    axis.set_yticks(range(len(FACTS)), list(reversed(FACTS.values())))
    axis.spines["left"].set_visible(False)
    axis.set_xlim(left=0)
    axis.set_ylim(-0.5, len(FACTS))
    axis.set_title("new films, by what is known of them", loc="left")
    axis.set_xlabel("recall@20")


# ---- seconds and accuracy ------------------------------------------------------------------------


def time_to_accuracy(rows: list[dict[str, Any]]) -> Figure:
    """NDCG of known and of new items over the seconds of a fit."""
    figure, axes = panels(2, 1, 8.2, sharex=True, height_ratios=(1.4, 1))
    rows = [row | {"seconds": max(row["seconds"], LEAST)} for row in rows]
    for axis, on, kind in zip(axes.flat, ("warm", "cold"), ("known", "new"), strict=True):
        key = f"ndcg@20, {on}"
        shown = [row for row in rows if on == "warm" or row[key] > 0]
        axis.set_xscale("log")
        for row in shown:
            axis.plot(
                *(row["seconds"], row[key]),
                marker="o" if is_ours(row) else "s",
                markersize=5.5 if is_ours(row) else 4,
                color=OURS if is_ours(row) else OTHERS,
            )
        axis.set_title(f"{kind} items in lists of both", loc="left")
        if len(shown) < len(rows):
            note = f"not drawn: {len(rows) - len(shown)} models at 0"
            axis.text(0.01, 0.03, note, transform=axis.transAxes)
        axis.set_ylabel("NDCG@20")
        axis.set_ylim(0, 1.1 * max(row[key] for row in rows))
        axis.grid(color=FAINT, linewidth=0.5)
        axis.set_axisbelow(True)
    add_key(figure, {"hybridrec": OURS, "other libraries": OTHERS})
    axes.flat[-1].set_xlim(LEAST * 0.8, 3 * max(row["seconds"] for row in rows))
    axes.flat[-1].set_xlabel("CPU seconds of a fit, one thread")
    axes.flat[-1].xaxis.set_major_formatter(lambda at, _: f"{'≤ ' if at <= LEAST else ''}{at:g}")
    for axis, on in zip(axes.flat, ("warm", "cold"), strict=True):
        place_labels(axis, rows, f"ndcg@20, {on}")
    return figure


def is_ours(row: dict[str, Any]) -> bool:
    """Return whether a row is of a model of this library."""
    found: bool = row["system"] == "hybridrec"
    return found


def place_labels(axis: Axes, rows: list[dict[str, Any]], key: str) -> None:
    """Name every point that has a value, near it, where nothing else is; ours choose first."""
    from matplotlib.transforms import Bbox

    figure = axis.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    shown = sorted(
        (row for row in rows if row[key] > 0 or key.endswith("warm")),
        key=lambda row: (not is_ours(row), -row[key]),
    )
    points = axis.transData.transform([(row["seconds"], row[key]) for row in shown])
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in points]
    frame = axis.get_window_extent()
    for row, point in zip(shown, points, strict=True):
        label = axis.annotate(
            *(label_of(row), (row["seconds"], row[key]), (0, 0)),
            textcoords="offset points",
            va="center",
            fontsize=7.5,
            color=OURS if is_ours(row) else TEXT,
            weight="bold" if is_ours(row) else "normal",
        )
        found = label.get_window_extent()
        box = best_place(point, found.width, found.height, taken, frame)
        taken.append(box)
        label.xyann = (box.x0 - point[0], (box.y0 + box.y1) / 2 - point[1])
        draw_leader(axis, point, box)


def best_place(point: Any, width: float, height: float, taken: list[Any], frame: Any) -> Any:
    """Return the box, of those around a point, that overlaps least; the nearest of equals."""
    from matplotlib.transforms import Bbox

    x, y = point
    boxes = []
    for away in range(6):
        rise = away * height
        corners = [(left, up) for left in (x + 6, x - 6 - width) for up in (rise, -rise)]
        corners += [(x - width / 2, up) for up in (rise + height, -rise - height)]
        boxes += [
            Bbox.from_bounds(left, y + up - height / 2, width, height) for left, up in corners
        ]

    def overlap(box: Any) -> float:
        inside = Bbox.intersection(box, frame)
        outside = width * height - (inside.width * inside.height if inside else 0)
        crossed = (Bbox.intersection(box, other) for other in taken)
        return outside + sum(one.width * one.height for one in crossed if one)

    return min(boxes, key=overlap)


def draw_leader(axis: Axes, point: Any, box: Any) -> None:
    """Draw a thin line from a point to a label that stands off."""
    ends = [(min(max(point[0], box.x0), box.x1), min(max(point[1], box.y0), box.y1)), tuple(point)]
    if abs(ends[0][1] - point[1]) > 5:
        x, y = zip(*axis.transData.inverted().transform(ends), strict=True)
        axis.plot(x, y, color=TEXT, linewidth=0.6, zorder=1)


def label_of(row: dict[str, Any]) -> str:
    """Return the name of a point."""
    return row["model"] if is_ours(row) else f"{TITLES[row['system']]} {row['model']}"


# ---- the bundled knowledge graph -----------------------------------------------------------------


def embedding_map() -> str:
    """Films by vectors of all their facts from Freebase but the one that colours them."""
    from hybridrec.evaluation.report.entity_map import EntityMap
    from hybridrec.graph import Graph, node_embeddings

    data = load_dataset()
    assert data.knowledge is not None
    country = "film.film.country"
    rest = data.knowledge.without_relations([country, "movielens.genre", "movielens.decade"])
    vectors = node_embeddings(Graph.from_knowledge(rest), num_threads=1)
    return EntityMap.of(data.knowledge, vectors, country, labels=COUNTRIES, title="country").svg()


def walk_picture() -> str:
    """Draw the first walk over films, actors and directors that comes to new, known names only."""
    from hybridrec.evaluation.report.walk_picture import WalkPicture
    from hybridrec.graph import Graph, random_walks

    data = load_dataset()
    assert data.knowledge is not None
    assert data.item_table is not None
    knowledge = data.knowledge
    titles = [str(title).partition(" (")[0] for title in data.item_table["title"]]
    films = dict(zip(data.item_entities.tolist(), titles, strict=True))
    labels = {knowledge.entities.ids[film]: title for film, title in films.items() if film >= 0}
    labels |= PEOPLE
    known = np.isin(knowledge.entities.ids.astype(str), list(labels))
    people = knowledge.without_relations(set(knowledge.relations.ids) - set(CREDITS))
    start = next(film for film, title in films.items() if title == START)
    walks = random_walks(
        Graph.from_knowledge(people), TRIES, STEPS + 1, p=4, q=0.5, start_nodes=[start]
    )
    walk = next(walk for walk in walks if known[walk].all() and len(set(walk)) == walk.size)
    names = relation_labels(data.name)
    return WalkPicture.of(people, walk, labels=labels, relation_labels=names).svg()


if __name__ == "__main__":
    main()
