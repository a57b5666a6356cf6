"""What really goes over the wire to each provider, and what is made of its answer."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.adapters.thinkers.chat.kit import GOOD, KEY, MODELS, PROVIDERS, picture, request, thinking
from tests.adapters.thinkers.chat.wire import Wire, openai, pictures
from thinkedit.adapters.base import CompareRequest, PlanRequest, RefineRequest
from thinkedit.images import Picture
from thinkedit.types import Critique, Usage

pytestmark = [pytest.mark.models, pytest.mark.anyio]

JSON = json.dumps({"think": "Grey < red.", "score": {"semantic": 6, "quality": 8.5}, "answer": "Redder."})


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_critique_by_tags(provider: str, wire: Wire) -> None:
    wire.replies = [GOOD[provider]()]
    asked = request()
    async with thinking(provider, wire, structured=False) as thinker:
        critique = await thinker.critique(asked)
    assert (critique.semantic, critique.quality) == (6, 8.5)
    assert critique.reasoning == "The sky is still grey."
    assert critique.next_prompt == "Make the sky deep red."
    assert critique.usage == Usage(input_tokens=1200, output_tokens=80)
    [post] = wire.posts
    sent = pictures(provider, post.body)
    assert [data for _, data in sent] == [asked.source.data, asked.edited.data], "the very bytes, in order"
    assert {kind for kind, _ in sent} <= {"image/png", ""}
    text = json.dumps(post.body)
    assert "make the sky red" in text
    assert "JSON object" not in text
    assert KEY in " ".join(post.headers.values())
    assert KEY not in text


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_critique_by_json(provider: str, wire: Wire) -> None:
    wire.replies = [GOOD[provider](JSON)]
    async with thinking(provider, wire, structured=True) as thinker:
        critique = await thinker.critique(request())
    assert (critique.semantic, critique.quality) == (6, 8.5)
    assert (critique.reasoning, critique.next_prompt) == ("Grey < red.", "Redder.")
    assert critique.raw == JSON
    body = wire.posts[0].body
    schema = {
        "openai": lambda: body["response_format"]["json_schema"]["schema"],
        "anthropic": lambda: body["output_config"]["format"]["schema"],
        "google_genai": lambda: body["generationConfig"]["responseJsonSchema"],
        "ollama": lambda: body["format"],
    }[provider]()
    assert list(schema["properties"]) == ["think", "score", "answer"]
    assert "JSON object" in json.dumps(body)


async def test_an_answer_in_tags_is_read_where_json_was_asked_for(wire: Wire) -> None:
    wire.replies = [openai()]
    async with thinking("openai", wire, structured=True) as thinker:
        assert (await thinker.critique(request())).semantic == 6


@pytest.mark.parametrize(
    ("guided", "found"),
    [
        (True, {"structured_outputs", "regex"}),
        ("vllm", {"structured_outputs"}),
        ("sglang", {"regex"}),
        ("guided_regex", {"guided_regex"}),
    ],
)
async def test_guided_decoding(guided: bool | str, found: set[str], wire: Wire) -> None:
    wire.replies = [openai()]
    async with thinking("openai", wire, guided=guided, extra={"extra_body": {"top_k": 1}}) as thinker:
        await thinker.critique(request())
    body = wire.posts[0].body
    assert {"structured_outputs", "regex", "guided_regex"} & set(body) == found
    assert body["top_k"] == 1
    assert "response_format" not in body


async def test_25_points(wire: Wire) -> None:
    wire.replies = [
        openai('<think>x</think><score>{"semantic": 20, "quality": 25}</score><answer>Redder.</answer>')
    ]
    async with thinking("openai", wire, score_range=25) as thinker:
        critique = await thinker.critique(request())
    assert (critique.semantic, critique.quality) == (8, 10)
    assert "from 0 to 25" in wire.posts[0].body["messages"][0]["content"][-1]["text"]


async def test_the_expert_gives_no_scores(wire: Wire) -> None:
    wire.replies = [openai('{"is_satisfied": true, "reason": "done", "new_rewritten_prompt": ""}')]
    async with thinking("openai", wire, answers="expert") as thinker:
        critique = await thinker.critique(request())
    assert (critique.stop, critique.semantic, critique.reasoning) == (True, None, "done")
    assert "is_satisfied" in wire.posts[0].body["messages"][0]["content"][-1]["text"]


async def test_plan_compare_and_refine(wire: Wire) -> None:
    first, second, source = (picture(seed=seed) for seed in (3, 4, 5))
    wire.replies = [
        openai("<think>x</think><answer>A red evening sky.</answer>"),
        openai("<think>the second is cleaner</think><answer>second</answer>"),
        openai("<think>x</think><answer>A redder sky.</answer>"),
    ]
    async with thinking("openai", wire) as thinker:
        assert await thinker.plan(PlanRequest(source, "red sky")) == "A red evening sky."
        preferred = await thinker.compare(CompareRequest(source, first, second, "red sky"))
        critique = Critique(semantic=3, quality=9, reasoning="too pale", next_prompt="red")
        refined = await thinker.refine(RefineRequest(source, first, "red sky", "a sky", critique))
    assert (preferred.better, preferred.reasoning) == (2, "the second is cleaner")
    assert refined == "A redder sky."
    shown = [[data for _, data in pictures("openai", post.body)] for post in wire.posts]
    assert shown == [[source.data], [source.data, first.data, second.data], [source.data, first.data]]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_second_look_is_sampled_and_the_first_is_not(provider: str, wire: Wire) -> None:
    wire.replies = [GOOD[provider]()]
    async with thinking(provider, wire, structured=False) as thinker:
        await thinker.critique(request())
        await thinker.critique(request(look=2))
    found = []
    for post in wire.posts:
        options = post.body.get("generationConfig") or post.body.get("options") or post.body
        found.append((options["temperature"], options.get("seed")))
    assert found[0] == (0, None)
    assert found[1] == (0.7, None if provider == "anthropic" else 2)


async def test_an_answer_that_cannot_be_read_is_asked_for_once_more(wire: Wire) -> None:
    wire.replies = [openai("I would say seven."), openai()]
    async with thinking("openai", wire) as thinker:
        critique = await thinker.critique(request())
    assert critique.semantic == 6
    assert critique.usage == Usage(input_tokens=2400, output_tokens=160)
    again = wire.posts[1].body["messages"]
    assert [one["role"] for one in again] == ["user", "assistant", "user"]
    assert again[0] == wire.posts[0].body["messages"][0]
    assert again[1]["content"] == "I would say seven."
    assert "could not be used: the answer has no score" in json.dumps(again[2])


async def test_thinking_that_a_server_takes_out_of_the_text_is_kept(wire: Wire) -> None:
    text = '<score>{"semantic": 6, "quality": 8}</score><answer>Redder.</answer>'
    wire.replies = [openai(text, reasoning_content="The sky is grey.")]
    async with thinking("openai", wire) as thinker:
        assert (await thinker.critique(request())).reasoning == "The sky is grey."


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_large_picture_is_reduced(provider: str, wire: Wire) -> None:
    wire.replies = [GOOD[provider]()]
    large = picture(900, 300)
    async with thinking(provider, wire, structured=False, max_pixels=120_000) as thinker:
        await thinker.critique(request(edited=large))
    (_, source), (_, edited) = pictures(provider, wire.posts[0].body)
    with Image.open(io.BytesIO(edited)) as image:
        assert image.width * image.height <= 120_000
        assert abs(image.width / image.height - 3) < 0.02
        assert image.format == "JPEG"
    assert source == request().source.data


async def test_a_picture_of_too_many_bytes_is_reduced_for_anthropic(wire: Wire) -> None:
    wire.replies = [GOOD["anthropic"]()]
    noise = picture(1400, 1000)  # noise, which no format makes small
    assert len(noise.data) > 3_900_000
    async with thinking("anthropic", wire, max_pixels=4_000_000) as thinker:
        await thinker.critique(request(edited=noise))
    (_, _), (kind, edited) = pictures("anthropic", wire.posts[0].body)
    assert kind == "image/jpeg"
    assert len(edited) * 4 / 3 <= 5 * 1024 * 1024
    with Image.open(io.BytesIO(edited)) as image:
        assert image.size == (1400, 1000), "bytes were the matter, not pixels"


async def test_a_kind_of_picture_that_is_not_taken_is_made_another(wire: Wire) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((20, 30, 4), (255, 0, 0, 0), np.uint8)).save(stream, "WEBP", lossless=True)
    wire.replies = [GOOD["ollama"]()]
    async with thinking("ollama", wire) as thinker:
        await thinker.critique(request(edited=Picture.from_bytes(stream.getvalue())))
    data = pictures("ollama", wire.posts[0].body)[1][1]
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "JPEG"
        assert min(image.convert("RGB").getpixel((15, 10))) > 250, "what is transparent is white"  # type: ignore[type-var]


async def test_a_model_that_takes_no_temperature_is_asked_without(wire: Wire) -> None:
    unsupported = {"error": {"message": "Unsupported value: 'temperature' does not support 0.0", "code": "x"}}
    wire.replies = [openai()]
    wire.replies[:0] = [openai(), openai()]
    wire.replies[0] = type(wire.replies[0])(unsupported, 400)
    async with thinking("openai", wire) as thinker:
        await thinker.critique(request())
        await thinker.critique(request())
    assert ["temperature" in post.body for post in wire.posts] == [True, False, False]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_checking_costs_nothing(provider: str, wire: Wire) -> None:
    name = MODELS[provider]
    if provider in ("ollama", "google_genai"):
        wire.models = type(GOOD[provider]())({"models": [{"name": name}]})
    else:
        wire.models = type(GOOD[provider]())({"data": [{"id": name}]})
    async with thinking(provider, wire) as thinker:
        await thinker.check()
        lines = await thinker.describe()
    assert wire.posts == []
    assert any(wire.url in line and name in line for line in lines)
    assert KEY not in " ".join(lines)
    assert KEY in " ".join(wire.seen[0].headers.values())
