"""VIEScore for edited images ("tie"): two questions, two numbers each (arXiv 2312.14867, section 3).

Semantic consistency looks at source and edited image, perceptual quality at the edited image alone. Each axis
is the smaller of its two numbers, 0-10. The wording is our own, the questions and the form are VIEScore's.
"""

from __future__ import annotations

import json
import re

from thinkedit.adapters.protocol.tags import Broken, clean, unfenced, without_surrogates
from thinkedit.errors import AnswerError

__all__ = ["AXES", "parse_viescore", "render_viescore"]

AXES = ("semantic", "quality")

_FORM = (
    "Answer with one JSON object and nothing else: "
    '{"reasoning": "what you saw, in at most three sentences", "score": [first, second]}'
)

_SEMANTIC = """You rate an edited image. The first image is the source, the second is the edited one.

Instruction: {instruction}

Give two whole numbers from 0 to 10.
1. Was the instruction carried out? 0: not at all; 5: in part; 10: completely and exactly.
2. Was everything else left as it was? 0: another picture altogether; 5: changes that nobody asked for; \
10: only what the instruction needs was changed.

{form}
"""

_QUALITY = """You rate the craft of an image. It may be an edited one; what was asked is of no matter here.

Give two whole numbers from 0 to 10.
1. Does it look natural: light, shadow, size and sense of distance? 0: nothing fits; 10: a real picture.
2. Is it free of artifacts: smears, seams, doubled or broken parts, unreadable textures? 0: many, at once; \
10: none.

{form}
"""

_LIST = re.compile(r"\[([^\[\]]{0,80})\]")
_LONGEST = 20_000


def render_viescore(axis: str, instruction: str) -> str:
    """The question of one axis, `semantic` or `quality`; the second does not show the instruction."""
    if axis == "quality":
        return _QUALITY.format(form=_FORM)
    return _SEMANTIC.format(instruction=" ".join(instruction.split()), form=_FORM)


def parse_viescore(text: str) -> tuple[tuple[float, float], str]:
    """((first, second), reasoning), the numbers from 0 to 10.

    Takes a JSON object with `score` and anything around it, or a bare list of two. Raises AnswerError for
    anything that does not give exactly two such numbers; nothing is guessed.
    """
    if len(text) > _LONGEST:
        raise AnswerError(f"the answer has {len(text)} characters, more than {_LONGEST}", text[:_LONGEST])
    try:
        return _read(unfenced(clean(without_surrogates(text))))
    except Broken as error:
        raise AnswerError(str(error), text) from None


def _read(text: str) -> tuple[tuple[float, float], str]:
    start, end = text.find("{"), text.rfind("}")
    reasoning = ""
    if start >= 0:
        if end < start:
            raise Broken("the JSON object of the answer is never closed")
        try:
            found = json.loads(text[start : end + 1], strict=False)
        except (ValueError, RecursionError) as error:
            raise Broken(f"the answer is not one JSON object: {str(error)[:120]}") from None
        if "score" not in found:
            raise Broken("the answer has no score")
        values, reasoning = found["score"], str(found.get("reasoning", ""))
    elif (listed := _LIST.search(text)) is not None:
        try:
            values = json.loads(listed[0])
        except ValueError:
            raise Broken(f"the score is {listed[0][:40]!r}, not a list of two numbers") from None
    else:
        raise Broken(f"the answer {text[:60]!r} has no score" if text else "the answer is empty")
    if not isinstance(values, list) or len(values) != 2:
        raise Broken(f"the score is {str(values)[:40]}, not a list of two numbers")
    first, second = (_number(value) for value in values)
    return (first, second), reasoning


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10:
        raise Broken(f"the score holds {str(value)[:40]!r}, not a number from 0 to 10")
    return float(value)
