"""What `import lossedu` brings, and what it does not."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import lossedu as le


def modules() -> list[str]:
    return [info.name for info in pkgutil.walk_packages(le.__path__, "lossedu.") if not info.name.endswith("__main__")]


def test_public_names() -> None:
    assert sorted(le.__all__) == sorted(set(le.__all__))
    for name in le.__all__:
        assert getattr(le, name) is not None
    assert set(le.__all__) <= set(dir(le))


def test_no_function_shares_its_name_with_a_module() -> None:
    """Else `from lossedu.x import y` could turn a function into a module."""
    last = {name.rpartition(".")[2] for name in modules()}
    public = {name for name in le.__all__ if name != "metrics"} | set(le.metrics.__all__)
    assert not public & last


def test_heavy_parts_come_when_asked_for() -> None:
    code = (
        "import sys, lossedu as le\n"
        "heavy = {'matplotlib', 'ipywidgets', 'skimage', 'pooch', 'PIL', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'lossedu.figures' not in sys.modules\n"
        "assert le.training.train and 'lossedu.training' in sys.modules\n"
        "assert le.data.photograph('camera').shape == (1, 1, 512, 512)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])


@pytest.mark.parametrize("name", ["figures", "data", "records", "training", "nets", "experiments"])
def test_parts_by_name(name: str) -> None:
    assert getattr(le, name) is importlib.import_module(f"lossedu.{name}")
    assert name in dir(le)


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'lossedu' has no attribute 'sssim'"):
        le.sssim  # noqa: B018
