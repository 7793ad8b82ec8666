"""The claims of Zhao et al. (2017) on how to train: stride of the patches, pixels of the loss, start of the picture."""

from __future__ import annotations

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Nets, Paired, paired


def z12(record: Record) -> Evidence:
    """Judge strides that meet the blocks of JPEG in every way (17 px) against those that meet one (16), full patches.

    Experiment `jpeg_alignment`: task "jpeg", arms "full_17", "full_16" (l1 on every pixel of the patch) and
    "centre_17", "centre_16" (SSIM at its centre, which then has one phase only).  The paper's l1 and l2 see full
    patches; for the centre alone a gap follows from the construction, and stands beside.
    """

    def gap(form: str) -> Paired:
        return paired(record, Nets(f"{form}_17", "jpeg"), Nets(f"{form}_16", "jpeg"), "psnr")

    found, notes = gap("full"), beside("the same with SSIM_1.5 at the centre of the patch", "dB", lambda: gap("centre"))
    return gathered(
        (part("misaligned over aligned patches by mean PSNR, loss on the full patch", found, "dB"), found), notes=notes
    )


def z18(record: Record) -> Evidence:
    """Judge the loss at the centre of each patch against that on the whole map, after equally many patches.

    Experiment `centre_or_map`: task "dd", arms "ssim_5_centre" and "ssim_5_map", `budget` "patches"; and the centre
    with the map's time, `budget` "time".  The paper's argument is on the gradient of one patch; equal time stands
    beside.
    """

    def gap(budget: str) -> Paired:
        centre, whole = (("budget", budget),), (("budget", "patches"),)
        return paired(record, Nets("ssim_5_centre", "dd", "", centre), Nets("ssim_5_map", "dd", "", whole), "psnr")

    found, notes = gap("patches"), beside("the same after equal time", "dB", lambda: gap("time"))
    one = part("loss at the centre over loss on the map by mean PSNR, equal patches", found, "dB", par=True)
    return gathered((one, found), notes=notes)


def z19(record: Record) -> Evidence:
    """Judge the picture that super-resolution starts from.

    Experiment `sr_start`: task "sr2", arms "bilinear" and "bicubic", the rest alike.
    """
    found = paired(record, Nets("bilinear", "sr2"), Nets("bicubic", "sr2"), "psnr")
    return gathered((part("bilinear over bicubic start by mean PSNR", found, "dB"), found))


ZHAO = "Zhao et al., 2017"

CLAIMS = (
    Claim(
        "Z12",
        f"{ZHAO}, section 4.3",
        "Against JPEG, patches that are not aligned with its blocks train better.",
        "jpeg_alignment",
        "mean PSNR, strides of 17 over 16 px, loss on the full patch",
        "dB",
        z12,
    ),
    Claim(
        "Z18",
        f"{ZHAO}, section 3.2",
        "The loss at the centre pixel of each patch trains as well as that on all its pixels.",
        "centre_or_map",
        "mean PSNR, centre over map, equally many patches, SSIM_5",
        "dB",
        z18,
    ),
    Claim(
        "Z19",
        f"{ZHAO}, section 4.2",
        "For super-resolution a bilinear start is better than a bicubic one.",
        "sr_start",
        "mean PSNR, bilinear over bicubic start, factor 2",
        "dB",
        z19,
    ),
)
