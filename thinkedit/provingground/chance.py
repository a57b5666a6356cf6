"""Chance without a state: a number for a question, the same in every process."""

from __future__ import annotations

import hashlib

__all__ = ["chance", "digest", "pick"]


def chance(*question: object) -> float:
    """A number from 0 (included) to 1 (not included), evenly distributed over questions."""
    told = "\0".join(map(str, question)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(told).digest()[:6], "big") / 2**48


def digest(*parts: object) -> str:
    """A short name for much, to ask many questions about it."""
    return hashlib.sha256("\0".join(map(repr, parts)).encode("utf-8", "surrogatepass")).hexdigest()


def pick(count: int, *question: object) -> int:
    """One of 0 to count - 1; count is 1 or more."""
    return int(chance(*question) * count)
