"""JPEG files that are taken as they are: the same picture, nothing beside it, and what is not taken."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from thinkedit.errors import ImageError
from thinkedit.images import jpeg, load
from thinkedit.images.metadata import Metadata
from thinkedit.images.picture import Picture

ORIENTATION, GPS, EXIF_IFD, TAKEN, DEVICE = 0x0112, 0x8825, 0x8769, 0x9003, 0x0110
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
END = b"\xff\xd9"


def photo(width: int = 61, height: int = 43) -> Image.Image:
    rows = np.random.default_rng(3).integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    return Image.fromarray(rows).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def told(orientation: int = 1) -> bytes:
    """EXIF with a device, a place and a date."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[DEVICE] = orientation, "Our Camera 3"
    exif[GPS] = {1: "N", 2: (48.0, 51.0, 30.0)}
    exif[EXIF_IFD] = {TAKEN: "2026:11:25 10:20:30"}
    return exif.tobytes()


KINDS: dict[str, dict[str, object]] = {
    "plain": {},
    "progressive": {"progressive": True},
    "colour at full resolution": {"subsampling": "4:4:4"},
    "restarts": {"restart_marker_rows": 1},
    "own tables": {"optimize": True},
    "RGB without a transform": {"keep_rgb": True},
    "comment": {"comment": b"to my dear friend"},
    "coarse": {"quality": 3},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_stays_and_all_else_goes(kind: str) -> None:
    data = encoded(photo(), exif=told(), icc_profile=PROFILE, **KINDS[kind])
    made = jpeg.stripped(data + b"a second picture, or a film")
    assert made is not None
    assert np.array_equal(pixels(made), pixels(data))
    assert jpeg.is_bare(made)
    assert not jpeg.is_bare(data)
    for secret in (b"Camera", b"2026", b"friend", b"ICC_PROFILE", b"film"):
        assert secret not in made
    assert jpeg.stripped(made) == made


def test_profile_and_date_travel_with_it_and_the_place_does_not() -> None:
    loaded = load(encoded(photo(), exif=told(), icc_profile=PROFILE, comment=b"Camera"))
    picture = loaded.picture
    assert (picture.mime_type, picture.bare, loaded.mime_type) == ("image/jpeg", False, "image/jpeg")
    with Image.open(io.BytesIO(picture.data)) as image:
        exif = image.getexif()
        assert exif.get_ifd(EXIF_IFD) == {TAKEN: "2026:11:25 10:20:30"}
        assert (exif.get_ifd(GPS), exif.get(DEVICE)) == ({}, None)
        assert image.info["icc_profile"] == PROFILE
        assert "comment" not in image.info
    again = Picture.from_bytes(picture.data)
    assert again.metadata == picture.metadata
    assert np.array_equal(again.pixels(), picture.pixels())
    edited = Picture.from_pixels(255 - picture.pixels(), like=again)
    assert edited.metadata.icc == PROFILE


def test_a_large_profile_is_cut_into_segments() -> None:
    icc = bytearray(PROFILE + bytes(150_000))
    icc[:4] = len(icc).to_bytes(4, "big")
    data = jpeg.stripped(encoded(photo()), Metadata(icc=bytes(icc)))
    assert data is not None
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == bytes(icc)


def test_without_metadata_it_can_be_passed_on() -> None:
    picture = load(encoded(photo())).picture
    assert picture.bare
    assert picture.size == (61, 43)
    assert len(picture.data) < len(Picture.from_pixels(picture.pixels()).data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (encoded(photo().convert("L")), "greyscale"),
        (encoded(photo().convert("CMYK")), "CMYK"),
        (encoded(photo(), exif=told(6)), "on its side"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_made_a_png(data: bytes, why: str) -> None:
    assert load(data).picture.mime_type == "image/png", why


def test_all_metadata_lasts_in_a_png_alone() -> None:
    picture = load(encoded(photo(), exif=told()), keep_metadata=True).picture
    assert picture.mime_type == "image/png"
    assert b"Our Camera 3" in picture.data


def test_one_picture_of_a_file_with_several() -> None:
    first, second = photo(), photo().transpose(Image.Transpose.ROTATE_180)
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    picture = load(data).picture
    assert picture.mime_type == "image/jpeg"
    assert picture.data.count(b"\xff\xd8\xff") == 1
    assert np.array_equal(picture.pixels(), pixels(data))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_one_that_is_cut_off_is_refused(share: float) -> None:
    data = encoded(photo())
    with pytest.raises(ImageError, match="damaged or cut off"):
        load(data[: int(len(data) * share)])


def test_no_end_no_passing_on() -> None:
    data = encoded(photo())
    assert jpeg.stripped(data.removesuffix(END)) is None


@given(st.integers(0, 5_000), st.integers(0, 255), st.booleans())
def test_any_damage_gives_a_picture_or_our_error(at: int, value: int, cut: bool) -> None:
    data = bytearray(encoded(photo(), progressive=True, icc_profile=PROFILE))
    at %= len(data)
    data[at] = value
    given_data = bytes(data[:at] if cut else data)
    made = jpeg.stripped(given_data)
    jpeg.is_bare(given_data)
    try:
        picture = load(given_data).picture
    except ImageError:
        return
    assert picture.pixels().shape == (picture.height, picture.width, 3)
    if picture.mime_type == "image/jpeg":
        assert made is not None
        assert np.array_equal(pixels(picture.data), picture.pixels())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_to_their_end(data: bytes) -> None:
    for given_data in (data, b"\xff\xd8" + data, b"\xff\xd8\xff" + data):
        jpeg.stripped(given_data)
        jpeg.is_bare(given_data)
        with contextlib.suppress(ImageError):
            Picture.from_bytes(given_data)
