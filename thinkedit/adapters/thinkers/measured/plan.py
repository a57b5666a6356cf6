"""The first prompt from the source alone: what the words' plain amounts would do to this photograph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thinkedit.adapters.thinkers.measured.colour import Pixels, Weights, to_lab
from thinkedit.adapters.thinkers.measured.look import look
from thinkedit.adapters.thinkers.measured.measures import burnt, crushed, mean
from thinkedit.adapters.thinkers.measured.readings import State
from thinkedit.adapters.thinkers.measured.sources import Source
from thinkedit.adapters.thinkers.measured.targets import measure
from thinkedit.adapters.vocabulary import STOPS, Clause, phrase, with_amount

__all__ = ["planned"]

TRIES = 4
CLIPPED = 0.12
"""Share of newly clipped pixels from which a protection is worth its cost."""


def _developed(pixels: Pixels, clause: Clause, weights: Weights) -> Pixels | None:
    """The picture after `clause` by the definition of its unit: light in stops, chroma and slope in percent.

    None for operations whose unit says nothing about pixels.
    """
    sign = 1 if clause.direction >= 0 else -1
    changed: NDArray[np.float32]
    if clause.operation == "exposure":
        codes = pixels.astype(np.float32) / 255
        light = np.clip(codes**2.2 * np.float32(2 ** (sign * STOPS * clause.amount)), 0, 1)
        changed = np.asarray(255 * light ** (1 / 2.2), np.float32)
    elif clause.operation == "contrast":
        middle = mean(to_lab(pixels)[..., 0], weights) * 2.55
        slope = np.float32(1 + sign * min(0.25 * clause.amount, 0.95))
        slope = np.float32(1 + sign * min(0.25 * clause.amount, 0.95))
        changed = np.asarray(middle + (pixels - np.float32(middle)) * slope, np.float32)
    elif clause.operation == "saturation":
        grey = pixels @ np.array([0.2126, 0.7152, 0.0722], np.float32)
        factor = np.float32(1 + sign * min(0.3 * clause.amount, 1))
        changed = np.asarray(grey[..., None] + (pixels - grey[..., None]) * factor, np.float32)
    else:
        return None
    mixed = pixels + (np.clip(changed, 0, 255) - pixels) * weights[..., None]
    return np.asarray(mixed + 0.5, np.uint8)


def _fitted(source: Source, clause: Clause) -> tuple[Clause, Pixels | None]:
    """The clause with the amount whose predicted effect is the one wanted, and that prediction."""
    small = source.view.small
    weights = source.region(clause.region).soft
    best, picture = clause, _developed(small, clause, weights)
    for _ in range(TRIES):
        if picture is None:
            return clause, None
        scene, _ = look(source, picture, (clause,))
        reading = measure(scene, (clause,))[0]
        if not reading.adjustable or (reading.state is State.RIGHT and reading.score > 9):
            break
        factor = float(np.clip(reading.goal / max(reading.value, 0.2 * reading.goal, 1e-3), 0.5, 2.0))
        best = with_amount(best, best.amount * factor)
        picture = _developed(small, best, weights)
    return best, picture


def planned(source: Source, wishes: Sequence[Clause], instruction: str) -> str:
    """The instruction as a prompt with fitted amounts and protections; itself where nothing is to be said.

    Quantities that the instruction gives stand as they are.
    """
    small = source.view.small
    made: list[Clause] = []
    present = {wish.region for wish in wishes if wish.operation == "protect"}
    added: list[Clause] = []
    for wish in wishes:
        clause, picture = (wish, None) if wish.given else _fitted(source, wish)
        made.append(clause)
        if picture is None or wish.operation == "contrast":  # contrast is made at both ends
            continue
        lost = {
            "highlights": mean(np.maximum(burnt(picture) - burnt(small), 0)),
            "shadows": mean(np.maximum(crushed(picture) - crushed(small), 0)),
        }
        added += [
            Clause("protect", region=end)
            for end, share in lost.items()
            if share > CLIPPED and end not in present and wish.region != end
        ]
    added = list(dict.fromkeys(added))
    changed = added or any(a.amount != b.amount for a, b in zip(made, wishes, strict=True))
    return phrase([*made, *added]) if changed else instruction
