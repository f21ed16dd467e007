"""The journeys of visitors through the page, in a browser."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from tests.service.browser import HOSTILE, Visit, chromium

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="there is no chromium to look at the page with"
)
STAR_WARS, TOY_STORY = 260, 1


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser, page_address):
    """Return a visitor; at the end nothing may have gone wrong, and no other host been asked."""
    one = Visit(browser, page_address)
    yield one
    one.context.close()
    assert one.errors == []
    assert {urlsplit(url).netloc for url in one.asked} <= {urlsplit(page_address).netloc}


@pytest.fixture
def troubled(browser, page_address):
    """Return a visitor to whom errors happen."""
    one = Visit(browser, page_address)
    yield one
    one.context.close()


def test_begins_with_popular_items(visit):
    page = visit.open()
    expect(page.locator("h1")).to_have_text("Popular, to begin with")
    expect(page.locator("#status")).to_have_text("10 recommendations: what most people have")
    assert visit.titles()[0] == "Forrest Gump"
    expect(page.locator(".facts").first).to_have_text("1994 · Comedy, Drama, Romance, …")


def test_pick_a_user(visit):
    page = visit.open()
    page.get_by_text("A known user").click()
    expect(page.locator(".notice")).to_contain_text("Choose a user")
    visit.questions()
    page.get_by_role("combobox", name="Find a user").fill("547")
    page.get_by_role("option", name="User 547 2,391 items").click()
    visit.settle()
    expect(page.locator("h1")).to_have_text("Recommendations for user 547")
    expect(page.locator("#has h3")).to_have_text("User 547 has 2,391 items")
    assert len(visit.questions()) == 1
    assert page.url.endswith("/?user=547")
    page.get_by_role("button", name="Show all 2,391").click()
    assert page.locator(".past li").count() == 501
    expect(page.locator(".past")).to_be_focused()
    page.go_back()
    expect(page.locator(".notice")).to_contain_text("Choose a user")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Popular, to begin with")


def test_build_a_taste(visit):
    page = visit.open()
    search = page.get_by_role("combobox", name="Add items you like")
    search.fill("toy st")
    page.get_by_role("option", name=re.compile("^Toy Story 247")).click()
    expect(page.locator("h1")).to_have_text("Recommendations for this taste")
    visit.settle()
    expect(search).to_be_focused()
    expect(page.locator("#active li")).to_have_count(0)
    assert "Toy Story" not in visit.titles()
    before, again = visit.titles(), page.locator(".like").nth(2)
    liked = before[2]
    visit.questions()
    again.click()
    expect(page.locator(".taste li")).to_have_count(2)
    visit.settle()
    assert len(visit.questions()) == 1
    assert liked not in visit.titles()
    expect(page.locator("#status")).to_contain_text(f"{liked} liked. 10 recommendations")
    shared = page.url
    page.get_by_label("Your rating of Toy Story").select_option("3.5")
    visit.settle()
    assert "like=1%7E3.5" in page.url
    page.get_by_role("button", name="Remove Toy Story").click()
    expect(page.locator(".taste li")).to_have_count(1)
    page.goto(shared)  # the same list for somebody else
    expect(page.locator(".taste li")).to_have_count(2)
    expect(page.locator(".taste li").first).to_contain_text("Toy Story")


def test_reasons_and_explanation(visit):
    page = visit.open(f"?like={STAR_WARS}~5&like={TOY_STORY}~5")
    first = page.locator(".entry").first
    expect(first.locator(".reason")).to_contain_text(re.compile("which you rated 5|Goes with"))
    visit.questions()
    first.locator(".name").click()
    expect(first.locator(".name")).to_have_attribute("aria-expanded", "true")
    assert visit.questions() == []  # all of it came with the list
    numbers = first.locator(".parts").first.locator(".number").all_inner_texts()
    *parts, score = [float(one) for one in numbers]
    assert sum(parts) == pytest.approx(score, abs=0.002)
    assert score == float(first.locator(".score").inner_text().split()[-1])
    ends = (
        first.locator(".parts")
        .first.locator(".bar i")
        .evaluate_all(
            "bars => bars.map(bar => [parseFloat(bar.style.left), parseFloat(bar.style.width)])"
        )
    )
    for (left, width), (after, _) in pairwise(ends[:-1]):
        assert after == pytest.approx(left + width, abs=0.01)
    expect(first.locator(".alike li")).to_have_count(6)
    picture = first.get_by_role("img")
    expect(picture).to_have_accessible_name(re.compile("How known facts lead to .*Star Wars|.*Toy"))
    assert picture.locator(".target").count() == 1
    boxes = picture.locator("rect").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect().toJSON())"
    )
    for at, one in enumerate(boxes):
        for other in boxes[:at]:
            apart = (
                one["right"] <= other["left"] or other["right"] <= one["left"]
                or one["bottom"] <= other["top"] or other["bottom"] <= one["top"]
            )  # fmt: skip
            assert apart, (one, other)


def test_two_models(visit):
    page = visit.open("?user=1")
    visit.questions()
    page.get_by_label("Compare with").select_option("item-knn")
    expect(page.locator(".list")).to_have_count(2)
    visit.settle()
    assert len(visit.questions()) == 1  # the other list stays
    left, right = visit.titles(0), visit.titles(1)
    both = [title for title in left if title in right]
    expect(page.locator("#status")).to_contain_text(f"{len(both)} in both")
    assert page.locator(".list").first.locator(".both").count() == len(both)
    for title in both:
        moved = right.index(title) - left.index(title)
        entry = page.locator(".list").first.locator(".entry").nth(left.index(title))
        text = "at the same place" if moved == 0 else "higher" if moved > 0 else "lower"
        expect(entry.locator(".tags")).to_contain_text(text)
    page.get_by_label("Compare with").select_option("")
    expect(page.locator(".list")).to_have_count(1)
    assert page.locator(".both").count() == 0


def test_rules(visit):
    page = visit.open(f"?like={STAR_WARS}~5")
    page.locator("#rules summary").click()
    page.get_by_role("spinbutton", name="Year from").fill("1990")
    expect(page.locator("#active")).to_contain_text("Year from 1990")
    expect(page.get_by_role("spinbutton", name="Year from")).to_be_focused()
    page.get_by_text("Drama", exact=True).click()
    expect(page.locator("#active li")).to_have_count(2)
    expect(page.get_by_role("checkbox", name="Drama")).to_be_focused()
    visit.settle()
    for facts in page.locator(".facts").all_inner_texts():
        assert int(facts[:4]) >= 1990
    page.get_by_label("At most this many with the same genres").select_option("1")
    visit.settle()
    expect(page.locator("#status")).to_have_text("1 recommendation; no other items fit")
    page.get_by_role("spinbutton", name="Year from").fill("2999")
    expect(page.locator(".notice")).to_contain_text("No items fit these rules.")
    expect(page.locator("#status")).to_have_text("0 recommendations")
    page.get_by_role("button", name="Clear the rules").click()
    visit.settle()
    assert len(visit.titles()) == 10
    expect(page.get_by_role("spinbutton", name="Year from")).to_have_value("")
    page.get_by_role("spinbutton", name="Year from").fill("2010")
    page.get_by_role("spinbutton", name="Year to").fill("2000")
    expect(page.locator(".told[role=alert]")).to_have_text("“From” is larger than “to”.")


def test_hide_an_item(visit):
    page = visit.open(f"?like={STAR_WARS}~5")
    first = visit.titles()[0]
    page.locator(".name").first.click()
    page.get_by_role("button", name="Hide this item").click()
    expect(page.locator("#active")).to_contain_text("1 item hidden")
    visit.settle()
    assert first not in visit.titles()


def test_diversity(visit):
    page = visit.open(f"?like={STAR_WARS}~5&like=1210~5")
    plain = visit.titles()
    page.locator("#order summary").click()
    page.get_by_label("Fewer look-alikes").check()
    visit.settle()
    slider = page.get_by_label("How strongly")
    visit.questions()
    slider.focus()
    slider.press("Home")
    for _ in range(8):
        slider.press("ArrowRight")  # many at once: one question
    expect(page.locator("output")).to_have_text("40%")
    expect(slider).to_be_focused()
    page.wait_for_timeout(500)
    visit.settle()
    assert len(visit.questions()) == 1
    assert visit.titles() != plain
    assert "strength=0.4" in page.url
    page.get_by_label("Mirror the taste").check()
    visit.settle()
    assert "order=calibrated&by=genres" in page.url
    page.get_by_label("As the model scores them").check()
    visit.settle()
    assert visit.titles() == plain


def test_stale_answers_are_dropped(visit):
    page = visit.open()
    held = []
    page.route("**/recommend", lambda route: held.append(route), times=1)
    page.locator(".like").nth(0).click()
    page.wait_for_timeout(100)
    page.get_by_role("button", name="Start again").click()
    visit.settle()
    for route in held:
        route.abort()
    expect(page.locator("h1")).to_have_text("Popular, to begin with")
    assert len(visit.titles()) == 10


def test_more_of_a_list(visit):
    page = visit.open("?user=1")
    ten = visit.titles()
    page.get_by_role("button", name="Show 10 more").click()
    expect(page.locator(".entry")).to_have_count(20)
    assert visit.titles()[:10] == ten


def test_titles_are_text(visit):
    page = visit.open("?like=2571~5")
    expect(page.locator(".taste li span").first).to_have_text(HOSTILE)
    page.get_by_role("combobox", name="Add items you like").fill("matrix")
    expect(page.get_by_role("option").first).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    page.locator(".name").first.click()
    expect(page.locator(".parts th").first).to_have_text(HOSTILE)
    assert page.locator("main img, #has img, .options img, main b b").count() == 0
    expect(page).to_have_title(re.compile("Recommendations"))
    page.goto(f"{visit.address}/?user=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    visit.errors.clear()  # an unknown user is a 404, which the browser notes
    expect(page.locator(".notice")).to_contain_text("Nobody is known as “<img src=x")
    visit.errors.clear()


def test_addresses_keep_ids_as_they_are(visit):
    page = visit.open()
    ids = [1, -7, "1", "a~b", '"', '"x"', "ü&=?#/", "__proto__", ""]
    found = page.evaluate(
        """async (ids) => {
            const { readState, address } = await import("/page/state.js");
            const state = readState("");
            state.taste = ids.map((item) => ({ item, weight: 2.5 }));
            state.hidden = ids;
            state.values = { "a.b": ["x", "y"] };
            const again = readState(new URL(address(state), location).search);
            return [again.taste.map((one) => one.item), again.hidden, { ...again.values }];
        }""",
        ids,
    )
    assert found == [ids, ids, {"a.b": ["x", "y"]}]


def test_errors_in_plain_words(troubled):
    page = troubled.open("?user=nobody")
    expect(page.locator(".notice")).to_have_text(
        "Nobody is known as “nobody” here. Choose another user."
    )
    page.goto(f"{troubled.address}/?user=1&with.nothing=1")
    expect(page.get_by_role("alert")).to_contain_text("nothing")
    page.get_by_role("button", name="Clear rules and diversity").click()
    expect(page.locator(".entry .row")).to_have_count(10)
    error = json.dumps({"error": {"code": "internal", "message": "it broke"}})
    troubled.answer("/recommend", 500, error)
    page.get_by_role("button", name="Show 10 more").click()
    expect(page.get_by_role("alert")).to_contain_text("It broke")
    page.unroute("**/recommend")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".entry .row")).to_have_count(20)


def test_service_is_gone(troubled):
    page = troubled.open("?user=1")
    page.route("**/recommend", lambda route: route.abort())
    page.get_by_role("button", name="Show 10 more").click()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")
    page.route("**/models", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("The service does not answer")


def test_page_is_small(visit):
    sizes = []
    visit.page.on("response", lambda answer: sizes.append((answer.url, len(answer.body()))))
    visit.open()
    files = {url: size for url, size in sizes if "/page/" in url or url.endswith("/")}
    assert len(files) >= 10
    assert sum(files.values()) < 80_000, files


def test_what_the_page_is_told(page_address):
    body = {"history": [], "k": 1, "columns": True}
    entry = httpx.post(f"{page_address}/recommend", json=body).json()["items"][0]
    genres = ["Comedy", "Drama", "Romance", "War"]
    assert entry["columns"] == {"title": "Forrest Gump", "year": 1994, "genres": genres}
    model = httpx.get(f"{page_address}/models").json()["models"][0]
    assert model["weights"] == {"smallest": 0.5, "usual": 4.0, "largest": 5.0}


def test_files_come_compressed_and_once(page_address):
    url = f"{page_address}/page/page.css"
    packed = httpx.get(url)
    plain = httpx.get(url, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text
    again = httpx.get(url, headers={"If-None-Match": packed.headers["etag"]})
    assert again.status_code == 304
