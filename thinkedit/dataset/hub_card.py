"""The data card: README.md with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from thinkedit.provingground import NOTICE

__all__ = ["card"]

_SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_NAMES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "n>10M")
_SETS = {
    "sft": "for supervised tuning: `messages` (user, assistant) and `images` (source, edited)",
    "rl": "for reinforcement learning: the step to think about, and the judge's scores of its image",
}


def card(manifest: Mapping[str, Any], facts: Mapping[str, Any], *, name: str, licence: str) -> str:
    """The whole file. facts: rows and tasks by name, licences as (pool, licence, rows), dropped by reason."""
    stages = manifest["stages"]
    rows = facts["rows"]
    parts = [_front_matter(rows, name=name, licence=licence), f"# {name}", ""]
    if any(pool == "provingground" for pool, _, _ in facts["licences"]):
        parts += [f"**{NOTICE}**", ""]
    parts += [
        "Steps of an image editor that was run in a loop: a source, an instruction, the prompt that the",
        "editor was given, the image that it made of the source, what was wrong with that image, and the",
        "next prompt. Made in the manner of THINKEDIT (EditThinker, arXiv 2512.05965) with thinkedit, which",
        "is not of its authors.",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        *(f'{set_} = load_dataset("FOLDER", "{set_}", split="train")' for set_ in rows),
        "```",
        "",
        "## What is in it",
        "",
        *_table(("set", "rows", "what it is"), [(s, f"{n:,}", _SETS[s]) for s, n in rows.items()]),
        "",
        "Scores are a judge's, 0 to 10, of the edited image against the instruction; `overall` is",
        "sqrt(semantic * quality). `t` counts the editor's passes from 1.",
        "",
        *_table(("task type", "rows"), [(task, f"{n:,}") for task, n in facts["tasks"].items()]),
        "",
        "## Licences of the sources",
        "",
        "As the pools state them; none was verified by us. Edited images are derived from their sources.",
        "",
        *_table(("pool", "licence", "rows"), [(p, told, f"{n:,}") for p, told, n in facts["licences"]]),
        "",
    ]
    if any(_forbids(told) for _, told, _ in facts["licences"]):
        parts += [
            "**Some of these licences seem to forbid derived works or commercial use: see whether you may",
            "publish or use this before you do.**",
            "",
        ]
    parts += ["## How it was made", "", *_made(stages), ""]
    if facts["dropped"]:
        parts += [
            "Left out of this export: "
            + ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in facts["dropped"].items())
            + ".",
            "",
        ]
    return "\n".join(parts)


def _front_matter(rows: Mapping[str, int], *, name: str, licence: str) -> str:
    # Strings as JSON has them are YAML too.
    size = _NAMES[sum(sum(rows.values()) >= limit for limit in _SIZES)]
    lines = [
        "---",
        f"pretty_name: {json.dumps(name, ensure_ascii=False)}",
        f"license: {json.dumps(licence)}",
        "task_categories:",
        '- "image-to-image"',
        '- "image-text-to-text"',
        "size_categories:",
        f"- {json.dumps(size)}",
        "tags:",
        '- "image-editing"',
        '- "critique"',
        "configs:",
    ]
    for number, set_ in enumerate(rows):
        lines += [f"- config_name: {json.dumps(set_)}"]
        lines += ["  default: true"] if number == 0 else []
        lines += ["  data_files:", '  - split: "train"', f"    path: {json.dumps(f'{set_}/train-*.parquet')}"]
    return "\n".join([*lines, "---", ""])


def _made(stages: Mapping[str, Any]) -> list[str]:
    told: list[tuple[str, ...]] = []
    for name, stage in stages.items():
        drops = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in stage["dropped"].items())
        told.append((name, f"{stage['in']:,}", f"{stage['kept']:,}", drops or "-"))
    lines = _table(("stage", "in", "kept", "dropped"), told)
    generate, score = stages.get("generate", {}), stages.get("score", {})
    names = (
        ("editors", [f"{name} ({identity})" for name, identity in generate.get("editors", {}).items()]),
        ("expert", generate.get("experts", [])),
        ("judge", score.get("judges", [])),
    )
    lines += ["", *(f"- {what}: {', '.join(who) or 'not recorded'}" for what, who in names)]
    settings = {
        name: stage["settings"] for name, stage in stages.items() if name != "sources" and stage["settings"]
    }
    return [*lines, "", "```json", json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False), "```"]


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |"

    return [line(header), line(tuple("---" for _ in header)), *map(line, rows)]


def _forbids(licence: str) -> bool:
    words = licence.upper().replace("-", " ").split()
    return "ND" in words or "NC" in words
