"""The base model: random weights, and a tokenizer that is learnt from the texts of the set for SFT."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from thinkedit.training.tiny import save_tiny

__all__ = ["make_base"]

MARKER = "<image>\n"


def make_base(data: Path, folder: Path, seed: int) -> int:
    """Write the model to `folder`; data: sft_train.json. Gives its parameters."""
    return save_tiny(folder, _texts(data), seed=seed)


def _texts(data: Path) -> Iterator[str]:
    for row in json.loads(data.read_text(encoding="utf-8")):
        yield "\n".join(message["content"].replace(MARKER, "") for message in row["messages"])
