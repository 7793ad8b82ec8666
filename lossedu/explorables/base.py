"""What every explorable is made of: one block of HTML with its style, its data and its script."""

from __future__ import annotations

import hashlib
import html
import json
from abc import ABC, abstractmethod
from functools import lru_cache
from importlib import resources
from string import Template
from typing import Any, ClassVar


@lru_cache(maxsize=64)
def fragment(name: str) -> str:
    """Return one of the text files in ``lossedu/explorables/fragments``."""
    return resources.files(__package__).joinpath("fragments", name).read_text("utf-8")


def escape(text: object) -> str:
    """Return text that is safe in HTML, in quoted attributes as well."""
    return html.escape(str(text), quote=True)


def embed_json(data: Any) -> str:
    """Return JSON that may stand inside a script element: no ``<`` is left that could end it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


class Explorable(ABC):
    """Base of all explorables: `fields` and `data` say what is special about one.

    A subclass names its `template` (HTML with ``$name`` places, filled from `fields`, holding the first state as
    Python draws it), and the style sheets and scripts it needs.  The files lie in ``fragments``, where explorables
    share them, and are put in that order after ``common.css`` and ``common.js``.

    Rules that a template keeps:

    - no ``id`` attribute: a label encloses its control, and the script works inside its own root element.  Two
      equal explorables on one page then cannot meet;
    - native controls only, each with ``data-in="name"``, values that change written as ``data-out="name"``;
    - pictures as ``<img data-px="name">``, which the script replaces by a canvas of the same pixels.

    Parameters
    ----------
    label : str
        Name of the whole group, for screen readers.
    key : str
        Becomes the block's ``id``, ``lx-<key>``, so that a page can link to it.  On a page with two of the same key
        the first keeps it.
    """

    template: ClassVar[str]
    styles: ClassVar[tuple[str, ...]] = ()
    scripts: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, label: str, key: str = "") -> None:
        if key and not key.replace("-", "").isalnum():
            raise ValueError(f"key must be letters, digits and hyphens, got {key!r}")
        self.label, self.key = label, key

    @abstractmethod
    def fields(self) -> dict[str, str]:
        """Return the HTML for each place in the template: the first state."""

    @abstractmethod
    def data(self) -> Any:
        """Return what the script needs, as plain JSON types."""

    def to_html(self) -> str:
        """Return the block of HTML.  Equal content gives equal bytes, so a re-run leaves a notebook unchanged."""
        body = Template(fragment(self.template)).substitute(self.fields())
        data = embed_json(self.data())
        style = "".join(fragment(name) for name in ("common.css", *self.styles))
        script = "".join(fragment(name) for name in ("common.js", *self.scripts))
        name = hashlib.sha256("\0".join((self.key, body, data, script)).encode()).hexdigest()[:12]
        anchor = f' id="lx-{escape(self.key)}"' if self.key else ""
        return (
            f'<div class="lx" data-lx="{name}"{anchor} role="group" aria-label="{escape(self.label)}">\n'
            f"<style>\n{style}</style>\n{body}"
            f'<script type="application/json">{data}</script>\n'
            f'<script>\n(function (name) {{\n"use strict";\n{script}}})("{name}");\n</script>\n</div>\n'
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.label}>"
