"""One request's way through the steps: what the picture is by now, and what of it must stay."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.base import EditRequest
from thinkedit.adapters.editors.photo.areas import area, given_mask, held_tones
from thinkedit.adapters.editors.photo.bands import Check, Weight, by_bands
from thinkedit.adapters.editors.photo.filters import from_lab, to_lab
from thinkedit.adapters.editors.photo.table import FRAMED, step_for
from thinkedit.adapters.masks.guided import Mask, Pixels
from thinkedit.adapters.vocabulary import Clause, phrase
from thinkedit.errors import UnsupportedEdit

__all__ = ["Work", "done_in_words"]

TONES = ("shadows", "highlights")
LIGHT = ("auto", "exposure", "gamma", "shadows", "highlights", "contrast", "clarity")
COLOUR = ("warmth", "tint", "vibrance", "saturation")
HELD_COLOUR = 0.3
"""Share of a held tone's protection that colour gets where a wish for light comes with it."""


def done_in_words(clause: Clause) -> str:
    """A clause as one line for a person ("make the background darker")."""
    said = phrase((clause,)).rstrip(".")
    return said[0].lower() + said[1:]


class Work:
    """The state of one edit. Regions and what must stay are found in the source, not in half-done pixels.

    clauses: in the order in which they are done; `protect` is not among them.
    """

    def __init__(self, request: EditRequest, clauses: Sequence[Clause], check: Check) -> None:
        self.clauses = sorted(
            (c for c in clauses if c.operation != "protect"),
            key=lambda c: (step_for(c).rank, c.region != "whole"),
        )
        self._kept = [c.region for c in clauses if c.operation == "protect"]
        if not self.clauses:
            raise UnsupportedEdit(
                "it is said what to keep, not what to change", tuple(c.words for c in clauses)
            )
        self._request = request
        self._check = check
        self._source: Pixels = request.source.pixels()
        self._pixels: Pixels = self._source
        self._alpha: NDArray[np.uint8] | None = request.source.alpha()
        self._framed = False
        self._staying: NDArray[np.uint8] | None = None
        self._limits: list[Weight] = []
        if request.mask is not None:
            reshaped = next((c for c in self.clauses if step_for(c).framing is not None), None)
            if reshaped is not None:
                what = done_in_words(reshaped)
                why = f'"{what}" changes the whole picture, and the mask that came with it allows a part'
                raise UnsupportedEdit(why, (reshaped.words,))
            self._limits.append(given_mask(request.mask, *self._source.shape[:2]))
        # Places that are not there are refused now, before any work is done.
        self._keep = [self._weight(region) for region in self._kept if region not in (*TONES, "colours")]
        self._held = [held_tones(self._source, region) for region in self._kept if region in TONES]
        self._lit = any(c.operation in LIGHT for c in self.clauses)
        self._areas = {c.region: area(self._source, c.region) for c in self.clauses if step_for(c).banded}

    def _weight(self, region: str) -> Weight:
        found = area(self._source, region)
        assert found is not None  # the vocabulary protects no whole pictures
        return found

    def do(self, clause: Clause) -> None:
        """Do one clause. UnsupportedEdit where this picture does not allow it."""
        step = step_for(clause)
        if (step.framing or step.written) and not self._framed:
            self._put_back()
        if step.banded is not None:
            before = self._pixels
            rows = step.banded(before, clause)
            self._pixels = by_bands(before, rows, self._place(clause), self._check)
            if self._framed:
                self._keep_framed(before)
        elif step.painting is not None:
            options = {"region": clause.region, **clause.as_mapping()}
            references = self._request.references
            wants = clause.option("with") == "reference"
            if wants and not references:
                raise UnsupportedEdit("no other picture came with the request to put there", (clause.words,))
            reference = references[0].pixels() if wants else None
            before = self._pixels
            self._pixels = step.painting(before, clause.amount, options, reference=reference)
            if self._held:
                painted = self._pixels
                self._pixels = by_bands(
                    before, lambda top, bottom: painted[top:bottom], self._place(clause), self._check
                )
        elif step.framing is not None:
            if self._staying is not None:
                self._staying = step.framing(np.dstack([self._pixels, self._staying]), clause)[..., 3]
            both = self._pixels if self._alpha is None else np.dstack([self._pixels, self._alpha])
            made = step.framing(both, clause)
            self._pixels = np.ascontiguousarray(made[..., :3])
            self._alpha = None if self._alpha is None else np.ascontiguousarray(made[..., 3])
        elif step.written is not None:
            self._pixels = step.written(self._pixels, clause)

    def _place(self, clause: Clause) -> Weight | None:
        """Where a clause applies and how much: its region, less what of the tones is to be kept.

        Keeping the highlights of a brighter and warmer picture means their light: held back as much,
        the warmth would leave a wall in two colours.
        """
        place = self._areas.get(clause.region)
        if not self._held or self._framed:
            return place
        share = np.float32(HELD_COLOUR if self._lit and clause.operation in COLOUR else 1)

        def weight(top: int, bottom: int) -> Mask:
            stays = _largest(self._held, top, bottom)
            part = 1 - share * stays
            return np.asarray(part if place is None else part * place(top, bottom), np.float32)

        return weight

    def finished(self) -> Pixels:
        """The result: height x width x 3, or 4 where the source has alpha and its shape has changed."""
        if not self._framed:
            self._put_back()
        elif self._limits:  # a caption keeps to the mask too
            self._keep, self._held = [], []
            self._limit()
        return self._pixels if self._alpha is None else np.dstack([self._pixels, self._alpha])

    def _put_back(self) -> None:
        """Give the places that must stay the source's pixels again, before the shape changes."""
        self._framed = True
        if "colours" in self._kept:
            self._colour_as(self._source)
        if self._keep or self._limits:
            self._limit()
        later = any(step_for(c).banded and step_for(c).rank > FRAMED for c in self.clauses)
        if later and (self._keep or self._held):
            stays = self._stays(0, self._source.shape[0])
            if self._held:
                stays = np.maximum(stays, _largest(self._held, 0, self._source.shape[0]))
            self._staying = np.asarray(stays * np.float32(255) + np.float32(0.5)).astype(np.uint8)

    def _keep_framed(self, before: Pixels) -> None:
        """What must stay, after an effect that is laid on the framed picture (vignette, vintage)."""
        if "colours" in self._kept:
            self._colour_as(before)
        staying = self._staying
        if staying is not None:
            self._pixels = by_bands(
                self._pixels,
                lambda top, bottom: before[top:bottom],
                lambda top, bottom: staying[top:bottom].astype(np.float32) * np.float32(1 / 255),
                self._check,
            )

    def _limit(self) -> None:
        source = self._source
        self._pixels = by_bands(
            self._pixels, lambda top, bottom: source[top:bottom], self._stays, self._check
        )

    def _colour_as(self, other: Pixels) -> None:
        """Another picture's hue and chroma under the lightness of this one."""
        pixels = self._pixels

        def rows(top: int, bottom: int) -> Pixels:
            lab = to_lab(pixels[top:bottom])
            lab[..., 1:] = to_lab(other[top:bottom])[..., 1:]
            return from_lab(lab)

        self._pixels = by_bands(pixels, rows, None, self._check)

    def _stays(self, top: int, bottom: int) -> Mask:
        stays = np.zeros((bottom - top, self._source.shape[1]), np.float32)
        for weight in self._keep:
            stays = np.asarray(cv2.max(stays, np.ascontiguousarray(weight(top, bottom))), np.float32)
        for limit in self._limits:
            stays = np.asarray(cv2.max(stays, np.ascontiguousarray(1 - limit(top, bottom))), np.float32)
        return stays


def _largest(weights: Sequence[Weight], top: int, bottom: int) -> Mask:
    largest = np.ascontiguousarray(weights[0](top, bottom))
    for weight in weights[1:]:
        largest = np.asarray(cv2.max(largest, np.ascontiguousarray(weight(top, bottom))), np.float32)
    return largest
