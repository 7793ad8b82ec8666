r"""Numbered equations that also read well as plain Markdown.

Authors write ``\tag{3.4}`` inside ``$$ … $$`` and "(3.4)" in the prose. Here the equation gets the
anchor ``eq-3.4``, and every "(3.4)" of the book becomes a link to it, on whatever page it stands.
A number of an existing chapter without an equation, and a number given twice, are warnings, so
they break the build.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
TAG = re.compile(r"\\tag\{(\d+\.\d+)\}")
MENTION = re.compile(r"\((\d{1,2}\.[1-9]\d?)\)")
CHAPTER = re.compile(r"chapters/ch(\d\d)-")

# "(3.4)" is left alone in code, in maths, in what is a link already, and in headings (they are
# repeated in the tables of contents).
LEFT_ALONE = (
    nodes.FixedTextElement,
    nodes.literal,
    nodes.math,
    nodes.math_block,
    nodes.raw,
    nodes.reference,
    nodes.title,
    addnodes.desc_signature,
)


def _tags(env) -> dict[str, str]:
    """Return {number: name of the page that holds the equation}."""
    if not hasattr(env, "equation_tags"):
        env.equation_tags = {}
    return env.equation_tags


def _purge(app, env, docname):
    for number in [n for n, page in _tags(env).items() if page == docname]:
        del env.equation_tags[number]


def _merge(app, env, docnames, other):
    _tags(env).update({n: page for n, page in _tags(other).items() if page in docnames})


def _collect(app, doctree):
    tags = _tags(app.env)
    for block in doctree.findall(nodes.math_block):
        text = block.astext()
        for number in TAG.findall(text):
            if number in tags:
                LOGGER.warning("equation (%s) is numbered twice, also in %s", number, tags[number], location=block)
            tags[number] = app.env.docname
            block["ids"].append(f"eq-{number}")
        if TAG.search(text):
            block["number"] = None  # or an {align} environment gets a second number from Sphinx
        if TAG.search(text) and not block["nowrap"]:
            # Sphinx would put several lines into {split}, in which \tag is not allowed, so the
            # delimiters are added here and the block is passed on as it is.
            block.children = [nodes.Text(f"\\[{text}\\]")]
            block["nowrap"] = True


def _link(app, doctree, docname):
    tags = _tags(app.env)
    chapters = {int(n.split(".")[0]) for n in tags} | {
        int(found[1]) for page in app.env.found_docs if (found := CHAPTER.match(page))
    }
    for text in list(doctree.findall(nodes.Text)):
        if not MENTION.search(text) or _inside(text, LEFT_ALONE):
            continue
        parts, end = [], 0
        for mention in MENTION.finditer(text):
            number = mention[1]
            if number in tags:
                uri = app.builder.get_relative_uri(docname, tags[number]) if tags[number] != docname else ""
                link = nodes.reference("", mention[0], internal=True, refuri=f"{uri}#eq-{number}")
                parts += [nodes.Text(text[end : mention.start()]), link]
                end = mention.end()
            elif int(number.split(".")[0]) in chapters:
                LOGGER.warning("there is no equation (%s)", number, location=text.parent)
        text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def _inside(node, kinds) -> bool:
    while (node := node.parent) is not None:
        if isinstance(node, kinds):
            return True
    return False


def setup(app):
    app.connect("env-purge-doc", _purge)
    app.connect("env-merge-info", _merge)
    app.connect("doctree-read", _collect)
    app.connect("doctree-resolved", _link)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
