"""Plain sentences on an edited picture: for the judge all that was found, for the expert one fault."""

from __future__ import annotations

from thinkedit.provingground.faults import Fault
from thinkedit.provingground.scene import Scene
from thinkedit.provingground.scoring import Harm, Verdict
from thinkedit.provingground.wording import the, thing_at

__all__ = ["explained", "told"]

_LOST = {
    "gone": "something vanished", "moved": "something moved", "shape": "a shape changed",
    "style": "the style changed", "colour": "a colour changed", "background": "the background changed",
    "new": "something new appeared",
    "size": "a size changed", "texture": "a texture changed", "faint": "something became transparent",
}  # fmt: skip


def told(found: Verdict) -> str:
    """What the scores of a verdict rest on."""
    parts = []
    for done in found.done:
        state = "done" if done.credit == 1 else "done too weakly" if done.weak else "partly done"
        parts.append(f"{done.change.kind}: {state if done.credit else 'not done'}")
    parts += [f"{_LOST[harm.what]} that was to stay" for harm in found.harms]
    parts.append("no damage" if found.quality == 10 else f"quality {found.quality:g} of 10")
    return "; ".join(parts) + "."


def explained(scene: Scene, fault: Fault | None) -> str:
    """A fault in one sentence, or that there is none. In the small world in few words."""
    small = scene.world.grid == 3
    if fault is None:
        return "All is as asked."
    if fault.kind == "nothing":
        return "Nothing was changed."
    if fault.kind == "damaged":
        return "The picture is damaged."
    if fault.kind == "spill" and fault.harm is not None:
        return f"{_name(scene, fault.harm, small)} changed too."
    if fault.kind == "weak":
        return "The change is too weak." if small else f"The {_act(fault)} is too weak."
    if fault.kind == "lost":
        return "One change is missing." if small else f"One change is missing: the {_act(fault)}."
    if small:
        return "The wrong shape was changed."
    target = (
        ""
        if fault.done is None or fault.done.change.place is None
        else _meant(scene, fault.done.change.place)
    )
    if fault.kind == "reasoning":
        return f"The editor did not work out what is meant{target}."
    return f"The wrong thing was changed{target}."


def _act(fault: Fault) -> str:
    kind = "change" if fault.done is None else fault.done.change.kind
    return {"recolour": "new colour", "remove": "removal", "add": "new shape", "replace": "replacement",
            "move": "move", "resize": "new size", "background": "new background",
            "style": "style"}.get(kind, kind)  # fmt: skip


def _meant(scene: Scene, place: int) -> str:
    return f": {the(thing_at(scene, place))} is meant"


def _name(scene: Scene, harm: Harm, small: bool) -> str:
    if harm.place is None:
        return f"The {harm.what}"
    if scene.things[harm.place] is None:
        return "A free place"
    name = the(thing_at(scene, harm.place), small=small)
    return name[0].upper() + name[1:]
