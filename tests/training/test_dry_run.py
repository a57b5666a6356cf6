"""What a dry run says: counted against the real classes at full size, and against a real run at tiny size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.models import needed
from tests.training.kit import grpo_config, sets, sft_config, taught, untaught
from thinkedit.cli.app import run
from thinkedit.errors import InputError, SettingsError, ThinkerFailed

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "peft", "trl"):
    needed(package)

from thinkedit.training import grpo, memory, sft  # noqa: E402
from thinkedit.training.dry_run import Plan, dry_run  # noqa: E402

pytestmark = pytest.mark.models

RECIPES = Path(__file__).parent.parent.parent / "recipes"
BASE = RECIPES / "editthinker-8b" / "base"
PUBLISHED = 8_767_123_696
"""Parameters of Qwen3-VL-8B-Instruct."""


def parts(plan: Plan) -> dict[str, float]:
    return dict(plan.memory.parts)


def test_full_sft_of_8b(tmp_path: Path) -> None:
    config = sft_config(sets(tmp_path / "sets", 48), BASE, tmp_path / "out", batch=32, per_device_batch=2)
    alone = dry_run(config)
    assert alone.counted.total == PUBLISHED
    frozen = {part: trained for part, _, trained in alone.counted.parts}
    assert frozen["vision"] == frozen["projector"] == 0
    assert alone.counted.trained == frozen["language"] == 8_190_735_360
    assert not alone.fits
    assert (
        alone.lines()[-2]
        == "that does not fit 80.0 GB: train on more GPUs with FSDP or ZeRO-3, or add [lora]"
    )
    # float32: 4 bytes of weight and gradient, 8 of Adam's two moments.
    assert parts(alone)["weights"] == 4 * PUBLISHED
    assert parts(alone)["optimiser"] == 8 * alone.counted.trained
    assert parts(alone)["gradients"] == 4 * alone.counted.trained

    eight = dry_run(config, gpus=8, sharding="fsdp")
    assert eight.fits
    for name in ("weights", "gradients", "optimiser"):
        assert parts(eight)[name] == parts(alone)[name] / 8
    assert parts(eight)["gathered"] == 2 * 2 * 151_936 * 4096  # the table of words is the largest unit
    zero = dry_run(config, gpus=8, sharding="zero3")
    # bfloat16 copies, and float32 ones in the optimiser: the same in all, but for the frozen weights.
    assert parts(zero)["weights"] == 2 * PUBLISHED / 8
    assert parts(zero)["optimiser"] == 12 * alone.counted.trained / 8
    copied = dry_run(config, gpus=8)
    assert copied.memory.held == alone.memory.held
    assert "on 8 GPUs, copied" in copied.lines()[0]


def test_grpo_of_8b_holds_a_reference_and_the_answers(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 48)
    given: dict[str, Any] = {
        "batch": 64, "per_device_batch": 2, "generations": 8, "max_completion": 512,
        "gradient_checkpointing": True,
    }  # fmt: skip
    plan = dry_run(grpo_config(folder, BASE, tmp_path / "out", **given), gpus=8, sharding="fsdp")
    assert plan.counted.trained == PUBLISHED
    assert parts(plan)["reference model"] == parts(plan)["weights"]
    length = plan.longest + 512
    assert parts(plan)["cache"] == 8 * length * 36 * 2 * 8 * 128 * 2  # 8 answers at once on each GPU
    assert plan.steps == 6  # 48 prompts, 8 in each
    assert plan.edits == plan.judgements == 6 * 64
    assert f"at most {6 * 64} edits and {6 * 64} judgements" in "\n".join(plan.lines())
    without = dry_run(grpo_config(folder, BASE, tmp_path / "out", **given, beta=0), gpus=8, sharding="fsdp")
    assert parts(without)["reference model"] == 0
    vllm = grpo_config(folder, BASE, tmp_path / "out", **given, vllm={"memory": 0.25})
    shared = dry_run(vllm, gpus=8, sharding="fsdp", gpu_memory=80e9)
    assert parts(shared)["cache"] == 0
    assert parts(shared)["vLLM"] == 20e9


def test_lora_and_four_bits_take_less(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 8)
    lora = dry_run(sft_config(folder, BASE, tmp_path / "out", lora={"rank": 16}))
    assert lora.counted.total - lora.counted.trained == PUBLISHED
    # Two matrices of rank 16 for each target: 16 * (in + out), 36 layers.
    sizes = (4096 + 4096, 4096 + 1024, 4096 + 1024, 4096 + 4096, 4096 + 12288, 4096 + 12288, 4096 + 12288)
    assert lora.counted.trained == 36 * 16 * sum(sizes)
    assert parts(lora)["weights"] == 2 * lora.counted.total
    assert lora.fits
    assert parts(lora)["optimiser"] == 8 * lora.counted.trained


def test_lengths_and_steps_are_those_of_a_real_run(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 14)
    learnt = sft_config(folder, untaught(), tmp_path / "sft", batch=4, per_device_batch=2, epochs=1)
    plan = dry_run(learnt)
    sft.train(learnt)
    state = json.loads((tmp_path / "sft" / "trainer_state.json").read_text())
    assert plan.steps == state["max_steps"] == 4
    assert not plan.notes  # the tokenizer was at hand
    tokens = max(entry.get("num_tokens", 0) for entry in state["log_history"])
    assert tokens <= plan.tokens <= 1.3 * tokens + 8 * plan.longest

    tried = grpo_config(folder, taught(), tmp_path / "grpo", batch=8, per_device_batch=8, learning_rate=1e-5)
    plan = dry_run(tried)
    said: list[str] = []
    grpo.train(tried, say=said.append)
    state = json.loads((tmp_path / "grpo" / "trainer_state.json").read_text())
    assert plan.steps == state["max_steps"] == 7
    answers = sum(int(part.split()[-1]) for part in said[-1].split(";")[0].split(", "))
    assert plan.edits == answers


def test_what_a_run_would_refuse_is_refused(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 8)
    with pytest.raises(ThinkerFailed, match="is not there"):
        dry_run(sft_config(folder, tmp_path / "none", tmp_path / "out"))
    with pytest.raises(SettingsError, match="on 3 GPUs"):
        dry_run(sft_config(folder, BASE, tmp_path / "out"), gpus=3, sharding="fsdp")
    with pytest.raises(SettingsError, match="sharding fsdp is for several GPUs"):
        dry_run(sft_config(folder, BASE, tmp_path / "out"), sharding="fsdp")
    with pytest.raises(SettingsError, match="8 samples, fewer than the 16 prompts of one step"):
        dry_run(grpo_config(folder, BASE, tmp_path / "out", batch=64))
    (folder / "images" / "source3.png").unlink()
    with pytest.raises(InputError, match=r"rl_train\.jsonl:4: "):
        dry_run(grpo_config(folder, BASE, tmp_path / "out"))


def test_a_run_that_cannot_fit_is_refused_before_weights_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sets(tmp_path / "sets", 8)
    monkeypatch.setattr(sft, "load_model", lambda config: pytest.fail("loaded too early"))
    machine = memory.look("cpu")
    small = type(machine)("cpu", "the CPU", 10**6, 10**6, 10**6)
    monkeypatch.setattr(memory, "look", lambda device: small)
    with pytest.raises(SettingsError, match=r"take .* GB|MB, and this machine has 1\.0 MB: .*\[lora\]"):
        sft.train(sft_config(folder, untaught(), tmp_path / "out"))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert memory.launched() == "fsdp"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = sets(tmp_path / "sets", 32)
    recipe = str(RECIPES / "editthinker-8b" / "sft.toml")
    given = [
        "--set",
        f"data={folder / 'sft_train.json'}",
        "--set",
        f"prompt_template={folder / 'template.txt'}",
    ]
    arguments = ["train", "sft", recipe, "--dry-run", "--set", f"model={BASE}", *given]
    assert run([*arguments, "--gpus", "8", "--sharding", "fsdp"]) == 0
    said = capsys.readouterr().out
    assert "parameters: 8,767,123,696; trained 8,190,735,360, frozen 576,388,336" in said
    assert "batch: 32 = 2 x 8 x 2 passes" in said
    assert run(arguments) == 1
    assert "does not fit 80.0 GB" in capsys.readouterr().out
    assert run([*arguments, "--set", "learning_rte=1"]) == 2
    assert "did you mean 'learning_rate'?" in capsys.readouterr().err
