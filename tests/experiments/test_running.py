"""From the name of an experiment to its record; and the catalogue of names."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossedu import records
from lossedu.experiments import running, sr_start, table1, tuning
from lossedu.experiments.arms import LOSSES
from lossedu.experiments.catalogue import EXPERIMENTS
from lossedu.experiments.running import compact, gather, run, shown
from lossedu.experiments.scales import CPU, SMOKE
from lossedu.experiments.scoring import COLUMNS
from lossedu.sweeps import Job, Outcome
from lossedu.sweeps.disk import begin_job, keep

#: Experiments whose jobs train a network as `trial` does.
TRAINED = set(EXPERIMENTS) - {"sigma_sensitivity", "figure9", "ms_ssim_forms", "classical"}


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
    passing = {"seconds", "patches_per_second", "finished"}
    plain = [[{k: v for k, v in entry.items() if k not in passing} for entry in record.runs] for record in (a, b)]
    assert plain[0] == plain[1]
    assert a.scores.keys() == b.scores.keys()
    for key in a.scores:
        np.testing.assert_array_equal(a.scores[key], b.scores[key])


def test_a_run_its_record_and_more_seeds(tmp_path: Path) -> None:
    out = tmp_path / "run"
    said: list[str] = []
    nothing = start(out, time_limit=1e-6)
    assert nothing.runs == [] and nothing.scores == {}
    assert nothing.settings["unfinished"] == ["sr2-bilinear-0", "sr2-bilinear-input"]
    assert shown(nothing) == "0 jobs finished, 2 left"
    assert "columns" not in nothing.settings

    first = start(out, stamp={"rules": "abc"})
    assert first.settings["unfinished"] == [] and shown(first) == "2 jobs finished"
    assert [(entry["job"], entry["task"], entry["arm"]) for entry in first.runs] == [
        ("sr2-bilinear-0", "sr2", "bilinear"),
        ("sr2-bilinear-input", "sr2", "bilinear_input"),
    ]
    for entry in first.runs:
        assert entry["rules"] == "abc" and entry["seconds"] >= 0 and entry["commit"] and entry["finished"]
    assert set(first.scores) == {f"{entry['job']}@{where}" for entry in first.runs for where in ("test", "train")}
    assert first.settings["columns"] == list(COLUMNS) and first.settings["sets"]["test"] == ["rocket"]
    assert {key: first.settings[key] for key in ("experiment", "scale", "steps", "width")} == {
        "experiment": "sr_start",
        "scale": "smoke",
        "steps": 4,
        "width": 4,
    }
    assert first.command == "lossedu run sr_start --scale smoke --seeds 1 --tasks sr2 --losses bilinear --out DIR"

    kept = records.load("sr_start-smoke", out)
    same(kept, first)
    assert (kept.settings, kept.command, kept.provenance) == (first.settings, first.command, first.provenance)
    assert kept.provenance["device"].endswith("CPU")

    more = start(out, said, seeds=2)
    assert [entry["job"] for entry in more.runs] == ["sr2-bilinear-0", "sr2-bilinear-1", "sr2-bilinear-input"]
    assert not [line for line in said if line.startswith("sr2-bilinear-0")]  # it is not done again
    assert more.runs[0] == first.runs[0]
    assert more.runs[1]["seed"] == 1 and more.runs[1]["history"] != more.runs[0]["history"]
    assert "--seeds 2 " in more.command
    same(start(out, seeds=2), more)

    with pytest.raises(ValueError, match=r"^out=.*run holds a run .*with other settings \(batch: 2 there, 1 now\)"):
        start(out, batch=1)
    with pytest.raises(
        ValueError, match=r"with other settings \(.*scale: 'smoke' there, 'quick' now.*steps: 4 there, 150"
    ):
        run("sr_start", "quick", out=out, device="cpu", say=said.append)
    with pytest.raises(ValueError, match=r"experiment: 'sr_start' there, 'table1' now"):
        run("table1", "smoke", out=out, device="cpu", say=said.append)
    same(records.load("sr_start-smoke", out), more)


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
        (("sigma_sensitivity", "smoke", {"arms": ("ssim_5",)}), "losses must be one of 'ssim_1', .*, got 'ssim_5'"),
        (("sigma_sensitivity", "smoke", {"tasks": ("sr2",)}), "tasks must be one of 'dd', got 'sr2'"),
        (("table1", "smoke", {"seeds": 0}), "seeds must be an integer of at least 1, got 0"),
        (("table1", "smoke", {"seeds": -1}), "seeds must be an integer of at least 1, got -1"),
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
        return [Outcome(job, None, folder) for job in jobs]

    monkeypatch.setattr(running, "perform_all", perform_all)
    record = start(tmp_path, device="auto", scheduler="tcp://somewhere:8786")
    assert (asked["device"], asked["scheduler"]) == ("auto", "tcp://somewhere:8786")
    assert record.provenance["device"] == "a cluster"
    start(tmp_path, device="auto", workers=3, time_limit=2.0)
    assert asked["device"] in ("cpu", "cuda", "mps")
    assert (asked["workers"], asked["time_limit"], asked["scheduler"]) == (3, 2.0, None)


def test_what_is_gathered_and_when(tmp_path: Path) -> None:
    """What needs all the jobs waits for them; scores get the name of their set."""

    class Module:
        NAME = "toy"
        finish = staticmethod(lambda outcomes: {"finished": len(outcomes)})
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

    done, open_ = outcome("a-0", {"job": "a-0", "ran_away": True}), outcome("a-1", None)
    record = gather(Module, "smoke", [done, open_], {"steps": 4}, "cpu")
    assert record.settings == {"steps": 4, "unfinished": ["a-1"], "columns": ["x"]}
    assert record.weights == {}
    assert set(record.scores) == {"a-0@test", "a-0/b@free"}
    assert record.scores["a-0@test"].tolist() == [[pytest.approx(1.2346, abs=1e-7)]]
    assert shown(record) == "1 jobs finished, 1 left; ran away: a-0"
    assert "--seeds 2 " in record.command
    whole = gather(Module, "smoke", [done], {}, "cpu")
    assert whole.settings["finished"] == 1 and set(whole.weights) == {"w"}


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
