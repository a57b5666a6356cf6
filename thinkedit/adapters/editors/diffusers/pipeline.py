"""One loaded pipeline on one device: found, placed and loaded through diffusers' own ways."""

from __future__ import annotations

import importlib
import inspect
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from thinkedit.adapters.editors.diffusers.presets import PRESETS, Preset, preset_for
from thinkedit.adapters.editors.diffusers.settings import Settings
from thinkedit.adapters.local.libraries import quiet, release
from thinkedit.adapters.local.loading import loading, parameters_in, resolve
from thinkedit.adapters.local.placement import BYTES, Decision, decide, look
from thinkedit.adapters.local.quantization import QUANTIZED_PARTS, pipeline_quantization
from thinkedit.adapters.local.residency import residency_of
from thinkedit.errors import EditorFailed, SettingsError

__all__ = ["CACHES", "Pipeline", "load_pipeline"]

log = logging.getLogger("thinkedit.models")

INDEX = "model_index.json"

CACHES: dict[str, tuple[str, dict[str, Any]]] = {
    "first_block": ("FirstBlockCacheConfig", {"threshold": 0.1}),
    "taylorseer": ("TaylorSeerCacheConfig", {}),
    "pyramid": ("PyramidAttentionBroadcastConfig", {"spatial_attention_block_skip_range": 2}),
}
"""diffusers' caches by short name: the class of the configuration, and values that differ from its own."""

STATEFUL = ("first_block", "taylorseer")
"""Those that keep what a step computed for the next one, with and without the prompt apart."""

PASS_BYTES_PER_PIXEL = 4_000
"""A rough upper bound of what one picture of a pass takes beside the weights, for today's transformers."""


class Pipeline:
    """A loaded diffusers pipeline; belongs to its worker's thread. `Resident` for the device's residency."""

    def __init__(
        self, pipe: Any, preset: Preset, decision: Decision, name: str, size: int, area: int
    ) -> None:
        self.pipe = pipe
        self.preset = preset
        self.decision = decision
        self.name = name
        self.size = size
        self.area = area

    def to_device(self) -> None:
        if self.decision.placement == "device":
            with quiet("diffusers", "transformers"):
                self.pipe.to(self.decision.device)

    def to_host(self) -> None:
        if self.decision.placement == "device":
            with quiet("diffusers", "transformers"):
                self.pipe.to("cpu")
        elif self.decision.placement == "model_offload":
            self.pipe.maybe_free_model_hooks()
        release(self.decision.device)

    def close(self) -> None:
        """Give its memory back for good."""
        self.pipe = None
        release(self.decision.device)

    def lines(self) -> list[str]:
        """What was decided in loading, a line each."""
        preset = self.preset
        family = type(self.pipe).__name__
        told = "by its preset" if family in PRESETS else "not in the table of presets, so by its own defaults"
        guidance = ", ".join(f"{name} {value:g}" for name, value in preset.guidance.items()) or "no guidance"
        batch = "different pictures share a pass" if preset.batch else "every picture has a pass of its own"
        return [
            *self.decision.lines(),
            f"{family}, called {told} and your settings: {preset.steps} steps, {guidance}; {batch}",
            f"works at about {self.area:,} pixels, sides divisible by {preset.multiple}"
            + ("" if preset.sized else " (its own choice)")
            + (f"; sees the source at {preset.conditioned_at:,}" if preset.conditioned_at else ""),
        ]


def load_pipeline(settings: Settings, device: str | None) -> Pipeline:
    """Load the checkpoint onto the host and prepare it for `device`. Takes seconds to minutes; in a thread.

    Raises EditorFailed with one clear line, SettingsError for a setting that this machine cannot hold, and
    MissingExtra.
    """
    import torch
    from diffusers import DiffusionPipeline

    machine = look(device)
    checkpoint = resolve(settings.model, INDEX, settings.revision, EditorFailed)
    name = checkpoint.name
    with loading(name, EditorFailed), quiet("diffusers", "transformers"):
        folder = checkpoint.folder or _downloaded(DiffusionPipeline, settings)
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    pipeline = _pipeline_class(index, settings, name)
    preset = None if pipeline is None else preset_for(pipeline, settings.model, settings.loras)
    counts = {part: count for part, count in parameters_in(folder).items() if part in index}
    chosen = preset or Preset()
    area = settings.area if settings.area and chosen.sized else chosen.area
    working = area * PASS_BYTES_PER_PIXEL
    total, largest = sum(counts.values()), max(counts.values(), default=0)
    idle = residency_of(machine.device).idle
    decision = decide(
        machine, settings.wanted, parameters=total, largest_part=largest, working=working, evictable=idle
    )
    dtype = getattr(torch, decision.dtype)
    options: dict[str, Any] = {"torch_dtype": dtype, "variant": settings.variant}
    if settings.custom_pipeline is not None:
        options["custom_pipeline"] = settings.custom_pipeline
    if settings.trust_remote_code:
        options["trust_remote_code"] = True
    with loading(name, EditorFailed), quiet("diffusers", "transformers"):
        if decision.quantization is not None:
            large = [part for part in QUANTIZED_PARTS if counts.get(part, 0) >= largest / 10]
            options["quantization_config"] = pipeline_quantization(decision.quantization, large, dtype)
        pipe = DiffusionPipeline.from_pretrained(str(folder), **options)
        preset = _set(preset or preset_for(type(pipe), settings.model, settings.loras), settings)
        _add_loras(pipe, settings)
        _prepare(pipe, decision)
    pipe.set_progress_bar_config(disable=True)
    each = BYTES[decision.quantization or decision.dtype]
    there = {"device": total, "model_offload": largest, "sequential_offload": 0}[decision.placement]
    made = Pipeline(pipe, preset, decision, name, int(there * each) + working, area)
    for line in made.lines():
        log.info("%s: %s", name, line)
    return made


def _set(preset: Preset, settings: Settings) -> Preset:
    """The preset with the steps and the guidance that the user set."""
    guidance = dict(preset.guidance)
    if settings.guidance is not None:
        guidance[next(iter(guidance), "guidance_scale")] = settings.guidance
    if settings.true_guidance is not None:
        guidance["true_cfg_scale"] = settings.true_guidance
    return replace(preset, steps=settings.steps or preset.steps, guidance=guidance)


def _downloaded(pipelines: Any, settings: Settings) -> Path:
    """The folder of a checkpoint of the Hub in the local cache, downloaded where it is not there yet."""
    return Path(
        pipelines.download(
            settings.model,
            revision=settings.revision,
            variant=settings.variant,
            trust_remote_code=settings.trust_remote_code,
        )
    )


def _pipeline_class(index: dict[str, Any], settings: Settings, name: str) -> type | None:
    """The class that the checkpoint names, or None where code of its own brings it."""
    import diffusers

    said = index.get("_class_name")
    if settings.custom_pipeline is not None:
        return None
    if isinstance(said, list) or (isinstance(said, str) and not hasattr(diffusers, said)):
        called = said[-1] if isinstance(said, list) else said
        if settings.trust_remote_code:
            return None
        raise EditorFailed(
            f"{name} has a pipeline {called!r} that diffusers {diffusers.__version__} does not have: a newer "
            "diffusers may; or it brings code of its own, which would run on this machine: read it, then set "
            "custom_pipeline and trust_remote_code = true",
            retryable=False,
        )
    if not isinstance(said, str):
        raise EditorFailed(
            f"{name}: its {INDEX} names no pipeline class: name another folder", retryable=False
        )
    found: type = getattr(diffusers, said)
    return found


def _add_loras(pipe: Any, settings: Settings) -> None:
    if not settings.loras:
        return
    if not hasattr(pipe, "load_lora_weights"):
        raise EditorFailed(
            f"the pipeline {type(pipe).__name__} takes no LoRA: leave out lora = {list(settings.loras)}",
            retryable=False,
        )
    names = []
    for number, lora in enumerate(settings.loras):
        where, colon, file = lora.partition("::")  # FOLDER-OR-ID::FILE
        options = {"weight_name": file} if colon else {}
        try:
            pipe.load_lora_weights(where, adapter_name=f"lora{number}", **options)
        except Exception as error:
            line = " ".join(str(error).split())[:300]
            raise EditorFailed(f"the LoRA {lora!r} cannot be loaded: {line}", retryable=False) from error
        names.append(f"lora{number}")
    pipe.set_adapters(names, adapter_weights=list(settings.lora_scales))


def _prepare(pipe: Any, decision: Decision) -> None:
    """Attention, cache, compilation and offloading, in the order in which they have to be set."""
    core: Any = getattr(pipe, "transformer", None) or getattr(pipe, "unet", None)
    if decision.attention is not None:
        if not hasattr(core, "set_attention_backend"):
            raise SettingsError(
                f"attention is {decision.attention!r}, but {type(core).__name__} has no choice "
                "of it: leave it out"
            )
        try:
            core.set_attention_backend(decision.attention)
        except (ValueError, KeyError) as error:
            raise SettingsError(f"attention is {decision.attention!r}: {error}") from error
    if decision.cache is not None:
        _cache(pipe, core, decision.cache)
    if decision.placement == "model_offload":
        pipe.enable_model_cpu_offload(device=decision.device)
    elif decision.placement == "sequential_offload":
        pipe.enable_sequential_cpu_offload(device=decision.device)
    if decision.compile:
        if hasattr(core, "compile_repeated_blocks"):
            core.compile_repeated_blocks()
        else:
            core.compile()


def _cache(pipe: Any, core: Any, name: str) -> None:
    hooks = importlib.import_module("diffusers.hooks")
    if name not in CACHES:
        raise SettingsError(f"cache is {name!r}: give one of {', '.join(CACHES)}, or leave it out")
    made, values = CACHES[name]
    if not hasattr(core, "enable_cache") or not hasattr(hooks, made):
        raise SettingsError(f"cache is {name!r}, but {type(core).__name__} takes none: leave it out")
    if name in STATEFUL and "cache_context" not in inspect.getsource(type(pipe)):
        # The library would fail at the first picture, since the pipeline does not say which call it is in.
        raise SettingsError(f"cache is {name!r}, which {type(pipe).__name__} cannot use: leave it out")
    if name == "pyramid":
        values = {**values, "current_timestep_callback": lambda: pipe.current_timestep}
    core.enable_cache(getattr(hooks, made)(**values))
