"""Numbers about light, colour and fine detail, none of them the thinker's.

Each takes a pair and a place (a mask of the source's size) and compares the result with the source.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from gallery.frames import Floats, Frame, Pair, Where

__all__ = [
    "bright_third",
    "centre",
    "chroma_left",
    "colour_distance",
    "colours_left",
    "corners",
    "dark_third",
    "darkest",
    "edges",
    "entropy",
    "fine_detail",
    "flat_grain",
    "flat_pairs",
    "hsv_saturation",
    "hue_share",
    "light",
    "light_with_room",
    "local_spread",
    "mean_colour",
    "pale_colours",
    "paleness",
    "range_ratio",
    "red_to_blue",
    "same_directions",
    "same_lines",
    "sky_tone",
    "strong_colours",
]

# ---- light


def light(pair: Pair, where: Where) -> float:
    """Change of the mean luminance, geometric, in stops."""
    return float((pair.after.stops - pair.before.stops)[where].mean())


def light_with_room(pair: Pair, where: Where) -> float:
    """As light, of what lies 1.3 stops or more below white and so can take a stop."""
    part = where & (pair.before.stops <= -1.3)
    return light(pair, part if part.any() else where)


def _third(pair: Pair, where: Where, dark: bool) -> float:
    before = pair.before.stops
    edge = np.quantile(before[where], 1 / 3 if dark else 2 / 3)
    part = where & ((before <= edge) if dark else (before >= edge))
    return float((pair.after.stops - pair.before.stops)[part].mean())


def dark_third(pair: Pair, where: Where) -> float:
    """Change of light in the darkest third of the source, in stops."""
    return _third(pair, where, True)


def bright_third(pair: Pair, where: Where) -> float:
    """Change of light in the brightest third of the source, in stops."""
    return _third(pair, where, False)


def range_ratio(pair: Pair, where: Where) -> float:
    """log2 of how much more the logarithm of luminance spreads (root mean square)."""
    before, after = pair.before.stops[where].std(), pair.after.stops[where].std()
    return float(np.log2(max(after, 1e-3) / max(before, 1e-3)))


def corners(pair: Pair, where: Where) -> float:
    """Change of light in the four corners (an eighth of each side) against the centre, in stops."""
    change = pair.after.stops - pair.before.stops
    h, w = change.shape[0] // 8, change.shape[1] // 8
    four = (change[:h, :w], change[:h, -w:], change[-h:, :w], change[-h:, -w:])
    return float(np.mean([part.mean() for part in four])) - centre(pair, where)


def centre(pair: Pair, where: Where) -> float:
    """Change of light in the middle quarter, in stops."""
    change = pair.after.stops - pair.before.stops
    h, w = change.shape
    return float(change[3 * h // 8 : 5 * h // 8, 3 * w // 8 : 5 * w // 8].mean())


def darkest(pair: Pair, where: Where) -> float:
    """Change of the luma below which one pixel in a hundred lies."""
    return float(np.quantile(pair.after.luma[where], 0.01) - np.quantile(pair.before.luma[where], 0.01))


def entropy(pair: Pair, where: Where) -> float:
    """Change of the entropy of luma in bits: how evenly the range is used."""

    def bits(luma: Floats) -> float:
        share = np.histogram(luma[where], 64, (0, 1))[0] / where.sum()
        share = share[share > 0]
        return float(-(share * np.log2(share)).sum())

    return bits(pair.after.luma) - bits(pair.before.luma)


def paleness(pair: Pair, where: Where) -> float:
    """Mean luma of the result."""
    return float(pair.after.luma[where].mean())


# ---- colour


def red_to_blue(pair: Pair, where: Where) -> float:
    """Change of the ratio of red to blue light, in stops, where no channel is clipped."""
    usable = where.copy()
    for frame in (pair.before, pair.after):
        usable &= (frame.pixels.max(axis=2) < 252) & (frame.pixels.max(axis=2) > 8)
    if int(usable.sum()) < 100:
        usable = where

    def ratio(frame: Frame) -> float:
        red, _, blue = frame.light[usable].mean(axis=0)
        return float(np.log2((red + 1e-4) / (blue + 1e-4)))

    return ratio(pair.after) - ratio(pair.before)


def _hsv_chroma(frame: Frame, where: Where) -> float:
    x = frame.encoded[where]
    return float(np.ptp(x, axis=1).mean() / max(float(x.max(axis=1).mean()), 1e-3))


def hsv_saturation(pair: Pair, where: Where) -> float:
    """log2 of the ratio of HSV saturations, each weighted with value."""
    before, after = _hsv_chroma(pair.before, where), _hsv_chroma(pair.after, where)
    return float(np.log2(max(after, 1e-4) / max(before, 1e-4)))


def _saturation_of(pair: Pair, where: Where, low: float, high: float) -> float:
    x = pair.before.encoded
    value = x.max(axis=2)
    saturation = np.ptp(x, axis=2) / np.maximum(value, 1e-3)
    part = where & (value > 0.15) & (saturation >= low) & (saturation < high)
    return hsv_saturation(pair, part) if part.mean() > 0.01 else 0.0


def pale_colours(pair: Pair, where: Where) -> float:
    """As hsv_saturation, of what had a saturation of 0.05 to 0.45."""
    return _saturation_of(pair, where, 0.05, 0.45)


def strong_colours(pair: Pair, where: Where) -> float:
    """As hsv_saturation, of what had a saturation above 0.7."""
    return _saturation_of(pair, where, 0.7, 1.01)


def chroma_left(pair: Pair, where: Where) -> float:
    """Mean Oklab chroma of the result."""
    return float(pair.after.colourfulness[where].mean())


def colour_distance(pair: Pair, where: Where) -> float:
    """Mean distance of source and result in Oklab."""
    return float(np.linalg.norm(pair.after.oklab - pair.before.oklab, axis=2)[where].mean())


def mean_colour(pair: Pair, where: Where) -> float:
    """Distance of the mean colours of source and result in Oklab."""
    return float(np.linalg.norm(pair.after.oklab[where].mean(axis=0) - pair.before.oklab[where].mean(axis=0)))


def hue_share(low: float, high: float) -> Callable[[Pair, Where], float]:
    """Share of the place whose HSV hue lies between two angles, greys left out of the share's upper part."""

    def share(pair: Pair, where: Where) -> float:
        hsv = cv2.cvtColor(pair.after.encoded, cv2.COLOR_RGB2HSV)[where]
        coloured = (hsv[:, 1] > 0.12) & (hsv[:, 2] > 0.06)
        hue = hsv[:, 0]
        inside = (hue >= low) & (hue <= high) if low <= high else (hue >= low) | (hue <= high)
        return float((inside & coloured).mean())

    return share


def sky_tone(pair: Pair, where: Where) -> float:
    """Ratio of red to blue light in the result, in stops (a clear sky has less than 0)."""
    red, _, blue = pair.after.light[where].mean(axis=0)
    return float(np.log2((red + 1e-4) / (blue + 1e-4)))


# ---- detail


def fine_detail(pair: Pair, where: Where) -> float:
    """log2 of the ratio of amplitudes above a quarter of a cycle per pixel (Fourier)."""

    def amplitude(luma: Floats) -> float:
        spectrum = np.fft.rfft2(luma)
        y, x = np.fft.fftfreq(luma.shape[0])[:, None], np.fft.rfftfreq(luma.shape[1])[None]
        fine = np.hypot(y, x) > 0.25
        return float(np.sqrt((np.abs(spectrum[fine]) ** 2).mean()))

    return float(np.log2(max(amplitude(pair.after.luma), 1e-3) / max(amplitude(pair.before.luma), 1e-3)))


def edges(pair: Pair, where: Where) -> float:
    """log2 of the ratio of gradients (Tenengrad, root mean square)."""
    before, after = (float(np.sqrt((f.edge[where] ** 2).mean())) for f in (pair.before, pair.after))
    return float(np.log2((after + 2e-3) / (before + 2e-3)))


def local_spread(pair: Pair, where: Where) -> float:
    """log2 of the ratio of what lies between blurs of 0.4 % and 3 % of the longer side."""

    def spread(frame: Frame) -> float:
        side = max(frame.height, frame.width)
        small = cv2.GaussianBlur(frame.luma, (0, 0), 0.004 * side)
        wide = cv2.GaussianBlur(frame.luma, (0, 0), 0.03 * side)
        return float((small - wide)[where].std())

    return float(np.log2(max(spread(pair.after), 1e-4) / max(spread(pair.before), 1e-4)))


def flat_grain(pair: Pair, where: Where) -> float:
    """log2 of the ratio of fine variation in the source's flattest fifth (blocks of 8 pixels)."""
    fine = [f.luma - cv2.GaussianBlur(f.luma, (0, 0), 1.5) for f in (pair.before, pair.after)]
    h, w = (n // 8 * 8 for n in fine[0].shape)

    def blocks(x: Floats) -> Floats:
        cut = x[:h, :w].reshape(h // 8, 8, w // 8, 8)
        return np.asarray(cut.std(axis=(1, 3)), np.float32)

    relief = blocks(pair.before.luma)
    lit = cv2.resize(pair.before.luma, (w // 8, h // 8), interpolation=cv2.INTER_AREA)
    usable = (lit > 0.05) & (lit < 0.95)
    flat = usable & (relief <= np.quantile(relief[usable], 0.2))
    before, after = (float(blocks(np.asarray(x, np.float32))[flat].mean()) for x in fine)
    return float(np.log2(max(after, 1e-5) / max(before, 1e-5)))


def colours_left(pair: Pair, where: Where) -> float:
    """log2 of the ratio of the numbers of different colours (4 bits a channel, 3 pixels or more)."""

    def count(frame: Frame) -> int:
        x = frame.pixels.astype(np.uint16) >> 4
        return int((np.bincount(((x[..., 0] << 8) | (x[..., 1] << 4) | x[..., 2]).ravel()) >= 3).sum())

    return float(np.log2(max(count(pair.after), 1) / max(count(pair.before), 1)))


def _at_edges(pair: Pair, where: Where) -> tuple[Where, Floats]:
    """The source's strongest sixth of gradients in the place, and the cosine between the two directions."""
    strong = pair.before.edge
    chosen = where & (strong >= np.quantile(strong[where], 5 / 6)) & (strong > 0.01)
    (ax, ay), (bx, by) = pair.before.gradient, pair.after.gradient
    cosine = (ax * bx + ay * by) / np.maximum(pair.before.edge * pair.after.edge, 1e-6)
    return chosen, np.asarray(cosine, np.float32)


def same_directions(pair: Pair, where: Where) -> float:
    """Mean cosine between the gradients of source and result at the source's edges, 1 = the same."""
    chosen, cosine = _at_edges(pair, where)
    return float(cosine[chosen].mean()) if chosen.any() else 1.0


def same_lines(pair: Pair, where: Where) -> float:
    """As same_directions, but a line may have turned from bright to dark (drawings do that)."""
    chosen, cosine = _at_edges(pair, where)
    return float(np.abs(cosine[chosen]).mean()) if chosen.any() else 1.0


def flat_pairs(pair: Pair, where: Where) -> float:
    """Share of pixels that equal their right neighbour."""
    x = pair.after.pixels.astype(np.int16)
    return float((np.abs(x[:, 1:] - x[:, :-1]).max(axis=2) <= 1)[where[:, 1:]].mean())
