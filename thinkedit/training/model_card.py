"""The card of a trained thinker: what it is, what it learnt from and how, and how it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["card"]

STAGES = {"sft": "Supervised fine-tuning", "grpo": "GRPO on editing feedback"}

APART = frozenset({"before", "data", "data_sha256", "licences", "method", "model", "output", "rows"})
"""What stands in the text and not in the table of options."""


def card(name: str, begun: Mapping[str, Any] | None, *, licence: str, template: str | None) -> str:
    """Markdown with the hub's header. begun: training.json. template: the file's name, where there is one."""
    stages = list(_stages(begun))
    first = stages[0]["model"] if stages else None
    head = {"library_name": "transformers", "license": licence, "pipeline_tag": "image-text-to-text"}
    if isinstance(first, str) and first.count("/") == 1:
        head["base_model"] = first
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in sorted(head.items()))]
    lines += ["tags: [image-editing, thinkedit]", "---", "", f"# {name}", ""]
    lines += [
        "A thinker for image editing: it is shown a source and an edited image, scores the edit, says what",
        "is wrong and writes the editor's next prompt. Trained with thinkedit, an independent implementation",
        "of the method of EditThinker (arXiv 2512.05965); not a model of that paper's authors.",
        "",
        "## Use",
        "",
        "```sh",
        'thinkedit edit photo.jpg "make it warmer" --thinker transformers:PATH_OF_THIS_FOLDER',
        "```",
        "",
    ]
    if template is not None:
        lines += [
            f"It was trained with a prompt of its own, `{template}`, with which it is then asked too.",
            "",
        ]
    pixels = None if begun is None else begun.get("max_pixels")
    if pixels not in (None, 1024 * 1024):
        lines += [f"It was shown pictures of at most {pixels:,} pixels: give it the option max_pixels.", ""]
    lines += ["## How it was trained", ""]
    if not stages:
        lines += ["The checkpoint came without a record of its training.", ""]
    for number, stage in enumerate(stages, 1):
        lines += [*_stage(number, stage), ""]
    lines += ["## Licences", "", f"Weights: {licence}, as the one who exported them says.", ""]
    lines += ["Those of the model that it began as, and of the pictures below, hold as well.", ""]
    for stage in stages:
        for pool, counts in sorted((stage.get("licences") or {}).items()):
            each = ", ".join(f"{count:,} under {which}" for which, count in sorted(counts.items()))
            lines.append(f"- {stage['data']}, from {pool}: {each}")
        if not stage.get("licences"):
            lines.append(f"- {stage['data']}: no licences were recorded beside it")
    return "\n".join(lines).rstrip() + "\n"


def _stages(begun: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The oldest first."""
    if begun is not None:
        yield from _stages(begun.get("before"))
        yield begun


def _stage(number: int, stage: Mapping[str, Any]) -> list[str]:
    rows = f"{stage['rows']:,} samples" if isinstance(stage.get("rows"), int) else "samples"
    lines = [
        f"{number}. {STAGES.get(stage['method'], stage['method'])} of `{stage['model']}` on {rows} of "
        f"`{stage['data']}`",
        f"   (SHA-256 `{stage['data_sha256']}`).",
        "",
        "   | option | value |",
        "   |---|---|",
    ]
    for key, value in sorted(stage.items()):
        if key not in APART and value is not None and value != []:
            shown = json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else str(value)
            lines.append(f"   | {key} | {shown} |")
    return lines
