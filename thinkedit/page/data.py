"""What the page shows of a session: its result with the pictures in it. Blocking; works on pixels."""

from __future__ import annotations

from typing import Any

import pybase64

from thinkedit.errors import NotFoundError, StoreError
from thinkedit.images import Picture
from thinkedit.store import Store
from thinkedit.types import EditResult, Image, Turn

__all__ = ["page_data"]

_LARGE = (900_000, 1600)
_SMALL = (300_000, 1000)
_MAP_SIDE = 512
_LEAST = 12
"""Of 255: smaller differences are what coding leaves, and no change that anybody sees."""


def page_data(store: Store, result: EditResult) -> dict[str, Any]:
    """The result as the page's script takes it; pictures as `data:` URIs, null where they are lost.

    The source and the selected picture have at most 1,600 pixels on the long side, the others 1,000.
    """
    source = _picture(store, result.source)
    return {
        "session_id": result.session_id,
        "status": result.status.value,
        "stop_reason": result.stop_reason and result.stop_reason.value,
        "why": result.why,
        "instruction": result.instruction,
        "editor": result.editor,
        "thinker": result.thinker,
        "mode": result.mode.value,
        "selected_turn": result.selected_turn,
        "source": None if source is None else _uri(source.preview(*_LARGE)),
        "turns": [_turn(store, source, turn, turn.turn == result.selected_turn) for turn in result.turns],
    }


def _turn(store: Store, source: Picture | None, turn: Turn, selected: bool) -> dict[str, Any]:
    picture = None if turn.image is None else _picture(store, turn.image)
    critique = turn.critique
    return {
        "turn": turn.turn,
        "prompt": turn.prompt,
        "error": turn.error,
        "seconds": turn.seconds.edit + turn.seconds.critique,
        "image": None if picture is None else _uri(picture.preview(*(_LARGE if selected else _SMALL))),
        "change": None if picture is None or source is None else _uri(_change(source, picture)),
        "satisfied": critique is not None and critique.satisfied,
        "scored": critique is not None and critique.overall is not None,
        "state": critique.state.value if critique is not None else None,
        "semantic": critique.semantic if critique is not None else None,
        "quality": critique.quality if critique is not None else None,
        "overall": critique.overall if critique is not None else None,
        "reasoning": critique.reasoning if critique is not None else "",
        "next_prompt": critique.next_prompt if critique is not None else "",
    }


def _change(source: Picture, picture: Picture) -> Picture:
    """Where and how much pixels differ: transparent where they do not, more opaque the more they do."""
    import cv2
    import numpy as np

    scale = min(1.0, _MAP_SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = [cv2.resize(p.pixels(), size, interpolation=cv2.INTER_AREA) for p in (source, picture)]
    change = np.abs(small[0].astype(np.int16) - small[1].astype(np.int16)).max(axis=2)
    opaque = np.where(change < _LEAST, 0, np.clip(40 + change * 2, 0, 235)).astype(np.uint8)
    colour = np.empty((*change.shape, 3), np.uint8)
    colour[:] = (255, 0, 128)
    return Picture.from_pixels(np.dstack([colour, opaque]))


def _picture(store: Store, image: Image) -> Picture | None:
    try:
        return store.get(image.sha256)
    except (NotFoundError, StoreError):
        return None


def _uri(picture: Picture) -> str:
    return f"data:{picture.mime_type};base64,{pybase64.b64encode(picture.data).decode('ascii')}"
