from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import read_knowledge
from hybridrec.graph import Graph, node_embeddings

SMALL = ("--dimensions", 4, "--num-walks", 2, "--walk-length", 5, "--random-state", 3)


def test_vectors_are_those_of_the_graph(done, files):
    done("embed", "--kg", "facts.tsv", *SMALL, "-p", 0.5, "-q", 2, "-o", "vectors.parquet")
    vectors = pd.read_parquet("vectors.parquet").set_index("entity")
    knowledge = read_knowledge("facts.tsv")
    expected = node_embeddings(
        Graph.from_knowledge(knowledge),
        dimensions=4,
        num_walks=2,
        walk_length=5,
        random_state=3,
        p=0.5,
        q=2.0,
    )
    assert vectors.index.tolist() == knowledge.entities.ids.tolist()
    assert vectors.columns.tolist() == ["d0", "d1", "d2", "d3"]
    np.testing.assert_array_equal(vectors.to_numpy(), expected)


def test_csv_may_go_to_a_pipe(done, files):
    out = done("embed", "--kg", "facts.tsv", *SMALL, "--format", "csv")
    assert out.splitlines()[0] == "entity,d0,d1,d2,d3"
    assert len(out.splitlines()) == 12  # header, nine items, two kinds


def test_columns_can_be_named_and_relations_dropped(done, files):
    (files / "kg.csv").write_text("from,what,to\na,is,x\na,was,y\n")
    columns = ("--head", "from", "--relation", "what", "--tail", "to", "--drop-relation", "was")
    done("embed", "--kg", "kg.csv", *columns, *SMALL, "-o", "vectors.csv")
    vectors = pd.read_csv("vectors.csv").set_index("entity")
    assert (vectors.loc["y"] == 0).all()  # no edge is left
    assert (vectors.loc["x"] != 0).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --kg FILE or --dataset"),
        (["--kg", "facts.tsv", "--dataset", "movielens-small"], "give either"),
        (["--kg", "facts.tsv", "--method", "node3vec"], "did you mean 'node2vec'"),
        (["--kg", "facts.tsv", "-p", 0], "p must be positive"),
        (["--kg", "facts.tsv", "--dimensions", "x"], "--dimensions"),
        (["--kg", "facts.tsv", "--drop-relation", "si"], "unknown relation 'si'"),
        (["--kg", "items.csv"], "no column looks like the head"),
        (["--kg", "none.tsv"], "does not exist"),
    ],
)
def test_bad_input_is_refused(arguments, message, refused):
    assert message in refused("embed", *arguments, "-o", "vectors.parquet")


def test_an_output_is_needed(refused):
    assert "add -o FILE" in refused("embed", "--kg", "facts.tsv")
    assert "already exists" in refused("embed", "--kg", "facts.tsv", "-o", "events.csv")
