from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from hybridrec import read_knowledge
from hybridrec.cli import embed as module
from hybridrec.graph import Graph, link_prediction_auc, node_embeddings
from hybridrec.store import read_word2vec

SIZES = {"dimensions": 4, "num_walks": 2, "walk_length": 5, "random_state": 3}
SMALL = ("--dimensions", 4, "--num-walks", 2, "--walk-length", 5, "--random-state", 3)
QUALITY = re.compile(r"Link prediction AUC (0\.\d{3}) \((\d+) held-out links .*\)")


@pytest.fixture
def two_kinds(files):
    """Twenty films of two kinds with two countries, so that links can be held out."""
    rows = [
        f"film{at}\t{relation}\t{tail}"
        for at in range(20)
        for relation, tail in (
            ("kind", f"kind:{'odd' if at % 2 else 'even'}"),
            ("made_in", f"land:{at % 3}"),
            ("stars", f"actor:{at % 7}"),
        )
    ]
    (files / "kinds.tsv").write_text("head\trelation\ttail\n" + "\n".join(rows) + "\n")
    return "kinds.tsv"


def test_vectors_are_those_of_the_whole_graph(done, files, two_kinds):
    done("embed", "--kg", two_kinds, *SMALL, "-p", 0.5, "-q", 2, "-o", "vectors.parquet")
    vectors = pd.read_parquet("vectors.parquet").set_index("entity")
    knowledge = read_knowledge(two_kinds)
    expected = node_embeddings(Graph.from_knowledge(knowledge), p=0.5, q=2.0, **SIZES)
    assert vectors.index.tolist() == knowledge.entities.ids.tolist()
    assert vectors.columns.tolist() == ["d0", "d1", "d2", "d3"]
    np.testing.assert_array_equal(vectors.to_numpy(), expected)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        (["--method", "ppmi-svd", "--transitions", "exact"], {"transitions": "exact"}),
        (["--method", "prone", "--order", 4, "--mu", 0.1], {"order": 4, "mu": 0.1}),
        (["--method", "fast-rp", "--weights", "1,0.5"], {"weights": (1.0, 0.5)}),
        (["--method", "node2vec", "--hogwild", "--threads", 1], {"hogwild": True}),
    ],
)
def test_each_method_has_its_options(done, files, options, parameters):
    done("embed", "--kg", "facts.tsv", "--dimensions", 4, *options, "-o", "vectors.txt")
    graph = Graph.from_knowledge(read_knowledge("facts.tsv"))
    expected = node_embeddings(graph, options[1], 4, num_threads=1, **parameters)
    np.testing.assert_array_equal(read_word2vec("vectors.txt")[1], expected)


def test_the_quality_is_told_on_standard_error(run, files, two_kinds):
    result = run("embed", "--kg", two_kinds, *SMALL, "--format", "csv")
    told = QUALITY.search(result.err)
    auc = link_prediction_auc(read_knowledge(two_kinds), **SIZES)
    assert told is not None
    assert told[1] == f"{auc:.3f}"
    assert 1 <= int(told[2]) <= 6  # of 60 links
    assert result.out.startswith("entity,d0,d1,d2,d3\n")
    assert result.out.count("\n") == 1 + 20 + 2 + 3 + 7  # header, films, values


def test_the_check_can_be_skipped(run, files, two_kinds, monkeypatch):
    trained = []

    def counted(graph, *arguments, **parameters):
        trained.append(graph)
        return node_embeddings(graph, *arguments, **parameters)

    monkeypatch.setattr(module, "node_embeddings", counted)
    checked = run("embed", "--kg", two_kinds, *SMALL, "--format", "csv")
    assert len(trained) == 2
    assert trained[1].indices.size < trained[0].indices.size
    result = run("embed", "--kg", two_kinds, *SMALL, "--no-check", "--format", "csv")
    assert len(trained) == 3
    assert result.err == ""
    assert result.out == checked.out


def test_a_graph_too_small_to_check_is_embedded(run, files):
    result = run("embed", "--kg", "facts.tsv", *SMALL, "-o", "vectors.csv")
    assert result.code == 0
    assert "no link can be held out" in result.err
    assert len(pd.read_csv("vectors.csv")) == 11  # nine items, two kinds


def test_columns_can_be_named_and_relations_dropped(run, files):
    (files / "kg.csv").write_text("from,what,to\na,is,x\na,was,y\n")
    columns = ("--head", "from", "--relation", "what", "--tail", "to", "--drop-relation", "was")
    result = run("embed", "--kg", "kg.csv", *columns, *SMALL, "-o", "vectors.csv")
    assert "1 of 3 entities have no link; their vectors are all 0" in result.err
    vectors = pd.read_csv("vectors.csv").set_index("entity")
    assert (vectors.loc["y"] == 0).all()  # no edge is left
    assert (vectors.loc["x"] != 0).any()


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.vec", "vectors.VEC", "vectors.x"])
def test_word2vec_text_holds_the_same_vectors(done, files, name):
    chosen = ("--format", "word2vec") if name.endswith(".x") else ()
    done("embed", "--kg", "facts.tsv", *SMALL, "-o", name, *chosen)
    ids, vectors = read_word2vec(name)
    knowledge = read_knowledge("facts.tsv")
    assert ids.tolist() == knowledge.entities.ids.tolist()
    expected = node_embeddings(Graph.from_knowledge(knowledge), **SIZES)
    np.testing.assert_array_equal(vectors, expected)
    to_pipe = done("embed", "--kg", "facts.tsv", *SMALL, "--format", "word2vec", "--no-check")
    assert to_pipe == (files / name).read_text()


def test_dimensions_may_be_more_than_entities(done, files):
    done("embed", "--kg", "facts.tsv", "--dimensions", 20, "--num-walks", 1, "-o", "vectors.txt")
    assert read_word2vec("vectors.txt")[1].shape == (11, 20)


def test_a_map_is_drawn(run, files, two_kinds):
    pytest.importorskip("matplotlib")
    picture = ("--map", "map.svg", "--colour", "kind", "-o", "vectors.csv", "--no-check")
    result = run("embed", "--kg", two_kinds, *SMALL, *picture)
    assert result.code == 0, result.err
    assert result.err.splitlines() == ["Saved to vectors.csv", "Saved to map.svg"]
    drawn = (files / "map.svg").read_text()
    assert " even -->" in drawn
    assert " odd -->" in drawn


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --kg FILE or --dataset"),
        (["--kg", "facts.tsv", "--dataset", "movielens-small"], "give either"),
        (["--kg", "facts.tsv", "--method", "node3vec"], "did you mean 'node2vec'"),
        (["--kg", "facts.tsv", "--method", "prone", "-p", 2], "'prone' has no parameter p"),
        (
            ["--kg", "facts.tsv", "--method", "fast-rp", "--weights", "1,x"],
            "could not convert string",
        ),
        (["--kg", "facts.tsv", "-p", 0], "p must be positive"),
        (["--kg", "facts.tsv", "-q", -1], "q must be positive"),
        (["--kg", "facts.tsv", "--walk-length", 1], "walk_length must be a whole number of at"),
        (["--kg", "facts.tsv", "--dimensions", "x"], "--dimensions"),
        (["--kg", "facts.tsv", "--drop-relation", "si"], "unknown relation 'si'"),
        (["--kg", "facts.tsv", "--drop-relation", "is"], "no triple joins two entities"),
        (["--kg", "empty.tsv"], "empty.tsv has no rows"),
        (["--kg", "one.tsv"], "no triple joins two entities"),
        (["--kg", "items.csv"], "no column looks like the head"),
        (["--kg", "none.tsv"], "does not exist"),
        (["--kg", "facts.tsv", "--map", "map.svg"], "both --map FILE.svg and --colour RELATION"),
        (["--kg", "facts.tsv", "--colour", "is"], "a map needs both"),
        (["--kg", "facts.tsv", "--map", "map.png", "--colour", "is"], "name it map.svg"),
        (["--kg", "facts.tsv", "--map", "no/map.svg", "--colour", "is"], "no is not a folder"),
        (["--kg", "facts.tsv", "--map", "map.svg", "--colour", "si"], "unknown relation 'si'"),
        (
            ["--kg", "facts.tsv", "--map", "map.svg", "--colour", "is", "--dimensions", "1"],
            "a map needs vectors of at least 2 dimensions",
        ),
        (["--kg", "small.tsv", "--map", "map.svg", "--colour", "is"], "a map needs 4 entities"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused, files):
    (files / "empty.tsv").write_text("head\trelation\ttail\n")
    (files / "one.tsv").write_text("head\trelation\ttail\na\tis\ta\n")
    (files / "small.tsv").write_text("head\trelation\ttail\na\tis\tb\n")
    assert message in refused("embed", *arguments, "-o", "vectors.parquet")


def test_the_vectors_and_the_map_are_two_files(refused, files):
    both = ("--map", "./same.svg", "--colour", "is", "-o", "same.svg", "--format", "csv")
    assert "cannot both be" in refused("embed", "--kg", "facts.tsv", *both, "--overwrite")
    assert not (files / "same.svg").exists()


def test_ids_that_word2vec_cannot_hold_are_refused_before_the_training(refused, files, monkeypatch):
    monkeypatch.setattr(module, "node_embeddings", None)
    (files / "space.tsv").write_text("head\trelation\ttail\na b\tis\tc\n")
    assert "'a b'" in refused("embed", "--kg", "space.tsv", "-o", "vectors.txt")


def test_an_output_is_needed(refused):
    assert "add -o FILE" in refused("embed", "--kg", "facts.tsv")
    assert "already exists" in refused("embed", "--kg", "facts.tsv", "-o", "events.csv")
    assert "no is not a folder" in refused("embed", "--kg", "facts.tsv", "-o", "no/vectors.csv")
