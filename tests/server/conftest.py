"""A server over scripted models, in memory and as a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config, ServerConfig
from thinkedit.graph.runner import Runner
from thinkedit.ledger import Ledger
from thinkedit.server.app import Transport, create_server
from thinkedit.server.lifetime import FixedRunner
from thinkedit.store import Store
from thinkedit.types import LoopSettings


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The folder that callers may name files in, with one photograph-like picture `garden.jpg`."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    rng = np.random.default_rng(7)
    rough = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(rough).resize((320, 240), Image.Resampling.BICUBIC).save(folder / "garden.jpg")
    return folder


@pytest.fixture
def garden(pictures: Path) -> str:
    return str(pictures / "garden.jpg")


@pytest.fixture
def config(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Nothing is allowed but `pictures`: neither home nor temporary folder nor working directory."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(home)
    return Config(
        data=tmp_path / "data",
        loop=LoopSettings(editor="scripted", thinker="scripted", backoff=0),
        server=ServerConfig(allow=[pictures], output_dir=tmp_path / "results"),
    )


@dataclass
class Served:
    client: Client
    runner: Runner
    editor: ScriptedEditor
    thinker: ScriptedThinker


Serve = Callable[..., AbstractAsyncContextManager[Served]]


@pytest.fixture
def serve(config: Config) -> Serve:
    """Opens an in-memory client of a server over scripted models, which can be given."""

    @asynccontextmanager
    async def opened(
        editor: ScriptedEditor | None = None,
        thinker: ScriptedThinker | None = None,
        transport: Transport = "stdio",
        store: Store | None = None,
    ) -> AsyncIterator[Served]:
        editor, thinker = editor or ScriptedEditor(), thinker or ScriptedThinker()
        runner = Runner(
            store=store or Store.in_memory(),
            ledger=Ledger(None),
            models=Models(editors={"scripted": editor}, thinkers={"scripted": thinker}),
            config=config,
        )
        async with runner, Client(create_server(FixedRunner(runner), config, transport=transport)) as client:
            yield Served(client, runner, editor, thinker)
        runner.ledger.close()

    return opened


@dataclass
class Answer:
    """A call's result, taken apart."""

    text: str
    preview: ImageContent | None
    link: ResourceLink | None
    data: dict[str, Any]


def taken_apart(result: CallToolResult) -> Answer:
    assert not result.is_error, result.content
    texts = [block for block in result.content if isinstance(block, TextContent)]
    previews = [block for block in result.content if isinstance(block, ImageContent)]
    links = [block for block in result.content if isinstance(block, ResourceLink)]
    assert len(texts) == 1
    assert len(previews) <= 1
    assert len(links) <= 1
    assert isinstance(result.structured_content, dict)
    preview, link = (previews or [None])[0], (links or [None])[0]
    return Answer(texts[0].text, preview, link, result.structured_content)


def error_of(result: CallToolResult) -> str:
    """The one line that a refused call answers with."""
    assert result.is_error, result.content
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert "\n" not in block.text
    assert len(block.text) < 1000
    return block.text


Process = Callable[..., StdioServerParameters]


@pytest.fixture
def process(tmp_path: Path, pictures: Path) -> Process:
    """How to start the server as a process of its own, with scripted models and folders of its own."""
    home = tmp_path / "process-home"
    home.mkdir()

    def parameters(latency: float = 0.0) -> StdioServerParameters:
        settings = tmp_path / "thinkedit.toml"
        settings.write_text(
            f"data = {json.dumps(str(tmp_path / 'data'))}\n"
            '[loop]\neditor = "slow"\nthinker = "scripted"\nturns = 4\n'
            f'[models.slow]\nkind = "scripted"\nlatency = {latency}\n'
        )
        environment = {
            "THINKEDIT_CONFIG": str(settings),
            "HOME": str(home),
            "TMPDIR": str(home),
            "OMP_NUM_THREADS": "2",
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        }
        options = ["--allow", str(pictures), "--output-dir", str(tmp_path / "results")]
        return StdioServerParameters(
            command=sys.executable, args=["-m", "thinkedit", "serve", *options], env=environment, cwd=home
        )

    return parameters
