"""How `thinkedit doctor` shows what it found."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import thinkedit
from thinkedit.cli.checkup import Finding, Report
from thinkedit.cli.hosts import Host
from thinkedit.cli.output import clean, console, is_live, say
from thinkedit.cli.trial import Tell

__all__ = ["show", "telling"]

WITHOUT_UV = "this installation, without uv"


@contextmanager
def telling(*, shown: bool) -> Iterator[Tell]:
    """Where to say what is being done: a spinner on a terminal, nowhere elsewhere."""
    if not shown or not is_live():
        yield lambda text: None
        return
    from rich.text import Text

    out = console()
    with out.status("looking", spinner_style="cyan") as status:
        yield lambda text: status.update(Text(clean(text)[: max(out.width - 4, 20)]))


def show(report: Report) -> None:
    """Findings by part, then the lines to paste, which are neither indented nor wrapped.

    Who has models tried wants to know of them, so there the lines for hosts are left out.
    """
    on = f"Python {platform.python_version()}, {platform.platform(terse=True)}"
    head = f"thinkedit {thinkedit.__version__}, {on}"
    with_uv = "with uv" if shutil.which("uvx") else "with uv, which was not found on this machine"
    lines = [] if report.tried else [(with_uv, report.hosts), (WITHOUT_UV, report.local_hosts)]
    if is_live():
        _draw(head, report, lines)
        return
    words = {True: "ok", False: "FAULT", None: "-"}
    say(head)
    for finding in report.findings:
        say(f"{finding.part} {finding.name}: {words[finding.good]}: {clean(finding.text)}")
    for title, hosts in lines:
        say(f"hosts, {title}:")
        for where, text in _grouped(hosts):
            say(f"{where}: {text}")


def _grouped(hosts: list[Host]) -> list[tuple[str, str]]:
    """(who and where, text): hosts that take the same text stand together."""
    places: dict[str, list[str]] = {}
    for host in hosts:
        places.setdefault(host.text, []).append(f"{host.name} ({host.where})")
    return [(", ".join(where), text) for text, where in places.items()]


def _draw(head: str, report: Report, lines: list[tuple[str, list[Host]]]) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(head, style="bold"))
    part = ""
    for finding in report.findings:
        if finding.part != part:
            part = finding.part
            out.print(Text(f"\n{part}", style="bold"))
        _draw_finding(finding)
    for title, hosts in lines:
        out.print(Text(f"\nhosts, {title}", style="bold"))
        for where, text in _grouped(hosts):
            out.print(Text(f"\n{where}", style="dim"))
            out.print(Text(text), soft_wrap=True)


def _draw_finding(finding: Finding) -> None:
    from rich.table import Table
    from rich.text import Text

    mark, style = {True: ("✔", "green"), False: ("✘", "red"), None: ("·", "dim")}[finding.good]
    row = Table.grid(padding=(0, 1))
    row.add_column(width=3, justify="right")
    row.add_column(width=8)
    row.add_column(overflow="fold")
    text = Text(clean(finding.text), style="dim" if finding.good is None else "")
    row.add_row(Text(mark, style=style), finding.name, text)
    console().print(row)
