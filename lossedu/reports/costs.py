"""What the recorded runs cost: how many networks, and how many hours."""

from __future__ import annotations

from collections.abc import Iterable

from ..records import Record
from .wording import markdown_table, number


def table(records: Iterable[Record]) -> str:
    """Return as Markdown the jobs of each record and their hours, each of one processor thread or of one card."""
    lines, total = [], 0.0
    for record in records:
        seconds = [float(run.get("seconds", 0)) for run in record.runs]
        total += sum(seconds)
        devices = ", ".join(sorted({str(run.get("device", record.provenance["device"])) for run in record.runs}))
        lines.append(
            [f"`{record.experiment}`", record.scale, str(len(seconds)), number(sum(seconds) / 3600, 1), devices]
        )
    lines.append(["together", "", str(sum(int(line[2]) for line in lines)), number(total / 3600, 1), ""])
    return markdown_table(["experiment", "scale", "jobs", "hours", "device"], lines)
