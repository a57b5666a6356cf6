"""A real server of OpenAI's protocol: `transformers serve` with a tiny Qwen3-VL, in a process of its own.

Random weights answer nothing that can be read, which is as good a test of honesty as any.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.adapters.thinkers.chat.kit import KEY, request
from tests.graph.kit import running
from tests.models import needed, tiny
from thinkedit.adapters.editors.photo import PhotoEditor
from thinkedit.adapters.thinkers.chat import ChatThinker
from thinkedit.errors import AnswerError, ThinkerFailed
from thinkedit.images import Picture
from thinkedit.tools import think_edit

pytestmark = [pytest.mark.models, pytest.mark.anyio]

torch = needed("torch")
for package in ("torchvision", "transformers", "fastapi", "openai", "uvicorn"):
    needed(package)

START = "import sys; from transformers.cli.transformers import main; sys.exit(main())"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(base_url, model) of the server; ready when its health says so."""
    model = tiny("qwen3-vl")
    home = tmp_path_factory.mktemp("huggingface")
    (home / "hub").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (home / "log.txt").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-c", START, "serve", str(model), "--device", "cpu", "--host", "127.0.0.1",
         "--port", str(port)],
        stdout=log,
        stderr=log,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "HF_HOME": str(home),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
            "CUDA_VISIBLE_DEVICES": "",
        },
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while not healthy(port):
            log.seek(0)
            assert process.poll() is None, log.read()[-2000:]
            assert time.monotonic() < deadline, log.read()[-2000:]
            time.sleep(0.2)  # another process: there is nothing to wait for but its port
        yield f"http://127.0.0.1:{port}/v1", model
    finally:
        process.kill()
        process.wait(10)
        log.close()


def healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


@asynccontextmanager
async def asking(served: tuple[str, Path], **options: Any) -> AsyncIterator[ChatThinker]:
    url, model = served
    options = {"max_tokens": 24, "corrective_retry": False, "max_pixels": 96 * 96, "api_key": KEY} | options
    thinker = ChatThinker(str(model), provider="openai", base_url=url, **options)
    try:
        yield thinker
    finally:
        await thinker.aclose()


def plain(*colour: int) -> Picture:
    return Picture.from_pixels(np.full((64, 64, 3), colour, np.uint8))


async def said(thinker: ChatThinker, edited: Picture) -> AnswerError:
    with pytest.raises(AnswerError) as caught:
        await thinker.critique(request(plain(20, 20, 20), edited))
    return caught.value


async def test_pictures_arrive_and_matter_and_greedy_answers_repeat(
    served: tuple[str, Path], tmp_path: Path
) -> None:
    short = tmp_path / "short.txt"  # behind a page of text, random weights see nothing but its last letter
    short.write_text("{instruction} {prompt} judge", encoding="utf-8")
    async with asking(served, prompt_template=short) as thinker:
        red, again, blue = [await said(thinker, plain(*c)) for c in ((250, 0, 0), (250, 0, 0), (0, 0, 250))]
    assert red.raw == again.raw
    assert red.raw != blue.raw, "another picture, another answer"
    assert red.raw.strip()
    assert "cut off at max_tokens = 24" in str(red)


async def test_tokens_are_counted_over_the_corrective_retry(served: tuple[str, Path]) -> None:
    async with asking(served, corrective_retry=True) as thinker:
        with pytest.raises(AnswerError) as caught:
            await thinker.critique(request())
    usage = caught.value.usage  # type: ignore[attr-defined]
    assert usage.output_tokens == 2 * 24
    assert usage.input_tokens > 500, "the prompt and two pictures, twice"


async def test_it_is_reached_and_described(served: tuple[str, Path]) -> None:
    async with asking(served) as thinker:
        await thinker.check()
        lines = await thinker.describe()
    assert any("reached" in line for line in lines)
    assert str(served[1]) not in thinker.identity
    assert served[1].name in thinker.identity


async def test_a_model_that_is_not_served_is_one_line(served: tuple[str, Path]) -> None:
    thinker = ChatThinker("openai:no/such-model", base_url=served[0], max_retries=0)
    with pytest.raises(ThinkerFailed) as caught:
        await thinker.critique(request())
    await thinker.aclose()
    assert "openai's no/such-model at http://127.0.0.1" in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_the_whole_loop_says_honestly_that_no_answer_could_be_read(served: tuple[str, Path]) -> None:
    async with asking(served) as thinker, running(PhotoEditor(), thinker) as runner:
        result = await think_edit(
            plain(90, 120, 200).data,
            "make it warmer",
            runner=runner,
            editor="e",
            thinker="t",
            turns=2,
            retries=1,
            backoff=0,
        )
    document = result.model_dump_json()
    assert (result.status, result.stop_reason) == ("failed", "thinker_failed")
    assert result.image is not None, "the edit was made, and is given back"
    assert result.turns[0].critique is not None
    assert result.turns[0].critique.state == "unparseable"
    assert KEY not in document
    assert str(served[1]) not in document
