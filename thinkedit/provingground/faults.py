"""What is wrong with an edited picture, as a person would say it: the gravest fault first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from thinkedit.provingground.asking import Ask
from thinkedit.provingground.scene import Scene
from thinkedit.provingground.scoring import Done, Harm, Verdict

__all__ = ["KINDS", "Fault", "faults"]

KINDS = ("nothing", "reasoning", "wrong", "lost", "weak", "spill", "damaged")


@dataclass(frozen=True)
class Fault:
    """kind: one of KINDS. done: the change that it is about. harm: what was to stay and did not."""

    kind: str
    done: Done | None = None
    harm: Harm | None = None


def faults(
    source: Scene, edited: Scene, found: Verdict, asks: Sequence[Ask], threshold: float
) -> list[Fault]:
    """All faults, none where both scores reach the threshold."""
    if found.semantic >= threshold and found.quality >= threshold:
        return []
    seen: list[Fault] = []
    if source == edited:
        seen.append(Fault("nothing", found.done[0]))
    else:
        missed = [done for done in found.done if done.credit < 1 and not done.weak]
        harms = [harm for harm in found.harms if harm.place is not None]
        for done in missed:
            if asks[done.change.ask].reasoned:
                kind = "reasoning"
            elif harms or done.touched or len(asks) == 1:
                kind = "wrong"
            else:
                kind = "lost"
            seen.append(Fault(kind, done, harms[0] if harms else None))
        seen += [Fault("weak", done) for done in found.done if done.weak]
        # With something left undone, what else was changed is that thing's wrong place.
        # A thing that was moved along is named by where it was.
        harms = sorted(
            found.harms, key=lambda harm: harm.place is not None and source.things[harm.place] is None
        )
        seen += [] if missed else [Fault("spill", harm=harm) for harm in harms]
    if found.quality < threshold and not any(fault.kind == "weak" for fault in seen):
        seen.append(Fault("damaged"))
    order = {kind: number for number, kind in enumerate(KINDS)}
    return sorted(seen, key=lambda fault: order[fault.kind])
