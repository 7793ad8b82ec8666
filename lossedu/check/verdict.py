"""What a check found: a list of properties, each with what was seen, what was expected, and a hint."""

from __future__ import annotations

import base64
import html
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Words carry the result; the two badges bring their own ground and ink, all else inherits the page's, light or dark.
_STYLE = (
    ".le-check{margin:.5rem 0;line-height:1.45}"
    # a theme may colour code and captions for another ground than the one this output lies on
    ".le-check,.le-check *{color:inherit!important}"
    ".le-check code{padding:0;border:0;background:none}"
    ".le-check p{margin:.3rem 0}"
    ".le-check ul{list-style:none;margin:.3rem 0;padding:0}"
    ".le-check li{margin:.25rem 0}"
    ".le-check .le-word{display:inline-block;min-width:3.6em;padding:0 .4em;border-radius:3px;text-align:center;"
    "font-weight:600;color:#fff!important}"
    ".le-check .le-yes{background:#1a6b3c}"
    ".le-check .le-no{background:#9c2f1a}"
    ".le-check dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:0 .8em;"
    "margin:.2rem 0 .5rem 1rem;padding-left:.8rem;border-left:3px solid #9c2f1a}"
    ".le-check dt,.le-check dd{margin:0;overflow-wrap:anywhere}"
    ".le-check figure{margin:.6rem 0}"
    ".le-check img{max-width:100%;height:auto}"
    ".le-check figcaption{font-size:.95em;text-align:left}"
)


@dataclass(frozen=True)
class Property:
    """One thing that was tested.

    Attributes
    ----------
    name : str
        What is asked, such as ``"shape"`` or ``"value on a photograph"``.
    ok : bool
        Whether the answer has it.
    seen, expected : str
        What came and what was wanted, with rounded numbers.
    hint : str
        What usually causes this failure; empty where nothing typical was recognised.
    """

    name: str
    ok: bool
    seen: str
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Target:
    """A picture that belongs to a verdict; it is drawn only when the verdict is shown as HTML.

    Attributes
    ----------
    draw : callable
        Returns the figure.
    alt : str
        What is to be seen, for those who do not see it.
    caption : str
    """

    draw: Callable[[], Figure]
    alt: str
    caption: str

    def to_html(self) -> str:
        """Return a figure element that holds the picture itself."""
        caption = f"<figcaption>{_escape(self.caption)}</figcaption>"
        try:
            from ..figures import png_bytes

            data = base64.b64encode(png_bytes(self.draw())).decode("ascii")
        except ModuleNotFoundError as error:
            return f"<p>The picture needs the package {error.name}: pip install 'lossedu[book]'</p>"
        return f'<figure><img src="data:image/png;base64,{data}" alt="{_escape(self.alt)}">{caption}</figure>'


@dataclass(frozen=True)
class Verdict:
    """What a check found.  It prints as text and shows as HTML in a notebook; it is true if the answer passed.

    Attributes
    ----------
    exercise : str
        Name of the check.
    properties : tuple of Property
        In the order in which they were tested.  A failure that makes the rest meaningless is the last one.
    notes : tuple of str
        What else the check found out, such as prices or the order of an error.
    target : Target, optional
        The picture to compare with.
    """

    exercise: str
    properties: tuple[Property, ...]
    notes: tuple[str, ...] = ()
    target: Target | None = None

    @property
    def passed(self) -> bool:
        """Whether every property holds."""
        return all(item.ok for item in self.properties)

    @property
    def failures(self) -> tuple[Property, ...]:
        """The properties that do not hold."""
        return tuple(item for item in self.properties if not item.ok)

    def __bool__(self) -> bool:
        return self.passed

    def _summary(self) -> str:
        total = len(self.properties)
        right = total - len(self.failures)
        return (
            f"passed, all {total} properties hold"
            if self.passed
            else f"not yet, {right} of {total} tested properties hold"
        )

    def __repr__(self) -> str:
        lines = [f"check.{self.exercise}: {self._summary()}"]
        for item in self.properties:
            if item.ok:
                lines.append(f"  ok     {item.name}: {item.seen}")
                continue
            lines.append(f"  WRONG  {item.name}")
            for label, text in _details(item):
                # Long words are paths, code and numbers: broken up they could not be read.
                first, *rest = textwrap.wrap(text, 100, break_long_words=False, break_on_hyphens=False) or [""]
                lines += [f"           {label:9} {first}", *(f"{'':21}{line}" for line in rest)]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        word = "yes" if self.passed else "no"
        items = []
        for item in self.properties:
            badge = f'<span class="le-word le-{"yes" if item.ok else "no"}">{"ok" if item.ok else "wrong"}</span>'
            if item.ok:
                items.append(f"<li>{badge} {_escape(item.name)}: {_escape(item.seen)}</li>")
            else:
                rows = "".join(f"<dt>{label}</dt><dd>{_escape(text)}</dd>" for label, text in _details(item))
                items.append(f"<li>{badge} {_escape(item.name)}<dl>{rows}</dl></li>")
        return (
            f'<div class="le-check" role="group" aria-label="{_escape(self.exercise)}: {self._summary()}">'
            f"<style>{_STYLE}</style>"
            f'<p><span class="le-word le-{word}">{"passed" if self.passed else "not yet"}</span> '
            f"<code>check.{_escape(self.exercise)}</code>: {self._summary().partition(', ')[2]}</p>"
            f"<ul>{''.join(items)}</ul>{''.join(f'<p>{_escape(note)}</p>' for note in self.notes)}"
            f"{self.target.to_html() if self.target else ''}</div>"
        )


def _details(item: Property) -> list[tuple[str, str]]:
    """Return what a failed property has to say, without empty lines."""
    rows = [("seen", item.seen), ("expected", item.expected), ("hint", item.hint)]
    return [(label, text) for label, text in rows if text]


def _escape(text: str) -> str:
    return html.escape(text, quote=True)
