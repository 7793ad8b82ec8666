"""Keeps float16 on a CPU out of oneDNN, for all tests: import this before the first convolution.

Where the processor has AVX512-FP16, oneDNN's depthwise convolution in float16 never returns for some sizes in torch
2.13, and other libraries are called with float16 pictures here.  Single precision is computed as before.
"""

from __future__ import annotations

import os

os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
