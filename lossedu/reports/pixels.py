"""What chapter 1 shows of the records: averages of PSNR, and where l1 and l2 leave their errors."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from ..experiments.convergence import ARMS
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.evidence import Nets, entries, images, left_out, paired, seed_values
from ..records import Record
from . import wording
from .indices import gap
from .wording import estimate, label, number, with_half

#: What stands on the axis of `draw_splotches`: first loss, branch.
_ENDS = (("l2", "continue"), ("l1", "continue"), ("l2", "switch"), ("l1", "switch"))

#: Which of them are compared seed by seed: as numbers of `_ENDS`.
_COMPARED = ((1, 0), (2, 0), (3, 1), (3, 0), (3, 2))


def per_image(record: Record, arm: str, seed: int, column: str = "mse") -> np.ndarray:
    """Return one number a test picture for the network of a loss and a seed, task "dd"."""
    nets = Nets(arm, "dd")
    (entry,) = [run for run in entries(record, nets) if run["seed"] == seed]
    return images(record, entry, nets, column)


def psnr_of_mean(mse: np.ndarray) -> float:
    """Return the PSNR of the mean square error of all pictures together."""
    return -10 * math.log10(float(mse.mean()))


def mean_psnr(mse: np.ndarray) -> float:
    """Return the mean over pictures of their PSNR."""
    return float(np.mean(-10 * np.log10(mse)))


def averages(record: Record) -> str:
    """Return as Markdown, by seed: mean PSNR and PSNR of the mean for l2 and l1, and which loss is ahead by each."""
    rows = []
    for seed in sorted(run["seed"] for run in entries(record, Nets("l2", "dd"))):
        mse = {arm: per_image(record, arm, seed) for arm in ARMS}
        cells, ahead = [], []
        for average in (mean_psnr, psnr_of_mean):
            found = {arm: average(values) for arm, values in mse.items()}
            cells += [number(found[arm], 3) for arm in ARMS]
            ahead.append(label(max(found, key=lambda arm: found[arm])))
        wins = int((mse["l1"] < mse["l2"]).sum())
        rows.append([str(seed), *cells[:2], ahead[0], *cells[2:], ahead[1], f"{wins} of {len(mse['l1'])}"])
    head = ["seed", *(f"mean PSNR, {label(arm)}" for arm in ARMS), "ahead"]
    head += [*(f"PSNR of mean, {label(arm)}" for arm in ARMS), "ahead", "pictures where ℓ1 is better"]
    return wording.markdown_table(head, rows)


def draw_averages(record: Record, seed: int = 0) -> Figure:
    """Draw for each test picture what l1 has over l2 in PSNR, against its squared error: who wins where."""
    figure, (ax,) = chart(height=340)
    mse = {arm: per_image(record, arm, seed) for arm in ARMS}
    size, gap = 1000 * (mse["l1"] + mse["l2"]) / 2, 10 * np.log10(mse["l2"] / mse["l1"])
    for arm, won in (("l1", gap > 0), ("l2", gap <= 0)):
        style = loss_style(arm) | {"linestyle": "none", "label": f"{label(arm)} better"}
        ax.semilogx(size[won], gap[won], **style)
    ax.axhline(0, color=FAINT, linewidth=1)
    ax.set(xlabel=r"1000 $\ell_2$ of the picture, mean of both networks", ylabel=r"PSNR, $\ell_1$ over $\ell_2$ (dB)")
    ax.set_xticks([0.3, 0.5, 1, 2, 3], ["0.3", "0.5", "1", "2", "3"])
    ax.set_xticks([], minor=True)
    ax.legend(loc="lower left")
    return figure


def halves(record: Record, seed: int = 0) -> dict[str, np.ndarray]:
    """Return what l1 has over l2 in PSNR on each of the easier and of the harder test pictures, by their mean error."""
    mse = {arm: per_image(record, arm, seed) for arm in ARMS}
    size, lead = mse["l1"] + mse["l2"], 10 * np.log10(mse["l2"] / mse["l1"])
    easy = size < np.median(size)
    return {"easier": lead[easy], "harder": lead[~easy]}


def tell_halves(record: Record, seed: int = 0) -> str:
    """Return in a sentence how often and how far l1 is ahead on easier pictures, and l2 on harder ones."""
    parts = []
    for (name, lead), arm, sign in zip(halves(record, seed).items(), ("l1", "l2"), (1, -1), strict=True):
        ahead = sign * lead
        far = f"largest lead {number(ahead.max(), 2)} dB, median of all {number(np.median(ahead), 2, signed=True)} dB"
        parts.append(f"of the {len(lead)} {name} pictures {label(arm)} is ahead on {int((ahead > 0).sum())} ({far})")
    return f"Seed {seed}: {'; '.join(parts)}."


def over_l2(record: Record, arm: str, column: str, digits: int) -> str:
    """Return what a loss has over l2 in an index of Table 1: mean over seeds, with half of its 95 % interval."""
    return with_half(estimate(list(gap(record, "dd", arm, "l2", column).values())), digits, signed=True)


#: Task of Table 1 -> how it is called.
TASKS = {"dd": "denoising and demosaicking", "jpeg": "deblocking", "sr2": "super-resolution, twofold"}


def on_task(record: Record, task: str) -> dict[str, list[float]]:
    """Return by seed what l1 has over l2 on a task: mean PSNR and pooled error in dB, and splotches in percent."""
    pair = Nets("l1", task), Nets("l2", task)
    here, there = (seed_values(record, task, arm, "flat_middle", pool="rms") for arm in ("l1", "l2"))
    return {
        "psnr": list(paired(record, *pair, "psnr").values.values()),
        "mse": list(paired(record, *pair, "mse", how="dB").values.values()),
        "splotches": [100 * (here[seed] / there[seed] - 1) for seed in here if seed in there],
    }


def tasks_beside(record: Record) -> str:
    """Return as Markdown what l1 has over l2 on all tasks of Table 1, seed by seed."""
    rows = []
    for task, name in TASKS.items():
        found = on_task(record, task)
        cells = [with_half(estimate(found[key]), 2, signed=True) for key in ("psnr", "mse")]
        rows.append([name, *cells, f"{with_half(estimate(found['splotches']), 1, signed=True)} %"])
    head = ["ℓ1 over ℓ2", "mean PSNR (dB)", "pooled error (dB; +: smaller)", "splotches"]
    return wording.markdown_table(head, rows)


def splotches(record: Record, arm: str, branch: str, mode: str = "adam_tuned") -> list[float]:
    """Return by seed 1000 times the residual of 4 to 16 pixels in flat regions, at the end of a branch."""
    found = seed_values(record, "", arm, "flat_middle", pool="rms", branch=branch, mode=mode)
    return [1000 * value for value in found.values() if math.isfinite(value)]


def ends(record: Record) -> str:
    """Return as Markdown 1000 times the squared error of the networks that stayed with one loss, seed by seed."""
    rows = []
    for name, mode in (("gradient descent", "sgd_tuned"), ("Adam", "adam_tuned")):
        found = [seed_values(record, "", arm, "mse", branch="continue", mode=mode).values() for arm in ARMS]
        steps = sorted({run["lr"] for run in record.runs if run["mode"] == mode and run["arm"] in ARMS})
        title = f"{name}, step {' and '.join(f'{step:g}' for step in steps)}"
        rows.append([title, *(", ".join(number(1000 * value, 2) for value in values) for values in found)])
    head = ["optimiser", *(f"1000 × error at the end, {label(arm)}" for arm in ARMS)]
    return wording.markdown_table(head, rows)


def change_of_splotches(record: Record, one: tuple[str, str], base: tuple[str, str], mode: str) -> list[float]:
    """Return by seed how much more one (first loss, branch) leaves than another."""
    here, there = (splotches(record, *part, mode) for part in (one, base))
    return [a - b for a, b in zip(here, there, strict=True)]


def compare_splotches(record: Record) -> str:
    """Return as Markdown what networks leave that changed the loss or did not, seed by seed, for both optimisers."""
    modes = {"Adam": "adam_tuned", "gradient descent": "sgd_tuned"}
    rows = []
    for pair in _COMPARED:
        one, base = (_ENDS[place] for place in pair)
        found = (estimate(change_of_splotches(record, one, base, mode)) for mode in modes.values())
        rows.append([f"{_name(*one)} − {_name(*base)}", *(with_half(value, 1, signed=True) for value in found)])
    return wording.markdown_table(["1000 × residual", *modes], rows)


def _name(arm: str, branch: str) -> str:
    other = "l1" if arm == "l2" else "l2"
    return f"{label(arm)} alone" if branch == "continue" else f"{label(arm)}, then {label(other)}"


def flat_pictures(record: Record) -> tuple[int, int]:
    """Return how many of the test pictures have a flat region at all, and how many there are."""
    column = record.settings["columns"].index("flat_middle")
    found = next(scores for name, scores in record.scores.items() if name.endswith("/continue@test"))[:, column]
    return int(np.isfinite(found).sum()), len(found)


def draw_splotches(record: Record, mode: str = "adam_tuned") -> Figure:
    """Draw the splotches that networks leave which ended with one loss or went from one to the other."""
    figure, (ax,) = chart(height=340)
    names = []
    for place, (arm, branch) in enumerate(_ENDS):
        wording.dots(ax, place, splotches(record, arm, branch, mode), arm, text="")
        names.append(_name(arm, branch))
    ax.set_xticks(range(len(names)), names)
    ax.set(xlim=(-0.5, len(names) - 0.5), ylim=(0, None), ylabel="1000 × residual, 4 to 16 px, flat")
    runs = [run for run in record.runs if run["mode"] == mode]
    gone = [run["job"] for run in runs if left_out(run)]
    wording.remark(figure, [f"Left out: {', '.join(gone)}."] if gone else [])
    return figure
