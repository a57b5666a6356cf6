"""A vision-language model found, placed and loaded, with its processor, or one clear line why not."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from thinkedit.adapters.local.libraries import quiet
from thinkedit.adapters.local.loading import loading, parameters_in, resolve
from thinkedit.adapters.local.placement import BYTES, MARGIN, Machine, decide, look
from thinkedit.adapters.local.quantization import model_quantization
from thinkedit.adapters.local.residency import residency_of
from thinkedit.adapters.thinkers.transformers.model import Model, Settings
from thinkedit.errors import ThinkerFailed

__all__ = ["load_model"]

log = logging.getLogger("thinkedit.models")

WEIGHTS_ELSEWHERE = ["*.bin", "*.pt", "*.pth", "*.gguf", "*.onnx", "original/*", "*.h5", "*.msgpack"]
"""Copies of the weights in other forms, which are not downloaded."""


def load_model(settings: Settings, device: str | None) -> Model:
    """Load checkpoint and processor and prepare them for `device`. Takes seconds to minutes; in a thread.

    Raises ThinkerFailed with one clear line, SettingsError and MissingExtra.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    machine = look(device)
    checkpoint = resolve(settings.model, "config.json", settings.revision, ThinkerFailed)
    name = checkpoint.name
    with loading(name, ThinkerFailed), quiet("transformers"):
        folder = checkpoint.folder or _downloaded(settings)
        processor = _processor(folder, settings, name)
    total = sum(parameters_in(folder).values())
    working = 2_000_000_000 if total > 500_000_000 else 100_000_000
    idle = residency_of(machine.device).idle
    decision = decide(
        machine, settings.wanted, parameters=total, largest_part=total, working=working, evictable=idle
    )
    dtype = getattr(torch, decision.dtype)
    options: dict[str, Any] = {"dtype": dtype, "trust_remote_code": settings.trust_remote_code}
    if decision.attention is not None:
        options["attn_implementation"] = decision.attention
    if decision.quantization is not None:
        options["quantization_config"] = model_quantization(decision.quantization, dtype)
    if decision.placement != "device":
        options["device_map"] = "auto"
        if device is not None:  # accelerate would fill the other GPUs too, where further copies are to be
            options["max_memory"] = _room(machine)
    elif decision.quantization == "nf4":
        options["device_map"] = {"": decision.device}
    with loading(name, ThinkerFailed), quiet("transformers"):
        model = AutoModelForImageTextToText.from_pretrained(str(folder), **options).eval()
    there = total * BYTES[decision.quantization or decision.dtype] if decision.placement == "device" else 0
    made = Model(model, processor, decision, settings, name, int(there) + working)
    for line in made.lines():
        log.info("%s: %s", name, line)
    return made


def _room(machine: Machine) -> dict[int | str, int]:
    """What accelerate may fill, in bytes: the GPU that was named, then the host."""
    return {
        int(machine.device.partition(":")[2] or 0): int(machine.free * MARGIN),
        "cpu": int(machine.host_free * MARGIN),
    }


def _downloaded(settings: Settings) -> Path:
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(settings.model, revision=settings.revision, ignore_patterns=WEIGHTS_ELSEWHERE)
    )


def _processor(folder: Path, settings: Settings, name: str) -> Any:
    """The processor, which has to take pictures and to know how a conversation is written."""
    from transformers import AutoProcessor, ProcessorMixin

    blind = (
        f"{name} has no processor for pictures: it is a text model, or preprocessor_config.json or "
        "processor_config.json is missing; name a vision-language model, or download it again"
    )
    try:
        processor = AutoProcessor.from_pretrained(str(folder), trust_remote_code=settings.trust_remote_code)
    except OSError as error:
        if "preprocessor_config.json" not in str(error):
            raise
        raise ThinkerFailed(blind, retryable=False) from error
    if not isinstance(processor, ProcessorMixin) or not hasattr(processor, "image_processor"):
        raise ThinkerFailed(blind, retryable=False)
    # Without its files a tokenizer is made that knows no words, and nothing is said of it.
    files = {"tokenizer.json", "tekken.json", *processor.tokenizer.vocab_files_names.values()}
    files -= {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}
    if not any((folder / file).is_file() for file in files):
        raise ThinkerFailed(
            f"{name} has no tokenizer ({', '.join(sorted(files))}): perhaps half downloaded, so download it "
            "again",
            retryable=False,
        )
    if getattr(processor, "chat_template", None) is None:
        inner = getattr(processor.tokenizer, "chat_template", None)
        if inner is None:
            raise ThinkerFailed(
                f"{name} has no chat template, so it is no model to talk with: name an instruction-tuned one",
                retryable=False,
            )
        processor.chat_template = inner
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return processor
