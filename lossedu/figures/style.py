"""The house style: sizes, fonts and file settings of every figure.

A figure is drawn at 100 dots an inch and `PAGE_WIDTH` pixels wide or less, so that the site shows one screen pixel
for each of its own. Texts are 11 to 12 points: as large as the body text on the page, and about 8 pixels high where a
phone halves the figure. The ground is always white, in the dark theme too: a picture's pixels do not depend on the
reader's settings.
"""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lossedu import _validate

from .palette import loss_style

PAGE_WIDTH = 700
"""Width in pixels of the column of text on the site; no figure is wider."""

DPI = 100
INK = "#222222"
FAINT = "#595959"

HOUSE: dict[Any, Any] = {
    "figure.dpi": DPI,
    "figure.figsize": (PAGE_WIDTH / DPI, 4.2),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "savefig.dpi": "figure",
    "savefig.facecolor": "white",
    "savefig.transparent": False,
    # A tight box would shift pictures by parts of a pixel.
    "savefig.bbox": None,
    # matplotlib's own font: the same on every machine.
    "font.family": ["DejaVu Sans"],
    "font.size": 12.0,
    "axes.titlesize": 12.0,
    "axes.labelsize": 12.0,
    "xtick.labelsize": 11.0,
    "ytick.labelsize": 11.0,
    "legend.fontsize": 11.0,
    "legend.frameon": False,
    # Long enough for a dash pattern to be told from another.
    "legend.handlelength": 3.2,
    "mathtext.fontset": "dejavusans",
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.facecolor": "white",
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": True,
    "axes.prop_cycle": cycler(
        color=[loss_style(name)["color"] for name in ("ssim", "l1", "ms_ssim", "mix", "perceptual", "l2")]
    ),
    "grid.color": "#dedede",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.0,
    "image.cmap": "viridis",
    "image.interpolation": "nearest",
    # Without a fixed salt the ids in an SVG are random.
    "svg.hashsalt": "lossedu",
}

# What would otherwise put the version or the date into the file.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


def use_house_style() -> None:
    """Set the house style for the session; in a notebook also for the pictures of its cells.

    Call it once, in the first cell.  In IPython the cells then show PNG with neither a tight bounding box nor a line
    about the software, so that strips keep their exact pixels and a second run leaves the same bytes.
    """
    mpl.rcParams.update(HOUSE)
    if "IPython" not in sys.modules:
        return
    from IPython import get_ipython

    if get_ipython() is None:
        return
    # Loading pyplot sets the notebook's formats to their defaults, so it has to come first.
    importlib.import_module("matplotlib.pyplot")
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("png")
    get_ipython().display_formatter.formatters["image/png"].for_type(Figure, png_bytes)


class Chart(Figure):
    """A figure of curves or points, whose exact colours do not matter."""


def chart(columns: int = 1, *, rows: int = 1, height: int = 400, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """Empty axes in the house style, as wide as the page.

    The figure is not registered with pyplot: a cell that ends with it shows it once.

    Parameters
    ----------
    columns, rows : int
        Number of axes across and down.
    height : int
        Height of the whole figure in pixels.
    sharey : bool
        One scale for all vertical axes.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : list of matplotlib.axes.Axes
        Row by row.

    Raises
    ------
    ValueError
        If a number is not a positive integer.
    """
    columns, rows = _validate.count("columns", columns), _validate.count("rows", rows)
    size = pixel_size(PAGE_WIDTH, _validate.count("height", height))
    with mpl.rc_context(HOUSE):
        figure = Chart(figsize=size)
        return figure, list(figure.subplots(rows, columns, sharey=sharey, squeeze=False).flat)


def pixel_size(width: int, height: int) -> tuple[float, float]:
    """Return the size in inches of a figure of so many pixels."""
    # 2.03 * 100 is a little less than 203 in floating point, and older versions of matplotlib cut the fraction off.
    return (width + 1e-6) / DPI, (height + 1e-6) / DPI


def png_bytes(figure: Figure) -> bytes:
    """Return the figure as a small PNG file: the same bytes at every call, at its own resolution.

    Pictures keep their exact colours.  A `Chart` is reduced to its 256 main colours: nobody sees the
    difference, and notebooks store a third of the bytes.
    """
    from PIL import Image

    buffer = io.BytesIO()
    with mpl.rc_context(HOUSE):
        FigureCanvasAgg(figure).print_figure(
            buffer, format="png", dpi=figure.dpi, bbox_inches=None, metadata=_METADATA["png"]
        )
    image: Image.Image = Image.open(buffer)
    if isinstance(figure, Chart):
        image = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small = io.BytesIO()
    image.save(small, format="PNG", optimize=True)
    return small.getvalue()


def save_figure(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a .png, .svg or .pdf file that holds no date and no version.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : str or pathlib.Path
        Its ending chooses the format; missing folders are made.

    Returns
    -------
    pathlib.Path
        The path written.

    Raises
    ------
    ValueError
        If the ending is not one of the three.
    """
    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in _METADATA:
        raise ValueError(f"path must end in .png, .svg or .pdf, got {path.name!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "png":
        path.write_bytes(png_bytes(figure))
        return path
    with mpl.rc_context(HOUSE):
        figure.savefig(path, format=kind, metadata=_METADATA[kind])
    return path
