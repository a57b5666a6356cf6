"""The `editthinker-api` editor against servers on loopback that speak as the authors' servers do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import numpy as np
import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tests.adapters.editors.loopback import Answer, Hanging, Images, paint, serving, unused_address
from tests.adapters.editors.remote import every_size_comes_back, marked, nothing_is_lost
from thinkedit.adapters.base import Checkable, Closable, Describable, EditedImage, Editor, EditRequest
from thinkedit.adapters.editors.editthinker_api import EditThinkerEditor
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import EditError, EditorFailed, SettingsError, UnsupportedEdit
from thinkedit.images import Picture

pytestmark = pytest.mark.anyio

SECRET = "gateway-4f9aQ7x"
SOURCE = marked(64, 48)


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def url(images: Images) -> Iterator[str]:
    with serving(images.app) as address:
        yield address


@contextlib.asynccontextmanager
async def editor(url: str | list[str], **options: Any) -> AsyncIterator[EditThinkerEditor]:
    made = EditThinkerEditor(base_url=url, **{"area": 64 * 48, "max_retries": 0, "timeout": 10, **options})
    try:
        yield made
    finally:
        await made.aclose()


async def edited(url: str | list[str], **options: Any) -> EditedImage:
    """One edit. Raises the item that is an error."""
    async with editor(url, **options) as made:
        [item] = await made.edit([EditRequest(SOURCE, "make it green", seed=11)])
    if isinstance(item, EditError):
        raise item
    return item


def status(code: int, body: Any = None, **headers: str) -> Answer:
    return lambda asked: JSONResponse(body, code, {k.replace("_", "-"): v for k, v in headers.items()})


async def test_it_is_an_editor_that_can_be_made_by_name(url: str) -> None:
    made = create_editor("editthinker-api", {"base_url": url, "steps": 50, "guidance": 5.0})
    assert isinstance(made, Editor)
    assert isinstance(made, Checkable)
    assert isinstance(made, Closable)
    assert isinstance(made, Describable)


async def test_a_request_has_the_fields_of_every_one_of_the_servers(images: Images, url: str) -> None:
    item = await edited(
        url, steps=4, guidance=2.5, image_guidance=1.5, negative_prompt="", extra={"more": True}
    )
    [asked] = images.asked
    assert asked.fields == {
        "prompt": "make it green",
        "seed": "11",
        "width": "64",
        "height": "48",
        "enhance_prompt": "False",
        "num_inference_steps": "4",
        "num_inference_step": "4",
        "guidance_scale": "2.5",
        "text_guidance_scale": "2.5",
        "image_guidance_scale": "1.5",
        "negative_prompt": "",
        "more": "True",
    }
    assert np.array_equal(asked.pictures[0][1].pixels(), SOURCE.pixels())
    assert np.array_equal(item.picture.pixels(), paint(SOURCE.pixels(), 11))


@pytest.mark.parametrize(
    ("model", "options", "fields"),
    [
        (None, {}, {}),
        ("my-own", {}, {}),
        ("flux-kontext-dev", {}, {"num_inference_steps": "28", "guidance_scale": "2.5"}),
        ("qwen-image-edit", {"steps": 8}, {"num_inference_steps": "8", "guidance_scale": "5.0"}),
        ("omnigen2-edit", {}, {"text_guidance_scale": "5.0", "image_guidance_scale": "1.5"}),
        ("longcat-image-edit", {}, {"num_inference_steps": "50", "guidance_scale": "4.5"}),
    ],
)
async def test_the_published_settings_go_by_the_models_name(
    images: Images, url: str, model: str | None, options: dict[str, Any], fields: dict[str, str]
) -> None:
    await edited(url, model=model, **options)
    sent = images.asked[0].fields
    assert sent.items() >= fields.items()
    assert bool(fields) == ("num_inference_steps" in sent)


async def test_each_request_has_its_own_call_and_seed(images: Images, url: str) -> None:
    heard: list[tuple[float, float]] = []

    async def progress(done: float, total: float, message: str) -> None:
        heard.append((done, total))

    requests = [EditRequest(SOURCE, "make it green", seed=seed) for seed in (1, 1001)]
    requests.append(EditRequest(SOURCE, "x", references=(SOURCE,)))
    async with editor(url) as made:
        items = await made.edit(requests, progress)
    assert sorted(asked.fields["seed"] for asked in images.asked) == ["1", "1001"]
    for request, item in zip(requests[:2], items, strict=False):
        assert isinstance(item, EditedImage)
        assert np.array_equal(item.picture.pixels(), paint(SOURCE.pixels(), request.seed))
    assert isinstance(items[2], UnsupportedEdit)
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize(
    ("answer", "message", "retryable"),
    [
        (status(200, {"success": False, "error": "任务队列已满"}), "could not edit: 任务队列已满", True),
        (status(200, {"success": True, "edited_image": None}), "without a picture", True),
        (status(200, {"success": True, "edited_image": "aGVsbG8="}), "no usable picture: 5 bytes", True),
        (status(200, [1]), "could not edit: 1", True),
        (status(500, {"detail": "CUDA out of memory"}), r"failed \(500\): CUDA out of memory", True),
        (status(503, {"detail": f"not ready {SECRET}"}), r"failed \(503\): not ready \*\*\*", True),
        (status(429, {}, retry_after="5"), r"failed \(429\)", True),
        (status(422, {"detail": [{"msg": "field required"}]}), r"\(422\): field required", False),
        (status(401, {"detail": "who?"}), r"\(401\): set headers: who\?", False),
        (status(404, {"detail": "Not Found"}), r"has no /edit there \(404\).*base_url right", False),
        (lambda asked: RedirectResponse("/login"), r"has no /edit there \(307\)", False),
        (
            lambda asked: HTMLResponse("<!doctype html>"),
            "answered with a web page: is the base_url right",
            False,
        ),
        (lambda asked: HTMLResponse("<html>", 502), r"web page.*\(502\)", True),
        (lambda asked: Response("fine", media_type="text/plain"), "no JSON: fine", True),
    ],
)
async def test_what_goes_wrong_is_one_clear_line(
    images: Images,
    url: str,
    answer: Answer,
    message: str,
    retryable: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    images.always = answer
    with pytest.raises(EditorFailed, match=message) as caught:
        await edited(url, headers={"Authorization": SECRET})
    assert str(caught.value).startswith(url)
    assert "\n" not in str(caught.value)
    assert caught.value.retryable is retryable
    assert images.asked[0].headers["authorization"] == SECRET
    assert SECRET not in str(caught.value) + repr(caught.value) + caplog.text


async def test_nobody_is_there() -> None:
    async with editor(unused_address()) as made:
        with pytest.raises(EditorFailed, match=r"cannot be reached .*is it running"):
            await made.check()
        [item] = await made.edit([EditRequest(SOURCE, "x")])
    assert isinstance(item, EditorFailed)
    assert item.retryable


async def test_a_call_that_hangs_ends_at_its_time_limit(images: Images, url: str) -> None:
    hanging = Hanging()
    images.answers.append(hanging)
    with pytest.raises(EditorFailed, match=r"gave no picture within 0.3 s: set timeout higher"):
        await edited(url, timeout=0.3)
    hanging.let_go.set()


async def test_a_busy_server_is_asked_again(
    images: Images, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    from thinkedit.adapters.editors.remote import servers

    monkeypatch.setattr(servers, "_sleep", sleep)
    images.answers.extend(
        [status(503, {}, retry_after="4"), status(200, {"success": False, "error": "full"})]
    )
    await edited(url, max_retries=2)
    assert len(images.asked) == 3
    assert waited[0] == 4
    assert waited[1] == pytest.approx(1, abs=0.3)


async def test_check_and_describe(images: Images, url: str) -> None:
    async with editor([url, unused_address()], steps=4, headers={"X-Auth": SECRET}) as made:
        await made.check()
        lines = await made.describe()
        seen = [repr(made), str(vars(made)), made.identity, *lines]
    assert "num_inference_steps=4" in lines[1]
    assert lines[2].endswith("healthy, busy with 0, 0 done; answers")
    assert "cannot be reached" in lines[3]
    assert SECRET not in "".join(seen)
    assert images.asked == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (JSONResponse({"gpu_manager_ready": False}), "has not loaded its model yet"),
        (JSONResponse({"detail": "no"}, 503), r"failed \(503\): no"),
        (HTMLResponse("<html>nginx</html>"), "web page"),
        (JSONResponse({"detail": "Not Found"}, 404), None),
    ],
)
async def test_check_tells_what_is_wrong(
    images: Images, url: str, answer: Response, message: str | None
) -> None:
    images.health = lambda: answer
    async with editor(url) as made:
        if message is None:
            await made.check()
        else:
            with pytest.raises(EditorFailed, match=message):
                await made.check()


async def test_nothing_is_lost_where_one_of_three_servers_is_killed() -> None:
    def make(urls: Any) -> EditThinkerEditor:
        return EditThinkerEditor(base_url=list(urls), area=32 * 16, at_once=4, max_retries=0)

    lines = await nothing_is_lost(make)
    assert "resting" in lines[-2]
    assert lines[-3].endswith("answers")
    assert lines[-1].endswith("answers")


async def test_every_size_comes_back_at_its_own() -> None:
    await every_size_comes_back(lambda urls: EditThinkerEditor(base_url=list(urls)))


async def test_a_mask_holds_and_a_free_size_is_the_models_own(images: Images, url: str) -> None:
    mask = np.zeros((48, 64, 3), np.uint8)
    mask[:, 32:] = 255
    masked = EditRequest(SOURCE, "x", mask=Picture.from_pixels(mask).data)
    images.size = (128, 96)
    async with editor(url) as made:
        [held, free] = await made.edit([masked, EditRequest(SOURCE, "x", size="free")])
    assert isinstance(held, EditedImage)
    assert isinstance(free, EditedImage)
    assert np.array_equal(held.picture.pixels()[:, :32], SOURCE.pixels()[:, :32])
    assert not np.array_equal(held.picture.pixels()[:, 32:], SOURCE.pixels()[:, 32:])
    assert free.picture.size == (128, 96)


def test_a_client_serves_one_event_loop_after_another(images: Images, url: str) -> None:
    made = EditThinkerEditor(base_url=url, area=64 * 48)

    async def once() -> None:
        [item] = await made.edit([EditRequest(SOURCE, "x")])
        assert isinstance(item, EditedImage)
        await made.aclose()

    anyio.run(once)
    anyio.run(once)
    assert len(images.asked) == 2


def test_what_changes_the_picture_is_in_the_identity_and_nothing_else() -> None:
    def named(**options: Any) -> str:
        return EditThinkerEditor(**{"base_url": "http://a", **options}).identity

    assert named() == named(base_url=["http://b:9", "http://c"], headers={"X": SECRET}, at_once=3, timeout=9)
    different = [
        named(), named(model="qwen-image-edit"), named(model="big"), named(steps=4), named(guidance=2),
        named(area=4096), named(extra={"x": 1}), named(image_guidance=1), named(negative_prompt=""),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "127.0.0.1:8007"}, "give an address that starts with http"),
        ({"base_url": []}, r"base_url is \[\]"),
        ({"base_url": [8007]}, "base_url holds 8007"),
        ({"base_url": "http://host:port"}, "is no address"),
        ({"base_url": f"http://me:{SECRET}@host"}, "user name or password"),
        ({"area": None}, "area is None"),
        ({"steps": 2.5}, "steps is 2.5: give a whole number from 1 to"),
        ({"guidance": "high"}, "guidance is 'high': give a number from 0 to"),
        ({"timeout": -1}, "timeout is -1"),
        ({"extra": "x"}, "extra is 'x'"),
        ({"at_once": 0}, "at_once is 0"),
        ({"rest": "long"}, "rest is 'long'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        create_editor("editthinker-api", {"base_url": "http://host", **options})
    assert SECRET not in str(caught.value)
