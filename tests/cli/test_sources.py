"""Side information of many kinds on the command line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import hybridrec

ITEMS = "abcdefgh"
VECTORS = np.stack([np.arange(8) % 2, 1 - np.arange(8) % 2], axis=1) + 0.1
FIT = ("fit", "events.csv", "--set", "factors=3", "--no-guard")


@pytest.fixture
def image(files):
    np.save("image.npy", VECTORS)
    (files / "image.ids.txt").write_text("\n".join(ITEMS) + "\n")
    return "image.npy"


def blocks(folder):
    return [one.name for one in hybridrec.load(folder).item_pipeline_.builders_]


class TestVectors:
    def test_files_become_blocks(self, done, image):
        more = ("--items", "items.csv", "--vectors", "image.npy")
        out = done(*FIT, *more, "--vectors", f"sound={image}", "-o", "a")
        assert "\nimage: 1 of 9 items have no vector ('new')\n" in out
        assert "\nsound: 1 of 9 items have no vector ('new')\n" in out
        assert "with item columns and vectors.image and vectors.sound fitted" in out
        done(*FIT, *more, "--features", "vectors.image", "-o", "b")
        assert blocks("b") == ["vectors.image"]
        model = hybridrec.load("b")
        model.add_items(pd.DataFrame({"item": ["later"], "image": [VECTORS[0]]}))
        assert model.scorable_[-1]

    def test_of_users(self, done, files):
        frame = pd.DataFrame({"user": range(1, 9), "d0": np.arange(8) % 2, "d1": 0.5})
        frame.to_csv("taste.csv", index=False)
        done(*FIT, "--user-vectors", "taste.csv", "-o", "a")
        (block,) = hybridrec.load("a").user_pipeline_.builders_
        assert block.name == "vectors.taste"

    def test_in_evaluate_tune_and_stored_splits(self, done, image):
        given = ("--vectors", image)
        models = ("--model", "hybrid-als:features=vectors.image,factors=2")
        out = done("evaluate", "events.csv", *given, *models, "-k", 3, "--format", "json")
        assert "vectors.image" in out
        done("split", "events.csv", "-o", "split")
        out = done("evaluate", "--split-dir", "split", *given, *models, "-k", 3)
        assert "vectors.image" in out

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (("--vectors", "none.npy"), "File 'none.npy' does not exist"),
            (("--vectors", "image.npy", "--features", "vectors.imag"), "did you mean 'image'"),
            (("--vectors", "image.npy", "--features", "imag"), "unknown feature block 'imag'"),
            (("--vectors", "a.b=image.npy"), "the name of vectors has letters"),
            (("--vectors", "image.npy", "--vectors", "image=image.npy"), "are called 'image'"),
            (("--user-vectors", "image.npy"), "none of the 8 ids is one of the users here"),
        ],
    )
    def test_refused(self, refused, image, options, problem):
        assert problem in refused(*FIT, *options, "-o", "x")

    def test_bad_vectors_name_file_and_row(self, refused, image, files):
        bad = VECTORS.copy()
        bad[2, 1] = np.nan
        np.save("image.npy", bad)
        message = refused(*FIT, "--vectors", "image.npy", "-o", "x")
        assert "image.npy: row 2 (item 'c') holds NaN" in message
        (files / "image.ids.txt").write_text("a\n")
        message = refused(*FIT, "--vectors", "image.npy", "-o", "x")
        assert "image.ids.txt has 1 ids for the 8 rows of image.npy" in message


class TestText:
    def test_declared_or_named(self, done, files):
        more = ("--items", "items.csv")
        done(*FIT, *more, "--column-type", "title=text", "-o", "a")
        assert blocks("a") == ["columns", "text"]
        done(*FIT, *more, "--features", "text.title", "-o", "b")
        assert blocks("b") == ["text.title"]
        done(*FIT, *more, "--column-type", "title=category", "-o", "c")
        kinds = hybridrec.load("c").item_pipeline_.builders_[0].kinds_
        assert kinds == {"title": "category", "year": "number"}

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ("titel=text", "no table has a column 'titel'; did you mean 'title'"),
            ("title=prose", "type must be one of category, list, number, text, got 'prose'"),
            ("title", "column type"),
        ],
    )
    def test_refused(self, refused, given, problem):
        message = refused(*FIT, "--items", "items.csv", "--column-type", given, "-o", "x")
        assert problem in message


class TestKnowledge:
    @pytest.fixture
    def graphs(self, files):
        shop = [f"{item}\tsold\t{at % 2}" for at, item in enumerate(ITEMS)]
        (files / "shop.tsv").write_text("\n".join(["head\trelation\ttail", *shop]) + "\n")
        coded = [f"E{at}\tfrom\tF{at % 2}" for at in range(8)]
        (files / "coded.tsv").write_text("\n".join(["head\trelation\ttail", *coded]) + "\n")
        link = [f"{item},E{at}" for at, item in enumerate(ITEMS)]
        (files / "link.csv").write_text("\n".join(["item,entity", *link]) + "\n")

    def test_several(self, done, graphs):
        kgs = ("--kg", "facts.tsv", "--kg", "store=shop.tsv")
        out = done(*FIT, *kgs, "--features", "tokens.facts,tokens.store", "-o", "a")
        assert "17 facts" in out
        model = hybridrec.load("a")
        assert model.knowledge_.sources == ("facts", "store")
        names = [len(one.keys_) for one in model.item_pipeline_.builders_]
        assert names == [2, 2]

    def test_each_with_its_link(self, done, graphs):
        more = ("--kg", "coded.tsv", "--link", "coded=link.csv")
        out = done(*FIT, "--kg", "facts.tsv", *more, "-o", "a")
        assert "17 facts" in out
        facts = hybridrec.load("a").item_pipeline_.feature_names
        assert {name.partition(">")[0] for name in facts} == {"tokens:is", "tokens:from"}

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            (("--kg", "shop.tsv", "--kg", "shop=facts.tsv"), "have one name; name them"),
            (("--kg", "nowhere.tsv"), "File 'nowhere.tsv' does not exist"),
            (("--kg", "shop.tsv", "--link", "shob=link.csv"), "of no --kg; did you mean 'shop'"),
            (
                ("--kg", "shop.tsv", "--link", "link.csv", "--link", "events.csv"),
                "say which --kg each is for",
            ),
            (("--kg", "a=shop.tsv", "--features", "tokens.b"), "has no source 'b'"),
        ],
    )
    def test_refused(self, refused, graphs, options, problem):
        assert problem in refused(*FIT, *options, "-o", "x")


class TestFusion:
    def test_sum(self, done, image):
        both = ("--kg", "facts.tsv", "--vectors", image)
        assert "with item sum fitted" in done(*FIT, *both, "--fusion", "sum", "-o", "a")
        inner = hybridrec.load("a").item_pipeline_.builders_[0].pipeline_
        assert [one.name for one in inner.builders_] == ["tokens", "vectors.image"]

    def test_learned(self, done, files):
        rng = np.random.default_rng(0)
        parity = np.add.outer(range(40), range(40)) % 2
        likes = np.argwhere(rng.random((40, 40)) < np.where(parity, 0.5, 0.03))
        pd.DataFrame(likes, columns=["user", "item"]).to_csv("many.csv", index=False)
        kind = np.arange(40) % 2
        for name, values in (("told", kind), ("noise", rng.integers(0, 9, 40))):
            table = pd.DataFrame({"item": range(40), "a": values, "b": 1.5 - values})
            table.to_csv(f"{name}.csv", index=False)
        out = done(
            *("fit", "many.csv", "--vectors", "told.csv", "--vectors", "noise.csv"),
            *("--set", "factors=3", "--set", "iterations=3", "--fusion", "learned", "-o", "a"),
        )
        assert "NDCG@20 on held-out interactions of 40 users" in out
        assert "\nWeights: item vectors." in out
        assert "with all" in out
        assert hybridrec.load("a").item_pipeline_ is not None

    def test_refused(self, refused, image):
        more = ("--vectors", image, "-o", "x", "--fusion")
        message = refused("fit", "events.csv", "--model", "auto", *more, "learned")
        assert "--fusion learned needs a model by name" in message
        message = refused("fit", "events.csv", "--features", "none", *more, "sum")
        assert "--fusion sum needs features" in message
        message = refused("fit", "events.csv", "--model", "als", *more, "learned")
        assert "als does not use features" in message
        message = refused("fit", "events.csv", "--model", "als", *more, "sum")
        assert "als does not use item features" in message
