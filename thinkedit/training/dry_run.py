"""`--dry-run`: what a run would train, hold, take and ask for, said in seconds and without its weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thinkedit.adapters.local.placement import gb
from thinkedit.errors import SettingsError
from thinkedit.training.config import Common, GrpoConfig, TrainConfig
from thinkedit.training.counting import Counted, architecture_of, count
from thinkedit.training.memory import Memory, Sharding, estimate
from thinkedit.training.rows import RlRow, SftRow, rl_rows, sft_rows
from thinkedit.training.setup import accumulation, check_enough, needed, weights
from thinkedit.training.shortage import remedies

__all__ = ["Plan", "dry_run"]

LOOKED_AT = 1000
"""Samples whose pictures and texts are measured, spread over the set."""

BYTES_A_TOKEN = 4
"""Of English text, where the model's tokenizer is not at hand."""


@dataclass(frozen=True)
class Plan:
    """What a run comes to.

    prompt, longest, answer: tokens of a prompt with its pictures, on average and at most, and of an answer at
    most. tokens: of all steps, written ones at their most. edits, judgements: at most; answers that end the
    loop, that cannot be read or that were tried before ask for none. notes: what was guessed.
    """

    config: Common
    gpus: int
    sharding: Sharding
    gpu_memory: float
    counted: Counted
    memory: Memory
    rows: int
    steps: int
    prompt: float
    longest: int
    answer: int
    tokens: float
    edits: int
    judgements: int
    notes: tuple[str, ...]

    @property
    def fits(self) -> bool:
        return self.memory.total <= self.gpu_memory

    def lines(self) -> list[str]:
        """For a person, a line for each thing."""
        config, counted = self.config, self.counted
        frozen = counted.total - counted.trained
        dealt = (
            ""
            if self.gpus == 1
            else f", {'copied' if self.sharding == 'none' else 'dealt by ' + self.sharding}"
        )
        told = [
            f"model: {config.model}, weights in {weights(config)}, on {self.gpus} GPU"
            f"{'s' if self.gpus > 1 else ''}{dealt}",
            f"parameters: {counted.total:,}; trained {counted.trained:,}, frozen {frozen:,}",
            *(f"  {part}: {whole:,}, trained {trained:,}" for part, whole, trained in counted.parts),
            f"batch: {config.batch} = {config.per_device_batch} x {self.gpus} x {self._passes} passes",
            f"steps: {self.steps:,} over {self.rows:,} samples, a checkpoint every {config.save_steps:,}",
            f"tokens: {self.prompt:,.0f} a prompt ({self.longest:,} at most), {self.answer:,} an answer at "
            f"most; about {self.tokens:.3g} in all",
        ]
        if self.edits:
            told.append(f"calls: at most {self.edits:,} edits and {self.judgements:,} judgements")
        told += self.memory.lines()
        if self.fits:
            told.append(f"that fits {gb(self.gpu_memory)}")
        else:
            told.append(f"that does not fit {gb(self.gpu_memory)}: {'; '.join(self._remedies)}")
        return told + [f"guessed: {note}" for note in self.notes]

    @property
    def _remedies(self) -> list[str]:
        return remedies(self.config, weights=self.memory.held > self.gpu_memory)

    @property
    def _passes(self) -> int:
        return accumulation(self.config, self.gpus)


def dry_run(
    config: TrainConfig, *, gpus: int = 1, sharding: Sharding = "none", gpu_memory: float = 80e9
) -> Plan:
    """Read the set and the model's configuration, and reckon. gpu_memory: bytes of each GPU.

    Raises what a run would raise for its set, its options and what is not installed. Loads no weights and
    asks neither editor nor judge.
    """
    needed(config)
    if sharding != "none" and gpus == 1:
        raise SettingsError(f"sharding {sharding} is for several GPUs: give --gpus, or leave it out")
    accumulation(config, gpus)
    rows: Sequence[SftRow | RlRow]
    if isinstance(config, GrpoConfig):
        rows, each, iterations = rl_rows(config), config.batch // config.generations, config.iterations
        check_enough(config, len(rows))
        # What is left at the end of an epoch is a step of its own in transformers; TRL's GRPO leaves it out.
        per_epoch = len(rows) // each * iterations
    else:
        rows, iterations = sft_rows(config), 1
        per_epoch = math.ceil(len(rows) / config.batch)
    steps = config.max_steps or math.ceil(per_epoch * config.epochs)
    architecture = architecture_of(config)
    counted = count(config, architecture)
    lengths = _lengths(config, rows, architecture)
    memory = estimate(
        config,
        counted,
        architecture,
        prompt=lengths.longest,
        answer=lengths.answer,
        gpus=gpus,
        sharding=sharding,
        gpu_memory=gpu_memory,
    )
    calls = math.ceil(steps / iterations) * config.batch if isinstance(config, GrpoConfig) else 0
    return Plan(
        config=config,
        gpus=gpus,
        sharding=sharding,
        gpu_memory=gpu_memory,
        counted=counted,
        memory=memory,
        rows=len(rows),
        steps=steps,
        prompt=lengths.mean,
        longest=lengths.longest,
        answer=lengths.answer,
        tokens=steps * config.batch * (lengths.mean + lengths.answer),
        edits=calls,
        judgements=calls,
        notes=lengths.notes,
    )


@dataclass(frozen=True)
class _Lengths:
    mean: float
    longest: int
    answer: int
    notes: tuple[str, ...]


def _lengths(config: Common, rows: Sequence[SftRow | RlRow], architecture: Any) -> _Lengths:
    """Tokens of prompts and answers, of at most LOOKED_AT rows spread over the set."""
    rows = rows[:: max(len(rows) // LOOKED_AT, 1)]
    tokenizer = _tokenizer(config)
    notes = []
    if tokenizer is None:
        notes.append(f"the model's tokenizer is not at hand: a token for each {BYTES_A_TOKEN} bytes of text")

    def length(text: str) -> int:
        if tokenizer is None:
            return math.ceil(len(text.encode()) / BYTES_A_TOKEN)
        return len(tokenizer(text, add_special_tokens=False).input_ids)

    vision = getattr(architecture, "vision_config", None)
    side = getattr(vision, "patch_size", 16) * getattr(vision, "spatial_merge_size", 2)
    prompts = [
        sum(_picture(path, config.max_pixels, side) for path in (row.source, row.edited))
        + length(row.text)
        + 12
        for row in rows
    ]
    if isinstance(config, GrpoConfig):
        answer = config.max_completion
    else:
        answer = max(length(row.answer) for row in rows if isinstance(row, SftRow)) + 2
    return _Lengths(sum(prompts) / len(prompts), max(prompts), answer, tuple(notes))


def _picture(path: Path, max_pixels: int, side: int) -> int:
    """Tokens of a picture, one for each square of `side` pixels, at the size that it is reduced to."""
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
    scale = min(1.0, math.sqrt(max_pixels / (width * height)))
    return max(round(width * scale / side), 1) * max(round(height * scale / side), 1)


def _tokenizer(config: Common) -> Any:
    """The tokenizer where it is on this machine, else None."""
    from transformers import AutoTokenizer

    from thinkedit.adapters.local.libraries import quiet

    folder = Path(config.model)
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.json").is_file():
        return None
    with quiet("transformers"):
        return AutoTokenizer.from_pretrained(config.model, trust_remote_code=config.trust_remote_code)
