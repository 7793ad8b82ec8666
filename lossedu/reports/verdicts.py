"""What the ledger says of some claims, for the page that shows the figures behind them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from .. import _validate
from ..ledger.claims import CLAIMS
from ..ledger.shelf import results_folder
from ..records import Record
from .wording import NOTHING, estimate, markdown_table, number


def rows(folder: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the rows of ``claims.json`` by id, from the package or from `folder`."""
    path = (results_folder() if folder is None else Path(folder)) / "claims.json"
    return {row["id"]: row for row in json.loads(path.read_text(encoding="utf-8"))}


def table(*claims: str, folder: str | Path | None = None, endpoints: bool = False) -> str:
    """Return as Markdown what is claimed, the verdict, and at which scale, one row a claim.

    A claim may rest on many comparisons, of which one effect would show a part: `comparisons` has them all.
    With `endpoints`, each claim is followed by what the verdict is on, which may be less than what is claimed.

    Raises
    ------
    ValueError
        If there is no such claim.
    """
    known = rows(folder)
    if unknown := [claim for claim in claims if claim not in known]:
        raise ValueError(f"claims must be among {', '.join(known)}, got {', '.join(unknown)}")
    lines = []
    judged_by = {claim.id: formulas(claim.endpoint) for claim in CLAIMS}
    for claim in claims:
        row = known[claim]
        where = NOTHING if row["scale"] is None else row["scale"] + (f", {row['seeds']} seeds" if row["seeds"] else "")
        said = f"[{claim}](#{claim.lower()}): {formulas(row['statement'])}"
        said += f" *Judged by:* {judged_by[claim]}." if endpoints else ""
        lines.append([said, f"**{row['verdict']}**", where])
    return markdown_table(["claim", "verdict", "scale"], lines)


def comparisons(record: Record, claim: str) -> str:
    """Return as Markdown all comparisons that a claim rests on, a line each: mean, 95 % interval, and the margin.

    Raises
    ------
    ValueError
        If there is no such claim, it has no rule, or the record has no runs for it.
    """
    rules = {one.id: one.rule for one in CLAIMS if one.rule is not None}
    _validate.option("claim", claim, rules)
    lines = []
    for part in rules[claim](record).parts:
        found = estimate(part.values)
        ends = f" ({_signed(found.low)} to {_signed(found.high)})" if math.isfinite(found.low) else ""
        numbers = f"{_signed(found.mean)}{ends} {part.unit}, {len(part.values)} {part.of}"
        lines.append(f"- {formulas(part.name)}: {numbers}; of interest from {part.margin:g} on")
    return "\n".join(lines)


def _signed(value: float) -> str:
    """Return a number with its sign and three digits that count."""
    if not value:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = number(value, digits, signed=True)
    return text.rstrip("0").rstrip(".") if "." in text else text


def formulas(text: str) -> str:
    """Return text with l1 and l2 as formulas, and no number in brackets, which a page takes for an equation's."""
    text = re.sub(r" \((\d+\.\d+)\)", r", \1,", text)
    return re.sub(r"\bl([12])\b", r"$\\ell_\1$", text)
