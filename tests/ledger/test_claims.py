"""Every claim, on records whose answer is known by construction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ledger_adversarial import blur_critics, color_transfer, misaligned
from ledger_perceptual import features, inversion, perceptual_sr
from ledger_records import below, nets, record, wobble
from ledger_retouching import retouching
from ledger_transport import tone_fit

from lossedu.ledger import claims_transport
from lossedu.ledger.claim import MARGINS, Claim, Evidence
from lossedu.ledger.claims import CLAIMS, GROUPS, order
from lossedu.ledger.decision import judge, zone
from lossedu.ledger.evidence import Missing
from lossedu.ledger.families import NINE, Contest, family
from lossedu.records import Record
from lossedu.reports import windows

#: Section H of the fact sheet: every id that it has.
IDS = (
    *(f"Z{n}" for n in range(1, 21) if n != 5),
    *("M1", "M4", "M5", "M6", "M7", "M8", "M9", "W1", "W2", "W4", "P1", "P2", "P3", "P4", "P5", "T1", "T2"),
    *("L1", "L2", "L3", "L4"),
)
BY_ID = {claim.id: claim for claim in CLAIMS}
RULED = [claim for claim in CLAIMS if claim.rule]

#: A little noise: between seeds, far below every margin.
SMALL = 1e-3


def evidence(name: str, found: Record) -> Evidence:
    rule = BY_ID[name].rule
    assert rule is not None
    return rule(found)


def word(name: str, found: Record) -> str:
    claim = BY_ID[name]
    return judge(evidence(name, found).parts, matched=claim.matched, scale="cpu").verdict


def zones(name: str, found: Record) -> list[str]:
    parts = evidence(name, found).parts
    return [zone(part.interval(), part.margin, claimed=part.claimed, par=part.par) for part in parts]


def table1(size: float) -> Record:
    """Table 1 with all claimed differences `size` times as large as twice their margins (negative: reversed)."""
    d, p, s = 0.2 * size, 1 + 0.1 * size, 0.002 * size
    runs = nets("dd", "l2", 5, SMALL * 0, mse=1.0, edge_width=1.0)
    runs += nets("dd", "l1", 5, SMALL, mse=below(d), psnr=0.0, ssim=0.0, bias=1.0, edge_width=p)
    runs += nets("dd", "mix", 5, SMALL, psnr=d, bias=1.0, edge_width=p)
    runs += nets("dd", "ssim_1.5", 5, SMALL / 100, ssim=-s)
    runs += nets("dd", "ms_ssim", 5, SMALL, bias=p)
    runs += [{"task": "jpeg", "arm": "input", "seed": 0, "values": {"": {}}}]
    runs += nets("jpeg", "l2", 5) + nets("jpeg", "ms_ssim", 5)
    found = record("table1", runs, settings={"residual": False})
    # The input is the same picture for every seed: these nets must not have levels of their own.
    for seed in range(5):
        for where in ("test", "train"):
            table = found.scores[f"jpeg-input-0@{where}"].copy()
            columns = found.settings["columns"]
            table[:, columns.index("mse")] *= below(-d) * (1 + wobble(seed, SMALL))
            found.scores[f"jpeg-l2-{seed}@{where}"] = table
            table = found.scores[f"jpeg-input-0@{where}"].copy()
            table[:, columns.index("psnr")] += -d + wobble(seed, SMALL)
            found.scores[f"jpeg-ms_ssim-{seed}@{where}"] = table
    return found


def convergence(size: float) -> Record:
    d = 0.2 * size
    runs = []
    for mode in ("adam", "adam_tuned", "sgd", "sgd_tuned"):
        for seed in range(5):
            for arm in ("l1", "l2"):
                ahead = d if arm == "l1" else 0.0
                w = wobble(seed, SMALL) * (1 if arm == "l1" else -1)
                gains = {"trunk": -0.3, "continue": 0.0, "reset": 0.0, "switch": d}
                values = {branch: {"mse": below(ahead + gain + w)} for branch, gain in gains.items()}
                values["switch"]["mse"] = below(d + 0.5 * abs(w))  # the same end for both
                values["reset"]["mse"] = values["continue"]["mse"] = below((d if arm == "l1" else 0.0) + w)
                runs.append({"task": "dd", "arm": arm, "mode": mode, "seed": seed, "values": values})
    return record("convergence", runs)


def ends(wall: float, gap: float = 0.0, mode: str = "adam_tuned") -> Record:
    """Nets that began with l1 or l2: walls of 0.5 within a loss and of `wall` between them, errors `gap` dB apart."""
    runs = [
        {
            "task": "dd",
            "arm": arm,
            "mode": mode,
            "seed": seed,
            "values": {branch: {"mse": below(ahead + wobble(seed, SMALL))}, "switch" if arm == "l2" else "reset": {}},
        }
        for arm, branch, ahead in (("l1", "switch", gap), ("l2", "continue", 0.0))
        for seed in range(5)
    ]
    rows = [
        {
            "pair": pair,
            "mode": other,
            "seed": seed,
            # Under the mode that does not count, all walls are alike.
            "barrier_relative": height + wobble(seed, SMALL) * (1 if pair == "l1-l2" else -1) if other == mode else 0.1,
            "distance": 0.7,
        }
        for pair, height in (("l1-l2", wall), ("l1-l1", 0.5), ("l2-l2", 0.5))
        for other in ("adam_tuned", "adam")
        for seed in range(5)
    ]
    return record("convergence", runs, settings={"landscape": rows})


def arms(task: str, better: str, worse: str, column: str, gain: float, **extra: Any) -> list[dict[str, Any]]:
    runs = nets(task, better, 5, SMALL, **{column: gain}) + nets(task, worse, 5, 0.0)
    return [
        {**run, **extra, "job": "-".join(map(str, [*extra.values(), task, run["arm"], run["seed"]]))} for run in runs
    ]


def sigma(size: float) -> Record:
    p = 1 + 0.1 * size
    runs = nets("dd", "ssim_1", 5, SMALL, flat_middle=p, ring=1.0) + nets(
        "dd", "ssim_9", 5, 0.0, flat_middle=1.0, ring=p
    )
    return record("sigma_sensitivity", runs)


def figure9(size: float) -> Record:
    runs: list[dict[str, Any]] = []
    for seed in range(5):
        w = wobble(seed, SMALL)
        runs.append({"task": "step", "arm": "ssim_1", "seed": seed, "near_2d": 0.4, "far_2d": 0.3})
        runs.append({"task": "step", "arm": "ssim_9", "seed": seed, "near_2d": 0.4 + 0.1 * size + w, "far_2d": 0.3})
    for place, ratio in enumerate((1.5, 3.0, 10.0)):
        runs.append({"task": "bias", "arm": f"levels_{place}", "seed": 0, "ratio": ratio**size})
    return Record("figure9", "cpu", {}, runs, {"date": "2026-01-02", "device": "toy"}, "run")


def forms(size: float) -> Record:
    runs: list[dict[str, Any]] = []
    scores = {}
    for seed in range(5):
        runs.append({"task": "rank", "arm": "ms_ssim", "seed": seed, "job": f"rank-{seed}", "ran_away": False})
        values = 0.9 + 0.05 * size + np.array([[0.01], [-0.01], [0.0], [np.nan]]) + wobble(seed, SMALL)
        scores[f"rank-{seed}@test"] = values.astype(np.float32)
        for task in ("patches_64", "step_64"):
            ratio = 1 - 0.2 * size + wobble(seed, SMALL)
            runs.append({"task": task, "arm": "ms_ssim", "seed": seed, "job": f"{task}-{seed}", "ratio": ratio})
    settings = {"columns": ["spearman"], "sets": {"test": ["a", "b", "c", "d"]}}
    return Record("ms_ssim_forms", "cpu", settings, runs, {"date": "d", "device": "toy"}, "run", scores=scores)


def jpeg_alignment(size: float) -> Record:
    return record(
        "jpeg_alignment",
        arms("jpeg", "full_17", "full_16", "psnr", 0.2 * size) + arms("jpeg", "centre_17", "centre_16", "psnr", 1.0),
    )


def centre_or_map(size: float) -> Record:
    runs = arms("dd", "ssim_5_centre", "ssim_5_map", "psnr", 0.2 * size, budget="patches")
    return record("centre_or_map", runs + arms("dd", "ssim_5_centre", "none", "psnr", -3.0, budget="time"))


def sr_start(size: float) -> Record:
    return record("sr_start", arms("sr2", "bilinear", "bicubic", "psnr", 0.2 * size))


def total_variation(size: float) -> Record:
    """TV and its square on two noises; the second is the worst.  Discs lose what they should unless `size` is -1."""
    runs: list[dict[str, Any]] = []
    for seed in range(5):
        w = wobble(seed, SMALL)
        for task, columns in (("step", ("rise", "flat")), ("photographs", ("edge", "flat"))):
            for arm, factor in (("tv", 1 - 0.1 * size + w), ("squared", 1.0)):
                levels = {
                    noise: dict.fromkeys(columns, 2.0 * way) for noise, way in (("0.3", factor - 0.2), ("1", factor))
                }
                if task == "step":
                    wide = 0.1 * size if arm == "squared" else -0.1 * min(size, 0)
                    levels["0.1"] = {"rise": 0.8 * (1 + wide + w), "flat": 1.0 if arm == "squared" else 0.1}
                runs.append({"task": task, "arm": arm, "seed": seed, "levels": levels})
    for lost in (1.0, 1.01, 0.99):
        runs.append(
            {"task": "disc", "arm": f"disc_{lost}", "seed": 0, "lost": lost - 0.1 * min(size, 0), "predicted": 1.0}
        )
    settings = {"noises": [0.1, 0.3, 1.0]}
    return Record("total_variation", "cpu", settings, runs, {"date": "2026-01-02", "device": "toy"}, "run")


MADE: dict[str, Callable[[float], Record]] = {
    "blur_critics": blur_critics,
    "color_transfer": color_transfer,
    "misaligned": misaligned,
    "features": features,
    "inversion": inversion,
    "perceptual_sr": perceptual_sr,
    "retouching": retouching,
    "tone_fit": tone_fit,
    "total_variation": total_variation,
    "table1": table1,
    "convergence": convergence,
    "sigma_sensitivity": sigma,
    "figure9": figure9,
    "ms_ssim_forms": forms,
    "jpeg_alignment": jpeg_alignment,
    "centre_or_map": centre_or_map,
    "sr_start": sr_start,
}

#: The claims on convergence need a record each, for no nets can show all of them.
ALONE: dict[str, Callable[[float], Record]] = {
    "Z3": lambda size: switched(0.2 * size),
    "Z4": lambda size: ends(0.5 + 0.3 * size),
    "Z6": lambda size: splotches(1 + 0.1 * size),
}


def example(claim: Claim, size: float) -> Record:
    """A record in which the claim holds (1), its opposite (-1), or nothing (0)."""
    return ALONE.get(claim.id, MADE[claim.experiment])(size)


#: What a claim says where there is no difference at all, if it is not "equivalent".
TIES = dict.fromkeys(("Z7", "Z9", "Z11", "Z18", "P4", "W1"), "supported")


def test_every_claim_of_the_fact_sheet_is_there_once() -> None:
    assert [claim.id for claim in CLAIMS] == sorted(IDS, key=order)
    assert len({claim.statement for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.source and claim.statement.endswith(".") for claim in CLAIMS)
    assert {claim.id for claim in CLAIMS if claim.untestable} == {"Z20"}
    assert {claim.id for claim in RULED} == {name for name in IDS if name[0] in "ZTPMW" and name != "Z20"}
    assert {name[0] for name in IDS} == set(GROUPS)


def test_ids_sort_by_number() -> None:
    assert sorted(["M1", "Z10", "Z9", "Z1"], key=order) == ["Z1", "Z9", "Z10", "M1"]
    with pytest.raises(ValueError, match=r"^id must"):
        order("X1")


@pytest.mark.parametrize("claim", RULED, ids=lambda claim: claim.id)
def test_a_claim_that_holds_is_supported(claim: Claim) -> None:
    assert word(claim.id, example(claim, 1.0)) == "supported"


@pytest.mark.parametrize("claim", RULED, ids=lambda claim: claim.id)
def test_a_claim_whose_opposite_holds_is_contradicted(claim: Claim) -> None:
    assert word(claim.id, example(claim, -1.0)) == ("refuted" if claim.matched else "not replicated")


@pytest.mark.parametrize("claim", RULED, ids=lambda claim: claim.id)
def test_no_difference_is_a_tie(claim: Claim) -> None:
    # Z17 has no margin, and nothing can be inside none.
    expected = "inconclusive" if claim.id == "Z17" else TIES.get(claim.id, "equivalent")
    assert word(claim.id, example(claim, 0.0)) == expected


def switched(gain: float) -> Record:
    """Trunks of both losses, each better by `gain` after a switch than after going on."""
    runs = []
    for mode in ("adam", "adam_tuned"):
        for seed in range(5):
            for arm in ("l1", "l2"):
                w = wobble(seed, SMALL)
                values = {"continue": {"mse": 1.0}, "reset": {"mse": 1.0}, "switch": {"mse": below(gain + w)}}
                runs.append({"task": "dd", "arm": arm, "mode": mode, "seed": seed, "values": values})
    return record("convergence", runs)


def splotches(factor: float) -> Record:
    runs = []
    for seed in range(5):
        for arm, own, after in (("l2", factor, 1.0), ("l1", 1.0, factor)):
            values = {"continue": {"flat_middle": own + wobble(seed, SMALL)}, "switch": {"flat_middle": after}}
            runs.append({"task": "dd", "arm": arm, "mode": "adam_tuned", "seed": seed, "values": values})
    return record("convergence", runs)


def test_the_switch_must_beat_both_controls() -> None:
    """Without the reset of Adam's memory alone, its effect would be taken for that of the loss."""
    found = switched(0.2)
    columns = found.settings["columns"]
    for key, table in found.scores.items():
        if "/reset@" in key:
            table[:, columns.index("mse")] *= below(0.2)
    assert zones("Z3", found) == ["supported", "supported", "equivalent", "equivalent"] * 2
    assert word("Z3", found) == "inconclusive"


def test_equal_errors_are_part_of_z4() -> None:
    assert word("Z4", ends(0.9)) == "supported"
    assert word("Z4", ends(0.9, gap=1.0)) == word("Z4", ends(0.9, gap=-1.0)) == "not replicated"


def test_the_wall_between_losses_is_measured_against_two_seeds_of_one() -> None:
    """A high wall is no finding: any two networks have one."""
    found = ends(0.5)
    assert zones("Z4", found) == ["equivalent", "supported"] and word("Z4", found) == "equivalent"
    excess = evidence("Z4", ends(0.8)).parts[0]
    assert excess.interval().mean == pytest.approx(10 * math.log10(1.8 / 1.5), abs=1e-3)


def test_walls_need_a_partner_in_the_same_seed() -> None:
    found = ends(0.9)
    found.settings["landscape"] = [
        row for row in found.settings["landscape"] if row["pair"] == "l1-l2" or row["seed"] < 2
    ]
    assert word("Z4", found) == "inconclusive"
    found.settings["landscape"] = []
    with pytest.raises(Missing, match="no pairs of end points"):
        evidence("Z4", found)


def test_z2_is_judged_on_tuned_rates_with_both_optimisers() -> None:
    found = convergence(1.0)
    parts = evidence("Z2", found).parts
    assert len(parts) == 4
    assert [part.values == pytest.approx([0.2] * 5, abs=0.01) for part in parts] == [True] * 4
    tables = {key: table for key, table in found.scores.items() if key.startswith("dd-sgd_tuned-l1") and "train" in key}
    assert tables
    for table in tables.values():
        table[:, found.settings["columns"].index("mse")] /= below(0.2)
    assert zones("Z2", found) == ["supported"] * 3 + ["equivalent"]  # one optimiser, on training pictures, shows no gap
    assert word("Z2", found) == "inconclusive"
    for key, table in found.scores.items():
        if key.startswith(("dd-adam-", "dd-sgd-")):
            table[:, found.settings["columns"].index("mse")] *= 7.0 if "l1" in key else 1.0
    notes = evidence("Z2", found).notes
    assert any("a tenth of the tuned step size" in note and "-8." in note for note in notes)  # told, and without a say
    assert word("Z2", found) == "inconclusive"


def test_z1_needs_the_training_pictures_too() -> None:
    found = table1(1.0)
    for key, table in found.scores.items():
        if key.startswith("dd-l1-") and key.endswith("@train"):
            table[:, found.settings["columns"].index("mse")] /= below(0.2)
    assert zones("Z1", found) == ["supported", "equivalent"] and word("Z1", found) == "inconclusive"


def test_z13_agrees_with_the_report_of_the_chapter() -> None:
    found = sigma(0.7)
    flat, ring = evidence("Z13", found).parts
    assert flat.interval() == pytest.approx(windows.band_change(found, "middle", "ssim_1", "ssim_9"))
    assert ring.values == pytest.approx([7.0 / (1 + wobble(seed, SMALL) / 100) for seed in range(5)], abs=1.0)
    found.runs[0]["ran_away"] = True
    gone = evidence("Z13", found)
    assert len(gone.parts[0].values) == 4
    (told,) = gone.notes
    assert told.startswith("left out of the pairs") and told.endswith("in no mean): dd-ssim_1-0 ran away")


def test_z14_does_not_count_what_happens_on_flat_ground() -> None:
    found = figure9(0.0)
    for run in found.runs:
        if run["arm"] == "ssim_9":
            run["near_2d"] += 0.3
            run["far_2d"] += 0.3
    assert word("Z14", found) == "equivalent"


def test_z17_ranks_over_pictures_and_time_over_seeds() -> None:
    ranks, time = evidence("Z17", forms(1.0)).parts
    assert ranks.of == "pictures" and ranks.values == pytest.approx([0.06, 0.04, 0.05], abs=2e-3)
    assert time.values == pytest.approx([100 * (-0.2 + wobble(seed, SMALL)) for seed in range(5)])
    assert word("Z17", forms(0.0)) == "inconclusive"


def test_t1_is_judged_at_the_worst_noise_of_each_draw() -> None:
    found = total_variation(1.0)
    means = [float(np.mean(part.values)) for part in evidence("T1", found).parts]
    assert means == pytest.approx([-100 / 11, -10.0, -10.0, -10.0], abs=0.1)  # of the rise, 0.1 is the worst
    assert all(len(part.values) == 5 for part in evidence("T1", found).parts)
    broken = total_variation(1.0)
    for run in broken.runs:
        if (run["task"], run["arm"]) == ("photographs", "tv"):
            run["levels"]["0.3"]["edge"] *= 1.6  # one noise of three, and one measure of four
    assert zones("T1", broken) == ["supported", "supported", "contradicted", "supported"]
    assert word("T1", broken) == "not replicated"
    assert "noise from 0.1 to 1, the weight of each tuned at each" in evidence("T1", found).notes


def test_t2_needs_the_blur_of_the_one_the_sharpness_of_the_other_and_the_discs() -> None:
    assert [part.claimed for part in evidence("T2", total_variation(1.0)).parts] == [1, 0, 0]
    pale = total_variation(1.0)
    for run in pale.runs:
        if run["task"] == "disc":
            run["lost"] *= 1.2
    assert zones("T2", pale) == ["supported", "supported", "contradicted"]
    found = evidence("T2", total_variation(1.0)).parts[2]
    assert found.exact and found.of == "discs" and found.interval().low == pytest.approx(-1.0)


def test_runs_without_the_arms_of_a_claim_are_missing() -> None:
    few = record("table1", nets("dd", "l1") + nets("dd", "l2"))
    assert evidence("Z1", few)
    for name in ("Z8", "Z9", "Z10", "Z11", "Z16"):
        with pytest.raises(Missing):
            evidence(name, few)


def test_only_networks_that_do_not_begin_at_their_input_are_compared_with_it() -> None:
    found = table1(1.0)
    found.settings["residual"] = True
    for claim in (one for one in RULED if one.experiment == "table1"):
        if claim.id in ("Z10", "Z11"):
            with pytest.raises(Missing, match="record table1-cpu begin at their input"):
                evidence(claim.id, found)
        else:
            assert word(claim.id, found) == "supported"


def test_the_switch_is_the_one_with_a_fresh_optimiser() -> None:
    """What becomes of the old optimiser under the other loss is recorded, and has no say."""
    found, columns = convergence(1.0), record("convergence", []).settings["columns"]
    found.settings["landscape"] = ends(0.9).settings["landscape"]
    before = {name: evidence(name, found) for name in ("Z2", "Z3", "Z4", "Z6")}
    for key, table in list(found.scores.items()):
        if "/switch@" in key:
            worse = table.copy()
            worse[:, columns.index("mse")] *= 9.0
            found.scores[key.replace("/switch@", "/switch_carried@")] = worse
    assert {name: evidence(name, found) for name in before} == before
    for key, table in found.scores.items():
        if "/switch@" in key:
            table[:, columns.index("mse")] *= 9.0
    assert evidence("Z3", found) != before["Z3"] and word("Z3", found) == "not replicated"


@pytest.mark.parametrize("claim", RULED, ids=lambda claim: claim.id)
def test_endpoints_and_margins_are_those_of_the_primary_part(claim: Claim) -> None:
    found = evidence(claim.id, example(claim, 1.0))
    assert found.parts[0].unit == claim.unit and found.parts[0].margin == claim.margin
    own = {"W1": 5.0, "P4": 10 * math.log10(3), "M5": 1.0, "M7": math.log2(1.25)}  # in units of their own
    assert claim.margin == (own[claim.id] if claim.id in own else MARGINS[claim.unit])
    assert claim.endpoint and claim.rule is not None and claim.rule.__doc__


def test_a_family_names_what_is_worse_and_corrects_for_its_size() -> None:
    runs = nets("dd", "mix", 5, 1e-6, psnr=1.0, gmsd=1.1, ssim=0.5)
    runs += nets("dd", "l1", 5)
    found = record("table1", runs)
    told = family(found, [Contest("dd", "mix", "l1", column) for column in ("psnr", "gmsd", "ssim", "fsim")])
    assert "2 of 4 comparisons are better, 1 worse (mix against l1 by gmsd in dd)" in told
    # p = 0.02 alone, and not one of thirty
    noisy = record("table1", nets("dd", "mix", 3, 0.05, psnr=0.2) + nets("dd", "l1", 3))
    assert "1 of 1" in family(noisy, [Contest("dd", "mix", "l1", "psnr")])
    many = [Contest("dd", "mix", "l1", "psnr")] * 30
    assert "0 of 30 comparisons are better, 0 worse" in family(noisy, many)
    assert set(NINE) == {"mse", "psnr", "l1", "ssim", "ms_ssim", "iw_ssim", "gmsd", "fsim", "fsimc"}


def test_family_of_z8_leaves_the_primary_one_out() -> None:
    runs = nets("dd", "mix", 3, SMALL, psnr=1.0) + nets("dd", "l1", 3) + nets("sr2", "mix", 3) + nets("sr2", "l1", 3)
    note = evidence("Z8", record("table1", runs)).notes[-1]
    assert "of 17 comparisons" in note  # 9 indices, 2 tasks, less one


def test_p1_is_judged_over_photographs_each_the_mean_of_its_seeds() -> None:
    found = evidence("P1", inversion(1.0))
    assert found.parts[0].of == "photographs" and len(found.parts[0].values) == 4
    assert found.parts[0].values == pytest.approx([0.2, 0.2, 0.2, 0.2])  # the seeds' noise has gone
    assert any("what content is kept is not" in note for note in found.notes)
    assert any(note.startswith("beside it, the same with random weights: +0.4 dB") for note in found.notes)


def test_p2_needs_brightness_and_lpips() -> None:
    found = perceptual_sr(1.0)
    column = found.settings["columns"].index("brightness")
    assert zones("P2", found) == ["supported", "supported"]
    for seed in range(5):
        found.scores[f"sr4-before-{seed}@test"][:, column] *= -1.3  # darker instead of brighter, and by more
    assert zones("P2", found) == ["contradicted", "supported"]
    assert word("P2", found) == "not replicated"
    assert any("no adversary" in note for note in evidence("P2", found).notes)


def test_p3_tells_the_share_itself() -> None:
    found = evidence("P3", features(1.0))
    assert found.parts[0].values == pytest.approx([-20.5, -20.0, -19.5, -20.0], abs=1e-4)
    assert found.notes[0].startswith("the share itself: 10.0 %")


@pytest.mark.parametrize(("decibels", "expected"), [(4.0, "supported"), (-4.0, "supported"), (5.5, "not replicated")])
def test_p4_allows_a_factor_of_three_either_way(decibels: float, expected: str) -> None:
    assert word("P4", features(1.0, decibels=decibels)) == expected


def test_p5_asks_for_a_deep_and_an_early_layer() -> None:
    found = perceptual_sr(1.0)
    column = found.settings["columns"].index("lpips_alexnet")
    for seed in range(5):
        found.scores[f"sr4-random-{seed}@test"][:, column] = found.scores[f"sr4-l1-{seed}@test"][:, column]
    assert zones("P5", found) == ["equivalent", "supported"]
    assert word("P5", found) == "inconclusive"


@pytest.mark.parametrize("name", ["P1", "P3", "P4"])
def test_perceptual_claims_miss_the_arms_that_are_not_there(name: str) -> None:
    found = example(BY_ID[name], 1.0)
    found.runs[:] = [run for run in found.runs if run["arm"] == "random"]
    with pytest.raises(Missing):
        evidence(name, found)


def test_a_table_that_is_gone_is_an_error() -> None:
    found = features(1.0)
    found.scores.pop("active-trained-0@test")
    with pytest.raises(ValueError, match="has no 'relu5_3' of job active-trained-0"):
        evidence("P3", found)


def test_m1_needs_both_rivals() -> None:
    found = retouching(1.0)
    column = found.settings["columns"].index("psnr")
    assert zones("M1", found) == ["supported", "supported"]
    for seed in range(3):
        found.scores[f"moody-vgg-{seed}@test"][:, column] += 1.0
    assert zones("M1", found) == ["supported", "contradicted"]
    assert word("M1", found) == "not replicated"
    notes = evidence("M1", found).notes
    assert any(note.startswith("beside it, mean PSNR, printed over l2, target certain: +0.5 dB") for note in notes)
    assert any("with 1/K and mirror terms, over l2" in note for note in notes)
    assert any("on training pictures" in note for note in notes)


def test_m4_compares_two_widths_of_the_same_kernel() -> None:
    found = retouching(1.0)
    for seed in range(3):
        found.scores[f"moody-sharp-{seed}@test"] = found.scores[f"moody-unit_mirror-{seed}@test"].copy()
    assert zones("M4", found) == ["equivalent"]


def test_m6_is_about_the_mean_curve_and_not_about_single_ones() -> None:
    found = retouching(1.0)
    assert evidence("M6", found).parts[0].values == pytest.approx([-10.0] * 3, abs=0.1)
    for seed in range(3):  # one curve up, the other down: the mean stays
        found.scores[f"moody-printed-{seed}@curve"] += np.array([[0.2], [-0.2]], dtype=np.float32)
    assert evidence("M6", found).parts[0].values == pytest.approx([-10.0] * 3, abs=0.1)


@pytest.mark.parametrize("rival", ["printed_k50", "printed_k100", "printed_01", "printed_10"])
def test_m8_needs_all_four(rival: str) -> None:
    found = retouching(1.0)
    column = found.settings["columns"].index("psnr")
    for seed in range(3):
        found.scores[f"moody-{rival}-{seed}@test"][:, column] += 0.5
    assert sorted(zones("M8", found)) == ["equivalent", "supported", "supported", "supported"]
    assert word("M8", found) == "inconclusive"


def test_m9_needs_psnr_and_colour() -> None:
    found = retouching(1.0)
    for seed in range(3):
        found.scores[f"moody-ssim-{seed}@test"][:, 1] = found.scores[f"moody-l2-{seed}@test"][:, 1]
    assert zones("M9", found) == ["supported", "equivalent"]


def test_retouching_networks_that_ran_away_are_named() -> None:
    found = retouching(1.0)
    for run in found.runs:
        if (run["task"], run["arm"], run["seed"]) == ("moody", "printed", 1):
            run["ran_away"] = True
    for name in ("M1", "M6"):
        told = evidence(name, found)
        assert len(told.parts[0].values) == 2
    assert "ran away" in evidence("M1", found).notes[0]


def test_m5_asks_for_black_pixels_and_a_lift_and_tells_the_rest() -> None:
    found = evidence("M5", tone_fit(1.0))
    assert [part.of for part in found.parts] == ["photographs"] * 2 and len(found.parts[0].values) == 5
    assert found.parts[0].values == pytest.approx([2 + wobble(place, 1e-2) for place in range(5)], abs=1e-4)
    assert found.notes[0].startswith("plain, mean error 5.2 steps (mirrored 3.2), above one step for 5 of 5")
    assert "gamma from 0.80 to 0.80 (mirrored 0.60 to 0.60), true 0.6" in found.notes[0]
    assert len(found.notes) == 1 + len(claims_transport.OTHERS)
    told = {note.split(": ")[0].removeprefix("beside it, "): note for note in found.notes[1:]}
    assert "+2 steps" in told["a twentieth black, lift free"] and "+2 steps" not in told["a fifth black, no lift"]
    spoilt = tone_fit(1.0)
    spoilt.scores["coded_lift-plain-0@test"] = spoilt.scores["coded_lift-mirror-0@test"]
    assert zones("M5", spoilt) == ["supported", "equivalent"] and word("M5", spoilt) == "inconclusive"


def test_m5_counts_no_difference_below_one_step() -> None:
    assert zones("M5", tone_fit(0.45)) == ["equivalent"] * 2 and zones("M5", tone_fit(0.55)) == ["supported"] * 2


def test_m7_needs_both_starts_and_both_losses_of_bins() -> None:
    found = evidence("M7", tone_fit(1.0))
    assert len(found.parts) == 4 and found.parts[0].values == pytest.approx([math.log2(1.6)] * 5, abs=0.03)
    assert found.notes[0].startswith("steps, far start: cumulative l1 100 (median, step size 0.1); l1 of the bins 16")
    assert len(found.notes) == 2 + 2 * 2 * 2 + 2
    spoilt = tone_fit(1.0)
    spoilt.scores["near-bins_l2_logistic-0@test"] = spoilt.scores["near-cdf_logistic-0@test"]
    assert zones("M7", spoilt) == ["supported"] * 3 + ["equivalent"] and word("M7", spoilt) == "inconclusive"
    spoilt.runs[[run["job"] for run in spoilt.runs].index("near-bins_l2_logistic-0")]["missed"] = 3
    assert "l2 of the bins 100 (median, step size 0.1, 3 never there)" in evidence("M7", spoilt).notes[1]


@pytest.mark.parametrize(("name", "job"), [("M5", "black_lift-mirror-0"), ("M7", "near-cdf_logistic-0")])
def test_tone_fits_that_are_not_there(name: str, job: str) -> None:
    found = tone_fit(1.0)
    table = found.scores.pop(f"{job}@test")
    with pytest.raises(ValueError, match=f"of job {job}"):
        evidence(name, found)
    found.scores[f"{job}@test"] = table
    found.runs[:] = [run for run in found.runs if run["job"] != job]
    with pytest.raises(Missing, match="has no runs of task"):
        evidence(name, found)


def test_a_blurred_loss_that_is_spared_but_lower_everywhere_does_not_tolerate_better() -> None:
    assert zones("W4", misaligned(1.0, level=-2.0)) == ["supported", "contradicted"]
    assert word("W4", misaligned(0.0, level=2.0)) == "inconclusive"  # above, and no better with shifts than without


def test_w1_asks_the_better_critic_and_tells_the_rest() -> None:
    found = evidence("W1", blur_critics(-1.0))
    assert found.parts[0].name.endswith("critic_plain") and found.parts[0].interval().mean == pytest.approx(40, abs=0.5)
    assert len(found.notes) == 8


def test_w2_needs_the_swapped_arm_to_fail() -> None:
    found = color_transfer(1.0)
    for key, table in found.scores.items():
        if "swapped" in key:
            table *= 0.5
    assert zones("W2", found) == ["supported", "contradicted"] and word("W2", found) == "not replicated"
