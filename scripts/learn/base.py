"""The base model: random weights that are taught to see, with the trainer that SFT uses.

Method: Qwen3-VL has seen billions of pictures before anyone fine-tunes it; a model from random weights has
seen none, and learns to see slowly from expert steps alone, whose targets hardly describe a picture (tried:
after 1,200 steps it named no thing rightly). So it is first asked about pictures: what stands where in both,
what changed, and what became of a thing that is named in words.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from learn.describing import questions
from thinkedit.images import Picture
from thinkedit.training.config import SftConfig
from thinkedit.training.data import sft_dataset
from thinkedit.training.progress import tell
from thinkedit.training.rows import SftRow
from thinkedit.training.runs import finish
from thinkedit.training.setup import arguments, load_model, load_processor
from thinkedit.training.tiny import save_tiny

__all__ = ["pictures_in_words", "teach_to_see", "texts"]

PAIRS = 12_000
"""Pairs of pictures that are asked about."""


def pictures_in_words(steps: Path, seed: int = 0, pairs: int = PAIRS) -> list[SftRow]:
    """Rows of three questions about each of the first different pairs of pictures in `steps.jsonl`."""
    rows: list[SftRow] = []
    seen: set[tuple[str, str]] = set()
    lot = random.Random(seed)
    for number, line in enumerate(steps.read_text(encoding="utf-8").splitlines(), 1):
        step = json.loads(line)
        pair = step["source"], step["image"]
        if pair in seen or len(seen) == pairs:
            continue
        seen.add(pair)
        source, edited = (steps.parent / name for name in pair)
        pictures = (Picture.from_bytes(path.read_bytes()) for path in (source, edited))
        rows += [
            SftRow(question, answer, source, edited, f"{steps}:{number}")
            for question, answer in questions(*pictures, lot)
        ]
    return rows


def texts(steps: Path, rows: list[SftRow], template: Path) -> Iterator[str]:
    """What the tokenizer learns its words from."""
    yield from [template.read_text(encoding="utf-8")] * 100
    yield from (f"{row.text}\n{row.answer}" for row in rows[:9000])
    for line in steps.read_text(encoding="utf-8").splitlines()[:3000]:
        step = json.loads(line)
        yield from (step["instruction"], step["prompt"], step["reason"], step["answer"])


def teach_to_see(config: SftConfig, steps: Path, template: Path, say: Callable[[str], None]) -> int:
    """Write random weights to `config.model` and the base model to `config.output`; gives its parameters."""
    from trl import SFTConfig as Arguments
    from trl import SFTTrainer

    rows = pictures_in_words(steps)
    count = save_tiny(Path(config.model), texts(steps, rows, template), seed=config.seed)
    say(f"{count:,} parameters, {len(rows)} questions about pairs of pictures")
    processor = load_processor(config)
    trainer = SFTTrainer(
        model=load_model(config),
        args=Arguments(**arguments(config), max_length=None, completion_only_loss=True),
        train_dataset=sft_dataset(rows, config.max_pixels),
        processing_class=processor,
    )
    tell(trainer, say)
    trainer.train()
    finish(trainer, processor)
    return count
