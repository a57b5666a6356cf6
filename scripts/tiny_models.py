"""Builds tiny checkpoints of the real model classes, with random weights, to run every adapter without a GPU.

    python scripts/tiny_models.py DIR [NAME ...]

Each NAME becomes a folder DIR/NAME of a few MB that loads like the model it stands for, by
`DiffusionPipeline.from_pretrained` or `AutoModelForImageTextToText.from_pretrained`. What they make has no
meaning; the same script gives the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tiny import editors, own, thinkers

__all__ = ["BUILDERS", "build", "main"]

SEED = 20260

BUILDERS: dict[str, Callable[[Path], None]] = {
    "flux-kontext": editors.flux_kontext,
    "flux2-klein": editors.flux2_klein,
    "qwen-image-edit": editors.qwen_edit,
    "qwen-image-edit-plus": editors.qwen_edit_plus,
    "longcat-image-edit": editors.longcat,
    "instruct-pix2pix": editors.instruct_pix2pix,
    "custom-pipeline": own.custom_pipeline,
    "qwen3-vl": thinkers.qwen3_vl,
}


def build(name: str, folder: Path) -> None:
    """Write the checkpoint into `folder`, which is made; torch's random state is left as it was."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries' notes about each other
        torch.manual_seed(SEED)
        BUILDERS[name](folder)


def size(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main(given: Sequence[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("folder", type=Path, metavar="DIR")
    arguments.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BUILDERS)}; all by default"
    )
    chosen = arguments.parse_args(given)
    unknown = [name for name in chosen.names if name not in BUILDERS]
    if unknown:
        arguments.error(f"no such model: {', '.join(unknown)}; there are {', '.join(BUILDERS)}")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for name in chosen.names or BUILDERS:
        folder = chosen.folder / name
        if folder.exists() and any(folder.iterdir()):
            arguments.error(f"{folder} is there already and not empty: remove it or name another folder")
        with contextlib.redirect_stdout(sys.stderr):  # libraries' progress is not our answer
            build(name, folder)
        print(f"{folder}  {size(folder) / 1e6:.1f} MB", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
