"""The `openai-images` editor against servers on loopback, driven through the real openai client."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import socket
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tests.adapters.editors.loopback import Answer, Asked, Hanging, Images, paint, serving, unused_address
from tests.adapters.editors.remote import every_size_comes_back, nothing_is_lost
from tests.models import needed
from thinkedit.adapters.base import Checkable, Closable, Describable, EditedImage, Editor, EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import (
    EditError,
    EditorFailed,
    EditRefused,
    MissingExtra,
    SettingsError,
    UnsupportedEdit,
)
from thinkedit.images import Picture

needed("openai")

from thinkedit.adapters.editors.openai_images import OpenAIImagesEditor  # noqa: E402

pytestmark = [pytest.mark.models, pytest.mark.anyio]

SECRET = "sk-live-51H8wQ"


def picture(width: int = 64, height: int = 48, shade: int = 0) -> Picture:
    pixels = np.linspace(shade, 200, width * height * 3).astype(np.uint8).reshape(height, width, 3)
    return Picture.from_pixels(pixels)


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def url(images: Images) -> Iterator[str]:
    with serving(images.app) as address:
        yield f"{address}/v1"


@contextlib.asynccontextmanager
async def editor(url: str | list[str], **options: Any) -> AsyncIterator[OpenAIImagesEditor]:
    given = {"model": "tiny", "area": 64 * 48, "max_retries": 0, "timeout": 10, **options}
    made = OpenAIImagesEditor(base_url=url, **given)
    try:
        yield made
    finally:
        await made.aclose()


async def edited(url: str | list[str], request: EditRequest | None = None, **options: Any) -> EditedImage:
    """One edit. Raises the item that is an error."""
    async with editor(url, **options) as made:
        [item] = await made.edit([request or EditRequest(picture(), "make it green", seed=11)])
    if isinstance(item, EditError):
        raise item
    return item


def status(code: int, body: Any = None, **headers: str) -> Answer:
    return lambda asked: JSONResponse(body, code, {k.replace("_", "-"): v for k, v in headers.items()})


def error(code: int, message: str, name: str | None = None) -> Answer:
    return status(code, {"error": {"message": message, "type": "invalid_request_error", "code": name}})


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


async def test_a_picture_of_another_address_is_fetched_over_https_only(images: Images, url: str) -> None:
    with serving(Images().app) as other:
        for there in (f"{other}/kept/0.png", "file:///etc/hostname", "ftp://host/x.png"):
            images.always = status(200, {"data": [{"url": f"{there}?signature=s3cr3t-signature"}]})
            with pytest.raises(EditorFailed, match=r"neither its own nor https|cannot be fetched") as caught:
                await edited(url)
            assert not caught.value.retryable


async def test_a_redirect_is_not_a_way_around_that(images: Images, url: str) -> None:
    elsewhere = Images()
    with serving(elsewhere.app) as other:
        elsewhere.kept["0.png"] = picture().data
        images.kept["0.png"] = b""

        async def away(request: Any) -> Response:
            return RedirectResponse(f"{other}/kept/0.png")

        images._kept = away  # type: ignore[method-assign]
        with serving(images.app) as moved:
            images.always = status(200, {"data": [{"url": f"{moved}/kept/0.png"}]})
            with pytest.raises(EditorFailed, match="neither its own nor https"):
                await edited(f"{moved}/v1", api_key=SECRET)
    assert elsewhere.looked == []


async def test_a_picture_that_cannot_be_fetched(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.always = status(200, {"data": [{"url": "/v1/nowhere.png?signature=s3cr3t"}]})
    with pytest.raises(EditorFailed, match="address of a picture that answered 404") as caught:
        await edited(url)
    assert "s3cr3t" not in str(caught.value)
    from thinkedit.adapters.editors.openai_images import asking

    monkeypatch.setattr(asking, "MOST_BYTES", 100)
    images.always, images.form = None, "url"
    with pytest.raises(EditorFailed, match="is larger than 100 bytes"):
        await edited(url)


async def test_a_source_is_made_ready_once_for_all_turns(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thinkedit.adapters.editors.remote import pictures

    laid: list[Picture] = []
    lay = pictures.lay
    monkeypatch.setattr(pictures, "lay", lambda source, canvas: laid.append(source) or lay(source, canvas))
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


@pytest.mark.parametrize(
    ("answer", "kind", "message", "retryable"),
    [
        (error(401, f"Incorrect API key provided: {SECRET[:8]}"), EditorFailed,
         r"API key \(401\): check api_key$", False),
        (error(403, "no access"), EditorFailed, r"does not accept the API key \(403\)", False),
        (error(404, "The model `tiny` does not exist", "model_not_found"), EditorFailed,
         r"does not have the model 'tiny' \(404\): The model", False),
        (status(404, {"detail": "Not Found"}), EditorFailed, r"no images API there .*end in /v1", False),
        (status(405, {"detail": "Method Not Allowed"}), EditorFailed, r"does not edit images \(405\)", False),
        (error(400, "was rejected", "moderation_blocked"), EditRefused, "refuses this edit: was", False),
        (error(400, "violates our content policy"), EditRefused, "refuses this edit: violates", False),
        (error(403, "blocked by content_filter"), EditRefused, "refuses this edit", False),
        (error(400, "Unknown parameter: 'seed'."), EditorFailed, r"seed.*set seed = \"none\"", False),
        (error(400, "Invalid size"), EditorFailed, r"not accept the request \(400\): Invalid size", False),
        (status(422, {"detail": [{"loc": ["body", "n"], "msg": "too many"}]}), EditorFailed,
         r"\(422\): too many", False),
        (status(413, {"detail": "too large"}), EditorFailed, r"too large \(413\): set area lower", False),
        (error(429, "You exceeded your current quota", "insufficient_quota"), EditorFailed,
         r"account is used up \(429\): You exceeded", False),
        (error(429, "Slow down"), EditorFailed, r"asked too often \(429\): Slow down", True),
        (status(429, {}, retry_after="17"), EditorFailed, r"try again in 17 s", True),
        (error(500, "CUDA out of memory"), EditorFailed, r"failed \(500\): CUDA out of memory", True),
        (error(503, f"overloaded {SECRET}"), EditorFailed, r"failed \(503\): overloaded \*\*\*", True),
        (lambda asked: HTMLResponse("<!DOCTYPE html><html>Sign in</html>"), EditorFailed,
         r"answered with a web page: is the base_url right\? it should end in /v1", False),
        (lambda asked: HTMLResponse("<html>no</html>", 404), EditorFailed, r"web page.*/v1 \(404\)", False),
        (lambda asked: HTMLResponse("<html>Bad</html>", 502), EditorFailed, r"web page.*\(502\)", True),
        (lambda asked: Response("{broken", media_type="application/json"), EditorFailed, "broken JSON", True),
        (lambda asked: Response("sure!", media_type="text/plain"), EditorFailed, "no JSON: sure!", True),
        (status(200, {"data": []}), EditorFailed, "without a picture", True),
        (status(200, {"created": 1, "error": "busy"}), EditorFailed, "without a picture: busy", True),
        (status(200, {"data": [{}]}), EditorFailed, "without a picture", True),
        (status(200, {"data": [{"b64_json": "aGVsbG8="}]}), EditorFailed, "no usable picture: 5 bytes", True),
        (status(200, {"data": [{"b64_json": "%%%a"}]}), EditorFailed, "no base64|no usable picture", True),
    ],
)  # fmt: skip
async def test_what_goes_wrong_is_one_clear_line_without_the_key(
    images: Images, url: str, answer: Answer, kind: type[EditError], message: str, retryable: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    images.always = answer
    with pytest.raises(kind, match=message) as caught:
        await edited(url, api_key=SECRET)
    assert caught.value.retryable is retryable
    text = str(caught.value)
    assert text.startswith(url)
    assert "\n" not in text
    whole = text + repr(caught.value) + "".join(traceback.format_exception(caught.value)) + caplog.text
    assert SECRET not in whole
    assert SECRET[:8] not in whole


async def test_a_key_is_nowhere_to_be_seen(
    images: Images, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"X-Gateway": f"Basic {SECRET}-two"}
    async with editor(url, api_key=SECRET, headers=headers) as made:
        await made.check()
        lines = await made.describe()
        [item] = await made.edit([EditRequest(picture(), "x")])
        assert isinstance(item, EditedImage)
        seen = [repr(made), str(vars(made)), made.identity, *lines, caplog.text, repr(made._pool.__dict__)]
    assert images.asked[0].headers["x-gateway"] == f"Basic {SECRET}-two"
    assert SECRET not in "".join(seen)
    assert "HTTP Request" in caplog.text


async def test_nobody_is_there() -> None:
    there = unused_address()
    with pytest.raises(EditorFailed, match=r"cannot be reached .*is it running") as caught:
        await edited(f"{there}/v1")
    assert caught.value.retryable
    async with editor(f"{there}/v1") as made:
        with pytest.raises(EditorFailed, match="cannot be reached"):
            await made.check()
        assert (await made.describe())[-1].startswith(f"{there}/v1 cannot be reached")


async def test_a_call_that_hangs_ends_at_its_time_limit(images: Images, url: str) -> None:
    hanging = Hanging()
    images.answers.append(hanging)
    ended: list[Any] = []
    async with editor(url, timeout=1) as made:

        async def slow() -> None:
            ended.extend(await made.edit([EditRequest(picture(), "slow")]))

        async with anyio.create_task_group() as group:
            group.start_soon(slow)
            await hanging.reached()
            [quick] = await made.edit([EditRequest(picture(), "quick")])
            assert isinstance(quick, EditedImage)
            assert not ended
    hanging.let_go.set()
    assert "gave no picture within 1 s: set timeout higher" in str(ended[0])


async def test_a_busy_server_is_asked_again_as_late_as_it_says(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    from thinkedit.adapters.editors.remote import servers

    monkeypatch.setattr(servers, "_sleep", sleep)
    images.answers.extend(
        [status(429, {}, retry_after="3"), status(503, {}), status(429, {}, retry_after_ms="250")]
    )
    await edited(url, max_retries=3)
    assert len(images.asked) == 4
    assert waited[0] == 3
    assert 0.7 < waited[1] < 1.3
    assert waited[2] == 0.25
    images.always = status(429, {}, retry_after="9")
    with pytest.raises(EditorFailed, match="try again in 9 s"):
        await edited(url, max_retries=2)
    assert waited[3:] == [9, 9]
    images.always = status(429, {}, retry_after="3600")
    with pytest.raises(EditorFailed, match="try again in 3600 s"):
        await edited(url, max_retries=2)
    assert waited[5:] == []


async def test_work_goes_around_a_server_that_is_wrong(images: Images, url: str) -> None:
    other = Images(always=status(404, {"detail": "Not Found"}))
    with serving(other.app) as wrong:
        async with editor([f"{wrong}/v1", url, f"{unused_address()}/v1"]) as made:
            for _ in range(4):
                [item] = await made.edit([EditRequest(picture(), "x")])
                assert isinstance(item, EditedImage)
            await made.check()
            lines = await made.describe()
    assert len(other.asked) == 1
    assert len(images.asked) == 4
    assert "resting" in lines[-3]
    assert "no images API there" in lines[-3]
    assert "healthy, busy with 0, 4 done; answers and lists the model" in lines[-2]


async def test_no_address_gets_more_at_once_than_it_may(images: Images, url: str) -> None:
    inside, most = 0, 0

    async def counted(asked: Asked) -> Response | None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await anyio.sleep(0.01)
        inside -= 1
        return None

    images.always = counted
    async with editor(url, at_once=2) as made:
        items = await made.edit([EditRequest(picture(), "x", seed=seed) for seed in range(8)])
    assert all(isinstance(item, EditedImage) for item in items)
    assert most == 2


async def test_a_cancelled_edit_leaves_its_place(images: Images, url: str) -> None:
    hanging = Hanging()
    images.answers.append(hanging)
    async with editor(url, at_once=1) as made:
        async with anyio.create_task_group() as group:
            group.start_soon(made.edit, [EditRequest(picture(), "slow")])
            await hanging.reached()
            group.cancel_scope.cancel()
        with anyio.fail_after(5):
            [item] = await made.edit([EditRequest(picture(), "x")])
    hanging.let_go.set()
    assert isinstance(item, EditedImage)


async def test_nothing_is_lost_where_one_of_three_servers_is_killed() -> None:
    def make(urls: Any) -> OpenAIImagesEditor:
        return OpenAIImagesEditor(
            model="tiny", base_url=[f"{url}/v1" for url in urls], area=32 * 16, at_once=4, max_retries=0
        )

    lines = await nothing_is_lost(make)
    assert "resting" in lines[-2]
    assert "answers and lists the model" in lines[-3]
    assert "answers and lists the model" in lines[-1]


@pytest.mark.parametrize("dialect", ["vllm-omni", "openai"])
async def test_every_size_comes_back_at_its_own(dialect: str) -> None:
    await every_size_comes_back(
        lambda urls: OpenAIImagesEditor(model="gpt-image-2", base_url=f"{urls[0]}/v1", dialect=dialect)
    )


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (["tiny", "other"], "answers and lists the model"),
        (["other"], "lists other models than tiny: other"),
        (None, "answers"),
    ],
)
async def test_check_reaches_the_server(
    images: Images, url: str, models: list[str] | None, line: str
) -> None:
    images.models = models
    async with editor(url) as made:
        await made.check()
        assert (await made.describe())[-1].endswith(line)
    assert images.asked == []


async def test_check_waits_for_no_server_that_hangs_while_another_is_well(images: Images, url: str) -> None:
    with socket.socket() as silent:  # takes connections and never answers
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        async with editor([hangs, url]) as made:
            with anyio.fail_after(5):
                await made.check()
        async with editor([hangs, f"{unused_address()}/v1"], timeout=0.2) as made:
            with pytest.raises(EditorFailed, match=r"did not answer within 0.2 s"):
                await made.check()


async def test_check_tells_what_is_wrong(images: Images, url: str) -> None:
    async def models(request: Any) -> Response:
        return JSONResponse({"error": {"message": f"Incorrect API key: {SECRET}"}}, 401)

    images._models = models  # type: ignore[method-assign]
    with serving(images.app) as closed:
        async with editor(f"{closed}/v1") as made:
            with pytest.raises(EditorFailed, match=r"API key \(401\): set api_key_env") as caught:
                await made.check()
        assert SECRET not in str(caught.value)

    async def login(request: Any) -> Response:
        return HTMLResponse("<html>Log in</html>")

    images._models = login  # type: ignore[method-assign]
    with serving(images.app) as page:
        async with editor(f"{page}/v1") as made:
            with pytest.raises(EditorFailed, match="web page"):
                await made.check()


def test_without_the_package_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openai" else find(name))
    with pytest.raises(MissingExtra, match=r"'openai-images' needs .* pip install \"thinkedit\[openai\]\""):
        create_editor("openai-images:tiny", {"base_url": "http://host/v1"})


async def test_openai_without_a_key_is_told_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    made = OpenAIImagesEditor(model="gpt-image-2")
    assert made.dialect.name == "openai"
    for call in (made.check(), made.edit([EditRequest(picture(), "x")])):
        with pytest.raises(EditorFailed, match="OpenAI needs an API key: set the variable OPENAI_API_KEY"):
            await call


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
