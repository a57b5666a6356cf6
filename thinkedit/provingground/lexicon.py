"""The words of the proving ground: what is written one way and read many ways."""

from __future__ import annotations

import re

from thinkedit.provingground.palette import BACKGROUNDS, COLOURS, STYLES
from thinkedit.provingground.scene import SHAPES

__all__ = ["AREAS", "NUMBERS", "ORDINALS", "WORDS", "Token", "tokens"]

NUMBERS = {"two": 2, "both": 2, "three": 3, "four": 4, "all": 0, "every": 0, "each": 0}
ORDINALS = {"second": 2, "third": 3, "fourth": 4}
AREAS = ("top left", "top right", "bottom left", "bottom right", "top", "bottom", "left", "right", "middle")

_KINDS: dict[str, tuple[str, ...] | dict[str, str]] = {
    "colour": tuple(COLOURS),
    "shade": tuple(BACKGROUNDS),
    "shape": {
        **{shape: shape for shape in SHAPES},
        **{f"{shape}s": shape for shape in SHAPES},
        "disc": "circle",
        "discs": "circle",
        "diamonds": "diamond",
    },
    "size": {"small": "small", "little": "small", "tiny": "small", "medium": "medium",
             "medium-sized": "medium", "large": "large", "big": "large", "huge": "large"},
    "grow": {"bigger": "1", "larger": "1", "smaller": "-1"},
    "resize": {"enlarge": "1", "grow": "1", "shrink": "-1", "reduce": "-1"},
    "texture": {"striped": "striped", "stripy": "striped", "stripes": "striped", "dotted": "dotted",
                "spotted": "dotted", "dots": "dotted", "plain": "plain", "checked": "checked",
                "checkered": "checked", "checks": "checked"},
    "style": {**{style: style for style in STYLES if style != "none"}, "watercolor": "watercolour"},
    "extreme": {"largest": "largest", "biggest": "largest", "smallest": "smallest", "leftmost": "left",
                "left-most": "left", "rightmost": "right", "right-most": "right", "topmost": "top",
                "top-most": "top", "highest": "top", "bottommost": "bottom", "bottom-most": "bottom",
                "lowest": "bottom"},
    "rank": {"most": "most", "commonest": "most", "least": "least", "rarest": "least"},
    "article": ("a", "an"),
    "definite": ("the", "its", "this", "that"),
    "number": {word: str(number) for word, number in NUMBERS.items()},
    "ordinal": {word: str(number) for word, number in ORDINALS.items()},
    "thing": ("one", "ones", "shape", "shapes", "object", "objects", "thing", "things"),
    "remove": ("remove", "delete", "erase"),
    "add": ("add", "draw", "insert"),
    "put": ("put", "place", "set"),
    "replace": ("replace", "swap", "exchange"),
    "move": ("move", "shift", "slide", "bring"),
    "make": ("make", "turn", "paint", "change", "recolour", "recolor", "colour", "color", "give", "render"),
    "take": ("take", "get"),
    "wish": ("i", "we"),
    "keep": ("keep", "leave", "preserve", "without", "don't", "touch", "untouched", "unchanged"),
    "background": ("background", "backdrop"),
    "picture": ("picture", "image", "scene", "everything"),
    "rest": ("else", "rest", "other", "others", "remaining"),
    "strong": ("completely", "fully", "entirely", "strongly", "totally", "clearly", "much"),
    "corner": ("corner", "side", "edge"),
    "area": ("top", "bottom", "left", "right", "middle", "center", "centre", "upper", "lower"),
    "row": ("row",),
    "column": ("column",),
    "to": ("to", "into", "towards"),
    "with": ("with", "by", "for"),
    "and": ("and", "then"),
    "of": ("of",),
    "from": ("from",),
}  # fmt: skip

_SAME = {"center": "middle", "centre": "middle", "upper": "top", "lower": "bottom"}

# Words that carry nothing here: they may stand anywhere.
_IDLE = frozenset(
    word
    for line in (
        "please can could would you want like i'd to be is are it them they in on at as there which",
        "that now so just look looks should exactly out away rid off up me my us new colour color style step",
        "first next finally also same way shown occurs often appears common whole but stay stays alone",
        "visible do",
    )
    for word in line.split()
)

_WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*|\d+|[.,;:!?)]")

_MEANING: dict[str, tuple[str, str]] = {}
for _kind, _words in _KINDS.items():
    for _word in _words:
        _MEANING[_word] = (_kind, _words[_word] if isinstance(_words, dict) else _SAME.get(_word, _word))


WORDS = frozenset(_MEANING) | _IDLE
"""Every word that is known."""


class Token(tuple[str, str, str]):
    """(kind, value, word): kind is one of the lexicon's, `digit`, `mark`, `idle` or `unknown`."""

    __slots__ = ()

    @property
    def kind(self) -> str:
        return self[0]

    @property
    def value(self) -> str:
        return self[1]

    @property
    def word(self) -> str:
        return self[2]


def tokens(text: str) -> list[Token]:
    """The words of a text, each with what it is here."""
    found = []
    for word in _WORD.findall(text.lower().replace("’", "'")):
        if word in _MEANING:
            kind, value = _MEANING[word]
        elif word.isdigit():
            kind, value = "digit", word
        elif not word[0].isalpha():
            kind, value = "mark", word
        else:
            kind, value = ("idle" if word in _IDLE else "unknown"), word
        found.append(Token((kind, value, word)))
    return found
