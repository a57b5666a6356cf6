"""What can go wrong at servers with OpenAI's images API: told in one line, worked around, no key shown."""

from __future__ import annotations

import importlib.util
import logging
import socket
import traceback
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tests.adapters.editors.loopback import Answer, Asked, Hanging, Images, serving, unused_address
from tests.adapters.editors.openai_kit import (
    SECRET,
    OpenAIImagesEditor,
    edited,
    editor,
    error,
    picture,
    status,
)
from tests.adapters.editors.remote import nothing_is_lost
from thinkedit.adapters.base import EditedImage, EditRequest
from thinkedit.adapters.registry import create_editor
from thinkedit.errors import (
    EditError,
    EditorFailed,
    EditRefused,
    MissingExtra,
)

pytestmark = [pytest.mark.models, pytest.mark.anyio]


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def url(images: Images) -> Iterator[str]:
    with serving(images.app) as address:
        yield f"{address}/v1"


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
