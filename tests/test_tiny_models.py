"""The tiny checkpoints that every test of a model adapter stands on."""

from __future__ import annotations

import hashlib
import inspect
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models import BUILDER, builder, needed, tiny

torch = needed("torch")
diffusers = needed("diffusers")
transformers = needed("transformers")
needed("torchvision")
needed("accelerate")

from PIL import Image  # noqa: E402

pytestmark = pytest.mark.models

EDITORS = {
    "flux-kontext": "FluxKontextPipeline",
    "flux2-klein": "Flux2KleinPipeline",
    "qwen-image-edit": "QwenImageEditPipeline",
    "qwen-image-edit-plus": "QwenImageEditPlusPipeline",
    "longcat-image-edit": "LongCatImageEditPipeline",
    "instruct-pix2pix": "StableDiffusionInstructPix2PixPipeline",
    "custom-pipeline": "TinyOwnPipeline",
}
ANSWER = '<think>x é 日本 😀</think><score>{"semantic": 10, "quality": 3}</score><answer>a "b"\n</answer>'


def picture(seed: int, size: int = 64) -> Image.Image:
    return Image.fromarray(np.random.RandomState(seed).randint(0, 255, (size, size, 3), dtype=np.uint8))


def files(folder: Path) -> dict[str, str]:
    """Relative name -> hash of every file."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def loaded(name: str) -> Any:
    folder = tiny(name)
    own = {"custom_pipeline": str(folder), "trust_remote_code": True} if name == "custom-pipeline" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = diffusers.DiffusionPipeline.from_pretrained(folder, **own)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def shrink(pipeline: Any, patch: pytest.MonkeyPatch) -> None:
    """Let the families that always bring the source to a megapixel be content with 64 x 64."""
    module = sys.modules[type(pipeline).__module__]
    if hasattr(module, "VAE_IMAGE_SIZE"):
        patch.setattr(module, "VAE_IMAGE_SIZE", 64 * 64)
        patch.setattr(module, "CONDITION_IMAGE_SIZE", 64 * 64)
    elif hasattr(module, "calculate_dimensions"):
        whole = module.calculate_dimensions
        patch.setattr(module, "calculate_dimensions", lambda area, aspect: whole(64 * 64, aspect))


def edit(pipeline: Any, source: int, prompt: str, seed: int) -> Any:
    """One edit of two steps at 64 x 64 where the family has a choice; pixels as numbers."""
    takes = inspect.signature(type(pipeline).__call__).parameters
    options: dict[str, Any] = {"prompt": prompt, "num_inference_steps": 2}
    options["generator"] = torch.Generator().manual_seed(seed)
    options |= {"input_images": [picture(source)]} if "input_images" in takes else {"image": picture(source)}
    options |= {"height": 64, "width": 64} if "height" in takes else {}
    options |= {"_auto_resize": False, "max_area": 64 * 64} if "_auto_resize" in takes else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(pipeline(**options).images[0]).astype(int)


def test_every_model_is_covered() -> None:
    assert set(builder().BUILDERS) == {*EDITORS, "qwen3-vl"}


@pytest.mark.parametrize("name", EDITORS)
def test_an_editor_is_the_real_class_and_listens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = loaded(name)
    shrink(pipeline, monkeypatch)
    assert type(pipeline).__name__ == EDITORS[name]
    first = edit(pipeline, source=1, prompt="make the sky red", seed=1)
    assert np.array_equal(first, edit(pipeline, source=1, prompt="make the sky red", seed=1))
    for other in (
        edit(pipeline, source=2, prompt="make the sky red", seed=1),
        edit(pipeline, source=1, prompt="add a hat", seed=1),
        edit(pipeline, source=1, prompt="make the sky red", seed=2),
    ):
        assert np.abs(first - other).max() >= 3


def test_the_thinker_reads_two_pictures_and_knows_every_character() -> None:
    folder = tiny("qwen3-vl")
    processor = transformers.AutoProcessor.from_pretrained(folder)
    assert isinstance(processor, transformers.ProcessorMixin)
    model = transformers.AutoModelForImageTextToText.from_pretrained(folder).eval()
    tokens = processor.tokenizer(ANSWER, add_special_tokens=False).input_ids
    assert processor.tokenizer.decode(tokens) == ANSWER
    assert processor.tokenizer.unk_token_id not in tokens
    content = [{"type": "image", "image": picture(n)} for n in (1, 2)]
    said = [{"role": "user", "content": [*content, {"type": "text", "text": "make it red"}]}]
    inputs = processor.apply_chat_template(
        said, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    assert inputs["image_grid_thw"].shape == (2, 3)
    made = model.generate(**inputs, max_new_tokens=16, do_sample=False)
    said_back = processor.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert said_back.strip()


def test_the_chat_template_keeps_its_newlines_and_takes_both_names_of_a_picture() -> None:
    tokenizer = transformers.AutoProcessor.from_pretrained(tiny("qwen3-vl")).tokenizer
    said = [
        {"role": "system", "content": "be short"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "image"}]},
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
    ]
    seen = "<|vision_start|><|image_pad|><|vision_end|>"
    assert tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=False) == (
        "<|im_start|>system\nbe short<|im_end|>\n"
        f"<|im_start|>user\n{seen}{seen}<|im_end|>\n"
        "<|im_start|>user\ngo<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_the_command_builds_the_same_bytes_again_and_stays_small(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(BUILDER), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [
        str(tmp_path / name) for name in builder().BUILDERS
    ]
    for name in builder().BUILDERS:
        assert files(tmp_path / name) == files(tiny(name)), name
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 16e6


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "qwen3-vl").mkdir()
    (tmp_path / "qwen3-vl" / "kept.txt").write_text("mine")
    for given, said in (
        ([str(tmp_path), "qwen4"], "no such model: qwen4"),
        ([str(tmp_path), "qwen3-vl"], "not empty"),
    ):
        with pytest.raises(SystemExit):
            builder().main(given)
        assert said in capsys.readouterr().err
