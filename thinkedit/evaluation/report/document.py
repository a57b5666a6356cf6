"""What a report is made of, before it is HTML or Markdown: plain text, which the renderers escape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from thinkedit.evaluation.statistics import Comparison, Estimate
from thinkedit.images import Picture

__all__ = [
    "Block",
    "Case",
    "CaseTurn",
    "Cell",
    "Document",
    "Figure",
    "Gallery",
    "Heading",
    "Notice",
    "Paragraph",
    "Table",
    "interval",
    "number",
    "p_value",
    "signed",
]


@dataclass(frozen=True)
class Heading:
    """level: 2 or 3; the document's title is the only 1."""

    text: str
    level: Literal[2, 3] = 2


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Notice:
    """What a reader must not miss; it stands in a frame."""

    text: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table. good: how it is marked: True well, False badly, None not at all."""

    text: str
    good: bool | None = None


@dataclass(frozen=True)
class Table:
    """columns: heading of each; numbers: how many of the last columns are aligned to the right."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    numbers: int = 0
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """name: of its file. panels: (title, SVG without style). legend: (class of a line, its name)."""

    name: str
    caption: str
    panels: Sequence[tuple[str, str]]
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class CaseTurn:
    """picture: None where the turn has none, as `text` then says."""

    title: str
    text: str
    picture: Picture | None = None


@dataclass(frozen=True)
class Case:
    title: str
    instruction: str
    source: Picture | None
    turns: Sequence[CaseTurn]


@dataclass(frozen=True)
class Gallery:
    name: str
    cases: Sequence[Case]


Block = Heading | Paragraph | Notice | Table | Figure | Gallery


@dataclass
class Document:
    title: str
    blocks: list[Block] = field(default_factory=list)

    def add(self, *blocks: Block) -> None:
        self.blocks.extend(blocks)


def number(value: float | None, digits: int = 2) -> str:
    """A number for a table, an en dash where there is none, and never a minus zero."""
    if value is None:
        return "–"
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def signed(value: float | None, digits: int = 2) -> str:
    """A difference, with its sign."""
    shown = number(value, digits)
    return shown if value is None or round(value, digits) <= 0 else f"+{shown}"


def interval(found: Estimate | Comparison, digits: int = 2) -> str:
    """The 95 % interval."""
    if found.low is None or found.high is None:
        return "–"
    shown = signed if isinstance(found, Comparison) else number
    return f"{shown(found.low, digits)} to {shown(found.high, digits)}"


def p_value(p: float | None) -> str:
    """Three digits, and no more than there were draws for."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
