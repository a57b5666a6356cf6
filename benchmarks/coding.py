"""What it costs to encode, decode, hash, preview, store and save a picture, at 1 and 12 megapixels.

Method: examples/photos/china.jpg enlarged by Lanczos, with noise of standard deviation 2 (an enlarged
photograph alone is smoother than what a camera gives and flatters every encoder). Each number is the median
of N runs, after one that is not counted, in one thread, with the pixels in memory. The calibration line is
a fixed loop of arithmetic: compare it between two tables to see how busy the machines were. `put` and `get`
are of a picture whose hash is known and of a fresh one, in a folder on the temporary file system.

    python -m benchmarks.coding [N]        # N defaults to 15; one table, about a minute
"""

from __future__ import annotations

import hashlib
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from thinkedit.images import Picture, load, save
from thinkedit.images.metadata import Metadata
from thinkedit.store import Store

PHOTO = Path(__file__).parent.parent / "examples" / "photos" / "china.jpg"
SIZES = {"1 MP": (1155, 866), "12 MP": (4000, 3000)}


def median_ms(work: Callable[[], object], runs: int) -> float:
    work()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds) * 1000


def photograph(size: tuple[int, int]) -> np.ndarray:
    pixels = np.asarray(Image.open(PHOTO).convert("RGB").resize(size, Image.Resampling.LANCZOS))
    noise = np.random.default_rng(0).normal(0, 2, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def pillow_png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def opencv_png(pixels: np.ndarray) -> bytes:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def pillow_decode(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def rows(pixels: np.ndarray, runs: int, folder: Path) -> dict[str, tuple[float, int | None]]:
    """name -> (median milliseconds, bytes where something is encoded)."""
    picture = Picture.from_pixels(pixels)
    picture.pixels()
    camera = jpeg(pixels)
    stored, store = Store(folder / "stored"), Store(folder / "store")
    stored.put(picture)

    def decode() -> None:
        picture.forget()
        picture.pixels()

    def put_new() -> None:
        store.put(picture)
        store.delete(picture.sha256)

    timed: dict[str, tuple[Callable[[], object], int | None]] = {
        "encode PNG": (lambda: Picture.encoded(pixels, Metadata()), len(picture.data)),
        "  by Pillow, level 1": (lambda: pillow_png(pixels), len(pillow_png(pixels))),
        "  by OpenCV, level 1 alone": (lambda: opencv_png(pixels), len(opencv_png(pixels))),
        "decode PNG": (decode, None),
        "  by Pillow": (lambda: pillow_decode(picture.data), None),
        "take PNG bytes (header)": (lambda: Picture.from_bytes(picture.data), None),
        "sha256": (lambda: hashlib.sha256(picture.data).hexdigest(), None),
        "load JPEG (decode, strip)": (lambda: load(camera), len(camera)),
        "preview": (lambda: picture.preview(), len(picture.preview().data)),
        "store: put a new one": (put_new, None),
        "store: put one it has": (lambda: stored.put(picture), None),
        "store: get": (lambda: stored.get(picture.sha256), None),
        "save as JPEG": (lambda: save(picture, folder / "a.jpg", overwrite=True), None),
        "save as PNG": (lambda: save(picture, folder / "a.png", overwrite=True), None),
    }
    return {name: (median_ms(work, runs), size) for name, (work, size) in timed.items()}


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    calibration = median_ms(lambda: sum(n * n for n in range(300_000)), runs)
    print(f"calibration loop {calibration:.1f} ms; medians of {runs}; OpenCV {cv2.__version__}\n")
    print("| | " + " | ".join(f"{size} ms | MB" for size in SIZES) + " |")
    print("|---|" + "---:|---:|" * len(SIZES))
    with tempfile.TemporaryDirectory() as folder:
        columns = [rows(photograph(size), runs, Path(folder)) for size in SIZES.values()]
    for name in columns[0]:
        cells = [
            f"{ms:.2f} | {'' if size is None else f'{size / 1e6:.2f}'}"
            for ms, size in (c[name] for c in columns)
        ]
        print(f"| {name.replace('  ', '&nbsp; ')} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
