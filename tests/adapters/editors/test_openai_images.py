"""The `openai-images` editor against servers on loopback, driven through the real openai client."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any

import anyio
import numpy as np
import pytest
from starlette.responses import JSONResponse, Response

from tests.adapters.editors.loopback import Asked, Images, paint, serving
from tests.adapters.editors.openai_kit import (
    SECRET,
    OpenAIImagesEditor,
    edited,
    editor,
    picture,
)
from tests.adapters.editors.remote import every_size_comes_back
from thinkedit.adapters.base import Checkable, Closable, Describable, EditedImage, Editor, EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import (
    EditRefused,
    SettingsError,
    UnsupportedEdit,
)
from thinkedit.images import Picture

pytestmark = [pytest.mark.models, pytest.mark.anyio]


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def url(images: Images) -> Iterator[str]:
    with serving(images.app) as address:
        yield f"{address}/v1"


async def test_it_is_an_editor_that_can_be_made_by_name(url: str) -> None:
    made = create_editor("openai-images:tiny", {"base_url": url})
    assert isinstance(made, Editor)
    assert isinstance(made, Checkable)
    assert isinstance(made, Closable)
    assert isinstance(made, Describable)


async def test_a_request_as_servers_of_diffusion_models_want_it(images: Images, url: str) -> None:
    request = EditRequest(picture(), "make it green", seed=2**31 + 11)
    item = await edited(
        url, request, steps=4, guidance=2.5, true_guidance=4, negative_prompt=" ", quality="high",
        extra={"lora": "fast", "flag": True},
    )  # fmt: skip
    [asked] = images.asked
    assert asked.path == "/v1/images/edits"
    assert asked.fields == {
        "prompt": "make it green",
        "model": "tiny",
        "n": "1",
        "size": "64x48",
        "response_format": "b64_json",
        "seed": "11",
        "num_inference_steps": "4",
        "guidance_scale": "2.5",
        "true_cfg_scale": "4",
        "negative_prompt": " ",
        "quality": "high",
        "lora": "fast",
        "flag": "true",
    }
    [(name, sent)] = asked.pictures
    assert name == "image"
    assert np.array_equal(sent.pixels(), request.source.pixels())
    assert "authorization" not in asked.headers
    assert not [header for header in asked.headers if header.startswith("openai-")]
    assert np.array_equal(item.picture.pixels(), paint(request.source.pixels(), 11))
    assert item.picture.mime_type == "image/png"


async def test_a_request_as_openai_wants_it(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", SECRET)
    async with editor(
        url, model="gpt-image-1.5", area=None, api_key_env="MY_KEY", extra={"input_fidelity": "high"}
    ) as made:
        await made.edit([EditRequest(picture(), "make it green", seed=11)])
    [asked] = images.asked
    assert asked.headers["authorization"] == f"Bearer {SECRET}"
    assert asked.fields == {
        "prompt": "make it green",
        "model": "gpt-image-1.5",
        "n": "1",
        "size": "1536x1024",
        "output_format": "png",
        "input_fidelity": "high",
    }
    assert asked.pictures[0][1].size == (1536, 1024)


async def test_a_key_of_the_environment_is_for_openai_alone(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(variable, SECRET)
    await edited(url)
    async with editor(url) as made:
        await made.check()
    assert SECRET not in str(images.asked[0].headers)
    assert SECRET not in str(images.looked)


async def test_a_request_as_localai_wants_it(images: Images, url: str) -> None:
    await edited(
        url,
        EditRequest(picture(), "red|green", seed=11, references=(picture(20, 20),)),
        dialect="localai", steps=4, negative_prompt="blurred",
    )  # fmt: skip
    [asked] = images.asked
    assert asked.path == "/v1/images/generations"
    assert asked.fields == {
        "prompt": "red green|blurred",
        "model": "tiny",
        "n": "1",
        "size": "64x64",
        "response_format": "b64_json",
        "seed": "11",
        "step": "4",
    }
    assert [(name, one.size) for name, one in asked.pictures] == [
        ("ref_images", (64, 64)),
        ("ref_images", (20, 20)),
    ]


@pytest.mark.parametrize("form", ["b64_json", "url", "path"])
async def test_pictures_come_as_base64_or_from_the_server(images: Images, url: str, form: str) -> None:
    images.form = form
    item = await edited(url, api_key=SECRET)
    assert np.array_equal(item.picture.pixels(), paint(picture().pixels(), 11))
    assert [headers["authorization"] for headers in images.looked] == ["Bearer " + SECRET] * (
        form != "b64_json"
    )


async def test_a_source_is_made_ready_once_for_all_turns(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thinkedit.adapters.editors.remote import pictures

    laid: list[Picture] = []
    sent = pictures._sent
    monkeypatch.setattr(
        pictures, "_sent", lambda request, *more: laid.append(request.source) or sent(request, *more)
    )
    async with editor(url) as made:
        for prompt in ("green", "greener", "greenest"):
            await made.edit([EditRequest(picture(), prompt)])
        await made.edit([EditRequest(picture(shade=50), "green")])
    assert laid == [picture(), picture(shade=50)]
    assert images.asked[3].pictures[0][1] != images.asked[2].pictures[0][1]


async def test_candidates_have_their_own_calls_and_seeds_where_there_are_seeds(
    images: Images, url: str
) -> None:
    requests = [EditRequest(picture(), "make it green", seed=seed) for seed in (1, 1001, 2001)]
    heard: list[tuple[float, float, str]] = []

    async def progress(done: float, total: float, message: str) -> None:
        heard.append((done, total, message))

    async with editor(url) as made:
        items = await made.edit(requests, progress)
    assert sorted(asked.fields["seed"] for asked in images.asked) == ["1", "1001", "2001"]
    for request, item in zip(requests, items, strict=True):
        assert isinstance(item, EditedImage)
        assert np.array_equal(item.picture.pixels(), paint(picture().pixels(), request.seed))
    assert [(done, total) for done, total, _ in heard] == [(1, 3), (2, 3), (3, 3)]


async def test_candidates_go_in_one_call_where_there_are_no_seeds(images: Images, url: str) -> None:
    requests = [EditRequest(picture(), "make it green", seed=seed) for seed in (1, 1001, 2001)]
    requests.insert(1, EditRequest(picture(), "another prompt"))
    requests.append(EditRequest(picture(shade=90), "make it green"))
    async with editor(url, model="gpt-image-1-mini", area=None, size="64x48") as made:
        items = await made.edit(requests)
    assert sorted((a.fields["prompt"], a.fields["n"]) for a in images.asked) == [
        ("another prompt", "1"), ("make it green", "1"), ("make it green", "3"),
    ]  # fmt: skip
    shades = [item.picture.pixels()[-1, -1].tolist() for item in items if isinstance(item, EditedImage)]
    assert len(shades) == 5
    assert [items[i].picture.sha256 for i in (0, 2, 3)] == [  # type: ignore[union-attr]
        Picture.from_pixels(paint(picture().pixels(), 7 + i)).sha256 for i in range(3)
    ]


async def test_a_server_that_does_not_know_n_is_asked_again(images: Images, url: str) -> None:
    images.paint = lambda source, asked: [paint(source, len(images.asked))]
    requests = [EditRequest(picture(), "make it green", seed=seed) for seed in range(3)]
    async with editor(url, together=True) as made:
        items = await made.edit(requests)
    assert [asked.fields["n"] for asked in images.asked] == ["3", "2", "1"]
    assert len({item.picture.sha256 for item in items if isinstance(item, EditedImage)}) == 3


async def test_more_candidates_than_one_call_may_have(images: Images, url: str) -> None:
    async with editor(url, together=True) as made:
        items = await made.edit([EditRequest(picture(), "x", seed=seed) for seed in range(12)])
    assert sorted(asked.fields["n"] for asked in images.asked) == ["10", "2"]
    assert all(isinstance(item, EditedImage) for item in items)


async def test_a_refused_candidate_sinks_no_other(images: Images, url: str) -> None:
    def no_blood(asked: Asked) -> Response | None:
        if "blood" not in asked.fields["prompt"]:
            return None
        return JSONResponse(
            {"error": {"message": "rejected by our safety system", "code": "moderation_blocked"}}, 400
        )

    images.always = no_blood
    prompts = ["green", "blood", "blue"]
    async with editor(url) as made:
        items = await made.edit([EditRequest(picture(), prompt) for prompt in prompts])
    assert [type(item) for item in items] == [EditedImage, EditRefused, EditedImage]
    assert "refuses this edit: rejected by our safety system" in str(items[1])


async def test_references_and_masks_are_sent(images: Images, url: str) -> None:
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[:, 32:] = 255
    request = EditRequest(
        picture(), "x", references=(picture(30, 20), picture(10, 10)), mask=Picture.from_pixels(mask).data
    )
    item = await edited(url, request, dialect="openai", model="gpt-image-2", size="64x48", area=None)
    names = [(name, one.size) for name, one in images.asked[0].pictures]
    assert names == [("image[]", (64, 48)), ("image[]", (30, 20)), ("image[]", (10, 10)), ("mask", (64, 48))]
    alpha = images.asked[0].pictures[-1][1].alpha()
    assert alpha is not None
    assert np.array_equal(alpha, 255 - mask[..., 0])
    assert np.array_equal(item.picture.pixels()[:, :32], request.source.pixels()[:, :32])
    assert not np.array_equal(item.picture.pixels()[:, 32:], request.source.pixels()[:, 32:])


async def test_too_many_references(images: Images, url: str) -> None:
    many = EditRequest(picture(), "x", references=(picture(8, 8),) * 16)
    async with editor(url) as made:
        items = await made.edit([many, EditRequest(picture(), "x")])
    assert isinstance(items[0], UnsupportedEdit)
    assert "17 pictures: tiny takes 16 at most" in str(items[0])
    assert isinstance(items[1], EditedImage)


async def test_a_free_size_is_the_models_own_without_filling(images: Images, url: str) -> None:
    images.size = (128, 128)
    item = await edited(url, EditRequest(picture(64, 32), "x", size="free"), size="64x64", area=None)
    assert item.picture.size == (128, 64)


@pytest.mark.parametrize("dialect", ["vllm-omni", "openai"])
async def test_every_size_comes_back_at_its_own(dialect: str) -> None:
    await every_size_comes_back(
        lambda urls: OpenAIImagesEditor(model="gpt-image-2", base_url=f"{urls[0]}/v1", dialect=dialect)
    )


def test_a_client_serves_one_event_loop_after_another(images: Images, url: str) -> None:
    made = OpenAIImagesEditor(model="tiny", base_url=url, area=64 * 48)

    async def once() -> None:
        [item] = await made.edit([EditRequest(picture(), "x")])
        assert isinstance(item, EditedImage)
        await made.aclose()

    anyio.run(once)
    anyio.run(once)
    assert len(images.asked) == 2


def test_what_changes_the_picture_is_in_the_identity_and_nothing_else() -> None:
    def named(**options: Any) -> str:
        return OpenAIImagesEditor(**{"model": "tiny", "base_url": "http://a/v1", **options}).identity

    assert named() == named(
        base_url=["http://b:9/v1", "http://c/v1"], api_key=SECRET, at_once=3, timeout=9, rest=1
    )
    different = [
        named(), named(model="big"), named(steps=4), named(guidance=2), named(quality="low"),
        named(area=4096), named(extra={"lora": "x"}), named(seed="none"), named(size="512x512"),
        named(dialect="localai"), named(negative_prompt="x"), named(together=True),
    ]  # fmt: skip
    assert len(set(different)) == len(different)
    assert named().startswith("openai-images(tiny, generic, ")


@pytest.mark.parametrize(
    ("model", "canvas"),
    [
        ("gpt-image-1.5", (1536, 1024)),
        ("gpt-image-1-mini", (1536, 1024)),
        ("chatgpt-image-latest", (1536, 1024)),
        ("dall-e-2", (1024, 1024)),
        ("gpt-image-2", (1456, 1088)),
        ("gpt-image-2.5-flare", (1456, 1088)),
        ("openai/gpt-image-2", (1456, 1088)),
    ],
)
def test_sizes_of_openais_models(model: str, canvas: tuple[int, int]) -> None:
    made = OpenAIImagesEditor(model=model, api_key=SECRET)
    width, height = made.sizes.canvas((4000, 3000))
    assert (width, height) == pytest.approx(canvas, abs=32)
    for size in [(300, 2000), (20000, 10), (1, 1)]:
        width, height = made.sizes.canvas(size)
        assert width % 16 == height % 16 == 0
        assert max(width, height) <= 3 * min(width, height)
        assert max(width, height) <= 3840


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": " "}, "model is ' '"),
        (
            {"base_url": "localhost:8000"},
            r"base_url is 'localhost:8000': give an address that starts with http",
        ),
        ({"base_url": []}, r"base_url is \[\]"),
        ({"base_url": f"https://me:{SECRET}@host/v1"}, "user name or password: leave it out"),
        ({"base_url": "http://host/v1?api-version=1"}, "ends in"),
        ({"base_url": ["http://a/v1", "http://a/v1/"]}, "http://a/v1 is named twice"),
        ({"dialect": "klingon"}, "dialect is 'klingon': give one of openai, vllm-omni"),
        ({"size": "big"}, "size holds 'big': give WIDTHxHEIGHT"),
        ({"area": 3}, "area is 3: give a whole number from 256 to 1.6e"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": "4"}, "steps is '4'"),
        ({"guidance": -1}, "guidance is -1"),
        ({"dialect": "openai", "steps": 4}, "steps is 4, but the dialect 'openai' has no such field"),
        ({"model": "gpt-image-1.5", "area": 4096}, "gpt-image-1.5 has sizes of its own"),
        ({"seed": 5}, "seed is 5"),
        ({"together": 1}, "together is 1"),
        ({"extra": [1]}, r"extra is \[1\]"),
        ({"headers": {"X": 1}}, "no table of names and texts"),
        ({"headers": {f"X: {SECRET}": "y"}}, "a name that no header can have"),
        ({"timeout": 0}, "timeout is 0"),
        ({"timeout": None}, "timeout is None"),
        ({"at_once": 0}, "at_once is 0"),
        ({"api_key_env": "NO_SUCH_KEY"}, "variable NO_SUCH_KEY, which is not set"),
        ({"api_key": f"{SECRET}\nx"}, "copy it again"),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(SettingsError, match=message) as caught:
        create_editor("openai-images", {"model": "tiny", "base_url": "http://host/v1", **options})
    assert SECRET not in "".join(traceback.format_exception(caught.value))
