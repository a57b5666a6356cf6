"""Over MCP: several looks, another refiner, a safety check that is the operator's, tokens and steps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.conftest import Serve, error_of, taken_apart
from thinkedit.adapters.base import SafetyRequest, SafetyVerdict
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.thinkers.scripted import ScriptedThinker, rising
from thinkedit.config import Config
from thinkedit.types import Critique, Usage

pytestmark = pytest.mark.anyio

WARMER = {"instruction": "make it warmer"}


def no_dragons(request: SafetyRequest) -> SafetyVerdict:
    return SafetyVerdict("dragon" not in request.prompt + request.instruction, "dragons burn")


def counting(request: Any) -> Critique:
    return rising(request).model_copy(update={"usage": Usage(input_tokens=1000, output_tokens=20)})


async def test_looks_refiner_and_selection_are_arguments(serve: Serve, garden: str) -> None:
    async with serve(thinker=ScriptedThinker(counting)) as served:
        asked = {"passes": 2, "refiner": "scripted", "select": "pairwise", "turns": 2, "image": garden}
        answer = taken_apart(await served.client.call_tool("think_edit", {**asked, **WARMER}))
        assert answer.data["turns"][1]["prompt"] == "make it warmer (refined for turn 2)"
        assert "Both orders of comparison disagree" in answer.data["why"]
        assert [turn["usage"] for turn in answer.data["turns"]] == [
            {"input_tokens": 2000, "output_tokens": 40}
        ] * 2
        assert "Critiques took 4,000 tokens in and 80 out." in answer.text
        pair = {"source": garden, "edited": garden, **WARMER}
        judged = taken_apart(await served.client.call_tool("critique_image", {**pair, "passes": 3}))
        assert judged.data["usage"] == {"input_tokens": 3000, "output_tokens": 60}
        assert "Critiques took 3,000 tokens in and 60 out." in judged.text
        refined = await served.client.call_tool("refine_instruction", {**pair, "refiner": "scripted"})
        assert taken_apart(refined).data["prompt"] == "make it warmer (refined for turn 2)"


async def test_nothing_is_said_of_tokens_that_nobody_counts(serve: Serve, garden: str) -> None:
    async with serve() as served:
        answer = taken_apart(await served.client.call_tool("think_edit", {"image": garden, **WARMER}))
    assert "Critiques took" not in answer.text
    assert answer.data["turns"][0]["usage"] is None


async def test_the_operators_safety_check_holds_and_callers_cannot_choose_another(
    serve: Serve, garden: str, config: Config
) -> None:
    config.loop.safety = "python:tests.server.test_looks:no_dragons"
    async with serve() as served:
        call = served.client.call_tool
        said = "the safety check refused the {}: dragons burn"
        line = error_of(await call("think_edit", {"image": garden, "instruction": "add a dragon"}))
        assert line == said.format("instruction")
        line = error_of(await call("edit_image", {"image": garden, "prompt": "add a dragon"}))
        assert line == said.format("prompt")
        assert served.editor.calls == 0
        line = error_of(await call("think_edit", {"image": garden, **WARMER, "safety": "scripted"}))
        assert "has no argument 'safety'" in line
        assert (await call("think_edit", {"image": garden, **WARMER})).is_error is not True


async def test_steps_of_a_model_come_through(serve: Serve, garden: str) -> None:
    notes: list[tuple[float, float | None, str]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        notes.append((progress, total, message or ""))

    async with serve(editor=ScriptedEditor(steps=28)) as served:
        for tool, arguments in (("think_edit", WARMER), ("edit_image", {"prompt": "warmer"})):
            notes.clear()
            await served.client.call_tool(tool, {"image": garden, **arguments}, progress_callback=note)
            values = [progress for progress, _, _ in notes]
            assert values == sorted(set(values))
            assert any(message.endswith("step 28 of 28") for _, _, message in notes)
            assert notes[-1][0] == notes[-1][1]
