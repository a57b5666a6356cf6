"""The task type of an instruction, read from its words, for pools whose rows name none.

OpenGPT-4o-Image and ShareGPT-4o-Image carry no category in their files. The paper samples with "categories
as even as possible" and does not say by what; this is a rule for that and for balancing, not a truth.
"""

from __future__ import annotations

import re

__all__ = ["OTHER", "slug", "task_of"]

OTHER = "other"

# The first that fits decides, so that what is rarer and more telling comes first.
_RULES: tuple[tuple[str, str], ...] = (
    ("text", r"\b(text|word|words|letter|letters|caption|slogan|sign reads?|lettering|font|title|logo)\b"),
    (
        "style",
        r"\b(style|painting|watercolou?r|cartoon|anime|sketch|pixel art|ghibli|oil paint|comic|render)\b",
    ),
    ("background", r"\b(background|backdrop|scenery|setting|surroundings|sky|weather|season|nighttime)\b"),
    ("reasoning", r"\b(what (would|will|happens)|after|before|if|count|largest|smallest|except|opposite)\b"),
    ("remove", r"\b(remove|delete|erase|take away|take out|get rid of|without)\b"),
    ("replace", r"\b(replace|swap|substitute|turn (the|this|his|her|their|it)\b.*\binto|instead of)\b"),
    (
        "recolour",
        r"\b(colou?r|recolou?r|red|orange|yellow|green|blue|purple|violet|pink|brown|black|white|grey|gray)\b",
    ),
    ("add", r"\b(add|insert|put|place|include|give (him|her|it|them|the)|attach|draw)\b"),
    ("move", r"\b(move|shift|resize|enlarge|shrink|rotate|flip|zoom|bigger|smaller|crop|outpaint)\b"),
    (
        "adjust",
        r"\b(brighter|darker|brighten|darken|contrast|saturation|warmer|cooler|sharpen|blur|lighting)\b",
    ),
)
_COMPILED = tuple((task, re.compile(pattern, re.IGNORECASE)) for task, pattern in _RULES)


def task_of(instruction: str) -> str:
    """One of the task types above by the instruction's words, `other` where none of them fits."""
    return next((task for task, pattern in _COMPILED if pattern.search(instruction)), OTHER)


def slug(text: str) -> str:
    """A name for a category as it stands in records: lower case, words joined by '-'; `other` for none."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or OTHER
