"""How sessions are listed and shown: drawn on a terminal, tab-separated or plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from thinkedit.cli.opening import age, overall_of, state_of
from thinkedit.cli.output import clean, console, is_live, say
from thinkedit.cli.view import turn_lines, went
from thinkedit.ledger import Session
from thinkedit.types import EditResult, Status

__all__ = ["show_list", "show_session"]


def show_list(rows: Sequence[tuple[Session, EditResult | None]]) -> None:
    """Elsewhere than on a terminal: id, state, turns, overall, created (ISO 8601) and instruction."""
    if not is_live():
        for session, result in rows:
            created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(session.created))
            cells = [session.session_id, state_of(session), *_numbers(result), created]
            say("\t".join([*cells, clean(session.instruction)]))
        return
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not rows:
        out.print('No sessions yet. Begin with: thinkedit edit photo.jpg "make it warmer"')
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    table.add_column("session", no_wrap=True)
    table.add_column("age", no_wrap=True, style="dim")
    table.add_column("state", no_wrap=True)
    table.add_column("turns", justify="right", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True, style="bold")
    table.add_column("instruction", no_wrap=True, overflow="ellipsis", ratio=1)
    for session, result in rows:
        turns, overall = _numbers(result)
        state = Text(state_of(session), style=_style(session))
        instruction = Text(clean(session.instruction))
        table.add_row(session.session_id, age(session.created), state, turns, overall, instruction)
    out.print(table)


def _numbers(result: EditResult | None) -> tuple[str, str]:
    if result is None:
        return "?", "?"
    overall = overall_of(result)
    return str(len(result.turns)), "-" if overall is None else f"{overall:.1f}"


def _style(session: Session) -> str:
    if session.status is Status.FAILED:
        return "red"
    if session.status is Status.RUNNING:
        return "cyan"
    return "green" if session.stop_reason == "satisfied" else ""


def show_session(session: Session, result: EditResult, go_on: str) -> None:
    """go_on: the command that goes on with it."""
    facts = [("session", session.session_id), ("state", f"{state_of(session)}, {age(session.updated)} old")]
    if result.image is not None:
        facts.append(("picture", result.image.path or result.image.uri))
    if result.next is not None or result.status is Status.RUNNING:
        facts.append(("go on", go_on))
    name = clean(session.source_name or "picture")
    if not is_live():
        say(f"{name}: {clean(session.instruction)} ({went(session.settings)})")
        for turn in result.turns:
            for line in turn_lines(turn):
                say(line)
        for label, text in facts:
            say(f"{label}: {text}")
        if result.why:
            say(f"why: {clean(result.why)}")
        return
    from rich.padding import Padding
    from rich.text import Text

    from thinkedit.cli.live import LABEL, fact, result_view

    out = console()
    out.print(Text(name, style="bold"))
    out.print(Text(clean(session.instruction)))
    out.print(Text(went(session.settings), style=LABEL))
    out.print()
    out.print(result_view(result, session.settings.threshold))
    if result.why:
        out.print(Padding(Text(clean(result.why)), (0, 0, 1, 4)))
    for label, text in facts:
        out.print(fact(label, text), soft_wrap=True)
