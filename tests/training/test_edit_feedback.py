"""From answers to edited images and scores: order, slots, time, faults, the cache and the loop of its own."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from thinkedit.adapters.base import EditedImage, EditRequest, JudgeRequest, Progress
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge
from thinkedit.adapters.models import Models
from thinkedit.errors import (
    AnswerError,
    EditError,
    EditorFailed,
    EditRefused,
    InputError,
    SettingsError,
    ThinkerFailed,
    UnsupportedEdit,
)
from thinkedit.images import Picture
from thinkedit.training.edit_feedback import Attempt, EditFeedback, FeedbackConfig, Outcome
from thinkedit.training.next_step import Kind, Step
from thinkedit.training.rewards import Scores
from thinkedit.types import CritiqueState, Judgement

SOURCE = Picture.from_pixels(np.full((8, 8, 3), 90, np.uint8))
OTHER = Picture.from_pixels(np.full((8, 8, 3), 91, np.uint8))
BEFORE = Scores(4, 6)


def attempt(prompt: str = "make it red", **changes: Any) -> Attempt:
    given: dict[str, Any] = {"source": SOURCE, "instruction": "red", "before": BEFORE, **changes}
    return Attempt(step=given.pop("step", Step(None, prompt)), **given)


@contextmanager
def opened(
    editor: Any = None, judge: Any = None, cache: Path | None = None, **config: Any
) -> Iterator[EditFeedback]:
    models = Models(editors={"e": editor or ScriptedEditor()}, judges={"j": judge or ScriptedJudge()})
    with EditFeedback(
        "e", "j", FeedbackConfig(**{"seed": 0} | config), models=models, cache=cache
    ) as feedback:
        yield feedback


class Waiting:
    """An editor whose edits wait for what a test says; `identity` as the scripted one's."""

    identity = "waiting"

    def __init__(self, wait: Callable[[EditRequest], Any]) -> None:
        self.wait = wait

    async def edit(
        self, requests: Sequence[EditRequest], progress: Progress | None = None
    ) -> list[EditedImage | EditError]:
        await self.wait(requests[0])
        return await ScriptedEditor().edit(requests)


def test_outcomes_come_in_the_order_of_the_batch() -> None:
    """The edits end in the opposite order: each waits for the one behind it."""
    ended = [anyio.Event() for _ in range(5)]
    order: list[int] = []

    async def wait(request: EditRequest) -> None:
        place = int(request.prompt)
        if place + 1 < len(ended):
            await ended[place + 1].wait()
        order.append(place)
        ended[place].set()

    with opened(Waiting(wait)) as feedback:
        outcomes = feedback.run([attempt(str(place)) for place in range(5)])
    assert order == [4, 3, 2, 1, 0]
    assert [outcome.prompt for outcome in outcomes] == list("01234")
    pictures = [outcome.image for outcome in outcomes]
    with opened() as feedback:
        assert [o.image for o in feedback.run([attempt(str(place)) for place in range(5)])] == pictures


def test_an_image_is_judged_while_others_are_still_made() -> None:
    judged = anyio.Event()

    async def wait(request: EditRequest) -> None:
        if request.prompt == "slow":
            await judged.wait()

    def scores(request: JudgeRequest) -> Judgement:
        judged.set()
        return Judgement(semantic=9, quality=8)

    with opened(Waiting(wait), ScriptedJudge(scores)) as feedback:
        outcomes = feedback.run([attempt("slow"), attempt("quick")])
    assert [outcome.after for outcome in outcomes] == [Scores(9, 8)] * 2


def test_all_slots_are_used_and_no_more() -> None:
    editor, judge = ScriptedEditor(latency=0.01), ScriptedJudge(latency=0.01)
    with opened(editor, judge, edits_at_once=3, judgements_at_once=2) as feedback:
        feedback.run([attempt(str(number)) for number in range(12)])
        assert feedback.calls == {"edits": 12, "judgements": 12, "reused": 0}
    assert editor.behaviour.peak == 3
    assert judge.behaviour.peak <= 2


def test_time_in_wait_of_a_slot_does_not_count() -> None:
    with opened(ScriptedEditor(latency=0.2), edits_at_once=1, edit_timeout=0.6) as feedback:
        outcomes = feedback.run([attempt(str(number)) for number in range(4)])
    assert [outcome.kind for outcome in outcomes] == [Kind.JUDGED] * 4


def test_an_editor_that_tells_of_progress_is_not_late() -> None:
    with opened(ScriptedEditor(latency=0.9, steps=6), edit_timeout=0.6) as feedback:
        assert [outcome.kind for outcome in feedback.run([attempt()])] == [Kind.JUDGED]


@pytest.mark.parametrize(
    ("editor", "judge", "kind", "error"),
    [
        (
            ScriptedEditor(faults=lambda *_: EditorFailed("out of memory")),
            None,
            "edit_failed",
            "out of memory",
        ),
        (ScriptedEditor(faults=lambda *_: ValueError("odd")), None, "edit_failed", "ValueError: odd"),
        (ScriptedEditor(faults=lambda *_: "hang"), None, "edit_late", "no image within 0.1 s"),
        (ScriptedEditor(faults=lambda *_: UnsupportedEdit("what?")), None, "refused", "what?"),
        (ScriptedEditor(faults=lambda *_: EditRefused("unsafe")), None, "refused", "unsafe"),
        (None, ScriptedJudge(faults=lambda *_: ThinkerFailed("down")), "judge_failed", "down"),
        (None, ScriptedJudge(faults=lambda *_: KeyError("k")), "judge_failed", "KeyError: 'k'"),
        (None, ScriptedJudge(faults=lambda *_: AnswerError("no score")), "judge_unread", "no score"),
        (None, ScriptedJudge(lambda _: Judgement(semantic=3)), "judge_unread", "gave no scores"),
        (
            None,
            ScriptedJudge(lambda _: Judgement(state=CritiqueState.FAILED, error="shut")),
            "judge_unread",
            "shut",
        ),
        (
            None,
            ScriptedJudge(lambda _: Judgement.model_construct(semantic=float("nan"), quality=1.0)),
            "judge_unread",
            "from 0 to 10",
        ),
        (None, ScriptedJudge(faults=lambda *_: "hang"), "judge_late", "no scores within 0.1 s"),
    ],
)
def test_each_failure_has_its_kind(editor: Any, judge: Any, kind: str, error: str) -> None:
    with opened(editor, judge, edit_timeout=0.1, judge_timeout=0.1) as feedback:
        [outcome] = feedback.run([attempt()])
        assert feedback.counts == {Kind(kind): 1}
    assert (outcome.kind, outcome.before, outcome.after) == (Kind(kind), BEFORE, None)
    assert error in outcome.error


class Odd:
    identity = "odd"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def edit(self, requests: Sequence[EditRequest], progress: Progress | None = None) -> Any:
        return self.answer

    async def judge(self, request: JudgeRequest) -> Any:
        return self.answer


@pytest.mark.parametrize("answer", [None, [], [None], "x", [EditedImage(SOURCE), EditedImage(SOURCE)]])
def test_what_a_contract_does_not_allow_is_a_failure(answer: Any) -> None:
    with opened(Odd(answer)) as feedback:
        assert feedback.run([attempt()])[0].kind is Kind.EDIT_FAILED
    with opened(judge=Odd(answer)) as feedback:
        assert feedback.run([attempt()])[0].kind is Kind.JUDGE_UNREAD


def test_what_may_go_through_later_is_tried_again() -> None:
    editor = ScriptedEditor(faults={1: EditorFailed("busy"), 3: EditorFailed("gone", retryable=False)})
    judge = ScriptedJudge(faults={1: AnswerError("what?")})
    with opened(editor, judge, retries=1) as feedback:
        assert feedback.run([attempt("one")])[0].kind is Kind.JUDGED
        assert feedback.run([attempt("two")])[0].kind is Kind.EDIT_FAILED
        assert feedback.calls == {"edits": 3, "judgements": 2, "reused": 0}


def test_what_is_no_edit_costs_no_call() -> None:
    kinds = [Kind.UNREAD, Kind.SATISFIED, Kind.REPEATED, Kind.SKIPPED]
    with opened() as feedback:
        outcomes = feedback.run([attempt(step=Step(kind, "p")) for kind in kinds])
        assert feedback.calls == {"edits": 0, "judgements": 0, "reused": 0}
        assert feedback.run([]) == []
    assert outcomes == [Outcome(kind, "p", BEFORE) for kind in kinds]


def test_a_shown_image_without_a_score_is_judged() -> None:
    judge = ScriptedJudge(
        lambda request: Judgement(semantic=2 if request.edited == OTHER else 7, quality=5),
        faults=lambda _, request: ThinkerFailed("down") if request.source == OTHER else None,  # type: ignore[union-attr]
    )
    with opened(judge=judge) as feedback:
        outcomes = feedback.run(
            [
                attempt("one", before=None, shown=OTHER),
                attempt(step=Step(Kind.UNREAD), before=None, shown=OTHER),
                attempt("two", before=None),
                attempt("three", before=None, shown=OTHER, source=OTHER),
                attempt(step=Step(Kind.SATISFIED), before=None, shown=OTHER, source=OTHER),
                attempt("four", source=Path("/no/such/picture.png")),
            ]
        )
    told = [(outcome.kind, outcome.before, outcome.after) for outcome in outcomes]
    assert told == [
        (Kind.JUDGED, Scores(2, 5), Scores(7, 5)),
        (Kind.UNREAD, Scores(2, 5), None),
        (Kind.NO_BEFORE, None, None),
        (Kind.JUDGE_FAILED, None, None),
        (Kind.SATISFIED, None, None),
        (Kind.NO_SOURCE, BEFORE, None),
    ]


def test_equal_answers_of_a_batch_are_tried_once() -> None:
    with opened() as feedback:
        outcomes = feedback.run([attempt("a"), attempt("b"), attempt("a")])
        assert feedback.calls["edits"] == 2
        assert feedback.counts == {Kind.JUDGED: 3}
    assert outcomes[0] is outcomes[2]
    assert outcomes[0].after != outcomes[1].after or outcomes[0].image != outcomes[1].image


def test_seeds_are_the_rows_own_or_drawn_for_a_source() -> None:
    seeds: list[int] = []

    async def note(request: EditRequest) -> None:
        seeds.append(request.seed)

    with opened(Waiting(note), edits_at_once=1, seed=None) as feedback:
        feedback.run([attempt("a", seed=7), attempt("b"), attempt("c"), attempt("d", instruction="blue")])
        feedback.run([attempt(step=Step(None, "e", later=1))])
    own, one, same, other, later = seeds
    assert own == 7
    assert one == same == later - 1 != other
    assert all(0 <= seed < 2**31 for seed in seeds)


class TestCache:
    def test_the_same_content_is_paid_for_once(self) -> None:
        with opened() as feedback:
            first = feedback.run([attempt()])
            assert feedback.run([attempt()]) == first
            assert feedback.calls == {"edits": 1, "judgements": 1, "reused": 1}
            feedback.run([attempt("other"), attempt(seed=5), attempt(source=OTHER)])
            assert feedback.calls["edits"] == 4
            feedback.run([attempt(instruction="blue")])  # the same image, for another judgement
            assert feedback.calls == {"edits": 4, "judgements": 5, "reused": 1}

    def test_a_failed_judgement_does_not_cost_the_edit_again(self) -> None:
        with opened(judge=ScriptedJudge(faults={1: ThinkerFailed("down")}), retries=0) as feedback:
            assert feedback.run([attempt()])[0].kind is Kind.JUDGE_FAILED
            assert feedback.run([attempt()])[0].kind is Kind.JUDGED
            assert feedback.calls == {"edits": 1, "judgements": 2, "reused": 0}

    def test_another_run_begins_with_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "run" / "feedback.jsonl"
        with opened(cache=path) as feedback:
            first = feedback.run([attempt("a"), attempt("b")])
        with path.open("ab") as file:
            file.write(b'{"edit": "torn')
        with opened(cache=path) as feedback:
            again = feedback.run([attempt("a"), attempt("b"), attempt("c")])
            assert feedback.calls == {"edits": 1, "judgements": 1, "reused": 2}
        assert [outcome.after for outcome in again[:2]] == [outcome.after for outcome in first]
        with opened(ScriptedEditor(size=(4, 4)), cache=path) as feedback:  # another identity
            feedback.run([attempt("a")])
            assert feedback.calls["edits"] == 1

    def test_a_picture_that_is_needed_again_is_made_again(self, tmp_path: Path) -> None:
        path = tmp_path / "feedback.jsonl"
        with opened(cache=path) as feedback:
            feedback.run([attempt()])
        with opened(cache=path) as feedback:
            assert feedback.run([attempt(instruction="blue")])[0].kind is Kind.JUDGED
            assert feedback.calls == {"edits": 1, "judgements": 1, "reused": 0}

    @pytest.mark.parametrize("line", ["[]", '{"key": 1}', '{"judgement": "a", "semantic": "b"}', "{"])
    def test_a_file_of_something_else_is_refused(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "feedback.jsonl"
        path.write_text(line + "\n")
        with pytest.raises(InputError, match="does not hold edits and judgements"), opened(cache=path):
            pass
        assert path.read_text() == line + "\n"


class TestItsOwnLoop:
    def test_models_are_called_in_one_loop_from_wherever_it_is_asked(self) -> None:
        loops = set()

        async def note(request: EditRequest) -> None:
            loops.add((asyncio.get_running_loop(), threading.current_thread()))

        async def asked() -> list[Outcome]:
            return await feedback.arun([attempt("within a loop")])

        with opened(Waiting(note)) as feedback:
            feedback.run([attempt("from a thread without a loop")])
            kinds = [asyncio.run(asked())[0].kind, asyncio.run(asked())[0].kind]
            thread = threading.Thread(target=feedback.run, args=([attempt("from another thread")],))
            thread.start()
            thread.join()
        assert kinds == [Kind.JUDGED] * 2
        assert len(loops) == 1
        assert loops.pop()[1] not in (threading.main_thread(), thread)

    def test_a_cancelled_caller_ends_its_calls(self) -> None:
        started, ended = threading.Event(), threading.Event()

        async def hang(request: EditRequest) -> None:
            started.set()
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        async def cancelled() -> None:
            task = asyncio.create_task(feedback.arun([attempt()]))
            await asyncio.to_thread(started.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        with opened(Waiting(hang)) as feedback:
            asyncio.run(cancelled())
            assert ended.wait(5)
            assert feedback.run([attempt(step=Step(Kind.UNREAD))])[0].kind is Kind.UNREAD

    def test_ctrl_c_in_the_trainers_thread_ends_its_calls(self) -> None:
        ended = threading.Event()
        me = threading.get_ident()

        async def interrupt(request: EditRequest) -> None:
            signal.pthread_kill(me, signal.SIGINT)
            try:
                await anyio.sleep_forever()
            finally:
                ended.set()

        # A shell's background job starts with Ctrl-C ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            with opened(Waiting(interrupt)) as feedback:
                with pytest.raises(KeyboardInterrupt):
                    feedback.run([attempt()])
                assert ended.wait(5)
        finally:
            signal.signal(signal.SIGINT, before)

    def test_closing_ends_what_is_under_way_and_the_models(self) -> None:
        started = threading.Event()
        raised: list[Exception] = []

        async def hang(request: EditRequest) -> None:
            started.set()
            await anyio.sleep_forever()

        def run() -> None:
            try:
                feedback.run([attempt()])
            except SettingsError as error:
                raised.append(error)

        judge = ScriptedJudge()
        with opened(Waiting(hang), judge) as feedback:
            thread = threading.Thread(target=run)
            thread.start()
            assert started.wait(5)
        thread.join(5)
        assert "closed while a batch was under way" in str(raised[0])
        assert judge.closed
        assert "thinkedit-feedback" not in {thread.name for thread in threading.enumerate()}
        feedback.close()
        with pytest.raises(SettingsError, match="not open"):
            feedback.run([attempt()])

    def test_models_that_are_not_there_are_found_before(self) -> None:
        with (
            pytest.raises(SettingsError, match="unknown editor 'nobody'"),
            EditFeedback("nobody", "scripted"),
        ):
            pass
        assert "thinkedit-feedback" not in {thread.name for thread in threading.enumerate()}
        editor, judge = (
            ScriptedEditor(down=EditorFailed("refused")),
            ScriptedJudge(down=ThinkerFailed("no key")),
        )
        with opened(editor) as feedback, pytest.raises(EditorFailed, match="refused"):
            feedback.check()
        with opened(judge=judge) as feedback, pytest.raises(ThinkerFailed, match="no key"):
            feedback.check()
        with EditFeedback("provingground:weak", "provingground") as feedback:
            feedback.check()
            assert feedback.seeded
