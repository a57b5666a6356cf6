"""The table of presets is held to the signatures of the pipelines that it is about; nothing is loaded."""

from __future__ import annotations

import inspect

import pytest

from tests.models import needed

diffusers = needed("diffusers")

from thinkedit.adapters.editors.diffusers.presets import PRESETS, preset_for  # noqa: E402
from thinkedit.errors import EditorFailed  # noqa: E402

pytestmark = pytest.mark.models


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_only_what_its_pipeline_takes(name: str) -> None:
    preset = PRESETS[name]
    given = inspect.signature(getattr(diffusers, name).__call__).parameters
    named = {preset.image, "prompt", "generator", "num_inference_steps", *preset.guidance, *preset.fixed}
    if preset.image_guidance is not None:
        named.add(preset.image_guidance)
    if preset.negative is not None:
        named.add("negative_prompt")
    if preset.several:
        named.add("num_images_per_prompt")
    assert named <= set(given)


def test_only_families_whose_batches_are_tested_share_passes() -> None:
    shared = {name for name, preset in PRESETS.items() if preset.batch}
    assert shared == {
        "FluxKontextPipeline",
        "QwenImageEditPipeline",
        "StableDiffusionInstructPix2PixPipeline",
    }
    assert all(PRESETS[name].ran for name in shared)


@pytest.mark.parametrize(
    ("model", "steps", "guidance"),
    [
        ("black-forest-labs/FLUX.2-klein-4B", 4, 1.0),
        ("black-forest-labs/FLUX.2-klein-base-4B", 50, 4.0),
        ("someone/own-model", 50, 4.0),
    ],
)
def test_a_distilled_klein_is_told_from_its_base_by_name(model: str, steps: int, guidance: float) -> None:
    preset = preset_for(diffusers.Flux2KleinPipeline, model)
    assert (preset.steps, preset.guidance) == (steps, {"guidance_scale": guidance})


@pytest.mark.parametrize(
    ("lora", "steps"),
    [
        ("lightx2v/Qwen-Image-Lightning::Qwen-Image-Edit-Lightning-4steps-V1.0-bf16.safetensors", 4),
        ("/models/Qwen-Image-Lightning-8steps-V2.0.safetensors", 8),
        ("someone/oil-paint-style", 50),
    ],
)
def test_a_step_distilled_lora_sets_steps_and_guidance(lora: str, steps: int) -> None:
    preset = preset_for(diffusers.QwenImageEditPipeline, "Qwen/Qwen-Image-Edit", (lora,))
    assert preset.steps == steps
    fast = steps < 50
    assert preset.guidance == {"true_cfg_scale": 1.0 if fast else 4.0}
    assert preset.negative == (None if fast else " ")


def test_a_family_that_is_not_in_the_table_is_read_from_its_signature() -> None:
    preset = preset_for(diffusers.QwenImage21Pipeline, "Qwen/some-model")
    assert (preset.image, preset.listed, preset.sized) == ("image", False, True)
    assert "true_cfg_scale" in preset.guidance
    assert preset.negative == " "  # without it this guidance would not act
    assert (preset.batch, preset.several, preset.references) == (False, False, 0)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("FluxPipeline", "FluxPipeline makes pictures from words alone"),
        ("ChronoEditPipeline", "ChronoEditPipeline makes films"),
        ("VisualClozePipeline", "VisualClozePipeline takes no prompt"),
    ],
)
def test_a_pipeline_that_cannot_edit_by_instruction_is_refused_by_name(name: str, says: str) -> None:
    with pytest.raises(EditorFailed, match=says) as caught:
        preset_for(getattr(diffusers, name), "owner/name")
    assert not caught.value.retryable
