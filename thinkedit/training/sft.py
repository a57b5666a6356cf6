"""Supervised fine-tuning of a thinker on expert steps: the first of the paper's two stages (section 5).

Method: from (source, edited, what the user asked, what the editor was told) the model learns to write the
expert's `<think>…</think><score>…</score><answer>…</answer>`; the loss is that of the answer's tokens alone.
Vision tower and projector stay as they are. Learning rate 2e-5, batch 32, one epoch, cosine with warm-up.

Deviations from the paper and its code: TRL's SFTTrainer instead of LLaMA-Factory; a sample that is longer
than max_length is refused and not cut, since a cut one has no answer to learn; weights are kept in float32
unless LoRA leaves them as they are.

    thinkedit train sft recipes/editthinker-8b/sft.toml
    accelerate launch --config_file recipes/editthinker-8b/fsdp.yaml -m thinkedit.training.sft CONFIG
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from thinkedit.training.config import SftConfig
from thinkedit.training.data import check_lengths, check_template, sft_dataset
from thinkedit.training.memory import check_room
from thinkedit.training.progress import say_nothing, tell
from thinkedit.training.rows import sft_rows
from thinkedit.training.runs import begin, finish, last_checkpoint
from thinkedit.training.setup import (
    arguments,
    freeze,
    load_model,
    load_processor,
    lora,
    needed,
    plain,
)
from thinkedit.training.shortage import enough_memory

__all__ = ["train"]


def train(config: SftConfig, *, resume: bool = False, say: Callable[[str], None] = say_nothing) -> Path:
    """Train, and return the folder with the model. Blocks for as long as it takes.

    resume: go on from the last whole checkpoint in config.output, in the same order of the data. say: is
    told each line of progress. Raises InputError, SettingsError, ThinkerFailed, MissingExtra.
    """
    needed(config)
    rows = sft_rows(config)
    say(f"{len(rows)} samples of {config.data}")
    begin(config, resume=resume, rows=len(rows))
    processor = load_processor(config)
    check_template(processor, rows[0])
    check_lengths(processor, rows, config.max_pixels, config.max_length)
    check_room(config)

    from trl import SFTConfig as Arguments
    from trl import SFTTrainer

    with enough_memory(config), plain():
        # First the arguments: they tell transformers how the launcher deals the weights that are loaded.
        args = Arguments(**arguments(config), max_length=None, completion_only_loss=True)
        trainer = SFTTrainer(
            model=load_model(config),
            args=args,
            train_dataset=sft_dataset(rows, config.max_pixels),
            processing_class=processor,
            peft_config=lora(config),
        )
        tell(trainer, say)
        checkpoint = last_checkpoint(config.output) if resume else None
        if checkpoint is not None:
            freeze(trainer.model, config)
            say(f"goes on from {checkpoint}")
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        finish(trainer, processor)
    return config.output


if __name__ == "__main__":
    from thinkedit.training.launch import launch

    launch(SftConfig, train)
