"""Our own wording of ImgEdit's nine rubrics: the same three questions and form, not the official text."""

from __future__ import annotations

from thinkedit.evaluation.benchmarks.imgedit.reading import DIMENSIONS

__all__ = ["OWN"]

_FORM = """You compare two images. The first is the source, the second was made from it by this instruction:

<edit_prompt>

The instruction is meant to {task}. Give three whole numbers from 1 to 5.

{first}: {asked} 1: not done, or something else was done; 3: done in part, or roughly; 5: done exactly and \
completely.
{second}: {look} 1: the picture is spoilt; 3: it shows at second glance; 5: nothing gives it away.
{third}: {detail} 1: broken or lost; 3: small faults; 5: right in every detail.

The second and the third number may not be larger than the first.

Answer in this form and write nothing after it:
Brief reasoning: at most 40 words
{first}: a number from 1 to 5
{second}: a number from 1 to 5
{third}: a number from 1 to 5
"""

_TASKS: dict[str, tuple[str, str, str, str]] = {
    "add": (
        "add an object",
        "Is the object there, of the right kind and number, in the right place?",
        "Does it belong into the picture, in style and edges?",
        "Do light, shadow, scale and perspective fit, and is the rest as it was?",
    ),
    "adjust": (
        "change an attribute of an object, such as colour, material or size",
        "Has that attribute of that object changed as asked?",
        "Does the change blend in, without halos or spill?",
        "Are shape, texture and everything else kept?",
    ),
    "extract": (
        "cut out one object and leave nothing else",
        "Is it the right object, whole and unchanged?",
        "Does the cut follow the outline, without holes or leftovers?",
        "Is what is left sharp and clean, on a plain background?",
    ),
    "replace": (
        "put one object in the place of another",
        "Is the old one gone and the right new one in its place?",
        "Does the new one belong into the picture?",
        "Do size, contact, light and shadow fit, and is the rest as it was?",
    ),
    "remove": (
        "take an object away",
        "Is exactly that object gone, with its shadow and reflection?",
        "Does what is there now look natural?",
        "Is the gap filled plausibly, and the rest as it was?",
    ),
    "background": (
        "change the background",
        "Is the background the one that was asked for, behind the same subject?",
        "Is the border between subject and background clean?",
        "Do light, perspective and scale of both fit together?",
    ),
    "style": (
        "turn the picture into another style",
        "Is it that style, all over?",
        "Are content and composition still those of the source?",
        "Is it well made in that style, without damage?",
    ),
    "compose": (
        "make several changes at once",
        "Has every one of the changes been made?",
        "Do all of them belong into the picture?",
        "Do light, contact and scale fit, and are fine details kept?",
    ),
    "action": (
        "change the pose or the action of a person or an animal",
        "Is it doing what was asked?",
        "Is it the same one, with the same face, clothes and marks?",
        "Is the body possible and complete, and the rest as it was?",
    ),
}


def _prompt(kind: str) -> str:
    task, asked, look, detail = _TASKS[kind]
    first, second, third = DIMENSIONS[kind]
    return _FORM.format(
        task=task, asked=asked, look=look, detail=detail, first=first, second=second, third=third
    )


OWN = {kind: _prompt(kind) for kind in DIMENSIONS}
