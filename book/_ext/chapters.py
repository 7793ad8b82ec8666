"""Number the figures of a chapter with the chapter's number: "Figure 3.2"; on other pages count from 1: "Figure 1".

Sphinx numbers through the whole book, so that every later figure would change when a chapter is added.
"""

from __future__ import annotations

import re

CHAPTER = re.compile(r"chapters/ch(\d\d)-")


def _renumber(app, env):
    changed = []
    for docname, kinds in env.toc_fignumbers.items():
        if figures := kinds.get("figure", {}):
            found = CHAPTER.match(docname)
            chapter = (int(found[1]),) if found else ()
            in_order = sorted(figures, key=figures.get)
            figures.update({name: (*chapter, place) for place, name in enumerate(in_order, start=1)})
            changed.append(docname)
    return changed


def setup(app):
    app.connect("env-get-updated", _renumber, priority=900)  # after Sphinx has counted
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
