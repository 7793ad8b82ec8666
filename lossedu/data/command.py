"""The command ``lossedu data pack NAME``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..storage import DataError
from .packs import Pack, write_pack
from .pantry import OWN_TERMS, RECIPES, default_place, folder_sources, make_collection
from .recipes import Recipe, make_sets


def add_pack_command(actions: Any) -> None:
    """Add ``pack`` to the actions of ``lossedu data``."""
    pack = actions.add_parser(
        "pack",
        help="put photographs into one file that training reads without any decoder of images",
        description="Write the training, validation and test pictures into one .npz file, together with how they look "
        "after JPEG.  Both sides are halved (not those of 'free'), which removes the traces that JPEG left in the "
        "originals; validation and test pictures are cropped to 384 pixels a side.  A picture in two splits is "
        "refused.  A pack is for local use: it is bound by the terms of the photographs in it, and most collections "
        "may not be passed on.",
    )
    pack.add_argument(
        "name",
        metavar="NAME",
        help="bsds500 (with CBSD68 as test set), free (the PNG files of the data folder), embedded (five photographs "
        "of scikit-image), a folder of images (dealt out by the hashes of the names: one in ten for the test, one in "
        "ten for validation), or, with --train, a name of your own",
    )
    for split, text in (
        ("train", "folder with training pictures"),
        ("val", "folder with validation pictures (default: one in ten of the training pictures)"),
        ("test", "folder with test pictures (default: one in ten of the training pictures)"),
    ):
        pack.add_argument(f"--{split}", type=Path, metavar="DIR", help=text)
    pack.add_argument(
        "--jpeg",
        type=_quality,
        nargs="*",
        metavar="QUALITY",
        help="qualities at which each split is saved besides (default 25); none if no number follows",
    )
    pack.add_argument(
        "--full", action="store_true", help="keep the pictures' own size: for photographs that never were JPEG"
    )
    pack.add_argument(
        "--out", type=Path, metavar="FILE", help="default: in the cache, where experiments find it by its name"
    )
    pack.set_defaults(command=_pack)


def _quality(text: str) -> int:
    """Read a JPEG quality now, not after all photographs have been read."""
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError(f"must be a quality from 1 to 100, got {text!r}")
    return int(text)


def _pack(options: argparse.Namespace) -> int:
    folders = {"train": options.train, "val": options.val, "test": options.test}
    source = Path(options.name).expanduser()
    known = options.name in RECIPES
    if known and any(folders.values()):
        raise ValueError(f"{options.name!r} is a known collection: with --train, --val or --test take another NAME")
    if not known and options.train is None:
        if any(folders.values()):
            raise ValueError("--val and --test need --train: the folder with the training pictures")
        if not source.is_dir():
            raise DataError(
                f"NAME must be one of {', '.join(RECIPES)}, a folder of images, or a name together with --train DIR; "
                f"got {options.name!r}"
            )
    usual = RECIPES.get(options.name, Recipe())
    recipe = usual._replace(
        halvings=0 if options.full else usual.halvings,
        jpeg=usual.jpeg if options.jpeg is None else tuple(sorted(set(options.jpeg))),
    )
    label = options.name if known else source.resolve().name
    name = label + _suffix(recipe, usual)
    if not known and name in RECIPES and options.out is None:
        raise ValueError(f"the pack would be taken for the collection {name!r}: say with --out where it goes")
    target = options.out or default_place(name)
    if target is None:
        raise DataError("no cache folder is known: set LOSSEDU_CACHE, or say with --out where the pack goes")
    if target.suffix != ".npz":
        raise ValueError(f"--out must end in .npz, got {target}")
    if known:
        pack = make_collection(label, recipe, fetch=True, progress=_report)
    else:
        sources = folder_sources(folders["train"] or source, folders["test"], folders["val"])
        pack = make_sets(name, sources, recipe, terms=OWN_TERMS, progress=_report)
    write_pack(target, pack, {**pack.about, "name": name})
    print(_summary(pack))
    print(f"terms: {pack.about['terms']}")
    print(f"wrote {target} ({target.stat().st_size / 2**20:.1f} MiB)")
    if target == default_place(name):
        print(f"experiments find it as {name!r}")
    return 0


def _suffix(recipe: Recipe, usual: Recipe) -> str:
    """Return what tells a pack made in another than the usual way: its name must not be that of the usual one."""
    sizes = "-full" if recipe.halvings < usual.halvings else ""
    qualities = "-".join(map(str, recipe.jpeg)) or "none"
    return sizes + (f"-jpeg{qualities}" if recipe.jpeg != usual.jpeg else "")


def _summary(pack: Pack) -> str:
    """Return a table of the splits."""
    lines = [f"{'':22}  pictures   smallest    largest     MiB"]
    for split, photos in pack.items():
        order = photos.shapes.prod(1)
        least, most = ("{}x{}".format(*photos.shapes[at].tolist()) for at in (int(order.argmin()), int(order.argmax())))
        lines.append(f"{split:22}  {len(photos):8d}  {least:>9}  {most:>9}  {len(photos.pixels) / 2**20:6.1f}")
    return "\n".join(lines)


def _report(done: int, total: int) -> None:
    """Show progress: a line that is rewritten on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rreading photographs: {done} of {total}", end=end, file=sys.stderr, flush=True)
    elif done == total or done % 100 == 0:
        print(f"reading photographs: {done} of {total}", file=sys.stderr, flush=True)


__all__ = ["add_pack_command"]
