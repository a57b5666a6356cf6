"""Faults seen by looking at each selected picture: (photograph, instruction, what is wrong)."""

from __future__ import annotations

__all__ = ["REMARKS"]

REMARKS: tuple[tuple[str, str, str], ...] = ()
