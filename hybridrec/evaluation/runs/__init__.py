"""Foreign runs: recommendations that any other system wrote, in and out of files."""

from __future__ import annotations

from hybridrec.evaluation.runs.lists import lists_of_run
from hybridrec.evaluation.runs.read import Run, read_qrels, read_run, take_run
from hybridrec.evaluation.runs.write import write_qrels, write_run

__all__ = [
    "Run",
    "lists_of_run",
    "read_qrels",
    "read_run",
    "take_run",
    "write_qrels",
    "write_run",
]
