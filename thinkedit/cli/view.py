"""How a run is shown while it happens: drawn on a terminal, as plain lines elsewhere, or not at all."""

from __future__ import annotations

import time
from typing import Protocol

from thinkedit.cli.output import clean, say
from thinkedit.types import EditResult, Event, LoopSettings, StopReason, Turn, Usage

__all__ = ["Ending", "PlainView", "QuietView", "View", "headline", "scores", "seconds", "tokens", "went"]


class Ending:
    """What a run came to, for the last lines. go_on: the command that takes it further, if there is one."""

    def __init__(
        self, result: EditResult, written: str | None, *, interrupted: bool, went: float, go_on: str | None
    ) -> None:
        self.result = result
        self.written = written
        self.interrupted = interrupted
        self.went = went
        self.go_on = go_on

    @property
    def headline(self) -> str:
        return headline(self.result, self.interrupted)

    @property
    def tokens(self) -> str:
        return tokens(Usage.total(turn.usage for turn in self.result.turns))

    @property
    def good(self) -> bool:
        return self.result.stop_reason is StopReason.SATISFIED and not self.interrupted


class View(Protocol):
    """Shown at the start of a run, at each of its events, at an interruption and at its end."""

    def begin(self, name: str, instruction: str, settings: LoopSettings, turns: list[Turn]) -> None:
        """turns: those of a session that is gone on with."""
        ...

    async def event(self, event: Event) -> None: ...

    def stopping(self) -> None:
        """The user interrupted; the run is being ended."""
        ...

    def end(self, ending: Ending) -> None: ...

    def close(self) -> None:
        """Leave the terminal as it was, also after an error. Idempotent."""
        ...


def headline(result: EditResult, interrupted: bool) -> str:
    """`satisfied after 2 turns`, `interrupted after 1 turn`, `max turns after 4 turns`."""
    reason = result.stop_reason
    what = "interrupted" if interrupted else reason.value.replace("_", " ") if reason else result.status.value
    count = len(result.turns)
    return f"{what} after {count} turn{'' if count == 1 else 's'}"


def seconds(value: float) -> str:
    """`0.42 s`, `3.1 s`, `75 s`, `3 min 20 s`."""
    if value < 1:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60} s"


def scores(semantic: float | None, quality: float | None, overall: float | None) -> str:
    if semantic is None or quality is None or overall is None:
        return "no scores"
    return f"semantic {semantic:.1f}, quality {quality:.1f}, overall {overall:.1f}"


def tokens(usage: Usage | None) -> str:
    """`12,345 in, 678 out`, or nothing where the thinker counts none."""
    return f"{usage.input_tokens:,} in, {usage.output_tokens:,} out" if usage is not None else ""


def went(settings: LoopSettings) -> str:
    """The settings that a person would want to see: `photo and measured, at most 4 turns, good at 8`."""
    parts = [f"{settings.editor} and {settings.thinker}"]
    if settings.refiner is not None:
        parts[0] += f", refined by {settings.refiner}"
    if settings.safety is not None:
        parts.append(f"checked by {settings.safety}")
    if settings.mode != "while":
        parts.append(f"mode {settings.mode.value}")
    parts.append(f"at most {settings.turns} turn{'' if settings.turns == 1 else 's'}")
    if settings.candidates > 1:
        parts.append(f"{settings.candidates} candidates each")
    if settings.passes > 1:
        parts.append(f"mean of {settings.passes} critiques")
    parts.append(f"good at {settings.threshold:g}")
    return ", ".join(parts)


class QuietView:
    """Nothing but the path of the picture that was written, for scripts."""

    def begin(self, name: str, instruction: str, settings: LoopSettings, turns: list[Turn]) -> None:
        pass

    async def event(self, event: Event) -> None:
        pass

    def stopping(self) -> None:
        pass

    def end(self, ending: Ending) -> None:
        if ending.written is not None:
            say(ending.written)

    def close(self) -> None:
        pass


class PlainView:
    """One line for each thing that happens, where there is no terminal."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def begin(self, name: str, instruction: str, settings: LoopSettings, turns: list[Turn]) -> None:
        say(f"{clean(name)}: {clean(instruction)} ({went(settings)})")
        for turn in turns:
            self._turn(turn)

    def _turn(self, turn: Turn) -> None:
        for line in turn_lines(turn):
            say(line)

    async def event(self, event: Event) -> None:
        at = f"turn {event.turn} of {event.turns}"
        took = seconds(time.monotonic() - self._started)
        match event.kind:
            case "opened":
                say(f"session {event.session_id}")
            case "planned":
                say(f"planned prompt: {clean(event.prompt)}")
            case "editing" if not event.message:  # an editor's own progress would be many lines
                self._started = time.monotonic()
                say(f"{at}: editing")
            case "critiquing":
                say(f"{at}: looking at the result")
            case "critiqued":
                judged = scores(event.semantic, event.quality, event.overall)
                judged = judged if event.image else "the editor made no image for this prompt"
                say(f"{at}: {judged} ({took}){f': {clean(event.message)}' if event.message else ''}")
            case "refined":
                say(f"{at}: next prompt: {clean(event.prompt)}")
            case "retrying":
                say(f"{at}: {clean(event.message)}")
            case _:
                pass

    def stopping(self) -> None:
        say("interrupted: ending the run (once more to quit at once)")

    def end(self, ending: Ending) -> None:
        say(f"{ending.headline} ({seconds(ending.went)}): {clean(ending.result.why)}")
        if ending.written is not None:
            say(f"written: {ending.written}")
        elif ending.result.image is None:
            say("written: nothing, because no image was made")
        if ending.tokens:
            say(f"tokens: {ending.tokens}")
        if ending.go_on is not None:
            say(f"go on: {ending.go_on}")

    def close(self) -> None:
        pass


def turn_lines(turn: Turn) -> list[str]:
    """A finished turn as plain lines."""
    took = seconds(turn.seconds.edit + turn.seconds.critique)
    lines = [f"turn {turn.turn}: prompt: {clean(turn.prompt)}"]
    if turn.error:
        lines.append(f"turn {turn.turn}: {clean(turn.error)}")
    if (critique := turn.critique) is not None:
        judged = scores(critique.semantic, critique.quality, critique.overall)
        said = f": {clean(critique.reasoning)}" if critique.reasoning else ""
        lines.append(f"turn {turn.turn}: {judged} ({took}){said}")
    return lines
