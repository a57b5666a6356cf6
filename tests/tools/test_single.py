"""edit_image, critique_image and refine_instruction: one step at a time, with the loop's care."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.graph.kit import INSTRUCTION, SOURCE, Seen, begun, edited, numbered, running, scored
from thinkedit.adapters.base import RefineRequest
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.models import Models
from thinkedit.adapters.thinkers.scripted import ScriptedCritic, ScriptedThinker
from thinkedit.errors import (
    AnswerError,
    EditorFailed,
    EditRefused,
    ImageError,
    InputError,
    InstructionError,
    NotFoundError,
    SettingsError,
    ThinkerFailed,
    UnsupportedEdit,
)
from thinkedit.tools import critique_image, edit_image, refine_instruction
from thinkedit.types import Critique, CritiqueState, Usage

pytestmark = pytest.mark.anyio


async def test_one_editor_pass_gives_what_the_first_turn_would() -> None:
    first = (await edited(None, ScriptedThinker(numbered(9)))).turns[0]
    seen = Seen()
    async with running(seen.editor()) as runner:
        result = await edit_image(SOURCE, f" {INSTRUCTION} ", seed=100, runner=runner)
        assert await runner.ledger.sessions() == [], "one pass is no session"
        assert await runner.ledger.may_use("", result.image.sha256)
        again = await edit_image(result.image.uri, "more", runner=runner)
    assert result.image == first.image
    assert (result.prompt, result.seed) == (INSTRUCTION, 100)
    assert again.source == result.image


async def test_the_result_is_written_and_never_over_a_file(tmp_path: Path) -> None:
    editor = ScriptedEditor(size="tiny")
    async with running(editor) as runner:
        result = await edit_image(SOURCE, INSTRUCTION, output=tmp_path / "a.png", runner=runner)
        assert result.image.path == str(tmp_path / "a.png")
        with pytest.raises(InputError, match="exists already"):
            await edit_image(SOURCE, INSTRUCTION, output=tmp_path / "a.png", runner=runner)
    assert editor.calls == 1


@pytest.mark.parametrize(
    ("faults", "error", "calls"),
    [
        ({1: EditorFailed("busy")}, None, 2),
        ({n: EditorFailed("busy") for n in range(9)}, EditorFailed, 3),
        ({1: EditorFailed("no", retryable=False)}, EditorFailed, 1),
        ({1: UnsupportedEdit("what?", ("what",))}, UnsupportedEdit, 1),
        ({1: EditRefused("no")}, EditRefused, 1),
        ({n: RuntimeError("odd") for n in range(9)}, EditorFailed, 3),
    ],
)
async def test_failures_are_tried_again_and_refusals_are_not(
    faults: dict[int, Exception], error: Any, calls: int
) -> None:
    editor = ScriptedEditor(size="tiny", faults=faults)
    async with running(editor) as runner:
        if error is None:
            await edit_image(SOURCE, INSTRUCTION, runner=runner)
        else:
            with pytest.raises(error):
                await edit_image(SOURCE, INSTRUCTION, runner=runner)
    assert editor.calls == calls


@pytest.mark.parametrize(
    ("image", "prompt", "options", "error"),
    [
        (b"text", INSTRUCTION, {}, ImageError),
        (SOURCE, " ", {}, InstructionError),
        (SOURCE, INSTRUCTION, {"seed": -1}, SettingsError),
        (SOURCE, INSTRUCTION, {"editor": "brush"}, SettingsError),
    ],
)
async def test_what_an_edit_cannot_use(image: Any, prompt: str, options: dict[str, Any], error: Any) -> None:
    async with running() as runner:
        with pytest.raises(error):
            await edit_image(image, prompt, runner=runner, **options)


async def test_a_critique_of_two_pictures() -> None:
    seen = Seen()
    thinker = seen.thinker([scored(9, 4, "less")])
    async with running(None, thinker) as runner:
        judged = await critique_image(SOURCE, SOURCE, INSTRUCTION, runner=runner)
        refined = await refine_instruction(SOURCE, SOURCE, INSTRUCTION, prompt="told", runner=runner)
    assert (judged.semantic, judged.quality, judged.overall, judged.satisfied) == (9, 4, 6.0, False)
    assert judged.reasoning == "worth 9"
    assert (refined.prompt, refined.why, refined.satisfied) == ("less", "worth 9", False)
    assert [request.prompt for request in seen.critiques] == [INSTRUCTION, "told"]


async def test_a_critique_of_a_turn_is_the_recorded_one() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(numbered(3, 7, 5))) as runner:
        result = await begun(runner, turns=3)
        made = len(seen.critiques)
        best = await critique_image(session_id=result.session_id, runner=runner)
        third = await critique_image(session_id=result.session_id, turn=3, runner=runner)
        refined = await refine_instruction(session_id=result.session_id, turn=3, runner=runner)
        assert (best.semantic, third.semantic, refined.prompt) == (7, 5, "prompt 4")
        assert len(seen.critiques) == made, "nothing was asked again"
        judged = await critique_image(session_id=result.session_id, turn=3, thinker="t", runner=runner)
    assert judged.semantic == 5
    assert [past.turn for past in seen.critiques[-1].history] == [1, 2], "asked as it was in the loop"
    assert seen.critiques[-1] == seen.critiques[2]


async def test_satisfied_is_by_the_threshold_that_was_given() -> None:
    async with running(None, ScriptedThinker([scored(6)])) as runner:
        assert (await critique_image(SOURCE, SOURCE, "x", threshold=6, runner=runner)).satisfied
        assert not (await critique_image(SOURCE, SOURCE, "x", runner=runner)).satisfied
        with pytest.raises(SettingsError):
            await critique_image(SOURCE, SOURCE, "x", threshold=60, runner=runner)


@pytest.mark.parametrize(
    "arguments",
    [{}, {"source": SOURCE, "edited": SOURCE}, {"source": SOURCE, "instruction": "x"}, {"turn": 1}],
)
async def test_a_critique_needs_pictures_or_a_session(arguments: dict[str, Any]) -> None:
    async with running() as runner:
        with pytest.raises(InputError, match="give source, edited and instruction; or session_id"):
            await critique_image(runner=runner, **arguments)


async def test_a_turn_without_an_image_and_a_foreign_session_are_not_there() -> None:
    async with running(None, ScriptedThinker(numbered(9))) as runner:
        result = await begun(runner, owner="me")
        with pytest.raises(NotFoundError, match="no session"):
            await critique_image(session_id=result.session_id, runner=runner)
        with pytest.raises(NotFoundError, match="turns that have: 1"):
            await critique_image(session_id=result.session_id, turn=2, runner=runner, owner="me")


@pytest.mark.parametrize(
    ("line", "error", "calls"),
    [
        (ThinkerFailed("gone"), ThinkerFailed, 3),
        (ThinkerFailed("no", retryable=False), ThinkerFailed, 1),
        (AnswerError("no tags"), AnswerError, 3),
        (KeyError("choices"), ThinkerFailed, 3),
        (Critique(state=CritiqueState.UNPARSEABLE, reasoning="mumbled", stop=True), ThinkerFailed, 3),
    ],
)
async def test_a_thinker_that_gives_no_critique_is_an_error_and_never_a_pass(
    line: Any, error: Any, calls: int
) -> None:
    thinker = ScriptedThinker([line])
    async with running(None, thinker) as runner:
        with pytest.raises(error):
            await critique_image(SOURCE, SOURCE, INSTRUCTION, runner=runner)
    assert thinker.calls == calls


async def test_a_model_that_hangs_ends_at_its_limit() -> None:
    thinker = ScriptedThinker(faults=lambda number, _: "hang")
    editor = ScriptedEditor(size="tiny", faults=lambda number, _: "hang")
    limits = {"edit_timeout": 0.02, "critique_timeout": 0.02, "retries": 0}
    async with running(editor, thinker) as runner:
        runner.config.loop = runner.config.loop.model_copy(update=limits)
        with pytest.raises(EditorFailed, match=r"within 0\.02 s"):
            await edit_image(SOURCE, INSTRUCTION, runner=runner)
        with pytest.raises(ThinkerFailed, match=r"within 0\.02 s"):
            await critique_image(SOURCE, SOURCE, INSTRUCTION, runner=runner)


async def test_several_looks_are_averaged_and_a_broken_one_is_left_out() -> None:
    looks: list[Any] = [scored(3), ThinkerFailed("gone"), scored(6)]
    used = Usage(input_tokens=5, output_tokens=1)

    def script(request: Any) -> Any:
        line = looks[request.look]
        return line if isinstance(line, Exception) else line.model_copy(update={"usage": used})

    async with running(None, ScriptedThinker(script)) as runner:
        judged = await critique_image(SOURCE, SOURCE, INSTRUCTION, passes=3, runner=runner)
        assert (judged.semantic, judged.usage) == (4.5, Usage(input_tokens=10, output_tokens=2))
        assert "1 of 3 looks" in judged.reasoning
        looks[:] = [ThinkerFailed("gone")] * 3
        with pytest.raises(ThinkerFailed, match="none of 3 looks gave a critique; the first: gone"):
            await critique_image(SOURCE, SOURCE, INSTRUCTION, passes=3, runner=runner)


async def test_more_looks_at_a_turn_are_asked_for() -> None:
    seen = Seen()
    async with running(seen.editor(), seen.thinker(numbered(3, 7))) as runner:
        result = await begun(runner, turns=2)
        made = len(seen.critiques)
        await critique_image(session_id=result.session_id, turn=1, passes=2, runner=runner)
    assert [request.look for request in seen.critiques[made:]] == [0, 1]


async def test_a_refiner_writes_the_prompt_from_the_thinkers_critique() -> None:
    asked: list[RefineRequest] = []

    def refined(request: RefineRequest) -> str:
        asked.append(request)
        return " better words "

    refiner = ScriptedThinker(refined=refined)
    models = Models(
        editors={"e": ScriptedEditor(size="tiny")},
        thinkers={"t": ScriptedCritic(numbered(3, 5)), "r": refiner},
    )
    async with running(models=models) as runner:
        one = await refine_instruction(SOURCE, SOURCE, INSTRUCTION, refiner="r", runner=runner)
        result = await begun(runner, turns=2)
        turn = await refine_instruction(session_id=result.session_id, turn=2, refiner="r", runner=runner)
        with pytest.raises(SettingsError, match="cannot write prompts"):
            await refine_instruction(SOURCE, SOURCE, INSTRUCTION, refiner="t", runner=runner)
    assert (one.prompt, one.why) == ("better words", "worth 3")
    assert one.thinker.endswith(refiner.identity)
    assert turn.prompt == "better words"
    assert (asked[1].critique.semantic, asked[1].prompt) == (5, "prompt 2")
    assert [past.turn for past in asked[1].history] == [1]
