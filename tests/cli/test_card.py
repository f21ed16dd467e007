from __future__ import annotations

import json

import hybridrec as hr

KG = ("--kg", "facts.tsv", "--items", "items.csv")


def test_fit_writes_a_card(done, files):
    (files / "use.md").write_text("For *films*.")
    done("fit", "events.csv", *KG, "--card-notes", "use.md", "-o", "m")
    kept = (files / "m" / "card.md").read_text()
    assert "For *films*." in kept
    assert "Rows dropped" in kept
    content = json.loads((files / "m" / "card.json").read_text())
    assert content["now"]["interactions"] == 24
    assert content["fit"]["cleaning"]["rows_after"] == 24
    assert "manifest.json" not in json.loads((files / "m" / "manifest.json").read_text())["files"]
    assert done("card", "m") == kept


def test_it_is_printed_in_every_format(done, files):
    done("fit", "events.csv", "--model", "popularity", "-o", "m")
    done("card", "m", "-o", "card.html")
    assert "<h1>Model card: popularity</h1>" in (files / "card.html").read_text()
    assert json.loads(done("card", "m", "--format", "json"))["now"]["model"]["name"] == "popularity"


def test_old_folders_have_a_card_without_a_record(done, files):
    hr.Popularity().fit(hr.read_dataset("events.csv")).save(files / "m")
    text = done("card", "m")
    assert "When it was fitted is not recorded" in text
    assert "Not measured" in text


def test_bad_input(refused, files):
    (files / "x.bin").write_bytes(b"\xff\xfe\x00")
    assert "no-folder does not exist" in refused("card", "no-folder")
    assert "not text in UTF-8" in refused("card", "m", "--card-notes", "x.bin")
    assert "not text in UTF-8" in refused("fit", "events.csv", "--card-notes", "x.bin", "-o", "m")
