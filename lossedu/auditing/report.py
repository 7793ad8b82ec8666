"""The report of an audit: as a table, as a page, and as data."""

from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..instruments import Price
from .findings import SEVERITIES, Check, Finding
from .page import section, standalone

_WIDTH = 100
_LEFT = 28  # columns of the table before the text


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What an audit found.

    Attributes
    ----------
    label : str
        What the loss calls itself.
    findings : tuple of Finding
        Errors first, then warnings, then infos.
    checks : tuple of Check
        Everything that was tried, in order, with what happened.
    price : Price or None
        The price list by frequency; None where the loss has no reference or no price.
    """

    label: str
    findings: tuple[Finding, ...]
    checks: tuple[Check, ...]
    price: Price | None = None
    pictures: tuple[Tensor, Tensor | None, Tensor | None] | None = None

    @property
    def ok(self) -> bool:
        """No error among the findings."""
        return not any(finding.severity == "error" for finding in self.findings)

    @property
    def passed(self) -> list[Check]:
        """The checks that were tried without a finding, with what happened."""
        return [check for check in self.checks if check.status == "passed"]

    @property
    def verdict(self) -> str:
        """One line: how many errors, warnings and infos, in how many checks."""
        counts = [(sum(f.severity == kind for f in self.findings), kind) for kind in SEVERITIES]
        said = ", ".join(f"{count} {kind}{'s' if count != 1 and kind != 'info' else ''}" for count, kind in counts)
        tried = sum(check.status != "skipped" for check in self.checks)
        return f"{said}; {tried} checks made, {len(self.passed)} without a finding"

    def __str__(self) -> str:
        return self._table([check.outcome for check in self.checks])

    def _table(self, outcomes: list[str]) -> str:
        lines = [_cut(f"Audit of {self.label}"), self.verdict, "=" * _WIDTH]
        for finding in self.findings:
            head = textwrap.wrap(finding.name, _LEFT - 11)
            text = [*_wrapped(finding.evidence), *(f"-> {line}" if not i else f"   {line}" for i, line in
                    enumerate(_wrapped(finding.advice, 3)))]  # fmt: skip
            for i in range(max(len(head), len(text))):
                kind = finding.severity if i == 0 else ""
                name = head[i] if i < len(head) else ""
                lines.append(f"{kind:9} {name:{_LEFT - 11}} {text[i] if i < len(text) else ''}".rstrip())
            lines.append("-" * _WIDTH)
        lines += ["Without a finding:"] if self.passed else []
        for check, outcome in zip(self.checks, outcomes, strict=True):
            if check.status != "found":
                mark = "" if check.status == "passed" else "skipped: "
                lines += textwrap.wrap(
                    f"{check.name}: {mark}{outcome}", _WIDTH, initial_indent="  ", subsequent_indent="    "
                )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self._table([check.lasting for check in self.checks]))

    def _repr_html_(self) -> str:
        return section(self, timed=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the report as one HTML page, the loss's passport, that needs no other file; return its path."""
        place = Path(path)
        place.write_text(standalone(self), encoding="utf-8")
        return place


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"


def _wrapped(text: str, indent: int = 0) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _LEFT - indent, break_long_words=True) or [""]
