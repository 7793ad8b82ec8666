"""Say in the page's head what the page is about, and on links to a glossary term what it means."""

from __future__ import annotations

import html
import textwrap

from docutils import nodes

GLOSSARY = "book/glossary"


def _plain(node) -> str:
    return " ".join(node.astext().split())


def _describe(app, pagename, templatename, context, doctree):
    """Use the first paragraph, unless the page's front matter gives a description itself."""
    if 'name="description"' in (context.get("metatags") or ""):
        return
    paragraphs = doctree.findall(nodes.paragraph) if doctree else ()
    text = next((_plain(p) for p in paragraphs if len(_plain(p)) > 40), None)
    text = text or f"{context.get('title') or 'A page'} of the book “{app.config.html_title}”."
    text = textwrap.shorten(text, 200, placeholder=" …")
    context["metatags"] = f'{context.get("metatags") or ""}\n<meta name="description" content="{html.escape(text)}">\n'


def _collect_terms(app, doctree):
    """Remember the first sentence of each glossary entry, by its anchor."""
    if app.env.docname != GLOSSARY:
        return
    app.env.glossary_hints = {}
    for item in doctree.findall(nodes.definition_list):
        sentence, _, _ = _plain(next(item.findall(nodes.definition))).partition(". ")
        for anchor in item["ids"]:
            app.env.glossary_hints[anchor] = textwrap.shorten(sentence.rstrip("."), 240, placeholder=" …") + "."


def _hint(app, doctree, docname):
    hints = getattr(app.env, "glossary_hints", {})
    for link in doctree.findall(nodes.reference):
        anchor = link.get("refid") or link.get("refuri", "").rpartition("#")[2]
        if anchor in hints:
            link["reftitle"] = hints[anchor]


def setup(app):
    app.connect("doctree-read", _collect_terms)
    app.connect("doctree-resolved", _hint)
    app.connect("html-page-context", _describe)
    return {"version": "1", "env_version": 1, "parallel_read_safe": False, "parallel_write_safe": True}
