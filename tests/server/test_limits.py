"""Every limit of a server as a caller meets it: the last value that goes, and the first that does not."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import anyio
import pytest
from PIL import Image

from tests.server.conftest import Serve, error_of, taken_apart
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.config import Config, Limits, ServerConfig
from thinkedit.types import LoopSettings

pytestmark = pytest.mark.anyio


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def data_uri(data: bytes) -> str:
    return f"data:application/octet-stream;base64,{base64.b64encode(data).decode()}"


def test_the_defaults_are_those_that_are_promised() -> None:
    limits = Limits()
    assert (limits.image_bytes, limits.image_pixels) == (25_000_000, 50_000_000)
    assert (limits.sessions, limits.queue) == (16, 256)
    server = ServerConfig()
    assert server.body_bytes == 36_000_000
    assert server.body_bytes > limits.image_bytes * 4 / 3, "a picture as base64 has to fit"
    assert (server.urls.enabled, server.urls.seconds, server.urls.redirects) == (False, 15, 3)
    assert (server.retention.days, server.retention.bytes) == (None, None)
    assert server.allow == []


@pytest.mark.parametrize("way", ["path", "data"])
async def test_encoded_bytes(serve: Serve, config: Config, pictures: Path, way: str) -> None:
    data = encoded(Image.effect_noise((64, 64), 90), "PNG")
    (pictures / "noise.png").write_bytes(data)
    image = str(pictures / "noise.png") if way == "path" else data_uri(data)
    for most, fits in ((len(data), True), (len(data) - 1, False)):
        config.limits.image_bytes = most
        async with serve() as served:
            result = await served.client.call_tool("edit_image", {"image": image, "prompt": "x"})
            if fits:
                taken_apart(result)
            else:
                assert "limits.image_bytes" in error_of(result)


async def test_pixels_before_decoding(serve: Serve, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    config.limits.image_pixels = 10_000
    whole = encoded(Image.effect_noise((100, 100), 90), "WEBP")
    async with serve() as served:
        taken_apart(await served.client.call_tool("edit_image", {"image": data_uri(whole), "prompt": "x"}))
        # Its pixels are missing: only who looks at the size first can say that it has too many.
        cut = encoded(Image.effect_noise((101, 100), 90).convert("RGB"), "PNG")[:200]
        said = error_of(await served.client.call_tool("edit_image", {"image": data_uri(cut), "prompt": "x"}))
        assert "101 x 100" in said


@pytest.mark.parametrize(
    ("argument", "most", "over"),
    [
        ("instruction", "x" * 4000, "x" * 4001),
        ("turns", 12, 13),
        ("candidates", 8, 9),
        ("passes", 8, 9),
        ("threshold", 10, 10.1),
        ("seed", 2**31 - 1, 2**31),
        ("wait_seconds", 3600, 3601),
    ],
)
async def test_arguments(serve: Serve, garden: str, argument: str, most: Any, over: Any) -> None:
    async with serve() as served:
        asked = {"image": garden, "instruction": "make it warmer"}
        taken_apart(await served.client.call_tool("think_edit", {**asked, argument: most}))
        said = error_of(await served.client.call_tool("think_edit", {**asked, argument: over}))
        assert argument in said


async def test_turns_of_a_whole_session(serve: Serve, garden: str) -> None:
    async with serve() as served:
        call = served.client.call_tool
        asked = {"image": garden, "instruction": "x", "turns": 1, "threshold": 10}
        first = taken_apart(await call("think_edit", asked)).data
        said = error_of(await call("continue_edit", {"session_id": first["session_id"], "turns": 12}))
        assert "12" in said


async def test_the_queue(serve: Serve, config: Config, garden: str) -> None:
    config.limits.sessions, config.limits.queue = 1, 1
    async with serve(ScriptedEditor(latency=30)) as served:
        asked = {"image": garden, "instruction": "x", "wait_seconds": 0}
        running = [taken_apart(await served.client.call_tool("think_edit", asked)).data for _ in range(2)]
        said = error_of(await served.client.call_tool("think_edit", asked))
        assert "try again in 10 s" in said
        assert len(await served.runner.ledger.sessions()) == 2, "nothing was left behind by the third"
        for one in running:
            ended = {"session_id": one["session_id"], "action": "cancel"}
            with anyio.fail_after(10):
                taken_apart(await served.client.call_tool("continue_edit", ended))
        taken_apart(await served.client.call_tool("think_edit", asked))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
async def test_formats_that_are_taken(serve: Serve, kind: str) -> None:
    async with serve() as served:
        image = data_uri(encoded(Image.new("RGB", (40, 30), "red"), kind))
        taken_apart(await served.client.call_tool("edit_image", {"image": image, "prompt": "x"}))


@pytest.mark.parametrize("kind", ["PDF", "EPS", "PCX", "ICO", "PPM", "TGA", "SGI", "DDS"])
async def test_formats_whose_decoders_are_never_reached(serve: Serve, kind: str) -> None:
    async with serve() as served:
        image = data_uri(encoded(Image.new("RGB", (40, 30), "red"), kind))
        error_of(await served.client.call_tool("edit_image", {"image": image, "prompt": "x"}))


@pytest.mark.parametrize("name", [".hidden.jpg", ".folder/a.jpg"])
async def test_hidden_files(serve: Serve, pictures: Path, name: str) -> None:
    (pictures / ".folder").mkdir()
    for hidden in (".hidden.jpg", ".folder/a.jpg"):
        (pictures / hidden).write_bytes((pictures / "garden.jpg").read_bytes())
    async with serve() as served:
        asked = {"image": str(pictures / name), "prompt": "x"}
        assert "no hidden ones" in error_of(await served.client.call_tool("edit_image", asked))


def test_settings_of_the_loop_have_the_same_bounds_from_everywhere() -> None:
    for name, over in (("turns", 13), ("candidates", 9), ("passes", 9), ("threshold", 11)):
        with pytest.raises(ValueError, match=name):
            LoopSettings.model_validate({name: over})
