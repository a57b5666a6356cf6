"""Reads the two numbers of a score block, in the forms that models write them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from thinkedit.adapters.protocol.tags import Broken, unfenced

__all__ = ["MAX_BLOCK", "RANGES", "parse_scores"]

MAX_BLOCK = 2_000
"""Characters that a score block may have; scores take thirty."""

RANGES = (10, 25)
"""The highest score that a thinker may be asked for. The wider range tells close images apart better."""

_NUMBERS = {
    most: re.compile(
        rf"\+?([0-9]{{1,4}}(?:\.[0-9]{{1,20}})?)(?:\s{{0,4}}(?:/|out of)\s{{0,4}}{most}(?:\.0)?)?",
        re.IGNORECASE | re.ASCII,
    )
    for most in RANGES
}
_PAIR = re.compile(r"""(?:[-•]\s)?\s*["']?([A-Za-z][A-Za-z _-]{0,40})["']?\s*[:=]\s*(\S.*)""")
_BETWEEN = re.compile(r"[ \t]*(?:[,;]\s*|\n\s*)")
_BRACKETS = {"{": "}", "[": "]", "(": ")"}


def parse_scores(block: str, score_range: int = 10) -> tuple[float, float]:
    """(semantic, quality), read from 0 to `score_range` and given back as 0-10.

    Raises Broken for anything that is not exactly two such numbers, a score above the range among them.

    Forms: a JSON object, also with single or no quotes; `semantic: 7, quality: 8` on one line or two; a
    list, semantic first, as the paper prints it; each number bare, as a string, as 8/10 or 8 out of 10
    (8/25 where that is the range). `semantics` and `semantic_score` mean `semantic`. Keys that have nothing
    to do with the two are passed over; a key that comes twice is refused even where its values agree.
    """
    # Control characters are not dropped here: "1\x000" must not become 10.
    text = unfenced(block.strip())
    if not text:
        raise Broken("the score block is empty")
    if len(text) > MAX_BLOCK:
        raise Broken(f"the score block has {len(text)} characters, more than {MAX_BLOCK}")
    try:
        value = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return _loose(text, score_range)
    if isinstance(value, tuple):
        return _named(value, score_range)
    if isinstance(value, list):
        return _listed(value, score_range)
    raise Broken(f"the score block holds {text[:40]!r}, neither an object nor a list of two")


def _loose(text: str, most: int) -> tuple[float, float]:
    """The forms that are not JSON: other quotes, no brackets, lines, markdown."""
    text = text.replace("*", " ").replace("`", " ").strip()
    if text and _BRACKETS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    parts = [part.strip() for part in _BETWEEN.split(text)]
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    pairs = [_PAIR.fullmatch(part) for part in parts]
    if all(pairs):
        return _named([(pair[1], pair[2].strip()) for pair in pairs if pair], most)
    if any(pairs):
        raise Broken(f"the score block {text[:60]!r} is neither names with numbers nor a list of two")
    return _listed(parts, most)


def _named(pairs: Sequence[tuple[str, object]], most: int) -> tuple[float, float]:
    scores: dict[str, float] = {}
    for key, value in pairs:
        name = re.sub(r"[\s_-]+", "_", key.strip().lower()).removesuffix("_score")
        name = "semantic" if name == "semantics" else name
        if name in ("semantic", "quality"):
            if name in scores:
                raise Broken(f"the score block gives {name} twice")
            scores[name] = _number(name, value, most)
        elif "semantic" in name or "quality" in name:
            raise Broken(f"the score block has the unclear key {key[:40]!r} beside semantic and quality")
    for name in ("semantic", "quality"):
        if name not in scores:
            raise Broken(f"the score block gives no {name}")
    return scores["semantic"], scores["quality"]


def _listed(values: Sequence[object], most: int) -> tuple[float, float]:
    if len(values) != 2:
        raise Broken(f"the score block gives {len(values)} values where semantic and quality are two")
    return _number("semantic", values[0], most), _number("quality", values[1], most)


def _number(name: str, value: object, most: int) -> float:
    number: float
    wanted = f"a number from 0 to {most}"
    if isinstance(value, str):
        written = value.strip()
        if len(written) > 1 and written[0] == written[-1] and written[0] in "\"'":
            written = written[1:-1].strip()
        match = _NUMBERS[most].fullmatch(written)
        if match is None:
            raise Broken(f"{name} is {written[:40]!r}, not {wanted}")
        number = float(match[1])
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not 0 <= value <= most:  # also refuses NaN, infinity, and integers too large for a float
            raise Broken(f"{name} is {str(value)[:40]}, not {wanted}")
        number = float(value)
    else:
        raise Broken(f"{name} is {str(value)[:40]}, not {wanted}")
    if not 0 <= number <= most:
        raise Broken(f"{name} is {number:g}, not {wanted}")
    return number / (most / 10) + 0.0  # minus zero becomes zero; the divisor is exact
