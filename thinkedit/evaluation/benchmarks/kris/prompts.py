"""Our own wording of KRIS-Bench's rubrics, under the names of the official ones; not the official text."""

from __future__ import annotations

__all__ = ["OWN"]

_SCALE = (
    "Give a whole number from 1 to 5: 5 for all of it, 4 but for one small thing, 3 in part, 2 for little, "
    "1 for none of it.\n"
)


def _form(*keys: str) -> str:
    values = {key: "N" if key.endswith("score") else '"why, in at most two sentences"' for key in keys}
    fields = ", ".join(f'"{key}": {value}' for key, value in values.items())
    return f"Answer with one JSON object and nothing else: {{{{{fields}}}}}"


_CONSISTENT = (
    "Leave aside whatever the instruction asks for or brings about: is everything else as it was, people and "
    "things, their marks, the background, the style? " + _SCALE + _form("consistency_score", "reasoning")
)
_FOLLOWED = "Has exactly what was asked been done? " + _SCALE + _form("instruction_score", "reasoning")

_PAIR = "You see an original image and the edited one. The instruction was:\n\n{instruct}\n\n"
_FRAMES = (
    "You see frames of one course of events in their order. Frame {N} was generated from the others by this "
    "instruction:\n\n{instruct}\n\n"
)
_PARTS = (
    "You see reference images and one image that was put together from them by this instruction:\n\n"
    "{instruct}\n\n"
)

OWN: dict[str, str] = {
    "prompt_consist": _PAIR + _CONSISTENT,
    "prompt_instruction_following": _PAIR + _FOLLOWED,
    "prompt_view_instruction_following": _PAIR
    + "A third image shows the scene as it really looks from the new viewpoint. Is the edited image seen "
    "from there? " + _SCALE + _form("instruction_score", "reasoning"),
    "prompt_dual_evaluation": _PAIR + "What a right result has to show:\n\n{explanation}\n\n"
    "Give two whole numbers from 1 to 5. The first: has the edit been done that was asked for? The "
    "second: is what can be seen right by the explanation? Where the first is 1 or 2, the second is 1.\n"
    + _form("instruction_score", "instruction_reasoning", "knowledge_score", "knowledge_reasoning"),
    "prompt_consist_temporal": _FRAMES
    + "Does frame {N} show the same things in the same scene and style as the others? "
    + _SCALE
    + _form("consistency_score", "reasoning"),
    "prompt_instruction_temporal": _FRAMES
    + "Is frame {N} what happens at that point? "
    + _SCALE
    + _form("instruction_score", "reasoning"),
    "prompt_consist_multi": _PARTS
    + "Is each part the same as in the reference image that it comes from? "
    + _SCALE
    + _form("consistency_score", "reasoning"),
    "prompt_instruction_multi": _PARTS
    + "Are all the parts there, put together as asked? "
    + _SCALE
    + _form("instruction_score", "reasoning"),
    "prompt_quality": "Look at the craft of this image alone: is it sharp, natural, and free of seams, "
    "smears and impossible bodies? "
    + _SCALE
    + _form("quality_score", "reasoning").replace("{{", "{").replace("}}", "}"),
}
