"""A document as one HTML file: style and pictures in it, no script, and nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

import pybase64

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
from thinkedit.evaluation.report.drawing import STYLE, escaped
from thinkedit.evaluation.report.pictures import small
from thinkedit.images import Picture

__all__ = ["html_page"]


def html_page(document: Document) -> str:
    """The whole page. What comes from models or files stands in it as text and nothing else."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = f"img-src data:; style-src 'sha256-{digest}'"
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    body = "\n".join(_block(block) for block in document.blocks)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escaped(document.title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escaped(document.title)}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


@cache
def _style() -> str:
    own = files("thinkedit.evaluation.report").joinpath("report.css").read_text(encoding="utf-8")
    return f"{own}\n{STYLE}"


def _block(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{escaped(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{escaped(block.text)}</p>"
        case Notice():
            return f'<p class="notice" role="note">{escaped(block.text)}</p>'
        case Table():
            return _table(block)
        case Figure():
            return _figure(block)
        case Gallery():
            return "\n".join(_case(case) for case in block.cases)


def _table(table: Table) -> str:
    first = len(table.columns) - table.numbers
    head = "".join(
        f'<th scope="col"{_right(at, first)}>{escaped(column)}</th>'
        for at, column in enumerate(table.columns)
    )
    rows = []
    for row in table.rows:
        cells = []
        for at, cell in enumerate(row):
            shown = cell if isinstance(cell, Cell) else Cell(cell)
            words = [*(["right"] if at >= first else []), *_mark(shown)]
            kind = f' class="{" ".join(words)}"' if words else ""
            tag = "th" if at == 0 else "td"
            scope = ' scope="row"' if at == 0 else ""
            cells.append(f"<{tag}{scope}{kind}>{escaped(shown.text)}</{tag}>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    note = f'<p class="dim">{escaped(table.note)}</p>' if table.note else ""
    # What is wider than a phone is scrolled by itself, with the keyboard too.
    return (
        f'{_head(table.caption)}<div class="wide" role="region" tabindex="0" '
        f'aria-label="{escaped(table.caption)}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{note}"
    )


def _right(at: int, first: int) -> str:
    return ' class="right"' if at >= first else ""


def _mark(cell: Cell) -> list[str]:
    return [] if cell.good is None else ["good" if cell.good else "bad"]


def _figure(figure: Figure) -> str:
    panels = "".join(f'<div class="panel">{_head(title)}{svg}</div>' for title, svg in figure.panels)
    legend = "".join(
        '<li><svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true">'
        f'<path class="{escaped(kind)}" d="M1 5H27"/></svg> {escaped(name)}</li>'
        for kind, name in figure.legend
    )
    listed = f'<ul class="legend">{legend}</ul>' if legend else ""
    caption = f"<figcaption>{escaped(figure.caption)}</figcaption>"
    return f'<figure>{listed}<div class="panels">{panels}</div>{caption}</figure>'


def _head(title: str) -> str:
    return f'<p class="head">{escaped(title)}</p>' if title else ""


def _case(case: Case) -> str:
    shown = [
        f'<div class="turn">{_picture(case.source, "The source")}<p><b>source</b></p></div>',
        *(
            f'<div class="turn">{_picture(turn.picture, turn.title)}'
            f"<p><b>{escaped(turn.title)}</b></p><p>{escaped(turn.text)}</p></div>"
            for turn in case.turns
        ),
    ]
    return (
        f'<section class="case">{_head(case.title)}<p>“{escaped(case.instruction)}”</p>'
        f'<div class="turns" role="region" tabindex="0" aria-label="{escaped(case.title)}">'
        f"{''.join(shown)}</div></section>"
    )


def _picture(picture: Picture | None, alt: str) -> str:
    if picture is None:
        return '<div class="none">no picture</div>'
    shown = small(picture)
    data = pybase64.b64encode(shown.data).decode("ascii")
    return (
        f'<img src="data:{shown.mime_type};base64,{data}" width="{shown.width}" height="{shown.height}" '
        f'alt="{escaped(alt)}">'
    )
