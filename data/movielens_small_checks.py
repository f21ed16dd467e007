"""What must hold before ``build_movielens_small.py`` writes anything.

The checks read the tables the build made in DuckDB. The counts are those of the pinned wheels; a
check that fails means the build took something for what it is not.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb


class BuildError(Exception):
    """The input is not what this script was written for."""


def ensure(condition: object, message: str) -> None:
    """Stop the build unless ``condition`` holds."""
    if not condition:
        raise BuildError(message)


def value(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    """Return the single value of a query."""
    row = con.execute(query).fetchone()
    return row[0] if row else None


def check_ratings(con: duckdb.DuckDBPyConnection) -> None:
    """Recognise the ratings that GroupLens describes in its README of October 2016."""
    found = con.execute("""
        SELECT count(*), count(DISTINCT (user, item)), count(DISTINCT user), count(DISTINCT item),
               make_timestamp(min(timestamp) * 1000000)::DATE::VARCHAR,
               make_timestamp(max(timestamp) * 1000000)::DATE::VARCHAR,
               list(DISTINCT rating ORDER BY rating)
        FROM interactions""").fetchone()
    half_stars = [step / 2 for step in range(1, 11)]
    described = (100004, 100004, 671, 9066, "1995-01-09", "2016-10-16", half_stars)
    ensure(found == described, f"ratings: {found}, not {described}")
    ensure(value(con, "SELECT count(*) FROM items") == 9066, "a film has two titles or years")


def check_facts(con: duckdb.DuckDBPyConnection) -> None:
    """Every relation has a rule, and all but one of the inverse facts were mere twins."""
    unknown = value(
        con,
        "SELECT list(DISTINCT relation) FROM raw_facts ANTI JOIN known_relations USING (relation)",
    )
    ensure(not unknown, f"relations without a rule: {unknown}")
    flipped = con.execute("""
        SELECT head, relation, tail FROM directed WHERE flip
        EXCEPT SELECT head, relation, tail FROM directed WHERE NOT flip""").fetchall()
    ensure(flipped == [("m.0k6t6s", "film.film.actor", "m.091rbh")], f"no twin: {flipped}")


def check_link(con: duckdb.DuckDBPyConnection) -> None:
    """Match films and entities one to one; every linked film has facts."""
    pairs = con.execute(
        "SELECT count(*), count(DISTINCT item), count(DISTINCT entity) FROM links"
    ).fetchone()
    ensure(pairs == (1598, 1598, 1598), f"links, films, entities: {pairs}")
    con.execute("CREATE TEMP VIEW linked AS FROM link WHERE entity LIKE 'm.%'")
    found = con.execute("""
        SELECT (SELECT count(*) FROM linked),
               (SELECT count(*) FROM interactions SEMI JOIN linked USING (item)),
               (SELECT count(*) FROM linked WHERE entity NOT IN (SELECT head FROM facts))
        """).fetchone()
    ensure(found == (1333, 39824, 0), f"linked films, their ratings, films without facts: {found}")


def sequels_with_a_common_word(con: duckdb.DuckDBPyConnection, titles: str) -> tuple[int, int]:
    """Count pairs of film and sequel, and those whose titles in table ``titles`` share a word."""
    pairs = con.execute(f"""
        SELECT later.title, earlier.title FROM triples
        JOIN link AS l ON l.entity = head JOIN {titles} AS later ON later.item = l.item
        JOIN link AS e ON e.entity = tail JOIN {titles} AS earlier ON earlier.item = e.item
        WHERE relation = 'film.film.prequel'""").fetchall()
    return len(pairs), sum(bool(words(later) & words(earlier)) for later, earlier in pairs)


def words(title: str) -> set[str]:
    """Return the words of a title that say something: neither "the" nor a number."""
    return set(re.findall("[a-z]{3,}", title.lower())) - {"the"}


SAME_DIRECTOR = (
    ("Psycho", "Vertigo"),
    ("Terminator, The", "Aliens"),
    ("Jurassic Park", "Schindler's List"),
    ("Godfather, The", "Godfather: Part II, The"),
)


def check_join(con: duckdb.DuckDBPyConnection) -> None:
    """Prove that the link's item ids are movieIds of the ratings table, and not ids of ml-100k.

    Freebase knows sequels and directors, the item tables know titles. Joined right, a film and
    its sequel share a word of their titles (the few that do not are real: Mallrats and Chasing
    Amy, say); joined with the ml-100k item table, beside which the link file lies, none do.
    """
    right = sequels_with_a_common_word(con, "items")
    wrong = sequels_with_a_common_word(con, "ml100k_items")
    ensure(right == (56, 47) and wrong == (56, 0), f"sequels: joined {right}, control {wrong}")
    first = con.execute("SELECT title, entity FROM items JOIN link USING (item) WHERE item = 1")
    ensure(first.fetchone() == ("Toy Story", "m.0dyb1"), "film 1 is not Toy Story")
    for pair in SAME_DIRECTOR:
        shared = con.execute(
            """
            SELECT tail FROM triples JOIN link ON entity = head JOIN items USING (item)
            WHERE relation = 'film.film.directed_by' AND title IN (?, ?)
            GROUP BY tail HAVING count(DISTINCT title) = 2""",
            pair,
        ).fetchall()
        ensure(len(shared) == 1, f"no common director of {pair[0]!r} and {pair[1]!r}")


CHECKS = (check_ratings, check_facts, check_link, check_join)
