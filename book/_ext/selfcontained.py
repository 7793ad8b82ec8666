"""Make the built site ask nothing of any other host, and mend small faults of the stock pages.

* MathJax 3 comes from the PyPI package ``sphinx-mathjax-offline``, of which only the files that a
  page may load are copied (2.8 of 24 MB). Pages without formulas do not load it.
* Sphinx lists inline scripts twice, and the loader for live code is there even when it is switched
  off: both log errors in the browser. The theme tells the console what it does.
* A button that folds admonitions is added to every page, though nothing here is folded that way.
* ``index.html`` is a proper page, not a bare refresh.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

BUNDLE = "tex-mml-chtml.js"
SPEECH = [f"sre/mathmaps/{name}.json" for name in ("base", "en", "nemeth")]  # what screen readers need
KEEP = [BUNDLE, "output/chtml/fonts", "a11y", *SPEECH]

DROP = ("thebe", "togglebutton", "togglehint")  # scripts, by a word in their name or text

# The label hides the button's own words from screen readers (WCAG 2.5.3); what scrolls must be reached by keyboard.
LABELS = [
    ('<summary aria-label="Toggle hidden content">', "<summary>"),
    ('<div class="pst-scrollable-table-container">', '<div class="pst-scrollable-table-container" tabindex="0">'),
]

INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<meta name="description" content="The front page of the book “{title}”.">
<meta http-equiv="refresh" content="0; url={first}">
<link rel="icon" href="_static/favicon.svg">
</head>
<body><main><h1>{title}</h1><p><a href="{first}">Open the book</a></p></main></body>
</html>
"""


def _configure(app, config):
    config.mathjax_path = f"mathjax/{BUNDLE}"


def _copy_mathjax(app, exception):
    if exception or app.builder.format != "html":
        return
    source = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    for name in KEEP:
        target = Path(app.outdir, "_static", "mathjax", name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / name).is_dir():
            shutil.copytree(source / name, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / name, target)


def _hush(app, exception):
    """Take the chatter out of the scripts that come with the pages; `void` keeps them valid."""
    out = Path(app.outdir)
    talkers = ("_static/scripts/*.js", "_static/searchtools.js", "search.html")
    for path in () if exception else [path for pattern in talkers for path in out.glob(pattern)]:
        path.write_text(re.sub(r"console\.(log|info|debug)\(", "void(", path.read_text("utf8")), "utf8")


def _write_index(app, exception):
    if exception or app.builder.name != "html":
        return
    page = INDEX.format(title=app.config.html_title, first=f"{app.config.root_doc}.html")
    Path(app.outdir, "index.html").write_text(page, "utf8")


def _tidy(app, pagename, templatename, context, doctree):
    drop = DROP if "math notranslate" in context.get("body", "") else (*DROP, "mathjax")  # half the weight of a page
    seen, kept = set(), []
    for script in context.get("script_files", []):
        body = (getattr(script, "attributes", None) or {}).get("body")
        if any(name in f"{script} {body}".lower() for name in drop) or (body and body in seen):
            continue
        seen.add(body)
        kept.append(script)
    context["script_files"] = kept
    for old, new in LABELS if context.get("body") else ():
        context["body"] = context["body"].replace(old, new)


def setup(app):
    app.connect("config-inited", _configure, priority=900)
    app.connect("html-page-context", _tidy, priority=900)
    app.connect("build-finished", _copy_mathjax)
    app.connect("build-finished", _hush)
    app.connect("build-finished", _write_index, priority=100)  # before the table of contents writes its own
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
