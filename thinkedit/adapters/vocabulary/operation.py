"""What an operation is: its name, its words, its scale and its regions.

Amounts. The bare word ("warmer") is 1.0. How far that goes in pixels is the editor's business; how a
number in the sentence becomes an amount is said here, by `Operation.amount`:

- a slider ("by 30 %") is linear: `percent / plain_percent`, so that for warmth, whose plain amount is
  50 %, "by 30 %" is 0.6;
- saturation and contrast are the change of the thing itself: +30 % chroma, +25 % tonal slope;
- exposure is light: "30 % brighter" is log2(1.3) stops, "twice as bright" one stop, and a plain
  "brighter" is 0.6 stops;
- "twice as ..." is a factor on exposure, saturation and contrast, and twice the plain amount elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["AREAS", "PLACES", "STOPS", "TONE_REGIONS", "Operation", "words"]

STOPS = 0.6
"""Stops of light in a plain "brighter"."""

PLACES = ("top", "bottom", "left", "right", "centre")
TONE_REGIONS = frozenset({"whole", "subject", "background", "sky", "shadows", "highlights", "faces", *PLACES})
"""Where tone and colour may be changed; `colour:NAME` besides."""
AREAS = TONE_REGIONS - {"shadows", "highlights"}
WHOLE = frozenset({"whole"})


@dataclass(frozen=True)
class Operation:
    """One row: what it is called, how it is asked for, and how its numbers scale.

    more, less: adjectives; more_verbs, less_verbs: verbs and phrases; nouns: things that a verb of
        direction is needed for ("increase the ..."); against: things that are reduced by the operation
        ("reduce the noise"). Words are written without "the".
    opposite: the operation that "less" of this one means, where there is no less.
    says: sentences for `phrase`, for more and less; `{at}` is the region, `{how}` an amount word and
        `{by}` a quantity.
    units: quantities that may be given; bare: the unit of a number that stands alone.
    plain_percent: the percentage that is the plain amount; limit: the largest amount accepted.
    colours: whether `colour:NAME` is a region for it; options: option keys it accepts.
    """

    name: str
    group: str
    says: tuple[str, ...]
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    more_verbs: tuple[str, ...] = ()
    less_verbs: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    opposite: str | None = None
    regions: frozenset[str] = WHOLE
    colours: bool = False
    options: tuple[str, ...] = ()
    units: tuple[str, ...] = ("percent", "times")
    bare: str = "percent"
    plain_percent: float = 50.0
    plain_degrees: float = 90.0
    limit: float = 5.0

    @property
    def signed(self) -> bool:
        """Whether there is more and less of it."""
        return len(self.says) == 2

    @property
    def precise_unit(self) -> str:
        """The unit in which a precise amount is best said."""
        return "stops" if "stops" in self.units else "percent" if "percent" in self.units else self.units[0]

    def allows(self, region: str) -> bool:
        return region in self.regions or (self.colours and region.startswith("colour:"))

    def amount(self, given: str, direction: int = 1) -> float:
        """The amount that a quantity `unit:number` stands for, with its sign taken as `direction`."""
        unit, _, text = given.partition(":")
        number = float(text)
        if unit == "percent":
            if self.name == "exposure":
                share = number / 100
                light = math.log2(1 + share) if direction >= 0 else -math.log2(max(1 - share, 0.01))
                return round(light / STOPS, 4)
            return round(number / self.plain_percent, 4)
        if unit == "stops":
            return round(number / STOPS, 4)
        if unit == "times":
            if self.name == "exposure":
                return round(abs(math.log2(number)) / STOPS, 4)
            if self.name in ("saturation", "contrast"):
                return round(abs(number - 1) * 100 / self.plain_percent, 4)
            return round(number, 4)
        if unit == "degrees":
            return round(number / self.plain_degrees, 4)
        return 1.0  # pixels say all themselves

    def quantity(self, amount: float, unit: str, direction: int = 1) -> str:
        """The quantity `unit:number` for an amount, rounded as a person would write it.

        Percentages from 10 on are whole numbers, save where much light is taken: there each tenth tells.
        """
        if unit == "stops":
            return f"stops:{round(amount * STOPS, 2):g}"
        if unit == "degrees":
            return f"degrees:{round(amount * self.plain_degrees, 1):g}"
        if unit == "percent" and self.name == "exposure":
            share = 2 ** (amount * STOPS) - 1 if direction >= 0 else 1 - 2 ** (-amount * STOPS)
            return f"percent:{_percent(share * 100, direction < 0 and share > 0.6)}"
        return f"percent:{_percent(amount * self.plain_percent)}"


def _percent(number: float, fine: bool = False) -> str:
    return f"{round(number, 1 if fine or number < 10 else 0):g}"


def words(text: str) -> tuple[str, ...]:
    """Phrases from a text that lists them with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
