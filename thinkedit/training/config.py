"""What a training run is configured with: `sft.toml` and `grpo.toml`, read once at the edge.

A file is flat: the options of `Common`, those of the method beside them, and the tables [lora], [vllm],
[reward], [feedback] and [models.NAME]. Where the paper and its published code differ, the default is the
paper's and the comment says what the code has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from thinkedit.training.edit_feedback import FeedbackConfig
from thinkedit.training.rewards import RewardConfig

__all__ = ["Common", "GrpoConfig", "LoraConfig", "SftConfig", "TrainConfig", "VllmConfig"]


class Table(BaseModel):
    """A table of the file: no key that is not known, and nothing changed once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoraConfig(Table):
    """[lora]: train small matrices beside the frozen weights instead of the weights.

    targets: the layers that get one, by the last part of their name, in the language model alone; in the
    vision tower and the projector too where those are not frozen. quantize: keep the frozen weights in four
    bits (QLoRA), which needs a CUDA GPU and the extra `quant`.
    """

    rank: int = Field(64, ge=1)
    alpha: float = Field(128, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: list[str] = Field(
        ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], min_length=1
    )
    quantize: Literal["nf4"] | None = None


class VllmConfig(Table):
    """[vllm]: let vLLM write the completions of GRPO.

    mode: `colocate` on the GPUs that train, `server` on others, at `url` (`trl vllm-serve`). memory: of each
    GPU that it may take, where it shares it. tensor_parallel: GPUs that hold one copy. sleep: give its memory
    back while weights are trained. max_length: prompt and completion, in tokens.
    """

    mode: Literal["server", "colocate"] = "colocate"
    url: str = "http://127.0.0.1:8000"
    timeout: float = Field(240.0, gt=0, description="seconds to wait for the server")
    memory: float = Field(0.3, gt=0, lt=1)
    tensor_parallel: int = Field(1, ge=1)
    sleep: bool = False
    max_length: int | None = Field(None, ge=1)


class Common(Table):
    """What both methods have. Paths in a file are relative to its folder.

    model: a folder or an id of the Hugging Face Hub, of a model that takes pictures. data: the set.
    image_root: what relative paths in it are below, by default its folder. limit: rows that are taken.
    output: a folder for checkpoints, and for the model itself when the run is through.
    prompt_template: the thinker's prompt, instead of the loop's own. threshold: the one it speaks of, 0-10.
    max_pixels: of each picture; larger ones are reduced, as the thinker `transformers` does in the loop.
    batch: samples of one optimiser step on all GPUs together; per_device_batch: at once on one of them.
    warmup: part of all steps (below 1), or steps. max_steps goes over epochs. optimizer: as transformers
    names them. bf16: compute in bfloat16 on a GPU. dtype: of the weights, by default float32, in which small
    updates are not lost, and bfloat16 for those that LoRA leaves as they are. device `auto`: a GPU if there
    is one.
    freeze_vision, freeze_projector, freeze_language: what is not trained.
    report: where curves go besides the console. keep: checkpoints. workers: processes that open pictures.
    """

    model: str = Field(min_length=1)
    data: Path
    output: Path
    revision: str | None = None
    trust_remote_code: bool = False
    image_root: Path | None = None
    limit: int | None = Field(None, ge=1)
    prompt_template: Path | None = None
    threshold: float = Field(8.0, ge=0, le=10)
    max_pixels: int = Field(1_048_576, ge=32 * 32)  # both stages of the code; the paper says nothing

    batch: int = Field(ge=1)
    per_device_batch: int = Field(1, ge=1)
    learning_rate: float = Field(gt=0)
    scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = "cosine"
    warmup: float = Field(0.0, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    adam_beta2: float = Field(0.999, gt=0, lt=1)
    max_grad_norm: float = Field(1.0, gt=0)
    optimizer: str = "adamw_torch"
    epochs: float = Field(1.0, gt=0)
    max_steps: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0, lt=2**32)

    dtype: Literal["bfloat16", "float32"] | None = None
    bf16: bool = True
    device: Literal["auto", "cpu"] = "auto"
    attention: Literal["sdpa", "eager", "flash_attention_2"] | None = None
    gradient_checkpointing: bool = True
    freeze_vision: bool
    freeze_projector: bool
    freeze_language: bool = False
    lora: LoraConfig | None = None

    save_steps: int = Field(200, ge=1)
    keep: int | None = Field(2, ge=1)
    log_steps: int = Field(1, ge=1)
    report: list[Literal["tensorboard", "wandb", "trackio"]] = Field(default_factory=list)
    run_name: str | None = None
    workers: int = Field(0, ge=0, le=64)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.freeze_vision and self.freeze_projector and self.freeze_language and self.lora is None:
            raise ValueError("freeze_vision, freeze_projector and freeze_language leave nothing to train")
        if self.freeze_language and self.lora is not None:
            raise ValueError("freeze_language is set, and [lora] trains the language model: leave one out")
        return self


class SftConfig(Common):
    """Supervised fine-tuning on `sft_train.json`; defaults: the paper's and, where it is silent, its code's.

    max_length: tokens of a sample with its pictures; a longer one is refused before training begins.
    foreign_prompts: take users' texts that no `prompt_template` of ours made; else they are compared with it.
    """

    batch: int = Field(32, ge=1)
    learning_rate: float = Field(2e-5, gt=0)
    warmup: float = Field(0.1, ge=0)
    weight_decay: float = Field(1e-6, ge=0)
    freeze_vision: bool = True
    freeze_projector: bool = True
    max_length: int = Field(16_384, ge=1)
    foreign_prompts: bool = False


class GrpoConfig(Common):
    """GRPO on `rl_train.jsonl`; defaults: the paper's and, where it is silent, its code's.

    batch counts completions, so that batch / generations prompts are answered in each optimiser step.
    editor, judge: by name, as everywhere; [models.NAME] describes more. Both are asked before the run starts.
    beta: weight of the KL term; 0 keeps no reference model. clip_low, clip_high: the range of the probability
    ratio; clip_dual: its bound where the advantage is negative. loss: `dapo` is the mean over tokens.
    iterations: optimiser steps on each batch of completions. top_k 0: all tokens.
    """

    batch: int = Field(128, ge=2)  # the script of the code has 8
    learning_rate: float = Field(2e-6, gt=0)  # yaml of the code: 5e-6, script: 2e-6, the article: 2e-5
    weight_decay: float = Field(0.01, ge=0)
    scheduler: Literal["cosine", "linear", "constant", "constant_with_warmup"] = "constant"
    freeze_vision: bool = False  # as the code; the paper says nothing
    freeze_projector: bool = False
    generations: int = Field(8, ge=2)
    beta: float = Field(1e-3, ge=0)  # the code has 1e-2, and switches it off
    clip_low: float = Field(0.2, gt=0)
    clip_high: float = Field(0.3, gt=0)
    clip_dual: float | None = Field(3.0, gt=1)
    loss: Literal["dapo", "grpo", "bnpo", "dr_grpo"] = "dapo"
    scale: Literal["group", "batch", "none"] = "group"
    iterations: int = Field(1, ge=1)
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0)
    max_completion: int = Field(4_096, ge=1)
    mask_truncated: bool = False
    log_completions: bool = False
    vllm: VllmConfig | None = None
    reward: RewardConfig = Field(default_factory=RewardConfig)
    feedback: FeedbackConfig = Field(default_factory=FeedbackConfig)

    editor: str = Field(min_length=1)
    judge: str = Field(min_length=1)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _groups(self) -> Self:
        if self.batch % self.generations:
            raise ValueError(f"batch is {self.batch}: give a multiple of generations, {self.generations}")
        if self.save_steps % self.iterations:
            raise ValueError(
                f"save_steps is {self.save_steps}: give a multiple of iterations, {self.iterations}, since "
                "completions that are used again are not saved"
            )
        return self


TrainConfig: TypeAlias = SftConfig | GrpoConfig
