"""What cannot be done is said in one line, before anything is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.models import needed, tiny

needed("torch")
needed("diffusers")

from tests.adapters.editors.diffusers.families import edited, editor, kept, photographs  # noqa: E402
from thinkedit.adapters.base import EditRequest  # noqa: E402
from thinkedit.adapters.editors.diffusers import DiffusersEditor  # noqa: E402
from thinkedit.adapters.registry import create_editor  # noqa: E402
from thinkedit.errors import EditorFailed, EditRefused, MissingExtra, SettingsError  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"steps": 0}, "steps is 0: give a whole number of 1 or more"),
        ({"steps": 2.5}, r"steps is 2.5: give a whole number"),
        ({"guidance": "high"}, "guidance is 'high': give a number"),
        ({"area": 10}, "area is 10: give a whole number of 256 or more"),
        ({"batch": 0}, "batch is 0"),
        ({"extra": 3}, "extra is 3: give a table"),
        ({"dtype": "half"}, "dtype is 'half': give one of bfloat16"),
        ({"lora": ["a", "b"], "lora_scale": [1.0]}, "lora_scale has 1 values for 2 LoRAs"),
        ({"device": "cpu", "devices": ["cpu"]}, "give one of them"),
        ({"custom_pipeline": "somewhere"}, "read it, then set trust_remote_code = true"),
        ({"stepps": 3}, "did you mean 'steps'"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_loaded(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        create_editor("diffusers:owner/name", options)


def test_the_model_has_to_be_named() -> None:
    with pytest.raises(SettingsError, match="model"):
        create_editor("diffusers")


def test_a_missing_extra_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "diffusers" else real(name))
    with pytest.raises(MissingExtra, match=r'the editor .diffusers. .*pip install "thinkedit\[local\]"'):
        DiffusersEditor("owner/name")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("nobody/no-such-model", "cannot be loaded: .*check the id and the network"),
        ("/nowhere/at/all", "no such folder"),
        ("what is this?", "neither a folder nor an id"),
    ],
)
async def test_a_wrong_model(model: str, says: str) -> None:
    broken = DiffusersEditor(model)
    with pytest.raises(EditorFailed, match=says) as caught:
        await broken.check()
    assert not caught.value.retryable
    [item] = await broken.edit([EditRequest(photographs(1)[0], "make it warmer")])
    assert isinstance(item, EditorFailed)
    await broken.aclose()


async def test_a_thinkers_folder_is_no_pipeline() -> None:
    with pytest.raises(EditorFailed, match=r"it has config\.json, so it is one model and no pipeline"):
        await DiffusersEditor(str(tiny("qwen3-vl"))).check()


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny("instruct-pix2pix"), tmp_path / "model"))


def renamed(folder: Path, pipeline: str) -> str:
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**index, "_class_name": pipeline}))
    return str(folder)


async def test_a_pipeline_that_makes_pictures_from_words_alone(copy: Path) -> None:
    with pytest.raises(EditorFailed, match="StableDiffusionPipeline makes pictures from words alone"):
        await DiffusersEditor(renamed(copy, "StableDiffusionPipeline")).check()


async def test_a_pipeline_that_diffusers_does_not_have(copy: Path) -> None:
    with pytest.raises(EditorFailed, match=r"'OmniGen2Pipeline' that diffusers [0-9.]+ does not have"):
        await DiffusersEditor(renamed(copy, "OmniGen2Pipeline")).check()


async def test_half_a_checkpoint(copy: Path) -> None:
    path = next((copy / "unet").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(EditorFailed, match="download it again"):
        await DiffusersEditor(str(copy)).check()


async def test_a_device_that_is_not_there() -> None:
    torch = needed("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(
        SettingsError, match=r"device is 'cuda', but torch .* (without CUDA|sees no NVIDIA GPU)"
    ):
        await editor("flux-kontext", device="cuda").check()
    with pytest.raises(SettingsError, match="device is 'gpu': give cuda"):
        await editor("flux-kontext", device="gpu").check()


async def test_a_setting_of_another_family() -> None:
    with pytest.raises(EditorFailed, match="FluxKontextPipeline has none: leave it out"):
        await edited(editor("flux-kontext", image_guidance=1.5), photographs(1)[0])
    with pytest.raises(EditorFailed, match="extra has 'strenght', which FluxKontextPipeline does not take"):
        await edited(editor("flux-kontext", extra={"strenght": 1}), photographs(1)[0])


async def test_masks_and_too_many_references_are_refused() -> None:
    one, two = photographs(2)
    model = kept("flux-kontext")
    [masked] = await model.edit([EditRequest(one, "warmer", mask=b"png")])
    assert "takes no mask" in str(masked)
    [referred] = await model.edit([EditRequest(one, "warmer", references=(two,))])
    assert "takes no pictures beside the source, and 1 were given" in str(referred)


@pytest.mark.parametrize("name", ["flux2-klein", "qwen-image-edit-plus"])
async def test_a_reference_has_a_part_in_the_picture(name: str) -> None:
    one, two = photographs(2)
    model = kept(name)
    [alone] = await model.edit([EditRequest(one, "as in the second picture")])
    [with_other] = await model.edit([EditRequest(one, "as in the second picture", references=(two,))])
    assert alone.picture != with_other.picture  # type: ignore[union-attr]  # an error would have no picture


async def test_broken_numbers_and_black_pictures_are_no_results(monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    model = editor("flux-kontext")
    pipeline = await model._replicas.model()
    decode = pipeline.pipe.image_processor.postprocess
    for value, says in ((np.nan, "broken numbers"), (0.0, "black picture")):
        monkeypatch.setattr(
            pipeline.pipe.image_processor,
            "postprocess",
            lambda *given, value=value, **named: np.full_like(decode(*given, **named), value),
        )
        with pytest.raises(EditorFailed, match=says):
            await edited(model, photographs(1)[0])


async def test_what_the_checkpoints_own_safety_checker_holds_back_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = editor("instruct-pix2pix")
    pipeline = await model._replicas.model()
    monkeypatch.setattr(
        pipeline.pipe, "run_safety_checker", lambda image, device, dtype: (image, [True]), raising=True
    )
    with pytest.raises(EditRefused, match="safety checker"):
        await edited(model, photographs(1)[0])


async def test_out_of_memory_in_a_pass_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = needed("torch")
    model = editor("flux-kontext")
    pipeline = await model._replicas.model()

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(pipeline.pipe.transformer, "forward", full)
    with pytest.raises(EditorFailed, match=r'ran out of memory: set placement = "model_offload"'):
        await edited(model, photographs(1)[0])
    monkeypatch.undo()
    await edited(model, photographs(1)[0])


def test_the_identity_names_what_changes_pictures_and_no_place() -> None:
    model = editor("flux-kontext", guidance=3.0, device="cpu")
    assert model.identity.startswith("diffusers(flux-kontext#")
    assert "steps=2, guidance=3.0, area=4096" in model.identity
    assert str(tiny("flux-kontext").parent) not in model.identity
    assert editor("flux-kontext", steps=3).identity != editor("flux-kontext").identity
    assert editor("flux-kontext", device="cpu").identity == editor("flux-kontext").identity
