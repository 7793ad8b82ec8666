"""One colour, line style and marker for each loss, the same in the whole book.

The six losses that meet in most figures (l2, l1, SSIM, MS-SSIM, Mix, perceptual) were spaced by a search that made the
smallest CIEDE2000 difference between two of them as large as it can be, as seen with full colour vision and in
simulated protanopia, deuteranopia and tritanopia, at a contrast of at least 3:1 on white.  The SSIM family is one hue
whose lightness falls evenly as sigma grows, so it keeps its order in a grey print.  No two losses share a marker, and
no two members of the family a line style: colour is never the only sign.

The other forms of MS-SSIM darken its hue, and Mix grows darker with its weight alpha, in even steps of lightness and
with more points to its star.
"""

from __future__ import annotations

from typing import Any

from lossedu import _validate

# name: (colour, line style, marker, label).  "mse" is "l2", and "ssim" is "ssim_1.5", its default: one loss, one look.
_STYLES: dict[str, tuple[str, Any, Any, str]] = {
    "l2": ("#1b1f21", "-", "o", r"$\ell_2$"),
    "mse": ("#1b1f21", "-", "o", "MSE"),
    "l1": ("#e07000", "-", "s", r"$\ell_1$"),
    "l1_frequency": ("#533502", (0, (6, 1.5, 1.2, 1.5)), "8", r"$\ell_1$ + spectrum"),
    "charbonnier": ("#99564e", (0, (5, 1.5)), "p", "Charbonnier"),
    "tv": ("#767475", (0, (1.2, 1.2)), "P", "TV"),
    "tv_squared": ("#3f7f2a", (0, (7, 2)), "1", "squared TV"),
    "ssim": ("#5570d0", "-", "v", r"$\mathrm{SSIM}$"),
    "ssim_1": ("#838ed9", (0, (1.2, 1.2)), "^", r"$\mathrm{SSIM}_1$"),
    "ssim_1.5": ("#5570d0", "-", "v", r"$\mathrm{SSIM}_{1.5}$"),
    "ssim_3": ("#2d55b4", (0, (4, 1.5)), "<", r"$\mathrm{SSIM}_3$"),
    "ssim_5": ("#0e3e8e", (0, (6, 1.5, 1.2, 1.5)), ">", r"$\mathrm{SSIM}_5$"),
    "ssim_9": ("#002867", (0, (10, 1.5, 1.2, 1.5, 1.2, 1.5)), "d", r"$\mathrm{SSIM}_9$"),
    "ms_ssim": ("#1fa585", "-", "D", "MS-SSIM"),
    "ms_ssim_dense": ("#158470", (0, (1.2, 1.2)), (6, 1, 0), "MS-SSIM, dense"),
    "ms_ssim_pyramid": ("#0a655c", (0, (6, 1.5, 1.2, 1.5)), (3, 1, 0), "MS-SSIM, pyramid"),
    "ms_ssim_sigma": ("#004748", (0, (5, 1.5)), (4, 1, 0), r"MS-SSIM$_\sigma$"),
    "mix_0": ("#eb63a2", (0, (1.2, 1.2)), (3, 1, 180), r"Mix, $\alpha=0$"),
    "mix_0.025": ("#d85191", (0, (4, 1.5)), (4, 1, 45), r"Mix, $\alpha=0.025$"),
    "mix_0.1": ("#c53e80", (0, (6, 1.5, 1.2, 1.5)), (5, 1, 180), r"Mix, $\alpha=0.1$"),
    "mix_0.3": ("#b22a70", (0, (10, 1.5, 1.2, 1.5, 1.2, 1.5)), (8, 1, 0), r"Mix, $\alpha=0.3$"),
    "mix": ("#9f0f60", "-", "X", "Mix"),
    "perceptual": ("#615400", "-", "*", "Perceptual"),
    "histogram_emd": ("#7c5887", (0, (5, 1.5)), "h", "Histogram EMD"),
    "adversarial_color": ("#c964a0", (0, (5, 1.5, 1.2, 1.5)), (6, 2, 0), "Adversarial colour"),
    "input": ("#5f6466", (0, (3, 3)), "_", "Input"),
    "weighted": ("#858d4a", (0, (1.2, 1.2)), "x", "Weighted sum"),
}

LOSS_NAMES = tuple(_STYLES)


def loss_style(name: str) -> dict[str, Any]:
    r"""How a loss is drawn: keywords for `matplotlib.axes.Axes.plot`.

    Parameters
    ----------
    name : str
        One of `LOSS_NAMES`: ``"l2"`` (the same as ``"mse"``), ``"l1"``, ``"l1_frequency"``, ``"charbonnier"``,
        ``"tv"``, ``"tv_squared"``, ``"ssim"`` (the same as ``"ssim_1.5"``), ``"ssim_1"``, ``"ssim_3"``, ``"ssim_5"``,
        ``"ssim_9"``, ``"ms_ssim"``, ``"ms_ssim_dense"``, ``"ms_ssim_pyramid"``, ``"ms_ssim_sigma"``, ``"mix_0"``,
        ``"mix_0.025"``, ``"mix_0.1"``, ``"mix_0.3"``, ``"mix"``, ``"perceptual"``, ``"histogram_emd"``,
        ``"adversarial_color"``, ``"input"`` (the damaged picture itself) or ``"weighted"``.

    Returns
    -------
    dict
        A new dictionary with the keys ``color``, ``linestyle``, ``marker`` and ``label`` (mathtext, such as
        ``$\mathrm{SSIM}_9$``).

    Raises
    ------
    ValueError
        If `name` is unknown; the message lists the known ones.

    Examples
    --------
    >>> loss_style("l1")["label"]
    '$\\ell_1$'
    """
    _validate.option("name", name, LOSS_NAMES)
    color, linestyle, marker, label = _STYLES[name]
    return {"color": color, "linestyle": linestyle, "marker": marker, "label": label}
