"""What MCP costs over the bare tool, and how long a host waits for the first list of tools.

Method: `edit_image` with a scripted editor that returns a stored picture at once. In each of N rounds,
after ten that are not counted, the server's process calls it as a Python function and takes its own time,
and then the client calls it through the SDK; the overhead is the median of the N differences. The answer
carries structured content, text, a resource link and a preview just under 256 kB. The preview is made
once (its cost is the line below): what is measured is checking arguments and results, JSON and the way
there and back. On stdio and HTTP the server is a process of its own on the same machine. The cold start
is `thinkedit serve` from nothing to its answer to tools/list, median of 7. The calibration line is a
fixed loop of arithmetic: compare it between two tables to see how busy the machines were.

    python benchmarks/mcp_overhead.py [N]        # N defaults to 200; about a minute
"""

from __future__ import annotations

import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import anyio
import numpy as np
import uvicorn
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.server import MCPServer
from mcp_types import ImageContent

from thinkedit import tools
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker
from thinkedit.config import Config
from thinkedit.graph.runner import Runner, open_runner
from thinkedit.images import Loaded, Picture
from thinkedit.server.app import create_server
from thinkedit.server.delivery import PREVIEW_BYTES
from thinkedit.server.lifetime import FixedRunner
from thinkedit.server.serving import http_app
from thinkedit.tools.inputs import stored
from thinkedit.types import LoopSettings

GOALS = {"in memory": 2.0, "stdio": 5.0, "HTTP": 8.0}
SIZE = (1024, 768)
QUIET = open(os.devnull, "w")  # noqa: SIM115  # as long as the process lives


def picture(seed: int) -> Picture:
    """Soft noise, as hard to compress as a very detailed photograph: its preview fills what is allowed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (SIZE[1] // 4, SIZE[0] // 4, 3)).repeat(4, 0).repeat(4, 1)
    fine = coarse // 4 + rng.integers(0, 128, (SIZE[1], SIZE[0], 3))
    return Picture.from_pixels(fine.astype(np.uint8))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[tuple[Runner, Config]]:
    config = Config(data=folder, loop=LoopSettings(editor="fixed", thinker="fixed"))
    models = Models(
        editors={"fixed": ScriptedEditor(picture=picture(2))}, thinkers={"fixed": ScriptedThinker()}
    )
    async with open_runner(config, models) as runner:
        yield runner, config


async def source_uri(runner: Runner) -> str:
    return (await stored(runner, Loaded(picture(1), None, None, "image/png"))).uri


def with_bare(runner: Runner, config: Config) -> MCPServer[None]:
    """The server as over HTTP (no file is written: that is image coding), and a tool to time the bare one."""
    server = create_server(FixedRunner(runner), config, transport="http")

    @server.tool()
    async def bare(image: str) -> float:
        start = time.perf_counter()
        await tools.edit_image(image, "make it warmer", runner=runner)
        return time.perf_counter() - start

    return server


async def serve(transport: str, folder: Path) -> None:
    async with opened(folder) as (runner, config):
        server = with_bare(runner, config)
        if transport == "stdio":
            await server.run_stdio_async()
        else:
            app = http_app(server, FixedRunner(runner), config)
            await uvicorn.Server(uvicorn.Config(app, port=int(transport), log_level="error")).serve()


@asynccontextmanager
async def connected(transport: str, folder: Path, runner: Runner, config: Config) -> AsyncIterator[Client]:
    command = [sys.executable, __file__, "--serve"]
    async with AsyncExitStack() as stack:
        if transport == "in memory":
            yield await stack.enter_async_context(Client(with_bare(runner, config)))
        elif transport == "stdio":
            arguments = [*command[1:], "stdio", str(folder)]
            parameters = StdioServerParameters(command=command[0], args=arguments)
            yield await stack.enter_async_context(Client(stdio_client(parameters, errlog=QUIET)))
        else:
            port = free_port()
            running = await anyio.open_process([*command, str(port), str(folder)], stdout=None, stderr=None)
            await stack.enter_async_context(running)
            stack.callback(running.kill)
            await listening(port)
            yield await stack.enter_async_context(Client(f"http://127.0.0.1:{port}/mcp"))


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def listening(port: int) -> None:
    while True:
        try:
            await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
            return
        except OSError:
            await anyio.sleep(0.05)


async def measured(transport: str, runs: int) -> tuple[float, float, float, int]:
    """Median ms of the bare tool, of the call and of their difference; bytes of the preview."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with opened(folder) as (runner, config):
            uri = await source_uri(runner)
            arguments = {"image": uri, "prompt": "make it warmer"}
            async with connected(transport, folder, runner, config) as client:
                bare, through = [], []
                for index in range(runs + 10):
                    told = await client.call_tool("bare", {"image": uri})
                    start = time.perf_counter()
                    result = await client.call_tool("edit_image", arguments)
                    end = time.perf_counter()
                    if index >= 10:
                        bare.append(told.structured_content["result"] * 1000)
                        through.append((end - start) * 1000)
                previews = [block for block in result.content if isinstance(block, ImageContent)]
                size = len(base64.b64decode(previews[0].data))
    over = [one - other for one, other in zip(through, bare, strict=True)]
    return statistics.median(bare), statistics.median(through), statistics.median(over), size


async def cold_start() -> float:
    """Seconds from starting `thinkedit serve` to its list of tools."""
    seconds = []
    for _ in range(7):
        with tempfile.TemporaryDirectory() as home:
            parameters = StdioServerParameters(
                command=sys.executable, args=["-m", "thinkedit", "serve"], env={"HOME": home}, cwd=home
            )
            start = time.perf_counter()
            async with Client(stdio_client(parameters, errlog=QUIET)) as client:
                await client.list_tools()
                seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def calibration() -> float:
    """Median ms of a fixed loop."""
    times = []
    for _ in range(21):
        start = time.perf_counter()
        sum(i * i for i in range(200_000))
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def preview_ms() -> float:
    times = []
    for seed in range(9):
        fresh = Picture.from_bytes(picture(seed).data)
        start = time.perf_counter()
        fresh.preview(PREVIEW_BYTES)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


async def main(runs: int) -> None:
    print(f"calibration loop {calibration():.1f} ms")
    print(f"{'':12}{'bare ms':>9}{'MCP ms':>9}{'over ms':>9}{'goal ms':>9}   preview")
    for transport, goal in GOALS.items():
        bare, through, over, size = await measured(transport, runs)
        row = f"{transport:12}{bare:9.2f}{through:9.2f}{over:9.2f}{goal:9.1f}"
        print(f"{row}   {size / 1000:.0f} kB")
    print(f"making the preview from 0.8 MP, once for each picture: {preview_ms():.1f} ms")
    print(f"cold start to tools/list: {await cold_start():.2f} s (goal 3 s)")
    print(f"calibration loop {calibration():.1f} ms")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        anyio.run(serve, sys.argv[2], Path(sys.argv[3]))
    else:
        anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 200)
