"""Jobs for the tests of `lossedu.sweeps`: a module that worker processes can import, as they do the experiments."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lossedu.losses import mse_loss
from lossedu.nets import RestorationCNN
from lossedu.sweeps import Job, Place
from lossedu.training import Diverged, OutOfTime, train

Found = tuple[dict[str, Any], dict[str, np.ndarray]]

STEPS, EVERY = 40, 10


def job(name: str, do: str = "count", **options: Any) -> Job:
    return Job("sweep_jobs", name, {"do": do, **options})


def perform(job: Job, place: Place) -> Found:
    with (place.folder / "pids.txt").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return DOINGS[job.options["do"]](job, place)


def count(job: Job, place: Place) -> Found:
    """Walk through numbers that depend on every step before; a checkpoint every 10 of 40 steps."""
    path = place.folder / "state.json"
    state = json.loads(path.read_text()) if path.exists() else {"step": 0, "total": job.options.get("start", 1)}
    began = state["step"]
    for step in range(began, STEPS):
        if step == job.options.get("waits_at"):
            wait_for(place.folder.parent / "go")
        perhaps_die(job, place, step)
        time.sleep(job.options.get("pause", 0.0))
        state = {"step": step + 1, "total": (state["total"] * 1103515245 + 12345 + step) % 2**31}
        late = place.deadline is not None and time.time() >= place.deadline and step + 1 < STEPS
        if (step + 1) % EVERY == 0 or late:
            path.write_text(json.dumps(state))
            place.say(f"{job.name}: step {step + 1}")
        if late:
            raise OutOfTime(step + 1, STEPS)
    return {"total": state["total"], "began": began}, {"walk": np.full(3, state["total"], np.int64)}


def tiny_training(job: Job, place: Place) -> Found:
    """Train a real network for 40 steps, and return its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(job.options["seed"])
        network = RestorationCNN(3, residual=True)

    def batch_at(step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = torch.Generator().manual_seed(1000 * job.options["seed"] + step)
        clean = torch.rand(2, 3, 20, 20, generator=rng)
        return clean + 0.1 * torch.randn(clean.shape, generator=rng), clean[..., 8:-8, 8:-8]

    history = train(
        network,
        mse_loss,
        batch_at,
        steps=STEPS,
        checkpoint=place.folder / "network.pt",
        every=EVERY,
        on_step=lambda step, value: perhaps_die(job, place, step),
        deadline=place.deadline,
    )
    weights = {key: value.numpy() for key, value in network.state_dict().items()}
    return {"last": history[-1]}, weights


def wait_for(path: Path) -> None:
    """Wait until there is such a file: a place where a test finds a job for certain, however busy the machine is."""
    end = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def perhaps_die(job: Job, place: Place, step: int) -> None:
    """Be killed at a step, so many times: the folder remembers how often it was."""
    path = place.folder / "deaths.txt"
    deaths = int(path.read_text()) if path.exists() else 0
    if step == job.options.get("dies_at") and deaths < job.options.get("deaths", 1):
        path.write_text(str(deaths + 1))
        os.kill(os.getpid(), signal.SIGKILL)


def fail(job: Job, place: Place) -> Found:
    raise ZeroDivisionError("a fault of the job")


def fill_memory(job: Job, place: Place) -> Found:
    raise RuntimeError(job.options["text"])


def really_fill_memory(job: Job, place: Place) -> Found:
    return {}, {"much": torch.empty(2**50).numpy()}


def diverge(job: Job, place: Place) -> Found:
    raise Diverged(7, float("nan"))


def nothing_to_write(job: Job, place: Place) -> Found:
    return {"set": {1, 2}}, {}


def without_arrays(job: Job, place: Place) -> Found:
    return {"given": place.device, "used": torch.get_num_threads()}, {}


def stubborn(job: Job, place: Place) -> Found:
    """Take no notice of anything but the lines of `place.say`."""
    try:
        for _ in range(300):
            time.sleep(0.05)
            place.say("still here")
    finally:
        (place.folder / "ended").touch()
    return {}, {}


DOINGS: dict[str, Callable[[Job, Place], Found]] = {
    "count": count,
    "train": tiny_training,
    "fail": fail,
    "memory": fill_memory,
    "real memory": really_fill_memory,
    "diverge": diverge,
    "nothing": nothing_to_write,
    "plain": without_arrays,
    "stubborn": stubborn,
}


def outside(path: Path) -> None:
    """Perform jobs in two processes, for a test that interrupts this one: ``python -c`` calls it."""
    from lossedu.sweeps import perform_all

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it starts in the background
    perform_all(waiting(), path, settings={}, workers=2)


def waiting() -> list[Job]:
    """Two jobs that wait after the first checkpoint until ``jobs/go`` exists."""
    return [job("a", waits_at=EVERY), job("b", waits_at=EVERY, start=2)]
