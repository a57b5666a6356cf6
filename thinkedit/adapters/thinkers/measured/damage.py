"""What an edit should not do: guards against damage and against changes that nobody asked for.

Which guards stand depends on the wishes: a painting may lose structure, a brighter photograph may not.
Limits are where a person begins to object, found as told in scripts/calibrate_measured.py.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured.colour import Weights, chroma
from thinkedit.adapters.thinkers.measured.measures import (
    Map,
    blockiness,
    burnt,
    crushed,
    laplacian,
    level_step,
    mean,
    noise,
    overshoot,
    ratio_percent,
    shift,
    spread,
    structure,
    tone_matched,
)
from thinkedit.adapters.thinkers.measured.readings import Guard
from thinkedit.adapters.thinkers.measured.regions import region_name
from thinkedit.adapters.thinkers.measured.scene import Scene
from thinkedit.types import Preservation

__all__ = ["Damage"]

STYLES = ("pencil", "colour_sketch", "watercolour", "oil", "cartoon")
GEOMETRY = ("crop", "rotate", "flip", "resize", "border")
REPLACING = ("background_replace", "sky_replace", "caption", "border", "pixelate")
SOFTENING = ("blur", "denoise", "pixelate")
TONAL = (
    "exposure",
    "contrast",
    "gamma",
    "shadows",
    "highlights",
    "clarity",
    "auto",
    "vintage",
    "vignette",
    "black_and_white",
    "sepia",
    "recolour",
    "border",
    "caption",
)
COLOURFUL = (
    "warmth",
    "tint",
    "saturation",
    "vibrance",
    "black_and_white",
    "sepia",
    "vintage",
    "auto",
    "recolour",
)


class Damage:
    """The guards that stand for one scene, measured once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        wishes = [clause for clause in scene.clauses if clause.operation != "protect"]
        self._regions = [_place_of(clause.operation, clause.region) for clause in wishes]
        self._styled = scene.asked(*STYLES)
        self._placed = scene.asked(*GEOMETRY)
        self._strength = max([1.0, *(clause.amount for clause in wishes)])

    @cached_property
    def outside(self) -> Weights | None:
        """What no wish names; None where the wishes cover the picture."""
        if not self._regions or "whole" in self._regions:
            return None
        weights = self.scene.outside(self._regions)
        return weights if float(weights.mean()) > 0.01 else None

    @cached_property
    def _kept(self) -> Weights | None:
        """Where structure was to stay; None where nowhere."""
        if self._styled:
            return None
        weights = self.scene.pair.valid
        for clause in self.scene.clauses:
            if clause.operation in REPLACING or clause.operation in ("blur",):
                region = _place_of(clause.operation, clause.region)
                if region == "whole":
                    return None
                weights = weights * self.scene.place(self.scene.region(region).outside)
        return weights if float(weights.mean()) > 0.01 else None

    @cached_property
    def _structure(self) -> Map:
        before, after = self.scene.pair.lightness
        return structure(before, after)

    @cached_property
    def preservation(self) -> Preservation:
        outside = None if self.outside is None else mean(self.scene.delta_e, self.outside)
        kept = None if self._kept is None else mean(self._structure, self._kept)
        return Preservation(
            outside_delta_e=None if outside is None else round(outside, 3),
            structure=None if kept is None else round(kept, 4),
        )

    def guards(self) -> list[Guard]:
        found = [*self._outside(), *self._protected(), *self._stretched()]
        if self._styled:
            return [*found, *self._recognisable()]
        if self._kept is not None:
            found += [*self._structural(self._kept), *self._clipping(self._kept), *self._texture(self._kept)]
        found += [*self._bleeding(), *self._side_effects()]
        return found

    def _outside(self) -> list[Guard]:
        if self.outside is None:
            return []
        value = mean(self.scene.delta_e, self.outside)
        named = " and ".join(dict.fromkeys(region_name(region) for region in self._regions))
        said = f"the rest changed by delta E {value:.1f} although only {named} was to change"
        return [Guard("outside", value, 1.3, 6.0, said, "region")]

    def _protected(self) -> list[Guard]:
        guards = []
        for clause in self.scene.clauses:
            if clause.operation != "protect" or clause.region == "colours":
                continue
            weights = self.scene.inside(clause.region)
            if float(weights.mean()) < 0.002:
                continue
            value = mean(self.scene.delta_e, weights)
            said = f"{region_name(clause.region)} changed by delta E {value:.1f} although it was to stay"
            guards.append(Guard("protected", value, 2.5, 8.0, said, f"protect:{clause.region}"))
        return guards

    def _stretched(self) -> list[Guard]:
        if self._placed:
            return []
        value = abs(float(np.log(self.scene.pair.stretch)))
        said = (
            f"the shape of the picture changed by {100 * (np.exp(value) - 1):.0f} % without being asked for"
        )
        return [Guard("shape", value, 0.03, 0.4, said)]

    def _recognisable(self) -> list[Guard]:
        """A painting of the picture is still a picture of the same thing: coarse lightness agrees."""
        before, after = self.scene.pair.lightness
        sigma = max(1.0, 0.012 * max(before.shape))
        one, two = (cv2.GaussianBlur(L, (0, 0), sigma) for L in (before, after))
        weights = self.scene.pair.valid
        both = mean((one - mean(one, weights)) * (two - mean(two, weights)), weights)
        alike = both / max(spread(one, weights) * spread(two, weights), 0.5)
        said = f"the picture is hard to recognise: its light and shade agree by {100 * alike:.0f} % only"
        return [Guard("recognisable", max(0.0, 1 - alike), 0.55, 1.0, said)]

    def _structural(self, weights: Weights) -> list[Guard]:
        value = 1 - mean(self._structure, weights)
        limit = 0.055
        if self.scene.asked("denoise", "sharpen", "clarity"):
            limit = 0.09
        if self._placed:
            limit = 0.2
        said = f"{100 * value:.0f} % of the fine structure is gone or different"
        guards = [Guard("structure", value, limit, 0.35, said, "less")]
        if not self._placed:
            moved, sure = shift(*self.scene.pair.lightness, weights)
            if sure > 0.1:
                said = f"the picture moved by {100 * moved / max(weights.shape):.1f} % of its width"
                guards.append(Guard("shift", moved, 0.8, 4.0, said))
        return guards

    def _clipping(self, weights: Weights) -> list[Guard]:
        pair = self.scene.pair
        lost = 100 * mean(np.maximum(burnt(pair.result) - burnt(pair.source), 0), weights)
        white = pair.result.min(axis=2) >= 252
        blank = 100 * mean(np.asarray(white & (pair.source.min(axis=2) < 252), np.float32), weights)
        black = 100 * mean(np.maximum(crushed(pair.result) - crushed(pair.source), 0), weights)
        ease = min(1.6, self._strength**0.5)
        return [
            Guard(
                "highlights",
                lost,
                11.0 * ease,
                35.0 * ease,
                f"{lost:.0f} % of the picture is now clipped",
                "protect:highlights",
            ),
            Guard(
                "white",
                blank,
                4.0 * ease,
                15.0 * ease,
                f"{blank:.0f} % of the picture is now blank white",
                "protect:highlights",
            ),
            Guard(
                "shadows",
                black,
                8.0 * ease,
                30.0 * ease,
                f"{black:.0f} % of the picture is now plain black",
                "protect:shadows",
            ),
        ]

    def _texture(self, weights: Weights) -> list[Guard]:
        scene = self.scene
        guards = []
        sharper = scene.asked("sharpen", "clarity", "contrast", "auto")
        over = overshoot(*scene.pair.lightness, weights)
        guards.append(
            Guard(
                "halos", over, 16.0 if sharper else 10.0, 40.0, f"edges have halos of {over:.0f} L*", "less"
            )
        )
        if self._placed:
            return guards
        grain = max(after - 1.5 * before for before, after, _ in scene.over_details(noise, weights))
        said = f"noise rose by {max(grain, 0):.1f} L*"
        guards.append(Guard("noise", max(0.0, grain), 0.9, 4.0, said, "less"))
        if not scene.asked(*SOFTENING):
            lost = self._softened(weights)
            said = f"{100 * (1 - np.exp(-lost / 100)):.0f} % of the sharpness is lost"
            guards.append(Guard("sharpness", lost, 32.0, 120.0, said))
        if scene.pair.details:
            blocks = max(
                blockiness(d.after, d.left, d.top) - blockiness(d.before, d.left, d.top)
                for d in scene.pair.details
            )
            guards.append(Guard("blocks", blocks, 0.22, 1.2, "square blocks of strong compression show"))
        steps = level_step(scene.full) - max(1.0, 1.6 * level_step(scene.pair.source))
        guards.append(
            Guard(
                "banding",
                max(0.0, steps),
                2.2,
                8.0,
                f"smooth areas show bands of {steps + 1:.0f} levels",
                "less",
            )
        )
        return guards

    def _softened(self, weights: Weights) -> float:
        """Fall of the Laplacian that the change of tone does not explain, 100 ln; the worst sample."""
        before, after = self.scene.pair.lightness
        worst = -ratio_percent(
            mean(laplacian(after), weights),
            mean(laplacian(tone_matched(before, after, weights)), weights),
            0.25,
        )
        for detail in self.scene.pair.details:
            cut = self.scene.detail_weights(detail, weights)
            if cut.mean() > 0.2:
                expected = laplacian(tone_matched(detail.before, detail.after, cut))
                fall = -ratio_percent(mean(laplacian(detail.after), cut), mean(expected, cut), 0.6)
                worst = max(worst, fall)
        return max(0.0, worst)

    def _bleeding(self) -> list[Guard]:
        """Colour of the subject in the background beside it, where the background was blurred or replaced."""
        scene = self.scene
        if not any(
            clause.operation in ("blur", "background_replace")
            and _place_of(clause.operation, clause.region) == "background"
            for clause in scene.clauses
        ):
            return []
        value = _bleed(scene)
        said = f"a halo of {100 * value:.0f} % of the subject's colour lies around it"
        return [Guard("bleeding", max(0.0, value), 0.16, 0.6, said)]

    def _side_effects(self) -> list[Guard]:
        """Changes of light and colour that no wish names, where changes were allowed."""
        scene = self.scene
        weights = scene.pair.valid
        if self.outside is not None:
            weights = np.clip(weights - self.outside, 0, 1)
        elsewhere = [c for c in scene.clauses if c.operation in REPLACING]
        for clause in elsewhere:
            region = _place_of(clause.operation, clause.region)
            if region == "whole":
                return []
            weights = weights * scene.place(scene.region(region).outside)
        if float(weights.mean()) < 0.01:
            return []
        before, after = scene.pair.before, scene.pair.after
        guards = []
        if not scene.asked(*TONAL):
            value = abs(mean(after[..., 0] - before[..., 0], weights))
            guards.append(
                Guard(
                    "lightness",
                    value,
                    5.0,
                    20.0,
                    f"lightness changed by {value:.0f} L* without being asked for",
                )
            )
            value = abs(ratio_percent(spread(after[..., 0], weights), spread(before[..., 0], weights), 1.0))
            guards.append(
                Guard(
                    "contrast",
                    value,
                    25.0,
                    90.0,
                    f"contrast changed by {value:.0f} % without being asked for",
                )
            )
        if not scene.asked(*COLOURFUL):
            one, two = mean(chroma(before), weights), mean(chroma(after), weights)
            value = abs(ratio_percent(two, one, 3.0))
            guards.append(
                Guard(
                    "colour", value, 38.0, 120.0, f"colour changed by {value:.0f} % without being asked for"
                )
            )
            cast = np.hypot(
                mean(after[..., 1] - before[..., 1], weights), mean(after[..., 2] - before[..., 2], weights)
            )
            value = float(cast)
            guards.append(
                Guard("cast", value, 4.5, 15.0, f"a cast of {value:.0f} a*b* came in without being asked for")
            )
        return guards


def _place_of(operation: str, region: str) -> str:
    """The region that an operation changes: replacing the sky changes the sky, whatever the clause says."""
    if operation == "background_replace":
        return "background"
    return "sky" if operation == "sky_replace" else region


def _bleed(scene: Scene) -> float:
    """How far the ring around the subject went towards the subject's colour, 0 to 1.

    Compared with the background's own colour nearby, blurred without the subject.
    """
    subject = scene.place(scene.region("subject").soft)
    pair = scene.pair
    longest = max(subject.shape)
    inner, outer = max(2, round(0.012 * longest)), max(4, round(0.035 * longest))
    hard = np.asarray(subject > 0.06, np.uint8)

    def grown(by: int) -> Weights:
        return np.asarray(cv2.dilate(hard, np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.float32)

    ring = (grown(outer) - grown(inner)) * pair.valid
    if ring.sum() < 50:
        return 0.0
    sigma = 0.03 * longest

    def around(weights: Weights, of: Map) -> Map:
        total = cv2.GaussianBlur(of * weights[..., None], (0, 0), sigma)
        return np.asarray(total / (cv2.GaussianBlur(weights, (0, 0), sigma)[..., None] + 1e-3), np.float32)

    far = 1 - grown(outer)
    own = around(np.asarray(subject > 0.9, np.float32), pair.after)
    behind = around(far * pair.valid, pair.after)
    towards = own - behind
    length = (towards**2).sum(axis=2)
    clear = ring * np.asarray(length > 15.0**2, np.float32)
    if clear.sum() < 50:
        return 0.0
    share_after = ((pair.after - behind) * towards).sum(axis=2) / np.maximum(length, 1)
    behind_before = around(far * pair.valid, pair.before)
    own_before = around(np.asarray(subject > 0.9, np.float32), pair.before)
    towards_before = own_before - behind_before
    length_before = np.maximum((towards_before**2).sum(axis=2), 15.0**2)
    share_before = ((pair.before - behind_before) * towards_before).sum(axis=2) / length_before
    return max(0.0, mean(share_after - np.maximum(share_before, 0), clear))
