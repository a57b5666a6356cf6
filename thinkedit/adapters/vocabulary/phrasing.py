"""From clauses to a sentence that `parse` reads back as the same clauses.

Clauses are joined by "then", after which nothing carries over, so that each says all that it means.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from thinkedit.adapters.vocabulary.clause import Clause, with_amount
from thinkedit.adapters.vocabulary.words import AMOUNTS, REGION_NAMES

__all__ = ["phrase"]

_ADVERBS = {
    0.25: "very slightly", 0.5: "slightly", 0.75: "somewhat", 1.0: "", 1.3: "noticeably", 1.6: "strongly",
    2.2: "extremely",
}  # fmt: skip
_BEFORE_ADJECTIVE = {**_ADVERBS, 0.25: "a touch", 0.5: "slightly", 1.6: "much"}
_BEFORE_NOUN = {
    0.25: "very slight", 0.5: "slight", 0.75: "modest", 1.0: "", 1.3: "noticeable", 1.6: "strong",
    2.2: "extreme",
}  # fmt: skip
_SKY_NAMES = {
    "clear": "a clear blue sky",
    "sunset": "a sunset",
    "overcast": "an overcast sky",
}


def phrase(clauses: Sequence[Clause]) -> str:
    """A sentence that asks for the clauses, in order; `parse` gives them back, up to `words`.

    An amount that is neither a word of AMOUNTS nor given as a quantity is said in the operation's own
    unit, rounded (see `with_amount`). Raises ValueError for no clauses.
    """
    if not clauses:
        raise ValueError("no clauses to phrase")
    said = ", then ".join(_sentence(clause) for clause in clauses)
    return said[0].upper() + said[1:] + "."


def _sentence(clause: Clause) -> str:
    if clause.given is None and clause.amount not in AMOUNTS:
        clause = with_amount(clause, clause.amount)
    template = clause.table_entry.says[1 if clause.direction < 0 else 0]
    name = _region(clause.region)
    inside = " {how} " in template
    after_article = "a{how} " in template or "an{how} " in template
    adverbs = _BEFORE_NOUN if after_article else _BEFORE_ADJECTIVE if inside else _ADVERBS
    word = adverbs.get(clause.amount, "") if clause.given is None else ""
    options = clause.as_mapping()
    filled = template.format(
        at=name,
        of="" if clause.region == "whole" else f" of {name}",
        how=word if inside or not word else f" {word}",
        by=_by(clause),
        to=_crop(clause) if clause.operation == "crop" else "",
        colour=options.get("colour", ""),
        axis=f"{options.get('axis', '')}ly",
        position=f"at the {options.get('position', '')}",
        size=_size(clause) if clause.operation == "resize" else options.get("size", ""),
        text=_quoted(options.get("text", "")),
        **{"with": _with(clause)},
    )
    if clause.operation == "caption":
        return filled
    return re.sub(r"\ban?(?= [aeiou])", "an", re.sub(r"\ban(?= [^aeiou])", "a", " ".join(filled.split())))


def _region(region: str) -> str:
    return f"the {region[7:]} parts" if region.startswith("colour:") else REGION_NAMES[region]


def _by(clause: Clause) -> str:
    if clause.given is None:
        return ""
    unit, _, number = clause.given.partition(":")
    if clause.operation == "border":
        return f" of {number} {'%' if unit == 'percent' else unit}"
    if unit == "percent":
        return f" by {number} %"
    if unit == "times":
        return f" by {number} times"
    unit = unit.removesuffix("s") if number == "1" else unit
    return f" by {number} {unit}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _crop(clause: Clause) -> str:
    options, place = clause.as_mapping(), REGION_NAMES[clause.region]
    inside = "" if clause.region == "whole" else f" at {place}"
    for key in ("ratio", "size"):
        if key in options:
            return f"to {options[key]}{inside}"
    unit, _, number = (clause.given or "").partition(":")
    quantity = f"{number} {'%' if unit == 'percent' else unit}" if unit else _ADVERBS[clause.amount]
    if "off" in options:
        return f"{quantity} off {place}"
    if clause.region in ("subject", "faces"):
        return f"{quantity} closer to {place}"
    return f"{quantity} closer{inside}"


def _size(clause: Clause) -> str:
    options = clause.as_mapping()
    if "scale" in options:
        return f"{float(options['scale']) * 100:.8g} %"
    if "size" in options:
        return f"{'exactly ' if 'exact' in options else ''}{options['size']}"
    side, number = next(iter(options.items()))
    return f"{number} pixels {({'width': 'wide', 'height': 'high', 'longest': 'on the longest side'})[side]}"


def _with(clause: Clause) -> str:
    options = clause.as_mapping()
    kind = options.get("with", "")
    if clause.operation == "sky_replace":
        return _SKY_NAMES[kind]
    if kind == "gradient":
        return f"a gradient from {options['colour']} to {options['colour2']}"
    return options["colour"] if kind == "colour" else "the other picture"
