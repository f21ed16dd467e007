"""Pictures of the page for the README: ``python -m bench.page`` writes bench/results/page_*.png.

Models of the bundled data are fitted, served and looked at with Debian's Chromium.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

import hybridrec
from tests.service.browser import Visit, chromium, serving

RESULTS = Path(__file__).parent / "results"
COLOURS = 128
TASTE = "?like=1~5&like=260~5&like=2571~4.5"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
WIDE = {"viewport": {"width": 1280, "height": 900}, "device_scale_factor": 1.5}
TALL = {"viewport": {"width": 1280, "height": 1240}, "device_scale_factor": 1.5}
RULED = f"{TASTE}&from.year=1990&most.genres=3&order=mmr"
# Name -> what the address says, panels to open, and the window.
PICTURES: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "taste": (TASTE, (), WIDE),
    "why": (f"{TASTE}&open=1210", (), TALL),
    "dark": (f"{TASTE}&open=1210", (), {**TALL, "color_scheme": "dark"}),
    "two": (f"{TASTE}&against=item-knn", (), WIDE),
    "rules": (RULED, ("#rules", "#order"), TALL),
    "phone": (TASTE, (), PHONE),
}


def fitted(folder: Path) -> dict[str, Path]:
    """Fit and save the models that are shown."""
    data = hybridrec.load_dataset("movielens-small")
    models = {"hybrid-als": hybridrec.HybridALS(), "item-knn": hybridrec.ItemKNN()}
    for name, model in models.items():
        model.fit(data).save(folder / name)
    return {name: folder / name for name in models}


def small(path: Path) -> int:
    """Write a picture anew with few colours; returns its bytes."""
    with Image.open(path) as picture:
        reduced = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
    return path.stat().st_size


def main() -> None:
    """Write the pictures that are named, else all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *PICTURES], default=[])
    names = parser.parse_args().names or list(PICTURES)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(fitted(Path(folder))) as address,
        chromium() as browser,
    ):
        for name in names:
            search, panels, options = PICTURES[name]
            visit = Visit(browser, address, reduced_motion="reduce", **options)
            page = visit.open(search)
            for panel in panels:
                page.locator(f"{panel} summary").click()
            page.wait_for_load_state("networkidle")
            page.evaluate("scrollTo(0, 0)")
            path = RESULTS / f"page_{name}.png"
            page.screenshot(path=path)
            print(f"{path.name}: {small(path) / 1024:.0f} KB")
            visit.context.close()
            if visit.errors:
                raise SystemExit(f"{name}: {visit.errors}")


if __name__ == "__main__":
    main()
