"""500 sessions whose models fail, hang, answer garbage or are cut off in 30 % of their calls."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.graph.kit import SETTINGS, SOURCE
from thinkedit.adapters.base import CritiqueRequest, EditRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedThinker, turn_of
from thinkedit.config import Config, Limits
from thinkedit.errors import EditorFailed, ThinkerFailed
from thinkedit.graph.runner import open_runner
from thinkedit.tools import think_edit
from thinkedit.types import Critique, EditResult, Status, StopReason

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SESSIONS, AT_ONCE, FAULTY = 500, 32, 0.3
PROMPT = "<answer>warmer still, way 7</answer>"
GARBAGE = (
    "Perfect! 10 out of 10.",
    "",
    f"<think>fine</think><score>[11, 10]</score>{PROMPT}",
    f'<think>fine</think><score>{{"semantic": "ten", "quality": 10}}</score>{PROMPT}',
    f"<score>[10, 10]</score><score>[2, 2]</score>{PROMPT}",
    f"<think>fine</think><score>[10, NaN]</score>{PROMPT}",
)
CUT_OFF = (
    "<think>as good as it can be, 10 and 10",
    '<think>fine</think><score>{"semantic": 10, "quality": 1',
    "<think>fine</think><score>[10, 10]</score><answer>warmer sti",
)


class Trouble:
    """What goes wrong with the n-th call, the same in each run of the test."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.happened: Counter[str] = Counter()

    def __call__(self) -> str | None:
        kind = None
        if self.random.random() < FAULTY:
            kind = self.random.choice(["fails", "hangs", "garbage", "cut off"])
        self.happened[kind or "works"] += 1
        return kind


def truth(request: CritiqueRequest) -> Critique:
    """5 in the first two turns, 9 from the third on."""
    score = 9.0 if turn_of(request) >= 3 else 5.0
    text = f"warmer, way {turn_of(request)}"
    return Critique(semantic=score, quality=score, reasoning="looked at", next_prompt=text)


def thinker(trouble: Trouble) -> ScriptedThinker:
    hanging: set[int] = set()

    def line(request: CritiqueRequest) -> Any:
        match trouble():
            case "fails":
                return ThinkerFailed("the server answered 503")
            case "hangs":
                hanging.add(id(request))
            case "garbage":
                return trouble.random.choice(GARBAGE)
            case "cut off":
                return trouble.random.choice(CUT_OFF)
        return truth(request)

    class Hanging(ScriptedThinker):
        async def critique(self, request: CritiqueRequest) -> Critique:
            said = await super().critique(request)
            if id(request) in hanging:
                hanging.discard(id(request))
                await anyio.sleep_forever()
            return said

    return Hanging(line)


def editor(trouble: Trouble) -> ScriptedEditor:
    def fault(number: int, request: EditRequest) -> Any:
        match trouble():
            case "fails":
                return EditorFailed("CUDA out of memory")
            case "hangs":
                return "hang"
            case "garbage":
                return ValueError("not the error that its contract names")
            case "cut off":
                return EditorFailed("the connection was closed in the middle of an answer")
        return None

    return ScriptedEditor(size="tiny", faults=fault)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files in /proc")
async def test_each_ends_with_a_result_or_a_clear_reason(tmp_path: Path) -> None:
    edits, critiques = Trouble(1), Trouble(2)
    models = Models(editors={"e": editor(edits)}, thinkers={"t": thinker(critiques)})
    config = Config(data=tmp_path / "data", loop=SETTINGS, limits=Limits(sessions=AT_ONCE, queue=SESSIONS))
    settings = SETTINGS.model_copy(update={"retries": 3, "edit_timeout": 0.5, "critique_timeout": 0.5})
    results: list[EditResult] = []
    files, threads, tasks = open_files(), other_threads(), asyncio.all_tasks()

    async with open_runner(config, models) as runner:

        async def one(number: int) -> None:
            told = f"make it warmer, number {number}"
            results.append(await think_edit(SOURCE, told, settings=settings, runner=runner))

        async with anyio.create_task_group() as group:
            for number in range(SESSIONS):
                group.start_soon(one, number)

    for trouble in (edits, critiques):
        assert 1 - trouble.happened["works"] / trouble.happened.total() == pytest.approx(FAULTY, abs=0.05)
        assert min(trouble.happened[kind] for kind in ("fails", "hangs", "garbage", "cut off")) > 20
    assert len(results) == SESSIONS
    reasons = Counter(result.stop_reason for result in results)
    assert set(reasons) <= {StopReason.SATISFIED, StopReason.EDITOR_FAILED, StopReason.THINKER_FAILED}
    assert reasons[StopReason.SATISFIED] > SESSIONS * 0.8
    assert reasons.total() - reasons[StopReason.SATISFIED] > 0, "no session met four faults in a row"
    for result in results:
        assert result.why
        assert "\n" not in result.why
        assert "Traceback" not in result.why
        made = [turn for turn in result.turns if turn.image is not None]
        assert (result.image is not None) == bool(made)
        if result.stop_reason is StopReason.SATISFIED:
            chosen = next(turn for turn in result.turns if turn.turn == result.selected_turn)
            assert chosen.critique is not None
            assert (chosen.turn, chosen.critique.semantic, chosen.critique.quality) == (3, 9, 9)
            assert chosen.critique.reasoning == "looked at"
        else:
            assert result.status is Status.FAILED
    assert open_files() <= files
    assert other_threads() <= threads
    assert asyncio.all_tasks() == tasks


def other_threads() -> set[Callable[..., Any] | str]:
    """Threads but those that anyio keeps for its next work."""
    return {thread.name for thread in threading.enumerate() if thread.name != "AnyIO worker thread"}
