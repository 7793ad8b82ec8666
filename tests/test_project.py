"""The architecture and the hygiene of the repository: what no reviewer should have to check twice."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

import lossedu

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lossedu"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# The house: rooms stand in floors, lowest first, and an import only ever goes down. Rooms on one
# floor do not know each other. A room is a module or a sub-package; inside a room everything goes.
FLOORS = (
    ("_validate", "results", "png", "keeping", "measurements"),
    ("storage",),
    ("filters", "statistics", "preferences", "backbones"),
    ("losses",),
    ("metrics", "instruments", "variational"),
    ("data", "nets"),
    ("training", "records"),
    ("sweeps",),
    ("figures",),
    ("explorables", "check", "auditing"),
    ("__init__",),  # the public face; what stands above is not part of `import lossedu`
    ("experiments", "selftest"),
    ("laboratory", "ledger"),
    ("reports",),
    ("cli",),
    ("__main__",),
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
LINES = 220
HEAVY = ("matplotlib", "ipywidgets", "skimage", "pooch", "PIL", "scipy", "IPython")


def room(module: str) -> str:
    """Return the room that a module of the package belongs to: "losses" for "lossedu.losses.pixel"."""
    return [*module.split("."), "__init__"][1]


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module of the package, name taken from it or "") for every import, also those inside functions."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.split(".")[0] == "lossedu")
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*base, *filter(None, [node.module])])
            if source.split(".")[0] == "lossedu":
                for alias in node.names:
                    inner = f"{source}.{alias.name}"
                    is_module = importlib.util.find_spec(inner) is not None if _is_package(source) else False
                    yield (inner, "") if is_module else (source, alias.name)


@cache
def _is_package(module: str) -> bool:
    return (ROOT / Path(*module.split(".")) / "__init__.py").exists()


@cache
def tracked() -> list[Path]:
    """Return the files that belong to the repository: those that git knows, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [path for path in map(ROOT.joinpath, listing) if path.is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        try:
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf8")
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_only_go_down(path: Path) -> None:
    here = room(name_of(path))
    assert here in FLOOR, f"{here} has no floor yet: put it into FLOORS"
    for module, _ in imported(path):
        there = room(module)
        assert there == here or FLOOR[there] < FLOOR[here], f"{name_of(path)} reaches up to {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_uses_the_private_names_of_another_room(path: Path) -> None:
    here = room(name_of(path))
    for module, name in imported(path):
        private = [part for part in [*module.split(".")[1:], name] if re.match(r"_(?!_)", part)]
        assert room(module) == here or private in ([], ["_validate"]), f"{name_of(path)} uses {module} {name}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text("utf8").splitlines()) <= LINES, "is it two modules?"


def test_no_module_bears_the_name_of_a_public_function() -> None:
    packages = [lossedu, *(importlib.import_module(name_of(p)) for p in MODULES if p.name == "__init__.py")]
    names = {n for p in packages for n in getattr(p, "__all__", ()) if not inspect.ismodule(getattr(p, n))}
    assert names & {name_of(path).rpartition(".")[2] for path in MODULES} == set()


def test_import_is_light() -> None:
    """The losses need torch alone; what figures and downloads need is imported where it is used."""
    code = f"import sys, lossedu; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # torch itself imports some of them where they are installed: only what we add counts.
    alone = code.replace("lossedu", "torch")
    own = subprocess.run([sys.executable, "-c", alone], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(ast.literal_eval(loaded)) - set(ast.literal_eval(own)) == set()


def test_wheel_holds_the_whole_package(wheel: Path) -> None:
    ours = {p.relative_to(ROOT).as_posix() for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("lossedu/")}
    assert packed == ours
    assert "lossedu/py.typed" in packed
    # Two thirds of it are records: per-image scores, and the few networks and pictures that chapters show.
    assert wheel.stat().st_size < 5_000_000


def test_address_and_version_agree_everywhere() -> None:
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["urls"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf8"))
    assert citation["repository-code"] == urls["Repository"]
    assert citation["url"] == urls["Documentation"]
    assert citation["version"] == lossedu.__version__
    assert "url:" not in (ROOT / "_config.yml").read_text("utf8").replace("_url:", "")
    # Every address that ends in the project's name is the project's address.
    name = urls["Repository"].rsplit("/", 1)[1]
    for path, text in texts():
        for found in re.findall(rf"https://github\.com/[\w.-]+/{re.escape(name)}\b", text):
            assert found == urls["Repository"], f"{path}: run `make address`"


@pytest.mark.parametrize("page", ["README.md", "book/intro.md"])
def test_code_on_the_front_pages_runs(page: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text("utf8"), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})


def test_every_numbered_equation_is_proved_by_a_test() -> None:
    chapters = (ROOT / "chapters").glob("*.ipynb")
    cells = [cell for path in chapters for cell in json.loads(path.read_text("utf8"))["cells"]]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    proved = {
        argument.value
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text("utf8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.equation"
        for argument in node.args
    }
    numbers = set(re.findall(r"\\tag\{([^}]*)\}", text))
    assert numbers - proved == set(), "mark a test of each with @pytest.mark.equation"
    assert proved - numbers == set(), "the book has no equations with these numbers"


def test_every_erratum_has_its_proof() -> None:
    errata = yaml.safe_load((ROOT / "book" / "errata.yml").read_text("utf8"))
    ids = [erratum["id"] for erratum in errata]
    assert len(set(ids)) == len(ids) and ids == sorted(ids, key=lambda name: int(name[1:]))
    for erratum in errata:
        if found := re.fullmatch(r"`(tests/[\w/]+\.py)::(\w+)`", erratum["proof"]):
            assert f"def {found[2]}(" in (ROOT / found[1]).read_text("utf8"), f"{erratum['id']}: no such test"
        else:
            assert erratum["proof"].startswith("reading; "), f"{erratum['id']}: name a test, or what was read"


def test_every_public_room_is_in_the_api_reference() -> None:
    pages = "\n".join(path.read_text("utf8") for path in (ROOT / "book").glob("api*.md"))
    rooms = {room(name_of(path)) for path in MODULES} - {"_validate", "results", "cli", "__init__", "__main__"}
    assert [name for name in sorted(rooms) if f"{{api}} lossedu.{name}" not in pages] == []


def test_nothing_speaks_of_one_machine_or_one_package_index() -> None:
    # Put together here, or this file would find itself.
    banned = [f"/{'work'}/", f"/{'tmp'}/bash", f"/{'root'}/", f"{'pypi'}.org", f"{'python'}hosted", "file:" + "///opt"]
    found = [f"{path}: {word}" for path, text in texts() for word in banned if word in text]
    assert found == []


def test_constraints_never_bring_what_breaks_torch() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf8").splitlines()
    pinned = {line.partition("==")[0].lower() for line in lines if not line.startswith("#")}
    assert "torch" in pinned
    assert pinned & {"torchvision", "piq", "piqa"} == set()  # torchmetrics does without torchvision
