"""Finds the blocks of an answer in one pass, linear in its length."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["Blocks", "Broken", "blocks", "clean", "unfenced", "without_surrogates"]

# Bounded whitespace: two unbounded runs around an optional slash would backtrack quadratically.
_TAG = re.compile(r"<\s{0,8}(/?)\s{0,8}(think|score|answer)\s{0,8}>", re.IGNORECASE | re.ASCII)
# Controls, zero-width spaces and marks that turn the direction of writing; line breaks and tabs stay.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]"
)
_FENCE = re.compile(r"```[A-Za-z0-9_-]{0,20}\s(.*)```", re.DOTALL)


class Broken(Exception):
    """Says in words what is wrong with an answer; becomes an AnswerError where the answer is at hand."""


@dataclass
class Blocks:
    """The contents of the blocks outside any thinking, the thinking, and the text after the last block."""

    think: list[str] = field(default_factory=list)
    score: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    rest: str = ""


def blocks(text: str) -> Blocks:
    """The blocks of an answer. Raises Broken where it cannot be said for certain which blocks are meant.

    Inside <think> every tag but </think> is text. A further </think> before any other block lengthens the
    thinking; after one it could have been meant to enclose it, so the answer is refused. Text outside of
    all blocks is ignored, except that it stands for the thinking where there is none before a lone </think>
    or the first block. A block that is not closed, or that has a tag inside, is refused.
    """
    found = Blocks()
    tags = list(_TAG.finditer(text))
    start = 0  # of the thinking, where no <think> says otherwise
    thinking = False
    opened: re.Match[str] | None = None
    for tag in tags:
        closes, name = bool(tag[1]), tag[2].lower()
        if thinking:
            if name == "think" and closes:
                found.think.append(text[start : tag.start()])
                thinking, start = False, tag.end()
        elif opened is not None:
            if not closes or name != opened[2].lower():
                raise Broken(f"{tag[0]} stands inside {opened[0]}")
            block: list[str] = getattr(found, name)
            block.append(text[opened.end() : tag.start()])
            opened = None
        elif name == "think":
            if not closes:
                thinking, start = True, tag.end()
            elif found.score or found.answer:
                raise Broken("</think> comes after a score or an answer without a <think> before")
            else:
                found.think.append(text[start : tag.start()])
                start = tag.end()
        elif closes:
            raise Broken(f"{tag[0]} closes nothing")
        else:
            opened = tag
    if thinking:
        raise Broken("<think> is never closed")
    if opened is not None:
        raise Broken(f"{opened[0]} is never closed")
    if not found.think and tags:
        found.think.append(text[: tags[0].start()])
    found.rest = text[tags[-1].end() :] if tags else text
    return found


def unfenced(text: str) -> str:
    """Without a code fence around the whole, such as ```json."""
    fenced = _FENCE.fullmatch(text)
    return fenced[1].strip() if fenced else text


def clean(text: str) -> str:
    """Without control characters, outer whitespace and a code fence around the whole."""
    return unfenced(_CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip())


def without_surrogates(text: str) -> str:
    """Surrogate pairs joined, lone ones replaced: they can be neither encoded nor stored."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
