"""A tiny model of the real classes, as every part of training and of the loop loads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import needed
from thinkedit.training.tiny import TinySize, save_tiny

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate"):
    needed(package)

pytestmark = pytest.mark.models

TEXTS = ["make the red circle at the top left completely blue. keep the background."] * 3
ANSWER = (
    '<think>The red circle.</think><score>{"semantic": 10, "quality": 3}</score>'
    "<answer>make the blue circle red</answer>"
)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_it_is_a_checkpoint_like_any_other(tmp_path: Path) -> None:
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    count = save_tiny(tmp_path, TEXTS)
    processor = AutoProcessor.from_pretrained(tmp_path)
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(model).__name__ == "Qwen3VLForConditionalGeneration"
    assert count == sum(parameter.numel() for parameter in model.parameters())
    assert 1_000_000 < count < 2_000_000
    picture = Image.new("RGB", (64, 64), "red")
    content = [{"type": "image", "image": picture}] * 2 + [{"type": "text", "text": "make it blue"}]
    given = processor.apply_chat_template(
        [{"role": "user", "content": content}],
        add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt",
    )  # fmt: skip
    assert (given["input_ids"] == model.config.image_token_id).sum() == 2 * 9
    assert (
        model.generate(**given, max_new_tokens=3, min_new_tokens=3).shape[1]
        == given["input_ids"].shape[1] + 3
    )


def test_an_answer_takes_few_tokens_and_comes_back_as_it_was(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    save_tiny(tmp_path, TEXTS)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokens = tokenizer(ANSWER).input_ids
    assert tokenizer.decode(tokens, skip_special_tokens=True) == ANSWER
    assert len(tokens) < 24


def test_the_same_arguments_give_the_same_files_and_another_seed_other_weights(tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    for name, seed in (("one", 1), ("two", 1), ("three", 2)):
        save_tiny(tmp_path / name, TEXTS, seed=seed)
    assert torch.equal(torch.random.get_rng_state(), before)
    one, two, three = (files(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one["model.safetensors"] != three["model.safetensors"]
    assert one["tokenizer.json"] == three["tokenizer.json"]


def test_sizes_can_be_chosen(tmp_path: Path) -> None:
    small = TinySize(hidden=64, layers=1, vision=64, vision_layers=1)
    assert save_tiny(tmp_path, TEXTS, size=small) < 600_000
