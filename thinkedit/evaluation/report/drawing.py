"""Small figures as SVG, drawn for a phone's width and coloured by the page's style, light or dark.

Every number is rounded to a tenth of a pixel, so that the same data gives the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["STYLE", "Bar", "Line", "Mark", "bars", "escaped", "lines", "scatter"]

WIDTH, HEIGHT = 340, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 10, 40
_LABEL = 19
"""Characters that fit beside a bar."""

STYLE = """
svg { --c1: #0b6a62; --c2: #b3500f; --c3: #5a4fb5; --c4: #8a6d00; --c5: #a02c5a; --c6: #4d5560; }
@media (prefers-color-scheme: dark) {
svg { --c1: #5fd0c3; --c2: #f2a365; --c3: #b3abff; --c4: #e0c454; --c5: #f08cb4; --c6: #b4bcc6; } }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink, #1d1b18); }
svg .axis { stroke: var(--dim, #5f5a52); stroke-width: 1; fill: none; }
svg .grid { stroke: var(--line, #d8d3ca); stroke-width: 1; }
svg .rule { stroke: var(--dim, #5f5a52); stroke-width: 1; stroke-dasharray: 4 3; fill: none; }
.l1, .l2, .l3, .l4, .l5, .l6 { fill: none; stroke-width: 2; }
.l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); stroke-dasharray: 7 3; }
.l3 { stroke: var(--c3); stroke-dasharray: 2 3; }
.l4 { stroke: var(--c4); stroke-dasharray: 9 3 2 3; } .l5 { stroke: var(--c5); }
.l6 { stroke: var(--c6); stroke-dasharray: 4 2; }
.f1 { fill: var(--c1); } .f2 { fill: var(--c2); } .f3 { fill: var(--c3); }
.f4 { fill: var(--c4); } .f5 { fill: var(--c5); } .f6 { fill: var(--c6); }
.band { opacity: .16; } .dot { opacity: .5; }
.whisker { stroke: var(--ink, #1d1b18); stroke-width: 1.3; fill: none; }
""".strip()


@dataclass(frozen=True)
class Mark:
    """One point with the interval around it, where there is one."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Line:
    """kind: 1 to 6, which sets colour and dashes."""

    marks: Sequence[Mark]
    kind: int = 1


@dataclass(frozen=True)
class Bar:
    label: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: int = 1


def escaped(text: str) -> str:
    """For HTML and SVG, in text and attributes; without control characters, which neither can hold."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else " " for c in text), quote=True)


class _Scale:
    """From values to pixels."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high = (low, high) if high > low else (low - 0.5, low + 0.5)
        self.start, self.end = start, end

    def __call__(self, value: float) -> str:
        share = (value - self.low) / (self.high - self.low)
        return _px(self.start + share * (self.end - self.start))

    def ticks(self, count: int = 5) -> list[float]:
        raw = (self.high - self.low) / count
        size = 10 ** math.floor(math.log10(raw))
        step = next(size * by for by in (1, 2, 2.5, 5, 10) if size * by >= raw * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [at * step for at in range(first, math.floor(self.high / step + 1e-9) + 1)]


def lines(
    given: Sequence[Line],
    *,
    x_title: str,
    y_title: str,
    alt: str,
    x_ticks: Sequence[float] | None = None,
    within: Sequence[float] = (),
) -> str:
    """Lines with bands of their intervals. within: further values that the scale is to hold."""
    marks = [mark for line in given for mark in line.marks]
    if not marks:
        return _frame([_text(WIDTH / 2, HEIGHT / 2, "nothing to show", "middle")], alt)
    x = _Scale(min(m.x for m in marks), max(m.x for m in marks), _LEFT + 6, WIDTH - _RIGHT - 6)
    y = _padded([*within, *(v for m in marks for v in (m.y, m.low, m.high) if v is not None)])
    parts = _axes(x, y, x_title, y_title, x_ticks)
    for line in given:
        banded = [m for m in line.marks if m.low is not None and m.high is not None]
        if len(banded) > 1:
            there = [f"{x(m.x)},{y(m.high)}" for m in banded if m.high is not None]
            back = [f"{x(m.x)},{y(m.low)}" for m in reversed(banded) if m.low is not None]
            parts.append(f'<polygon class="band f{line.kind}" points="{" ".join([*there, *back])}"/>')
        path = " ".join(f"{x(m.x)},{y(m.y)}" for m in line.marks)
        parts.append(f'<polyline class="l{line.kind}" points="{path}"/>')
        parts += [f'<circle class="f{line.kind}" cx="{x(m.x)}" cy="{y(m.y)}" r="3"/>' for m in line.marks]
    return _frame(parts, alt)


def scatter(
    dots: Sequence[tuple[float, float]],
    over: Sequence[Mark],
    *,
    x_title: str,
    y_title: str,
    alt: str,
    x_span: tuple[float, float],
    y_span: tuple[float, float],
) -> str:
    """Dots, the line on which both scales agree, and marks with whiskers over them."""
    x = _Scale(*x_span, _LEFT + 6, WIDTH - _RIGHT - 6)
    y = _Scale(*y_span, HEIGHT - _BOTTOM, _TOP)
    parts = _axes(x, y, x_title, y_title, None)
    parts.append(f'<path class="rule" d="M{x(x_span[0])} {y(y_span[0])}L{x(x_span[1])} {y(y_span[1])}"/>')
    # Scores are often whole numbers: as many dots as lie in one place make one that is larger.
    places: dict[tuple[float, float], int] = {}
    for dot in dots:
        place = (round(dot[0], 1), round(dot[1], 1))
        places[place] = places.get(place, 0) + 1
    for (a, b), count in sorted(places.items()):
        size = _px(min(1.2 + math.sqrt(count) / 2, 8))
        parts.append(f'<circle class="dot f6" cx="{x(a)}" cy="{y(b)}" r="{size}"/>')
    for mark in over:
        if mark.low is not None and mark.high is not None:
            parts.append(f'<path class="whisker" d="M{x(mark.x)} {y(mark.low)}V{y(mark.high)}"/>')
        parts.append(f'<circle class="f2" cx="{x(mark.x)}" cy="{y(mark.y)}" r="4"/>')
    return _frame(parts, alt)


def bars(given: Sequence[Bar], *, title: str, alt: str, within: Sequence[float] = ()) -> str:
    """Lying bars from zero, each with its label and whisker. within: as for `lines`."""
    row, label = 24, 118
    height = len(given) * row + _BOTTOM + _TOP
    values = [v for bar in given for v in (0.0, bar.value, bar.low, bar.high) if v is not None]
    x = _padded([*within, *values], start=label + 6, end=WIDTH - _RIGHT)
    parts = []
    for tick in x.ticks(4):
        parts.append(f'<path class="grid" d="M{x(tick)} {_TOP}V{_px(height - _BOTTOM)}"/>')
        parts.append(_text(x(tick), height - _BOTTOM + 15, _tick(tick), "middle"))
    for at, bar in enumerate(given):
        top = _TOP + at * row
        begin, end = sorted((float(x(0)), float(x(bar.value))))
        parts.append(
            f'<rect class="f{bar.kind}" x="{_px(begin)}" y="{_px(top + 4)}" '
            f'width="{_px(max(end - begin, 0.5))}" '
            f'height="{row - 8}"/>'
        )
        if bar.low is not None and bar.high is not None:
            middle = _px(top + row / 2)
            parts.append(f'<path class="whisker" d="M{x(bar.low)} {middle}H{x(bar.high)}"/>')
        told = bar.label if len(bar.label) <= _LABEL else f"{bar.label[: _LABEL - 1]}…"
        parts.append(_text(label, top + row / 2 + 4, told, "end"))
    parts.append(f'<path class="axis" d="M{x(0)} {_TOP}V{_px(height - _BOTTOM)}"/>')
    parts.append(_text((label + WIDTH) / 2, height - 6, title, "middle"))
    return _frame(parts, alt, height)


def _padded(values: Sequence[float], start: float = HEIGHT - _BOTTOM, end: float = _TOP) -> _Scale:
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or 0.5
    return _Scale(low - air, high + air, start, end)


def _axes(x: _Scale, y: _Scale, x_title: str, y_title: str, x_ticks: Sequence[float] | None) -> list[str]:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    parts = []
    for tick in y.ticks():
        parts.append(f'<path class="grid" d="M{_LEFT} {y(tick)}H{right}"/>')
        parts.append(_text(_LEFT - 5, float(y(tick)) + 4, _tick(tick), "end"))
    across = x_ticks if x_ticks is not None else x.ticks()
    parts += [_text(x(tick), bottom + 15, _tick(tick), "middle") for tick in across]
    parts.append(f'<path class="axis" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
    parts.append(_text((_LEFT + right) / 2, HEIGHT - 7, x_title, "middle"))
    middle = _px((_TOP + bottom) / 2)
    parts.append(
        f'<text transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">{escaped(y_title)}</text>'
    )
    return parts


def _frame(parts: Sequence[str], alt: str, height: float = HEIGHT) -> str:
    told = escaped(alt)
    return f'<svg viewBox="0 0 {WIDTH} {_px(height)}" role="img" aria-label="{told}">{"".join(parts)}</svg>'


def _text(x: float | str, y: float, text: str, anchor: str) -> str:
    at = x if isinstance(x, str) else _px(x)
    return f'<text x="{at}" y="{_px(y)}" text-anchor="{anchor}">{escaped(text)}</text>'


def _tick(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _px(value: float) -> str:
    return f"{round(value, 1) + 0.0:g}"
