r"""Super-resolution with a perceptual loss: before or after the activation, trained or random, deep or early?

A small network is trained with l1 to enlarge four times, as SRGAN and ESRGAN are before their second stage, and then
goes on with each of

======================  ===============================================================================================
l1                      the same loss again: what the further steps do by themselves
before, after           conv5_3 and relu5_3 of VGG-16 (ESRGAN and SRGAN: conv5_4 and relu5_4 of VGG-19)
random                  relu5_3 with random weights, other ones for each seed
after_alike             relu5_3 at the step size that was found for `before`
early, random_early     relu2_2, as in Johnson et al.'s super-resolution, with trained and with random weights
======================  ===============================================================================================

Every feature loss stands beside l1, in such a proportion that it has the share `share` of the gradient in the pixels
(2-norms) where the second stage begins.  No adversary: what is compared is the feature losses.  The step size of the
second stage is looked for with seed 0, by factors of three and on validation pictures, with the loss itself as judge,
until both neighbours of the best are worse; other seeds take the one that was found.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..nets import SubPixelCNN
from ..records import Record
from ..sweeps import Job, Outcome, Place
from . import by_hand, enlarging, trial
from .scoring import Judge
from .tasks import chosen, photographs
from .two_stages import LAYERS, LIMIT, balanced, first_stage, only, rate, second_stage, walk

NAME = "perceptual_sr"

TASKS = ("sr4",)

ARMS = tuple(LAYERS)


#: Scale -> arm -> the power of the step size that the search with seed 0 found, for the other seeds.
TUNED: Mapping[str, Mapping[str, int]] = {
    "cpu": {"l1": 0, "before": -2, "after": -4, "random": 0, "early": -1, "random_early": 0, "after_alike": -2}
}

#: Arms that take another's step size, and search for none: the same recipe with another layer.
ALIKE = {"after_alike": "before"}


@dataclass(frozen=True)
class Scale:
    """Photographs, steps of both stages, crops and their side, the network, the loss's share, pictures, seeds."""

    photographs: str
    start_steps: int
    steps: int
    batch: int
    side: int
    width: int
    blocks: int
    share: float = 0.98
    factor: int = 4
    pictures: int = 0
    validation: int = 12
    deep_every: int = 4
    seeds: int = 3
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 4, 2, 2, 64, 8, 1, pictures=1, validation=1, deep_every=0, seeds=1),
    "quick": Scale("embedded", 300, 60, 4, 64, 16, 2, validation=1),
    "cpu": Scale("bsds500", 4_000, 600, 4, 64, 24, 3),
    "full": Scale("bsds500", 50_000, 20_000, 16, 128, 64, 16, validation=32, deep_every=1, seeds=5),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each loss and seed, and one that judges bicubic interpolation."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    found = []
    for arm, seed in [("input", 0), *((arm, seed) for seed in range(seeds or most) for arm in arms or ARMS)]:
        options = {"task": "sr4", "arm": arm, "seed": seed, **sizes}
        known = TUNED.get(scale, {})
        if arm in ALIKE and arm not in known:
            continue
        if arm in known and (seed > 0 or arm in ALIKE):
            options["power"] = known[arm]
        found.append(Job("lossedu.experiments.perceptual_sr", f"{arm}-{seed}", options))
    return found


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the first stage, look for the second's step size, and judge the network of the best."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    cleans, judge = _test(options["photographs"], options["factor"], options["pictures"], options["deep_every"])
    if options["arm"] == "input":
        return entry, {"test": enlarging.judged(None, cleans, judge, options["factor"])}
    start = first_stage(options, place)
    loss, weights = balanced(options, start, place)
    attempt = functools.partial(second_stage, options, start, loss, place)
    best = only(options["power"], attempt) if "power" in options else walk(attempt)
    if best is None:
        return {**entry, "diverged_at": 0, "ran_away": True}, {}
    power, trials, network, history = best
    torch.save(network.state_dict(), place.folder / "network.pt")
    scores = {"test": enlarging.judged(network, cleans, judge, options["factor"])}
    entry |= {"lr": rate(power), "trials": trials, "at_end": abs(power) == LIMIT}
    return entry | {"weights": weights} | trial.course(history), scores


@functools.lru_cache(maxsize=2)
def _test(name: str, factor: int, limit: int, deep_every: int) -> tuple[list[Tensor], Judge]:
    photos = photographs(name)["test"]
    cleans = [enlarging.whole(photos.picture(index), factor) for index in chosen(len(photos), limit)]
    return cleans, Judge(cleans, deep_every=deep_every)


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, and which pictures the networks were judged on."""
    photos = photographs(options["photographs"])["test"]
    names = [photos.names[index] for index in chosen(len(photos), options["pictures"])]
    return {"columns": enlarging.columns(), "sets": {"test": names}}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the networks of seed 0, in half precision: to look at their pictures."""
    found: dict[str, np.ndarray] = {}
    for outcome in outcomes:
        options, entry = outcome.job.options, outcome.entry
        if options["seed"] == 0 and options["arm"] != "input" and entry is not None and not entry["ran_away"]:
            file = outcome.run / "jobs" / outcome.job.name / "network.pt"
            state = torch.load(file, map_location="cpu", weights_only=True)
            found |= {f"{options['arm']}/{key}": value.cpu().numpy().astype(np.float16) for key, value in state.items()}
    return found


def finish(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the control of what LPIPS and DISTS say: the pictures of l1, sharpened and made noisy by hand."""
    weights, options = kept(outcomes), outcomes[0].job.options
    if options["photographs"] == "embedded" or "l1/first.weight" not in weights:
        return {}  # those networks were trained on the photographs that are judged
    networks = {arm: _network(weights, arm, options) for arm in ARMS if f"{arm}/first.weight" in weights}
    return {"by_hand": by_hand.measure(networks, options["factor"]), "by_hand_test": by_hand_test(networks, options)}


def by_hand_test(networks: Mapping[str, SubPixelCNN], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same control on the test photographs for which a record has all indices, and how many they are.

    `options` are those of a job or of a record: the settings of the record "perceptual_sr-cpu" were completed so, from
    its networks of seed 0.
    """
    names = ("photographs", "pictures", "deep_every", "factor")
    pictures = by_hand.judged_pictures(*(options[name] for name in names))
    return {"pictures": len(pictures), "means": by_hand.measure(networks, options["factor"], pictures)}


def network(record: Record, arm: str) -> SubPixelCNN:
    """Return the network of seed 0 that a record has for a loss; ValueError with the list of those that it has."""
    _validate.option("arm", arm, list(dict.fromkeys(key.partition("/")[0] for key in record.weights)))
    return _network(record.weights, arm, record.settings)


def _network(weights: Mapping[str, np.ndarray], arm: str, settings: Mapping[str, Any]) -> SubPixelCNN:
    made = SubPixelCNN(settings["width"], blocks=settings["blocks"], factor=settings["factor"])
    own = {key.partition("/")[2]: value for key, value in weights.items() if key.startswith(f"{arm}/")}
    made.load_state_dict({key: torch.from_numpy(value.astype(np.float32)) for key, value in own.items()})
    return made.eval()
