"""Several endpoints, limits on how many requests at once, and waiting."""

from __future__ import annotations

import anyio
import pytest

from tests.adapters.thinkers.chat.kit import GOOD, KEY, MODELS, PROVIDERS, request, slept, thinking, url
from tests.adapters.thinkers.chat.wire import Reply, Wire, openai, serving
from thinkedit.adapters.thinkers.chat import ChatThinker
from thinkedit.adapters.thinkers.chat.asking import Waiting
from thinkedit.errors import ThinkerFailed

pytestmark = [pytest.mark.models, pytest.mark.anyio]


async def test_work_goes_on_where_one_endpoint_fails(wire: Wire) -> None:
    with serving() as other:
        wire.replies = [Reply({"error": {"message": "out of memory"}}, 500)]
        other.replies = [openai()]
        both = [url("openai", wire), url("openai", other)]
        async with thinking("openai", wire, base_url=both) as thinker:
            for _ in range(4):
                assert (await thinker.critique(request())).semantic == 6
            lines = await thinker.describe()
            assert slept(thinker) == [], "another endpoint is asked at once"
        assert len(wire.posts) == 1, "one that failed is left for a while"
        assert len(other.posts) == 4
        assert any("resting" in line and "out of memory" in line for line in lines)


async def test_all_endpoints_failing_is_waited_out(wire: Wire) -> None:
    with serving() as other:
        wire.replies = [Reply({}, 503), openai()]
        other.replies = [Reply({}, 503), openai()]
        both = [url("openai", wire), url("openai", other)]
        async with thinking("openai", wire, base_url=both) as thinker:
            assert (await thinker.critique(request())).semantic == 6
            assert slept(thinker) == [0.5]


async def test_no_more_at_once_than_allowed(wire: Wire) -> None:
    wire.replies = [Reply(openai().body, company=2)]
    async with thinking("openai", wire, at_once=2) as thinker:
        async with anyio.create_task_group() as group:
            for seed in range(6):
                group.start_soon(thinker.critique, request(look=seed))
        assert len(wire.posts) == 6
    assert wire.most == 2


async def test_a_cancelled_critique_lets_go_of_its_place(wire: Wire) -> None:
    wire.replies = [Reply(None, hang=True)]
    async with thinking("openai", wire, at_once=1) as thinker:
        async with anyio.create_task_group() as group:
            group.start_soon(thinker.critique, request())
            await wire.came(1)
            group.cancel_scope.cancel()
        wire.replies = [openai()]
        assert (await thinker.critique(request())).semantic == 6


@pytest.mark.parametrize("provider", PROVIDERS)
def test_one_thinker_works_in_one_event_loop_after_another(provider: str, wire: Wire) -> None:
    """As `think_edit_sync` has them: connections of a loop that is gone must not be taken up again."""
    wire.replies = [GOOD[provider]()]
    thinker = ChatThinker(f"{provider}:{MODELS[provider]}", base_url=url(provider, wire), api_key=KEY)
    for _ in range(3):
        assert anyio.run(once, thinker) == 6
    assert len(wire.posts) == 3


async def once(thinker: object) -> float | None:
    critique = await thinker.critique(request())  # type: ignore[attr-defined]
    await thinker.aclose()  # type: ignore[attr-defined]
    return critique.semantic  # type: ignore[no-any-return]


def test_pauses_double_up_to_a_limit_and_hold_what_is_asked() -> None:
    waiting = Waiting(chance=lambda: 1.0)
    assert [waiting.seconds(n, None) for n in (1, 2, 3, 9)] == [0.5, 1.0, 2.0, 20.0]
    assert waiting.seconds(1, 30) == pytest.approx(33)
    lucky = Waiting(chance=lambda: 0.0)
    assert lucky.seconds(1, None) == 0.25
    assert lucky.seconds(3, 0.1) == 1.0


async def test_a_fault_of_the_request_is_not_taken_to_the_next_endpoint(wire: Wire) -> None:
    with serving() as other:
        for server in (wire, other):
            server.replies = [Reply({"error": {"message": "image is not valid"}}, 400)]
        both = [url("openai", wire), url("openai", other)]
        async with thinking("openai", wire, base_url=both) as thinker:
            with pytest.raises(ThinkerFailed, match="did not take the request"):
                await thinker.critique(request())
        assert len(wire.posts) + len(other.posts) == 1
