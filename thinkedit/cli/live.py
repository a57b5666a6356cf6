"""The view on a terminal: finished turns scroll up, the one in hand is drawn below them."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.padding import Padding
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from thinkedit.cli.output import clean, console
from thinkedit.cli.view import Ending, seconds, went
from thinkedit.types import EditResult, Event, LoopSettings, Turn

__all__ = ["LABEL", "LiveView", "fact", "result_view", "turn_view"]

# Only the named colours of the terminal's own palette, and never colour alone: readable on light and dark.
LABEL = "dim"
BAR = 10
WORK = {
    "opened": "starting",
    "planned": "planned",
    "editing": "editing",
    "edited": "edited",
    "critiquing": "looking at the result",
    "critiqued": "thinking of the next prompt",
    "refined": "starting",
    "retrying": "trying again",
}


@dataclass
class Shown:
    """A turn as it is drawn."""

    turn: int
    semantic: float | None = None
    quality: float | None = None
    overall: float | None = None
    critique: str = ""
    error: str = ""
    prompt: str = ""
    next_prompt: str = ""
    took: float = 0.0
    best: bool = False


def turn_view(shown: Shown, threshold: float) -> RenderableType:
    """One finished turn: a line of scores, then what the thinker saw and what it wants next."""
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(width=3, justify="right")
    head.add_column(ratio=1)
    head.add_column(justify="right")
    line = Text()
    if shown.overall is None:
        line.append("no scores" if not shown.error else "no image")
    else:
        line.append_text(_bar(shown, threshold))
        line.append(f" {shown.overall:4.1f}", style="bold")
        line.append("   semantic ", style=LABEL).append(f"{shown.semantic:.1f}")
        line.append("  quality ", style=LABEL).append(f"{shown.quality:.1f}")
    if shown.best:
        line.append("   chosen", style="green")
    head.add_row(Text(str(shown.turn), style="bold"), line, Text(seconds(shown.took), style=LABEL))
    rows = [("prompt", shown.prompt), ("error", shown.error), ("critique", shown.critique)]
    rows.append(("next", shown.next_prompt))
    return Group(head, *_labelled(rows), Text())


def _labelled(rows: list[tuple[str, str]]) -> list[RenderableType]:
    body = Table.grid(padding=(0, 2, 0, 0))
    body.add_column(width=8, style=LABEL)
    body.add_column(overflow="fold")
    for label, text in rows:
        if text.strip():
            style = {"error": "red", "next": "bold"}.get(label, "")
            body.add_row(label, Text(clean(text), style=style))
    return [Padding(body, (0, 0, 0, 4))] if body.row_count else []


def _bar(shown: Shown, threshold: float) -> Text:
    """Ten cells, filled up to the overall score, coloured by the weaker one, which is what must rise."""
    filled = max(0, min(BAR, round(shown.overall or 0)))
    weaker = min(shown.semantic or 0, shown.quality or 0)
    style = "green" if weaker >= threshold else "yellow" if weaker >= threshold - 3 else "red"
    return Text().append("━" * filled, style=style).append("─" * (BAR - filled), style=LABEL)


def result_view(result: EditResult, threshold: float) -> RenderableType:
    """The turns of a session that is not running."""
    views = [
        turn_view(shown_turn(turn, before, result.selected_turn), threshold)
        for turn, before in zip(result.turns, [None, *result.turns], strict=False)
    ]
    return Group(*views)


def shown_turn(turn: Turn, before: Turn | None, selected: int | None) -> Shown:
    """before: the turn before it. Its next prompt was shown with it, so it is not shown again."""
    critique = turn.critique
    told = before.critique.next_prompt if before is not None and before.critique is not None else None
    return Shown(
        turn=turn.turn,
        semantic=critique.semantic if critique else None,
        quality=critique.quality if critique else None,
        overall=critique.overall if critique else None,
        critique=critique.reasoning if critique else "",
        error=turn.error or "",
        prompt=turn.prompt if told is not None and told.strip() != turn.prompt else "",
        next_prompt=critique.next_prompt if critique and not critique.satisfied else "",
        took=turn.seconds.edit + turn.seconds.critique,
        best=turn.turn == selected,
    )


class LiveView:
    """Drawn with rich on standard output."""

    def __init__(self, out: Console | None = None) -> None:
        self._out = out or console()
        self._live: Live | None = None
        self._spinner = Spinner("dots", style="cyan")
        self._settings = LoopSettings()
        self._event: Event | None = None
        self._waiting: Shown | None = None
        self._since = time.monotonic()
        self._began = time.monotonic()
        self._stopping = False

    def begin(self, name: str, instruction: str, settings: LoopSettings, turns: list[Turn]) -> None:
        self._settings = settings
        self._out.print(Text(clean(name), style="bold"))
        self._out.print(Text(clean(instruction)))
        self._out.print(Text(went(settings), style=LABEL))
        self._out.print()
        for turn, before in zip(turns, [None, *turns], strict=False):
            self._out.print(turn_view(shown_turn(turn, before, None), settings.threshold))
        self._since = self._began = time.monotonic()
        self._live = Live(self, console=self._out, refresh_per_second=10, transient=True)
        self._live.start()

    async def event(self, event: Event) -> None:
        now = time.monotonic()
        match event.kind:
            case "editing" if self._event is None or self._event.kind != "editing":
                self._since = now
                self._flush("")
            case "planned":
                self._print_lines([("planned", event.prompt)])
            case "retrying":
                self._print_lines([("again", event.message)])
            case "critiqued":
                self._waiting = Shown(
                    turn=event.turn,
                    semantic=event.semantic,
                    quality=event.quality,
                    overall=event.overall,
                    critique=event.message,
                    error="" if event.image else "the editor made no image for this prompt",
                    took=now - self._since,
                )
            case "refined":
                self._flush(event.prompt)
            case "stopped":
                self._flush("")
            case _:
                pass
        self._event = event

    def stopping(self) -> None:
        self._stopping = True

    def end(self, ending: Ending) -> None:
        self._flush("")
        self.close()
        style = "green" if ending.good else "yellow" if ending.result.image is not None else "red"
        mark = "✔" if ending.good else "■" if ending.result.image is not None else "✘"
        line = Text().append(f" {mark}  ", style=style).append(ending.headline, style="bold")
        self._out.print(line.append(f"  {seconds(ending.went)}", style=LABEL))
        self._out.print(Padding(Text(clean(ending.result.why)), (0, 0, 0, 4)))
        written = ending.written or "nothing, because no image was made"
        self._out.print()
        # Paths and commands are not wrapped, so that they can be copied.
        self._out.print(fact("written", written, "bold" if ending.written else ""), soft_wrap=True)
        self._out.print(fact("session", ending.result.session_id), soft_wrap=True)
        if ending.tokens:
            self._out.print(fact("tokens", ending.tokens), soft_wrap=True)
        if ending.go_on is not None:
            self._out.print(fact("go on", ending.go_on), soft_wrap=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __rich_console__(self, out: Console, options: ConsoleOptions) -> RenderResult:
        """What happens now: called again and again while the run goes on."""
        event = self._event
        kind = "opened" if event is None else event.kind
        doing = "ending the run: Ctrl-C again to quit at once" if self._stopping else WORK.get(kind, "")
        turn = max(event.turn, 1) if event is not None else 1
        # Not up to the last column: the terminal's own ^C must not wrap into the next line.
        grid = Table.grid(padding=(0, 1), expand=False)
        grid.width = max(options.max_width - 6, 20)
        grid.add_column(width=3, justify="right")
        grid.add_column(width=1)
        grid.add_column(ratio=1)
        grid.add_column(justify="right")
        line = Text().append(doing, style="yellow" if self._stopping else "")
        if event is not None and event.kind == "editing" and event.message and not self._stopping:
            line.append(f": {clean(event.message)}", style=LABEL)
        line.append(f"  (turn {turn} of {self._settings.turns})", style=LABEL)
        line.truncate(max(options.max_width - 24, 10), overflow="ellipsis")
        grid.add_row(
            Text(str(turn), style="bold"),
            self._spinner,
            line,
            Text(seconds(time.monotonic() - self._since), style=LABEL),
        )
        yield grid

    def _flush(self, next_prompt: str) -> None:
        if self._waiting is not None:
            self._waiting.next_prompt = next_prompt
            self._out.print(turn_view(self._waiting, self._settings.threshold))
            self._waiting = None

    def _print_lines(self, rows: list[tuple[str, str]]) -> None:
        self._out.print(*_labelled(rows))


def fact(label: str, text: str, style: str = "") -> Text:
    return Text().append(f"    {label:<9}", style=LABEL).append(text, style=style)
