"""Pictures to servers and back: which bytes are passed on, and what a server's answer has to be."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.remote.pictures import Sources, finished, from_base64
from thinkedit.errors import EditorFailed
from thinkedit.images import Picture, load

pytestmark = pytest.mark.anyio

SIZE = (64, 48)


def jpeg(**options: object) -> Picture:
    pixels = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", **options)
    return load(stream.getvalue()).picture


def answer(seed: int = 2) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    return Picture.from_pixels(pixels).data


async def test_a_bare_source_is_sent_as_it_is_and_others_as_png() -> None:
    source = jpeg()
    way = await Sources().get(EditRequest(source, "x", 1), SIZE)
    assert (way.data, way.mime_type) == (source.data, "image/jpeg")
    date = Image.Exif()
    date[0x0132] = "2026:11:25 10:20:30"
    for request, canvas, sources in (
        (EditRequest(source, "x", 1), (128, 96), Sources()),
        (EditRequest(jpeg(exif=date), "x", 1), SIZE, Sources()),
        (EditRequest(source, "x", 1), SIZE, Sources(types=("image/png",))),
    ):
        way = await sources.get(request, canvas)
        assert way.mime_type == "image/png"
        assert Picture.from_bytes(way.data).mime_type == "image/png"
        assert b"2026" not in way.data


async def test_an_answer_that_fits_is_passed_on_byte_for_byte() -> None:
    request = EditRequest(jpeg(), "x", 1)
    way = await Sources().get(request, SIZE)
    data = answer()
    edited = await finished(data, request, way, "http://there")
    assert edited.picture.data == data


@pytest.mark.parametrize("without", ["", "isal"])
@pytest.mark.parametrize("how", ["cut off", "damaged", "too few rows", "no such filter", "damaged check sum"])
async def test_an_answer_that_is_not_whole_is_the_servers_failure(
    how: str, without: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if without:
        monkeypatch.setattr("thinkedit.images.png._inflating", zlib)
    request = EditRequest(jpeg(), "x", 1)
    way = await Sources().get(request, SIZE)
    data = answer()
    rows = (b"\0" + bytes(3 * SIZE[0])) * SIZE[1]
    match how:
        case "cut off":
            data = data[: len(data) // 2]
        case "damaged":
            middle = len(data) // 2
            data = data[:middle] + bytes(64) + data[middle + 64 :]
        case "too few rows":
            data = png(zlib.compress(rows[: len(rows) // 2]))
        case "no such filter":
            data = png(zlib.compress(b"\7" + rows[1:]))
        case _:
            packed = zlib.compress(rows)
            data = png(packed[:-1] + bytes([packed[-1] ^ 1]))
    with pytest.raises(EditorFailed, match="http://there answered with no usable picture"):
        await finished(data, request, way, "http://there")


def png(packed: bytes) -> bytes:
    """A PNG of SIZE with these bytes as its pixels, and right check sums around them."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", *SIZE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("breaks", ["", "\n", "\r\n"])
def test_base64_is_read_with_and_without_line_breaks(breaks: str) -> None:
    data = answer()
    text = base64.b64encode(data).decode()
    lines = breaks.join(text[at : at + 76] for at in range(0, len(text), 76))
    assert from_base64(lines, "there") == data
    assert from_base64(f"data:image/png;base64,{lines}", "there") == data


@pytest.mark.parametrize("text", ["no base64 é", "abcde"])
def test_what_is_no_base64_is_the_servers_failure(text: str) -> None:
    with pytest.raises(EditorFailed, match="there answered with a picture that is no base64"):
        from_base64(text, "there")
