"""The leakage guard: copies of a benchmark's pictures are found, and other pictures are let through."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from thinkedit.dataset.fingerprints import DISTANCE, LIKENESS, fingerprint, likeness
from thinkedit.dataset.leakage import Benchmarks, drop_leaks, find_leaks
from thinkedit.dataset.manifest import read_manifest
from thinkedit.dataset.records import PoolItem
from thinkedit.dataset.sources import take_sources
from thinkedit.errors import InputError, MissingExtra
from thinkedit.images import Picture, load

Change = Callable[[Image.Image], Image.Image]


def scene(seed: int) -> Image.Image:
    """Shapes on one colour, as a small world draws them."""
    draw = np.random.default_rng(seed)
    image = Image.new("RGB", (96, 96), tuple(int(v) for v in draw.integers(0, 256, 3)))
    canvas = ImageDraw.Draw(image)
    for _ in range(int(draw.integers(3, 8))):
        x, y, size = (int(v) for v in (*draw.integers(5, 85, 2), draw.integers(5, 20)))
        colour = tuple(int(v) for v in draw.integers(0, 256, 3))
        shape = canvas.ellipse if draw.random() < 0.5 else canvas.rectangle
        shape((x - size, y - size, x + size, y + size), fill=colour)
    return image


def gradient(seed: int) -> Image.Image:
    """A sky without a cloud: nothing but a slope and a little noise."""
    draw = np.random.default_rng(seed)
    slope = np.linspace(draw.integers(120, 250), draw.integers(10, 110), 200)[:, None, None]
    values = slope * draw.uniform(0.6, 1.0, 3) + draw.normal(0, 1, (200, 300, 3))
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return image.crop(tuple(round(edge) for edge in box))  # type: ignore[arg-type]

    return crop


def jpeg(quality: int) -> Change:
    def recompressed(image: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream)

    return recompressed


COPIES: dict[str, Change] = {
    "as it is": lambda image: image,
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "a third, roughly": lambda image: image.resize(
        (image.width // 3, image.height // 3), Image.Resampling.NEAREST
    ),
    "another shape": lambda image: image.resize((300, 300)),
    "quality 30": jpeg(30),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "more contrast": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "grey": lambda image: image.convert("L"),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "5 % off each side": cropped(0.05, 0.05, 0.05, 0.05),
    "8 % off the foot": cropped(0, 0, 0, 0.08),
    "an uneven crop": cropped(0.07, 0.02, 0, 0.03),
    "all at once": lambda image: jpeg(50)(
        ImageEnhance.Brightness(cropped(0.04, 0.02, 0.01, 0.05)(image)).enhance(1.2).resize((300, 300))
    ),
}


@pytest.fixture(scope="module")
def benchmarks(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmarks:
    folder = tmp_path_factory.mktemp("scenes")
    for seed in range(20):
        scene(seed).save(folder / f"{seed}.png")
    gradient(0).save(folder / "sky.png")
    Image.new("RGB", (64, 64), "white").save(folder / "white.png")
    return Benchmarks.read([photos, folder])


@pytest.mark.parametrize("change", COPIES)
def test_copies_are_found(photos: Path, benchmarks: Benchmarks, change: str) -> None:
    for path in [p for p in photos.iterdir() if p.suffix in (".png", ".jpg")]:
        why = benchmarks(load(COPIES[change](Image.open(path).convert("RGB"))).picture)
        assert why is not None, path.name
        assert f"photos/{path.name}" in why
    for seed in range(0, 20, 5):
        why = benchmarks(load(COPIES[change](scene(seed))).picture)
        assert why is not None, seed
        assert f"/{seed}.png" in why


@pytest.mark.parametrize("margin", [0.04, 0.08])
def test_a_benchmark_that_is_the_cropped_one_is_found_too(
    photos: Path, margin: float, tmp_path: Path
) -> None:
    whole = Image.open(photos / "chelsea.png").convert("RGB")
    cropped(margin, 0, 0, margin)(whole).save(tmp_path / "part.png")
    assert Benchmarks.read([tmp_path])(load(whole).picture) is not None


def test_other_pictures_are_let_through(photos: Path, benchmarks: Benchmarks) -> None:
    strangers = [scene(seed) for seed in range(1000, 1060)] + [gradient(seed) for seed in range(1, 12)]
    for path in [p for p in photos.iterdir() if p.suffix in (".png", ".jpg")]:
        image = Image.open(path).convert("RGB")
        strangers += [cropped(*corner)(image) for corner in ((0.5, 0.5, 0, 0), (0, 0, 0.5, 0.5))]
    strangers += [Image.new("RGB", (64, 64), colour) for colour in ("black", "red", "#f0f0f0", "grey")]
    assert [why for image in strangers if (why := benchmarks(load(image).picture)) is not None] == []


def test_flat_pictures_are_one_only_in_the_same_colour(benchmarks: Benchmarks) -> None:
    for image in (Image.new("RGB", (500, 20), "white"), jpeg(60)(gradient(0))):
        why = benchmarks(load(image).picture)
        assert why is not None
        assert "white.png" in why or "sky.png" in why
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))  # as it looks on white
    assert "white.png" in str(benchmarks(load(clear).picture))


def test_the_two_checks_fail_in_different_ways(photos: Path) -> None:
    one, other = (fingerprint(load(gradient(seed)).picture) for seed in (3, 4))
    assert one.flat
    assert other.flat
    cat = fingerprint(load(photos / "chelsea.png").picture)
    cup = fingerprint(load(photos / "coffee.png").picture)
    assert np.bitwise_count(cat.hashes[0] ^ cup.hashes).min() > DISTANCE
    assert abs(likeness(cat.tones[0], cup.tones[0])) < LIKENESS / 2
    assert likeness(cat.tones[0], cat.tones[0]) == pytest.approx(1)
    assert likeness(cat.tones[0], np.full(1024, 9, np.uint8)) == 0


def test_folders_and_pictures_that_cannot_be_read_are_told(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="no folder"):
        Benchmarks.read([tmp_path / "nowhere"])
    with pytest.raises(InputError, match="no picture below"):
        Benchmarks.read([tmp_path])
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    (tmp_path / "cat.png").write_bytes((photos / "chelsea.png").read_bytes())
    heard: list[int] = []
    read = Benchmarks.read([tmp_path], heard.append)
    assert len(read) == 1
    assert [drop.reason for drop in read.unreadable] == ["unreadable_image"]
    assert heard == [2]
    (tmp_path / "cat.png").write_bytes((photos / "coffee.png").read_bytes())
    assert Benchmarks.read([tmp_path]).identity != read.identity
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"thinkedit\[dataset\]"):
        fingerprint(load(photos / "coffee.png").picture)


def item(name: str, image: Path | Image.Image, words: str = "make it warmer") -> PoolItem:
    picture: Path | Picture = image if isinstance(image, Path) else load(image).picture
    return PoolItem(name, "mine", picture, words, "adjust", "CC0-1.0", f"mine.jsonl:{name}")


def test_sources_that_leak_are_not_taken_in(tmp_path: Path, photos: Path) -> None:
    guard = Benchmarks.read([photos])
    copy = cropped(0.03, 0.03, 0, 0)(Image.open(photos / "rocket.jpg"))
    manifest = take_sources(tmp_path, [item("a", scene(7)), item("b", copy)], ["photo"], guard=guard)
    assert manifest["stages"]["sources"]["dropped"] == {"leaked": 1}
    [dropped] = [json.loads(line) for line in (tmp_path / "dropped/sources.jsonl").read_text().splitlines()]
    assert dropped["id"] == "b"
    assert "photos/rocket.jpg" in dropped["why"]


def test_leaks_of_a_dataset_are_found_and_taken_out(tmp_path: Path, photos: Path) -> None:
    copy = cropped(0.03, 0.03, 0, 0)(Image.open(photos / "rocket.jpg"))
    items = [
        item("a", scene(7)),
        item("b", copy),
        item("c", copy, "make it colder"),
        item("d", tmp_path / "nowhere.png"),
        item("d", tmp_path / "nowhere.png"),
        item("e", scene(8)),
    ]
    take_sources(tmp_path / "set", items, ["photo"])
    guard = Benchmarks.read([photos])
    leaks, unseen = find_leaks(tmp_path / "set", guard)
    assert [leak.source.id for leak in leaks] == ["b", "c"]
    assert not unseen
    manifest = drop_leaks(tmp_path / "set", leaks)
    told = manifest["stages"]["sources"]
    assert (told["in"], told["kept"]) == (6, 2)
    assert told["dropped"] == {"duplicate_id": 1, "leaked": 2, "unreadable_image": 1}
    assert told["settings"]["editors"] == ["photo"]
    assert find_leaks(tmp_path / "set", guard) == ([], [])
    assert read_manifest(tmp_path / "set") == manifest
    kept = [json.loads(line) for line in (tmp_path / "set/sources.jsonl").read_text().splitlines()]
    assert [record["id"] for record in kept] == ["a", "e"]
    (tmp_path / "set" / kept[0]["image"]).write_bytes(b"")
    leaks, unseen = find_leaks(tmp_path / "set", guard)
    assert not leaks
    assert [(drop.id, drop.reason) for drop in unseen] == [("a", "unreadable_image")]
