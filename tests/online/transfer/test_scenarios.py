"""The model of all scenarios, and its views."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hybridrec import Dataset, HybridALS, Interactions, KnowledgeGraph, load
from hybridrec.errors import DataError, ParameterError
from hybridrec.online.transfer import Alpha, Scenarios
from hybridrec.privacy import forget

BASE = "hybrid-als:factors=6,iterations=8"


def by_scenario(rows):
    return Interactions.from_frame(rows, context=["scenario"])


@pytest.fixture(scope="module")
def model(shop):
    return Scenarios(base=BASE).fit(shop)


@pytest.fixture(scope="module")
def library(domains):
    return Scenarios(base=BASE).fit(domains)


def pairs(rows):
    return set(zip(rows["user"], rows["item"], strict=True))


# ---- lists ------------------------------------------------------------------------------------


def test_without_a_scenario_it_is_the_shared_model(shop, model):
    plain = HybridALS(factors=6, iterations=8).fit(by_scenario(shop))
    pd.testing.assert_frame_equal(model.recommend(k=5), plain.recommend(k=5))
    still = Scenarios(base=BASE, alpha=0).fit(shop)
    assert set(still.alpha_.values()) == {Alpha(0, 0, 0)}
    users, items = (
        getattr(still.scenario("buy").scorer_, f"{one}_factors") for one in ("user", "item")
    )
    np.testing.assert_array_equal(users, plain.scorer_.user_factors)
    np.testing.assert_array_equal(items, plain.scorer_.item_factors)


def test_buyers_get_what_people_buy(shop, model):
    lists = model.recommend(k=3, context={"scenario": "buy"})
    pd.testing.assert_frame_equal(lists, model.scenario("buy").recommend(k=3))
    shared = Scenarios(base=BASE, alpha=0).fit(shop).scenario("buy").recommend(k=3)
    cheap, without = (one["item"].str[1:].astype(int) % 3 == 0 for one in (lists, shared))
    assert cheap.mean() > without.mean() + 0.05


def test_what_was_browsed_can_be_bought_but_not_what_was_bought(shop, model):
    browsed, bought = (shop[shop["scenario"] == one] for one in ("browse", "buy"))
    lists = pairs(model.recommend(k=60, context={"scenario": "buy"}))
    assert not lists & pairs(bought)
    assert lists & pairs(browsed)
    anywhere = Scenarios(base=BASE, seen="any", alpha=0.5).fit(shop)
    assert not pairs(anywhere.scenario("buy").recommend(k=60)) & pairs(shop)


def test_a_domain_has_its_own_items_and_a_shop_all(library, model):
    assert set(library.scenario("book").recommend(k=50)["item"].str[:4]) == {"book"}
    assert set(library.recommend(k=50)["item"].str[:4]) == {"book", "film"}
    assert model.scenario("buy").scorable_.all()
    assert Scenarios(base=BASE, items="own", alpha=0).fit(
        pd.DataFrame({"user": [1, 1, 2], "item": ["a", "b", "a"], "scenario": ["x", "y", "x"]})
    ).scenario("y").scorable_.tolist() == [False, True]


def test_who_is_known_by_films_gets_books_of_their_taste(domains, library):
    """The point of transfer: not what is popular, but what fits."""
    lists = library.scenario("book").recommend([f"u{one}" for one in range(8)], k=5)
    assert set(lists["source"]) == {"model"}
    fits = lists["item"].str[4:].astype(int) % 2 == lists["user"].str[1:].astype(int) % 2
    assert fits.mean() > 0.9
    alone = HybridALS(factors=6).fit(domains[domains["scenario"] == "book"])
    assert "u1" not in alone.users_


def test_a_new_user_with_films_gets_books(library):
    films = pd.DataFrame({"user": "new", "item": [f"film{one}" for one in range(1, 14, 2)]})
    lists = library.recommend(history=films, k=5, context={"scenario": "book"})
    assert set(lists["source"]) == {"fold-in"}
    assert all(int(one[4:]) % 2 for one in lists["item"])


def test_facts_connect_domains_without_a_common_user(domains):
    """Users of films only, users of books only; both know what is of which kind."""
    person = domains["user"].str[1:].astype(int)
    apart = domains[(person % 4 < 2) == (domains["scenario"] == "film")]
    assert not apart.groupby("user")["scenario"].nunique().gt(1).any()
    items = pd.Series(sorted(domains["item"].unique()))
    kind = np.where(items.str[4:].astype(int) % 2, "odd", "even")
    facts = KnowledgeGraph.from_item_table(
        pd.DataFrame({"item": items, "kind": kind}), {"kind": "kind"}
    )
    rows = by_scenario(apart)
    users = [one for one in rows.users.ids if int(one[1:]) % 4 < 2]

    def fitting(data):
        lists = Scenarios(base=BASE, alpha=0).fit(data).scenario("book").recommend(users, k=5)
        odd = lists["item"].str[4:].astype(int) % 2
        return (odd == lists["user"].str[1:].astype(int) % 2).mean()

    assert fitting(Dataset.build(rows, facts)) > 0.9
    assert fitting(Dataset.build(rows)) < 0.7


def test_views_score_explain_and_find_similar_items(model):
    view = model.scenario("buy")
    lists = view.recommend([1, 2], k=3)
    scored = view.score(lists[["user", "item"]])
    np.testing.assert_array_equal(scored["score"], lists["score"])
    assert not np.array_equal(scored["score"], model.score(lists[["user", "item"]])["score"])
    told = view.explain(1, lists["item"][0])
    assert told.score == lists["score"][0]
    assert sum(part.value for part in told.parts) == pytest.approx(told.score, abs=1e-4)
    assert len(view.similar_items(["i0"], k=3)) == 3


def test_films_explain_a_book(domains, library):
    view = library.scenario("book")
    lists = view.recommend(["u1", "u20"], k=2)
    for row in lists.itertuples():
        told = view.explain(row.user, row.item)
        assert told.score == row.score
        assert sum(part.value for part in told.parts) == pytest.approx(row.score, abs=1e-4)
        named = {part.item for part in told.parts if part.item is not None}
        assert named <= set(domains[domains["user"] == row.user]["item"])
        assert any(one.startswith("film") for one in named)


def test_folding_in_a_buyer_is_as_having_bought(shop, model):
    """Whoever has nothing but purchases is folded in where the fit would have put them."""
    view = model.scenario("buy")
    rows = shop[(shop["scenario"] == "buy") & (shop["user"] == 4)].assign(user=-1)
    folded = view.recommend(history=rows, k=8)
    assert not set(folded["item"]) & set(rows["item"])
    assert (folded["item"].str[1:].astype(int) % 2 == 0).mean() > 0.8


def test_views_cannot_be_changed(model, tmp_path):
    view = model.scenario("buy")
    assert repr(view) == "ScenarioView('buy')"
    for change in (
        lambda: view.fit(None),
        lambda: view.update(None),
        lambda: view.add_items(None),
        lambda: view.save(tmp_path / "view"),
    ):
        with pytest.raises(ParameterError, match="view of scenario 'buy'"):
            change()
    with pytest.raises(ParameterError, match="knows no context"):
        view.in_context({"scenario": "buy"})


# ---- storage, freshness -------------------------------------------------------------------------


def test_scenarios_are_saved(model, library, tmp_path):
    for number, one in enumerate((model, library)):
        one.save(tmp_path / str(number))
        loaded = load(tmp_path / str(number))
        assert loaded.alpha_ == one.alpha_
        for name in one.scenarios_:
            pd.testing.assert_frame_equal(
                loaded.scenario(name).recommend(k=6), one.scenario(name).recommend(k=6)
            )


def test_updates_count_in_their_scenario(shop):
    model = Scenarios(base=BASE, alpha=0.5).fit(shop)
    others = list(range(1, 60))
    before = model.scenario("buy").recommend(others, k=5)
    best = model.scenario("buy").recommend([0], k=1)["item"][0]
    fresh = pd.DataFrame(
        {"user": [0, 99, 99], "item": [best, "i3", "i9"], "scenario": ["buy", "browse", "buy"]}
    )
    model.update(fresh)
    view = model.scenario("buy")
    pd.testing.assert_frame_equal(view.recommend(others, k=5), before)
    assert best not in set(view.recommend([0], k=60)["item"])
    lists = set(view.recommend([99], k=60)["item"])
    assert "i9" not in lists
    assert "i3" in lists
    assert "i9" in set(model.scenario("browse").recommend([99], k=60)["item"])
    model.update(pd.DataFrame({"user": [0], "item": ["i58"]}))  # of no scenario
    assert "i58" not in set(model.recommend([0], k=60)["item"])
    with pytest.raises(DataError, match=r"'bux' was not there at the fit; did you mean 'buy'"):
        model.update(fresh.assign(scenario="bux"))


def test_new_items_are_placed_by_a_column_of_the_table(domains):
    items = pd.Series(sorted([*domains["item"].unique(), "book100"]))
    table = pd.DataFrame({"item": items, "shelf": items.str[:4]})
    table["kind"] = np.where(items.str[4:].astype(int) % 2, "odd", "even")
    data = Dataset.build(by_scenario(domains), item_table=table)
    model = Scenarios(base=BASE, items="shelf", alpha=0).fit(data)
    assert "book100" in set(model.scenario("book").recommend(k=60)["item"])
    assert "book100" not in set(model.scenario("film").recommend(k=60)["item"])
    model.add_items(pd.DataFrame({"item": ["film77"], "shelf": ["film"], "kind": ["odd"]}))
    assert "film77" in set(model.scenario("film").recommend(["u1"], k=60)["item"])
    with pytest.raises(DataError, match=r"no column 'shelv'.*did you mean 'shelf'"):
        Scenarios(base=BASE, items="shelv").fit(data)


def test_who_is_forgotten_is_gone_from_every_scenario(shop, model, tmp_path):
    left = forget(model, [4])
    assert 4 not in left.users_
    assert {one.shape[0] for one in left.histories_.values()} == {59}
    view, before = left.scenario("buy"), model.scenario("buy")
    pd.testing.assert_frame_equal(view.recommend([5, 6], k=5), before.recommend([5, 6], k=5))
    left.save(tmp_path / "left")
    assert load(tmp_path / "left").histories_["buy"].nnz == left.histories_["buy"].nnz
    assert 4 in model.users_
    only = pd.concat([shop, shop.iloc[:1].assign(user=77, item="mine", scenario="buy")])
    left = forget(Scenarios(base=BASE, alpha=0.5).fit(only), [77])
    assert left.items_.codes(["mine"])[0] not in left.scenarios_["buy"].items


def test_als_can_be_adapted_too(shop):
    model = Scenarios(base="als:factors=6,regularization=2").fit(shop)
    assert model.alpha_["buy"].users + model.alpha_["buy"].items > 0
    assert len(model.scenario("buy").recommend([3], k=4)) == 4


# ---- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"base": "ease"}, "hybrid-als or als"),
        ({"base": "hybrid-als:factor=3"}, "no parameter 'factor'; did you mean 'factors'"),
        ({"alpha": 1.5}, "alpha must be at most 1"),
        ({"alpha": -0.1}, "alpha must be a number of at least 0"),
        ({"alpha": "much"}, "alpha must be a number from 0 to 1 or 'auto', got 'much'"),
        ({"seen": "all"}, "seen must be one of own, any"),
    ],
)
def test_bad_parameters(shop, params, match):
    with pytest.raises(ParameterError, match=match):
        Scenarios(**params).fit(shop)


def test_bad_data_and_contexts(shop, shop_data, model):
    with pytest.raises(DataError, match="no column 'kind' of scenarios"):
        Scenarios(base=BASE, column="kind").fit(shop)
    with pytest.raises(DataError, match="tells no scenario"):
        Scenarios(base=BASE).fit(shop.assign(scenario=[None, *shop["scenario"][1:]]))
    with pytest.raises(ParameterError, match="unknown scenario 'by'; did you mean 'buy'"):
        model.recommend(context={"scenario": "by"})
    with pytest.raises(ParameterError, match="unknown context 'scene'; did you mean 'scenario'"):
        model.recommend(context={"scene": "buy"})
    with pytest.raises(ParameterError, match="give one scenario"):
        model.recommend(context={})
    one = Scenarios(base=BASE).fit(shop.drop(columns="scenario"))
    assert list(one.scenarios_) == ["all"]
    assert one.alpha_["all"] == Alpha(0, 0, 0)
