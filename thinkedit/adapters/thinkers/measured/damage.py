"""What an edit should not do: which guards stand for an instruction.

A painting may lose structure, a brighter photograph may not; what no wish names should stay. Limits are
where a person begins to object, found as told in scripts/calibrate_measured.py.
"""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np

from thinkedit.adapters.thinkers.measured import harm, strays
from thinkedit.adapters.thinkers.measured.colour import Weights
from thinkedit.adapters.thinkers.measured.measures import Map, mean, structure
from thinkedit.adapters.thinkers.measured.readings import SEEN, Guard
from thinkedit.adapters.thinkers.measured.regions import region_name
from thinkedit.adapters.thinkers.measured.scene import GEOMETRY, REPLACING, STYLES, Scene, place_of
from thinkedit.errors import ThinkerFailed
from thinkedit.types import Preservation

__all__ = ["Damage"]

UNSURE = 0.4
"""Doubt about a mask that costs as much of the quality as a result may lose and still be good."""
FEW = 60.0
"""Pixels of the small picture below which nothing can be said of a region."""


def _seen(value: float) -> str:
    """A mean CIEDE2000 in words."""
    how = "hardly" if value < 1 else "a little" if value < 2.3 else "visibly" if value < 6 else "strongly"
    return f"{how} ({value:.1f}; {SEEN})"


def _were(name: str) -> str:
    """was or were, after the name of a region or of several."""
    return "were" if " and " in name or name.endswith("s") else "was"


class Damage:
    """The guards that stand for one scene, measured once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        wishes = [clause for clause in scene.clauses if clause.operation != "protect"]
        self._regions = [place_of(clause) for clause in wishes]
        self._styled = scene.asked(*STYLES)
        self._placed = scene.asked(*GEOMETRY)

    @cached_property
    def outside(self) -> Weights | None:
        """What no wish names; None where the wishes cover the picture."""
        if not self._regions or "whole" in self._regions:
            return None
        weights = self.scene.outside(self._regions)
        return weights if float(weights.sum()) > FEW else None

    @cached_property
    def _kept(self) -> Weights | None:
        """Where structure was to stay; None where nowhere."""
        if self._styled:
            return None
        weights = self.scene.pair.valid
        for clause in self.scene.clauses:
            if clause.operation in (*REPLACING, "blur"):
                if place_of(clause) == "whole":
                    return None
                clear = self.scene.place(self.scene.region(place_of(clause)).outside)
                # The window that structure is measured in must not reach into what was replaced.
                weights = weights * np.asarray(cv2.erode(clear, np.ones((7, 7), np.uint8)), np.float32)
        return weights if float(weights.sum()) > FEW else None

    @cached_property
    def _structure(self) -> Map:
        return structure(*self.scene.pair.lightness)

    @cached_property
    def preservation(self) -> Preservation:
        outside = None if self.outside is None else mean(self.scene.delta_e, self.outside)
        kept = None if self._kept is None else mean(self._structure, self._kept)
        return Preservation(
            outside_delta_e=None if outside is None else round(outside, 3),
            structure=None if kept is None else round(kept, 4),
        )

    def guards(self) -> list[Guard]:
        scene = self.scene
        found = [*self._outside(), *self._doubted(), *self._protected(), *self._stretched()]
        if self._styled:
            return [*found, strays.recognisable(scene)]
        if self._kept is not None:
            lost = 1 - mean(self._structure, self._kept)
            found += harm.structural(scene, self._kept, lost, moved=not self._placed)
            found += harm.clipping(scene, self._kept)
            found += harm.texture(scene, self._kept, sampled=not self._placed)
        found += strays.bleeding(scene)
        found += strays.side_effects(scene, self.outside)
        return found

    def _outside(self) -> list[Guard]:
        if self.outside is None:
            return []
        value = mean(self.scene.delta_e, self.outside)
        named = " and ".join(dict.fromkeys(region_name(region) for region in self._regions))
        said = f"the rest changed {_seen(value)} although only {named} {_were(named)} to change"
        # Another sky lights the land otherwise, and a person expects that.
        limit, worst = (7.5, 16.0) if self.scene.asked("sky_replace") else (1.3, 6.0)
        return [Guard("outside", value, limit, worst, said, "region")]

    def _doubted(self) -> list[Guard]:
        """The source's subject that cannot be told for sure: the result is then only as sure as its mask."""
        named = [name for name in self._regions if name in ("subject", "background")]
        named += [c.region for c in self.scene.clauses if c.operation == "protect" and c.region == "subject"]
        if not named:
            return []
        try:
            unsure = 1 - self.scene.region(named[0]).certainty
        except ThinkerFailed:
            return []
        said = (
            f"the outline of the subject could be told with {100 * (1 - unsure):.0f} % certainty only, "
            "so parts of it may have been taken for the background, or the other way round"
        )
        return [Guard("outline", min(unsure, UNSURE), UNSURE, 1.0, said, doubt=True)]

    def _protected(self) -> list[Guard]:
        guards = []
        for clause in self.scene.clauses:
            if clause.operation != "protect":
                continue
            if clause.region == "colours":
                guards.append(strays.hues(self.scene))
                continue
            try:
                weights = self.scene.inside(clause.region)
            except ThinkerFailed:
                continue  # nothing of the kind is there to be changed
            if float(weights.mean()) < 0.002:
                continue
            value = mean(self.scene.delta_e, weights)
            name = region_name(clause.region)
            pronoun = "they" if _were(name) == "were" else "it"
            said = f"{name} changed {_seen(value)} although {pronoun} {_were(name)} to stay"
            guards.append(Guard("protected", value, 2.5, 8.0, said, f"protect:{clause.region}"))
        return guards

    def _stretched(self) -> list[Guard]:
        if self._placed:
            return []
        value = abs(float(np.log(self.scene.pair.stretch)))
        share = 100 * (np.exp(value) - 1)
        said = f"the shape of the picture changed by {share:.0f} % without being asked for"
        return [Guard("shape", value, 0.03, 0.4, said)]
