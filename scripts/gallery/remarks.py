"""Faults seen by looking at each selected picture: (photograph, instruction, scores then, what is wrong).

The scores tell when a picture has changed since: the page leaves such a remark out, and the script asks to
look again.
"""

from __future__ import annotations

__all__ = ["REMARKS"]

REMARKS: tuple[tuple[str, str, str, str], ...] = (
    (
        "astronaut",
        "replace the background with white",
        "9.9",
        "the helmet's white rim dissolves, and specks of the flag are left beside the arm",
    ),
    ("astronaut", "turn it into a watercolour", "9.8", "the eyes are washed away"),
    (
        "chelsea",
        "make the background black and white",
        "9.6",
        "specks of the cat's own shoulder, in the lower left corner, are grey too",
    ),
    ("china", "turn it into an oil painting", "10.0", "leaves become hard-edged cells"),
    (
        "china",
        "increase the contrast, make it slightly cooler and add a vignette",
        "9.6",
        "a corner of the bright sky turns a little grey",
    ),
    (
        "rocket",
        "make it warmer",
        "9.4",
        "the blue of the sky turns grey: warmer by every measure, and not what one would hope for",
    ),
    (
        "rocket",
        "turn it into a watercolour",
        "9.8",
        "the rocket's sides are wavy, and the towers nearly gone",
    ),
    ("rocket", "turn it into a colour sketch", "9.4", "grey smudges around the towers"),
)
