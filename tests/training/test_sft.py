"""SFT from the first row to the saved model, on a tiny one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.models import needed
from tests.training.kit import kill_at, sets, sft_config, untaught
from thinkedit.errors import InputError, MissingExtra, SettingsError, ThinkerFailed

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "peft", "trl"):
    needed(package)

from thinkedit.training import setup, sft  # noqa: E402
from thinkedit.training.runs import last_checkpoint  # noqa: E402
from thinkedit.training.setup import parts_of  # noqa: E402

pytestmark = pytest.mark.models


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder)


def logs(folder: Path, name: str = "loss") -> list[float]:
    history = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [entry[name] for entry in history if name in entry]


def test_a_run_lowers_the_loss_and_leaves_what_is_frozen(tmp_path: Path) -> None:
    folder, said = sets(tmp_path / "sets"), []
    config = sft_config(folder, untaught(), tmp_path / "out", max_steps=12, per_device_batch=4)
    assert sft.train(config, say=said.append) == tmp_path / "out"
    losses = logs(tmp_path / "out")
    assert len(losses) == 12
    assert losses[-1] < 0.8 * losses[0]
    assert said[0] == f"16 samples of {folder / 'sft_train.json'}"
    assert said[1].startswith("step 1/12  loss ")
    before = dict(loaded(untaught()).named_parameters())
    moved: dict[str, set[bool]] = {}
    for name, after in loaded(tmp_path / "out").named_parameters():
        moved.setdefault(parts_of(name), set()).add(not torch.equal(before[name], after))
    assert moved["vision"] == {False}
    assert moved["projector"] == {False}
    assert True in moved["language"]


def test_lora_trains_small_matrices_of_the_language_model_alone(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    config = sft_config(
        folder, untaught(), tmp_path / "out", max_steps=2, gradient_checkpointing=True,
        lora={"rank": 4, "alpha": 8, "targets": ["q_proj", "v_proj", "linear_fc1", "qkv"]},
    )  # fmt: skip
    sft.train(config)
    from safetensors.torch import load_file

    adapter = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert len(adapter) == 2 * 2 * 2  # two layers, two targets, two matrices
    assert {parts_of(name) for name in adapter} == {"language"}
    assert not (tmp_path / "out" / "config.json").exists()
    with pytest.raises(SettingsError, match=r"holds a LoRA adapter.*thinkedit train export"):
        setup.load_model(config.model_copy(update={"model": str(tmp_path / "out")}))


def test_a_run_that_is_killed_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    options = {"max_steps": 8, "save_steps": 2, "batch": 4, "per_device_batch": 4, "warmup": 2, "keep": None}
    sft.train(sft_config(folder, untaught(), tmp_path / "whole", **options))

    config = sft_config(folder, untaught(), tmp_path / "killed", **options)
    kill_at(5, "sft", config, tmp_path / "sft.toml")
    output = tmp_path / "killed"
    found = last_checkpoint(output)
    assert found is not None
    assert found.name in ("checkpoint-4", "checkpoint-6")  # where the kill came late
    # A kill while a checkpoint is written leaves one like this.
    (output / "checkpoint-7").mkdir()
    (output / "checkpoint-7" / "model.safetensors").write_bytes(b"half")
    (output / "checkpoint-7" / "trainer_state.json").write_text('{"log_hist')
    assert last_checkpoint(output) == found

    with pytest.raises(SettingsError, match="holds a run already: add --resume"):
        sft.train(config)
    with pytest.raises(SettingsError, match=r"begun with seed = 0, now it is 1"):
        sft.train(config.model_copy(update={"seed": 1}), resume=True)
    said: list[str] = []
    sft.train(config, resume=True, say=said.append)
    assert f"goes on from {found}" in said
    assert logs(output) == pytest.approx(logs(tmp_path / "whole"), rel=1e-5)
    other = dict(loaded(tmp_path / "whole").named_parameters())
    for name, parameter in loaded(output).named_parameters():
        torch.testing.assert_close(parameter, other[name], rtol=1e-5, atol=1e-7)


def test_what_is_wrong_is_said_before_the_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sets(tmp_path / "sets")
    missing = sft_config(folder, tmp_path / "no" / "model", tmp_path / "out")
    with pytest.raises(ThinkerFailed, match="is not there"):
        sft.train(missing)
    monkeypatch.setattr(sft, "load_model", lambda config: pytest.fail("loaded too early"))
    uneven = sft_config(folder, untaught(), tmp_path / "out", batch=8, per_device_batch=3)
    with pytest.raises(SettingsError, match="batch 8 is no multiple of 3, which is per_device_batch 3 on 1"):
        sft.train(uneven)
    reported = sft_config(folder, untaught(), tmp_path / "out", report=["wandb"])
    with pytest.raises(SettingsError, match="pip install wandb"):
        sft.train(reported)
    long = sft_config(folder, untaught(), tmp_path / "out", max_length=40)
    with pytest.raises(
        InputError, match=r"sft_train\.json:2: the sample has \d\d tokens, more than max_length, 40"
    ):
        sft.train(long)


def test_too_little_memory_says_what_to_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(config: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(sft, "load_model", full)
    folder = sets(tmp_path / "sets", 2)
    with pytest.raises(SettingsError) as error:
        sft.train(sft_config(folder, untaught(), tmp_path / "out"))
    for said in ("gradient_checkpointing = true", "halve per_device_batch (8;", "[lora]", "lower max_pixels"):
        assert said in str(error.value)


def test_several_gpus_want_a_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    config = sft_config(sets(tmp_path / "sets", 2), untaught(), tmp_path / "out", device="auto")
    with pytest.raises(
        SettingsError, match=r"there are 4 GPUs and one process: start it with .accelerate launch"
    ):
        setup.arguments(config)
    monkeypatch.setenv("WORLD_SIZE", "4")
    given = setup.arguments(config.model_copy(update={"batch": 32}))
    assert given["gradient_accumulation_steps"] == 1
    assert given["bf16"]
    assert not given["use_cpu"]


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "trl" else find(name))
    with pytest.raises(MissingExtra, match=r'pip install "thinkedit\[train\]"'):
        sft.train(sft_config(sets(tmp_path / "sets", 2), untaught(), tmp_path / "out"))


def test_tensorboard_gets_the_curves(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    config = sft_config(folder, untaught(), tmp_path / "out", max_steps=1, report=["tensorboard"])
    sft.train(config)
    assert list((tmp_path / "out").rglob("events.out.tfevents.*"))
