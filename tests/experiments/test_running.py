"""From the name of an experiment to its record; and the catalogue of names."""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lossedu import records, sweeps
from lossedu.experiments import convergence, running, sr_start, table1, trial, tuning
from lossedu.experiments.arms import LOSSES
from lossedu.experiments.catalogue import EXPERIMENTS
from lossedu.experiments.running import compact, gather, run, shown
from lossedu.experiments.scales import CPU, SMOKE
from lossedu.experiments.scoring import COLUMNS
from lossedu.measurements import rounded
from lossedu.sweeps import Job, JobsFailed, Outcome, Place
from lossedu.sweeps.disk import begin_job, claim, keep
from lossedu.sweeps.lock import alone

#: Experiments whose jobs train a network as `trial` does.
TRAINED = set(EXPERIMENTS) - {
    "figure9",
    "ms_ssim_forms",
    "classical",
    "loss_times",
    "total_variation",
    "rings",
    "at_rest",
    "edge_errors",
    "inversion",
    "features",
    "perceptual_sr",
    "retouch_rates",
    "retouching",
    "tone_fit",
    "blur_critics",
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_catalogue_agrees_with_the_modules(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module(f"lossedu.experiments.{name}")
    monkeypatch.setattr(tuning.records, "load", lambda name: pytest.fail("smoke needs no record"))
    assert name == module.NAME
    assert tuple(module.SCALES) == EXPERIMENTS[name]
    assert list(inspect.signature(module.jobs).parameters) == ["scale", "seeds", "tasks", "arms"]
    assert list(inspect.signature(module.perform).parameters)[:2] == ["job", "place"]
    jobs = module.jobs("smoke")
    assert jobs and len({job.name for job in jobs}) == len(jobs)
    for job in jobs:
        assert job.module == f"lossedu.experiments.{name}"
        assert json.loads(json.dumps(job.options)) == job.options
        assert job.options.get("task", module.TASKS[0])
    for scale in module.SCALES.values():
        asdict(scale)  # what the settings of a run are made of
    with pytest.raises(ValueError, match=r"^scale must be one of 'smoke', .*, got 'huge'$"):
        module.jobs("huge")
    fewer = module.jobs("smoke", tasks=module.TASKS[:1])
    assert fewer and {job.name for job in fewer} <= {job.name for job in jobs}
    # The same seeds in a longer run, and more of them.
    assert {job.name for job in module.jobs("smoke", seeds=1)} <= {job.name for job in module.jobs("smoke", seeds=3)}
    # Whatever a job trains can be asked for by name.
    known = getattr(module, "ARMS", getattr(module, "LOSSES", LOSSES))
    if name in TRAINED - {"sr_start", "centre_or_map", "jpeg_alignment"}:  # their arms are not those of the options
        assert {job.options["arm"] for job in jobs} <= {*known, "input"}
    if name in TRAINED:
        needed = {"task", "arm", "seed", "lr", *SMOKE.options()}
        assert all(job.options.keys() >= needed for job in jobs)


def test_every_experiment_is_in_the_catalogue() -> None:
    folder = Path(running.__file__).parent
    found = {path.stem for path in folder.glob("*.py") if "\nNAME = " in path.read_text("utf8")}
    assert found == set(EXPERIMENTS)


def start(out: Path, said: list[str] | None = None, **options: Any) -> records.Record:
    common: dict[str, Any] = {"tasks": ("sr2",), "arms": ("bilinear",), "device": "cpu"}
    say = (lambda line: None) if said is None else said.append
    return run("sr_start", "smoke", out=out, say=say, **{**common, **options})


def same(a: records.Record, b: records.Record) -> None:
    passing = {"seconds", "finished"}
    plain = [[{k: v for k, v in entry.items() if k not in passing} for entry in record.runs] for record in (a, b)]
    assert plain[0] == plain[1]
    assert a.scores.keys() == b.scores.keys()
    for key in a.scores:
        np.testing.assert_array_equal(rounded(a.scores[key]), rounded(b.scores[key]))


def test_a_run_its_record_and_more_seeds(tmp_path: Path) -> None:
    out = tmp_path / "run"
    said: list[str] = []
    nothing = start(out, time_limit=1e-6)
    assert nothing.runs == [] and nothing.scores == {}
    assert nothing.settings["unfinished"] == ["sr2-bilinear-0", "sr2-bilinear-input"]
    assert shown(nothing) == "0 jobs finished, 2 left"
    assert "columns" not in nothing.settings and nothing.provenance["device"] == "none yet"

    first = start(out, stamp={"rules": "abc"})
    assert first.settings["unfinished"] == [] and shown(first) == "2 jobs finished"
    assert [(entry["job"], entry["task"], entry["arm"]) for entry in first.runs] == [
        ("sr2-bilinear-0", "sr2", "bilinear"),
        ("sr2-bilinear-input", "sr2", "bilinear_input"),
    ]
    for entry in first.runs:
        assert entry["rules"] == "abc" and entry["seconds"] >= 0 and entry["commit"] and entry["finished"]
        assert entry["device"].endswith("CPU") and entry["threads"] == torch.get_num_threads()
        assert entry["torch"] == torch.__version__ and "patches_per_second" not in entry
    sets = ("test", "train", "original")
    assert set(first.scores) == {f"{entry['job']}@{where}" for entry in first.runs for where in sets}
    assert first.settings["columns"] == list(COLUMNS) and first.settings["sets"]["test"] == ["rocket"]
    assert {key: first.settings[key] for key in ("experiment", "scale", "device", "steps", "width")} == {
        "experiment": "sr_start",
        "scale": "smoke",
        "device": "cpu",
        "steps": 4,
        "width": 4,
    }
    assert first.command == "lossedu run sr_start --scale smoke --seeds 1 --tasks sr2 --losses bilinear --out DIR"

    kept = records.load("sr_start-smoke", out)
    same(kept, first)
    assert (kept.settings, kept.command, kept.provenance) == (first.settings, first.command, first.provenance)
    assert kept.provenance["device"] == first.runs[0]["device"]

    more = start(out, said, seeds=2)
    assert [entry["job"] for entry in more.runs] == ["sr2-bilinear-0", "sr2-bilinear-1", "sr2-bilinear-input"]
    assert not [line for line in said if line.startswith("sr2-bilinear-0")]  # it is not done again
    assert more.runs[0] == first.runs[0]
    assert more.runs[1]["seed"] == 1 and more.runs[1]["history"] != more.runs[0]["history"]
    assert "--seeds 2 " in more.command
    same(start(out, seeds=2), more)


def test_an_experiment_asked_for_in_parts_has_the_commands_of_all(tmp_path: Path) -> None:
    out, words = tmp_path / "run", "lossedu run sr_start --scale smoke --seeds 1 --tasks sr2 --losses"
    start(out)
    both = start(out, arms=("bicubic",))
    assert both.command == f"{words} bilinear --out DIR && {words} bicubic --out DIR"
    assert start(out).command == both.command


def test_a_folder_belongs_to_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are refused, and its record is left alone."""
    out, said = tmp_path / "run", list[str]()
    start(out)
    there = {path.name: path.read_bytes() for path in out.glob("*.*")}
    assert there.keys() >= {"sr_start-smoke.json", "sr_start-smoke.npz", "settings.json"}
    with pytest.raises(ValueError, match=r"^out=.*run holds a run .*with other settings \(batch: 2 there, 1 now\)"):
        start(out, batch=1)
    with monkeypatch.context() as patch:
        patch.setattr(running, "resolve_device", lambda device: device)  # as if there were one
        patch.setattr(sweeps.engine, "resolve_device", lambda device: device)
        for device in ("cuda", "cuda:1"):
            with pytest.raises(ValueError, match=r"with other settings \(device: 'cpu' there, 'cuda' now\)"):
                start(out, device=device)
    with pytest.raises(ValueError, match=r"with other settings \(device: 'cpu' there, 'cluster' now\)"):
        start(out, device="cpu", scheduler="tcp://nowhere:1")
    with pytest.raises(
        ValueError, match=r"with other settings \(.*scale: 'smoke' there, 'quick' now.*steps: 4 there, 150"
    ):
        run("sr_start", "quick", out=out, device="cpu", say=said.append)
    with pytest.raises(ValueError, match=r"experiment: 'sr_start' there, 'table1' now"):
        run("table1", "smoke", out=out, device="cpu", say=said.append)
    with alone(out), pytest.raises(ValueError, match="is at work in another process"):
        start(out, seeds=2)
    assert {path.name: path.read_bytes() for path in out.glob("*.*")} == there
    assert said == []


def test_devices_of_one_kind_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    def perform_all(jobs: Sequence[Job], folder: Path, **options: Any) -> list[Outcome]:
        asked.append((options["device"], options["settings"]["device"]))
        claim(folder, options["settings"])
        return []

    monkeypatch.setattr(running, "perform_all", perform_all)
    monkeypatch.setattr(running, "resolve_device", lambda device: device)
    for device in ("cuda", "cuda:1"):
        start(tmp_path, device=device)
    assert asked == [("cuda", "cuda"), ("cuda:1", "cuda")]


def test_a_second_call_for_other_jobs_keeps_the_first(tmp_path: Path) -> None:
    first = start(tmp_path, tasks=("sr2",))
    second = start(tmp_path, tasks=("sr3",))
    jobs = [f"sr{n}-bilinear-{what}" for n in (2, 3) for what in ("0", "input")]
    assert [entry["job"] for entry in second.runs] == jobs and second.runs[:2] == first.runs
    assert {key.partition("@")[0] for key in second.scores} == set(jobs)
    for key, table in first.scores.items():
        np.testing.assert_array_equal(rounded(second.scores[key]), rounded(table))
    assert second.settings["unfinished"] == [] and "--tasks sr3 " in second.command
    same(records.load("sr_start-smoke", tmp_path), second)
    # What is asked for and has no time is told, and what the others found stays.
    third = start(tmp_path, tasks=("sr2",), seeds=2, time_limit=1e-6)
    assert third.settings["unfinished"] == ["sr2-bilinear-1"] and third.runs == second.runs


def test_a_failing_job_leaves_the_record_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perform = trial.perform

    def fragile(job: Job, place: Place) -> Any:
        if job.name == "sr2-bilinear-0":
            raise ZeroDivisionError("a fault of the job")
        return perform(job, place)

    with monkeypatch.context() as patch:
        patch.setattr(sr_start, "perform", fragile)
        with pytest.raises(JobsFailed) as caught:
            start(tmp_path, seeds=2)
    assert caught.value.faults == {"sr2-bilinear-0": "ZeroDivisionError: a fault of the job"}
    kept = records.load("sr_start-smoke", tmp_path)
    assert [entry["job"] for entry in kept.runs] == ["sr2-bilinear-1", "sr2-bilinear-input"]
    assert kept.settings["unfinished"] == ["sr2-bilinear-0"] and kept.settings["columns"] == list(COLUMNS)
    assert {key.partition("@")[0] for key in kept.scores} == {"sr2-bilinear-1", "sr2-bilinear-input"}
    again = start(tmp_path, seeds=2)  # and it gets its chance
    assert again.runs[0]["job"] == "sr2-bilinear-0" and again.settings["unfinished"] == []


def test_ctrl_c_leaves_the_record_of_what_is_finished(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line.startswith("sr2-bilinear-0: ") and "done 1 of 2" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("sr_start", "smoke", out=tmp_path, tasks=("sr2",), arms=("bilinear",), device="cpu", say=interrupt)
    kept = records.load("sr_start-smoke", tmp_path)
    assert [entry["job"] for entry in kept.runs] == ["sr2-bilinear-0"]
    assert kept.settings["unfinished"] == ["sr2-bilinear-input"]


def test_a_folder_that_cannot_be_made_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        start(tmp_path / "file" / "run")


def test_what_fails_at_the_end_does_not_take_the_record_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[str]] = []

    def finish(outcomes: Sequence[Outcome]) -> dict[str, Any]:
        seen.append([outcome.job.name for outcome in outcomes])
        if len(seen) == 1:
            raise MemoryError
        return {"landscape": [len(outcomes)]}

    monkeypatch.setattr(sr_start, "finish", finish, raising=False)
    start(tmp_path, time_limit=1e-6)
    assert seen == []  # it waits for all jobs
    with pytest.raises(MemoryError):
        start(tmp_path)
    first = records.load("sr_start-smoke", tmp_path)
    assert len(first.runs) == 2 and "landscape" not in first.settings
    assert start(tmp_path).settings["landscape"] == [2]
    assert records.load("sr_start-smoke", tmp_path).settings["landscape"] == [2]
    start(tmp_path, tasks=("sr3",))
    assert seen[-1] == [f"sr{n}-bilinear-{what}" for n in (2, 3) for what in ("0", "input")]  # the whole folder


def test_a_package_that_is_needed_at_the_end_is_asked_for_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert convergence.REQUIRES == ("scipy",)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"^the experiment convergence needs the package scipy: install it with"):
        run("convergence", "smoke", out=tmp_path / "run", device="cpu", say=lambda line: pytest.fail(line))
    assert not (tmp_path / "run").exists()


def test_another_precision_is_another_run(tmp_path: Path) -> None:
    record = start(tmp_path, precision="bfloat16", time_limit=1e-6, tasks=("sr2",))
    assert record.settings["precision"] == "bfloat16"
    assert " --precision bfloat16 " in record.command
    with pytest.raises(ValueError, match="precision: 'bfloat16' there, 'float32' now"):
        start(tmp_path, precision="float32", time_limit=1e-6, tasks=("sr2",))


def test_a_smaller_batch_is_another_run(tmp_path: Path) -> None:
    record = start(tmp_path, batch=1, time_limit=1e-6, tasks=("sr2", "sr2"))
    assert record.settings["batch"] == 1
    assert (
        record.command
        == "lossedu run sr_start --scale smoke --seeds 1 --tasks sr2 --losses bilinear --batch 1 --out DIR"
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("table2",), "experiment must be one of 'tuning', 'table1', .*, got 'table2'"),
        (("table1", "huge"), "scale must be one of 'smoke', 'quick', .*, got 'huge'"),
        (("tuning", "quick"), "scale must be one of 'smoke', 'cpu', .*, got 'quick'"),
        (("table1", "smoke", {"tasks": ("dd", "sr9")}), "tasks must be one of 'dd', 'jpeg', 'sr2', got 'sr9'"),
        (("table1", "smoke", {"arms": ("l7",)}), f"losses must be one of {', '.join(map(repr, LOSSES))}, got 'l7'"),
        (("sr_start", "smoke", {"arms": ("l1",)}), "losses must be one of 'bilinear', 'bicubic', got 'l1'"),
        (("sigma_sensitivity", "smoke", {"arms": ("ssim_7",)}), "losses must be one of 'ssim_1', .*, got 'ssim_7'"),
        (("sigma_sensitivity", "smoke", {"tasks": ("sr2",)}), "tasks must be one of 'dd', got 'sr2'"),
        (("table1", "smoke", {"seeds": 0}), "seeds must be an integer of at least 1, got 0"),
        (("table1", "smoke", {"seeds": -1}), "seeds must be an integer of at least 1, got -1"),
        (("table1", "smoke", {"precision": "half"}), "precision must be one of 'float32', 'bfloat16', got 'half'"),
        (("figure9", "smoke", {"batch": 2}), "figure9 has no batch that could be changed; leave it out"),
        (
            ("precision", "smoke", {"precision": "bfloat16"}),
            "precision has no precision that could be changed; leave it",
        ),
        (("figure9", "smoke", {"compiled": True}), "figure9 trains no networks that could be compiled; leave compiled"),
        (("table1", "smoke", {"batch": 0}), "batch must be an integer of at least 1, got 0"),
        (("table1", "smoke", {"arms": ("l1",)}), "table1 has none of the losses l1 at scale 'smoke'; choose others"),
        (("table1", "smoke", {"device": "abacus"}), "device must be one that this machine has .*, got 'abacus'"),
        (("table1", "smoke", {"time_limit": 0}), "time_limit must be a finite number above 0, got 0"),
    ],
)
def test_a_refused_run_leaves_nothing_behind(call: Sequence[Any], words: str, tmp_path: Path) -> None:
    names, options = [part for part in call if isinstance(part, str)], [part for part in call if isinstance(part, dict)]
    with pytest.raises(ValueError, match=f"^{words}"):
        run(*names, out=tmp_path / "run", **{k: v for part in options for k, v in part.items()})
    assert not (tmp_path / "run").exists()


def test_no_step_sizes_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> records.Record:
        raise ValueError("name must be one of the records")

    monkeypatch.setattr(tuning.records, "load", load)
    with pytest.raises(ValueError, match=r"no step sizes were tuned at scale 'cpu'; make them with lossedu run tuning"):
        run("table1", "cpu", out=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
    assert CPU.tuning == "cpu"


def test_a_cluster_has_devices_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def perform_all(jobs: Sequence[Job], folder: Path, **options: Any) -> list[Outcome]:
        asked.update(options)
        claim(folder, options["settings"])
        for number, job in enumerate(jobs):
            keep(
                begin_job(folder, job.name, job.module, job.options),
                {"job": job.name, "device": f"card {number % 2}"},
                {},
            )
        return [Outcome(job, None, folder) for job in jobs]

    monkeypatch.setattr(running, "perform_all", perform_all)
    record = start(tmp_path / "far", device="auto", scheduler="tcp://somewhere:8786", seeds=2)
    assert (asked["device"], asked["scheduler"]) == ("auto", "tcp://somewhere:8786")
    assert record.provenance["device"] == "card 0, card 1"  # those of the workers, not of this machine
    assert record.settings["device"] == "cluster" and len(record.runs) == 3
    start(tmp_path / "here", device="auto", workers=3, time_limit=2.0)
    assert asked["device"] in ("cpu", "cuda", "mps")
    assert (asked["workers"], asked["time_limit"], asked["scheduler"]) == (3, 2.0, None)


def test_what_is_gathered_and_when(tmp_path: Path) -> None:
    """Weights wait for all the jobs; scores get the name of their set."""

    class Module:
        NAME = "toy"
        kept = staticmethod(lambda outcomes: {"w": np.ones(2)})
        describe = staticmethod(lambda options: {"columns": [options["arm"]]})

    def outcome(name: str, entry: dict[str, Any] | None) -> Outcome:
        job = Job("toy", name, {"arm": "x", "seed": int(name[-1])})
        if entry is not None:
            keep(
                begin_job(tmp_path, name, "toy", job.options),
                entry,
                {"test": np.array([[1.234567]]), "b@free": np.zeros(1)},
            )
        return Outcome(job, entry, tmp_path)

    done, open_ = outcome("a-0", {"job": "a-0", "device": "a card", "ran_away": True}), outcome("a-1", None)
    record = gather(Module, "smoke", [done.job, open_.job], [done], {"steps": 4}, " --tasks dd")
    assert record.settings == {"steps": 4, "unfinished": ["a-1"], "columns": ["x"]}
    assert record.provenance["device"] == "a card"
    assert record.weights == {}
    assert set(record.scores) == {"a-0@test", "a-0/b@free"}
    assert record.scores["a-0@test"].tolist() == [[pytest.approx(1.2346, abs=1e-7)]]
    assert shown(record) == "1 jobs finished, 1 left; ran away: a-0"
    assert record.command == "lossedu run toy --scale smoke --seeds 2 --tasks dd --out DIR"
    other = outcome("b-0", {"job": "b-0", "device": "a card"})  # somebody asked for it before
    whole = gather(Module, "smoke", [done.job], [done, other], {})
    assert whole.settings["unfinished"] == [] and set(whole.weights) == {"w"}
    assert [entry["job"] for entry in whole.runs] == ["a-0", "b-0"] and "b-0@test" in whole.scores
    nothing = gather(Module, "smoke", [open_.job], [], {})
    assert (nothing.settings, nothing.runs) == ({"unfinished": ["a-1"]}, [])


def test_compact_keeps_five_digits_and_what_is_no_number() -> None:
    rng = np.random.default_rng(0)
    table = rng.standard_normal((40, 5)) * 10.0 ** rng.integers(-8, 8, (40, 5))
    found = compact(table)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, table, rtol=5.1e-5)
    assert [float(f"{v:.5g}") for v in table.ravel()] == [float(f"{v:.5g}") for v in found.ravel().tolist()]
    odd = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 12345678.0, -0.000123456])
    np.testing.assert_allclose(compact(odd), [np.nan, np.inf, -np.inf, 0, 0, 12346000, -0.00012346], rtol=1e-6)
    assert compact(np.array([[0.123456789]], np.float32)).shape == (1, 1)
    assert compact(np.array([3, 70000])).tolist() == [3, 70000]


def test_starts_of_super_resolution_go_by_their_names() -> None:
    assert sr_start.TASKS == ("sr2", "sr3") and set(sr_start.TASKS) <= set(table1.TASKS) | set(tuning.LENDERS)
    labels = {
        (j.options["task"], j.options["label"]["task"], j.options["label"]["arm"]) for j in sr_start.jobs("smoke")
    }
    assert ("sr3_bicubic", "sr3", "bicubic") in labels and ("sr2", "sr2", "bilinear_input") in labels
