"""One runner a process: opened when needed, once, and closed in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp.client import Client

from tests.server.conftest import error_of, taken_apart
from thinkedit.config import Config
from thinkedit.errors import BusyError
from thinkedit.graph.runner import Runner
from thinkedit.server.app import create_server
from thinkedit.server.lifetime import SharedRunner

pytestmark = pytest.mark.anyio


async def test_is_opened_once_for_all_and_only_when_needed(config: Config) -> None:
    runners: list[Runner] = []

    async def take(shared: SharedRunner) -> None:
        async with shared.use() as runner:
            runners.append(runner)

    async with SharedRunner(config) as shared:
        assert not config.data.exists()
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(take, shared)
    assert len(runners) == 5
    assert len({id(runner) for runner in runners}) == 1


async def test_listing_tools_opens_nothing(config: Config) -> None:
    async with SharedRunner(config) as shared, Client(create_server(shared, config)) as client:
        await client.list_tools()
        await client.list_resource_templates()
    assert not config.data.exists()


async def test_a_damaged_database_is_said_in_one_line_and_can_be_put_right(
    config: Config, pictures: Path
) -> None:
    database = config.data / "sessions.sqlite"
    config.data.mkdir()
    database.write_bytes(b"this is no database " * 200)
    asked = {"image": str(pictures / "garden.jpg"), "prompt": "warmer"}
    async with SharedRunner(config) as shared, Client(create_server(shared, config)) as client:
        for _ in range(2):
            assert str(database) in error_of(await client.call_tool("edit_image", asked))
        database.unlink()
        assert taken_apart(await client.call_tool("edit_image", asked)).data["image"]


async def test_after_closing_callers_are_told_to_come_back(config: Config) -> None:
    async with SharedRunner(config) as shared:
        async with shared.use():
            pass
        await shared.close()
        await shared.close()
        with pytest.raises(BusyError, match="shutting down"):
            async with shared.use():
                pass


async def test_a_call_that_is_parked_still_answers(config: Config, pictures: Path) -> None:
    config = config.model_copy(
        update={
            "models": {"slow": {"kind": "scripted", "latency": 30}},
            "loop": config.loop.model_copy(update={"editor": "slow"}),
        }
    )
    under_way = anyio.Event()
    answers = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        if "editing" in (message or ""):
            under_way.set()

    async with SharedRunner(config) as shared, Client(create_server(shared, config)) as client:

        async def edit() -> None:
            asked = {"image": str(pictures / "garden.jpg"), "instruction": "make it warmer"}
            answers.append(taken_apart(await client.call_tool("think_edit", asked, progress_callback=note)))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(edit)
                await under_way.wait()
                await shared.close()
    assert answers[0].data["status"] == "running"
    assert "wait" in answers[0].text
    assert answers[0].data["image"] is None


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_list_of_tools_waits_for_no_heavy_package() -> None:
    loaded = "[name for name in ('cv2', 'langgraph', 'torch') if name in sys.modules]"
    assert run_python(f"import sys, thinkedit.server.serving; print({loaded})") == "[]"


@pytest.mark.parametrize("package", ["mcp", "uvicorn", "starlette"])
def test_without_the_extra_the_install_line_is_named(package: str) -> None:
    code = f"""
import sys
sys.modules[{package!r}] = None
from thinkedit.config import Config
from thinkedit.errors import MissingExtra
from thinkedit.server import run_stdio
try:
    run_stdio(Config())
except MissingExtra as error:
    print(error)
"""
    assert run_python(code) == 'thinkedit serve needs the extra "mcp": pip install "thinkedit[mcp]"'
