"""The lists at the end of the book, made from data.

``{references} GROUP`` prints the entries of references.bib whose ``keywords`` name the group;
``{errata}`` prints the entries of errata.yml, all of them or those of one ``:source:``. Each entry
can be linked to from every page by its key: ``[Wang et al., 2004](#wang2004)``, ``[E6](#e6)``.
``{photographs}`` prints the credits of the photographs that `lossedu.data` offers.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from pybtex.database import parse_file
from sphinx.util.docutils import SphinxDirective


class DataList(SphinxDirective):
    """What both lists share: reading a file beside the page, and entries that are link targets."""

    def path(self, name: str) -> Path:
        path = Path(self.env.doc2path(self.env.docname)).with_name(name)
        self.env.note_dependency(str(path))
        return path

    def entry(self, key: str, markdown: str, kind: str) -> nodes.container:
        box = nodes.container(names=[key], classes=[kind])
        self.state.document.note_explicit_target(box, box)
        self.state.nested_parse(StringList(markdown.splitlines(), key), self.content_offset, box)
        return box


class References(DataList):
    required_arguments = 1

    def run(self):
        entries = parse_file(str(self.path("references.bib"))).entries
        group = [(key, e) for key, e in entries.items() if self.arguments[0] in e.fields["keywords"].split(", ")]
        if not group:
            raise self.error(f"no entry of references.bib has the keyword {self.arguments[0]!r}")
        group.sort(key=lambda item: (item[1].persons["author"][0].last_names, item[1].fields["year"]))
        return [self.entry(key, reference(entry), "reference") for key, entry in group]


def reference(entry) -> str:
    """Return one bibliography entry as Markdown."""

    def field(name: str) -> str:
        return entry.fields.get(name, "").translate({ord("{"): None, ord("}"): None}).replace("--", "–")

    names = [_name(person) for person in entry.persons["author"]]
    authors = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    where = field("journal") or field("booktitle") or field("howpublished")
    volume = field("volume") + (f"({field('number')})" if field("number") else "")
    details = ", ".join(filter(None, [f"{where} {volume}".strip(), field("pages"), field("year")]))
    links = [f"[doi:{field('doi')}](<https://doi.org/{field('doi')}>)"] if field("doi") else []
    links += [f"[arXiv:{field('eprint')}](https://arxiv.org/abs/{field('eprint')})"] if field("eprint") else []
    links += [f"[{field('url')}]({field('url')})"] if field("url") else []
    text = f"{authors}. *{field('title')}.* {details}."
    return text + (f" {', '.join(links)}." if links else "") + (f" {field('note')}" if field("note") else "")


def _name(person) -> str:
    return " ".join(person.first_names + person.middle_names + person.prelast_names + person.last_names)


class Errata(DataList):
    option_spec: ClassVar = {"source": directives.unchanged}

    def run(self):
        errata = yaml.safe_load(self.path("errata.yml").read_text("utf8"))
        wanted = [e for e in errata if self.options.get("source", e["source"]) == e["source"]]
        if not wanted:
            raise self.error(f"no erratum has the source {self.options['source']!r}")
        return [self.entry(e["id"].lower(), erratum(e), "erratum") for e in wanted]


def erratum(e: dict) -> str:
    """Return one erratum as Markdown: a heading line and a list of what is said, right and known."""
    label = f"[{e['cite']}](#{e['source']}), {e['where']}"
    rows = [(name, " ".join(e[name].split())) for name in ("says", "right", "evidence", "proof")]
    words = {"says": "It says", "right": "Right is", "evidence": "How we know", "proof": "Checked by"}
    return f"**{e['id']}** · {label}\n\n" + "\n".join(f"- **{words[name]}:** {text}" for name, text in rows)


class Photographs(SphinxDirective):
    def run(self):
        from lossedu.data import PHOTOGRAPHS

        rows = ["| Name | What it shows | Author | Terms | Source |", "| --- | --- | --- | --- | --- |"]
        for name, credit in sorted(PHOTOGRAPHS.items()):
            link = credit.source.startswith("http")
            source = f"[{credit.source.split('/')[2]}](<{credit.source}>)" if link else credit.source
            rows.append(f"| `{name}` | {credit.title} | {credit.author} | {credit.terms} | {source} |")
        box = nodes.container()
        self.state.nested_parse(StringList(rows, "PHOTOGRAPHS"), self.content_offset, box)
        return box.children


def setup(app):
    app.add_directive("photographs", Photographs)
    app.add_directive("references", References)
    app.add_directive("errata", Errata)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
