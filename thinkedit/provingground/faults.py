"""What is wrong with an edited picture, as a person would say it: the gravest fault first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkedit.provingground.asking import Ask
from thinkedit.provingground.prompts import Remedies
from thinkedit.provingground.scene import Scene
from thinkedit.provingground.scoring import Done, Harm, Verdict

__all__ = ["KINDS", "Fault", "faults"]

NO_REMEDIES = Remedies()

KINDS = ("nothing", "reasoning", "wrong", "lost", "weak", "spill", "damaged")


@dataclass(frozen=True)
class Fault:
    """kind: one of KINDS. done: the change that it is about. harm: what was to stay and did not."""

    kind: str
    done: Done | None = None
    harm: Harm | None = None


def faults(
    source: Scene,
    edited: Scene,
    found: Verdict,
    asks: Sequence[Ask],
    threshold: float,
    had: Remedies = NO_REMEDIES,
) -> list[Fault]:
    """All faults, none where both scores reach the threshold.

    asks: the instruction's. had: the remedies that the prompt held, which tell what it can no longer be.
    """
    if found.semantic >= threshold and found.quality >= threshold:
        return []
    seen: list[Fault] = []
    if source == edited:
        seen.append(Fault("nothing", found.done[0]))
    else:
        missed = [done for done in found.done if done.credit < 1 and not done.weak]
        # A thing that was moved along is named by where it was.
        harms = sorted(
            found.harms, key=lambda harm: harm.place is not None and source.things[harm.place] is None
        )
        elsewhere = next((harm for harm in harms if harm.place is not None), None)
        several = len(asks) > 1 or (had.named and len(found.done) > 1)
        seen += [
            Fault(_missed(done, asks, elsewhere is not None, several, had), done, elsewhere)
            for done in missed
        ]
        seen += [Fault("weak", done) for done in found.done if done.weak]
        # With something left undone, what else was changed is that thing's wrong place.
        seen += [] if missed else [Fault("spill", harm=harm) for harm in harms]
    if found.quality < threshold and not any(fault.kind == "weak" for fault in seen):
        seen.append(Fault("damaged"))
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(seen, key=lambda fault: order[fault.kind])


def _missed(done: Done, asks: Sequence[Ask], elsewhere: bool, several: bool, had: Remedies) -> str:
    """Why a change is not there, or not as asked."""
    if done.change.place is None:  # there is nothing to mistake it for
        return "lost" if several else "nothing"
    if asks[done.change.ask].reasoned and not had.named:
        return "reasoning"
    if several and (had.named or not (elsewhere or done.touched)):
        return "lost"
    return "wrong"
