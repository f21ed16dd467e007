"""Splits, metrics and lists of a cluster are those of one machine."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import vstack

import hybridrec as hr
from hybridrec import distributed as hd
from hybridrec import evaluation as ev
from hybridrec.distributed.evaluate import SUPPORTED, Moments
from hybridrec.errors import DataError, OutputError, ParameterError

SPLITS = [
    (hd.random_split, ev.random_split, {}),
    (hd.random_split, ev.random_split, {"by": "user", "random_state": 3, "test_fraction": 0.4}),
    (hd.leave_last_n, ev.leave_last_n, {"n": 2}),
]


@pytest.fixture(scope="module")
def model(local):
    return hr.HybridALS(factors=8, iterations=3).fit(local)


@pytest.mark.parametrize(("ours", "theirs", "params"), SPLITS)
def test_the_same_pairs_are_held_out(sharded, local, ours, theirs, params):
    found, expected = ours(sharded, **params), theirs(local, **params)
    for data, matrix in (
        (found.train, expected.train.matrix),
        (found.test, expected.test.matrix),
    ):
        assert (vstack(list(data.stream()), format="csr") != matrix).nnz == 0
    assert found.seed == expected.seed


@pytest.mark.parametrize(("ours", "theirs", "params"), SPLITS)
def test_the_same_metrics(cluster, sharded, local, ours, theirs, params):
    split, there = ours(sharded, **params), theirs(local, **params)
    model = hr.HybridALS(factors=8, iterations=2).fit(there.train)
    found = hd.evaluate(cluster, model, split, metrics=SUPPORTED, k=(3, 200), name="x")
    expected = ev.evaluate(model, there, metrics=SUPPORTED, k=(3, 200), name="x").summary()
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_slices_appear_as_on_one_machine(cluster, folder, tmp_path):
    """Few events, so that some items and users are met in the test alone."""
    frame = pd.read_parquet(folder).sample(700, random_state=1).reset_index(drop=True)
    frame.to_parquet(tmp_path / "few.parquet")
    data = hd.read_sharded(cluster, tmp_path / "few.parquet")
    local = hr.Dataset.build(hr.clean(hr.Interactions.from_frame(frame))[0])
    split, there = hd.random_split(data), ev.random_split(local)
    model = hd.fit(hr.Popularity(), split.train)
    found = hd.evaluate(cluster, model, split)
    expected = ev.evaluate(model, there).summary()
    assert {row["slice"] for row in expected} == {"all", "warm", "cold", "users:known"}
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, abs=1e-12)


def test_moments_of_parts_are_those_of_the_whole():
    values = np.random.default_rng(0).normal(size=(40, 3))
    joined = Moments.of(values[:0])
    for part in np.split(values, [1, 17]):
        joined = joined.joined(Moments.of(part))
    assert joined.n == 40
    np.testing.assert_allclose(joined.mean, values.mean(axis=0))
    np.testing.assert_allclose(joined.spread / 39, values.var(axis=0, ddof=1))


def test_what_cannot_be_measured_is_refused(cluster, sharded, folder, model):
    split = hd.random_split(sharded)
    with pytest.raises(ParameterError, match="'diversity' is not measured on a cluster"):
        hd.evaluate(cluster, model, split, metrics=["recall", "diversity"])
    other = hd.random_split(hd.read_sharded(cluster, folder))
    with pytest.raises(ParameterError, match="other users or items"):
        hd.evaluate(cluster, model, other)
    with pytest.raises(ParameterError, match="keep_times=True"):
        hd.leave_last_n(hd.read_sharded(cluster, folder), n=1)
    with pytest.raises(DataError, match="nothing is held out"):
        hd.leave_last_n(sharded, n=10_000)
    with pytest.raises(ParameterError, match="test_fraction"):
        hd.random_split(sharded, test_fraction=1.5)


# ---- lists ------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks", [None, 3])
def test_lists_of_all_users(cluster, model, tmp_path, blocks):
    told = hd.recommend(cluster, model, tmp_path / "lists", 12, block=70, n_item_blocks=blocks)
    found = pd.read_parquet(tmp_path / "lists")
    pd.testing.assert_frame_equal(found, model.recommend(k=12))
    assert told["rows"] == len(found)
    assert told["files"] == [f"part-{at:05d}.parquet" for at in range(3)]


@pytest.mark.parametrize("make", [hr.ItemKNN, hr.RP3Beta, hr.Popularity, hr.EASE, hr.ALS])
def test_lists_of_other_models(cluster, local, tmp_path, make):
    model = make().fit(local.interactions)
    hd.recommend(cluster, model, tmp_path / "lists", 5, block=70)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "lists"), model.recommend(k=5))


def test_strangers_get_what_is_popular_from_item_blocks(cluster, local, tmp_path):
    users = hr.IdMap([*local.users.ids.tolist(), 10**6], "user")
    table = pd.DataFrame({"user": users.ids})
    model = hr.HybridALS(factors=4, iterations=2).fit(
        hr.Dataset.build(local.interactions, user_table=table)
    )
    hd.recommend(cluster, model, tmp_path / "lists", 5, n_item_blocks=2)
    found = pd.read_parquet(tmp_path / "lists")
    pd.testing.assert_frame_equal(found, model.recommend(k=5))
    assert "popular" in set(found["source"])


def test_rules_and_reranking(cluster, model, tmp_path):
    rules = hr.Rules(deny=["film 1", "film 2"], where="year >= 1910")
    asked = {"rules": rules, "rerank": "mmr:weight=0.3"}
    hd.recommend(cluster, model, tmp_path / "lists", 5, **asked)
    expected = model.recommend(k=5, **asked)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "lists"), expected)
    with pytest.raises(ParameterError, match="need all items on a worker"):
        hd.recommend(cluster, model, tmp_path / "more", 5, **asked, n_item_blocks=2)
    assert not (tmp_path / "more").exists()


def test_lists_appear_whole_or_not_at_all(cluster, model, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    with pytest.raises(OutputError, match="replaces nothing else"):
        hd.recommend(cluster, model, tmp_path / "mine", overwrite=True)
    with pytest.raises(OutputError, match="make it first"):
        hd.recommend(cluster, model, tmp_path / "no" / "lists")
    hd.recommend(cluster, model, tmp_path / "lists", 2)
    with pytest.raises(OutputError, match="already exists"):
        hd.recommend(cluster, model, tmp_path / "lists", 3)

    with pytest.raises(ParameterError):
        hd.recommend(cluster, model, tmp_path / "lists", 3, rerank="nosuch", overwrite=True)
    assert pd.read_parquet(tmp_path / "lists").groupby("user").size().max() == 2
    hd.recommend(cluster, model, tmp_path / "lists", 3, overwrite=True)
    assert pd.read_parquet(tmp_path / "lists").groupby("user").size().max() == 3
    assert sorted(one.name for one in tmp_path.iterdir()) == ["lists", "mine"]


def test_ensembles_are_refused(cluster, local, tmp_path):
    blend = hr.Blend(members=["popularity", "item-knn"]).fit(local.interactions)
    with pytest.raises(ParameterError, match="blend is made of other models"):
        hd.recommend(cluster, blend, tmp_path / "lists")
