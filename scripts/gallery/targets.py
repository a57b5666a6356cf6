"""What each instruction should come to on the yardstick, written down from its plain meaning beforehand.

A wish is a few bands, each a measure of `yardstick.py` with a lowest and a highest value and a sentence why.
`slightly` and `much` scale the ends of a plain band as PORTIONS says. Nothing here was fitted to results.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gallery.frames import Pair
from gallery.places import place
from gallery.yardstick import MEASURES, burnt, disagreement

__all__ = ["WISHES", "Band", "Wish", "damage", "distance", "error", "misses", "wish"]


@dataclass(frozen=True)
class Band:
    """One measure between `low` and `high` in a place.

    slack: how far outside counts as a full miss (1). stays: what was not named and should not change; this
    falls away where another wish of the sentence moves the same thing.
    """

    measure: str
    low: float
    high: float
    slack: float
    why: str
    place: str = "whole"
    stays: bool = False


@dataclass(frozen=True)
class Wish:
    """bands: what should come true.

    turmoil: disagreement of gradients that the wish may bring with it; None where it makes another picture
    (a drawing, a crop), of which burnt pixels and turned edges say nothing.
    """

    bands: tuple[Band, ...]
    turmoil: float | None = 0.1


PORTIONS: dict[str, tuple[float, float]] = {"slightly": (0.4, 0.7), "plain": (1.0, 1.0), "much": (1.4, 2.0)}
"""Factors on the low and the high end: a slight change is about half a plain one, much about twice it."""

_SEEN = "less than a quarter stop is hardly seen, more than one is another photograph"
_STAYS = "what was not named should stay within a tenth of a stop or so"
_LINES = "the drawing must follow the photograph's edges"


def _light(sign: int = 1, where: str = "whole") -> Wish:
    low, high = (0.25, 1.0) if sign > 0 else (-1.0, -0.25)
    return Wish((Band("light", low, high, 0.4, _SEEN, where),))


def _stays(where: str) -> Wish:
    return Wish((Band("light", -0.15, 0.15, 0.3, _STAYS, where),))


def _untouched(where: str) -> Wish:
    return Wish((Band("colour_distance", 0, 0.02, 0.04, "0.02 in Oklab is just seen side by side", where),))


WISHES: dict[str, Wish] = {
    "brighter": _light(),
    "darker": _light(-1),
    "brighter below the highlights": Wish((
        Band("light_with_room", 0.25, 1.0, 0.4, _SEEN),
        Band("bright_third", -0.12, 0.15, 0.3, "the highlights were to be kept"),
    )),
    "one stop brighter": Wish((Band("light_with_room", 0.7, 1.15, 0.4, "a stop where there is room"),)),
    "contrast": Wish((Band("range_ratio", 0.1, 0.55, 0.3, "a paper grade or two: 7 to 45 % more range"),)),
    "shadows": Wish((
        Band("dark_third", 0.2, 0.9, 0.4, "fill light of a fifth to nine tenths of a stop"),
        Band("bright_third", -0.12, 0.2, 0.3, "the bright parts are not what was named", stays=True),
    )),
    "highlights down": Wish((
        Band("bright_third", -0.6, -0.06, 0.3, "bright parts gain tone but do not turn grey"),
        Band("dark_third", -0.15, 0.15, 0.3, _STAYS, stays=True),
    )),
    "clarity": Wish((Band("local_spread", 0.08, 0.7, 0.4, "local contrast up by 6 to 60 %"),)),
    "auto": Wish((
        Band("entropy", -0.1, 2.0, 0.5, "the range is used no worse than before"),
        Band("colour_distance", 0.005, 0.12, 0.06, "to be seen, yet the same photograph"),
    )),
    "warmer": Wish((
        Band("red_to_blue", 0.25, 0.9, 0.4, "warming filters 81A to 81EF: 18 to 52 mired, 0.015 stop each"),
        Band("light", -0.25, 0.25, 0.4, "colour was named, light was not", stays=True),
    )),
    "cooler": Wish((
        Band("red_to_blue", -0.9, -0.25, 0.4, "cooling filters 82A to 82C and a little more"),
        Band("light", -0.25, 0.25, 0.4, "colour was named, light was not", stays=True),
    )),
    "saturation": Wish((Band("hsv_saturation", 0.12, 0.6, 0.3, "8 to 50 % more"),)),
    "30 % less saturation": Wish((Band("hsv_saturation", -0.75, -0.3, 0.3, "70 % is left: log2 is -0.51"),)),
    "vibrance": Wish((
        Band("pale_colours", 0.1, 0.8, 0.3, "pale colours are what vibrance is for"),
        Band("strong_colours", -0.1, 0.25, 0.3, "strong ones must not glare"),
    )),
    "black and white": Wish((
        Band("chroma_left", 0, 0.005, 0.02, "no colour at all"),
        Band("light", -0.5, 0.5, 0.4, "as light as before"),
    )),
    "sepia": Wish((
        Band("brown_share", 0.8, 1.0, 0.3, "everything is a shade of brown"),
        Band("chroma_left", 0.02, 0.11, 0.04, "a tone, not orange"),
        Band("light", -0.5, 0.5, 0.4, "as light as before"),
    )),
    "vintage": Wish((
        Band("darkest", 0.01, 0.2, 0.05, "faded: black is no longer black"),
        Band("hsv_saturation", -1.2, -0.08, 0.3, "colours have faded"),
    ), 0.15),
    "sharper": Wish((Band("fine_detail", 0.2, 1.1, 0.5, "fine detail 15 to 115 % stronger"),), 0.15),
    "denoised": Wish((
        Band("flat_grain", -4.0, -0.2, 0.4, "the flattest parts lose an eighth of their grain or more"),
        Band("edges", -0.4, 0.15, 0.3, "edges keep three quarters of their slope"),
    ), 0.15),
    "vignette": Wish((
        Band("corners", -2.2, -0.35, 0.4, "seen in the corners, which are not black"),
        Band("centre", -0.12, 0.12, 0.2, "the middle stays as it is", stays=True),
    )),
    "background blurred": Wish((
        Band("edges", -7.0, -0.6, 0.5, "edges behind lose a third or more", "background"),
        Band("edges", -0.2, 0.2, 0.3, "the subject stays sharp", "subject"),
    ), None),
    "background darker": Wish((
        Band("light", -1.3, -0.25, 0.4, _SEEN, "background"),
        *_stays("subject").bands,
    )),
    "background grey": Wish((
        Band("chroma_left", 0, 0.012, 0.03, "no colour behind", "background"),
        Band("hsv_saturation", -0.1, 0.1, 0.2, "all of it in front", "subject"),
    )),
    "background white": Wish((
        Band("paleness", 0.93, 1.0, 0.1, "white", "background"),
        *_untouched("subject").bands,
    ), None),
    "face brighter": Wish((
        Band("light", 0.2, 0.9, 0.3, _SEEN, "face"),
        Band("light", -0.1, 0.15, 0.3, _STAYS, "background"),
        Band("light", -0.1, 0.15, 0.3, _STAYS, "suit"),
    )),
    "suit blue": Wish((
        Band("blue_share", 0.8, 1.0, 0.4, "the suit is blue", "suit"),
        Band("same_lines", 0.8, 1.0, 0.2, "its folds are still there", "suit"),
        *_untouched("not the suit").bands,
    ), None),
    "red china blue": Wish((
        Band("blue_share", 0.8, 1.0, 0.4, "the cup and its saucer are blue", "red china"),
        *_untouched("not the red china").bands,
    ), None),
    "red china green": Wish((
        Band("green_share", 0.8, 1.0, 0.4, "the cup and its saucer are green", "red china"),
        *_untouched("not the red china").bands,
    ), None),
    "sky darker": Wish((Band("light", -1.2, -0.2, 0.4, _SEEN, "sky"), *_stays("ground").bands)),
    "sky brighter": Wish((Band("light", 0.2, 1.2, 0.4, _SEEN, "sky"), *_stays("ground").bands)),
    "sky left alone": Wish(_untouched("sky").bands),
    "sunset sky": Wish((
        Band("sky_tone", 0.15, 5, 0.8, "more red than blue light", "sky"),
        Band("same_directions", 0.85, 1.0, 0.2, "the ground is the same ground", "ground"),
        Band("mean_colour", 0, 0.12, 0.08, "lit by that sky at most", "ground"),
    ), None),
    "overcast sky": Wish((
        Band("chroma_left", 0, 0.03, 0.04, "grey", "sky"),
        Band("same_directions", 0.85, 1.0, 0.2, "the ground is the same ground", "ground"),
        Band("mean_colour", 0, 0.12, 0.08, "lit by that sky at most", "ground"),
    ), None),
    "pencil": Wish((
        Band("chroma_left", 0, 0.01, 0.03, "graphite has no colour"),
        Band("paleness", 0.6, 0.97, 0.2, "mostly paper"),
        Band("same_lines", 0.6, 1.0, 0.2, _LINES),
    ), None),
    "painted": Wish((
        Band("flat_grain", -8.0, -0.3, 0.5, "paint has no grain where the picture is flat"),
        Band("colours_left", -4.0, -0.1, 0.5, "a palette, not every colour"),
        Band("mean_colour", 0, 0.1, 0.06, "the colours of the scene"),
        Band("same_lines", 0.65, 1.0, 0.2, _LINES),
    ), None),
    "colour sketch": Wish((
        Band("paleness", 0.55, 0.97, 0.2, "paper shows through"),
        Band("chroma_left", 0.01, 0.25, 0.02, "it has colour"),
        Band("same_lines", 0.6, 1.0, 0.2, _LINES),
    ), None),
    "square": Wish((
        Band("width_over_height", 0.99, 1.01, 0.05, "a square"),
        Band("found_within", 0.97, 1.0, 0.1, "cut, not squeezed"),
        Band("area_kept", 0.4, 1.0, 0.3, "as large a square as there is, or nearly"),
    ), None),
    "turned 5 degrees": Wish((
        Band("turned", 4.4, 5.6, 2.0, "five degrees clockwise"),
        Band("empty_corners", 0, 0.005, 0.02, "no empty corners"),
        Band("area_kept", 0.6, 1.5, 0.3, "most of the picture is there"),
    ), None),
    "mirrored": Wish((Band("mirrored", 0, 0.004, 0.05, "its mirror image"),), None),
    "300 wide": Wish((
        Band("width", 300, 300, 10, "as asked"),
        Band("magnified", 0.45, 0.55, 0.2, "the same picture, half as wide"),
    ), None),
    "white border": Wish((
        Band("white_rim", 0.99, 1.0, 0.2, "white all around"),
        Band("source_within", 0.97, 1.0, 0.1, "the picture is whole inside it"),
        Band("area_kept", 1.02, 1.35, 0.2, "a border, not a page"),
    ), None),
    "captioned": Wish((
        Band("written_share", 0.002, 0.12, 0.05, "to be read, not to cover"),
        Band("written_low", 0.97, 1.0, 0.3, "at the bottom"),
        Band("written_margin", 0.005, 0.45, 0.01, "not cut off"),
        Band("written_contrast", 2.5, 21, 1.5, "WCAG asks 3 for large letters"),
    ), None),
    "face pixelated": Wish((
        Band("flat_pairs", 0.6, 0.99, 0.3, "blocks: pixels are like their neighbour", "face"),
        *_untouched("suit").bands,
    ), None),
}  # fmt: skip


def wish(name: str, portion: str = "plain") -> Wish:
    """A wish by its name; portion: slightly, plain or much, which scales the first band."""
    plain = WISHES[name]
    if portion == "plain":
        return plain
    low, high = PORTIONS[portion]
    first = plain.bands[0]
    ends = (first.low * low, first.high * high) if first.high > 0 else (first.low * high, first.high * low)
    return replace(plain, bands=(replace(first, low=ends[0], high=ends[1]), *plain.bands[1:]))


_OF_LIGHT = {"light", "light_with_room", "dark_third", "bright_third", "range_ratio", "corners"}


def _bands(wishes: Sequence[Wish]) -> list[Band]:
    """All bands of a sentence; what should stay only where no other wish moves light."""
    kept = []
    for index, one in enumerate(wishes):
        others = [band for i, other in enumerate(wishes) if i != index for band in other.bands]
        moved = any(band.measure in _OF_LIGHT and not band.stays for band in others)
        kept += [band for band in one.bands if not (band.stays and moved)]
    return kept


def misses(pair: Pair, photo: str, wishes: Sequence[Wish]) -> list[tuple[Band, float, float]]:
    """Each band with the value found and its miss: 0 inside the band to 1."""
    size = pair.before.height, pair.before.width
    found = []
    for band in _bands(wishes):
        value = MEASURES[band.measure](pair, place(photo, band.place, *size))
        found.append((band, value, min(1.0, max(0.0, band.low - value, value - band.high) / band.slack)))
    return found


def damage(pair: Pair, wishes: Sequence[Wish]) -> float:
    """Pixels newly burnt white or black beyond 1 % (6 % is a full 1), and edges that turned beyond what the
    wishes bring with them (0.3 more is a full 1)."""
    allowed = [one.turmoil for one in wishes if one.turmoil is not None]
    if len(allowed) < len(wishes):
        return 0.0
    return min(1.0, max(0.0, burnt(pair) - 0.01) / 0.05) + min(
        1.0, max(0.0, disagreement(pair) - max(allowed)) / 0.3
    )


def error(pair: Pair, photo: str, wishes: Sequence[Wish]) -> float:
    """How far a result is from what was asked: the mean miss of the bands, plus damage. 0 is all well."""
    return float(np.mean([miss for _, _, miss in misses(pair, photo, wishes)])) + damage(pair, wishes)


AMOUNTS = {
    "light", "light_with_room", "dark_third", "bright_third", "range_ratio", "red_to_blue", "hsv_saturation",
    "pale_colours", "corners", "local_spread", "fine_detail",
}  # fmt: skip
"""Measures of how much, for which the middle of a band is the best guess at what was meant."""


def distance(pair: Pair, photo: str, wishes: Sequence[Wish]) -> float:
    """As error, but finer: amounts count by how far they are from the middle of their band.

    A half width away, that is at the band's end, is 1; at most 2.
    """
    found = misses(pair, photo, wishes)
    parts = [
        min(2.0, abs(2 * value - band.low - band.high) / (band.high - band.low))
        for band, value, _ in found
        if band.measure in AMOUNTS and not band.stays
    ] or [miss for _, _, miss in found]
    return float(np.mean(parts)) + damage(pair, wishes)
