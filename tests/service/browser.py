"""The page as a visitor has it: a served pair of small models, and Debian's Chromium."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

import hybridrec
from hybridrec.service.app import App
from hybridrec.service.live import LiveRecommender
from hybridrec.service.server import address_of, bound_socket

HOSTILE = '<img src=x onerror="document.title=1"><b>Matrix</b>'  # the title of item 2571
ENDLESS = "Jurassic" + "x" * 150  # the title of item 480, one of the most popular
SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]


def save_models(folder: Path) -> dict[str, Path]:
    """Fit two small models on bundled data with two bad titles, and save them."""
    data = hybridrec.load_dataset("movielens-small")
    assert data.item_table is not None
    table = data.item_table.copy()
    table.loc[data.interactions.items.codes([2571, 480]), "title"] = [HOSTILE, ENDLESS]
    data = replace(data, item_table=table)
    models = {
        "hybrid-als": hybridrec.HybridALS(factors=16, iterations=4, num_threads=1),
        "item-knn": hybridrec.ItemKNN(),
    }
    for name, model in models.items():
        model.fit(data).save(folder / name)
    return {name: folder / name for name in models}


@contextmanager
def serving(folders: dict[str, Path]) -> Iterator[str]:
    """Serve models from a thread of this process; gives the address."""
    app = App({name: LiveRecommender(path) for name, path in folders.items()})
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error"))
    with bound_socket("127.0.0.1", 0) as listening:
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        end = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < end, "the server did not start"
            time.sleep(0.02)
        try:
            yield address_of(listening)
        finally:
            server.should_exit = True
            thread.join(20)
            app.service.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=SWITCHES
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A visitor in a browser of their own, who notes everything that goes wrong.

    Parameters
    ----------
    browser : Browser
    address : str
        Of the service.
    **options
        Of the browser's context, such as ``color_scheme``.
    """

    def __init__(self, browser: Browser, address: str, **options: Any) -> None:
        given = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
        self.address = address
        self.context = browser.new_context(**given)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.errors.append(said.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, search: str = "") -> Page:
        """Go to the page and wait for its lists."""
        self.page.goto(f"{self.address}/{search}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until all lists are answered."""
        expect(self.page.locator(".list").first).to_be_visible()
        expect(self.page.locator('.list[aria-busy="true"], .waiting')).to_have_count(0)

    def titles(self, which: int = 0) -> list[str]:
        """Return the titles of a list."""
        return self.page.locator(".list").nth(which).locator("h3").all_inner_texts()

    def questions(self) -> list[str]:
        """Return the lists that were asked for since the last time."""
        asked = [url for url in self.asked if url.endswith("/recommend")]
        self.asked.clear()
        return asked

    def answer(self, path: str, status: int, body: str) -> None:
        """Let the service answer so from now on."""

        def fulfil(route: Route) -> None:
            route.fulfill(status=status, body=body, content_type="application/json")

        self.page.route(f"**{path}", fulfil)
