"""A document as Markdown, with its figures and pictures as files beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from thinkedit.evaluation.report.document import (
    Block,
    Case,
    Cell,
    Document,
    Figure,
    Gallery,
    Heading,
    Notice,
    Paragraph,
    Table,
)
from thinkedit.evaluation.report.drawing import STYLE
from thinkedit.evaluation.report.pictures import small
from thinkedit.images import Picture, ending_for

__all__ = ["Written", "markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$&!])")


@dataclass
class Written:
    """The text, and the files that it shows by their paths below its folder."""

    text: str = ""
    files: dict[str, bytes] = field(default_factory=dict)


def markdown(document: Document) -> Written:
    """What comes from models or files is escaped, so that it is read as text."""
    made = Written()
    parts = [f"# {_text(document.title)}", *(_block(block, made) for block in document.blocks)]
    made.text = "\n\n".join(parts) + "\n"
    return made


def _block(block: Block, made: Written) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {_text(block.text)}"
        case Paragraph():
            return _text(block.text)
        case Notice():
            return f"> **{_text(block.text)}**"
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, made)
        case Gallery():
            return "\n\n".join(
                _case(case, f"pictures/{block.name}-{at}", made)
                for at, case in enumerate(block.cases, start=1)
            )


def _table(table: Table) -> str:
    first = len(table.columns) - table.numbers
    rule = ["---:" if at >= first else "---" for at in range(len(table.columns))]
    lines = [_row(table.columns), f"| {' | '.join(rule)} |"]
    lines += [_row([c.text if isinstance(c, Cell) else c for c in row]) for row in table.rows]
    note = [_text(table.note)] if table.note else []
    return "\n\n".join([f"**{_text(table.caption)}**", "\n".join(lines), *note])


def _row(cells: list[str] | tuple[str, ...] | object) -> str:
    assert isinstance(cells, list | tuple)
    return f"| {' | '.join(_text(cell) for cell in cells)} |"


def _figure(figure: Figure, made: Written) -> str:
    shown = []
    for at, (title, svg) in enumerate(figure.panels, start=1):
        path = f"figures/{figure.name}{f'-{at}' if len(figure.panels) > 1 else ''}.svg"
        style = f"<style>svg {{ background: #fbfaf8; }}\n{_light(STYLE)}</style>"
        opened = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" width="680" ', 1)
        made.files[path] = opened.replace(">", f">{style}", 1).encode()
        shown.append(f"![{_text(title or figure.caption)}]({path})")
    legend = ", ".join(f"{_text(name)} ({_line(kind)})" for kind, name in figure.legend)
    told = f"{_text(figure.caption)}{f' Lines: {legend}.' if legend else ''}"
    return "\n\n".join(["\n".join(shown), told])


def _light(style: str) -> str:
    """Without the colours for dark pages: a file of its own has a light ground."""
    return re.sub(r"@media \(prefers-color-scheme: dark\) \{.*?\} \}", "", style, flags=re.S)


def _line(kind: str) -> str:
    names = {"1": "green, whole", "2": "orange, dashed", "3": "violet, dotted", "4": "ochre, dash and dot"}
    return names.get(kind[-1], {"5": "red, whole", "6": "grey, dashed"}.get(kind[-1], kind))


def _case(case: Case, path: str, made: Written) -> str:
    columns = [("source", "", case.source), *((turn.title, turn.text, turn.picture) for turn in case.turns)]
    shown = [_picture(picture, f"{path}-{at}", made) for at, (_, _, picture) in enumerate(columns)]
    lines = [
        f"| {' | '.join(_text(title) for title, _, _ in columns)} |",
        f"|{' --- |' * len(columns)}",
        f"| {' | '.join(shown)} |",
        f"| {' | '.join(_text(text) for _, text, _ in columns)} |",
    ]
    return f"**{_text(case.title)}**\n\n“{_text(case.instruction)}”\n\n" + "\n".join(lines)


def _picture(picture: Picture | None, path: str, made: Written) -> str:
    if picture is None:
        return "no picture"
    shown = small(picture)
    name = f"{path}{ending_for(shown.mime_type)}"
    made.files[name] = shown.data
    return f"![]({name})"


def _text(text: str) -> str:
    """On one line, with what Markdown would take as its own escaped."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _SPECIAL.sub(r"\\\1", plain).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")
