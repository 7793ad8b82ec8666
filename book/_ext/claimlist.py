"""``{claims} Z``: the claims of a group with their verdicts, as a table; ``{verdicts}``: what the words mean.

The rows are those of ``claims.json`` among the results of `lossedu`, or of the file that the setting ``claims_file``
names. Each can be linked to from every page by its id: ``[Z8](#z8)``. A claim without a row is shown as not run.
"""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

WORDS = {
    "supported": "The interval lies beyond the margin on the side that the claim names. Where a claim says “no better” "
    "or “as good”, a tie is enough.",
    "equivalent": "The interval lies inside the margin: there is no such difference that anyone would notice.",
    "not replicated": "The interval lies beyond the margin on the other side, with other data or settings than the "
    "source's.",
    "refuted": "The same, with the source's own data and settings, or where neither matters.",
    "inconclusive": "Anything else, and whatever has fewer than three seeds. More runs may tell.",
    "not run": "No run has been recorded yet.",
    "untestable here": "Something is missing that cannot be had; the reason names it.",
}

HEAD = (("Claim and verdict", 56), ("Effect, 95 % interval", 20), ("Recorded at", 24))


class Claims(SphinxDirective):
    required_arguments = 1

    def run(self):
        from lossedu.ledger import CLAIMS

        wanted = [claim for claim in CLAIMS if claim.id.startswith(self.arguments[0])]
        if not wanted:
            raise self.error(f"no claim has an id that begins with {self.arguments[0]!r}")
        rows = {row["id"]: row for row in json.loads(self.file().read_text("utf8"))}
        body = nodes.tbody()
        for claim in wanted:
            empty = {"id": claim.id, "source": claim.source, "statement": claim.statement, "verdict": "not run"}
            body += self.row(rows.get(claim.id, empty))
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", title)) for title, _ in HEAD))
        group = nodes.tgroup(cols=len(HEAD))
        group += [nodes.colspec(colwidth=width) for _, width in HEAD]
        group += [nodes.thead("", head), body]
        return [nodes.table("", group, classes=["claims"])]

    def file(self) -> Path:
        import lossedu.results

        named = self.config.claims_file
        path = Path(self.env.srcdir) / named if named else Path(lossedu.results.__file__).with_name("claims.json")
        self.env.note_dependency(str(path))
        return path

    def row(self, row: dict) -> nodes.row:
        key = row["id"].lower()
        box = nodes.container(names=[key], classes=["claim"])
        self.state.document.note_explicit_target(box, box)
        # The verdict stands with its claim, or a phone would show one without the other.
        box += nodes.paragraph("", "", nodes.strong("", row["id"]), nodes.Text(" "), badge(row["verdict"]))
        text = [formulas(row["statement"]), "", f"*{row['source']}*"]
        self.state.nested_parse(StringList(text, row["id"]), self.content_offset, box)
        if row.get("why"):
            why = f"<details><summary>Why</summary><p>{html.escape(row['why'])}</p></details>"
            box += nodes.raw("", why, format="html")
        cells = [box, _lines(effect(row)), _lines(recorded(row))]
        return nodes.row("", *(nodes.entry("", cell) for cell in cells))


class Verdicts(SphinxDirective):
    def run(self):
        items = []
        for word, meaning in WORDS.items():
            term, text = nodes.term("", "", badge(word)), nodes.definition("", nodes.paragraph("", meaning))
            items.append(nodes.definition_list_item("", term, text))
        return [nodes.definition_list("", *items, classes=["verdicts"])]


def badge(word: str) -> nodes.inline:
    """Return the word of a verdict with the class that colours it."""
    if word not in WORDS:
        raise ValueError(f"verdict must be one of {', '.join(WORDS)}, got {word!r}")
    return nodes.inline("", word, classes=["verdict", f"verdict-{word.replace(' ', '-')}"])


def formulas(text: str) -> str:
    """Return text with l1 and l2 as formulas."""
    return re.sub(r"\bl([12])\b", r"$\\ell_\1$", text)


def effect(row: dict) -> list[str]:
    """Return the effect and below it its interval, with signs and the unit."""
    if row.get("effect") is None:
        return []
    lines = [f"{_signed(row['effect'])} {row['unit']}"]
    return lines + ([f"{_signed(row['ci95'][0])} to {_signed(row['ci95'][1])}"] if row.get("ci95") else [])


def recorded(row: dict) -> list[str]:
    """Return scale and seeds, device, date and commit, a line each."""
    if row.get("scale") is None:
        return []
    seeds = f", {row['seeds']} seeds" if row.get("seeds") else ""
    return [f"{row['scale']}{seeds}", row["device"], f"{row['date']}, {row['commit']}"]


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _lines(lines: list[str]) -> nodes.line_block:
    return nodes.line_block("", *(nodes.line("", text) for text in lines))


def setup(app):
    app.add_config_value("claims_file", "", "env")
    app.add_directive("claims", Claims)
    app.add_directive("verdicts", Verdicts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
