"""The report of an evaluation: one page for a browser, Markdown, LaTeX, and JSON for machines."""

from __future__ import annotations

from hybridrec.evaluation.report.content import Report
from hybridrec.evaluation.report.html import to_html
from hybridrec.evaluation.report.jsonfile import to_json
from hybridrec.evaluation.report.latex import to_latex
from hybridrec.evaluation.report.markdown import to_markdown

__all__ = ["Report", "to_html", "to_json", "to_latex", "to_markdown"]
