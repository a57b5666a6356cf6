"""VIEScore's answers as GEdit-Bench takes them: the smaller of two numbers from 0 to 10."""

from __future__ import annotations

import json
import re
from typing import Any

from thinkedit.adapters.protocol.viescore import parse_viescore
from thinkedit.errors import AnswerError

__all__ = ["published", "read"]

_PAIR = re.compile(r"\[\d+, ?\d+\]")
_KEY = re.compile(r"(\w+):")
_VALUE = re.compile(r'(".*?"):(.*?)(,|})')
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DELIMITER = "||V^=^V||"


def read(text: str) -> float:
    """The smaller of exactly two numbers from 0 to 10. ValueError says what cannot be read."""
    try:
        return min(parse_viescore(text)[0])
    except AnswerError as error:
        raise ValueError(str(error)) from error


def published(text: str) -> float:
    """What the published code takes from a first answer, without its random guess.

    It wants a JSON object, a bare pair of integers or a bare integer, does not check the range, and takes
    Python's `min` of whatever the list holds (so [7, NaN] is 7 and [NaN, 7] is NaN). ValueError where it
    would ask again, guess, crash or never end.
    """
    try:
        least = min(_scores(text))
        if isinstance(least, str) or least is None:
            raise ValueError(f"the least score is {least!r}")
        return float(least)
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"the published code does not get past this answer ({error!r})") from error


def _scores(text: str) -> list[Any]:
    if text.count(_DELIMITER) == 2:
        start, end = text.find(_DELIMITER) + len(_DELIMITER), text.rfind(_DELIMITER)
    else:
        start, end = text.find("{"), text.rfind("}") + 1
        if start < 0 or end == 0:
            return _bare(text)
    inner = text[start:end].strip().replace("\n", "")
    if not inner:
        raise ValueError("the JSON object of the answer is never closed")
    try:
        found = json.loads(inner)
        scores = found["score"]
    except (ValueError, KeyError, TypeError):
        scores = json.loads(_mended(inner))["score"]
        if not isinstance(scores, list):
            raise ValueError(f"the mended score is {scores!r}") from None
        return scores
    return scores if isinstance(scores, list) else [scores]


def _bare(text: str) -> list[Any]:
    inner = text[text.find("[") : text.rfind("]") + 1]
    if _PAIR.fullmatch(inner):
        return list(json.loads(inner))
    try:
        number = int(text)
    except ValueError:
        raise ValueError("the answer has no JSON object, no pair and no number") from None
    if not 0 <= number <= 10:
        raise ValueError(f"the answer is {number}, not 0 to 10")
    return [number]


def _mended(inner: str) -> str:
    """Keys put into quotes, numbers into lists and all other values into quotes."""

    def value(found: re.Match[str]) -> str:
        told = found[2].strip()
        if _NUMBER.fullmatch(told):
            told = f"[{told}]"
        elif told.lower() not in ("true", "false", "null"):
            told = f'"{told}"'
        return f"{found[1]}: {told}{found[3]}"

    return _VALUE.sub(value, _KEY.sub(r'"\1":', inner))
