"""What models return, seen to be what their contract says; and what they raise, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from thinkedit.adapters.base import EditedImage
from thinkedit.errors import EditError, EditorFailed, ThinkerFailed
from thinkedit.types import Critique

__all__ = ["critique_in", "in_one_line", "items_in", "text_in"]


def items_in(answer: object, count: int) -> list[EditedImage | EditError]:
    """An editor's answer, if it is an item for each of `count` requests. EditorFailed if not."""
    if not isinstance(answer, Sequence) or len(answer) != count:
        there = f"{len(answer)} items" if isinstance(answer, Sequence) else type(answer).__name__
        raise EditorFailed(f"the editor answered {count} requests with {there}")
    for item in answer:
        if not isinstance(item, EditedImage | EditError):
            raise EditorFailed(f"the editor answered with {type(item).__name__}, which is no edited image")
    return list(answer)


def critique_in(answer: object) -> Critique:
    """A thinker's answer, if it is a critique. ThinkerFailed if not."""
    if not isinstance(answer, Critique):
        raise ThinkerFailed(f"the thinker answered with {type(answer).__name__}, not a Critique")
    return answer


def text_in(answer: object) -> str:
    """A planner's or refiner's answer, if it is text. ThinkerFailed if not."""
    if not isinstance(answer, str):
        raise ThinkerFailed(f"the thinker answered with {type(answer).__name__}, not text")
    return answer


def in_one_line(error: Exception) -> str:
    """An error that no contract names."""
    return " ".join(f"{type(error).__name__}: {error}".split())
