"""A session's events as MCP progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from thinkedit.graph.pacing import Pace, step_line
from thinkedit.types import Event

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

__all__ = ["EditProgress", "SessionProgress"]

_DONE = {"editing": 0.05, "edited": 0.5, "critiquing": 0.55, "critiqued": 0.95}
"""Share of a turn that is done when the event comes; an editor's own steps fill the time between."""

_STEP = 0.001


class SessionProgress:
    """Reports each event of a run: turns done of turns at most, and what happens in one line.

    The number always grows, as the protocol asks, also where a step is tried again. The line names the
    session, so that a caller who cancels knows what to go on with.
    """

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._at = -_STEP
        self._best: float | None = None

    async def __call__(self, event: Event) -> None:
        total = float(max(event.turns, 1))
        at = total if event.kind == "stopped" else max(event.turn - 1, 0) + _share(event)
        self._at = max(at, self._at + _STEP)
        if event.kind == "critiqued" and event.overall is not None:
            self._best = max(event.overall, self._best or 0.0)
        await self._ctx.report_progress(self._at, max(total, self._at), self._line(event))

    def _line(self, event: Event) -> str:
        where = f"session {event.session_id}"
        if event.turn and event.kind != "stopped":
            where += f", turn {event.turn} of {event.turns}"
        best = "" if self._best is None else f"; best so far {self._best:.1f} of 10"
        return f"{where}: {_what(event)}{best}"


def _share(event: Event) -> float:
    done = _DONE.get(event.kind, 0.0)
    if event.kind == "editing" and event.total > 0:
        done += (_DONE["edited"] - done) * min(max(event.done / event.total, 0.0), 1.0)
    return done


class EditProgress:
    """Reports an editor's own progress: a few times a second at most, and only what has grown."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._pace = Pace()
        self._at = -1.0

    async def __call__(self, done: float, total: float, message: str) -> None:
        if done > self._at and self._pace.due(done, total):
            self._at = done
            await self._ctx.report_progress(done, total or None, step_line(done, total, message))


def _what(event: Event) -> str:
    match event.kind:
        case "opened":
            return "opened"
        case "planned":
            return f"planned: {_short(event.prompt)}"
        case "editing":
            return f"editing: {_short(event.message or event.prompt)}"
        case "edited":
            return "edited"
        case "critiquing":
            return "looking at the result"
        case "critiqued" if event.semantic is not None and event.quality is not None:
            return f"scored semantic {event.semantic:g}, quality {event.quality:g}"
        case "critiqued":
            return f"judged: {_short(event.message)}"
        case "refined":
            return f"next prompt: {_short(event.prompt)}"
        case "stopped":
            return f"stopped ({event.message})"
        case _:
            return f"{event.kind}: {_short(event.message)}" if event.message else event.kind


def _short(text: str, length: int = 120) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
