"""The report of an evaluation: one page for a browser, Markdown, LaTeX, and JSON for machines.

`EntityMap` and `WalkPicture` draw a knowledge graph; `Report.pictures` puts them on a page.
"""

from __future__ import annotations

from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.entity_map import EntityMap
from hybridrec.evaluation.report.html import to_html
from hybridrec.evaluation.report.jsonfile import to_json
from hybridrec.evaluation.report.latex import to_latex
from hybridrec.evaluation.report.markdown import to_markdown
from hybridrec.evaluation.report.walk_picture import WalkPicture

__all__ = [
    "EntityMap",
    "Report",
    "WalkPicture",
    "to_html",
    "to_json",
    "to_latex",
    "to_markdown",
]
