"""The one table of what can be asked for; see `operation.py` for what a row says."""

from __future__ import annotations

from thinkedit.adapters.vocabulary.operation import PLACES, STOPS, TONE_REGIONS, Operation
from thinkedit.adapters.vocabulary.table_form import FORM
from thinkedit.adapters.vocabulary.table_light import LIGHT

__all__ = ["GROUPS", "OPERATIONS", "PLACES", "STOPS", "TONE_REGIONS", "Operation"]

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*LIGHT, *FORM)}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(operation.group for operation in OPERATIONS.values()))
