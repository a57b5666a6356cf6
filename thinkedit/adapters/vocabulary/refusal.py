"""What to say about a sentence that is not understood: the words, what comes nearest, and who can do it."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence

from thinkedit.adapters.vocabulary import words as w
from thinkedit.adapters.vocabulary.operations import OPERATIONS
from thinkedit.adapters.vocabulary.tokens import lexicon, spoken
from thinkedit.errors import UnsupportedEdit

__all__ = ["refusal"]

# True for every caller: `editor` is a flag of the command line and an argument of the tools.
_ELSEWHERE = (
    "other edits need a diffusion editor: give one as editor, by a configured name or as diffusers:MODEL "
    "(docs/models.md)"
)
_EXAMPLES = '"warmer", "lift the shadows", "blur the background", "sharpen", "crop to 4:5"'
_RELATED: dict[str, tuple[str, ...]] = {
    "add": ("add a vignette", "add a white border", 'add the text "..."', "add contrast"),
    "put": ("add a vignette", "add a white border", 'add the text "..."'),
    "remove": ("remove the noise", "remove the colour", "replace the background with white"),
    "replace": ("replace the background with white", "replace the sky with a sunset"),
    "change": ("make the red parts blue", "replace the background with a gradient"),
    "turn": ("turn it into a watercolour", "turn it into a pencil sketch", "make it black and white"),
    "background": ("blur the background", "darken the background", "replace the background with white"),
    "sky": ("darken the sky", "replace the sky with a sunset"),
    "painting": ("turn it into an oil painting", "turn it into a watercolour"),
    "style": ("turn it into a watercolour", "turn it into a cartoon", "give it a vintage look"),
    "crop": ("crop to 16:9", "crop closer", "crop 10 % off the left"),
}


def refusal(
    parts: Sequence[str], why: str = "", *, sentence: str = "", near: Sequence[str] = ()
) -> UnsupportedEdit:
    """The error for `parts` of the sentence, as written.

    why: what is wrong, where it is known better than "not understood"; near: sentences that would work.
    """
    shown = " and ".join(f'"{_short(part)}"' for part in parts) or "an empty sentence"
    said = f"{shown}: {why}" if why else f"the photo editor does not understand {shown}"
    heard = [word for part in parts for word in spoken(part)]
    hint = "" if why else next((w.HINTS[word] for word in heard if word in w.HINTS), "")
    if why and not near:
        return UnsupportedEdit(said, tuple(parts))
    tail = hint or _nearest(parts, sentence, near)
    message = "; ".join(piece for piece in (said, tail, _ELSEWHERE) if piece)
    return UnsupportedEdit(message, tuple(parts))


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 80 else line[:77] + "..."


def _nearest(parts: Sequence[str], sentence: str, near: Sequence[str]) -> str:
    if near:
        return "nearest it can do: " + ", ".join(f'"{phrase}"' for phrase in near)
    meant = [close for part in parts for word in spoken(part)[:8] for close in _alike(word)]
    if meant:
        return "did you mean " + " or ".join(f'"{word}"' for word in dict.fromkeys(meant)) + "?"
    heard = (*(word for part in parts for word in spoken(part)), *spoken(sentence[:500]))
    related = [phrase for word in heard for phrase in _RELATED.get(word, ())]
    if related:
        return "nearest it can do: " + ", ".join(f'"{phrase}"' for phrase in dict.fromkeys(related[:4]))
    return f"it can do things like {_EXAMPLES}"


def _alike(word: str) -> list[str]:
    if len(word) < 5 or word in _known_words():
        return []
    return difflib.get_close_matches(word, _known_words(), n=2, cutoff=0.82)


@functools.cache
def _known_words() -> tuple[str, ...]:
    kinds = {"op", "noun", "region", "colour", "amount"}
    single = {key[0] for key, sense in lexicon().items() if len(key) == 1 and sense.kind in kinds}
    return tuple(sorted(single | set(OPERATIONS)))
