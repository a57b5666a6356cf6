"""Our own wording of RISEBench's rubrics, under the names of the official ones; not the official text."""

from __future__ import annotations

__all__ = ["OWN"]

_END = (
    "\nSay in a few sentences how you came to it, and end with one line of this form:\nFinal Score: N\n"
    "where N is {range}."
)
_FIVE = _END.format(range="one whole number from 1 to 5")
_BINARY = _END.format(range="0 or 1")

_CONSISTENCY = (
    "The first image is the original, the second was made from it by this instruction:\n\n{instruct}\n\n"
    "Leave aside whatever the instruction asks for or brings about. Is everything else the same: people and "
    "things, their marks and colours, the background, the arrangement, the style?\n"
    "5: all of it. 4: one small thing differs. 3: one thing that is noticed at once differs. "
    "2: several such things differ. 1: hardly anything is the same.\n"
)
_REASONING = (
    "{shown}\n\nThe instruction was:\n{{instruct}}\n\nThe right result is described as:\n{{reference}}\n\n"
    "Does {which} show that result?\n"
    "5: in every detail and degree. 4: but for a small detail. 3: in part. "
    "2: the important part is missing or wrong. 1: it shows nothing of it.\n"
)
_PLAUSIBILITY = (
    "Look at this image alone. Is it sharp and coherent, and could it be: light, matter, bodies, gravity?\n"
    "5: flawless. 4: small flaws. 3: some important part is unreal or blurred. "
    "2: many are. 1: it cannot be made out or could not be.\n"
)
_REFERENCE = (
    "The first image is the right result of this instruction, the second is the result to judge:\n\n"
    "{instruct}\n\nDoes the second show what the first shows?\n"
    "5: in every respect that matters. 4: but for a small detail. 3: in part. "
    "2: the important part is wrong. 1: not at all.\n"
)
_PUZZLE_LOOK = (
    "The first image is {shown}, the second is the result to judge. The problem was:\n\n{{instruct}}\n\n"
    "{told}Leave aside whether the solution is right. Are style, lines, colours, background and arrangement "
    "those of the first image, apart from what the solution itself adds? 1: yes. 0: no.\n"
)

_ONE = "You see the image that was made from another one."
_TWO = "The first image is the original, the second was made from it."

OWN: dict[str, str] = {
    "prompt_consist": _CONSISTENCY + _FIVE,
    "prompt_reasoning": _REASONING.format(shown=_ONE, which="the image") + _FIVE,
    "prompt_reasoning_w_input": _REASONING.format(shown=_TWO, which="the second image") + _FIVE,
    "prompt_generation": _PLAUSIBILITY + _FIVE,
    "prompt_spatial_cons": _CONSISTENCY + _FIVE,
    "prompt_spatial_ref": _REASONING.format(shown=_ONE, which="the image") + _FIVE,
    "prompt_spatial_ref_w_input": _REASONING.format(shown=_TWO, which="the second image") + _FIVE,
    "prompt_spatial_ref_img": _REFERENCE + _FIVE,
    "prompt_spatial_qual": _PLAUSIBILITY + _FIVE,
    "prompt_logical_cons_ans": _PUZZLE_LOOK.format(
        shown="the original", told="The right answer is:\n{reference}\n\n"
    )
    + _BINARY,
    "prompt_logical_cons": _PUZZLE_LOOK.format(shown="a right solution", told="") + _BINARY,
    "prompt_logical_txt": (
        "You see the solution of a problem. The problem was:\n\n{instruct}\n\n"
        "The right answer is:\n{reference}\n\nDoes the image give that answer and no other? 1: yes. 0: no.\n"
    )
    + _BINARY,
    "prompt_logical_img": (
        "The first image is a right solution of a problem, the second is the one to judge. The problem "
        "was:\n\n{instruct}\n\nIs the second the same solution, and the only one shown? 1: yes. 0: no.\n"
    )
    + _BINARY,
    "prompt_logical_img_wo_q": (
        "The first image is a right solution of a problem, the second is the one to judge. Is the second the "
        "same solution, and the only one shown? 1: yes. 0: no.\n"
    )
    + _BINARY,
}
