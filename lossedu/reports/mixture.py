"""What chapter 5 shows of the records: the column of Mix in Table 1, and who steers where training has come to rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from .. import ssim
from ..experiments.arms import ALPHAS
from ..experiments.tuning import choose, means
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.families import RARE
from ..ledger.multiplicity import holm
from ..metrics import psnr
from ..records import Record
from ..statistics import Interval, t_test
from . import table1, wording
from .indices import INDICES, gap, heading, seeds_of, values_of
from .wording import estimate, label, number, with_half
from .zhao2017 import METRICS, published

#: Task -> what it is called in a table.
TASKS = {"dd": "mosaic, noise", "jpeg": "JPEG", "sr2": "super-resolution"}

_ROWS = (
    r"1000 $\ell_2$, 1000 $\ell_1$: mean square and mean absolute error, in thousandths. Slope: of the clean picture "
    "on the output, below 1 where the output swings too far. Bias: mean size of the error of a channel's mean. "
    "Splotches: root mean square of what the error has between 4 and 16 pixels on flat ground. Both in thousandths of "
    "the range. Edge width: relative to the clean picture."
)


def column(record: Record, arms: tuple[str, ...] = ("l1", "mix")) -> str:
    """Return as Markdown the columns of some losses in the nine rows of Table 1, for three tasks."""
    rows = []
    for metric in METRICS:
        cells = []
        for task in TASKS:
            for arm in arms:
                found = estimate(list(values_of(record, task, arm, metric).values()))
                digits = wording.decimals([found.high - found.mean], INDICES[metric].digits)
                cells.append(with_half(found, digits))
        rows.append([heading(metric), *cells])
    head = ["index", *(f"{name}: {label(arm)}" for name in TASKS.values() for arm in arms)]
    return wording.markdown_table(head, rows) + "\n\n" + _note(record, "Mean ± half of the 95 % interval")


def lead_table(record: Record, arm: str = "mix", base: str = "l1") -> str:
    """Return as Markdown what one loss has over another in the nine rows, ours and in brackets the paper's.

    The word is bold where the row is still decided with Holm's correction for all comparisons of the table.
    """
    rare = adjusted(record, arm, base)
    rows = []
    for metric in METRICS:
        cells = []
        for task in TASKS:
            found = lead(record, task, metric, arm, base)
            digits = wording.decimals([found.high - found.mean], INDICES[metric].digits)
            theirs = paper_lead(task, metric, arm, base)
            better = {"high": 1, "low": -1}[INDICES[metric].better]
            sign = (found.low > 0) - (found.high < 0)
            word = "better" if sign * better > 0 else "worse" if sign else "open"
            word = f"**{word}**" if rare[task, metric] < RARE else word
            beside = number(theirs * INDICES[metric].factor, _printed(metric), signed=True)
            cells.append(f"{with_half(found, digits, signed=True)} ({beside}) {word}")
        rows.append([heading(metric), *cells])
    head = [f"{label(arm)} over {label(base)}", *TASKS.values()]
    note = "Ours, ± half of the 95 % interval, and in brackets the paper's, one network each"
    held = f"Bold: still so with Holm's correction for these {len(rare)} comparisons."
    return wording.markdown_table(head, rows) + f"\n\n{_note(record, note)} {held}"


def adjusted(record: Record, arm: str = "mix", base: str = "l1") -> dict[tuple[str, str], float]:
    """Return the p values of all comparisons of `lead_table` by task and index, by Holm's correction for them all."""
    places = [(task, metric) for task in TASKS for metric in METRICS]
    found = holm(t_test(gap(record, task, arm, base, metric).values()) for task, metric in places)
    return dict(zip(places, found, strict=True))


def lead(record: Record, task: str, metric: str, arm: str = "mix", base: str = "l1") -> Interval:
    """Return by how much an index is larger for one loss than for another, seed by seed, in the table's unit."""
    return estimate(list(gap(record, task, arm, base, metric).values()))


def paper_lead(task: str, metric: str, arm: str = "mix", base: str = "l1") -> float:
    """Return the same in the paper, in our unit."""
    ours, theirs = (published(task, metric, name) for name in (arm, base))
    assert ours is not None and theirs is not None
    return ours - theirs


def _printed(metric: str) -> int:
    return {"mse": 3, "psnr": 2, "l1": 2}.get(metric, 4)


def _note(record: Record, words: str) -> str:
    seeds = {task: seeds_of(record, task) for task in TASKS}
    return f"{words}; {', '.join(f'{seeds[task]} seeds ({name})' for task, name in TASKS.items())}."


def step_sizes(record: Record) -> str:
    """Return as Markdown the best step size of Adam for l1, MS-SSIM and Mix, and what half of it costs, by task."""
    values, chosen = means(record.runs), choose(record.runs)
    rows = []
    for arm in ("l1", "mix", "ms_ssim"):
        cells = []
        for task in TASKS:
            by_rate, best = values[task, arm, "adam"], chosen[task, arm, "adam"]
            cells.append(f"{best:g}: +{100 * (by_rate[best / 2] / by_rate[best] - 1):.1f} %")
        rows.append([label(arm), *cells])
    return wording.markdown_table(["best step of the trial: what half of it costs", *TASKS.values()], rows)


def sweep(record: Record) -> str:
    """Return as Markdown the rows of Table 1 for the weights of Mix, columns with their weights, rows explained."""
    head, body = table1.table(record, "dd", tuple(ALPHAS)).split("\n", 1)
    for arm, words in (("mix", f"Mix, α = {ALPHAS['mix']:g}"), ("ms_ssim", f"MS-SSIM (α = {ALPHAS['ms_ssim']:g})")):
        head = head.replace(f"| {label(arm)} |", f"| {words} |")
    return f"{head}\n{body}\n\n{_ROWS}"


def courses(record: Record, arm: str) -> np.ndarray:
    """Return the courses of one network, (draws, counts, 4): crops, share, cosine, mean share of single batches."""
    runs = [run["course"] for run in record.runs if run["arm"] == arm]
    if not runs:
        raise ValueError(f"arm must be one that record {record.name} has runs of, got {arm!r}")
    return np.array(runs, dtype=float)


def draw_rest(record: Record) -> Figure:
    """Draw the share of MS-SSIM in the gradient of ever more crops, for the networks of Mix and of l1."""
    figure, (ax,) = chart(height=380)
    ax.axhline(0.5, color=FAINT, linewidth=1.2, linestyle=(0, (3, 3)))
    for arm, words in (("l1", "a network of $\\ell_1$, the control"), ("mix", "the network of Mix itself")):
        found, style = courses(record, arm), loss_style(arm)
        crops = found[0, :, 0]
        ax.fill_between(crops, found[..., 1].min(0), found[..., 1].max(0), color=style["color"], alpha=0.2, linewidth=0)
        ax.plot(crops, found[..., 1].mean(0), **style | {"label": words})
        if arm == "mix":
            alone = found[..., 3].mean(0)
            ax.plot(crops, alone, color=style["color"], linewidth=1.2, linestyle=":", label="Mix: single batches, mean")
    ax.set(xscale="log", xlabel="crops that the gradient is averaged over", ylim=(0.45, 1.02))
    ax.set_ylabel("share of MS-SSIM, α = 0.84")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 0.12))  # above the line at one half
    return figure


def rest(record: Record, arm: str) -> tuple[Interval, Interval]:
    """Return share and cosine with the noise of the batches taken out, over draws."""
    found = [run["rest"] for run in record.runs if run["arm"] == arm]
    return estimate([share for share, _ in found]), estimate([cosine for _, cosine in found])


def rest_sentence(record: Record) -> str:
    """Return as Markdown what single batches, all crops together, and the mean gradient without noise say."""
    lines = []
    for arm in ("mix", "l1"):
        found = courses(record, arm)
        share, cosine = rest(record, arm)
        lines.append(
            f"- **Network of {label(arm)}:** share of MS-SSIM in one batch of {int(found[0, 0, 0])} crops "
            f"{number(float(found[:, -1, 3].mean()), 3)}; in {int(found[0, -1, 0]):,} crops together "
            f"{number(float(found[:, -1, 1].mean()), 3)}; with the noise taken out {with_half(share, 2)}, cosine "
            f"of the gradients {with_half(cosine, 2)}."
        )
    return "\n".join(lines)


def notes(crops: Sequence[Tensor]) -> list[str]:
    """Return PSNR and SSIM of each crop against the first, which is the clean one and has none."""
    clean = crops[0]
    scores = [(float(psnr(crop.clamp(0, 1), clean)), float(ssim(crop.clamp(0, 1), clean))) for crop in crops[1:]]
    return ["", *(f"{decibels:.1f} dB, {index:.3f}" for decibels, index in scores)]
