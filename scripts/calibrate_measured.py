"""How often the `measured` thinker says under, right, over and damaged correctly, on changes of known kind.

Method: each photograph is changed by operations written here, apart from the package's own editor (gains,
curves, blur, noise, shift, JPEG, leaks outside the region), in amounts that a person calls too little, right
and too much, and by right amounts with damage. The thinker gets the two pictures and the instruction, and its
finding is counted against what was done. Photographs are split: limits and bands in the package were chosen
on the tuning photographs only, and the others are reported apart.

    python scripts/calibrate_measured.py                          # examples/photos, split as below
    python scripts/calibrate_measured.py FOLDER... --wrong        # further folders, and each wrong verdict

Photographs of further folders count to the tuning set.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters import masks
from thinkedit.adapters.thinkers.measured import MeasuredThinker
from thinkedit.errors import ThinkerFailed
from thinkedit.images import Picture, load

TUNING = {"astronaut", "chelsea"}
"""Of examples/photos; coffee, rocket and china are reported on."""
KINDS = ("under", "right", "over", "damaged")

Floats = NDArray[np.float32]
Change = Callable[[Floats], Floats]
"""Gamma-encoded RGB, 0 to 1, before and after."""


# ---- operations, each of one strength


def _bytes(x: Floats) -> NDArray[np.uint8]:
    return np.asarray(np.clip(x, 0, 1) * 255 + 0.5, np.uint8)


def _luma(x: Floats) -> Floats:
    return np.asarray(x @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]


def light(stops: float) -> Change:
    """Gain in (roughly) linear light; brightening rolls off above 0.75."""

    def change(x: Floats) -> Floats:
        y = x**2.2 * 2**stops
        if stops > 0:
            y = np.where(y > 0.75, 0.75 + 0.25 * np.tanh((y - 0.75) / 0.25), y)
        return np.clip(y, 0, 1) ** (1 / 2.2)

    return change


def curve(strength: float) -> Change:
    """A sine-shaped S-curve on each channel; negative flattens."""
    return lambda x: np.clip(x - strength * np.sin(2 * np.pi * x) / (2 * np.pi), 0, 1)


def power(exponent: float) -> Change:
    return lambda x: x**exponent


def balance(red: float) -> Change:
    """Red times `red`, blue divided by it, luma kept."""

    def change(x: Floats) -> Floats:
        y = x * np.array([red, 1, 1 / red], np.float32)
        return np.clip(y * (_luma(x) / np.maximum(_luma(y), 1e-4)), 0, 1)

    return change


def green(gain: float) -> Change:
    def change(x: Floats) -> Floats:
        y = x * np.array([1, gain, 1], np.float32)
        return np.clip(y * (_luma(x) / np.maximum(_luma(y), 1e-4)), 0, 1)

    return change


def colour(factor: float) -> Change:
    return lambda x: np.clip(_luma(x) + (x - _luma(x)) * factor, 0, 1)


def pale_colour(gain: float) -> Change:
    """More colour where there is little of it."""

    def change(x: Floats) -> Floats:
        strength = np.ptp(x, axis=2, keepdims=True)
        return np.clip(_luma(x) + (x - _luma(x)) * (1 + gain * (1 - strength) ** 2), 0, 1)

    return change


def unsharp(amount: float, sigma: float = 1.2) -> Change:
    def change(x: Floats) -> Floats:
        y = _luma(x)[..., 0]
        return np.clip(x + amount * (y - cv2.GaussianBlur(y, (0, 0), sigma))[..., None], 0, 1)

    return change


def local(amount: float) -> Change:
    """Distance from a wide blur, stretched."""

    def change(x: Floats) -> Floats:
        y = _luma(x)[..., 0]
        wide = cv2.bilateralFilter(y, 0, 0.2, 0.015 * max(y.shape))
        return np.clip(x + amount * (y - wide)[..., None], 0, 1)

    return change


def dark_end(rise: float) -> Change:
    def change(x: Floats) -> Floats:
        y = _luma(x)
        return np.clip(x * (1 + rise * np.clip(1 - y / 0.45, 0, 1)), 0, 1) + 0.12 * rise * np.clip(
            0.25 - y, 0, 1
        )

    return change


def bright_end(fall: float) -> Change:
    def change(x: Floats) -> Floats:
        y = _luma(x)
        return np.clip(x * (1 - fall * np.clip((y - 0.55) / 0.45, 0, 1)), 0, 1)

    return change


def soft(share: float) -> Change:
    return lambda x: cv2.GaussianBlur(x, (0, 0), share * max(x.shape))


def corners(fall: float) -> Change:
    def change(x: Floats) -> Floats:
        h, w = x.shape[:2]
        y, z = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        return x * (1 - fall * np.clip(np.hypot(y, z) / 1.42, 0, 1) ** 3)[..., None].astype(np.float32)

    return change


def grey(share: float) -> Change:
    return lambda x: x + (_luma(x) - x) * share


def brown(strength: float) -> Change:
    def change(x: Floats) -> Floats:
        toned = _luma(x) ** np.array([1 - 0.22 * strength, 1.0, 1 + 0.35 * strength], np.float32)
        return np.clip(toned, 0, 1)

    return change


def blocks(share: float) -> Change:
    def change(x: Floats) -> Floats:
        h, w = x.shape[:2]
        size = max(2, round(share * max(h, w)))
        small = cv2.resize(x, (max(1, w // size), max(1, h // size)), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (w, h), interpolation=cv2.INTER_NEAREST)

    return change


def turned(share: float) -> Change:
    """Hue turned to blue in the upper share of the picture (by exchanging red and blue)."""

    def change(x: Floats) -> Floats:
        y = x.copy()
        rows = round(share * len(x))
        y[:rows] = y[:rows, :, ::-1]
        return y

    return change


# ---- damage, on top of a right amount


def noisy(x: Floats) -> Floats:
    return x + np.random.default_rng(5).normal(0, 0.055, x.shape).astype(np.float32)


def moved(x: Floats) -> Floats:
    step = max(3, round(0.006 * max(x.shape)))
    return np.roll(x, (step, step), axis=(0, 1))


def smeared(x: Floats) -> Floats:
    return cv2.GaussianBlur(x, (0, 0), max(1.3, 0.0032 * max(x.shape)))


def squeezed(x: Floats) -> Floats:
    """JPEG of quality 8."""
    coded = cv2.imencode(".jpg", _bytes(x)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 8])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1].astype(np.float32) / 255


def banded(x: Floats) -> Floats:
    return np.floor(x * 14 + 0.5) / 14


DAMAGE: dict[str, Change] = {
    "noise": noisy, "shift": moved, "smear": smeared, "jpeg": squeezed, "bands": banded,
}  # fmt: skip


# ---- what is tried: instruction -> kind -> changes; a region limits the change to it

CASES: dict[str, dict[str, list[Change]]] = {
    "make it brighter": {
        "under": [light(0.08), light(0.15)], "right": [light(0.5), light(0.7)], "over": [light(2.4)],
    },
    "make it much darker": {"under": [light(-0.15)], "right": [light(-0.9)], "over": [light(-4)]},
    "slightly brighter": {"under": [light(0.03)], "right": [light(0.3)], "over": [light(1.5)]},
    "increase the contrast": {
        "under": [curve(0.05)], "right": [curve(0.3), curve(0.42)], "over": [curve(1.6)],
    },
    "reduce the contrast": {"under": [curve(-0.04)], "right": [curve(-0.35)], "over": [curve(-0.97)]},
    "brighten the midtones": {"under": [power(0.97)], "right": [power(0.8)], "over": [power(0.4)]},
    "lift the shadows": {"under": [dark_end(0.05)], "right": [dark_end(0.5)], "over": [dark_end(3.0)]},
    "recover the highlights": {
        "under": [bright_end(0.01)], "right": [bright_end(0.15)], "over": [bright_end(0.6)],
    },
    "add clarity": {"under": [local(0.04)], "right": [local(0.35)], "over": [local(2.5)]},
    "make it warmer": {
        "under": [balance(1.01)], "right": [balance(1.06), balance(1.08)], "over": [balance(1.3)],
    },
    "make it much cooler": {"under": [balance(0.985)], "right": [balance(0.9)], "over": [balance(0.6)]},
    "more magenta": {"under": [green(0.99)], "right": [green(0.94)], "over": [green(0.75)]},
    "increase the saturation": {
        "under": [colour(1.05)], "right": [colour(1.3), colour(1.4)], "over": [colour(2.6)],
    },
    "reduce the saturation": {"under": [colour(0.96)], "right": [colour(0.7)], "over": [colour(0.15)]},
    "make it more vibrant": {
        "under": [pale_colour(0.03)], "right": [pale_colour(0.4)], "over": [pale_colour(2.2)],
    },
    "make it black and white": {"under": [grey(0.6)], "right": [grey(1.0)], "over": []},
    "give it a sepia tone": {"under": [brown(0.15), grey(0.5)], "right": [brown(1.0)], "over": [brown(3.5)]},
    "sharpen": {"under": [unsharp(0.04)], "right": [unsharp(0.6), unsharp(0.8)], "over": [unsharp(6.0)]},
    "blur": {"under": [soft(0.0012)], "right": [soft(0.008)], "over": [soft(0.07)]},
    "blur the background": {
        "under": [soft(0.002)], "right": [soft(0.015), soft(0.022)], "over": [soft(0.12)],
    },
    "make the background darker": {"under": [light(-0.08)], "right": [light(-0.7)], "over": [light(-5)]},
    "make the background black and white": {"under": [grey(0.5)], "right": [grey(1.0)], "over": []},
    "make the red parts blue": {"under": [turned(0.4)], "right": [turned(1.0)], "over": []},
    "add a vignette": {"under": [corners(0.04)], "right": [corners(0.45)], "over": [corners(1.4)]},
    "pixelate": {"under": [blocks(0.003)], "right": [blocks(0.015)], "over": [blocks(0.09)]},
}  # fmt: skip


def cases(pixels: NDArray[np.uint8]) -> Iterator[tuple[str, str, str, NDArray[np.uint8]]]:
    """(instruction, kind, what was done, result)."""
    x = pixels.astype(np.float32) / 255
    subject = masks.subject(np.ascontiguousarray(pixels))
    red = masks.named_colour(np.ascontiguousarray(pixels), "red")
    for instruction, kinds in CASES.items():
        behind, recoloured = "background" in instruction, "red parts" in instruction
        mask = np.ones(x.shape[:2], np.float32)
        if behind or recoloured:
            found = subject if behind else red
            if found is None:
                continue
            mask = 1 - found if behind else found

        def limited(change: Change, mask: Floats = mask) -> Floats:
            return x + (np.clip(change(x), 0, 1) - x) * mask[..., None]

        for kind, changes in kinds.items():
            for index, change in enumerate(changes):
                yield instruction, kind, f"{kind} {index}", _bytes(limited(change))
        right = kinds["right"][0]
        if "pixelate" in instruction or instruction == "blur":
            continue  # nothing of the picture is to stay
        for name, damage in DAMAGE.items():
            yield instruction, "damaged", name, _bytes(damage(limited(right)))
        if behind or recoloured:
            yield instruction, "damaged", "leak", _bytes(right(x))


def truth(instruction: str, pixels: NDArray[np.uint8]) -> bool:
    """Whether the instruction makes sense for the photograph: there must be something to change."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    if "shadows" in instruction:
        return float((lab[..., 0] < 28).mean()) > 0.03
    if "highlights" in instruction:
        return float((lab[..., 0] > 78).mean()) > 0.03
    if any(word in instruction for word in ("satur", "vibrant", "black", "sepia")):
        return float(np.hypot(lab[..., 1], lab[..., 2]).mean()) > 6
    return True


def table(counts: Counter[tuple[str, str]]) -> str:
    lines = ["| done, said: | " + " | ".join(KINDS) + " | correct |", "|---|" + "---|" * 5]
    for done in KINDS:
        row = [counts[done, said] for said in KINDS]
        lines.append(
            f"| {done} | "
            + " | ".join(map(str, row))
            + f" | {100 * counts[done, done] / max(sum(row), 1):.0f} % |"
        )
    total, good = sum(counts.values()), sum(counts[kind, kind] for kind in KINDS)
    accepted = sum(n for (done, said), n in counts.items() if done != "right" and said == "right")
    wrong = sum(n for (done, _), n in counts.items() if done != "right")
    lines.append(f"\n{good} of {total} correct; {accepted} of {wrong} bad results accepted")
    return "\n".join(lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument(
        "folders", nargs="*", type=Path, help="further photographs, counted to the tuning set"
    )
    arguments.add_argument("--wrong", action="store_true", help="print each wrong verdict")
    arguments.add_argument("--only", default="", help="only instructions that contain this")
    arguments.add_argument("--set", default="", choices=("", "tuning", "reporting"), help="only this set")
    given = arguments.parse_args()
    examples = sorted((Path(__file__).parent.parent / "examples" / "photos").iterdir())
    paths = [path for path in examples if path.suffix in (".png", ".jpg")]
    paths += sorted(p for folder in given.folders for p in folder.iterdir() if p.suffix in (".png", ".jpg"))
    thinker = MeasuredThinker()
    counts: dict[str, Counter[tuple[str, str]]] = {"tuning": Counter(), "reporting": Counter()}
    wrong: Counter[tuple[str, str]] = Counter()
    seconds, judged = 0.0, 0
    for path in paths:
        group = "tuning" if path.stem in TUNING or path not in examples else "reporting"
        if given.set and group != given.set:
            continue
        pixels = cv2.resize(load(path).picture.pixels(), None, fx=1, fy=1)
        scale = 1000 / max(pixels.shape[:2])
        if scale < 1:
            pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        source = Picture.from_pixels(pixels)
        for instruction, done, what, result in cases(pixels):
            if given.only not in instruction or not truth(instruction, pixels):
                continue
            picture = Picture.from_pixels(result)
            began = time.perf_counter()
            try:
                verdict = thinker.verdict(source, picture, instruction)
            except ThinkerFailed:
                continue
            seconds, judged = seconds + time.perf_counter() - began, judged + 1
            said = verdict.kind
            counts[group][done, said] += 1
            if said != done and not (done in ("over", "damaged") and said in ("over", "damaged")):
                wrong[group, instruction] += 1
            if said != done and given.wrong:
                facts = [
                    f"{r.noun} {r.value:.1f} [{r.low:.1f} {r.goal:.1f} {r.high:.1f}]"
                    for r in verdict.readings
                ]
                facts += [f"{g.name} {g.value:.2f}>{g.limit:.2f}" for g in verdict.guards if g.tripped]
                print(
                    f"{path.stem:12} {instruction:28} {what:10} said {said:8}", "; ".join(facts), flush=True
                )
    for group, found in counts.items():
        if found:
            print(f"\n{group}\n\n{table(found)}")
    print("\nmistaken (over and damaged taken as one):", dict(wrong))
    print(f"{1000 * seconds / max(judged, 1):.0f} ms a verdict, {judged} verdicts")


if __name__ == "__main__":
    main()
