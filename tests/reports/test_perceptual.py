"""What chapter 6 shows: tables have their rows, figures their lines, and the kept numbers are those of the indices."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
import torch
import trained

from lossedu import png
from lossedu.experiments import enlarging, inversion
from lossedu.experiments.features import LAYERS, SCALED, columns
from lossedu.experiments.two_stages import LAYERS as ARMS
from lossedu.nets import SubPixelCNN
from lossedu.records import Record
from lossedu.reports import enlarged, judged, perceptual
from lossedu.reports.judged import COLUMNS, OPINIONS, PUBLISHED

pytest.importorskip("PIL.Image")


def record(name: str, settings: dict, runs: list[dict], **parts: dict) -> Record:
    runs = [{"commit": "0" * 12, "device": "cpu", "seed": 0} | run for run in runs]
    return Record(name, "cpu", settings, runs, {"device": "x", "torch": "y", "date": "z"}, "lossedu run", **parts)


def inversions() -> Record:
    runs: list[dict] = []
    weights: dict[str, np.ndarray] = {}
    for arm in perceptual.WEIGHTS:
        for place, layer in enumerate(inversion.TASKS):
            picture = np.full((96, 96, 3), 40 * place, dtype=np.uint8)
            weights[f"{arm}/{layer}"] = np.frombuffer(png.encode(picture), dtype=np.uint8)
            for name in ("astronaut", "coffee"):
                for seed in range(2):
                    found = {"psnr": 30 - 4 * place + seed, "ssim": 0.9, "lpips_alexnet": 0.1, "error": 0.02}
                    runs.append({"arm": arm, "task": layer, "picture": name, "seed": seed, "job": "j"} | found)
    settings = {"pictures": ["astronaut", "coffee"], "side": 96, "shown": "astronaut"}
    return record("inversion", settings, runs, weights=weights)


def test_inversions_are_shown_by_layer() -> None:
    made = inversions()
    assert float(perceptual.inverted(made, "trained", "relu3_3").mean()) == pytest.approx(80 / 255, abs=1e-6)
    assert perceptual.by_picture(made, "random", "relu2_2", "psnr") == [26.5, 26.5]
    text = perceptual.inversion_table(made)
    assert text.count("| relu") == 5 and "30.5" in text and "2 seeds each" in text and "2.0 %" in text
    assert perceptual.inversion_strip(made).get_size_inches()[0] > 0
    with pytest.raises(ValueError, match="arm and layer"):
        perceptual.inverted(made, "trained", "relu1_1")


def shares() -> Record:
    generator = np.random.default_rng(0)
    runs, scores = [], {}
    for arm, seeds in (("trained", 1), ("random", 2)):
        for seed in range(seeds):
            for task, width in (("active", len(LAYERS)), ("scale", 4)):
                job = f"{task}-{arm}-{seed}"
                runs.append({"job": job, "task": task, "arm": arm, "seed": seed, "columns": columns(task)})
                values = generator.random((6, width)) * 0.1 + 0.2 if task == "active" else np.full((6, width), 20.0)
                scores[f"{job}@test"] = values.astype(np.float32)
    return record("features", {"pictures_of": {"active": ["a"] * 6, "scale": ["a"] * 6}}, runs, scores=scores)


def test_shares_and_factors() -> None:
    made = shares()
    assert perceptual.shares(made, "random").shape == (6, len(LAYERS))
    (ax,) = perceptual.draw_active(made).axes
    assert len(ax.get_lines()) == 2 and len(ax.get_xticks()) == 13
    text = perceptual.active_sentence(made)
    assert "relu1_1" in text and "relu5_3" in text and "6 photographs" in text
    assert perceptual.factors(made, "trained", "loss", "relu5_3").mean == pytest.approx(100)
    assert perceptual.factors(made, "trained", "gradient", "relu5_3").mean == pytest.approx(10)
    table = perceptual.scale_table(made)
    assert (
        table.count("\n") == 3 + 2 * len(SCALED)
        and "over 6 photographs" in table
        and "| relu2_2 | trained | 100 (100 to 100) | 10 " in table
    )
    with pytest.raises(ValueError, match="no runs of task"):
        perceptual.shares(record("features", {}, []), "trained")


def networks() -> Record:
    generator = np.random.default_rng(1)
    names, runs, scores = enlarging.columns(), [], {}
    weights: dict[str, np.ndarray] = {}
    for arm in ("input", *ARMS):
        for seed in range(1 if arm == "input" else 3):
            run = {"job": f"{arm}-{seed}", "task": "sr4", "arm": arm, "seed": seed, "ran_away": False}
            if arm != "input":
                run |= {"lr": 1e-3, "weights": [1.0] if arm == "l1" else [1.0, 0.25]}
            runs.append(run)
            scores[f"{arm}-{seed}@test"] = (1 + generator.random((4, len(names)))).astype(np.float32)
        state = SubPixelCNN(4, blocks=1, factor=4).state_dict()
        weights |= {f"{arm}/{key}": value.numpy().astype(np.float16) for key, value in state.items()}
    settings = {"columns": names, "sets": {"test": list("abcd")}, "width": 4, "blocks": 1, "factor": 4}
    return record("perceptual_sr", settings, runs, scores=scores, weights=weights)


def test_networks_that_enlarge() -> None:
    made = networks()
    arms = len(enlarged.arms_of(made))
    assert arms == len(ARMS) + 1
    for text, cells in ((enlarged.table(made), arms), (enlarged.lead_table(made), arms - 2)):
        lines = [line for line in text.splitlines() if line.startswith("|")]
        rows = len(enlarged.ROWS) - (len(enlarged.NO_RATIO) if cells < arms else 0)
        assert len(lines) == 2 + rows and all(line.count("|") == cells + 2 for line in lines)
    assert "relu2_2, random" in enlarged.table(made)
    there, back = (enlarged.lead(made, *pair, "psnr").mean for pair in (("l1", "early"), ("early", "l1")))
    assert there == pytest.approx(-back)
    assert enlarged.lead(made, "early", "l1", "psnr").mean == pytest.approx(
        float(np.mean(enlarged.values(made, "early", "psnr")) - np.mean(enlarged.values(made, "l1", "psnr"))), abs=1e-5
    )
    assert enlarged.steps(made).count("\n") == 1 + len(ARMS) and "0.25" in enlarged.steps(made)
    crops = enlarged.crops(made, ["l1", "before"], "chelsea", 100, 180, side=40)
    assert len(crops) == 4 and all(crop.shape == (1, 3, 40, 40) for crop in crops)
    assert all(float(crop.min()) >= 0 and float(crop.max()) <= 1 for crop in crops)


def test_tables_of_judged_pictures() -> None:
    assert judged.reference_table().count("\n") == 1 + len(PUBLISHED)
    text = judged.opinion_table()
    assert text.count("\n") == 1 + len(OPINIONS) and "4.33 (1)" in text and "1.1 (4)" in text
    for column in COLUMNS:
        assert sorted(judged.order(column).values()) == [1, 2, 3, 4]
    assert set(judged.measured()) == {*PUBLISHED, *OPINIONS}


def test_ours_are_the_published_numbers() -> None:
    for name, (_, _, known) in PUBLISHED.items():
        for column, theirs in known.items():
            assert judged.measured()[name][column] == pytest.approx(theirs, abs=6e-4), (name, column)


@pytest.mark.parametrize("name", ["ex_p0", "ex_p1"])
def test_the_kept_numbers_are_what_the_indices_say(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trained.judged("lpips/ex_ref.png")
    monkeypatch.setenv("LOSSEDU_DATA", str(trained.folder()))
    trained.tensors("lpips_v0.1_vgg.pth")
    found = judged.measure(*judged.pair(name, trained.folder()))
    for column in COLUMNS:
        assert found[column] == pytest.approx(judged.measured()[name][column], abs=2e-4), column


def test_the_file_is_written_by_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    picture = torch.zeros(1, 3, 4, 4)
    monkeypatch.setattr(judged, "pair", lambda name, pack: (picture, picture))
    monkeypatch.setattr(judged, "measure", lambda x, y: dict.fromkeys(COLUMNS, 0.25))
    judged.measure_all(tmp_path, tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text("utf8"))))
    assert [row["picture"] for row in rows] == [*PUBLISHED, *OPINIONS] and rows[0]["psnr"] == "0.25000"
