"""What both trainers are built of: the model, what of it is trained, and TRL's arguments."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from thinkedit.adapters.local.libraries import quiet
from thinkedit.adapters.local.loading import loading, resolve
from thinkedit.adapters.require import require
from thinkedit.errors import SettingsError, ThinkerFailed
from thinkedit.training.config import Common, GrpoConfig

__all__ = [
    "arguments",
    "freeze",
    "load_model",
    "load_processor",
    "lora",
    "needed",
    "parts_of",
]

PROJECTOR = ("merger", "multi_modal_projector", "connector", "mm_projector")
VISION = ("visual", "vision_tower", "vision_model", "image_encoder")


def needed(config: Common) -> None:
    """Nothing, or MissingExtra or SettingsError with the line that installs what is missing."""
    require("training", "trl", "datasets", "accelerate", "torch", "torchvision", "transformers")
    if config.lora is not None:
        require("training with LoRA", "peft")
        if config.lora.quantize is not None:
            require("training with QLoRA", "bitsandbytes")
    for where in config.report:
        if importlib.util.find_spec(where) is None:
            raise SettingsError(f"report names {where!r}, which is not installed: pip install {where}")


def parts_of(name: str) -> str:
    """`projector`, `vision` or `language`: the part of the model that a parameter of this name belongs to."""
    words = name.split(".")
    if any(word.startswith(known) or word.endswith("_merger_list") for word in words for known in PROJECTOR):
        return "projector"
    return "vision" if any(word in VISION for word in words) else "language"


def freeze(model: Any, config: Common) -> None:
    """Take what is frozen out of training; called before a trainer is built and again before a resume."""
    frozen = {
        part
        for part, wanted in (
            ("vision", config.freeze_vision),
            ("projector", config.freeze_projector),
            ("language", config.freeze_language),
        )
        if wanted
    }
    for name, parameter in model.named_parameters():
        if parts_of(name) in frozen:
            parameter.requires_grad_(False)


def load_processor(config: Common) -> Any:
    """The processor, which has to take pictures. ThinkerFailed where it does not."""
    from transformers import AutoProcessor, ProcessorMixin

    resolve(config.model, "config.json", config.revision, ThinkerFailed)
    with loading(config.model, ThinkerFailed), quiet("transformers"):
        processor = AutoProcessor.from_pretrained(
            config.model, revision=config.revision, trust_remote_code=config.trust_remote_code
        )
    if not isinstance(processor, ProcessorMixin) or not hasattr(processor, "image_processor"):
        raise ThinkerFailed(
            f"{config.model} has no processor for pictures: name a vision-language model", retryable=False
        )
    processor.tokenizer.padding_side = "left"
    return processor


def load_model(config: Common) -> Any:
    """The model with its weights, what is frozen frozen. SettingsError, ThinkerFailed."""
    import torch
    from transformers import AutoModelForImageTextToText

    if (Path(config.model) / "adapter_config.json").is_file():
        raise SettingsError(
            f"{config.model} holds a LoRA adapter, not a model: merge it first with "
            f"`thinkedit train export {config.model} -o DIR`, and name DIR as model"
        )
    options: dict[str, Any] = {
        "dtype": getattr(torch, weights(config)),
        "revision": config.revision,
        "trust_remote_code": config.trust_remote_code,
    }
    if config.attention is not None:
        options["attn_implementation"] = config.attention
    if config.lora is not None and config.lora.quantize is not None:
        from transformers import BitsAndBytesConfig

        if not torch.cuda.is_available():
            raise SettingsError("lora.quantize needs a CUDA GPU: leave it out")
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type=config.lora.quantize,
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
    with loading(config.model, ThinkerFailed), quiet("transformers"):
        model = AutoModelForImageTextToText.from_pretrained(config.model, **options)
    if config.lora is None:
        freeze(model, config)
    return model


def weights(config: Common) -> str:
    """The type of the weights, by its name in torch."""
    return config.dtype or ("float32" if config.lora is None else "bfloat16")


def lora(config: Common) -> Any:
    """A `peft.LoraConfig`, or None where the weights themselves are trained."""
    if config.lora is None:
        return None
    from peft import LoraConfig as PeftConfig

    return PeftConfig(
        task_type="CAUSAL_LM",
        r=config.lora.rank,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=config.lora.targets,
        exclude_modules=_left_out(config),
    )


def _left_out(config: Common) -> str | None:
    """A pattern of the layers that get no adapter, because their part is frozen."""
    frozen = []
    if config.freeze_vision:
        frozen.append(rf"(?!.*\.(?:{'|'.join(PROJECTOR)}|\w*merger_list)\b).*\b(?:{'|'.join(VISION)})\..*")
    if config.freeze_projector:
        frozen.append(rf".*\.(?:{'|'.join(PROJECTOR)}|\w*merger_list)\b.*")
    return "|".join(frozen) or None


def processes() -> int:
    """How many processes train together, as their launcher says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def accumulation(config: Common, count: int) -> int:
    """Passes for each optimiser step on each of `count` GPUs. SettingsError where batch is not dealt out."""
    at_once = config.per_device_batch * count
    if config.batch % at_once:
        raise SettingsError(
            f"batch {config.batch} is no multiple of {at_once}, which is per_device_batch "
            f"{config.per_device_batch} on {count} GPUs: change one of them"
        )
    return config.batch // at_once


def _method(config: Common) -> str:
    return "grpo" if isinstance(config, GrpoConfig) else "sft"


def check_enough(config: GrpoConfig, rows: int) -> None:
    """Raises SettingsError where the set has too few prompts for one step; TRL leaves out what is over."""
    if rows < (prompts := config.batch // config.generations):
        raise SettingsError(
            f"the set has {rows} samples, fewer than the {prompts} prompts of one step: lower batch"
        )


def arguments(config: Common) -> dict[str, Any]:
    """TRL's arguments that both trainers share."""
    import torch
    from transformers import TrainingArguments

    names = {field.name for field in fields(TrainingArguments)}  # the new name came within version 5
    checkpointing = next(n for n in ("activation_checkpointing", "gradient_checkpointing") if n in names)
    on_gpu = config.device == "auto" and torch.cuda.is_available()
    if on_gpu and processes() == 1 and (there := torch.cuda.device_count()) > 1:
        raise SettingsError(
            f"there are {there} GPUs and one process: start it with `accelerate launch -m thinkedit.training."
            f"{_method(config)}`, or show it one GPU with CUDA_VISIBLE_DEVICES=0"
        )
    given: dict[str, Any] = {
        "output_dir": str(config.output),
        "per_device_train_batch_size": config.per_device_batch,
        "gradient_accumulation_steps": accumulation(config, processes()),
        "learning_rate": config.learning_rate,
        "lr_scheduler_type": config.scheduler,
        "warmup_steps": config.warmup,
        "weight_decay": config.weight_decay,
        "adam_beta2": config.adam_beta2,
        "max_grad_norm": config.max_grad_norm,
        "optim": config.optimizer,
        "num_train_epochs": config.epochs,
        "max_steps": config.max_steps or -1,
        "seed": config.seed,
        "data_seed": config.seed,
        "bf16": config.bf16 and on_gpu,
        "use_cpu": not on_gpu,
        checkpointing: config.gradient_checkpointing,
        "save_strategy": "steps",
        "save_steps": config.save_steps,
        "save_total_limit": config.keep,
        "logging_steps": config.log_steps,
        "report_to": list(config.report) or "none",
        "run_name": config.run_name,
        "dataloader_num_workers": config.workers,
        "remove_unused_columns": False,  # rows are opened as they are taken, and rewards read all columns
        "disable_tqdm": True,
    }
    return given


@contextmanager
def plain() -> Iterator[None]:
    """Without progress bars, and without what the libraries tell each other of names that have changed."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*gradient_checkpointing.*", FutureWarning)
            yield
    finally:
        if shown:
            logging.enable_progress_bar()
