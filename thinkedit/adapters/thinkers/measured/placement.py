"""Where the source lies in the result: found by matching features, for wishes that change the geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights, to_lab
from thinkedit.adapters.thinkers.measured.measures import mean, spread
from thinkedit.adapters.thinkers.measured.views import Pair, View, reduce
from thinkedit.adapters.vocabulary import Clause

__all__ = ["Placement", "expected_placement", "find_placement", "lay_weights", "pair_in_place"]

ENOUGH = 10
"""Matches that must agree before a placement is believed."""


@dataclass(frozen=True)
class Placement:
    """A similarity from the source's own pixels into the result's.

    matrix: 2 x 3, of the pictures at their own sizes. mirrored: left and right are exchanged.
    degrees: clockwise turn, -180 to 180, after the mirroring. scale: pixels of the result for one of the
    source. matches: how many features agree.
    """

    matrix: NDArray[np.float64]
    mirrored: bool
    degrees: float
    scale: float
    matches: int

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


def _features(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    found, described = cv2.SIFT.create(nfeatures=900, contrastThreshold=0.015).detectAndCompute(grey, None)
    if described is None or len(found) < 4:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([point.pt for point in found], np.float32), np.asarray(described, np.float32)


def _grey(pixels: Pixels) -> NDArray[np.uint8]:
    """Lightness with its contrast evened out, so that features survive a change of tone."""
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.asarray(cv2.createCLAHE(2.0, (4, 4)).apply(grey), np.uint8) if min(grey.shape) > 16 else grey


def _similarity(
    one: tuple[NDArray[np.float32], NDArray[np.float32]], two: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> tuple[NDArray[np.float64] | None, int]:
    """The similarity that most matches agree on, and how many those are."""
    if len(one[0]) < 4 or len(two[0]) < 4:
        return None, 0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one[1], two[1], k=2)
    good = [p[0] for p in pairs if len(p) == 2 and p[0].distance < 0.8 * p[1].distance]
    if len(good) < 4:
        return None, 0
    cv2.setRNGSeed(1)  # RANSAC draws at random; the same pictures must give the same answer
    found, agree = cv2.estimateAffinePartial2D(
        one[0][[m.queryIdx for m in good]],
        two[0][[m.trainIdx for m in good]],
        method=cv2.RANSAC,
        ransacReprojThreshold=2.5,
        maxIters=3000,
        confidence=0.999,
    )
    if found is None or not np.isfinite(found).all():
        return None, 0
    return np.asarray(found, np.float64), int(agree.sum())


def find_placement(source: View, result: Pixels) -> Placement | None:
    """Where the source lies in the result, or None where too little agrees to say."""
    small, other = source.small, reduce(result)
    if min(*small.shape[:2], *other.shape[:2]) < 16:
        return None
    two = _features(_grey(other))
    best: tuple[NDArray[np.float64], int, bool] | None = None
    for mirrored in (False, True):
        seen = np.ascontiguousarray(small[:, ::-1]) if mirrored else small
        matrix, agree = _similarity(_features(_grey(seen)), two)
        if matrix is not None and agree >= ENOUGH and (best is None or agree > best[1]):
            best = matrix, agree, mirrored
    if best is None:
        return None
    matrix, agree, mirrored = best
    turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
    down = source.scale
    up = max(result.shape[:2]) / max(other.shape[:2])
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0])) * down * up
    whole = np.vstack([matrix, [0, 0, 1]])
    if mirrored:
        whole = whole @ np.array([[-1, 0, small.shape[1] - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    full = np.diag([up, up, 1.0]) @ whole @ np.diag([down, down, 1.0])
    return Placement(full[:2], mirrored, turn, scale, agree)


def expected_placement(source: View, result: Pixels, wishes: Sequence[Clause]) -> Placement | None:
    """For pictures without features: flips, right-angled turns and borders as asked, if the result agrees.

    None where the lightness of the result does not follow that of the source so placed.
    """
    (width, height), (wide, high) = source.size, (result.shape[1], result.shape[0])
    whole = np.diag([1.0, 1.0, 1.0])
    mirrored, degrees = False, 0.0
    middle = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1]])
    for wish in wishes:
        if wish.operation == "flip":
            across = wish.option("axis") != "vertical"
            whole = np.diag([-1.0 if across else 1.0, 1.0 if across else -1.0, 1.0]) @ whole
            mirrored, degrees = not mirrored, degrees + (0 if across else 180)
        elif wish.operation == "rotate":
            turn = wish.amount * 90 * wish.direction
            if turn % 90:
                return None
            cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
            whole = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ whole
            degrees += turn
        elif wish.operation == "crop":
            return None
    matrix = (np.array([[1, 0, wide / 2], [0, 1, high / 2], [0, 0, 1]]) @ whole @ middle)[:2]
    placement = Placement(matrix, mirrored, (degrees + 180) % 360 - 180, 1.0, 0)
    pair, _ = pair_in_place(source, result, placement)
    before, after = pair.lightness
    both = mean((before - mean(before, pair.valid)) * (after - mean(after, pair.valid)), pair.valid)
    alike = both / max(spread(before, pair.valid) * spread(after, pair.valid), 1e-3)
    return placement if alike > 0.85 and pair.valid.mean() > 0.3 else None


def pair_in_place(source: View, result: Pixels, placement: Placement) -> tuple[Pair, NDArray[np.float64]]:
    """The pair in the result's frame, and the matrix from the small source into that frame."""
    small = reduce(result)
    height, width = small.shape[:2]
    down = max(small.shape[:2]) / max(result.shape[:2])
    whole = np.vstack([placement.matrix, [0, 0, 1]])
    matrix = (np.diag([down, down, 1.0]) @ whole @ np.diag([1 / source.scale, 1 / source.scale, 1.0]))[:2]
    laid = np.asarray(
        cv2.warpAffine(
            source.small, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
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
