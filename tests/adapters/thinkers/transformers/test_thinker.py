"""The thinker through its real loading path: critiques, company, looks, cancelling, and what is refused."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import anyio.to_thread
import cv2
import numpy as np
import pytest

from tests.models import needed, tiny

pytestmark = [pytest.mark.models, pytest.mark.anyio]
torch = needed("torch")
needed("transformers")

from thinkedit.adapters.base import (  # noqa: E402
    Comparer,
    CompareRequest,
    CritiqueRequest,
    Planner,
    PlanRequest,
    Refiner,
    RefineRequest,
    Thinker,
)
from thinkedit.adapters.registry import create_thinker  # noqa: E402
from thinkedit.adapters.thinkers.transformers import TransformersThinker  # noqa: E402
from thinkedit.adapters.thinkers.transformers.asking import Message, Question, Reply  # noqa: E402
from thinkedit.adapters.thinkers.transformers.model import Ask  # noqa: E402
from thinkedit.errors import AnswerError, MissingExtra, SettingsError, ThinkerFailed  # noqa: E402
from thinkedit.images import Picture, load  # noqa: E402
from thinkedit.types import Critique, CritiqueState  # noqa: E402

PHOTOS = Path(__file__).parents[4] / "examples" / "photos"


def photographs(count: int) -> list[Picture]:
    made = []
    for path in [path for path in sorted(PHOTOS.iterdir()) if path.suffix in (".jpg", ".png")][:count]:
        pixels = cv2.resize(load(path).picture.pixels(), (96, 64), interpolation=cv2.INTER_AREA)
        made.append(Picture.from_pixels(np.asarray(pixels, dtype=np.uint8)))
    return made


def request(number: int = 0, **changes: Any) -> CritiqueRequest:
    """Requests with different pictures, prompts and lengths."""
    source, edited = photographs(number + 2)[number:]
    return CritiqueRequest(source, edited, "make it warmer " * (number + 1), "warmer", **changes)


def thinker(**options: Any) -> TransformersThinker:
    options = {"max_tokens": 100, "constrained": True, **options}
    return TransformersThinker(str(tiny("qwen3-vl")), **options)


@pytest.fixture
async def own() -> AsyncIterator[TransformersThinker]:
    model = thinker()
    yield model
    await model.aclose()


async def test_a_critique_comes_through_the_real_loading_path(own: TransformersThinker) -> None:
    for contract in (Thinker, Planner, Comparer, Refiner):
        assert isinstance(own, contract)
    critique = await own.critique(request())
    assert critique.state is CritiqueState.SCORED
    assert critique.semantic is not None
    assert 0 <= critique.semantic <= 10
    assert critique.next_prompt
    assert critique.raw.startswith("<think>")
    assert critique.raw.endswith("</answer>")
    assert critique.usage is not None
    assert 0 < critique.usage.output_tokens <= 100
    assert critique.usage.input_tokens > 500
    assert await own.critique(request()) == critique, "greedy answers are the same every time"


async def test_both_pictures_matter_and_their_order(own: TransformersThinker) -> None:
    red, green, blue = (np.full((64, 64, 3), colour, np.uint8) for colour in np.eye(3, dtype=np.uint8) * 255)
    replica = own._replicas.members[0]
    model = await replica.load()

    def wishes(*pictures: Any) -> Any:
        ask = Ask(pictures, (Message("user", "make it warmer"),), "critique", 0.0, 0)
        with torch.inference_mode():
            return model.model(**model._inputs([ask])).logits[0, -1]

    first, swapped, other = [
        await replica.worker.call(lambda pair=pair: wishes(*pair))  # type: ignore[misc]  # bound in the loop
        for pair in ((red, green), (green, red), (red, blue))
    ]
    assert not torch.allclose(first, swapped, atol=1e-3)
    assert not torch.allclose(first, other, atol=1e-3)


async def test_waiting_critiques_share_a_pass_and_each_is_what_it_is_alone(own: TransformersThinker) -> None:
    alone = [await own.critique(request(number)) for number in range(4)]
    together = thinker(window=30.0, batch=4)
    got: dict[int, Critique] = {}

    async def ask(number: int) -> None:
        got[number] = await together.critique(request(number))

    async with anyio.create_task_group() as tasks:
        for number in range(4):
            tasks.start_soon(ask, number)
    assert together.passes == 1
    assert [got[number].raw for number in range(4)] == [critique.raw for critique in alone]
    await together.aclose()


async def test_one_that_leaves_does_not_change_the_others_answer(own: TransformersThinker) -> None:
    alone = await own.critique(request(1))
    together = thinker(window=30.0, batch=2)
    model = await together._replicas.model()
    scope = anyio.CancelScope()
    steps = 0
    step = model.answers

    def answers(work: Any) -> Any:
        told = work.step

        def leave(*given: Any) -> None:
            nonlocal steps
            steps += 1
            if steps == 5:
                anyio.from_thread.run_sync(scope.cancel, token=token)
            told(*given)

        work.step = leave
        return step(work)

    model.answers = answers  # type: ignore[method-assign]  # listens in
    token = anyio.lowlevel.current_token()
    got: list[Critique] = []

    async def leaving() -> None:
        with scope:
            await together.critique(request(0))

    async def staying() -> None:
        got.append(await together.critique(request(1)))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leaving)
        tasks.start_soon(staying)
    assert scope.cancelled_caught
    assert got[0].raw == alone.raw
    await together.aclose()


async def test_an_abandoned_generation_stops(own: TransformersThinker) -> None:
    model = await own._replicas.model()
    steps: list[float] = []
    scope = anyio.CancelScope()
    token = anyio.lowlevel.current_token()
    step = model.answers

    def answers(work: Any) -> Any:
        told = work.step

        def leave(done: float, *rest: Any) -> None:
            steps.append(done)
            if done == 3:
                anyio.from_thread.run_sync(scope.cancel, token=token)
            told(done, *rest)

        work.step = leave
        return step(work)

    model.answers = answers  # type: ignore[method-assign]  # listens in
    with scope:
        await own.critique(request())
    assert scope.cancelled_caught
    await own._replicas.members[0].worker.call(lambda: None)  # behind the pass, in its thread
    assert steps[-1] < 10


async def test_further_looks_are_sampled_with_the_look_as_their_seed(own: TransformersThinker) -> None:
    greedy = await own.critique(request())
    first, again = [await own.critique(request(look=1)) for _ in range(2)]
    second = await own.critique(request(look=2))
    assert first == again
    assert len({greedy.raw, first.raw, second.raw}) == 3


async def test_sampling_leaves_torchs_own_state_alone(own: TransformersThinker) -> None:
    await own.critique(request())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    await own.critique(request(look=1))
    assert torch.equal(torch.rand(3), expected)


async def test_copies_that_sample_at_once_do_not_disturb_each_other(own: TransformersThinker) -> None:
    alone = {look: (await own.critique(request(look=look))).raw for look in (1, 2)}
    copies = thinker(devices=["cpu", "cpu"])
    await copies.check()
    met = threading.Barrier(2, timeout=60)
    for replica in copies._replicas.members:
        model = await replica.load()

        def answers(work: Any, answers: Any = model.answers) -> Any:
            told = work.step

            def step(done: float, *rest: Any) -> None:
                if done <= 20:  # in step with the other copy
                    met.wait()
                told(done, *rest)

            work.step = step
            return answers(work)

        model.answers = answers  # type: ignore[method-assign]  # listens in
    got: dict[int, str] = {}

    async def ask(look: int) -> None:
        got[look] = (await copies.critique(request(look=look))).raw

    async with anyio.create_task_group() as tasks:
        for look in alone:
            tasks.start_soon(ask, look)
    assert got == alone
    await copies.aclose()


async def test_a_model_serves_the_loops_of_two_threads(own: TransformersThinker) -> None:
    here = await own.critique(request())
    there = await anyio.to_thread.run_sync(lambda: asyncio.run(own.critique(request())))
    assert there == here


async def test_half_precision_reads_pictures_too() -> None:
    model = thinker(dtype="bfloat16")
    assert (await model.critique(request())).state is CritiqueState.SCORED
    assert (await model.describe())[0] == "cpu, bfloat16, device"
    await model.aclose()


async def test_plans_comparisons_and_refinements(own: TransformersThinker) -> None:
    one, two, three = photographs(3)
    assert await own.plan(PlanRequest(one, "make it warmer"))
    assert (await own.compare(CompareRequest(one, two, three, "make it warmer"))).better in (0, 1, 2)
    critique = Critique(semantic=3, quality=8, reasoning="too cold", next_prompt="warmer")
    assert await own.refine(RefineRequest(one, two, "make it warmer", "warmer", critique))


async def test_scores_up_to_25_are_given_back_up_to_10() -> None:
    model = thinker(score_range=25, max_tokens=120)
    critique = await model.critique(request())
    told = json.loads(critique.raw.split("<score>")[1].split("</score>")[0])
    assert critique.semantic == pytest.approx(told["semantic"] / 2.5)
    assert "range=25" in model.identity
    await model.aclose()


async def test_an_answer_out_of_form_is_shown_to_the_model_once_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = thinker(constrained=False, max_tokens=20)
    asked: list[Question] = []
    ask = model.ask

    async def listened(question: Question) -> Reply:
        asked.append(question)
        return await ask(question)

    monkeypatch.setattr(model, "ask", listened)
    with pytest.raises(AnswerError) as caught:
        await model.critique(request())
    assert caught.value.raw
    assert [len(question.messages) for question in asked] == [1, 3]
    said, correction = asked[1].messages[1:]
    assert (said.role, correction.role) == ("assistant", "user")
    assert "could not be used" in correction.text
    assert model.passes == 2
    await model.aclose()


async def test_a_template_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "template.txt"
    path.write_text("<image><image>Was {original_instruction} done by {rewritten_prompt}?")
    model, default = thinker(prompt_template=str(path)), thinker()
    assert model.template != default.template
    short, long = await model.critique(request()), await default.critique(request())
    assert short.usage is not None
    assert long.usage is not None
    assert short.usage.input_tokens < long.usage.input_tokens / 2
    for opened in (model, default):
        await opened.aclose()


async def test_large_pictures_are_reduced(own: TransformersThinker) -> None:
    wide = Picture.from_pixels(np.full((1500, 3000, 3), 90, np.uint8))
    from thinkedit.adapters.thinkers.transformers.thinker import shown

    assert shown(wide, 1024 * 1024).shape[0] * shown(wide, 1024 * 1024).shape[1] <= 1024 * 1024
    assert (await own.critique(CritiqueRequest(wide, wide, "warmer", "warmer"))).state is CritiqueState.SCORED


async def test_it_says_what_it_decided(own: TransformersThinker) -> None:
    lines = await own.describe()
    assert lines[0] == "cpu, float32, device"
    assert any("Qwen3VL" in line and "greedy" in line and "well-formed" in line for line in lines)
    assert str(tiny("qwen3-vl").parent) not in own.identity


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_tokens": 0}, "max_tokens is 0: give a number"),
        ({"batch": "many"}, "batch is 'many'"),
        ({"temperature": -1}, "temperature is -1"),
        ({"score_range": 100}, "score_range is 100"),
        ({"dtype": "bf16"}, "dtype is 'bf16'"),
        ({"prompt_template": "/nowhere.txt"}, r"/nowhere\.txt"),
        ({"device": "cpu", "devices": ["cpu"]}, "give one of them"),
    ],
)
def test_a_wrong_setting_is_told_before_anything_is_loaded(options: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        create_thinker("transformers:owner/name", options)


def test_a_missing_extra_names_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else real(name))
    with pytest.raises(MissingExtra, match=r'pip install "thinkedit\[local\]"'):
        TransformersThinker("owner/name")


async def test_too_few_tokens_for_a_whole_answer() -> None:
    with pytest.raises(ThinkerFailed, match="max_tokens is 20, too few for a complete answer"):
        await thinker(max_tokens=20).critique(request())


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny("qwen3-vl"), tmp_path / "model"))


async def refused(folder: Path | str, says: str) -> None:
    model = TransformersThinker(str(folder))
    with pytest.raises(ThinkerFailed, match=says) as caught:
        await model.check()
    assert not caught.value.retryable
    assert "\n" not in str(caught.value)
    assert "huggingface.co" not in str(caught.value)
    await model.aclose()


async def test_a_folder_without_a_processor_for_pictures(copy: Path) -> None:
    for name in ("preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json"):
        (copy / name).unlink(missing_ok=True)
    await refused(copy, "no processor for pictures: .* name a vision-language model")


async def test_a_processor_that_is_only_a_tokenizer(copy: Path) -> None:
    """What AutoProcessor gives, without a word, for a processor class that it does not know."""
    for name in ("processor_config.json", "tokenizer_config.json"):
        told = json.loads((copy / name).read_text())
        (copy / name).write_text(json.dumps({**told, "processor_class": "ProcessorOfTheirOwn"}))
    (copy / "processor_config.json").write_text('{"processor_class": "ProcessorOfTheirOwn"}')
    await refused(copy, "no processor for pictures: .* name a vision-language model")


async def test_a_folder_without_a_tokenizer(copy: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (copy / name).unlink()
    await refused(copy, "has no tokenizer .*download it again")


async def test_a_model_without_a_chat_template(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink(missing_ok=True)
    for name in ("tokenizer_config.json", "processor_config.json"):
        path = copy / name
        if path.is_file():
            told = json.loads(path.read_text())
            told.pop("chat_template", None)
            path.write_text(json.dumps(told))
    await refused(copy, "has no chat template")


async def test_a_text_model(tmp_path: Path) -> None:
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=64, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(tmp_path / "text")
    await refused(tmp_path / "text", "no processor for pictures: it is a text model")
    for path in tiny("qwen3-vl").glob("tokenizer*"):
        shutil.copy(path, tmp_path / "text")
    await refused(tmp_path / "text", "no processor for pictures: it is a text model")


async def test_a_pipelines_folder_and_no_folder() -> None:
    await refused(tiny("flux-kontext"), "is a diffusers pipeline")
    await refused("/nowhere/at/all", "no such folder")
    await refused("nobody/no-such-model", "check the id and the network")


async def test_half_a_checkpoint(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    await refused(copy, "download it again")
