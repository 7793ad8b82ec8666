"""Crops of what networks make of a photograph: the right places, damages and contrast."""

from __future__ import annotations

import pytest
import torch

from lossedu import data, records
from lossedu.experiments import keepsakes, tasks
from lossedu.reports import outputs


@pytest.fixture(scope="module")
def record() -> records.Record:
    return records.load("table1-cpu")


@pytest.mark.parametrize("task", outputs.DAMAGE)
def test_clean_damaged_and_repaired(task: str, record: records.Record) -> None:
    clean, seen, made = outputs.crops(record, task, ["l1"], "rocket", 60, 240, side=40)
    photo = data.photograph("rocket")
    assert torch.allclose(clean, data.crop(photo, 60, 240, 40), atol=1e-6)
    damaged = outputs.DAMAGE[task](photo)
    assert torch.allclose(seen, data.crop(damaged, 60, 240, 40), atol=1e-6)
    repaired = tasks.restore(keepsakes.network(record, "l1", task), damaged)
    assert torch.allclose(made, data.crop(repaired, 60, 240, 40), atol=1e-6)
    assert (made - clean).square().mean() < (seen - clean).square().mean()


def test_contrast_is_stretched_about_the_mean_of_the_clean_crop(record: records.Record) -> None:
    plain, wide = (outputs.crops(record, "jpeg", ["l2"], "camera", 100, 300, stretch=by) for by in (1, 3))
    middle = plain[0].mean(dim=(2, 3), keepdim=True)
    for a, b in zip(plain, wide, strict=True):
        assert a.shape == (1, 3, 52, 52)
        assert torch.allclose(b - middle, 3 * (a - middle), atol=1e-5)


def test_an_unknown_task_and_a_network_that_is_not_kept(record: records.Record) -> None:
    with pytest.raises(ValueError, match="task must be one of 'dd', 'jpeg', 'sr2', got 'blur'"):
        outputs.crops(record, "blur", ["l1"], "rocket", 0, 0)
    with pytest.raises(ValueError, match="arm must be one of"):
        outputs.crops(record, "dd", ["charbonnier"], "rocket", 0, 0)
