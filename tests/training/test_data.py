"""What a model is trained on is what it is asked in the loop: the same tokens, the same pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.models import needed, tiny
from tests.training.kit import TEMPLATE, grpo_config, sets, sft_config
from thinkedit.adapters.base import CritiqueRequest
from thinkedit.errors import InputError, ThinkEditError
from thinkedit.images import load
from thinkedit.training.config import Common
from thinkedit.training.data import check_template, grpo_dataset, sft_dataset
from thinkedit.training.rows import rl_rows, sft_rows

torch = needed("torch")
for package in ("torchvision", "transformers", "accelerate", "datasets", "trl"):
    needed(package)

pytestmark = pytest.mark.models

PIXELS = 48 * 48


async def asked(
    instruction: str, prompt: str, pictures: list[Path], template: Path, patch: pytest.MonkeyPatch
) -> Any:
    """What the loop's thinker gives its model for (source, edited, instruction, prompt)."""
    from thinkedit.adapters.thinkers.transformers import TransformersThinker, model

    given: list[Any] = []
    inputs = model.Model._inputs

    def kept(self: Any, asks: Any) -> Any:
        given.append(inputs(self, asks))
        return given[-1]

    patch.setattr(model.Model, "_inputs", kept)
    thinker = TransformersThinker(
        str(tiny("qwen3-vl")), prompt_template=str(template), max_pixels=PIXELS, max_tokens=1,
        corrective_retry=False, device="cpu", dtype="float32",
    )  # fmt: skip
    source, edited = (load(path).picture for path in pictures)
    try:
        with pytest.raises(ThinkEditError):  # one token is no answer
            await thinker.critique(CritiqueRequest(source, edited, instruction, prompt))
    finally:
        await thinker.aclose()
    return given[0]


def processor(config: Common) -> Any:
    from thinkedit.training.setup import load_processor

    return load_processor(config)


@pytest.mark.anyio
async def test_training_and_the_loop_show_the_model_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trl.data_utils import prepare_multimodal_messages
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    folder = sets(tmp_path / "sets", 2, size=64)  # larger than PIXELS, so that it is reduced
    grpo = grpo_config(folder, tiny("qwen3-vl"), tmp_path / "out", max_pixels=PIXELS)
    row = rl_rows(grpo)[1]
    loop = await asked(
        row.instruction, row.prompt, [row.source, row.edited], folder / "template.txt", monkeypatch
    )
    length = loop["input_ids"].shape[1]

    sft = sft_config(folder, tiny("qwen3-vl"), tmp_path / "out", max_pixels=PIXELS)
    known = processor(sft)
    collate = DataCollatorForVisionLanguageModeling(known, completion_only_loss=True)
    batch = collate([sft_dataset(sft_rows(sft), PIXELS)[1]])
    assert torch.equal(batch["input_ids"][:, :length], loop["input_ids"])
    for name in ("pixel_values", "image_grid_thw"):
        assert torch.equal(batch[name], loop[name])
    # Learnt are the answer and its end, and nothing of the prompt.
    assert set(batch["labels"][0, :length].tolist()) == {-100}
    learnt = known.tokenizer.decode(batch["labels"][0, length:])
    assert learnt == sft_rows(sft)[1].answer + "<|im_end|>\n"

    one = grpo_dataset([row], PIXELS)[0]
    assert {"instruction", "previous_prompt", "source", "edited", "semantic", "quality"} < set(one)
    messages = prepare_multimodal_messages(one["prompt"], images=one["images"])
    tried = processor(grpo).apply_chat_template(
        [messages], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    for name in ("input_ids", "pixel_values", "image_grid_thw"):
        assert torch.equal(tried[name], loop[name])


def test_a_chat_template_that_cuts_thinking_out_is_refused(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 2)
    config = sft_config(folder, tiny("qwen3-vl"), tmp_path / "out")
    row = sft_rows(config)[0]
    known = processor(config)
    check_template(known, row)
    known.chat_template = known.chat_template.replace("part.text", "part.text.split('</think>')[-1]")
    with pytest.raises(InputError, match=r"does not write the assistant's text.*sft_train\.json:2"):
        check_template(known, row)


def test_the_template_of_the_kit_is_the_rows(tmp_path: Path) -> None:
    folder = sets(tmp_path / "sets", 1)
    (row,) = rl_rows(grpo_config(folder, Path("m"), tmp_path))
    assert row.text == TEMPLATE.format(instruction=row.instruction, prompt=row.prompt)
