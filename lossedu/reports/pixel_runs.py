"""Under which conditions chapter 1 compares l1 with l2, and what other step sizes would have done."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ..experiments.convergence import ARMS, PICTURES
from ..experiments.tuning import choose, means
from ..ledger.evidence import Nets, entries
from ..records import Record
from . import convergence, wording
from .wording import label, number

#: Optimiser -> how it is called.
OPTIMIZERS = {"sgd": "gradient descent", "adam": "Adam"}


def steps_tried(record: Record) -> str:
    """Return as Markdown what came of every step size that was tried, with either optimiser.

    Of both losses the squared error, of l1 its own loss too; in brackets, how far it lies above that of the chosen
    step size, which is the best by each network's own loss.
    """
    by_loss, by_square, chosen = means(record.runs), means(record.runs, "mse"), choose(record.runs)
    rows = []
    for optimizer, name in OPTIMIZERS.items():
        for rate in sorted(by_loss["dd", "l2", optimizer]):
            cells = []
            for arm, values in (("l2", by_square), ("l1", by_square), ("l1", by_loss)):
                found, best = values["dd", arm, optimizer], chosen["dd", arm, optimizer]
                cells.append(_above(found[rate], found[best], best == rate, 2 if values is by_loss else 3))
            rows.append([f"{name}, {rate:g}", *cells])
    head = ["optimiser, step size", *(f"1000 × squared error, {label(arm)}" for arm in ARMS)]
    return wording.markdown_table([*head, f"1000 × own loss, {label('l1')}"], rows)


def _above(value: float, least: float, best: bool, digits: int) -> str:
    if not math.isfinite(value):
        return "ran away"
    said = "chosen" if best else f"{number(100 * (value / least - 1), 1, signed=True)} %"
    return f"{number(1000 * value, digits)} ({said})"


def conditions(tuning: Record, noisy: Record, table: Record, course: Record) -> str:
    """Return as Markdown how the networks of each record were trained that compare l1 with l2, and what judged them.

    Raises
    ------
    ValueError
        If the two losses of a comparison were trained with different step sizes.
    """
    tried = {one: {run["lr"] for run in _of_both(tuning.runs) if run["optimizer"] == one} for one in OPTIMIZERS}
    counts = " and ".join(dict.fromkeys(str(len(rates)) for rates in tried.values()))
    both, steps = " and ".join(OPTIMIZERS.values()), f"{tuning.settings['steps']:,}"
    rows = [["tuning", both, f"{counts} tried with each", steps, _seeds(tuning.runs), "validation pictures"]]
    for name, record, task in (
        ("[noise in the target](#noise-in-the-target)", noisy, "clean"),
        ("[averages of PSNR](#psnr-and-an-average-that-is-not-one), pictures of splotches, Z1, Z7", table, "dd"),
    ):
        runs = [run for arm in ARMS for run in entries(record, Nets(arm, task))]
        judged = len(record.scores[f"{runs[0]['job']}@test"])
        steps = f"{record.settings['steps']:,}"
        rows.append([name, OPTIMIZERS["adam"], _step(runs), steps, _seeds(runs), f"{judged} test pictures"])
    for mode, optimizer in (("sgd_tuned", "sgd"), ("adam_tuned", "adam")):
        ends = [run for run in _of_both(course.runs) if run["mode"] == mode]
        after = ends[0]["curves"]["continue"][-1][0]
        judged = len(course.scores[f"{ends[0]['job']}/continue@test"])
        steps = f"{course.settings['steps']:,} + {after:,}"
        on = f"curves: {PICTURES}, ends: {judged} test pictures"
        rows.append(
            ["curves, ends and switches, Z2 to Z6", OPTIMIZERS[optimizer], _step(ends), steps, _seeds(ends), on]
        )
    return wording.markdown_table(["runs", "optimiser", "step size, both losses", "steps", "seeds", "judged on"], rows)


#: Steps at which `leads` looks.
LOOKS = (500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000)


def lead(course: Record, mode: str, step: int) -> list[float]:
    """Return by seed what l1 has over l2 by the squared error on the pictures of the curves, in dB, before a switch."""
    error = {
        arm: {seed: dict(points)[step] for seed, points in convergence.courses(course, mode, arm, "trunk").items()}
        for arm in ARMS
    }
    return [10 * math.log10(error["l2"][seed] / value) for seed, value in error["l1"].items() if seed in error["l2"]]


def leads(course: Record) -> str:
    """Return as Markdown what l1 has over l2 on the way, while the step size has not begun to fall."""
    rows = []
    for step in LOOKS:
        found = (lead(course, mode, step) for mode in ("adam_tuned", "sgd_tuned"))
        rows.append([f"{step:,}", *(wording.with_half(wording.estimate(one), 2, signed=True) for one in found)])
    steps = (
        _step([run for run in _of_both(course.runs) if run["mode"] == mode]) for mode in ("adam_tuned", "sgd_tuned")
    )
    head = [f"{name}, step size {size}" for name, size in zip(("Adam", "gradient descent"), steps, strict=True)]
    return wording.markdown_table(["steps", *head], rows)


def _of_both(runs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [run for run in runs if run["arm"] in ARMS and run["task"] == "dd"]


def _seeds(runs: Iterable[Mapping[str, Any]]) -> str:
    return str(len({run["seed"] for run in runs}))


def _step(runs: Iterable[Mapping[str, Any]]) -> str:
    found = sorted({run["lr"] for run in runs})
    if len(found) != 1:
        raise ValueError(f"both losses must have been trained with one step size, got {found}")
    return f"{found[0]:g}"
