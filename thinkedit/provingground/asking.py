"""What an instruction or a prompt asks for, as it is read; nothing here knows a picture."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ALL", "Ask", "Keep", "Look", "Reading", "Reference", "Where"]

ALL = 0
"""As a number of things: however many there are."""


@dataclass(frozen=True)
class Where:
    """A place by row and column (from 1), or an area by name: `top left`, `right`, `middle` and so on."""

    area: str = ""
    row: int = 0
    column: int = 0


@dataclass(frozen=True)
class Look:
    """What a thing is to look like; None where nothing is said. size: of SIZES."""

    shape: str | None = None
    colour: str | None = None
    size: str | None = None
    texture: str | None = None


@dataclass(frozen=True)
class Reference:
    """Which things are meant.

    look, where: they look like this, they stand there. number: how many, or ALL.
    extreme: `largest`, `smallest`, `left`, `right`, `top`, `bottom`: only those that are it most.
    nth: 2 and up for the second and so on, counted from that side. rank: (`most` or `least`, `colour` or
        `shape`): only those of the colour or shape that occurs most or least often.
    """

    look: Look = Look()
    where: Where | None = None
    number: int = 1
    extreme: str | None = None
    nth: int = 1
    rank: tuple[str, str] | None = None

    @property
    def reasoned(self) -> bool:
        """Whether things have to be compared or counted to know which are meant."""
        return self.extreme is not None or self.rank is not None

    @property
    def placed(self) -> bool:
        """Whether a position or a size is named."""
        return self.where is not None or self.look.size is not None


@dataclass(frozen=True)
class Ask:
    """One change.

    kind: recolour, remove, add, replace, move, resize, background or style.
    which: the things to change. look: the new thing of `add` and `replace`; its colour is that of `recolour`
        and `background`, its size that of `resize`. colour_of: the colour is that of these things.
    grow: 1 for bigger, -1 for smaller. where: of `add` and `move`. pattern: of `background`.
    strong: a word such as "completely" stands in it.
    """

    kind: str
    which: Reference | None = None
    look: Look = Look()
    colour_of: Reference | None = None
    grow: int = 0
    where: Where | None = None
    pattern: str | None = None
    style: str | None = None
    strong: bool = False

    @property
    def reasoned(self) -> bool:
        return any(ref is not None and ref.reasoned for ref in (self.which, self.colour_of)) or (
            self.colour_of is not None
        )


@dataclass(frozen=True)
class Keep:
    """What must stay: all the rest, the background, or these things."""

    rest: bool = False
    background: bool = False
    things: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Reading:
    """asks: in their order. numbered: as steps with numbers. unread: the words that mean nothing here."""

    asks: tuple[Ask, ...] = ()
    keep: Keep = Keep()
    numbered: bool = False
    unread: tuple[str, ...] = ()
