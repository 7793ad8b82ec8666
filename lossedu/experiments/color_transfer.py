"""Colours learned without pairs: a generator against a colour critic, in twenty versions, with rivals and controls.

The generator starts as the identity and sees the same crops for every arm of a seed: see `transfer_scenes` for the two
halves of the photographs and `transfer_arms` for the losses.  The arm ``input`` is the tinted picture itself.
Every network is judged as it is after the last step, and as the moving average of its weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import _validate, data
from ..nets import EnhancementGenerator
from ..records import Record
from ..sweeps import Job, Outcome, Place
from ..training import Diverged, History, train_adversarial
from . import transfer_arms, transfer_scenes, transfer_scores

NAME = "color_transfer"

TASKS = ("cast",)
ARMS = tuple(transfer_arms.ARMS)

#: Step size of the generator, as in WESPE; that of the critics is in `transfer_arms`.
RATE = 5e-4

#: How often players are watched, and on how many validation pictures.
WATCHED, LOOKED = 20, 3

#: Share of the averaged weights that stays at each step.
DECAY = 0.98

#: Arms of which the photograph `transfer_scenes.SHOWN` is kept, and those of which every seed is.
KEPT = ("paired", "pooled", "color", "color_r1", "plain", "plain_r1", "unblurred", "swapped", "wespe", "full")
ALL_SEEDS = ("color",)


@dataclass(frozen=True)
class Scale:
    """Photographs, steps, crops and their side, width and blocks of the generator, pictures judged, seeds."""

    photographs: str
    steps: int
    batch: int
    side: int
    width: int = 16
    blocks: int = 2
    pictures: int = 0
    seeds: int = 5
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 2, 40, 4, 1, pictures=1, seeds=1),
    "quick": Scale("embedded", 100, 4, 64, 8, 1, seeds=1),
    "cpu": Scale("bsds500", 400, 8, 64),
    "full": Scale("bsds500", 20_000, 30, 100, 64, 4),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each arm and seed, and one that judges the tinted pictures."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    found = []
    for seed in range(seeds or most):
        for arm in (*(("input",) if seed == 0 else ()), *(arm for arm in ARMS if not arms or arm in arms)):
            options = {"task": TASKS[0], "arm": arm, "seed": seed, "lr": RATE, **sizes}
            found.append(Job(f"lossedu.experiments.{NAME}", f"{TASKS[0]}-{arm}-{seed}", options))
    return found


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Let the players of a job take turns, and judge the generator on the test pictures."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed", "lr")}
    if options["arm"] == "input":
        table = transfer_scores.judged(None, options, place.device)
        return entry, {"test": table, "averaged": table}
    network, average = new_network(options, place.device), new_network(options, place.device)
    average.load_state_dict(network.state_dict())
    try:
        history = fit(network, options, place, average)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    torch.save({"last": network.state_dict(), "average": average.state_dict()}, place.folder / "last.pt")
    watched = [[step, _short(seen)] for step, seen in history.watched]
    scores = {
        "test": transfer_scores.judged(network, options, place.device),
        "averaged": transfer_scores.judged(average, options, place.device),
    }
    return {**entry, "watched": watched, "ran_away": False}, scores


def new_network(options: Mapping[str, Any], device: str = "cpu") -> EnhancementGenerator:
    """Return a generator whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(options["seed"], "weights") % 2**32)
        network = EnhancementGenerator(options["width"], blocks=options["blocks"], norm="none", residual=True)
    return network.to(torch.device(device), memory_format=torch.channels_last)  # type: ignore[call-overload]


def new_critics(options: Mapping[str, Any], device: str = "cpu") -> nn.ModuleDict:
    """Return the critics of an arm, whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(options["seed"], "critics") % 2**32)
        return transfer_arms.critics(transfer_arms.ARMS[options["arm"]], options["side"]).to(torch.device(device))


class _Shortened(nn.Module):
    """A network that computes in the precision of the job and returns float32."""

    def __init__(self, network: nn.Module, precision: str) -> None:
        super().__init__()
        self.network, self.precision = network, precision

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=self.precision == "bfloat16"):
            output: Tensor = self.network(x)
        return output.float()


def fit(
    network: EnhancementGenerator, options: Mapping[str, Any], place: Place, average: EnhancementGenerator
) -> History:
    """Train a generator with the loss of its arm."""
    arm, steps, precision = transfer_arms.ARMS[options["arm"]], options["steps"], options["precision"]
    judges = new_critics(options, place.device)
    content = transfer_arms.content_term(place.device, precision) if arm.content else None
    crops = transfer_scenes.batches(
        options["photographs"], options["side"], options["batch"], options["seed"], place.device
    )
    at_hand: list[transfer_scenes.Batch] = []

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        at_hand[:] = [crops(step)]
        return at_hand[0].x.contiguous(memory_format=torch.channels_last), at_hand[0].real

    def generator_terms(output: Tensor, x: Tensor) -> dict[str, Tensor]:
        terms = transfer_arms.generator_terms(arm, judges, content, output, x)
        if arm.rival:
            terms[arm.rival] = transfer_arms.rival_term(arm, output, at_hand[0].y, at_hand[0].real)
        return terms

    def critic_terms(output: Tensor, x: Tensor, real: Tensor) -> Mapping[str, Tensor]:
        return transfer_arms.critic_terms(arm, judges, output, x, real)

    return train_adversarial(
        _Shortened(network, precision),
        judges,
        generator_terms,
        critic_terms if judges else None,
        batch_at,
        steps=steps,
        lr=options["lr"],
        critic_lr=arm.critic_lr,
        average=_Shortened(average, precision),
        decay=DECAY,
        checkpoint=place.folder / "network.pt",
        every=max(1, min(500, steps // 3)),
        watch=lambda step: transfer_scores.looked(network, options, place.device, LOOKED),
        watch_every=max(1, steps // WATCHED),
        deadline=place.deadline,
    )


def _short(value: Any) -> Any:
    """Return numbers with four digits, in dictionaries of any depth."""
    if isinstance(value, Mapping):
        return {key: _short(inner) for key, inner in value.items()}
    return float(f"{value:.4g}")


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, and which pictures the networks were judged on."""
    names = [scene.name for scene in transfer_scenes.scenes(options["photographs"], "test", options["pictures"])]
    columns = list(transfer_scores.COLUMNS)
    return {"columns": columns, "sets": {"test": names, "averaged": names}, "shortened": "generator and VGG features"}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return what some networks make of a photograph that may be shown: "arm/seed", (H, W, 3) bytes."""
    found: dict[str, np.ndarray] = {}
    for outcome in outcomes:
        options, entry = outcome.job.options, outcome.entry
        arm, seed = options["arm"], options["seed"]
        wanted = (arm in KEPT and seed == 0) or arm in ALL_SEEDS
        if wanted and entry is not None and not entry["ran_away"]:
            network = new_network(options)
            file = outcome.run / "jobs" / outcome.job.name / "last.pt"
            network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True)["last"])
            network.eval()
            with torch.no_grad():
                output = network(transfer_scenes.shown().x).clamp(0, 1)
            levels = (output[0].permute(1, 2, 0) * 255).round().byte().numpy()
            found[f"{arm}/{seed}"] = levels
    return found


def picture(record: Record, arm: str, seed: int = 0) -> Tensor:
    """Return a picture that a record keeps, (1, 3, H, W) in [0, 1]; ValueError names those it has."""
    key = f"{arm}/{seed}"
    _validate.option("arm/seed", key, list(record.weights))
    return torch.from_numpy(record.weights[key]).permute(2, 0, 1)[None].float() / 255
