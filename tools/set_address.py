"""Give a fork its own address: set_address.py https://github.com/OWNER/NAME.

The address stands in pyproject.toml. What a file has to spell out for itself (the first cell of each
chapter, the citation file, commands to copy) is replaced in all files of the repository.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def site(repository: str) -> str:
    """Return the address of the pages that belong to a repository."""
    owner, name = repository.rsplit("/", 2)[1:]
    return f"https://{owner.lower()}.github.io/{name}/"


def main(arguments: list[str]) -> None:
    new = (arguments or [""])[0].removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", new):
        raise SystemExit(
            f"set_address: the address must look like https://github.com/OWNER/NAME, got {new!r}: "
            "make address URL=https://github.com/you/your-fork"
        )
    old = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["urls"]["Repository"]
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    changed = 0
    for path in map(ROOT.joinpath, listing.stdout.splitlines()):
        try:
            text = path.read_text("utf8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        replaced = text.replace(site(old), site(new)).replace(old, new)
        if replaced != text:
            path.write_text(replaced, "utf8")
            changed += 1
            print(path.relative_to(ROOT))
    print(f"{changed} files changed: {old} is now {new}")


if __name__ == "__main__":
    main(sys.argv[1:])
