"""The calling agent as thinker: it is shown both pictures and the rubric, and answers with a critique."""

from __future__ import annotations

from typing import NoReturn

from thinkedit.adapters.base import CritiqueRequest
from thinkedit.errors import NeedsCaller

__all__ = ["HostThinker"]


class HostThinker:
    """Asks nobody itself: each critique is a question to the caller, for which the session waits."""

    identity = "host"

    async def critique(self, request: CritiqueRequest) -> NoReturn:
        """Raises NeedsCaller with the request."""
        raise NeedsCaller(request)
