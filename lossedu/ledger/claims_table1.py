"""The claims about Table 1 of Zhao et al. (2017): one network for each task and loss, step sizes tuned for each loss.

The paper says neither how it optimised nor with which step size, and trained on photographs that are not at hand: no
protocol here matches its own.
"""

from __future__ import annotations

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import INPUT, Missing, Nets, Paired, paired
from .families import NINE, Contest, family

TABLE = "Zhao et al., 2017, Table 1"

#: The losses that the paper has in its table, by task.
LOSSES = {
    "dd": ("l2", "l1", "ssim_5", "ssim_9", "ms_ssim"),
    "sr2": ("l2", "l1", "ms_ssim"),
    "jpeg": ("l2", "l1", "ms_ssim"),
}


def error(record: Record, task: str, arm: str, base: str, testset: str = "test") -> Paired:
    """Return by how many dB the pooled mean square error of one loss is below that of another."""
    return paired(record, Nets(arm, task), Nets(base, task), "mse", testset, how="dB")


def index(record: Record, task: str, arm: str, base: str, column: str) -> Paired:
    """Return how much larger the mean of a column is for one loss."""
    return paired(record, Nets(arm, task), Nets(base, task), column)


def share(record: Record, task: str, arm: str, base: str, column: str, pool: str = "mean") -> Paired:
    """Return by how many percent a pooled column is larger for one loss."""
    return paired(record, Nets(arm, task), Nets(base, task), column, how="percent", pool=pool)


def z1(record: Record) -> Evidence:
    """Judge l1 against l2 by the error that l2 minimises.

    Pooled mean square error on test and training pictures: on the former because the table is about them, on the
    latter because only there "a better minimum" shows.  Step sizes are tuned for each loss; what too small a one
    would give is told beside Z2.  The other eight indices are the family.
    """
    parts = []
    for testset, words in (("test", "test pictures"), ("train", "training pictures")):
        found = error(record, "dd", "l1", "l2", testset)
        parts.append((part(f"l1 over l2 by pooled squared error, {words}", found, "dB"), found))
    others = [Contest("dd", "l1", "l2", column) for column in NINE if column != "mse"]
    return gathered(*parts, notes=(family(record, others),))


def z7(record: Record) -> Evidence:
    """Judge the width of edges: l2 no wider than l1."""
    found = share(record, "dd", "l2", "l1", "edge_width")
    notes = beside("width of l2's edges over those of Mix", "%", lambda: share(record, "dd", "l2", "mix", "edge_width"))
    return gathered((part("width of l2's edges over l1's", found, "%", claimed=-1, par=True), found), notes=notes)


def z8(record: Record) -> Evidence:
    """Judge Mix against l1, its closest rival in the paper, by PSNR in denoising and demosaicking; the rest is told."""
    found = index(record, "dd", "mix", "l1", "psnr")
    rest = [
        Contest(task, "mix", base, column)
        for task, bases in LOSSES.items()
        for base in bases
        for column in NINE
        if (task, base, column) != ("dd", "l1", "psnr")
    ]
    return gathered((part("mix over l1 by mean PSNR, dd", found, "dB"), found), notes=(family(record, rest),))


def z9(record: Record) -> Evidence:
    """Judge whether SSIM as a loss wins SSIM: trained at the sigma that the index has, or it would be no fair race."""
    found = index(record, "dd", "ssim_1.5", "l1", "ssim")
    rest = [
        Contest("dd", arm, "l1", column)
        for arm in ("ssim_1.5", "ssim_5", "ssim_9", "ms_ssim", "ms_ssim_pyramid")
        for column in ("ssim", "ms_ssim")
        if (arm, column) != ("ssim_1.5", "ssim")
    ]
    one = part("SSIM of the net trained with SSIM_1.5 over that of l1", found, "SSIM", claimed=-1, par=True)
    return gathered((one, found), notes=(family(record, rest),))


def as_in_the_paper(record: Record) -> Record:
    """Return a record of networks that have no way back to their input; one that begins at it is hardly ever worse."""
    if record.settings.get("residual"):
        raise Missing(f"the networks of record {record.name} begin at their input")
    return record


def z10(record: Record) -> Evidence:
    """Judge MS-SSIM on JPEG pictures against the untouched input, for networks that do not begin there."""
    record = as_in_the_paper(record)
    found = index(record, "jpeg", "ms_ssim", INPUT, "psnr")
    return gathered((part("MS-SSIM net over the JPEG input by mean PSNR", found, "dB", claimed=-1), found))


def z11(record: Record) -> Evidence:
    """Judge l2 on JPEG pictures against the input, for networks that do not begin there, by squared error.

    On test and training pictures, as all claims on l2.
    """
    record = as_in_the_paper(record)
    parts = []
    for testset, words in (("test", "test pictures"), ("train", "training pictures")):
        found = error(record, "jpeg", "l2", INPUT, testset)
        name = f"l2 net over the JPEG input by pooled squared error, {words}"
        parts.append((part(name, found, "dB", claimed=-1, par=True), found))
    return gathered(*parts)


def z16(record: Record) -> Evidence:
    """Judge the mean error of the channels: MS-SSIM above l1, and Mix below MS-SSIM, for l1 is said to mend it."""
    shift, mended = share(record, "dd", "ms_ssim", "l1", "bias"), share(record, "dd", "mix", "ms_ssim", "bias")
    return gathered(
        (part("mean error of the channels, MS-SSIM over l1", shift, "%"), shift),
        (part("mean error of the channels, Mix over MS-SSIM", mended, "%", claimed=-1), mended),
    )


CLAIMS = (
    Claim(
        "Z1",
        TABLE,
        "A network trained with l1 beats one trained with l2 on every index, l2's own error among them.",
        "table1",
        "pooled mean square error, l1 over l2, denoising and demosaicking, test and training pictures",
        "dB",
        z1,
    ),
    Claim(
        "Z7",
        "Zhao et al., 2017, section 3",
        "l2 keeps edges sharp.",
        "table1",
        "10–90 % width of edges, l2 over l1, denoising and demosaicking",
        "%",
        z7,
    ),
    Claim(
        "Z8",
        "Zhao et al., 2017, section 4.1",
        "Mix is best on all nine indices.",
        "table1",
        "mean PSNR, Mix over l1, denoising and demosaicking",
        "dB",
        z8,
    ),
    Claim(
        "Z9",
        "Zhao et al., 2017, section 4.1",
        "Networks trained with SSIM are at par with l1 or worse, even by SSIM.",
        "table1",
        "SSIM, trained with SSIM of the same sigma (1.5) over l1, denoising and demosaicking",
        "SSIM",
        z9,
    ),
    Claim(
        "Z10",
        TABLE,
        "On JPEG pictures the network trained with MS-SSIM has a lower PSNR than its input.",
        "table1",
        "mean PSNR, MS-SSIM over the input, JPEG",
        "dB",
        z10,
    ),
    Claim(
        "Z11",
        TABLE,
        "On JPEG pictures the network trained with l2 has no lower squared error than its input.",
        "table1",
        "pooled mean square error, l2 over the input, JPEG, test and training pictures",
        "dB",
        z11,
    ),
    Claim(
        "Z16",
        "Zhao et al., 2017, section 3.4",
        "MS-SSIM shifts colours, and l1 mends it.",
        "table1",
        "mean error of the channels, MS-SSIM over l1 and Mix over MS-SSIM, denoising and demosaicking",
        "%",
        z16,
    ),
)
