"""What a user can set of loading: LoRAs, caches and attention, on the smallest family."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.models import needed, tiny

torch = needed("torch")
needed("diffusers")

from tests.adapters.editors.diffusers.families import difference, edited, editor, photographs  # noqa: E402
from thinkedit.adapters.base import EditedImage, EditRequest  # noqa: E402
from thinkedit.adapters.editors.diffusers import DiffusersEditor  # noqa: E402
from thinkedit.errors import EditorFailed, SettingsError  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # peft's remarks
]


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LoRA weights for the tiny FLUX Kontext, large enough to be seen."""
    peft = needed("peft")
    from diffusers import FluxKontextPipeline

    folder = tmp_path_factory.mktemp("lora") / "style"
    pipe = FluxKontextPipeline.from_pretrained(tiny("flux-kontext"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        pipe.transformer.add_adapter(
            peft.LoraConfig(r=2, target_modules=["to_q", "to_v", "to_out.0"], init_lora_weights=False)
        )
        state = peft.get_peft_model_state_dict(pipe.transformer)
        state = {name: torch.randn_like(value) for name, value in state.items()}
    FluxKontextPipeline.save_lora_weights(folder, transformer_lora_layers=state)
    return Path(folder)


async def test_a_lora_changes_pictures_by_its_scale(lora: Path) -> None:
    [source] = photographs(1)
    plain = await edited(editor("flux-kontext"), source)
    whole = await edited(editor("flux-kontext", lora=str(lora)), source)
    none = await edited(editor("flux-kontext", lora=[str(lora)], lora_scale=0.0), source)
    assert difference(none, plain)[0] <= 1
    assert difference(whole, plain)[1] > 1
    named = editor("flux-kontext", lora=str(lora)).identity
    assert "lora=style#" in named
    assert str(lora.parent) not in named


async def test_a_lora_that_is_not_there(lora: Path) -> None:
    missing = str(lora.parent / "nothing")
    with pytest.raises(EditorFailed, match=r"the LoRA '.*nothing' cannot be loaded") as caught:
        await editor("flux-kontext", lora=missing).check()
    assert "\n" not in str(caught.value)


async def test_a_cache_and_an_attention_backend_are_taken_or_refused_by_name() -> None:
    [source] = photographs(1)
    model = editor("flux-kontext", attention="native")
    assert (await edited(model, source)).size == source.size
    assert "attention native" in (await model.describe())[0]
    with pytest.raises(SettingsError, match="cache is 'first_block', which FluxKontextPipeline cannot use"):
        await editor("flux-kontext", cache="first_block").check()
    with pytest.raises(SettingsError, match="cache is 'magic': give one of first_block"):
        await editor("flux-kontext", cache="magic").check()
    with pytest.raises(SettingsError, match="attention is 'magic'"):
        await editor("flux-kontext", attention="magic").check()


async def test_placements_that_need_a_gpu_are_refused_on_the_cpu() -> None:
    with pytest.raises(SettingsError, match=r"placement is 'model_offload'.*leave placement out"):
        await editor("flux-kontext", device="cpu", placement="model_offload").check()


async def test_a_folder_with_code_of_its_own_waits_for_consent() -> None:
    with pytest.raises(EditorFailed, match=r"which would run on this machine: .*trust_remote_code = true"):
        await DiffusersEditor(str(tiny("custom-pipeline"))).check()


async def test_a_checkpoint_without_one_of_its_weight_files(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny("instruct-pix2pix"), tmp_path / "model"))
    next((folder / "vae").glob("*.safetensors")).unlink()
    with pytest.raises(EditorFailed, match="download it again"):
        await DiffusersEditor(str(folder)).check()


async def test_what_a_pipeline_raises_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    model = editor("flux-kontext")
    pipeline = await model._replicas.model()

    def broken(*_: object, **__: object) -> None:
        raise ValueError("shapes\ndo not match")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline.pipe.transformer, "forward", broken)
        [item] = await model.edit([EditRequest(photographs(1)[0], "make it warmer")])
    assert isinstance(item, EditorFailed)
    assert str(item).endswith("failed: ValueError: shapes do not match")
    await edited(model, photographs(1)[0])


async def test_a_prompt_longer_than_the_text_encoder_reads_is_noted() -> None:
    model = editor("instruct-pix2pix")
    [source] = photographs(1)
    long, short = await model.edit(
        [EditRequest(source, "make it warmer " * 60), EditRequest(source, "make it warmer")]
    )
    assert isinstance(long, EditedImage)
    assert isinstance(short, EditedImage)
    assert "of which the model reads 77" in long.notes
    assert "reads" not in short.notes


def test_the_custom_folder_is_what_it_stands_for() -> None:
    index = json.loads((tiny("custom-pipeline") / "model_index.json").read_text())
    assert not hasattr(needed("diffusers"), str(index["_class_name"]))
