from __future__ import annotations

import json


def test_anonymity_of_a_table(run, refused, files):
    (files / "people.csv").write_text("age,city,ill\n30,x,a\n30,x,b\n41,y,a\n")
    result = run("anonymity", "people.csv", "--column", "age", "--column", "city", "-k", 2)
    assert result.code == 1
    assert "NOT 2-anonymous: 1 in 1 groups below 2\n  1: age=41, city=y" in result.out
    result = run(
        *("anonymity", "people.csv", "--column", "age", "-k", 1),
        *("--sensitive", "ill", "--format", "json"),
    )
    assert result.code == 0
    found = json.loads(result.out)
    assert found["holds"] is True
    assert (found["groups"], found["smallest"], found["least_diverse"]) == (2, 1, 1)
    assert "no column 'agee'" in refused("anonymity", "people.csv", "--column", "agee")
