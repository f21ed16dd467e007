"""A model card as one HTML page, in the style of the reports."""

from __future__ import annotations

from html import escape
from importlib.resources import files

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="hybridrec">
<title>{title}</title>
<style>
{css}
td, th {{ white-space: normal; }}
table {{ margin: 0.8em 0; }}
</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""


def page(text: str) -> str:
    """Return a card, in Markdown, as a page; HTML within it is shown, not run."""
    from markdown_it import MarkdownIt

    css = files("hybridrec.evaluation.report").joinpath("page.css").read_text("utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    body = MarkdownIt("js-default").render(text)
    return _PAGE.format(title=escape(title), css=css.strip(), body=body)
