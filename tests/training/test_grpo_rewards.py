"""The reward functions as TRL calls them, and that a fault of editor or judge touches no other sample."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thinkedit.adapters.base import EditRequest, JudgeRequest
from thinkedit.adapters.behaviour import Fault
from thinkedit.adapters.editors.scripted import ScriptedEditor
from thinkedit.adapters.judges.scripted import ScriptedJudge, drawn
from thinkedit.adapters.models import Models
from thinkedit.errors import EditorFailed
from thinkedit.images import Picture
from thinkedit.training.edit_feedback import EditFeedback, FeedbackConfig
from thinkedit.training.grpo_rewards import make_reward_functions, text_of
from thinkedit.training.next_step import Kind
from thinkedit.training.rewards import RewardConfig, Scores, components

PAPER = RewardConfig()


def said(semantic: float = 4, quality: float = 6, prompt: str = "make it red") -> str:
    told = f'{{"semantic": {semantic}, "quality": {quality}}}'
    return f"<think>so</think><score>{told}</score><answer>{prompt}</answer>"


@contextmanager
def opened(editor: Any = None, judge: Any = None, **config: Any) -> Iterator[EditFeedback]:
    models = Models(editors={"e": editor or ScriptedEditor()}, judges={"j": judge or ScriptedJudge()})
    with EditFeedback("e", "j", FeedbackConfig(**{"seed": 0} | config), models=models) as feedback:
        yield feedback


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("pictures")
    paths = []
    for number in range(16):
        pixels = np.full((8, 8, 3), 10 * number, np.uint8)
        paths.append(folder / f"{number}.png")
        paths[-1].write_bytes(Picture.from_pixels(pixels).data)
    return [str(path) for path in paths]


def batch(texts: list[str], pictures: list[str], **columns: Any) -> dict[str, Any]:
    """What TRL hands over: a list for each column, and its own words beside them."""
    count = len(texts)
    rows = {
        "source": [pictures[place % len(pictures)] for place in range(count)],
        "edited": [pictures[(place + 1) % len(pictures)] for place in range(count)],
        "instruction": ["make it red"] * count,
        "previous_prompt": ["red"] * count,
        "semantic": [4.0] * count,
        "quality": [6.0] * count,
    }
    trl = {
        "prompts": [[{"role": "user", "content": "?"}]] * count,
        "completions": [[{"role": "assistant", "content": text}] for text in texts],
        "completion_ids": [[1, 2]] * count,
        "images": [[None, None]] * count,
        "trainer_state": None,
    }
    return {**trl, **rows, **columns}


def called(config: RewardConfig, feedback: EditFeedback, given: dict[str, Any]) -> list[list[float | None]]:
    functions, _ = make_reward_functions(config, feedback)
    return [function(**given) for function in functions]


def test_there_is_a_function_and_a_weight_for_each_component(pictures: list[str]) -> None:
    with opened() as feedback:
        functions, weights = make_reward_functions(PAPER, feedback)
        assert [function.__name__ for function in functions] == ["format", "critic", "edit"]
        assert weights == [0.2, 0.3, 0.5]
        given = batch([said(), said(6, 6), "nothing", said(9, 8)], pictures)
        format_, critic, edit = (function(**given) for function in functions)
        request = EditRequest(Picture.from_bytes(Path(pictures[0]).read_bytes()), "make it red")
    assert format_ == [1, 1, 0, 1]
    assert critic == pytest.approx([0, -0.1, -1, -0.35])
    made = ScriptedEditor()
    judged = drawn(JudgeRequest(request.source, _edited(made, request), "make it red"))
    assert judged.overall is not None
    assert edit[0] == pytest.approx((judged.overall - 24**0.5) / 10)
    assert edit[2:] == [-1, 0]  # not to be read, and satisfied: the image stays


def _edited(editor: ScriptedEditor, request: EditRequest) -> Picture:
    import anyio

    [item] = anyio.run(editor.edit, [request])
    assert not isinstance(item, Exception)
    return item.picture


def test_a_batch_is_tried_once_and_the_next_one_anew(pictures: list[str]) -> None:
    logged: list[tuple[str, float]] = []
    columns: list[tuple[str, list[str]]] = []
    with opened() as feedback:
        functions, _ = make_reward_functions(PAPER, feedback)
        for _ in range(2):
            given = batch([said(), "nothing", said(8, 8), said(prompt="red")], pictures)
            given |= {"log_metric": lambda *pair: logged.append(pair)}
            given |= {"log_extra": lambda *pair: columns.append(pair)}
            for function in functions:
                function(**given)
        assert feedback.counts == {Kind.JUDGED: 4, Kind.UNREAD: 2, Kind.SATISFIED: 2}
    once = dict(logged[: len(logged) // 2])
    assert len(logged) == 2 * len(once)
    shares = {
        name.removeprefix("feedback/"): value for name, value in once.items() if name != "feedback/gain"
    }
    assert set(shares) == {kind.value for kind in Kind}
    assert sum(shares.values()) == 1
    assert (shares["judged"], shares["unread"], shares["satisfied"]) == (0.5, 0.25, 0.25)
    assert -10 <= once["feedback/gain"] <= 10
    assert columns == [("outcome", ["judged", "unread", "satisfied", "judged"])] * 2


def test_nothing_that_a_row_lacks_raises(pictures: list[str]) -> None:
    nobody = ScriptedJudge(faults=lambda *_: EditorFailed("down"))
    gone = [*pictures[:1], "/no/such/picture.png", *pictures[2:]]
    with opened() as feedback:
        whole = called(PAPER, feedback, batch([said()] * 4, pictures))
        none = called(PAPER, feedback, batch([said()] * 4, pictures, source=gone[:4], seed=[None] * 4))
        assert feedback.counts[Kind.NO_SOURCE] == 1
    assert none[2] == [whole[2][0], 0.0, *whole[2][2:]]  # what stands behind it keeps its own
    assert none[:2] == whole[:2]
    with opened(judge=nobody) as feedback:
        texts = [said(), "nothing", said(9, 9), said()]
        unknown = batch(texts, pictures, semantic=[None, None, None, 4.0], edited=gone[:4])
        made = called(PAPER, feedback, unknown)
    assert made == [[1, 0, 1, 1], [None, None, None, 0], [0, -1, 0, 0]]


def test_neutral_is_not_unchanged(pictures: list[str]) -> None:
    """An answer that ends the loop keeps what is there; one that failed gets what the configuration says."""
    config = RewardConfig(neutral_edit=-0.25)
    with opened(ScriptedEditor(faults=lambda *_: EditorFailed("down"))) as feedback:
        assert called(config, feedback, batch([said(), said(9, 9)], pictures))[2] == [-0.25, 0.0]


def test_the_seed_of_a_row_and_the_threshold_are_passed_on(pictures: list[str]) -> None:
    seeds = []

    def note(request: EditRequest) -> Picture:
        seeds.append((request.seed, request.prompt))
        return request.source

    with opened(ScriptedEditor(picture=note), edits_at_once=1) as feedback:
        functions, _ = make_reward_functions(PAPER, feedback, threshold=9)
        texts = [said(8, 8, "a"), said(9, 9, "b"), said(prompt="red")]
        functions[0](**batch(texts, pictures, seed=[5, 6, 7]))
    assert sorted(seeds) == [(5, "a"), (8, "red")]  # a prompt that is repeated gets the next seed


def test_the_published_mix_comes_out_of_the_functions_and_weights(pictures: list[str]) -> None:
    config = RewardConfig(preset="code-compat")
    hang = ScriptedEditor(faults=lambda _, request: "hang" if request.prompt == "no" else None)
    texts = [said(4, 9, "go"), said(4, 9, "no"), "nothing", said(9, 9, "black and / or white")]
    with opened(hang, edit_timeout=0.1) as feedback:
        functions, weights = make_reward_functions(config, feedback)
        given = batch(texts, pictures)
        columns = [function(**given) for function in functions]
        assert feedback.counts == {Kind.JUDGED: 2, Kind.EDIT_LATE: 1, Kind.UNREAD: 1}
    totals = [
        sum(w * (c or 0) for w, c in zip(weights, row, strict=True)) for row in zip(*columns, strict=True)
    ]
    a = (10 - 4.5) / 10
    assert totals[1] == pytest.approx(0.5 + 0.5 * (0.2 * a + 0.4))
    assert totals[2] == pytest.approx(0.2)
    source = Picture.from_bytes(Path(pictures[3]).read_bytes())
    image = _edited(ScriptedEditor(), EditRequest(source, "black and/or white"))
    semantic = drawn(JudgeRequest(source, image, "make it red")).semantic
    assert semantic is not None
    assert totals[3] == pytest.approx(0.5 + 0.5 * ((semantic - 4) / 10 + 1) / 2)


def _faulty(_: int, request: EditRequest) -> Fault | None:
    """By the request alone: 30 % fail however often they are tried, and 5 % hang."""
    told = f"{request.source.sha256} {request.prompt}"
    drawn_by_lot = int.from_bytes(hashlib.sha256(told.encode()).digest()[:2], "big") / 2**16
    return "hang" if drawn_by_lot < 0.05 else EditorFailed("out of memory") if drawn_by_lot < 0.35 else None


def test_faults_are_counted_and_the_other_samples_are_as_in_a_run_without(pictures: list[str]) -> None:
    """8 answers to each of 16 prompts, an editor that fails 30 % and hangs on 5 %, in several batches."""
    texts = [said(number % 10, 6, f"make it red, try {number}") for number in range(128)]
    # One for each generation, as TRL lays them out: the answers to a prompt stand together.
    sources = [pictures[number // 8] for number in range(128)]
    given = batch(texts, pictures, source=sources)
    with opened() as feedback:
        without = called(PAPER, feedback, given)
        assert set(feedback.counts) == {Kind.JUDGED}
    with opened(ScriptedEditor(faults=_faulty), edit_timeout=1.5, edits_at_once=16, retries=1) as feedback:
        functions, _ = make_reward_functions(PAPER, feedback)
        first = [function(**given) for function in functions]
        later = {**given, "completions": list(given["completions"])}
        again = [function(**later) for function in functions]
        counts, calls = feedback.counts, feedback.calls
    assert first == again
    fates = [
        _faulty(0, EditRequest(_loaded(sources[place]), f"make it red, try {place}")) for place in range(128)
    ]
    failed = {place for place, fate in enumerate(fates) if fate is not None}
    hung = sum(fate == "hang" for fate in fates)
    assert 2 <= hung <= 12
    assert 28 <= len(failed) <= 60
    assert counts == {
        Kind.EDIT_FAILED: 2 * (len(failed) - hung),
        Kind.EDIT_LATE: 2 * hung,
        Kind.JUDGED: 2 * (128 - len(failed)),
    }
    assert calls["reused"] == 128 - len(failed)
    assert calls["edits"] == 128 - len(failed) + 2 * hung + 4 * (len(failed) - hung)
    assert first[:2] == without[:2]
    for place in range(128):
        assert first[2][place] == (0.0 if place in failed else without[2][place])
    # And they are what the definition says, of each sample by itself.
    for place in set(range(128)) - failed:
        after = drawn(JudgeRequest(_loaded(sources[place]), _made(sources[place], place), "make it red"))
        assert after.semantic is not None
        assert after.quality is not None
        wanted = components(texts[place], Scores(4, 6), Scores(after.semantic, after.quality), PAPER)
        assert first[2][place] == wanted.edit


def _loaded(path: str) -> Picture:
    return Picture.from_bytes(Path(path).read_bytes())


def _made(path: str, place: int) -> Picture:
    return _edited(ScriptedEditor(), EditRequest(_loaded(path), f"make it red, try {place}"))


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        ("plain", "plain"),
        ([{"role": "assistant", "content": "said"}], "said"),
        (
            [
                {
                    "role": "assistant",
                    "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                }
            ],
            "ab",
        ),
        ([{"role": "assistant", "content": None}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_completions_come_in_several_forms(completion: Any, text: str) -> None:
    assert text_of(completion) == text
