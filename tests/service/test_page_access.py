"""The page by keyboard alone, on a phone, in the dark, and as axe judges it."""

from __future__ import annotations

import re
import shutil
from importlib.resources import files

import pytest
from playwright.sync_api import expect

from tests.service.browser import ENDLESS, Visit, chromium

pytestmark = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="there is no chromium to look at the page with"
)
AXE = files("axe_playwright_python") / "axe.min.js"
VIEWS = {
    "popular": "",
    "a taste, opened": "?like=260~5&like=1~5&open=1210",
    "two models with rules": "?user=1&against=item-knn&from.year=1980&order=mmr",
    "nothing": "?user=1&from.year=3000",
}


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def visitor(browser, page_address):
    """Return what makes visitors; at the end nothing may have gone wrong."""
    made = []

    def make(**options):
        made.append(Visit(browser, page_address, **options))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
        assert one.errors == []


@pytest.mark.parametrize(
    ("view", "scheme"),
    [*((view, "light") for view in VIEWS), *((view, "dark") for view in list(VIEWS)[1:3])],
)
def test_axe_finds_nothing(visitor, view, scheme):
    visit = visitor(color_scheme=scheme)
    page = visit.open(VIEWS[view])
    for panel in ("#rules", "#order"):
        page.locator(f"{panel} summary").click()
    page.wait_for_timeout(250)  # until nothing fades any more
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in found] == []


@pytest.mark.parametrize("width", [360, 768])
@pytest.mark.parametrize("view", VIEWS)
def test_narrow_windows(visitor, view, width):
    visit = visitor(viewport={"width": width, "height": 800}, has_touch=True)
    page = visit.open(VIEWS[view])
    for panel in ("#models", "#rules", "#order"):
        page.locator(f"{panel}:not([open]) summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        """[...document.querySelectorAll(
            "button, select, summary, [type=number], [role=combobox], label:has(input)")]
            .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.9)
            .map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_a_title_without_end(visitor):
    visit = visitor(viewport={"width": 360, "height": 800}, has_touch=True)
    page = visit.open("?like=480~5")
    page.get_by_role("combobox", name="Add items").fill("jurassic")
    expect(page.get_by_role("option").first).to_contain_text(ENDLESS)
    page.locator(".name").first.click()
    expect(page.locator(".parts")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_choosing_a_user_on_a_phone_shows_the_list(visitor):
    visit = visitor(viewport={"width": 390, "height": 800}, has_touch=True)
    page = visit.open("?user=")
    page.get_by_role("combobox", name="Find a user").fill("547")
    page.get_by_role("option", name="User 547").click()
    expect(page.locator("h1")).to_be_in_viewport()
    assert page.evaluate("scrollY") > 200


def test_keyboard_alone(visitor):
    visit = visitor()
    page = visit.open()
    key = page.keyboard.press
    key("Tab")
    expect(page.locator(".skip")).to_be_focused()
    key("Enter")
    expect(page.locator("main")).to_be_focused()
    key("Shift+Tab")
    for _ in range(20):
        if page.evaluate("document.activeElement.getAttribute('role')") == "combobox":
            break
        key("Shift+Tab")
    search = page.get_by_role("combobox", name="Add items you like")
    expect(search).to_be_focused()
    page.keyboard.type("star wars")
    expect(search).to_have_attribute("aria-expanded", "true")
    key("ArrowDown")
    key("ArrowDown")
    key("ArrowUp")
    option = page.locator("[role=option][aria-selected=true]")
    expect(option).to_contain_text("Star Wars: Episode IV")
    assert search.get_attribute("aria-activedescendant") == option.get_attribute("id")
    key("Escape")
    expect(search).to_have_attribute("aria-expanded", "false")
    expect(search).to_have_value("star wars")
    key("ArrowDown")
    expect(search).to_have_attribute("aria-expanded", "true")
    key("Enter")
    expect(page.locator(".taste li")).to_have_count(1)
    expect(search).to_be_focused()
    visit.settle()
    name = page.locator(".name").nth(1)
    name.focus()
    key("Enter")
    expect(name).to_have_attribute("aria-expanded", "true")
    expect(name).to_be_focused()
    key("Enter")
    expect(name).to_have_attribute("aria-expanded", "false")
    like = page.locator(".entry .like").nth(1)
    like.focus()
    key("Enter")
    expect(page.locator(".taste li")).to_have_count(2)
    visit.settle()
    assert page.evaluate("document.activeElement.className") == "like"  # of the item there now


def test_every_control_can_be_reached_and_left(visitor):
    visit = visitor()
    page = visit.open("?like=260~5&open=1210&against=item-knn")
    for panel in ("#rules", "#order"):
        page.locator(f"{panel} summary").click()
    total = page.evaluate(
        """document.body.querySelectorAll("a, button, select, summary, input").length"""
    )
    page.evaluate("document.activeElement.blur()")
    reached = 0
    for _ in range(total + 5):
        page.keyboard.press("Tab")
        here = page.evaluate(
            """(() => { const one = document.activeElement; const style = getComputedStyle(one);
            const beside = one.nextElementSibling && getComputedStyle(one.nextElementSibling);
            return [one.tagName, style.outlineStyle, beside?.outlineStyle]; })()"""
        )
        if here[0] == "BODY":
            break
        reached += 1
        assert "solid" in here or "auto" in here, here  # the focus can be seen
    else:
        pytest.fail("the focus goes round")
    assert reached > 40


def test_reduced_motion(visitor):
    page = visitor(reduced_motion="reduce").open()
    assert page.locator(".body").evaluate("one => getComputedStyle(one).transitionDuration") == "0s"


def test_numbers_by_locale(visitor):
    page = visitor(locale="de-DE").open("?user=547")
    expect(page.locator("#about")).to_have_text("671 users · 9.066 items")
    expect(page.locator(".score").first).to_contain_text(re.compile(r"\d,\d\d"))


def test_layout_does_not_jump(visitor):
    visit = visitor()
    page = visit.page
    page.add_init_script(
        """window.jumped = 0;
        new PerformanceObserver((list) => {
            for (const one of list.getEntries()) window.jumped += one.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    visit.open("?user=1")
    page.wait_for_timeout(300)
    assert page.evaluate("window.jumped") < 0.1
