"""The default editor and thinker over MCP, on real photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcp.client import Client
from PIL import Image

from tests.server.conftest import error_of, taken_apart
from thinkedit.config import Config, ServerConfig
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner

pytestmark = pytest.mark.anyio


@pytest.fixture
def defaults(tmp_path: Path, photos: Path) -> Config:
    return Config(
        data=tmp_path / "data", server=ServerConfig(allow=[photos], output_dir=tmp_path / "results")
    )


async def test_makes_a_photograph_warmer(defaults: Config, photos: Path) -> None:
    source = photos / "coffee.png"
    async with SharedRunner(defaults) as shared, Client(create_server(shared, defaults)) as client:
        asked = {"image": str(source), "instruction": "make it warmer"}
        answer = taken_apart(await client.call_tool("think_edit", asked))
        pair = {"source": str(source), "edited": answer.data["image"]["uri"], "instruction": "make it warmer"}
        critique = taken_apart(await client.call_tool("critique_image", pair))
    assert answer.data["status"] == "finished"
    assert answer.data["editor"].startswith("photo")
    assert answer.data["thinker"].startswith("measured")
    selected = answer.data["turns"][answer.data["selected_turn"] - 1]
    assert critique.data["overall"] == selected["critique"]["overall"]
    before, after = (
        np.asarray(Image.open(path).convert("RGB"), float).mean((0, 1))
        for path in (source, answer.data["image"]["path"])
    )
    assert after[0] - after[2] > before[0] - before[2] + 3  # more red against blue, of 255


async def test_what_it_cannot_do_is_said_in_one_line(defaults: Config, photos: Path) -> None:
    async with SharedRunner(defaults) as shared, Client(create_server(shared, defaults)) as client:
        asked = {"image": str(photos / "coffee.png"), "instruction": "put a hat on the cup"}
        line = error_of(await client.call_tool("think_edit", asked))
        (contents,) = (await client.read_resource("thinkedit://sessions")).contents
    assert "hat" in line
    assert contents.text == "[]"  # type: ignore[union-attr]  # JSON comes as text
