"""The base model: random weights that are taught to see, with the trainer that SFT uses.

Method: Qwen3-VL has seen billions of pictures before anyone fine-tunes it; a model from random weights has
seen none, and learns to see slowly from expert steps alone, whose targets hardly describe a picture (tried:
after 1,200 steps it named no thing rightly). So it is first taught to say what stands where in both pictures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from learn.describing import QUESTION, described
from thinkedit.images import Picture
from thinkedit.training.config import SftConfig
from thinkedit.training.data import sft_dataset
from thinkedit.training.progress import tell
from thinkedit.training.rows import SftRow
from thinkedit.training.runs import finish
from thinkedit.training.setup import arguments, load_model, load_processor
from thinkedit.training.tiny import save_tiny

__all__ = ["pictures_in_words", "teach_to_see", "texts"]


def pictures_in_words(steps: Path) -> list[SftRow]:
    """A row for each different pair of pictures in `steps.jsonl`, in its order."""
    rows: dict[tuple[str, str], SftRow] = {}
    known: dict[str, Picture] = {}
    for number, line in enumerate(steps.read_text(encoding="utf-8").splitlines(), 1):
        step = json.loads(line)
        pair = step["source"], step["image"]
        if pair in rows:
            continue
        paths = [steps.parent / name for name in pair]
        for name, path in zip(pair, paths, strict=True):
            if name not in known:
                known[name] = Picture.from_bytes(path.read_bytes())
        told = described(known[pair[0]], known[pair[1]])
        rows[pair] = SftRow(QUESTION, told, paths[0], paths[1], f"{steps}:{number}")
    return list(rows.values())


def texts(steps: Path, rows: list[SftRow], template: Path) -> Iterator[str]:
    """What the tokenizer learns its words from."""
    yield from [template.read_text(encoding="utf-8"), QUESTION] * 10
    yield from (row.answer for row in rows[:3000])
    for line in steps.read_text(encoding="utf-8").splitlines()[:3000]:
        step = json.loads(line)
        yield from (step["instruction"], step["prompt"], step["reason"], step["answer"])


def teach_to_see(config: SftConfig, steps: Path, template: Path, say: Callable[[str], None]) -> int:
    """Write random weights to `config.model` and the base model to `config.output`; gives its parameters."""
    from trl import SFTConfig as Arguments
    from trl import SFTTrainer

    rows = pictures_in_words(steps)
    count = save_tiny(Path(config.model), texts(steps, rows, template), seed=config.seed)
    say(f"{count:,} parameters, {len(rows)} pairs of pictures")
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
