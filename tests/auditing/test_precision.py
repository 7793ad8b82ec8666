"""Half precision is asked for without a convolution that may never return."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

import lossedu as le


def test_float16_stays_away_from_onednn() -> None:
    """The padded depthwise convolution below hangs where oneDNN computes it with AVX512-FP16."""
    before = torch.backends.mkldnn.enabled
    met: dict[tuple[torch.dtype, bool], set[bool]] = {}

    def blurred(x: Tensor, y: Tensor) -> Tensor:
        half = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.float16
        met.setdefault((x.dtype, half), set()).add(torch.backends.mkldnn.enabled)
        window = torch.full((x.shape[-3], 1, 1, 33), 1 / 33, dtype=x.dtype)
        return F.conv2d(x - y, window, padding=(0, 16), groups=x.shape[-3]).square().mean()

    le.audit(blurred)
    assert met[torch.float16, False] == {False}
    assert False in met[torch.float32, True]
    assert met[torch.bfloat16, False] == met[torch.float32, False] == {before}
    assert torch.backends.mkldnn.enabled is before
