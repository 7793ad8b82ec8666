"""How large a run is: everything that the outcome depends on, beside task, loss, step size and seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from .. import _validate


@dataclass(frozen=True)
class Scale:
    """The size of a training run and of what it is judged by.

    Attributes
    ----------
    photographs : str
        What `data.photo_sets` is asked for.
    steps, batch : int
        Steps of training, and crops in each.
    width : int
        Filters of the first layer.
    residual : bool
        Whether the network adds its input to its output; the paper's does not.
    warmup : int
        Steps of l2 before the loss at hand takes over, the same for every loss, l2 included.  SSIM with a wide window
        takes the negative of a textured picture for nearly the same, and a network without the way back starts as
        likely at the one as at the other.
    lr : float
        First step size where none was tuned.
    tuning : str
        Scale of `tuning` whose step sizes are used; "" for `lr`.
    out : int
        Side of the network's output in training.
    pictures : int
        Test pictures, 0 for all.
    train_pictures : int
        Training pictures that the result is judged on as well.
    deep_every : int
        Every how many pictures LPIPS and DISTS are asked too, 0 for never.
    seeds : int
        How many, where the caller does not say.
    precision : str
        "float32" or "bfloat16", see `training.train`.
    """

    photographs: str
    steps: int
    batch: int = 16
    width: int = 16
    residual: bool = True
    warmup: int = 0
    lr: float = 1e-3
    tuning: str = ""
    out: int = 31
    pictures: int = 0
    train_pictures: int = 24
    deep_every: int = 4
    seeds: int = 3
    precision: str = "float32"

    def options(self) -> dict[str, Any]:
        """Return the fields that shape a trained network and its scores, for the options of a job."""
        fields = asdict(self)
        del fields["seeds"], fields["tuning"], fields["lr"]
        return fields


SMOKE = Scale("embedded", steps=4, width=4, batch=2, pictures=1, train_pictures=1, deep_every=0, seeds=1)
QUICK = Scale("embedded", steps=150, lr=2e-3, train_pictures=3, deep_every=1, seeds=10)
CPU = Scale("bsds500", steps=10_000, tuning="cpu")
CPU_PLAIN = Scale("bsds500", steps=10_000, residual=False, warmup=500, tuning="cpu_plain")
CPU_WIDE = Scale("bsds500", steps=10_000, width=64, residual=False, warmup=500, tuning="cpu_wide")
FULL = Scale(
    "bsds500", steps=50_000, batch=64, width=64, residual=False, warmup=2_500, tuning="full", seeds=5, deep_every=1
)

#: What most experiments offer.  LPIPS and DISTS would take as long as all that their claims ask for.
USUAL: Mapping[str, Scale] = {
    name: replace(scale, deep_every=0)
    for name, scale in {"smoke": SMOKE, "quick": QUICK, "cpu": CPU, "full": FULL}.items()
}


def named(scale: str, scales: Mapping[str, Scale]) -> Scale:
    """Return a scale by name; ValueError with the list of known ones for another."""
    _validate.option("scale", scale, scales)
    return scales[scale]
