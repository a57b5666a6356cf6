"""Pictures: encoding, what they carry, previews and saving."""

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

from thinkedit.errors import ImageError, StoreError
from thinkedit.images import ENDINGS, Picture, ending_for, free_name, load, save

DATE, TAKEN, GPS, EXIF_BLOCK, MAKER, ORIENTATION = 0x0132, 0x9003, 0x8825, 0x8769, 0x010F, 0x0112
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" dc:title="A day"/></rdf:RDF></x:xmpmeta>'
)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

pixel_arrays = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([3, 4])),
    elements=st.integers(0, 255),
)


def noise(width: int, height: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(width).integers(0, 256, (height, width, channels), np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def camera_file(kind: str) -> bytes:
    """40 x 60 upright, with a profile, the dates, a maker, a place and an XMP packet."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[DATE] = "2024:05:06 07:08:09"
    exif[MAKER] = "Camera & Co."
    exif[EXIF_BLOCK] = {TAKEN: "2023:01:02 03:04:05", 0x9011: "+02:00", 0x829A: 0.01}
    exif[GPS] = {1: "N", 2: (48.0, 51.0, 29.0)}
    options: dict[str, object] = {"exif": exif.tobytes(), "icc_profile": SRGB, "xmp": XMP}
    if kind in ("PNG", "TIFF"):
        del options["xmp"]
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = info
    return encoded(Image.fromarray(noise(60, 40)), kind, **options)


# Picture ---------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(pixel_arrays)
def test_pixels_come_back_as_they_were(pixels: np.ndarray) -> None:
    picture = Picture.from_pixels(pixels)
    again = Picture.from_bytes(picture.data)
    assert again.size == (pixels.shape[1], pixels.shape[0])
    assert np.array_equal(again.pixels(), pixels[:, :, :3])
    if pixels.shape[2] == 4:
        assert np.array_equal(again.alpha(), pixels[:, :, 3])  # type: ignore[arg-type]
    else:
        assert again.alpha() is None
    assert Picture.from_pixels(pixels).data == picture.data
    with Image.open(io.BytesIO(picture.data)) as other:
        assert np.array_equal(np.asarray(other), pixels)


def test_photographs_and_drawings_are_both_packed_well(photos: Path) -> None:
    page = Image.new("RGB", (700, 450), "white")
    draw = ImageDraw.Draw(page)
    for line in range(30):
        draw.text((10, line * 15), "The quick brown fox jumps over the lazy dog. " * 2, fill=(line, 0, 0))
    for image in (page, Image.open(photos / "china.jpg"), Image.open(photos / "astronaut.png")):
        with image:
            pixels = np.asarray(image.convert("RGB"))
            by_pillow = len(encoded(Image.fromarray(pixels), "PNG", compress_level=1))
        assert len(Picture.from_pixels(pixels).data) < 1.25 * by_pillow


def test_a_picture_is_its_bytes() -> None:
    picture = Picture.from_pixels(noise(8, 6))
    same, other = Picture.from_bytes(picture.data), Picture.from_pixels(noise(9, 6))
    assert picture.sha256 == hashlib.sha256(picture.data).hexdigest()
    assert picture == same
    assert hash(picture) == hash(same)
    assert picture != other
    assert picture != picture.data
    assert pickle.loads(pickle.dumps(picture)) == picture
    with pytest.raises(AttributeError):
        picture.data = b""  # type: ignore[misc]


def test_decoded_pixels_are_read_only_kept_and_forgotten() -> None:
    given_array = noise(8, 6, 4)
    for picture in (
        Picture.from_pixels(given_array),
        Picture.from_bytes(Picture.from_pixels(given_array).data),
    ):
        alpha = picture.alpha()
        assert alpha is not None
        for array in (picture.pixels(), alpha):
            with pytest.raises(ValueError, match="read-only"):
                array[0, 0] = 0
        kept = picture.pixels()
        assert picture.pixels() is kept
        picture.forget()
        assert picture.pixels() is not kept
        assert np.array_equal(picture.pixels(), kept)
    given_array[:] = 0  # the caller's array is theirs, before and after
    assert picture.pixels().any()


def test_one_decoding_for_many_threads() -> None:
    picture = Picture.from_bytes(Picture.from_pixels(noise(300, 200)).data)
    start = threading.Barrier(8)

    def read(_: int) -> int:
        start.wait()
        return id(picture.pixels())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(read, range(8)))) == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_encoded_pictures_are_taken_as_they_are(kind: str) -> None:
    data = encoded(Image.fromarray(noise(30, 20)), kind)
    picture = Picture.from_bytes(data, "application/octet-stream")
    assert (picture.data, picture.size, picture.mime_type) == (data, (30, 20), f"image/{kind.lower()}")
    with Image.open(io.BytesIO(data)) as other:
        assert np.array_equal(picture.pixels(), np.asarray(other))


def test_only_the_header_is_read_until_pixels_are_asked_for() -> None:
    data = encoded(Image.fromarray(noise(300, 200)), "PNG")
    picture = Picture.from_bytes(data[:5_000])
    assert picture.size == (300, 200)
    with pytest.raises(ImageError, match="the PNG is cut off"):
        picture.pixels()


def test_other_kinds_of_png_are_read_too() -> None:
    grey = Image.fromarray(noise(9, 7)[:, :, 0])
    palette = grey.convert("P")
    see_through = {"transparency": palette.getpixel((0, 0))}
    for image, options in ((grey, {}), (palette, see_through), (grey.convert("1"), {})):
        picture = Picture.from_bytes(encoded(image, "PNG", **options))
        assert np.array_equal(picture.pixels(), np.asarray(image.convert("RGB")))
        assert (picture.alpha() is not None) == bool(options)


def test_an_upright_size_for_a_turned_jpeg() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = Picture.from_bytes(encoded(Image.fromarray(noise(30, 20)), "JPEG", exif=exif))
    assert picture.size == (20, 30)
    assert picture.pixels().shape == (30, 20, 3)


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WAVE", b"\xff\xd8\xff", b"GIF89a" + bytes(20)]
)
def test_bytes_that_are_no_picture(data: bytes) -> None:
    with pytest.raises(ImageError):
        Picture.from_bytes(data, "image/png")


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
    ids=["flat", "two channels", "no rows", "float"],
)
def test_arrays_that_are_no_picture(pixels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="give height x width x 3 or 4, uint8"):
        Picture.from_pixels(pixels)


def test_arrays_of_any_layout_are_taken() -> None:
    whole = noise(40, 30, 4)
    for view in (whole[:, :, :3], whole[::2, ::3], whole[::-1], np.asfortranarray(whole)):
        assert np.array_equal(Picture.from_pixels(view).pixels(), view[:, :, :3])


# What is carried along -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_profile_and_capture_date_stay_and_the_rest_goes(kind: str, tmp_path: Path) -> None:
    source = load(camera_file(kind)).picture
    edited = Picture.from_pixels(255 - source.pixels(), like=source)
    assert source.size == (40, 60)
    for ending in (".png", ".jpg", ".webp", ".avif", ".tiff"):
        with Image.open(save(edited, tmp_path / f"edited{ending}")) as image:
            exif = image.getexif()
            details = exif.get_ifd(EXIF_BLOCK)
            assert image.size == (40, 60)
            assert image.info["icc_profile"] == SRGB
            assert (exif[DATE], details[TAKEN]) == ("2024:05:06 07:08:09", "2023:01:02 03:04:05")
            assert exif.get(ORIENTATION, 1) == 1
            assert not exif.get_ifd(GPS)
            assert MAKER not in exif
            assert 0x829A not in details
            assert b"A day" not in (image.info.get("xmp") or b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_everything_stays_when_asked(kind: str, tmp_path: Path) -> None:
    source = load(camera_file(kind), keep_metadata=True).picture
    edited = Picture.from_pixels(255 - source.pixels(), like=source)
    for ending in (".png", ".jpg", ".webp", ".avif", ".tiff"):
        with Image.open(save(edited, tmp_path / f"edited{ending}")) as image:
            exif = image.getexif()
            assert exif.get_ifd(GPS)[2] == (48.0, 51.0, 29.0)
            assert exif[MAKER] == "Camera & Co."
            assert exif.get_ifd(EXIF_BLOCK)[0x829A] == 0.01
            assert exif.get(ORIENTATION, 1) == 1
            if kind != "TIFF" and ending != ".tiff":
                assert b'dc:title="A day"' in image.info["xmp"]
                assert b"Orientation" not in image.info["xmp"]


def test_a_damaged_exif_block_costs_nothing_but_itself() -> None:
    exif = b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40
    data = encoded(Image.fromarray(noise(60, 40)), "JPEG", exif=exif)
    assert load(data).picture.metadata.exif is None
    assert load(data, keep_metadata=True).picture.size == (60, 40)


@pytest.mark.parametrize("profile", [b"junk" * 60, SRGB[:200], SRGB.replace(b"RGB ", b"CMYK", 1)])
def test_a_profile_that_does_not_fit_is_dropped(profile: bytes) -> None:
    picture = load(encoded(Image.fromarray(noise(60, 40)), "PNG", icc_profile=profile)).picture
    assert picture.metadata.icc is None
    assert b"iCCP" not in picture.data


def test_alpha_is_carried_over_where_it_fits() -> None:
    source = Picture.from_pixels(noise(8, 6, 4))
    alpha = source.alpha()
    carried = Picture.from_pixels(noise(8, 6, 3), like=source).alpha()
    assert carried is not None
    assert np.array_equal(carried, alpha)  # type: ignore[arg-type]
    assert Picture.from_pixels(noise(9, 6, 3), like=source).alpha() is None
    own = Picture.from_pixels(noise(8, 6, 4) // 2, like=source).alpha()
    assert own is not None
    assert not np.array_equal(own, alpha)  # type: ignore[arg-type]


# Previews --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (3_000, 20), (1_500, 1_200)])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_preview_keeps_its_limits(size: tuple[int, int], channels: int) -> None:
    picture = Picture.from_pixels(noise(*size, channels))
    for max_bytes, max_side in ((256_000, 1_024), (20_000, 300), (1_024, 64)):
        preview = picture.preview(max_bytes, max_side)
        assert len(preview.data) <= max_bytes
        assert max(preview.size) <= min(max_side, max(size))
        assert preview.mime_type == ("image/jpeg" if channels == 3 else "image/webp")
        with Image.open(io.BytesIO(preview.data)) as image:
            assert image.size == preview.size
        assert preview.pixels().shape == (*preview.size[::-1], 3)
        assert (preview.alpha() is None) == (channels == 3)


def test_a_preview_shows_the_picture(photos: Path) -> None:
    picture = load(photos / "chelsea.png").picture
    small = np.asarray(Image.fromarray(picture.pixels()).resize((64, 43), Image.Resampling.BOX), float)
    preview = np.asarray(picture.preview(max_side=64).pixels(), float)
    assert preview.shape == small.shape
    assert np.abs(preview - small).mean() < 4
    assert picture.preview().data == picture.preview().data


def test_a_preview_of_a_wide_colour_space_is_srgb() -> None:
    """A profile whose red and green are exchanged: the preview shows the colours that are meant."""
    red, green = SRGB.index(b"rXYZ"), SRGB.index(b"gXYZ")
    exchanged = bytearray(SRGB)
    exchanged[red : red + 4], exchanged[green : green + 4] = b"gXYZ", b"rXYZ"
    pixels = np.full((20, 20, 3), [250, 10, 10], np.uint8)
    picture = load(encoded(Image.fromarray(pixels), "PNG", icc_profile=bytes(exchanged))).picture
    assert picture.metadata.icc == bytes(exchanged)
    assert np.array_equal(picture.pixels(), pixels)
    red_mean, green_mean, _ = picture.preview().pixels().reshape(-1, 3).mean(axis=0)
    assert green_mean > 200 > 60 > red_mean


def test_limits_that_no_preview_meets() -> None:
    with pytest.raises(ValueError, match="give at least 1024 and 1"):
        Picture.from_pixels(noise(4, 4)).preview(max_bytes=10)


# Saving ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [*ENDINGS, ".JPG", ".Png"])
def test_the_ending_says_the_format(ending: str, tmp_path: Path, photos: Path) -> None:
    picture = load(photos / "coffee.png").picture
    path = save(picture, tmp_path / f"a{ending}")
    assert list(tmp_path.iterdir()) == [path]
    loaded = load(path)
    assert loaded.mime_type == ENDINGS[ending.lower()]
    difference = np.abs(loaded.picture.pixels().astype(int) - picture.pixels()).mean()
    assert difference <= (0 if ending.lower() in (".png", ".tif", ".tiff") else 3)
    assert ending_for(loaded.mime_type) in ENDINGS


def test_what_is_in_the_format_already_is_written_as_it_is(tmp_path: Path) -> None:
    for kind, ending in (("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")):
        data = encoded(Image.fromarray(noise(60, 40)), kind)
        assert save(Picture.from_bytes(data), tmp_path / f"a{ending}").read_bytes() == data


def test_jpeg_lays_alpha_on_white_and_keeps_full_colour(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:, 16:] = [255, 0, 0, 255]
    path = save(Picture.from_pixels(pixels), tmp_path / "a.jpg")
    with Image.open(path) as image:
        assert np.abs(np.asarray(image)[:, :15].astype(int) - 255).max() < 8
        assert np.abs(np.asarray(image)[:, 17:].astype(int) - [255, 0, 0]).max() < 8
        assert {(h, v) for _, h, v, _ in image.layer} == {(1, 1)}  # type: ignore[attr-defined]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    picture, path = Picture.from_pixels(noise(8, 6)), tmp_path / "a.png"
    path.write_text("mine")
    with pytest.raises(StoreError, match=r"a\.png exists already: choose another name"):
        save(picture, path)
    assert free_name(path) == tmp_path / "a-2.png"
    assert save(picture, path, rename=True) == tmp_path / "a-2.png"
    assert save(picture, path, rename=True) == tmp_path / "a-3.png"
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    assert save(picture, tmp_path / "b.png", rename=True) == tmp_path / "b-2.png"
    assert path.read_text() == "mine"
    assert save(picture, path, overwrite=True).read_bytes() == picture.data


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_many_at_once_get_a_name_each(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    pictures = [Picture.from_pixels(noise(8 + n, 6)) for n in range(12)]
    start = threading.Barrier(12)

    def write(picture: Picture) -> Path:
        start.wait()
        return save(picture, tmp_path / "a.png", rename=True)

    with ThreadPoolExecutor(12) as threads:
        paths = list(threads.map(write, pictures))
    assert len(set(paths)) == 12
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert all(path.read_bytes() == picture.data for path, picture in zip(paths, pictures, strict=True))


def test_a_name_taken_at_the_last_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "a.png", os.link

    def taken_first(source: Path, target: Path) -> None:
        path.write_text("mine")
        link(source, target)

    monkeypatch.setattr(os, "link", taken_first)
    with pytest.raises(StoreError, match="exists already"):
        save(Picture.from_pixels(noise(8, 6)), path)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["a", "a.gif", "a.heic", "a.exe", ".png.bak"])
def test_endings_that_cannot_be_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no ending that can be written: use one of \.png, \.jpg"):
        save(Picture.from_pixels(noise(8, 6)), tmp_path / name)


def test_what_a_format_cannot_hold_is_said(tmp_path: Path) -> None:
    wide = Picture.from_pixels(np.zeros((1, 70_000, 3), np.uint8))
    for ending in (".jpg", ".webp"):
        with pytest.raises(ImageError, match=r"70000 x 1 pixels cannot be written as .*: save as \.png"):
            save(wide, tmp_path / f"a{ending}")
    with pytest.raises(ImageError, match="quality 0 is out of range"):
        save(wide, tmp_path / "a.jpg", quality=0)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that other users reach, as they do not reach `tmp_path`."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_folders_that_cannot_be_written(public_folder: Path) -> None:
    picture = Picture.from_pixels(noise(8, 6))
    with pytest.raises(StoreError, match=f"there is no folder {public_folder}/nowhere"):
        save(picture, public_folder / "nowhere" / "a.png")
    (public_folder / "file").touch()
    with pytest.raises(StoreError, match="cannot be written: Not a directory"):
        save(picture, public_folder / "file" / "a.png")
    closed = public_folder / "closed"
    closed.mkdir(0o555)
    user = os.geteuid()
    if user == 0:  # nothing is forbidden to root, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(StoreError, match="cannot be written: Permission denied"):
            save(picture, closed / "a.png")
    finally:
        os.seteuid(user)
    assert not list(closed.iterdir())


FULL = """
import resource, sys
from thinkedit.errors import StoreError
from thinkedit.images import load, save
picture = load(sys.argv[1]).picture
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    save(picture, sys.argv[2])
except StoreError as error:
    print(error)
"""


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, photos: Path) -> None:
    path = tmp_path / "a.png"
    command = [sys.executable, "-c", FULL, str(photos / "coffee.png"), str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == f"{path} cannot be written: File too large\n"
    assert not list(tmp_path.iterdir())


def test_endings_for_what_cannot_be_written_back() -> None:
    given_kinds = ("image/heic", "image/gif", "image/bmp", "image/jpeg", "image/tiff", "image/webp")
    assert [ending_for(kind) for kind in given_kinds] == [".jpg", ".png", ".png", ".jpg", ".tif", ".webp"]
