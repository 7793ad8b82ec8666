"""The two rings of chapter 0: table, findings and figure."""

from __future__ import annotations

import pytest
import torch

from lossedu.experiments import plausible
from lossedu.experiments import rings as experiment
from lossedu.figures import png_bytes
from lossedu.records import Record, load
from lossedu.reports import rings

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def record() -> Record:
    return load("rings-cpu")


def test_the_table_has_a_row_for_each_loss_and_their_letters(record: Record) -> None:
    rows = rings.table(record).splitlines()[2:]
    assert len(rows) == len(experiment.ARMS) == 7
    assert sorted(row.split("(")[1][0] for row in rows) == list("ABCEFGH")  # D is the truth
    assert rows[0].startswith(r"| $\ell_2$ (E) | 0.82 | 0.90 |")


def test_changes_are_paired_by_scene(record: Record) -> None:
    found = rings.change(record, "act", "ssim_1", "l2")
    both = zip(*(rings.values(record, "act", arm, "contrast") for arm in ("ssim_1", "l2")), strict=True)
    assert found.mean == pytest.approx(sum(100 * (a / b - 1) for a, b in both) / 6)
    assert rings.change(record, "network", "l2", "l2") == (0, 0, 0)


def test_findings_name_every_loss_and_leave_out_none_that_spoils_them(record: Record) -> None:
    acts, networks, beside_l1 = rings.findings(record).splitlines()
    assert acts.count("%") == networks.count("%") == len(rings.STRUCTURAL) + 1
    assert beside_l1.count("%") == len(rings.STRUCTURAL) and r"against that of $\ell_1$" in beside_l1
    assert "−14 % (−15 to −13)" in networks and "+3.7 % (+3.0 to +4.4)" in beside_l1
    assert "+15 % (+15 to +16)" in acts and "−17 % (−19 to −15)" in networks


def test_the_record_repeats_itself(record: Record) -> None:
    """Of one scene the network's row is computed anew; the act of l2 is the mean of the plausible scenes."""
    scene = plausible.draw_scene(0)
    output = experiment.inside(experiment.network_output("l2", scene))
    run = next(run for run in record.runs if run["job"] == "l2-0")
    assert experiment.measured(output, scene) == pytest.approx(run["network"], abs=2e-4)
    mean = experiment.inside(experiment.candidates(0, record.settings["count"]).mean(dim=0)[0])
    assert abs(mean.numpy() - record.scores["l2-0@act"]).max() < 1e-3


def test_the_figure_is_five_by_five(record: Record) -> None:
    import io

    size = Image.open(io.BytesIO(png_bytes(rings.draw(record)))).size
    assert size[0] <= 700 and size[1] <= 900


def test_answer_and_noise_add_up_to_the_contrast() -> None:
    answer, noise = rings.parts("l2", 1)
    scene = plausible.draw_scene(0)
    outputs = [experiment.network_output("l2", rings.measured_again(scene, 0, draw)) for draw in range(8)]
    squares = [experiment.measured(experiment.inside(one), scene)["contrast"] ** 2 for one in outputs]
    assert answer[0] ** 2 + noise[0] ** 2 == pytest.approx(sum(squares) / 8, rel=1e-3)
    assert not torch.equal(rings.measured_again(scene, 0, 0).seen, rings.measured_again(scene, 0, 1).seen)
    lines = rings.tell_parts(1).splitlines()
    assert lines[0] == "| network | answer to the scene | noise that came through |" and len(lines) == 2 + 7
