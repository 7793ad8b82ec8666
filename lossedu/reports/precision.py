"""What shorter numbers in the networks change, from records of the experiment `precision`."""

from __future__ import annotations

from ..experiments.precision import ARMS, PRECISIONS
from ..ledger.claim import MARGINS
from ..ledger.evidence import Missing, Nets, paired, seed_values
from ..records import Record
from . import wording
from .wording import estimate, label, number

TASK = "dd"
USUAL, SHORT = PRECISIONS


def nets(arm: str, precision: str) -> Nets:
    """Return the networks of a loss that computed in a precision."""
    return Nets(arm, TASK, where=(("precision", precision),))


def change(record: Record, arm: str, column: str = "psnr") -> list[float]:
    """Return by how much a column is larger in bfloat16, each seed compared with itself."""
    return list(paired(record, nets(arm, SHORT), nets(arm, USUAL), column).values.values())


def lead(record: Record, arm: str, base: str, precision: str, column: str = "psnr") -> list[float]:
    """Return by how much a loss is ahead of another in one precision, each seed compared with itself."""
    return list(paired(record, nets(arm, precision), nets(base, precision), column).values.values())


def table(record: Record) -> str:
    """Return as Markdown the PSNR of each loss in float32, what bfloat16 changes, and what that does to the leads."""
    arms = [arm for arm in ARMS if any(run["arm"] == arm for run in record.runs)]
    lines = []
    for arm in arms:
        try:
            usual = list(seed_values(record, TASK, arm, "psnr", precision=USUAL).values())
            cells = [_half(usual, 2, signed=False), _half(change(record, arm), 3)]
        except Missing:
            cells = [wording.NOTHING, wording.NOTHING]
        ahead = [_ahead(record, arm, precision) for precision in PRECISIONS]
        lines.append([label(arm), *cells, *ahead])
    head = [
        "loss",
        "PSNR in float32 (dB)",
        "bfloat16 over float32",
        f"over {label('l1')}, float32",
        "the same, bfloat16",
    ]
    least = number(MARGINS["dB"], 1)
    gone = wording.losses_left_out(record.runs) + wording.unfinished(record)
    text = f"Mean over seeds ± half of the 95 % interval. The smallest difference of interest is {least} dB."
    return "\n\n".join([wording.markdown_table(head, lines), " ".join([text, *gone])])


def _ahead(record: Record, arm: str, precision: str) -> str:
    try:
        return wording.NOTHING if arm == "l1" else _half(lead(record, arm, "l1", precision), 3)
    except Missing:
        return wording.NOTHING


def _half(values: list[float], digits: int, *, signed: bool = True) -> str:
    return wording.with_half(estimate(values), digits, signed=signed)
