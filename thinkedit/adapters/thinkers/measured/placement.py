"""Where the source lies in the result: found by matching features, for wishes that change the geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights, to_lab
from thinkedit.adapters.thinkers.measured.measures import mean, spread
from thinkedit.adapters.thinkers.measured.views import SIDE, Pair, View, reduce, resize
from thinkedit.adapters.vocabulary import Clause

__all__ = [
    "Placement", "expected_placement", "expected_turn", "find_placement", "lay_weights", "pair_in_place",
    "upright",
]  # fmt: skip

ENOUGH = 10
"""Matches that must agree before a placement is believed."""


@dataclass(frozen=True)
class Placement:
    """A similarity from the source's own pixels into the result's.

    matrix: 2 x 3, of the pictures at their own sizes. mirrored: left and right are exchanged.
    degrees: clockwise turn, -180 to 180, after the mirroring. scale: pixels of the result for one of the
    source. matches: how many features agree. stretch: the longer over the shorter of the two axes on which
    one length of the source comes out, 1 where its proportions stayed.
    """

    matrix: NDArray[np.float64]
    mirrored: bool
    degrees: float
    scale: float
    matches: int
    stretch: float = 1.0

    def stretched(self, across: float, down: float) -> Placement:
        """The placement in the result drawn out by these factors; its turn and its stretch are not."""
        return replace(self, matrix=np.diag([across, down]) @ self.matrix)

    def corners(self, size: tuple[int, int]) -> NDArray[np.float64]:
        """The source's corners (top left, top right, bottom right, bottom left) in the result, 4 x 2."""
        width, height = size
        points = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2], np.float64)

    def window(self, size: tuple[int, int], result: tuple[int, int]) -> tuple[float, float, float, float]:
        """What of the source the result shows: left, top, right, bottom as shares of the source.

        Below 0 or above 1 where the result reaches beyond the source, as with a border.
        """
        inverse = np.linalg.inv(np.vstack([self.matrix, [0, 0, 1]]))
        points = np.array([[0, 0, 1], [result[0], 0, 1], [result[0], result[1], 1], [0, result[1], 1]])
        back = (points @ inverse.T)[:, :2] / np.array(size)
        (left, top), (right, bottom) = back.min(axis=0), back.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def _centred(scale: float) -> NDArray[np.float64]:
    """3 x 3, from indices of pixels to places in a picture `scale` times as large, whose corner is (0, 0)."""
    return np.array([[scale, 0, 0.5 * scale], [0, scale, 0.5 * scale], [0, 0, 1]], np.float64)


def _features(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    finder = cv2.SIFT.create(900, contrastThreshold=0.015, enable_precise_upscale=True)
    found, described = finder.detectAndCompute(grey, None)
    if described is None or len(found) < 4:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in found], np.float32), np.asarray(described, np.float32)


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    """Lightness with its contrast evened out, so that features survive a change of tone."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(grey), np.uint8) if min(grey.shape) > 16 else grey


def _similarity(
    one: tuple[NDArray[np.float32], NDArray[np.float32]], two: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> tuple[NDArray[np.float64] | None, int, float]:
    """The similarity that most matches agree on, how many those are, and how far they say it is stretched."""
    if len(one[0]) < 4 or len(two[0]) < 4:
        return None, 0, 1.0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one[1], two[1], k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.8 * p[1].distance]
    if len(good) < 4:
        return None, 0, 1.0
    ends = one[0][[m.queryIdx for m in good]], two[0][[m.trainIdx for m in good]]
    cv2.setRNGSeed(1)  # RANSAC draws at random; the same pictures must give the same answer
    found, agree = cv2.estimateAffinePartial2D(
        *ends, method=cv2.RANSAC, ransacReprojThreshold=2.5, maxIters=3000, confidence=0.999
    )
    if found is None or not np.isfinite(found).all():
        return None, 0, 1.0
    count = int(agree.sum())
    return np.asarray(found, np.float64), count, _stretch(*ends, count)


def _stretch(one: NDArray[np.float32], two: NDArray[np.float32], agree: int) -> float:
    """Ratio of the axes of the affinity through the matches; 1 where a similarity explains as many."""
    found, fit = cv2.estimateAffine2D(
        one, two, method=cv2.RANSAC, ransacReprojThreshold=2.5, maxIters=3000, confidence=0.999
    )
    if found is None or not np.isfinite(found).all() or int(fit.sum()) < max(20, 1.1 * agree):
        return 1.0
    longer, shorter = np.linalg.svd(found[:, :2], compute_uv=False)
    return float(longer / max(shorter, 1e-6))


def upright(width: float, height: float, degrees: float) -> tuple[float, float]:
    """Width and height of the largest upright rectangle inside one of width x height turned by `degrees`.

    Either two of its corners touch the longer sides in their middle, or each corner touches one side.
    """
    angle = np.radians(degrees)
    sine, cosine = abs(float(np.sin(angle))), abs(float(np.cos(angle)))
    if min(sine, cosine) < 1e-4:
        return (height, width) if sine > cosine else (width, height)
    if min(width, height) <= 2 * sine * cosine * max(width, height):
        half = min(width, height) / 2
        return (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    double = cosine**2 - sine**2
    return (width * cosine - height * sine) / double, (height * cosine - width * sine) / double


def find_placement(source: View, result: Pixels) -> Placement | None:
    """Where the source lies in the result, or None where too little agrees to say."""
    small, other = source.small, reduce(result)
    if min(*small.shape[:2], *other.shape[:2]) < 16:
        return None
    two = _features(_grey(other))
    best: tuple[NDArray[np.float64], int, bool, float] | None = None
    for mirrored in (False, True):
        seen = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
        matrix, agree, stretch = _similarity(_features(_grey(seen)), two)
        if matrix is not None and agree >= ENOUGH and (best is None or agree > best[1]):
            best = matrix, agree, mirrored, stretch
    if best is None:
        return None
    matrix, agree, mirrored, stretch = best
    turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    down = source.scale
    up = max(result.shape[:2]) / max(other.shape[:2])
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0])) * down * up
    whole = np.vstack([matrix, [0, 0, 1]])
    if mirrored:
        whole = whole @ np.array([[-1, 0, small.shape[1] - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    full = _centred(up) @ whole @ np.linalg.inv(_centred(1 / down))
    return Placement(full[:2], mirrored, turn, scale, agree, stretch)


def expected_turn(wishes: Sequence[Clause], *, mirrored: bool) -> tuple[float, int]:
    """Where flips and turns, done in the order of the sentence, should lead.

    Returns the clockwise turn in degrees that a `Placement` should have, -180 to 180, and +1 or -1: what of
    it one more degree of the wished turn adds. mirrored: whether the result is; where it is not, the flips
    were not done, and only the turns are counted.
    """
    degrees, sign = 0.0, 1
    for wish in wishes:
        if wish.operation == "rotate":
            degrees += 90 * wish.amount * (wish.direction or 1)
        elif wish.operation == "flip" and mirrored:
            degrees = (0 if wish.option("axis") != "vertical" else 180) - degrees
            sign = -1 if any(w.operation == "rotate" for w in wishes[: list(wishes).index(wish)]) else 1
    return (degrees + 180) % 360 - 180, sign


def expected_placement(source: View, result: Pixels, wishes: Sequence[Clause]) -> Placement | None:
    """For pictures without features: flips and right-angled turns as asked, if the result agrees.

    None where the lightness of the result does not follow that of the source so placed.
    """
    (width, height), (wide, high) = source.size, (result.shape[1], result.shape[0])
    whole = np.diag([1.0, 1.0, 1.0])
    mirrored = False
    middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    for wish in wishes:
        if wish.operation == "flip":
            across = wish.option("axis") != "vertical"
            whole = np.diag([-1.0 if across else 1.0, 1.0 if across else -1.0, 1.0]) @ whole
            mirrored = not mirrored
        elif wish.operation == "rotate":
            turn = wish.amount * 90 * (wish.direction or 1)
            if turn % 90:
                return None
            cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            whole = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ whole
        elif wish.operation == "crop":
            return None
    scale = max(wide, high) / max(width, height)
    whole = np.diag([scale, scale, 1.0]) @ whole
    matrix = (np.array([[1, 0, wide / 2], [0, 1, high / 2], [0, 0, 1]]) @ whole @ middle)[:2]
    turned, _ = expected_turn(wishes, mirrored=mirrored)
    placement = Placement(matrix, mirrored, turned, scale, 0)
    pair, _ = pair_in_place(source, result, placement)
    before, after = pair.lightness
    both = mean((before - mean(before, pair.valid)) * (after - mean(after, pair.valid)), pair.valid)
    alike = both / max(spread(before, pair.valid) * spread(after, pair.valid), 1e-3)
    return placement if alike > 0.85 and pair.valid.mean() > 0.3 else None


def pair_in_place(source: View, result: Pixels, placement: Placement) -> tuple[Pair, NDArray[np.float64]]:
    """The pair in the result's frame, and the matrix from the small source into that frame."""
    grown = float(np.sqrt(abs(np.linalg.det(placement.matrix[:, :2])))) / source.scale
    # Neither picture is enlarged, so that neither is softer than the other.
    side = max(64, min(SIDE, round(max(result.shape[:2]) / grown), max(result.shape[:2])))
    straight = np.abs(placement.matrix[:, :2]) / max(float(np.abs(placement.matrix[:, :2]).max()), 1e-6)
    if abs(grown * source.scale - 1) > 0.02 or not np.all((straight < 0.002) | (straight > 0.998)):
        # Resampled once more or less often: what that does to the finest detail is no change.
        side = max(64, round(0.7 * side))
    small = reduce(result, side)
    height, width = small.shape[:2]
    down = max(small.shape[:2]) / max(result.shape[:2])
    less = min(1.0, grown * down)
    seen = source.small
    if less < 0.98:
        seen = resize(seen, max(1, round(less * seen.shape[1])), max(1, round(less * seen.shape[0])))
    else:
        less = 1.0
    whole = np.vstack([placement.matrix, [0, 0, 1]])
    onto = np.linalg.inv(_centred(1 / down)) @ whole
    matrix = (onto @ _centred(1 / source.scale))[:2]
    laid = np.asarray(
        cv2.warpAffine(
            seen,
            (onto @ _centred(1 / (less * source.scale)))[:2],
            (width, height),
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.uint8,
    )
    valid = lay_weights(np.ones(source.small.shape[:2], np.float32), matrix, (width, height))
    valid = np.asarray(cv2.erode(np.asarray(valid > 0.99, np.float32), np.ones((5, 5), np.uint8)), np.float32)
    resized = (result.shape[1], result.shape[0]) != source.size
    return Pair(laid, small, to_lab(laid), to_lab(small), valid, (), resized), matrix


def lay_weights(weights: Weights, matrix: NDArray[np.float64], size: tuple[int, int]) -> Weights:
    """Weights of the small source brought into the result's frame; 0 outside."""
    return np.asarray(cv2.warpAffine(weights, matrix, size, flags=cv2.INTER_LINEAR), np.float32)
