"""Models to folders and back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hybridrec.dataset.dataset import Dataset
from hybridrec.dataset.knowledge import KnowledgeGraph
from hybridrec.errors import ModelFolderError, OutputError, ParameterError
from hybridrec.features.pipeline import FeaturePipeline
from hybridrec.features.tokens import KnowledgeTokens
from hybridrec.features.walks import WalkEmbedding
from hybridrec.models.hybrid_als import HybridALS
from hybridrec.models.popularity import Popularity
from hybridrec.models.registry import MODELS, make_model
from hybridrec.models.storage import load
from hybridrec.ranking.rules import Rules
from hybridrec.store.folder import read_folder, write_folder

SMALL = {"factors": 3, "iterations": 3, "epochs": 2, "neighbors": 5}
HISTORY = pd.DataFrame({"user": ["new", "new", "other"], "item": [1, 3, 60]})


@pytest.fixture(scope="session")
def linked(dataset):
    """Return the shared data with a knowledge graph whose entities are not the items' ids."""
    films = [f"m{one}" for one in range(62)]
    makers = [f"p{one % 9}" for one in range(62)]
    graph = KnowledgeGraph.from_triples(
        films, ["by"] * 62, makers, link=(range(62), films), after_release=["award"]
    )
    return Dataset.build(dataset.interactions, graph, item_table=with_id(dataset.item_table))


def with_id(table):
    return table.assign(item=range(len(table)))


def small(name, **params):
    model = make_model(name)
    known = {key: value for key, value in SMALL.items() if key in model.get_params()}
    return model.set_params(**known, **params)


def same(one, other):
    """Compare all that two models say."""
    rules = Rules(where="\"group\" = 'odd'", deny=[5])
    for k in (3, 100):
        pd.testing.assert_frame_equal(one.recommend(k=k), other.recommend(k=k))
    pd.testing.assert_frame_equal(one.recommend(rules=rules), other.recommend(rules=rules))
    pd.testing.assert_frame_equal(one.recommend(history=HISTORY), other.recommend(history=HISTORY))
    pairs = pd.DataFrame({"user": [0, 0, 7], "item": [1, 60, 61]})
    pd.testing.assert_frame_equal(one.score(pairs), other.score(pairs))
    if one.model_name not in ("popularity", "bias-baseline"):
        pd.testing.assert_frame_equal(one.similar_items([1, 2]), other.similar_items([1, 2]))


@pytest.mark.parametrize("name", MODELS)
def test_a_loaded_model_can_do_all_that_the_fitted_one_can(name, linked, tmp_path):
    """Its arrays are read-only views on the file; twice over, also after it has grown."""
    model = small(name).fit(linked)
    model.save(tmp_path / "one")
    loaded = load(tmp_path / "one")
    assert loaded.get_params() == model.get_params()
    same(model, loaded)
    for one in (model, loaded):
        one.update(pd.DataFrame({"user": [0, 99, 99], "item": [60, 1, 200]}))
        if one.uses_item_features:
            facts = KnowledgeGraph.from_triples(["n"], ["by"], ["p3"], link=([300], ["n"]))
            one.add_items(pd.DataFrame({"item": [300], "group": ["odd"]}), knowledge=facts)
    same(model, loaded)
    loaded.save(tmp_path / "two")
    same(model, load(tmp_path / "two"))


SCRIPT = """
import json, sys
import hybridrec
out = {}
for name in sys.argv[2:]:
    model = hybridrec.load(sys.argv[1] + "/" + name)
    lists = model.recommend([0, 7], k=5)
    out[name] = [type(model).__name__, lists["item"].tolist(), lists["score"].tolist()]
print(json.dumps(out))
"""


def test_another_process_gives_the_same(linked, tmp_path):
    names, expected = [], {}
    for name in MODELS:
        model = small(name).fit(linked)
        model.save(tmp_path / name)
        lists = model.recommend([0, 7], k=5)
        names.append(name)
        expected[name] = [type(model).__name__, lists["item"].tolist(), lists["score"].tolist()]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), *names], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected


class TestFeatures:
    def test_all_kinds_of_blocks(self, linked, tmp_path):
        blocks = [KnowledgeTokens(min_items=3), "two-hop-tokens", WalkEmbedding(4), "columns"]
        pipeline = FeaturePipeline(blocks, weights={"walks": 0.5})
        model = HybridALS(factors=3, iterations=2).fit(linked, item_features=pipeline)
        model.save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        expected = model.item_pipeline_.transform(linked)
        found = loaded.item_pipeline_.transform(linked)
        assert found.feature_names.tolist() == expected.feature_names.tolist()
        np.testing.assert_array_equal(found.matrix().toarray(), expected.matrix().toarray())

    def test_the_knowledge_graph(self, linked, tmp_path):
        HybridALS(factors=2, iterations=1).fit(linked).save(tmp_path / "m")
        found = load(tmp_path / "m").item_pipeline_.knowledge_
        expected = linked.knowledge
        assert (found.entities, found.relations) == (expected.entities, expected.relations)
        for name in ("head", "relation", "tail", "source"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
        for one, other in zip(found.link, expected.link, strict=True):
            np.testing.assert_array_equal(one, other)
        assert (found.after_release, found.sources) == (frozenset(["award"]), expected.sources)

    def test_ready_made_and_none(self, linked, tmp_path):
        features = FeaturePipeline().fit(linked)
        model = HybridALS(factors=2, iterations=1).fit(linked, item_features=features)
        model.save(tmp_path / "m")
        assert load(tmp_path / "m").item_pipeline_ is None
        same(model, load(tmp_path / "m"))

    def test_features_of_users(self, ratings, tmp_path):
        jobs = pd.DataFrame({"user": range(41), "job": [f"j{one % 3}" for one in range(41)]})
        data = Dataset.build(ratings, item_table=with_id(pd.DataFrame({"group": ["odd"] * 62})),
                             user_table=jobs)  # fmt: skip
        model = HybridALS(factors=2, iterations=1).fit(data)
        model.save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        pd.testing.assert_frame_equal(model.recommend([40]), loaded.recommend([40]))
        assert set(loaded.recommend([40])["source"]) == {"features"}

    def test_a_block_of_your_own_is_refused_before_anything_is_written(self, linked, tmp_path):
        class Own(KnowledgeTokens):
            pass

        pipeline = FeaturePipeline([Own()])
        model = HybridALS(factors=2, iterations=1).fit(linked, item_features=pipeline)
        with pytest.raises(ParameterError, match="of your own class Own, which cannot be saved"):
            model.save(tmp_path / "m")
        assert list(tmp_path.iterdir()) == []


class TestKept:
    def test_ids_of_both_types(self, ratings, tmp_path):
        text = ratings.assign(user="u" + ratings["user"].astype(str))
        Popularity().fit(text).save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        assert loaded.users_.ids.tolist() == sorted(set(text["user"]))
        assert loaded.items_.ids.dtype == np.int64

    def test_library_of_the_frames(self, ratings, tmp_path):
        Popularity().fit(pl.from_pandas(ratings)).save(tmp_path / "m")
        assert isinstance(load(tmp_path / "m").recommend([1]), pl.DataFrame)

    def test_parameters_of_numpy(self, ratings, tmp_path):
        model = make_model("als", factors=np.int64(3), alpha=np.float32(2.5), iterations=1)
        model.fit(ratings).save(tmp_path / "m")
        assert load(tmp_path / "m").get_params() == model.get_params()

    def test_item_table_without_columns(self, ratings, tmp_path):
        data = Dataset.build(ratings, item_table=pd.DataFrame({"item": range(62)}))
        Popularity().fit(data).save(tmp_path / "m")
        assert load(tmp_path / "m").item_table_.shape == (62, 0)

    def test_no_item_table(self, ratings, tmp_path):
        Popularity().fit(ratings).save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        assert loaded.item_table_ is None
        with pytest.raises(ParameterError, match="needs an item table"):
            loaded.recommend(rules=Rules(where="year > 1"))

    def test_item_table_of_awkward_columns(self, ratings, tmp_path):
        n = 60
        table = pd.DataFrame({"item": range(n), "year": range(n), "Year": range(n, 0, -1)})
        table["genre"] = [["a", "b"] if one % 2 else None for one in range(n)]
        table["free"] = pd.Series([[True, None, False][one % 3] for one in range(n)], dtype=object)
        table["when"] = pd.to_datetime("2020-01-01") + pd.to_timedelta(np.arange(n), unit="D")
        table["kind"] = pd.Categorical(["x", "y"] * 30)
        table['odd name\'s "x"'] = 1
        model = Popularity().fit(Dataset.build(ratings, item_table=table))
        model.save(tmp_path / "m")
        loaded = load(tmp_path / "m")
        pd.testing.assert_frame_equal(loaded.item_table_, model.item_table_)
        for where, count in {
            "free": 20,
            "list_contains(genre, 'a')": 30,
            "\"when\" < DATE '2020-01-11'": 10,
            "kind = 'x' and year < 10": 5,
        }.items():
            for one in (model, loaded):
                compiled = Rules(where=where).compile(one.items_, one.item_table_)
            assert compiled.allowed.sum() == count


class TestOfYourOwn:
    class Mine(Popularity):
        model_name = "mine"

        def __init__(self, *, boost: float = 1.0) -> None:
            self.boost = boost

    def test_load_with_the_class(self, ratings, tmp_path):
        model = self.Mine(boost=2.0).fit(ratings)
        model.save(tmp_path / "m")
        loaded = load(tmp_path / "m", models=[self.Mine])
        assert type(loaded) is self.Mine
        assert loaded.boost == 2.0
        pd.testing.assert_frame_equal(loaded.recommend(k=3), model.recommend(k=3))

    def test_load_without_it(self, ratings, tmp_path):
        self.Mine().fit(ratings).save(tmp_path / "m")
        message = (
            r"holds a model 'mine', which is not known here; pass its class to load\(\.\.\., mod"
        )
        with pytest.raises(ModelFolderError, match=message):
            load(tmp_path / "m")

    def test_a_parameter_that_is_gone(self, ratings, tmp_path):
        class Mine(Popularity):
            model_name = "mine"

        self.Mine().fit(ratings).save(tmp_path / "m")
        with pytest.raises(ModelFolderError, match="does not fit this version: mine has no param"):
            load(tmp_path / "m", models=[Mine])


@pytest.fixture(scope="module")
def saved(linked, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "m"
    HybridALS(factors=2, iterations=1).fit(linked).save(folder)
    return folder


class TestRefused:
    @pytest.fixture
    def folder(self, saved, tmp_path):
        return shutil.copytree(saved, tmp_path / "m")

    def test_no_folder(self, tmp_path):
        with pytest.raises(ModelFolderError, match="nowhere"):
            load(tmp_path / "nowhere")

    @pytest.mark.parametrize("name", ["arrays.safetensors", "manifest.json", "ids/items.parquet"])
    @pytest.mark.parametrize("damage", ["truncated", "altered", "gone"])
    def test_damaged_files(self, folder, name, damage):
        file = folder / name
        content = bytearray(file.read_bytes())
        if damage == "truncated":
            file.write_bytes(content[:-20])
        elif damage == "altered":
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        else:
            file.unlink()
        with pytest.raises(ModelFolderError):
            load(folder)

    def rewritten(self, folder, **changes):
        """Write the folder again, valid in itself, with other parts."""
        stored = read_folder(folder)
        own = ("format_version", "library_version", "created", "files", "checksum")
        manifest = {key: value for key, value in stored.manifest.items() if key not in own}
        parts = {"manifest": manifest, "arrays": stored.arrays, "tables": stored.tables}
        for kind, change in changes.items():
            parts[kind] = {
                key: value for key, value in {**parts[kind], **change}.items() if value is not None
            }
        write_folder(folder.with_name("changed"), **parts)
        return folder.with_name("changed")

    @pytest.mark.parametrize(
        "changes",
        [
            {"arrays": {"history": None}},
            {"arrays": {"scorer/item_bias": None}},
            {"arrays": {"state/mean_weight_": None}},
            {"manifest": {"model": None}},
            {"manifest": {"params": 5}},
            {"manifest": {"scorer": None}},
            {"tables": {"ids/users": None}},
            {"tables": {"items": {"other": np.zeros(62)}}},
            {"tables": {"ids/entities": None}},
        ],
    )
    def test_missing_parts(self, folder, changes):
        with pytest.raises(ModelFolderError, match="is not a complete hybridrec model"):
            load(self.rewritten(folder, **changes))

    @pytest.mark.parametrize(
        "changes",
        [
            {"tables": {"ids/users": {"id": np.arange(41)}}},
            {"tables": {"ids/items": {"id": np.arange(61)}}},
            {"tables": {"ids/items": {"id": np.zeros(62, dtype=int)}}},
            {"arrays": {"scorable": np.ones(3, dtype=bool)}},
            {"arrays": {"user_sources": np.zeros(3, dtype=np.int8)}},
            {"arrays": {"scorer/item_factors": np.ones((3, 2), dtype=np.float32)}},
            {"arrays": {"scorer/user_factors": np.ones((40, 3), dtype=np.float32)}},
            {"arrays": {"scorer/user_factors": np.full((40, 2), np.nan, dtype=np.float32)}},
        ],
    )
    def test_parts_of_different_sizes(self, folder, changes):
        """Kernels would read beyond the end of an array."""
        with pytest.raises(ModelFolderError):
            load(self.rewritten(folder, **changes))

    def test_the_rewritten_folder_is_fine_without_changes(self, folder):
        same(load(folder), load(self.rewritten(folder)))

    def test_an_existing_folder_stays(self, folder, ratings):
        before = load(folder).recommend(k=2)
        with pytest.raises(OutputError, match="exists"):
            Popularity().fit(ratings).save(folder)
        pd.testing.assert_frame_equal(load(folder).recommend(k=2), before)
        Popularity().fit(ratings).save(folder, overwrite=True)
        assert isinstance(load(folder), Popularity)

    def test_a_loaded_model_over_its_own_folder(self, folder):
        """Its arrays are views on the very file that is replaced."""
        model = load(folder)
        before = model.recommend(k=2)
        model.save(folder, overwrite=True)
        pd.testing.assert_frame_equal(model.recommend(k=2), before)
        pd.testing.assert_frame_equal(load(folder).recommend(k=2), before)
