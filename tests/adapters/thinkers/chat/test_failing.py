"""Every way in which a provider says no: one clear line, tried again where that helps, and never the key."""

from __future__ import annotations

import logging
import socket
import time
from email.utils import formatdate
from typing import Any, ClassVar

import pytest

from tests.adapters.thinkers.chat.kit import GOOD, KEY, MODELS, PROVIDERS, request, slept, thinking
from tests.adapters.thinkers.chat.wire import Reply, Wire, anthropic, gemini, ollama, openai
from thinkedit.adapters.thinkers.chat import ChatThinker
from thinkedit.adapters.thinkers.chat.faults import explain
from thinkedit.errors import AnswerError, ThinkerFailed

pytestmark = [pytest.mark.models, pytest.mark.anyio]

HTML = "<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body>Hello</body></html>"


def broken(
    provider: str, status: int, message: str, headers: dict[str, str] | None = None, **more: Any
) -> Reply:
    """An error in the provider's own form."""
    body: dict[str, Any] = {
        "openai": {"error": {"message": message, "type": "invalid_request_error", "param": None} | more},
        "anthropic": {
            "type": "error",
            "error": {"type": "error", "message": message} | more,
            "request_id": "r",
        },
        "google_genai": {"error": {"code": status, "message": message, "status": "FAILED"} | more},
        "ollama": {"error": message},
    }[provider]
    return Reply(body, status, headers or {})


async def failing(provider: str, wire: Wire, **options: Any) -> ThinkerFailed | AnswerError:
    async with thinking(provider, wire, **{"structured": False, "max_retries": 0, **options}) as thinker:
        with pytest.raises((ThinkerFailed, AnswerError)) as caught:
            await thinker.critique(request())
    error = caught.value
    assert "\n" not in str(error)
    assert len(str(error)) < 700
    assert KEY not in f"{error!r} {error.__cause__!r} {error.__context__!r}"
    return error


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_wrong_key_is_one_line(provider: str, wire: Wire) -> None:
    status = 400 if provider == "google_genai" else 401
    said = "API key not valid." if provider == "google_genai" else f"Incorrect API key provided: {KEY}"
    wire.replies = [broken(provider, status, said)]
    error = await failing(provider, wire, max_retries=3)
    assert "the API key was not accepted" in str(error)
    # An Ollama on this machine is the very server that the client would ask by itself.
    advice = (
        "set the variable OLLAMA_API_KEY" if provider == "ollama" else "this server's key with api_key_env"
    )
    assert advice in str(error)
    assert not error.retryable
    assert len(wire.posts) == 1


@pytest.mark.parametrize(
    ("provider", "variable"),
    [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY"), ("google_genai", "GOOGLE_API_KEY")],
)
def test_a_wrong_key_for_the_provider_names_its_variable(provider: str, variable: str) -> None:
    class Denied(Exception):
        status_code = 401
        body: ClassVar[dict[str, Any]] = {"error": {"message": f"bad {KEY}"}}

    settings = ChatThinker(f"{provider}:{MODELS[provider]}", api_key=KEY).asker.settings
    said = str(explain(Denied(), settings, "https://api.example"))
    assert f"set the variable {variable}, or name another one with api_key_env" in said
    assert KEY not in said


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_providers_key_is_not_sent_to_another_server(
    provider: str, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.setenv(name, KEY)
    wire.replies = [GOOD[provider]()]
    wire.models = Reply({"models": [{"name": MODELS[provider]}]})
    async with thinking(provider, wire, api_key=None, structured=False) as thinker:
        await thinker.check()
        await thinker.critique(request())
    assert len(wire.seen) == 2
    assert KEY not in " ".join(value for one in wire.seen for value in one.headers.values())


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_unknown_model(provider: str, wire: Wire) -> None:
    wire.replies = [broken(provider, 404, f"The model `{MODELS[provider]}` does not exist")]
    error = await failing(provider, wire)
    assert f"{provider}'s {MODELS[provider]} at {wire.url}" in str(error)
    assert "no such model" in str(error)
    assert "does not exist" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_rate_limit_is_waited_out(provider: str, wire: Wire) -> None:
    wire.replies = [broken(provider, 429, "slow down", {"retry-after": "7"}), GOOD[provider]()]
    async with thinking(provider, wire, structured=False) as thinker:
        assert (await thinker.critique(request())).semantic == 6
        assert slept(thinker) == [pytest.approx(7.7)], "never less than asked"
    assert len(wire.posts) == 2


async def test_googles_own_delay_and_dates_are_heard(wire: Wire) -> None:
    info = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12s"}]
    wire.replies = [broken("google_genai", 429, "quota", details=info), gemini()]
    async with thinking("google_genai", wire, structured=False) as thinker:
        await thinker.critique(request())
        assert slept(thinker) == [pytest.approx(13.2)]
    later = formatdate(time.time() + 30, usegmt=True)
    wire.replies = [broken("anthropic", 429, "slow down", {"retry-after": later}), anthropic()]
    async with thinking("anthropic", wire) as thinker:
        await thinker.critique(request())
        assert 25 < slept(thinker)[0] < 34


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [500, 502, 503, 529])
async def test_overload_is_tried_again_with_growing_pauses(provider: str, status: int, wire: Wire) -> None:
    over = broken(provider, status, "Overloaded", type="overloaded_error")
    wire.replies = [over, over, over, GOOD[provider]()]
    async with thinking(provider, wire, structured=False) as thinker:
        await thinker.critique(request())
        assert slept(thinker) == [0.5, 1.0, 2.0]
    assert len(wire.posts) == 4, "our tries alone, none of the client's own"


async def test_tries_are_bounded(wire: Wire) -> None:
    wire.replies = [broken("openai", 503, "busy")]
    error = await failing("openai", wire, max_retries=2)
    assert len(wire.posts) == 3
    assert error.retryable
    assert "is overloaded (503: busy" in str(error)


async def test_a_wait_that_is_too_long_is_not_begun(wire: Wire) -> None:
    wire.replies = [broken("openai", 429, "come back tomorrow", {"retry-after": "86400"})]
    error = await failing("openai", wire, max_retries=3, timeout=60)
    assert len(wire.posts) == 1
    assert "more than is waited here" in str(error)
    assert error.retryable


async def test_no_credit_is_not_tried_again(wire: Wire) -> None:
    said = "You exceeded your current quota, please check your plan and billing details."
    wire.replies = [broken("openai", 429, said, code="insufficient_quota")]
    error = await failing("openai", wire, max_retries=3)
    assert "no credit left" in str(error)
    assert not error.retryable
    assert len(wire.posts) == 1


REFUSALS = [
    ("openai", openai(None, refusal="I'm sorry, I can't help with that."), "I'm sorry, I can't help"),
    ("openai", openai("", finish="content_filter"), "content_filter"),
    (
        "openai",
        broken("openai", 400, "filtered", code="content_policy_violation"),
        "content_policy_violation",
    ),
    ("anthropic", anthropic("I can't judge this.", stop="refusal"), "stopped with refusal I can't judge"),
    ("anthropic", anthropic(None, stop="refusal"), "stopped with refusal"),
    ("google_genai", gemini(blocked="SAFETY"), "the prompt was blocked, SAFETY"),
    ("google_genai", gemini(blocked="PROHIBITED_CONTENT"), "blocked, PROHIBITED_CONTENT"),
    ("google_genai", gemini(None, finish="SAFETY"), "stopped with SAFETY"),
    ("google_genai", gemini(None, finish="PROHIBITED_CONTENT"), "stopped with PROHIBITED_CONTENT"),
]


@pytest.mark.parametrize(("provider", "reply", "reason"), REFUSALS)
@pytest.mark.parametrize("structured", [False, True])
async def test_a_refusal_is_failed_with_the_reason(
    provider: str, reply: Reply, reason: str, structured: bool, wire: Wire
) -> None:
    wire.replies = [reply]
    error = await failing(provider, wire, max_retries=3, structured=structured)
    assert isinstance(error, ThinkerFailed)
    assert "refused" in str(error)
    assert reason in str(error)
    assert not error.retryable
    assert len(wire.posts) == 1, "neither tried again nor corrected"


CUT = [
    ("openai", openai("<think>The sky", finish="length")),
    ("anthropic", anthropic("<think>The sky", stop="max_tokens")),
    ("google_genai", gemini("<think>The sky", finish="MAX_TOKENS")),
    ("ollama", ollama("<think>The sky", done="length")),
]


@pytest.mark.parametrize(("provider", "reply"), CUT)
@pytest.mark.parametrize("structured", [False, True])
async def test_a_truncated_answer_says_so(provider: str, reply: Reply, structured: bool, wire: Wire) -> None:
    wire.replies = [reply]
    error = await failing(provider, wire, max_tokens=300, corrective_retry=False, structured=structured)
    assert isinstance(error, AnswerError)
    assert "cut off at max_tokens = 300" in str(error)
    assert error.raw == "<think>The sky"


@pytest.mark.parametrize(
    ("provider", "reply"),
    [("openai", openai("")), ("anthropic", anthropic(None)), ("google_genai", gemini(None))],
)
async def test_an_empty_answer_is_asked_for_once_more(provider: str, reply: Reply, wire: Wire) -> None:
    wire.replies = [reply]
    error = await failing(provider, wire, corrective_retry=True)
    assert isinstance(error, AnswerError)
    assert "the answer is empty" in str(error)
    assert len(wire.posts) == 2
    turns = wire.posts[1].body.get("messages") or wire.posts[1].body["contents"]
    assert len(turns) == 1, "no empty message of the model is sent back"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_page_instead_of_an_answer(provider: str, wire: Wire) -> None:
    wire.replies = [Reply(HTML)]
    error = await failing(provider, wire)
    assert "an HTML page ('Welcome to nginx!')" in str(error)
    assert "base_url" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_something_else_instead_of_an_answer(provider: str, wire: Wire) -> None:
    wire.replies = [Reply("garbage {", headers={"content-type": "application/json"})]
    error = await failing(provider, wire)
    assert f"{provider}'s {MODELS[provider]} at {wire.url}" in str(error)
    assert "gave something that is no answer of a chat model" in str(error)
    assert error.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("status", "retryable"), [(404, False), (502, True)])
async def test_a_page_with_an_error(provider: str, status: int, retryable: bool, wire: Wire) -> None:
    wire.replies = [Reply(HTML, status)]
    error = await failing(provider, wire)
    assert "<" not in str(error)
    assert str(status) in str(error)
    assert "an HTML page" in str(error)
    assert error.retryable is retryable


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_server_that_never_answers(provider: str, wire: Wire) -> None:
    wire.replies = [Reply(None, hang=True)]
    error = await failing(provider, wire, timeout=1, max_retries=3)
    assert "no answer within 1 s" in str(error)
    assert error.retryable
    assert len(wire.posts) <= 1, "the loop tries again, not this"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_nobody_listens(provider: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with thinking(provider, address, max_retries=1) as thinker:
            for ask in (lambda: thinker.critique(request()), thinker.check):
                with pytest.raises(ThinkerFailed, match="cannot be reached") as caught:
                    await ask()
                assert address in str(caught.value)
                assert caught.value.retryable
            assert len(slept(thinker)) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_checking_finds_a_wrong_key_and_a_wrong_server(provider: str, wire: Wire) -> None:
    async with thinking(provider, wire) as thinker:
        wire.models = broken(provider, 401, f"bad key {KEY}")
        with pytest.raises(ThinkerFailed, match="the API key was not accepted") as caught:
            await thinker.check()
        assert KEY not in str(caught.value)
        wire.models = Reply(HTML)
        with pytest.raises(ThinkerFailed, match="HTML page"):
            await thinker.check()


@pytest.mark.parametrize(
    ("status", "words"), [(403, "may not list"), (429, "slow down"), (404, "does not list")]
)
async def test_a_server_that_only_does_not_list_its_models_is_there(
    status: int, words: str, wire: Wire
) -> None:
    async with thinking("openai", wire) as thinker:
        wire.models = broken("openai", status, "no")
        await thinker.check()
        assert any("reached" in line and words in line for line in await thinker.describe())


async def test_a_model_that_ollama_has_not_fetched(wire: Wire) -> None:
    wire.models = Reply({"models": [{"name": "llama3:8b"}]})
    async with thinking("ollama", wire) as thinker:
        with pytest.raises(ThinkerFailed, match="run `ollama pull qwen3-vl`") as caught:
            await thinker.check()
        assert not caught.value.retryable


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_key_is_in_no_log(provider: str, wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wire.replies = [broken(provider, 503, f"no room for {KEY}"), GOOD[provider]()]
    async with thinking(provider, wire, structured=False) as thinker:
        await thinker.critique(request())
        await failing_quietly(thinker, wire, provider)
    assert caplog.records, "what the providers' own clients log is looked at too"
    assert KEY not in caplog.text
    assert KEY not in f"{thinker!r} {thinker.identity} {thinker.asker.settings!r} {vars(thinker)!r}"


async def failing_quietly(thinker: Any, wire: Wire, provider: str) -> None:
    wire.replies = [broken(provider, 400, f"bad request with {KEY}")]
    with pytest.raises(ThinkerFailed) as caught:
        await thinker.critique(request())
    assert KEY not in str(caught.value)
    assert "***" in str(caught.value)


async def test_an_argument_that_the_client_does_not_like(wire: Wire) -> None:
    extra = {"top_p": "plenty", "default_headers": {"authorization": KEY}}
    error = await failing("openai", wire, extra=extra, max_retries=3)
    assert "openai's gpt-4.1 cannot be set up" in str(error)
    assert "top_p" in str(error)
    assert not error.retryable
    assert wire.posts == []
