"""What chapter 6 shows of the records on features: what layers keep of a picture, how sparse and how large they are."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import _validate
from ..experiments import inversion
from ..experiments.features import LAYERS, SCALED
from ..figures import chart, image_strip, loss_style
from ..figures.style import FAINT
from ..instruments import receptive_field
from ..records import Record
from ..statistics import Interval
from .wording import estimate, markdown_table, number, with_half

#: Arm -> what it is called.
WEIGHTS = {"trained": "trained", "random": "random weights"}


def inverted(record: Record, arm: str, layer: str) -> Tensor:
    """Return the picture that a record keeps of an inversion, (1, 3, H, W)."""
    from PIL import Image

    key = f"{arm}/{layer}"
    _validate.option("arm and layer", key, record.weights)
    with Image.open(io.BytesIO(record.weights[key].tobytes())) as opened:
        return torch.from_numpy(np.array(opened)).permute(2, 0, 1)[None].float() / 255


def inversion_strip(record: Record) -> Figure:
    """Draw the photograph and what was found from each layer's features, trained above and random below."""
    shown = record.settings["shown"]
    place = (..., slice(46, 82), slice(30, 66))  # a face and a black collar
    clean = inversion.photograph(shown, record.settings["side"])[place]
    pictures, titles, notes = [], [], []
    for arm in WEIGHTS:
        pictures.append(clean)
        titles.append("clean" if arm == "trained" else "")
        notes.append("")
        for layer in inversion.TASKS:
            pictures.append(inverted(record, arm, layer)[place])
            titles.append(layer if arm == "trained" else "")
            (run,) = _runs(record, arm, layer, shown, 0)
            notes.append(f"{run['psnr']:.1f} dB")
    return image_strip(pictures, titles, notes, columns=6, row_labels=list(WEIGHTS))


def _runs(record: Record, arm: str, layer: str, picture: str = "", seed: int | None = None) -> list[dict[str, float]]:
    return [
        run
        for run in record.runs
        if (run["arm"], run["task"]) == (arm, layer) and picture in ("", run["picture"]) and seed in (None, run["seed"])
    ]


def by_picture(record: Record, arm: str, layer: str, column: str) -> list[float]:
    """Return a number of the inversions, mean over seeds, one a photograph."""
    return [
        float(np.mean([run[column] for run in _runs(record, arm, layer, name)])) for name in record.settings["pictures"]
    ]


def inversion_table(record: Record) -> str:
    """Return as Markdown what is left of pictures in each layer: PSNR, SSIM, LPIPS, and the error of the features."""
    rows = []
    for layer in inversion.TASKS:
        cells = []
        for arm in WEIGHTS:
            cells += [
                with_half(estimate(by_picture(record, arm, layer, "psnr")), 1),
                with_half(estimate(by_picture(record, arm, layer, "ssim")), 2),
                with_half(estimate(by_picture(record, arm, layer, "lpips_alexnet")), 2),
                f"{number(100 * float(np.mean(by_picture(record, arm, layer, 'error'))), 1)} %",
            ]
        rows.append([layer, *cells])
    what = ("PSNR (dB)", "SSIM", "LPIPS", "error")
    head = ["layer", *(f"{words}: {one}" for words in WEIGHTS.values() for one in what)]
    pictures, seeds = record.settings["pictures"], {run["seed"] for run in record.runs}
    many = f"{len(seeds)} seed" + ("s" if len(seeds) > 1 else "")
    note = (
        f"Means over {len(pictures)} photographs ± half of the 95 % interval; {many} each; LPIPS looks "
        "through AlexNet. Error: $\\lVert\\phi(x)-\\phi(y)\\rVert^2/\\lVert\\phi(y)\\rVert^2$, a ratio of squares."
    )
    return markdown_table(head, rows) + "\n\n" + note


def shares(record: Record, arm: str) -> np.ndarray:
    """Return the active share of each relu layer, (pictures, layers); of random weights the mean over their seeds."""
    return _columns(record, "active", arm, LAYERS).mean(axis=0)


def _columns(record: Record, task: str, arm: str, columns: Sequence[str]) -> np.ndarray:
    """Return columns of a task's tables, (seeds, pictures, columns)."""
    runs = [run for run in record.runs if (run["task"], run["arm"]) == (task, arm)]
    if not runs:
        raise ValueError(f"record {record.name} has no runs of task {task}, arm {arm}")
    tables = [record.scores[f"{run['job']}@test"] for run in runs]
    where = [runs[0]["columns"].index(column) for column in columns]
    return np.stack([table[:, where] for table in tables]).astype(np.float64)


def draw_active(record: Record) -> Figure:
    """Draw the active share of every relu layer: mean over photographs, and where nine tenths of them lie."""
    figure, (ax,) = chart(height=380)
    places = range(len(LAYERS))
    for arm, color, dashes in (("trained", loss_style("perceptual")["color"], "-"), ("random", FAINT, "--")):
        found = 100 * shares(record, arm)
        low, high = np.quantile(found, [0.05, 0.95], axis=0)
        ax.fill_between(places, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(places, found.mean(axis=0), color=color, linestyle=dashes, marker="o", ms=5, label=WEIGHTS[arm])
    ax.set_xticks(list(places), [name.removeprefix("relu") for name in LAYERS])
    ax.set(xlabel="layer", ylabel="active share (%)", ylim=(0, 72))
    ax.legend(loc="lower left")
    return figure


def active_sentence(record: Record) -> str:
    """Return as Markdown the active shares of the first and the last relu layer."""
    parts = []
    for arm, words in WEIGHTS.items():
        first, last = (estimate((100 * shares(record, arm))[:, place].tolist()) for place in (0, -1))
        parts.append(f"**{words}:** {with_half(first, 1)} % of {LAYERS[0]}, {with_half(last, 1)} % of {LAYERS[-1]}")
    count = len(record.settings["pictures_of"]["active"])
    return "; ".join(parts) + f" (mean over {count} photographs ± half of its 95 % interval)."


def live_table(record: Record, layers: Sequence[str] = ("relu2_2", "relu3_3", "relu4_3", "relu5_3")) -> str:
    """Return as Markdown how many numbers a layer has for each pixel of the picture, and how many are above zero."""
    rows = []
    for layer in layers:
        count = min(64 * 2 ** (int(layer[4]) - 1), 512) / receptive_field(layer).stride ** 2
        cells = [f"{count:g}"]
        for arm in WEIGHTS:
            share = float(shares(record, arm)[:, LAYERS.index(layer)].mean())
            cells.append(f"{number(count * share, 1)} ({number(100 * share, 0)} %)")
        rows.append([layer, *cells])
    return markdown_table(
        ["layer", "numbers per pixel of the picture", *(f"on: {words}" for words in WEIGHTS.values())], rows
    )


def scale_table(record: Record) -> str:
    """Return as Markdown by which factor SRGAN's content loss and its gradient exceed those of the squared error."""
    rows = []
    for layer in SCALED:
        for arm, words in WEIGHTS.items():
            rows.append([layer, words, *(factor_text(record, arm, what, layer) for what in ("loss", "gradient"))])
    note = (
        "By how much SRGAN's content loss, and its gradient in the pixels, exceeds the mean squared error: geometric "
        f"mean over {len(record.settings['pictures_of']['scale'])} photographs and its 95 % interval. Squared error of "
        "pictures in [-1, 1], as in the paper; in [0, 1] all factors are four times as large."
    )
    return markdown_table(["layer", "weights", "value", "gradient"], rows) + "\n\n" + note


def factors(record: Record, arm: str, what: str, layer: str) -> Interval:
    """Return that factor, the geometric mean over photographs; values are decibels of it, of a gradient twice that."""
    decibels = _columns(record, "scale", arm, [f"{what} {layer}"]).mean(axis=0)[:, 0]
    found = estimate(decibels.tolist())
    unit = 10 if what == "loss" else 20
    return Interval(*(10 ** (value / unit) for value in (found.mean, found.low, found.high)))


def factor_text(record: Record, arm: str, what: str, layer: str) -> str:
    """Return the same in words: "303 (281 to 326)"."""
    found = factors(record, arm, what, layer)
    if not np.isfinite(found.low):
        return _three(found.mean)
    return f"{_three(found.mean)} ({_three(found.low)} to {_three(found.high)})"


def _three(value: float) -> str:
    """Return a number with three digits that count, and no exponent."""
    return f"{value:.3g}" if value < 1000 else f"{round(value, -1):,.0f}"
