"""How many parameters a model has, and which of them are trained, without its weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from thinkedit.adapters.local.libraries import quiet
from thinkedit.adapters.local.loading import loading, resolve
from thinkedit.errors import ThinkerFailed
from thinkedit.training.config import Common
from thinkedit.training.setup import freeze, lora, parts_of

__all__ = ["Counted", "architecture_of", "count"]


@dataclass(frozen=True)
class Counted:
    """total: with what LoRA adds. trained. parts: (part, all of it, trained of it).

    linear: parameters in the language model's linear layers, which QLoRA keeps in four bits. largest: of the
    largest unit that is put together at once: a layer, or the table of words.
    """

    total: int
    trained: int
    parts: tuple[tuple[str, int, int], ...]
    linear: int
    largest: int


def architecture_of(config: Common) -> Any:
    """The model's configuration, which is all that is read of it. ThinkerFailed where there is none."""
    from transformers import AutoConfig

    resolve(config.model, "config.json", config.revision, ThinkerFailed)
    with loading(config.model, ThinkerFailed), quiet("transformers"):
        return AutoConfig.from_pretrained(
            config.model, revision=config.revision, trust_remote_code=config.trust_remote_code
        )


def count(config: Common, architecture: Any) -> Counted:
    """Build the model on the meta device, which takes no memory, and freeze what is to be frozen."""
    import torch
    from torch import nn
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"), loading(config.model, ThinkerFailed), quiet("transformers"):
        model = AutoModelForImageTextToText.from_config(
            architecture, trust_remote_code=config.trust_remote_code
        )
    linear = sum(
        module.weight.numel()
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and parts_of(name) == "language" and not name.endswith("lm_head")
    )
    units = [
        sum(parameter.numel() for parameter in module.parameters())
        for name, module in model.named_modules()
        if name.rpartition(".")[2].isdigit() or isinstance(module, nn.Embedding) or name.endswith("lm_head")
    ]
    if config.lora is None:
        freeze(model, config)
    else:
        from peft import get_peft_model

        with quiet("transformers"):
            model = get_peft_model(model, lora(config))
    parts: dict[str, list[int]] = {}
    for name, parameter in model.named_parameters():
        counts = parts.setdefault(parts_of(name), [0, 0])
        counts[0] += parameter.numel()
        counts[1] += parameter.numel() if parameter.requires_grad else 0
    return Counted(
        total=sum(whole for whole, _ in parts.values()),
        trained=sum(trained for _, trained in parts.values()),
        parts=tuple((part, whole, trained) for part, (whole, trained) in sorted(parts.items())),
        linear=linear,
        largest=max(units, default=0),
    )
