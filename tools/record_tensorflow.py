"""Record what TensorFlow makes of the pair of pictures on the page "Get the same number".

TensorFlow is too large for the environment of the book, so this takes two steps in two environments:

    .venv/bin/python tools/record_tensorflow.py pair pair.npz        # with lossedu
    python tools/record_tensorflow.py measure pair.npz               # with tensorflow and numpy alone

The second writes lossedu/results/peers/tensorflow.json.  The checksum in it is that of the 8-bit pixels.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from pathlib import Path

import numpy as np

TARGET = Path(__file__).parents[1] / "lossedu" / "results" / "peers" / "tensorflow.json"


def checksum(x: np.ndarray, y: np.ndarray) -> str:
    """Return the SHA-256 of two (H, W, 3) arrays of 8-bit pixels, x first."""
    return hashlib.sha256(np.ascontiguousarray(x).tobytes() + np.ascontiguousarray(y).tobytes()).hexdigest()


def make_pair(path: str) -> None:
    """Write the pair of the page as 8-bit arrays (H, W, 3)."""
    import lossedu as le

    y = le.data.crop(le.data.photograph("coffee"), 0, 0, (397, 589)).double()
    x = le.data.sensor_noise(le.gaussian_blur(y, 1.0), seed=1)
    pixels = {name: (255 * z[0]).round().permute(1, 2, 0).byte().numpy() for name, z in (("x", x), ("y", y))}
    np.savez_compressed(path, **pixels)


def measure(path: str) -> None:
    """Measure the pair, and the two halves of it as a batch, in float32 (TensorFlow knows no other)."""
    import tensorflow as tf

    with np.load(path) as pair:
        x8, y8 = pair["x"], pair["y"]
    x, y = (tf.constant(z[None].astype(np.float64) / 255, tf.float32) for z in (x8, y8))
    values = {
        "ssim": tf.image.ssim(x, y, max_val=1.0),
        "ssim_uint8": tf.image.ssim(x8[None], y8[None], max_val=255),
        "ms_ssim": tf.image.ssim_multiscale(x, y, max_val=1.0),
        "psnr": tf.image.psnr(x, y, max_val=1.0),
        "total_variation": tf.image.total_variation(x),
    }
    record = {
        "library": f"tensorflow {tf.__version__}",
        "python": platform.python_version(),
        "script": "tools/record_tensorflow.py",
        "pair": checksum(x8, y8),
        "shape": list(x8.shape),
        "values": {name: float(np.asarray(value)[0]) for name, value in values.items()},
    }
    TARGET.write_text(json.dumps(record, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["pair", path]:
            make_pair(path)
        case ["measure", path]:
            measure(path)
        case _:
            raise SystemExit(__doc__)
