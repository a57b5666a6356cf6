"""A trained model as a folder for others: the same weights, a card, and the loop takes it at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.models import needed
from tests.training.kit import TEMPLATE, grpo_config, sets, sft_config, taught, untaught
from thinkedit.cli.app import run
from thinkedit.errors import InputError

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "peft", "trl"):
    needed(package)

from thinkedit.training import grpo, setup, sft  # noqa: E402
from thinkedit.training.export import export  # noqa: E402

pytestmark = pytest.mark.models


def loaded(folder: Path, **options: Any) -> Any:
    from transformers import AutoModelForImageTextToText

    return AutoModelForImageTextToText.from_pretrained(folder, **options).eval()


def test_lora_is_merged_into_the_weights_that_it_was_trained_on(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    config = sft_config(
        folder, untaught(), tmp_path / "run", max_steps=4, learning_rate=3e-2, dtype="float32",
        lora={"rank": 4, "alpha": 16},
    )  # fmt: skip
    sft.train(config)
    made = export(tmp_path / "run", tmp_path / "merged")
    from peft import PeftModel

    with setup.plain():
        apart = PeftModel.from_pretrained(loaded(untaught()), tmp_path / "run").eval()
    merged, base = loaded(made), loaded(untaught())
    tokens = torch.arange(20)[None]
    with torch.no_grad():
        wanted, plain = apart(input_ids=tokens).logits, base(input_ids=tokens).logits
        torch.testing.assert_close(merged(input_ids=tokens).logits, wanted, rtol=1e-4, atol=1e-4)
    assert (wanted - plain).abs().max() > 0.01  # it had learnt something
    assert not (made / "adapter_config.json").exists()
    # And GRPO goes on from it.
    grpo.train(grpo_config(folder, made, tmp_path / "grpo", max_steps=1))


def test_the_folder_is_whole_and_its_card_says_where_it_comes_from(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets")
    told = {"stages": {"sources": {"licences": {"folder": {"CC0-1.0": 12, "unknown": 4}}}}}
    (folder / "manifest.json").write_text(json.dumps(told))
    grpo.train(grpo_config(folder, taught(), tmp_path / "run", max_steps=2, save_steps=1))
    first = export(tmp_path / "run" / "checkpoint-1", tmp_path / "first", name="Mine", licence="apache-2.0")
    again = export(tmp_path / "run" / "checkpoint-1", tmp_path / "again", name="Mine", licence="apache-2.0")
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
    for name in ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json"):
        assert (first / name).is_file()
    assert (first / "prompt_template.txt").read_text() == TEMPLATE
    card = (first / "README.md").read_text()
    for part in (
        'license: "apache-2.0"',
        "# Mine",
        "1. Supervised fine-tuning of `untaught` on 64 samples of `sft_train.json`",
        "2. GRPO on editing feedback of `taught` on 16 samples of `rl_train.jsonl`",
        "| generations | 4 |",
        "It was trained with a prompt of its own, `prompt_template.txt`",
        "- rl_train.jsonl, from folder: 12 under CC0-1.0, 4 under unknown",
        "- sft_train.json: no licences were recorded beside it",
    ):
        assert part in card
    assert str(tmp_path) not in card + (first / "training.json").read_text()
    small = export(tmp_path / "run", tmp_path / "small", dtype="bfloat16")
    assert loaded(small, dtype="auto").dtype == torch.bfloat16


def test_edit_takes_it_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (64, 48), (90, 120, 60)).save(photo)
    assert run(["train", "export", str(taught()), "-o", str(tmp_path / "made")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "made")
    common = ["--data", str(tmp_path / "data"), "--turns", "2", "--editor", "scripted", "--json"]
    told = ["edit", str(photo), "make it red", *common, "-o", str(tmp_path / "one.png")]
    assert run([*told, "--thinker", f"transformers:{tmp_path / 'made'}"]) == 0
    critique = json.loads(capsys.readouterr().out)["turns"][0]["critique"]
    assert critique["state"] == "scored"
    assert (
        2 <= critique["semantic"] <= 5
    )  # what it was taught, and asked with the prompt that it was taught with
    assert critique["next_prompt"].startswith("make it ")


def test_what_is_no_model_or_is_there_already(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model"):
        export(tmp_path, tmp_path / "out")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="there already and not empty"):
        export(taught(), tmp_path / "there")
    shutil.copytree(taught(), tmp_path / "bare")
    (tmp_path / "bare" / "training.json").unlink()
    made = export(tmp_path / "bare", tmp_path / "out")
    assert "came without a record of its training" in (made / "README.md").read_text()
    assert not list(tmp_path.glob(".*.part"))
