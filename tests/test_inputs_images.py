"""A table, picture given -> what comes of it. Every row is made here with Pillow, NumPy or by hand.

Warnings are errors in this suite, so no row may make Pillow warn either.
"""

import base64
import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from thinkedit.errors import ImageError, InputError, MissingExtra, ThinkEditError
from thinkedit.images import ImageLimits, load

T = Image.Transpose
STORED_AS = {  # how an upright picture lies in a file that says this EXIF orientation
    2: T.FLIP_LEFT_RIGHT,
    3: T.ROTATE_180,
    4: T.FLIP_TOP_BOTTOM,
    5: T.TRANSPOSE,
    6: T.ROTATE_90,
    7: T.TRANSVERSE,
    8: T.ROTATE_270,
}


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def photo() -> Image.Image:
    """60 x 40, smooth, with full range in each channel: its mean error shows a wrong conversion."""
    y, x = np.mgrid[0:40, 0:60]
    pixels = np.stack([x * 255 / 59, y * 255 / 39, 255 - x * 255 / 59], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


def grey() -> Image.Image:
    return photo().getchannel("R")


def grey16() -> np.ndarray:
    return np.asarray(grey()).astype(np.uint16) * 257


def png16(channels: int) -> bytes:
    """A PNG of 16 bits a channel, written by hand: Pillow writes none."""
    samples = [np.asarray(photo()).astype(">u2") * 257]
    if channels == 4:
        samples.append(np.full((40, 60, 1), 30_000, ">u2"))
    rows = np.concatenate(samples, axis=2).astype(">u2")
    return png(60, 40, 16, {3: 2, 4: 6}[channels], b"".join(b"\0" + row.tobytes() for row in rows))


def png(width: int, height: int, depth: int, colour: int, raw: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def turned(orientation: int, kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = photo()
    if orientation in STORED_AS:
        image = image.transpose(STORED_AS[orientation])
    return encoded(image, kind, exif=exif.tobytes(), **({"quality": 95} if kind == "JPEG" else {}))


def animated(kind: str) -> bytes:
    frames = [photo(), Image.new("RGB", (60, 40), "black"), Image.new("RGB", (60, 40), "white")]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, **lossless)


def with_profile(mode: str, profile: bytes, kind: str) -> bytes:
    return encoded(photo().convert(mode), kind, icc_profile=profile)


def lab() -> Image.Image:
    rgb, space = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    converted = ImageCms.profileToProfile(photo(), rgb, space, outputMode="LAB")
    assert converted is not None
    return converted


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def icc(kind: bytes, space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile by hand (ICC.1:2022, section 7): header, tag table, tags."""
    white = struct.pack(">4sIiii", b"XYZ ", 0, 63_190, 65_536, 54_061)
    tags = {b"wtpt": white, **tags}
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, tag in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(tag))
        body += tag + bytes(-len(tag) % 4)
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"", 0x02400000, kind, space, b"Lab ", bytes(12), b"acsp")
    return head + bytes(28) + struct.pack(">iii", 63_190, 65_536, 54_061) + bytes(48) + table + body


def cmyk_profile() -> bytes:
    """For a printer that has only black ink: lightness is 100 without it, and cyan makes no difference."""
    corners = b"".join(bytes([255 - 255 * (i & 1), 128, 128]) for i in range(16))
    matrix = struct.pack(">9i", 65_536, 0, 0, 0, 65_536, 0, 0, 0, 65_536)
    straight = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + straight * 4 + corners + straight * 3
    return icc(b"prtr", b"CMYK", {b"A2B0": lut})


def grey_profile() -> bytes:
    """Linear light."""
    return icc(b"mntr", b"GRAY", {b"kTRC": struct.pack(">4sIIH", b"curv", 0, 1, 256)})


def linear_as_srgb(values: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, 8 bits in and out."""
    light = values / 255
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


COLOUR, GREY = np.asarray(photo()), np.asarray(grey().convert("RGB"))
SEE_THROUGH = Image.linear_gradient("L").resize((60, 40))


def rgba() -> Image.Image:
    image = photo()
    image.putalpha(SEE_THROUGH)
    return image


def palette() -> Image.Image:
    return photo().quantize(256)


# name: (make, what the pixels must come near, largest mean difference, alpha)
WORK: dict[str, tuple[Callable[[], bytes | Image.Image], np.ndarray, float, bool]] = {
    "PNG": (lambda: encoded(photo(), "PNG"), COLOUR, 0, False),
    "JPEG": (lambda: encoded(photo(), "JPEG", quality=95), COLOUR, 2, False),
    "JPEG, progressive": (lambda: encoded(photo(), "JPEG", quality=95, progressive=True), COLOUR, 2, False),
    "WebP": (lambda: encoded(photo(), "WEBP", lossless=True), COLOUR, 0, False),
    "AVIF": (lambda: encoded(photo(), "AVIF", quality=95), COLOUR, 3, False),
    "TIFF": (lambda: encoded(photo(), "TIFF"), COLOUR, 0, False),
    "TIFF, LZW": (lambda: encoded(photo(), "TIFF", compression="tiff_lzw"), COLOUR, 0, False),
    "TIFF, big": (lambda: encoded(photo(), "TIFF", big_tiff=True), COLOUR, 0, False),
    "BMP": (lambda: encoded(photo(), "BMP"), COLOUR, 0, False),
    "GIF": (lambda: encoded(photo(), "GIF"), COLOUR, 8, False),
    "CMYK JPEG": (lambda: encoded(photo().convert("CMYK"), "JPEG", quality=95), COLOUR, 3, False),
    "CMYK TIFF": (lambda: encoded(photo().convert("CMYK"), "TIFF"), COLOUR, 1, False),
    "YCbCr TIFF": (lambda: encoded(photo().convert("YCbCr"), "TIFF"), COLOUR, 2, False),
    "Lab TIFF": (lambda: encoded(lab(), "TIFF"), COLOUR, 3, False),
    "16-bit RGB PNG": (lambda: png16(3), COLOUR, 0, False),
    "16-bit RGBA PNG": (lambda: png16(4), COLOUR, 0, True),
    "16-bit grey PNG": (lambda: encoded(Image.fromarray(grey16()), "PNG"), GREY, 0, False),
    "16-bit grey TIFF": (lambda: encoded(Image.fromarray(grey16()), "TIFF"), GREY, 0, False),
    "32-bit grey TIFF": (
        lambda: encoded(Image.fromarray(grey16().astype(np.int32)), "TIFF"),
        GREY,
        0,
        False,
    ),
    "float TIFF of 0 to 1": (
        lambda: encoded(Image.fromarray((grey16() / 65535).astype(np.float32)), "TIFF"),
        GREY,
        0,
        False,
    ),
    "greyscale PNG": (lambda: encoded(grey(), "PNG"), GREY, 0, False),
    "greyscale JPEG": (lambda: encoded(grey(), "JPEG", quality=95), GREY, 2, False),
    "1-bit PNG": (
        lambda: encoded(grey().point(lambda v: 255 * (v > 127)).convert("1"), "PNG"),
        np.where(GREY > 127, 255, 0),
        0,
        False,
    ),
    "palette PNG": (lambda: encoded(palette(), "PNG"), COLOUR, 8, False),
    "palette PNG, transparent": (
        lambda: encoded(palette(), "PNG", transparency=bytes(range(256))),
        COLOUR,
        8,
        True,
    ),
    "RGB PNG with a transparent colour": (
        lambda: encoded(photo(), "PNG", transparency=photo().getpixel((0, 0))),
        COLOUR,
        0,
        True,
    ),
    "RGBA PNG": (lambda: encoded(rgba(), "PNG"), COLOUR, 0, True),
    "RGBA WebP": (lambda: encoded(rgba(), "WEBP", lossless=True, exact=True), COLOUR, 0, True),
    "RGBA AVIF": (lambda: encoded(rgba(), "AVIF", quality=95), COLOUR, 4, True),
    "RGBA TIFF": (lambda: encoded(rgba(), "TIFF"), COLOUR, 0, True),
    "grey and alpha PNG": (
        lambda: encoded(Image.merge("LA", [grey(), SEE_THROUGH]), "PNG"),
        GREY,
        0,
        True,
    ),
    "alpha that is opaque everywhere": (lambda: encoded(photo().convert("RGBA"), "PNG"), COLOUR, 0, False),
    "animated GIF": (lambda: animated("GIF"), COLOUR, 8, False),
    "animated WebP": (lambda: animated("WEBP"), COLOUR, 0, False),
    "animated PNG": (lambda: animated("PNG"), COLOUR, 0, False),
    "TIFF of several pages": (
        lambda: encoded(photo(), "TIFF", save_all=True, append_images=[grey().convert("RGB")]),
        COLOUR,
        0,
        False,
    ),
    "1 x 1": (
        lambda: encoded(Image.new("RGB", (1, 1), (10, 20, 30)), "PNG"),
        np.full((1, 1, 3), [10, 20, 30]),
        0,
        False,
    ),
    "20,000 x 10": (
        lambda: encoded(Image.new("RGB", (20_000, 10), (1, 2, 3)), "PNG"),
        np.full((10, 20_000, 3), [1, 2, 3]),
        0,
        False,
    ),
    "10 x 20,000 JPEG": (
        lambda: encoded(Image.new("RGB", (10, 20_000), (90, 90, 90)), "JPEG"),
        np.full((20_000, 10, 3), 90),
        0,
        False,
    ),
    "JPEG of two pictures, as phones write": (
        lambda: encoded(photo(), "MPO", quality=95, save_all=True, append_images=[photo().rotate(180)]),
        COLOUR,
        2,
        False,
    ),
    "RGB with its profile": (lambda: with_profile("RGB", srgb(), "JPEG"), COLOUR, 4, False),
    "CMYK with a profile that is none": (
        lambda: with_profile("CMYK", b"junk" * 50, "JPEG"),
        COLOUR,
        4,
        False,
    ),
    "CMYK with a profile for RGB": (lambda: with_profile("CMYK", srgb(), "TIFF"), COLOUR, 1, False),
    "PIL RGB": (photo, COLOUR, 0, False),
    "PIL RGBA": (rgba, COLOUR, 0, True),
    "PIL greyscale": (grey, GREY, 0, False),
    "PIL palette": (palette, COLOUR, 8, False),
    "PIL HSV": (lambda: photo().convert("HSV"), COLOUR, 3, False),
    "PIL 16-bit big-endian": (
        lambda: Image.frombytes("I;16B", (60, 40), grey16().astype(">u2").tobytes()),
        GREY,
        0,
        False,
    ),
    **{
        f"EXIF orientation {n}, {kind}": (
            lambda n=n, kind=kind: turned(n, kind),  # type: ignore[misc]
            COLOUR,
            {"JPEG": 2, "AVIF": 6, "WEBP": 6}.get(kind, 0),
            False,
        )
        for n in range(1, 9)
        for kind in ("JPEG", "PNG", "TIFF", "WEBP", "AVIF")
    },
}


AS_THEY_ARE = ("JPEG", "EXIF orientation 1, JPEG", "RGB with its profile", "10 x 20,000 JPEG")
"""Beginnings of the names of those that stay the JPEG they are."""


@pytest.mark.parametrize("name", WORK)
def test_ordinary_pictures_work(name: str) -> None:
    make, wanted, tolerance, alpha = WORK[name]
    picture = load(make()).picture
    kept = name.startswith(AS_THEY_ARE)
    assert picture.mime_type == ("image/jpeg" if kept else "image/png")
    assert picture.size == (wanted.shape[1], wanted.shape[0])
    assert picture.pixels().shape == wanted.shape
    difference = np.abs(picture.pixels().astype(int) - wanted.astype(int)).mean()
    assert difference <= tolerance
    assert (picture.alpha() is not None) == alpha
    with Image.open(io.BytesIO(picture.data)) as stored:  # and it says the same to another reader
        assert stored.mode == ("RGBA" if alpha else "RGB")
        assert np.array_equal(np.asarray(stored)[:, :, :3], picture.pixels())


def test_heic_works_with_its_package_and_names_the_extra_without() -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
    try:
        import pillow_heif
    except ImportError:
        with pytest.raises(MissingExtra, match=r'pip install "thinkedit\[heif\]"'):
            load(heic)
        return
    stream = io.BytesIO()
    pillow_heif.from_pillow(photo()).save(stream, quality=90)
    loaded = load(stream.getvalue())
    assert loaded.mime_type == "image/heic"
    assert np.abs(loaded.picture.pixels().astype(int) - COLOUR).mean() < 6
    with pytest.raises(ImageError, match="the HEIC is damaged"):
        load(heic)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything in it that is no picture, or not a whole one."""
    here = tmp_path_factory.mktemp("inputs")
    (here / "empty.png").touch()
    (here / "text.jpg").write_text("This is a text, whatever its name says.\n" * 20)
    (here / "page.png").write_text("<!doctype html><title>404</title>")
    (here / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8))
    for name, kind in (("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.webp", "WEBP"), ("a.avif", "AVIF")):
        (here / f"cut-{name}").write_bytes(encoded(noise, kind)[:9_000])
    (here / "cut.tiff").write_bytes(encoded(noise, "TIFF")[:100_000])
    (here / "cut.gif").write_bytes(encoded(noise, "GIF")[:900])
    (here / "cut.bmp").write_bytes(encoded(noise, "BMP")[:90_000])
    (here / "header.png").write_bytes(encoded(noise, "PNG")[:20])
    (here / "one-byte.jpg").write_bytes(b"\xff")
    corrupt = bytearray(encoded(noise, "PNG"))
    corrupt[len(corrupt) // 2] ^= 0xFF
    (here / "corrupt.png").write_bytes(corrupt)
    (here / "wide.png").write_bytes(png(30_000, 30_000, 8, 2, b""))
    (here / "wide.gif").write_bytes(wide_gif())
    (here / "wide.bmp").write_bytes(wide_bmp())
    (here / "wide.webp").write_bytes(wide_webp())
    (here / "zero.png").write_bytes(png(0, 10, 8, 2, b""))
    (here / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(1_000))
    os.truncate(here / "large.png", 40_000_000)
    (here / "fine.png").write_bytes(encoded(photo(), "PNG"))
    os.mkfifo(here / "pipe.png")
    (here / "loop.png").symlink_to(here / "loop.png")
    return here


def wide_bmp() -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, 30_000, 30_000, 1, 24, *[0] * 6)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def wide_gif() -> bytes:
    small = encoded(palette(), "GIF")
    return small[:6] + struct.pack("<HH", 30_000, 30_000) + small[10:]


def wide_webp() -> bytes:
    canvas = bytes(4) + (16_382).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + canvas


REFUSED: dict[str, tuple[str, str]] = {
    "no such file": ("nowhere.jpg", "there is no such file"),
    "no such folder": ("nowhere/a.jpg", "there is no such file"),
    "a file for a folder": ("fine.png/a.jpg", "Not a directory"),
    "a folder": ("", "is a folder"),
    "an empty file": ("empty.png", "is empty"),
    "a text named .jpg": ("text.jpg", "no picture of a kind that is read here"),
    "a web page named .png": ("page.png", "no picture of a kind"),
    "SVG": ("drawing.svg", "no picture of a kind"),
    "a truncated JPEG": ("cut-a.jpg", "the JPEG is damaged or cut off"),
    "a truncated PNG": ("cut-a.png", "the PNG is cut off or damaged"),
    "a truncated WebP": ("cut-a.webp", "the WebP is damaged or cut off"),
    "a truncated AVIF": ("cut-a.avif", "the AVIF is damaged or"),
    "a truncated TIFF": ("cut.tiff", "the TIFF is damaged or cut off"),
    "a truncated GIF": ("cut.gif", "the GIF is damaged or cut off"),
    "a truncated BMP": ("cut.bmp", "the BMP is damaged or cut off"),
    "the first 20 bytes of a PNG": ("header.png", "the PNG is damaged or"),
    "one byte": ("one-byte.jpg", "no picture of a kind"),
    "one wrong byte in a PNG": ("corrupt.png", "the PNG is damaged"),
    "a bomb in PNG": ("wide.png", r"30000 x 30000 pixels \(900.0 megapixels\).*limit of 50.0 megapixels"),
    "a bomb in GIF": ("wide.gif", "30000 x 30000 pixels"),
    "a bomb in BMP": ("wide.bmp", "30000 x 30000 pixels"),
    "a bomb in WebP": ("wide.webp", "16383 x 16383 pixels"),
    "no width": ("zero.png", "the PNG"),
    "too many bytes": ("large.png", "40.0 MB, more than the limit of 25.0 MB"),
    "a pipe": ("pipe.png", "no ordinary file"),
    "a link to itself": ("loop.png", "cannot be read: Too many levels of symbolic links"),
    "a name that is too long": ("a" * 3_000 + ".png", "File name too long"),
    "a zero character": ("a\0.png", "no path of a picture"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_in_one_line(folder: Path, name: str) -> None:
    given, reason = REFUSED[name]
    with pytest.raises(ImageError, match=reason) as caught:
        load(f"{folder}/{given}")
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    assert given[:40] in message or repr(given)[1:-1] in message


@pytest.mark.parametrize("given", ["", "   ", b"", "/dev/null", "/dev/zero"])
def test_nothing_and_devices_are_refused(given: str | bytes) -> None:
    with pytest.raises(ImageError, match=r"no path of a picture|is empty|no ordinary file"):
        load(given)


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden.png"
    hidden.write_bytes(b"x")
    hidden.chmod(0)
    user = os.geteuid()
    if user == 0:  # nothing is forbidden to root, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(ImageError, match=r"hidden\.png may not be read: permission denied"):
            load(hidden)
    finally:
        os.seteuid(user)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("https://example.org/a.jpg", "URLs are not fetched here; download it"),
        ("HTTP://example.org/a.jpg", "URLs are not fetched here"),
        ("s3://bucket/a.jpg", "s3: URIs cannot be read here"),
        ("thinkedit://images/0", "thinkedit: URIs cannot be read here"),
        ("file://server/share/a.jpg", r"on another machine \(server\)"),
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,@@@@", "not proper base64"),
        ("data:image/png;base64,", "is empty"),
        ("data:text/plain,hello", "no picture of a kind"),
    ],
)
def test_uris_that_cannot_be_used(uri: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        load(uri)


@pytest.mark.parametrize("given", [None, 7, 1.5, ["a.png"], object()])
def test_other_types_are_refused(given: object) -> None:
    with pytest.raises(InputError, match="cannot be used: give a path"):
        load(given)  # type: ignore[arg-type]


def test_the_same_picture_by_every_way_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(photo(), "PNG")
    path = tmp_path / "näme with space.png"
    path.write_bytes(data)
    text = base64.b64encode(data).decode()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ways = {
        "path": str(path),
        "Path": path,
        "relative": path.name,
        "home": f"~/{path.name}",
        "file URI": path.as_uri(),
        "file URI, localhost": path.as_uri().replace("file://", "file://localhost"),
        "data URI": f"data:image/png;base64,{text}",
        "data URI, wrong type": f"data:image/jpeg;charset=x;base64,{text}",
        "data URI, no padding": f"DATA:;base64,{text.rstrip('=')}",
        "data URI, broken lines": f"data:image/png;base64,{text[:70]}\r\n{text[70:]}",
        "data URI, percent": "data:image/png," + "".join(f"%{byte:02X}" for byte in data),
        "bytes": data,
        "bytearray": bytearray(data),
        "PIL": photo(),
    }
    loaded = {name: load(way) for name, way in ways.items()}  # type: ignore[arg-type]
    assert len({each.picture.sha256 for each in loaded.values()}) == 1
    for name in ("path", "Path", "relative", "home", "file URI", "file URI, localhost"):
        assert (loaded[name].name, loaded[name].path) == (path.name, str(path))
    assert loaded["data URI"].path is None
    assert {each.mime_type for each in loaded.values()} == {"image/png"}


def test_limits_are_the_callers() -> None:
    data = encoded(photo(), "PNG")
    assert load(data, ImageLimits(max_bytes=len(data), max_pixels=2_400)).picture.size == (60, 40)
    with pytest.raises(ImageError, match=r"raise limits\.image_bytes"):
        load(data, ImageLimits(max_bytes=len(data) - 1))
    for image in (data, photo()):
        with pytest.raises(ImageError, match=r"60 x 40 pixels .* raise limits.image_pixels"):
            load(image, ImageLimits(max_pixels=2_399))
    with pytest.raises(ImageError, match=r"raise limits\.image_bytes"):
        load("data:;base64," + "A" * 4_000, ImageLimits(max_bytes=2_000))


def test_pillows_own_limit_neither_warns_nor_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    for kind in ("PNG", "JPEG", "BMP", "AVIF"):
        assert load(encoded(photo(), kind)).picture.size == (60, 40)


MEASURE = """
import sys
from thinkedit.images import load
from thinkedit.errors import ImageError
try:
    load(sys.argv[1])
except ImageError as error:
    print(error)
with open("/proc/self/status") as status:
    peak = next(line for line in status if line.startswith("VmHWM"))
print(int(peak.split()[1]) / 1000)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, channels: int) -> None:
    """30,000 x 30,000 pixels that are really there: up to 3.6 GB in 3.5 MB."""
    row = 30_000 * channels + 1
    block = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = block.compress(bytes(1_000_000)) + block.flush(zlib.Z_FULL_FLUSH)
    blocks, rest = divmod(row * 30_000, 1_000_000)
    tail = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = b"\x78\xda" + megabyte * blocks + tail.compress(bytes(rest)) + tail.flush()
    stream += struct.pack(">HH", row * 30_000 % 65_521, 1)  # Adler-32 of so many zeros
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", header), (b"IDAT", stream), (b"IEND", b"")):
        bomb += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEASURE, path], capture_output=True, text=True, timeout=60
    )
    assert run.stderr == ""
    message, peak = run.stdout.splitlines()
    assert "bomb.png: 30000 x 30000 pixels" in message
    assert float(peak) < 300


SMALL = {
    kind: encoded(image, kind)
    for kind, image in {
        "PNG": rgba().resize((9, 7)),
        "JPEG": photo().resize((9, 7)),
        "WEBP": rgba().resize((9, 7)),
        "AVIF": photo().resize((9, 7)),
        "TIFF": photo().resize((9, 7)),
        "GIF": palette().resize((9, 7)),
        "BMP": photo().resize((9, 7)),
    }.items()
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    kind=st.sampled_from(sorted(SMALL)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    cut=st.just(1.0) | st.floats(0, 1),
)
def test_damaged_pictures_raise_nothing_but_our_own(
    kind: str, changes: list[tuple[float, int]], cut: float
) -> None:
    data = bytearray(SMALL[kind])
    for where, value in changes:
        data[round(where * (len(data) - 1))] = value
    try:
        loaded = load(bytes(data[: round(cut * len(data))]), ImageLimits(max_pixels=1_000_000))
    except ThinkEditError as error:
        assert "\n" not in str(error)  # noqa: PT017  # either outcome is right
    else:
        assert loaded.picture.pixels().shape == (*loaded.picture.size[::-1], 3)
