"""The claims that have no rule as yet, or can have none here: what is said, where, and what is missing."""

from __future__ import annotations

from .claim import Claim

#: Id, source, statement.
_NOT_RUN = (
    ("L1", "the post on low-light enhancement", "Trained with squared error, brightened pictures look washed out."),
    ("L2", "the post on low-light enhancement", "SSIM alone shifts colours in dark regions."),
    (
        "L3",
        "the post on low-light enhancement",
        "Weights matter, and a wrong data range removes a term without a word.",
    ),
    ("L4", "the post on low-light enhancement", "A tone term that is detached from the graph changes nothing."),
)

_UNTESTABLE = (
    (
        "Z20",
        "Zhao et al., 2017, section 6",
        "A network of 123,000 parameters beats CFA-BM3D.",
        "asks for CFA-BM3D with its variance stabilisation and demosaicking, which cannot be had here; "
        "no other denoiser stands for it",
    ),
)

CLAIMS = (
    *(Claim(*row) for row in _NOT_RUN),
    *(Claim(name, source, statement, untestable=why) for name, source, statement, why in _UNTESTABLE),
)
