"""What the recorded runs cost: how many networks, and how many hours."""

from __future__ import annotations

from collections.abc import Iterable

from ..records import Record
from .wording import markdown_table, number


def table(records: Iterable[Record]) -> str:
    """Return as Markdown the jobs of each record and their hours, by device: of one processor thread or one card."""
    lines: list[list[str]] = []
    together: dict[str, list[float]] = {}
    for record in records:
        spent: dict[str, list[float]] = {}
        for run in record.runs:
            device = str(run.get("device", record.provenance["device"]))
            spent.setdefault(device, []).append(float(run.get("seconds", 0)))
        for device, seconds in spent.items():
            together.setdefault(device, []).extend(seconds)
            lines.append([f"{record.experiment}, {record.scale}, {device}", *_sum(seconds)])
    lines += [[f"together, {device}", *_sum(seconds)] for device, seconds in together.items()]
    # Narrow enough for a phone.
    return markdown_table(["experiment, scale, device", "jobs", "hours"], lines)


def _sum(seconds: list[float]) -> tuple[str, str]:
    return str(len(seconds)), number(sum(seconds) / 3600, 1)
