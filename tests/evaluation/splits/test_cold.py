from __future__ import annotations

import numpy as np
import pytest

from hybridrec.errors import DataError, ParameterError
from hybridrec.evaluation.splits import cold_items, cold_users, warm_and_cold


def test_cold_items_lose_every_row(random_dataset):
    dataset = random_dataset()
    split = cold_items(dataset, fraction=0.3, random_state=5)
    cold = split.candidates
    with_rows = np.unique(dataset.interactions.item_codes[dataset.interactions.weights > 0])
    assert cold.sum() == int(0.3 * len(with_rows) + 0.5)
    assert set(np.flatnonzero(cold)) <= set(with_rows)
    assert not cold[split.train.interactions.item_codes].any()
    assert cold[split.test.item_codes].all()
    # an item that never had an interaction is in the catalogue, but no candidate
    assert not cold[dataset.items.codes(["never"])].any()
    assert split.train.item_table is dataset.item_table


def test_cold_items_differ_with_the_seed(random_dataset):
    dataset = random_dataset()
    drawn = [cold_items(dataset, random_state=seed).candidates for seed in range(40)]
    tested = np.logical_or.reduce(drawn)
    assert tested.sum() == (dataset.matrix.getnnz(axis=0) > 0).sum()


def test_warm_and_cold_holds_out_both(random_dataset, pairs_of):
    dataset = random_dataset(seed=5)
    split = warm_and_cold(dataset, cold_fraction=0.3, warm_fraction=0.25, random_state=2)
    cold = cold_items(dataset, fraction=0.3, random_state=2)
    assert split.candidates is None
    assert pairs_of(cold.test) < pairs_of(split.test)
    warm = pairs_of(split.test) - pairs_of(cold.test)
    assert len(warm) == int(0.25 * len(pairs_of(cold.train.interactions)) + 0.5)
    assert not cold.candidates[split.train.interactions.item_codes].any()
    # the share of warm pairs is another draw than that of the items
    other = warm_and_cold(dataset, cold_fraction=0.3, warm_fraction=0.5, random_state=2)
    assert pairs_of(split.test) < pairs_of(other.test)


@pytest.mark.parametrize("support", [0, 1, 5])
def test_cold_users_have_support_and_test_but_no_training(random_dataset, pairs_of, support):
    dataset = random_dataset(rows=300)
    split = cold_users(dataset, fraction=0.4, support=support, random_state=1)
    owned = np.diff(dataset.matrix.indptr)
    eligible = owned > support
    assert len(split.test_users) == int(0.4 * eligible.sum() + 0.5)
    assert split.skipped_users == ((owned > 0) & ~eligible).sum()
    assert not np.isin(split.test_users, split.train.interactions.user_codes).any()
    assert not pairs_of(split.test) & pairs_of(split.support)
    given = np.diff(split.support.matrix[split.test_users].indptr)
    asked = np.diff(split.test.matrix[split.test_users].indptr)
    assert (given == support).all()
    assert (given + asked == owned[split.test_users]).all()


def test_refusals(random_dataset):
    dataset = random_dataset()
    for fraction in (0, 1, -0.1, None):
        with pytest.raises(ParameterError, match="fraction"):
            cold_items(dataset, fraction=fraction)
        with pytest.raises(ParameterError, match="fraction"):
            cold_users(dataset, fraction=fraction)
        with pytest.raises(ParameterError, match="cold_fraction"):
            warm_and_cold(dataset, cold_fraction=fraction)
        with pytest.raises(ParameterError, match="warm_fraction"):
            warm_and_cold(dataset, warm_fraction=fraction)
    with pytest.raises(ParameterError, match="support"):
        cold_users(dataset, support=-1)
    with pytest.raises(DataError, match="cannot split 0 users with more than 100 items"):
        cold_users(dataset, support=100)
