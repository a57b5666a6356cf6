"""A photograph, and a configuration with a name for every tiny editor and the tiny thinker."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import PHOTOS
from tests.models import tiny

SIZE = (249, 166)
"""Of the photograph: no multiple of anything that a model wants."""

SMALL = {"steps": 2, "area": 96 * 96}
FAMILIES: dict[str, dict[str, Any]] = {
    "flux-kontext": SMALL,
    "flux2-klein": SMALL,
    "qwen-image-edit": SMALL,
    "qwen-image-edit-plus": SMALL,
    "longcat-image-edit": {"steps": 2},  # always a megapixel
    "instruct-pix2pix": SMALL,
    "custom-pipeline": SMALL | {"trust_remote_code": True},
}
"""Options of each editor that make it fast; the names are those of scripts/tiny_models.py."""

Configure = Callable[..., Path]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A small version of an example photograph."""
    path = tmp_path / "pictures" / "china.jpg"
    path.parent.mkdir()
    with Image.open(PHOTOS / "china.jpg") as image:
        image.resize(SIZE, Image.Resampling.LANCZOS).save(path, quality=92)
    return path


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    """Writes thinkedit.toml with the families asked for; options given by keyword go over the table's."""

    def write(*families: str, **options: Any) -> Path:
        blocks = {
            family: {"kind": f"diffusers:{tiny(family)}", "device": "cpu"}
            | FAMILIES[family]
            | ({"custom_pipeline": str(tiny(family))} if family == "custom-pipeline" else {})
            | options
            for family in families
        }
        blocks["tiny-thinker"] = {
            "kind": f"transformers:{tiny('qwen3-vl')}",
            "device": "cpu",
            "constrained": True,
            "max_tokens": 160,
        }
        lines = [
            f"data = {json.dumps(str(tmp_path / 'data'))}",
            "[loop]",
            'thinker = "tiny-thinker"',
            f"editor = {json.dumps(families[0])}",
            "turns = 2",
            "threshold = 10",
            "seed = 5",
        ]
        for name, block in blocks.items():
            lines.append(f"[models.{name}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in block.items()]
        path = tmp_path / "thinkedit.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


def looks_right(result: dict[str, Any]) -> None:
    """What every session with random weights has in common, whatever its scores and prompts."""
    assert result["status"] == "finished", result
    assert result["stop_reason"] in ("max_turns", "nothing_new", "satisfied"), result["stop_reason"]
    assert result["turns"]
    for turn in result["turns"]:
        assert turn["error"] is None
        assert (turn["image"]["width"], turn["image"]["height"]) == SIZE
        assert turn["critique"]["state"] == "scored"
        assert 0 <= turn["critique"]["semantic"] <= 10
        assert 0 <= turn["critique"]["quality"] <= 10
    assert (result["source"]["width"], result["source"]["height"]) == SIZE
    assert (result["image"]["width"], result["image"]["height"]) == SIZE
