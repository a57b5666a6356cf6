"""How a single critique and a single next prompt are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from thinkedit.cli.output import clean, console, is_live, say
from thinkedit.cli.view import scores, tokens

if TYPE_CHECKING:
    from thinkedit.tools import CritiqueResult, RefinedResult
    from thinkedit.types import Preservation

__all__ = ["show_critique", "show_refined", "waiting"]


@contextmanager
def waiting(text: str, *, shown: bool) -> Iterator[None]:
    """A spinner on a terminal; nothing elsewhere."""
    if not shown or not is_live():
        yield
        return
    with console().status(text, spinner_style="cyan"):
        yield


def show_critique(result: CritiqueResult) -> None:
    rows = [
        ("scores", scores(result.semantic, result.quality, result.overall)),
        ("good", "yes" if result.satisfied else "no"),
        ("critique", result.reasoning),
        ("kept", _kept(result.preservation)),
        ("thinker", result.thinker),
        ("tokens", tokens(result.usage)),
    ]
    _show(rows)


def show_refined(result: RefinedResult) -> None:
    prompt = result.prompt or "nothing: the thinker proposes no other prompt"
    good = "yes, nothing more is needed" if result.satisfied else "no"
    _show([("next", prompt), ("why", result.why), ("good", good), ("thinker", result.thinker)])


def _kept(preservation: Preservation | None) -> str:
    """What was left alone, in a sentence."""
    if preservation is None:
        return ""
    parts = []
    if preservation.outside_delta_e is not None:
        parts.append(f"colours outside the region differ by {preservation.outside_delta_e:.1f} (CIEDE2000)")
    if preservation.structure is not None:
        parts.append(f"structure is {preservation.structure:.0%} the same")
    return ", ".join(parts)


def _show(rows: list[tuple[str, str]]) -> None:
    rows = [(label, clean(text)) for label, text in rows if text]
    if not is_live():
        for label, text in rows:
            say(f"{label}: {text}")
        return
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, text in rows:
        style = {"scores": "bold", "next": "bold"}.get(label, "")
        if label == "good":
            style = "green" if text.startswith("yes") else "yellow"
        table.add_row(label, Text(text, style=style))
    console().print(table)
