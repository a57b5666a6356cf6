"""How far copies of a picture lie from it, and strangers, by the two checks of the leakage guard.

    python benchmarks/leakage.py

Pictures: the example photographs and their quarters, and 60 scenes of the proving ground, which look alike.
For each change: the most bits in which a copy's hash differs from its picture's, the least likeness, and how
many of the copies are found. For strangers, each pair of different pictures: the fewest bits, the greatest
likeness, and how many are taken for copies. Flat pictures, which are compared by colour alone, are left out.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from thinkedit.dataset.fingerprints import DISTANCE, LIKENESS, Fingerprint, fingerprint, likeness
from thinkedit.dataset.leakage import Benchmarks
from thinkedit.images import load
from thinkedit.provingground import samples

PHOTOS = Path(__file__).parent.parent / "examples" / "photos"
SCENES = 60

Change = Callable[[Image.Image], Image.Image]


def cropped(left: float, top: float, right: float, bottom: float) -> Change:
    def crop(image: Image.Image) -> Image.Image:
        width, height = image.size
        box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
        return image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))

    return crop


def jpeg(quality: int) -> Change:
    def recompressed(image: Image.Image) -> Image.Image:
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality)
        return Image.open(stream).convert("RGB")

    return recompressed


CHANGES: dict[str, Change] = {
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "a third, nearest pixels": lambda image: image.resize(
        (image.width // 3, image.height // 3), Image.Resampling.NEAREST
    ),
    "square": lambda image: image.resize((512, 512)),
    "JPEG quality 30": jpeg(30),
    "JPEG quality 10": jpeg(10),
    "brightness x 1.3": lambda image: ImageEnhance.Brightness(image).enhance(1.3),
    "brightness x 0.7": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "contrast x 1.4": lambda image: ImageEnhance.Contrast(image).enhance(1.4),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "blur of 2 pixels": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "3 % off each side": cropped(0.03, 0.03, 0.03, 0.03),
    "5 % off each side": cropped(0.05, 0.05, 0.05, 0.05),
    "8 % off the foot": cropped(0, 0, 0, 0.08),
    "7, 2, 0 and 3 % off": cropped(0.07, 0.02, 0, 0.03),
    "10 % off each side": cropped(0.1, 0.1, 0.1, 0.1),
    "15 % off each side": cropped(0.15, 0.15, 0.15, 0.15),
    "cropped, brighter, smaller, JPEG 50": lambda image: jpeg(50)(
        ImageEnhance.Brightness(cropped(0.04, 0.02, 0.01, 0.05)(image)).enhance(1.2).resize((300, 300))
    ),
}


def seen(image: Image.Image) -> Fingerprint:
    return fingerprint(load(image).picture)


def apart(one: Fingerprint, other: Fingerprint) -> tuple[int, float]:
    """(fewest bits, greatest likeness) over the pairs of views that the guard compares."""
    bits = [*np.bitwise_count(one.hashes[0] ^ other.hashes), *np.bitwise_count(one.hashes ^ other.hashes[0])]
    views = [(one.tones[0], tone) for tone in other.tones] + [(tone, other.tones[0]) for tone in one.tones]
    return int(min(bits)), max(likeness(*pair) for pair in views)


def pictures() -> dict[str, list[Image.Image]]:
    photos = [
        Image.open(path).convert("RGB")
        for path in sorted(PHOTOS.iterdir())
        if path.suffix in (".png", ".jpg")
    ]
    for photo in photos[:]:
        for left, top in itertools.product((0, 0.5), repeat=2):
            photos.append(cropped(left, top, 0.5 - left, 0.5 - top)(photo))
    scenes = [
        Image.fromarray(np.array(sample.picture.pixels())) for sample in samples("train", SCENES, 0, "full")
    ]
    return {"photographs": photos, "scenes": scenes}


def main() -> None:
    print(f"limits: {DISTANCE} bits of 64, likeness {LIKENESS}")
    for name, images in pictures().items():
        prints = [seen(image) for image in images]
        guard = Benchmarks([str(number) for number in range(len(images))], prints)
        print(f"\n{len(images)} {name}")
        print(f"{'copies':36} most bits  least likeness  found")
        for change, made in CHANGES.items():
            copies = [seen(made(image)) for image in images]
            lie = [apart(copy, one) for copy, one in zip(copies, prints, strict=True) if not one.flat]
            found = sum(
                (match := guard.find(copy)) is not None and match.picture == str(number)
                for number, copy in enumerate(copies)
            )
            print(
                f"{change:36} {max(b for b, _ in lie):9}  {min(like for _, like in lie):14.2f}"
                f"  {found} of {len(images)}"
            )
        pairs = [apart(one, other) for one, other in itertools.combinations(prints, 2) if not one.flat]
        taken = sum(bits <= DISTANCE and like >= LIKENESS for bits, like in pairs)
        near = sum(bits <= DISTANCE for bits, _ in pairs)
        print(f"strangers, {len(pairs)} pairs: fewest bits {min(b for b, _ in pairs)}", end=", ")
        print(f"greatest likeness {max(like for _, like in pairs):.2f}", end=", ")
        print(f"within {DISTANCE} bits {near}, taken for copies {taken}")


if __name__ == "__main__":
    main()
