"""The ledger itself: one row a claim, computed from the records every time, and written down."""

from __future__ import annotations

import json
import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..records import Record
from .claim import Claim, Evidence
from .claims import CLAIMS
from .decision import LEAST_SEEDS, SCALES, Ruling, judge, zone
from .evidence import Missing
from .fingerprint import rules_hash
from .shelf import check, of_experiment

#: Keys of a row, in the order of the file.
KEYS = (
    *("id", "source", "statement", "verdict", "scale", "effect", "unit", "ci95"),
    *("seeds", "device", "commit", "date", "why"),
)

#: Digits of what is written down: more would be noise, and differ from machine to machine.
DIGITS = 4

#: Scales of minutes: a verdict of theirs says so.
SMALL = ("quick", "smoke")

#: Where `families.family` says that members are worse; it names none where there are none.
WORSE = re.compile(r"Holm's correction, \d+ of (\d+) comparisons are better, (\d+) worse \(")


class Finding(NamedTuple):
    """What one record says of a claim."""

    record: Record
    evidence: Evidence
    ruling: Ruling

    @property
    def enough(self) -> bool:
        """Whether every comparison has the seeds that a verdict needs."""
        return all(len(part.values) >= LEAST_SEEDS for part in self.evidence.parts)


def claims_table(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Return the ledger: one row for every claim, in their order.

    A row is of the largest scale that has seeds enough for a verdict, or of the largest where none has; what the others
    say stands in its reasons.

    Raises
    ------
    ValueError
        If a record is not finished or not of its scale, or a row cannot be computed from it.
    """
    shelf = list(records)
    for record in shelf:
        check(record)
    return [row(claim, of_experiment(shelf, claim.experiment)) for claim in CLAIMS]


def row(claim: Claim, records: Sequence[Record]) -> dict[str, Any]:
    """Return the row of one claim from the records of its experiment."""
    body: dict[str, Any] = dict.fromkeys(KEYS)
    body |= {"id": claim.id, "source": claim.source, "statement": claim.statement}
    if claim.untestable:
        return body | {"verdict": "untestable here", "why": _sentences([claim.untestable])}
    if claim.rule is None:
        return body | {"verdict": "not run", "why": "There is no experiment for it yet."}
    said = [examine(claim, record) for record in sorted(records, key=_rank)]
    findings = [found for found in said if isinstance(found, Finding)]
    if not findings:
        why = f"No record of the experiment {claim.experiment} has runs for it; endpoint: {claim.endpoint}"
        return body | {"verdict": "not run", "why": _sentences([why, *map(str, said)])}
    chosen = next((found for found in findings if found.enough), findings[0])
    return body | _told(claim, chosen, [found for found in findings if found is not chosen])


def examine(claim: Claim, record: Record) -> Finding | Missing:
    """Return what a record says of a claim, or why it was never meant to."""
    assert claim.rule is not None
    try:
        evidence = claim.rule(record)
        return Finding(record, evidence, judge(evidence.parts, matched=claim.matched, scale=record.scale))
    except Missing as missing:
        return missing
    except (ValueError, KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        reason = f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else error
        raise ValueError(f"{claim.id} cannot be recomputed from record {record.name}: {reason}") from error


def _rank(record: Record) -> int:
    return SCALES.index(record.scale)


def _told(claim: Claim, found: Finding, others: Sequence[Finding]) -> dict[str, Any]:
    part, record = found.evidence.parts[found.ruling.decisive], found.record
    many, some = len(part.values) > 1, len(part.values) > 0
    effect = part.interval().mean if many else part.values[0] if some else None
    seeds = [len(one.values) for one in found.evidence.parts if one.of in ("seeds", "draws")]
    why = [*_beyond_the_verdict(found), f"endpoint: {claim.endpoint}", *found.ruling.reasons, *found.evidence.notes]
    if record.settings.get("residual"):
        why.append("the networks add their output to their input, the paper's do not")
    if short := record.shortened("computed"):
        why.append(f"the {short}")
    if len({bool(run.get("compiled")) for run in record.runs}) > 1:
        why.append("some of them were compiled, which puts sums in another order")
    why += [f"recorded at scale {record.scale}{' only, which says nothing of longer runs' * (record.scale in SMALL)}"]
    why += [f"at scale {other.record.scale}: {_short(other)}" for other in others]
    why += _rules(record)
    return {
        "verdict": found.ruling.verdict,
        "scale": record.scale,
        "effect": None if effect is None else _rounded(effect),
        "unit": part.unit,
        "ci95": [_rounded(end) for end in part.interval()[1:]] if many else None,
        "seeds": min(seeds) if seeds else None,
        "device": record.provenance["device"],
        "commit": ", ".join(sorted({run["commit"] for run in record.runs})),
        "date": record.provenance["date"],
        "why": _sentences(why),
    }


def _beyond_the_verdict(found: Finding) -> list[str]:
    """Return what its one word would hide: parts that hold though the whole does not, and members that break it."""
    parts = found.evidence.parts
    if found.ruling.verdict == "supported":
        # Of a claim that a tie satisfies, members that are worse say nothing against it.
        strict = parts[0].claimed == 1 and not parts[0].par
        hits = [hit for note in found.evidence.notes if strict and (hit := WORSE.search(note))]
        return [f"the statement as a whole fails: worse in {hit[2]} of {hit[1]} other comparisons" for hit in hits]
    if found.ruling.verdict == "equivalent" or found.record.scale == SCALES[-1]:
        return []
    known = [part for part in parts if len(part.values) >= LEAST_SEEDS]
    held = [p.name for p in known if zone(p.interval(), p.margin, claimed=p.claimed, par=p.par) == "supported"]
    return [f"supported in part: {'; '.join(held)}"] if held else []


def _short(found: Finding) -> str:
    part = found.evidence.parts[found.ruling.decisive]
    if len(part.values) < 2:
        return f"{found.ruling.verdict}, too few {part.of}"
    mean, low, high = part.interval()
    numbers = f"{mean:+.3g} {part.unit} [{low:+.3g}, {high:+.3g}]"
    return f"{found.ruling.verdict}, {numbers}, {len(part.values)} {part.of}"


def _rules(record: Record) -> list[str]:
    known = {run.get("rules") or "" for run in record.runs}
    if "" in known:
        return ["runs of it carry no fingerprint of the rules: they may be older than the rules"]
    changed = sorted(known - {rules_hash(record.experiment)})
    return [f"the rules have changed since it was run ({', '.join(changed)})"] if changed else []


def _sentences(texts: Iterable[str]) -> str:
    # l1 is no word: its small letter stays.
    return " ".join(
        (text[:1].upper() if text[1:2].isalpha() else text[:1]) + text[1:].rstrip(".") + "." for text in texts
    )


def _rounded(value: float) -> float:
    # + 0.0: minus zero is zero.
    return float(f"{value:.{DIGITS}g}") + 0.0


def write_claims(rows: Sequence[dict[str, Any]], path: str | Path) -> Path:
    """Write the rows as JSON, whole or not at all; equal rows give equal bytes."""
    path = Path(path)
    half = path.with_name(path.name + ".part")
    body = [{key: one[key] for key in KEYS} for one in rows]
    half.write_text(
        json.dumps(body, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8", newline="\n"
    )
    os.replace(half, path)
    return path


def effect_text(one: dict[str, Any]) -> str:
    """Return effect and interval of a row, "" if it has none."""
    if one["effect"] is None:
        return ""
    ends = "" if one["ci95"] is None else f" [{one['ci95'][0]:+.3g}, {one['ci95'][1]:+.3g}]"
    return f"{one['effect']:+.3g}{ends} {one['unit']}"


def as_text(rows: Sequence[dict[str, Any]], width: int = 110) -> str:
    """Return the rows for a terminal: verdict, effect, scale, and the statement below."""
    lines = []
    for one in rows:
        seeds = "" if one["seeds"] is None else f", {one['seeds']} seed{'s' * (one['seeds'] != 1)}"
        where = "" if one["scale"] is None else f"{one['scale']}{seeds}"
        lines.append("  ".join([f"{one['id']:4}", f"{one['verdict']:16}", f"{effect_text(one):42}", where]).rstrip())
        lines += textwrap.wrap(one["statement"], width, initial_indent="      ", subsequent_indent="      ")
    counts = [(word, sum(one["verdict"] == word for one in rows)) for word in dict.fromkeys(r["verdict"] for r in rows)]
    return "\n".join([*lines, "", ", ".join(f"{count} {word}" for word, count in counts)])
