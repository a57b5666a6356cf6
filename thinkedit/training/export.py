"""A trained thinker as a folder that transformers and vLLM load, with a card on what it learnt from."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from pathlib import Path
from typing import Any, Literal

from thinkedit.adapters.local.libraries import quiet
from thinkedit.adapters.local.loading import loading
from thinkedit.adapters.require import require
from thinkedit.adapters.thinkers.transformers.thinker import OWN_TEMPLATE
from thinkedit.errors import InputError, StoreError, ThinkerFailed
from thinkedit.training.model_card import card
from thinkedit.training.runs import MADE_WITH, made_with
from thinkedit.training.setup import plain

__all__ = ["export"]


def export(
    checkpoint: Path,
    output: Path,
    *,
    name: str | None = None,
    licence: str = "other",
    dtype: Literal["bfloat16", "float32"] | None = None,
) -> Path:
    """Write the model of a run, or of one of its checkpoints, into a new folder; returns that. Blocks.

    LoRA's adapter is merged into the weights that it was trained on. name: the card's title; licence: of the
    weights, as the Hugging Face hub names licences. dtype: of the weights, by default what they were trained
    in. Raises InputError where there is no model, or where `output` is there already, ThinkerFailed,
    StoreError, MissingExtra.
    """
    require("an export of a model", "torch", "torchvision", "transformers")
    merged = (checkpoint / "adapter_config.json").is_file()
    if not merged and not (checkpoint / "config.json").is_file():
        raise InputError(
            f"{checkpoint} holds no model: name the folder of a run that is through, or checkpoint-N"
        )
    output = output.expanduser().absolute()
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output} is there already and not empty: name a new folder (nothing was written)")
    begun = made_with(checkpoint) or made_with(checkpoint.parent)
    template = _template(begun)
    part = output.with_name(f".{output.name}.{secrets.token_hex(6)}.part")
    try:
        with loading(str(checkpoint), ThinkerFailed), plain():
            model, processor = _loaded(checkpoint, merged, dtype)
            model.save_pretrained(part)
            processor.save_pretrained(part)
        if template is not None:
            (part / OWN_TEMPLATE).write_text(template, encoding="utf-8", newline="\n")
        if begun is not None:
            text = json.dumps(_without_places(begun), indent=2, sort_keys=True, ensure_ascii=False)
            (part / MADE_WITH).write_text(text + "\n", encoding="utf-8", newline="\n")
        told = card(
            name or output.name, None if begun is None else _without_places(begun), licence=licence,
            template=OWN_TEMPLATE if template is not None else None,
        )  # fmt: skip
        (part / "README.md").write_text(told, encoding="utf-8", newline="\n")
        if output.is_dir():
            output.rmdir()
        os.replace(part, output)
    except OSError as error:
        raise StoreError(f"{output} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return output


def _loaded(checkpoint: Path, merged: bool, dtype: str | None) -> tuple[Any, Any]:
    """Model and processor; an adapter is merged in float32, so that what it adds is not rounded twice."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    with quiet("transformers"):
        if not merged:
            model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype="auto")
        else:
            require("the export of a LoRA adapter", "peft")
            from peft import PeftModel

            kept = json.loads((checkpoint / "adapter_config.json").read_text(encoding="utf-8"))
            base = kept["base_model_name_or_path"]
            own = AutoModelForImageTextToText.from_pretrained(base, dtype="auto").dtype
            model = AutoModelForImageTextToText.from_pretrained(base, dtype=torch.float32)
            model = PeftModel.from_pretrained(model, checkpoint).merge_and_unload().to(own)
        processor = AutoProcessor.from_pretrained(checkpoint)
    return (model if dtype is None else model.to(getattr(torch, dtype))), processor


def _template(begun: dict[str, Any] | None) -> str | None:
    path = None if begun is None else begun.get("prompt_template")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"the template that the model was trained with, {path}, cannot be read: {error.strerror}"
        ) from None


def _without_places(begun: dict[str, Any]) -> dict[str, Any]:
    """Files and folders by their names alone: where they lie is of no use to others."""
    told = dict(begun)
    for key in ("data", "image_root", "model", "output", "prompt_template"):
        value = told.get(key)
        if isinstance(value, str) and Path(value).is_absolute():
            told[key] = Path(value).name
    if isinstance(told.get("before"), dict):
        told["before"] = _without_places(told["before"])
    return told
